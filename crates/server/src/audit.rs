//! `severn audit`: the ledger from outside, for whoever does not take its word.

mod export;
mod report;
mod verify;
pub mod witness;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use ::audit::{Archive, PublicKey, SigningKey};
use ::store::SqliteStore;
use anyhow::Context;
use clap::Subcommand;

use crate::check;
use crate::config::{Config, StorePlace};

/// What to do with the ledger.
#[derive(Subcommand)]
pub enum Command {
    /// Writes the ledger into a folder, with its checkpoints and a signed proof of where both end.
    Export {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// The folder to make, or an empty one.
        #[arg(long)]
        out: PathBuf,
        /// Only what came after the last checkpoint before this moment (2026-11-01, or with a time).
        #[arg(long)]
        since: Option<String>,
    },
    /// Prints the public key that signs checkpoints: give it to whoever is to check the ledger.
    Key {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// Tells in plain English who looked: at a patient's record, by a user, or at what a source holds.
    Report(Box<report::Arguments>),
    /// Looks whether every entry is there as it was written, and names the first that is not; exits 1 then, and 3 where no key was given
    /// by which anything could be believed.
    Verify {
        /// The configuration, to check the store.
        #[arg(long, conflicts_with = "export", required_unless_present = "export")]
        config: Option<PathBuf>,
        /// A folder that `export` wrote, or its ledger.ndjson, to check without a store.
        #[arg(long)]
        export: Option<PathBuf>,
        /// A copy of the checkpoints that somebody was handed; several allowed. Those that the configuration names are looked at anyway.
        #[arg(long)]
        checkpoints: Vec<PathBuf>,
        /// The public key that signs checkpoints, or a file that holds it; several allowed. Those of the configuration are believed anyway.
        #[arg(long)]
        key: Vec<String>,
    },
}

/// Exits 1 when something is not as it was written.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let file = match &command {
        Command::Report(arguments) => return report::run(arguments).await,
        Command::Export { config, .. } | Command::Key { config } => Some(config),
        Command::Verify { config, .. } => config.as_ref(),
    };
    let config = match file.map(|file| check::load(file).map(|loaded| (file, loaded))).transpose()? {
        Some((file, Err(mistakes))) => {
            check::print_mistakes(file, &mistakes);
            return Ok(ExitCode::FAILURE);
        }
        Some((_, Ok(config))) => Some(config),
        None => None,
    };
    match (command, config) {
        (Command::Export { out, since, .. }, Some(config)) => export::run(&config, &out, since.as_deref()).await,
        (Command::Key { .. }, Some(config)) => {
            print!("{}", SigningKey::open(&config.ledger.key_file)?.public().pem());
            Ok(ExitCode::SUCCESS)
        }
        (Command::Verify { checkpoints, key, .. }, Some(config)) => {
            let mut trusted = keys(&key)?;
            trusted.extend(keys(&config.ledger.trusted_keys).context("[ledger] trusted_keys")?);
            if config.ledger.key_file.exists() {
                trusted.push(SigningKey::open(&config.ledger.key_file)?.public());
            }
            verify::store(&config, checkpoints, trusted).await
        }
        (Command::Verify { export: Some(export), checkpoints, key, .. }, None) => {
            let trusted = keys(&key)?;
            tokio::task::spawn_blocking(move || verify::export(&export, &checkpoints, trusted)).await?
        }
        _ => anyhow::bail!("no configuration"),
    }
}

/// Each is a key, or a file that holds one.
pub(crate) fn keys(given: &[String]) -> anyhow::Result<Vec<PublicKey>> {
    let key = |given: &String| {
        let text = if Path::new(given).is_file() { std::fs::read_to_string(given)? } else { given.clone() };
        PublicKey::parse(&text).with_context(|| format!("{given}: it is neither a key of the ledger's nor a file with one"))
    };
    given.iter().map(key).collect()
}

/// The store that a configuration names; one that is not there is not made.
async fn archive(config: &Config) -> anyhow::Result<Arc<dyn Archive>> {
    Ok(match &config.store.place {
        StorePlace::Postgres(settings) => Arc::new(crate::store::postgres(&config.store, settings)?),
        StorePlace::Sqlite(file) => {
            anyhow::ensure!(file.exists(), "{}: there is no store", file.display());
            Arc::new(SqliteStore::open(file, Arc::new(config.store.secrets()?))?)
        }
    })
}

/// Tells how far it is, once it has taken a while.
struct Meter {
    told: tokio::time::Instant,
}

impl Meter {
    /// How often it is told.
    const EVERY: std::time::Duration = std::time::Duration::from_secs(2);

    fn start() -> Meter {
        Meter { told: tokio::time::Instant::now() }
    }

    fn tell(&mut self, entries: u64) {
        // A look at the clock costs as much as an entry.
        if entries.is_multiple_of(1_000) && self.told.elapsed() >= Meter::EVERY {
            self.told = tokio::time::Instant::now();
            eprintln!("severn: {entries} entries so far");
        }
    }
}
