//! Checking the ledger: every chain, every checkpoint, every copy that others have.

use std::fs::File;
use std::io::{BufRead, BufReader, Empty, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use audit::{Exported, FirstBad, Inspection, Line, Problem, PublicKey, Report, verify_export};

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
    let (mut outcome, mut unentered) = (Ok(()), None);
    while outcome.is_ok()
        && let Some(last) = page.last()
    {
        let (run, sequence) = (last.run.clone(), last.sequence);
        let lines = Arc::new(page);
        let own = lines.clone();
        // The next lines are read while these are checked.
        let checking = tokio::task::spawn_blocking(move || {
            let outcome = own.iter().try_for_each(|line| inspection.line(line));
            (inspection, outcome)
        });
        let finding = async {
            match &unentered {
                None => archive.unentered(&lines).await.map(|place| place.and_then(|place| lines.get(place)).map(not_found)),
                Some(_) => Ok(None),
            }
        };
        let (next, checked, found) = tokio::join!(archive.lines_after(&run, sequence, AT_ONCE), checking, finding);
        (inspection, outcome) = checked?;
        unentered = unentered.or(found?);
        page = next?;
        entries += lines.len() as u64;
        meter.tell(entries);
    }
    let mut report = inspection.finish(outcome);
    report.problems.extend(unentered.map(Problem::Name));
    Ok(told(&report, given))
}

/// An entry that nobody is told of who asks who looked.
fn not_found(line: &Line) -> FirstBad {
    let why = "it is not found by every name that it stands under, so that not everybody who asks who looked is told of it".to_owned();
    FirstBad { run: line.run.clone(), sequence: line.sequence, why }
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

/// All fits together, and nobody who is believed has signed it.
const UNBELIEVED: u8 = 3;

/// Says what was found; whoever gave no key is told what that means.
fn told(report: &Report, keys_given: usize) -> ExitCode {
    for problem in &report.problems {
        println!("NOT as it was written: {problem}");
    }
    match &report.checkpoint {
        Some((number, at)) => println!("checkpoints: up to {number}, made at {at}, signed by {}", report.keys.join(", ")),
        None => println!("checkpoints: none, so that nobody vouches for the end of a chain"),
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
    if keys_given == 0 {
        println!(
            "NOT verified: whose key signed it was not looked at, and whoever makes all of it anew signs it too. Give the ledger's with --key"
        );
        return ExitCode::from(UNBELIEVED);
    }
    ExitCode::SUCCESS
}
