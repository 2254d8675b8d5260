//! What the fuzz targets reach and nobody else has to: readers of what comes from outside that are the server's own business.

use people::Entry;
use record::SourceId;

use crate::config::Config;

pub use crate::fhir_api::fuzzing::*;
pub use crate::oauth::{Form, scopes::narrowed};

/// What stands in a JWS that is signed by a key of this JWKS.
pub fn signed_by(token: &str, jwks: &[u8]) -> Option<serde_json::Map<String, serde_json::Value>> {
    crate::token::signed_by(token, jwks)
}

/// The hazard log that this program was built with, by which it goes live.
pub fn hazard_log() -> anyhow::Result<String> {
    Ok(assurance::report(&assurance::Log::own()?, env!("CARGO_PKG_VERSION")))
}

/// What would be taken in of these bytes, were they a file of a source's patients.
pub fn people(bytes: Vec<u8>, source: &SourceId, seen: jiff::Timestamp, config: &Config) -> anyhow::Result<Vec<Entry>> {
    crate::people::load::looked_through(bytes, source, seen, config)
}
