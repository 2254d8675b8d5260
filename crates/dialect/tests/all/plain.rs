//! What a conversation with a plain server comes to, for each way in which servers differ or fail.

use crate::server::*;
use dialect::{Dialect, Everything, Known, Settings, Told};
use fhir::Kind;
use record::{Failure, Need, Status};

const ALL: &[&str] = &["AllergyIntolerance", "Condition", "Observation", "MedicationRequest", "Flag"];

/// A well-behaved server without `$everything`.
fn typed(target: &str) -> Said {
    match target {
        "metadata" => capability(false, ALL),
        t if t.starts_with("Patient?identifier=") => bundle(&[patient("p")]),
        "Condition?patient=p" => bundle(&[about("Condition", "1", ""), about("Condition", "2", "")]),
        "MedicationRequest?patient=p" => {
            bundle(&[about("MedicationRequest", "m", r#","medicationReference":{"reference":"Medication/9"}"#)])
        }
        "Medication/9" => Ok((200, r#"{"resourceType":"Medication","id":"9"}"#.to_owned())),
        t if t.contains("?patient=p") => bundle(&[]),
        _ => Ok((404, outcome("not-found"))),
    }
}

#[test]
fn a_server_without_everything_is_asked_type_by_type() {
    let told = read(&Need::everything(), &settings(), &typed);
    assert_eq!(ids(&told), ["Condition/trust-1", "Condition/trust-2", "Medication/trust-9", "MedicationRequest/trust-m"]);
    assert_eq!(told.chart.patients[0].id, "trust-p");
    let check = |kind, expected| assert_eq!(status(&told, kind), expected, "{kind}");
    check(Kind::PATIENT, Status::Ok);
    check(Kind::CONDITION, Status::Ok);
    check(Kind::MEDICATION, Status::Ok);
    check(Kind::ALLERGY_INTOLERANCE, Status::OkEmpty);
    check(Kind::TASK, Status::Unsupported);
    check(Kind::ORGANIZATION, Status::OkEmpty);
    check(Kind::BINARY, Status::NotAskedScope);
    let condition = &told.chart.items[0];
    assert_eq!(condition.traits.subjects, ["trust-p"]);
    assert!(condition.tree.root().is("subject.reference", "Patient/trust-p"));
    assert!(condition.tree.root().is("meta.tag.code", "trust"));
    assert_eq!(row(&told, Kind::CONDITION).counts.came, 2);
    assert!(row(&told, Kind::CONDITION).tried.is_some());
    assert_eq!(told.chart.rows.len(), record::CARRIED.len());
}

#[test]
fn everything_is_one_question() {
    let server = |target: &str| match target {
        "metadata" => capability(true, ALL),
        t if t.starts_with("Patient?") => bundle(&[patient("p")]),
        "Patient/p/$everything" => bundle(&[patient("p"), about("Condition", "1", "")]),
        _ => panic!("{target} was asked"),
    };
    let told = read(&Need::everything(), &settings(), &server);
    assert_eq!(ids(&told), ["Condition/trust-1"]);
    assert_eq!(told.chart.patients.len(), 1);
    assert_eq!(status(&told, Kind::CONDITION), Status::Ok);
    assert_eq!(status(&told, Kind::OBSERVATION), Status::OkEmpty);
    assert_eq!(status(&told, Kind::TASK), Status::Unsupported);
    let (_, calls) = Dialect::FHIR_R4.start(&opening(&holder(&["p"]), &settings(), &told.learnt), &Need::everything());
    let targets: Vec<&str> = calls.iter().map(|call| call.target.as_str()).collect();
    assert_eq!(targets, ["Patient/p/$everything"], "it brings the Patient along");
    let again =
        crank(Dialect::FHIR_R4.start(&opening(&holder(&["p"]), &settings(), &told.learnt), &Need::everything()), &server, &mut |_| 0).0;
    assert_eq!((status(&again, Kind::PATIENT), status(&again, Kind::CONDITION)), (Status::Ok, Status::Ok));
    let bare = |target: &str| match target {
        "Patient/p/$everything" => bundle(&[about("Condition", "1", "")]),
        "Patient/p" => Ok((200, patient("p"))),
        _ => panic!("{target} was asked"),
    };
    let (told, asked) =
        crank(Dialect::FHIR_R4.start(&opening(&holder(&["p"]), &settings(), &told.learnt), &Need::everything()), &bare, &mut |_| 0);
    assert_eq!(
        (asked.len(), status(&told, Kind::PATIENT), told.chart.patients.len()),
        (2, Status::Ok, 1),
        "where it does not, they are asked for"
    );
}

#[test]
fn everything_that_is_not_supported_falls_back_to_types() {
    for code in [400, 404, 405, 500, 501] {
        let server = |target: &str| match target {
            "metadata" => Err(Failure::Refused),
            "Patient/p/$everything" => Ok((code, outcome("not-supported"))),
            _ => typed(target),
        };
        let told = read(&Need::everything(), &settings(), &server);
        assert_eq!(status(&told, Kind::CONDITION), Status::Ok, "{code}");
        assert_eq!(status(&told, Kind::ALLERGY_INTOLERANCE), Status::OkEmpty, "{code}");
    }
}

#[test]
fn ten_thousand_observations_and_one_allergy() {
    // Golden case 27: the first types have a budget of their own, and are asked for before the flood goes on.
    let server = |target: &str| match target {
        "metadata" => capability(true, ALL),
        t if t.starts_with("Patient?") => bundle(&[patient("p")]),
        "AllergyIntolerance?patient=p" => {
            bundle(&[r#"{"resourceType":"AllergyIntolerance","id":"a","patient":{"reference":"Patient/p"}}"#.to_owned()])
        }
        t if t.contains("everything") => {
            let at: usize = t.rsplit('=').next().and_then(|at| at.parse().ok()).unwrap_or_default();
            let some: Vec<String> = (0..100).map(|n| about("Observation", &format!("{}", at * 100 + n), "")).collect();
            page(&some, (at < 99).then(|| format!("{BASE}/Patient/p/$everything?page={}", at + 1)).as_deref())
        }
        _ => bundle(&[]),
    };
    let mut asked_first = 0;
    let started = Dialect::FHIR_R4.start(&opening(&holder(&[]), &settings(), &Known::default()), &Need::everything());
    let (told, asked) = crank(started, &server, &mut |_| 0);
    for (at, target) in asked.iter().enumerate() {
        if target == "AllergyIntolerance?patient=p" {
            asked_first = at;
        }
    }
    let second_page = asked.iter().position(|target| target.ends_with("page=2")).unwrap();
    assert!(asked_first < second_page, "{asked:?}");
    assert!(ids(&told).contains(&"AllergyIntolerance/trust-a".to_owned()));
    assert_eq!(status(&told, Kind::ALLERGY_INTOLERANCE), Status::Ok);
    assert_eq!(status(&told, Kind::OBSERVATION), Status::OkTruncated);
    assert_eq!(row(&told, Kind::OBSERVATION).counts.came, 5_000);
    assert_eq!(status(&told, Kind::TASK), Status::OkTruncated);
}

/// A server whose search for conditions says this; the row's status and the number of conditions.
fn condition_says(said: &dyn Fn(&str) -> Option<Said>) -> (Status, usize, Told) {
    let server = |target: &str| said(target).unwrap_or_else(|| typed(target));
    let told = read(&Need::of(&[Kind::CONDITION, Kind::FLAG]), &settings(), &server);
    assert_eq!(status(&told, Kind::FLAG), Status::OkEmpty, "other rows are not touched");
    let count = told.chart.items.iter().filter(|item| item.kind == Kind::CONDITION).count();
    (status(&told, Kind::CONDITION), count, told)
}

#[test]
fn what_an_answer_says_it_has_and_does_not_bring_is_missed() {
    let one = about("Condition", "1", "");
    let check = |body: String, expected: Status, came: usize| {
        let (status, count, _) = condition_says(&|target| target.starts_with("Condition").then(|| Ok((200, body.clone()))));
        assert_eq!((status, count), (expected, came), "{body}");
    };
    let entry = format!(r#"{{"resource":{one}}}"#);
    // What makes JSON of XML knows no list of one.
    check(format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":{entry}}}"#), Status::Ok, 1);
    check(r#"{"resourceType":"Bundle","type":"searchset","entry":"none"}"#.to_owned(), Status::FailedParse, 0);
    check(r#"{"resourceType":"Bundle","type":"searchset","total":2}"#.to_owned(), Status::OkTruncated, 0);
    check(format!(r#"{{"resourceType":"Bundle","type":"searchset","total":3,"entry":[{entry}]}}"#), Status::OkTruncated, 1);
    check(format!(r#"{{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{entry}]}}"#), Status::Ok, 1);
    let next = r#""link":[{"relation":"next"}]"#;
    check(format!(r#"{{"resourceType":"Bundle","type":"searchset",{next},"entry":[{entry}]}}"#), Status::OkTruncated, 1);
}

#[test]
fn every_failure_has_its_status() {
    let check = |said: Said, expected: Status| {
        let (status, _, told) = condition_says(&|target| target.starts_with("Condition").then(|| said.clone()));
        assert_eq!(status, expected, "{said:?}");
        assert!(told.chart.items.is_empty());
    };
    let ok = |body: &str| Ok((200, body.to_owned()));
    check(Err(Failure::Timeout), Status::FailedTimeout);
    check(Err(Failure::Broken), Status::FailedHttp);
    check(Err(Failure::Refused), Status::FailedHttp);
    check(Err(Failure::CircuitOpen), Status::CircuitOpen);
    check(Err(Failure::Throttled), Status::Throttled);
    check(Err(Failure::TooLarge), Status::OkTruncated);
    check(Err(Failure::Unauthorised), Status::FailedAuth);
    check(Err(Failure::ForeignOrigin), Status::FailedHttp);
    check(Ok((400, "Bad Request".to_owned())), Status::FailedHttp);
    check(Ok((401, String::new())), Status::FailedAuth);
    check(Ok((403, "no".to_owned())), Status::FailedAuth);
    check(Ok((403, outcome("suppressed"))), Status::Withheld);
    // Something on the way that finds nothing is no word on what the source can do.
    check(Ok((404, String::new())), Status::FailedHttp);
    check(Ok((404, "<html><p>Not found</p></html>".to_owned())), Status::FailedHttp);
    check(Ok((404, outcome("not-supported"))), Status::Unsupported);
    check(Ok((400, outcome("not-supported"))), Status::Unsupported);
    check(Ok((429, String::new())), Status::Throttled);
    check(Ok((500, outcome("exception"))), Status::FailedHttp);
    check(Ok((302, String::new())), Status::FailedHttp);
    check(ok("<html><p>Maintenance</p></html>"), Status::FailedParse);
    check(ok(""), Status::FailedParse);
    check(ok("[]"), Status::FailedParse);
    check(ok(r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceTy"#), Status::FailedParse);
    check(ok(&patient("p")), Status::FailedParse);
    check(ok(&outcome("exception")), Status::FailedParse);
    check(ok(&outcome("not-supported")), Status::Unsupported);
}

#[test]
fn pages_are_followed_verbatim_to_their_end() {
    let next = format!("{BASE}?_getpages=a%2Fb&x=1,2");
    let (status, count, _) = condition_says(&|target| match target {
        "Condition?patient=p" => Some(page(&[about("Condition", "1", "")], Some(&next))),
        t if t == next => Some(page(&[], Some("?page=3"))),
        t if t == format!("{BASE}?page=3") => Some(bundle(&[about("Condition", "2", "")])),
        _ => None,
    });
    assert_eq!((status, count), (Status::Ok, 2));
}

#[test]
fn a_next_page_that_may_not_be_followed_is_said() {
    for next in [
        "https://elsewhere.example/r4?page=2",
        "Condition?patient=p",
        "https://fhir.trust.example:8443/r4?page=2",
        "http://fhir.trust.example/r4?page=2",
    ] {
        let (status, count, told) =
            condition_says(&|target| (target == "Condition?patient=p").then(|| page(&[about("Condition", "1", "")], Some(next))));
        assert_eq!((status, count), (Status::OkTruncated, 1), "{next}");
        assert!(row(&told, Kind::CONDITION).note.is_some());
    }
}

#[test]
fn a_page_that_fails_leaves_what_came() {
    let (status, count, _) = condition_says(&|target| match target {
        "Condition?patient=p" => Some(page(&[about("Condition", "1", "")], Some("?page=2"))),
        t if t.ends_with("page=2") => Some(Err(Failure::Timeout)),
        _ => None,
    });
    assert_eq!((status, count), (Status::FailedTimeout, 1));
}

#[test]
fn pages_without_end_are_cut() {
    let (status, count, _) = condition_says(&|target| {
        let at: usize = target.rsplit("page=").next().and_then(|at| at.parse().ok()).unwrap_or_default();
        let next = format!("{BASE}/Condition?page={}", at + 1);
        target.contains("Condition").then(|| page(&[about("Condition", &at.to_string(), "")], Some(&next)))
    });
    assert_eq!((status, count), (Status::OkTruncated, 50));
}

#[test]
fn a_parameter_that_is_refused_is_dropped_and_filtered_here() {
    let need = Need { since: Some("2026-06-01T00:00:00Z".to_owned()), ..Need::of(&[Kind::CONDITION]) };
    let settings = Settings { page_size: Some(50), ..settings() };
    let server = |target: &str| match target {
        "Condition?patient=p" => bundle(&[
            about("Condition", "old", r#","meta":{"lastUpdated":"2026-05-31T23:59:59Z"}"#),
            about("Condition", "new", r#","meta":{"lastUpdated":"2026-06-01T02:00:00+01:00"}"#),
            about("Condition", "undated", ""),
        ]),
        t if t.starts_with("Condition") => Ok((400, "unknown parameter".to_owned())),
        _ => typed(target),
    };
    let told = read(&need, &settings, &server);
    assert_eq!(ids(&told), ["Condition/trust-new", "Condition/trust-undated"]);
    let row = row(&told, Kind::CONDITION);
    assert_eq!((row.status, row.counts.came, row.counts.filtered), (Some(Status::Ok), 3, 1));
    assert_eq!(
        row.note.as_deref(),
        Some("the source does not take _count; asked without it; the source does not take _since; asked without it")
    );
}

#[test]
fn a_server_that_wants_subject_is_asked_by_subject() {
    let server = |target: &str| match target {
        "Condition?patient=p" => Ok((400, "no such parameter".to_owned())),
        "Condition?subject=Patient/p" => bundle(&[about("Condition", "1", "")]),
        _ => typed(target),
    };
    assert_eq!(ids(&read(&Need::of(&[Kind::CONDITION]), &settings(), &server)), ["Condition/trust-1"]);
}

#[test]
fn a_person_nobody_knows_is_an_answer() {
    let server = |target: &str| match target {
        "metadata" => capability(true, ALL),
        t if t.starts_with("Patient?") => bundle(&[]),
        _ => panic!("{target} was asked"),
    };
    let told = read(&Need::everything(), &settings(), &server);
    assert!(told.chart.rows.iter().all(|row| row.status == Some(Status::OkEmpty)));
}

#[test]
fn a_lookup_that_fails_fails_every_row() {
    let server = |target: &str| if target == "metadata" { capability(true, ALL) } else { Ok((503, String::new())) };
    let told = read(&Need::everything(), &settings(), &server);
    assert!(told.chart.rows.iter().all(|row| row.status == Some(Status::FailedHttp) && row.note.as_deref() == Some("HTTP 503")));
}

#[test]
fn somebody_else_is_shown_to_the_guard_and_not_asked_about() {
    let server = |target: &str| match target {
        "metadata" => capability(true, ALL),
        t if t.starts_with("Patient?") => bundle(&[patient("p").replace(NUMBER, "9990000026")]),
        _ => panic!("{target} was asked"),
    };
    let told = read(&Need::everything(), &settings(), &server);
    assert_eq!(told.chart.patients.len(), 1);
}

#[test]
fn an_id_that_is_no_longer_theirs_is_looked_up_again() {
    let server = |target: &str| match target {
        "Patient/old" => Ok((404, String::new())),
        "Patient/old/$everything" => Ok((404, String::new())),
        t if t.contains("=old") => bundle(&[]),
        _ => typed(target),
    };
    let started = Dialect::FHIR_R4.start(&opening(&holder(&["old"]), &settings(), &Known::default()), &Need::everything());
    let (told, _) = crank(started, &server, &mut |_| 0);
    assert_eq!(told.chart.patients[0].id, "trust-p");
    assert_eq!(status(&told, Kind::CONDITION), Status::Ok);
}

#[test]
fn what_is_unfinished_at_the_deadline_is_named() {
    let (mut conversation, calls) =
        Dialect::FHIR_R4.start(&opening(&holder(&[]), &settings(), &Known::default()), &Need::of(&[Kind::CONDITION, Kind::FLAG]));
    let mut next: Vec<_> = calls.iter().flat_map(|call| conversation.reply(answer(&typed, call))).collect();
    let condition = next.iter().position(|call| call.target.starts_with("Condition")).unwrap();
    let call = next.remove(condition);
    conversation.reply(answer(&typed, &call));
    assert!(!conversation.is_done());
    let told = conversation.finish();
    assert_eq!(status(&told, Kind::CONDITION), Status::Ok);
    assert_eq!(status(&told, Kind::FLAG), Status::FailedTimeout);
    assert_eq!(ids(&told).len(), 2);
}

#[test]
fn a_warning_inside_an_answer_is_a_hole_in_it() {
    let inside = |code: &str, severity: &str| {
        let issue = outcome(code).replace("error", severity);
        condition_says(&move |target| (target == "Condition?patient=p").then(|| bundle(&[about("Condition", "1", ""), issue.clone()]))).0
    };
    assert_eq!(inside("incomplete", "warning"), Status::OkTruncated);
    assert_eq!(inside("not-supported", "warning"), Status::OkTruncated);
    assert_eq!(inside("incomplete", "information"), Status::Ok);
    let alone = condition_says(&|target| (target == "Condition?patient=p").then(|| bundle(&[outcome("not-supported")])));
    assert_eq!(alone.0, Status::Unsupported);
    assert_eq!(alone.2.chart.findings.len(), 1);
}

#[test]
fn one_resource_comes_with_the_patient_to_judge_it_by() {
    let (told, asked) = crank(
        Dialect::FHIR_R4.read_one(&opening(&holder(&["p"]), &settings(), &Known::default()), "Condition", "1"),
        &|target| match target {
            "Condition/1" => Ok((200, about("Condition", "1", ""))),
            "Patient/p" => Ok((200, patient("p"))),
            _ => panic!("{target} was asked"),
        },
        &mut |_| 0,
    );
    assert_eq!(asked.len(), 2);
    assert_eq!(ids(&told), ["Condition/trust-1"]);
    assert_eq!(told.chart.rows.len(), 2);
    let gone = crank(
        Dialect::FHIR_R4.read_one(&opening(&holder(&["p"]), &settings(), &Known::default()), "Condition", "1"),
        &|target| match target {
            "Condition/1" => Ok((410, String::new())),
            _ => Ok((200, patient("p"))),
        },
        &mut |_| 0,
    );
    assert_eq!(status(&gone.0, Kind::CONDITION), Status::OkEmpty);
}

#[test]
fn finding_asks_for_nothing_but_the_patient() {
    let started = Dialect::FHIR_R4.find(&opening(&holder(&[]), &settings(), &Known::default()));
    let (told, asked) = crank(started, &typed, &mut |_| 0);
    assert_eq!(asked, ["Patient?identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C9990000018"]);
    assert_eq!(told.chart.patients.len(), 1);
}

#[test]
fn older_versions_are_asked_in_their_own_words() {
    let settings = Settings { everything: Everything::Never, ..settings() };
    let server = |target: &str| {
        match target {
        "metadata" => Ok((200, r#"{"resourceType":"Conformance","rest":[{"mode":"server","resource":[]}]}"#.to_owned())),
        t if t.starts_with("Patient?") => bundle(&[patient("p")]),
        "MedicationOrder?patient=p" => bundle(&[r#"{"resourceType":"MedicationOrder","id":"1","status":"active","patient":{"reference":"Patient/p"},"medicationCodeableConcept":{"text":"x"}}"#.to_owned()]),
        "ReferralRequest?patient=p" => bundle(&[r#"{"resourceType":"ReferralRequest","id":"1","status":"active","patient":{"reference":"Patient/p"}}"#.to_owned()]),
        "ProcedureRequest?patient=p" => bundle(&[r#"{"resourceType":"ProcedureRequest","id":"1","code":{"text":"x"},"subject":{"reference":"Patient/p"},"encounter":{"reference":"ReferralRequest/1"}}"#.to_owned()]),
        _ => bundle(&[]),
    }
    };
    let started = "fhir-dstu2".parse::<Dialect>().unwrap().start(&opening(&holder(&[]), &settings, &Known::default()), &Need::everything());
    let (told, _) = crank(started, &server, &mut |_| 0);
    assert_eq!(ids(&told), ["MedicationRequest/trust-1", "ServiceRequest/trust-1", "ServiceRequest/trust-ProcedureRequest.1"]);
    assert_eq!(status(&told, Kind::TASK), Status::Unsupported);
    assert!(told.chart.items[2].tree.root().is("encounter.reference", "ServiceRequest/trust-1"));
    assert!(told.chart.items.iter().all(|item| item.traits.subjects == ["trust-p"]));
}
