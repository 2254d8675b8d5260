//! Checkpoints are made in time, by whichever node comes first, and handed out until they are taken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use audit::{Altered, Archive, Checkpointer, Checkpoints, Course, Head, JournalDown, Line, NoCheckpoint, Signed, Witness};
use record::Clock;

use crate::sample::{KeyFile, head, key, key_file, run};

/// A store in memory.
#[derive(Default)]
struct Shelf {
    lines: Mutex<Vec<Line>>,
    checkpoints: Mutex<Vec<Signed>>,
    handed: Mutex<BTreeMap<String, u64>>,
    away: Mutex<bool>,
    /// The key of all who sign here.
    keys: OnceLock<KeyFile>,
}

impl Shelf {
    fn here(&self) -> Result<(), JournalDown> {
        if *self.away.lock().unwrap() { Err(JournalDown("away".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl Archive for Shelf {
    async fn lines_after(&self, _: &str, _: u64, _: usize) -> Result<Vec<Line>, JournalDown> {
        unreachable!("nobody asks")
    }

    async fn unentered(&self, _: &[Line]) -> Result<Option<usize>, JournalDown> {
        unreachable!("nobody asks")
    }

    async fn heads(&self) -> Result<Vec<Head>, JournalDown> {
        self.here()?;
        let mut heads = BTreeMap::new();
        self.lines.lock().unwrap().iter().for_each(|line| drop(heads.insert(line.run.clone(), head(line))));
        Ok(heads.into_values().collect())
    }

    async fn checkpoints_after(&self, number: u64, most: usize) -> Result<Vec<String>, JournalDown> {
        self.here()?;
        let kept = self.checkpoints.lock().unwrap();
        Ok(kept.iter().filter(|one| one.checkpoint.number > number).take(most).map(Signed::line).collect())
    }

    async fn whole_checkpoint(&self, number: u64) -> Result<Option<u64>, JournalDown> {
        self.here()?;
        let kept = self.checkpoints.lock().unwrap();
        Ok(kept.iter().rev().map(|one| &one.checkpoint).find(|one| one.whole && one.number <= number).map(|one| one.number))
    }

    async fn keep_checkpoint(&self, checkpoint: &Signed) -> Result<bool, JournalDown> {
        let mut kept = self.checkpoints.lock().unwrap();
        let free = kept.len() as u64 + 1 == checkpoint.checkpoint.number;
        if free {
            kept.push(checkpoint.clone());
        }
        Ok(free)
    }

    async fn handed(&self, witness: &str) -> Result<Option<u64>, JournalDown> {
        Ok(self.handed.lock().unwrap().get(witness).copied())
    }

    async fn hand(&self, witness: &str, number: u64) -> Result<(), JournalDown> {
        self.handed.lock().unwrap().insert(witness.to_owned(), number);
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Somebody {
    name: &'static str,
    has: Arc<Mutex<Vec<String>>>,
    fails: Arc<Mutex<bool>>,
}

#[async_trait]
impl Witness for Somebody {
    fn name(&self) -> &str {
        self.name
    }

    async fn take(&self, lines: &[String]) -> Result<(), String> {
        if *self.fails.lock().unwrap() {
            return Err("not there".into());
        }
        self.has.lock().unwrap().extend_from_slice(lines);
        Ok(())
    }
}

struct Paused(tokio::time::Instant);

impl Clock for Paused {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::constant(1_795_424_400, 0) + jiff::SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

fn node(shelf: &Arc<Shelf>, witnesses: &[Somebody], whole_every: u64) -> Checkpointer {
    let witnesses = witnesses.iter().map(|one| Box::new(one.clone()) as Box<dyn Witness>).collect();
    let key = shelf.keys.get_or_init(key_file).open();
    let settings = Checkpoints { every: Duration::from_secs(60), whole_every, key, trusted: Vec::new(), witnesses };
    Checkpointer::new(settings, shelf.clone(), Arc::new(Paused(tokio::time::Instant::now())))
}

/// For so long.
async fn works(node: &mut Checkpointer, seconds: u64) {
    let _ = tokio::time::timeout(Duration::from_secs(seconds), node.keep()).await;
}

fn numbers(lines: &[String]) -> Vec<u64> {
    lines.iter().map(|line| Signed::read(line.as_bytes()).unwrap().checkpoint.number).collect()
}

#[tokio::test(start_paused = true)]
async fn one_is_made_every_minute_and_everybody_gets_it() {
    let shelf = Arc::new(Shelf::default());
    *shelf.lines.lock().unwrap() = run("a", 3).await;
    let (one, other) = (Somebody { name: "one", ..Somebody::default() }, Somebody { name: "other", ..Somebody::default() });
    *other.fails.lock().unwrap() = true;
    let mut node = node(&shelf, &[one.clone(), other.clone()], 1000);
    works(&mut node, 185).await;
    assert_eq!(numbers(&one.has.lock().unwrap()), [1, 2, 3, 4]);
    assert!(other.has.lock().unwrap().is_empty());
    *other.fails.lock().unwrap() = false;
    works(&mut node, 65).await;
    assert_eq!(numbers(&one.has.lock().unwrap()), [1, 2, 3, 4, 5]);
    assert_eq!(numbers(&other.has.lock().unwrap()), [1, 2, 3, 4, 5], "nothing is left out");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_new_begins_with_a_whole_one() {
    let shelf = Arc::new(Shelf::default());
    *shelf.lines.lock().unwrap() = run("a", 3).await;
    works(&mut node(&shelf, &[], 4), 305).await;
    assert_eq!(shelf.checkpoints.lock().unwrap().len(), 6);
    let late = Somebody { name: "late", ..Somebody::default() };
    let mut next = node(&shelf, std::slice::from_ref(&late), 4);
    next.once().await;
    // The clock of the next program begins anew, so it makes another.
    assert_eq!(numbers(&late.has.lock().unwrap()), [5, 6, 7]);
    let mut course = Course::default();
    late.has.lock().unwrap().iter().for_each(|line| course.add(&Signed::read(line.as_bytes()).unwrap(), &[]).unwrap());
}

#[tokio::test(start_paused = true)]
async fn of_two_nodes_whichever_comes_first_makes_it() {
    let shelf = Arc::new(Shelf::default());
    *shelf.lines.lock().unwrap() = run("a", 3).await;
    let (mut one, mut two) = (node(&shelf, &[], 1000), node(&shelf, &[], 1000));
    tokio::join!(works(&mut one, 605), async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        works(&mut two, 598).await;
    });
    let kept = shelf.checkpoints.lock().unwrap().clone();
    assert_eq!(kept.len(), 11);
    let mut course = Course::default();
    kept.iter().for_each(|one| course.add(one, &[]).unwrap());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_signed_over_a_ledger_that_was_cut() {
    let shelf = Arc::new(Shelf::default());
    let lines = run("a", 3).await;
    shelf.lines.lock().unwrap().clone_from(&lines);
    let mut node = node(&shelf, &[], 1000);
    works(&mut node, 65).await;
    shelf.lines.lock().unwrap().pop();
    works(&mut node, 600).await;
    assert_eq!(shelf.checkpoints.lock().unwrap().len(), 2);
    assert!(matches!(node.make().await, Err(NoCheckpoint::Altered(Altered::RolledBack { sequence: 2, .. }))));
    // It was away for a while, and is itself again.
    *shelf.away.lock().unwrap() = true;
    shelf.lines.lock().unwrap().clone_from(&lines);
    works(&mut node, 120).await;
    assert!(matches!(node.make().await, Err(NoCheckpoint::Down(_))));
    *shelf.away.lock().unwrap() = false;
    works(&mut node, 65).await;
    assert_eq!(shelf.checkpoints.lock().unwrap().len(), 4);
}

/// Whoever changes the last entry and all that is made of it has the store, and not what was signed.
#[tokio::test(start_paused = true)]
async fn nothing_is_signed_over_an_entry_that_stands_in_another_s_place() {
    let shelf = Arc::new(Shelf::default());
    let lines = run("a", 3).await;
    shelf.lines.lock().unwrap().clone_from(&lines);
    let mut node = node(&shelf, &[], 1000);
    works(&mut node, 65).await;
    let before = std::mem::replace(&mut shelf.lines.lock().unwrap()[2].hash, "another".into());
    works(&mut node, 600).await;
    assert_eq!(shelf.checkpoints.lock().unwrap().len(), 2);
    assert!(matches!(node.make().await, Err(NoCheckpoint::Altered(Altered::Forged { sequence: 3, .. }))));
    // It goes on where it was right again: nothing stands there that it does not believe.
    shelf.lines.lock().unwrap()[2].hash = before;
    works(&mut node, 65).await;
    assert_eq!(shelf.checkpoints.lock().unwrap().len(), 4);
}

/// Whoever can write to the store can sign by a key of their own.
#[tokio::test(start_paused = true)]
async fn what_a_stranger_signed_is_not_gone_on_from() {
    let shelf = Arc::new(Shelf::default());
    let lines = run("a", 3).await;
    shelf.lines.lock().unwrap().clone_from(&lines);
    let stranger = key();
    let (heads, at) = (shelf.heads().await.unwrap(), "2026-11-23T08:00:00Z".to_owned());
    let forged = Course::default().next(heads, at, 1000, &stranger).unwrap();
    assert!(shelf.keep_checkpoint(&forged).await.unwrap());
    let mut own = node(&shelf, &[], 1000);
    works(&mut own, 120).await;
    assert_eq!(shelf.checkpoints.lock().unwrap().len(), 1);
    let Err(NoCheckpoint::Bad(bad)) = own.make().await else { panic!("it was believed") };
    assert_eq!((bad.number, bad.why.as_str()), (1, "it is signed by a key that is not the ledger's"));
    // Whose key is named is believed: another node's, or the one before this.
    let key = shelf.keys.get_or_init(key_file).open();
    let settings =
        Checkpoints { every: Duration::from_secs(60), whole_every: 1000, key, trusted: vec![stranger.public()], witnesses: Vec::new() };
    let mut own = Checkpointer::new(settings, shelf.clone(), Arc::new(Paused(tokio::time::Instant::now())));
    works(&mut own, 65).await;
    assert_eq!(shelf.checkpoints.lock().unwrap().len(), 3);
}
