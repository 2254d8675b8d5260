//! Rows as entries, or as bad rows with the reason why.

use std::borrow::Cow;
use std::collections::hash_map::Entry as Slot;
use std::hash::{BuildHasher, Hasher};

use anyhow::bail;
use bytes::Bytes;
use fhir::{Ref, Tree};
use jiff::Timestamp;
use people::{Entry, EntryKey, patient};
use record::SourceId;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::lines::{Line, Lines};
use super::read::{Body, Opened};
use super::sound::Sound;
use crate::config::Config;
use crate::people::columns::{Columns, Map};

/// How many lines a value in quotes may go over.
const QUOTED_LINES_MAX: usize = 10;

/// A row.
pub enum Row {
    /// The same as another of the file.
    Again,
    /// A bad one.
    Bad(Bad),
    /// A good one.
    Entry(Box<Entry>),
}

/// A bad row.
pub struct Bad {
    /// Its line, from 1; in a Bundle its place among the entries.
    pub line: u64,
    /// What is wrong, the same words for all of a kind.
    pub kind: &'static str,
    /// More of it; nothing of what stands in the row.
    pub more: String,
    /// The row, as it was.
    pub row: Vec<u8>,
}

impl Bad {
    /// The reason in words.
    pub fn reason(&self) -> String {
        if self.more.is_empty() { self.kind.to_owned() } else { format!("{}: {}", self.kind, self.more) }
    }
}

/// Why a row is bad: what kind, and more of it.
pub type Why = (&'static str, String);

/// The rows of a file.
pub struct Rows<'a> {
    opened: Opened,
    table: Option<Table>,
    source: &'a SourceId,
    seen: Timestamp,
    sound: Sound,
    /// Local ids that were met, by their hash: the hash of what was said, and the line.
    met: FxHashMap<u64, (u64, u64)>,
    place: u64,
}

/// How a file of values is read.
struct Table {
    columns: Columns,
    width: usize,
    reader: csv_core::Reader,
}

impl<'a> Rows<'a> {
    /// The rows of a file that was opened.
    pub fn new(mut opened: Opened, map: &Map, source: &'a SourceId, seen: Timestamp, config: &Config) -> anyhow::Result<Rows<'a>> {
        let table = match &mut opened.body {
            Body::Csv(lines) => Some(table(lines, map)?),
            _ => None,
        };
        let sound = Sound::new(config, seen);
        Ok(Rows { opened, table, source, seen, sound, met: FxHashMap::default(), place: 0 })
    }

    /// How many bytes of the file were read.
    pub fn bytes(&self) -> u64 {
        self.opened.bytes()
    }

    /// What is to be said of the whole.
    pub fn notes(&self) -> Vec<String> {
        let Some(table) = &self.table else { return Vec::new() };
        let list = |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
        let unread = list("columns that are not read", &table.columns.unread);
        unread.into_iter().chain(list("columns that the map names and the file lacks", &table.columns.missing)).collect()
    }

    /// The next row; none at the end.
    pub fn next(&mut self) -> anyhow::Result<Option<Row>> {
        let (line, row, read) = match (&mut self.opened.body, &mut self.table) {
            (Body::Csv(lines), Some(table)) => {
                let Some((line, fields)) = record(lines, &mut table.reader, Some(table.width))? else { return Ok(None) };
                let read = fields.and_then(|fields| from_table(table, fields, self.source, self.seen));
                (line.number, line.bytes, read)
            }
            (Body::Csv(_), None) => return Ok(None),
            (Body::Ndjson(lines), _) => {
                let Some(line) = filled(lines)? else { return Ok(None) };
                let read = from_line(&line, self.source, self.seen);
                (line.number, line.bytes, read)
            }
            (Body::Bundle(entries), _) => {
                let Some(entry) = entries.next() else { return Ok(None) };
                self.place += 1;
                let row = entry.resource.as_ref().or(entry.rest.as_ref()).map(Tree::to_json).unwrap_or_default();
                let read = match &entry.resource {
                    Some(resource) => from_patient(resource.root(), entry.full_url.as_deref(), self.source, self.seen),
                    None => Err(("holds no resource", String::new())),
                };
                (self.place, row.into_bytes(), read)
            }
        };
        Ok(Some(self.judged(line, row, read)))
    }

    fn judged(&mut self, line: u64, mut row: Vec<u8>, read: Result<Entry, Why>) -> Row {
        while row.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            row.pop();
        }
        let checked = read.and_then(|entry| self.sound.check(&entry).map(|()| entry));
        let checked = checked.and_then(|entry| match self.once(&entry, line) {
            Ok(again) => Ok((entry, again)),
            Err(why) => Err(why),
        });
        match checked {
            Ok((_, true)) => Row::Again,
            Ok((entry, false)) => Row::Entry(Box::new(entry)),
            Err((kind, more)) => Row::Bad(Bad { line, kind, more, row }),
        }
    }

    /// Whether an id was met before with the same content; with another it is bad, whichever of the two is right.
    fn once(&mut self, entry: &Entry, line: u64) -> Result<bool, Why> {
        let hash = |text: &str| {
            let mut hasher = FxBuildHasher.build_hasher();
            hasher.write(text.as_bytes());
            hasher.finish()
        };
        let said = serde_json::to_string(&(&entry.demographics, entry.restricted, entry.provider.as_ref().map(|code| code.as_str())));
        let said = hash(&said.unwrap_or_default());
        match self.met.entry(hash(&entry.key.local_id)) {
            Slot::Vacant(slot) => {
                slot.insert((said, line));
                Ok(false)
            }
            Slot::Occupied(slot) if slot.get().0 == said => Ok(true),
            Slot::Occupied(slot) => {
                Err(("the local id stands in the file before, with other content", format!("in line {}", slot.get().1)))
            }
        }
    }
}

fn table(lines: &mut Lines, map: &Map) -> anyhow::Result<Table> {
    let mut reader = csv_core::Reader::new();
    let Some((_, heading)) = record(lines, &mut reader, None)? else { bail!("it has no heading") };
    let Ok(heading) = heading else { bail!("its heading cannot be read") };
    let heading = csv::StringRecord::from(heading);
    let columns = Columns::find(&heading, map, "", &[]);
    if !columns.has("rec_id") {
        bail!("it has no column rec_id, the source's own id of a patient; name yours in --columns: [columns] rec_id = \"…\"");
    }
    Ok(Table { columns, width: heading.len(), reader })
}

/// The next line that is not blank.
fn filled(lines: &mut Lines) -> anyhow::Result<Option<Line>> {
    loop {
        match lines.next()? {
            Some(line) if line.bytes.iter().all(u8::is_ascii_whitespace) => {}
            other => return Ok(other),
        }
    }
}

/// A row: its lines as one, and its values or why there are none.
type Record = (Line, Result<Vec<String>, Why>);

/// The next row of values: its bytes, and the values or why there are none. A value in quotes may go over several lines; a quote that is
/// not closed in time, or closes somewhere in another row, makes its own line bad, and no other.
fn record(lines: &mut Lines, reader: &mut csv_core::Reader, width: Option<usize>) -> anyhow::Result<Option<Record>> {
    let Some(first) = filled(lines)? else { return Ok(None) };
    if first.cut {
        return Ok(Some((first, Err(("is longer than people.row_bytes_max", String::new())))));
    }
    let mut read = values(reader, &first.bytes);
    let mut more: Vec<Line> = Vec::new();
    let mut whole = first.bytes.clone();
    while read.is_none() && more.len() < QUOTED_LINES_MAX {
        let Some(line) = lines.next()? else { break };
        whole.extend_from_slice(&line.bytes);
        more.push(line);
        read = values(reader, &whole);
    }
    let closed = read.filter(|values| more.is_empty() || width.is_none_or(|width| values.len() == width));
    let Some(read) = closed else {
        lines.give_back(more.into_iter());
        return Ok(Some((first, Err(("a quote is not closed", String::new())))));
    };
    let texts: Result<Vec<String>, _> = read.into_iter().map(String::from_utf8).collect();
    let texts = texts.map_err(|_| ("is not written in UTF-8", String::new()));
    Ok(Some((Line { number: first.number, bytes: whole, cut: false }, texts)))
}

/// The values of a row; none if it ends within quotes.
fn values(reader: &mut csv_core::Reader, row: &[u8]) -> Option<Vec<Vec<u8>>> {
    let row = row.strip_prefix(b"\xef\xbb\xbf").unwrap_or(row);
    let mut line = Cow::Borrowed(row);
    if line.last() != Some(&b'\n') {
        line.to_mut().push(b'\n');
    }
    reader.reset();
    let (mut out, mut ends) = (vec![0; line.len() + 1], vec![0; line.len() + 1]);
    match reader.read_record(&line, &mut out, &mut ends) {
        (csv_core::ReadRecordResult::Record, _, _, count) => {
            let starts = std::iter::once(&0).chain(&ends[..count]);
            Some(starts.zip(&ends[..count]).map(|(start, end)| out[*start..*end].to_vec()).collect())
        }
        _ => None,
    }
}

fn from_table(table: &Table, values: Vec<String>, source: &SourceId, seen: Timestamp) -> Result<Entry, Why> {
    if values.len() != table.width {
        return Err(("has another number of values than the heading", format!("{}, not {}", values.len(), table.width)));
    }
    let row = csv::StringRecord::from(values);
    let local_id = table.columns.text(&row, "rec_id");
    let (demographics, unread) = table.columns.person(&row);
    if unread.contains(&"birth_date") {
        return Err(("the birth date is none", String::new()));
    }
    // A number that fails its check digit is kept as it was given, and never matched on.
    Ok(Entry {
        key: EntryKey { source: source.clone(), local_id },
        provider: table.columns.text(&row, "source").parse().ok(),
        demographics,
        restricted: false,
        seen,
    })
}

fn from_line(line: &Line, source: &SourceId, seen: Timestamp) -> Result<Entry, Why> {
    if line.cut {
        return Err(("is longer than people.row_bytes_max", String::new()));
    }
    if std::str::from_utf8(&line.bytes).is_err() {
        return Err(("is not written in UTF-8", String::new()));
    }
    let tree = Tree::from_json(Bytes::copy_from_slice(line.bytes.trim_ascii()));
    let tree = tree.map_err(|error| ("is no JSON", format!("{} at byte {}", error.what, error.at)))?;
    from_patient(tree.root(), None, source, seen)
}

fn from_patient(root: Ref<'_>, full_url: Option<&str>, source: &SourceId, seen: Timestamp) -> Result<Entry, Why> {
    if !root.is("resourceType", "Patient") {
        return Err(("is no Patient", String::new()));
    }
    if root.at("birthDate").is_some() && root.text("birthDate").is_none_or(|date| date.parse::<people::BirthDate>().is_err()) {
        return Err(("the birth date is none", String::new()));
    }
    let by_url = || full_url.and_then(|url| url.rsplit(['/', ':']).next()).map(str::to_owned);
    let local_id = root.text("id").map(|id| id.into_owned()).or_else(by_url).unwrap_or_default();
    let updated = root.text("meta.lastUpdated").and_then(|at| at.parse().ok());
    Ok(Entry {
        key: EntryKey { source: source.clone(), local_id },
        provider: patient::provider(root),
        demographics: patient::demographics(root),
        restricted: patient::restricted(root),
        seen: updated.unwrap_or(seen),
    })
}
