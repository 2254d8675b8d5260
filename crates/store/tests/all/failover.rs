//! A primary with a synchronous standby is killed while it is written to. The standby becomes the primary; what was acknowledged is
//! there.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit::{Event, Ledger, verify};
use exchange::People;
use people::{Change, Register};
use store::{PostgresJournal, PostgresSettings, PostgresStore, Secrets};

use crate::postgres::Postgres;
use crate::samples::{entry, key, number, person};
use crate::stores::{Folder, postgres_settings};

/// Durable as in earnest: nothing is spared but the sync of a fresh folder.
const IN_EARNEST: &[&str] = &["fsync=on", "wal_level=replica", "max_wal_senders=5", "hot_standby=on"];

/// What was acknowledged, by whoever wrote it.
#[derive(Default)]
struct Acknowledged {
    notes: Mutex<BTreeSet<String>>,
    entries: Mutex<BTreeSet<String>>,
    persons: Mutex<Vec<(u32, record::PersonId)>>,
    since: AtomicUsize,
}

async fn write_until(stop: &AtomicBool, store: &PostgresStore, ledger: &Ledger, writer: u32, done: &Acknowledged) {
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let id = format!("{writer}-{n}");
        let trace = id.parse().unwrap();
        if ledger.note(&trace, &Event::Refused { by: None, patient: String::new(), why: id.clone(), policy: Vec::new() }).await.is_ok() {
            done.notes.lock().unwrap().insert(id.clone());
        }
        let batch = vec![Change::Put(person(&format!("p{writer}")), entry("gp", &id, n))];
        if store.apply(batch, None).await.is_ok() {
            done.entries.lock().unwrap().insert(id.clone());
        }
        let seed = writer * 10_000 + n;
        if let Ok(minted) = store.person_of(&number(seed)).await {
            done.persons.lock().unwrap().push((seed, minted));
        }
        done.since.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits until the writers have come so much further.
async fn rounds(done: &Acknowledged, more: usize) {
    let from = done.since.load(Ordering::SeqCst);
    let further = async {
        while done.since.load(Ordering::SeqCst) < from + more {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), further).await.expect("the writers go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_primary_loses_no_acknowledged_write() {
    let mut primary = Postgres::start(IN_EARNEST);
    let mut standby = Postgres::standby_of(&primary, "second", IN_EARNEST);
    let folder = Folder::new();
    let url = format!("postgres://severn@{},{}/postgres?target_session_attrs=read-write", primary.address(), standby.address());
    let settings = PostgresSettings { patience: Duration::from_secs(30), pool_max: 8, ..postgres_settings(&url) };
    let store = PostgresStore::new(settings, Arc::new(Secrets::open(&folder.0.join("key")).unwrap())).unwrap();
    store.migrate().await.unwrap();
    primary.psql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'second'");
    primary.psql("postgres", "SELECT pg_reload_conf()");
    while primary.psql("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.health().await.unwrap().synchronous, "second");

    let journal = Arc::new(PostgresJournal::of(&store));
    let (ledger, writing) = Ledger::start(journal, Arc::new(jiff::Timestamp::UNIX_EPOCH), "run".to_owned());
    let (stop, done, store) = (&AtomicBool::new(false), &Acknowledged::default(), &store);
    let writers = async move {
        futures::future::join_all((0..4).map(|writer| write_until(stop, store, &ledger, writer, done))).await;
        drop(ledger);
    };
    let killing = async {
        rounds(done, 150).await;
        primary.stop("KILL");
        let before = done.since.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
        standby.promote();
        rounds(done, 150).await;
        stop.store(true, Ordering::SeqCst);
        before
    };
    let ((), (), before) = tokio::join!(writing, writers, killing);

    // What was acknowledged, asked of what is the primary now.
    let lines = store.lines().await.unwrap();
    let written: BTreeSet<String> = lines.iter().map(|line| line.trace.clone()).collect();
    let (notes, entries) = (done.notes.lock().unwrap().clone(), done.entries.lock().unwrap().clone());
    let lost: Vec<&String> = notes.difference(&written).collect();
    assert!(lost.is_empty(), "of {} notes are lost: {lost:?}", notes.len());
    assert_eq!(written.len(), lines.len(), "no line stands twice");
    verify(&lines).unwrap();
    for id in &entries {
        let writer = id.split('-').next().unwrap();
        assert_eq!(store.home(&key("gp", id)).await.unwrap(), Some(person(&format!("p{writer}"))), "{id} is lost");
    }
    let persons = done.persons.lock().unwrap().clone();
    for (seed, whose) in &persons {
        assert_eq!(store.number_of(whose).await.unwrap(), Some(number(*seed)));
    }
    let after = done.since.load(Ordering::SeqCst) - before;
    println!(
        "failover: {} notes, {} batches and {} persons acknowledged, {after} rounds of them after the kill; none lost",
        notes.len(),
        entries.len(),
        persons.len()
    );
    standby.stop("INT");
}
