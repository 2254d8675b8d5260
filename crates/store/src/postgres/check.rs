//! How a PostgreSQL is kept: what an operator should know before it holds a region's ledger.

use super::door::{PostgresStore, Trouble};
use super::schema::KNOWN;
use crate::StoreError;

/// Whoever owns a table may lift its guards.
const OWNER: &str = "the user owns the ledger, and may lift what guards it: let another role own the tables (severn store grant)";

/// What is found on looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// PostgreSQL's version, in its own words.
    pub server: String,
    /// The schema's version, and what this program knows; 0 before the first migration.
    pub schema: (i64, i64),
    /// Standbys that a commit waits for.
    pub synchronous: String,
    /// What is wrong: nothing that keeps it from working, but something that may lose what was promised to be kept.
    pub warnings: Vec<String>,
}

impl PostgresStore {
    /// Looks at the server, once.
    pub async fn health(&self) -> Result<Health, StoreError> {
        self.look().await.map_err(|trouble| StoreError::Postgres(trouble.to_string()))
    }

    async fn look(&self) -> Result<Health, Trouble> {
        let schema = self.version().await.map_err(|error| Trouble::Other(error.to_string()))?;
        let client = self.client().await?;
        let sql = "SELECT current_setting('server_version'), current_setting('synchronous_standby_names'), current_setting('fsync'), \
            current_setting('full_page_writes'), pg_is_in_recovery(), (SELECT usesuper FROM pg_user WHERE usename = current_user), \
            current_setting('synchronous_commit'), current_setting('max_connections')::bigint, \
            (SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass('severn.ledger'))";
        let row = client.query_one(sql, &[]).await?;
        let (fsync, pages): (&str, &str) = (row.get(2), row.get(3));
        let connections: i64 = row.get(7);
        let commit: &str = row.get(6);
        let mut warnings = Vec::new();
        let mut warn = |wrong: bool, what: &str| warnings.extend(wrong.then(|| what.to_owned()));
        warn(fsync != "on", "fsync is off: what was acknowledged may be lost");
        warn(pages != "on", "full_page_writes is off: a crash may leave half a page");
        warn(commit != "on" && commit != "remote_apply", "synchronous_commit is less than on");
        warn(row.get(4), "it is a standby: it takes no writes");
        let (superuser, owner) = (row.get::<_, Option<bool>>(5) == Some(true), row.get::<_, Option<bool>>(8) == Some(true));
        warn(superuser, "the user is a superuser: only triggers keep it from changing the ledger");
        warn(owner && !superuser, OWNER);
        warn(self.settings.pool_max as i64 > connections, "the pool may ask for more connections than max_connections allows");
        Ok(Health { server: row.get(0), schema: (schema, KNOWN), synchronous: row.get(1), warnings })
    }
}
