//! The register: where the truth of the person index is kept. `store` implements it.

use async_trait::async_trait;
use record::{NhsNumber, PersonId};

use crate::{Entry, EntryKey, Event, Person, Task, TaskFilter, TaskId};

/// The register is away or broken. The cause is in its own log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the person register did not answer: {0}")]
pub struct RegisterDown(pub String);

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
    /// An entry is written under a person. Where it stood under another, it moves.
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
    /// Writes a batch, whole or not at all. When it returns, it is durable.
    async fn apply(&self, batch: Vec<Change>) -> Result<(), RegisterDown>;
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
