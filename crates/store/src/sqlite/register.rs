//! The register of persons in SQLite: reading it.

use async_trait::async_trait;
use people::{Change, Entry, EntryKey, Event, News, NotWritten, Page, Person, Position, Register, RegisterDown, Task, TaskFilter, TaskId};
use record::{NhsNumber, PersonId};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::apply::{apply, position};
use super::people::{SqliteStore, led, parsed};
use crate::columns::{self, Unreadable};
use crate::{Secrets, batch::Batch};

impl From<Unreadable> for rusqlite::Error {
    fn from(what: Unreadable) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(what))
    }
}

fn down(down: exchange::StoreDown) -> RegisterDown {
    RegisterDown(down.0)
}

pub(super) fn instant(micros: i64) -> rusqlite::Result<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(micros).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, micros))
}

const PERSON: &str = "SELECT person, sealed, rest, restricted, investigated FROM person";
const ENTRY: &str = "SELECT person, source, local_id, provider, restricted, seen, said FROM entry";
const TASK: &str =
    "SELECT id, person, source, local_id, other_source, other_local_id, doubt, raised, outcome, decided, author, why FROM task";

fn person(row: &Row<'_>, secrets: &Secrets) -> rusqlite::Result<Person> {
    let id: PersonId = parsed(row.get(0)?)?;
    let columns::Opened { number, superseded, died, cut } = columns::open_person(secrets, &id, (row.get(1)?, row.get(2)?))?;
    Ok(Person { id, number, superseded, restricted: row.get(3)?, died, investigated: row.get(4)?, cut, entries: Vec::new() })
}

fn entry(row: &Row<'_>, secrets: &Secrets) -> rusqlite::Result<Entry> {
    let key = EntryKey { source: parsed(row.get(1)?)?, local_id: row.get(2)? };
    let mut sealed: Vec<u8> = row.get(6)?;
    let demographics = columns::open_entry(secrets, &key, &mut sealed)?;
    let provider: Option<String> = row.get(3)?;
    Ok(Entry { key, provider: provider.map(parsed).transpose()?, demographics, restricted: row.get(4)?, seen: instant(row.get(5)?)? })
}

/// Both tables lie in the order of persons, so that a page is read in one go of each.
fn page(connection: &Connection, secrets: &Secrets, after: Option<&str>, most: usize) -> rusqlite::Result<Page> {
    let total = match after {
        None => Some(connection.query_row("SELECT count(*) FROM person", [], |row| row.get::<_, i64>(0))?.unsigned_abs()),
        Some(_) => None,
    };
    let after = after.unwrap_or_default();
    let mut statement = connection.prepare_cached(&format!("{PERSON} WHERE person > ? ORDER BY person LIMIT ?"))?;
    let persons = statement.query_map(params![after, most as i64], |row| person(row, secrets))?;
    let mut persons = persons.collect::<Result<Vec<_>, _>>()?;
    let Some(last) = persons.last().map(|person| person.id.clone()) else { return Ok(Page { total, ..Page::default() }) };
    let sql = format!("{ENTRY} WHERE person > ? AND person <= ? ORDER BY person, source, local_id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![after, last.as_str()])?;
    let mut place = 0;
    while let Some(row) = rows.next()? {
        let whose = row.get_ref(0)?.as_str()?;
        while persons[place].id.as_str() != whose {
            place += 1;
            if place == persons.len() {
                return Err(Unreadable("entry.person").into());
            }
        }
        let entry = entry(row, secrets)?;
        persons[place].entries.push(entry);
    }
    let next = (persons.len() == most).then_some(last);
    Ok(Page { persons, total, next })
}

/// Somebody whole.
fn whole(connection: &Connection, secrets: &Secrets, id: &str) -> rusqlite::Result<Option<Person>> {
    let mut statement = connection.prepare_cached(&format!("{PERSON} WHERE person = ?"))?;
    let found = statement.query_row(params![id], |row| person(row, secrets)).optional()?;
    let Some(mut found) = found else { return Ok(None) };
    let mut statement = connection.prepare_cached(&format!("{ENTRY} WHERE person = ? ORDER BY source, local_id"))?;
    let entries = statement.query_map(params![id], |row| entry(row, secrets))?;
    found.entries = entries.collect::<Result<_, _>>()?;
    Ok(Some(found))
}

/// Whoever changed since, in order of the batches, of which none is divided.
fn since(connection: &Connection, secrets: &Secrets, from: Position, persons_max: usize) -> rusqlite::Result<Option<News>> {
    let mut to = position(connection)?;
    // Most often nothing has happened.
    if to == from {
        return Ok(Some(News { persons: Vec::new(), position: from }));
    }
    if from != Position::default() && id_of(connection, from.batches)? != Some(from.last) {
        return Ok(None);
    }
    let after = columns::place(from)?;
    let mut statement = connection.prepare_cached("SELECT changed, person FROM person WHERE changed > ? ORDER BY changed LIMIT ?")?;
    let rows = statement.query_map(params![after, persons_max.saturating_add(1) as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
    let persons: Vec<String> = match columns::last_whole(&rows, persons_max) {
        None => rows.into_iter().map(|(_, person)| person).collect(),
        Some(last) => {
            let Some(id) = id_of(connection, last.unsigned_abs())? else { return Ok(None) };
            to = Position { batches: last.unsigned_abs(), last: id };
            let mut statement = connection.prepare_cached("SELECT person FROM person WHERE changed > ? AND changed <= ?")?;
            let found = statement.query_map(params![after, last], |row| row.get(0))?;
            found.collect::<Result<_, _>>()?
        }
    };
    let persons = persons.iter().filter_map(|id| whole(connection, secrets, id).transpose()).collect::<Result<_, _>>()?;
    Ok(Some(News { persons, position: to }))
}

fn id_of(connection: &Connection, batch: u64) -> rusqlite::Result<Option<uuid::Uuid>> {
    let mut statement = connection.prepare_cached("SELECT id FROM batch WHERE position = ?")?;
    let id = statement.query_row(params![batch as i64], |row| row.get::<_, String>(0)).optional()?;
    Ok(id.map(|id| columns::batch_id(&id)).transpose()?)
}

fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    let other = match (row.get::<_, Option<String>>(4)?, row.get::<_, Option<String>>(5)?) {
        (Some(source), Some(local_id)) => Some(EntryKey { source: parsed(source)?, local_id }),
        _ => None,
    };
    let outcome: Option<String> = row.get(8)?;
    let decided = match outcome {
        None => None,
        Some(outcome) => {
            let author = columns::author_of(&row.get::<_, String>(10)?)?;
            Some((columns::outcome_of(&outcome)?, instant(row.get(9)?)?, author, row.get(11)?))
        }
    };
    Ok(Task {
        id: TaskId(row.get(0)?),
        person: parsed(row.get(1)?)?,
        entry: EntryKey { source: parsed(row.get(2)?)?, local_id: row.get(3)? },
        other,
        doubt: columns::doubt_of(&row.get::<_, String>(6)?)?,
        raised: instant(row.get(7)?)?,
        decided,
    })
}

fn tasks(connection: &Connection, filter: &TaskFilter) -> rusqlite::Result<Vec<Task>> {
    let mut sql = format!("{TASK} WHERE id > ?1 AND (?2 IS NULL OR person = ?2)");
    if filter.open {
        sql.push_str(" AND outcome IS NULL");
    }
    sql.push_str(" ORDER BY id LIMIT ?3");
    let after = filter.after.as_ref().map_or("", |id| id.0.as_str());
    let person = filter.person.as_ref().map(PersonId::as_str);
    let most = i64::try_from(filter.count_max).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![after, person, most], task)?;
    rows.collect()
}

impl SqliteStore {
    async fn look<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Connection, &Secrets) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, RegisterDown> {
        self.by(&self.reading, question).await.map_err(down)
    }
}

#[async_trait]
impl Register for SqliteStore {
    async fn page(&self, after: Option<&PersonId>, persons_max: usize) -> Result<Page, RegisterDown> {
        let after = after.cloned();
        // A connection of its own: a page takes long.
        let read = move |connection: &mut Connection, secrets: &Secrets| {
            // One moment for persons and their entries.
            let transaction = connection.transaction()?;
            page(&transaction, secrets, after.as_ref().map(PersonId::as_str), persons_max.max(1))
        };
        self.by(&self.paging, read).await.map_err(down)
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, RegisterDown> {
        let id = id.as_str().to_owned();
        self.look(move |connection, secrets| whole(&*connection.transaction()?, secrets, &id)).await
    }

    async fn home(&self, key: &EntryKey) -> Result<Option<PersonId>, RegisterDown> {
        let key = key.clone();
        self.look(move |connection, _| {
            let mut statement = connection.prepare_cached("SELECT person FROM home WHERE source = ? AND local_id = ?")?;
            statement.query_row(params![key.source.as_str(), key.local_id], |row| parsed(row.get(0)?)).optional()
        })
        .await
    }

    async fn of_number(&self, number: &NhsNumber) -> Result<Option<PersonId>, RegisterDown> {
        let number = *number;
        self.look(move |connection, secrets| led(connection, secrets, &number)?.map(parsed).transpose()).await
    }

    async fn cut_among(&self, numbers: &[NhsNumber]) -> Result<Vec<NhsNumber>, RegisterDown> {
        let numbers = numbers.to_vec();
        self.look(move |connection, secrets| {
            let mut statement = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM cut_number WHERE pseudonym = ?)")?;
            let mut cut = Vec::new();
            for number in numbers {
                for pseudonym in secrets.pseudonyms(&number) {
                    if statement.query_row(params![pseudonym], |row| row.get(0))? {
                        cut.push(number);
                        break;
                    }
                }
            }
            Ok(cut)
        })
        .await
    }

    async fn apply(&self, batch: Vec<Change>, at: Option<Position>) -> Result<Position, NotWritten> {
        let write = move |connection: &mut Connection, secrets: &Secrets| apply(connection, secrets, &Batch::of(batch), at);
        self.by(&self.durable, write).await.map_err(down)?.ok_or(NotWritten::Behind)
    }

    async fn position(&self) -> Result<Position, RegisterDown> {
        self.look(|connection, _| position(connection)).await
    }

    async fn since(&self, from: Position, persons_max: usize) -> Result<Option<News>, RegisterDown> {
        // One moment for everything, on the connection of what may take long.
        let read = move |connection: &mut Connection, secrets: &Secrets| since(&*connection.transaction()?, secrets, from, persons_max);
        self.by(&self.paging, read).await.map_err(down)
    }

    async fn history(&self, person: &PersonId) -> Result<Vec<Event>, RegisterDown> {
        let person = person.clone();
        self.look(move |connection, _| {
            let sql = "SELECT at, author, deed, reason FROM event WHERE person = ? ORDER BY sequence";
            let mut statement = connection.prepare_cached(sql)?;
            let events = statement.query_map(params![person.as_str()], |row| {
                Ok(Event {
                    person: person.clone(),
                    at: instant(row.get(0)?)?,
                    author: columns::author_of(&row.get::<_, String>(1)?)?,
                    deed: columns::deed_of(&row.get::<_, String>(2)?)?,
                    reason: row.get(3)?,
                })
            })?;
            events.collect()
        })
        .await
    }

    async fn apart(&self, person: &PersonId, key: &EntryKey) -> Result<Vec<EntryKey>, RegisterDown> {
        let (person, key) = (person.clone(), key.clone());
        self.look(move |connection, _| {
            let sql = "SELECT other_source, other_local_id FROM apart WHERE person = ? AND source = ? AND local_id = ? ORDER BY 1, 2";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_map(params![person.as_str(), key.source.as_str(), key.local_id], |row| {
                Ok(EntryKey { source: parsed(row.get(0)?)?, local_id: row.get(1)? })
            })?;
            found.collect()
        })
        .await
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, RegisterDown> {
        let filter = filter.clone();
        self.look(move |connection, _| tasks(connection, &filter)).await
    }

    async fn task(&self, id: &TaskId) -> Result<Option<Task>, RegisterDown> {
        let id = id.0.clone();
        self.look(move |connection, _| {
            let mut statement = connection.prepare_cached(&format!("{TASK} WHERE id = ?"))?;
            statement.query_row(params![id], task).optional()
        })
        .await
    }

    async fn loaded(&self, file: &str) -> Result<u64, RegisterDown> {
        let file = file.to_owned();
        self.look(move |connection, _| {
            let mut statement = connection.prepare_cached("SELECT rows FROM loaded WHERE file = ?")?;
            let rows: Option<i64> = statement.query_row(params![file], |row| row.get(0)).optional()?;
            Ok(rows.unwrap_or(0).unsigned_abs())
        })
        .await
    }
}
