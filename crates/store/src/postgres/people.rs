//! Persons, minted ids and plans in PostgreSQL.

use std::hash::BuildHasher;
use std::sync::PoisonError;

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use exchange::{Met, Minted, MintedId, People, Plans, StoreDown};
use fhir::Kind;
use record::{NhsNumber, PersonId, Plan, RequestId, UserId};

use super::arrays::micros;
use super::door::{PostgresStore, Trouble, asked};
use super::schema::in_use;
use super::sql;
use crate::columns::Unreadable;
use crate::plans;

/// Persons of whom it is remembered which ids were kept last.
const KEPT_MAX: usize = 10_000;

/// What a column holds that only we write.
pub(super) fn parsed<T: std::str::FromStr>(text: &str, column: &'static str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable(column))
}

impl PostgresStore {
    /// One row's answer by a statement that names a key.
    pub(super) async fn whose(
        &self,
        sql: &'static str,
        key: &(dyn tokio_postgres::types::ToSql + Sync),
    ) -> Result<Option<PersonId>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql).await?;
            let row = client.query_opt(&statement, &[key]).await?;
            Ok(row.map(|row| parsed(row.get(0), "person")).transpose()?)
        })
    }

    /// The person of a number; minted when new.
    pub(super) async fn mint(&self, number: &NhsNumber) -> Result<PersonId, StoreDown> {
        let pseudonyms = self.secrets.pseudonyms(number);
        if let Some(known) = self.whose(sql::PERSON_OF_NUMBER, &pseudonyms).await? {
            return Ok(known);
        }
        let fresh = uuid::Uuid::new_v4().to_string();
        let sealed = self.secrets.seal(number).ok_or_else(|| StoreDown("sealing failed".to_owned()))?;
        let minted: bool = asked!(self, |client| {
            let transaction = client.transaction().await?;
            let leads = in_use(&transaction, &self.secrets).await?.leads(number);
            let (number, person) =
                (transaction.prepare_cached(sql::MINT_NUMBER).await?, transaction.prepare_cached(sql::MINT_PERSON).await?);
            // Somebody may have been quicker under one of the keys only.
            if transaction.execute(&number, &[&leads, &fresh]).await? < leads.len() as u64 {
                return Ok(false);
            }
            transaction.execute(&person, &[&fresh, &sealed]).await?;
            transaction.commit().await?;
            Ok(true)
        })?;
        if minted {
            return fresh.parse().map_err(|_| StoreDown("a fresh id is none".to_owned()));
        }
        // Somebody else was quicker; or it was us, and the word of it was lost on the way.
        let known = self.whose(sql::PERSON_OF_NUMBER, &pseudonyms).await?;
        known.ok_or_else(|| StoreDown("a person came and went".to_owned()))
    }

    async fn purges(&self, person: &PersonId) -> Result<i64, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::PURGES).await?;
            let row = client.query_opt(&statement, &[&person.as_str()]).await?;
            Ok(row.map_or(0, |row| row.get(0)))
        })
    }
}

#[async_trait]
impl People for PostgresStore {
    async fn person_of(&self, number: &NhsNumber) -> Result<PersonId, StoreDown> {
        self.mint(number).await
    }

    async fn known(&self, number: &NhsNumber) -> Result<Option<PersonId>, StoreDown> {
        self.whose(sql::PERSON_OF_NUMBER, &self.secrets.pseudonyms(number)).await
    }

    async fn number_of(&self, person: &PersonId) -> Result<Option<NhsNumber>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::NUMBER_OF_PERSON).await?;
            let row = client.query_opt(&statement, &[&person.as_str()]).await?;
            let sealed: Option<Vec<u8>> = row.and_then(|row| row.get(0));
            let number = sealed.map(|sealed| self.secrets.unseal(&sealed).ok_or(Unreadable("person.sealed"))).transpose();
            Ok(number?)
        })
    }

    async fn ready(&self) -> Result<(), StoreDown> {
        let standby: bool = asked!(self, |client| {
            let row = client.query_one("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'", &[]).await?;
            Ok(row.get(0))
        })?;
        if standby { Err(StoreDown("PostgreSQL takes no writes here".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Minted for PostgresStore {
    async fn keep_ids(&self, person: &PersonId, ids: &[Met<'_>]) -> Result<(), StoreDown> {
        if ids.is_empty() {
            return Ok(());
        }
        // Most reads of a person meet the ids of the last one: what is kept is not written again, unless it was purged meanwhile,
        // maybe by another node.
        let digest = (self.purges(person).await?, self.hasher.hash_one(ids));
        if self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(person) == Some(&digest) {
            return Ok(());
        }
        // Always in one order, so that two who keep the ids of one person do not wait for each other.
        let mut ids = ids.to_vec();
        ids.sort_unstable_by_key(|met| (met.kind, met.id));
        let column = |of: fn(&Met<'_>) -> String| ids.iter().map(of).collect::<Vec<_>>();
        let (kinds, own) = (column(|met| met.kind.name().to_owned()), column(|met| met.id.to_owned()));
        let (sources, source_kinds) = (column(|met| met.source.to_string()), column(|met| met.source_kind.to_owned()));
        let source_ids: Vec<Option<&str>> = ids.iter().map(|met| met.source_id).collect();
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            let (keep, lead) = (transaction.prepare_cached(sql::KEEP_IDS).await?, transaction.prepare_cached(sql::LEAD_IDS).await?);
            let person = person.as_str();
            transaction.execute(&keep, &[&person, &kinds, &own, &sources, &source_kinds, &source_ids]).await?;
            transaction.execute(&lead, &[&person, &kinds, &own]).await?;
            Ok(transaction.commit().await?)
        })?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(person.clone(), digest);
        Ok(())
    }

    async fn resolve(&self, kind: Kind, id: &str) -> Result<Vec<MintedId>, StoreDown> {
        asked!(self, |client| {
            let (persons, minted) = (client.prepare_cached(sql::PERSONS_OF_ID).await?, client.prepare_cached(sql::MINTED).await?);
            let persons = client.query(&persons, &[&id, &kind.name()]).await?;
            let persons: Vec<String> = persons.iter().map(|row| row.get(0)).collect();
            if persons.is_empty() {
                return Ok(Vec::new());
            }
            let rows = client.query(&minted, &[&persons, &kind.name(), &id]).await?;
            let found = rows.iter().map(|row| {
                Ok(MintedId {
                    kind,
                    id: id.to_owned(),
                    person: parsed(row.get(0), "minted.person")?,
                    source: parsed(row.get(1), "minted.source")?,
                    source_kind: row.get(2),
                    source_id: row.get(3),
                })
            });
            found.collect::<Result<Vec<_>, Trouble>>()
        })
    }
}

#[async_trait]
impl Plans for PostgresStore {
    async fn keep_plan(
        &self,
        request: &RequestId,
        person: &PersonId,
        user: &UserId,
        plan: &Plan,
        until: jiff::Timestamp,
    ) -> Result<(), StoreDown> {
        let rows = plans::write(plan);
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::KEEP_PLAN).await?;
            client.execute(&statement, &[&person.as_str(), &request.as_str(), &user.issuer, &user.subject, &rows, &micros(until)]).await?;
            Ok(())
        })
    }

    async fn plan_of(
        &self,
        request: &RequestId,
        person: &PersonId,
        user: &UserId,
        now: jiff::Timestamp,
    ) -> Result<Option<Plan>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(sql::PLAN).await?;
            let key: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
                &[&person.as_str(), &request.as_str(), &user.issuer, &user.subject, &micros(now)];
            let row = client.query_opt(&statement, key).await?;
            Ok(row.map(|row| plans::read(row.get(0)).ok_or(Unreadable("plan.rows"))).transpose()?)
        })
    }
}
