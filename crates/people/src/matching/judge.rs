//! What a comparison comes to: one person, perhaps, or not; and why.

use record::NhsNumber;

use super::Fields;
use super::compare::{Field, Level, Pattern};
use super::model::{Model, Weights};
use crate::NumberStatus;

/// What keeps two people from being linked without a person's word, whatever else agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Guard {
    /// Both have a valid NHS number, and not the same.
    Numbers,
    /// One number, but other names and another birth date: whose is it?
    Confusion,
    /// Given names clearly differ: twins, a parent and a child.
    Given,
    /// Birth dates differ by more than two digits.
    Birth,
    /// A given name or a birth date is not known, no number says the rest, and most of what agrees is what a household shares.
    Unsaid,
}

impl Guard {
    /// Its name in explanations.
    pub fn name(self) -> &'static str {
        match self {
            Guard::Numbers => "numbers differ",
            Guard::Confusion => "one number, two people",
            Guard::Given => "given names differ",
            Guard::Birth => "birth dates differ",
            Guard::Unsaid => "given name or birth date not known",
        }
    }
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decision {
    /// Two people, or nothing that says otherwise.
    NonMatch,
    /// Perhaps one person: for a steward.
    Possible,
    /// One person.
    Match,
}

/// Two people compared, and what it comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// How far each field agrees.
    pub pattern: Pattern,
    /// What each weighs.
    pub weights: Weights,
    /// The guard that applies, if any; then it is no match.
    pub guard: Option<Guard>,
    /// What it comes to.
    pub decision: Decision,
    /// Of a match: 0 by the number, 1 by weight.
    pub tier: Option<u8>,
}

impl Model {
    /// Compares two people. Superseded numbers are the caller's to replace first.
    pub fn compare(&self, a: &Fields<'_>, b: &Fields<'_>) -> Comparison {
        let pattern = Pattern::of(a, b);
        let weights = self.weigh(&pattern);
        let guard = guard(&pattern, weights.careful >= self.limits.link_bits);
        let verified = |number: &Option<(NhsNumber, NumberStatus)>| matches!(number, Some((_, NumberStatus::Verified)));
        let numbered = pattern.level(Field::Number) == Level::Same && verified(&a.number) && verified(&b.number);
        let (decision, tier) = match guard {
            Some(_) if weights.total >= self.limits.held_bits || guard == Some(Guard::Confusion) => (Decision::Possible, None),
            Some(_) => (Decision::NonMatch, None),
            None if numbered && pattern.level(Field::Birth) == Level::Same => (Decision::Match, Some(0)),
            None if weights.total >= self.limits.link_bits => (Decision::Match, Some(1)),
            None if weights.total >= self.limits.possible_bits => (Decision::Possible, None),
            None => (Decision::NonMatch, None),
        };
        Comparison { pattern, weights, guard, decision, tier }
    }
}

/// `alone`: whether it weighs enough without what a household shares.
fn guard(pattern: &Pattern, alone: bool) -> Option<Guard> {
    let level = |field| pattern.level(field);
    let given = level(Field::Given) == Level::Different;
    let birth = level(Field::Birth) == Level::Different;
    match level(Field::Number) {
        Level::Near | Level::Different => Some(Guard::Numbers),
        Level::Same if given && birth => Some(Guard::Confusion),
        _ if given => Some(Guard::Given),
        _ if birth => Some(Guard::Birth),
        Level::Unknown if level(Field::Given) == Level::Unknown => Some(Guard::Unsaid),
        Level::Unknown if matches!(level(Field::Birth), Level::Unknown | Level::Year) && !alone => Some(Guard::Unsaid),
        _ => None,
    }
}

impl Comparison {
    /// Why, field by field: the field, how far it agrees, and its weight in bits. It says nothing of the values.
    pub fn rows(&self) -> impl Iterator<Item = (Field, Level, f32)> + '_ {
        Field::ALL.into_iter().map(|field| (field, self.pattern.level(field), self.weights.bits[field as usize]))
    }

    /// The probability that it is one person, 0 to 1.
    pub fn probability(&self) -> f64 {
        1.0 / (1.0 + f64::from(-self.weights.total).exp2())
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (field, level, bits) in self.rows() {
            writeln!(f, "{:12} {:10} {bits:+6.1}", field.name(), level.name())?;
        }
        write!(f, "{:23} {:+6.1}", "all", self.weights.total)?;
        self.guard.map_or(Ok(()), |guard| write!(f, ", held: {}", guard.name()))
    }
}
