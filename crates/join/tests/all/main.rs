//! Joining from outside: golden cases and laws.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod golden;
mod laws;
mod lines;
mod said;
mod tiers;
