//! What an agreement weighs: Fellegi and Sunter's model, with the frequencies of values.

use super::compare::{Field, Level, Pattern};
use super::frequency::Frequencies;

/// How many fields.
const FIELDS: usize = Field::ALL.len();

/// For every field and level, log2 of how often it is met.
pub(crate) type Table = [[f32; Level::COUNT]; FIELDS];

/// Where a total becomes a link, and where a task for a steward, in bits of posterior odds; and by how much a leader must lead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// From here on it is one person.
    pub link_bits: f32,
    /// From here on it may be.
    pub possible_bits: f32,
    /// The leader's lead over the next person.
    pub margin_bits: f32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { link_bits: 7.0, possible_bits: -1.0, margin_bits: 5.0 }
    }
}

/// Weights, frequencies and limits.
#[derive(Clone)]
pub struct Model {
    /// Of one person's two records.
    pub(crate) same: Table,
    /// Of two people's.
    pub(crate) other: Table,
    pub(crate) frequencies: Frequencies,
    /// log2 of the odds that two records of a file, or a record and one of the register's, are one person's.
    pub(crate) prior: f32,
    /// Where to link.
    pub limits: Limits,
}

/// What each field of a pattern weighs, in bits, and all together with the prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// By field.
    pub bits: [f32; FIELDS],
    /// The posterior log2 odds: not the sum where names or birth dates disagree.
    pub total: f32,
}

impl Model {
    /// The same weights among so many people: the more there are, the more of them are alike by chance.
    pub fn among(&self, people: usize) -> Model {
        Model { prior: -(people.max(2) as f32).log2(), ..self.clone() }
    }

    /// What a pattern weighs.
    pub fn weigh(&self, pattern: &Pattern) -> Weights {
        let mut bits = [0.0; FIELDS];
        for field in Field::ALL {
            bits[field as usize] = self.field_bits(pattern, field);
        }
        Weights { bits, total: self.prior + together(pattern, &bits) }
    }

    fn field_bits(&self, pattern: &Pattern, field: Field) -> f32 {
        let level = pattern.level(field);
        if level == Level::Unknown {
            return 0.0;
        }
        let same = if field == Field::Family && level == Level::Swapped { 0.0 } else { self.same[field as usize][level as usize] };
        let shared = pattern.term(field);
        let share = if shared == 0 { None } else { self.frequencies.share(field, shared) };
        same - share.map_or(self.other[field as usize][level as usize], f32::log2)
    }
}

/// The sum; but where given name or birth date disagree, what speaks for them of all that a household shares is the strongest of it
/// alone. What speaks against them counts in full.
fn together(pattern: &Pattern, bits: &[f32; FIELDS]) -> f32 {
    let sum = |fields: &[Field]| fields.iter().map(|field| bits[*field as usize]).sum::<f32>();
    let own = sum(&[Field::Given, Field::Middle, Field::Birth, Field::Sex, Field::Number]);
    const HOUSEHOLD: [Field; 5] = [Field::Family, Field::Address, Field::Phone, Field::Email, Field::Practice];
    let apart = |field| pattern.level(field) == Level::Different;
    if apart(Field::Given) || apart(Field::Birth) {
        let household = HOUSEHOLD.iter().map(|field| bits[*field as usize]);
        return own + household.clone().fold(0.0, f32::max) + household.filter(|bits| *bits < 0.0).sum::<f32>();
    }
    own + sum(&HOUSEHOLD)
}
