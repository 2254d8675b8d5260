//! Two roles: one owns the tables and migrates them; the other works with them, and may add to the ledger but never change it.

use deadpool_postgres::Transaction;

use super::door::{PostgresStore, Trouble};
use super::schema::SCHEMA;
use crate::StoreError;

/// Tables that are only ever added to: the working role may read them and add to them, and nothing else, but that a privacy officer's
/// task goes from state to state. Keys of people it makes, and only the owner destroys or reseals them.
pub(super) const APPEND_ONLY: &[&str] =
    &["checkpoint", "consent", "entered", "event", "evidence", "ledger", "master_key", "privacy_review", "privacy_task", "vault_step"];

impl PostgresStore {
    /// Lets a role work with the store, and no more than that: it owns nothing, so it can lift no guard. Asked as the owner.
    pub async fn grant(&self, role: &str) -> Result<(), StoreError> {
        let granted = async {
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            grant(&transaction, role).await?;
            Ok(transaction.commit().await?)
        };
        granted.await.map_err(|trouble: Trouble| StoreError::Postgres(trouble.to_string()))
    }

    /// Whoever works with the store gets the tables that were made meanwhile, from whoever owns them.
    pub(super) async fn grant_again(&self, transaction: &Transaction<'_>) -> Result<(), Trouble> {
        let sql = "SELECT DISTINCT grantee::text FROM information_schema.role_table_grants \
            WHERE table_schema = $1 AND table_name = 'ledger' AND grantee <> current_user AND grantee <> 'PUBLIC' \
            AND EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'ledger' AND tableowner = current_user)";
        for row in transaction.query(sql, &[&SCHEMA]).await? {
            grant(transaction, row.get(0)).await?;
        }
        Ok(())
    }
}

async fn grant(transaction: &Transaction<'_>, role: &str) -> Result<(), Trouble> {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let append_only = APPEND_ONLY.iter().map(|table| format!("{SCHEMA}.{table}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM {role};
         GRANT USAGE ON SCHEMA {SCHEMA} TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {role};
         REVOKE ALL ON {append_only}, {SCHEMA}.migration FROM {role};
         GRANT SELECT, INSERT ON {append_only} TO {role};
         GRANT UPDATE (state) ON {SCHEMA}.privacy_task TO {role};
         REVOKE UPDATE, DELETE, TRUNCATE ON {SCHEMA}.person_key FROM {role};
         GRANT UPDATE (shown) ON {SCHEMA}.person_key TO {role};
         GRANT SELECT ON {SCHEMA}.migration TO {role};"
    );
    Ok(transaction.batch_execute(&sql).await?)
}
