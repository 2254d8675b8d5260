//! Entries, tasks and comparisons as JSON and as text, side by side.

use std::fmt::Write;

use people::registrar::{Explained, Sides};
use people::{Deed, Demographics, Doubt, Entry, EntryKey, Event, NumberStatus, Outcome, Person, Task};
use record::PersonId;
use serde_json::{Value, json};

/// SOURCE/LOCAL-ID
pub fn key(key: &EntryKey) -> String {
    format!("{}/{}", key.source, key.local_id)
}

/// The word for a doubt.
pub fn doubt(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Confusion => "confusion",
        Doubt::Held => "held",
        Doubt::Probable => "probable",
    }
}

/// The word for an outcome.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Different => "different",
        Outcome::Same => "same",
        Outcome::Unknown => "unknown",
    }
}

/// A task, without anybody's particulars.
pub fn task(task: &Task) -> Value {
    let decided = task
        .decided
        .as_ref()
        .map(|(how, at, by, why)| json!({"outcome": outcome(*how), "at": at.to_string(), "by": by.to_string(), "reason": why}));
    json!({
        "id": task.id.0, "doubt": doubt(task.doubt), "person": task.person.as_str(), "entry": key(&task.entry),
        "other": task.other.as_ref().map(key), "raised": task.raised.to_string(), "decided": decided,
    })
}

/// What an entry says, row by row.
fn rows(said: &Demographics) -> Vec<(&'static str, String)> {
    let list = |texts: Vec<String>| texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
    let number = said.number.as_ref().map(|number| {
        let status = match (number.valid().is_some(), number.status) {
            (false, _) => "not a valid number",
            (true, NumberStatus::Verified) => "verified",
            (true, NumberStatus::Unverified) => "not verified",
        };
        format!("{} ({status})", number.value)
    });
    let place = |address: &people::Address| [&address.line, &address.town, &address.postcode].map(String::as_str).join(", ");
    vec![
        ("NHS number", number.unwrap_or_default()),
        ("given name", list(said.names.iter().map(|name| name.given.join(" ")).collect())),
        ("family name", list(said.names.iter().map(|name| name.family.clone()).collect())),
        ("birth date", said.birth_date.map(|date| date.to_string()).unwrap_or_default()),
        ("sex", said.sex.map(|sex| format!("{sex:?}").to_lowercase()).unwrap_or_default()),
        ("address", list(said.addresses.iter().map(place).collect())),
        ("phone", list(said.phones.clone())),
        ("e-mail", list(said.emails.clone())),
        ("practice", said.practice.clone().unwrap_or_default()),
    ]
}

fn side(side: Option<&(PersonId, Entry)>) -> Value {
    let Some((person, entry)) = side else { return Value::Null };
    json!({
        "person": person.as_str(), "entry": key(&entry.key), "provider": entry.provider.as_ref().map(|code| code.as_str()),
        "restricted": entry.restricted, "seen": entry.seen.to_string(), "says": entry.demographics,
    })
}

/// A comparison.
pub fn explained(explained: &Explained) -> Value {
    let reasons = explained.reasons.iter().map(|reason| json!({"field": reason.field, "agrees": reason.level, "bits": reason.weight}));
    json!({
        "entry": key(&explained.entry.1), "other": key(&explained.other.1), "one_person_now": explained.entry.0 == explained.other.0,
        "fields": reasons.collect::<Vec<_>>(), "bits": explained.weight, "score": explained.score, "guard": explained.guard,
        "rules_say": explained.rules, "apart": explained.apart,
    })
}

/// A task with both sides.
pub fn sides(sides: &Sides) -> Value {
    json!({
        "task": task(&sides.task), "entry": side(sides.entry.as_ref()), "other": side(sides.other.as_ref()),
        "comparison": sides.explained.as_ref().map(explained), "place_hidden": sides.restricted,
    })
}

/// A task with both sides, for a terminal.
pub fn sides_text(sides: &Sides) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", task_text(&sides.task));
    if sides.restricted {
        let _ = writeln!(out, "one of them is restricted: where they are is not told");
    }
    let of = |side: &Option<(PersonId, Entry)>| side.as_ref().map(|(_, entry)| rows(&entry.demographics)).unwrap_or_default();
    let (one, other) = (of(&sides.entry), of(&sides.other));
    let name = |side: &Option<(PersonId, Entry)>| side.as_ref().map_or("(not here)".to_owned(), |(_, entry)| key(&entry.key));
    let _ = writeln!(out, "{:<12} {:<40} {:<40} agrees", "", name(&sides.entry), name(&sides.other));
    for (at, (field, value)) in one.iter().enumerate() {
        let theirs = other.get(at).map(|(_, value)| value.as_str()).unwrap_or_default();
        let reason = sides.explained.as_ref().and_then(|explained| explained.reasons.iter().find(|reason| reason.field == *field));
        let agrees = reason.map(|reason| format!("{} {:+.1}", reason.level, reason.weight)).unwrap_or_default();
        let _ = writeln!(out, "{field:<12} {value:<40} {theirs:<40} {agrees}");
    }
    if let Some(explained) = &sides.explained {
        let _ = writeln!(out, "{}", sum(explained));
    }
    out
}

/// A task in a line.
pub fn task_text(task: &Task) -> String {
    let other = task.other.as_ref().map(|other| format!(" and {}", key(other))).unwrap_or_default();
    let decided =
        task.decided.as_ref().map_or("open".to_owned(), |(how, at, by, why)| format!("{} by {} on {at}: {why}", outcome(*how), by));
    format!("{}  {:<9}  {}{other}  {decided}", task.id.0, doubt(task.doubt), key(&task.entry))
}

fn sum(explained: &Explained) -> String {
    let guard = explained.guard.map(|guard| format!("; held: {guard}")).unwrap_or_default();
    let apart = if explained.apart { "; somebody said that they are not one person" } else { "" };
    let now = if explained.entry.0 == explained.other.0 { "one person" } else { "two people" };
    format!("all together {:+.1} bits: the rules say {}{guard}{apart}. They are {now} here.", explained.weight, explained.rules)
}

/// A comparison without anybody's particulars, for a terminal.
pub fn explained_text(explained: &Explained) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} and {}", key(&explained.entry.1), key(&explained.other.1));
    for reason in &explained.reasons {
        let _ = writeln!(out, "  {:<12} {:<10} {:+6.1}", reason.field, reason.level, reason.weight);
    }
    let _ = writeln!(out, "  {}", sum(explained));
    out
}

/// What was done, in words.
pub fn event(event: &Event) -> String {
    let what = match &event.deed {
        Deed::Apart { entry, other } => format!("{} and {} were set apart", key(entry), key(other)),
        Deed::Cut => "the number was cut".to_owned(),
        Deed::Died => "died".to_owned(),
        Deed::Investigated => "the number is under investigation".to_owned(),
        Deed::InvestigationEnded => "the investigation ended".to_owned(),
        Deed::Linked { entry, tier: Some(0), .. } => format!("{} was linked by the number", key(entry)),
        Deed::Linked { entry, tier: Some(_), weight, .. } => {
            format!("{} was linked by weight ({:.1} bits)", key(entry), weight.unwrap_or(0.0))
        }
        Deed::Linked { entry, tier: None, .. } => format!("{} was linked", key(entry)),
        Deed::Merged { from, entries } => format!("{} entries of {from} were linked", entries.len()),
        Deed::NumberSuperseded => "the number was superseded".to_owned(),
        Deed::Restricted => "marked as restricted".to_owned(),
        Deed::RestrictionLifted => "no longer marked as restricted".to_owned(),
        Deed::Together { entry, other } => format!("{} and {} may be one person again", key(entry), key(other)),
        Deed::Unlinked { entry, to } => format!("{} was unlinked and went to {to}", key(entry)),
        Deed::Unmerged { to, entries } => format!("{} entries went back to {to}", entries.len()),
    };
    format!("{}  {what}, by {}: {}", event.at, event.author, event.reason)
}

/// A person in a few lines: whose entries, without particulars.
pub fn person_text(person: &Person) -> String {
    let flags = [(person.restricted, "restricted"), (person.investigated, "number under investigation"), (person.died.is_some(), "died")];
    let flags: Vec<&str> = flags.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
    let number = if person.number.is_some() { "with a verified NHS number" } else { "without a verified NHS number" };
    let entries: Vec<String> = person.entries.iter().map(|entry| key(&entry.key)).collect();
    let flags = if flags.is_empty() { String::new() } else { format!(" ({})", flags.join(", ")) };
    format!("person {} {number}{flags}\n  entries: {}", person.id, entries.join(", "))
}
