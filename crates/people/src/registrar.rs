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

/// Does a deed: a batch is made and written. Where somebody else changed the register meanwhile, it is made again from what is there now.
/// Comes to the [`Done`]; an error in the making returns from the function around it, and nothing is written.
macro_rules! deed {
    ($registrar:expr, |$draft:ident| $make:expr) => {{
        let mut tries = 0;
        loop {
            let mut $draft = $registrar.draft().await?;
            $make;
            tries += 1;
            match $draft.write().await {
                Ok(done) => break done,
                Err(why) => $registrar.again(tries, why)?,
            }
        }
    }};
}

mod cut;
mod deeds;
mod desk;
mod done;
mod draft;
mod explain;
mod find;
mod lifecycle;
mod numbers;
mod place;
mod telling;

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
use crate::{Author, Change, Entry, News, NotWritten, Position, Register, RegisterDown};

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
    /// Persons read at once of those whom others changed.
    pub news_persons_max: usize,
    /// How often a deed is made at most, where others change the register between its making and its writing.
    pub tries_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            compared_max: 64,
            doubts_max: 3,
            shown_max: 20,
            page_persons_max: 2_000,
            pending_max: 50_000,
            news_persons_max: 10_000,
            tries_max: 20,
        }
    }
}

/// Where deeds are done, one after another.
#[derive(Default)]
struct Desk {
    /// The deed that is being written: register and index agree when it is over, whether or not anybody waits for it still.
    writing: JoinSet<Result<Position, NotWritten>>,
    /// Up to where the index has what the register has.
    position: Position,
}

impl Desk {
    /// Waits until nothing is being written. Whoever asked for the last deed may have gone before it was.
    async fn settle(&mut self) {
        while let Some(written) = self.writing.join_next().await {
            if let Ok(Ok(position)) = written {
                self.position = position;
            }
        }
    }
}

/// The registrar. Deeds are done one after another; reading waits for none of them. Several may work with one register, in one program
/// or in many: whoever made a batch from what is not the register's last state any more makes it again.
pub struct Registrar {
    register: Arc<dyn Register>,
    index: Index,
    model: Arc<Model>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    desk: Mutex<Desk>,
}

impl Registrar {
    /// A registrar of a register, whose index is yet to be filled.
    pub fn new(register: Arc<dyn Register>, index: Index, model: Arc<Model>, clock: Arc<dyn Clock>, limits: Limits) -> Registrar {
        Registrar { register, index, model, clock, limits, desk: Mutex::default() }
    }

    /// Reads the register into the index, whatever that holds. What is taken meanwhile waits.
    pub async fn fill(&self, told: impl FnMut(Progress) + Send) -> Result<Progress, RegisterDown> {
        let mut desk = self.desk.lock().await;
        desk.settle().await;
        self.fill_at(&mut desk, told).await
    }

    async fn fill_at(&self, desk: &mut Desk, told: impl FnMut(Progress) + Send) -> Result<Progress, RegisterDown> {
        // What changes while pages are read is read after them: it changed after this.
        let position = self.register.position().await?;
        let index = self.index.another();
        let progress = index.fill(&*self.register, self.limits.page_persons_max, told).await?;
        self.index.become_as(&index);
        desk.position = position;
        Ok(progress)
    }

    /// Goes on from an index of before, that has what the register had at a position. Whether that could be: else it is to be
    /// [filled](Registrar::fill).
    pub async fn resume(&self, index: &Index, position: Position) -> Result<bool, RegisterDown> {
        let mut desk = self.desk.lock().await;
        desk.settle().await;
        let Some(news) = self.register.since(position, self.limits.news_persons_max).await? else { return Ok(false) };
        self.index.become_as(index);
        self.hear(&mut desk, news).await;
        self.catch_up(&mut desk).await.map(|()| true)
    }

    /// Reads what others changed in the register, so that the index has it too. Whoever answers questions by the index does this now and
    /// then; before a deed it is done anyway.
    pub async fn follow(&self) -> Result<(), RegisterDown> {
        let mut desk = self.desk.lock().await;
        desk.settle().await;
        self.catch_up(&mut desk).await
    }

    /// Up to where the index has what the register has.
    pub async fn position(&self) -> Position {
        let mut desk = self.desk.lock().await;
        desk.settle().await;
        desk.position
    }

    async fn catch_up(&self, desk: &mut Desk) -> Result<(), RegisterDown> {
        loop {
            match self.register.since(desk.position, self.limits.news_persons_max).await? {
                Some(news) if news.position == desk.position => return Ok(()),
                Some(news) => self.hear(desk, news).await,
                None => {
                    tracing::warn!("the person register is not the one that was read, or has gone on too far: it is read anew");
                    self.fill_at(desk, |_| ()).await?;
                }
            }
        }
    }

    async fn hear(&self, desk: &mut Desk, news: News) {
        if !news.persons.is_empty() {
            self.index.change(&news.persons, &[]);
            self.fold().await;
        }
        desk.position = news.position;
    }

    /// Folds the index where enough has changed. It takes some microseconds for each person there is: seldom where there are many, and
    /// never on a thread that answers others.
    async fn fold(&self) {
        if self.index.pending() > self.limits.pending_max.max(self.index.count() / 16) {
            let index = self.index.clone();
            let folded = tokio::task::spawn_blocking(move || index.fold()).await;
            folded.unwrap_or_default(); // Where it could not be folded, it goes on unfolded.
        }
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
        let numbers: Vec<NhsNumber> = entries.iter().filter_map(|entry| entry.demographics.number.as_ref()?.valid()).collect();
        let mut taken;
        let done = deed!(self, |draft| {
            draft.cut.extend(self.register.cut_among(&numbers).await?);
            for entry in &entries {
                draft.take(entry.clone()).await?;
            }
            draft.forget_tasks().await?;
            draft.changes(loaded.iter().map(|(file, rows)| Change::Loaded(file.clone(), *rows)));
            taken = draft.taken();
        });
        Ok(Taken { done, ..taken })
    }

    /// Whose a number is, current or superseded.
    pub async fn person_of(&self, number: &NhsNumber) -> Result<Option<PersonId>, RegisterDown> {
        match self.index.person_of(number) {
            Some(person) => Ok(Some(person)),
            None => self.register.of_number(number).await,
        }
    }

    /// A batch, and the leave to make one: from what the register has now.
    async fn draft(&self) -> Result<Draft<'_>, RegisterDown> {
        let mut desk = self.desk.lock().await;
        desk.settle().await;
        self.catch_up(&mut desk).await?;
        Ok(Draft::new(self, desk, self.clock.now()))
    }

    /// Whether a batch that was not written is to be made again, after so many tries.
    fn again(&self, tries: usize, why: NotWritten) -> Result<(), RegisterDown> {
        match why {
            NotWritten::Behind if tries < self.limits.tries_max => Ok(()),
            NotWritten::Behind => Err(RegisterDown("others change it all the time; try again".to_owned())),
            NotWritten::Down(down) => Err(down),
        }
    }
}

/// The rules, as an author.
fn rules() -> Author {
    Author::Rules(RULES.to_owned())
}

#[cfg(test)]
mod tests;
