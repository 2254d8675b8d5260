//! The ledger as those who use it see it.

use std::sync::Arc;

use async_trait::async_trait;
use record::{Clock, RequestId};
use tokio::sync::{mpsc, oneshot};

use crate::NodeJournal;
use crate::line::{Ending, Event, Line, Who};
use crate::writer::Writer;

/// Where lines are kept. Returns only when they are durable, all of them or none.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Appends lines, in order.
    async fn append(&self, lines: Vec<Line>) -> Result<(), JournalDown>;

    /// Appends those of these lines that are not there yet: they come from a node's journal, perhaps again. One that is there as another
    /// is an error.
    async fn ship(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        self.append(lines).await
    }
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

type Done = oneshot::Sender<Result<(), LedgerDown>>;

pub(crate) struct Pending {
    pub(crate) trace: String,
    pub(crate) at: String,
    pub(crate) event: String,
    /// Who waits for it; nobody for an entry that is owed, which is tried until it is written.
    pub(crate) done: Option<Done>,
}

/// Requests waiting to be written at most; more are shed.
const QUEUE: usize = 4096;
/// How often a closing entry is tried again before an alert is raised.
const CLOSING_TRIES: u32 = 3;

impl Ledger {
    /// Starts a chain. The future writes until every `Ledger` is gone; whoever starts it awaits it.
    pub fn start(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, run: String) -> (Ledger, impl Future<Output = ()> + Send) {
        Ledger::start_with(journal, None, clock, run)
    }

    /// The same, with a journal on this node for while the other one is away. What stands in it from before is shipped first.
    pub fn start_with(
        journal: Arc<dyn Journal>,
        node: Option<Arc<dyn NodeJournal>>,
        clock: Arc<dyn Clock>,
        run: String,
    ) -> (Ledger, impl Future<Output = ()> + Send) {
        let (queue, pending) = mpsc::channel(QUEUE);
        (Ledger { queue, clock }, Writer::new(journal, node, run).write(pending))
    }

    /// Writes one event; returns when it is durable.
    pub async fn note(&self, trace: &RequestId, event: &Event) -> Result<(), LedgerDown> {
        let (done, written) = oneshot::channel();
        self.queue.try_send(self.pending(trace, event, Some(done))?).map_err(|_| LedgerDown)?;
        written.await.map_err(|_| LedgerDown)?
    }

    /// Shows somebody at a desk what they look for: entered before it is looked for, and everybody whom it shows before it is shown.
    ///
    /// # Errors
    ///
    /// That of looking; `down` where something could not be entered: then nothing is shown.
    pub async fn shows<T, E, I: IntoIterator<Item: ToString>>(
        &self,
        trace: &RequestId,
        by: Who,
        (what, rule): (&str, &str),
        look: impl Future<Output = Result<(T, I), E>>,
        down: impl Fn() -> E,
    ) -> Result<Audited<T>, E> {
        let opened = Event::Opened { by: by.clone(), interaction: what.to_owned(), patient: String::new(), hops: Vec::new() };
        let entry = self.open(trace, opened).await.map_err(|_| down())?;
        let (value, people) = match look.await {
            Ok(seen) => seen,
            Err(error) => {
                entry.close((), Event::refused(Some(by), "", "not found, not to be had, or not theirs to decide")).await;
                return Err(error);
            }
        };
        // All at once, so that they are written in one batch.
        let shown = people.into_iter().map(|person| {
            let event = Event::disclosed(by.clone(), person.to_string(), trace.to_string());
            async move { self.note(trace, &event).await }
        });
        if futures::future::try_join_all(shown).await.is_err() {
            entry.close((), Event::refused(Some(by), "", "the ledger is away")).await;
            return Err(down());
        }
        let closing = Event::Closed { outcome: Ending::Answered, policy: vec![rule.to_owned()], legs: Vec::new(), shown: Vec::new() };
        Ok(entry.close(value, closing).await)
    }

    /// Leaves an event to be written whenever that is possible again; nobody waits for it.
    /// A closed queue says that it was not taken.
    pub fn owe(&self, trace: &RequestId, event: &Event) -> Result<(), LedgerDown> {
        self.queue.try_send(self.pending(trace, event, None)?).map_err(|_| LedgerDown)
    }

    fn pending(&self, trace: &RequestId, event: &Event, done: Option<Done>) -> Result<Pending, LedgerDown> {
        let event = serde_json::to_string(event).map_err(|_| LedgerDown)?;
        Ok(Pending { trace: trace.as_str().to_owned(), at: self.clock.now().to_string(), event, done })
    }

    /// Opens the entry of a request. Nothing may be asked of anybody before it returns.
    pub async fn open(&self, trace: &RequestId, event: Event) -> Result<Entry, LedgerDown> {
        self.note(trace, &event).await?;
        Ok(Entry { ledger: self.clone(), trace: trace.clone(), closed: false })
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
    /// Closes the entry and lets `value` leave. A failed closing write does not withhold the value, raises an alert, and is tried again
    /// until it succeeds.
    pub async fn close<T>(mut self, value: T, event: Event) -> Audited<T> {
        self.closed = true;
        for attempt in 1..=CLOSING_TRIES {
            match self.ledger.note(&self.trace, &event).await {
                Ok(()) => break,
                Err(_) if attempt < CLOSING_TRIES => tokio::time::sleep(std::time::Duration::from_millis(50 * u64::from(attempt))).await,
                Err(_) => {
                    let owed = self.ledger.owe(&self.trace, &event).is_ok();
                    tracing::error!(alert = "ledger.closing-failed", trace = %self.trace, owed, "a closing entry could not be written");
                }
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
