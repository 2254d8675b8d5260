//! Claims of access in PostgreSQL.

use access::ClaimKind;
use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use exchange::{Claims, KeptClaim, StoreDown};
use jiff::Timestamp;
use record::{PersonId, UserId};
use tokio_postgres::Row;

use super::arrays::micros;
use super::door::{PostgresStore, Trouble, asked};
use super::people::parsed;
use super::sql;
use crate::columns::claim_kind;

/// Asked by nobody who waits: it looks in every shard.
const ENDED: &str = "SELECT person, id, issuer, subject, organisation, client, emergency, reason, trace, since, until, overrides, leased FROM claimed \
    WHERE NOT entered AND until <= $1 AND (leased IS NULL OR leased <= $1) ORDER BY until LIMIT $2";

fn claim(row: &Row) -> Result<KeptClaim, Trouble> {
    Ok(KeptClaim {
        id: row.get(1),
        person: parsed(row.get(0), "claimed.person")?,
        user: UserId { issuer: row.get(2), subject: row.get(3) },
        organisation: parsed(row.get(4), "claimed.organisation")?,
        client: row.get(5),
        kind: claim_kind(row.get(6), row.get(11)),
        reason: row.get(7),
        trace: parsed(row.get(8), "claimed.trace")?,
        from: row.get(9),
        until: row.get(10),
    })
}

#[async_trait]
impl Claims for PostgresStore {
    async fn keep(&self, claim: KeptClaim) -> Result<(), StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::KEEP_CLAIM).await?;
            let (person, organisation, trace) = (claim.person.as_str(), claim.organisation.as_str(), claim.trace.as_str());
            let (from, until, entered) = (micros(claim.from), micros(claim.until), claim.kind != ClaimKind::Emergency);
            let (emergency, overrides) = (claim.kind == ClaimKind::Emergency, claim.kind == ClaimKind::LegalOverride);
            let (user, row) = (&claim.user, &claim);
            let values: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[
                &person,
                &row.id,
                &user.issuer,
                &user.subject,
                &organisation,
                &row.client,
                &emergency,
                &row.reason,
                &trace,
                &from,
                &until,
                &entered,
                &overrides,
            ];
            client.execute(&statement, values).await?;
            Ok(())
        })
    }

    async fn of(&self, person: &PersonId, user: &UserId, now: Timestamp) -> Result<Vec<KeptClaim>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::CLAIMS).await?;
            let rows = client.query(&statement, &[&person.as_str(), &user.issuer, &user.subject, &micros(now)]).await?;
            rows.iter().map(claim).collect::<Result<Vec<_>, Trouble>>()
        })
    }

    async fn end(&self, person: &PersonId, id: &str, now: Timestamp) -> Result<(), StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::END_CLAIM).await?;
            client.execute(&statement, &[&person.as_str(), &id, &micros(now)]).await?;
            Ok(())
        })
    }

    async fn ended(&self, now: Timestamp, count_max: usize) -> Result<Vec<(KeptClaim, bool)>, StoreDown> {
        let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
        asked!(self, |client| {
            let statement = client.prepare_cached(ENDED).await?;
            let rows = client.query(&statement, &[&micros(now), &count_max]).await?;
            let ended = rows.iter().map(|row| Ok((claim(row)?, row.get::<_, Option<Timestamp>>(12).is_some())));
            ended.collect::<Result<Vec<_>, Trouble>>()
        })
    }

    async fn lease(&self, claim: &KeptClaim, now: Timestamp, until: Timestamp) -> Result<bool, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::LEASE_CLAIM).await?;
            let taken = client.execute(&statement, &[&claim.person.as_str(), &claim.id, &micros(now), &micros(until)]).await?;
            Ok(taken == 1)
        })
    }

    async fn entered(&self, person: &PersonId, id: &str) -> Result<(), StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::ENTER_CLAIM).await?;
            client.execute(&statement, &[&person.as_str(), &id]).await?;
            Ok(())
        })
    }
}
