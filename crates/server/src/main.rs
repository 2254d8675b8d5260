//! The `severn` binary: its commands.

#[cfg(feature = "demo")]
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
#[cfg(feature = "demo")]
use server::demo;
use server::{audit, check, client, convert, ladder, logs, onboard, people, policy, safety, sensitivity, serve, store};

/// Severn joins what several systems hold about one person into one record.
#[derive(Parser)]
#[command(name = "severn", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Exports and checks the ledger, tells who looked, or prints the key that signs checkpoints.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Says everything wrong with a configuration at once, and exits.
    Check {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// Reads files of FHIR and prints what Severn makes of them, one JSON line a file.
    Convert {
        /// The version they are in: dstu2, stu3 or r4.
        #[arg(long)]
        from: String,
        /// One line a file (the only form there is; kept for scripts that say so).
        #[arg(long)]
        ndjson: bool,
        /// The files, JSON or XML.
        files: Vec<PathBuf>,
    },
    /// Starts a pretend region and the exchange on one machine, and shows a joined read.
    #[cfg(feature = "demo")]
    Demo {
        /// Where the exchange listens.
        #[arg(long, default_value = "127.0.0.1:8700")]
        listen: SocketAddr,
        /// Does the one read, prints it, and exits 0 or 1.
        #[arg(long)]
        check: bool,
    },
    /// The go-live ladder: what the step of a configuration needs, and signing for it.
    #[command(subcommand)]
    GoLive(ladder::Command),
    /// Visits a supplier with test patients and writes what is wrong with it, and how to configure it; or, with --consumer, lets a
    /// reading system show that its screen displays an incomplete read.
    Onboard(Box<onboard::Arguments>),
    /// The person index: who is who.
    #[command(subcommand)]
    People(people::Command),
    /// The rules of who may see what: what is wrong with them, what a change of them would change, and what somebody would see.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Reads the joined record of a person from a running exchange.
    Read {
        /// The NHS number.
        number: String,
        /// The exchange's public URL, or its FHIR base.
        #[arg(long)]
        url: String,
        /// A file that holds a bearer token.
        #[arg(long)]
        token: PathBuf,
        /// The Bundle instead of a page of text.
        #[arg(long)]
        json: bool,
        /// Claims a relationship with these words when there is none yet.
        #[arg(long)]
        claim: Option<String>,
    },
    /// Starts only the pretend suppliers, for others to test against.
    #[cfg(feature = "demo")]
    Region {
        /// The first of the ports they listen on, one each.
        #[arg(long, default_value = "127.0.0.1:8710")]
        listen: SocketAddr,
    },
    /// Clinical safety: the hazard log.
    #[command(subcommand)]
    Safety(safety::Command),
    /// Lists of what is sensitive: signs one, or verifies it.
    #[command(subcommand)]
    Sensitivity(sensitivity::Command),
    /// Runs the exchange.
    Serve {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// Migrates, checks, backs up, restores or distributes the store.
    #[command(subcommand)]
    Store(store::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    logs::start();
    let outcome = match Arguments::parse().command {
        Command::Audit(command) => audit::run(command).await,
        Command::Check { config } => check::run(&config),
        Command::Convert { from, ndjson: _, files } => convert::run(&from, &files),
        #[cfg(feature = "demo")]
        Command::Demo { listen, check } => demo::run(listen, check).await,
        Command::GoLive(command) => ladder::run(command),
        #[cfg(feature = "demo")]
        Command::Onboard(arguments) if arguments.consumer => demo::consumer::run(arguments.listen).await,
        Command::Onboard(arguments) => onboard::run(*arguments).await,
        Command::People(command) => people::run(command).await,
        Command::Policy(command) => policy::run(command).await,
        Command::Read { number, url, token, json, claim } => client::run(&number, &url, &token, json, claim.as_deref()).await,
        #[cfg(feature = "demo")]
        Command::Region { listen } => demo::region(listen).await,
        Command::Safety(command) => safety::run(command),
        Command::Sensitivity(command) => sensitivity::run(command),
        Command::Serve { config } => serve::run(&config).await,
        Command::Store(command) => store::run(command).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("severn: {error:#}");
            ExitCode::FAILURE
        }
    }
}
