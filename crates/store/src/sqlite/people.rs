//! Persons, minted ids and plans in SQLite.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use exchange::{Met, Minted, MintedId, People, Plans, StoreDown};
use fhir::Kind;
use record::{NhsNumber, PersonId, Plan, RequestId, UserId};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::schema::{check_key, in_use, open};
use crate::{Secrets, StoreError, plans};

/// What is known of persons. Each question is short; SQLite is asked on a thread that may wait.
#[derive(Clone)]
pub struct SqliteStore {
    quick: Arc<Mutex<Connection>>,
    pub(super) durable: Arc<Mutex<Connection>>,
    pub(super) reading: Arc<Mutex<Connection>>,
    pub(super) paging: Arc<Mutex<Connection>>,
    secrets: Arc<Secrets>,
    kept: Arc<Mutex<HashMap<PersonId, (i64, u64)>>>,
    hasher: RandomState,
}

/// Persons of whom it is remembered which ids were kept last.
const KEPT_MAX: usize = 10_000;

/// KiB of pages that the connection of the register's batches keeps: they touch persons anywhere in the file.
const REGISTER_CACHE_KIB: i64 = 128 << 10;

/// Pages in the log before a batch of the register moves them into the file: the more, the more often one page is moved once for many
/// batches.
const REGISTER_LOG_PAGES: i64 = 50_000;

impl SqliteStore {
    /// Opens or makes the file.
    pub fn open(file: &Path, secrets: Arc<Secrets>) -> Result<SqliteStore, StoreError> {
        let mut quick = open(file)?;
        check_key(&mut quick, &secrets)?;
        let (durable, reading, paging) = (open(file)?, open(file)?, open(file)?);
        // The ledger is in the same file: no answer leaves before a later line of it is synced, and these commits with it. The
        // register's batches are synced for themselves.
        quick.pragma_update(None, "synchronous", "NORMAL")?;
        durable.pragma_update(None, "cache_size", -REGISTER_CACHE_KIB)?;
        durable.pragma_update(None, "wal_autocheckpoint", REGISTER_LOG_PAGES)?;
        durable.pragma_update(None, "foreign_keys", true)?;
        reading.pragma_update(None, "query_only", true)?;
        paging.pragma_update(None, "query_only", true)?;
        let shared = |connection| Arc::new(Mutex::new(connection));
        let (quick, durable, reading, paging) = (shared(quick), shared(durable), shared(reading), shared(paging));
        Ok(SqliteStore { quick, durable, reading, paging, secrets, kept: Arc::default(), hasher: RandomState::new() })
    }

    /// Asks by the connection of the exchange's own short questions.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Connection, &Secrets) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreDown> {
        self.by(&self.quick, question).await
    }

    /// Asks by a connection.
    pub(super) async fn by<T: Send + 'static>(
        &self,
        connection: &Arc<Mutex<Connection>>,
        question: impl FnOnce(&mut Connection, &Secrets) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreDown> {
        let (connection, secrets) = (connection.clone(), self.secrets.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            question(&mut connection, &secrets)
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(StoreDown(error.to_string())),
            // The words of a panic may quote what it was at.
            Err(_) => Err(StoreDown("a question to the store ended in a panic".to_owned())),
        }
    }

    /// How often something of a person was purged.
    async fn purges(&self, person: &PersonId) -> Result<i64, StoreDown> {
        let person = person.as_str().to_owned();
        let asked = self.with(move |connection, _| {
            let mut statement = connection.prepare_cached("SELECT purges FROM person WHERE person = ?")?;
            statement.query_row(params![person], |row| row.get(0)).optional()
        });
        Ok(asked.await?.unwrap_or(0))
    }

    /// Whether the store can be written.
    pub async fn ready(&self) -> Result<(), StoreDown> {
        self.with(|connection, _| connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")).await
    }
}

/// Whom a number leads to, under any of the keys.
pub(super) fn led(connection: &Connection, secrets: &Secrets, number: &NhsNumber) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT person FROM number WHERE pseudonym = ?")?;
    for pseudonym in secrets.pseudonyms(number) {
        if let Some(person) = statement.query_row(params![pseudonym], |row| row.get(0)).optional()? {
            return Ok(Some(person));
        }
    }
    Ok(None)
}

/// The person of a number; minted when new.
pub(super) fn mint(connection: &mut Connection, secrets: &Secrets, number: &NhsNumber) -> rusqlite::Result<String> {
    if let Some(known) = led(connection, secrets, number)? {
        return Ok(known);
    }
    let fresh = uuid::Uuid::new_v4().to_string();
    let sealed = secrets.seal(number).ok_or(rusqlite::Error::InvalidQuery)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(known) = led(&transaction, secrets, number)? {
        return Ok(known);
    }
    for pseudonym in in_use(&transaction, secrets)?.leads(number) {
        transaction.execute("INSERT INTO number (pseudonym, person) VALUES (?, ?)", params![pseudonym, fresh])?;
    }
    transaction.execute("INSERT INTO person (person, sealed) VALUES (?, ?)", params![fresh, sealed])?;
    transaction.commit()?;
    Ok(fresh)
}

/// What a column holds that only we write.
pub(super) fn parsed<T: std::str::FromStr>(text: String) -> rusqlite::Result<T> {
    text.parse().map_err(|_| rusqlite::Error::InvalidQuery)
}

pub(super) fn timestamp(text: String) -> rusqlite::Result<jiff::Timestamp> {
    parsed(text)
}

#[async_trait]
impl People for SqliteStore {
    async fn person_of(&self, number: &NhsNumber) -> Result<PersonId, StoreDown> {
        let number = *number;
        let person = self.with(move |connection, secrets| mint(connection, secrets, &number)).await?;
        person.parse().map_err(|_| StoreDown("a person id in the store is malformed".to_owned()))
    }

    async fn known(&self, number: &NhsNumber) -> Result<Option<PersonId>, StoreDown> {
        let number = *number;
        self.with(move |connection, secrets| led(connection, secrets, &number)?.map(parsed).transpose()).await
    }

    async fn number_of(&self, person: &PersonId) -> Result<Option<NhsNumber>, StoreDown> {
        let person = person.as_str().to_owned();
        self.with(move |connection, secrets| {
            let mut statement = connection.prepare_cached("SELECT sealed FROM person WHERE person = ?")?;
            let sealed: Option<Option<Vec<u8>>> = statement.query_row(params![person], |row| row.get(0)).optional()?;
            sealed.flatten().map(|sealed| secrets.unseal(&sealed).ok_or(rusqlite::Error::InvalidQuery)).transpose()
        })
        .await
    }

    async fn ready(&self) -> Result<(), StoreDown> {
        SqliteStore::ready(self).await
    }
}

#[async_trait]
impl Minted for SqliteStore {
    async fn keep_ids(&self, person: &PersonId, ids: &[Met<'_>]) -> Result<(), StoreDown> {
        if ids.is_empty() {
            return Ok(());
        }
        // Most reads of a person meet the ids of the last one: what is kept is not written again, unless it was purged meanwhile,
        // maybe by another process.
        let digest = (self.purges(person).await?, self.hasher.hash_one(ids));
        if self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(person) == Some(&digest) {
            return Ok(());
        }
        let own = |one: &Met<'_>| {
            let source_id = one.source_id.map(str::to_owned);
            (one.kind, one.id.to_owned(), one.source.clone(), one.source_kind.to_owned(), source_id)
        };
        let (whose, ids): (PersonId, Vec<_>) = (person.clone(), ids.iter().map(own).collect());
        self.with(move |connection, _| {
            let transaction = connection.transaction()?;
            {
                let sql = "INSERT OR IGNORE INTO minted (person, kind, id, source, source_kind, source_id) VALUES (?, ?, ?, ?, ?, ?)";
                let mut insert = transaction.prepare_cached(sql)?;
                for (kind, id, source, source_kind, source_id) in &ids {
                    insert.execute(params![whose.as_str(), kind.name(), id, source.as_str(), source_kind, source_id])?;
                }
            }
            transaction.commit()
        })
        .await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(person.clone(), digest);
        Ok(())
    }

    async fn resolve(&self, kind: Kind, id: &str) -> Result<Vec<MintedId>, StoreDown> {
        let id = id.to_owned();
        self.with(move |connection, _| {
            let mut statement =
                connection.prepare_cached("SELECT person, source, source_kind, source_id FROM minted WHERE kind = ? AND id = ?")?;
            let found = statement.query_map(params![kind.name(), id], |row| {
                Ok(MintedId {
                    kind,
                    id: id.clone(),
                    person: parsed(row.get(0)?)?,
                    source: parsed(row.get(1)?)?,
                    source_kind: row.get(2)?,
                    source_id: row.get(3)?,
                })
            })?;
            found.collect()
        })
        .await
    }
}

#[async_trait]
impl Plans for SqliteStore {
    async fn keep_plan(
        &self,
        request: &RequestId,
        person: &PersonId,
        user: &UserId,
        plan: &Plan,
        until: jiff::Timestamp,
    ) -> Result<(), StoreDown> {
        let (request, person, user, until) = (request.as_str().to_owned(), person.as_str().to_owned(), user.clone(), until.to_string());
        let rows = plans::write(plan);
        self.with(move |connection, _| {
            let sql = "INSERT OR REPLACE INTO plan (person, request, issuer, subject, rows, until) VALUES (?, ?, ?, ?, ?, ?)";
            connection.prepare_cached(sql)?.execute(params![person, request, user.issuer, user.subject, rows, until]).map(drop)
        })
        .await
    }

    async fn plan_of(
        &self,
        request: &RequestId,
        person: &PersonId,
        user: &UserId,
        now: jiff::Timestamp,
    ) -> Result<Option<Plan>, StoreDown> {
        let (request, person, user) = (request.as_str().to_owned(), person.as_str().to_owned(), user.clone());
        self.with(move |connection, _| {
            let sql = "SELECT rows, until FROM plan WHERE person = ? AND request = ? AND issuer = ? AND subject = ?";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_row(params![person, request, user.issuer, user.subject], |row| {
                let plan = plans::read(&row.get::<_, String>(0)?).ok_or(rusqlite::Error::InvalidQuery)?;
                Ok((plan, timestamp(row.get(1)?)?))
            });
            Ok(found.optional()?.filter(|(_, until)| now < *until).map(|(plan, _)| plan))
        })
        .await
    }
}
