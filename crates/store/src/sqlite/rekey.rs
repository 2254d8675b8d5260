//! Changing the master key of a file.

use async_trait::async_trait;
use exchange::StoreDown;
use people::EntryKey;
use record::{NhsNumber, PersonId};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::people::{SqliteStore, parsed};
use crate::columns::{self, Sealed, Unreadable};
use crate::rekey::{Others, Rekey, Resealed};
use crate::{Secrets, StoreError, named};

fn retire(connection: &mut Connection, secrets: &Secrets) -> rusqlite::Result<Vec<String>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known: Vec<(Vec<u8>, String)> = transaction
        .prepare("SELECT fingerprint, state FROM master_key")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    secrets.fit(&known).map_err(refused)?;
    transaction.execute("UPDATE master_key SET state = 'retired' WHERE fingerprint <> ? AND state = 'used'", [secrets.fingerprint()])?;
    transaction.commit()?;
    Ok(secrets.old_ids(&known))
}

fn refused(refused: StoreError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(refused))
}

fn reseal(connection: &mut Connection, secrets: &Secrets, after: &str, most: i64) -> rusqlite::Result<Resealed> {
    // What is written over is not to be found in the file any more.
    connection.pragma_update(None, "secure_delete", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let persons: Vec<(String, Sealed)> = transaction
        .prepare_cached("SELECT person, sealed, rest FROM person WHERE person > ? ORDER BY person LIMIT ?")?
        .query_map(params![after, most], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
        .collect::<Result<_, _>>()?;
    let mut changed = 0;
    for (id, sealed) in &persons {
        changed += person(&transaction, secrets, &parsed(id.clone())?, sealed)?;
    }
    transaction.commit()?;
    let last = persons.last().filter(|_| persons.len() as i64 == most);
    Ok(Resealed { changed, next: last.map(|(id, _)| parsed(id.clone())).transpose()? })
}

fn person(transaction: &Transaction<'_>, secrets: &Secrets, id: &PersonId, sealed: &Sealed) -> rusqlite::Result<usize> {
    let (anew, numbers) = columns::resealed_person(secrets, id, sealed.clone())?;
    let mut changed = 0;
    if let Some((sealed, rest)) = anew {
        let mut statement = transaction.prepare_cached("UPDATE person SET sealed = ?, rest = ? WHERE person = ?")?;
        changed += statement.execute(params![sealed, rest, id.as_str()])?;
    }
    for number in &numbers {
        changed += lead(transaction, secrets, id, number)?;
    }
    let sql = "SELECT sealed FROM person_key WHERE person = ?";
    let own: Option<Vec<u8>> = transaction.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0)).optional()?;
    if let Some(anew) = own.map(|own| secrets.resealed(&named::person_key(id), &own)).transpose()?.flatten() {
        let sql = "UPDATE person_key SET sealed = ? WHERE person = ?";
        changed += transaction.prepare_cached(sql)?.execute(params![anew, id.as_str()])?;
    }
    let entries: Vec<(String, String, Vec<u8>)> = transaction
        .prepare_cached("SELECT source, local_id, said FROM entry WHERE person = ?")?
        .query_map([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (source, local_id, said) in entries {
        let key = EntryKey { source: parsed(source)?, local_id };
        if let Some(anew) = secrets.resealed(&columns::entry_name(&key), &said)? {
            let sql = "UPDATE entry SET said = ? WHERE person = ? AND source = ? AND local_id = ?";
            changed += transaction.prepare_cached(sql)?.execute(params![anew, id.as_str(), key.source.as_str(), key.local_id])?;
        }
    }
    Ok(changed)
}

/// A number that leads to them under an old key does so under the new one, and under no other.
fn lead(transaction: &Transaction<'_>, secrets: &Secrets, id: &PersonId, number: &NhsNumber) -> rusqlite::Result<usize> {
    let mut led = 0;
    for old in secrets.old_pseudonyms(number) {
        let mut statement = transaction.prepare_cached("DELETE FROM number WHERE pseudonym = ? AND person = ?")?;
        led += statement.execute(params![old, id.as_str()])?;
    }
    if led > 0 {
        let mut statement = transaction.prepare_cached("INSERT OR IGNORE INTO number (pseudonym, person) VALUES (?, ?)")?;
        statement.execute(params![secrets.pseudonym(number), id.as_str()])?;
    }
    Ok(led)
}

fn reseal_others(connection: &mut Connection, secrets: &Secrets) -> rusqlite::Result<Others> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let rows: Vec<(Vec<u8>, Option<Vec<u8>>)> = transaction
        .prepare("SELECT pseudonym, sealed FROM cut_number")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut others = Others::default();
    for (pseudonym, sealed) in rows {
        let Some(sealed) = sealed else {
            others.unknown_cuts += 1;
            continue;
        };
        let number = secrets.unseal(&sealed).ok_or(Unreadable("cut_number.sealed"))?;
        if secrets.is_new(&sealed) && secrets.pseudonym(&number) == pseudonym {
            continue;
        }
        let anew = secrets.seal(&number).ok_or(Unreadable("cut_number.sealed"))?;
        transaction.execute("DELETE FROM cut_number WHERE pseudonym = ?", params![pseudonym])?;
        let sql = "INSERT OR REPLACE INTO cut_number (pseudonym, sealed) VALUES (?, ?)";
        transaction.execute(sql, params![secrets.pseudonym(&number), anew])?;
        others.changed += 1;
    }
    let notes: Vec<(String, String, Vec<u8>)> = transaction
        .prepare("SELECT task, id, note FROM privacy_review")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (task, id, note) in notes {
        if let Some(anew) = secrets.resealed(&named::note(&task, &id), &note)? {
            let sql = "UPDATE privacy_review SET note = ? WHERE task = ? AND id = ?";
            others.changed += transaction.prepare_cached(sql)?.execute(params![anew, task, id])?;
        }
    }
    let consents: Vec<(String, String, u32, Vec<u8>)> = transaction
        .prepare("SELECT person, id, version, body FROM consent")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    for (person, id, version, body) in consents {
        if let Some(anew) = secrets.resealed(&named::consent(&parsed(person.clone())?, &id, version), &body)? {
            let sql = "UPDATE consent SET body = ? WHERE person = ? AND id = ? AND version = ?";
            others.changed += transaction.prepare_cached(sql)?.execute(params![anew, person, id, version])?;
        }
    }
    transaction.commit()?;
    Ok(others)
}

#[async_trait]
impl Rekey for SqliteStore {
    async fn retire_keys(&self) -> Result<Vec<String>, StoreDown> {
        self.by(&self.durable, retire).await
    }

    async fn reseal(&self, after: Option<&PersonId>, persons_max: usize) -> Result<Resealed, StoreDown> {
        let (after, most) = (after.map(|id| id.as_str().to_owned()).unwrap_or_default(), persons_max as i64);
        self.by(&self.durable, move |connection, secrets| reseal(connection, secrets, &after, most)).await
    }

    async fn reseal_others(&self) -> Result<Others, StoreDown> {
        self.by(&self.durable, reseal_others).await
    }

    async fn forget_keys(&self) -> Result<(), StoreDown> {
        self.by(&self.durable, |connection, _| {
            connection.execute("UPDATE master_key SET state = 'gone' WHERE state = 'retired'", []).map(drop)
        })
        .await
    }
}
