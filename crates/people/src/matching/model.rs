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
    /// From here on it may be although a guard holds it.
    pub held_bits: f32,
    /// The leader's lead over the next person.
    pub margin_bits: f32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { link_bits: 12.0, possible_bits: -1.0, held_bits: 4.0, margin_bits: 5.0 }
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
    /// The same, with what a household shares counted as the strongest of it also where a given name or a birth date is not known,
    /// or of the date no more than the year.
    pub careful: f32,
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
        let apart = |level| matches!(level, Level::Different | Level::Distant);
        let own = [pattern.level(Field::Given), pattern.level(Field::Birth)];
        let total = self.prior + together(&bits, own.into_iter().any(apart));
        let unsaid = |level| matches!(level, Level::Unknown | Level::Year);
        let careful = self.prior + together(&bits, own.into_iter().any(|level| apart(level) || unsaid(level)));
        Weights { bits, total, careful }
    }

    fn field_bits(&self, pattern: &Pattern, field: Field) -> f32 {
        let level = pattern.level(field);
        if level == Level::Unknown {
            return 0.0;
        }
        let (same, other) = (self.same[field as usize][level as usize], self.other[field as usize][level as usize]);
        let shared = pattern.term(field);
        let share = if shared == 0 { None } else { self.frequencies.share(field, shared).map(f32::log2) };
        match (field, level) {
            // Exchanged names are met by chance as often as both names are, so each brings its own share; that they are exchanged counts
            // once, with the given name.
            (Field::Given, Level::Swapped) => same - share.unwrap_or(self.other[field as usize][Level::Same as usize] + 1.0),
            (Field::Family, Level::Swapped) => -share.unwrap_or(self.other[field as usize][Level::Same as usize]),
            _ => same - share.unwrap_or(other),
        }
    }
}

/// The sum; but where given name or birth date disagree (`household`), what speaks for them of all that a household shares is the
/// strongest of it alone. What speaks against them counts in full.
fn together(bits: &[f32; FIELDS], household: bool) -> f32 {
    const OWN: [Field; 5] = [Field::Given, Field::Middle, Field::Birth, Field::Sex, Field::Number];
    const SHARED: [Field; 5] = [Field::Family, Field::Address, Field::Phone, Field::Email, Field::Practice];
    let own: f32 = OWN.iter().map(|field| bits[*field as usize]).sum();
    let shared = SHARED.iter().map(|field| bits[*field as usize]);
    if !household {
        return own + shared.sum::<f32>();
    }
    own + shared.clone().fold(0.0, f32::max) + shared.filter(|bits| *bits < 0.0).sum::<f32>()
}
