//! The ledger: who asked what about whom, durable before any source is asked, and nothing leaves without it.
//!
//! [`Ledger::open`] returns only when the opening entry is durable; what an answer becomes can only leave through
//! [`Entry::close`], as an [`Audited`] value that nobody else can make. Entries form one hash chain per writer and run, and a new one after a write that failed;
//! [`verify`] checks a chain offline and names the first bad entry.
//!
//! What it leaves to others: where lines are kept ([`Journal`], implemented by `store`), and who may read them (`access`).

mod chain;
mod ledger;
mod line;
mod views;

pub use chain::{FirstBad, Verified, Verifier, verify};
pub use ledger::{Audited, Entry, Journal, JournalDown, Ledger, LedgerDown};
pub use line::{Event, LegLine, Line, Manifest, ManifestWriter, Shown, Who};
pub use views::{LedgerReader, View, views};
