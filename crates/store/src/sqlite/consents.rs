//! Consents in SQLite: versions are only ever added.

use async_trait::async_trait;
use exchange::{Consents, KeptConsent, StoreDown};
use record::PersonId;
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::people::SqliteStore;
use super::schema::in_use;
use crate::Secrets;
use crate::named::consent as name;

fn consent(row: &Row<'_>, person: &PersonId, secrets: &Secrets) -> rusqlite::Result<KeptConsent> {
    let (id, version): (String, u32) = (row.get(0)?, row.get(1)?);
    let mut sealed: Vec<u8> = row.get(3)?;
    let body = secrets.open_said(&name(person, &id, version), &mut sealed).ok_or(rusqlite::Error::InvalidQuery)?;
    let body = String::from_utf8(body.to_vec()).map_err(|_| rusqlite::Error::InvalidQuery)?;
    let at = jiff::Timestamp::from_microsecond(row.get(2)?).map_err(|_| rusqlite::Error::InvalidQuery)?;
    Ok(KeptConsent { person: person.clone(), id, version, at, body })
}

#[async_trait]
impl Consents for SqliteStore {
    async fn consents(&self, person: &PersonId) -> Result<Vec<KeptConsent>, StoreDown> {
        let person = person.clone();
        self.with(move |connection, secrets| {
            let sql = "SELECT id, version, at, body FROM consent AS own WHERE person = ?1 AND version = \
                (SELECT max(version) FROM consent WHERE person = ?1 AND id = own.id) ORDER BY id";
            connection.prepare_cached(sql)?.query_map([person.as_str()], |row| consent(row, &person, secrets))?.collect()
        })
        .await
    }

    async fn keep_consent(&self, kept: &KeptConsent) -> Result<bool, StoreDown> {
        let kept = kept.clone();
        self.by(&self.durable, move |connection, secrets| {
            let body = secrets.seal_said(&name(&kept.person, &kept.id, kept.version), kept.body.clone().into_bytes());
            let body = body.ok_or(rusqlite::Error::InvalidQuery)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            in_use(&transaction, secrets)?;
            let sql = "INSERT INTO consent (person, id, version, at, body) SELECT ?1, ?2, ?3, ?4, ?5 \
                WHERE (SELECT coalesce(max(version), 0) FROM consent WHERE person = ?1 AND id = ?2) = ?3 - 1";
            let row = params![kept.person.as_str(), kept.id, kept.version, kept.at.as_microsecond(), body];
            let added = transaction.prepare_cached(sql)?.execute(row)?;
            let sql = "SELECT id, version, at, body FROM consent WHERE person = ? AND id = ? AND version = ?";
            let key = params![kept.person.as_str(), kept.id, kept.version];
            let there = transaction.prepare_cached(sql)?.query_row(key, |row| consent(row, &kept.person, secrets)).optional()?;
            transaction.commit()?;
            Ok(added == 1 || there.is_some_and(|there| there.is(&kept)))
        })
        .await
    }
}
