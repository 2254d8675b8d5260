//! A model as a text: the one that comes with the program, and what `severn people train` writes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use super::Fields;
use super::compare::{Field, Level};
use super::frequency::Frequencies;
use super::model::{Limits, Model, Table};

/// Made by `severn people link --model`; what of, it says itself.
static STANDARD: LazyLock<Option<Model>> = LazyLock::new(|| Model::read(include_str!("standard.txt")).ok());

/// How many people a region has.
const REGION_PEOPLE: usize = 6_100_000;

/// A name is common that one in so many has, or more.
const COMMON_ONE_IN: u32 = 2000;

/// A line that is none of a model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the model is neither prior, weight, of, nor name")]
pub struct MalformedModel(pub usize);

impl Model {
    /// The weights that come with the program, for whoever has too few records to learn from: among a whole region's people. With
    /// fewer they are only the more careful; say how many there are with [`Model::among`].
    pub fn standard() -> Model {
        STANDARD.clone().unwrap_or_else(|| Model::train(&[])).among(REGION_PEOPLE)
    }

    /// Reads what [`Model::text`] wrote.
    pub fn read(text: &str) -> Result<Model, MalformedModel> {
        let none: Table = [[0.0; Level::COUNT]; Field::ALL.len()];
        let mut model = Model { same: none, other: none, frequencies: Frequencies::default(), prior: 0.0, limits: Limits::default() };
        for (line, number) in text.lines().zip(1..) {
            if !line.is_empty() && !line.starts_with('#') {
                model.line(line).ok_or(MalformedModel(number))?;
            }
        }
        Ok(model)
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split('\t');
        let word = words.next()?;
        if word == "prior" {
            self.prior = words.next()?.parse().ok()?;
            return Some(());
        }
        let name = words.next()?;
        let field = Field::ALL.into_iter().find(|field| field.name() == name)?;
        match word {
            "weight" => {
                let name = words.next()?;
                let level = Level::ALL.into_iter().find(|level| level.name() == name)?;
                let mut share = || words.next()?.parse::<f32>().ok();
                self.same[field as usize][level as usize] = share()?.log2();
                self.other[field as usize][level as usize] = share()?.log2();
            }
            "of" => self.frequencies.of(field, words.next()?.parse().ok()?, words.next()?.parse().ok()?),
            "name" => self.frequencies.put(field, words.next()?, words.next()?.parse().ok()?),
            _ => return None,
        }
        Some(())
    }

    /// The model as a text, with the names that are common among the records it learnt from. Other values are not written: they are of
    /// these records only.
    ///
    /// Its weights are halfway between what was learnt and what is believed of any records: it serves for others than these, and a slip
    /// that nobody made here is made elsewhere.
    pub fn text(&self, records: &[Fields<'_>]) -> String {
        let mut text = self.halfway().weights();
        for (field, names) in [
            (Field::Given, records.iter().filter_map(|record| record.givens.first()).collect::<Vec<_>>()),
            (Field::Family, records.iter().filter_map(|record| record.families.first()).collect()),
        ] {
            let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
            names.iter().for_each(|name| *counts.entry(name).or_default() += 1);
            let common = names.len() as u32 / COMMON_ONE_IN;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "of\t{}\t{}\t{}", field.name(), names.len(), common.max(1) / 4);
            for (name, count) in counts.into_iter().filter(|(_, count)| *count > common) {
                let _ = writeln!(text, "name\t{}\t{name}\t{count}", field.name());
            }
        }
        text
    }

    fn weights(&self) -> String {
        let mut text = format!("prior\t{:.2}\n", self.prior);
        for field in Field::ALL {
            for level in Level::ALL {
                let (same, other) = (self.same[field as usize][level as usize], self.other[field as usize][level as usize]);
                if same.is_finite() && (same, other) != (0.0, 0.0) {
                    // Writing to a String cannot fail.
                    let _ = writeln!(text, "weight\t{}\t{}\t{:.7}\t{:.8}", field.name(), level.name(), same.exp2(), other.exp2());
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_model_is_whole() {
        let model = Model::read(include_str!("standard.txt")).unwrap();
        assert!(model.same[Field::Birth as usize][Level::Same as usize] > -0.2);
        assert_eq!(Model::read(&model.weights()).unwrap().weights(), model.weights());
    }
}
