//! The ledger's lines in SQLite.

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc;

use async_trait::async_trait;
use audit::{By, FirstBad, Found, Journal, JournalDown, LedgerReader, Line, Lookup, Verified, Verifier, lookup};
use rusqlite::{Connection, OptionalExtension, Row, Statement, params};
use tokio::sync::oneshot;

use super::people::SqliteStore;
use super::schema::open;
use crate::StoreError;

/// Lines of the ledger in one file. A thread of its own writes; it ends when this value is dropped.
///
/// What is committed stands in SQLite's write-ahead log, and is moved into the file from time to time. A thread of its own does
/// that too, so that no entry waits for it.
pub struct SqliteJournal {
    batches: mpsc::Sender<Batch>,
}

struct Batch {
    lines: Vec<Line>,
    /// Whether some of them may be there already.
    again: bool,
    done: oneshot::Sender<Result<(), JournalDown>>,
}

impl SqliteJournal {
    /// Opens or makes the file.
    pub fn open(file: &Path) -> Result<SqliteJournal, StoreError> {
        let (connection, mover) = (open(file)?, open(file)?);
        let (batches, waiting) = mpsc::channel();
        let (full, told) = mpsc::sync_channel(1);
        std::thread::spawn(move || write(connection, &waiting, &full));
        std::thread::spawn(move || move_log(&mover, &told));
        Ok(SqliteJournal { batches })
    }

    /// Every line of a file, run by run in order: for verifying and for export.
    pub fn lines(file: &Path) -> Result<Vec<Line>, StoreError> {
        let connection = open(file)?;
        let mut statement = connection.prepare(&format!("{LINES} ORDER BY run, sequence"))?;
        let lines = statement.query_map([], line)?;
        Ok(lines.collect::<Result<_, _>>()?)
    }
}

/// Checks every line, one after the other: there may be more of them than memory holds.
pub(super) fn verified(connection: &Connection) -> Result<Result<Verified, FirstBad>, StoreError> {
    let mut statement = connection.prepare(&format!("{LINES} ORDER BY run, sequence"))?;
    let mut verifier = Verifier::default();
    for line in statement.query_map([], line)? {
        if let Err(bad) = verifier.add(&line?) {
            return Ok(Err(bad));
        }
    }
    Ok(Ok(verifier.finish()))
}

pub(super) const LINES: &str = "SELECT run, sequence, at, trace, event, previous, hash FROM ledger";

pub(super) fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        run: row.get(0)?,
        sequence: row.get::<_, i64>(1)?.unsigned_abs(),
        at: row.get(2)?,
        trace: row.get(3)?,
        event: row.get(4)?,
        previous: row.get(5)?,
        hash: row.get(6)?,
    })
}

/// Bytes of events after which the log is moved.
const LOG_BYTES: usize = 2 << 20;

fn write(mut connection: Connection, waiting: &mpsc::Receiver<Batch>, full: &mpsc::SyncSender<()>) {
    let mut written = 0;
    while let Ok(batch) = waiting.recv() {
        written += batch.lines.iter().map(|line| line.event.len()).sum::<usize>();
        let outcome = append(&mut connection, &batch.lines, batch.again);
        // Whoever no longer waits does not need to know.
        let _ = batch.done.send(outcome);
        if written >= LOG_BYTES {
            written = 0;
            // When it is being moved already, this is moved the next time.
            let _ = full.try_send(());
        }
    }
}

/// Moves the log whenever it is told to, as far as nobody reads what is before.
fn move_log(connection: &Connection, told: &mpsc::Receiver<()>) {
    while told.recv().is_ok() {
        // Should it fail, nothing is lost: SQLite itself moves it when it has grown much longer.
        let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
}

/// All lines or none, synced; those that are there already are let be, where there may be such.
fn append(connection: &mut Connection, lines: &[Line], again: bool) -> Result<(), JournalDown> {
    let there = if again { there(connection, lines)? } else { HashSet::new() };
    let new = lines.iter().filter(|line| !there.contains(&(line.run.as_str(), line.sequence)));
    insert(connection, new).map_err(|error| JournalDown(error.to_string()))
}

/// Which of these lines are there; none as another.
fn there<'a>(connection: &Connection, lines: &'a [Line]) -> Result<HashSet<(&'a str, u64)>, JournalDown> {
    let asked = |line: &Line| {
        let mut statement = connection.prepare_cached("SELECT hash FROM ledger WHERE run = ? AND sequence = ?")?;
        statement.query_row((&line.run, line.sequence as i64), |row| row.get::<_, String>(0)).optional()
    };
    let mut there = HashSet::new();
    for line in lines {
        match asked(line).map_err(|error| JournalDown(error.to_string()))? {
            Some(hash) if hash == line.hash => drop(there.insert((line.run.as_str(), line.sequence))),
            Some(_) => return Err(JournalDown(format!("run {} has another entry {}", line.run, line.sequence))),
            None => {}
        }
    }
    Ok(there)
}

fn insert<'a>(connection: &mut Connection, lines: impl Iterator<Item = &'a Line>) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction
            .prepare_cached("INSERT INTO ledger (run, sequence, at, trace, event, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)")?;
        let mut enter = transaction.prepare_cached(ENTER)?;
        for line in lines {
            insert.execute((&line.run, line.sequence as i64, &line.at, &line.trace, &line.event, &line.previous, &line.hash))?;
            enter_line(&mut enter, line)?;
        }
    }
    transaction.commit()
}

const ENTER: &str = "INSERT OR IGNORE INTO entered (name, at, trace, patient) VALUES (?, ?, ?, ?)";

/// A line is found under its names.
fn enter_line(enter: &mut Statement<'_>, line: &Line) -> rusqlite::Result<()> {
    let Some(entered) = lookup::entered(line) else { return Ok(()) };
    for name in &entered.names {
        enter.execute(params![name, entered.at.as_microsecond(), line.trace, entered.patient])?;
    }
    Ok(())
}

/// Enters every line there is.
pub(super) fn enter_all(connection: &Connection) -> rusqlite::Result<()> {
    let (mut lines, mut enter) = (connection.prepare(LINES)?, connection.prepare(ENTER)?);
    for one in lines.query_map([], line)? {
        enter_line(&mut enter, &one?)?;
    }
    Ok(())
}

/// The first of these lines that is not found under one of its names.
pub(super) fn unentered(connection: &Connection, lines: &[Line]) -> rusqlite::Result<Option<usize>> {
    let mut there = connection.prepare_cached("SELECT 1 FROM entered WHERE name = ? AND at = ? AND trace = ? AND patient = ?")?;
    for (place, line) in lines.iter().enumerate() {
        let Some(entered) = lookup::entered(line) else { continue };
        for name in &entered.names {
            if !there.exists(params![name, entered.at.as_microsecond(), line.trace, entered.patient])? {
                return Ok(Some(place));
            }
        }
    }
    Ok(None)
}

impl SqliteJournal {
    async fn written(&self, lines: Vec<Line>, again: bool) -> Result<(), JournalDown> {
        let (done, written) = oneshot::channel();
        self.batches.send(Batch { lines, again, done }).map_err(|_| JournalDown("the writer has ended".to_owned()))?;
        written.await.map_err(|_| JournalDown("the writer has ended".to_owned()))?
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn append(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        self.written(lines, false).await
    }

    async fn ship(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        self.written(lines, true).await
    }
}

#[async_trait]
impl LedgerReader for SqliteStore {
    async fn about(&self, patient: &str, since: jiff::Timestamp) -> Result<Vec<Line>, JournalDown> {
        let name = By::Patient(patient.to_owned()).name();
        let read = self.by(&self.reading, move |connection, _| {
            let sql = format!("{LINES} WHERE trace IN (SELECT trace FROM entered WHERE name = ? AND at >= ?) ORDER BY run, sequence");
            let mut statement = connection.prepare_cached(&sql)?;
            let lines = statement.query_map(params![name, since.as_microsecond()], line)?;
            lines.collect()
        });
        read.await.map_err(|down| JournalDown(down.0))
    }

    async fn find(&self, lookup: &Lookup) -> Result<Vec<Found>, JournalDown> {
        let lookup = lookup.clone();
        let read = self.by(&self.reading, move |connection, _| {
            let sql = "SELECT DISTINCT at, trace FROM entered WHERE name = ? AND at >= ? AND at < ? AND (at, trace) <= (?, ?) \
                ORDER BY at DESC, trace DESC LIMIT ?";
            let (at, trace) = lookup.from.map_or((i64::MAX, String::new()), |(at, trace)| (at.as_microsecond(), trace));
            let (since, until) = (lookup.since.as_microsecond(), lookup.until.as_microsecond());
            let count_max = i64::try_from(lookup.count_max).unwrap_or(i64::MAX);
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_map(params![lookup.by.name(), since, until, at, trace, count_max], |row| {
                let at = jiff::Timestamp::from_microsecond(row.get(0)?).map_err(|_| rusqlite::Error::InvalidQuery)?;
                Ok((at, row.get(1)?))
            })?;
            found.collect()
        });
        read.await.map_err(|down| JournalDown(down.0))
    }

    async fn lines_of(&self, traces: &[String]) -> Result<Vec<Line>, JournalDown> {
        let traces = traces.to_vec();
        let read = self.by(&self.reading, move |connection, _| {
            let mut statement = connection.prepare_cached(&format!("{LINES} WHERE trace = ?"))?;
            let mut lines: Vec<Line> = Vec::new();
            for trace in traces {
                for one in statement.query_map([trace], line)? {
                    lines.push(one?);
                }
            }
            lines.sort_by(|a, b| (&a.run, a.sequence).cmp(&(&b.run, b.sequence)));
            lines.dedup_by(|a, b| (&a.run, a.sequence) == (&b.run, b.sequence));
            Ok(lines)
        });
        read.await.map_err(|down| JournalDown(down.0))
    }

    async fn line(&self, run: &str, sequence: u64) -> Result<Option<Line>, JournalDown> {
        let (run, sequence) = (run.to_owned(), i64::try_from(sequence).unwrap_or(i64::MAX));
        let read = self.by(&self.reading, move |connection, _| {
            let mut statement = connection.prepare_cached(&format!("{LINES} WHERE run = ? AND sequence = ?"))?;
            statement.query_row(params![run, sequence], line).optional()
        });
        read.await.map_err(|down| JournalDown(down.0))
    }

    async fn people_of(&self, by: &By, since: jiff::Timestamp) -> Result<u64, JournalDown> {
        let name = by.name();
        let read = self.by(&self.reading, move |connection, _| {
            let sql = "SELECT count(DISTINCT patient) FROM entered WHERE name = ? AND at >= ? AND patient <> ''";
            connection.prepare_cached(sql)?.query_row(params![name, since.as_microsecond()], |row| row.get::<_, i64>(0))
        });
        Ok(read.await.map_err(|down| JournalDown(down.0))?.unsigned_abs())
    }
}
