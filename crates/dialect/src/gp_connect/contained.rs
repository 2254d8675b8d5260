//! What stands inside a List: ended allergies, mostly. Each comes out as a resource of its own, so that it is shown, guarded and
//! withheld like any other.

use std::collections::{BTreeMap, BTreeSet};

use fhir::{NodeId, Ref, Tree};

use super::sections::ENDED_ALLERGIES;

/// Ids at least this long are the practice's own; shorter ones only count within the List (and differ on the next read).
const OWN_ID_MIN: usize = 16;

/// Takes out of a List what it contains, and leads every reference to it there.
pub(super) fn bring_out(list: &mut Tree) -> Vec<Tree> {
    let inside: Vec<Ref<'_>> = list.root().all("contained").into_iter().filter(|one| one.is_object()).collect();
    if inside.is_empty() {
        return Vec::new();
    }
    let (mut out, mut ways) = (Vec::new(), BTreeMap::new());
    for one in inside {
        let mut tree = one.to_tree();
        let kind = tree.resource_type().unwrap_or_default().into_owned();
        let id = own_id(list.root(), one);
        if let Some(old) = one.text("id") {
            ways.insert(format!("#{old}"), format!("{kind}/{id}"));
        }
        let root = tree.root().id();
        tree.set_string(root, "id", &id);
        inherit_labels(list.root(), &mut tree);
        out.push(tree);
    }
    let root = list.root().id();
    list.remove(root, "contained");
    lead(list, &ways);
    out.iter_mut().for_each(|tree| lead(tree, &ways));
    out
}

/// An id that is the same on the next read, as far as the practice gives one.
fn own_id(list: Ref<'_>, one: Ref<'_>) -> String {
    let id = one.text("id").unwrap_or_default();
    if id.len() >= OWN_ID_MIN {
        return id.into_owned();
    }
    match one.text("identifier.value") {
        Some(value) => value.into_owned(),
        None => format!("{}.{id}", list.text("id").unwrap_or_default()),
    }
}

/// What labels the List labels what stood in it.
fn inherit_labels(list: Ref<'_>, tree: &mut Tree) {
    let labels = list.all("meta.security");
    let root = tree.root().id();
    if labels.is_empty() {
        return;
    }
    let Some(meta) = tree.object_at(root, "meta") else { return };
    let Some(security) = tree.array_at(meta, "security") else { return };
    for label in labels {
        let label = tree.copy(label);
        tree.push(security, label);
    }
}

fn lead(tree: &mut Tree, ways: &BTreeMap<String, String>) {
    let mut found = Vec::new();
    references(tree.root(), &mut |node, text| {
        if let Some(to) = ways.get(text) {
            found.push((node, to.clone()));
        }
    });
    for (node, to) in found {
        tree.set_text(node, &to);
    }
}

/// Every `reference` below a node.
pub(super) fn references(node: Ref<'_>, each: &mut dyn FnMut(NodeId, &str)) {
    if node.is_primitive() {
        return;
    }
    for child in node.items() {
        match child.value() {
            Some(text) if child.key() == "reference" && child.is_string() => each(child.id(), &text),
            _ => references(child, each),
        }
    }
}

/// Allergies that stand in the List of ended ones and in no other, as references.
pub(super) fn ended<'a>(lists: impl Iterator<Item = &'a Tree>) -> BTreeSet<String> {
    let (mut ended, mut active) = (BTreeSet::new(), BTreeSet::new());
    for list in lists {
        let root = list.root();
        let over = root.all("code.coding").iter().any(|coding| coding.is("code", ENDED_ALLERGIES));
        let items = root.all("entry.item.reference").into_iter().filter_map(|item| item.value().map(|item| item.into_owned()));
        items.filter(|item| item.starts_with("AllergyIntolerance/")).for_each(|item| {
            _ = if over { ended.insert(item) } else { active.insert(item) };
        });
    }
    ended.difference(&active).cloned().collect()
}

/// Whatever it says itself, an ended allergy is not active. True if that had to be said.
pub(super) fn end(allergy: &mut Tree) -> bool {
    let root = allergy.root();
    if root.is("clinicalStatus", "resolved") || root.is("verificationStatus", "entered-in-error") {
        return false;
    }
    let root = root.id();
    allergy.set_string(root, "clinicalStatus", "resolved");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(json: &str) -> Tree {
        Tree::from_json(json.to_owned().into()).unwrap()
    }

    #[test]
    fn what_stands_in_a_list_comes_out_with_its_labels_and_leaves_its_place() {
        let mut list = tree(
            r##"{"resourceType":"List","id":"l","meta":{"security":[{"code":"R"}]},
                "code":{"coding":[{"code":"1103671000000101"}]},
                "contained":[
                  {"resourceType":"AllergyIntolerance","id":"1","identifier":[{"value":"AB-1"}],"recorder":{"reference":"#p"}},
                  {"resourceType":"AllergyIntolerance","id":"6b1c2d3e-0000-4000-8000-000000000001","clinicalStatus":"resolved"},
                  {"resourceType":"Practitioner","id":"p"}],
                "entry":[{"item":{"reference":"#1"}},{"item":{"reference":"#6b1c2d3e-0000-4000-8000-000000000001"}}]}"##,
        );
        let mut out = bring_out(&mut list);
        let ids: Vec<String> = out.iter().map(|one| one.root().text("id").unwrap().into_owned()).collect();
        assert_eq!(ids, ["AB-1", "6b1c2d3e-0000-4000-8000-000000000001", "l.p"]);
        assert!(out.iter().all(|one| one.root().is("meta.security.code", "R")));
        assert!(out[0].root().is("recorder.reference", "Practitioner/l.p"));
        assert!(list.root().get("contained").is_none());
        let ended = ended([&list].into_iter());
        assert_eq!(
            ended.into_iter().collect::<Vec<_>>(),
            ["AllergyIntolerance/6b1c2d3e-0000-4000-8000-000000000001", "AllergyIntolerance/AB-1"]
        );
        assert!(end(&mut out[0]) && !end(&mut out[1]));
        assert!(out[0].root().is("clinicalStatus", "resolved"));
    }

    #[test]
    fn what_another_list_calls_active_is_left_as_it_is() {
        let list = |code: &str| {
            tree(&format!(
                r#"{{"resourceType":"List","code":{{"coding":[{{"code":"{code}"}}]}},"entry":[{{"item":{{"reference":"AllergyIntolerance/1"}}}}]}}"#
            ))
        };
        let lists = [list("1103671000000101"), list("886921000000105")];
        assert!(ended(lists.iter()).is_empty());
        assert_eq!(ended(lists[..1].iter()).len(), 1);
    }
}
