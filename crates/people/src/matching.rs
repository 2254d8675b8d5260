//! Comparing two people field by field.
//!
//! [`Folded`] is what is compared of a [`crate::Demographics`], in one spelling; [`Fields`] borrows it, so that the index can lend the
//! same from its packed form.

mod fields;

pub use fields::{Fields, Folded};
