//! The one walk over a resource: finds everything that must change before it may leave.

use std::borrow::Cow;
use std::sync::LazyLock;

use fhir::{NodeId, NodeKind, Ref, Tree, Version, tables};
use record::NHS_NUMBER_SYSTEM;
use rustc_hash::FxHashSet;

use crate::hosts::Hosts;

/// Spellings of the NHS number's system that are in use, beside the right one.
const NHS_NUMBER_SPELLINGS: &[&str] = &[
    "2.16.840.1.113883.2.1.4.1",
    "http://fhir.nhs.net/Id/nhs-number",
    "http://fhir.nhs.uk/Id/nhs-number",
    "https://fhir.nhs.net/Id/nhs-number",
    "https://fhir.nhs.uk/id/nhs-number",
    "urn:oid:2.16.840.1.113883.2.1.4.1",
];

/// Names of elements that hold an Attachment somewhere in R4, and those of older versions.
static ATTACHMENTS: LazyLock<FxHashSet<&'static [u8]>> = LazyLock::new(|| {
    let types = fhir::Kind::all().map(|kind| kind.name()).filter_map(|name| tables::of(Version::R4).type_of(name));
    let older = ["attachment", "contentAttachment", "presentedForm", "valueAttachment"];
    let mut names: FxHashSet<&'static [u8]> = older.into_iter().map(str::as_bytes).collect();
    let mut waiting: Vec<_> = types.collect();
    let mut seen: FxHashSet<&'static str> = FxHashSet::default();
    while let Some(one) = waiting.pop() {
        for element in one.elements {
            if element.type_name == "Attachment" {
                names.insert(element.name.as_bytes());
            } else if element.type_name.contains('.') && seen.insert(element.type_name) {
                waiting.extend(tables::of(Version::R4).type_of(element.type_name));
            }
        }
    }
    names
});

/// What to look for beside the shape.
pub(crate) struct Watch<'a> {
    /// Host names that must not leave, where any might stand in the resource.
    pub hosts: Option<&'a Hosts>,
    /// Spellings of the NHS number's system at this source.
    pub aliases: &'a [String],
}

/// What was found. Kept between resources to spare allocations.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// `reference` of a Reference.
    pub references: Vec<NodeId>,
    /// `url` of an Attachment.
    pub attachments: Vec<NodeId>,
    /// `div` of a narrative.
    pub narratives: Vec<NodeId>,
    /// `system` in a spelling that has a better one.
    pub systems: Vec<(NodeId, &'static str)>,
    /// Strings in which a host stands.
    pub hosts: Vec<NodeId>,
    /// Qualifiers that change meaning.
    pub modifiers: Vec<NodeId>,
}

impl Found {
    fn clear(&mut self) {
        self.references.clear();
        self.attachments.clear();
        self.narratives.clear();
        self.systems.clear();
        self.hosts.clear();
        self.modifiers.clear();
    }
}

/// Walks a resource once.
pub(crate) fn walk(tree: &Tree, watch: &Watch<'_>, found: &mut Found) {
    found.clear();
    object(tree.root(), tree.root(), watch, found);
}

/// `named`: the node whose key names the object.
fn object(node: Ref<'_>, named: Ref<'_>, watch: &Watch<'_>, found: &mut Found) {
    for child in node.items() {
        match child.kind() {
            NodeKind::Object => object(child, child, watch, found),
            NodeKind::Array => {
                if child.key_hint() == (17, b'm') && child.key_bytes() == b"modifierExtension" && !child.is_empty() {
                    found.modifiers.push(child.id());
                }
                array(child, child, watch, found);
            }
            NodeKind::String | NodeKind::StringEscaped => text(child, child, Some(named), watch, found),
            NodeKind::Bool | NodeKind::Null | NodeKind::Number => {}
        }
    }
}

fn array(node: Ref<'_>, named: Ref<'_>, watch: &Watch<'_>, found: &mut Found) {
    for item in node.items() {
        match item.kind() {
            NodeKind::Object => object(item, named, watch, found),
            NodeKind::Array => array(item, named, watch, found),
            NodeKind::String | NodeKind::StringEscaped => text(item, named, None, watch, found),
            NodeKind::Bool | NodeKind::Null | NodeKind::Number => {}
        }
    }
}

/// `named`: the node whose key names the text; `within`: the one whose key names the object in which that key stands.
fn text(node: Ref<'_>, named: Ref<'_>, within: Option<Ref<'_>>, watch: &Watch<'_>, found: &mut Found) {
    let is = |key: &[u8]| named.key_bytes() == key;
    let stands_in = |names: &dyn Fn(&[u8]) -> bool| within.is_some_and(|within| names(within.key_bytes()));
    match named.key_hint() {
        (9, b'r') if is(b"reference") => return found.references.push(node.id()),
        (3, b'u') if is(b"url") && stands_in(&|name| ATTACHMENTS.contains(name)) => return found.attachments.push(node.id()),
        (3, b'd') if is(b"div") && stands_in(&|name| name == b"text") => return found.narratives.push(node.id()),
        (6, b's') if is(b"system") => {
            if let Some(better) = better_spelling(node.raw(), watch.aliases) {
                return found.systems.push((node.id(), better));
            }
        }
        _ => {}
    }
    if let Some(hosts) = watch.hosts
        && host_stands_in(node, hosts)
    {
        found.hosts.push(node.id());
    }
}

/// Escapes could hide a host, so a string that has any is compared unescaped.
pub(crate) fn host_stands_in(node: Ref<'_>, hosts: &Hosts) -> bool {
    let raw = node.raw();
    match node.kind() {
        NodeKind::StringEscaped if raw.contains("\\u") => node.value().as_deref().is_some_and(|text| hosts.stand_in(text)),
        _ => hosts.stand_in(raw),
    }
}

fn better_spelling(system: &str, aliases: &[String]) -> Option<&'static str> {
    if system == NHS_NUMBER_SYSTEM {
        return None;
    }
    if NHS_NUMBER_SPELLINGS.contains(&system) || aliases.iter().any(|alias| alias == system) {
        return Some(NHS_NUMBER_SYSTEM);
    }
    None
}

/// Plain text of a string node.
pub(crate) fn plain(node: Ref<'_>) -> Cow<'_, str> {
    node.value().unwrap_or_default()
}
