//! The `access` crate.
