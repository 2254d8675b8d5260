//! The order of an answer: undated first, under their own heading; then by clinical date, newest first, sources interleaved.

use std::cmp::Reverse;

use fhir::date::Partial;
use record::Item;

/// Where the clinical date stands, clinical before recorded.
const PLACES: &[&str] = &[
    "onsetDateTime",
    "onsetPeriod.start",
    "effectiveDateTime",
    "effectivePeriod.start",
    "effectiveInstant",
    "performedDateTime",
    "performedPeriod.start",
    "occurrenceDateTime",
    "occurrencePeriod.start",
    "period.start",
    "start",
    "authoredOn",
    "whenHandedOver",
    "whenPrepared",
    "collection.collectedDateTime",
    "startDate",
    "authored",
    "sent",
    "dateTime",
    "date",
    "issued",
    "recordedDate",
    "dateAsserted",
    "recorded",
];

/// The clinical date of an item, as a nanosecond since 1970; none when it gives none.
pub fn clinical(item: &Item) -> Option<i128> {
    let root = item.tree.root();
    PLACES.iter().find_map(|place| {
        // Most places are elements of the resource itself: one look, no path.
        let node = if place.contains('.') { root.at(place) } else { root.get(place) };
        Some(Partial::parse(&node.filter(|node| node.is_string())?.value()?)?.range().0)
    })
}

/// Sorts items into the order of an answer. Ids and versions break ties, so that the order of arrival never shows.
pub fn sort(items: &mut [Item]) {
    items.sort_by_cached_key(|item| {
        let date = clinical(item);
        (date.is_some(), Reverse(date), item.kind.name(), item.id.clone())
    });
    // Versions of one resource are rare: only those are compared in full.
    for run in items.chunk_by_mut(|a, b| a.kind == b.kind && a.id == b.id) {
        if run.len() > 1 {
            run.sort_by(|a, b| clinical(b).cmp(&clinical(a)).then_with(|| crate::versions::order(b, a)));
        }
    }
}
