//! FHIR as bytes and as a tree, in any of its versions: knows elements, not patients.
//!
//! A [`Tree`] is one resource as somebody sent it: an arena of small nodes over the bytes that came, so that
//! numbers keep their digits, text is copied only when it changes, and parsing costs one pass.
//!
//! ```
//! use fhir::Tree;
//! let mut tree = Tree::from_json(r#"{"resourceType":"Observation","valueQuantity":{"value":1.50}}"#.into()).unwrap();
//! assert_eq!(tree.root().at("valueQuantity.value").unwrap().raw(), "1.50");
//! let root = tree.root().id();
//! tree.set_string(root, "status", "final");
//! assert!(tree.to_json().ends_with(r#""value":1.50},"status":"final"}"#));
//! ```
//!
//! What an element *means* is left to `dialect` and `join`; what a code means to `terms`.

mod bundle;
pub mod date;
mod generated;
mod json;
mod kind;
mod node;
mod parse;
pub mod tables;
mod tree;
mod xml;

pub use bundle::{Bundle, Entry, Malformed};
pub use kind::Kind;
pub use node::Ref;
pub use parse::ParseError;
pub use tree::{NodeId, NodeKind, Tree};

/// The FHIR versions that Severn reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// FHIR DSTU2, 1.0.2.
    Dstu2,
    /// FHIR STU3, 3.0.2.
    Stu3,
    /// FHIR R4, 4.0.1: what every answer speaks.
    R4,
}

impl Version {
    /// The name people use: `DSTU2`, `STU3`, `R4`.
    pub fn name(self) -> &'static str {
        match self {
            Version::Dstu2 => "DSTU2",
            Version::Stu3 => "STU3",
            Version::R4 => "R4",
        }
    }
}
