//! Entries as files.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Citizen, Entry, Population};

/// The columns of the records.
pub const COLUMNS: &str =
    "rec_id,source,nhs_number,nhs_status,family_name,given_name,middle_name,gender,birth_date,address_line,town,postcode,phone,gp_practice";
/// The columns of the truth.
pub const GOLD_COLUMNS: &str = "rec_id,person_id";
/// The columns of numbers that were replaced.
pub const SUPERSEDED_COLUMNS: &str = "superseded_nhs_number,current_nhs_number";

/// Writes one person's entries as lines of comma-separated values.
pub fn write_entries(out: &mut impl Write, entries: &[Entry]) -> io::Result<()> {
    for entry in entries {
        let Entry { nhs_number, nhs_status, family_name, given_name, middle_name, gender, birth_date, .. } = entry;
        let (rec_id, source) = (entry.rec_id(), entry.provider);
        write!(out, "{rec_id},{source},{nhs_number},{nhs_status},{family_name},{given_name},{middle_name},{gender},{birth_date},")?;
        let Entry { address_line, town, postcode, phone, gp_practice, .. } = entry;
        writeln!(out, "{address_line},{town},{postcode},{phone},{gp_practice}")?;
    }
    Ok(())
}

/// Writes who each entry is about.
pub fn write_gold(out: &mut impl Write, entries: &[Entry]) -> io::Result<()> {
    entries.iter().try_for_each(|entry| writeln!(out, "{},p{}", entry.rec_id(), entry.person))
}

/// Writes the number that was replaced, if the person has one.
pub fn write_superseded(out: &mut impl Write, person: &Citizen) -> io::Result<()> {
    person.superseded.iter().try_for_each(|before| writeln!(out, "{before},{}", person.number))
}

/// Writes one person's entries as lines of JSON, with what the columns cannot say.
pub fn write_ndjson(out: &mut impl Write, entries: &[Entry]) -> io::Result<()> {
    for entry in entries {
        serde_json::to_writer(&mut *out, &entry.json())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

impl Entry {
    /// The entry as JSON; what it does not say is left out.
    pub fn json(&self) -> Value {
        let status = if self.nhs_status == "01" { "verified" } else { "unverified" };
        let middle = Some(self.middle_name.as_str()).filter(|middle| !middle.is_empty());
        let given: Vec<&str> = [self.given_name.as_str()].into_iter().chain(middle).collect();
        let mut demographics = json!({
            "names": [{"family": self.family_name, "given": given}],
            "addresses": [{"line": self.address_line, "town": self.town, "postcode": self.postcode}],
        });
        let mut say = |key: &str, value: Value| drop(demographics.as_object_mut().map(|all| all.insert(key.to_owned(), value)));
        if !self.nhs_number.is_empty() {
            say("number", json!({"value": self.nhs_number, "status": status}));
        }
        if self.gender != "unknown" {
            say("sex", json!(self.gender));
        }
        if !self.birth_date.is_empty() {
            say("birth_date", json!(self.birth_date));
        }
        if !self.phone.is_empty() {
            say("phones", json!([self.phone]));
        }
        if !self.gp_practice.is_empty() {
            say("practice", json!(self.gp_practice));
        }
        let seen = jiff::civil::date(2026, 11, 1).checked_sub(jiff::Span::new().days(i64::from(self.seen_days_ago)));
        let seen = seen.map(|day| format!("{day}T09:00:00Z")).unwrap_or_default();
        json!({
            "source": self.source(), "local_id": self.local_id, "provider": self.provider,
            "restricted": self.restricted, "seen": seen, "demographics": demographics,
        })
    }
}

impl Population {
    /// Writes the whole population: records, truth, and numbers that were replaced. `told` hears how many people are done, now and then.
    pub fn write(
        &self,
        records: &mut impl Write,
        gold: &mut impl Write,
        superseded: &mut impl Write,
        mut told: impl FnMut(u64),
    ) -> io::Result<()> {
        writeln!(records, "{COLUMNS}")?;
        writeln!(gold, "{GOLD_COLUMNS}")?;
        writeln!(superseded, "{SUPERSEDED_COLUMNS}")?;
        for person in self.people() {
            let entries = person.entries();
            write_entries(records, &entries)?;
            write_gold(gold, &entries)?;
            write_superseded(superseded, &person)?;
            if person.n % 100_000 == 99_999 {
                told(person.n + 1);
            }
        }
        told(self.count());
        Ok(())
    }
}
