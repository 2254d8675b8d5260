//! Units: what one author said, with every copy of it (T1), and what two sources hold word for word (T2).

use std::collections::BTreeMap;

use fhir::Kind;
use fhir::date::Precision;
use record::{Finding, FindingCode, Tier};
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

use crate::Rules;
use crate::compare::{self, Shared};
use crate::content::{self, Labels};
use crate::statement::{Facet, Speaker, Standing, Statement};

/// Statements that are one, and what made them so.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// Places in the list of statements, in order of minted ids.
    pub members: SmallVec<[usize; 2]>,
    /// The weakest link; `None` for a single one.
    pub tier: Option<Tier>,
    /// The owner's own statement, where it is here.
    pub owner: Option<usize>,
    /// Copies that lag behind the owner.
    pub lagging: Vec<usize>,
    /// Why, in words.
    pub why: String,
}

impl Unit {
    fn single(member: usize) -> Unit {
        Unit { members: smallvec![member], tier: None, owner: None, lagging: Vec::new(), why: String::new() }
    }

    /// Members whose word counts: not those that lag behind their owner.
    pub fn spoken(&self) -> impl Iterator<Item = usize> {
        self.members.iter().copied().filter(|member| !self.lagging.contains(member))
    }

    pub fn speakers<'a>(&'a self, statements: &'a [Statement<'_>]) -> impl Iterator<Item = Speaker<'a>> {
        self.members.iter().map(|member| statements[*member].speaker())
    }

    pub fn shares_a_source(&self, other: &Unit, statements: &[Statement<'_>]) -> bool {
        self.speakers(statements).any(|speaker| other.speakers(statements).any(|theirs| theirs == speaker))
    }

    fn least<'a>(&self, statements: &'a [Statement<'_>]) -> &'a str {
        self.members.iter().map(|member| statements[*member].item.id.as_str()).min().unwrap_or_default()
    }
}

/// T1, then T2: units in order of their least ids, and findings about identifiers used for two things.
pub(crate) fn units(statements: &[Statement<'_>], labels: &Labels<'_>, rules: &Rules) -> (Vec<Unit>, Vec<(usize, Finding)>) {
    let mut findings = Vec::new();
    let relayed = relayed(statements, rules, &mut findings);
    (doubled(statements, relayed, labels), findings)
}

/// T1: one business identifier, one fact.
fn relayed(statements: &[Statement<'_>], rules: &Rules, findings: &mut Vec<(usize, Finding)>) -> Vec<Unit> {
    let mut taken = vec![false; statements.len()];
    let mut units = Vec::new();
    for ((system, _), mut places) in shared_identifiers(statements.iter().enumerate()) {
        places.retain(|place| !taken[*place]);
        places.sort_by_key(|place| &statements[*place].item.id);
        places.dedup();
        for group in split(statements, &places, system, rules, findings) {
            group.members.iter().for_each(|member| taken[*member] = true);
            units.push(group);
        }
    }
    units.extend((0..statements.len()).filter(|place| !taken[*place]).map(Unit::single));
    units
}

/// Identifiers that stand at two places or more, in order, with those places. All statements are of one type.
fn shared_identifiers<'a, 's: 'a>(said: impl Iterator<Item = (usize, &'a Statement<'s>)>) -> BTreeMap<(&'a str, &'a str), Vec<usize>> {
    let mut first: FxHashMap<(&str, &str), usize> = FxHashMap::default();
    let mut shared: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (place, statement) in said {
        for (system, value) in &statement.identifiers {
            let identifier = (system.as_ref(), value.as_ref());
            let known = *first.entry(identifier).or_insert(place);
            if known != place {
                shared.entry(identifier).or_insert_with(|| vec![known]).push(place);
            }
        }
    }
    shared
}

/// Members of one identifier that may stand in one unit.
fn split(statements: &[Statement<'_>], places: &[usize], system: &str, rules: &Rules, findings: &mut Vec<(usize, Finding)>) -> Vec<Unit> {
    if places.len() < 2 {
        return Vec::new();
    }
    // One filler number for seven analytes is a panel, not a reuse; each analyte is a result of its own.
    let exact = |a: &usize, b: &usize| exactly(&statements[*a], &statements[*b]);
    let owner_source = rules.owners.iter().find(|(prefix, _)| system.starts_with(prefix.as_str())).map(|(_, source)| source);
    let mut units = Vec::new();
    let groups = agreeing(places, exact);
    let one_thing = groups.len() == 1;
    for group in groups {
        let owned = owner_source.and_then(|source| group.iter().copied().find(|place| statements[*place].item.origin.source == *source));
        // What its provider says to us itself stands before what exchanges pass on.
        let first_hand = |place: &usize| {
            statements[*place].item.traits.original.as_ref().is_some_and(|original| original.provider == system && original.hops == 0)
        };
        let owner = owned.or_else(|| group.iter().copied().find(first_hand));
        match owner {
            Some(owner) => {
                let lagging =
                    group.iter().copied().filter(|place| *place != owner && lags(&statements[*place], &statements[owner])).collect();
                units.push(Unit {
                    members: group.into(),
                    tier: Some(Tier::T1),
                    owner: Some(owner),
                    lagging,
                    why: format!("one identifier of {system}"),
                });
            }
            // Without the owner's word nobody's word counts for more: what differs is left to be a conflict.
            None => {
                units.extend(agreeing(&group, |a, b| compare::differences(&statements[*a], &statements[*b]).is_empty()).into_iter().map(
                    |members| Unit {
                        members: members.into(),
                        tier: Some(Tier::T1),
                        owner: None,
                        lagging: Vec::new(),
                        why: format!("one identifier of {system}"),
                    },
                ))
            }
        }
    }
    let reused = |place: &usize| {
        places.iter().any(|other| {
            let (a, b) = (&statements[*place], &statements[*other]);
            a.kind() != Kind::OBSERVATION && !exactly(a, b) || a.kind() == Kind::OBSERVATION && same_analyte(a, b) && !exactly(a, b)
        })
    };
    for place in places.iter().filter(|place| !one_thing && reused(place)) {
        findings.push((
            *place,
            Finding {
                code: FindingCode::IdentifierReuse,
                path: format!("{}.identifier", statements[*place].kind()),
                detail: format!("the identifier of {system} is used for statements that differ in code, value, dose or date"),
            },
        ));
    }
    units.retain(|unit| unit.members.len() > 1);
    units
}

/// Parts of a set in which everyone agrees with everyone. Whoever agrees with two that do not agree stands alone.
pub(crate) fn agreeing(places: &[usize], agree: impl Fn(&usize, &usize) -> bool) -> Vec<Vec<usize>> {
    // Two are most often all there are, and comparing them is dear.
    match places {
        [one] => return vec![vec![*one]],
        [one, other] if agree(one, other) => return vec![places.to_vec()],
        [one, other] => return vec![vec![*one], vec![*other]],
        _ => {}
    }
    let torn = |place: &usize| {
        let friends: Vec<&usize> = places.iter().filter(|other| *other != place && agree(place, other)).collect();
        friends.iter().any(|a| friends.iter().any(|b| a != b && !agree(a, b)))
    };
    let (torn, whole): (Vec<usize>, Vec<usize>) = places.iter().copied().partition(torn);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for place in whole {
        match groups.iter_mut().find(|group| agree(&group[0], &place)) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups.extend(torn.into_iter().map(|place| vec![place]));
    groups
}

/// Nothing in code, value, dose or clinical date that both state differs.
fn exactly(a: &Statement<'_>, b: &Statement<'_>) -> bool {
    let coded = match compare::codes(&a.codes, &b.codes) {
        Shared::Contrary => false,
        Shared::Some => true,
        // One number may stand for a panel: results without a code in common are one only where one has none and the words are the same.
        Shared::None => !matches!(a.kind(), Kind::OBSERVATION) || (a.codes.is_empty() || b.codes.is_empty()) && compare::words(a, b),
    };
    let dated = match (&a.when, &b.when) {
        (Some(a), Some(b)) => a.covers(b) || b.covers(a),
        _ => true,
    };
    let specimens = a.must("specimen").zip(b.must("specimen")).is_none_or(|(a, b)| a == b || a.0 != b.0);
    coded && dated && specimens && !compare::differences(a, b).into_iter().any(Facet::is_exact)
}

/// One analyte at one time under one filler number, which can only have one value.
fn same_analyte(a: &Statement<'_>, b: &Statement<'_>) -> bool {
    compare::codes(&a.codes, &b.codes) == Shared::Some && a.when == b.when
}

/// Whether a copy says something else than its owner says now.
fn lags(copy: &Statement<'_>, owner: &Statement<'_>) -> bool {
    copy.standing != owner.standing || !compare::differences(copy, owner).is_empty()
}

/// Events, which happen at a time: equal words on one day may be two of them.
const EVENTS: &[Kind] =
    &[Kind::ENCOUNTER, Kind::IMMUNIZATION, Kind::MEDICATION_ADMINISTRATION, Kind::MEDICATION_DISPENSE, Kind::OBSERVATION, Kind::PROCEDURE];

fn may_double(statement: &Statement<'_>) -> bool {
    statement.kind() != Kind::PATIENT
        && (!EVENTS.contains(&statement.kind()) || statement.when.is_some_and(|when| when.precision() == Precision::Instant))
}

/// T2: between sources, equal content. Of several alike in one source, each finds one in the other, as far as they go.
fn doubled(statements: &[Statement<'_>], mut units: Vec<Unit>, labels: &Labels<'_>) -> Vec<Unit> {
    units.sort_by_cached_key(|unit| unit.least(statements));
    // Content is dear: it is written out only where something else could be equal, which has the same elements.
    let mut first: FxHashMap<_, usize> = FxHashMap::default();
    let mut alike: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, unit) in units.iter().enumerate() {
        let speaker = &statements[unit.owner.unwrap_or(unit.members[0])];
        if may_double(speaker) {
            let code = speaker.codes.iter().min().map(|(space, code)| (*space, code.as_ref()));
            let when = speaker.when.as_ref().map(fhir::date::Partial::range);
            let known = *first.entry((code, when, speaker.standing, content::elements(speaker.item))).or_insert(place);
            if known != place {
                alike.entry(known).or_insert_with(|| vec![known]).push(place);
            }
        }
    }
    let mut merges: Vec<Vec<usize>> = Vec::new();
    for places in alike.into_values() {
        let first = statements[units[places[0]].members[0]].speaker();
        if places.iter().all(|place| units[*place].speakers(statements).all(|speaker| speaker == first)) {
            continue;
        }
        let mut by_content: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for place in places {
            let speaker = &statements[units[place].owner.unwrap_or(units[place].members[0])];
            by_content.entry(content::canonical(speaker.item, labels)).or_default().push(place);
        }
        for places in by_content.into_values() {
            let mut groups: Vec<Vec<usize>> = Vec::new();
            for place in places {
                let free = |group: &&mut Vec<usize>| !group.iter().any(|other| units[*other].shares_a_source(&units[place], statements));
                match groups.iter_mut().find(free) {
                    Some(group) => group.push(place),
                    None => groups.push(vec![place]),
                }
            }
            merges.extend(groups.into_iter().filter(|group| group.len() > 1));
        }
    }
    for group in merges {
        let (first, rest) = (group[0], &group[1..]);
        for other in rest {
            let taken = std::mem::replace(&mut units[*other], Unit { members: SmallVec::new(), ..Unit::single(0) });
            let unit = &mut units[first];
            unit.members.extend(taken.members);
            unit.lagging.extend(taken.lagging);
            unit.owner = unit.owner.or(taken.owner);
        }
        let unit = &mut units[first];
        unit.tier = Some(Tier::T2);
        unit.why = "equal content".to_owned();
        unit.members.sort_by_key(|member| &statements[*member].item.id);
    }
    // Each merged unit stands where its least member stood.
    units.retain(|unit| !unit.members.is_empty());
    units
}

/// Whether the owner took the statement back.
pub(crate) fn is_retracted(unit: &Unit, statements: &[Statement<'_>]) -> bool {
    unit.owner.is_some_and(|owner| statements[owner].standing == Standing::Error)
}

/// Statements under one identifier that may not stand in one unit, and differ in what is no matter of exactness: standing,
/// verification, criticality. What differs in code, value, dose or date is an identifier used twice, and has its finding.
pub(crate) fn contradictions(statements: &[Statement<'_>], units: &[Unit]) -> Vec<(Facet, Vec<usize>)> {
    let said = units.iter().enumerate().flat_map(|(place, unit)| unit.members.iter().map(move |member| (place, &statements[*member])));
    let mut found: BTreeMap<(Facet, usize), Vec<usize>> = BTreeMap::new();
    for mut places in shared_identifiers(said).into_values() {
        places.sort_unstable();
        places.dedup();
        for (at, a) in places.iter().enumerate() {
            for b in &places[at + 1..] {
                for (one, other) in units[*a].members.iter().flat_map(|one| units[*b].members.iter().map(move |other| (*one, *other))) {
                    let (one_said, other_said) = (&statements[one], &statements[other]);
                    if exactly(one_said, other_said) {
                        for facet in compare::differences(one_said, other_said) {
                            found.entry((facet, places[0])).or_default().extend([one, other]);
                        }
                    }
                }
            }
        }
    }
    let sorted = |mut members: Vec<usize>| {
        members.sort_unstable();
        members.dedup();
        members
    };
    found.into_iter().map(|((facet, _), members)| (facet, sorted(members))).collect()
}
