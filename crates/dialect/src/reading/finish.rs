//! The last pass: references lead to minted ids, attachments through the exchange, and arrivals become items.

use fhir::{Kind, NodeId, Version};
use record::{FindingCode, Item, Quarantined};
use rustc_hash::FxHashMap;

use super::index::Names;
use super::walk::{host_stands_in, plain};
use super::{Arrivals, Arrived, Reading, SOURCE_TAG, hide, subject};
use crate::hosts::Hosts;
use crate::references::{self, Target};
use crate::{Attachment, ids};

/// Everything a leg brought, ready for a chart.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// In order of arrival, Patients among them.
    pub items: Vec<Item>,
    pub quarantined: Vec<Quarantined>,
    /// Attachments that lie elsewhere.
    pub attachments: Vec<Attachment>,
}

/// Where a reference leads.
#[derive(Debug)]
enum Led {
    /// As it is.
    Alone,
    /// Nowhere; the text may stay.
    Nowhere,
    /// Outside the source; the text may not stay.
    Outside(Option<Kind>),
    /// To a resource by its minted id; `false`: it ought to be in this answer and is not.
    To(String, bool),
    /// To a resource in this answer, by an address that says another id.
    ToOther(String),
}

/// Where the references of a leg lead: most are written many times over, and each is read once.
#[derive(Debug)]
struct Leads {
    /// For each reference of the leg, where in `led`.
    which: Vec<usize>,
    led: Vec<Led>,
}

/// What reads where references lead.
struct Guide<'a> {
    arrivals: &'a Arrivals,
    arrived: &'a [Arrived],
    names: Names,
    /// Minted id of the Patient who carries the number asked for.
    person: Option<&'a str>,
    /// Whether a type is in the answer as a whole, so that what does not resolve is worth a finding.
    expected: &'a dyn Fn(Kind) -> bool,
}

struct Finisher<'a> {
    reading: &'a Reading,
    references: &'a [NodeId],
    leads: Leads,
    person: Option<String>,
    /// Every host of the source, those its answer showed among them.
    hosts: Hosts,
    /// `meta.source` of what names no source of its own.
    meta_source: String,
    attachments: Vec<Attachment>,
}

impl Arrivals {
    /// Makes items of all that arrived. `expected` says of which types the answer holds what there is.
    pub(crate) fn finish(mut self, expected: &dyn Fn(Kind) -> bool) -> Read {
        let mut arrived = std::mem::take(&mut self.arrived);
        self.hide_learnt(&mut arrived);
        let hosts = Hosts::new(&self.reading.source, self.reading.hosts.names().chain(self.reading.bases.hosts()));
        let person = subject::person(&arrived, &self.reading.numbers);
        let guide = Guide { arrivals: &self, arrived: &arrived, names: Names::default(), person: person.as_deref(), expected };
        let leads = guide.leads();
        let mut finisher = Finisher {
            reading: &self.reading,
            references: &self.references,
            leads,
            person,
            hosts,
            meta_source: format!("{SOURCE_TAG}:{}", self.reading.source),
            attachments: Vec::new(),
        };
        let items = arrived.into_iter().map(|one| finisher.item(one)).collect();
        let mut attachments = finisher.attachments;
        attachments.sort();
        attachments.dedup();
        Read { items, quarantined: self.quarantined, attachments }
    }

    /// Hosts that only the answer's own addresses showed are taken out now that all are known.
    fn hide_learnt(&self, arrived: &mut [Arrived]) {
        let learnt = self.reading.bases.hosts().filter(|host| self.reading.hosts.names().all(|name| name != *host));
        let hosts = Hosts::new(&self.reading.source, learnt);
        if hosts.is_empty() {
            return;
        }
        for one in arrived {
            let mut found = Vec::new();
            strings(one.tree.root(), &hosts, &mut found);
            let references = &self.references[one.references.clone()];
            found.retain(|node| !references.contains(node) && !one.attachments.contains(node));
            found.into_iter().for_each(|node| hide(one, node, &hosts));
        }
    }
}

fn strings(node: fhir::Ref<'_>, hosts: &Hosts, found: &mut Vec<NodeId>) {
    if node.is_string() {
        if host_stands_in(node, hosts) {
            found.push(node.id());
        }
    } else if !node.is_primitive() {
        node.items().for_each(|child| strings(child, hosts, found));
    }
}

impl Guide<'_> {
    fn leads(&self) -> Leads {
        let mut met: FxHashMap<&str, usize> = FxHashMap::default();
        let (mut which, mut led) = (vec![0; self.arrivals.references.len()], Vec::new());
        for arrived in self.arrived {
            for (at, node) in arrived.references.clone().zip(self.arrivals.references_of(arrived)) {
                which[at] = *met.entry(node.raw()).or_insert_with(|| {
                    led.push(self.lead(&plain(node)));
                    led.len() - 1
                });
            }
        }
        Leads { which, led }
    }

    fn lead(&self, text: &str) -> Led {
        if let Some(place) = self.arrivals.index.by_url(text) {
            let to = self.at(place);
            let tail = text.rsplit(['/', ':']).next().unwrap_or_default();
            return if to.ends_with(tail) { Led::To(to, true) } else { Led::ToOther(to) };
        }
        match self.arrivals.reading.bases.read(text) {
            Target::Alone => Led::Alone,
            Target::Bare(id) | Target::Urn(id) => match self.names.only(self.arrived, id) {
                Some(place) => Led::To(self.at(place), true),
                None => Led::Nowhere,
            },
            Target::Elsewhere(ending) => self.elsewhere(ending),
            Target::Here { kind, id, .. } => self.here(kind, id),
            Target::Unreadable => Led::Nowhere,
        }
    }

    fn at(&self, place: usize) -> String {
        format!("{}/{}", self.arrived[place].kind, self.arrived[place].id)
    }

    fn here(&self, named: &str, id: &str) -> Led {
        let reading = &self.arrivals.reading;
        let Some(kind) = references::r4_kind(reading.version, named) else { return Led::Nowhere };
        let id = ids::mint(&reading.source, named, id);
        let found = self.arrivals.index.place(kind, &id).is_some();
        Led::To(format!("{kind}/{id}"), found || !(self.expected)(kind))
    }

    /// National services address a person by their NHS number: that is the person asked for, if it is theirs.
    fn elsewhere(&self, ending: Option<(&str, &str)>) -> Led {
        let numbers = &self.arrivals.reading.numbers;
        let kind = ending.and_then(|(kind, _)| references::r4_kind(Version::R4, kind));
        let theirs =
            kind == Some(Kind::PATIENT) && ending.and_then(|(_, id)| id.parse().ok()).is_some_and(|number| numbers.contains(&number));
        match self.person {
            Some(person) if theirs => Led::To(format!("Patient/{person}"), true),
            _ => Led::Outside(kind),
        }
    }
}

/// What an item's tree takes beside what came: an id, a `meta` with its source and a tag.
const ADDED_NODES: usize = 8;
const ADDED_TEXT: usize = 160;

impl Finisher<'_> {
    fn item(&mut self, mut arrived: Arrived) -> Item {
        let written: usize = arrived.references.clone().map(|at| self.leads.led[self.leads.which[at]].len()).sum();
        arrived.tree.reserve(ADDED_NODES, written + ADDED_TEXT);
        for at in arrived.references.clone() {
            self.reference(&mut arrived, self.references[at], &self.leads.led[self.leads.which[at]]);
        }
        for node in std::mem::take(&mut arrived.attachments) {
            self.attachment(&mut arrived, node);
        }
        let root = arrived.tree.root().id();
        match arrived.tree.root().get("id").filter(|id| id.is_string()).map(|id| id.id()) {
            Some(id) => arrived.tree.set_text(id, &arrived.id),
            None => drop(arrived.tree.set_string(root, "id", &arrived.id)),
        }
        self.tag(&mut arrived, root);
        arrived.traits.subjects = subject::subjects(&arrived, self.reading, self.person.as_deref());
        let Arrived { kind, id, origin, tree, findings, traits, .. } = arrived;
        Item { kind, id, origin, tree, findings, traits }
    }

    /// `meta.tag` names the source, and so does `meta.source` unless the source said itself where it has it from.
    /// Where the source's own `meta` is of another shape, it is left alone.
    fn tag(&self, arrived: &mut Arrived, root: NodeId) {
        let tree = &mut arrived.tree;
        let Some(meta) = tree.object_at(root, "meta") else { return };
        if tree.node(meta).get("source").is_none() {
            let source = tree.new_string(&self.meta_source);
            tree.append(meta, "source", source);
        }
        let Some(tags) = tree.array_at(meta, "tag") else { return };
        tree.push_coding(tags, SOURCE_TAG, self.reading.source.as_str());
    }

    fn reference(&self, arrived: &mut Arrived, node: NodeId, led: &Led) {
        match led {
            Led::Alone => self.hide(arrived, node),
            Led::Nowhere => {
                arrived.note(node, FindingCode::UnresolvedReference, "leads to nothing in the answer");
                self.hide(arrived, node);
            }
            Led::Outside(kind) => drop_address(arrived, node, *kind),
            Led::ToOther(to) => {
                arrived.note(node, FindingCode::Converted, "leads to the resource whose entry has this address");
                arrived.tree.set_text(node, to);
            }
            Led::To(to, resolved) => {
                if !resolved {
                    arrived.note(node, FindingCode::UnresolvedReference, "leads to nothing in the answer");
                }
                arrived.tree.set_text(node, to);
            }
        }
    }

    /// What stays as it was must still name no host.
    fn hide(&self, arrived: &mut Arrived, node: NodeId) {
        if host_stands_in(arrived.tree.node(node), &self.hosts) {
            hide(arrived, node, &self.hosts);
        }
    }

    /// Attachments are fetched through the exchange, which checks again who may.
    fn attachment(&mut self, arrived: &mut Arrived, node: NodeId) {
        let text = plain(arrived.tree.node(node)).into_owned();
        let source_id = match self.reading.bases.read(&text) {
            Target::Here { kind: "Binary", id, .. } => id.to_owned(),
            Target::Alone if text.starts_with('#') || text.is_empty() => return,
            Target::Urn(_) => return,
            _ if text.starts_with("data:") => return,
            _ => text.clone(),
        };
        let id = ids::mint(&self.reading.source, "Binary", &source_id);
        let url = format!("{}/Binary/{id}", self.reading.exchange_base);
        self.attachments.push(Attachment { id, source_id, of: (arrived.kind, arrived.id.clone()) });
        arrived.note(node, FindingCode::Hidden, "the attachment is fetched through the exchange");
        arrived.tree.set_text(node, &url);
    }
}

impl Led {
    /// How much text it writes.
    fn len(&self) -> usize {
        match self {
            Led::To(to, _) | Led::ToOther(to) => to.len(),
            Led::Alone | Led::Nowhere | Led::Outside(_) => 0,
        }
    }
}

/// An address outside the source names a host, so it goes; type, display and identifier stay.
fn drop_address(arrived: &mut Arrived, node: NodeId, kind: Option<Kind>) {
    arrived.note(node, FindingCode::UnresolvedReference, "leads to another system, whose address is not passed on");
    let Some(holder) = arrived.tree.node(node).parent().map(|holder| holder.id()) else { return };
    arrived.tree.detach(node);
    let left = arrived.tree.node(holder);
    if !left.is_empty() && (left.get("display").is_some() || left.get("identifier").is_some()) {
        return;
    }
    match kind {
        Some(kind) if left.get("type").is_none() => {
            arrived.tree.set_string(holder, "type", kind.name());
        }
        Some(_) => {}
        None => {
            arrived.tree.set_string(holder, "display", "held by another system");
        }
    }
}
