//! The registrar: the one who changes the person index.
//!
//! Every deed is one batch: what happens in the register and in the history happens whole or not at all, and the index in memory
//! follows. The rules link (by the number, or by weight where every guard is passed); a steward, the national service and a source link
//! and unlink by their word, and the rules never undo a word: what contradicts it becomes a task (G9).
//!
//! | word | meaning |
//! |---|---|
//! | *take* | a source's entry comes in, new or once more, and gets its place |
//! | *draft* | a batch in the making |
//! | *home* | the person whose entry it is |
//! | *touched* | a person whose entries changed: what is kept of their record is to be purged, and who saw it is to be asked |

mod deeds;
mod desk;
mod done;
mod draft;
mod explain;
mod find;
mod lifecycle;
mod place;

use std::sync::Arc;

use record::{Clock, NhsNumber, PersonId};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

pub use desk::Sides;
pub use done::{Done, NotDone, Taken, Touched};
pub use explain::{Explained, Whom};

use self::draft::Draft;
use crate::index::{Index, Progress};
use crate::matching::Model;
use crate::{Author, Change, Entry, Register, RegisterDown};

/// The version of the rules by which entries are linked; it stands in the history as the author of what they did.
pub const RULES: &str = "1";

/// What the registrar may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Persons with whom an entry, or somebody who is looked for, is compared at most.
    pub compared_max: usize,
    /// Tasks that one entry raises at most.
    pub doubts_max: usize,
    /// Candidates that a search shows at most; a search that fits more shows none.
    pub shown_max: usize,
    /// Persons read at once when the index is built.
    pub page_persons_max: usize,
    /// Persons that change before the index is folded, or a sixteenth of all where that is more.
    pub pending_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { compared_max: 64, doubts_max: 3, shown_max: 20, page_persons_max: 2_000, pending_max: 50_000 }
    }
}

/// The deed that is being written: register and index agree when it is over, whether or not anybody waits for it still.
type Writing = JoinSet<Result<(), RegisterDown>>;

/// The registrar. Deeds are done one after another; reading waits for none of them.
pub struct Registrar {
    register: Arc<dyn Register>,
    index: Index,
    model: Arc<Model>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    desk: Mutex<Writing>,
}

impl Registrar {
    /// A registrar of a register, whose index is yet to be filled.
    pub fn new(register: Arc<dyn Register>, index: Index, model: Arc<Model>, clock: Arc<dyn Clock>, limits: Limits) -> Registrar {
        Registrar { register, index, model, clock, limits, desk: Mutex::default() }
    }

    /// Reads the register into the index. What is taken meanwhile waits.
    pub async fn fill(&self, told: impl FnMut(Progress) + Send) -> Result<Progress, RegisterDown> {
        let _desk = self.desk.lock().await;
        self.index.fill(&*self.register, self.limits.page_persons_max, told).await
    }

    /// The index, for questions.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The register, for questions. Whatever is changed in it by another way is not in the index.
    pub fn register(&self) -> &dyn Register {
        &*self.register
    }

    /// Takes one entry in.
    pub async fn take(&self, entry: Entry) -> Result<Taken, RegisterDown> {
        self.take_all(vec![entry], None).await
    }

    /// Takes entries in, in their order, as one batch; with `loaded` it is written in the same batch how far a file has come.
    pub async fn take_all(&self, entries: Vec<Entry>, loaded: Option<(String, u64)>) -> Result<Taken, RegisterDown> {
        let mut draft = self.draft().await;
        let numbers: Vec<NhsNumber> = entries.iter().filter_map(|entry| entry.demographics.number.as_ref()?.valid()).collect();
        draft.cut.extend(self.register.cut_among(&numbers).await?);
        for entry in entries {
            draft.take(entry).await?;
        }
        if let Some((file, rows)) = loaded {
            draft.change(Change::Loaded(file, rows));
        }
        let taken = draft.taken();
        Ok(Taken { done: draft.write().await?, ..taken })
    }

    /// Whose a number is, current or superseded.
    pub async fn person_of(&self, number: &NhsNumber) -> Result<Option<PersonId>, RegisterDown> {
        match self.index.person_of(number) {
            Some(person) => Ok(Some(person)),
            None => self.register.of_number(number).await,
        }
    }

    /// A batch, and the leave to make one.
    async fn draft(&self) -> Draft<'_> {
        let mut desk = self.desk.lock().await;
        // Whoever asked for the last deed may have gone before it was written; the next begins when it is.
        while desk.join_next().await.is_some() {}
        Draft::new(self, desk, self.clock.now())
    }
}

/// The rules, as an author.
fn rules() -> Author {
    Author::Rules(RULES.to_owned())
}

#[cfg(test)]
mod tests;
