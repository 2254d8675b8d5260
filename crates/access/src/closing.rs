//! Closing a resource over what is gone: no reference, part, total or free text of it tells.

use std::collections::BTreeSet;

use fhir::{Kind, NodeId, Ref, Tree};
use record::Item;

/// Why something is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The reader is shown nothing of its kind.
    NotShown,
    /// It is sensitive.
    Sensitive,
}

/// What is gone from a record: by what others lead to it.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    not_shown: BTreeSet<String>,
    sensitive: BTreeSet<String>,
    /// System and value of what is sensitive: some refer by these alone.
    identifiers: BTreeSet<(String, String)>,
    /// Kinds that were not asked for, so that nobody saw whether what is led to is sensitive.
    unseen: Vec<Kind>,
}

impl Gone {
    pub fn add(&mut self, item: &Item, role: Role) {
        let key = format!("{}/{}", item.kind, item.id);
        match role {
            Role::NotShown => _ = self.not_shown.insert(key),
            Role::Sensitive => {
                self.sensitive.insert(key);
                let identifiers = item.tree.root().all("identifier");
                self.identifiers.extend(identifiers.into_iter().filter_map(named));
            }
        }
    }

    /// Nothing leads to these kinds: nobody saw what is there.
    pub fn unseen(&mut self, kinds: Vec<Kind>) {
        self.unseen = kinds;
    }

    fn is_empty(&self) -> bool {
        self.not_shown.is_empty() && self.sensitive.is_empty() && self.unseen.is_empty()
    }

    /// Why what a Reference leads to is gone; none where it is not.
    fn why(&self, node: Ref<'_>) -> Option<Role> {
        match node.text("reference") {
            Some(reference) if self.sensitive.contains(reference.as_ref()) => Some(Role::Sensitive),
            Some(reference) if self.not_shown.contains(reference.as_ref()) => Some(Role::NotShown),
            Some(reference) => {
                let kind = reference.split_once('/').and_then(|(kind, _)| Kind::parse(kind))?;
                self.unseen.contains(&kind).then_some(Role::NotShown)
            }
            // A Reference by identifier; an identifier of the resource itself stands in a list.
            None => {
                let identifier = node.get("identifier").filter(|one| one.is_object())?;
                self.identifiers.contains(&named(identifier)?).then_some(Role::Sensitive)
            }
        }
    }
}

fn named(identifier: Ref<'_>) -> Option<(String, String)> {
    let value = identifier.text("value").filter(|value| !value.is_empty())?;
    Some((identifier.text("system").unwrap_or_default().into_owned(), value.into_owned()))
}

/// Words of a resource that anything may stand in.
const WORDS: &[&str] = &[
    "comment",
    "conclusion",
    "conclusionCode",
    "description",
    "detail",
    "note",
    "patientInstruction",
    "payload",
    "presentedForm",
    "summary",
    "text",
];
/// That some of a resource is not shown, in FHIR's own word.
const REDACTED: (&str, &str) = ("http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "REDACTED");

/// Takes out of an item what refers to what is gone, and these parts of its own, with all in it that would tell of them. Whether it lost
/// any of its own content: then it says so.
pub(crate) fn close(item: &mut Item, gone: &Gone, mut parts: Vec<NodeId>) -> bool {
    if parts.is_empty() && gone.is_empty() {
        return false;
    }
    let (kind, tree) = (item.kind, &mut item.tree);
    let mut led = Vec::new();
    collect(tree.root(), gone, &mut led);
    if led.is_empty() && parts.is_empty() {
        return false;
    }
    // A list that lost an entry is not the list that its source gave.
    let mut redacted = !parts.is_empty() || kind == Kind::LIST;
    let sensitive = !parts.is_empty() || led.iter().any(|(_, role)| *role == Role::Sensitive);
    let summed = |node: Ref<'_>| matches!(top(node), "component" | "derivedFrom" | "hasMember");
    let total = kind == Kind::OBSERVATION && parts.iter().chain(led.iter().map(|(node, _)| node)).any(|node| summed(tree.node(*node)));
    parts.extend(led.iter().map(|(node, _)| *node));
    for node in parts {
        detach(tree, node);
    }
    let root = tree.root().id();
    tree.remove(root, "text");
    if sensitive {
        WORDS.iter().for_each(|key| _ = tree.remove(root, key));
        if kind == Kind::CARE_PLAN {
            tree.remove(root, "title");
        }
        // Where something was odd in what is gone, that would tell of it.
        item.findings.clear();
    }
    if total && sensitive {
        // What sums the parts up tells what the missing one was.
        redacted = true;
        let keys = tree.root().entries().map(|(key, _)| key.to_owned()).filter(|key| key.starts_with("value") || key == "interpretation");
        for key in keys.collect::<Vec<_>>() {
            tree.remove(root, &key);
        }
    }
    if redacted
        && let Some(meta) = tree.object_at(root, "meta")
        && let Some(security) = tree.array_at(meta, "security")
    {
        tree.push_coding(security, REDACTED.0, REDACTED.1);
    }
    redacted
}

/// Whether an item lost some of its own content.
pub fn is_redacted(item: &Item) -> bool {
    item.tree.root().all("meta.security").into_iter().any(|label| label.is("system", REDACTED.0) && label.is("code", REDACTED.1))
}

/// Detaches a node, and the list that it leaves empty: FHIR knows no empty lists.
fn detach(tree: &mut Tree, node: NodeId) {
    let list = tree.node(node).parent().filter(|parent| parent.is_array()).map(Ref::id);
    tree.detach(node);
    if let Some(list) = list.filter(|list| tree.node(*list).is_empty()) {
        tree.detach(list);
    }
}

/// The element of the resource that a node stands in.
fn top(node: Ref<'_>) -> &str {
    let mut at = node;
    while let Some(parent) = at.parent() {
        if parent.parent().is_none() {
            return at.key();
        }
        at = parent;
    }
    ""
}

/// Nodes to take out: a list's whole item where the reference stands in one, else the element.
fn collect(node: Ref<'_>, gone: &Gone, found: &mut Vec<(NodeId, Role)>) {
    if node.is_object()
        && let Some(role) = gone.why(node)
    {
        let mut at = node;
        while let Some(parent) = at.parent() {
            if parent.is_array() || parent.parent().is_none() {
                break;
            }
            at = parent;
        }
        found.push((at.id(), role));
        return;
    }
    if !node.is_primitive() {
        node.items().for_each(|child| collect(child, gone, found));
    }
}
