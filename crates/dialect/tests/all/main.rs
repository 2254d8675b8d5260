//! The dialects from outside.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod carecentric;
mod gp_connect;
mod gp_fingerprints;
mod healthshare;
mod healthshare_stu3;
mod millennium;
mod neighbours;
mod plain;
mod reading;
mod replay;
mod server;
mod third_party;
