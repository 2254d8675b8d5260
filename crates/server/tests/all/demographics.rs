//! The national demographics service before a read: whose number it is, whether they may be read at all, and what answers are
//! compared with.

mod golden;
mod hidden;
mod numbers;
mod outage;
mod sought;

use std::sync::Arc;

use record::Clock;
use testbed::{DEMO_PERSON, DEMOGRAPHICS, Fault, LOCATOR, Refusal, Region, SUPERSEDED_NUMBER, Wrong};

use crate::logged::logged;
use crate::world::{Answer, Card, Setup, World, region};

/// Asked, every limit at its default.
const PDS: &str = "[national.demographics]\nurl = \"http://127.0.0.1:1/personal-demographics/FHIR/R4\"\n";
/// The same, and the record locator told and asked.
const BOTH: &str = "[national.demographics]\nurl = \"http://127.0.0.1:1/personal-demographics/FHIR/R4\"\n\
                    [national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\nend_user_organisation = \"RRK\"\n\
                    practice_setting = { code = \"394802001\", display = \"General medicine\" }\npublish = true\nconsult = true\n";
/// Only the record locator.
const LOCATOR_ONLY: &str = "[national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\n\
                    end_user_organisation = \"RRK\"\npractice_setting = { code = \"394802001\", display = \"General medicine\" }\n\
                    publish = true\n";
const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// A label is believed for so long.
const LABEL_S: i64 = 15 * 60;

fn world(ids: &[&str], blocks: &'static str) -> World {
    World::around(Arc::new(region(ids)), &Setup { blocks, ..Setup::default() })
}

async fn read(world: &World, person: &str) -> Answer {
    world.get(&format!("Patient/{person}/$everything?_count=5000"), &world.doctor_of(person)).await
}

async fn find(world: &World, number: &str) -> Answer {
    world.get(&format!("Patient?identifier={NHS}|{number}"), &world.token(&Card::doctor())).await
}

/// Numbers that the service was asked for.
fn asked(region: &Region) -> Vec<String> {
    let asked = region.asked(DEMOGRAPHICS);
    asked.iter().map(|request| request.path_and_query.rsplit('/').next().unwrap().to_owned()).collect()
}

/// How often each source was asked.
fn sources(world: &World, ids: &[&str]) -> Vec<usize> {
    ids.iter().map(|id| world.region.asked(id).len()).collect()
}

/// Status, headers and body, but for what names the request.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let id = answer.request();
    let mut headers: Vec<(String, String)> =
        answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().replace(&id, "ID"))).collect();
    headers.sort();
    (answer.status, headers, answer.text.replace(&id, "ID"))
}

/// Without instants: two answers were not made at once.
fn untimed(text: &str) -> String {
    let mut parts = text.split("2026-11-");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| format!("{whole}AT{}", part.split_once('Z').map_or(part, |(_, rest)| rest)))
}

/// Why the ledger says that a request was refused.
fn why(world: &World, answer: &Answer) -> String {
    let events = world.ledger.events_of(&answer.request());
    let refused = events.iter().find(|event| event["event"] == "refused");
    refused.and_then(|event| event["why"].as_str()).unwrap_or_default().to_owned()
}

/// Codes that the outcome gives in the service's name.
fn said(answer: &Answer) -> Vec<String> {
    let issues = answer.outcome()["issue"].as_array().unwrap().iter();
    let about = issues.map(|issue| &issue["details"]["coding"][0]).filter(|coding| coding["system"] == "urn:severn:demographics");
    about.map(|coding| coding["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_person_is_looked_up_once_in_the_readers_own_name() {
    let world = world(&["ccr", "uhb"], PDS);
    let person = world.person(DEMO_PERSON).await;
    let answer = read(&world, &person).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.shown().len() == 2 && said(&answer).is_empty());
    assert_eq!(asked(&world.region), [DEMO_PERSON], "the search's answer serves the read");
    let request = &world.region.asked(DEMOGRAPHICS)[0];
    assert_eq!(request.header("nhsd-end-user-organisation-ods".parse().unwrap()), Some("RRK"));
    world.clock.forward_s(LABEL_S);
    assert_eq!(read(&world, &person).await.status, 200);
    assert_eq!(asked(&world.region).len(), 2, "a label is believed for so long and no longer");
    let entered: Vec<_> = world.ledger.events().into_iter().filter(|event| event["event"] == "asked").collect();
    assert_eq!(entered.len(), 2);
    assert_eq!(entered[1]["patient"], person.as_str());
    assert_eq!(entered[1]["leg"]["source"], "national-demographics");
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn without_its_section_nobody_is_looked_up() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    assert_eq!(read(&world, &person).await.status, 200);
    assert!(world.region.asked(DEMOGRAPHICS).is_empty() && !world.ledger.text().contains("demographics"));
}

#[tokio::test(start_paused = true)]
async fn whoever_has_no_relationship_has_nobody_looked_up() {
    let world = world(&["ccr"], PDS);
    let person = world.person(DEMO_PERSON).await;
    world.clock.forward_s(LABEL_S);
    let stranger = world.token(&Card { user: "u-9", ..Card::doctor() });
    let answer = world.get(&format!("Patient/{person}/$everything"), &stranger).await;
    assert_eq!((answer.status, asked(&world.region).len()), (403, 1));
    assert!(why(&world, &answer).contains("no relationship"), "{}", why(&world, &answer));
}

/// Many people at once, after a cold start: what does not get a turn in time is refused, and the service never sees more than it
/// grants.
#[tokio::test(start_paused = true)]
async fn five_a_second_holds_under_load() {
    let world = world(&["ccr"], PDS);
    let mut people = Vec::new();
    for person in testbed::people() {
        people.push(world.minted(&person.about.nhs_number).await);
    }
    // As many as one reader may ask at once.
    let answers = futures::future::join_all(people.iter().take(30).map(|person| read(&world, person))).await;
    let permitted = answers.iter().filter(|answer| answer.status != 403).count();
    assert!((5..=8).contains(&permitted), "{permitted}");
    assert_eq!(asked(&world.region).len(), permitted, "nothing was sent that had no turn, and nothing that was sent was refused");
    // One after the other everybody is read.
    for person in &people {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert_ne!(read(&world, person).await.status, 403);
    }
    assert_eq!(asked(&world.region).len(), people.len(), "each was asked for once");
}

/// Ten readers of one person at once are one question.
#[tokio::test(start_paused = true)]
async fn readers_of_one_person_ask_together() {
    let world = world(&["ccr"], PDS);
    let person = world.minted(DEMO_PERSON).await;
    world.region.fail(DEMOGRAPHICS, Fault::Slow { ms: 300 });
    let answers = futures::future::join_all((0..10).map(|_| read(&world, &person))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(asked(&world.region).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_number_is_in_the_log_or_the_ledger() {
    let (log, _guard) = logged();
    let world = world(&["ccr"], BOTH);
    let person = world.person(DEMO_PERSON).await;
    for fault in [Fault::Silent, Fault::Html, Fault::Truncated, Fault::Malformed, Fault::Refusing { how: Refusal::BadRequest }] {
        world.clock.forward_s(LABEL_S);
        world.region.fail(DEMOGRAPHICS, fault);
        assert_eq!(read(&world, &person).await.status, 200);
    }
    world.region.heal();
    world.region.demographics().supersede(DEMO_PERSON, "9990000956");
    world.clock.forward_s(LABEL_S);
    read(&world, &person).await;
    let (log, ledger) = (log.text(), world.ledger.text());
    assert!(log.contains("the national demographics service did not say"), "{log}");
    // The year alone stands in a hash by chance.
    for secret in [DEMO_PERSON, "9990000956", "Hartley", "1948-"] {
        assert!(!log.contains(secret), "`{secret}` stands in the log: {log}");
        assert!(!ledger.contains(secret), "`{secret}` stands in the ledger");
    }
}
