//! T3: units of several sources brought together by the clinical key of their type, where the pairing is unique.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use fhir::Kind;
use fhir::date::Precision;
use record::Tier;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use terms::Space;

use crate::compare::{Verdict, compare};
use crate::statement::{Facet, Speaker, Statement};
use crate::units::{Unit, agreeing};

/// What came of pairing units.
#[derive(Debug, Default)]
pub(crate) struct Paired {
    /// Sets of units that say the same, two or more each.
    pub groups: Vec<Vec<usize>>,
    /// Sets of units that differ in a facet.
    pub disputes: Vec<(Facet, Vec<usize>)>,
    /// Sets of units that may belong together, and why.
    pub hints: Vec<(Vec<usize>, &'static str)>,
}

/// More units than this under one code and time are left single: no record has them, and comparing all with all takes for ever.
pub(crate) const BUCKET_MAX: usize = 1_000;

pub(crate) const TOO_MANY: &str = "too many of one code and time to compare";
const AMBIGUOUS: &str = "the same in the key, and more than one fits";

/// Pairs units of one type.
pub(crate) fn pair(statements: &[Statement<'_>], units: &[Unit]) -> Paired {
    let mut paired = Paired::default();
    for bucket in buckets(statements, units) {
        if bucket.len() > BUCKET_MAX {
            paired.hints.push((bucket, TOO_MANY));
            continue;
        }
        Bucket::new(statements, units, bucket).pair(&mut paired);
    }
    paired
}

/// Units that share a code (or words, or a time where there are none): only these can match.
fn buckets(statements: &[Statement<'_>], units: &[Unit]) -> Vec<Vec<usize>> {
    let mut parents: Vec<usize> = (0..units.len()).collect();
    let mut shares = vec![false; units.len()];
    let mut first: FxHashMap<Token<'_>, usize> = FxHashMap::with_capacity_and_hasher(units.len(), Default::default());
    for (place, unit) in units.iter().enumerate() {
        for member in &unit.members {
            tokens(&statements[*member], |token| match first.entry(token) {
                Entry::Occupied(other) => {
                    let (a, b) = (root(&mut parents, place), root(&mut parents, *other.get()));
                    parents[a.max(b)] = a.min(b);
                    shares[a.min(b)] |= a != b;
                }
                Entry::Vacant(slot) => drop(slot.insert(place)),
            });
        }
    }
    // Most share nothing with any other: those are in no bucket.
    let mut buckets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in 0..units.len() {
        let root = root(&mut parents, place);
        if shares[root] {
            buckets.entry(root).or_default().push(place);
        }
    }
    let source = |place: &usize| units[*place].speakers(statements).next();
    buckets
        .into_values()
        .filter(|bucket| bucket.iter().any(|place| source(place) != source(&bucket[0]) || units[*place].members.len() > 1))
        .collect()
}

fn root(parents: &mut [usize], mut place: usize) -> usize {
    while parents[place] != place {
        parents[place] = parents[parents[place]];
        place = parents[place];
    }
    place
}

/// Something that statements share: a code or words, at a time where the type's time must be exact.
#[derive(PartialEq, Eq, Hash)]
pub(crate) enum Token<'a> {
    Code(Option<i128>, Space<'a>, &'a str),
    Time(i128),
    Words(Option<i128>, &'a str),
}

/// Calls `take` with what a statement must share with another to match it; not at all where the type has no clinical key.
pub(crate) fn tokens<'a>(statement: &'a Statement<'_>, mut take: impl FnMut(Token<'a>)) {
    // Types whose time must be exact are told apart by it at once.
    let time = match statement.kind() {
        Kind::APPOINTMENT | Kind::DIAGNOSTIC_REPORT | Kind::ENCOUNTER | Kind::OBSERVATION => {
            match statement.when.filter(|when| when.precision() == Precision::Instant) {
                Some(when) => Some(when.range().0),
                None => return,
            }
        }
        Kind::ALLERGY_INTOLERANCE
        | Kind::CARE_PLAN
        | Kind::CONDITION
        | Kind::IMMUNIZATION
        | Kind::MEDICATION_ADMINISTRATION
        | Kind::MEDICATION_DISPENSE
        | Kind::MEDICATION_REQUEST
        | Kind::MEDICATION_STATEMENT
        | Kind::PROCEDURE => None,
        _ => return,
    };
    if let (Kind::APPOINTMENT | Kind::ENCOUNTER, Some(time)) = (statement.kind(), time) {
        return take(Token::Time(time));
    }
    statement.codes.iter().for_each(|(space, code)| take(Token::Code(time, *space, code)));
    // Words make two one only where neither has a code; of allergies, where the codes are of an allergy and of its agent.
    if (statement.codes.is_empty() || statement.kind() == Kind::ALLERGY_INTOLERANCE)
        && let Some(words) = statement.words()
    {
        take(Token::Words(time, words));
    }
}

struct Bucket<'a, 's> {
    statements: &'a [Statement<'s>],
    units: &'a [Unit],
    places: Vec<usize>,
    /// Verdicts by position in `places`, the smaller first.
    verdicts: FxHashMap<(usize, usize), Verdict>,
}

impl<'a, 's> Bucket<'a, 's> {
    fn new(statements: &'a [Statement<'s>], units: &'a [Unit], places: Vec<usize>) -> Bucket<'a, 's> {
        let mut verdicts = FxHashMap::default();
        for a in 0..places.len() {
            for b in a + 1..places.len() {
                let verdict = between(statements, &units[places[a]], &units[places[b]]);
                if verdict != Verdict::No {
                    verdicts.insert((a, b), verdict);
                }
            }
        }
        Bucket { statements, units, places, verdicts }
    }

    fn verdict(&self, a: usize, b: usize) -> &Verdict {
        self.verdicts.get(&(a.min(b), a.max(b))).unwrap_or(&Verdict::No)
    }

    fn unit(&self, position: usize) -> &'a Unit {
        &self.units[self.places[position]]
    }

    fn pair(self, paired: &mut Paired) {
        let count = self.places.len();
        let picks: Vec<BTreeMap<Speaker<'_>, Vec<usize>>> = (0..count).map(|position| self.picks(position)).collect();
        let sole = |from: usize, to: usize| picks[from].values().any(|found| found.as_slice() == [to]);
        let mut edges: Vec<(usize, usize)> = Vec::new();
        for a in 0..count {
            edges.extend((a + 1..count).filter(|b| sole(a, *b) && sole(*b, a)).map(|b| (a, b)));
        }
        for component in components(count, &edges) {
            self.settle(component, &edges, paired);
        }
        for (position, picks) in picks.iter().enumerate() {
            for found in picks.values().filter(|found| found.len() > 1) {
                self.leave(position, found, paired);
            }
        }
        for ((a, b), verdict) in &self.verdicts {
            if let Verdict::Perhaps(why) = verdict {
                paired.hints.push((vec![self.places[*a], self.places[*b]], why));
            }
        }
    }

    /// The candidates of a unit in each other source: narrowed by equal instant, then by equal value.
    fn picks(&self, position: usize) -> BTreeMap<Speaker<'a>, Vec<usize>> {
        let mut by_source: BTreeMap<Speaker<'_>, Vec<usize>> = BTreeMap::new();
        for other in (0..self.places.len()).filter(|other| *other != position) {
            if matches!(self.verdict(position, other), Verdict::Differ(_) | Verdict::Same) {
                let mut sources: Vec<Speaker<'a>> = self.unit(other).speakers(self.statements).collect();
                sources.sort();
                sources.dedup();
                sources.into_iter().for_each(|source| by_source.entry(source).or_default().push(other));
            }
        }
        for found in by_source.values_mut() {
            narrow(found, |other| self.same_instant(position, *other));
            narrow(found, |other| *self.verdict(position, *other) == Verdict::Same);
        }
        by_source
    }

    fn same_instant(&self, a: usize, b: usize) -> bool {
        let when = |position: usize| self.statements[self.speaker(position)].when;
        when(a).is_some() && when(a) == when(b)
    }

    fn speaker(&self, position: usize) -> usize {
        let unit = self.unit(position);
        unit.owner.unwrap_or(unit.members[0])
    }

    /// Groups and disputes within units that uniquely lead to one another.
    fn settle(&self, component: Vec<usize>, edges: &[(usize, usize)], paired: &mut Paired) {
        if component.len() < 2 {
            return;
        }
        let whole = |places: &[usize]| {
            places
                .iter()
                .enumerate()
                .all(|(at, a)| places[at + 1..].iter().all(|b| matches!(self.verdict(*a, *b), Verdict::Differ(_) | Verdict::Same)))
        };
        if !whole(&component) {
            // A chain of coarse dates, or two of one source at its ends: only what is dated alike is sure.
            let sure: Vec<(usize, usize)> =
                edges.iter().copied().filter(|(a, b)| component.contains(a) && self.same_instant(*a, *b)).collect();
            let mut left = component.clone();
            for part in components(self.places.len(), &sure).into_iter().filter(|part| part.len() > 1 && whole(part)) {
                left.retain(|position| !part.contains(position));
                self.settle(part, &sure, paired);
            }
            if left.len() < component.len() || left.len() > 1 {
                paired.hints.push((component.iter().map(|position| self.places[*position]).collect(), AMBIGUOUS));
            }
            return;
        }
        let groups = agreeing(&component, |a, b| *self.verdict(*a, *b) == Verdict::Same);
        let mut facets: BTreeMap<Facet, Vec<usize>> = BTreeMap::new();
        for (at, a) in component.iter().enumerate() {
            for b in &component[at + 1..] {
                if let Verdict::Differ(differ) = self.verdict(*a, *b) {
                    for facet in differ {
                        facets.entry(*facet).or_default().extend([self.places[*a], self.places[*b]]);
                    }
                }
            }
        }
        paired.disputes.extend(facets.into_iter().map(|(facet, units)| (facet, unique(units))));
        paired.groups.extend(
            groups.into_iter().filter(|group| group.len() > 1).map(|group| group.iter().map(|position| self.places[*position]).collect()),
        );
    }

    /// What stays ambiguous stays single: with a hint, or, where every candidate is denied, with a conflict.
    fn leave(&self, position: usize, found: &[usize], paired: &mut Paired) {
        let mut all = vec![self.places[position]];
        all.extend(found.iter().map(|other| self.places[*other]));
        let opposed = |other: &usize| self.statements[self.speaker(*other)].standing != self.statements[self.speaker(position)].standing;
        match found.iter().all(opposed) {
            true => {
                let verified = matches!(self.statements[self.speaker(position)].kind(), Kind::ALLERGY_INTOLERANCE | Kind::CONDITION);
                paired.disputes.push((if verified { Facet::Verification } else { Facet::Status }, unique(all)));
            }
            false => paired.hints.push((unique(all), AMBIGUOUS)),
        }
    }
}

/// Every pair of members must match.
pub(crate) fn between(statements: &[Statement<'_>], one: &Unit, other: &Unit) -> Verdict {
    // Two resources of one source never group. They may contradict, where one was said by somebody else and only copied there.
    let together = one.shares_a_source(other, statements);
    if together && !independent(statements, one, other) {
        return Verdict::No;
    }
    let mut differ: Vec<Facet> = Vec::new();
    let mut perhaps = None;
    for a in one.spoken() {
        for b in other.spoken() {
            match compare(&statements[a], &statements[b]) {
                Verdict::No => return Verdict::No,
                Verdict::Perhaps(why) => perhaps = Some(why),
                Verdict::Differ(facets) => differ.extend(facets),
                Verdict::Same => {}
            }
        }
    }
    if let Some(why) = perhaps {
        return Verdict::Perhaps(why);
    }
    differ.sort();
    differ.dedup();
    match differ.is_empty() {
        true if together => Verdict::No,
        true => Verdict::Same,
        false => Verdict::Differ(differ),
    }
}

/// Whether two units were said by two sources, whoever else holds copies of them.
fn independent(statements: &[Statement<'_>], one: &Unit, other: &Unit) -> bool {
    let author = |unit: &Unit| match unit.members.as_slice() {
        [only] => Some(*only),
        _ => unit.owner,
    };
    let source = |member: usize| statements[member].speaker();
    author(one).zip(author(other)).is_some_and(|(a, b)| source(a) != source(b))
}

/// Keeps those that fit better, if any do and there is a choice.
fn narrow(found: &mut Vec<usize>, fits: impl Fn(&usize) -> bool) {
    if found.len() > 1 && found.iter().any(&fits) {
        found.retain(fits);
    }
}

fn components(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut parents: Vec<usize> = (0..count).collect();
    for (a, b) in edges {
        let (a, b) = (root(&mut parents, *a), root(&mut parents, *b));
        parents[a.max(b)] = a.min(b);
    }
    let mut components: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for position in 0..count {
        components.entry(root(&mut parents, position)).or_default().push(position);
    }
    components.into_values().collect()
}

fn unique(mut units: Vec<usize>) -> Vec<usize> {
    units.sort_unstable();
    units.dedup();
    units
}

/// The units of a group as one: a cluster of tier T3.
pub(crate) fn united(statements: &[Statement<'_>], units: &[Unit], group: &[usize]) -> Unit {
    let mut members: SmallVec<[usize; 2]> = group.iter().flat_map(|place| units[*place].members.iter().copied()).collect();
    members.sort_by_key(|member| &statements[*member].item.id);
    let lagging = group.iter().flat_map(|place| units[*place].lagging.iter().copied()).collect();
    let why = match statements[members[0]].kind() {
        Kind::ALLERGY_INTOLERANCE => "the same agent",
        Kind::APPOINTMENT => "the same start",
        Kind::CONDITION => "the same code and onset",
        Kind::ENCOUNTER => "the same class, start and site",
        Kind::IMMUNIZATION => "the same vaccine and day",
        Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT => "the same medicine, dose and frequency",
        Kind::OBSERVATION => "the same code, time and value",
        _ => "the same code and date",
    };
    Unit { members, tier: Some(Tier::T3), owner: None, lagging, why: why.to_owned() }
}
