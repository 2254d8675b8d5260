//! The ledger as others check it, and as it is written while the store is away.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod away;
mod checkpoints;
mod inspection;
mod sample;
