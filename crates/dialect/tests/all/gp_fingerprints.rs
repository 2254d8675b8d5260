//! Other people's structured records, read through the dialect: none panics, none loses a resource or a label.
//!
//! Skipped, and says so, where `SEVERN_DATA` does not name the unpacked data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dialect::{Dialect, Known, Opening, Settings, Told};
use fhir::Kind;
use record::{Caller, Holder, Need, NhsNumber, Organisation, Reply, Response, Status, UserId};
use serde_json::Value;

/// What became of the files of one maker.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    resources: usize,
    items: usize,
    findings: usize,
    quarantined: usize,
    /// Files that are no record.
    refused: usize,
    /// Rows of areas that are whole, and those that are not.
    whole: usize,
    holes: usize,
    warned: usize,
    labels: usize,
    /// Allergies that stood inside Lists.
    inside: usize,
}

fn caller() -> Caller {
    Caller {
        user: UserId { issuer: "https://login.example".to_owned(), subject: "u-1".to_owned() },
        name: "Dr A Example".to_owned(),
        sds_user_id: Some("999999999999".to_owned()),
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code: "RRK".parse().unwrap(), name: "Queen Elizabeth Hospital".to_owned() },
        roles: Vec::new(),
        activities: Vec::new(),
        purposes: vec!["TREAT".to_owned()],
        scopes: Vec::new(),
        launch_patient: None,
        device: None,
        client: None,
        token_id: None,
    }
}

fn told(number: NhsNumber, body: &[u8]) -> Told {
    let holder = Holder { source: "gp".parse().unwrap(), number, former: Vec::new(), local_ids: Vec::new() };
    let settings = Settings::new("https://gp.example/STU3/1".parse().unwrap(), "https://exchange.example/fhir/R4");
    let (known, caller, now) = (Known::default(), caller(), "2026-11-24T09:00:00Z".parse().unwrap());
    let opening = Opening { holder: &holder, settings: &settings, known: &known, reader: Some(&caller), now };
    let dialect: Dialect = "gp-connect".parse().unwrap();
    let (mut conversation, calls) = dialect.start(&opening, &Need::everything());
    let response = Response {
        status: 200,
        content_type: "application/fhir+json".to_owned(),
        headers: Vec::new(),
        body: body.to_vec().into(),
        url: "https://gp.example/STU3/1".to_owned(),
    };
    conversation.reply(Reply { id: calls[0].id, tried: now, outcome: Ok(response) });
    conversation.finish()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json" || extension == "xml") {
            found.push(path);
        }
    }
    found.sort();
}

/// Whose system wrote a file, by the identifiers it mints.
fn maker(path: &Path, text: &str) -> &'static str {
    let name = path.to_string_lossy();
    if name.contains("demonstrator") {
        "demonstrator"
    } else if text.contains("EMISWeb") || name.contains("EMIS") {
        "EMIS"
    } else if text.contains("tpp-uk.com") {
        "TPP"
    } else if text.to_ascii_lowercase().contains("medicus") {
        "Medicus"
    } else {
        "others"
    }
}

fn number(value: &Value) -> Option<NhsNumber> {
    let patients = value["entry"].as_array()?.iter().map(|entry| &entry["resource"]).filter(|one| one["resourceType"] == "Patient");
    let identifiers = patients.flat_map(|patient| patient["identifier"].as_array().cloned().unwrap_or_default());
    let mut numbers = identifiers.filter(|one| one["system"].as_str().is_some_and(|system| system.ends_with("nhs-number")));
    numbers.find_map(|one| one["value"].as_str()?.parse().ok())
}

fn count(file: &Path, tally: &mut Tally, text: &str) {
    let value: Option<Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok();
    let number = value.as_ref().and_then(number).unwrap_or_else(|| "9990000018".parse().unwrap());
    let told = std::panic::catch_unwind(|| told(number, text.as_bytes())).unwrap_or_else(|_| panic!("{} panics", file.display()));
    let chart = &told.chart;
    tally.files += 1;
    let items: Vec<_> = chart.patients.iter().chain(&chart.items).collect();
    tally.items += items.len();
    tally.quarantined += chart.quarantined.len();
    tally.findings += chart.findings.len() + items.iter().map(|item| item.findings.len()).sum::<usize>();
    let came: u64 = chart.rows.iter().map(|row| row.counts.came).sum();
    assert_eq!(came, items.len() as u64 + chart.quarantined.iter().filter(|one| one.kind.is_some()).count() as u64, "{}", file.display());
    let patient = chart.rows.iter().find(|row| row.kind == Kind::PATIENT).and_then(|row| row.status);
    if patient != Some(Status::Ok) {
        tally.refused += 1;
        // Nobody knows whose it is: it is held back, and no row is whole.
        assert!(!chart.rows.iter().any(|row| matches!(row.status, Some(Status::Ok | Status::OkEmpty))), "{}", file.display());
    }
    for row in &chart.rows {
        let counter = match row.status {
            Some(Status::Ok | Status::OkEmpty) => &mut tally.whole,
            _ => &mut tally.holes,
        };
        *counter += 1;
        tally.warned += usize::from(row.note.as_deref().is_some_and(|note| note.contains("confidential-items") || note.contains("data-")));
    }
    let Some(value) = value.filter(|value| value["resourceType"] == "Bundle") else { return };
    let entries: Vec<&Value> = value["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]).collect();
    let mut distinct: Vec<&Value> = Vec::new();
    for one in entries.iter().filter(|one| !one.is_null() && one["resourceType"] != "OperationOutcome") {
        if one["id"].is_null() || !distinct.contains(one) {
            distinct.push(one);
        }
    }
    let inside: Vec<&Value> = entries
        .iter()
        .filter(|one| one["resourceType"] == "List")
        .flat_map(|list| list["contained"].as_array().into_iter().flatten())
        .collect();
    tally.resources += distinct.len();
    tally.inside += inside.len();
    assert_eq!(items.len() + chart.quarantined.len(), distinct.len() + inside.len(), "{} loses resources", file.display());
    if chart.patients.is_empty() {
        assert!(chart.items.is_empty(), "{} shows what is nobody's", file.display());
        return;
    }
    let nopat = |text: &str| text.matches("\"NOPAT\"").count();
    let labels = distinct.iter().map(|one| nopat(&one.to_string())).sum::<usize>();
    assert_eq!(items.iter().map(|item| nopat(&item.tree.to_json())).sum::<usize>(), labels, "{} loses a label", file.display());
    tally.labels += labels;
    for allergy in inside.iter().filter(|one| one["resourceType"] == "AllergyIntolerance") {
        let code = &allergy["code"];
        let ended = items
            .iter()
            .filter(|item| item.kind == Kind::ALLERGY_INTOLERANCE && item.tree.root().is("clinicalStatus.coding.code", "resolved"));
        assert!(ended.count() > 0, "{}: {code} is lost, or active", file.display());
    }
}

#[test]
fn every_maker_is_read_whole() {
    let Some(data) = std::env::var_os("SEVERN_DATA").map(|data| PathBuf::from(data).join("gpconnect-stu3")).filter(|data| data.is_dir())
    else {
        println!("third-party: gpconnect-stu3 skipped, SEVERN_DATA does not have it");
        return;
    };
    let (mut found, mut makers): (_, BTreeMap<&str, Tally>) = (Vec::new(), BTreeMap::new());
    files(&data, &mut found);
    for file in found {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        count(&file, makers.entry(maker(&file, &text)).or_default(), &text);
    }
    println!("third-party: gpconnect-stu3 through the dialect");
    println!("maker         files refused resources inside  items quarantined findings labels rows-whole rows-not warned");
    for (maker, t) in &makers {
        println!(
            "{maker:<13} {:>5} {:>7} {:>9} {:>6} {:>6} {:>11} {:>8} {:>6} {:>10} {:>8} {:>6}",
            t.files, t.refused, t.resources, t.inside, t.items, t.quarantined, t.findings, t.labels, t.whole, t.holes, t.warned
        );
    }
    assert!(makers.values().map(|tally| tally.labels).sum::<usize>() > 0);
    assert!(makers.values().map(|tally| tally.inside).sum::<usize>() > 0);
}
