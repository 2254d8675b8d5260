//! Checking the ledger: every chain, every checkpoint, every copy that others have.

use std::fs::File;
use std::io::{BufRead, BufReader, Empty, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use audit::{Exported, Inspection, PublicKey, Report, verify_export};

use super::{Meter, archive};
use crate::config::Config;
use crate::config::ledger::WitnessPlace;

/// Lines read at once.
const AT_ONCE: usize = 10_000;

/// Checks the store.
pub async fn store(config: &Config, mut copies: Vec<PathBuf>, trusted: Vec<PublicKey>) -> anyhow::Result<ExitCode> {
    let given = trusted.len();
    let kept = config.ledger.witnesses.iter().filter_map(|witness| match &witness.place {
        WitnessPlace::File(file) => Some(file.clone()),
        WitnessPlace::Url { .. } => None,
    });
    copies.extend(kept.filter(|file| file.exists()));
    // As long as they are now: whoever works with the store meanwhile may hand out more than is looked at.
    let copies = copies.iter().map(|file| opened(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let archive = archive(config).await?;
    let mut inspection = Inspection::new(trusted, 0);
    let mut after = 0;
    loop {
        let lines = archive.checkpoints_after(after, AT_ONCE).await?;
        lines.iter().for_each(|line| inspection.checkpoint(line.as_bytes()));
        after += lines.len() as u64;
        if lines.len() < AT_ONCE {
            break;
        }
    }
    for (name, copy) in copies {
        inspection.witness(&name, copy)?;
    }
    inspection.begin();
    let (mut meter, mut entries) = (Meter::start(), 0);
    let mut page = archive.lines_after("", 0, AT_ONCE).await?;
    let mut outcome = Ok(());
    while outcome.is_ok()
        && let Some(last) = page.last()
    {
        let (run, sequence) = (last.run.clone(), last.sequence);
        // The next lines are read while these are checked.
        let checking = tokio::task::spawn_blocking(move || {
            let outcome = page.iter().try_for_each(|line| inspection.line(line));
            (inspection, outcome, page.len() as u64)
        });
        let (next, checked) = tokio::join!(archive.lines_after(&run, sequence, AT_ONCE), checking);
        let count;
        (inspection, outcome, count) = checked?;
        page = next?;
        entries += count;
        meter.tell(entries);
    }
    Ok(told(&inspection.finish(outcome), given))
}

/// Checks an export: a folder, or the `ledger.ndjson` in it.
pub fn export(place: &Path, copies: &[PathBuf], trusted: Vec<PublicKey>) -> anyhow::Result<ExitCode> {
    let given = trusted.len();
    let ledger = if place.is_dir() { place.join("ledger.ndjson") } else { place.to_owned() };
    let folder = ledger.parent().unwrap_or(Path::new("."));
    // What is not there is cut off: that is found, and said.
    let checkpoints: Box<dyn BufRead> = match File::open(folder.join("checkpoints.ndjson")) {
        Ok(file) => Box::new(BufReader::new(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Box::new(BufReader::new(Empty::default())),
        Err(error) => return Err(error.into()),
    };
    let proof = match std::fs::read(folder.join("proof.json")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        proof => proof.unwrap_or_default(),
    };
    let copies = copies.iter().map(|file| opened(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let ledger = BufReader::with_capacity(1 << 20, File::open(&ledger).with_context(|| ledger.display().to_string())?);
    let mut meter = Meter::start();
    let report = verify_export(Exported { ledger, checkpoints, proof }, copies, trusted, |entries| meter.tell(entries))?;
    Ok(told(&report, given))
}

fn opened(file: &Path) -> anyhow::Result<(String, BufReader<std::io::Take<File>>)> {
    let name = file.display().to_string();
    let copy = File::open(file).with_context(|| name.clone())?;
    let length = copy.metadata()?.len();
    Ok((name, BufReader::new(copy.take(length))))
}

/// Says what was found; whoever gave no key is told what that means.
fn told(report: &Report, keys_given: usize) -> ExitCode {
    for problem in &report.problems {
        println!("NOT as it was written: {problem}");
    }
    match &report.checkpoint {
        Some((number, at)) => println!("checkpoints: up to {number}, made at {at}, signed by {}", report.keys.join(", ")),
        None => println!("checkpoints: none, so that nobody vouches for the end of a chain"),
    }
    if keys_given == 0 && report.checkpoint.is_some() {
        println!("whose key that is was not looked at: give it with --key");
    }
    for (name, number) in &report.witnesses {
        println!("copy {name}: up to checkpoint {number}, the same");
    }
    if !report.problems.is_empty() {
        return ExitCode::FAILURE;
    }
    println!("ledger: {} entries in {} chains, each as it was written and where it was", report.verified.lines, report.verified.runs);
    if report.unvouched > 0 {
        println!("{} of them came after the last checkpoint of their chain: the next one will vouch for them", report.unvouched);
    }
    ExitCode::SUCCESS
}
