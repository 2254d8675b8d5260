//! The writer of the ledger.

use std::sync::Arc;

use async_trait::async_trait;
use record::{Clock, RequestId};
use tokio::sync::{mpsc, oneshot};

use crate::chain::hash;
use crate::line::{Event, Line};

/// Where lines are kept. Returns only when they are durable, all of them or none.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Appends lines, in order.
    async fn append(&self, lines: Vec<Line>) -> Result<(), JournalDown>;
}

/// Lines could not be made durable.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the journal could not be written: {0}")]
pub struct JournalDown(pub String);

/// The ledger cannot be written, so nothing is read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the ledger cannot be written")]
pub struct LedgerDown;

/// The ledger. Cheap to clone; every clone writes the one chain of this run.
#[derive(Clone)]
pub struct Ledger {
    queue: mpsc::Sender<Pending>,
    clock: Arc<dyn Clock>,
}

struct Pending {
    trace: String,
    at: String,
    event: String,
    done: oneshot::Sender<Result<(), LedgerDown>>,
}

/// Requests waiting to be written at most; more are shed.
const QUEUE: usize = 4096;
/// Lines of one batch at most.
const BATCH: usize = 512;
/// How often a closing entry is tried again before an alert is raised.
const CLOSING_TRIES: u32 = 3;

impl Ledger {
    /// Starts a chain. The future writes until every `Ledger` is gone; whoever starts it awaits it.
    pub fn start(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, run: String) -> (Ledger, impl Future<Output = ()> + Send) {
        let (queue, pending) = mpsc::channel(QUEUE);
        (Ledger { queue, clock }, write(journal, run, pending))
    }

    /// Writes one event; returns when it is durable.
    pub async fn note(&self, trace: &RequestId, event: &Event) -> Result<(), LedgerDown> {
        let (done, written) = oneshot::channel();
        let event = serde_json::to_string(event).map_err(|_| LedgerDown)?;
        let pending = Pending { trace: trace.as_str().to_owned(), at: self.clock.now().to_string(), event, done };
        self.queue.try_send(pending).map_err(|_| LedgerDown)?;
        written.await.map_err(|_| LedgerDown)?
    }

    /// Opens the entry of a request. Nothing may be asked of anybody before it returns.
    pub async fn open(&self, trace: &RequestId, event: Event) -> Result<Entry, LedgerDown> {
        self.note(trace, &event).await?;
        Ok(Entry { ledger: self.clone(), trace: trace.clone(), closed: false })
    }
}

/// Takes what waits, chains it, and writes it in one batch: one fsync for all who wait.
async fn write(journal: Arc<dyn Journal>, run: String, mut pending: mpsc::Receiver<Pending>) {
    let (mut sequence, mut previous) = (0, String::new());
    let (mut chain, mut failures) = (run.clone(), 0);
    let mut batch = Vec::with_capacity(BATCH);
    while pending.recv_many(&mut batch, BATCH).await > 0 {
        let (mut lines, mut waiting) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for one in batch.drain(..) {
            sequence += 1;
            let mut line =
                Line { run: chain.clone(), sequence, at: one.at, trace: one.trace, event: one.event, previous, hash: String::new() };
            line.hash = hash(&line);
            previous = line.hash.clone();
            lines.push(line);
            waiting.push(one.done);
        }
        let outcome = journal.append(lines).await;
        if let Err(down) = &outcome {
            tracing::error!(error = %down, "the ledger could not be written");
            // It may have been written all the same, and only the word of it lost. What comes next takes no place in that chain: it
            // begins one of its own.
            failures += 1;
            (chain, sequence, previous) = (format!("{run}.{failures}"), 0, String::new());
        }
        for done in waiting {
            // Whoever no longer waits does not need to know.
            let _ = done.send(outcome.clone().map_err(|_| LedgerDown));
        }
    }
}

/// A request that is open on the ledger. It must be closed; one dropped unclosed raises an alert.
#[must_use = "an entry never closed raises an alert"]
pub struct Entry {
    ledger: Ledger,
    trace: RequestId,
    closed: bool,
}

impl Entry {
    /// Closes the entry and lets `value` leave. A failed closing write is tried again, does not withhold the value, and raises an alert.
    pub async fn close<T>(mut self, value: T, event: Event) -> Audited<T> {
        self.closed = true;
        for attempt in 1..=CLOSING_TRIES {
            match self.ledger.note(&self.trace, &event).await {
                Ok(()) => break,
                Err(_) if attempt < CLOSING_TRIES => tokio::time::sleep(std::time::Duration::from_millis(50 * u64::from(attempt))).await,
                Err(_) => tracing::error!(alert = "ledger.closing-failed", trace = %self.trace, "a closing entry could not be written"),
            }
        }
        Audited { value }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.closed {
            tracing::error!(alert = "ledger.never-closed", trace = %self.trace, "an entry was never closed");
        }
    }
}

/// A value that is on the ledger. The HTTP edge writes nothing else.
#[derive(Debug, Clone)]
pub struct Audited<T> {
    value: T,
}

impl<T> Audited<T> {
    /// The value, to be written to whoever asked.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The same entry, in another form.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Audited<U> {
        Audited { value: form(self.value) }
    }

    /// The same entry, in another form that may fail to be made.
    pub fn try_map<U, E>(self, form: impl FnOnce(T) -> Result<U, E>) -> Result<Audited<U>, E> {
        form(self.value).map(|value| Audited { value })
    }
}

impl<T> std::ops::Deref for Audited<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}
