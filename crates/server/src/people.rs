//! `severn people`: the person index, by command.

mod columns;
pub mod deed;
pub(crate) mod desk;
#[cfg(feature = "demo")]
mod generate;
mod link;
pub mod load;
mod review;
pub mod snapshot;
pub mod told;

use std::process::ExitCode;

use clap::Subcommand;

/// What may be done.
#[derive(Subcommand)]
pub enum Command {
    /// Makes up any number of people like a region's, and what providers wrote down about them: test data.
    #[cfg(feature = "demo")]
    Generate(generate::Arguments),
    /// Says why two are one person, or are not, field by field; of one, why their entries are linked.
    Explain(Box<review::Explain>),
    /// Finds out who is who in a file of people, offline: nothing of it is kept.
    Link(Box<link::Arguments>),
    /// Takes a source's patients in from files: CSV, FHIR Patients one a line, or Bundles. Killed and run again, it goes on where it was.
    Load(Box<load::Arguments>),
    /// The steward's desk: lists doubts, shows both sides of one, decides it, and takes a decision back.
    Review(Box<review::Arguments>),
}

/// Does it.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        #[cfg(feature = "demo")]
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Explain(arguments) => review::explain(&arguments).await,
        Command::Link(arguments) => link::run(&arguments),
        Command::Load(arguments) => load::run(&arguments).await,
        Command::Review(arguments) => review::run(&arguments).await,
    }
}
