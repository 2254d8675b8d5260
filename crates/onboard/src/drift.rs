//! What changed at a supplier since it was last looked at: for a nightly run.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::finding::Severity;
use crate::probes::capability::Statement;
use crate::visit::Visit;

/// What is kept of a visit to compare the next one with. How fast it was is kept for people, and not compared: it is never the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When.
    pub at: String,
    /// The address.
    pub url: String,
    /// The dialect.
    pub dialect: String,
    /// What it says it can do.
    pub statement: Statement,
    /// Whether each spelling of the NHS number's system finds.
    pub spellings: BTreeMap<String, bool>,
    /// Each type's status of the first test patient, and how many came.
    pub rows: BTreeMap<String, (String, u64)>,
    /// Findings other than fine: topic and code, with severity and what was said.
    pub findings: BTreeMap<String, (Severity, String)>,
    /// Milliseconds, the median and the slowest.
    pub speed_ms: Option<(u64, u64)>,
}

/// What is kept of a visit.
pub fn snapshot(visit: &Visit) -> Snapshot {
    let found = visit.findings.iter().filter(|finding| finding.severity != Severity::Fine);
    Snapshot {
        at: visit.at.to_string(),
        url: visit.supplier.settings.source_base.to_string(),
        dialect: visit.dialect.map_or("none", dialect::Dialect::name).to_owned(),
        statement: visit.statement.clone(),
        spellings: visit.spellings.clone(),
        rows: visit.rows.clone(),
        findings: found.map(|one| (format!("{}: {}", one.topic.title(), one.code), (one.severity, one.said.clone()))).collect(),
        speed_ms: visit.speed_ms,
    }
}

/// What is different now, one line each, the statement first; empty when nothing is.
pub fn changes(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    let (old, new) = (&before.statement, &now.statement);
    text(&mut lines, "FHIR version", &old.version, &new.version);
    text(&mut lines, "software", &old.software, &new.software);
    text(&mut lines, "dialect recognised", &before.dialect, &now.dialect);
    text(&mut lines, "address", &before.url, &now.url);
    set(&mut lines, "format", &old.formats, &new.formats);
    set(&mut lines, "operation", &old.operations, &new.operations);
    set(&mut lines, "security service", &old.security, &new.security);
    let keys = |types: &BTreeMap<String, BTreeSet<String>>| types.keys().cloned().collect::<BTreeSet<_>>();
    set(&mut lines, "type", &keys(&old.types), &keys(&new.types));
    for (kind, own) in &new.types {
        if let Some(before) = old.types.get(kind) {
            set(&mut lines, &format!("{kind}: interaction or ?parameter"), before, own);
        }
    }
    for (spelling, finds) in &now.spellings {
        if before.spellings.get(spelling).is_some_and(|before| before != finds) {
            lines.push(format!("a search by {spelling} {} the test patient", if *finds { "now finds" } else { "no longer finds" }));
        }
    }
    rows(&mut lines, &before.rows, &now.rows);
    for (name, (severity, said)) in &now.findings {
        match before.findings.get(name) {
            None => lines.push(format!("new ({}) {name}: {said}", severity.word())),
            Some((earlier, _)) if earlier != severity => {
                lines.push(format!("{name}: was {}, is {}: {said}", earlier.word(), severity.word()))
            }
            Some(_) => {}
        }
    }
    lines.extend(
        before
            .findings
            .iter()
            .filter(|(name, _)| !now.findings.contains_key(*name))
            .map(|(name, (_, said))| format!("gone: {name}: {said}")),
    );
    lines
}

fn text(lines: &mut Vec<String>, what: &str, before: &str, now: &str) {
    if before != now {
        let or_none = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        lines.push(format!("{what}: was {}, is {}", or_none(before), or_none(now)));
    }
}

fn set(lines: &mut Vec<String>, what: &str, before: &BTreeSet<String>, now: &BTreeSet<String>) {
    lines.extend(now.difference(before).map(|one| format!("{what} added: {one}")));
    lines.extend(before.difference(now).map(|one| format!("{what} gone: {one}")));
}

/// A status that changed, or a type of which nothing comes any more. More or fewer resources are the patient's, not the supplier's.
fn rows(lines: &mut Vec<String>, before: &BTreeMap<String, (String, u64)>, now: &BTreeMap<String, (String, u64)>) {
    for (kind, (status, came)) in now {
        match before.get(kind) {
            Some((earlier, _)) if earlier != status => lines.push(format!("{kind} of the test patient: was {earlier}, is {status}")),
            Some((_, earlier)) if (*earlier == 0) != (*came == 0) => {
                lines.push(format!("{kind} of the test patient: {earlier} came, now {came}"))
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Snapshot {
        let statement = Statement {
            version: "4.0.1".into(),
            software: "Pretend 1".into(),
            types: BTreeMap::from([("Patient".to_owned(), BTreeSet::from(["read".to_owned(), "?identifier".to_owned()]))]),
            ..Statement::default()
        };
        let findings = BTreeMap::from([("Security: headers".to_owned(), (Severity::Advice, "lacks".to_owned()))]);
        let rows = BTreeMap::from([("Condition".to_owned(), ("ok".to_owned(), 3))]);
        let (at, url, dialect) = ("2026-11-24T02:00:00Z".to_owned(), "https://x.example/r4".to_owned(), "fhir-r4".to_owned());
        Snapshot { at, url, dialect, statement, spellings: BTreeMap::new(), rows, findings, speed_ms: Some((3, 9)) }
    }

    #[test]
    fn what_changed_is_said_and_what_only_varies_is_not() {
        let check = |change: fn(&mut Snapshot), expected: &[&str]| {
            let mut now = plain();
            change(&mut now);
            assert_eq!(changes(&plain(), &now), expected);
        };
        check(|_| (), &[]);
        check(|now| (now.at, now.speed_ms) = ("2026-11-25T02:00:00Z".into(), Some((4, 20))), &[]);
        check(|now| now.rows.get_mut("Condition").unwrap().1 = 4, &[]);
        check(|now| now.statement.software = "Pretend 2".into(), &["software: was Pretend 1, is Pretend 2"]);
        check(
            |now| now.statement.types.get_mut("Patient").unwrap().remove("?identifier").then_some(()).unwrap(),
            &["Patient: interaction or ?parameter gone: ?identifier"],
        );
        check(
            |now| now.rows.get_mut("Condition").unwrap().0 = "failed-http".into(),
            &["Condition of the test patient: was ok, is failed-http"],
        );
        check(|now| now.findings.clear(), &["gone: Security: headers: lacks"]);
        check(
            |now| drop(now.findings.insert("Paging: pages-loop".into(), (Severity::Broken, "loops".into()))),
            &["new (broken) Paging: pages-loop: loops"],
        );
    }
}
