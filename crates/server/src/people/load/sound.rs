//! What makes a row bad though it can be read.

use access::Step;
use jiff::Timestamp;
use jiff::civil::Date;
use people::{BirthDate, Entry};

use super::rows::Why;
use crate::config::Config;

/// Looks at entries.
pub struct Sound {
    /// Whether only people who are made up are taken in.
    made_up: bool,
    chars_max: usize,
    values_max: usize,
    /// The day after which nobody can have been born: a day ahead of when the file was written, for time zones.
    last: Date,
    first: i16,
}

impl Sound {
    /// By the configured limits; `seen` is when the file was written.
    pub fn new(config: &Config, seen: Timestamp) -> Sound {
        let made_up = config.go_live.step == Step::Demo;
        let config = &config.people;
        let day = seen.to_zoned(jiff::tz::TimeZone::UTC).date();
        let last = day.tomorrow().unwrap_or(day);
        Sound {
            made_up,
            chars_max: config.value_chars_max,
            values_max: config.values_max,
            last,
            first: day.year() - config.age_years_max as i16,
        }
    }

    /// Why an entry is bad, if it is.
    pub fn check(&self, entry: &Entry) -> Result<(), Why> {
        let bad = |kind: &'static str| Err((kind, String::new()));
        if entry.key.local_id.trim().is_empty() {
            return bad("has no local id");
        }
        if self.made_up && !people::is_made_up_entry(entry) {
            return bad("has a number that might be somebody's, and this is a demonstration ([go_live])");
        }
        let said = &entry.demographics;
        if let Some(date) = said.birth_date {
            if self.is_ahead(date) {
                return bad("the birth date lies in the future");
            }
            if (date.year as i16) < self.first {
                return bad("the birth date is longer ago than anybody lives");
            }
        }
        for (what, texts) in texts(entry) {
            if texts.iter().any(|text| text.chars().count() > self.chars_max) {
                return Err(("a value is longer than people.value_chars_max", what.to_owned()));
            }
            if texts.iter().any(|text| text.chars().any(|c| c.is_control() || c == '\u{fffd}')) {
                return Err(("a value holds characters that are no text", what.to_owned()));
            }
        }
        if [said.names.len(), said.addresses.len(), said.phones.len(), said.emails.len()].into_iter().any(|count| count > self.values_max) {
            return bad("has more names, addresses or telephone numbers than people.values_max");
        }
        let named = said.names.iter().any(|name| !name.family.is_empty() || name.given.iter().any(|given| !given.is_empty()));
        if !named && said.number.is_none() && said.birth_date.is_none() {
            return bad("says nothing of who it is about");
        }
        Ok(())
    }

    fn is_ahead(&self, date: BirthDate) -> bool {
        let first = |part: u8| if part == 0 { 1 } else { part as i8 };
        Date::new(date.year as i16, first(date.month), first(date.day)).is_ok_and(|date| date > self.last)
    }
}

/// Every text of an entry, by what it is.
fn texts(entry: &Entry) -> Vec<(&'static str, Vec<&str>)> {
    let said = &entry.demographics;
    let names = said.names.iter();
    fn of(texts: &[String]) -> impl Iterator<Item = &str> {
        texts.iter().map(String::as_str)
    }
    vec![
        ("the local id", vec![entry.key.local_id.as_str()]),
        ("the NHS number", said.number.iter().map(|number| number.value.as_str()).collect()),
        ("the family name", names.clone().map(|name| name.family.as_str()).collect()),
        ("the given name", names.flat_map(|name| of(&name.given)).collect()),
        ("the address", said.addresses.iter().flat_map(|one| [one.line.as_str(), one.town.as_str(), one.postcode.as_str()]).collect()),
        ("the telephone number", of(&said.phones).collect()),
        ("the e-mail address", of(&said.emails).collect()),
        ("the practice", said.practice.iter().map(String::as_str).collect()),
    ]
}
