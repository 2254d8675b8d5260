//! `severn store`: the store from outside, while nobody is asked to wait.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use ::store::{PostgresSettings, PostgresStore, SqliteHealth, SqliteStore, file};
use anyhow::Context;
use audit::Verified;
use clap::Subcommand;

use crate::check;
use crate::config::{StoreConfig, StorePlace};

pub mod shred;

/// What to do with the store.
#[derive(Subcommand)]
pub enum Command {
    /// Writes all that the store holds, as it is at one moment, into a file. The key file is not in it: keep that apart.
    Backup {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// The file to write; it must not be there yet.
        #[arg(long)]
        to: PathBuf,
    },
    /// Looks whether the store is whole, and the ledger what was written.
    Check {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// Spreads PostgreSQL's tables over several machines, where the extension Citus is there; exits 3 where it is not.
    Distribute {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// Only prints the statements.
        #[arg(long)]
        dry_run: bool,
    },
    /// Lets another role of PostgreSQL work with the store: it may add to the ledger and never change it, and owns nothing. Run it as the
    /// role that owns the tables, after `migrate`; `serve` then runs as the other one.
    Grant {
        /// The configuration, with the owner in its URL.
        #[arg(long)]
        config: PathBuf,
        /// The role that is to work.
        #[arg(long)]
        role: String,
    },
    /// Brings the store's schema up to date; `serve` does so, too.
    Migrate {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// Writes a key file with the keys there are and one more. Everybody knows it first, then it seals: see `rekey`.
    NewKey {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// The file to write; it must not be there yet.
        #[arg(long)]
        to: PathBuf,
        /// Puts the new key first: it seals. By default last: it only opens, until every node knows it.
        #[arg(long)]
        first: bool,
    },
    /// Seals everything anew by the first key, and takes the others out of use, while nodes that know both are at work. May be
    /// stopped, and goes on when it is run again.
    Rekey {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// Persons in one transaction.
        #[arg(long, default_value_t = 500)]
        batch: usize,
    },
    /// Reads what `backup` wrote into a place where there is no store yet, and looks at it.
    Restore {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// The file that `backup` wrote.
        #[arg(long)]
        from: PathBuf,
    },
    /// Makes evidence unreadable whose time is over (`[vault] retention_years`): destroys the keys of people of whom nothing was shown since,
    /// and whose evidence is not held. In PostgreSQL as the role that owns the tables.
    Shred {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// Only says how many people that would be.
        #[arg(long)]
        dry_run: bool,
        /// Who you are: it stands on the ledger. By default who is signed in at this machine.
        #[arg(long = "as")]
        by: Option<String>,
    },
}

/// Exits 1 when something is wrong, 3 when Citus is not there.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let (Command::Backup { config: path, .. }
    | Command::Check { config: path }
    | Command::Distribute { config: path, .. }
    | Command::Grant { config: path, .. }
    | Command::Migrate { config: path }
    | Command::NewKey { config: path, .. }
    | Command::Rekey { config: path, .. }
    | Command::Restore { config: path, .. }
    | Command::Shred { config: path, .. }) = &command;
    let config = match check::load(path)? {
        Ok(config) => config,
        Err(mistakes) => {
            check::print_mistakes(path, &mistakes);
            return Ok(ExitCode::FAILURE);
        }
    };
    match command {
        Command::Backup { to, .. } => back_up(&config.store, &to).await,
        Command::Check { .. } => look(&config.store).await,
        Command::Distribute { dry_run, .. } => distribute(&config.store, dry_run).await,
        Command::Grant { role, .. } => grant(&config.store, &role).await,
        Command::Migrate { .. } => migrate(&config.store).await,
        Command::NewKey { to, first, .. } => new_key(&config.store, &to, first),
        Command::Rekey { batch, .. } => rekey(&config.store, batch).await,
        Command::Restore { from, .. } => restore(&config.store, &from).await,
        Command::Shred { dry_run, by, .. } => shred::run(&config, by.as_deref(), dry_run).await,
    }
}

/// Brings PostgreSQL's schema up to date before anything is asked of it; a file is, when it is opened.
pub async fn prepare(config: &StoreConfig) -> anyhow::Result<()> {
    if let StorePlace::Postgres(settings) = &config.place {
        let store = postgres(config, settings)?;
        store.migrate().await?;
        for warning in store.health().await?.warnings {
            tracing::warn!(store = "postgresql", "{warning}");
        }
    }
    Ok(())
}

pub(crate) fn postgres(config: &StoreConfig, settings: &PostgresSettings) -> anyhow::Result<PostgresStore> {
    let secrets = Arc::new(config.secrets()?);
    // One thing after the other, each for as long as it takes.
    let settings = PostgresSettings { pool_max: 2, statement: std::time::Duration::from_secs(3600), ..settings.clone() };
    Ok(PostgresStore::new(settings, secrets)?)
}

fn ledger(found: &Result<Verified, String>) -> ExitCode {
    match found {
        Ok(Verified { lines, runs }) => {
            println!("ledger: {lines} entries in {runs} chains, each as it was written");
            ExitCode::SUCCESS
        }
        Err(bad) => {
            println!("ledger: NOT as it was written: {bad}");
            ExitCode::FAILURE
        }
    }
}

fn told(found: &SqliteHealth) -> ExitCode {
    let (version, known) = found.schema;
    println!("schema: version {version}, this program knows up to {known}");
    for broken in &found.broken {
        println!("broken: {broken}");
    }
    let ledger = ledger(&found.ledger);
    if found.is_well() { ledger } else { ExitCode::FAILURE }
}

async fn back_up(config: &StoreConfig, to: &Path) -> anyhow::Result<ExitCode> {
    let code = match &config.place {
        StorePlace::Postgres(settings) => {
            let store = postgres(config, settings)?;
            let found = store.verify_ledger().await?;
            let to = to.to_owned();
            tokio::task::spawn_blocking(move || store.back_up(&to)).await??;
            ledger(&found)
        }
        StorePlace::Sqlite(file) => told(&file::back_up(file, to)?),
    };
    println!("{}: written. Without the keys in {} it cannot be read: keep those in another place.", to.display(), config.keys());
    Ok(code)
}

async fn look(config: &StoreConfig) -> anyhow::Result<ExitCode> {
    match &config.place {
        StorePlace::Postgres(settings) => {
            let store = postgres(config, settings)?;
            let health = store.health().await?;
            println!("PostgreSQL {}", health.server);
            let standbys = if health.synchronous.is_empty() { "none: a commit waits for this server only" } else { &health.synchronous };
            println!("synchronous standbys: {standbys}");
            health.warnings.iter().for_each(|warning| println!("warning: {warning}"));
            let (version, known) = health.schema;
            println!("schema: version {version}, this program knows up to {known}");
            if version == 0 || version > known {
                return Ok(ExitCode::FAILURE);
            }
            Ok(ledger(&store.verify_ledger().await?))
        }
        StorePlace::Sqlite(file) => Ok(told(&file::health(file)?)),
    }
}

async fn distribute(config: &StoreConfig, dry_run: bool) -> anyhow::Result<ExitCode> {
    let StorePlace::Postgres(settings) = &config.place else {
        anyhow::bail!("the store is one file of SQLite: only PostgreSQL's tables can be distributed");
    };
    if dry_run {
        PostgresStore::distribution().iter().for_each(|statement| println!("{statement};"));
        return Ok(ExitCode::SUCCESS);
    }
    let store = postgres(config, settings)?;
    store.migrate().await?;
    match store.distribute().await? {
        Ok(done) => {
            done.before.iter().for_each(|table| println!("{table}: is distributed already"));
            done.now.iter().for_each(|table| println!("{table}: distributed"));
            Ok(ExitCode::SUCCESS)
        }
        Err(none) => {
            println!("{none}");
            Ok(ExitCode::from(3))
        }
    }
}

async fn grant(config: &StoreConfig, role: &str) -> anyhow::Result<ExitCode> {
    let StorePlace::Postgres(settings) = &config.place else {
        anyhow::bail!("the store is one file of SQLite: whoever may write the file is its owner");
    };
    postgres(config, settings)?.grant(role).await?;
    println!("{role} may work with the store, add to the ledger, and change nothing in it");
    Ok(ExitCode::SUCCESS)
}

async fn migrate(config: &StoreConfig) -> anyhow::Result<ExitCode> {
    let (before, now) = match &config.place {
        StorePlace::Postgres(settings) => postgres(config, settings)?.migrate().await?,
        StorePlace::Sqlite(file) => {
            let before = if file.exists() { file::health(file)?.schema.0 } else { 0 };
            SqliteStore::open(file, Arc::new(config.secrets()?))?;
            (before, file::health(file)?.schema.0)
        }
    };
    if before == now {
        println!("schema: version {now} already")
    } else {
        println!("schema: from version {before} to {now}")
    }
    Ok(ExitCode::SUCCESS)
}

fn new_key(config: &StoreConfig, to: &Path, first: bool) -> anyhow::Result<ExitCode> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let keys = match &config.key_env {
        Some(name) => std::env::var(name)?.into_bytes(),
        None => std::fs::read(&config.key_file).with_context(|| config.keys())?,
    };
    let text = ::store::with_fresh_key(&keys, first).map_err(anyhow::Error::msg)?;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).with_context(|| to.display().to_string())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    println!("{}: {} keys, of which the first seals", to.display(), ::store::Secrets::of(text.as_bytes()).map_or(0, |all| all.ids().len()));
    Ok(ExitCode::SUCCESS)
}

async fn rekey(config: &StoreConfig, batch: usize) -> anyhow::Result<ExitCode> {
    prepare(config).await?;
    let secrets = Arc::new(config.secrets()?);
    let store = crate::wiring::open(config, secrets.clone())?;
    let mut told = tokio::time::Instant::now();
    let done = ::store::rekey(&*store, batch, |rows| {
        if told.elapsed() >= TELL {
            told = tokio::time::Instant::now();
            println!("rekey: {rows} rows");
        }
    });
    let done = done.await?;
    println!("rekey: everything is sealed by {}; {} rows were sealed anew", secrets.ids().first().map_or("", String::as_str), done.changed);
    if done.unknown_cuts > 0 {
        println!("rekey: {} numbers were cut by a program that kept nothing else of them: the old keys must stay", done.unknown_cuts);
        return Ok(ExitCode::FAILURE);
    }
    match done.old.as_slice() {
        [] => println!("rekey: no other key is in use"),
        old => println!("rekey: nothing needs {} any more, but backups of before: take them out of {}", old.join(", "), config.keys()),
    }
    Ok(ExitCode::SUCCESS)
}

/// How often progress is told.
const TELL: std::time::Duration = std::time::Duration::from_secs(2);

async fn restore(config: &StoreConfig, from: &Path) -> anyhow::Result<ExitCode> {
    let there = config.key_env.is_some() || config.key_file.exists();
    anyhow::ensure!(there, "{}: the key that the store was written with must be here before it is restored", config.keys());
    match &config.place {
        StorePlace::Postgres(settings) => {
            let store = postgres(config, settings)?;
            store.restore(from).await?;
            let (before, now) = store.migrate().await?;
            println!("schema: version {before}, now {now}");
            Ok(ledger(&store.verify_ledger().await?))
        }
        StorePlace::Sqlite(file) => {
            let found = file::restore(from, file)?;
            let code = told(&found);
            if found.is_well() {
                SqliteStore::open(file, Arc::new(config.secrets()?))?;
            }
            Ok(code)
        }
    }
}
