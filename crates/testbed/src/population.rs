//! A whole region's people, as many as are wanted, and what each provider wrote down about them.
//!
//! Person `n` follows from the seed and `n` alone, so that six million of them need no room: whoever needs one computes them.
//!
//! ```
//! use testbed::population::Population;
//!
//! let town = Population::new(7, 1000);
//! let entries: Vec<_> = town.people().flat_map(|person| person.entries()).collect();
//! assert!(entries.iter().all(|entry| entry.nhs_number.is_empty() || entry.nhs_number.starts_with("999")));
//! ```
//!
//! Ages, households, origins of names, lists of practices and the rates of errors are those of the West Midlands as far as they are commonly
//! known, to the nearest that a few numbers can say. There are twins, namesakes, moves, marriages, transitions; numbers that are missing,
//! mistyped, replaced, or somebody else's; and names, dates and addresses written down wrongly. Who an entry is really about is its
//! [`Entry::person`].
//!
//! **NHS numbers** are of ranges that were never issued and carry a right check digit. 999… has room for some 900,000 of them: up to
//! [`RESERVED_PEOPLE_MAX`] people, all begin with 999, which is reserved for tests. A larger population draws on all of 9…: numbers issued in
//! England, Wales and on the Isle of Man begin with 3, 4, 6 or 7, Scotland's with 0 to 3.

mod citizen;
mod draw;
mod entry;
mod household;
mod names;
mod number;
mod places;
mod write;

pub use citizen::{Address, Born, Citizen, Sex};
pub use entry::Entry;
pub use number::RESERVED_PEOPLE_MAX;
pub use places::{Provider, ProviderKind, providers};
pub use write::{COLUMNS, GOLD_COLUMNS, SUPERSEDED_COLUMNS, write_entries, write_gold, write_ndjson, write_superseded};

#[cfg(test)]
mod tests;

/// A region's people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    seed: u64,
    count: u64,
}

impl Population {
    /// So many people of one seed. The same seed and number give the same people, on any machine.
    pub fn new(seed: u64, count: u64) -> Population {
        Population { seed, count }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Person `n`, counted from 0. For many in a row, [`Population::people`] is quicker: it makes each household once.
    pub fn person(&self, n: u64) -> Citizen {
        let mut block = household::block(*self, n / household::BLOCK);
        block.swap_remove((n % household::BLOCK) as usize)
    }

    /// All of them.
    pub fn people(&self) -> impl Iterator<Item = Citizen> {
        let population = *self;
        let blocks = 0..self.count.div_ceil(household::BLOCK);
        blocks.flat_map(move |block| household::block(population, block)).take(self.count as usize)
    }
}
