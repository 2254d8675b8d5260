//! Makes checkpoints, and hands them out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use record::Clock;

use crate::checkpoint::{Course, Head, Signed};
use crate::key::{PublicKey, SigningKey};
use crate::{JournalDown, Line};

/// The ledger as it lies in a store: read in order, and its checkpoints beside it. Only ever added to.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Lines after one, in the order of runs and numbers; so many at most.
    async fn lines_after(&self, run: &str, sequence: u64, most: usize) -> Result<Vec<Line>, JournalDown>;
    /// The first of these lines that is there and not found by one of the names that it is entered under; none where all are.
    async fn unentered(&self, lines: &[Line]) -> Result<Option<usize>, JournalDown>;
    /// The last line of every run, as of one moment.
    async fn heads(&self) -> Result<Vec<Head>, JournalDown>;
    /// Lines of checkpoints after one of this number, in order; so many at most.
    async fn checkpoints_after(&self, number: u64, most: usize) -> Result<Vec<String>, JournalDown>;
    /// The number of the last whole checkpoint that is not after `number`.
    async fn whole_checkpoint(&self, number: u64) -> Result<Option<u64>, JournalDown>;
    /// Keeps a checkpoint, durably; false where there is one of this number already.
    async fn keep_checkpoint(&self, checkpoint: &Signed) -> Result<bool, JournalDown>;
    /// The last checkpoint that somebody was handed.
    async fn handed(&self, witness: &str) -> Result<Option<u64>, JournalDown>;
    /// Somebody was handed all up to this one.
    async fn hand(&self, witness: &str, number: u64) -> Result<(), JournalDown>;
}

/// Somebody who is handed every checkpoint, so that nobody can take entries away and make all of them anew.
#[async_trait]
pub trait Witness: Send + Sync {
    /// By which it is known.
    fn name(&self) -> &str;
    /// Takes lines of checkpoints, in order; returns when they are safe there. It may be handed the same again.
    async fn take(&self, lines: &[String]) -> Result<(), String>;
}

/// Checkpoints handed out at once.
const AT_ONCE: usize = 500;
/// The greatest number.
const ALL: u64 = i64::MAX as u64;

/// How checkpoints are made.
pub struct Checkpoints {
    /// How often.
    pub every: Duration,
    /// Every so many names all heads, not only those that moved.
    pub whole_every: u64,
    /// Signs them.
    pub key: SigningKey,
    /// By whose signature those before are believed, beside its own: other nodes' keys, and those that it had before.
    pub trusted: Vec<PublicKey>,
    /// Who gets them.
    pub witnesses: Vec<Box<dyn Witness>>,
}

/// Makes them.
pub struct Checkpointer {
    settings: Checkpoints,
    archive: Arc<dyn Archive>,
    clock: Arc<dyn Clock>,
    course: Course,
}

/// Why no checkpoint was made.
#[derive(Debug, thiserror::Error)]
pub enum NoCheckpoint {
    /// One of those before it does not hold.
    #[error("{0}")]
    Bad(crate::BadCheckpoint),
    /// The store is away.
    #[error(transparent)]
    Down(#[from] JournalDown),
    /// Entries are gone, or are others.
    #[error(transparent)]
    Altered(#[from] crate::Altered),
}

impl Checkpointer {
    /// For this archive.
    pub fn new(mut settings: Checkpoints, archive: Arc<dyn Archive>, clock: Arc<dyn Clock>) -> Checkpointer {
        settings.trusted.push(settings.key.public());
        Checkpointer { settings, archive, clock, course: Course::default() }
    }

    /// Makes them for as long as it is awaited, the first one at once.
    pub async fn keep(&mut self) {
        loop {
            self.once().await;
            tokio::time::sleep(self.settings.every).await;
        }
    }

    /// Makes one now, unless another node just did, and hands out what is not handed out.
    pub async fn once(&mut self) {
        match self.make().await {
            Ok(()) => {}
            Err(NoCheckpoint::Down(down)) => tracing::warn!(error = %down, "no checkpoint of the ledger was made; it is tried again"),
            Err(why) => tracing::error!(alert = "ledger.not-as-written", error = %why, "no checkpoint of the ledger is made"),
        }
        for witness in &self.settings.witnesses {
            if let Err(error) = self.hand(witness.as_ref()).await {
                let witness = witness.name();
                tracing::error!(alert = "ledger.witness", witness, error, "a checkpoint could not be handed over; it is tried again");
            }
        }
    }

    /// Makes the next checkpoint.
    pub async fn make(&mut self) -> Result<(), NoCheckpoint> {
        loop {
            self.catch_up().await?;
            let now = self.clock.now();
            if self.is_fresh(now) {
                return Ok(());
            }
            let next = self.course.next(self.archive.heads().await?, now.to_string(), self.settings.whole_every, &self.settings.key)?;
            // What would not be believed is not kept: it would stand there for good, and nothing could follow it.
            let mut course = self.course.clone();
            course.add(&next, &self.settings.trusted).map_err(NoCheckpoint::Bad)?;
            // Another node's may have come first: it is read, and what is left to say said after it.
            if self.archive.keep_checkpoint(&next).await? {
                self.course = course;
                return Ok(());
            }
        }
    }

    /// Whether the last one is younger than half the time between two: another node made it, and one is enough.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let last = self.course.at().and_then(|at| at.parse::<Timestamp>().ok());
        last.is_some_and(|last| now >= last && now.duration_since(last).unsigned_abs() < self.settings.every / 2)
    }

    /// Reads what was made before, and by others meanwhile.
    async fn catch_up(&mut self) -> Result<(), NoCheckpoint> {
        let mut after = self.course.number();
        if after == 0 {
            after = self.archive.whole_checkpoint(ALL).await?.map_or(0, |whole| whole - 1);
        }
        loop {
            let lines = self.archive.checkpoints_after(after, AT_ONCE).await?;
            for line in &lines {
                let bad = |number| crate::BadCheckpoint { number, why: "its line is not what was written".to_owned(), entry: None };
                let signed = Signed::read(line.as_bytes()).ok_or_else(|| NoCheckpoint::Bad(bad(after + 1)))?;
                self.course.add(&signed, &self.settings.trusted).map_err(NoCheckpoint::Bad)?;
                after = signed.checkpoint.number;
            }
            if lines.len() < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Hands a witness what it was not handed yet: whoever is new begins with one that names all heads.
    async fn hand(&self, witness: &dyn Witness) -> Result<(), String> {
        let down = |down: JournalDown| down.to_string();
        let mut after = match self.archive.handed(witness.name()).await.map_err(down)? {
            Some(number) => number,
            None => self.archive.whole_checkpoint(ALL).await.map_err(down)?.map_or(0, |whole| whole - 1),
        };
        loop {
            let lines = self.archive.checkpoints_after(after, AT_ONCE).await.map_err(down)?;
            if lines.is_empty() {
                return Ok(());
            }
            witness.take(&lines).await?;
            after += lines.len() as u64;
            self.archive.hand(witness.name(), after).await.map_err(down)?;
        }
    }
}
