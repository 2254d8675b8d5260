//! The last pass: references lead to minted ids, attachments through the exchange, and arrivals become items.

use fhir::{Kind, NodeId, Version};
use record::{FindingCode, Item, Quarantined};

use super::walk::{host_stands_in, plain};
use super::{Arrivals, Arrived, Reading, SOURCE_TAG, hide, subject};
use crate::hosts::Hosts;
use crate::references::{self, Index, Target};
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
enum Led {
    /// As it is.
    Alone,
    /// Nowhere; the text may stay.
    Nowhere,
    /// Outside the source; the text may not stay.
    Outside(Option<Kind>),
    /// To the reference now in the buffer, which is in this answer or is not.
    To(bool),
    /// To the reference now in the buffer, by an address that says another id.
    ToOther,
}

struct Finisher<'a> {
    reading: &'a Reading,
    index: &'a Index,
    places: &'a rustc_hash::FxHashMap<String, Vec<usize>>,
    /// `Patient/…` of those who carry the number asked for.
    person: Option<String>,
    /// Whether a type is in the answer as a whole, so that what does not resolve is worth a finding.
    expected: &'a dyn Fn(Kind) -> bool,
    /// Every host of the source, those its answer showed among them.
    hosts: Hosts,
    /// `meta.source` of what names no source of its own.
    meta_source: String,
    buffer: String,
    attachments: Vec<Attachment>,
}

impl Arrivals {
    /// Makes items of all that arrived. `expected` says of which types the answer holds what there is.
    pub(crate) fn finish(mut self, expected: &dyn Fn(Kind) -> bool) -> Read {
        let mut arrived = std::mem::take(&mut self.arrived);
        self.hide_learnt(&mut arrived);
        let hosts = Hosts::new(&self.reading.source, self.reading.hosts.names().chain(self.reading.bases.hosts()));
        let person = subject::person(&arrived, self.reading.number.as_ref());
        let mut finisher = Finisher {
            reading: &self.reading,
            index: &self.index,
            places: &self.places,
            person,
            expected,
            hosts,
            meta_source: format!("{SOURCE_TAG}:{}", self.reading.source),
            buffer: String::new(),
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
            found.retain(|node| !one.references.contains(node) && !one.attachments.contains(node));
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

impl Finisher<'_> {
    fn item(&mut self, mut arrived: Arrived) -> Item {
        for node in std::mem::take(&mut arrived.references) {
            self.reference(&mut arrived, node);
        }
        for node in std::mem::take(&mut arrived.attachments) {
            self.attachment(&mut arrived, node);
        }
        let root = arrived.tree.root().id();
        arrived.tree.set_string(root, "id", &arrived.id);
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
            tree.set_string(meta, "source", &self.meta_source);
        }
        let Some(tags) = tree.array_at(meta, "tag") else { return };
        let tag = tree.new_object();
        tree.set_string(tag, "system", SOURCE_TAG);
        tree.set_string(tag, "code", self.reading.source.as_str());
        tree.push(tags, tag);
    }

    fn reference(&mut self, arrived: &mut Arrived, node: NodeId) {
        let led = self.lead(arrived, node);
        match led {
            Led::Alone => self.hide(arrived, node),
            Led::Nowhere => {
                arrived.note(node, FindingCode::UnresolvedReference, "leads to nothing in the answer");
                self.hide(arrived, node);
            }
            Led::Outside(kind) => drop_address(arrived, node, kind),
            Led::ToOther => {
                arrived.note(node, FindingCode::Converted, "leads to the resource whose entry has this address");
                arrived.tree.set_text(node, &self.buffer);
            }
            Led::To(found) => {
                let expected = found || references_kind(&self.buffer).is_none_or(|kind| (self.expected)(kind));
                if !found && expected {
                    arrived.note(node, FindingCode::UnresolvedReference, "leads to nothing in the answer");
                }
                arrived.tree.set_text(node, &self.buffer);
            }
        }
    }

    /// What stays as it was must still name no host.
    fn hide(&self, arrived: &mut Arrived, node: NodeId) {
        if host_stands_in(arrived.tree.node(node), &self.hosts) {
            hide(arrived, node, &self.hosts);
        }
    }

    fn lead(&mut self, arrived: &Arrived, node: NodeId) -> Led {
        let text = plain(arrived.tree.node(node));
        self.buffer.clear();
        if let Some(minted) = self.index.by_url.get(text.as_ref()) {
            self.buffer.push_str(minted);
            let tail = text.rsplit(['/', ':']).next().unwrap_or_default();
            return if minted.ends_with(tail) { Led::To(true) } else { Led::ToOther };
        }
        match self.reading.bases.read(&text) {
            Target::Alone => Led::Alone,
            Target::Bare(id) | Target::Urn(id) => match self.index.only(id) {
                Some(minted) => {
                    self.buffer.push_str(minted);
                    Led::To(true)
                }
                None => Led::Nowhere,
            },
            Target::Elsewhere(ending) => self.elsewhere(ending),
            Target::Here { kind, id, .. } => self.here(kind, id),
            Target::Unreadable => Led::Nowhere,
        }
    }

    fn here(&mut self, kind: &str, id: &str) -> Led {
        let Some(r4) = references::r4_kind(self.reading.version, kind) else { return Led::Nowhere };
        self.buffer.push_str(r4.name());
        self.buffer.push('/');
        ids::mint_into(&mut self.buffer, &self.reading.source, kind, id);
        Led::To(self.places.contains_key(&self.buffer))
    }

    /// National services address a person by their NHS number: that is the person asked for, if it is theirs.
    fn elsewhere(&mut self, ending: Option<(&str, &str)>) -> Led {
        let kind = ending.and_then(|(kind, _)| references::r4_kind(Version::R4, kind));
        let theirs = kind == Some(Kind::PATIENT) && ending.is_some_and(|(_, id)| id.parse().ok() == self.reading.number);
        match &self.person {
            Some(person) if theirs && self.reading.number.is_some() => {
                self.buffer.push_str("Patient/");
                self.buffer.push_str(person);
                Led::To(true)
            }
            _ => Led::Outside(kind),
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

fn references_kind(reference: &str) -> Option<Kind> {
    Kind::parse(reference.split('/').next().unwrap_or_default())
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
