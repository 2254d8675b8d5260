//! The ledger as a whole, and its checkpoints, in PostgreSQL.

use async_trait::async_trait;
use audit::{Archive, Head, JournalDown, Line, Signed};
use deadpool_postgres::GenericClient;
use exchange::StoreDown;

use super::door::{PostgresStore, asked};

/// The last line of every run, found by the key run by run: not by reading every line.
const HEADS: &str = "WITH RECURSIVE chain (run) AS (\
    (SELECT run FROM ledger ORDER BY run LIMIT 1) \
    UNION ALL SELECT (SELECT own.run FROM ledger AS own WHERE own.run > chain.run ORDER BY own.run LIMIT 1) \
    FROM chain WHERE chain.run IS NOT NULL) \
    SELECT chain.run, head.sequence, head.hash FROM chain CROSS JOIN LATERAL \
    (SELECT sequence, hash FROM ledger AS own WHERE own.run = chain.run ORDER BY sequence DESC LIMIT 1) AS head ORDER BY chain.run";
const KEEP: &str = "INSERT INTO checkpoint (number, whole, line) VALUES ($1, $2, $3) ON CONFLICT (number) DO NOTHING";
const HAND: &str = "INSERT INTO handed (witness, number) VALUES ($1, $2) \
    ON CONFLICT (witness) DO UPDATE SET number = greatest(handed.number, excluded.number)";

impl PostgresStore {
    async fn read_heads(&self) -> Result<Vec<Head>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(HEADS).await?;
            let rows = client.query(&statement, &[]).await?;
            let head =
                |row: &tokio_postgres::Row| Head { run: row.get(0), sequence: row.get::<_, i64>(1).unsigned_abs(), hash: row.get(2) };
            Ok(rows.iter().map(head).collect())
        })
    }

    async fn read_checkpoints(&self, number: i64, most: i64) -> Result<Vec<String>, StoreDown> {
        asked!(self, |client| {
            let sql = "SELECT line FROM checkpoint WHERE number > $1 ORDER BY number LIMIT $2";
            let statement = client.prepare_cached(sql).await?;
            let rows = client.query(&statement, &[&number, &most]).await?;
            Ok(rows.iter().map(|row| row.get(0)).collect())
        })
    }

    async fn read_whole(&self, number: i64) -> Result<Option<i64>, StoreDown> {
        asked!(self, |client| {
            let sql = "SELECT max(number) FROM checkpoint WHERE whole AND number <= $1";
            Ok(client.query_one(sql, &[&number]).await?.get(0))
        })
    }

    /// Whether this one is there now, be it by a try of ours of which the word was lost.
    async fn write_checkpoint(&self, number: i64, whole: bool, line: &str) -> Result<bool, StoreDown> {
        asked!(self, |client| {
            client.execute(KEEP, &[&number, &whole, &line]).await?;
            let there = client.query_one("SELECT line FROM checkpoint WHERE number = $1", &[&number]).await?;
            Ok(there.get::<_, &str>(0) == line)
        })
    }

    async fn read_handed(&self, witness: &str) -> Result<Option<i64>, StoreDown> {
        asked!(self, |client| {
            let row = client.query_opt("SELECT number FROM handed WHERE witness = $1", &[&witness]).await?;
            Ok(row.map(|row| row.get(0)))
        })
    }

    async fn write_handed(&self, witness: &str, number: i64) -> Result<(), StoreDown> {
        asked!(self, |client| {
            client.execute(HAND, &[&witness, &number]).await?;
            Ok(())
        })
    }
}

fn down(down: StoreDown) -> JournalDown {
    JournalDown(down.0)
}

#[async_trait]
impl Archive for PostgresStore {
    async fn lines_after(&self, run: &str, sequence: u64, most: usize) -> Result<Vec<Line>, JournalDown> {
        self.page_of_lines(run, sequence as i64, most as i64).await.map_err(down)
    }

    async fn unentered(&self, lines: &[Line]) -> Result<Option<usize>, JournalDown> {
        self.unentered_of(lines).await.map_err(down)
    }

    async fn heads(&self) -> Result<Vec<Head>, JournalDown> {
        self.read_heads().await.map_err(down)
    }

    async fn checkpoints_after(&self, number: u64, most: usize) -> Result<Vec<String>, JournalDown> {
        self.read_checkpoints(number as i64, most as i64).await.map_err(down)
    }

    async fn whole_checkpoint(&self, number: u64) -> Result<Option<u64>, JournalDown> {
        Ok(self.read_whole(number as i64).await.map_err(down)?.map(i64::unsigned_abs))
    }

    async fn keep_checkpoint(&self, checkpoint: &Signed) -> Result<bool, JournalDown> {
        let (number, whole) = (checkpoint.checkpoint.number as i64, checkpoint.checkpoint.whole);
        self.write_checkpoint(number, whole, &checkpoint.line()).await.map_err(down)
    }

    async fn handed(&self, witness: &str) -> Result<Option<u64>, JournalDown> {
        Ok(self.read_handed(witness).await.map_err(down)?.map(i64::unsigned_abs))
    }

    async fn hand(&self, witness: &str, number: u64) -> Result<(), JournalDown> {
        self.write_handed(witness, number as i64).await.map_err(down)
    }
}
