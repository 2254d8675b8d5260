//! The `exchange` crate.
