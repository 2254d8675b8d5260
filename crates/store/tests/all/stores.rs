//! The stores under test, each fresh, and opened again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use audit::{Journal, Line};
use store::{PostgresJournal, PostgresSettings, PostgresStore, Secrets, SqliteJournal, SqliteStore, Store, StoreError};

use crate::postgres::{Postgres, QUICK};

/// A store, and the ledger beside it.
#[derive(Clone)]
pub struct Opened {
    pub store: Arc<dyn Store>,
    pub journal: Arc<dyn Journal>,
}

/// A store that a test has for itself. It goes when this value does.
pub enum Place {
    Postgres(Box<Postgres>, Folder),
    Sqlite(Folder),
}

impl Place {
    pub fn sqlite() -> Place {
        Place::Sqlite(Folder::new())
    }

    pub fn postgres() -> Place {
        Place::Postgres(Box::new(Postgres::start(QUICK)), Folder::new())
    }

    /// Opens it: once more, where it was opened before.
    pub async fn open(&self) -> Opened {
        self.try_open().await.unwrap()
    }

    /// The same, where it may be refused.
    pub async fn try_open(&self) -> Result<Opened, StoreError> {
        match self {
            Place::Postgres(server, folder) => {
                let store = postgres_store(&server.url("postgres"), folder);
                store.migrate().await?;
                Ok(Opened { journal: Arc::new(PostgresJournal::of(&store)), store: Arc::new(store) })
            }
            Place::Sqlite(folder) => {
                let (file, secrets) = (folder.0.join("severn.db"), Secrets::open(&folder.0.join("key"))?);
                let store = Arc::new(SqliteStore::open(&file, Arc::new(secrets))?);
                Ok(Opened { store, journal: Arc::new(SqliteJournal::open(&file)?) })
            }
        }
    }

    /// From now on it is opened by these keys, of which the first seals.
    pub fn keys(&self, keys: &[&str]) {
        let (Place::Postgres(_, folder) | Place::Sqlite(folder)) = self;
        std::fs::write(folder.0.join("key"), keys.join("\n")).unwrap();
    }

    /// Every line of the ledger.
    pub async fn lines(&self) -> Vec<Line> {
        match self {
            Place::Postgres(server, folder) => postgres_store(&server.url("postgres"), folder).lines().await.unwrap(),
            Place::Sqlite(folder) => SqliteJournal::lines(&folder.0.join("severn.db")).unwrap(),
        }
    }

    /// The words by which a statement is refused, of whoever may do most: SQLite's file is its reader's; PostgreSQL's superuser is held
    /// by triggers only.
    pub fn refusal(&self, sql: &str) -> String {
        match self {
            Place::Postgres(server, _) => {
                // SQLite's tables are in no schema, and it replaces where PostgreSQL has no word for it.
                let sql = format!("SET search_path = severn; {sql}");
                server.psql_fails("postgres", &sql)
            }
            Place::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.0.join("severn.db")).unwrap();
                connection.execute_batch(sql).unwrap_err().to_string()
            }
        }
    }

    /// Somebody changes rows who may.
    pub async fn changed(&self, sql: &str) {
        match self {
            Place::Postgres(server, _) => drop(server.psql("postgres", &format!("SET search_path = severn; {sql}"))),
            Place::Sqlite(folder) => rusqlite::Connection::open(folder.0.join("severn.db")).unwrap().execute_batch(sql).unwrap(),
        }
    }

    /// Rows of a table.
    pub async fn count(&self, table: &str) -> usize {
        let sql = format!("SELECT count(*) FROM {table}");
        match self {
            Place::Postgres(server, _) => server.psql("postgres", &sql.replace("FROM ", "FROM severn.")).parse().unwrap(),
            Place::Sqlite(folder) => {
                let file = rusqlite::Connection::open(folder.0.join("severn.db")).unwrap();
                file.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap() as usize
            }
        }
    }

    /// All bytes that lie in it, where they can be had: what must not stand there is not among them.
    pub async fn bytes(&self) -> Vec<u8> {
        match self {
            Place::Postgres(server, _) => {
                let tables = "SELECT string_agg(format('TABLE severn.%I', tablename), ';') FROM pg_tables WHERE schemaname = 'severn'";
                let tables = server.psql("postgres", tables);
                server.psql("postgres", &format!("SET bytea_output = escape; {tables}")).into_bytes()
            }
            Place::Sqlite(folder) => {
                ["severn.db", "severn.db-wal"].iter().flat_map(|name| std::fs::read(folder.0.join(name)).unwrap_or_default()).collect()
            }
        }
    }
}

/// How a test reaches PostgreSQL.
pub fn postgres_settings(url: &str) -> PostgresSettings {
    let ms = Duration::from_millis;
    PostgresSettings {
        url: url.to_owned(),
        password: None,
        ca_file: None,
        pool_max: 4,
        connect: ms(2000),
        statement: ms(10_000),
        patience: ms(8000),
    }
}

pub fn postgres_store(url: &str, folder: &Folder) -> PostgresStore {
    let secrets = Secrets::open(&folder.0.join("key")).unwrap();
    PostgresStore::new(postgres_settings(url), Arc::new(secrets)).unwrap()
}

/// A folder that goes when this value does.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("severn-store-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a temporary folder that stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
