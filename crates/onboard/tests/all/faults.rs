//! Whatever goes wrong at a supplier, the report says it by its name, and what to do.

use std::sync::Arc;

use onboard::{Patient, Severity, Topic, block, page, visit};
use testbed::{Fault, Refusal, Region, Wrong};

use crate::world::{now, supplier, visited, visited_edited};

fn codes(visit: &onboard::Visit) -> Vec<&str> {
    visit.findings.iter().filter(|one| one.severity != Severity::Fine).map(|one| one.code.as_str()).collect()
}

/// Makes suppliers fail in this way, and looks for what is said of it.
async fn check(fault: Fault, topic: Topic, code: &str) {
    for id in ["ccr", "mh"] {
        let region = Arc::new(Region::in_memory());
        assert!(region.fail(id, fault.clone()));
        let visit = visited(&region, id).await;
        let said: Vec<_> = visit.findings.iter().filter(|one| one.severity != Severity::Fine).map(|one| (one.topic, &one.code)).collect();
        let found = visit.findings.iter().find(|finding| finding.topic == topic && finding.code == code);
        let found = found.unwrap_or_else(|| panic!("{id} {fault:?}: {said:#?}"));
        assert!(found.severity <= Severity::Wrong || code == "several-patients" || code == "count-ignored", "{id}: {found:?}");
        assert!(!found.todo.is_empty() && !found.said.is_empty(), "{id}: {found:?}");
    }
}

macro_rules! says {
    ($($name:ident: $fault:expr, $topic:ident, $code:literal;)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                check($fault, Topic::$topic, $code).await;
            }
        )*
    };
}

says! {
    a_bad_request: Fault::Refusing { how: Refusal::BadRequest }, Capability, "bad-request";
    a_bomb: Fault::GzipBomb { mib: 8 }, Capability, "too-large";
    a_broken_answer: Fault::Truncated, Capability, "broken-off";
    a_closed_connection: Fault::Refusing { how: Refusal::Closed }, Capability, "broken-off";
    a_malformed_answer: Fault::Malformed, Capability, "malformed";
    a_missing_birth_date: Fault::WrongPerson { by: Wrong::NoBirthDate }, Lookup, "no-birth-date";
    a_page_too_large: Fault::HugePage { entries: 300 }, Paging, "count-ignored";
    a_refusal_by_401: Fault::Refusing { how: Refusal::Unauthorised }, Capability, "unauthorised";
    a_refusal_by_403: Fault::Refusing { how: Refusal::Forbidden }, Capability, "forbidden";
    a_server_error: Fault::Refusing { how: Refusal::ServerError }, Capability, "server-error";
    a_silent_supplier: Fault::Silent, Capability, "no-answer";
    a_slip_of_the_birth_date: Fault::WrongPerson { by: Wrong::Slip }, Record, "held";
    a_slow_supplier: Fault::Slow { ms: 3_000 }, Speed, "slow";
    a_throttling_supplier: Fault::Throttled { retry_after_s: 60 }, Capability, "throttled";
    a_web_page: Fault::Html, Capability, "web-page";
    an_unavailable_supplier: Fault::Refusing { how: Refusal::Unavailable }, Capability, "unavailable";
    another_birth_date: Fault::WrongPerson { by: Wrong::BirthDate }, Record, "another-birth-date";
    another_number: Fault::WrongPerson { by: Wrong::Number }, Lookup, "another-number";
    one_type_that_fails: Fault::LosesType { kind: "AllergyIntolerance".to_owned() }, Record, "failed-http";
    pages_that_lead_elsewhere: Fault::CrossOriginNext, Paging, "next-elsewhere";
    pages_that_loop: Fault::LoopingPages, Paging, "pages-loop";
    pages_without_end: Fault::EndlessPages, Paging, "pages-never-end";
    resources_about_nobody: Fault::NoSubject, Record, "no-subject";
    resources_about_others: Fault::OtherSubject, Record, "other-subject";
    two_patients_of_one_number: Fault::DuplicatePatients, Lookup, "several-patients";
}

/// Where the contract says that numbers are verified, nothing need say so itself; elsewhere it must.
#[tokio::test(start_paused = true)]
async fn a_number_that_nobody_verified() {
    let region = Arc::new(Region::in_memory());
    assert!(region.fail("ccr", Fault::WrongPerson { by: Wrong::Unverified }));
    let visit = visited(&region, "ccr").await;
    assert!(
        visit.findings.iter().any(|finding| finding.code == "not-verified" && finding.severity == Severity::Broken),
        "{:#?}",
        visit.findings
    );
}

#[tokio::test(start_paused = true)]
async fn a_supplier_that_is_silent_is_not_asked_for_long() {
    let region = Arc::new(Region::in_memory());
    assert!(region.fail("ccr", Fault::Silent));
    let visit = visited(&region, "ccr").await;
    assert!(visit.asked.len() <= 2, "{:#?}", visit.asked);
}

/// What keeps a search from being answered says nothing of the patient, nor of how nobody is answered.
#[tokio::test(start_paused = true)]
async fn what_fails_for_another_reason_is_not_called_not_found() {
    let refusals = [Refusal::BadRequest, Refusal::Closed, Refusal::Forbidden, Refusal::ServerError, Refusal::Unauthorised];
    let faults = [Fault::Html, Fault::Malformed, Fault::Silent, Fault::Throttled { retry_after_s: 60 }, Fault::Truncated];
    for fault in refusals.map(|how| Fault::Refusing { how }).into_iter().chain(faults) {
        let region = Arc::new(Region::in_memory());
        assert!(region.fail("ccr", fault.clone()));
        let visit = visited(&region, "ccr").await;
        let said = codes(&visit);
        for wrong in ["not-found", "one-not-found", "nobody-is-an-error", "success-for-error", "breaks", "errors"] {
            assert!(!said.contains(&wrong), "{fault:?}: {said:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_patient_is_not_found_once_an_answer_says_so() {
    let visit = visited_edited("ccr", |url, body| {
        if url.path().ends_with("Patient") {
            *body = serde_json::json!({"resourceType": "Bundle", "type": "searchset", "total": 0});
        }
    })
    .await;
    assert!(codes(&visit).contains(&"not-found"), "{:?}", codes(&visit));
    let visit = visited_edited("ccr", |url, body| {
        if url.path().ends_with("Patient") {
            *body = serde_json::json!({"resourceType": "OperationOutcome", "issue": []});
        }
    })
    .await;
    assert!(codes(&visit).contains(&"lookup-fails") && !codes(&visit).contains(&"not-found"), "{:?}", codes(&visit));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_was_read_nothing_is_called_good() {
    let region = Arc::new(Region::in_memory());
    let (supplier, prober) = supplier(&region, "ccr");
    let stranger = Patient { number: "9999999468".parse().unwrap(), birth_date: None };
    for patients in [vec![], vec![stranger]] {
        let visit = visit(supplier.clone(), &patients, &prober, now(), |_| ()).await;
        assert_eq!((visit.worst(), visit.read), (Severity::Broken, 0), "{:?}", codes(&visit));
        assert!(codes(&visit).contains(&"nothing-read"));
        assert!(block::toml(&visit).unwrap().starts_with("# Not proven: "));
        assert!(page::html(&visit, None).contains("Nothing could be judged"));
    }
}

/// Two allergies of five on the only page, or on the last of two: a reader would never know of the others.
#[tokio::test(start_paused = true)]
async fn allergies_that_are_counted_and_do_not_come() {
    let one_page = visited_edited("ccr", |url, body| {
        if url.path().ends_with("AllergyIntolerance") {
            body["total"] = 99.into();
        }
    });
    let two_pages = visited_edited("ccr", |url, body| {
        if url.path().ends_with("AllergyIntolerance") && url.query().is_some_and(|query| !query.contains("second")) {
            body["total"] = 99.into();
            body["link"] = serde_json::json!([{"relation": "next", "url": format!("{url}&second=1")}]);
        }
    });
    for visit in [one_page.await, two_pages.await] {
        let found = visit.findings.iter().find(|one| one.code == "total-differs" && one.topic == Topic::Record);
        let found = found.unwrap_or_else(|| panic!("{:?}", codes(&visit)));
        assert!(found.said.contains("finds 99") && found.places.iter().any(|one| one.contains("AllergyIntolerance")), "{found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_no_list() {
    let visit = visited_edited("ccr", |url, body| {
        if url.path().ends_with("AllergyIntolerance") {
            let first = body["entry"][0].take();
            body["entry"] = first;
        }
    })
    .await;
    let found = visit.findings.iter().find(|one| one.code == "entry-no-list" && one.severity == Severity::Wrong);
    assert!(found.is_some_and(|one| one.places.iter().any(|one| one.contains("AllergyIntolerance"))), "{:?}", codes(&visit));
}
