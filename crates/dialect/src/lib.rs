//! The `dialect` crate.
