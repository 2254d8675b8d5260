//! The register: where the truth of the person index is kept. `store` implements it.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use record::{NhsNumber, PersonId};
use uuid::Uuid;

use crate::{Entry, EntryKey, Event, Person, Task, TaskFilter, TaskId};

/// The register is away or broken. The cause is in its own log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the person register did not answer: {0}")]
pub struct RegisterDown(pub String);

/// A place in the course of a register: after which batch. Each batch has an id of its own, so that a place in the course of another
/// register, or of this one before it was put back to a copy, is not taken for one of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// How many batches were written; 0 before the first.
    pub batches: u64,
    /// The id of the last of them; nil before the first.
    pub last: Uuid,
}

/// `BATCHES.LAST`, as it stands in a snapshot.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.batches, self.last)
    }
}

/// It is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position in a register")]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Position, NoPosition> {
        let (batches, last) = text.split_once('.').ok_or(NoPosition)?;
        Ok(Position { batches: batches.parse().map_err(|_| NoPosition)?, last: last.parse().map_err(|_| NoPosition)? })
    }
}

/// What changed since a position.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// Persons of whom anything changed, whole, as they are now.
    pub persons: Vec<Person>,
    /// Up to where that is all there is.
    pub position: Position,
}

/// Why a batch was not written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotWritten {
    /// Somebody else wrote a batch after the position that this one was made at, or gave a number of it to somebody: it is to be made
    /// again from what is there now. Nothing was written.
    #[error("somebody else changed the person register meanwhile")]
    Behind,
    /// The register did not answer. The batch was written, or it was not.
    #[error(transparent)]
    Down(#[from] RegisterDown),
}

/// A part of the register, in order of person ids.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Persons whole, with their entries.
    pub persons: Vec<Person>,
    /// How many there are in all, as far as that is known cheaply.
    pub total: Option<u64>,
    /// Where to go on; none at the end.
    pub next: Option<PersonId>,
}

/// One change. A batch of them is written whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Two entries are apart; whether they are the same person is not asked again.
    Apart(PersonId, EntryKey, EntryKey),
    /// A number is nobody's any more, for good. That it was cut is remembered; whose it was is not.
    Cut(NhsNumber),
    /// An event is added to the history.
    Event(Event),
    /// So much of a file was taken in: the name it goes by, and the rows done. In the same batch as the rows themselves.
    Loaded(String, u64),
    /// A person's own part is written (all but its entries); a new person is made.
    Person(Person),
    /// An entry is written under a person. Where it stood under another, it moves, and what was kept of its source is forgotten: of both
    /// what the locator heard, of the one it leaves the ids that were met in their record.
    Put(PersonId, Entry),
    /// A task is written, new or decided.
    Task(Task),
    /// Two entries are no longer apart.
    Together(PersonId, EntryKey, EntryKey),
    /// All that joins a number with a person is forgotten: keys, locator rows, claims, minted ids. The entries stay where they are.
    Purge(PersonId, NhsNumber),
}

/// The truth of the person index.
#[async_trait]
pub trait Register: Send + Sync {
    /// Persons in order of their ids, after one, for building the index in memory.
    async fn page(&self, after: Option<&PersonId>, persons_max: usize) -> Result<Page, RegisterDown>;
    /// One person.
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, RegisterDown>;
    /// Whose an entry is.
    async fn home(&self, key: &EntryKey) -> Result<Option<PersonId>, RegisterDown>;
    /// Whose a number is, current or superseded.
    async fn of_number(&self, number: &NhsNumber) -> Result<Option<PersonId>, RegisterDown>;
    /// Which of these numbers were cut.
    async fn cut_among(&self, numbers: &[NhsNumber]) -> Result<Vec<NhsNumber>, RegisterDown>;
    /// Writes a batch, whole or not at all. When it returns, it is durable, and the position is the one after it.
    ///
    /// `at` is where the register was when the batch was made: if it has gone on since, or a number of the batch is somebody's whom the
    /// batch does not write (a question made a person of it meanwhile), the batch is not written. Without it the batch is written
    /// wherever the register is, whoever has its numbers.
    async fn apply(&self, batch: Vec<Change>, at: Option<Position>) -> Result<Position, NotWritten>;
    /// Where the register is.
    async fn position(&self) -> Result<Position, RegisterDown>;
    /// What changed since a position: of about so many persons, in the order of the batches; whoever asks again from the position that
    /// comes with it, until that stays, has read everything. None where the register's course does not lead from there to here, as far as
    /// it remembers: all is to be read anew.
    async fn since(&self, position: Position, persons_max: usize) -> Result<Option<News>, RegisterDown>;
    /// What was done to a person's entries, oldest first.
    async fn history(&self, person: &PersonId) -> Result<Vec<Event>, RegisterDown>;
    /// The entries that an entry is apart from.
    async fn apart(&self, person: &PersonId, key: &EntryKey) -> Result<Vec<EntryKey>, RegisterDown>;
    /// Tasks, in order of ids.
    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, RegisterDown>;
    /// One task.
    async fn task(&self, id: &TaskId) -> Result<Option<Task>, RegisterDown>;
    /// How many rows of a file were taken in.
    async fn loaded(&self, file: &str) -> Result<u64, RegisterDown>;
}
