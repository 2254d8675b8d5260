//! Claims of access in SQLite.

use access::ClaimKind;
use async_trait::async_trait;
use exchange::{Claims, KeptClaim, StoreDown};
use jiff::Timestamp;
use record::{PersonId, UserId};
use rusqlite::{Row, params};

use super::people::{SqliteStore, parsed};
use crate::columns::claim_kind;

const CLAIMS: &str =
    "SELECT person, id, issuer, subject, organisation, client, emergency, reason, trace, since, until, leased, overrides FROM claimed";

fn claim(row: &Row<'_>) -> rusqlite::Result<KeptClaim> {
    let at = |column| Timestamp::from_microsecond(row.get(column)?).map_err(|_| rusqlite::Error::InvalidQuery);
    Ok(KeptClaim {
        id: row.get(1)?,
        person: parsed(row.get(0)?)?,
        user: UserId { issuer: row.get(2)?, subject: row.get(3)? },
        organisation: parsed(row.get(4)?)?,
        client: row.get(5)?,
        kind: claim_kind(row.get(6)?, row.get(12)?),
        reason: row.get(7)?,
        trace: parsed(row.get(8)?)?,
        from: at(9)?,
        until: at(10)?,
    })
}

/// Every write is synced for itself: whoever is told of a grant finds it ended and entered, whatever happens meanwhile.
#[async_trait]
impl Claims for SqliteStore {
    async fn keep(&self, claim: KeptClaim) -> Result<(), StoreDown> {
        self.by(&self.durable, move |connection, _| {
            let sql = "INSERT OR IGNORE INTO claimed \
                (person, id, issuer, subject, organisation, client, emergency, reason, trace, since, until, entered, overrides) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
            let (from, until) = (claim.from.as_microsecond(), claim.until.as_microsecond());
            let (organisation, trace) = (claim.organisation.as_str(), claim.trace.as_str());
            connection.prepare_cached(sql)?.execute(params![
                claim.person.as_str(),
                claim.id,
                claim.user.issuer,
                claim.user.subject,
                organisation,
                claim.client,
                claim.kind == ClaimKind::Emergency,
                claim.reason,
                trace,
                from,
                until,
                claim.kind != ClaimKind::Emergency,
                claim.kind == ClaimKind::LegalOverride,
            ])?;
            Ok(())
        })
        .await
    }

    async fn of(&self, person: &PersonId, user: &UserId, now: Timestamp) -> Result<Vec<KeptClaim>, StoreDown> {
        let (person, user) = (person.as_str().to_owned(), user.clone());
        self.with(move |connection, _| {
            let sql = format!("{CLAIMS} WHERE person = ? AND issuer = ? AND subject = ? AND until > ? ORDER BY until");
            let row = params![person, user.issuer, user.subject, now.as_microsecond()];
            connection.prepare_cached(&sql)?.query_map(row, claim)?.collect()
        })
        .await
    }

    async fn end(&self, person: &PersonId, id: &str, now: Timestamp) -> Result<(), StoreDown> {
        let (person, id) = (person.as_str().to_owned(), id.to_owned());
        self.by(&self.durable, move |connection, _| {
            let sql = "UPDATE claimed SET until = ?3 WHERE person = ?1 AND id = ?2 AND until > ?3";
            connection.prepare_cached(sql)?.execute(params![person, id, now.as_microsecond()]).map(drop)
        })
        .await
    }

    async fn ended(&self, now: Timestamp, count_max: usize) -> Result<Vec<(KeptClaim, bool)>, StoreDown> {
        let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
        self.by(&self.reading, move |connection, _| {
            let sql = format!("{CLAIMS} WHERE NOT entered AND until <= ?1 AND (leased IS NULL OR leased <= ?1) ORDER BY until LIMIT ?2");
            let ended = |row: &Row<'_>| Ok((claim(row)?, row.get::<_, Option<i64>>(11)?.is_some()));
            connection.prepare_cached(&sql)?.query_map(params![now.as_microsecond(), count_max], ended)?.collect()
        })
        .await
    }

    async fn lease(&self, claim: &KeptClaim, now: Timestamp, until: Timestamp) -> Result<bool, StoreDown> {
        let (person, id) = (claim.person.as_str().to_owned(), claim.id.clone());
        self.by(&self.durable, move |connection, _| {
            let sql = "UPDATE claimed SET leased = ?4 WHERE person = ?1 AND id = ?2 AND NOT entered AND (leased IS NULL OR leased <= ?3)";
            let row = params![person, id, now.as_microsecond(), until.as_microsecond()];
            Ok(connection.prepare_cached(sql)?.execute(row)? == 1)
        })
        .await
    }

    async fn entered(&self, person: &PersonId, id: &str) -> Result<(), StoreDown> {
        let (person, id) = (person.as_str().to_owned(), id.to_owned());
        self.by(&self.durable, move |connection, _| {
            let sql = "UPDATE claimed SET entered = 1 WHERE person = ? AND id = ?";
            connection.prepare_cached(sql)?.execute(params![person, id]).map(drop)
        })
        .await
    }
}
