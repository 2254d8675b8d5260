//! The `audit` crate.
