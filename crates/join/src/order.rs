//! The order of an answer: undated first, under their own heading; then by clinical date, newest first, sources interleaved.

use std::cmp::Reverse;

use fhir::Kind;
use fhir::date::Partial;
use record::Item;

/// How well an element says the clinical date, the best first (clinical before recorded), and where in it the date stands.
fn place(key: &str) -> Option<(u8, Option<&'static str>)> {
    Some(match key {
        "onsetDateTime" => (0, None),
        "onsetPeriod" => (1, Some("start")),
        "effectiveDateTime" => (2, None),
        "effectivePeriod" => (3, Some("start")),
        "effectiveInstant" => (4, None),
        "performedDateTime" => (5, None),
        "performedPeriod" => (6, Some("start")),
        "occurrenceDateTime" => (7, None),
        "occurrencePeriod" => (8, Some("start")),
        "period" => (9, Some("start")),
        "start" => (10, None),
        "authoredOn" => (11, None),
        "whenHandedOver" => (12, None),
        "whenPrepared" => (13, None),
        "collection" => (14, Some("collectedDateTime")),
        "startDate" => (15, None),
        "authored" => (16, None),
        "sent" => (17, None),
        "dateTime" => (18, None),
        "date" => (19, None),
        "issued" => (20, None),
        "recordedDate" => (21, None),
        "dateAsserted" => (22, None),
        "recorded" => (23, None),
        _ => return None,
    })
}

/// The clinical date of an item, as a nanosecond since 1970; none when it gives none.
pub fn clinical(item: &Item) -> Option<i128> {
    let mut best: Option<(u8, i128)> = None;
    for (key, node) in item.tree.root().entries() {
        let Some((rank, inside)) = place(key).filter(|(rank, _)| best.is_none_or(|(known, _)| *rank < known)) else { continue };
        let node = inside.map_or(Some(node), |inside| node.get(inside)).filter(|node| node.is_string());
        if let Some(date) = node.and_then(|node| Partial::parse(&node.value()?)) {
            best = Some((rank, date.range().0));
        }
    }
    best.map(|(_, date)| date)
}

/// The items in the order of an answer. Ids and versions break ties, so that the order of arrival never shows.
pub fn sorted(items: Vec<Item>) -> Vec<Item> {
    // Undated ones stand before the latest.
    let key = |(place, item): (usize, &Item)| (Reverse(clinical(item).unwrap_or(i128::MAX)), item.kind, place);
    let mut order: Vec<(Reverse<i128>, Kind, usize)> = items.iter().enumerate().map(key).collect();
    order.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| items[a.2].id.cmp(&items[b.2].id)).then_with(|| a.2.cmp(&b.2)));
    let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
    let mut sorted: Vec<Item> = order.into_iter().filter_map(|(_, _, place)| items[place].take()).collect();
    // Versions of one resource are rare: only those are compared in full.
    for run in sorted.chunk_by_mut(|a, b| a.id == b.id && a.kind == b.kind) {
        if run.len() > 1 {
            run.sort_by(|a, b| clinical(b).cmp(&clinical(a)).then_with(|| crate::versions::order(b, a)));
        }
    }
    sorted
}
