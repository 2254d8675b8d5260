//! `severn safety`: the hazard log of a release.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assurance::{Log, Tests, report};
use clap::Subcommand;

/// `severn safety …`
#[derive(Subcommand)]
pub enum Command {
    /// Prints the hazard log of this release, in Markdown. With a source tree it fails when a hazard names a test that is gone.
    Report {
        /// What to call the release; this program's version unless said.
        #[arg(long)]
        release: Option<String>,
        /// A source tree to look for the tests in; the folder one is in where that is one.
        #[arg(long)]
        tree: Option<PathBuf>,
    },
}

/// Runs one of them.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Report { release, tree } = command;
    let log = Log::own()?;
    println!("{}", report(&log, release.as_deref().unwrap_or(env!("CARGO_PKG_VERSION"))));
    let here = || Path::new("docs/safety/hazards").is_dir().then(|| PathBuf::from("."));
    let Some(tree) = tree.or_else(here) else {
        eprintln!("severn: the tests were not looked for: there is no source tree here, and --tree names none");
        return Ok(ExitCode::SUCCESS);
    };
    let faults = log.faults(&Tests::of(&tree)?);
    for fault in &faults {
        eprintln!("severn: {fault}");
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
