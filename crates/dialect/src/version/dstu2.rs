//! What changed between DSTU2 and R4, by families of types.

mod care;
mod findings;
mod forms;
mod medicines;
mod others;
mod papers;
mod requests;

use super::datatypes;
use super::rule::Shape;

/// Every shape of DSTU2.
pub(super) fn shapes() -> impl Iterator<Item = &'static Shape> {
    [care::SHAPES, datatypes::DSTU2, findings::SHAPES, forms::SHAPES, medicines::SHAPES, others::SHAPES, papers::SHAPES, requests::SHAPES]
        .into_iter()
        .flatten()
}
