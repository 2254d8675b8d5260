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
mod search;
mod shelf;

pub use answer::Supplier;
pub use habits::{Auth, Codes, Habits, Medicines, PageLinks, Refs, SUPPLIERS, Verification, Version, Zone, habits};
pub use millennium::DOCUMENTED;
pub(crate) use pages::Place;
pub(crate) use shelf::Kept;
