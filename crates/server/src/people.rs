//! `severn people`: the person index, by command.

mod columns;
#[cfg(feature = "demo")]
mod generate;
mod link;

use std::process::ExitCode;

use clap::Subcommand;

/// What may be done.
#[derive(Subcommand)]
pub enum Command {
    /// Makes up any number of people like a region's, and what providers wrote down about them: test data.
    #[cfg(feature = "demo")]
    Generate(generate::Arguments),
    /// Finds out who is who in a file of people, offline: nothing of it is kept.
    Link(Box<link::Arguments>),
}

/// Does it.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        #[cfg(feature = "demo")]
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Link(arguments) => link::run(&arguments),
    }
}
