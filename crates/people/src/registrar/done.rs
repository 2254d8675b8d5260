//! What a deed came to, and why one was not done.

use jiff::Timestamp;
use record::PersonId;

use crate::{RegisterDown, TaskId};

/// What a deed came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Whose entries changed.
    pub touched: Vec<Touched>,
    /// Tasks that were raised, or opened again.
    pub raised: Vec<TaskId>,
}

/// A person whose entries changed. What is kept of their record (snapshots, caches, locator rows) does not serve any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Who.
    pub person: PersonId,
    /// Since when their record may have shown what is not theirs, or, where two turned out to be one, have lacked what was shown as the
    /// other's: whoever saw it since then is to be listed (G8). None where nothing that was shown was wrong.
    pub since: Option<Timestamp>,
}

/// What taking entries in came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Entries that nobody had.
    pub new: u64,
    /// Entries that say something else than before.
    pub changed: u64,
    /// Entries that say what they said before, or something older.
    pub unchanged: u64,
    /// Entries linked to somebody by the number.
    pub by_number: u64,
    /// Entries linked to somebody by weight.
    pub by_weight: u64,
    /// Persons who became known.
    pub persons: u64,
    /// Whose entries changed otherwise than by a new one, and the tasks that were raised.
    pub done: Done,
}

impl Taken {
    /// Adds what another batch came to; its touched persons are not kept.
    pub fn add(&mut self, other: &Taken) {
        self.new += other.new;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.by_number += other.by_number;
        self.by_weight += other.by_weight;
        self.persons += other.persons;
        self.done.raised.extend(other.done.raised.iter().cloned());
    }
}

/// Why a deed was not done; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There is nobody else to be told from.
    #[error("the entry is the only one of its person")]
    Alone,
    /// Somebody said that they are not the same person, and that stands.
    #[error("two of the entries were said not to be one person; undo that first")]
    Apart,
    /// It was decided already.
    #[error("the task is decided already; undo that decision first")]
    Decided,
    /// The register did not answer.
    #[error(transparent)]
    Down(#[from] RegisterDown),
    /// Nothing is linked to somebody whose number is under investigation.
    #[error("the NHS number of one of them is under investigation")]
    Investigated,
    /// There is nothing of that kind to undo.
    #[error("there is nothing to undo")]
    NothingToUndo,
    /// Both have a verified number, and not the same.
    #[error("both have a verified NHS number, and not the same: only the national service can say that they are one person")]
    Numbers,
    /// No such entry.
    #[error("no such entry")]
    UnknownEntry,
    /// No such person.
    #[error("no such person")]
    UnknownPerson,
    /// No such task.
    #[error("no such task")]
    UnknownTask,
}
