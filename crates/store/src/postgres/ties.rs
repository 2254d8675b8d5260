//! What ties persons to organisations, in PostgreSQL.

use access::{Tie, TieKind};
use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use exchange::{StoreDown, Ties};
use jiff::Timestamp;
use record::{PersonId, SourceId};

use super::arrays::micros;
use super::door::{PostgresStore, Trouble, asked};
use super::people::parsed;
use super::sql;
use crate::columns::Unreadable;

#[async_trait]
impl Ties for PostgresStore {
    async fn ties(&self, person: &PersonId) -> Result<Vec<(SourceId, Tie)>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::TIES).await?;
            let rows = client.query(&statement, &[&person.as_str()]).await?;
            let ties = rows.iter().map(|row| {
                let kind = TieKind::of(row.get(1)).ok_or(Unreadable("tie.kind"))?;
                let organisation = parsed(row.get(2), "tie.organisation")?;
                Ok((parsed(row.get(0), "tie.source")?, Tie { kind, organisation, from: row.get(3), until: row.get(4) }))
            });
            ties.collect::<Result<Vec<_>, Trouble>>()
        })
    }

    async fn keep_ties(&self, person: &PersonId, said: &[(SourceId, TieKind, Vec<Tie>)]) -> Result<(), StoreDown> {
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            let person = person.as_str();
            // One at a time for one person: of two at once neither would forget what the other says.
            let alone = transaction.prepare_cached("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 7469))").await?;
            transaction.execute(&alone, &[&person]).await?;
            let forget = transaction.prepare_cached(sql::FORGET_TIES_OF_KIND).await?;
            let keep = transaction.prepare_cached(sql::KEEP_TIES).await?;
            for (source, kind, ties) in said {
                let (source, kind) = (source.as_str(), kind.name());
                let organisations: Vec<&str> = ties.iter().map(|tie| tie.organisation.as_str()).collect();
                let from: Vec<Timestamp> = ties.iter().map(|tie| micros(tie.from)).collect();
                let until: Vec<Timestamp> = ties.iter().map(|tie| micros(tie.until)).collect();
                transaction.execute(&forget, &[&person, &source, &kind]).await?;
                transaction.execute(&keep, &[&person, &source, &kind, &organisations, &from, &until]).await?;
            }
            Ok(transaction.commit().await?)
        })
    }
}
