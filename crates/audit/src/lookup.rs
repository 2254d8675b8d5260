//! What the ledger is asked: whose looks, at whom, at whose data, and when. Requests are found by names that each of their lines is
//! entered under, and then read whole.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;

use crate::Line;

/// Which lines are wanted: the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// By what.
    pub by: By,
    /// From then on.
    pub since: Timestamp,
    /// Before then.
    pub until: Timestamp,
    /// Where the answer begins: with this one, or what comes after it.
    pub from: Option<Found>,
    /// So many at most.
    pub count_max: usize,
}

/// By what requests are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Every request there is.
    Anything,
    /// By whom it is about.
    Patient(String),
    /// By the national user id of whoever asked, whoever signed them in.
    SdsUser(String),
    /// By the source whose data were shown: "who received our data".
    Source(String),
    /// By who asked.
    User {
        /// Who signed them in.
        issuer: String,
        /// By which name.
        subject: String,
    },
}

/// Where something is found: when the line was written, to the microsecond, and by which name the request of it goes. A client chooses
/// that name, and may give it to many requests: it says of none of them that it is the only one.
pub type Found = (Timestamp, String);

impl By {
    /// The name under which lines are entered.
    pub fn name(&self) -> String {
        let name = |parts: &[&str]| serde_json::Value::from(parts.to_vec()).to_string();
        match self {
            By::Anything => name(&["all"]),
            By::Patient(person) => name(&["patient", person]),
            By::SdsUser(id) => name(&["sds", id]),
            By::Source(source) => name(&["source", source]),
            By::User { issuer, subject } => name(&["user", issuer, subject]),
        }
    }
}

/// A line as it is entered: under which names, and whom it is about; nobody's person is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// When it was written.
    pub at: Timestamp,
    /// The names.
    pub names: Vec<String>,
    /// The person.
    pub patient: String,
}

#[derive(Deserialize)]
struct Names {
    event: String,
    by: Option<Somebody>,
    #[serde(default)]
    patient: String,
    #[serde(default)]
    shown: Vec<Source>,
}

#[derive(Deserialize)]
struct Somebody {
    issuer: String,
    subject: String,
    sds_user_id: Option<String>,
}

#[derive(Deserialize)]
struct Source {
    source: String,
}

/// How a line is entered. One that cannot be read is found by its time; one without a time, by nothing.
pub fn entered(line: &Line) -> Option<Entered> {
    let at = micros(line)?;
    let Ok(Names { event, by, patient, shown }) = serde_json::from_str(&line.event) else {
        return Some(Entered { at, names: vec![By::Anything.name()], patient: String::new() });
    };
    let mut all = Vec::new();
    // What only ends a request is found where that began.
    if !matches!(event.as_str(), "closed" | "published") {
        all.push(By::Anything);
    }
    if let Some(Somebody { issuer, subject, sds_user_id }) = by {
        all.extend(sds_user_id.map(By::SdsUser));
        all.push(By::User { issuer, subject });
    }
    if !patient.is_empty() {
        all.push(By::Patient(patient.clone()));
    }
    all.extend(shown.into_iter().map(|shown| By::Source(shown.source)));
    Some(Entered { at, names: all.iter().map(By::name).collect(), patient })
}

fn micros(line: &Line) -> Option<Timestamp> {
    let at: Timestamp = line.at.parse().ok()?;
    Timestamp::from_microsecond(at.as_microsecond()).ok()
}

/// What a lookup finds among these lines: what every store answers, said plainly.
pub fn among(lines: &[Line], lookup: &Lookup) -> Vec<Found> {
    let name = lookup.by.name();
    let found = lines.iter().filter_map(|line| Some((line, entered(line)?)));
    let found = found.filter(|(_, entered)| entered.names.contains(&name)).map(|(line, entered)| (entered.at, line.trace.clone()));
    let from = |one: &Found| lookup.from.as_ref().is_none_or(|from| one <= from);
    let found: BTreeSet<Found> = found.filter(|one| lookup.since <= one.0 && one.0 < lookup.until && from(one)).collect();
    found.into_iter().rev().take(lookup.count_max).collect()
}

/// How many people lines of a name are about since then: what every store answers, said plainly.
pub fn people_among(lines: &[Line], by: &By, since: Timestamp) -> u64 {
    let name = by.name();
    let theirs = |entered: &Entered| since <= entered.at && !entered.patient.is_empty() && entered.names.contains(&name);
    lines.iter().filter_map(entered).filter(theirs).map(|entered| entered.patient).collect::<BTreeSet<_>>().len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(event: serde_json::Value, expected: &[&str]) {
        let (run, at, trace, event) = ("r".into(), "2026-11-23T09:00:00.1234567Z".into(), "q".into(), event.to_string());
        let line = Line { run, sequence: 1, at, trace, event, previous: String::new(), hash: String::new() };
        let entered = entered(&line).unwrap();
        assert_eq!(
            (entered.names.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), entered.at.subsec_nanosecond()),
            (expected, 123_456_000)
        );
    }

    #[test]
    fn a_line_is_entered_under_who_asked_about_whom_and_whose_data_were_shown() {
        let by = serde_json::json!({"issuer": "i", "subject": "u\"1", "sds_user_id": "555"});
        check(
            serde_json::json!({"event": "opened", "by": by, "patient": "p"}),
            &[r#"["all"]"#, r#"["sds","555"]"#, r#"["user","i","u\"1"]"#, r#"["patient","p"]"#],
        );
        check(serde_json::json!({"event": "refused", "by": null, "patient": ""}), &[r#"["all"]"#]);
        let shown = serde_json::json!([{"source": "gp", "resources": [["Flag", "gp-1", null]], "digest": "00"}]);
        check(serde_json::json!({"event": "closed", "shown": shown}), &[r#"["source","gp"]"#]);
        check(serde_json::json!({"event": "of a later program", "by": "somebody"}), &[r#"["all"]"#]);
    }

    #[test]
    fn no_name_reads_like_another() {
        let name = |issuer: &str, subject: &str| By::User { issuer: issuer.into(), subject: subject.into() }.name();
        assert_ne!(name("a\",\"b", "c"), name("a", "b\",\"c"));
        assert_ne!(By::SdsUser("1".into()).name(), By::Source("1".into()).name());
    }
}
