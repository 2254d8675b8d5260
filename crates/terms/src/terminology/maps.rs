//! Codes of other systems, each with the concept that a map leads to.

use super::Texts;
use crate::{Space, space};

/// One sorted table a system.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    tables: Vec<Table>,
    ambiguous: usize,
}

#[derive(Debug)]
struct Table {
    /// A spelling of the system's URI.
    system: String,
    codes: Texts,
    concepts: Vec<u64>,
}

/// What maps say: a system's URI, and its codes with what each leads to.
pub(crate) type Said = Vec<(String, Vec<(Box<str>, u64)>)>;

impl Maps {
    /// Puts them in order. A code that leads to two concepts leads to none: which was meant is not for us to say.
    pub fn new(said: Said) -> Maps {
        let mut maps = Maps::default();
        let mut by_system: Said = Vec::new();
        for (system, codes) in said {
            match by_system.iter_mut().find(|(other, _)| space(other) == space(&system)) {
                Some((_, all)) => all.extend(codes),
                None => by_system.push((system, codes)),
            }
        }
        for (system, mut codes) in by_system {
            codes.sort_unstable();
            codes.dedup();
            let mut table = Table { system, codes: Texts::default(), concepts: Vec::new() };
            for run in codes.chunk_by(|a, b| a.0 == b.0) {
                match run {
                    [(code, concept)] => {
                        table.codes.push(code);
                        table.concepts.push(*concept);
                    }
                    _ => maps.ambiguous += 1,
                }
            }
            table.codes.shrink();
            table.concepts.shrink_to_fit();
            maps.tables.push(table);
        }
        maps
    }

    /// The concept that a plain code leads to.
    pub fn find(&self, of: Space<'_>, code: &str) -> Option<u64> {
        let table = self.tables.iter().find(|table| space(&table.system) == of)?;
        let (mut low, mut high) = (0, table.codes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match table.codes.get(middle).unwrap_or_default().cmp(code) {
                std::cmp::Ordering::Equal => return Some(table.concepts[middle]),
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Less => low = middle + 1,
            }
        }
        None
    }

    pub fn len(&self) -> usize {
        self.tables.iter().map(|table| table.concepts.len()).sum()
    }

    pub fn ambiguous(&self) -> usize {
        self.ambiguous
    }

    pub fn bytes(&self) -> usize {
        self.tables.iter().map(|table| table.codes.bytes() + table.concepts.capacity() * 8).sum()
    }
}
