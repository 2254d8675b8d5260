//! What was used once, in PostgreSQL.

use async_trait::async_trait;
use exchange::{SPENT_REMEMBERED, Spent, StoreDown};
use jiff::Timestamp;

use super::arrays::micros;
use super::door::{PostgresStore, asked};

const FORGET: &str = "DELETE FROM spent WHERE until < $1";
const SPEND: &str = "INSERT INTO spent (id, until) VALUES ($1, $2) ON CONFLICT DO NOTHING";

#[async_trait]
impl Spent for PostgresStore {
    async fn spend(&self, id: [u8; 32], until: Timestamp, now: Timestamp) -> Result<bool, StoreDown> {
        let over = micros(now.checked_sub(SPENT_REMEMBERED).unwrap_or(Timestamp::MIN));
        // Where the word of it was lost and it is asked again, it counts as used: whoever signed it signs another.
        asked!(self, |client| {
            let (forget, spend) = (client.prepare_cached(FORGET).await?, client.prepare_cached(SPEND).await?);
            client.execute(&forget, &[&over]).await?;
            let rows = client.execute(&spend, &[&id.as_slice(), &micros(until)]).await?;
            Ok(rows == 1)
        })
    }
}
