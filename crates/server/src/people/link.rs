//! `severn people link`: who is who in a file, offline.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use people::matching::{Decision, Fields, Folded, Model, link};
use record::NhsNumber;
use rustc_hash::FxHashMap;

use super::columns::{Columns, KNOWN, Map};

/// How many bad rows are said one by one.
const BAD_SAID_MAX: usize = 20;
/// With fewer records than these a file teaches nothing of its own.
const TAUGHT_MIN: usize = 500;

/// Pairs to be judged are taken to be of a file of so many people: how many it really were nobody says.
const JUDGED_AMONG: usize = 20_000;

/// What to link, and where to write it.
#[derive(clap::Args)]
pub struct Arguments {
    /// A CSV file of records.
    #[arg(long, required_unless_present = "judge", conflicts_with = "judge")]
    records: Option<PathBuf>,
    /// A TOML file that says which column is what: [columns] family_name = "surname", [formats] birth_date = "%Y%m%d".
    #[arg(long)]
    columns: Option<PathBuf>,
    /// Where to write rec_id,cluster_id.
    #[arg(long)]
    clusters: Option<PathBuf>,
    /// Where to write rec_id_l,rec_id_r,score: every pair that is or may be one person's, with its log2 odds.
    #[arg(long)]
    pairs: Option<PathBuf>,
    /// Columns that are not looked at.
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    /// A CSV file of superseded_nhs_number,current_nhs_number.
    #[arg(long)]
    superseded: Option<PathBuf>,
    /// Where to write the weights that were learnt.
    #[arg(long)]
    model: Option<PathBuf>,
    /// A CSV file of pairs, columns suffixed _a and _b, to be judged one by one.
    #[arg(long, requires = "decisions")]
    judge: Option<PathBuf>,
    /// Where to write test,decision: match, possible or non-match.
    #[arg(long, requires = "judge")]
    decisions: Option<PathBuf>,
}

/// Links or judges.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let map = arguments.columns.as_deref().map(Map::read).transpose()?.unwrap_or_default();
    if let Some(name) = arguments.ignore.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        bail!("--ignore {name}: there is no such column; there are {}", KNOWN.join(", "));
    }
    let superseded = arguments.superseded.as_deref().map(superseded).transpose()?.unwrap_or_default();
    match (&arguments.judge, &arguments.records) {
        (Some(pairs), _) => judge(arguments, &map, &superseded, pairs),
        (None, Some(records)) => file(arguments, &map, &superseded, records),
        (None, None) => bail!("give --records FILE or --judge FILE"),
    }
}

type Superseded = FxHashMap<NhsNumber, NhsNumber>;

/// Reads which number stands for which.
fn superseded(file: &Path) -> anyhow::Result<Superseded> {
    let mut reader = csv::Reader::from_path(file).with_context(|| format!("reading {}", file.display()))?;
    let mut numbers = Superseded::default();
    for (row, line) in reader.records().zip(2..) {
        let row = row.with_context(|| format!("{} line {line}", file.display()))?;
        let number = |at: usize| row.get(at).and_then(|text| text.parse::<NhsNumber>().ok());
        match (number(0), number(1)) {
            (Some(old), Some(current)) => drop(numbers.insert(old, current)),
            _ => eprintln!("{} line {line}: not two NHS numbers; left out", file.display()),
        }
    }
    Ok(numbers)
}

/// The number that stands; a chain of replacements is followed as far as it goes.
fn current<'a>(mut fields: Fields<'a>, superseded: &Superseded) -> Fields<'a> {
    for _ in 0..8 {
        let Some((number, status)) = &fields.number else { break };
        let Some(next) = superseded.get(number) else { break };
        fields.number = Some((*next, *status));
    }
    fields
}

/// The records of a file.
struct Records {
    ids: Vec<String>,
    folded: Vec<Folded>,
}

fn file(arguments: &Arguments, map: &Map, superseded: &Superseded, file: &Path) -> anyhow::Result<ExitCode> {
    if arguments.clusters.is_none() && arguments.pairs.is_none() {
        bail!("give --clusters FILE, --pairs FILE, or both: else nothing would be written");
    }
    let records = read(file, map, &arguments.ignore)?;
    eprintln!("{}: {} records", file.display(), records.ids.len());
    // In order of their ids, so that the order of the rows decides nothing.
    let mut order: Vec<usize> = (0..records.ids.len()).collect();
    order.sort_by(|a, b| records.ids[*a].cmp(&records.ids[*b]));
    let fields: Vec<Fields<'_>> = order.iter().map(|at| current(records.folded[*at].fields(), superseded)).collect();
    let model = if fields.len() >= TAUGHT_MIN { Model::train(&fields) } else { Model::standard().among(fields.len()) };
    eprintln!("weights are learnt; comparing");
    if let Some(out) = &arguments.model {
        std::fs::write(out, model.text(&fields)).with_context(|| format!("writing {}", out.display()))?;
    }
    let linked = link(&model, &fields);
    let id = |at: u32| &records.ids[order[at as usize]];
    if let Some(out) = &arguments.clusters {
        let mut homes = vec![0; order.len()];
        order.iter().zip(&linked.clusters).for_each(|(at, home)| homes[*at] = *home);
        let rows = records.ids.iter().zip(homes).map(|(own, home)| [own.clone(), id(home).clone()]);
        write(out, ["rec_id", "cluster_id"], rows)?;
    }
    if let Some(out) = &arguments.pairs {
        let rows = linked.pairs.iter().map(|pair| [id(pair.a).clone(), id(pair.b).clone(), format!("{:.3}", pair.bits)]);
        write(out, ["rec_id_l", "rec_id_r", "score"], rows)?;
    }
    let mut homes = linked.clusters;
    homes.sort_unstable();
    homes.dedup();
    eprintln!("{} records are of {} people", order.len(), homes.len());
    Ok(ExitCode::SUCCESS)
}

/// Reads the records; a bad row is said with its line, and what cannot be read of it counts as not known.
fn read(file: &Path, map: &Map, ignored: &[String]) -> anyhow::Result<Records> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(file).with_context(|| format!("reading {}", file.display()))?;
    let heading = reader.headers().with_context(|| format!("{}: the heading", file.display()))?.clone();
    let columns = Columns::find(&heading, map, "", ignored);
    said(file, &columns);
    if !columns.has("rec_id") {
        bail!("{}: no column rec_id; name yours in the map: [columns] rec_id = \"…\"", file.display());
    }
    let mut records = Records { ids: Vec::new(), folded: Vec::new() };
    let mut bad = Bad { file, count: 0 };
    let mut row = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut row) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                bad.say(line, &error);
                continue;
            }
        }
        let id = columns.text(&row, "rec_id");
        if id.is_empty() {
            bad.say(line, &"no rec_id; left out");
            continue;
        }
        let whole = row.len() == heading.len();
        let (person, unread) = if whole { columns.person(&row) } else { Default::default() };
        if !whole {
            bad.say(line, &format!("{} values, not {}; stays by itself", row.len(), heading.len()));
        }
        unread.iter().for_each(|column| bad.say(line, &format!("{column} cannot be read; taken as not known")));
        records.ids.push(id);
        records.folded.push(Folded::of(&person));
    }
    bad.end();
    Ok(records)
}

/// Bad rows: the first of them one by one, then how many there are. What stands in them is not said.
struct Bad<'a> {
    file: &'a Path,
    count: usize,
}

impl Bad<'_> {
    fn say(&mut self, line: u64, reason: &dyn Display) {
        self.count += 1;
        if self.count <= BAD_SAID_MAX {
            eprintln!("{} line {line}: {reason}", self.file.display());
        }
    }

    fn end(&self) {
        if self.count > BAD_SAID_MAX {
            eprintln!("{}: {} more of the kind", self.file.display(), self.count - BAD_SAID_MAX);
        }
    }
}

fn said(file: &Path, columns: &Columns) {
    if !columns.unread.is_empty() {
        eprintln!("{}: not read: {}", file.display(), columns.unread.join(", "));
    }
    if !columns.missing.is_empty() {
        eprintln!("{}: the map names columns that are not there: {}", file.display(), columns.missing.join(", "));
    }
}

fn write<const N: usize>(file: &Path, heading: [&str; N], rows: impl Iterator<Item = [String; N]>) -> anyhow::Result<()> {
    let context = || format!("writing {}", file.display());
    let mut writer = csv::Writer::from_path(file).with_context(context)?;
    writer.write_record(heading).with_context(context)?;
    for row in rows {
        writer.write_record(&row).with_context(context)?;
    }
    writer.flush().with_context(context)
}

/// Judges pairs one by one.
fn judge(arguments: &Arguments, map: &Map, superseded: &Superseded, file: &Path) -> anyhow::Result<ExitCode> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(file).with_context(|| format!("reading {}", file.display()))?;
    let heading = reader.headers().with_context(|| format!("{}: the heading", file.display()))?.clone();
    let Some(test) = heading.iter().position(|name| name == "test") else { bail!("{}: no column test", file.display()) };
    let sides = ["_a", "_b"].map(|suffix| Columns::find(&heading, map, suffix, &arguments.ignore));
    sides.iter().for_each(|columns| said(file, columns));
    let model = Model::standard().among(JUDGED_AMONG);
    let mut rows = Vec::new();
    for (row, line) in reader.records().zip(2..) {
        let row = row.with_context(|| format!("{} line {line}", file.display()))?;
        let [a, b] = sides.each_ref().map(|columns| Folded::of(&columns.person(&row).0));
        let comparison = model.compare(&current(a.fields(), superseded), &current(b.fields(), superseded));
        let word = match comparison.decision {
            Decision::Match => "match",
            Decision::Possible => "possible",
            Decision::NonMatch => "non-match",
        };
        rows.push([row.get(test).unwrap_or_default().to_owned(), word.to_owned()]);
    }
    let Some(out) = &arguments.decisions else { bail!("give --decisions FILE") };
    write(out, ["test", "decision"], rows.into_iter())?;
    Ok(ExitCode::SUCCESS)
}
