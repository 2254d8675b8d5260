//! The dialects from outside.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod carecentric;
mod gp_connect;
mod gp_fingerprints;
mod neighbours;
mod plain;
mod reading;
mod server;
mod third_party;
