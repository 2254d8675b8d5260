//! Writing the ledger into files, for those who check it elsewhere.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use audit::{Archive, Course, Head, Proof, Signed, SigningKey, exported};
use jiff::Timestamp;

use super::{Meter, archive};
use crate::config::Config;

/// Lines read at once.
const AT_ONCE: usize = 10_000;

/// Writes `ledger.ndjson`, `checkpoints.ndjson` and `proof.json`.
pub async fn run(config: &Config, out: &Path, since: Option<&str>) -> anyhow::Result<ExitCode> {
    let since = since.map(moment).transpose()?;
    let key = SigningKey::open(&config.ledger.key_file)?;
    let archive = archive(config).await?;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let begin = begin(archive.as_ref(), since).await?;
    let mut checkpoints = private(&out.join("checkpoints.ndjson"))?;
    let last = write_checkpoints(archive.as_ref(), &begin, &mut checkpoints).await?;
    finished(checkpoints)?;
    // The chains' ends are read after the checkpoints: none of those goes beyond them.
    let ends = archive.heads().await?;
    let mut ledger = private(&out.join("ledger.ndjson"))?;
    let (entries, heads) = write_lines(archive.as_ref(), &begin, ends, &mut ledger).await?;
    finished(ledger)?;
    let at = crate::wiring::system_clock().now().to_string();
    let mut proof = private(&out.join("proof.json"))?;
    proof.write_all(Proof::new(at, begin.after, entries, heads, last, &key).signed(&key).as_bytes())?;
    finished(proof)?;
    match begin.after {
        0 => println!("{}: {entries} entries, all there are", out.display()),
        after => println!("{}: {entries} entries, those after checkpoint {after}", out.display()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A day or a moment, in UTC.
fn moment(text: &str) -> anyhow::Result<Timestamp> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    match text.parse::<Timestamp>().ok().or_else(|| day().map(|day| day.timestamp())) {
        Some(moment) => Ok(moment),
        None => bail!("--since {text}: write a day (2026-11-01) or a moment (2026-11-01T09:00:00Z)"),
    }
}

/// Where an export begins.
#[derive(Default)]
struct Begin {
    /// After this checkpoint.
    after: u64,
    /// The checkpoints in it, from the last whole one on that is not after that.
    checkpoints_after: u64,
    /// Where chains stood then.
    heads: BTreeMap<String, u64>,
}

async fn begin(archive: &dyn Archive, since: Option<Timestamp>) -> anyhow::Result<Begin> {
    let Some(since) = since else { return Ok(Begin::default()) };
    let (mut begin, mut course, mut number) = (Begin::default(), Course::default(), 0);
    'reading: loop {
        let lines = archive.checkpoints_after(number, AT_ONCE).await?;
        for line in &lines {
            let signed =
                Signed::read(line.as_bytes()).with_context(|| format!("checkpoint {} cannot be read: verify says more", number + 1))?;
            if signed.checkpoint.at.parse::<Timestamp>().is_ok_and(|at| at > since) {
                break 'reading;
            }
            course.add(&signed, &[]).map_err(|bad| anyhow::anyhow!("{bad}"))?;
            number = signed.checkpoint.number;
            if signed.checkpoint.whole {
                begin.checkpoints_after = number - 1;
            }
        }
        if lines.len() < AT_ONCE {
            break;
        }
    }
    begin.after = number;
    begin.heads = course.heads().map(|head| (head.run.clone(), head.sequence)).collect();
    Ok(begin)
}

/// The last one's number and hash.
async fn write_checkpoints(archive: &dyn Archive, begin: &Begin, out: &mut impl Write) -> anyhow::Result<Option<(u64, String)>> {
    let (mut after, mut last) = (begin.checkpoints_after, None);
    loop {
        let lines = archive.checkpoints_after(after, AT_ONCE).await?;
        for line in &lines {
            writeln!(out, "{line}")?;
            after += 1;
        }
        if let Some(line) = lines.last() {
            let signed = Signed::read(line.as_bytes()).with_context(|| format!("checkpoint {after} cannot be read: verify says more"))?;
            last = Some((signed.checkpoint.number, signed.hash()));
        }
        if lines.len() < AT_ONCE {
            return Ok(last);
        }
    }
}

/// Lines up to where the chains end; how many, and the last of each chain.
async fn write_lines(archive: &dyn Archive, begin: &Begin, ends: Vec<Head>, out: &mut impl Write) -> anyhow::Result<(u64, Vec<Head>)> {
    let ends: BTreeMap<String, Head> = ends.into_iter().map(|head| (head.run.clone(), head)).collect();
    let (mut at, mut count, mut meter) = ((String::new(), 0), 0, Meter::start());
    loop {
        let page = archive.lines_after(&at.0, at.1, AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        at = (last.run.clone(), last.sequence);
        for line in &page {
            let before = begin.heads.get(&line.run).copied().unwrap_or(0);
            if line.sequence <= before {
                // What is before is not read: on to where the chain stood.
                at = (line.run.clone(), before);
                break;
            }
            if ends.get(&line.run).is_some_and(|end| line.sequence <= end.sequence) {
                writeln!(out, "{}", exported(line))?;
                count += 1;
                meter.tell(count);
            }
        }
    }
    let heads = ends.into_values().filter(|head| begin.heads.get(&head.run) != Some(&head.sequence)).collect();
    Ok((count, heads))
}

/// A file that only its owner reads: names of people who looked stand in it. What is there is not written over.
fn private(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let made = File::options().write(true).create_new(true).mode(0o600).open(path);
    made.map(BufWriter::new).with_context(|| path.display().to_string())
}

fn finished(file: BufWriter<File>) -> anyhow::Result<()> {
    Ok(file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?)
}
