//! The `severn` binary: HTTP, configuration, commands.

mod check;
mod client;
#[expect(dead_code, reason = "`serve`, which reads the rest of it, is not wired yet")]
mod config;
mod logs;
mod page;
#[cfg(feature = "demo")]
mod region;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Severn joins what several systems hold about one person into one record.
#[derive(Parser)]
#[command(name = "severn", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Says everything wrong with a configuration at once, and exits.
    Check {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
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
}

#[tokio::main]
async fn main() -> ExitCode {
    logs::start();
    let outcome = match Arguments::parse().command {
        Command::Check { config } => check::run(&config),
        Command::Read { number, url, token, json, claim } => client::run(&number, &url, &token, json, claim.as_deref()).await,
        #[cfg(feature = "demo")]
        Command::Region { listen } => region::run(listen).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("severn: {error:#}");
            ExitCode::FAILURE
        }
    }
}
