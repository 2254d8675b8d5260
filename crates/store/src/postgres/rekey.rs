//! Changing the master key of PostgreSQL's store.

use std::collections::HashMap;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use exchange::StoreDown;
use people::EntryKey;
use record::PersonId;

use super::door::{PostgresStore, Trouble, asked};
use super::people::parsed;
use super::schema::KEYS;
use crate::columns::{self, Unreadable};
use crate::rekey::{Others, Rekey, Resealed};
use crate::{Secrets, named};

const PERSONS: &str = "SELECT person, sealed, rest FROM person WHERE person > $1 ORDER BY person LIMIT $2";
/// What was written meanwhile was sealed by the new key already, and stays.
const SEAL_PERSONS: &str = "UPDATE person SET sealed = anew.sealed, rest = anew.rest \
    FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[]) AS anew (person, sealed, rest, was_sealed, was_rest) \
    WHERE person.person = anew.person AND person.sealed IS NOT DISTINCT FROM anew.was_sealed \
    AND person.rest IS NOT DISTINCT FROM anew.was_rest";
const ENTRIES: &str = "SELECT person, source, local_id, said FROM entry WHERE person = ANY($1)";
const SEAL_ENTRIES: &str = "UPDATE entry SET said = anew.said \
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bytea[]) AS anew (person, source, local_id, said, was) \
    WHERE entry.person = anew.person AND entry.source = anew.source AND entry.local_id = anew.local_id AND entry.said = anew.was";
const LED: &str = "DELETE FROM number WHERE pseudonym = ANY($1) AND person = ANY($2) RETURNING pseudonym, person";
const LEAD: &str = "INSERT INTO number (pseudonym, person) SELECT * FROM unnest($1::bytea[], $2::text[]) ON CONFLICT DO NOTHING";

async fn retire(client: &mut deadpool_postgres::Client, secrets: &Secrets) -> Result<Vec<String>, Trouble> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&KEYS]).await?;
    let known = transaction.query("SELECT fingerprint, state FROM master_key", &[]).await?;
    let known: Vec<(Vec<u8>, String)> = known.iter().map(|row| (row.get(0), row.get(1))).collect();
    secrets.fit(&known).map_err(|refused| Trouble::Other(refused.to_string()))?;
    let sql = "UPDATE master_key SET state = 'retired' WHERE fingerprint <> $1 AND state = 'used'";
    transaction.execute(sql, &[&secrets.fingerprint()]).await?;
    transaction.commit().await?;
    Ok(secrets.old_ids(&known))
}

async fn reseal(client: &mut deadpool_postgres::Client, secrets: &Secrets, after: &str, most: i64) -> Result<Resealed, Trouble> {
    let transaction = client.transaction().await?;
    let statement = transaction.prepare_cached(PERSONS).await?;
    let rows = transaction.query(&statement, &[&after, &most]).await?;
    let (mut ids, mut anew, mut was) = (Vec::new(), Vec::new(), Vec::new());
    let mut old: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    for row in &rows {
        let id: PersonId = parsed(row.get(0), "person.person")?;
        let sealed: columns::Sealed = (row.get(1), row.get(2));
        let (own, numbers) = columns::resealed_person(secrets, &id, sealed.clone())?;
        for number in &numbers {
            let new = secrets.pseudonym(number);
            old.extend(secrets.old_pseudonyms(number).into_iter().map(|old| (old, new.clone())));
        }
        if let Some(own) = own {
            ids.push(id);
            anew.push(own);
            was.push(sealed);
        }
    }
    let persons: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    let ids: Vec<&str> = ids.iter().map(PersonId::as_str).collect();
    let ((sealed, rest), (was_sealed, was_rest)): ((Vec<_>, Vec<_>), (Vec<_>, Vec<_>)) =
        (anew.into_iter().unzip(), was.into_iter().unzip());
    let statement = transaction.prepare_cached(SEAL_PERSONS).await?;
    let mut changed = transaction.execute(&statement, &[&ids, &sealed, &rest, &was_sealed, &was_rest]).await? as usize;
    changed += lead(&transaction, &persons, &old).await?;
    changed += reseal_entries(&transaction, secrets, &persons).await?;
    changed += reseal_keys(&transaction, secrets, &persons).await?;
    transaction.commit().await?;
    let last = persons.last().filter(|_| persons.len() as i64 == most);
    Ok(Resealed { changed, next: last.map(|id| parsed(id, "person.person")).transpose()? })
}

/// Numbers that lead to these people under an old key do so under the new one, and under no other.
async fn lead(transaction: &Transaction<'_>, persons: &[&str], old: &HashMap<Vec<u8>, Vec<u8>>) -> Result<usize, Trouble> {
    let statement = transaction.prepare_cached(LED).await?;
    let pseudonyms: Vec<&[u8]> = old.keys().map(Vec::as_slice).collect();
    let led = transaction.query(&statement, &[&pseudonyms, &persons]).await?;
    let new = led.iter().map(|row| old.get(row.get::<_, &[u8]>(0)).map(Vec::as_slice)).collect::<Option<Vec<&[u8]>>>();
    let new = new.ok_or(Unreadable("number.pseudonym"))?;
    let whose: Vec<&str> = led.iter().map(|row| row.get(1)).collect();
    let statement = transaction.prepare_cached(LEAD).await?;
    transaction.execute(&statement, &[&new, &whose]).await?;
    Ok(led.len())
}

async fn reseal_entries(transaction: &Transaction<'_>, secrets: &Secrets, persons: &[&str]) -> Result<usize, Trouble> {
    let statement = transaction.prepare_cached(ENTRIES).await?;
    let rows = transaction.query(&statement, &[&persons]).await?;
    let (mut whose, mut sources, mut local_ids) = (Vec::<&str>::new(), Vec::<&str>::new(), Vec::<&str>::new());
    let (mut anew, mut was) = (Vec::new(), Vec::<&[u8]>::new());
    for row in &rows {
        let key = EntryKey { source: parsed(row.get(1), "entry.source")?, local_id: row.get(2) };
        if let Some(said) = secrets.resealed(&columns::entry_name(&key), row.get(3))? {
            whose.push(row.get(0));
            sources.push(row.get(1));
            local_ids.push(row.get(2));
            anew.push(said);
            was.push(row.get(3));
        }
    }
    let statement = transaction.prepare_cached(SEAL_ENTRIES).await?;
    Ok(transaction.execute(&statement, &[&whose, &sources, &local_ids, &anew, &was]).await? as usize)
}

/// People's own keys, under which what is kept of them for evidence stays sealed as it is.
async fn reseal_keys(transaction: &Transaction<'_>, secrets: &Secrets, persons: &[&str]) -> Result<usize, Trouble> {
    let statement = transaction.prepare_cached("SELECT person, sealed FROM person_key WHERE person = ANY($1)").await?;
    let rows = transaction.query(&statement, &[&persons]).await?;
    let (mut whose, mut anew, mut was) = (Vec::<&str>::new(), Vec::new(), Vec::<&[u8]>::new());
    for row in &rows {
        let id: PersonId = parsed(row.get(0), "person_key.person")?;
        if let Some(sealed) = secrets.resealed(&named::person_key(&id), row.get(1))? {
            whose.push(row.get(0));
            anew.push(sealed);
            was.push(row.get(1));
        }
    }
    let sql = "UPDATE person_key SET sealed = anew.sealed FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS anew (person, sealed, was) \
        WHERE person_key.person = anew.person AND person_key.sealed = anew.was";
    let statement = transaction.prepare_cached(sql).await?;
    Ok(transaction.execute(&statement, &[&whose, &anew, &was]).await? as usize)
}

async fn reseal_others(client: &mut deadpool_postgres::Client, secrets: &Secrets) -> Result<Others, Trouble> {
    let transaction = client.transaction().await?;
    let mut others = Others::default();
    for row in transaction.query("SELECT pseudonym, sealed FROM cut_number", &[]).await? {
        let (pseudonym, sealed): (&[u8], Option<&[u8]>) = (row.get(0), row.get(1));
        let Some(sealed) = sealed else {
            others.unknown_cuts += 1;
            continue;
        };
        let number = secrets.unseal(sealed).ok_or(Unreadable("cut_number.sealed"))?;
        if secrets.is_new(sealed) && secrets.pseudonym(&number) == pseudonym {
            continue;
        }
        let anew = secrets.seal(&number).ok_or(Unreadable("cut_number.sealed"))?;
        transaction.execute("DELETE FROM cut_number WHERE pseudonym = $1", &[&pseudonym]).await?;
        let sql =
            "INSERT INTO cut_number (pseudonym, sealed) VALUES ($1, $2) ON CONFLICT (pseudonym) DO UPDATE SET sealed = excluded.sealed";
        transaction.execute(sql, &[&secrets.pseudonym(&number), &anew]).await?;
        others.changed += 1;
    }
    for row in transaction.query("SELECT task, id, note FROM privacy_review", &[]).await? {
        let (task, id): (&str, &str) = (row.get(0), row.get(1));
        if let Some(anew) = secrets.resealed(&named::note(task, id), row.get(2))? {
            let sql = "UPDATE privacy_review SET note = $3 WHERE task = $1 AND id = $2";
            others.changed += transaction.execute(sql, &[&task, &id, &anew]).await? as usize;
        }
    }
    for row in transaction.query("SELECT person, id, version, body FROM consent", &[]).await? {
        let (person, id, version): (&str, &str, i64) = (row.get(0), row.get(1), row.get(2));
        let own: PersonId = parsed(person, "consent.person")?;
        let name = named::consent(&own, id, u32::try_from(version).map_err(|_| Unreadable("consent.version"))?);
        if let Some(anew) = secrets.resealed(&name, row.get(3))? {
            let sql = "UPDATE consent SET body = $4 WHERE person = $1 AND id = $2 AND version = $3";
            others.changed += transaction.execute(sql, &[&person, &id, &version, &anew]).await? as usize;
        }
    }
    transaction.commit().await?;
    Ok(others)
}

#[async_trait]
impl Rekey for PostgresStore {
    async fn retire_keys(&self) -> Result<Vec<String>, StoreDown> {
        asked!(self, |client| retire(client, &self.secrets).await)
    }

    async fn reseal(&self, after: Option<&PersonId>, persons_max: usize) -> Result<Resealed, StoreDown> {
        let (after, most) = (after.map(PersonId::as_str).unwrap_or_default(), i64::try_from(persons_max).unwrap_or(i64::MAX));
        asked!(self, |client| reseal(client, &self.secrets, after, most).await)
    }

    async fn reseal_others(&self) -> Result<Others, StoreDown> {
        asked!(self, |client| reseal_others(client, &self.secrets).await)
    }

    async fn forget_keys(&self) -> Result<(), StoreDown> {
        asked!(self, |client| Ok(client.execute("UPDATE master_key SET state = 'gone' WHERE state = 'retired'", &[]).await.map(drop)?))
    }
}
