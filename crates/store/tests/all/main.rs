//! What every store promises, asked of each; and what only one of them can be asked.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod claims;
mod conformance;
mod consents;
mod failover;
mod migrate;
mod model;
mod postgres;
mod postgres_store;
mod samples;
mod sqlite_ledger;
mod stores;
mod ties;
mod vault;
