//! A count of leaves: what stands at the end of every branch of the input is in the output, or a finding names it.

use std::collections::HashMap;

use fhir::{NodeKind, Ref, Tree};
use record::Finding;

/// Leaves of the input that are neither in the output nor named.
pub(super) fn lost(before: &Tree, after: &Tree, findings: &[Finding]) -> Vec<String> {
    let mut there: HashMap<String, usize> = HashMap::new();
    walk(after.root(), "", &mut |_, leaf| *there.entry(leaf.value().unwrap_or_default().into_owned()).or_default() += 1);
    let root = before.resource_type().unwrap_or_default().into_owned();
    let mut leaves = Vec::new();
    walk(before.root(), &root, &mut |path, leaf| {
        let path = path.replace("._", ".");
        let named = findings.iter().any(|finding| names(&finding.path.replace("._", "."), &path, &root));
        leaves.push((named, path, leaf.value().unwrap_or_default().into_owned(), leaf.key().to_owned()));
    });
    // Of equal values, those that no finding names come first.
    leaves.sort_by_key(|(named, ..)| *named);
    let mut lost = Vec::new();
    for (named, path, value, key) in leaves {
        match there.get_mut(&value) {
            Some(count) if *count > 0 => *count -= 1,
            // FHIR's own systems are respelt without a word, as their codes stay.
            _ if named || (key == "system" && value.starts_with("http://hl7.org/fhir/")) => {}
            _ => lost.push(path),
        }
    }
    lost
}

fn names(finding: &str, leaf: &str, root: &str) -> bool {
    finding != root && leaf.strip_prefix(finding).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn walk(node: Ref<'_>, path: &str, leaf: &mut impl FnMut(&str, Ref<'_>)) {
    match node.kind() {
        NodeKind::Object => {
            for (key, child) in node.entries().filter(|(key, _)| *key != "resourceType") {
                walk(child, &format!("{path}.{key}"), leaf);
            }
        }
        NodeKind::Array => {
            for (place, child) in node.items().enumerate() {
                walk(child, &format!("{path}[{place}]"), leaf);
            }
        }
        NodeKind::Null => {}
        _ => leaf(path, node),
    }
}
