//! The privacy officer's queue in PostgreSQL. Its tables stay on one server, as the ledger's does: they know no person, and are asked
//! across all of them.

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use exchange::{PrivacyFilter, PrivacyKind, PrivacyQueue, PrivacyTask, Review, ReviewState, StoreDown};
use record::UserId;
use tokio_postgres::Row;

use super::arrays::micros;
use super::door::{PostgresStore, Trouble, asked};
use super::schema::in_use;
use crate::Secrets;
use crate::columns::Unreadable;

const TASKS: &str = "SELECT id, raised, kind, trace, rule, reason, state FROM privacy_task";
const RAISE: &str = "INSERT INTO privacy_task (id, raised, kind, trace, rule, reason, state) \
    VALUES ($1, $2, $3, $4, $5, $6, 'open') ON CONFLICT (id) DO NOTHING";
const REVIEWS: &str = "SELECT id, at, state, issuer, subject, name, note FROM privacy_review WHERE task = $1 ORDER BY sequence";
const MOVE: &str = "UPDATE privacy_task SET state = $2 WHERE id = $1 AND state = $3";
const REVIEW: &str = "INSERT INTO privacy_review (task, sequence, id, at, state, issuer, subject, name, note) \
    SELECT $1, 1 + count(*), $2, $3, $4, $5, $6, $7, $8 FROM privacy_review WHERE task = $1";

fn task(row: &Row) -> Result<PrivacyTask, Unreadable> {
    Ok(PrivacyTask {
        id: row.get(0),
        raised: row.get(1),
        kind: PrivacyKind::of(row.get(2)).ok_or(Unreadable("privacy_task.kind"))?,
        trace: row.get(3),
        rule: row.get(4),
        reason: row.get(5),
        state: ReviewState::of(row.get(6)).ok_or(Unreadable("privacy_task.state"))?,
    })
}

fn tasks(rows: &[Row]) -> Result<Vec<PrivacyTask>, Trouble> {
    rows.iter().map(|row| Ok(task(row)?)).collect()
}

fn review(row: &Row, task: &str, secrets: &Secrets) -> Result<Review, Unreadable> {
    let id: String = row.get(0);
    let mut sealed: Vec<u8> = row.get(6);
    let note = secrets.open_said(&crate::named::note(task, &id), &mut sealed).ok_or(Unreadable("privacy_review.note"))?;
    Ok(Review {
        at: row.get(1),
        state: ReviewState::of(row.get(2)).ok_or(Unreadable("privacy_review.state"))?,
        reviewer: UserId { issuer: row.get(3), subject: row.get(4) },
        name: row.get(5),
        note: String::from_utf8_lossy(note).into_owned(),
        id,
    })
}

#[async_trait]
impl PrivacyQueue for PostgresStore {
    async fn raise(&self, task: &PrivacyTask) -> Result<(), StoreDown> {
        let raised = micros(task.raised);
        asked!(self, |client| {
            let statement = client.prepare_cached(RAISE).await?;
            client.execute(&statement, &[&task.id, &raised, &task.kind.name(), &task.trace, &task.rule, &task.reason]).await?;
            Ok(())
        })
    }

    async fn privacy_task(&self, id: &str) -> Result<Option<PrivacyTask>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(&format!("{TASKS} WHERE id = $1")).await?;
            let row = client.query_opt(&statement, &[&id]).await?;
            Ok(row.as_ref().map(task).transpose()?)
        })
    }

    async fn privacy_tasks(&self, filter: &PrivacyFilter) -> Result<Vec<PrivacyTask>, StoreDown> {
        let waiting = if filter.waiting { "state IN ('open', 'escalated')" } else { "true" };
        let (raised, id) = match &filter.after {
            Some((raised, id)) => (micros(*raised), id.as_str()),
            None => (jiff::Timestamp::UNIX_EPOCH, ""),
        };
        let (kind, count_max) = (filter.kind.map(PrivacyKind::name), i64::try_from(filter.count_max).unwrap_or(i64::MAX));
        asked!(self, |client| {
            let sql = format!(
                "{TASKS} WHERE {waiting} AND (raised, id) > ($1, $2) AND ($3::text IS NULL OR kind = $3) ORDER BY raised, id LIMIT $4"
            );
            let statement = client.prepare_cached(&sql).await?;
            tasks(&client.query(&statement, &[&raised, &id, &kind, &count_max]).await?)
        })
    }

    async fn privacy_tasks_of(&self, traces: &[String]) -> Result<Vec<PrivacyTask>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(&format!("{TASKS} WHERE trace = ANY($1) ORDER BY raised, id")).await?;
            tasks(&client.query(&statement, &[&traces]).await?)
        })
    }

    async fn reviews(&self, id: &str) -> Result<Vec<Review>, StoreDown> {
        asked!(self, |client| {
            let statement = client.prepare_cached(REVIEWS).await?;
            let rows = client.query(&statement, &[&id]).await?;
            rows.iter().map(|row| Ok(review(row, id, &self.secrets)?)).collect::<Result<Vec<_>, Trouble>>()
        })
    }

    async fn review(&self, id: &str, from: ReviewState, review: &Review) -> Result<bool, StoreDown> {
        let note = self.secrets.seal_said(&crate::named::note(id, &review.id), review.note.clone().into_bytes());
        let note = note.ok_or_else(|| StoreDown("sealing failed".to_owned()))?;
        let (at, state) = (micros(review.at), review.state.name());
        let reviewer = &review.reviewer;
        asked!(self, |client| {
            let transaction = client.transaction().await?;
            in_use(&transaction, &self.secrets).await?;
            let (step, write) = (transaction.prepare_cached(MOVE).await?, transaction.prepare_cached(REVIEW).await?);
            if transaction.execute(&step, &[&id, &state, &from.name()]).await? == 0 {
                drop(transaction);
                // It may be an earlier try of ours whose word was lost.
                let ours = "SELECT EXISTS (SELECT FROM privacy_review WHERE task = $1 AND id = $2)";
                return Ok(client.query_one(ours, &[&id, &review.id]).await?.get(0));
            }
            let row: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
                &[&id, &review.id, &at, &state, &reviewer.issuer, &reviewer.subject, &review.name, &note];
            transaction.execute(&write, row).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }
}
