//! The ledger: who asked what about whom, durable before any source is asked, and nothing leaves without it.
//!
//! [`Ledger::open`] returns only when the opening entry is durable; what an answer becomes can only leave through
//! [`Entry::close`], as an [`Audited`] value that nobody else can make. Entries form one hash chain per writer and run, and a new one after a write that failed;
//! [`verify`] checks a chain offline and names the first bad entry.
//!
//! Every minute a [`Checkpointer`] signs where all chains end, and hands that out, so that neither the end of a chain nor a whole one can
//! be taken away unseen: an [`Inspection`] checks all of it, of a store or of an export ([`verify_export`]). While the store is away
//! entries stand in a [`NodeJournal`].
//!
//! What it leaves to others: where lines are kept ([`Journal`], implemented by `store`), and who may read them (`access`).

mod account;
mod auditor;
mod chain;
mod checkpoint;
mod checkpointer;
mod export;
mod inspection;
mod key;
mod ledger;
mod line;
pub mod lookup;
mod node;
pub mod report;
mod text;
mod views;
mod writer;

pub use account::{Account, Claimed, Outcome, accounts, found};
pub use chain::{FirstBad, Verified, Verifier, verify};
pub use checkpoint::{Altered, BadCheckpoint, Checkpoint, Course, Head, Signed};
pub use checkpointer::{Archive, Checkpointer, Checkpoints, NoCheckpoint, Witness};
pub use export::{Exported, Proof, exported, verify_export};
pub use inspection::{Inspection, Problem, Report};
pub use key::{BadKey, PublicKey, SigningKey};
pub use ledger::{Audited, Entry, Journal, JournalDown, Ledger, LedgerDown};
pub use line::{Ending, Event, LegLine, Line, Manifest, ManifestWriter, Shown, Who};
pub use lookup::{By, Found, Lookup};
pub use node::NodeJournal;
pub use views::{LedgerReader, View, views};
