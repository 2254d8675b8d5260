//! The ledger as others check it.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod checkpoints;
mod inspection;
mod sample;
