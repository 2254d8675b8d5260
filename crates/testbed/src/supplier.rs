//! The pretend suppliers: what each is like, what it holds and how it answers.

mod answer;
mod auxiliary;
mod ccapi;
mod habits;
mod lists;
mod metadata;
mod millennium;
mod pages;
mod patient;
mod practice;
pub(crate) mod renumbered;
mod search;
mod shelf;

pub use answer::Supplier;
pub use habits::{Auth, Codes, Habits, Maker, Medicines, PageLinks, Refs, SUPPLIERS, Verification, Version, Zone, habits};
pub use millennium::millennium_rule_broken_by;
pub(crate) use shelf::Kept;
