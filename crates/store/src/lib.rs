//! The store on SQLite: where the stages' traits meet a file.
//!
//! One writer thread owns the connection that writes; a line is in the ledger once its transaction is synced to disk.
//! The ledger's table refuses every update and delete, by trigger.

mod journal;
mod people;
mod plans;
mod schema;
mod secrets;

pub use journal::SqliteJournal;
pub use people::SqliteStore;
pub use schema::StoreError;
pub use secrets::Secrets;
