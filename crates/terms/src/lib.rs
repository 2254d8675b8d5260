//! Systems, codes and units: what two spellings of one thing have in common. Knows no resources and no patients.
//!
//! Only what public tables allow is built in; licensed terminologies are loaded by the operator and are not built yet.

mod allergies;
mod decisions;
mod systems;
mod units;
mod words;

pub use allergies::{Negated, agent_in_words, negated};
pub use decisions::is_decision;
pub use systems::{Space, space};
pub use units::{Measure, measure};
pub use words::plain;
