//! The store: where the stages' traits meet a database.

mod batch;
mod columns;
mod error;
mod kinds;
mod named;
mod plans;
mod postgres;
mod secrets;
mod sqlite;

pub use error::StoreError;
pub use postgres::{Distributed, Health, NoCitus, PostgresJournal, PostgresSettings, PostgresStore};
pub use secrets::Secrets;
pub use sqlite::{SqliteJournal, SqliteStore};
