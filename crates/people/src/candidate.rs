//! Who somebody might be: what a search by demographics and `Patient/$match` answer.

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
