//! `severn policy`: rules looked at before they decide.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use access::{Change, Rules, difference};
use anyhow::bail;
use clap::Subcommand;
use store::Store;

use super::explain;
use crate::check;
use crate::config::Config;

/// What to do with the rules.
#[derive(Subcommand)]
pub enum Command {
    /// Says everything wrong with the site's rules at once, with file and line, and exits 1 if anything is.
    Check {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// Says who would gain and who would lose what, if the rules of one configuration took the place of another's.
    Diff {
        /// The configuration with the rules as they are.
        old: PathBuf,
        /// The configuration with the rules as they would be.
        new: PathBuf,
    },
    /// Says what a caller would see of a patient, and by which rules.
    Explain {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// A file with the claims of a token, as JSON. Nobody has to have signed it.
        #[arg(long)]
        caller: PathBuf,
        /// The patient, by the exchange's id or the NHS number; without one, what could be seen of anybody.
        #[arg(long)]
        patient: Option<String>,
        /// Only this source.
        #[arg(long)]
        source: Option<String>,
    },
}

/// Exits 1 when the rules are not to be used.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check { config } => check_all(&config).await,
        Command::Diff { old, new } => diff(&old, &new),
        Command::Explain { config, caller, patient, source } => {
            let asked = explain::Asked { caller: &caller, patient: patient.as_deref(), source: source.as_deref() };
            print!("{}", explain::told(&configuration(&config)?, asked).await?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn configuration(file: &Path) -> anyhow::Result<Config> {
    match check::load(file)? {
        Ok(config) => Ok(config),
        Err(mistakes) => {
            check::print_mistakes(file, &mistakes);
            bail!("{} is not to be used", file.display())
        }
    }
}

pub(super) fn store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let secrets = Arc::new(config.store.secrets()?);
    crate::wiring::open(&config.store, secrets)
}

/// The same as when they are saved: whom the rules name is looked up.
async fn check_all(file: &Path) -> anyhow::Result<ExitCode> {
    let config = configuration(file)?;
    match super::read(&config, Some(super::today())).await? {
        Ok(rules) => {
            println!("{}: fine. {} rules, version {}.", file.display(), rules.len(), rules.version());
            Ok(ExitCode::SUCCESS)
        }
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("{fault}"));
            eprintln!("{}: {} faults in the rules", file.display(), faults.len());
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Those who would gain or lose something that are named; the rest are counted.
const NAMED_MAX: usize = 6;

fn diff(old: &Path, new: &Path) -> anyhow::Result<ExitCode> {
    let rules = |file: &Path| -> anyhow::Result<Rules> { super::load(&configuration(file)?) };
    let (before, after) = (rules(old)?, rules(new)?);
    println!("From version {} to version {}.", before.version(), after.version());
    print!("{}", changes(&difference(&before, &after, crate::wiring::system_clock().now())));
    Ok(ExitCode::SUCCESS)
}

/// The changes as a page of text.
pub fn changes(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "Nobody would gain or lose anything.\n".to_owned();
    }
    let mut page = String::new();
    for gained in [true, false] {
        for change in changes.iter().filter(|change| change.gained == gained) {
            let word = if gained { "GAINED" } else { "LOST" };
            page.push_str(&format!("{word}: {} by {} kinds of caller\n", change.what, change.who.len()));
            change.who.iter().take(NAMED_MAX).for_each(|who| page.push_str(&format!("    {who}\n")));
            if let Some(more) = change.who.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
                page.push_str(&format!("    and {more} more\n"));
            }
        }
    }
    page
}
