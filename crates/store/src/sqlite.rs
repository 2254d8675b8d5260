//! The store in one file of SQLite.
//!
//! One writer thread owns the connection that writes the ledger; a line is in it once its transaction is synced to disk.
//! Tables that are only ever added to (the ledger, its checkpoints, the history) refuse every update, delete and replacement, by trigger.

mod apply;
mod archive;
mod backup;
mod claims;
mod consents;
mod journal;
mod locator;
mod people;
mod privacy;
mod register;
mod rekey;
mod schema;
mod spent;
mod ties;
mod vault;

pub use backup::{SqliteHealth, back_up, health, restore};
pub use journal::SqliteJournal;
pub use people::SqliteStore;
