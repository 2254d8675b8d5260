//! The register of persons in PostgreSQL: writing a batch in one transaction, many rows by one statement.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deadpool_postgres::{GenericClient, Transaction};
use exchange::StoreDown;
use jiff::Timestamp;
use people::{EntryKey, Event, Person, Position, Task};
use record::{NhsNumber, OdsCode, PersonId};
use tokio_postgres::Row;

use super::arrays::micros;
use super::door::{PostgresStore, Trouble, asked};
use super::schema::in_use;
use super::sql;
use crate::Secrets;
use crate::batch::Batch;
use crate::columns::{self, Unreadable};
use crate::secrets::InUse;

/// One batch at a time: it reads where entries are before it moves them. Any number that nobody else uses.
const LOCK: i64 = 0x7065_6f70_6c65;

/// A place in the course is remembered for so long: whoever was away longer reads everything. And for longer than anybody tries to write
/// a batch again.
const FORGET_BATCHES: &str = "DELETE FROM batch WHERE at < now() - interval '30 days' AND position < (SELECT max(position) FROM batch)";

impl PostgresStore {
    /// All or nothing, and once: where the word of a commit was lost, the next try finds the batch's id. Nothing is written where somebody
    /// was faster: none.
    pub(super) async fn write(&self, batch: &Batch, at: Option<Position>) -> Result<Option<Position>, StoreDown> {
        let id = uuid::Uuid::new_v4();
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
            if let Some(batches) = place_of(&transaction, id).await? {
                return Ok(Some(Position { batches, last: id }));
            }
            let now = position(&transaction).await?;
            if at.is_some_and(|at| at != now) || at.is_some() && is_taken(&transaction, &self.secrets, batch).await? {
                return Ok(None);
            }
            let next = Position { batches: now.batches + 1, last: id };
            remember(&transaction, next).await?;
            let secrets = in_use(&transaction, &self.secrets).await?;
            write(&transaction, &secrets, batch, columns::place(next)?).await?;
            transaction.commit().await?;
            Ok(Some(next))
        })
    }
}

/// Where the register is.
pub(super) async fn position(client: &impl GenericClient) -> Result<Position, Trouble> {
    let statement = client.prepare_cached("SELECT position, id::text FROM batch ORDER BY position DESC LIMIT 1").await?;
    let Some(row) = client.query_opt(&statement, &[]).await? else { return Ok(Position::default()) };
    Ok(Position { batches: row.get::<_, i64>(0).unsigned_abs(), last: columns::batch_id(row.get(1))? })
}

async fn place_of(transaction: &Transaction<'_>, id: uuid::Uuid) -> Result<Option<u64>, Trouble> {
    let statement = transaction.prepare_cached("SELECT position FROM batch WHERE id = $1::text::uuid").await?;
    let row = transaction.query_opt(&statement, &[&id.to_string()]).await?;
    Ok(row.map(|row| row.get::<_, i64>(0).unsigned_abs()))
}

async fn remember(transaction: &Transaction<'_>, position: Position) -> Result<(), Trouble> {
    let statement = transaction.prepare_cached("INSERT INTO batch (position, id, at) VALUES ($1, $2::text::uuid, now())").await?;
    transaction.execute(&statement, &[&columns::place(position)?, &position.last.to_string()]).await?;
    let statement = transaction.prepare_cached(FORGET_BATCHES).await?;
    transaction.execute(&statement, &[]).await?;
    Ok(())
}

/// Whether a number of the batch is somebody's whom the batch does not write: a question made a person of it meanwhile.
async fn is_taken(transaction: &Transaction<'_>, secrets: &Secrets, batch: &Batch) -> Result<bool, Trouble> {
    let pseudonyms: Vec<Vec<u8>> = batch.numbers().flat_map(|number| secrets.pseudonyms(number)).collect();
    if pseudonyms.is_empty() {
        return Ok(false);
    }
    let statement = transaction.prepare_cached(sql::TAKEN).await?;
    let owners = transaction.query(&statement, &[&pseudonyms]).await?;
    let written = batch.written();
    Ok(owners.iter().any(|row| !written.contains(row.get::<_, &str>(0))))
}

async fn write(transaction: &Transaction<'_>, secrets: &InUse<'_>, batch: &Batch, place: i64) -> Result<(), Trouble> {
    let mut changed = batch.persons_named();
    write_persons(transaction, secrets, &batch.persons, place).await?;
    changed.extend(write_entries(transaction, secrets, batch, place).await?);
    for (person, one, other, apart) in &batch.apart {
        set_apart(transaction, person, one, other, *apart).await?;
    }
    write_tasks(transaction, &batch.tasks).await?;
    add_events(transaction, &batch.events).await?;
    if !batch.cuts.is_empty() {
        let (mut cut, mut sealed) = (Vec::new(), Vec::new());
        for number in &batch.cuts {
            for pseudonym in secrets.leads(number) {
                cut.push(pseudonym);
                sealed.push(secrets.seal(number).ok_or(Unreadable("cut_number.sealed"))?);
            }
        }
        let statement = transaction.prepare_cached(sql::CUT).await?;
        transaction.execute(&statement, &[&cut, &sealed]).await?;
    }
    for (person, number) in &batch.purges {
        purge(transaction, secrets, person, number).await?;
    }
    for (file, rows) in &batch.loaded {
        let rows = i64::try_from(*rows).map_err(|_| Unreadable("loaded.rows"))?;
        let sql = "INSERT INTO loaded (file, rows) VALUES ($1, $2) ON CONFLICT (file) DO UPDATE SET rows = excluded.rows";
        let statement = transaction.prepare_cached(sql).await?;
        transaction.execute(&statement, &[file, &rows]).await?;
    }
    let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
    let statement = transaction.prepare_cached(sql::MARK).await?;
    transaction.execute(&statement, &[&changed, &place]).await?;
    Ok(())
}

async fn write_persons(transaction: &Transaction<'_>, secrets: &InUse<'_>, persons: &[Person], place: i64) -> Result<(), Trouble> {
    if persons.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = persons.iter().map(|person| person.id.as_str()).collect();
    let by_id: HashMap<&str, &Person> = persons.iter().map(|person| (person.id.as_str(), person)).collect();
    let statement = transaction.prepare_cached(sql::SEALED).await?;
    let mut gone: (Vec<Vec<u8>>, Vec<&str>) = Default::default();
    for row in transaction.query(&statement, &[&ids]).await? {
        let Some(person) = by_id.get(row.get::<_, &str>(0)) else { continue };
        for number in columns::let_go(secrets, person, (row.get(1), row.get(2)))? {
            gone.0.extend(secrets.pseudonyms(&number));
            gone.1.push(person.id.as_str());
        }
    }
    if !gone.0.is_empty() {
        // It may let go of a number for each person of the batch that leads to any of them: those that stay are led again below.
        let statement = transaction.prepare_cached(sql::LET_GO).await?;
        transaction.execute(&statement, &[&gone.0, &gone.1]).await?;
    }
    let (mut sealed, mut rest) = (Vec::with_capacity(persons.len()), Vec::with_capacity(persons.len()));
    // Of two who have one number, the later in the batch.
    let mut leads: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
    for person in persons {
        let columns = columns::seal_person(secrets, person)?;
        sealed.push(columns.0);
        rest.push(columns.1);
        for number in person.superseded.iter().chain(&person.number) {
            for pseudonym in secrets.leads(number) {
                leads.insert(pseudonym, person.id.as_str());
            }
        }
    }
    let restricted: Vec<bool> = persons.iter().map(|person| person.restricted).collect();
    let investigated: Vec<bool> = persons.iter().map(|person| person.investigated).collect();
    let statement = transaction.prepare_cached(sql::WRITE_PERSONS).await?;
    transaction.execute(&statement, &[&ids, &sealed, &rest, &restricted, &investigated, &place]).await?;
    let (pseudonyms, whose): (Vec<Vec<u8>>, Vec<&str>) = leads.into_iter().unzip();
    let statement = transaction.prepare_cached(sql::LEAD_NUMBERS).await?;
    transaction.execute(&statement, &[&pseudonyms, &whose]).await?;
    Ok(())
}

/// Whose these entries are.
async fn homes(transaction: &Transaction<'_>, keys: impl Iterator<Item = &EntryKey>) -> Result<HashMap<(String, String), String>, Trouble> {
    let (mut sources, mut ids) = (BTreeSet::new(), Vec::new());
    for key in keys {
        sources.insert(key.source.as_str());
        ids.push(key.local_id.as_str());
    }
    let sources: Vec<&str> = sources.into_iter().collect();
    let statement = transaction.prepare_cached(sql::HOMES).await?;
    let rows = transaction.query(&statement, &[&ids, &sources]).await?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect())
}

fn name(key: &EntryKey) -> (String, String) {
    (key.source.to_string(), key.local_id.clone())
}

/// Writes entries; returns the persons whom they left.
async fn write_entries(transaction: &Transaction<'_>, secrets: &Secrets, batch: &Batch, place: i64) -> Result<Vec<String>, Trouble> {
    if batch.entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut left = Vec::new();
    let homes = homes(transaction, batch.entries.iter().map(|(_, entry)| &entry.key)).await?;
    let mut led: (Vec<&str>, Vec<&str>, Vec<&str>) = Default::default();
    for (person, entry) in &batch.entries {
        let from = homes.get(&name(&entry.key));
        if from.is_some_and(|from| from == person.as_str()) {
            continue;
        }
        if let Some(from) = from {
            leave(transaction, from, person, &entry.key).await?;
            left.push(from.clone());
        }
        led.0.push(person.as_str());
        led.1.push(entry.key.source.as_str());
        led.2.push(&entry.key.local_id);
    }
    let made: BTreeSet<&str> = led.0.iter().copied().collect();
    let made: Vec<&str> = made.into_iter().collect();
    let statement = transaction.prepare_cached(sql::MAKE_PERSONS).await?;
    transaction.execute(&statement, &[&made, &place]).await?;
    let entries = || batch.entries.iter().map(|(_, entry)| entry);
    let persons: Vec<&str> = batch.entries.iter().map(|(person, _)| person.as_str()).collect();
    let sources: Vec<&str> = entries().map(|entry| entry.key.source.as_str()).collect();
    let ids: Vec<&str> = entries().map(|entry| entry.key.local_id.as_str()).collect();
    let providers: Vec<Option<&str>> = entries().map(|entry| entry.provider.as_ref().map(OdsCode::as_str)).collect();
    let restricted: Vec<bool> = entries().map(|entry| entry.restricted).collect();
    let seen: Vec<Timestamp> = entries().map(|entry| micros(entry.seen)).collect();
    let said = entries().map(|entry| columns::seal_entry(secrets, entry)).collect::<Result<Vec<_>, _>>()?;
    let statement = transaction.prepare_cached(sql::WRITE_ENTRIES).await?;
    transaction.execute(&statement, &[&persons, &sources, &ids, &providers, &restricted, &seen, &said]).await?;
    let statement = transaction.prepare_cached(sql::LEAD_ENTRIES).await?;
    transaction.execute(&statement, &[&led.0, &led.1, &led.2]).await?;
    Ok(left)
}

/// An entry leaves a person. What it is apart from stays so wherever it goes.
async fn leave(transaction: &Transaction<'_>, from: &str, to: &PersonId, key: &EntryKey) -> Result<(), Trouble> {
    let statement = transaction.prepare_cached(sql::DROP_ENTRY).await?;
    transaction.execute(&statement, &[&from, &key.source.as_str(), &key.local_id]).await?;
    let statement = transaction.prepare_cached(sql::DROP_APARTS).await?;
    let others = transaction.query(&statement, &[&from, &key.source.as_str(), &key.local_id]).await?;
    let statement = transaction.prepare_cached(sql::SET_APART).await?;
    for other in &others {
        let (source, local_id): (&str, &str) = (other.get(0), other.get(1));
        transaction.execute(&statement, &[&to.as_str(), &key.source.as_str(), &key.local_id, &source, &local_id]).await?;
    }
    forget_there(transaction, (from, to.as_str()), key.source.as_str()).await
}

/// An entry went from one person to another: what their records had of its source is not known to be theirs any more. Either is asked
/// of it anew, and no id that was met there leads to the first.
async fn forget_there(transaction: &Transaction<'_>, (from, to): (&str, &str), source: &str) -> Result<(), Trouble> {
    for sql in [sql::FORGET_LOCATED_THERE, sql::FORGET_TIES_THERE] {
        let statement = transaction.prepare_cached(sql).await?;
        transaction.execute(&statement, &[&from, &source]).await?;
        transaction.execute(&statement, &[&to, &source]).await?;
    }
    let statement = transaction.prepare_cached(sql::FORGET_IDS_THERE).await?;
    let ids = transaction.query(&statement, &[&from, &source]).await?;
    forget_homes_of(transaction, from, &ids).await?;
    // Whoever remembers that they are kept does not believe it any more.
    let statement = transaction.prepare_cached(sql::COUNT_PURGE).await?;
    transaction.execute(&statement, &[&from]).await?;
    Ok(())
}

/// Ids that were met in a person's record lead to them no more.
async fn forget_homes_of(transaction: &Transaction<'_>, person: &str, ids: &[Row]) -> Result<(), Trouble> {
    let ids: Vec<String> = ids.iter().map(|row| row.get(1)).collect();
    let statement = transaction.prepare_cached(sql::FORGET_HOMES_OF_IDS).await?;
    transaction.execute(&statement, &[&ids, &person]).await?;
    Ok(())
}

/// Either is apart from the other, each under its own person.
async fn set_apart(transaction: &Transaction<'_>, person: &PersonId, one: &EntryKey, other: &EntryKey, apart: bool) -> Result<(), Trouble> {
    let homes = homes(transaction, [one, other].into_iter()).await?;
    let statement = transaction.prepare_cached(if apart { sql::SET_APART } else { sql::SET_TOGETHER }).await?;
    let own = homes.get(&name(one)).map_or(person.as_str(), String::as_str);
    transaction.execute(&statement, &[&own, &one.source.as_str(), &one.local_id, &other.source.as_str(), &other.local_id]).await?;
    if let Some(whose) = homes.get(&name(other)) {
        transaction.execute(&statement, &[whose, &other.source.as_str(), &other.local_id, &one.source.as_str(), &one.local_id]).await?;
    }
    Ok(())
}

async fn write_tasks(transaction: &Transaction<'_>, tasks: &[Task]) -> Result<(), Trouble> {
    if tasks.is_empty() {
        return Ok(());
    }
    let (ids, persons): (Vec<&str>, Vec<&str>) = tasks.iter().map(|task| (task.id.0.as_str(), task.person.as_str())).unzip();
    let statement = transaction.prepare_cached(sql::HOMES_OF_TASKS).await?;
    let homes = transaction.query(&statement, &[&ids]).await?;
    let homes: HashMap<&str, &str> = homes.iter().map(|row| (row.get(0), row.get(1))).collect();
    let (drop_task, write_task) = (transaction.prepare_cached(sql::DROP_TASK).await?, transaction.prepare_cached(sql::WRITE_TASK).await?);
    for task in tasks {
        // One doubt is one task, though its entry may have gone to another person.
        if let Some(from) = homes.get(task.id.0.as_str()).filter(|from| **from != task.person.as_str()) {
            transaction.execute(&drop_task, &[from, &task.id.0]).await?;
        }
        let other = (task.other.as_ref().map(|key| key.source.as_str()), task.other.as_ref().map(|key| key.local_id.as_str()));
        let decided = task.decided.as_ref();
        let outcome = decided.map(|(outcome, ..)| columns::outcome_text(*outcome));
        let (at, author) = (decided.map(|(_, at, ..)| micros(*at)), decided.map(|(_, _, author, _)| columns::author_text(author)));
        let why = decided.map(|(.., why)| why.as_str());
        let (person, source, doubt) = (task.person.as_str(), task.entry.source.as_str(), columns::doubt_text(task.doubt));
        let (id, local_id, raised) = (&task.id.0, &task.entry.local_id, micros(task.raised));
        transaction
            .execute(&write_task, &[&person, id, &source, local_id, &other.0, &other.1, &doubt, &raised, &outcome, &at, &author, &why])
            .await?;
    }
    let statement = transaction.prepare_cached(sql::LEAD_TASKS).await?;
    transaction.execute(&statement, &[&ids, &persons]).await?;
    Ok(())
}

async fn add_events(transaction: &Transaction<'_>, events: &[Event]) -> Result<(), Trouble> {
    if events.is_empty() {
        return Ok(());
    }
    let persons: Vec<&str> = events.iter().map(|event| event.person.as_str()).collect();
    let at: Vec<Timestamp> = events.iter().map(|event| micros(event.at)).collect();
    let authors: Vec<String> = events.iter().map(|event| columns::author_text(&event.author)).collect();
    let deeds = events.iter().map(|event| columns::deed_text(&event.deed)).collect::<Result<Vec<_>, _>>()?;
    let reasons: Vec<&str> = events.iter().map(|event| event.reason.as_str()).collect();
    let statement = transaction.prepare_cached(sql::ADD_EVENTS).await?;
    transaction.execute(&statement, &[&persons, &at, &authors, &deeds, &reasons]).await?;
    Ok(())
}

/// Nothing is left that joins the number with the person; what was read of them by it goes with it.
async fn purge(transaction: &Transaction<'_>, secrets: &Secrets, person: &PersonId, number: &NhsNumber) -> Result<(), Trouble> {
    let id = person.as_str();
    let statement = transaction.prepare_cached(sql::FORGET_NUMBER).await?;
    transaction.execute(&statement, &[&secrets.pseudonyms(number), &id]).await?;
    for sql in [sql::FORGET_LOCATED, sql::FORGET_CLAIMS, sql::END_EMERGENCIES, sql::FORGET_PLANS, sql::FORGET_TIES] {
        let statement = transaction.prepare_cached(sql).await?;
        transaction.execute(&statement, &[&id]).await?;
    }
    let statement = transaction.prepare_cached(sql::FORGET_IDS).await?;
    let ids = transaction.query(&statement, &[&id]).await?;
    forget_homes_of(transaction, id, &ids).await?;
    let statement = transaction.prepare_cached(sql::SEALED).await?;
    for row in transaction.query(&statement, &[&[id].as_slice()]).await? {
        let (sealed, rest) = columns::without(secrets, person, number, (row.get(1), row.get(2)))?;
        let statement = transaction.prepare_cached(sql::WRITE_SEALED).await?;
        transaction.execute(&statement, &[&id, &sealed, &rest]).await?;
    }
    Ok(())
}
