//! The order of an answer: undated first, under their own heading; then by clinical date, newest first, sources interleaved.

use std::borrow::Cow;
use std::cmp::Reverse;

use fhir::date::Partial;
use fhir::{Kind, Ref};
use record::Item;

/// Elements that say the clinical date, the best first (clinical before recorded), and where in each the date stands.
const PLACES: &[(&str, &str)] = &[
    ("onsetDateTime", ""),
    ("onsetPeriod", "start"),
    ("effectiveDateTime", ""),
    ("effectivePeriod", "start"),
    ("effectiveInstant", ""),
    ("performedDateTime", ""),
    ("performedPeriod", "start"),
    ("occurrenceDateTime", ""),
    ("occurrencePeriod", "start"),
    ("period", "start"),
    ("start", ""),
    ("authoredOn", ""),
    ("whenHandedOver", ""),
    ("whenPrepared", ""),
    ("collection", "collectedDateTime"),
    ("startDate", ""),
    ("authored", ""),
    ("sent", ""),
    ("dateTime", ""),
    ("date", ""),
    ("issued", ""),
    ("recordedDate", ""),
    ("dateAsserted", ""),
    ("recorded", ""),
];

/// Lengths of the names of [`PLACES`] by their first byte, a bit for each: most keys are seen at once to be none of them.
const HINTS: [u32; 128] = {
    let mut hints = [0; 128];
    let mut at = 0;
    while at < PLACES.len() {
        let name = PLACES[at].0.as_bytes();
        hints[name[0] as usize] |= 1 << name.len();
        at += 1;
    }
    hints
};

/// The place of an element among [`PLACES`].
fn place(node: Ref<'_>) -> Option<usize> {
    let (length, first) = node.key_hint();
    let hint = HINTS.get(usize::from(first)).copied().unwrap_or_default();
    if length >= 32 || hint & 1 << length == 0 {
        return None;
    }
    PLACES.iter().position(|(name, _)| name.as_bytes() == node.key_bytes())
}

/// The clinical date of an item, as a nanosecond since 1970; none when it gives none.
pub fn clinical(item: &Item) -> Option<i128> {
    best(item).map(|(_, _, date)| date)
}

/// The same as its source wrote it, and the element that it stands in.
pub fn clinical_text(item: &Item) -> Option<(&'static str, Cow<'_, str>)> {
    best(item).and_then(|(rank, node, _)| Some((PLACES[rank].0, node.value()?)))
}

fn best(item: &Item) -> Option<(usize, Ref<'_>, i128)> {
    let mut best: Option<(usize, Ref<'_>, i128)> = None;
    let root = item.tree.root();
    for node in root.items().filter(|_| root.is_object()) {
        let Some(rank) = place(node).filter(|rank| best.is_none_or(|(known, ..)| *rank < known)) else { continue };
        let inside = PLACES[rank].1;
        let node = if inside.is_empty() { Some(node) } else { node.get(inside) }.filter(|node| node.is_string());
        if let Some((node, date)) = node.and_then(|node| Some((node, Partial::parse(&node.value()?)?))) {
            best = Some((rank, node, date.range().0));
        }
    }
    best
}

/// The items in the order of an answer. Ids and versions break ties, so that the order of arrival never shows.
pub fn sorted(items: Vec<Item>) -> Vec<Item> {
    // Undated ones stand before the latest.
    let key = |(place, item): (usize, &Item)| (Reverse(clinical(item).unwrap_or(i128::MAX)), item.kind, place);
    let mut order: Vec<(Reverse<i128>, Kind, usize)> = items.iter().enumerate().map(key).collect();
    order.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| items[a.2].id.cmp(&items[b.2].id)).then_with(|| a.2.cmp(&b.2)));
    let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
    let mut sorted: Vec<Item> = Vec::with_capacity(items.len());
    sorted.extend(order.into_iter().filter_map(|(_, _, place)| items[place].take()));
    // Versions of one resource are rare: only those are compared in full.
    for run in sorted.chunk_by_mut(|a, b| a.id == b.id && a.kind == b.kind) {
        if run.len() > 1 {
            run.sort_by(|a, b| clinical(b).cmp(&clinical(a)).then_with(|| crate::versions::order(b, a)));
        }
    }
    sorted
}
