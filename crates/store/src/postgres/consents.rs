//! Consents in PostgreSQL: versions are only ever added.

use async_trait::async_trait;
use exchange::{Consents, KeptConsent, StoreDown};
use record::PersonId;
use tokio_postgres::Row;

use super::arrays::micros;
use super::door::{PostgresStore, asked};
use super::schema::in_use;
use super::sql;
use crate::Secrets;
use crate::columns::Unreadable;
use crate::named::consent as name;

fn consent(row: &Row, person: &PersonId, secrets: &Secrets) -> Result<KeptConsent, Unreadable> {
    let (id, version): (String, i64) = (row.get(0), row.get(1));
    let version = u32::try_from(version).map_err(|_| Unreadable("consent.version"))?;
    let mut sealed: Vec<u8> = row.get(3);
    let body = secrets.open_said(&name(person, &id, version), &mut sealed).ok_or(Unreadable("consent.body"))?;
    let body = String::from_utf8(body.to_vec()).map_err(|_| Unreadable("consent.body"))?;
    Ok(KeptConsent { person: person.clone(), id, version, at: row.get(2), body })
}

#[async_trait]
impl Consents for PostgresStore {
    async fn consents(&self, person: &PersonId) -> Result<Vec<KeptConsent>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::CONSENTS).await?;
            let rows = client.query(&statement, &[&person.as_str()]).await?;
            Ok(rows.iter().map(|row| consent(row, person, &self.secrets)).collect::<Result<Vec<_>, _>>()?)
        })
    }

    async fn keep_consent(&self, kept: &KeptConsent) -> Result<bool, StoreDown> {
        let body = self.secrets.seal_said(&name(&kept.person, &kept.id, kept.version), kept.body.clone().into_bytes());
        let body = body.ok_or_else(|| StoreDown("sealing failed".to_owned()))?;
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            in_use(&transaction, &self.secrets).await?;
            let statement = transaction.prepare_cached(sql::KEEP_CONSENT).await?;
            let version = i64::from(kept.version);
            // Two who write one version at a time: the key lets in one.
            let added = transaction.execute(&statement, &[&kept.person.as_str(), &kept.id, &version, &micros(kept.at), &body]).await?;
            if added == 1 {
                transaction.commit().await?;
                return Ok(true);
            }
            let statement = transaction.prepare_cached(sql::CONSENT).await?;
            let there = transaction.query_opt(&statement, &[&kept.person.as_str(), &kept.id, &version]).await?;
            let there = there.map(|row| consent(&row, &kept.person, &self.secrets)).transpose()?;
            Ok(there.is_some_and(|there| there.is(kept)))
        })
    }
}
