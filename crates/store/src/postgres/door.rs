//! The way to PostgreSQL: connections, time limits, and asking again when a connection broke.

use std::collections::HashMap;
use std::error::Error as _;
use std::hash::RandomState;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts};
use exchange::StoreDown;
use record::PersonId;
use tokio::time::Instant;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::columns::Unreadable;
use crate::{Secrets, StoreError};

/// How to reach PostgreSQL, and for how long to wait.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://…`: one host or several (`postgres://a,b/severn?target_session_attrs=read-write` finds whichever is the primary).
    /// `sslmode=require` asks for TLS; whoever answers is always verified.
    pub url: String,
    /// The password, where it does not stand in the URL.
    pub password: Option<String>,
    /// A certificate authority of its own, in PEM; else the system's.
    pub ca_file: Option<PathBuf>,
    /// Connections at most.
    pub pool_max: usize,
    /// For making one connection to one host.
    pub connect: Duration,
    /// For one statement.
    pub statement: Duration,
    /// For how long a question is asked again when its connection broke.
    pub patience: Duration,
}

impl std::fmt::Debug for PostgresSettings {
    /// The URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresSettings").field("pool_max", &self.pool_max).finish_non_exhaustive()
    }
}

impl PostgresSettings {
    /// What is wrong with them, if anything.
    pub fn mistake(&self) -> Option<String> {
        let config = match self.url.parse::<Config>() {
            Ok(config) => config,
            // The error names what it does not understand, never the password.
            Err(error) => return Some(with_cause(&error)),
        };
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Some("names no host".to_owned());
        }
        if config.get_user().is_none() {
            return Some("names no user".to_owned());
        }
        self.ca_file.as_deref().and_then(|file| roots(file).err().map(|error| error.to_string()))
    }

    pub(super) fn config(&self) -> Result<Config, StoreError> {
        let mut config: Config = self.url.parse().map_err(|error| StoreError::Url(with_cause(&error)))?;
        let own = config.get_options().unwrap_or_default();
        let options = format!("{own} -c search_path={} -c statement_timeout={}", super::schema::SCHEMA, self.statement.as_millis());
        config.options(options.trim()).connect_timeout(self.connect);
        if let Some(password) = &self.password {
            config.password(password);
        }
        if config.get_application_name().is_none() {
            config.application_name("severn");
        }
        // A peer that went without a word is noticed.
        config.keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(self.statement + self.connect);
        Ok(config)
    }
}

fn roots(file: &Path) -> Result<rustls::RootCertStore, StoreError> {
    let wrong = |what: String| StoreError::Tls { file: file.display().to_string(), what };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(roots) }
}

fn tls(file: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let Some(file) = file else {
        let none = |_| StoreError::Tls { file: "the system's".to_owned(), what: "no certificate authority is there".to_owned() };
        return MakeRustlsConnect::with_native_certs().map(|(tls, _)| tls).map_err(none);
    };
    Ok(MakeRustlsConnect::new(rustls::ClientConfig::builder().with_root_certificates(roots(file)?).with_no_client_auth()))
}

/// The store in PostgreSQL. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
    pub(super) settings: Arc<PostgresSettings>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) kept: Arc<Mutex<HashMap<PersonId, (i64, u64)>>>,
    pub(super) hasher: RandomState,
}

/// Raises what is less; an operator's `remote_apply` stays.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')";

impl PostgresStore {
    /// Sees to connections as they are wanted; none is made yet. [`PostgresStore::migrate`] comes before anything is asked.
    pub fn new(settings: PostgresSettings, secrets: Arc<Secrets>) -> Result<PostgresStore, StoreError> {
        let config = settings.config()?;
        let create = settings.connect * (config.get_hosts().len().max(config.get_hostaddrs().len()) as u32 + 1);
        let way = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match config.get_ssl_mode() {
            SslMode::Disable => Manager::from_config(config, NoTls, way),
            // Asked for or merely allowed, a certificate is verified; without any authority to verify by, none is asked for.
            SslMode::Prefer => match tls(settings.ca_file.as_deref()) {
                Ok(tls) => Manager::from_config(config, tls, way),
                Err(_) if settings.ca_file.is_none() => Manager::from_config(config, NoTls, way),
                Err(error) => return Err(error),
            },
            _ => Manager::from_config(config, tls(settings.ca_file.as_deref())?, way),
        };
        let durable = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(DURABLE).await.map_err(HookError::Backend) })
        });
        // Each host in its turn, and then the words of a beginning.
        let timeouts = Timeouts { wait: Some(settings.patience), create: Some(create), recycle: Some(settings.connect) };
        let pool = Pool::builder(manager).max_size(settings.pool_max).runtime(Runtime::Tokio1).timeouts(timeouts).post_create(durable);
        let pool = pool.build().map_err(|error| StoreError::Url(error.to_string()))?;
        Ok(PostgresStore { pool, settings: Arc::new(settings), secrets, kept: Arc::default(), hasher: RandomState::new() })
    }

    pub(super) async fn client(&self) -> Result<Object, Trouble> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => Trouble::Postgres(error),
            PoolError::Timeout(_) => Trouble::Slow,
            other => Trouble::Other(other.to_string()),
        })
    }

    pub(super) fn patience(&self) -> Patience {
        Patience { until: Instant::now() + self.settings.patience, pause: Duration::from_millis(20) }
    }
}

/// What went wrong with one try.
#[derive(Debug)]
pub(super) enum Trouble {
    Other(String),
    Postgres(tokio_postgres::Error),
    Slow,
    Unreadable(Unreadable),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Trouble {
        Trouble::Postgres(error)
    }
}

impl From<Unreadable> for Trouble {
    fn from(what: Unreadable) -> Trouble {
        Trouble::Unreadable(what)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Other(what) => f.write_str(what),
            Trouble::Postgres(error) => f.write_str(&with_cause(error)),
            Trouble::Slow => f.write_str("PostgreSQL did not answer in time"),
            Trouble::Unreadable(what) => what.fmt(f),
        }
    }
}

/// The error's own words and its cause's: the latter say what PostgreSQL said. Its detail, which quotes values, is not among them.
pub(super) fn with_cause(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

impl Trouble {
    /// Whether it may be gone on another connection: the server is away, starting, stopping, or no longer the primary; or another
    /// transaction was in the way.
    pub(super) fn may_pass(&self) -> bool {
        let Trouble::Postgres(error) = self else { return matches!(self, Trouble::Slow) };
        let Some(code) = error.code() else {
            // Not PostgreSQL's own word: the connection failed. A certificate that is not believed will not be the next time.
            let tls = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
            return tls.is_none_or(|cause| cause.kind() != std::io::ErrorKind::InvalidData);
        };
        let passing = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::TOO_MANY_CONNECTIONS,
        ];
        passing.contains(code) || code.code().starts_with("08")
    }

    pub(super) fn is(&self, state: &SqlState) -> bool {
        matches!(self, Trouble::Postgres(error) if error.code() == Some(state))
    }
}

/// For how long something is tried again.
pub(super) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    /// Waits a little before the next try; no longer when it would not help.
    pub(super) async fn again(&mut self, trouble: Trouble) -> Result<(), StoreDown> {
        if !trouble.may_pass() || Instant::now() + self.pause >= self.until {
            return Err(StoreDown(trouble.to_string()));
        }
        tracing::debug!(error = %trouble, "PostgreSQL is asked again");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_millis(500));
        Ok(())
    }
}

/// Asks on one connection, and again on another while that may help. What is asked must leave the same when it is asked twice.
macro_rules! asked {
    ($door:expr, |$client:ident| $body:expr) => {{
        let mut patience = $door.patience();
        loop {
            let outcome: Result<_, $crate::postgres::door::Trouble> = match $door.client().await {
                Err(trouble) => Err(trouble),
                Ok(mut object) => {
                    // A little more than PostgreSQL's own limit, whose words say more.
                    let limit = $door.settings.statement + std::time::Duration::from_millis(500);
                    let asked = tokio::time::timeout(limit, async {
                        let $client = &mut object;
                        $body
                    });
                    match asked.await {
                        Ok(outcome) => outcome,
                        Err(_) => {
                            // Nobody knows what it is at: nobody else gets it.
                            drop(deadpool_postgres::Object::take(object));
                            Err($crate::postgres::door::Trouble::Slow)
                        }
                    }
                }
            };
            match outcome {
                Ok(answer) => break Ok(answer),
                Err(trouble) => {
                    if let Err(down) = patience.again(trouble).await {
                        break Err(down);
                    }
                }
            }
        }
    }};
}
pub(super) use asked;
