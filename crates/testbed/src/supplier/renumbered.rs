//! The same things under other ids: after a repository was built again, or one Patient was combined into another.

use super::shelf::Kept;
use crate::fault::Fault;
use std::sync::Arc;

/// Before an id that leads nowhere any more.
pub(super) const GONE: &str = "gone-";
const REBUILT: &str = "b2-";
const COMBINED: &str = "c-";

/// The id of the Patient that another one was combined into.
pub(super) fn combined(id: &str) -> String {
    format!("{COMBINED}{id}")
}

/// What a question is about, in the ids that things had before.
pub(super) fn asked(faults: &[Fault], path: &str, params: Vec<(String, String)>) -> (String, Vec<(String, String)>) {
    let Some(fault) = faults.iter().find(|fault| matches!(fault, Fault::Combined | Fault::Rebuilt)) else {
        return (path.to_owned(), params);
    };
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if let [kind, id, ..] = parts.as_mut_slice() {
        *id = before(fault, kind, id);
    }
    let params = params.into_iter().map(|(name, value)| match name.as_str() {
        "patient" | "subject" => {
            let id = value.rsplit('/').next().unwrap_or_default();
            let id = before(fault, "Patient", id);
            (name, id)
        }
        "_id" => {
            let id = before(fault, &parts[0], &value);
            (name, id)
        }
        _ => (name, value),
    });
    let params = params.collect();
    (parts.join("/"), params)
}

/// A resource as it is now.
pub(crate) fn told(fault: &Fault, kept: &Kept) -> Arc<Kept> {
    let mut node = kept.node.clone();
    node.set("id", now(fault, &kept.kind, &kept.id));
    node.change_objects(&mut |object| {
        for name in ["reference", "url"] {
            let Some(to) = object.text_at(name).and_then(|at| lead(fault, at)) else { continue };
            object.set(name, to);
        }
    });
    Arc::new(Kept::new(node))
}

/// Where a local reference, or the address of an attachment, leads now.
fn lead(fault: &Fault, at: &str) -> Option<String> {
    let (before, id) = at.rsplit_once('/')?;
    let kind = before.rsplit('/').next()?;
    let local = before == kind || kind == "Binary";
    (local && kind.starts_with(|first: char| first.is_ascii_uppercase())).then(|| format!("{before}/{}", now(fault, kind, id)))
}

fn now(fault: &Fault, kind: &str, id: &str) -> String {
    match fault {
        Fault::Combined if kind == "Patient" => combined(id),
        Fault::Rebuilt => format!("{REBUILT}{id}"),
        _ => id.to_owned(),
    }
}

fn before(fault: &Fault, kind: &str, id: &str) -> String {
    let prefix = match fault {
        Fault::Combined if kind == "Patient" => COMBINED,
        Fault::Rebuilt => REBUILT,
        _ => return id.to_owned(),
    };
    id.strip_prefix(prefix).map_or_else(|| format!("{GONE}{id}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Node;

    fn references(node: &Node) -> Vec<String> {
        let mut found = Vec::new();
        node.each_object(&mut |object| found.extend(object.text_at("reference").map(str::to_owned)));
        found
    }

    #[test]
    fn a_rebuild_renames_everything_and_a_combination_one_patient() {
        let node = r##"{"resourceType":"Condition","id":"2","subject":{"reference":"Patient/1"},"recorder":{"reference":"#a"}}"##;
        let kept = Kept::new(Node::parse(node).expect("JSON"));
        let check = |fault: Fault, id: &str, expected: [&str; 2], path: &str, before: &str| {
            let told = told(&fault, &kept);
            assert_eq!((told.id.as_str(), references(&told.node)), (id, expected.map(str::to_owned).to_vec()));
            assert_eq!(asked(&[fault], path, Vec::new()).0, before);
        };
        check(Fault::Rebuilt, "b2-2", ["Patient/b2-1", "#a"], "Condition/b2-2", "Condition/2");
        check(Fault::Rebuilt, "b2-2", ["Patient/b2-1", "#a"], "Condition/2", "Condition/gone-2");
        check(Fault::Combined, "2", ["Patient/c-1", "#a"], "Condition/2", "Condition/2");
        check(Fault::Combined, "2", ["Patient/c-1", "#a"], "Patient/1", "Patient/gone-1");
    }
}
