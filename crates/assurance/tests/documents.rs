//! The hazard log and the documents of this very tree claim nothing that is not there.

use std::path::{Path, PathBuf};

use assurance::{Document, Likelihood, Log, Pack, Release, Risk, Severity, Status, Tests, faults, report};

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn release() -> Release {
    Release { version: "0.0.0".to_owned(), commit: "0000000".to_owned(), date: "2026-01-01".to_owned() }
}

#[test]
fn every_claim_of_hazards_and_documents_leads_to_what_is_there() {
    match Pack::of(&tree(), &release()) {
        Ok(pack) => assert!(pack.documents.len() > 10, "{:?}", pack.documents.keys()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_file_of_hazards_is_read() {
    let mut files: Vec<String> = std::fs::read_dir(tree().join("docs/safety/hazards"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(Log::files().collect::<Vec<_>>(), files);
}

#[test]
fn the_same_source_gives_the_same_pack() {
    let (one, other) = (Pack::of(&tree(), &release()).unwrap(), Pack::of(&tree(), &release()).unwrap());
    assert_eq!(one.documents, other.documents);
}

#[test]
fn every_golden_case_has_a_hazard() {
    let log = Log::own().unwrap();
    let named: Vec<&String> = log.hazards.iter().flat_map(|hazard| &hazard.controls).flat_map(|control| &control.tests).collect();
    for case in 1..=27 {
        let name = format!("::golden_{case:02}_");
        assert!(named.iter().any(|test| test.contains(&name)), "golden case {case} holds no hazard");
    }
}

#[test]
fn what_is_gone_ignored_or_not_tested_is_told() {
    let mut log = Log::own().unwrap();
    let tests = Tests::of(&tree()).unwrap();
    assert_eq!(log.faults(&tests), Vec::<String>::new());
    let control = |log: &mut Log| log.hazards[0].controls.iter().position(|control| !control.tests.is_empty()).unwrap();
    let at = control(&mut log);
    let check = |change: &dyn Fn(&mut Log), expected: &str| {
        let mut log = log.clone();
        change(&mut log);
        let faults = log.faults(&tests);
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}: {faults:?}");
    };
    let own = |log: &mut Log, test: &str| log.hazards[0].controls[at].tests[0] = test.to_owned();
    check(&|log| own(log, "crates/join/tests/all/golden.rs::golden_99_nothing"), "there is no test");
    check(&|log| own(log, "golden_01_anaphylaxis_carried_in_code_only_survives"), "there is no test");
    check(&|log| log.hazards[1].id = log.hazards[0].id.clone(), "is two hazards");
    check(&|log| log.hazards[0].harm.clear(), "lacks a part");
    check(&|log| log.hazards[0].controls[at].tests.clear(), "names no test");
    let dire = Risk { severity: Severity::Catastrophic, likelihood: Likelihood::VeryHigh };
    check(
        &|log| (log.hazards[0].initial, log.hazards[0].status, log.hazards[0].residual) = (dire, Status::Controlled, dire),
        "not acceptable",
    );
    check(&|log| (log.hazards[0].initial.severity, log.hazards[0].residual) = (Severity::Minor, dire), "raise the risk");
    let mut ignored = Tests::default();
    ignored.file(
        "crates/a.rs",
        "#[test]\n#[ignore = \"slow\"]\nfn one() {}\n#[tokio::test(start_paused = true)]\nasync fn two() {}\nfn three() {}\n",
    );
    assert!(ignored.fault("crates/a.rs::one").unwrap().contains("ignored"));
    assert_eq!(ignored.fault("crates/a.rs::two"), None);
    assert!(ignored.fault("crates/a.rs::three").is_some(), "a function is no test");
}

#[test]
fn a_claim_in_a_document_that_leads_nowhere_is_told() {
    let mut tests = Tests::default();
    tests.file("crates/a.rs", "#[test]\nfn one() {}\n");
    let check = |text: &str, expected: &str| {
        let documents = [
            Document { name: "a.md".to_owned(), text: text.to_owned() },
            Document { name: "b.md".to_owned(), text: "# B\n\n## What it's for\n".to_owned() },
        ];
        let faults = faults(&documents, &tests).join("; ");
        assert!(if expected.is_empty() { faults.is_empty() } else { faults.contains(expected) }, "{text}: {faults}");
    };
    check("# A\n\nSo [test: crates/a.rs::one], see [b](b.md#what-its-for), [b](b.md), [above](#a), [elsewhere](https://a.example/b).", "");
    check("[test: crates/a.rs::two]", "there is no test crates/a.rs::two");
    check("[b](c.md)", "no document c.md");
    check("[b](b.md#what-for)", "no section what-for");
}

#[test]
fn the_report_shows_every_hazard_with_its_risk() {
    let log = Log::own().unwrap();
    let page = report(&log, "1.2.3");
    assert!(page.starts_with("# Hazard log of Severn 1.2.3\n"));
    for hazard in &log.hazards {
        assert!(page.contains(&format!("## {}: {}", hazard.id, hazard.name)));
    }
}
