//! The privacy officer's queue in SQLite.

use async_trait::async_trait;
use exchange::{PrivacyFilter, PrivacyKind, PrivacyQueue, PrivacyTask, Review, ReviewState, StoreDown};
use record::UserId;
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::people::SqliteStore;
use super::schema::in_use;
use crate::Secrets;

const TASKS: &str = "SELECT id, raised, kind, trace, rule, reason, state FROM privacy_task";

fn micros(row: &Row<'_>, column: usize) -> rusqlite::Result<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(row.get(column)?).map_err(|_| rusqlite::Error::InvalidQuery)
}

fn word<T>(row: &Row<'_>, column: usize, of: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    of(&row.get::<_, String>(column)?).ok_or(rusqlite::Error::InvalidQuery)
}

fn task(row: &Row<'_>) -> rusqlite::Result<PrivacyTask> {
    Ok(PrivacyTask {
        id: row.get(0)?,
        raised: micros(row, 1)?,
        kind: word(row, 2, PrivacyKind::of)?,
        trace: row.get(3)?,
        rule: row.get(4)?,
        reason: row.get(5)?,
        state: word(row, 6, ReviewState::of)?,
    })
}

fn review(row: &Row<'_>, task: &str, secrets: &Secrets) -> rusqlite::Result<Review> {
    let id: String = row.get(0)?;
    let mut sealed: Vec<u8> = row.get(6)?;
    let note = secrets.open_said(&crate::named::note(task, &id), &mut sealed).ok_or(rusqlite::Error::InvalidQuery)?;
    Ok(Review {
        at: micros(row, 1)?,
        state: word(row, 2, ReviewState::of)?,
        reviewer: UserId { issuer: row.get(3)?, subject: row.get(4)? },
        name: row.get(5)?,
        note: String::from_utf8_lossy(note).into_owned(),
        id,
    })
}

/// Every write is synced for itself: an access is not granted before its task is there to stay.
#[async_trait]
impl PrivacyQueue for SqliteStore {
    async fn raise(&self, task: &PrivacyTask) -> Result<(), StoreDown> {
        let task = task.clone();
        self.by(&self.durable, move |connection, _| {
            let sql = "INSERT INTO privacy_task (id, raised, kind, trace, rule, reason, state) SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'open' \
                WHERE NOT EXISTS (SELECT 1 FROM privacy_task WHERE id = ?1)";
            let raised = task.raised.as_microsecond();
            connection
                .prepare_cached(sql)?
                .execute(params![task.id, raised, task.kind.name(), task.trace, task.rule, task.reason])
                .map(drop)
        })
        .await
    }

    async fn privacy_task(&self, id: &str) -> Result<Option<PrivacyTask>, StoreDown> {
        let id = id.to_owned();
        self.by(&self.reading, move |connection, _| {
            connection.prepare_cached(&format!("{TASKS} WHERE id = ?"))?.query_row([id], task).optional()
        })
        .await
    }

    async fn privacy_tasks(&self, filter: &PrivacyFilter) -> Result<Vec<PrivacyTask>, StoreDown> {
        let filter = filter.clone();
        self.by(&self.reading, move |connection, _| {
            let waiting = if filter.waiting { "state IN ('open', 'escalated')" } else { "true" };
            let sql =
                format!("{TASKS} WHERE {waiting} AND (raised, id) > (?1, ?2) AND (?3 IS NULL OR kind = ?3) ORDER BY raised, id LIMIT ?4");
            let (raised, id) = filter.after.map_or((i64::MIN, String::new()), |(raised, id)| (raised.as_microsecond(), id));
            let kind = filter.kind.map(PrivacyKind::name);
            let count_max = i64::try_from(filter.count_max).unwrap_or(i64::MAX);
            connection.prepare_cached(&sql)?.query_map(params![raised, id, kind, count_max], task)?.collect()
        })
        .await
    }

    async fn privacy_tasks_of(&self, traces: &[String]) -> Result<Vec<PrivacyTask>, StoreDown> {
        let traces = traces.to_vec();
        self.by(&self.reading, move |connection, _| {
            let mut statement = connection.prepare_cached(&format!("{TASKS} WHERE trace = ? ORDER BY raised, id"))?;
            let mut found = Vec::new();
            for trace in traces {
                for one in statement.query_map([trace], task)? {
                    found.push(one?);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn reviews(&self, id: &str) -> Result<Vec<Review>, StoreDown> {
        let id = id.to_owned();
        self.by(&self.reading, move |connection, secrets| {
            let sql = "SELECT id, at, state, issuer, subject, name, note FROM privacy_review WHERE task = ? ORDER BY sequence";
            connection.prepare_cached(sql)?.query_map([&id], |row| review(row, &id, secrets))?.collect()
        })
        .await
    }

    async fn review(&self, id: &str, from: ReviewState, review: &Review) -> Result<bool, StoreDown> {
        let (id, review) = (id.to_owned(), review.clone());
        self.by(&self.durable, move |connection, secrets| {
            let note = secrets.seal_said(&crate::named::note(&id, &review.id), review.note.into_bytes());
            let note = note.ok_or(rusqlite::Error::InvalidQuery)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            in_use(&transaction, secrets)?;
            let moved = transaction.prepare_cached("UPDATE privacy_task SET state = ? WHERE id = ? AND state = ?")?.execute(params![
                review.state.name(),
                id,
                from.name()
            ])?;
            if moved == 0 {
                return Ok(false);
            }
            let sql = "INSERT INTO privacy_review (task, sequence, id, at, state, issuer, subject, name, note) \
                SELECT ?1, 1 + count(*), ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM privacy_review WHERE task = ?1";
            let (at, state) = (review.at.as_microsecond(), review.state.name());
            let reviewer = &review.reviewer;
            let row = params![id, review.id, at, state, reviewer.issuer, reviewer.subject, review.name, note];
            transaction.prepare_cached(sql)?.execute(row)?;
            transaction.commit()?;
            Ok(true)
        })
        .await
    }
}
