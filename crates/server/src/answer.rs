//! A joined record as a FHIR Bundle: outcome first, tags, Linkages, conflicts, Provenance, pages.

pub mod outcome;
mod pages;
mod parts;

pub use pages::{Head, Pieces, only_page, page};
pub use parts::{Assembler, Style, Written, minted, parts};
