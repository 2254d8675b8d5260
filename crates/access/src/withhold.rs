//! Withholding: what a permit does not cover is taken out of the joined record, decided on the cluster.

use std::collections::BTreeSet;

use fhir::Kind;
use record::{CARRIED, Item, SharedRecord, SourceId, Tier};
use rustc_hash::FxHashMap;

use crate::closing::{self, Gone, Role};
use crate::lists::{Marked, Sign};
use crate::spread::Links;
use crate::{Category, Label, Lists, Permit, Section, label};

/// Takes out of a joined record what the permit does not cover. Decided on the cluster: the most restrictive label in T0 to T2 governs
/// every member, so that an unlabelled relay of what its owner restricts goes with it, and what the law restricts takes along what only
/// looks the same (T3). Closed under reference: no list, reason, total, document or result betrays what is gone. Counted in the plan.
pub fn withhold(permit: &Permit, lists: &Lists, record: &mut SharedRecord) {
    let mut marked: Vec<Marked> = record.items.iter().map(|item| marks(lists, item)).collect();
    let labelled = marked.iter().any(|marks| !marks.whole.is_empty() || !marks.parts.is_empty());
    let unseen = unseen(permit, lists);
    let mut rules = Asked::of(permit);
    let mut kept: Vec<bool> = record.items.iter().zip(&marked).map(|(item, marks)| rules.show(item, &marks.whole)).collect();
    if !labelled && unseen.is_empty() && kept.iter().all(|kept| *kept) {
        return;
    }
    let links = labelled.then(|| Links::of(&record.items));
    if let Some(links) = &links {
        while spread(record, links, &mut marked) {}
    }
    if labelled {
        kept = record.items.iter().zip(&marked).map(|(item, marks)| rules.show(item, &marks.whole)).collect();
    }
    with_clusters(record, &mut kept);
    with_versions(record, &mut kept);
    if let Some(links) = &links {
        // What leads to what is sensitive may be nothing but a way to it; and what only that led to is a way from it.
        let secret = |kept: &[bool]| -> Vec<bool> {
            record.items.iter().zip(kept).map(|(item, kept)| !kept && permit.allows(item.kind)).collect::<Vec<_>>()
        };
        while links.betraying(&record.items, &secret(&kept), &mut kept) {
            with_clusters(record, &mut kept);
            with_versions(record, &mut kept);
        }
    }
    take_out(rules, record, &kept, marked, unseen);
}

/// Kinds that this reader is not shown, and that were not asked for: whether what is led to there is listed, nobody saw.
fn unseen(permit: &Permit, lists: &Lists) -> Vec<Kind> {
    if lists.is_empty() {
        return Vec::new();
    }
    let clinical = CARRIED.iter().copied().filter(|kind| !CIRCUMSTANCES.contains(kind) || *kind == Kind::ENCOUNTER);
    clinical.filter(|kind| !matches!(*kind, Kind::PATIENT | Kind::RELATED_PERSON) && !permit.allows(*kind)).collect()
}

/// What in an item is sensitive: by its own labels, or by a list.
fn marks(lists: &Lists, item: &Item) -> Marked {
    let mut marks = lists.mark(item.kind, item.tree.root());
    label::own(item.tree.root(), &mut marks.whole);
    marks
}

/// The rules, asked once for what no label and no code of its own tells from the rest.
struct Asked<'a> {
    permit: &'a Permit,
    plain: FxHashMap<(Kind, SourceId), bool>,
}

impl Asked<'_> {
    fn of(permit: &Permit) -> Asked<'_> {
        Asked { permit, plain: FxHashMap::default() }
    }

    /// Whether an item with these labels is shown. What is not to be told to the patient is told to those who look after them.
    fn show(&mut self, item: &Item, labels: &BTreeSet<Label>) -> bool {
        let source = &item.origin.source;
        let objected = item.traits.unshared;
        if labels.is_empty() && !objected && self.all_plain(item.kind, source) {
            return true;
        }
        let labels: Vec<&str> = labels.iter().filter(|label| **label != Label::NO_DISCLOSURE_TO_PATIENT).map(Label::as_str).collect();
        let category = Category::of(item.kind, &item.tree);
        let section = Section { category, kind: item.kind, source, labels: &labels, objected, source_refused: false };
        self.permit.sees(&section).is_ok()
    }

    fn all_plain(&mut self, kind: Kind, source: &SourceId) -> bool {
        if let Some(known) = self.plain.get(&(kind, source.clone())) {
            return *known;
        }
        let all = self.permit.shows_all_plain(kind, source);
        self.plain.insert((kind, source.clone()), all);
        all
    }
}

/// Gives labels on: within clusters, and from who, where and what medicine to whatever refers to them. Whether anything was new.
fn spread(record: &SharedRecord, links: &Links, marked: &mut [Marked]) -> bool {
    let mut grew = false;
    let mut give = |marks: &mut Marked, sign: Option<Sign>, label: &Label| {
        grew |= marks.whole.insert(label.clone());
        if let Some(sign) = sign.filter(|sign| !marks.spreading.contains(&(*sign, label.clone()))) {
            marks.spreading.push((sign, label.clone()));
            grew = true;
        }
    };
    for cluster in &record.clusters {
        let all: BTreeSet<Label> = cluster.members.iter().flat_map(|member| marked[*member].whole.iter().cloned()).collect();
        let governs = |label: &&Label| cluster.tier <= Tier::T2 || cluster.tier == Tier::T3 && **label == Label::LEGALLY_RESTRICTED;
        for label in all.iter().filter(governs) {
            cluster.members.iter().for_each(|member| give(&mut marked[*member], None, label));
        }
    }
    for (from, item) in record.items.iter().enumerate() {
        for (sign, label) in marked[from].spreading.clone() {
            for to in links.to(from).iter().filter(|to| spreads(sign, item.kind, record.items[**to].kind)) {
                give(&mut marked[*to], Some(sign), &label);
            }
        }
    }
    grew
}

/// Kinds that say who did something, where, and when: what is sensitive by these is so wherever they are named.
const CIRCUMSTANCES: &[Kind] = &[
    Kind::APPOINTMENT,
    Kind::CARE_TEAM,
    Kind::ENCOUNTER,
    Kind::EPISODE_OF_CARE,
    Kind::HEALTHCARE_SERVICE,
    Kind::LOCATION,
    Kind::ORGANIZATION,
    Kind::PRACTITIONER,
    Kind::PRACTITIONER_ROLE,
];
const MEDICINES: &[Kind] =
    &[Kind::MEDICATION, Kind::MEDICATION_ADMINISTRATION, Kind::MEDICATION_DISPENSE, Kind::MEDICATION_REQUEST, Kind::MEDICATION_STATEMENT];

/// Whether what one kind is sensitive by makes a kind that refers to it so.
fn spreads(sign: Sign, from: Kind, to: Kind) -> bool {
    match sign {
        // Whoever was once in their hands is not sensitive as a person.
        _ if to == Kind::PATIENT => false,
        Sign::Drug => MEDICINES.contains(&from) && MEDICINES.contains(&to),
        Sign::Author | Sign::Organisation | Sign::Specialty => CIRCUMSTANCES.contains(&from),
        Sign::Code | Sign::DocumentType | Sign::SourceLabel => false,
    }
}

/// Relays of what is gone go with it.
fn with_clusters(record: &SharedRecord, kept: &mut [bool]) {
    for cluster in record.clusters.iter().filter(|cluster| cluster.tier <= Tier::T2) {
        if cluster.members.iter().any(|member| !kept[*member]) {
            cluster.members.iter().for_each(|member| kept[*member] = false);
        }
    }
}

/// Versions of one resource share its id.
fn with_versions(record: &SharedRecord, kept: &mut [bool]) {
    let gone: BTreeSet<(Kind, &str)> =
        record.items.iter().zip(kept.iter()).filter(|(_, kept)| !**kept).map(|(item, _)| (item.kind, item.id.as_str())).collect();
    for (item, kept) in record.items.iter().zip(kept) {
        *kept &= !gone.contains(&(item.kind, item.id.as_str()));
    }
}

/// Takes it out, counts it, and closes what is left over what is gone.
fn take_out(mut rules: Asked<'_>, record: &mut SharedRecord, kept: &[bool], mut marked: Vec<Marked>, unseen: Vec<Kind>) {
    let permit = rules.permit;
    // Whose record it is, its reader knows: where only their Patient is not shown, all that is said of them still names them.
    let betrays = |item: &Item| item.kind != Kind::PATIENT || permit.allows(Kind::PATIENT);
    let mut gone = Gone::default();
    gone.unseen(unseen);
    for (item, _) in record.items.iter().zip(kept).filter(|(item, kept)| !**kept && betrays(item)) {
        // What a role is not shown at all is no secret of this person's.
        gone.add(item, if permit.allows(item.kind) { Role::Sensitive } else { Role::NotShown });
    }
    for item in record.items.iter().zip(kept).filter(|(_, kept)| !**kept).map(|(item, _)| item) {
        if let Some(row) = record.plan.row_mut(&item.origin.source, item.kind) {
            row.counts.withheld += 1;
        }
        record.withheld.push((item.origin.source.clone(), item.kind));
    }
    record.retain(kept);
    let mut stays = kept.iter();
    marked.retain(|_| stays.next().is_none_or(|stays| *stays));
    for (item, marks) in record.items.iter_mut().zip(marked) {
        let parts = marks.parts.into_iter().filter(|(_, labels)| !rules.show(item, labels)).map(|(part, _)| part).collect();
        if closing::close(item, &gone, parts)
            && let Some(row) = record.plan.row_mut(&item.origin.source, item.kind)
        {
            row.counts.redacted += 1;
        }
    }
}
