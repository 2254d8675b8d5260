//! The writer of the ledger: one task, one chain.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::chain::hash;
use crate::ledger::Pending;
use crate::{Journal, JournalDown, LedgerDown, Line, NodeJournal};

/// Lines of one batch at most.
const BATCH: usize = 512;
/// Lines of the node's journal that are shipped at once: more than come meanwhile, so that it comes to an end.
const SHIPPED: usize = 4 * BATCH;
/// How long the store is left alone after it could not be written, and how often owed entries are tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// Entries that could be written nowhere and are tried again, at most.
const OWED: usize = 65_536;

/// Takes what waits, chains it, and writes it in one batch: one sync for all who wait.
pub(crate) struct Writer {
    journal: Arc<dyn Journal>,
    node: Option<Arc<dyn NodeJournal>>,
    run: String,
    /// The chain: its name, the number and hash of its last line, and how many chains were given up before it.
    chain: String,
    sequence: u64,
    previous: String,
    failures: u32,
    /// Whether lines stand in the node's journal that are not in the store. While they do all go by it, so that the store never has a
    /// line without those before it.
    behind: bool,
    /// Whether lines were added to it since a part was taken to be shipped.
    kept: bool,
    said_away: bool,
    /// When the store is tried again.
    again: Instant,
    owed: VecDeque<Pending>,
}

impl Writer {
    pub(crate) fn new(journal: Arc<dyn Journal>, node: Option<Arc<dyn NodeJournal>>, run: String) -> Writer {
        let (chain, behind, again) = (run.clone(), node.is_some(), Instant::now());
        let (previous, owed) = (String::new(), VecDeque::new());
        Writer { journal, node, run, chain, sequence: 0, previous, failures: 0, behind, kept: false, said_away: false, again, owed }
    }

    /// Writes until nobody is left who could say anything.
    pub(crate) async fn write(mut self, mut pending: mpsc::Receiver<Pending>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut shipping: OptionFuture = OptionFuture(None);
        loop {
            if shipping.0.is_none() && self.behind && Instant::now() >= self.again {
                shipping = OptionFuture(self.ship());
            }
            let waits = (self.behind && shipping.0.is_none()) || !self.owed.is_empty();
            tokio::select! {
                // The store may take long to say that it is away: whoever waits is written beside it.
                outcome = &mut shipping => {
                    shipping.0 = None;
                    self.shipped(outcome);
                }
                count = pending.recv_many(&mut batch, BATCH) => match count {
                    0 => break,
                    _ => self.enter(&mut batch).await,
                },
                () = tokio::time::sleep_until(self.again), if waits => self.enter(&mut batch).await,
            }
        }
        self.end(shipping, batch).await;
    }

    /// Once more before the end; what is left then stands in the node's journal, and is shipped when the next run begins.
    async fn end(mut self, shipping: OptionFuture, mut batch: Vec<Pending>) {
        if shipping.0.is_some() {
            let outcome = shipping.await;
            self.shipped(outcome);
        }
        self.again = Instant::now();
        self.enter(&mut batch).await;
        while self.behind
            && let Some(shipping) = self.ship()
        {
            let outcome = shipping.await;
            let is_away = outcome.is_err();
            self.shipped(outcome);
            if is_away {
                break;
            }
        }
        if !self.owed.is_empty() {
            tracing::error!(alert = "ledger.closing-lost", entries = self.owed.len(), "closing entries could be written nowhere");
        }
    }

    /// Chains and writes what came, and before it what is owed, where that is due.
    async fn enter(&mut self, batch: &mut Vec<Pending>) {
        let mut taken: Vec<Pending> = if Instant::now() >= self.again { self.owed.drain(..).collect() } else { Vec::new() };
        taken.append(batch);
        if taken.is_empty() {
            return;
        }
        let lines = self.chained(&mut taken);
        let outcome = self.append(lines).await;
        if let Err(down) = &outcome {
            tracing::error!(alert = "ledger.down", error = %down, "the ledger could not be written: nothing is read");
            // It may have been written all the same, and only the word of it lost. What comes next takes no place in that chain: it
            // begins one of its own.
            self.failures += 1;
            (self.chain, self.sequence, self.previous) = (format!("{}.{}", self.run, self.failures), 0, String::new());
            self.again = Instant::now() + AGAIN;
        }
        for mut one in taken {
            match one.done.take() {
                // Whoever no longer waits does not need to know.
                Some(done) => drop(done.send(outcome.clone().map_err(|_| LedgerDown))),
                None if outcome.is_ok() => {}
                None if self.owed.len() < OWED => self.owed.push_back(one),
                None => tracing::error!(alert = "ledger.closing-lost", trace = one.trace, "a closing entry could be written nowhere"),
            }
        }
    }

    fn chained(&mut self, taken: &mut [Pending]) -> Vec<Line> {
        let line = |one: &mut Pending| {
            self.sequence += 1;
            // What is owed may have to be said again. What somebody waits for is theirs to say again, and may be long.
            let event = if one.done.is_some() { std::mem::take(&mut one.event) } else { one.event.clone() };
            let mut line = Line {
                run: self.chain.clone(),
                sequence: self.sequence,
                at: one.at.clone(),
                trace: one.trace.clone(),
                event,
                previous: std::mem::take(&mut self.previous),
                hash: String::new(),
            };
            line.hash = hash(&line);
            self.previous.clone_from(&line.hash);
            line
        };
        taken.iter_mut().map(line).collect()
    }

    /// Into the store; where that is away, into the node's journal.
    async fn append(&mut self, lines: Vec<Line>) -> Result<(), JournalDown> {
        let Some(node) = self.node.clone() else { return self.journal.append(lines).await };
        if !self.behind {
            let Err(down) = self.journal.append(lines.clone()).await else { return Ok(()) };
            tracing::error!(alert = "ledger.store-away", error = %down, "entries go into the node's journal until the store is back");
            (self.behind, self.said_away, self.again) = (true, true, Instant::now() + AGAIN);
        }
        self.kept = true;
        node.keep(lines).await
    }

    /// Ships the next part of what stands in the node's journal. Comes to whether there was anything.
    fn ship(&mut self) -> Option<Shipping> {
        let (node, journal) = (self.node.clone()?, self.journal.clone());
        self.kept = false;
        Some(Box::pin(async move {
            let lines = node.next(SHIPPED).await?;
            if lines.is_empty() {
                return Ok(false);
            }
            let count = lines.len();
            journal.ship(lines).await?;
            node.shipped(count).await?;
            Ok(true)
        }))
    }

    fn shipped(&mut self, outcome: Result<bool, JournalDown>) {
        match outcome {
            Ok(false) if !self.kept => {
                if std::mem::take(&mut self.said_away) {
                    tracing::warn!("the store is back, and has every entry of the node's journal");
                }
                self.behind = false;
            }
            // There may be more.
            Ok(_) => self.again = Instant::now(),
            Err(down) => {
                tracing::warn!(error = %down, "the node's journal could not be shipped; it is tried again");
                self.again = Instant::now() + AGAIN;
            }
        }
    }
}

type Shipping = Pin<Box<dyn Future<Output = Result<bool, JournalDown>> + Send>>;

/// Never ready while there is none.
struct OptionFuture(Option<Shipping>);

impl Future for OptionFuture {
    type Output = Result<bool, JournalDown>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().map_or(Poll::Pending, |shipping| shipping.as_mut().poll(context))
    }
}
