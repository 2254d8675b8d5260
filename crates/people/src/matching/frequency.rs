//! How common each value is: two people called Smith have less in common than two called Penhaligon.

use rustc_hash::FxHashMap;

use super::Fields;
use super::compare::{Field, date_term, house, term};

/// Counts of values, by their hashes.
#[derive(Clone, Default)]
pub struct Frequencies {
    counts: FxHashMap<u64, u32>,
    totals: [u32; Field::ALL.len()],
    /// How often a value is met that is not among the counts, where a file gave the common ones only.
    unlisted: [f32; Field::ALL.len()],
}

impl Frequencies {
    /// Counts the values of one more record.
    pub fn count(&mut self, fields: &Fields<'_>) {
        let texts = [
            (Field::Given, &fields.givens),
            (Field::Family, &fields.families),
            (Field::Phone, &fields.phones),
            (Field::Email, &fields.emails),
        ];
        for (field, values) in texts {
            self.add(field, values.iter().map(|value| term(field, value)));
        }
        self.add(Field::Birth, fields.birth_date.filter(|date| date.is_whole()).map(date_term).into_iter());
        self.add(Field::Practice, fields.practice.map(|code| term(Field::Practice, code)).into_iter());
        let houses = fields.postcodes.iter().flat_map(|code| fields.lines.iter().map(move |line| house(code, line)));
        let parts = fields.postcodes.iter().chain(&fields.lines).map(|part| term(Field::Address, part));
        self.add(Field::Address, parts.chain(houses));
    }

    fn add(&mut self, field: Field, terms: impl Iterator<Item = u64>) {
        let mut any = false;
        for term in terms {
            *self.counts.entry(term).or_default() += 1;
            any = true;
        }
        self.totals[field as usize] += u32::from(any);
    }

    /// Counts as read from a file.
    pub(crate) fn put(&mut self, field: Field, value: &str, count: u32) {
        self.counts.insert(term(field, value), count);
    }

    /// Of how many records, and how often a value is met that the file does not list, as read from it.
    pub(crate) fn of(&mut self, field: Field, total: u32, unlisted: f32) {
        (self.totals[field as usize], self.unlisted[field as usize]) = (total, unlisted);
    }

    /// The share of records that have this value; none where the field was never counted.
    pub(crate) fn share(&self, field: Field, term: u64) -> Option<f32> {
        let total = self.totals[field as usize];
        let count = self.counts.get(&term).copied().map_or(self.unlisted[field as usize].max(0.5), |count| count as f32);
        (total > 0).then(|| count / total as f32)
    }
}
