//! What changed between STU3 and R4, by families of types.

mod care;
mod findings;
mod medicines;
mod others;
mod papers;
mod requests;

pub(super) use others::named;

use super::datatypes;
use super::rule::Shape;

/// Every shape of STU3.
pub(super) fn shapes() -> impl Iterator<Item = &'static Shape> {
    [care::SHAPES, datatypes::STU3, findings::SHAPES, medicines::SHAPES, others::SHAPES, papers::SHAPES, requests::SHAPES]
        .into_iter()
        .flatten()
}
