//! The store: where the stages' traits meet a database.

mod batch;
mod columns;
mod error;
mod kinds;
mod plans;
mod secrets;
mod sqlite;

pub use error::StoreError;
pub use secrets::Secrets;
pub use sqlite::{SqliteJournal, SqliteStore};
