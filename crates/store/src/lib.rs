//! The store: where the stages' traits meet a database.
//!
//! There are two, and a suite in `tests` asks both for the same promises: SQLite, one file beside the program ([`SqliteStore`],
//! [`SqliteJournal`]), and PostgreSQL for several nodes and standbys ([`PostgresStore`], [`PostgresJournal`]). Each speaks its own
//! dialect. Who somebody is lies sealed in both; what is looked up by a number is looked up by its keyed pseudonym ([`Secrets`]).
//!
//! The patient key leads every key of a table of patients. What leads to a patient from elsewhere is a directory under a key of its
//! own: a number's pseudonym, an entry, a minted id, a task.

mod batch;
mod columns;
mod error;
mod kinds;
mod named;
mod node;
mod plans;
mod postgres;
mod rekey;
mod secrets;
mod sqlite;
mod vault;

pub use error::StoreError;
pub use node::NodeFile;
pub use postgres::{Distributed, Health, NoCitus, PostgresJournal, PostgresSettings, PostgresStore};
pub use rekey::{Others, Rekey, Rekeyed, Resealed, rekey};
pub use secrets::{Secrets, fresh as fresh_key, with_fresh_key};
pub use sqlite::{SqliteHealth, SqliteJournal, SqliteStore};

/// A store in a file, when it is looked at from outside.
pub mod file {
    pub use crate::sqlite::{back_up, health, restore};
}

/// All that a store keeps: each part is the trait of a stage or a journey.
pub trait Store:
    exchange::People
    + exchange::Claims
    + exchange::Minted
    + exchange::Plans
    + exchange::PrivacyQueue
    + exchange::Ties
    + exchange::Spent
    + exchange::Consents
    + exchange::Evidence
    + identity::Locator
    + people::Register
    + audit::Archive
    + audit::LedgerReader
    + Rekey
{
}

impl Store for SqliteStore {}
impl Store for PostgresStore {}
