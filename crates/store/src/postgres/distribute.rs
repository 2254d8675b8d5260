//! Spreading the tables over several machines with Citus.
//!
//! A patient's rows lie together, by the patient key; a directory's rows lie by what is looked up in it. The ledger stays where it is:
//! Citus takes no table with triggers, and the ledger's are what keeps it append-only. Counters and migrations are small.

use super::door::{PostgresStore, Trouble};
use crate::StoreError;

/// Tables and the column by which each is distributed. Those of patients first: they lie together.
pub(super) const TABLES: &[(&str, &str)] = &[
    ("person", "person"),
    ("entry", "person"),
    ("apart", "person"),
    ("event", "person"),
    ("task", "person"),
    ("located", "person"),
    ("claimed", "person"),
    ("minted", "person"),
    ("plan", "person"),
    ("tie", "person"),
    ("consent", "person"),
    ("person_key", "person"),
    ("evidence", "person"),
    ("vault_step", "person"),
    ("entered", "name"),
    ("number", "pseudonym"),
    ("cut_number", "pseudonym"),
    ("home", "local_id"),
    ("minted_home", "id"),
    ("task_home", "id"),
];

/// The extension is not there, so nothing was distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the extension citus is not in this database: the tables stay on this one server, and work as they are")]
pub struct NoCitus;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distributed {
    /// Tables that are distributed now.
    pub now: Vec<String>,
    /// Tables that were before.
    pub before: Vec<String>,
}

fn statement(table: &str, column: &str) -> String {
    let beside = match column {
        "person" if table == "person" => ", colocate_with => 'none'",
        "person" => ", colocate_with => 'severn.person'",
        _ => ", colocate_with => 'none'",
    };
    format!("SELECT create_distributed_table('severn.{table}', '{column}'{beside})")
}

impl PostgresStore {
    /// The statements that distribute everything, in order.
    pub fn distribution() -> Vec<String> {
        TABLES.iter().map(|(table, column)| statement(table, column)).collect()
    }

    /// Distributes every table that is not distributed yet.
    pub async fn distribute(&self) -> Result<Result<Distributed, NoCitus>, StoreError> {
        self.distribute_all().await.map_err(|trouble| StoreError::Postgres(trouble.to_string()))
    }

    async fn distribute_all(&self) -> Result<Result<Distributed, NoCitus>, Trouble> {
        let mut client = self.client().await?;
        let there: bool = client.query_one("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')", &[]).await?.get(0);
        if !there {
            return Ok(Err(NoCitus));
        }
        let transaction = client.transaction().await?;
        transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
        let mut done = Distributed { now: Vec::new(), before: Vec::new() };
        for (table, column) in TABLES {
            let known = "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass($1))";
            let known: bool = transaction.query_one(known, &[&format!("severn.{table}")]).await?.get(0);
            if known {
                done.before.push((*table).to_owned());
                continue;
            }
            transaction.batch_execute(&statement(table, column)).await?;
            done.now.push((*table).to_owned());
        }
        transaction.commit().await?;
        Ok(Ok(done))
    }
}
