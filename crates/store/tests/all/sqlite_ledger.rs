//! The ledger on a real file: durable, chained, append-only.

use std::path::PathBuf;
use std::sync::Arc;

use audit::{Event, Ledger, verify};
use record::RequestId;
use rusqlite::Connection;
use store::SqliteJournal;

struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        let path = std::env::temp_dir().join(format!("severn-store-{}-{name}.db", std::process::id()));
        let file = File(path);
        file.remove();
        file
    }

    fn remove(&self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.remove();
    }
}

fn refused(why: &str) -> Event {
    Event::Refused { by: None, patient: String::new(), why: why.to_owned(), policy: Vec::new() }
}

/// Writes `count` entries at once through one ledger, and waits until it has ended.
async fn written(file: &File, run: &str, count: usize) {
    let journal = Arc::new(SqliteJournal::open(&file.0).unwrap());
    let clock = Arc::new(jiff::Timestamp::UNIX_EPOCH);
    let (ledger, writing) = Ledger::start(journal, clock, run.to_owned());
    let trace: RequestId = "q".parse().unwrap();
    let notes = async {
        let events: Vec<Event> = (0..count).map(|n| refused(&n.to_string())).collect();
        let notes = events.iter().map(|event| ledger.note(&trace, event));
        futures::future::try_join_all(notes).await.unwrap();
        drop(ledger);
    };
    tokio::join!(notes, writing);
}

#[tokio::test]
async fn what_was_noted_is_there_after_reopening_and_verifies() {
    let file = File::new("reopen");
    written(&file, "a", 200).await;
    written(&file, "b", 3).await;
    let lines = SqliteJournal::lines(&file.0).unwrap();
    let verified = verify(&lines).unwrap();
    assert_eq!((verified.lines, verified.runs), (203, 2));
}

#[tokio::test]
async fn the_ledger_refuses_update_and_delete() {
    let file = File::new("refuse");
    written(&file, "a", 2).await;
    let connection = Connection::open(&file.0).unwrap();
    for sql in ["UPDATE ledger SET event = ''", "DELETE FROM ledger"] {
        assert!(connection.execute(sql, []).unwrap_err().to_string().contains("append-only"), "{sql}");
    }
    assert_eq!(SqliteJournal::lines(&file.0).unwrap().len(), 2);
}

#[tokio::test]
async fn tampering_past_the_triggers_is_found_and_named() {
    let file = File::new("tamper");
    written(&file, "a", 5).await;
    let connection = Connection::open(&file.0).unwrap();
    connection.execute_batch("DROP TRIGGER ledger_no_update; UPDATE ledger SET trace = 'x' WHERE sequence = 3").unwrap();
    assert_eq!(verify(&SqliteJournal::lines(&file.0).unwrap()).unwrap_err().sequence, 3);
}

#[tokio::test]
async fn a_batch_that_cannot_be_written_leaves_nothing_and_the_ledger_goes_on() {
    let file = File::new("gap");
    let journal = Arc::new(SqliteJournal::open(&file.0).unwrap());
    let (ledger, writing) = Ledger::start(journal, Arc::new(jiff::Timestamp::UNIX_EPOCH), "a".to_owned());
    let trace: RequestId = "q".parse().unwrap();
    let steps = async {
        ledger.note(&trace, &refused("first")).await.unwrap();
        let breaker = Connection::open(&file.0).unwrap();
        breaker.execute_batch("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END").unwrap();
        assert!(ledger.note(&trace, &refused("lost")).await.is_err());
        assert!(ledger.open(&trace, refused("not opened")).await.is_err());
        breaker.execute_batch("DROP TRIGGER full").unwrap();
        ledger.note(&trace, &refused("second")).await.unwrap();
        drop(ledger);
    };
    tokio::join!(steps, writing);
    assert_eq!(verify(&SqliteJournal::lines(&file.0).unwrap()).unwrap().lines, 2);
}

#[test]
fn a_store_of_a_later_program_is_not_touched() {
    let file = File::new("later");
    Connection::open(&file.0).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteJournal::open(&file.0).map(drop).unwrap_err().to_string();
    assert!(error.contains("99"), "{error}");
}
