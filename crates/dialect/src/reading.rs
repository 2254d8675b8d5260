//! Resources as they arrive, and what they become: converted, cleaned, given ids, their references led to each other.
//!
//! What needs only the resource itself is done when it arrives, while other replies are still awaited; what needs
//! the others (references) is done at the end, so that the order of arrival changes nothing.

mod finish;
mod subject;
mod walk;

use std::collections::hash_map::Entry as Slot;

use fhir::{Entry, Kind, NodeId, Tree, Version};
use record::{Cause, Finding, FindingCode, NHS_NUMBER_SYSTEM, NhsNumber, Origin, Quarantined, SourceId, Traits};
use rustc_hash::FxHashMap;

use crate::hosts::Hosts;
use crate::ids;
use crate::narrative::{self, Narrative};
use crate::references::{self, Bases, Index, Target};
use crate::version;
use walk::{Found, Watch, plain, walk};

pub(crate) use finish::Read;
pub(crate) use subject::carries;

/// Under which tag a resource says its source.
const SOURCE_TAG: &str = "urn:severn:source";

/// Whose resources these are, and where they may point.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub source: SourceId,
    pub version: Version,
    /// The person asked about; nobody when a file is read.
    pub number: Option<NhsNumber>,
    /// Spellings of the NHS number's system at this source.
    pub aliases: Vec<String>,
    /// The exchange's own base, without a slash at its end.
    pub exchange_base: String,
    pub bases: Bases,
    pub hosts: Hosts,
}

/// A resource that arrived.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub kind: Kind,
    pub id: String,
    pub origin: Origin,
    pub tree: Tree,
    /// As it was before conversion, to name elements in the words of its own version.
    before: Option<Tree>,
    findings: Vec<Finding>,
    traits: Traits,
    references: Vec<NodeId>,
    attachments: Vec<NodeId>,
}

/// Everything a leg has brought so far.
#[derive(Debug)]
pub(crate) struct Arrivals {
    pub reading: Reading,
    pub arrived: Vec<Arrived>,
    pub quarantined: Vec<Quarantined>,
    /// `Type/minted` -> places in `arrived`, one for each version.
    places: FxHashMap<String, Vec<usize>>,
    index: Index,
    /// How often each content without an id came in each stream: equal ones are numbered.
    nameless: FxHashMap<(usize, String), u32>,
    found: Found,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Took {
    /// The same bytes had come before, and are at this place.
    Again(usize),
    /// New, at this place.
    New(usize),
    /// An entry without a resource.
    Nothing,
    /// In quarantine.
    Quarantined,
}

impl Arrivals {
    pub(crate) fn new(reading: Reading) -> Arrivals {
        Arrivals {
            reading,
            arrived: Vec::new(),
            quarantined: Vec::new(),
            places: FxHashMap::default(),
            index: Index::default(),
            nameless: FxHashMap::default(),
            found: Found::default(),
        }
    }

    /// Takes one entry of a page of a stream.
    pub(crate) fn take(&mut self, entry: Entry, stream: usize) -> Took {
        let Some(tree) = entry.resource else { return self.no_resource(entry.rest.as_ref()) };
        let Some(named) = tree.root().text("resourceType").filter(|_| tree.root().get("resourceType").is_some_and(|node| node.is_string()))
        else {
            return self.quarantine(None, String::new(), source_id(&tree), Cause::Malformed, "it has no resourceType");
        };
        let named = named.into_owned();
        let Some(expected) = references::r4_kind(self.reading.version, &named) else {
            return self.quarantine(None, named, source_id(&tree), Cause::UnknownType, "a type neither R4 nor its own version knows");
        };
        self.resource(tree, named, expected, entry.full_url, stream)
    }

    fn no_resource(&mut self, rest: Option<&Tree>) -> Took {
        let odd = rest.is_some_and(|rest| !rest.root().is_object() || rest.root().get("resource").is_some());
        if !odd {
            return Took::Nothing;
        }
        self.quarantine(None, String::new(), None, Cause::Malformed, "an entry that is no object, or whose resource is none")
    }

    fn quarantine(&mut self, kind: Option<Kind>, named: String, id: Option<String>, cause: Cause, detail: impl Into<String>) -> Took {
        self.quarantined.push(Quarantined { kind, named, id, cause, detail: detail.into() });
        Took::Quarantined
    }

    fn resource(&mut self, mut tree: Tree, named: String, expected: Kind, full_url: Option<String>, stream: usize) -> Took {
        let mut findings = Vec::new();
        let mut origin = self.origin(&tree, &named);
        if let (None, Some(url)) = (&origin.id, &full_url) {
            origin.id = self.id_in(url, &named);
        }
        let (id, content) = match &origin.id {
            Some(id) => (ids::mint(&self.reading.source, &named, id), None),
            None => (String::new(), Some(tree.root().to_json())),
        };
        let before = (self.reading.version != Version::R4).then(|| tree.clone());
        let converted = match self.reading.version {
            Version::R4 => Ok(expected),
            older => version::to_r4(older, &mut tree, &mut findings),
        };
        let kind = match converted {
            Ok(kind) => kind,
            Err((cause, detail)) => return self.quarantine(Some(expected), named, origin.id, cause, detail),
        };
        if let (Some(url), Some(id)) = (&full_url, &origin.id)
            && let Some(base) = references::base_of(url, &named, id)
        {
            self.reading.bases.add(base);
        }
        let mut arrived = Arrived {
            kind,
            id,
            origin,
            tree,
            before,
            findings,
            traits: Traits::default(),
            references: Vec::new(),
            attachments: Vec::new(),
        };
        self.clean(&mut arrived);
        if let Some(content) = content {
            self.name(&mut arrived, content, stream);
        }
        self.keep(arrived, full_url.as_deref())
    }

    fn origin(&self, tree: &Tree, named: &str) -> Origin {
        let text = |path: &str| tree.root().text(path).map(|text| text.into_owned());
        Origin {
            source: self.reading.source.clone(),
            kind: named.to_owned(),
            id: source_id(tree),
            version: text("meta.versionId"),
            last_updated: text("meta.lastUpdated"),
        }
    }

    /// The id that a `fullUrl` at the source shows of a resource that says none itself.
    fn id_in(&self, url: &str, named: &str) -> Option<String> {
        match self.reading.bases.read(url) {
            Target::Here { kind, id, .. } if kind == named => Some(id.to_owned()),
            _ => None,
        }
    }

    /// Does to a resource what needs no other.
    fn clean(&mut self, arrived: &mut Arrived) {
        let watch = Watch { hosts: &self.reading.hosts, aliases: &self.reading.aliases };
        walk(&arrived.tree, &watch, &mut self.found);
        for (node, better) in &self.found.systems {
            if *better == NHS_NUMBER_SYSTEM {
                arrived.note(*node, FindingCode::Converted, "the system of NHS numbers, spelt as it should be");
            }
            arrived.tree.set_text(*node, better);
        }
        for node in &self.found.narratives {
            clean_narrative(arrived, *node, &self.reading.hosts);
        }
        for node in &self.found.hosts {
            hide(arrived, *node, &self.reading.hosts);
        }
        for node in &self.found.modifiers {
            arrived.traits.unknown_modifier = true;
            arrived.note(*node, FindingCode::UnknownModifier, "has a qualifier we cannot read");
        }
        let status = arrived.tree.root().text("text.status");
        arrived.traits.generated_narrative = matches!(status.as_deref(), None | Some("generated" | "empty"));
        arrived.references = self.found.references.clone();
        arrived.attachments = self.found.attachments.clone();
    }

    /// An id for what came without: made of its content and, among equals of one stream, its number.
    fn name(&mut self, arrived: &mut Arrived, content: String, stream: usize) {
        let count = self.nameless.entry((stream, content.clone())).or_default();
        let content = if *count == 0 { content } else { format!("{content}#{count}") };
        *count += 1;
        arrived.id = ids::hashed(&self.reading.source, content.as_bytes());
        let path = arrived.origin.kind.clone();
        let detail = "it came without an id; one was made from its content".to_owned();
        arrived.findings.push(Finding { code: FindingCode::IdMade, path, detail });
    }

    /// Keeps a resource unless the very same came before; its other versions stay.
    fn keep(&mut self, arrived: Arrived, full_url: Option<&str>) -> Took {
        let reference = format!("{}/{}", arrived.kind, arrived.id);
        self.index.add(full_url, arrived.origin.id.as_deref(), &reference);
        let place = self.arrived.len();
        match self.places.entry(reference) {
            Slot::Vacant(slot) => {
                slot.insert(vec![place]);
            }
            Slot::Occupied(mut slot) => {
                let json = arrived.tree.to_json();
                if let Some(same) = slot.get().iter().find(|other| self.arrived[**other].tree.to_json() == json) {
                    return Took::Again(*same);
                }
                slot.get_mut().push(place);
            }
        }
        self.arrived.push(arrived);
        Took::New(place)
    }

    /// The resource at a place.
    pub(crate) fn at(&self, place: usize) -> &Arrived {
        &self.arrived[place]
    }

    /// What the resources so far refer to and what has not arrived, as (type, id) in the source's words, each once, in order.
    pub(crate) fn missing(&self, wanted: impl Fn(Kind) -> bool) -> std::collections::BTreeSet<(String, String)> {
        let mut missing = std::collections::BTreeSet::new();
        let mut reference = String::new();
        for arrived in &self.arrived {
            for node in &arrived.references {
                let node = arrived.tree.node(*node);
                let text = plain(node);
                let Some((kind, id)) = self.told(node, &text) else { continue };
                let Some(r4) = references::r4_kind(self.reading.version, kind).filter(|kind| wanted(*kind)) else { continue };
                reference.clear();
                reference.push_str(r4.name());
                reference.push('/');
                ids::mint_into(&mut reference, &self.reading.source, kind, id);
                if !self.places.contains_key(&reference) && !self.index.by_url.contains_key(text.as_ref()) {
                    missing.insert((kind.to_owned(), id.to_owned()));
                }
            }
        }
        missing
    }

    /// Type and id that a reference tells. A bare `urn:uuid` in `medicationReference` can only be a Medication.
    fn told<'a>(&self, node: fhir::Ref<'_>, text: &'a str) -> Option<(&'a str, &'a str)> {
        match self.reading.bases.read(text) {
            Target::Here { kind, id, .. } => Some((kind, id)),
            Target::Urn(id) if self.index.only(id).is_none() => {
                let holder = node.parent().map(|object| object.key())?;
                (text.starts_with("urn:uuid:") && holder == "medicationReference").then_some(("Medication", id))
            }
            _ => None,
        }
    }
}

impl Arrived {
    /// Adds a finding about a node, named in the words of the version it came in.
    fn note(&mut self, node: NodeId, code: FindingCode, detail: &str) {
        let origin = &self.origin.kind;
        let path = match &self.before {
            Some(before) if node.index() < before.node_count() => before.node(node).path(),
            _ => self.tree.node(node).path(),
        };
        let path = if path.is_empty() { origin.clone() } else { format!("{origin}.{path}") };
        self.findings.push(Finding { code, path, detail: detail.to_owned() });
    }
}

/// `id` as the source gave it; a number is taken as its digits.
fn source_id(tree: &Tree) -> Option<String> {
    tree.root().text("id").filter(|id| !id.is_empty()).map(|id| id.into_owned())
}

fn clean_narrative(arrived: &mut Arrived, node: NodeId, hosts: &Hosts) {
    let div = plain(arrived.tree.node(node)).into_owned();
    let cleaned = match narrative::clean(&div) {
        Narrative::Fine => None,
        Narrative::Cleaned(text) => {
            arrived.note(node, FindingCode::NarrativeCleaned, "markup that a page must not follow was taken out");
            Some(text)
        }
        Narrative::Broken(text) => {
            arrived.note(node, FindingCode::NarrativeCleaned, "not well-formed; shown as plain text");
            Some(text)
        }
    };
    let shown = cleaned.as_deref().unwrap_or(&div);
    if hosts.stand_in(shown) {
        let hidden = hosts.hide(shown);
        arrived.note(node, FindingCode::Hidden, "the source's own address was taken out");
        arrived.tree.set_text(node, &hidden);
    } else if let Some(text) = cleaned {
        arrived.tree.set_text(node, &text);
    }
}

fn hide(arrived: &mut Arrived, node: NodeId, hosts: &Hosts) {
    let hidden = hosts.hide(&plain(arrived.tree.node(node)));
    arrived.note(node, FindingCode::Hidden, "the source's own address was replaced");
    arrived.tree.set_text(node, &hidden);
}
