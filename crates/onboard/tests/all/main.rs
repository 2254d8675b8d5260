//! Visits to the pretend region in memory: every supplier is recognised, and everything that can go wrong is said.
//!
//! Time is paused, so that slow and silent suppliers cost no waiting.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod faults;
mod recognised;
mod shadow;
mod ugly;
mod world;
