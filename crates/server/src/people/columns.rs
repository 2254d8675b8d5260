//! How the columns of somebody's file are read as a person.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use people::{Address, BirthDate, ClaimedNumber, Demographics, Name, NameUse, NumberStatus, Sex};
use serde::Deserialize;

/// What a column may be.
pub const KNOWN: [&str; 18] = [
    "rec_id",
    "source",
    "nhs_number",
    "nhs_status",
    "family_name",
    "former_family_name",
    "given_name",
    "alias_given_name",
    "middle_name",
    "full_name",
    "gender",
    "birth_date",
    "address_line",
    "town",
    "postcode",
    "phone",
    "email",
    "gp_practice",
];

/// A file's own columns for ours, and its way of writing dates.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Map {
    /// Ours to theirs; several of theirs are joined with a blank.
    columns: BTreeMap<String, Theirs>,
    /// Ours to a format of %Y, %m and %d.
    formats: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Theirs {
    One(String),
    Several(Vec<String>),
}

impl Theirs {
    fn names(&self) -> &[String] {
        match self {
            Theirs::One(name) => std::slice::from_ref(name),
            Theirs::Several(names) => names,
        }
    }
}

impl Map {
    /// Reads a MAP.toml.
    pub fn read(file: &Path) -> anyhow::Result<Map> {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading the columns of {}", file.display()))?;
        let map: Map = toml::from_str(&text)
            .with_context(|| format!("{}: [columns] family_name = \"surname\", [formats] birth_date = \"%Y%m%d\"", file.display()))?;
        let unknown: Vec<&str> = map.columns.keys().map(String::as_str).filter(|name| !KNOWN.contains(name)).collect();
        if !unknown.is_empty() {
            bail!("{}: there is no column {}; there are {}", file.display(), unknown.join(", "), KNOWN.join(", "));
        }
        if let Some(format) = map.formats.get("birth_date").filter(|format| !["%Y", "%m", "%d"].iter().all(|part| format.contains(part))) {
            bail!("{}: birth_date = {format:?} must say where %Y, %m and %d stand", file.display());
        }
        if let Some(other) = map.formats.keys().find(|name| *name != "birth_date") {
            bail!("{}: only birth_date has a format, not {other}", file.display());
        }
        Ok(map)
    }
}

/// Where in a row each of our columns is.
pub struct Columns {
    at: BTreeMap<&'static str, Vec<usize>>,
    date_format: Option<String>,
    /// Columns of the file that are read as nothing.
    pub unread: Vec<String>,
    /// Columns that the map names and the file does not have.
    pub missing: Vec<String>,
}

impl Columns {
    /// Finds our columns in a heading. `suffix` is what each bears beside its name (`_a`); `ignored` are not read.
    pub fn find(heading: &csv::StringRecord, map: &Map, suffix: &str, ignored: &[String]) -> Columns {
        let place =
            |name: &str| heading.iter().position(|column| column.trim().trim_start_matches('\u{feff}') == format!("{name}{suffix}"));
        let mut columns =
            Columns { at: BTreeMap::new(), date_format: map.formats.get("birth_date").cloned(), unread: Vec::new(), missing: Vec::new() };
        let mut read = Vec::new();
        for ours in KNOWN {
            let own = [ours.to_owned()];
            let theirs = map.columns.get(ours).map_or(&own[..], Theirs::names);
            let places: Vec<usize> = theirs.iter().filter_map(|name| place(name)).collect();
            if map.columns.contains_key(ours) {
                columns.missing.extend(theirs.iter().filter(|name| place(name).is_none()).cloned());
            }
            read.extend(&places);
            if !places.is_empty() && !ignored.iter().any(|name| name == ours) {
                columns.at.insert(ours, places);
            }
        }
        let others = heading.iter().enumerate().filter(|(at, name)| name.ends_with(suffix) && !read.contains(at));
        columns.unread = others.map(|(_, name)| name.to_owned()).collect();
        columns
    }

    /// Whether there is such a column.
    pub fn has(&self, ours: &str) -> bool {
        self.at.contains_key(ours)
    }

    /// What a row says of a column.
    pub fn text(&self, row: &csv::StringRecord, ours: &str) -> String {
        let places = self.at.get(ours).map_or(&[][..], Vec::as_slice);
        let parts: Vec<&str> = places.iter().filter_map(|at| row.get(*at)).map(str::trim).filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }

    /// Who a row is about, and what of it could not be read.
    pub fn person(&self, row: &csv::StringRecord) -> (Demographics, Vec<&'static str>) {
        let mut unread = Vec::new();
        let text = |ours| self.text(row, ours);
        let number = Some(text("nhs_number")).filter(|value| !value.is_empty());
        let number = number.map(|value| ClaimedNumber { value, status: self.status(row) });
        if number.as_ref().is_some_and(|number| number.valid().is_none()) {
            unread.push("nhs_number");
        }
        let date = text("birth_date");
        let birth_date = self.date(&date);
        if birth_date.is_none() && !date.is_empty() {
            unread.push("birth_date");
        }
        let filled = |text: String| Some(text).filter(|text| !text.is_empty());
        let address = Address { line: text("address_line"), town: text("town"), postcode: text("postcode"), used: NameUse::Current };
        let person = Demographics {
            number,
            names: self.names(row),
            birth_date,
            sex: Sex::of_code(&text("gender")),
            addresses: vec![address],
            phones: filled(text("phone")).into_iter().collect(),
            emails: filled(text("email")).into_iter().collect(),
            practice: filled(text("gp_practice")),
        };
        (person, unread)
    }

    /// A file that says nothing of the number's status has it from where it is checked.
    fn status(&self, row: &csv::StringRecord) -> NumberStatus {
        if self.has("nhs_status") { NumberStatus::of_code(&self.text(row, "nhs_status")) } else { NumberStatus::Verified }
    }

    fn names(&self, row: &csv::StringRecord) -> Vec<Name> {
        let text = |ours| self.text(row, ours);
        let (mut family, mut given) = (text("family_name"), text("given_name"));
        let mut middle = text("middle_name");
        if family.is_empty() && given.is_empty() {
            let full = text("full_name");
            let mut words: Vec<&str> = full.split_whitespace().collect();
            family = if words.len() > 1 { words.pop().unwrap_or_default().to_owned() } else { String::new() };
            given = if words.is_empty() { String::new() } else { words.remove(0).to_owned() };
            middle = words.join(" ");
        }
        let middles = middle.split_whitespace().map(str::to_owned);
        let mut names = vec![Name { family, given: std::iter::once(given).chain(middles).collect(), used: NameUse::Current }];
        let (former, alias) = (text("former_family_name"), text("alias_given_name"));
        if !former.is_empty() || !alias.is_empty() {
            names.push(Name { family: former, given: vec![alias], used: NameUse::Old });
        }
        names
    }

    fn date(&self, text: &str) -> Option<BirthDate> {
        self.date_format.as_ref().map_or_else(|| text.parse().ok(), |format| dated(text, format))
    }
}

/// A date by a format of %Y, %m and %d. A day that there never was is a date as well: somebody's slip, a digit or two from the true one.
fn dated(text: &str, format: &str) -> Option<BirthDate> {
    let mut date = BirthDate { year: 0, month: 0, day: 0 };
    let (mut text, mut format) = (text, format.chars());
    while let Some(letter) = format.next() {
        if letter != '%' {
            text = text.strip_prefix(letter)?;
            continue;
        }
        let part = format.next()?;
        let length = if part == 'Y' { 4 } else { 2 };
        let digits = text.get(..length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        let number: u16 = digits.parse().ok()?;
        text = &text[length..];
        match part {
            'Y' => date.year = number,
            'm' => date.month = number as u8,
            'd' => date.day = number as u8,
            _ => return None,
        }
    }
    (text.is_empty() && date.year > 0).then_some(date)
}
