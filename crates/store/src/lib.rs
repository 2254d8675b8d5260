//! The store on SQLite: where the stages' traits meet a file.
//!
//! One writer thread owns the connection that writes; a line is in the ledger once its transaction is synced to disk.
//! The ledger's table refuses every update and delete, by trigger. Persons, claims, ids and plans come with `exchange`.

mod journal;
mod schema;

pub use journal::SqliteJournal;
pub use schema::StoreError;
