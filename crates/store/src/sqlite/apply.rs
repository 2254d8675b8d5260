//! The register of persons in SQLite: writing a batch in one transaction.

use std::collections::BTreeSet;

use people::{Entry, EntryKey, Event, Person, Position, Task};
use record::{NhsNumber, PersonId};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::people::led;
use super::schema::in_use;
use crate::Secrets;
use crate::batch::Batch;
use crate::columns::{self, Sealed, Unreadable};
use crate::secrets::InUse;

/// A place in the course is remembered for so many days: whoever was away longer reads everything.
const FORGET_BATCHES: &str = "DELETE FROM batch WHERE at < unixepoch() - 30 * 86400 AND position < (SELECT max(position) FROM batch)";

/// All or nothing; synced when it returns. Nothing is written where somebody was faster: none.
pub(super) fn apply(
    connection: &mut Connection,
    secrets: &Secrets,
    batch: &Batch,
    at: Option<Position>,
) -> rusqlite::Result<Option<Position>> {
    // It reads before it writes: the lock to write is taken first, so that nobody writes between.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let now = position(&transaction)?;
    if at.is_some_and(|at| at != now) || at.is_some() && is_taken(&transaction, secrets, batch)? {
        return Ok(None);
    }
    let secrets = &in_use(&transaction, secrets)?;
    let next = Position { batches: now.batches + 1, last: uuid::Uuid::new_v4() };
    let mut changed = batch.persons_named();
    for (_, entry) in &batch.entries {
        changed.extend(home(&transaction, &entry.key)?);
    }
    batch.persons.iter().try_for_each(|person| let_go(&transaction, secrets, person))?;
    batch.persons.iter().try_for_each(|person| write_person(&transaction, secrets, person))?;
    batch.entries.iter().try_for_each(|(person, entry)| put(&transaction, secrets, person, entry))?;
    batch.apart.iter().try_for_each(|(person, one, other, apart)| set_apart(&transaction, person, one, other, *apart))?;
    batch.tasks.iter().try_for_each(|task| write_task(&transaction, task))?;
    batch.events.iter().try_for_each(|event| add_event(&transaction, event))?;
    for number in &batch.cuts {
        let sealed = secrets.seal(number).ok_or(Unreadable("cut_number.sealed"))?;
        let mut statement = transaction.prepare_cached("INSERT OR IGNORE INTO cut_number (pseudonym, sealed) VALUES (?, ?)")?;
        for pseudonym in secrets.leads(number) {
            statement.execute(params![pseudonym, sealed])?;
        }
    }
    batch.purges.iter().try_for_each(|(person, number)| purge(&transaction, secrets, person, number))?;
    for (file, rows) in &batch.loaded {
        let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO loaded (file, rows) VALUES (?, ?)")?;
        statement.execute(params![file, i64::try_from(*rows).map_err(|_| Unreadable("loaded.rows"))?])?;
    }
    mark(&transaction, next, &changed)?;
    transaction.commit()?;
    Ok(Some(next))
}

/// Where the register is.
pub(super) fn position(connection: &Connection) -> rusqlite::Result<Position> {
    let mut statement = connection.prepare_cached("SELECT position, id FROM batch ORDER BY position DESC LIMIT 1")?;
    let last = statement.query_row([], |row| {
        Ok(Position { batches: row.get::<_, i64>(0)?.unsigned_abs(), last: columns::batch_id(&row.get::<_, String>(1)?)? })
    });
    Ok(last.optional()?.unwrap_or_default())
}

/// Whether a number of the batch is somebody's whom the batch does not write: a question made a person of it meanwhile.
fn is_taken(transaction: &Transaction<'_>, secrets: &Secrets, batch: &Batch) -> rusqlite::Result<bool> {
    let written = batch.written();
    for number in batch.numbers() {
        let owner = led(transaction, secrets, number)?;
        if owner.is_some_and(|owner| !written.contains(owner.as_str())) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Remembers the batch, and of whom it changed anything.
fn mark(transaction: &Transaction<'_>, position: Position, changed: &BTreeSet<String>) -> rusqlite::Result<()> {
    let place = columns::place(position)?;
    let mut statement = transaction.prepare_cached("INSERT INTO batch (position, id, at) VALUES (?, ?, unixepoch())")?;
    statement.execute(params![place, position.last.to_string()])?;
    transaction.prepare_cached(FORGET_BATCHES)?.execute([])?;
    let mut statement = transaction.prepare_cached("UPDATE person SET changed = ? WHERE person = ?")?;
    changed.iter().try_for_each(|person| statement.execute(params![place, person]).map(drop))
}

/// Numbers that a person no longer has lead to them no more.
fn let_go(transaction: &Transaction<'_>, secrets: &Secrets, person: &Person) -> rusqlite::Result<()> {
    let Some(sealed) = sealed(transaction, &person.id)? else { return Ok(()) };
    for number in columns::let_go(secrets, person, sealed)? {
        forget_number(transaction, secrets, &person.id, &number)?;
    }
    Ok(())
}

/// Under every key.
fn forget_number(transaction: &Transaction<'_>, secrets: &Secrets, person: &PersonId, number: &NhsNumber) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached("DELETE FROM number WHERE pseudonym = ? AND person = ?")?;
    let mut pseudonyms = secrets.pseudonyms(number).into_iter();
    pseudonyms.try_for_each(|pseudonym| statement.execute(params![pseudonym, person.as_str()]).map(drop))
}

fn sealed(transaction: &Transaction<'_>, person: &PersonId) -> rusqlite::Result<Option<Sealed>> {
    let mut statement = transaction.prepare_cached("SELECT sealed, rest FROM person WHERE person = ?")?;
    statement.query_row(params![person.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn write_person(transaction: &Transaction<'_>, secrets: &InUse<'_>, person: &Person) -> rusqlite::Result<()> {
    let (sealed, rest) = columns::seal_person(secrets, person)?;
    let sql = "INSERT INTO person (person, sealed, rest, restricted, investigated) VALUES (?1, ?2, ?3, ?4, ?5) \
        ON CONFLICT (person) DO UPDATE SET sealed = ?2, rest = ?3, restricted = ?4, investigated = ?5";
    let mut statement = transaction.prepare_cached(sql)?;
    statement.execute(params![person.id.as_str(), sealed, rest, person.restricted, person.investigated])?;
    for number in person.superseded.iter().chain(&person.number) {
        let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO number (pseudonym, person) VALUES (?, ?)")?;
        for pseudonym in secrets.leads(number) {
            statement.execute(params![pseudonym, person.id.as_str()])?;
        }
    }
    Ok(())
}

fn home(transaction: &Transaction<'_>, key: &EntryKey) -> rusqlite::Result<Option<String>> {
    let mut statement = transaction.prepare_cached("SELECT person FROM home WHERE source = ? AND local_id = ?")?;
    statement.query_row(params![key.source.as_str(), key.local_id], |row| row.get(0)).optional()
}

fn put(transaction: &Transaction<'_>, secrets: &Secrets, person: &PersonId, entry: &Entry) -> rusqlite::Result<()> {
    let (source, local_id) = (entry.key.source.as_str(), entry.key.local_id.as_str());
    let from = home(transaction, &entry.key)?;
    if from.as_deref() != Some(person.as_str()) {
        transaction.prepare_cached("INSERT OR IGNORE INTO person (person) VALUES (?)")?.execute(params![person.as_str()])?;
        let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO home (source, local_id, person) VALUES (?, ?, ?)")?;
        statement.execute(params![source, local_id, person.as_str()])?;
    }
    if let Some(from) = from.filter(|from| from != person.as_str()) {
        let mut statement = transaction.prepare_cached("DELETE FROM entry WHERE person = ? AND source = ? AND local_id = ?")?;
        statement.execute(params![from, source, local_id])?;
        // What it is apart from stays so wherever it goes.
        let sql = "UPDATE apart SET person = ? WHERE person = ? AND source = ? AND local_id = ?";
        transaction.prepare_cached(sql)?.execute(params![person.as_str(), from, source, local_id])?;
        forget_there(transaction, (&from, person.as_str()), source)?;
    }
    let sql = "INSERT OR REPLACE INTO entry (person, source, local_id, provider, restricted, seen, said) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let said = columns::seal_entry(secrets, entry)?;
    let provider = entry.provider.as_ref().map(record::OdsCode::as_str);
    let row = params![person.as_str(), source, local_id, provider, entry.restricted, entry.seen.as_microsecond(), said];
    transaction.prepare_cached(sql)?.execute(row).map(drop)
}

/// An entry went from one person to another: what their records had of its source is not known to be theirs any more. Either is asked
/// of it anew, and no id that was met there leads to the first.
fn forget_there(transaction: &Transaction<'_>, (from, to): (&str, &str), source: &str) -> rusqlite::Result<()> {
    for table in ["located", "tie"] {
        let mut statement = transaction.prepare_cached(&format!("DELETE FROM {table} WHERE person = ? AND source = ?"))?;
        statement.execute(params![from, source])?;
        statement.execute(params![to, source])?;
    }
    let mut statement = transaction.prepare_cached("DELETE FROM minted WHERE person = ? AND source = ?")?;
    statement.execute(params![from, source])?;
    // Whoever remembers that they are kept does not believe it any more.
    transaction.prepare_cached("UPDATE person SET purges = purges + 1 WHERE person = ?")?.execute(params![from]).map(drop)
}

/// Either is apart from the other, each under its own person.
fn set_apart(transaction: &Transaction<'_>, person: &PersonId, one: &EntryKey, other: &EntryKey, apart: bool) -> rusqlite::Result<()> {
    let sql = match apart {
        true => "INSERT OR IGNORE INTO apart (person, source, local_id, other_source, other_local_id) VALUES (?, ?, ?, ?, ?)",
        false => "DELETE FROM apart WHERE person = ? AND source = ? AND local_id = ? AND other_source = ? AND other_local_id = ?",
    };
    let own = home(transaction, one)?.unwrap_or_else(|| person.as_str().to_owned());
    let mut statement = transaction.prepare_cached(sql)?;
    statement.execute(params![own, one.source.as_str(), one.local_id, other.source.as_str(), other.local_id])?;
    if let Some(whose) = home(transaction, other)? {
        statement.execute(params![whose, other.source.as_str(), other.local_id, one.source.as_str(), one.local_id])?;
    }
    Ok(())
}

fn write_task(transaction: &Transaction<'_>, task: &Task) -> rusqlite::Result<()> {
    // One doubt is one task, though its entry may have gone to another person.
    let mut statement = transaction.prepare_cached("DELETE FROM task WHERE id = ? AND person <> ?")?;
    statement.execute(params![task.id.0, task.person.as_str()])?;
    let sql = "INSERT OR REPLACE INTO task \
        (person, id, source, local_id, other_source, other_local_id, doubt, raised, outcome, decided, author, why) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let other = task.other.as_ref();
    let decided = task.decided.as_ref();
    transaction
        .prepare_cached(sql)?
        .execute(params![
            task.person.as_str(),
            task.id.0,
            task.entry.source.as_str(),
            task.entry.local_id,
            other.map(|key| key.source.as_str()),
            other.map(|key| key.local_id.as_str()),
            columns::doubt_text(task.doubt),
            task.raised.as_microsecond(),
            decided.map(|(outcome, ..)| columns::outcome_text(*outcome)),
            decided.map(|(_, at, ..)| at.as_microsecond()),
            decided.map(|(_, _, author, _)| columns::author_text(author)),
            decided.map(|(.., why)| why.as_str()),
        ])
        .map(drop)
}

fn add_event(transaction: &Transaction<'_>, event: &Event) -> rusqlite::Result<()> {
    let sql = "INSERT INTO event (person, sequence, at, author, deed, reason) \
        VALUES (?1, (SELECT coalesce(max(sequence), 0) + 1 FROM event WHERE person = ?1), ?2, ?3, ?4, ?5)";
    let (author, deed) = (columns::author_text(&event.author), columns::deed_text(&event.deed)?);
    let row = params![event.person.as_str(), event.at.as_microsecond(), author, deed, event.reason];
    transaction.prepare_cached(sql)?.execute(row).map(drop)
}

/// Nothing is left that joins the number with the person; what was read of them by it goes with it.
fn purge(transaction: &Transaction<'_>, secrets: &Secrets, person: &PersonId, number: &NhsNumber) -> rusqlite::Result<()> {
    let id = person.as_str();
    forget_number(transaction, secrets, person, number)?;
    for table in ["located", "minted", "plan", "tie"] {
        transaction.prepare_cached(&format!("DELETE FROM {table} WHERE person = ?"))?.execute(params![id])?;
    }
    // An emergency ends with it, and its end is entered; other claims are forgotten.
    transaction.prepare_cached("DELETE FROM claimed WHERE person = ? AND entered")?.execute(params![id])?;
    transaction.prepare_cached("UPDATE claimed SET until = since WHERE person = ? AND NOT entered")?.execute(params![id])?;
    let Some(columns) = sealed(transaction, person)? else { return Ok(()) };
    let (sealed, rest) = columns::without(secrets, person, number, columns)?;
    let mut statement = transaction.prepare_cached("UPDATE person SET sealed = ?, rest = ?, purges = purges + 1 WHERE person = ?")?;
    statement.execute(params![sealed, rest, id]).map(drop)
}
