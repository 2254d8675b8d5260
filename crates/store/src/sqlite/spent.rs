//! What was used once, in SQLite.

use async_trait::async_trait;
use exchange::{SPENT_REMEMBERED, Spent, StoreDown};
use jiff::Timestamp;
use rusqlite::params;

use super::people::SqliteStore;

#[async_trait]
impl Spent for SqliteStore {
    async fn spend(&self, id: [u8; 32], until: Timestamp, now: Timestamp) -> Result<bool, StoreDown> {
        let over = now.as_second().saturating_sub(SPENT_REMEMBERED.as_secs());
        // On disk before anybody is let in by it: what was used before the lights went out stays used.
        self.by(&self.durable, move |connection, _| {
            let transaction = connection.transaction()?;
            transaction.prepare_cached("DELETE FROM spent WHERE until < ?")?.execute(params![over])?;
            let sql = "INSERT OR IGNORE INTO spent (id, until) VALUES (?, ?)";
            let rows = transaction.prepare_cached(sql)?.execute(params![id.as_slice(), until.as_second()])?;
            transaction.commit()?;
            Ok(rows == 1)
        })
        .await
    }
}
