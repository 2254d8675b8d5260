//! What stands of who a person is: the birth date and the given names that every answer is compared with.

use std::collections::{BTreeMap, BTreeSet};

use fhir::Kind;
use record::{Chart, SourceId, Status};

use crate::guard::{Facts, Leg, Said};
use crate::names::compatible;

/// Whoever says something of who the person is, by source.
pub(crate) struct Witnesses<'a>(BTreeMap<&'a SourceId, Witness<'a>>);

/// One source: one witness, in however many answers, Patients or entries it speaks.
#[derive(Default)]
struct Witness<'a> {
    /// Whether the person index has heard it.
    indexed: bool,
    /// What each of its Patients says, or each of its entries.
    said: Vec<Saying<'a>>,
}

struct Saying<'a> {
    birth_date: Option<&'a str>,
    given: Vec<&'a str>,
}

impl<'a> Saying<'a> {
    fn new(birth_date: Option<&'a String>, given: &'a [String]) -> Saying<'a> {
        Saying { birth_date: birth_date.map(String::as_str), given: given.iter().map(String::as_str).collect() }
    }

    fn agrees(&self, other: &Saying<'_>) -> bool {
        self.given.iter().any(|own| other.knows(own))
    }

    fn knows(&self, name: &str) -> bool {
        self.given.iter().any(|own| compatible(own, name))
    }

    /// Whether it has one name of each: by it, two that differ are one person's, now and before.
    fn spans(&self, one: &Saying<'_>, other: &Saying<'_>) -> bool {
        let goes_on = |name: &str| self.given.iter().any(|next| !compatible(name, next) && other.knows(next));
        self.given.iter().any(|name| one.knows(name) && goes_on(name))
    }
}

impl<'a> Witnesses<'a> {
    /// Those who answer now, with what they say now, and those who do not, with what the person index has of them.
    pub(crate) fn of(facts: &'a Facts, legs: &[Leg<'a>], said: &'a [Vec<Said>]) -> Witnesses<'a> {
        let mut witnesses: BTreeMap<&SourceId, Witness<'a>> = BTreeMap::new();
        for (leg, said) in legs.iter().zip(said).filter(|(leg, _)| speaks(leg.chart)) {
            let sayings = said.iter().map(|said| Saying::new(said.birth_date.as_ref(), &said.given));
            witnesses.entry(&leg.chart.source).or_default().said.extend(sayings);
        }
        let answering: BTreeSet<&SourceId> = witnesses.keys().copied().collect();
        for voice in &facts.voices {
            let witness = witnesses.entry(&voice.source).or_default();
            witness.indexed = true;
            if !answering.contains(&voice.source) {
                witness.said.push(Saying::new(voice.birth_date.as_ref(), &voice.given_names));
            }
        }
        Witnesses(witnesses)
    }

    /// The birth date that stands.
    pub(crate) fn birth_date(&self, facts: &Facts) -> Born {
        let known = facts.birth_date.clone().or_else(|| self.indexed()).or_else(|| facts.said_by_caller.clone());
        if let Some(date) = known {
            return Born::On(date);
        }
        let votes = Votes::of(self.0.values());
        match votes.majority() {
            Some((date, _)) => Born::On(date.to_owned()),
            None if votes.voters == 0 => Born::Nothing,
            None => Born::Disputed,
        }
    }

    /// The birth date that the person index stands for: one of two sources at least that it has heard. One source alone is no index.
    fn indexed(&self) -> Option<String> {
        let votes = Votes::of(self.0.values().filter(|witness| witness.indexed));
        votes.majority().filter(|(_, count)| *count >= 2).map(|(date, _)| date.to_owned())
    }

    /// Given names to compare with: those known, else those of a strict majority that are compatible with each other.
    pub(crate) fn given_names(&self, facts: &Facts) -> Names {
        if !facts.given_names.is_empty() {
            return Names::These(facts.given_names.clone());
        }
        let named = |witness: &'_ Witness<'a>| witness.said.iter().any(|saying| !saying.given.is_empty());
        let voters: Vec<&Witness<'a>> = self.0.values().filter(|witness| named(witness)).collect();
        if voters.is_empty() {
            return Names::Unknown;
        }
        let support = |one: &Saying<'_>| voters.iter().filter(|voter| voter.said.iter().any(|other| one.agrees(other))).count();
        let sayings = voters.iter().flat_map(|voter| &voter.said);
        let supported: Vec<&Saying<'a>> = sayings.filter(|one| support(one) * 2 > voters.len()).collect();
        // An initial agrees with two names that cannot be one person's: they stay two.
        let of_one = |one: &Saying<'_>, other: &Saying<'_>| one.agrees(other) || supported.iter().any(|saying| saying.spans(one, other));
        let all_of_one = supported.iter().all(|one| supported.iter().all(|other| of_one(one, other)));
        let mut names: Vec<String> = supported.iter().flat_map(|saying| &saying.given).map(|name| (*name).to_owned()).collect();
        names.sort();
        names.dedup();
        if names.is_empty() || !all_of_one { Names::Disputed } else { Names::These(names) }
    }
}

/// Whether its source says who the person is, or that it has nobody of the number. One that failed says neither.
fn speaks(chart: &Chart) -> bool {
    let row = chart.rows.iter().find(|row| row.kind == Kind::PATIENT);
    !chart.patients.is_empty() || row.and_then(|row| row.status).is_some_and(Status::answered)
}

/// The birth date that stands.
pub(crate) enum Born {
    /// No date has a strict majority: nothing of anybody is shown.
    Disputed,
    /// Nobody gives one.
    Nothing,
    On(String),
}

/// The given names that stand.
pub(crate) enum Names {
    /// No majority: every leg is held rather than one believed.
    Disputed,
    These(Vec<String>),
    /// Nobody gives any.
    Unknown,
}

impl Names {
    /// Whether somebody of these given names may be meant. A Patient without any says nothing against it.
    pub(crate) fn fit(&self, given: &[String]) -> bool {
        match self {
            _ if given.is_empty() => true,
            Names::Disputed => false,
            Names::These(names) => given.iter().any(|own| names.iter().any(|name| compatible(own, name))),
            Names::Unknown => true,
        }
    }
}

/// Birth dates, and how many witnesses give them.
#[derive(Default)]
struct Votes<'a> {
    dates: BTreeMap<&'a str, usize>,
    voters: usize,
}

impl<'a> Votes<'a> {
    /// Each witness's dates, each once.
    fn of<'w>(witnesses: impl Iterator<Item = &'w Witness<'a>>) -> Votes<'a>
    where
        'a: 'w,
    {
        let mut votes = Votes::default();
        for witness in witnesses {
            let dates: BTreeSet<&str> = witness.said.iter().filter_map(|saying| saying.birth_date).collect();
            votes.voters += usize::from(!dates.is_empty());
            dates.into_iter().for_each(|date| *votes.dates.entry(date).or_default() += 1);
        }
        votes
    }

    /// The date that more than half of the voters give, and no other as many.
    fn majority(&self) -> Option<(&'a str, usize)> {
        let most = *self.dates.values().max()?;
        let mut given = self.dates.iter().filter(|(_, count)| **count == most).map(|(date, _)| *date);
        let date = given.next()?;
        (most * 2 > self.voters && given.next().is_none()).then_some((date, most))
    }
}
