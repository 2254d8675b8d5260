//! Comparing two people field by field, and finding who is who in a file.
//!
//! [`Folded`] is what is compared of a [`crate::Demographics`], in one spelling; [`Fields`] borrows it, so that the index can lend the
//! same from its packed form. [`Model::compare`] says how far two agree, what that weighs and whether it is one person; [`resolve`] whose
//! a new entry is; [`link`] who is who among many records.

mod block;
mod cluster;
mod compare;
mod fields;
mod frequency;
mod judge;
#[cfg(test)]
mod laws;
mod model;
pub mod names;
mod resolve;
mod shipped;
mod text;
mod train;

pub use cluster::{Linked, Pair, link};
pub use compare::{Field, Level, Pattern};
pub use fields::{Fields, Folded};
pub use frequency::Frequencies;
pub use judge::{Comparison, Decision, Guard};
pub use model::{Limits, Model, Weights};
pub use resolve::{Candidate, Resolution, resolve};
pub use shipped::MalformedModel;
