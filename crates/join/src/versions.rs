//! T0: several versions of one resource of one source. The newest stands; the others are its history.

use std::cmp::Ordering;

use record::{Fate, Item};
use rustc_hash::FxHashMap;

/// Which items are older versions of another.
pub(crate) fn history(items: &[Item]) -> Vec<Fate> {
    let mut fates = vec![Fate::Single; items.len()];
    let mut newest: FxHashMap<(&str, &str), usize> = FxHashMap::default();
    for (at, item) in items.iter().enumerate() {
        let place = newest.entry((item.kind.name(), item.id.as_str())).or_insert(at);
        if *place != at {
            let older = if order(item, &items[*place]) == Ordering::Greater { std::mem::replace(place, at) } else { at };
            fates[older] = Fate::History;
        }
    }
    fates
}

/// By time of update, then by version, then by content: the order of arrival says nothing.
pub(crate) fn order(a: &Item, b: &Item) -> Ordering {
    let updated = |item: &Item| item.last_updated().and_then(|at| fhir::date::Partial::parse(&at)).map(|at| at.range().0);
    let version = |item: &Item| item.version().map(|version| (version.parse::<u64>().unwrap_or(0), version.into_owned()));
    updated(a).cmp(&updated(b)).then_with(|| version(a).cmp(&version(b))).then_with(|| a.tree.to_json().cmp(&b.tree.to_json()))
}

/// The newer first, as far as the sources say when they wrote.
pub(crate) fn newer_first(a: &Item, b: &Item) -> Ordering {
    let at = |item: &Item| item.last_updated().and_then(|at| fhir::date::Partial::parse(&at)).map(|at| at.range().0);
    at(b).cmp(&at(a))
}
