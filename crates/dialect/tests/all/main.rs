//! The dialects from outside.

mod plain;
mod reading;
mod server;
