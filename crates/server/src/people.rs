//! `severn people`: the person index, by command.

mod columns;
mod link;

use std::process::ExitCode;

use clap::Subcommand;

/// What may be done.
#[derive(Subcommand)]
pub enum Command {
    /// Finds out who is who in a file of people, offline: nothing of it is kept.
    Link(Box<link::Arguments>),
}

/// Does it.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Link(arguments) => link::run(&arguments),
    }
}
