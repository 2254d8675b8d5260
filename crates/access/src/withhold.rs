//! Withholding: what a permit does not cover is taken out of the joined record, decided on the cluster.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use fhir::Kind;
use record::{CARRIED, Item, SharedRecord, SourceId, Status, Tier};
use rustc_hash::FxHashMap;

use crate::closing::{self, Gone, Role};
use crate::lists::{Marked, Sign};
use crate::spread::{Links, leads_to};
use crate::{Category, Label, Lists, Permit, Section, label};

/// Takes out of a joined record what the permit does not cover. Decided on the cluster: the most restrictive label in T0 to T2 governs
/// every member, so that an unlabelled relay of what its owner restricts goes with it, and what the law restricts takes along what only
/// looks the same (T3). Closed under reference: no list, reason, total, document or result betrays what is gone. Counted in the plan.
pub fn withhold(permit: &Permit, lists: &Lists, record: &mut SharedRecord) {
    let mut marked: Vec<Marked> = record.items.iter().map(|item| marks(lists, item)).collect();
    let labelled = marked.iter().any(|marks| !marks.whole.is_empty() || !marks.parts.is_empty());
    let unseen = unseen(permit, lists, record);
    let mut rules = Asked::of(permit);
    let mut kept: Vec<bool> = record.items.iter().zip(&marked).map(|(item, marks)| rules.show(item, &marks.whole)).collect();
    let unsaid = record.items.iter().any(|item| item.traits.unsaid);
    if !labelled && !unsaid && unseen.is_empty() && kept.iter().all(|kept| *kept) {
        return;
    }
    let versions = versions(record);
    let links = LazyCell::new(|| Links::of(&record.items));
    if labelled {
        while spread(record, &links, &versions, &mut marked) {}
        kept = record.items.iter().zip(&marked).map(|(item, marks)| rules.show(item, &marks.whole)).collect();
    }
    with_relays(record, &versions, &mut kept);
    let tells: Vec<bool> = record.items.iter().zip(&marked).map(|(item, marks)| tells(permit, item, marks)).collect();
    // What leads to what is sensitive may be nothing but a way to it; and what only that led to is a way from it.
    let secret = |kept: &[bool]| kept.iter().zip(&tells).map(|(kept, tells)| !kept && *tells).collect::<Vec<_>>();
    while secret(&kept).contains(&true) && links.betraying(&record.items, &secret(&kept), &mut kept) {
        with_relays(record, &versions, &mut kept);
    }
    // Of what nobody knows whether the person objects to it, nothing is shown; what others say of the same themselves is theirs to share.
    record.items.iter().zip(&mut kept).for_each(|(item, kept)| *kept &= !item.traits.unsaid);
    take_out(rules, record, (&kept, &tells), marked, unseen);
}

/// Whether it would tell something of this person that an item is gone. What a reader is not shown at all is no secret of theirs, unless
/// it is sensitive as well.
fn tells(permit: &Permit, item: &Item, marks: &Marked) -> bool {
    let shown = permit.may_ask(&item.origin.source, item.kind);
    let unshared = item.traits.objected || item.traits.unsaid || item.traits.refused;
    shown || unshared || marks.whole.iter().any(|label| *label != Label::NO_DISCLOSURE_TO_PATIENT)
}

/// Whether a type is asked for whatever its reader is shown, because the rest is judged by it: Consents say what a person objects to; and
/// where there are lists, who, where and what medicine makes sensitive whatever refers to them. [`withhold`] takes it out again.
pub fn judges(kind: Kind, lists: &Lists) -> bool {
    kind == Kind::CONSENT || !lists.is_empty() && (CIRCUMSTANCES.contains(&kind) || MEDICINES.contains(&kind))
}

/// What was not asked of a source, or did not come: whether what is led to there is listed, nobody saw.
fn unseen(permit: &Permit, lists: &Lists, record: &SharedRecord) -> BTreeSet<(SourceId, Kind)> {
    if lists.is_empty() {
        return BTreeSet::new();
    }
    let clinical = |kind: &Kind| {
        let named = CIRCUMSTANCES.contains(kind) && *kind != Kind::ENCOUNTER;
        !named && !matches!(*kind, Kind::PATIENT | Kind::RELATED_PERSON)
    };
    let failed = record.plan.rows.iter().filter(|row| clinical(&row.kind) && row.status.is_none_or(Status::failed));
    let failed = failed.map(|row| (row.source.clone(), row.kind));
    let sources: BTreeSet<&SourceId> = record.items.iter().map(|item| &item.origin.source).collect();
    let not_asked = |source: &&SourceId, kind: &Kind| clinical(kind) && !judges(*kind, lists) && !permit.may_ask(source, *kind);
    let barred = |source: &SourceId| CARRIED.iter().filter(|kind| not_asked(&source, kind)).map(|kind| (source.clone(), *kind)).collect();
    failed.chain(sources.into_iter().flat_map(|source| -> Vec<_> { barred(source) })).collect()
}

/// What in an item is sensitive: by its own labels, or by a list.
fn marks(lists: &Lists, item: &Item) -> Marked {
    let mut marks = lists.mark(item.kind, item.tree.root());
    label::own(&item.tree, &mut marks.whole);
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
        let (objected, source_refused) = (item.traits.objected, item.traits.refused);
        if labels.is_empty() && !objected && !source_refused && self.all_plain(item.kind, source) {
            return true;
        }
        let labels: Vec<&str> = labels.iter().filter(|label| **label != Label::NO_DISCLOSURE_TO_PATIENT).map(Label::as_str).collect();
        let category = Category::of(item.kind, &item.tree);
        let section = Section { category, kind: item.kind, source, labels: &labels, objected, source_refused };
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

/// Gives labels on: within clusters, between versions of one resource, and from who, where and what medicine to whatever refers to them.
/// Whether anything was new.
fn spread(record: &SharedRecord, links: &Links, versions: &[Vec<usize>], marked: &mut [Marked]) -> bool {
    let mut grew = false;
    let mut give = |marks: &mut Marked, sign: Option<Sign>, label: &Label| {
        grew |= marks.whole.insert(label.clone());
        if let Some(sign) = sign.filter(|sign| !marks.spreading.contains(&(*sign, label.clone()))) {
            marks.spreading.push((sign, label.clone()));
            grew = true;
        }
    };
    let clusters = record.clusters.iter().map(|cluster| (&cluster.members, cluster.tier));
    for (members, tier) in clusters.chain(versions.iter().map(|members| (members, Tier::T0))) {
        let all: BTreeSet<Label> = members.iter().flat_map(|member| marked[*member].whole.iter().cloned()).collect();
        let governs = |label: &&Label| tier <= Tier::T2 || tier == Tier::T3 && **label == Label::LEGALLY_RESTRICTED;
        for label in all.iter().filter(governs) {
            members.iter().for_each(|member| give(&mut marked[*member], None, label));
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

/// Relays of what is gone go with it, and so do its versions; and whatever these are relays and versions of.
fn with_relays(record: &SharedRecord, versions: &[Vec<usize>], kept: &mut [bool]) {
    let clusters = record.clusters.iter().filter(|cluster| cluster.tier <= Tier::T2).map(|cluster| &cluster.members);
    let groups: Vec<&Vec<usize>> = clusters.chain(versions).collect();
    loop {
        let mut found = false;
        for members in &groups {
            let mut each = members.iter().map(|member| kept[*member]);
            if each.clone().any(|kept| kept) && !each.all(|kept| kept) {
                members.iter().for_each(|member| kept[*member] = false);
                found = true;
            }
        }
        if !found {
            return;
        }
    }
}

/// Versions of one resource share its id.
fn versions(record: &SharedRecord) -> Vec<Vec<usize>> {
    let mut versions: FxHashMap<(Kind, &str), Vec<usize>> = FxHashMap::default();
    for (at, item) in record.items.iter().enumerate() {
        versions.entry((item.kind, item.id.as_str())).or_default().push(at);
    }
    versions.into_values().collect()
}

/// Takes it out, counts it, and closes what is left over what is gone.
fn take_out(
    mut rules: Asked<'_>,
    record: &mut SharedRecord,
    (kept, tells): (&[bool], &[bool]),
    mut marked: Vec<Marked>,
    unseen: BTreeSet<(SourceId, Kind)>,
) {
    let permit = rules.permit;
    // Whose record it is, its reader knows: where only their Patient is not shown, all that is said of them still names them.
    let betrays = |item: &Item| item.kind != Kind::PATIENT || permit.allows(Kind::PATIENT);
    let mut gone = Gone::default();
    for ((item, kept), tells) in record.items.iter().zip(kept).zip(tells) {
        match kept {
            true => gone.seen(item),
            false if betrays(item) => gone.add(item, if *tells { Role::Sensitive } else { Role::NotShown }),
            false => {}
        }
    }
    gone.unseen(unseen);
    leave_out(record, kept);
    let mut stays = kept.iter();
    marked.retain(|_| stays.next().is_none_or(|stays| *stays));
    let fetched = record.items.iter().any(|item| item.kind == Kind::BINARY);
    let binaries = |item: &Item| if fetched { leads_to(item.tree.root(), Kind::BINARY) } else { BTreeSet::new() };
    let mut lost = BTreeSet::new();
    for (item, marks) in record.items.iter_mut().zip(marked) {
        let parts = marks.parts.into_iter().filter(|(_, labels)| !rules.show(item, labels)).map(|(part, _)| part).collect();
        let led = binaries(item);
        if closing::close(item, &gone, parts)
            && let Some(row) = record.plan.row_mut(&item.origin.source, item.kind)
        {
            row.counts.redacted += 1;
        }
        lost.extend(&led - &binaries(item));
    }
    // What was attached to a part that is gone is gone as well.
    let kept: Vec<bool> = record.items.iter().map(|item| item.kind != Kind::BINARY || !lost.contains(&item.id)).collect();
    leave_out(record, &kept);
}

/// Takes items out, and counts them.
fn leave_out(record: &mut SharedRecord, kept: &[bool]) {
    for item in record.items.iter().zip(kept).filter(|(_, kept)| !**kept).map(|(item, _)| item) {
        if let Some(row) = record.plan.row_mut(&item.origin.source, item.kind) {
            row.counts.withheld += 1;
        }
        record.withheld.push((item.origin.source.clone(), item.kind));
    }
    record.retain(kept);
}
