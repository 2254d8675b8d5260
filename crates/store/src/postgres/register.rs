//! The register of persons in PostgreSQL: reading it.

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use exchange::StoreDown;
use people::{Change, Entry, EntryKey, Event, News, NotWritten, Page, Person, Position, Register, RegisterDown, Task, TaskFilter, TaskId};
use record::{NhsNumber, PersonId};
use tokio_postgres::{IsolationLevel, Row};

use super::apply::position;
use super::door::{PostgresStore, Trouble, asked};
use super::people::parsed;
use super::sql;
use crate::columns::{self, Opened, Unreadable};
use crate::{Secrets, batch::Batch};

fn down(down: StoreDown) -> RegisterDown {
    RegisterDown(down.0)
}

fn person(row: &Row, secrets: &Secrets) -> Result<Person, Unreadable> {
    let id: PersonId = parsed(row.get(0), "person.person")?;
    let Opened { number, superseded, died, cut } = columns::open_person(secrets, &id, (row.get(1), row.get(2)))?;
    Ok(Person { id, number, superseded, restricted: row.get(3), died, investigated: row.get(4), cut, entries: Vec::new() })
}

fn entry(row: &Row, secrets: &Secrets) -> Result<Entry, Unreadable> {
    let key = EntryKey { source: parsed(row.get(1), "entry.source")?, local_id: row.get(2) };
    let mut sealed: Vec<u8> = row.get(6);
    let demographics = columns::open_entry(secrets, &key, &mut sealed)?;
    let provider: Option<&str> = row.get(3);
    let provider = provider.map(|code| parsed(code, "entry.provider")).transpose()?;
    Ok(Entry { key, provider, demographics, restricted: row.get(4), seen: row.get(5) })
}

fn task(row: &Row) -> Result<Task, Unreadable> {
    let other = match (row.get::<_, Option<&str>>(4), row.get::<_, Option<String>>(5)) {
        (Some(source), Some(local_id)) => Some(EntryKey { source: parsed(source, "task.other_source")?, local_id }),
        _ => None,
    };
    let decided = match row.get::<_, Option<&str>>(8) {
        None => None,
        Some(outcome) => {
            let (at, author, why): (Option<jiff::Timestamp>, Option<&str>, Option<String>) = (row.get(9), row.get(10), row.get(11));
            let missing = Unreadable("task.decided");
            let author = columns::author_of(author.ok_or(missing)?)?;
            Some((columns::outcome_of(outcome)?, at.ok_or(missing)?, author, why.ok_or(missing)?))
        }
    };
    Ok(Task {
        id: TaskId(row.get(0)),
        person: parsed(row.get(1), "task.person")?,
        entry: EntryKey { source: parsed(row.get(2), "task.source")?, local_id: row.get(3) },
        other,
        doubt: columns::doubt_of(row.get(6))?,
        raised: row.get(7),
        decided,
    })
}

/// A page takes a while, and nobody waits for it: it is not among the hot ones.
const PAGE: &str = "SELECT person, sealed, rest, restricted, investigated FROM person WHERE person > $1 ORDER BY person LIMIT $2";
const PAGE_ENTRIES: &str = "SELECT person, source, local_id, provider, restricted, seen, said FROM entry \
    WHERE person > $1 AND person <= $2 ORDER BY person, source, local_id";
/// As far as PostgreSQL's own statistics know.
const COUNT: &str = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'person'::regclass";

async fn page(client: &mut deadpool_postgres::Client, secrets: &Secrets, after: Option<&str>, most: i64) -> Result<Page, Trouble> {
    // One moment for persons and their entries.
    let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
    let total: Option<i64> = match after {
        None => Some(transaction.query_one(COUNT, &[]).await?.get(0)),
        Some(_) => None,
    };
    let total = total.filter(|count| *count >= 0).map(i64::unsigned_abs);
    let after = after.unwrap_or_default();
    let persons = transaction.prepare_cached(PAGE).await?;
    let persons = transaction.query(&persons, &[&after, &most]).await?;
    let mut persons = persons.iter().map(|row| person(row, secrets)).collect::<Result<Vec<_>, _>>()?;
    let Some(last) = persons.last().map(|person| person.id.clone()) else { return Ok(Page { total, ..Page::default() }) };
    let entries = transaction.prepare_cached(PAGE_ENTRIES).await?;
    let entries = transaction.query(&entries, &[&after, &last.as_str()]).await?;
    with_entries(&mut persons, &entries, secrets)?;
    let next = (persons.len() as i64 == most).then_some(last);
    Ok(Page { persons, total, next })
}

/// Whoever changed, in order of the batches: it goes through every person's shard, and nobody waits for it.
const CHANGED: &str = "SELECT changed, person FROM person WHERE changed > $1 ORDER BY changed LIMIT $2";
const CHANGED_BETWEEN: &str = "SELECT person, sealed, rest, restricted, investigated FROM person \
    WHERE changed > $1 AND changed <= $2 ORDER BY person";
const THEIR_ENTRIES: &str = "SELECT person, source, local_id, provider, restricted, seen, said FROM entry \
    WHERE person = ANY($1) ORDER BY person, source, local_id";

/// Whoever changed since, in order of the batches, of which none is divided.
async fn since(
    client: &mut deadpool_postgres::Client,
    secrets: &Secrets,
    from: Position,
    persons_max: usize,
) -> Result<Option<News>, Trouble> {
    // Most often nothing has happened.
    if position(&*client).await? == from {
        return Ok(Some(News { persons: Vec::new(), position: from }));
    }
    // One moment for everything.
    let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
    let mut to = position(&transaction).await?;
    if from != Position::default() && id_of(&transaction, from.batches).await? != Some(from.last) {
        return Ok(None);
    }
    let after = columns::place(from)?;
    let statement = transaction.prepare_cached(CHANGED).await?;
    let rows = transaction.query(&statement, &[&after, &(persons_max.saturating_add(1) as i64)]).await?;
    let rows: Vec<(i64, ())> = rows.iter().map(|row| (row.get(0), ())).collect();
    if let Some(last) = columns::last_whole(&rows, persons_max) {
        let Some(id) = id_of(&transaction, last.unsigned_abs()).await? else { return Ok(None) };
        to = Position { batches: last.unsigned_abs(), last: id };
    }
    let statement = transaction.prepare_cached(CHANGED_BETWEEN).await?;
    let persons = transaction.query(&statement, &[&after, &columns::place(to)?]).await?;
    let mut persons = persons.iter().map(|row| person(row, secrets)).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<&str> = persons.iter().map(|person| person.id.as_str()).collect();
    let statement = transaction.prepare_cached(THEIR_ENTRIES).await?;
    let entries = transaction.query(&statement, &[&ids]).await?;
    with_entries(&mut persons, &entries, secrets)?;
    Ok(Some(News { persons, position: to }))
}

async fn id_of(transaction: &deadpool_postgres::Transaction<'_>, batch: u64) -> Result<Option<uuid::Uuid>, Trouble> {
    let statement = transaction.prepare_cached("SELECT id::text FROM batch WHERE position = $1").await?;
    let row = transaction.query_opt(&statement, &[&(batch as i64)]).await?;
    Ok(row.map(|row| columns::batch_id(row.get(0))).transpose()?)
}

/// Gives each of the persons, in order, the entries that are theirs, in the same order.
fn with_entries(persons: &mut [Person], rows: &[Row], secrets: &Secrets) -> Result<(), Unreadable> {
    let mut place = 0;
    for row in rows {
        let whose: &str = row.get(0);
        while persons.get(place).is_some_and(|person| person.id.as_str() != whose) {
            place += 1;
        }
        let person = persons.get_mut(place).ok_or(Unreadable("entry.person"))?;
        person.entries.push(entry(row, secrets)?);
    }
    Ok(())
}

/// A list for a steward goes through every person, unless it is of one.
async fn tasks(client: &deadpool_postgres::Client, filter: &TaskFilter) -> Result<Vec<Task>, Trouble> {
    let mut sql = "SELECT id, person, source, local_id, other_source, other_local_id, doubt, raised, outcome, decided, author, why \
        FROM task WHERE id > $1"
        .to_owned();
    let after = filter.after.as_ref().map_or("", |id| id.0.as_str());
    let most = i64::try_from(filter.count_max).unwrap_or(i64::MAX);
    let mut values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&after, &most];
    let person = filter.person.as_ref().map(PersonId::as_str);
    if let Some(person) = &person {
        sql.push_str(" AND person = $3");
        values.push(person);
    }
    if filter.open {
        sql.push_str(" AND outcome IS NULL");
    }
    sql.push_str(" ORDER BY id LIMIT $2");
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &values).await?;
    Ok(rows.iter().map(task).collect::<Result<_, _>>()?)
}

#[async_trait]
impl Register for PostgresStore {
    async fn page(&self, after: Option<&PersonId>, persons_max: usize) -> Result<Page, RegisterDown> {
        let (after, most) = (after.map(PersonId::as_str), i64::try_from(persons_max.max(1)).unwrap_or(i64::MAX));
        asked!(self, |client| page(client, &self.secrets, after, most).await).map_err(down)
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, RegisterDown> {
        let asked = asked!(self, |client| {
            let (own, entries) = (client.prepare_cached(sql::PERSON).await?, client.prepare_cached(sql::ENTRIES).await?);
            let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
            let key: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&id.as_str()];
            let (own, entries) = tokio::try_join!(transaction.query_opt(&own, &key), transaction.query(&entries, &key))?;
            let Some(own) = own else { return Ok(None) };
            let mut found = person(&own, &self.secrets)?;
            found.entries = entries.iter().map(|row| entry(row, &self.secrets)).collect::<Result<_, _>>()?;
            Ok(Some(found))
        });
        asked.map_err(down)
    }

    async fn home(&self, key: &EntryKey) -> Result<Option<PersonId>, RegisterDown> {
        let asked = asked!(self, |client| {
            let statement = client.prepare_cached(sql::HOME).await?;
            let row = client.query_opt(&statement, &[&key.local_id, &key.source.as_str()]).await?;
            Ok(row.map(|row| parsed(row.get(0), "home.person")).transpose()?)
        });
        asked.map_err(down)
    }

    async fn of_number(&self, number: &NhsNumber) -> Result<Option<PersonId>, RegisterDown> {
        self.whose(sql::PERSON_OF_NUMBER, &self.secrets.pseudonyms(number)).await.map_err(down)
    }

    async fn cut_among(&self, numbers: &[NhsNumber]) -> Result<Vec<NhsNumber>, RegisterDown> {
        let own: Vec<Vec<Vec<u8>>> = numbers.iter().map(|number| self.secrets.pseudonyms(number)).collect();
        let pseudonyms: Vec<&[u8]> = own.iter().flatten().map(Vec::as_slice).collect();
        let asked = asked!(self, |client| {
            let statement = client.prepare_cached(sql::CUT_AMONG).await?;
            let rows = client.query(&statement, &[&pseudonyms]).await?;
            Ok(rows.iter().map(|row| row.get(0)).collect::<Vec<Vec<u8>>>())
        });
        let cut = asked.map_err(down)?;
        let is_cut = |own: &[Vec<u8>]| own.iter().any(|pseudonym| cut.contains(pseudonym));
        Ok(numbers.iter().zip(&own).filter(|(_, own)| is_cut(own)).map(|(number, _)| *number).collect())
    }

    async fn apply(&self, batch: Vec<Change>, at: Option<Position>) -> Result<Position, NotWritten> {
        self.write(&Batch::of(batch), at).await.map_err(down)?.ok_or(NotWritten::Behind)
    }

    async fn position(&self) -> Result<Position, RegisterDown> {
        asked!(self, |client| position(&*client).await).map_err(down)
    }

    async fn since(&self, from: Position, persons_max: usize) -> Result<Option<News>, RegisterDown> {
        asked!(self, |client| since(client, &self.secrets, from, persons_max).await).map_err(down)
    }

    async fn history(&self, person: &PersonId) -> Result<Vec<Event>, RegisterDown> {
        let asked = asked!(self, |client| {
            let statement = client.prepare_cached(sql::HISTORY).await?;
            let rows = client.query(&statement, &[&person.as_str()]).await?;
            let events = rows.iter().map(|row| {
                let (author, deed) = (columns::author_of(row.get(1))?, columns::deed_of(row.get(2))?);
                Ok(Event { person: person.clone(), at: row.get(0), author, deed, reason: row.get(3) })
            });
            events.collect::<Result<Vec<_>, Trouble>>()
        });
        asked.map_err(down)
    }

    async fn apart(&self, person: &PersonId, key: &EntryKey) -> Result<Vec<EntryKey>, RegisterDown> {
        let asked = asked!(self, |client| {
            let statement = client.prepare_cached(sql::APART).await?;
            let rows = client.query(&statement, &[&person.as_str(), &key.source.as_str(), &key.local_id]).await?;
            let keys = rows.iter().map(|row| Ok(EntryKey { source: parsed(row.get(0), "apart.other_source")?, local_id: row.get(1) }));
            keys.collect::<Result<Vec<_>, Trouble>>()
        });
        asked.map_err(down)
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, RegisterDown> {
        asked!(self, |client| tasks(client, filter).await).map_err(down)
    }

    async fn task(&self, id: &TaskId) -> Result<Option<Task>, RegisterDown> {
        let Some(person) = self.whose(sql::HOME_OF_TASK, &id.0).await.map_err(down)? else { return Ok(None) };
        let asked = asked!(self, |client| {
            let statement = client.prepare_cached(sql::TASK).await?;
            let row = client.query_opt(&statement, &[&person.as_str(), &id.0]).await?;
            Ok(row.as_ref().map(task).transpose()?)
        });
        asked.map_err(down)
    }

    async fn loaded(&self, file: &str) -> Result<u64, RegisterDown> {
        let asked = asked!(self, |client| {
            let row = client.query_opt("SELECT rows FROM loaded WHERE file = $1", &[&file]).await?;
            Ok(row.map_or(0, |row| row.get::<_, i64>(0).unsigned_abs()))
        });
        asked.map_err(down)
    }
}
