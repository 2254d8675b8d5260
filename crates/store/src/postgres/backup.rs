//! Copying everything out of PostgreSQL and back, by PostgreSQL's own programs.

use std::path::Path;
use std::process::{Command, Stdio};

use audit::{Verified, Verifier};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::door::PostgresStore;
use super::schema::SCHEMA;
use crate::StoreError;

/// Where Debian keeps the authorities that the system believes.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Lines read at once when all are checked.
const LINES_AT_ONCE: i64 = 2_000;

impl PostgresStore {
    /// The ledger, each chain checked; the words of the first bad entry.
    pub async fn verify_ledger(&self) -> Result<Result<Verified, String>, StoreError> {
        let (mut verifier, mut after) = (Verifier::default(), (String::new(), 0));
        loop {
            // A part at a time: there may be more lines than memory holds. Lines are only ever added, so no part changes meanwhile.
            let lines = self.page_of_lines(&after.0, after.1, LINES_AT_ONCE).await.map_err(|down| StoreError::Postgres(down.0))?;
            let Some(last) = lines.last() else { return Ok(Ok(verifier.finish())) };
            after = (last.run.clone(), last.sequence as i64);
            if let Err(bad) = lines.iter().try_for_each(|line| verifier.add(line)) {
                return Ok(Err(bad.to_string()));
            }
        }
    }

    /// Writes everything as it is at one moment into a file for [`PostgresStore::restore`], readable by its owner only. Asks `pg_dump`.
    pub fn back_up(&self, copy: &Path) -> Result<(), StoreError> {
        use std::os::unix::fs::OpenOptionsExt;
        let wrong = |error: std::io::Error| StoreError::File { file: copy.display().to_string(), what: error.to_string() };
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy).map_err(wrong)?;
        let mut command = self.program("pg_dump")?;
        command.args(["--format=custom", "--no-owner", "--no-acl", "--schema", SCHEMA]).stdout(file);
        ran(command, "pg_dump")?;
        std::fs::File::open(copy).and_then(|file| file.sync_all()).map_err(wrong)
    }

    /// Reads everything back into a database that has nothing of ours yet, whole or not at all. Asks `pg_restore`.
    pub async fn restore(&self, copy: &Path) -> Result<(), StoreError> {
        if self.version().await? != 0 {
            return Err(StoreError::Postgres("this database has a store already: nothing is written over it".to_owned()));
        }
        let mut command = self.program("pg_restore")?;
        let database = self.settings.config()?.get_dbname().unwrap_or_default().to_owned();
        command.args(["--single-transaction", "--exit-on-error", "--no-owner", "--no-acl", "--dbname", &database]).arg(copy);
        ran(command, "pg_restore")?;
        // Rights do not travel with a copy.
        self.guard_ledger().await
    }

    /// Whoever works with the ledger, and with what stands beside it, may read and add, and nothing else.
    async fn guard_ledger(&self) -> Result<(), StoreError> {
        let down = |trouble: super::door::Trouble| StoreError::Postgres(trouble.to_string());
        let client = self.client().await.map_err(down)?;
        for table in ["checkpoint", "consent", "entered", "evidence", "ledger", "privacy_task", "vault_step"] {
            let there = "SELECT to_regclass($1) IS NOT NULL";
            let there: bool = client.query_one(there, &[&format!("{SCHEMA}.{table}")]).await.map_err(|error| down(error.into()))?.get(0);
            if there {
                let state = if table == "privacy_task" { "; GRANT UPDATE (state) ON privacy_task TO CURRENT_USER" } else { "" };
                let sql =
                    format!("REVOKE ALL ON {table} FROM PUBLIC, CURRENT_USER; GRANT SELECT, INSERT ON {table} TO CURRENT_USER{state}");
                client.batch_execute(&sql).await.map_err(|error| down(error.into()))?;
            }
        }
        Ok(())
    }

    /// How to reach the server stands in the environment: arguments can be read by everybody on the machine.
    fn program(&self, name: &str) -> Result<Command, StoreError> {
        let config = self.settings.config()?;
        let mut command = Command::new(name);
        command.env("PGHOST", hosts(&config)).env("PGPORT", ports(&config)).stdin(Stdio::null());
        for (name, value) in [("PGUSER", config.get_user()), ("PGDATABASE", config.get_dbname())] {
            command.envs(value.map(|value| (name, value)));
        }
        if let Some(password) = config.get_password() {
            command.env("PGPASSWORD", String::from_utf8_lossy(password).as_ref());
        }
        let mode = match config.get_ssl_mode() {
            SslMode::Disable => "disable",
            SslMode::Prefer => "prefer",
            _ => "verify-full",
        };
        command.env("PGSSLMODE", mode).env("PGTARGETSESSIONATTRS", "any");
        if mode == "verify-full" {
            command.env("PGSSLROOTCERT", self.settings.ca_file.as_deref().unwrap_or(Path::new(SYSTEM)));
        }
        Ok(command)
    }
}

fn hosts(config: &Config) -> String {
    let name = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    config.get_hosts().iter().map(name).collect::<Vec<_>>().join(",")
}

fn ports(config: &Config) -> String {
    config.get_ports().iter().map(u16::to_string).collect::<Vec<_>>().join(",")
}

fn ran(mut command: Command, name: &str) -> Result<(), StoreError> {
    let missing = |error: std::io::Error| StoreError::Program(format!("{name} cannot be run ({error}): it comes with PostgreSQL's client"));
    let output = command.stderr(Stdio::piped()).output().map_err(missing)?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    // The first line says what is wrong; later ones may quote rows.
    Err(StoreError::Program(format!("{name}: {}", words.lines().next().unwrap_or("it ended without a word"))))
}
