//! The store is away: entries stand in the node's journal, and nothing else changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use audit::{Event, Journal, JournalDown, Ledger, Line, NodeJournal, verify};
use record::RequestId;

use crate::sample::event;

/// A store that is away now and then; what it takes may be told as lost.
#[derive(Default)]
struct Store {
    lines: Mutex<BTreeMap<(String, u64), Line>>,
    away: Mutex<bool>,
    /// It takes lines, and says that it did not.
    mute: Mutex<bool>,
    slow: Mutex<Duration>,
}

impl Store {
    async fn take(&self, lines: Vec<Line>, again: bool) -> Result<(), JournalDown> {
        let slow = *self.slow.lock().unwrap();
        tokio::time::sleep(slow).await;
        if *self.away.lock().unwrap() {
            return Err(JournalDown("away".into()));
        }
        let mut kept = self.lines.lock().unwrap();
        for line in lines {
            let key = (line.run.clone(), line.sequence);
            let known = kept.get(&key);
            assert!(known.is_none() || (again && *known.unwrap() == line), "{key:?} twice");
            kept.insert(key, line);
        }
        if *self.mute.lock().unwrap() { Err(JournalDown("the word was lost".into())) } else { Ok(()) }
    }

    fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap().values().cloned().collect()
    }
}

#[async_trait]
impl Journal for Store {
    async fn append(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        self.take(lines, false).await
    }

    async fn ship(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        self.take(lines, true).await
    }
}

/// A node's journal in memory.
#[derive(Default)]
struct Node {
    lines: Mutex<Vec<Line>>,
    full: Mutex<bool>,
}

#[async_trait]
impl NodeJournal for Node {
    async fn keep(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        if *self.full.lock().unwrap() {
            return Err(JournalDown("full".into()));
        }
        self.lines.lock().unwrap().extend(lines);
        Ok(())
    }

    async fn next(&self, most: usize) -> Result<Vec<Line>, JournalDown> {
        Ok(self.lines.lock().unwrap().iter().take(most).cloned().collect())
    }

    async fn shipped(&self, count: usize) -> Result<(), JournalDown> {
        self.lines.lock().unwrap().drain(..count);
        Ok(())
    }
}

fn trace(n: usize) -> RequestId {
    format!("q{n}").parse().unwrap()
}

fn written(lines: &[Line]) -> Vec<(&str, u64)> {
    lines.iter().map(|line| (line.run.as_str(), line.sequence)).collect()
}

fn start(store: &Arc<Store>, node: &Arc<Node>) -> (Ledger, impl Future<Output = ()> + Send) {
    Ledger::start_with(store.clone(), Some(node.clone()), Arc::new(jiff::Timestamp::UNIX_EPOCH), "run".to_owned())
}

#[tokio::test(start_paused = true)]
async fn entries_stand_in_the_node_s_journal_and_are_shipped_in_their_own_chain() {
    let (store, node) = (Arc::new(Store::default()), Arc::new(Node::default()));
    let (ledger, writing) = start(&store, &node);
    let steps = async {
        ledger.note(&trace(0), &event(0)).await.unwrap();
        *store.away.lock().unwrap() = true;
        for n in 1..4 {
            ledger.note(&trace(n), &event(n)).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(written(&store.lines()), [("run", 1)]);
        assert_eq!(written(&node.lines.lock().unwrap()), [("run", 2), ("run", 3), ("run", 4)]);
        *store.away.lock().unwrap() = false;
        tokio::time::sleep(Duration::from_secs(1)).await;
        ledger.note(&trace(4), &event(4)).await.unwrap();
        assert!(node.lines.lock().unwrap().is_empty());
        drop(ledger);
    };
    tokio::join!(steps, writing);
    let lines = store.lines();
    assert_eq!(written(&lines), [("run", 1), ("run", 2), ("run", 3), ("run", 4), ("run", 5)]);
    verify(&lines).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_store_took_and_did_not_say_so_stands_once() {
    let (store, node) = (Arc::new(Store::default()), Arc::new(Node::default()));
    let (ledger, writing) = start(&store, &node);
    let steps = async {
        *store.mute.lock().unwrap() = true;
        ledger.note(&trace(0), &event(0)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        *store.mute.lock().unwrap() = false;
        ledger.note(&trace(1), &event(1)).await.unwrap();
        drop(ledger);
    };
    tokio::join!(steps, writing);
    assert_eq!(written(&store.lines()), [("run", 1), ("run", 2)]);
    verify(&store.lines()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_store_that_takes_long_to_say_that_it_is_away() {
    let (store, node) = (Arc::new(Store::default()), Arc::new(Node::default()));
    let (ledger, writing) = start(&store, &node);
    let steps = async {
        *store.away.lock().unwrap() = true;
        ledger.note(&trace(0), &event(0)).await.unwrap();
        *store.slow.lock().unwrap() = Duration::from_secs(30);
        // The store is being asked again by now.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let noted = tokio::time::timeout(Duration::from_millis(50), ledger.note(&trace(1), &event(1))).await;
        noted.unwrap().unwrap();
        *store.slow.lock().unwrap() = Duration::ZERO;
        *store.away.lock().unwrap() = false;
        drop(ledger);
    };
    tokio::join!(steps, writing);
    assert_eq!(written(&store.lines()), [("run", 1), ("run", 2)]);
}

#[tokio::test(start_paused = true)]
async fn where_neither_can_be_written_nothing_is_opened_and_what_is_owed_is_written_later() {
    let (store, node) = (Arc::new(Store::default()), Arc::new(Node::default()));
    let (ledger, writing) = start(&store, &node);
    let steps = async {
        let entry = ledger.open(&trace(0), event(0)).await.unwrap();
        (*store.away.lock().unwrap(), *node.full.lock().unwrap()) = (true, true);
        assert!(ledger.open(&trace(1), event(1)).await.is_err());
        // The answer leaves all the same.
        let closed = Event::closed(audit::Ending::Answered);
        assert_eq!(entry.close("an answer", closed).await.into_inner(), "an answer");
        tokio::time::sleep(Duration::from_secs(10)).await;
        (*store.away.lock().unwrap(), *node.full.lock().unwrap()) = (false, false);
        tokio::time::sleep(Duration::from_secs(10)).await;
        ledger.note(&trace(2), &event(2)).await.unwrap();
        drop(ledger);
    };
    tokio::join!(steps, writing);
    let lines = store.lines();
    verify(&lines).unwrap();
    let traces: Vec<(&str, bool)> = lines.iter().map(|line| (line.trace.as_str(), line.event.contains("closed"))).collect();
    assert_eq!(traces.iter().filter(|(trace, closed)| *trace == "q0" && *closed).count(), 1, "{traces:?}");
    assert!(traces.iter().all(|(trace, _)| *trace != "q1"), "{traces:?}");
}

#[tokio::test(start_paused = true)]
async fn what_stands_there_from_before_is_shipped_first_and_what_cannot_be_shipped_stays() {
    let (store, node) = (Arc::new(Store::default()), Arc::new(Node::default()));
    let before = crate::sample::run("before", 3).await;
    node.lines.lock().unwrap().clone_from(&before);
    *store.away.lock().unwrap() = true;
    let (ledger, writing) = start(&store, &node);
    let steps = async {
        ledger.note(&trace(0), &event(0)).await.unwrap();
        drop(ledger);
    };
    tokio::join!(steps, writing);
    assert_eq!(node.lines.lock().unwrap().len(), 4);
    *store.away.lock().unwrap() = false;
    let (ledger, writing) = Ledger::start_with(store.clone(), Some(node.clone()), Arc::new(jiff::Timestamp::UNIX_EPOCH), "next".to_owned());
    drop(ledger);
    writing.await;
    assert!(node.lines.lock().unwrap().is_empty());
    assert_eq!(written(&store.lines()), [("before", 1), ("before", 2), ("before", 3), ("run", 1)]);
}
