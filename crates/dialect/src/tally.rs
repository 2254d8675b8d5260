//! What a conversation brought, sorted and counted: the part of a chart that every dialect makes alike.

use std::collections::BTreeMap;

use fhir::Kind;
use record::{Counts, Item, Quarantined};

use crate::reading::Read;

/// Items of a chart, and what became of each by type.
pub(crate) struct Tally {
    pub patients: Vec<Item>,
    /// Every other item that is kept, in order of minted id.
    pub kept: Vec<Item>,
    pub quarantined: Vec<Quarantined>,
    pub counts: BTreeMap<Kind, Counts>,
}

/// Sorts and counts what was read; `keeps` says what is of what was asked for.
pub(crate) fn tally(read: Read, keeps: impl Fn(&Item) -> bool) -> Tally {
    let Read { mut items, mut quarantined, .. } = read;
    // Content decides between two versions of one id that say the same version.
    items.sort_by(|a, b| (&a.id, a.kind).cmp(&(&b.id, b.kind)));
    order_versions(&mut items);
    let mut counts: BTreeMap<Kind, Counts> = BTreeMap::new();
    for item in &items {
        counts.entry(item.kind).or_default().came += 1;
    }
    // What is kept stays in its place: there is much of it.
    let patients = items.extract_if(.., |item| item.kind == Kind::PATIENT).collect();
    for item in items.extract_if(.., |item| !keeps(item)) {
        counts.entry(item.kind).or_default().filtered += 1;
    }
    for kind in quarantined.iter().filter_map(|one| one.kind) {
        let count = counts.entry(kind).or_default();
        count.came += 1;
        count.quarantined += 1;
    }
    quarantined.sort_by(|a, b| (&a.named, &a.id, a.cause, &a.detail).cmp(&(&b.named, &b.id, b.cause, &b.detail)));
    Tally { patients, kept: items, quarantined, counts }
}

/// Orders equal ids and versions by what they say, so that the order of arrival does not show.
fn order_versions(items: &mut [Item]) {
    let same = |a: &Item, b: &Item| a.kind == b.kind && a.id == b.id;
    for run in items.chunk_by_mut(same).filter(|run| run.len() > 1) {
        run.sort_by_cached_key(|item| (item.version().map(|version| version.into_owned()), item.tree.to_json()));
    }
}
