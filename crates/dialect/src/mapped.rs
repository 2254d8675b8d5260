//! Codes that the operator's terminologies add: marked, beside what the source sent, and never in its place.

use fhir::{NodeId, Ref, Tree};
use record::{Finding, FindingCode, Item};
use terms::{How, SNOMED_CT, Space, Terminology};

/// Marks a coding that nobody sent, with the way by which it was found.
const MARK: &str = "urn:severn:mapped";

/// What is to be added to one list of codings.
struct Addition {
    codings: NodeId,
    path: String,
    concept: u64,
    how: How,
}

/// Adds to every concept of an item the codes that its own lead to.
pub(crate) fn add(item: &mut Item, terms: &Terminology) {
    let mut additions = Vec::new();
    look(item.tree.root(), terms, &mut additions);
    for Addition { codings, path, concept, how } in additions {
        let coding = coding(&mut item.tree, concept, how, terms.name(concept));
        item.tree.push(codings, coding);
        let path = format!("{}.{path}", item.origin.kind);
        let detail = format!("a SNOMED CT code was added beside what the source sent ({})", how.code());
        item.findings.push(Finding { code: FindingCode::MappedCode, path, detail });
    }
}

fn look(node: Ref<'_>, terms: &Terminology, additions: &mut Vec<Addition>) {
    for (key, child) in node.entries() {
        if key == "coding" && child.is_array() {
            of_concept(child, terms, additions);
        } else if child.is_array() {
            child.items().filter(|item| item.is_object()).for_each(|item| look(item, terms, additions));
        } else if child.is_object() {
            look(child, terms, additions);
        }
    }
}

fn of_concept(codings: Ref<'_>, terms: &Terminology, additions: &mut Vec<Addition>) {
    let there: Vec<_> = codings.items().filter_map(|coding| Some((coding.text("system")?, coding.text("code")?))).collect();
    let mut found: Vec<(u64, How)> = Vec::new();
    for (system, code) in &there {
        let Some(canonical) = terms.canonical(terms::space(system), code).filter(|canonical| canonical.how != How::Same) else { continue };
        let said = there
            .iter()
            .any(|(system, code)| terms::space(system) == Space::Sctid && code.parse().is_ok_and(|code: u64| code == canonical.concept));
        if !said && !found.iter().any(|(concept, _)| *concept == canonical.concept) {
            found.push((canonical.concept, canonical.how));
        }
    }
    let path = |concept: &u64, how: &How| Addition { codings: codings.id(), path: codings.path(), concept: *concept, how: *how };
    additions.extend(found.iter().map(|(concept, how)| path(concept, how)));
}

fn coding(tree: &mut Tree, concept: u64, how: How, name: Option<&str>) -> NodeId {
    let mark = tree.new_object();
    tree.set_string(mark, "url", MARK);
    tree.set_string(mark, "valueCode", how.code());
    let extensions = tree.new_array();
    tree.push(extensions, mark);
    let coding = tree.new_object();
    tree.set(coding, "extension", extensions);
    tree.set_string(coding, "system", SNOMED_CT);
    tree.set_string(coding, "code", &concept.to_string());
    if let Some(name) = name {
        tree.set_string(coding, "display", name);
    }
    let chosen = tree.new_bool(false);
    tree.set(coding, "userSelected", chosen);
    coding
}
