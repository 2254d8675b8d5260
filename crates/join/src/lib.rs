//! The `join` crate.
