//! The dialects from outside.

mod plain;
mod server;
