//! The `terms` crate.
