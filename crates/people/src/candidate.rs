//! Who somebody might be: what a search by demographics and `Patient/$match` answer.

use std::collections::BTreeSet;

use record::{NhsNumber, PersonId};

use crate::Entry;

/// One person who might be meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Who.
    pub person: PersonId,
    /// Their number, if one stands.
    pub number: Option<NhsNumber>,
    /// Whether they are restricted: then they are shown to those only who may know of it.
    pub restricted: bool,
    /// How sure it is.
    pub grade: Grade,
    /// The same as a number from 0 to 1: the probability that it is them.
    pub score: f64,
    /// Of their entries, the one that agrees best with what was asked.
    pub best: Entry,
    /// Why, field by field.
    pub reasons: Vec<Reason>,
}

/// How sure a candidate is, after FHIR's `match-grade`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It may be them.
    Possible,
    /// Probably them; a person has to look.
    Probable,
    /// By every rule of matching, them.
    Certain,
}

impl Grade {
    /// The code of `http://terminology.hl7.org/CodeSystem/match-grade`.
    pub fn code(self) -> &'static str {
        match self {
            Grade::Certain => "certain",
            Grade::Possible => "possible",
            Grade::Probable => "probable",
        }
    }
}

/// What one field says for or against: never its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The field: `family`, `given`, `birth-date` …
    pub field: &'static str,
    /// How the two agree: `exact`, `one digit differs`, `missing` …
    pub level: &'static str,
    /// What it weighs, in bits; negative speaks against.
    pub weight: f64,
}

/// Whom a search may name. Nobody else exists for it: they are not counted either.
#[derive(Debug, Clone)]
pub enum Nameable {
    /// Everybody, restricted people among them.
    All,
    /// Whoever has a number that was never issued to anybody, restricted people among them.
    MadeUp,
    /// Of whom it can be known that they are not restricted.
    Open {
        /// Whether a label can be had for a number. Whoever has no number has no label.
        labelled: fn(&NhsNumber) -> bool,
        /// Of whom it is known by now that they are not to be named.
        but: BTreeSet<PersonId>,
    },
}

impl Nameable {
    /// Whether somebody may be named.
    pub(crate) fn has(&self, person: &PersonId, number: Option<&NhsNumber>, restricted: bool) -> bool {
        match self {
            Nameable::All => true,
            Nameable::MadeUp => number.is_some_and(NhsNumber::is_synthetic),
            Nameable::Open { labelled, but } => !restricted && number.is_some_and(labelled) && !but.contains(person),
        }
    }
}

/// What a search by demographics found.
#[derive(Debug, Clone, PartialEq)]
pub enum Traced {
    /// These, the surest first.
    Candidates(Vec<Candidate>),
    /// What was asked says too little to look for anybody: what must be said at least.
    TooLittle(&'static str),
    /// It fits more people than may be shown; nobody is.
    TooMany,
}
