//! What is kept for evidence in SQLite, and the key of each person's own.

use async_trait::async_trait;
use exchange::{Evidence, Name, StoreDown, VaultStep};
use jiff::Timestamp;
use record::PersonId;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::people::{SqliteStore, parsed};
use super::schema::in_use;
use crate::Secrets;
use crate::vault::{PersonKey, SHOWN_LAG, outlived_before, sealed};

const NO_KEY: rusqlite::Error = rusqlite::Error::InvalidQuery;

fn key_row(connection: &Connection, person: &PersonId) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT sealed FROM person_key WHERE person = ?")?;
    statement.query_row([person.as_str()], |row| row.get(0)).optional()
}

/// The person's key, from now on at least; none where there is no such person.
fn own_key(
    transaction: &Transaction<'_>,
    secrets: &Secrets,
    person: &PersonId,
    at: Timestamp,
) -> rusqlite::Result<Option<(PersonKey, Vec<u8>)>> {
    if let Some(row) = key_row(transaction, person)? {
        let sql = "UPDATE person_key SET shown = ?2 WHERE person = ?1 AND shown < ?3";
        let lag = at.checked_sub(SHOWN_LAG).unwrap_or(at);
        transaction.prepare_cached(sql)?.execute(params![person.as_str(), at.as_microsecond(), lag.as_microsecond()])?;
        return Ok(Some((PersonKey::unsealed(secrets, person, &row).ok_or(NO_KEY)?, row)));
    }
    let (key, row) = PersonKey::fresh(&*in_use(transaction, secrets)?, person).ok_or(NO_KEY)?;
    let sql = "INSERT INTO person_key (person, sealed, shown) SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM person WHERE person = ?1)";
    let made = transaction.prepare_cached(sql)?.execute(params![person.as_str(), row, at.as_microsecond()])?;
    Ok((made == 1).then_some((key, row)))
}

/// Addresses at which nothing lies yet, with what is to.
fn new(
    connection: &Connection,
    key: &PersonKey,
    person: &PersonId,
    shown: Vec<(Name, Vec<u8>)>,
) -> rusqlite::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM evidence WHERE person = ? AND address = ?")?;
    let mut new = Vec::new();
    for (name, plain) in shown {
        let address = key.address(&name);
        if !statement.exists(params![person.as_str(), address])? {
            new.push((address, plain));
        }
    }
    Ok(new)
}

fn keep(
    connection: &mut Connection,
    secrets: &Secrets,
    person: &PersonId,
    shown: Vec<(Name, Vec<u8>)>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (key, row) = own_key(&transaction, secrets, person, at)?.ok_or(NO_KEY)?;
    transaction.commit()?;
    // Sealing takes its time; meanwhile the file is everybody's.
    let sealed = sealed(&key, new(connection, &key, person, shown)?).ok_or(NO_KEY)?;
    if sealed.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Whoever destroyed or replaced the key meanwhile comes first; it is tried again.
    if key_row(&transaction, person)? != Some(row) {
        return Err(NO_KEY);
    }
    let sql = "INSERT INTO evidence (person, address, sealed) SELECT ?1, ?2, ?3 \
        WHERE NOT EXISTS (SELECT 1 FROM evidence WHERE person = ?1 AND address = ?2)";
    for (address, sealed) in &sealed {
        transaction.prepare_cached(sql)?.execute(params![person.as_str(), address, sealed])?;
    }
    transaction.commit()
}

fn step(connection: &Connection, secrets: &Secrets, row: (String, String, u32, i64, Option<bool>, Vec<u8>)) -> rusqlite::Result<VaultStep> {
    let (person, id, number, at, held, sealed) = row;
    let person: PersonId = parsed(person)?;
    let key = key_row(connection, &person)?.and_then(|row| PersonKey::unsealed(secrets, &person, &row));
    let body = key.and_then(|key| key.open_step(&id, number, &sealed)).unwrap_or_default();
    let at = Timestamp::from_microsecond(at).map_err(|_| NO_KEY)?;
    Ok(VaultStep { person, id, number, at, held, body })
}

const STEP: &str = "SELECT person, id, number, at, held, body FROM vault_step";

fn steps(connection: &Connection, secrets: &Secrets, which: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<VaultStep>> {
    let mut statement = connection.prepare_cached(&format!("{STEP} {which}"))?;
    let rows = statement
        .query_map(params, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|row| step(connection, secrets, row)).collect()
}

/// Whose evidence may be destroyed: the person's last word on it is not that it is held.
const OUTLIVED: &str = "shown < ?1 AND NOT coalesce((SELECT held FROM vault_step AS own \
    WHERE own.person = person_key.person AND own.id = person_key.person AND own.held IS NOT NULL ORDER BY number DESC LIMIT 1), 0)";

#[async_trait]
impl Evidence for SqliteStore {
    async fn keep_evidence(&self, person: &PersonId, shown: Vec<(Name, Vec<u8>)>, at: Timestamp) -> Result<(), StoreDown> {
        let person = person.clone();
        self.by(&self.durable, move |connection, secrets| keep(connection, secrets, &person, shown, at)).await
    }

    async fn evidence(&self, person: &PersonId, names: &[Name]) -> Result<Vec<Option<Vec<u8>>>, StoreDown> {
        let (person, names) = (person.clone(), names.to_vec());
        self.by(&self.paging, move |connection, secrets| {
            let key = key_row(connection, &person)?.and_then(|row| PersonKey::unsealed(secrets, &person, &row));
            let Some(key) = key else { return Ok(vec![None; names.len()]) };
            let mut statement = connection.prepare_cached("SELECT sealed FROM evidence WHERE person = ? AND address = ?")?;
            let one = |name: &Name| {
                let address = key.address(name);
                let row: Option<Vec<u8>> = statement.query_row(params![person.as_str(), address], |row| row.get(0)).optional()?;
                Ok(row.and_then(|sealed| key.open_evidence(&address, &sealed)))
            };
            names.iter().map(one).collect()
        })
        .await
    }

    async fn add_step(&self, step: &VaultStep) -> Result<bool, StoreDown> {
        let step = step.clone();
        self.by(&self.durable, move |connection, secrets| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let Some((key, _)) = own_key(&transaction, secrets, &step.person, step.at)? else { return Ok(false) };
            let body = key.seal_step(&step.id, step.number, &step.body).ok_or(NO_KEY)?;
            let sql = "INSERT INTO vault_step (person, id, number, at, held, body) SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
                WHERE (SELECT coalesce(max(number), 0) FROM vault_step WHERE id = ?2) = ?3 - 1";
            let row = params![step.person.as_str(), step.id, step.number, step.at.as_microsecond(), step.held, body];
            let added = transaction.prepare_cached(sql)?.execute(row)?;
            let there = steps(&transaction, secrets, "WHERE id = ? AND number = ?", params![step.id, step.number])?;
            transaction.commit()?;
            Ok(added == 1 || there.first() == Some(&step))
        })
        .await
    }

    async fn steps(&self, id: &str) -> Result<Vec<VaultStep>, StoreDown> {
        let id = id.to_owned();
        self.with(move |connection, secrets| steps(connection, secrets, "WHERE id = ? ORDER BY number", [id])).await
    }

    async fn openings(&self, since: Timestamp, count_max: usize) -> Result<Vec<VaultStep>, StoreDown> {
        self.with(move |connection, secrets| {
            let which = "WHERE held IS NULL AND number = 1 AND at >= ? ORDER BY at, id LIMIT ?";
            steps(connection, secrets, which, params![since.as_microsecond(), count_max as i64])
        })
        .await
    }

    async fn outlived(&self, shown_before: Timestamp, after: Option<&PersonId>, count_max: usize) -> Result<Vec<PersonId>, StoreDown> {
        let after = after.map(PersonId::to_string).unwrap_or_default();
        self.with(move |connection, _| {
            let sql = format!("SELECT person FROM person_key WHERE {OUTLIVED} AND person > ?2 ORDER BY person LIMIT ?3");
            let row = params![outlived_before(shown_before).as_microsecond(), after, count_max as i64];
            connection.prepare_cached(&sql)?.query_map(row, |row| parsed(row.get(0)?))?.collect()
        })
        .await
    }

    async fn shred(&self, people: &[PersonId], shown_before: Timestamp) -> Result<Vec<PersonId>, StoreDown> {
        let people = people.to_vec();
        self.by(&self.durable, move |connection, _| {
            // What is destroyed is not to be found in the file any more.
            connection.pragma_update(None, "secure_delete", true)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = format!("DELETE FROM person_key WHERE {OUTLIVED} AND person = ?2");
            let mut gone = Vec::new();
            for person in people {
                let row = params![outlived_before(shown_before).as_microsecond(), person.as_str()];
                if transaction.prepare_cached(&sql)?.execute(row)? == 1 {
                    gone.push(person);
                }
            }
            transaction.commit()?;
            // Nor in the log beside it. Whoever reads meanwhile keeps it there until the next time.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(gone)
        })
        .await
    }
}
