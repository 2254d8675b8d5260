//! The ledger's lines in PostgreSQL.

use std::collections::HashMap;

use async_trait::async_trait;
use audit::{By, Found, Journal, JournalDown, LedgerReader, Line, Lookup, lookup};
use deadpool_postgres::GenericClient;
use exchange::StoreDown;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::door::{PostgresStore, Trouble, asked};
use super::sql;

/// Lines of the ledger in PostgreSQL. Its table takes nothing but new lines: no other right is granted, and triggers refuse the rest.
#[derive(Clone)]
pub struct PostgresJournal(PostgresStore);

impl PostgresJournal {
    /// In this store.
    pub fn of(store: &PostgresStore) -> PostgresJournal {
        PostgresJournal(store.clone())
    }
}

const APPEND: &str = "INSERT INTO ledger (run, sequence, at, trace, event, previous, hash) \
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])";
const WRITTEN: &str = "SELECT ledger.run, ledger.sequence, ledger.hash FROM ledger \
    JOIN unnest($1::text[], $2::bigint[]) AS ours (run, sequence) ON ledger.run = ours.run AND ledger.sequence = ours.sequence";
const LINES: &str = "SELECT run, sequence, at, trace, event, previous, hash FROM ledger";

struct Columns<'a> {
    runs: Vec<&'a str>,
    sequences: Vec<i64>,
}

impl PostgresStore {
    /// Writes those of these lines that are not there.
    async fn ship_lines(&self, lines: Vec<Line>) -> Result<(), StoreDown> {
        let there = self.written(&lines).await?;
        let other = lines.iter().find(|line| there.get(&(line.run.clone(), line.sequence)).is_some_and(|hash| *hash != line.hash));
        if let Some(line) = other {
            return Err(StoreDown(format!("run {} has another entry {}", line.run, line.sequence)));
        }
        let new: Vec<Line> = lines.into_iter().filter(|line| !there.contains_key(&(line.run.clone(), line.sequence))).collect();
        if new.is_empty() { Ok(()) } else { self.write_lines(&new).await }
    }

    /// Which of these lines are there, by their hashes.
    async fn written(&self, lines: &[Line]) -> Result<HashMap<(String, u64), String>, StoreDown> {
        let runs: Vec<&str> = lines.iter().map(|line| line.run.as_str()).collect();
        let sequences: Vec<i64> = lines.iter().map(|line| line.sequence as i64).collect();
        asked!(self, |client| {
            let rows = client.query(WRITTEN, &[&runs, &sequences]).await?;
            Ok(rows.iter().map(|row| ((row.get(0), row.get::<_, i64>(1).unsigned_abs()), row.get(2))).collect())
        })
    }

    async fn write_lines(&self, lines: &[Line]) -> Result<(), StoreDown> {
        let text = |of: fn(&Line) -> &str| lines.iter().map(of).collect::<Vec<_>>();
        let columns = Columns { runs: text(|line| &line.run), sequences: lines.iter().map(|line| line.sequence as i64).collect() };
        let (at, traces, events) = (text(|line| &line.at), text(|line| &line.trace), text(|line| &line.event));
        let (previous, hashes) = (text(|line| &line.previous), text(|line| &line.hash));
        let entered = Entered::of(lines);
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            let append = transaction.prepare_cached(APPEND).await?;
            let appended =
                transaction.execute(&append, &[&columns.runs, &columns.sequences, &at, &traces, &events, &previous, &hashes]).await;
            match appended.map_err(Trouble::from) {
                Ok(_) => {}
                // One of them is there. When an earlier try of ours came through and its word was lost, all are, as they are here.
                Err(taken) if taken.is(&SqlState::UNIQUE_VIOLATION) => {
                    drop(transaction);
                    return if is_written(client, &columns, lines).await? { Ok(()) } else { Err(taken) };
                }
                Err(trouble) => return Err(trouble),
            }
            if !entered.names.is_empty() {
                let enter = transaction.prepare_cached(sql::ENTER).await?;
                transaction.execute(&enter, &[&entered.names, &entered.at, &entered.traces, &entered.patients]).await?;
            }
            Ok(transaction.commit().await?)
        })
    }

    /// Every line, run by run in order: for verifying and for export.
    pub async fn lines(&self) -> Result<Vec<Line>, StoreDown> {
        asked!(self, |client| {
            let rows = client.query(&format!("{LINES} ORDER BY run, sequence"), &[]).await?;
            Ok(rows.iter().map(line).collect())
        })
    }

    /// Some lines, in order, after one.
    pub(super) async fn page_of_lines(&self, run: &str, sequence: i64, most: i64) -> Result<Vec<Line>, StoreDown> {
        asked!(self, |client| {
            let sql = format!("{LINES} WHERE (run, sequence) > ($1, $2) ORDER BY run, sequence LIMIT $3");
            let statement = client.prepare_cached(&sql).await?;
            let rows = client.query(&statement, &[&run, &sequence, &most]).await?;
            Ok(rows.iter().map(line).collect())
        })
    }

    /// The first of these lines that is not found under one of its names.
    pub(super) async fn unentered_of(&self, lines: &[Line]) -> Result<Option<usize>, StoreDown> {
        let entered = Entered::of(lines);
        let first: Option<i64> = asked!(self, |client| {
            let sql = "SELECT min(place) FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[]) \
                AS ours (name, at, trace, patient, place) WHERE NOT EXISTS (SELECT FROM entered WHERE entered.name = ours.name \
                AND entered.at = ours.at AND entered.trace = ours.trace AND entered.patient = ours.patient)";
            let statement = client.prepare_cached(sql).await?;
            let Entered { names, at, traces, patients, places } = &entered;
            Ok(client.query_one(&statement, &[names, at, traces, patients, places]).await?.get(0))
        })?;
        Ok(first.and_then(|place| usize::try_from(place).ok()))
    }

    async fn lines_about(&self, patient: &str, since: jiff::Timestamp) -> Result<Vec<Line>, StoreDown> {
        let name = By::Patient(patient.to_owned()).name();
        asked!(self, |client| {
            let named = client.prepare_cached(sql::NAMED).await?;
            let traces = client.query(&named, &[&name, &super::arrays::micros(since)]).await?;
            let traces: Vec<String> = traces.iter().map(|row| row.get(0)).collect();
            let lines = client.prepare_cached(&format!("{LINES} WHERE trace = ANY($1) ORDER BY run, sequence")).await?;
            let rows = client.query(&lines, &[&traces]).await?;
            Ok(rows.iter().map(line).collect())
        })
    }
}

fn line(row: &Row) -> Line {
    Line {
        run: row.get(0),
        sequence: row.get::<_, i64>(1).unsigned_abs(),
        at: row.get(2),
        trace: row.get(3),
        event: row.get(4),
        previous: row.get(5),
        hash: row.get(6),
    }
}

/// Names that lines are entered under, each name a row.
#[derive(Default)]
struct Entered<'a> {
    names: Vec<String>,
    at: Vec<jiff::Timestamp>,
    traces: Vec<&'a str>,
    patients: Vec<String>,
    /// Which of the lines each is of.
    places: Vec<i64>,
}

impl Entered<'_> {
    fn of(lines: &[Line]) -> Entered<'_> {
        let mut rows = Entered::default();
        for (place, line) in (0..).zip(lines) {
            let Some(entered) = lookup::entered(line) else { continue };
            for name in entered.names {
                rows.names.push(name);
                rows.at.push(entered.at);
                rows.traces.push(&line.trace);
                // Nobody is called so; and PostgreSQL has no letter for it.
                rows.patients.push(entered.patient.replace('\0', "\u{fffd}"));
                rows.places.push(place);
            }
        }
        rows
    }
}

/// Enters every line there is.
pub(super) async fn enter_all(transaction: &deadpool_postgres::Transaction<'_>) -> Result<(), Trouble> {
    const AT_ONCE: i64 = 10_000;
    let sql = format!("{LINES} WHERE (run, sequence) > ($1, $2) ORDER BY run, sequence LIMIT $3");
    let (page, enter) = (transaction.prepare(&sql).await?, transaction.prepare(sql::ENTER).await?);
    let (mut run, mut sequence) = (String::new(), 0);
    loop {
        let lines: Vec<Line> = transaction.query(&page, &[&run, &sequence, &AT_ONCE]).await?.iter().map(line).collect();
        let Some(last) = lines.last() else { return Ok(()) };
        (run, sequence) = (last.run.clone(), last.sequence as i64);
        let entered = Entered::of(&lines);
        transaction.execute(&enter, &[&entered.names, &entered.at, &entered.traces, &entered.patients]).await?;
    }
}

async fn is_written(client: &deadpool_postgres::Client, columns: &Columns<'_>, lines: &[Line]) -> Result<bool, Trouble> {
    let written = client.query(WRITTEN, &[&columns.runs, &columns.sequences]).await?;
    let same = |line: &Line| {
        let own = |row: &&Row| row.get::<_, &str>(0) == line.run && row.get::<_, i64>(1) == line.sequence as i64;
        written.iter().find(own).is_some_and(|row| row.get::<_, &str>(2) == line.hash)
    };
    Ok(lines.iter().all(same))
}

#[async_trait]
impl Journal for PostgresJournal {
    async fn append(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        self.0.write_lines(&lines).await.map_err(|down| JournalDown(down.0))
    }

    async fn ship(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        self.0.ship_lines(lines).await.map_err(|down| JournalDown(down.0))
    }
}

#[async_trait]
impl LedgerReader for PostgresStore {
    async fn about(&self, patient: &str, since: jiff::Timestamp) -> Result<Vec<Line>, JournalDown> {
        self.lines_about(patient, since).await.map_err(|down| JournalDown(down.0))
    }

    async fn find(&self, lookup: &Lookup) -> Result<Vec<Found>, JournalDown> {
        let (name, micros) = (lookup.by.name(), super::arrays::micros);
        let (since, until) = (micros(lookup.since), micros(lookup.until));
        let (at, trace) = lookup.from.as_ref().map_or((until, ""), |(at, trace)| (micros(*at), trace.as_str()));
        let count_max = i64::try_from(lookup.count_max).unwrap_or(i64::MAX);
        let found: Result<Vec<Found>, StoreDown> = asked!(self, |client| {
            let statement = client.prepare_cached(sql::ENTERED).await?;
            let rows = client.query(&statement, &[&name, &since, &until, &at, &trace, &count_max]).await?;
            Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
        });
        found.map_err(|down| JournalDown(down.0))
    }

    async fn lines_of(&self, traces: &[String]) -> Result<Vec<Line>, JournalDown> {
        let lines: Result<Vec<Line>, StoreDown> = asked!(self, |client| {
            let lines = client.prepare_cached(&format!("{LINES} WHERE trace = ANY($1) ORDER BY run, sequence")).await?;
            Ok(client.query(&lines, &[&traces]).await?.iter().map(line).collect())
        });
        lines.map_err(|down| JournalDown(down.0))
    }

    async fn line(&self, run: &str, sequence: u64) -> Result<Option<Line>, JournalDown> {
        let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
        let found: Result<Option<Line>, StoreDown> = asked!(self, |client| {
            let statement = client.prepare_cached(&format!("{LINES} WHERE run = $1 AND sequence = $2")).await?;
            Ok(client.query_opt(&statement, &[&run, &sequence]).await?.as_ref().map(line))
        });
        found.map_err(|down| JournalDown(down.0))
    }

    async fn people_of(&self, by: &By, since: jiff::Timestamp) -> Result<u64, JournalDown> {
        let (name, since) = (by.name(), super::arrays::micros(since));
        let count: Result<i64, StoreDown> = asked!(self, |client| {
            let statement = client.prepare_cached(sql::ENTERED_PEOPLE).await?;
            Ok(client.query_one(&statement, &[&name, &since]).await?.get(0))
        });
        Ok(count.map_err(|down| JournalDown(down.0))?.unsigned_abs())
    }
}
