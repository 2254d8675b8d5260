//! `severn people generate`: made-up people, and who is really who.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use testbed::population::{Population, write_ndjson};

/// How many, and where to write them.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many people. Up to 449,550 all NHS numbers begin with 999; beyond, with 9: nobody was ever issued one.
    #[arg(long)]
    people: u64,
    /// The same seed gives the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the records: a CSV file as `severn people link` reads it.
    #[arg(long)]
    records: Option<PathBuf>,
    /// Where to write rec_id,person_id: who each record is really about.
    #[arg(long)]
    gold: Option<PathBuf>,
    /// Where to write superseded_nhs_number,current_nhs_number.
    #[arg(long)]
    superseded: Option<PathBuf>,
    /// Where to write the entries as lines of JSON.
    #[arg(long)]
    ndjson: Option<PathBuf>,
}

/// Writes what was asked for.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let population = Population::new(arguments.seed, arguments.people);
    let (mut records, mut gold) = (file(arguments.records.as_deref())?, file(arguments.gold.as_deref())?);
    let mut superseded = file(arguments.superseded.as_deref())?;
    population
        .write(&mut records, &mut gold, &mut superseded, |done| eprintln!("{done} of {} people", arguments.people))
        .context("writing")?;
    for mut out in [records, gold, superseded] {
        out.flush().context("writing")?;
    }
    if let Some(path) = &arguments.ndjson {
        let mut out = file(Some(path))?;
        population.people().try_for_each(|person| write_ndjson(&mut out, &person.entries())).context("writing")?;
        out.flush().context("writing")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The file, or nowhere.
fn file(path: Option<&Path>) -> anyhow::Result<Box<dyn Write>> {
    let Some(path) = path else { return Ok(Box::new(std::io::sink())) };
    let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}
