//! Doubts that a steward decides.

use jiff::Timestamp;
use record::PersonId;

use crate::{Author, EntryKey};

/// A task's id: made from what it is about, so that one doubt is one task however often it is met.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub String);

impl TaskId {
    /// The id of a doubt about an entry, or about two, whichever is named first. It says nothing of either.
    pub fn of(doubt: Doubt, entry: &EntryKey, other: Option<&EntryKey>) -> TaskId {
        let mut keys: Vec<&EntryKey> = std::iter::once(entry).chain(other).collect();
        keys.sort_unstable();
        let mut text = format!("{doubt:?}");
        for key in keys {
            text.push_str(&format!("|{}|{}|{}", key.source, key.local_id.len(), key.local_id));
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        TaskId(digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// A doubt.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// About whom: the entry's person.
    pub person: PersonId,
    /// The entry that raised it.
    pub entry: EntryKey,
    /// The other entry, where it is about two.
    pub other: Option<EntryKey>,
    /// What the doubt is.
    pub doubt: Doubt,
    /// When it was raised.
    pub raised: Timestamp,
    /// How it was decided, when, by whom and why; none while it is open.
    pub decided: Option<(Outcome, Timestamp, Author, String)>,
}

/// What the doubt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Doubt {
    /// One number with two names and birth dates: whose is it?
    Confusion,
    /// A source's answer under the person's number was not let pass by the guards.
    Held,
    /// Probably one person, not surely.
    Probable,
}

/// How a task was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Two persons: the entries are kept apart.
    Different,
    /// One person: the entries are linked.
    Same,
    /// Neither can be said: it stays as it is, and is not asked again.
    Unknown,
}

/// Which tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only those that are open.
    pub open: bool,
    /// Only those about this person.
    pub person: Option<PersonId>,
    /// Only those after this one, in order of ids.
    pub after: Option<TaskId>,
    /// At most so many.
    pub count_max: usize,
}
