//! The store in PostgreSQL: for several nodes, and for more than one machine holds.
//!
//! A write is acknowledged when PostgreSQL has made it durable; where it has a synchronous standby, when the standby has it too:
//! `synchronous_commit` is never less than `on`. PostgreSQL ends the time limit of a statement before it waits for the standby, and
//! nothing here cancels a statement, so that no such wait is cut short and taken for a success.
//!
//! A connection that breaks is made again, and what was asked is asked again, until the patience in the settings ends. So every
//! write here may come twice and leaves the same: the ledger's lines are keyed by run and number, a batch of the register by an id.

mod apply;
mod archive;
mod arrays;
mod backup;
mod check;
mod claims;
mod consents;
mod distribute;
mod door;
mod grants;
mod journal;
mod locator;
mod people;
mod privacy;
mod register;
mod rekey;
mod schema;
mod spent;
mod sql;
mod ties;
mod vault;

pub use check::Health;
pub use distribute::{Distributed, NoCitus};
pub use door::{PostgresSettings, PostgresStore};
pub use journal::PostgresJournal;
