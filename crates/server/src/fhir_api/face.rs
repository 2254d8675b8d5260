//! The two forms in which the one FHIR server speaks: R4, and STU3 to readers who speak that.
//!
//! A face is put before the journey and after it, and is nowhere within: a question in STU3's words becomes the same question in
//! R4's, and what was answered in R4 is said in STU3. Tokens, permission, ledger, pages and refusals are the same.

pub mod asked;
pub mod said;

use axum::http::uri::PathAndQuery;
use fhir::{Kind, Version};

/// Which form a request is in, and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// `/fhir/R4`
    R4,
    /// `/fhir/STU3`
    Stu3,
}

impl Face {
    /// The face that a path is below, and what follows.
    pub fn of(path: &str) -> (Face, &str) {
        match path.strip_prefix(Face::Stu3.path()) {
            Some(rest) => (Face::Stu3, rest.trim_start_matches('/')),
            None => (Face::R4, path.strip_prefix(Face::R4.path()).unwrap_or(path).trim_start_matches('/')),
        }
    }

    /// The path of its FHIR base.
    pub fn path(self) -> &'static str {
        match self {
            Face::R4 => "/fhir/R4",
            Face::Stu3 => "/fhir/STU3",
        }
    }

    /// The version its bodies are in.
    pub fn version(self) -> Version {
        match self {
            Face::R4 => Version::R4,
            Face::Stu3 => Version::Stu3,
        }
    }

    /// The type of resource that it calls so.
    pub fn kind(self, name: &str) -> Option<Kind> {
        match self {
            Face::R4 => Kind::parse(name),
            Face::Stu3 => dialect::stu3_kinds(name),
        }
    }
}

/// The first part of the path below the base: what a client calls the type.
pub fn named(target: Option<&PathAndQuery>) -> String {
    let path = target.map(PathAndQuery::path).unwrap_or_default();
    Face::of(path).1.split('/').next().unwrap_or_default().to_owned()
}
