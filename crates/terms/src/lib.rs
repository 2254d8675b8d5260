//! Systems, codes and units: what two spellings of one thing have in common. Knows no resources and no patients.
//!
//! Only what public tables allow is built in. Licensed terminologies (SNOMED CT, dm+d, concept maps) are files that the operator
//! supplies: a [`Loader`] reads them into a [`Terminology`], which says what a code has in common with others. Without them exact
//! codes and words still join.

mod allergies;
mod decisions;
mod load;
mod systems;
mod terminology;
mod units;
mod words;

pub use allergies::{Negated, agent_in_words, negated};
pub use decisions::is_decision;
pub use load::{LoadError, Loader, Progress};
pub use systems::{SNOMED_CT, Space, space};
pub use terminology::{Canonical, How, Size, Terminology};
pub use units::{Measure, measure};
pub use words::plain;
