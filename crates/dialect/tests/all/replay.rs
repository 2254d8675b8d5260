//! Other people's answers, replayed as what a server says in a conversation: none is lost silently.
//!
//! Skipped, and says so, where `SEVERN_DATA` does not name the unpacked data.

use std::path::{Path, PathBuf};

use dialect::{Dialect, Known, Told};
use record::{Failure, Need};
use serde_json::{Value, json};

use crate::server::*;

/// What became of the files of one folder.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    /// Files that hold no resource: bodies of requests, lists of changes.
    no_answer: usize,
    resources: usize,
    shown: usize,
    quarantined: usize,
    findings: usize,
    /// Answers that only say what went wrong.
    outcomes: usize,
    /// Rows that are said to be not whole.
    holes: usize,
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The file as the page of a search: many are documented as a single entry, or as the resource alone.
fn page_of(value: Value) -> Option<Value> {
    if value["resourceType"] == "Bundle" {
        return Some(value);
    }
    let entry = if value["resource"].is_object() { value } else { json!({ "resource": value }) };
    entry["resource"]["resourceType"].is_string().then(|| json!({"resourceType": "Bundle", "type": "searchset", "entry": [entry]}))
}

fn replay(dialect: Dialect, file: &Path, tally: &mut Tally) {
    tally.files += 1;
    let read = std::fs::read(file).unwrap();
    let Some(mut page) = serde_json::from_slice::<Value>(&read).ok().and_then(page_of) else {
        tally.no_answer += 1;
        return;
    };
    // Its further pages are not in the set.
    page.as_object_mut().unwrap().remove("link");
    let resources: Vec<Value> = page["entry"].as_array().into_iter().flatten().map(|entry| entry["resource"].clone()).collect();
    let (outcomes, mut said): (Vec<Value>, Vec<Value>) = resources.into_iter().partition(|one| one["resourceType"] == "OperationOutcome");
    // The same bytes under one id are one.
    let mut once: Vec<Value> = Vec::new();
    said.retain(|one| {
        let again = !one["id"].is_null() && once.contains(one);
        once.push(one.clone());
        !again
    });
    let body = page.to_string();
    let told = ask(dialect, &body, said.is_empty());
    let own = format!("{:?}", told.chart.patients.iter().filter(|item| item.origin.id.as_deref() == Some("whose-page")).count());
    assert_eq!(own, "1");
    let shown = told.chart.items.len() + told.chart.patients.len() - 1;
    let filtered: u64 = told.chart.rows.iter().map(|row| row.counts.filtered).sum();
    assert_eq!(shown + told.chart.quarantined.len() + filtered as usize, said.len(), "{} loses something", file.display());
    tally.resources += said.len();
    tally.shown += shown;
    tally.quarantined += told.chart.quarantined.len();
    tally.findings += told.chart.items.iter().map(|item| item.findings.len()).sum::<usize>();
    tally.outcomes += outcomes.len();
    let holes = told.chart.rows.iter().filter(|row| row.status.is_some_and(|status| !status.complete())).count();
    assert!(outcomes.is_empty() || holes > 0, "{}: what went wrong leaves no hole", file.display());
    tally.holes += holes;
}

/// A server that answers one search with this page, or fails with it where it holds nothing else than what went wrong.
fn ask(dialect: Dialect, body: &str, fails: bool) -> Told {
    let server = |target: &str| match target {
        "metadata" => Err(Failure::Refused),
        t if t.starts_with("Patient?identifier=") => bundle(&[patient("whose-page")]),
        t if t.starts_with("Condition?") && fails && !body.contains("\"entry\":[]") => {
            let outcome = serde_json::from_str::<Value>(body).unwrap()["entry"][0]["resource"].to_string();
            Ok((if outcome.contains("OperationOutcome") { 500 } else { 200 }, if outcome == "null" { body.to_owned() } else { outcome }))
        }
        t if t.starts_with("Condition?") => Ok((200, body.to_owned())),
        t if t.contains("everything") => Ok((404, outcome("not-supported"))),
        t if t.contains('?') => bundle(&[]),
        _ => Ok((404, outcome("not-found"))),
    };
    let (holder, settings, known) = (holder(&[]), settings(), Known::default());
    crank(dialect.start(&opening(&holder, &settings, &known), &Need::everything()), &server, &mut |_| 0).0
}

fn table(set: &str, folders: &[(&str, &str)]) -> Option<Vec<Tally>> {
    let Some(data) = std::env::var_os("SEVERN_DATA").map(|data| PathBuf::from(data).join(set)).filter(|data| data.is_dir()) else {
        println!("third-party: {set} skipped, SEVERN_DATA does not have it");
        return None;
    };
    let mut tallies = Vec::new();
    for (folder, dialect) in folders {
        let mut tally = Tally::default();
        files(&data.join(folder)).iter().for_each(|file| replay(dialect.parse().unwrap(), file, &mut tally));
        let Tally { files, no_answer, resources, shown, quarantined, findings, outcomes, holes } = &tally;
        println!(
            "third-party: {set}/{folder} replayed through {dialect}: files={files} no-answer={no_answer} resources={resources} shown={shown} \
             quarantined={quarantined} findings={findings} outcomes={outcomes} holes={holes}"
        );
        tallies.push(tally);
    }
    Some(tallies)
}

#[test]
fn documented_answers_of_millennium_lose_nothing() {
    let folders = [
        ("fhir.cerner.com/r4/millennium", "millennium"),
        ("fhir.cerner.com/r4/soarian", "millennium"),
        ("fhir.cerner.com/dstu2", "fhir-dstu2"),
    ];
    if let Some(tallies) = table("vendor-cerner", &folders) {
        assert_eq!(tallies.iter().map(|tally| tally.files).sum::<usize>(), 201);
        assert!(tallies.iter().all(|tally| tally.shown > 0 && tally.no_answer < tally.files / 4));
    }
}

#[test]
fn samples_of_intersystems_lose_nothing() {
    if let Some(tallies) = table("vendor-intersystems", &[("", "healthshare")]) {
        assert!(tallies[0].shown > 0 && tallies[0].no_answer == 0);
    }
}
