//! What is kept for evidence in PostgreSQL, and the key of each person's own.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use exchange::{Evidence, Name, StoreDown, VaultStep};
use jiff::Timestamp;
use record::PersonId;
use tokio_postgres::Row;

use super::arrays::micros;
use super::door::{PostgresStore, Trouble, asked};
use super::people::parsed;
use super::schema::in_use;
use super::sql;
use crate::Secrets;
use crate::columns::Unreadable;
use crate::vault::{PersonKey, SHOWN_LAG, outlived_before, sealed};

/// Whoever destroys keys waits for those who write under one, and they for whoever does.
const VAULT: i64 = 0x0053_6576_6572_6e56;

/// The desk's, and the command's: nobody waits for them, and they look at everybody.
const STEPS: &str = "SELECT person, id, number, at, held, body FROM vault_step WHERE id = $1 ORDER BY number";
const OPENINGS: &str = "SELECT person, id, number, at, held, body FROM vault_step \
    WHERE held IS NULL AND number = 1 AND at >= $1 ORDER BY at, id LIMIT $2";

/// Whose evidence may be destroyed: the person's last word on it is not that it is held.
macro_rules! outlived {
    () => {
        "shown < $1 AND NOT coalesce((SELECT held FROM vault_step AS own WHERE own.person = person_key.person \
        AND own.id = person_key.person AND own.held IS NOT NULL ORDER BY number DESC LIMIT 1), false)"
    };
}
const OUTLIVED: &str = concat!("SELECT person FROM person_key WHERE ", outlived!(), " AND person > $2 ORDER BY person LIMIT $3");
const SHRED: &str = concat!("DELETE FROM person_key WHERE ", outlived!(), " AND person = ANY($2) RETURNING person");

async fn key_row(transaction: &Transaction<'_>, person: &PersonId) -> Result<Option<Vec<u8>>, Trouble> {
    let statement = transaction.prepare_cached(sql::PERSON_KEY).await?;
    Ok(transaction.query_opt(&statement, &[&person.as_str()]).await?.map(|row| row.get(0)))
}

/// The same, while nobody destroys it.
async fn key_row_held(transaction: &Transaction<'_>, person: &PersonId) -> Result<Option<Vec<u8>>, Trouble> {
    let statement = transaction.prepare_cached("SELECT pg_advisory_xact_lock_shared($1)").await?;
    transaction.execute(&statement, &[&VAULT]).await?;
    key_row(transaction, person).await
}

/// The person's key, from now on at least; none where there is no such person.
async fn own_key(
    transaction: &Transaction<'_>,
    secrets: &Secrets,
    person: &PersonId,
    at: Timestamp,
) -> Result<Option<(PersonKey, Vec<u8>)>, Trouble> {
    let unreadable = || Unreadable("person_key.sealed");
    if key_row_held(transaction, person).await?.is_none() {
        let used = in_use(transaction, secrets).await?;
        let (_, row) = PersonKey::fresh(&used, person).ok_or_else(unreadable)?;
        let statement = transaction.prepare_cached(sql::MAKE_PERSON_KEY).await?;
        transaction.execute(&statement, &[&person.as_str(), &row, &micros(at)]).await?;
    }
    // Of two who make one, the first did.
    let Some(row) = key_row(transaction, person).await? else { return Ok(None) };
    let statement = transaction.prepare_cached(sql::SHOWN).await?;
    let lag = at.checked_sub(SHOWN_LAG).unwrap_or(at);
    transaction.execute(&statement, &[&person.as_str(), &micros(at), &micros(lag)]).await?;
    Ok(Some((PersonKey::unsealed(secrets, person, &row).ok_or_else(unreadable)?, row)))
}

fn opened(secrets: &Secrets, person: &PersonId, row: Option<Vec<u8>>) -> Option<PersonKey> {
    PersonKey::unsealed(secrets, person, &row?)
}

impl PostgresStore {
    /// The person's key, and what is to lie where nothing lies yet.
    async fn new_evidence(
        &self,
        person: &PersonId,
        shown: &[(Name, Vec<u8>)],
        at: Timestamp,
    ) -> Result<(PersonKey, Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>), StoreDown> {
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            let own = own_key(&transaction, &self.secrets, person, at).await?;
            let (key, row) = own.ok_or_else(|| Trouble::Other("nobody is known by that id".to_owned()))?;
            let addresses: Vec<Vec<u8>> = shown.iter().map(|(name, _)| key.address(name)).collect();
            let statement = transaction.prepare_cached(sql::EVIDENCE_AMONG).await?;
            let there = transaction.query(&statement, &[&person.as_str(), &addresses]).await?;
            transaction.commit().await?;
            let there: HashSet<Vec<u8>> = there.iter().map(|row| row.get(0)).collect();
            let new = addresses.into_iter().zip(shown).filter(|(address, _)| !there.contains(address));
            Ok((key, row, new.map(|(address, (_, plain))| (address, plain.clone())).collect::<Vec<_>>()))
        })
    }

    async fn steps_of(&self, statement: &str, params: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> Result<Vec<VaultStep>, StoreDown> {
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            let statement = transaction.prepare_cached(statement).await?;
            let mut steps = Vec::new();
            for row in transaction.query(&statement, params).await? {
                steps.push(step(&transaction, &self.secrets, &row).await?);
            }
            Ok(steps)
        })
    }
}

async fn step(transaction: &Transaction<'_>, secrets: &Secrets, row: &Row) -> Result<VaultStep, Trouble> {
    let (person, id): (PersonId, String) = (parsed(row.get(0), "vault_step.person")?, row.get(1));
    let number = u32::try_from(row.get::<_, i64>(2)).map_err(|_| Unreadable("vault_step.number"))?;
    let key = opened(secrets, &person, key_row(transaction, &person).await?);
    let body = key.and_then(|key| key.open_step(&id, number, row.get(5))).unwrap_or_default();
    Ok(VaultStep { person, id, number, at: row.get(3), held: row.get(4), body })
}

#[async_trait]
impl Evidence for PostgresStore {
    async fn keep_evidence(&self, person: &PersonId, shown: Vec<(Name, Vec<u8>)>, at: Timestamp) -> Result<(), StoreDown> {
        let (key, was, new) = self.new_evidence(person, &shown, at).await?;
        if new.is_empty() {
            return Ok(());
        }
        let sealed = tokio::task::spawn_blocking(move || sealed(&key, new)).await;
        let sealed = sealed.ok().flatten().ok_or_else(|| StoreDown("sealing failed".to_owned()))?;
        let (addresses, sealed): (Vec<Vec<u8>>, Vec<Vec<u8>>) = sealed.into_iter().unzip();
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            // Whoever destroyed or replaced the key meanwhile comes first; it is tried again.
            if key_row_held(&transaction, person).await?.as_ref() != Some(&was) {
                return Err(Trouble::Other("the person's key is another now".to_owned()));
            }
            let statement = transaction.prepare_cached(sql::KEEP_EVIDENCE).await?;
            transaction.execute(&statement, &[&person.as_str(), &addresses, &sealed]).await?;
            Ok(transaction.commit().await?)
        })
    }

    async fn evidence(&self, person: &PersonId, names: &[Name]) -> Result<Vec<Option<Vec<u8>>>, StoreDown> {
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            let Some(key) = opened(&self.secrets, person, key_row(&transaction, person).await?) else {
                return Ok(vec![None; names.len()]);
            };
            let addresses: Vec<Vec<u8>> = names.iter().map(|name| key.address(name)).collect();
            let statement = transaction.prepare_cached(sql::EVIDENCE_OF).await?;
            let rows = transaction.query(&statement, &[&person.as_str(), &addresses]).await?;
            let there: HashMap<Vec<u8>, Vec<u8>> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
            Ok(addresses.iter().map(|address| key.open_evidence(address, there.get(address)?)).collect())
        })
    }

    async fn add_step(&self, added: &VaultStep) -> Result<bool, StoreDown> {
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            let Some((key, _)) = own_key(&transaction, &self.secrets, &added.person, added.at).await? else { return Ok(false) };
            let body = key.seal_step(&added.id, added.number, &added.body).ok_or(Unreadable("vault_step.body"))?;
            let number = i64::from(added.number);
            let statement = transaction.prepare_cached(sql::ADD_STEP).await?;
            // Two who add one at a time: the key lets in one.
            let row: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
                &[&added.person.as_str(), &added.id, &number, &micros(added.at), &added.held, &body];
            let new = transaction.execute(&statement, row).await?;
            let statement = transaction.prepare_cached(sql::STEP).await?;
            let there = transaction.query_opt(&statement, &[&added.person.as_str(), &added.id, &number]).await?;
            let same = match there {
                Some(row) => step(&transaction, &self.secrets, &row).await? == *added,
                None => false,
            };
            transaction.commit().await?;
            Ok(new == 1 || same)
        })
    }

    async fn steps(&self, id: &str) -> Result<Vec<VaultStep>, StoreDown> {
        self.steps_of(STEPS, &[&id]).await
    }

    async fn openings(&self, since: Timestamp, count_max: usize) -> Result<Vec<VaultStep>, StoreDown> {
        self.steps_of(OPENINGS, &[&micros(since), &(count_max as i64)]).await
    }

    async fn outlived(&self, shown_before: Timestamp, after: Option<&PersonId>, count_max: usize) -> Result<Vec<PersonId>, StoreDown> {
        let (before, after) = (micros(outlived_before(shown_before)), after.map(PersonId::as_str).unwrap_or_default());
        asked!(self, |client| {
            let statement = client.prepare_cached(OUTLIVED).await?;
            let rows = client.query(&statement, &[&before, &after, &(count_max as i64)]).await?;
            Ok(rows.iter().map(|row| parsed(row.get(0), "person_key.person")).collect::<Result<Vec<_>, _>>()?)
        })
    }

    async fn shred(&self, people: &[PersonId], shown_before: Timestamp) -> Result<Vec<PersonId>, StoreDown> {
        let (before, people): (_, Vec<&str>) = (micros(outlived_before(shown_before)), people.iter().map(PersonId::as_str).collect());
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            // What they wrote who came before is seen by what follows.
            transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&VAULT]).await?;
            let rows = transaction.query(SHRED, &[&before, &people]).await?;
            transaction.commit().await?;
            Ok(rows.iter().map(|row| parsed(row.get(0), "person_key.person")).collect::<Result<Vec<_>, _>>()?)
        })
    }
}
