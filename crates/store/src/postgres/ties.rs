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

    async fn keep_ties(&self, person: &PersonId, source: &SourceId, kind: TieKind, ties: &[Tie]) -> Result<(), StoreDown> {
        let organisations: Vec<&str> = ties.iter().map(|tie| tie.organisation.as_str()).collect();
        let from: Vec<Timestamp> = ties.iter().map(|tie| micros(tie.from)).collect();
        let until: Vec<Timestamp> = ties.iter().map(|tie| micros(tie.until)).collect();
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            let (person, source, kind) = (person.as_str(), source.as_str(), kind.name());
            let forget = transaction.prepare_cached(sql::FORGET_TIES_OF_KIND).await?;
            transaction.execute(&forget, &[&person, &source, &kind]).await?;
            let keep = transaction.prepare_cached(sql::KEEP_TIES).await?;
            transaction.execute(&keep, &[&person, &source, &kind, &organisations, &from, &until]).await?;
            Ok(transaction.commit().await?)
        })
    }
}
