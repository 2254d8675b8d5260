//! `severn check`: everything wrong with a configuration, at once.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::config::{Config, Mistake};
use crate::{ladder, policy, sensitivity, terminology};

/// Prints every mistake with its line; exits 1 if there is one.
pub fn run(file: &Path) -> anyhow::Result<ExitCode> {
    match load(file)? {
        Ok(config) => {
            for list in &config.sensitivity {
                println!("sensitive: {}", sensitivity::words(&sensitivity::checked(list)?));
            }
            if let Some(terminology) = terminology::load(&config.terminology)? {
                println!("terminology: {}", terminology::words(terminology.size()));
            }
            println!("{}", config.ledger.words());
            match policy::check(&config)? {
                Ok(words) => println!("{words}"),
                Err(faults) => {
                    faults.iter().for_each(|fault| eprintln!("{fault}"));
                    return Ok(ExitCode::FAILURE);
                }
            }
            if let Some(locator) = &config.record_locator {
                println!("{}", locator.words());
            }
            if let Some(service) = &config.demographics {
                println!("{}", service.words());
            }
            let lacking = ladder::lacking(&config, crate::wiring::system_clock().now());
            if !lacking.is_empty() {
                for what in &lacking {
                    eprintln!("{}: go_live: {what}", file.display());
                }
                return Ok(ExitCode::FAILURE);
            }
            println!("go-live step: {}", config.go_live.step.word());
            println!(
                "{}: fine. {} sources, {} sign-in providers, listens on {}.",
                file.display(),
                config.sources.len(),
                config.sign_in.len(),
                config.exchange.listen
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(mistakes) => {
            print_mistakes(file, &mistakes);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Reads a configuration file; the inner error is the list of what is wrong in it.
pub fn load(file: &Path) -> anyhow::Result<Result<Config, Vec<Mistake>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading the configuration {}", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    Ok(Config::parse(&text, folder))
}

/// One line a mistake.
pub fn print_mistakes(file: &Path, mistakes: &[Mistake]) {
    for mistake in mistakes {
        eprintln!("{}: {mistake}", file.display());
    }
    eprintln!("{}: {} mistake{}", file.display(), mistakes.len(), if mistakes.len() == 1 { "" } else { "s" });
}
