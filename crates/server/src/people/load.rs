//! `severn people load`: a source's patients from files into the person index.
//!
//! Rows are taken in batches; how far a file has come is written with the rows themselves, under the digest of the file's bytes. Killed
//! and run again, it goes on where it was; run once more, it has nothing to do. Which rows are bad depends on the file and the go-live
//! step alone, so the reject file is written anew from the top every time and comes to the same bytes.

mod lines;
mod progress;
mod read;
mod rejects;
mod rows;
mod sound;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use access::Step;
use anyhow::{Context, bail};
use audit::Event;
use exchange::Cause;
use people::registrar::{RULES, Taken};
use people::{Author, Entry};
use record::SourceId;

use self::progress::Meter;
use self::read::Opened;
use self::rejects::Rejects;
use self::rows::{Row, Rows};
use super::columns::Map;
use super::desk::{self, Room};
use crate::config::Config;

/// What to load, and whose it is.
#[derive(clap::Args)]
pub struct Arguments {
    /// Files: CSV, or FHIR Patients one a line (bulk files, also gzipped), or FHIR Bundles in JSON or XML.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The source whose patients they are: the id of a [[source]], or one like it.
    #[arg(long)]
    source: SourceId,
    /// What the files are; by default by what is in them.
    #[arg(long, value_enum, default_value = "auto")]
    format: Format,
    /// A TOML file that says which column is what: [columns] family_name = "surname", [formats] birth_date = "%Y%m%d".
    #[arg(long)]
    columns: Option<PathBuf>,
    /// Where bad rows go; by default FILE.rejected.csv beside each file.
    #[arg(long)]
    rejects: Option<PathBuf>,
    /// When the source said all this (an instant); by default when each file was last written.
    #[arg(long)]
    as_of: Option<jiff::Timestamp>,
    /// Who you are: it stands on the ledger.
    #[arg(long = "as", default_value = "operator")]
    by: String,
    /// The configuration.
    #[arg(long)]
    config: PathBuf,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// By what is in it.
    Auto,
    /// Patients one a line, as a FHIR server exports them.
    Bulk,
    /// A FHIR Bundle, JSON or XML.
    Bundle,
    /// Comma-separated values under a heading.
    Csv,
    /// Patients one a line.
    Ndjson,
}

/// Loads every file, one after another.
pub async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(config) = desk::config(&arguments.config)? else { return Ok(ExitCode::FAILURE) };
    if arguments.rejects.is_some() && arguments.files.len() > 1 {
        bail!("--rejects names one file, and {} are to be loaded; leave it out, and each gets its own", arguments.files.len());
    }
    let map = arguments.columns.as_deref().map(Map::read).transpose()?.unwrap_or_default();
    desk::with(&config, async |room: &Room| {
        for file in &arguments.files {
            audited(arguments, &config, &map, room, file).await.with_context(|| format!("loading {}", file.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Loads a file between two lines of the ledger.
async fn audited(arguments: &Arguments, config: &Config, map: &Map, room: &Room, file: &Path) -> anyhow::Result<()> {
    let (name, by) = (name(&arguments.source, file, config.go_live.step)?, desk::operator(&arguments.by, config));
    let interaction = format!("steward: load {name}");
    let opened = Event::Opened { by: by.clone(), interaction, patient: String::new(), hops: Vec::new() };
    let entry = room.desk.ledger.open(&room.trace, opened).await?;
    let mut seen = 0;
    let loaded = load(arguments, config, map, room, (&name, &mut seen), file).await;
    let reason = match &loaded {
        Ok((read, rejected)) => format!("{read} rows read, {rejected} rejected"),
        Err(_) => "it stopped before its end".to_owned(),
    };
    // Whose entries changed stands with each of them: here it would join them all.
    let closed = Event::Stewarded { by, what: format!("load {name}"), reason, touched: Vec::new(), seen };
    entry.close((), closed).await;
    loaded.map(drop)
}

/// Loads a file; how many rows were read, and how many rejected. How many views of records that turned out to hold what is not theirs
/// were found is counted as it goes.
async fn load(
    arguments: &Arguments,
    config: &Config,
    map: &Map,
    room: &Room,
    (name, seen_meanwhile): (&str, &mut u64),
    file: &Path,
) -> anyhow::Result<(u64, u64)> {
    let before = room.registrar.register().loaded(name).await?;
    let seen = match arguments.as_of {
        Some(seen) => seen,
        None => jiff::Timestamp::try_from(std::fs::metadata(file)?.modified()?)?,
    };
    let opened = Opened::of(file, arguments.format, config.people.row_bytes_max, config.people.bundle_bytes_max)?;
    let mut meter = Meter::of(file)?;
    let mut rows = Rows::new(opened, map, &arguments.source, seen, config)?;
    rows.notes().iter().for_each(|note| eprintln!("{}: {note}", file.display()));
    let mut rejects = Rejects::to(&rejects_of(arguments, file))?;
    let (mut done, mut taken, mut batch) = (0, Taken::default(), Vec::<Entry>::new());
    while let Some(row) = rows.next()? {
        done += 1;
        match row {
            Row::Bad(bad) => rejects.add(&bad)?,
            Row::Again => {}
            Row::Entry(entry) if done > before => batch.push(*entry),
            Row::Entry(_) => {}
        }
        // Batches end where they would have ended had the file been loaded in one go.
        if done > before && done.is_multiple_of(config.people.load_batch as u64) {
            rejects.sync()?;
            *seen_meanwhile += take(room, name, std::mem::take(&mut batch), done, &mut taken).await?;
        }
        meter.tell(done, rows.bytes());
    }
    rejects.sync()?;
    if done > before {
        *seen_meanwhile += take(room, name, batch, done, &mut taken).await?;
    }
    meter.end();
    summary(file, done, before.min(done), &rejects, &taken);
    Ok((done, rejects.count()))
}

/// What would be taken in of these bytes, were they a file whose columns are called as we call them.
pub(crate) fn looked_through(bytes: Vec<u8>, source: &SourceId, seen: jiff::Timestamp, config: &Config) -> anyhow::Result<Vec<Entry>> {
    let from = Box::new(std::io::Cursor::new(bytes));
    let opened = Opened::from(from, Format::Auto, config.people.row_bytes_max, config.people.bundle_bytes_max)?;
    let map = Map::default();
    let mut rows = Rows::new(opened, &map, source, seen, config)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        if let Row::Entry(entry) = row {
            entries.push(*entry);
        }
    }
    Ok(entries)
}

/// Takes a batch in, up to a row, and lists who saw meanwhile what was not theirs; how many views those were.
async fn take(room: &Room, name: &str, batch: Vec<Entry>, done: u64, taken: &mut Taken) -> anyhow::Result<u64> {
    let more = room.registrar.take_all(batch, Some((name.to_owned(), done))).await?;
    let (author, what) = (Author::Rules(RULES.to_owned()), format!("took in the file {name}"));
    let seen = room.desk.aftermath.of(Cause { request: None, corrected: None, author: &author, what: &what }, &more.done).await;
    taken.add(&more);
    Ok(seen.len() as u64)
}

/// Under which name it is written down how far a file has come: the source's, and the digest of its bytes. What a demonstration left out
/// is still to be taken in on a later step, so it counts for itself.
pub fn name(source: &SourceId, file: &Path, step: Step) -> anyhow::Result<String> {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut from = std::fs::File::open(file)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        match std::io::Read::read(&mut from, &mut piece)? {
            0 => break,
            length => context.update(&piece[..length]),
        }
    }
    let demo = if step == Step::Demo { ":demo" } else { "" };
    Ok(format!("{source}:{}{demo}", data_encoding::HEXLOWER.encode(context.finish().as_ref())))
}

fn rejects_of(arguments: &Arguments, file: &Path) -> PathBuf {
    arguments.rejects.clone().unwrap_or_else(|| {
        let mut name = file.as_os_str().to_owned();
        name.push(".rejected.csv");
        name.into()
    })
}

fn summary(file: &Path, read: u64, before: u64, rejects: &Rejects, taken: &Taken) {
    println!("{}: {read} rows read, {} rejected", file.display(), rejects.count());
    if before > 0 {
        println!("  {before} of them were taken in before");
    }
    println!("  entries: {} new, {} changed, {} as before", taken.new, taken.changed, taken.unchanged);
    println!("  linked: {} by the NHS number, {} by weight; {} new people", taken.by_number, taken.by_weight, taken.persons);
    println!("  tasks for a steward: {}", taken.done.raised.len());
    for (reason, count) in rejects.reasons() {
        println!("  rejected, {reason}: {count}");
    }
    if rejects.count() > 0 {
        println!("  rejected rows are in {}", rejects.path().display());
    }
}
