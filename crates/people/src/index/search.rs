//! From what is asked to those who share something with it.

use std::ops::Range;
use std::sync::Arc;

use super::Candidate;
use super::keys;
use super::run::Run;
use super::stack::Stack;
use crate::matching::Fields;

/// How many places of one list are looked at where every list is too long: those of two lists at once are few.
const SHARED_MAX: usize = 200_000;

/// Who was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The likeliest first, as far as that is seen before anything is compared.
    pub candidates: Vec<Candidate>,
    /// Whether somebody who shares something with what was asked was passed over: too many do.
    pub passed_over: bool,
}

/// A run and an ordinal in it, in 40 and 24 bits.
type Place = u64;

/// The persons that have one key, in each run.
struct List {
    weight: u32,
    count: usize,
    parts: Vec<(usize, Range<usize>)>,
}

impl List {
    fn places(&self, runs: &[(usize, &Arc<Run>)]) -> impl Iterator<Item = Place> {
        self.parts.iter().flat_map(|(at, range)| {
            let ordinals = runs[*at].1.keys.ordinals(range.clone());
            ordinals.map(|ordinal| (*at as u64) << 24 | u64::from(ordinal))
        })
    }

    fn holds(&self, runs: &[(usize, &Arc<Run>)], place: Place) -> bool {
        let run = (place >> 24) as usize;
        let part = self.parts.binary_search_by_key(&run, |(at, _)| *at).ok().map(|part| &self.parts[part]);
        part.is_some_and(|(_, range)| runs[run].1.keys.holds(range.clone(), (place & 0xff_ffff) as u32))
    }
}

pub(super) fn search(stack: &Stack<Run>, query: &Fields<'_>, count_max: usize, persons_max: usize) -> Found {
    let runs: Vec<_> = stack.runs().collect();
    let mut lists = lists(&runs, query);
    lists.sort_by_key(|list| list.count);
    let mut left = persons_max;
    let short = lists.iter().take_while(|list| left.checked_sub(list.count).map(|rest| left = rest).is_some()).count();
    let (short, long) = lists.split_at(short);
    let mut found: Vec<(Place, u32)> = short.iter().flat_map(|list| list.places(&runs).map(|place| (place, list.weight))).collect();
    if found.is_empty() {
        found = in_two(&runs, long, persons_max);
    } else {
        sum(&mut found);
        for (place, weight) in &mut found {
            *weight += long.iter().filter(|list| list.holds(&runs, *place)).map(|list| list.weight).sum::<u32>();
        }
    }
    found.sort_unstable_by(|(one, less), (other, more)| more.cmp(less).then(one.cmp(other)));
    let mut candidates = Vec::with_capacity(count_max.min(found.len()));
    let mut passed_over = !long.is_empty();
    for (place, _) in found {
        let (depth, run) = runs[(place >> 24) as usize];
        let ordinal = (place & 0xff_ffff) as u32;
        let Some(id) = run.ids.id(ordinal) else { continue };
        if stack.is_replaced(depth, &id) {
            continue;
        }
        if candidates.len() == count_max {
            passed_over = true;
            break;
        }
        candidates.push(Candidate::of(run, ordinal, id));
    }
    Found { candidates, passed_over }
}

fn lists(runs: &[(usize, &Arc<Run>)], query: &Fields<'_>) -> Vec<List> {
    let list = |key: keys::Key| {
        let parts = runs.iter().enumerate().map(|(at, (_, run))| (at, run.keys.find(key.digest)));
        let parts: Vec<_> = parts.filter(|(_, range)| !range.is_empty()).collect();
        let count = parts.iter().map(|(_, range)| range.len()).sum();
        List { weight: key.kind.weight(), count, parts }
    };
    keys::asked(query).into_iter().map(list).filter(|list| list.count > 0).collect()
}

/// Adds up what is said of one place.
fn sum(found: &mut Vec<(Place, u32)>) {
    found.sort_unstable();
    found.dedup_by(|(place, weight), (kept, sum)| {
        let same = place == kept;
        if same {
            *sum += *weight;
        }
        same
    });
}

/// Those of the shortest list who are in another too, where every list is long.
fn in_two(runs: &[(usize, &Arc<Run>)], lists: &[List], persons_max: usize) -> Vec<(Place, u32)> {
    let Some((first, others)) = lists.split_first() else { return Vec::new() };
    let places = first.places(runs).take(SHARED_MAX);
    let weighed = places.map(|place| {
        let weight = others.iter().filter(|list| list.holds(runs, place)).map(|list| list.weight).sum::<u32>();
        (place, weight)
    });
    weighed.filter(|(_, weight)| *weight > 0).map(|(place, weight)| (place, weight + first.weight)).take(persons_max).collect()
}
