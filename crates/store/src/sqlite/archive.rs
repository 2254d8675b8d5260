//! The ledger as a whole, and its checkpoints, in SQLite.

use async_trait::async_trait;
use audit::{Archive, Head, JournalDown, Line, Signed};
use rusqlite::{Connection, OptionalExtension, params};

use super::journal::{LINES, line, unentered};
use super::people::SqliteStore;

/// The last line of every run, found by the key run by run: not by reading every line.
const HEADS: &str = "WITH RECURSIVE chain (run) AS (SELECT min(run) FROM ledger \
    UNION ALL SELECT (SELECT min(run) FROM ledger WHERE run > chain.run) FROM chain WHERE chain.run IS NOT NULL) \
    SELECT ledger.run, ledger.sequence, ledger.hash FROM chain JOIN ledger ON ledger.run = chain.run \
    AND ledger.sequence = (SELECT max(sequence) FROM ledger AS own WHERE own.run = chain.run) ORDER BY ledger.run";

impl SqliteStore {
    async fn look_up<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalDown> {
        self.by(&self.paging, move |connection, _| question(connection)).await.map_err(|down| JournalDown(down.0))
    }
}

#[async_trait]
impl Archive for SqliteStore {
    async fn lines_after(&self, run: &str, sequence: u64, most: usize) -> Result<Vec<Line>, JournalDown> {
        let run = run.to_owned();
        let read = self.look_up(move |connection| {
            let sql = format!("{LINES} WHERE (run, sequence) > (?, ?) ORDER BY run, sequence LIMIT ?");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map(params![run, sequence as i64, most as i64], line)?.collect()
        });
        read.await
    }

    async fn unentered(&self, lines: &[Line]) -> Result<Option<usize>, JournalDown> {
        let lines = lines.to_vec();
        self.look_up(move |connection| unentered(connection, &lines)).await
    }

    async fn heads(&self) -> Result<Vec<Head>, JournalDown> {
        let read = self.look_up(|connection| {
            let mut statement = connection.prepare_cached(HEADS)?;
            let head =
                |row: &rusqlite::Row<'_>| Ok(Head { run: row.get(0)?, sequence: row.get::<_, i64>(1)?.unsigned_abs(), hash: row.get(2)? });
            statement.query_map([], head)?.collect()
        });
        read.await
    }

    async fn checkpoints_after(&self, number: u64, most: usize) -> Result<Vec<String>, JournalDown> {
        let read = self.look_up(move |connection| {
            let mut statement = connection.prepare_cached("SELECT line FROM checkpoint WHERE number > ? ORDER BY number LIMIT ?")?;
            statement.query_map(params![number as i64, most as i64], |row| row.get(0))?.collect()
        });
        read.await
    }

    async fn whole_checkpoint(&self, number: u64) -> Result<Option<u64>, JournalDown> {
        let read = self.look_up(move |connection| {
            let sql = "SELECT max(number) FROM checkpoint WHERE whole AND number <= ?";
            connection.query_row(sql, params![number as i64], |row| row.get::<_, Option<i64>>(0))
        });
        Ok(read.await?.map(i64::unsigned_abs))
    }

    async fn keep_checkpoint(&self, checkpoint: &Signed) -> Result<bool, JournalDown> {
        let (number, whole, line) = (checkpoint.checkpoint.number as i64, checkpoint.checkpoint.whole, checkpoint.line());
        let kept = self.by(&self.durable, move |connection, _| {
            let there = connection.query_row("SELECT 1 FROM checkpoint WHERE number = ?", [number], |_| Ok(())).optional()?;
            if there.is_some() {
                return Ok(false);
            }
            connection.execute("INSERT INTO checkpoint (number, whole, line) VALUES (?, ?, ?)", params![number, whole, line])?;
            Ok(true)
        });
        kept.await.map_err(|down| JournalDown(down.0))
    }

    async fn handed(&self, witness: &str) -> Result<Option<u64>, JournalDown> {
        let witness = witness.to_owned();
        let read = self.look_up(move |connection| {
            let asked = connection.query_row("SELECT number FROM handed WHERE witness = ?", [witness], |row| row.get::<_, i64>(0));
            asked.optional()
        });
        Ok(read.await?.map(i64::unsigned_abs))
    }

    async fn hand(&self, witness: &str, number: u64) -> Result<(), JournalDown> {
        let (witness, number) = (witness.to_owned(), number as i64);
        let handed = self.with(move |connection, _| {
            let sql = "INSERT INTO handed (witness, number) VALUES (?1, ?2) ON CONFLICT (witness) DO UPDATE SET number = max(number, ?2)";
            connection.execute(sql, params![witness, number]).map(drop)
        });
        handed.await.map_err(|down| JournalDown(down.0))
    }
}
