//! Resources as they arrive, and what they become: converted, cleaned, given ids, their references led to each other.
//!
//! What needs only the resource itself is done when it arrives, while other replies are still awaited; what needs
//! the others (references) is done at the end, so that the order of arrival changes nothing.

mod finish;
mod index;
mod subject;
mod walk;

use std::borrow::Cow;
use std::ops::Range;

use fhir::{Entry, Kind, NodeId, Tree, Version};
use record::{Cause, Finding, FindingCode, NHS_NUMBER_SYSTEM, NhsNumber, Origin, Quarantined, SourceId, Traits};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::hosts::Hosts;
use crate::ids;
use crate::narrative::{self, Narrative};
use crate::references::{self, Bases, Target};
use crate::version;
use index::{Index, Names};
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
    /// Numbers of the person asked about, current and former; none when a file is read.
    pub numbers: Vec<NhsNumber>,
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
    /// Where its references stand in [`Arrivals::references`].
    references: Range<usize>,
    attachments: Vec<NodeId>,
    /// An older arrival of the same type and id, if there is one.
    other_version: Option<usize>,
}

/// Everything a leg has brought so far.
#[derive(Debug)]
pub(crate) struct Arrivals {
    pub reading: Reading,
    pub arrived: Vec<Arrived>,
    pub quarantined: Vec<Quarantined>,
    index: Index,
    /// `reference` of every Reference, one resource after the other.
    references: Vec<NodeId>,
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
            index: Index::default(),
            references: Vec::new(),
            nameless: FxHashMap::default(),
            found: Found::default(),
        }
    }

    /// Makes room for so many more resources.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.arrived.reserve(count);
        self.index.reserve(count);
        self.references.reserve(4 * count);
    }

    /// Takes one entry of a page of a stream.
    pub(crate) fn take(&mut self, entry: Entry, stream: usize) -> Took {
        let Some(tree) = entry.resource else { return self.no_resource(entry.rest.as_ref()) };
        let Some(named) = tree.root().get("resourceType").filter(|node| node.is_string()).map(plain) else {
            return self.quarantine(None, Cow::Borrowed(""), source_id(&tree), Cause::Malformed, "it has no resourceType");
        };
        let Some(expected) = references::r4_kind(self.reading.version, &named) else {
            let named = Cow::Owned(named.into_owned());
            return self.quarantine(None, named, source_id(&tree), Cause::UnknownType, "a type neither R4 nor its own version knows");
        };
        let named = if named == expected.name() { Cow::Borrowed(expected.name()) } else { Cow::Owned(named.into_owned()) };
        self.resource(tree, named, expected, entry.full_url, stream)
    }

    /// An entry may hold no resource where it says something else. One that *is* a resource, or holds something in a resource's
    /// place, is no entry: which element would be whose is not ours to guess, and it does not go without a word.
    fn no_resource(&mut self, rest: Option<&Tree>) -> Took {
        let Some(rest) = rest else { return Took::Nothing };
        let root = rest.root();
        if let Some(named) = root.get("resourceType") {
            let named = plain(named).into_owned();
            let kind = references::r4_kind(self.reading.version, &named);
            return self.quarantine(kind, Cow::Owned(named), source_id(rest), Cause::Malformed, "an entry that is itself a resource");
        }
        if root.is_object() && root.get("resource").is_none() {
            return Took::Nothing;
        }
        self.quarantine(None, Cow::Borrowed(""), None, Cause::Malformed, "an entry that is no object, or whose resource is none")
    }

    fn quarantine(
        &mut self,
        kind: Option<Kind>,
        named: Cow<'static, str>,
        id: Option<String>,
        cause: Cause,
        detail: impl Into<String>,
    ) -> Took {
        self.quarantined.push(Quarantined { kind, named: named.into_owned(), id, cause, detail: detail.into() });
        Took::Quarantined
    }

    fn resource(&mut self, mut tree: Tree, named: Cow<'static, str>, expected: Kind, full_url: Option<String>, stream: usize) -> Took {
        let mut findings = Vec::new();
        let mut origin = Origin { source: self.reading.source.clone(), id: source_id(&tree), kind: named };
        let named = origin.kind.as_ref();
        if let (None, Some(url)) = (&origin.id, &full_url) {
            origin.id = self.id_in(url, named);
        }
        let (id, content) = match &origin.id {
            Some(id) => (ids::mint(&self.reading.source, named, id), None),
            None => (String::new(), Some(tree.root().to_json())),
        };
        let before = (self.reading.version != Version::R4).then(|| tree.clone());
        let converted = match self.reading.version {
            Version::R4 => Ok(expected),
            older => version::to_r4(older, &mut tree, &mut findings),
        };
        let kind = match converted {
            Ok(kind) => kind,
            Err((cause, detail)) => return self.quarantine(Some(expected), origin.kind, origin.id, cause, detail),
        };
        // An address made of a base, the type and the id is understood by its parts; only others are kept.
        let full_url = full_url.filter(|url| match origin.id.as_deref().and_then(|id| references::base_of(url, named, id)) {
            Some(base) => {
                self.reading.bases.add(base);
                false
            }
            None => true,
        });
        let mut arrived = Arrived {
            kind,
            id,
            origin,
            tree,
            before,
            findings,
            traits: Traits::default(),
            references: 0..0,
            attachments: Vec::new(),
            other_version: None,
        };
        self.clean(&mut arrived);
        if let Some(content) = content {
            self.name(&mut arrived, content, stream);
        }
        self.keep(arrived, full_url)
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
        let hosts = &self.reading.hosts;
        // Most resources name no host anywhere: one look at the whole tells.
        let named = hosts.may_stand_in(&arrived.tree);
        let watch = Watch { hosts: named.then_some(hosts), aliases: &self.reading.aliases };
        walk(&arrived.tree, &watch, &mut self.found);
        for (node, better) in &self.found.systems {
            if *better == NHS_NUMBER_SYSTEM {
                arrived.note(*node, FindingCode::Converted, "the system of NHS numbers, spelt as it should be");
            }
            arrived.tree.set_text(*node, better);
        }
        for node in &self.found.narratives {
            clean_narrative(arrived, *node, hosts, named);
        }
        for node in &self.found.hosts {
            hide(arrived, *node, hosts);
        }
        for node in &self.found.modifiers {
            arrived.traits.unknown_modifier = true;
            arrived.note(*node, FindingCode::UnknownModifier, "has a qualifier we cannot read");
        }
        let status = arrived.tree.root().get("text").and_then(|text| text.get("status")?.value());
        arrived.traits.generated_narrative = matches!(status.as_deref(), None | Some("generated" | "empty"));
        let start = self.references.len();
        self.references.extend_from_slice(&self.found.references);
        arrived.references = start..self.references.len();
        arrived.attachments.extend_from_slice(&self.found.attachments);
    }

    /// An id for what came without: made of its content and, among equals of one stream, its number.
    fn name(&mut self, arrived: &mut Arrived, content: String, stream: usize) {
        let count = self.nameless.entry((stream, content.clone())).or_default();
        let content = if *count == 0 { content } else { format!("{content}#{count}") };
        *count += 1;
        arrived.id = ids::hashed(&self.reading.source, content.as_bytes());
        let path = arrived.origin.kind.to_string();
        let detail = "it came without an id; one was made from its content".to_owned();
        arrived.findings.push(Finding { code: FindingCode::IdMade, path, detail });
    }

    /// Keeps a resource unless the very same came before; its other versions stay.
    fn keep(&mut self, mut arrived: Arrived, full_url: Option<String>) -> Took {
        let place = self.arrived.len();
        let newest = self.index.place(arrived.kind, &arrived.id);
        if let Some(newest) = newest {
            let json = arrived.tree.to_json();
            let versions = std::iter::successors(Some(newest), |place| self.arrived[*place].other_version);
            if let Some(same) = versions.into_iter().find(|other| self.arrived[*other].tree.to_json() == json) {
                self.references.truncate(arrived.references.start);
                self.index.add_url(full_url, same);
                return Took::Again(same);
            }
            arrived.other_version = Some(newest);
        }
        self.index.add(&arrived, place);
        self.index.add_url(full_url, place);
        self.arrived.push(arrived);
        Took::New(place)
    }

    /// Takes resources out again, as if they had never come; returns their types.
    pub(crate) fn leave_out(&mut self, out: impl Fn(&Arrived) -> bool) -> Vec<Kind> {
        if !self.arrived.iter().any(&out) {
            return Vec::new();
        }
        let (mut gone, mut moved) = (Vec::new(), Vec::with_capacity(self.arrived.len()));
        let urls = std::mem::take(&mut self.index).into_urls();
        for mut arrived in std::mem::take(&mut self.arrived) {
            if out(&arrived) {
                gone.push(arrived.kind);
                moved.push(None);
                continue;
            }
            // Places have changed: what stays is noted anew.
            let place = self.arrived.len();
            arrived.other_version = self.index.place(arrived.kind, &arrived.id);
            self.index.add(&arrived, place);
            self.arrived.push(arrived);
            moved.push(Some(place));
        }
        for (url, place) in urls {
            if let Some(place) = moved[place] {
                self.index.add_url(Some(url), place);
            }
        }
        gone
    }

    /// The resource at a place.
    pub(crate) fn at(&self, place: usize) -> &Arrived {
        &self.arrived[place]
    }

    /// What the resources so far refer to and what has not arrived, as (type, id) in the source's words, each once, in order.
    pub(crate) fn missing(&self, wanted: impl Fn(Kind) -> bool) -> std::collections::BTreeSet<(String, String)> {
        let mut missing = std::collections::BTreeSet::new();
        let names = Names::default();
        // Most references are written many times over.
        let mut seen: FxHashSet<(&str, bool)> = FxHashSet::default();
        let mut minted = String::new();
        for arrived in &self.arrived {
            for node in self.references_of(arrived) {
                let of_medicine = node.parent().is_some_and(|object| object.key_bytes() == b"medicationReference");
                if !seen.insert((node.raw(), of_medicine)) {
                    continue;
                }
                let text = plain(node);
                let Some((kind, id)) = self.told(&text, of_medicine, &names) else { continue };
                let Some(r4) = references::r4_kind(self.reading.version, kind).filter(|kind| wanted(*kind)) else { continue };
                minted.clear();
                ids::mint_into(&mut minted, &self.reading.source, kind, id);
                if self.index.place(r4, &minted).is_none() && self.index.by_url(&text).is_none() {
                    missing.insert((kind.to_owned(), id.to_owned()));
                }
            }
        }
        missing
    }

    /// Type and id that a reference tells. A bare `urn:uuid` in `medicationReference` can only be a Medication.
    fn told<'a>(&self, text: &'a str, of_medicine: bool, names: &Names) -> Option<(&'a str, &'a str)> {
        match self.reading.bases.read(text) {
            Target::Here { kind, id, .. } => Some((kind, id)),
            Target::Urn(id) => {
                let unmet = of_medicine && text.starts_with("urn:uuid:") && names.only(&self.arrived, id).is_none();
                unmet.then_some(("Medication", id))
            }
            _ => None,
        }
    }

    /// The references of a resource.
    fn references_of<'a>(&'a self, arrived: &'a Arrived) -> impl Iterator<Item = fhir::Ref<'a>> {
        self.references[arrived.references.clone()].iter().map(|node| arrived.tree.node(*node))
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
        let path = if path.is_empty() { origin.to_string() } else { format!("{origin}.{path}") };
        self.findings.push(Finding { code, path, detail: detail.to_owned() });
    }
}

/// `id` as the source gave it; a number is taken as its digits.
fn source_id(tree: &Tree) -> Option<String> {
    tree.root().get("id")?.value().filter(|id| !id.is_empty()).map(Cow::into_owned)
}

/// Cleans a narrative; `named`: whether a host may stand in it.
fn clean_narrative(arrived: &mut Arrived, node: NodeId, hosts: &Hosts, named: bool) {
    let written = arrived.tree.node(node);
    if !named && narrative::is_plain(written.raw(), narrative::Form::Json) {
        return;
    }
    let div = plain(written).into_owned();
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
