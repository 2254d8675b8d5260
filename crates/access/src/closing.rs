//! Closing a resource over what is gone: no reference, part, total or free text of it tells.

use std::collections::BTreeSet;

use fhir::{Kind, NodeId, Ref, Tree};
use record::{Item, SourceId};

use crate::spread::target;

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
    not_shown: BTreeSet<(Kind, String)>,
    sensitive: BTreeSet<(Kind, String)>,
    /// System and value of what is sensitive: some refer by these alone.
    identifiers: BTreeSet<(String, String)>,
    /// What was not asked of a source, or did not come, so that nobody saw whether what is led to is sensitive.
    unseen: BTreeSet<(SourceId, Kind)>,
    /// What came all the same.
    seen: BTreeSet<(Kind, String)>,
}

impl Gone {
    pub fn add(&mut self, item: &Item, role: Role) {
        let key = (item.kind, item.id.clone());
        match role {
            Role::NotShown => _ = self.not_shown.insert(key),
            Role::Sensitive => {
                self.sensitive.insert(key);
                let identifiers = item.tree.root().all("identifier");
                self.identifiers.extend(identifiers.into_iter().filter_map(named));
            }
        }
    }

    /// It is still there.
    pub fn seen(&mut self, item: &Item) {
        self.seen.insert((item.kind, item.id.clone()));
    }

    /// Nothing leads there: nobody saw what it is.
    pub fn unseen(&mut self, unseen: BTreeSet<(SourceId, Kind)>) {
        self.unseen = unseen;
    }

    /// Why what a Reference of this source leads to is gone; none where it is not.
    fn why(&self, node: Ref<'_>, source: &SourceId) -> Option<Role> {
        // A Reference by identifier; an identifier of the resource itself stands in a list.
        let identifier = node.get("identifier").filter(|one| one.is_object()).and_then(named);
        if identifier.is_some_and(|identifier| self.identifiers.contains(&identifier)) {
            return Some(Role::Sensitive);
        }
        if let Some(reference) = node.text("reference") {
            let (kind, id) = target(&reference)?;
            let key = (kind, id.to_owned());
            return match () {
                () if self.sensitive.contains(&key) => Some(Role::Sensitive),
                () if self.not_shown.contains(&key) => Some(Role::NotShown),
                () if self.unseen.contains(&(source.clone(), kind)) && !self.seen.contains(&key) => Some(Role::NotShown),
                () => None,
            };
        }
        // An attachment leads to its Binary by a URL, and a link to whatever it names.
        let url = node.text("url")?;
        let (kind, id) = target(&url)?;
        self.sensitive.contains(&(kind, id.to_owned())).then_some(Role::Sensitive)
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
    let (kind, tree) = (item.kind, &mut item.tree);
    let mut led = Vec::new();
    collect(tree.root(), gone, &item.origin.source, &mut led);
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
        if matches!(kind, Kind::CARE_PLAN | Kind::LIST) {
            tree.remove(root, "title");
        }
        // A reason in words alone may be that of what is gone, in other words.
        let reasons = tree.root().get("reasonCode").filter(|reasons| reasons.is_array());
        let uncoded: Vec<NodeId> =
            reasons.iter().flat_map(|all| all.items()).filter(|one| one.get("coding").is_none()).map(Ref::id).collect();
        uncoded.into_iter().for_each(|reason| detach(tree, reason));
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
fn collect(node: Ref<'_>, gone: &Gone, source: &SourceId, found: &mut Vec<(NodeId, Role)>) {
    if node.is_object()
        && let Some(role) = gone.why(node, source)
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
        node.items().for_each(|child| collect(child, gone, source, found));
    }
}
