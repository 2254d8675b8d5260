//! A person of the region, as they really are.

use super::Population;
use super::entry::{self, Entry};

/// Sex, as it is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// A birth date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Born {
    /// The year.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day, from 1.
    pub day: u8,
}

impl std::fmt::Display for Born {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// House and street.
    pub line: String,
    /// The town.
    pub town: String,
    /// The postcode, with a blank.
    pub postcode: String,
}

/// A person, and what they were before. Providers that have not seen them for long know only that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citizen {
    pub(super) population: Population,
    /// Which one, from 0.
    pub n: u64,
    /// The NHS number.
    pub number: String,
    /// The number before, which the national service replaced.
    pub superseded: Option<String>,
    /// A number before that leads nowhere: it was changed, without a link, when they transitioned.
    pub cut: Option<String>,
    /// Family name.
    pub family: String,
    /// The family name before they married.
    pub former_family: Option<String>,
    /// The first given name.
    pub given: String,
    /// The given name and sex that they had before they transitioned.
    pub former_given: Option<(String, Sex)>,
    /// Middle names, or none.
    pub middle: String,
    /// Sex.
    pub sex: Sex,
    /// When they were born.
    pub born: Born,
    /// Where they live.
    pub address: Address,
    /// Where they lived.
    pub former_address: Option<Address>,
    /// A telephone number of the household, and one of their own; either may be missing.
    pub phones: (String, String),
    /// Their practice, as its place in [`super::providers`].
    pub practice: usize,
    /// Their practice before.
    pub former_practice: Option<usize>,
    /// The numbers of whoever lives with them: one of these is the likeliest to be taken for theirs.
    pub(super) household: Vec<u64>,
}

impl Citizen {
    /// What providers wrote down about them: one to some eight entries.
    pub fn entries(&self) -> Vec<Entry> {
        entry::entries(self)
    }

    /// What somebody types who looks for them by name, birth date and postcode: an entry of nobody's, with errors.
    pub fn asked(&self, salt: u64) -> Entry {
        entry::asked(self, salt)
    }

    /// How old they are, in 2026.
    pub fn age(&self) -> u16 {
        2026 - self.born.year.min(2026)
    }
}
