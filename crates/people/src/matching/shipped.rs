//! A model as a text: the one that comes with the program, and what `severn people train` writes.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::compare::{Field, Level};
use super::frequency::Frequencies;
use super::model::{Limits, Model, Table};

/// Made by `severn people train`; what of, it says itself.
static STANDARD: LazyLock<Option<Model>> = LazyLock::new(|| Model::read(include_str!("standard.txt")).ok());

/// A line that is none of a model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the model is neither prior, weight, of, nor name")]
pub struct MalformedModel(pub usize);

impl Model {
    /// The weights that come with the program, for whoever has too few records to learn from.
    pub fn standard() -> Model {
        STANDARD.clone().unwrap_or_else(|| Model::train(&[]))
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
            "of" => self.frequencies.of(field, words.next()?.parse().ok()?),
            "name" => self.frequencies.put(field, words.next()?, words.next()?.parse().ok()?),
            _ => return None,
        }
        Some(())
    }

    /// The model as a text, without the frequencies of values, which are known by their hashes only.
    pub fn text(&self) -> String {
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
        assert_eq!(Model::read(&model.text()).unwrap().text(), model.text());
    }
}
