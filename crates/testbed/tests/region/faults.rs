//! Faults do what they say, in memory.

use crate::ask::{get, json, next, pages, resources};
use std::time::Duration;
use testbed::{Closed, DEMO_PERSON, Fault, Node, Refusal, Region, Response, Setting, Wrong, habits, person};

fn find() -> String {
    format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number%7C{DEMO_PERSON}")
}

async fn ask(region: &Region, rest: &str) -> Result<Response, Closed> {
    region.respond("ccr", get(habits("ccr").expect("a supplier"), rest)).await
}

fn observations() -> String {
    let ccr = habits("ccr").expect("a supplier");
    let id = &person(DEMO_PERSON).expect("the demo person").ids_at(ccr)[0];
    format!("Observation?patient={id}")
}

#[tokio::test]
async fn a_supplier_refuses_in_the_way_it_is_told() {
    let check = async |how: Refusal, status: u16| {
        let region = Region::in_memory();
        region.fail("ccr", Fault::Refusing { how });
        let response = ask(&region, &find()).await.expect("an answer");
        assert_eq!(response.status.as_u16(), status, "{how:?}");
    };
    check(Refusal::BadRequest, 400).await;
    check(Refusal::Forbidden, 403).await;
    check(Refusal::ServerError, 500).await;
    check(Refusal::Unauthorised, 401).await;
    check(Refusal::Unavailable, 503).await;
    let region = Region::in_memory();
    region.fail("ccr", Fault::Refusing { how: Refusal::Closed });
    assert_eq!(ask(&region, &find()).await.err(), Some(Closed));
}

#[tokio::test(start_paused = true)]
async fn a_slow_supplier_takes_its_time() {
    let region = Region::in_memory();
    region.fail("ccr", Fault::Slow { ms: 7_000 });
    let begun = tokio::time::Instant::now();
    ask(&region, &find()).await.expect("an answer");
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_silent_supplier_never_answers() {
    let region = Region::in_memory();
    region.fail("ccr", Fault::Silent);
    let waited = tokio::time::timeout(Duration::from_secs(3_600), ask(&region, &find())).await;
    assert!(waited.is_err());
}

#[tokio::test]
async fn a_fault_can_end_after_some_requests() {
    let region = Region::in_memory();
    let fault = Fault::Throttled { retry_after_s: 2 };
    region.set_faults("ccr", [Setting { fault, times: Some(2) }]);
    for _ in 0..2 {
        let response = ask(&region, &find()).await.expect("an answer");
        assert_eq!(response.status, 429);
        assert_eq!(response.headers["retry-after"], "2");
    }
    assert_eq!(ask(&region, &find()).await.expect("an answer").status, 200);
    assert!(region.faults("ccr").is_empty());
    assert_eq!(region.asked("ccr").len(), 3);
}

#[tokio::test]
async fn bodies_are_spoilt() {
    let region = Region::in_memory();
    let whole = ask(&region, &find()).await.expect("an answer").body.len();
    region.fail("ccr", Fault::Truncated);
    let cut = ask(&region, &find()).await.expect("an answer");
    assert!(cut.cut_off && cut.body.len() < whole);
    for fault in [Fault::Malformed, Fault::Html] {
        region.fail("ccr", fault);
        let response = ask(&region, &find()).await.expect("an answer");
        assert_eq!(response.status, 200);
        assert!(Node::parse(response.text()).is_err());
    }
    region.fail("ccr", Fault::GzipBomb { mib: 64 });
    let bomb = ask(&region, &find()).await.expect("an answer");
    assert_eq!(bomb.headers["content-encoding"], "gzip");
    assert!(bomb.body.len() < 200_000, "{}", bomb.body.len());
}

#[tokio::test]
async fn a_wrong_person_is_wrong_in_one_thing() {
    let region = Region::in_memory();
    let patient = async |by: Option<Wrong>| {
        region.set_faults("ccr", by.map(|by| Fault::WrongPerson { by }.into()));
        let bundle = json(&ask(&region, &find()).await.expect("an answer"));
        resources(&bundle).into_iter().next().expect("a patient")
    };
    let right = patient(None).await;
    let number = |node: &Node| node.at("identifier").expect("identifiers").items()[0].clone();
    let wrong = patient(Some(Wrong::Number)).await;
    assert_ne!(number(&wrong).text_at("value"), number(&right).text_at("value"));
    let other = number(&wrong).text_at("value").expect("a number").to_owned();
    assert!(testbed::is_synthetic_nhs_number(&other));
    assert_eq!(wrong.text_at("birthDate"), right.text_at("birthDate"));
    let wrong = patient(Some(Wrong::BirthDate)).await;
    assert_ne!(wrong.text_at("birthDate"), right.text_at("birthDate"));
    assert_eq!(number(&wrong), number(&right));
    assert_eq!(patient(Some(Wrong::Slip)).await.text_at("birthDate"), Some("1948-11-03"));
    assert_eq!(patient(Some(Wrong::NoBirthDate)).await.text_at("birthDate"), None);
    assert_ne!(patient(Some(Wrong::GivenName)).await.at("name"), right.at("name"));
    assert!(number(&patient(Some(Wrong::Unverified)).await).at("extension").is_none());
}

#[tokio::test]
async fn two_patients_for_one_number() {
    let region = Region::in_memory();
    region.fail("ccr", Fault::DuplicatePatients);
    let bundle = json(&ask(&region, &find()).await.expect("an answer"));
    assert_eq!(resources(&bundle).len(), 2);
}

#[tokio::test]
async fn pages_never_end_go_round_or_lead_away() {
    let region = Region::in_memory();
    let rest = observations();
    region.fail("ccr", Fault::EndlessPages);
    let mut seen = std::collections::BTreeSet::new();
    let mut at = rest.clone();
    for _ in 0..30 {
        let bundle = json(&ask(&region, &at).await.expect("an answer"));
        assert!(!resources(&bundle).is_empty());
        let url = next(&bundle).expect("always another");
        assert!(seen.insert(url.clone()), "{url} was there before");
        let base = region.supplier("ccr").expect("a supplier").base();
        at = url.strip_prefix(base).expect("same origin").trim_start_matches('/').to_owned();
    }
    region.fail("ccr", Fault::LoopingPages);
    let first = json(&ask(&region, &rest).await.expect("an answer"));
    let url = next(&first).expect("another");
    let base = region.supplier("ccr").expect("a supplier").base();
    let at = url.strip_prefix(base).expect("same origin").trim_start_matches('/').to_owned();
    let second = json(&ask(&region, &at).await.expect("an answer"));
    assert_eq!(next(&second), Some(url));
    region.fail("ccr", Fault::CrossOriginNext);
    let bundle = json(&ask(&region, &rest).await.expect("an answer"));
    assert!(next(&bundle).expect("another").starts_with("http://elsewhere.example.net/"));
}

#[tokio::test]
async fn a_page_can_be_huge() {
    let region = Region::in_memory();
    region.fail("ccr", Fault::HugePage { entries: 6_000 });
    let bundle = json(&ask(&region, &observations()).await.expect("an answer"));
    assert_eq!(resources(&bundle).len(), 6_000);
}

#[tokio::test]
async fn a_subject_can_be_another_or_nobody() {
    let region = Region::in_memory();
    let ccr = habits("ccr").expect("a supplier");
    let right = pages(&region, ccr, &observations()).await.concat();
    region.fail("ccr", Fault::OtherSubject);
    let other = pages(&region, ccr, &observations()).await.concat();
    assert_eq!(other.len(), right.len());
    assert_ne!(other[0].at("subject"), right[0].at("subject"));
    assert_eq!(other[1], right[1]);
    region.fail("ccr", Fault::NoSubject);
    assert!(pages(&region, ccr, &observations()).await.concat()[0].at("subject").is_none());
}

#[tokio::test]
async fn one_type_can_be_lost() {
    let region = Region::in_memory();
    region.fail("ccr", Fault::LosesType { kind: "Observation".into() });
    assert_eq!(ask(&region, &observations()).await.expect("an answer").status, 500);
    let others = observations().replace("Observation", "Condition");
    assert_eq!(ask(&region, &others).await.expect("an answer").status, 200);
    let everything = observations().replace("Observation?patient=", "Patient/") + "/$everything";
    assert_eq!(ask(&region, &everything).await.expect("an answer").status, 500);
}
