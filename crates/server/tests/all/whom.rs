//! Whom a read asks: the locator's word, how long it is believed, and what it takes to find somebody at all.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use testbed::{DEMO_PERSON, Fault, Refusal, Wrong, people};
use tokio::time::Instant;

use crate::world::{Card, Plan, Setup, World, region};

/// A person whom the first supplier knows and the second does not.
fn known_to_one(first: &str, second: &str) -> &'static str {
    let knows = |id: &str, person: &testbed::Person| person.known_to.contains_key(id);
    &people().iter().find(|person| knows(first, person) && !knows(second, person)).unwrap().about.nhs_number
}

/// The one status of every row of a source.
fn status(plan: &Plan, source: &str) -> String {
    let mut all: Vec<&str> = plan.of(source).filter(|(kind, _)| *kind != "Binary").map(|(_, row)| row.status.as_str()).collect();
    all.dedup();
    all.join(", ")
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_know_somebody_is_believed_for_a_day() {
    let world = World::of(&["ccr", "rx"]);
    let person = world.person(known_to_one("ccr", "rx")).await;
    let card = Card { patient: Some(person.clone()), lives_s: 72 * 3600, ..Card::doctor() };
    let token = world.token(&card);
    let read = async || {
        let before = world.region.asked("rx").len();
        let answer = world.get(&format!("Patient/{person}/$everything"), &token).await;
        assert_eq!(answer.status, 200);
        let plan = world.plan_of(&person, &token, &answer).await;
        let named = answer.issues_of("rx").iter().any(|(severity, status, _)| severity == "warning" && status == "not-located");
        let asked = world.region.asked("rx").len() > before;
        (status(&plan, "rx"), named, asked, answer.json["total"].is_u64())
    };
    // A source that fails has said nothing: it is asked again.
    world.region.fail("rx", Fault::Refusing { how: Refusal::ServerError });
    assert_eq!(read().await, ("failed-http".to_owned(), false, true, false));
    world.region.heal();
    assert_eq!(read().await, ("ok-empty".to_owned(), false, true, true));
    assert_eq!(read().await, ("not-located".to_owned(), true, false, true));
    world.clock.forward_s(25 * 3600);
    assert_eq!(read().await, ("ok-empty".to_owned(), false, true, true));
}

#[tokio::test(start_paused = true)]
async fn an_emergency_and_a_source_for_everybody_are_not_held_back_by_the_locator() {
    let setup = Setup { sources: vec![("uhb", "locate = \"always\"")], ..Setup::default() };
    let world = World::around(Arc::new(region(&["ccr", "rx", "uhb"])), &setup);
    let number = people()
        .iter()
        .find(|person| ["rx", "uhb"].iter().all(|id| !person.known_to.contains_key(*id)) && person.known_to.contains_key("ccr"));
    let person = world.person(&number.unwrap().about.nhs_number).await;
    let token = world.doctor_of(&person);
    let path = format!("Patient/{person}/$everything");
    world.get(&path, &token).await;
    let again = world.get(&path, &token).await;
    let plan = world.plan_of(&person, &token, &again).await;
    assert_eq!((status(&plan, "rx").as_str(), status(&plan, "uhb").as_str()), ("not-located", "ok-empty"));
    let activities = vec!["B0168", "B0264", "B0360"];
    let card = Card { user: "u-7", activities, purpose: "ETREAT", ..Card::doctor() };
    let emergency = world.token(&card);
    let claim = r#"{"resourceType":"Parameters","parameter":[{"name":"kind","valueCode":"emergency"},
        {"name":"reason","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"ETREAT"}},
        {"name":"text","valueString":"Unconscious in the department"}]}"#;
    let granted = world.send("POST", &format!("/fhir/R4/Patient/{person}/$request-access"), Some(&emergency), &[], claim).await;
    assert_eq!(granted.status, 200, "{}", granted.text);
    let answer = world.get(&path, &emergency).await;
    let plan = world.plan_of(&person, &emergency, &answer).await;
    assert_eq!(status(&plan, "rx"), "ok-empty");
    // Four hours, whatever happens.
    world.clock.forward_s(4 * 3600 + 1);
    assert_eq!(world.get(&path, &world.token(&card)).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn finding_somebody_survives_what_reading_does() {
    let faults = [
        (Fault::Silent, "failed-timeout", 504),
        (Fault::Refusing { how: Refusal::Closed }, "failed-http", 502),
        (Fault::Malformed, "failed-parse", 502),
        (Fault::Truncated, "failed-http", 502),
        (Fault::Refusing { how: Refusal::Unauthorised }, "failed-auth", 502),
    ];
    let path = format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}");
    for (fault, status, none) in faults {
        let world = World::of(&["ccr", "gp"]);
        let token = world.token(&Card::doctor());
        world.region.fail("ccr", fault.clone());
        world.region.fail("gp", fault.clone());
        let start = Instant::now();
        let answer = world.get(&path, &token).await;
        assert!(start.elapsed() <= Duration::from_secs(10));
        assert_eq!((answer.status, answer.entries().len()), (none, 0), "{fault:?}: {}", answer.text);
        world.region.fail("ccr", fault.clone());
        world.region.set_faults("gp", []);
        let answer = world.get(&path, &token).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.issues_of("ccr"), [("warning".to_owned(), status.to_owned(), "Patient".to_owned())]);
        assert_eq!(answer.entries()[1]["search"]["mode"], "match");
        // Identity only: nothing that says where somebody lives or how to reach them.
        for patient in answer.of_type("Patient") {
            assert!(["address", "telecom", "contact", "generalPractitioner"].iter().all(|key| patient.get(*key).is_none()), "{patient}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_shed() {
    let setup = Setup { limits: "asks_in_flight = 1\nrequest_bytes_max = 2048\ntoken_bytes_max = 4096", ..Setup::default() };
    let world = World::around(Arc::new(region(&["ccr"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let path = format!("Patient/{person}/$everything");
    world.region.fail("ccr", Fault::Slow { ms: 500 });
    let (first, second) = tokio::join!(world.get(&path, &token), world.get(&path, &token));
    assert_eq!((first.status, second.status), (200, 503));
    assert_eq!(second.headers["retry-after"], "1");
    let body = " ".repeat(4096);
    assert_eq!(world.send("POST", &format!("/fhir/R4/{path}"), Some(&token), &[], &body).await.status, 413);
    assert_eq!(world.get(&path, &"x".repeat(5000)).await.status, 401);
}

/// Whoever asks too much takes no place from anybody else, and is told when to come again; it is on the ledger.
#[tokio::test(start_paused = true)]
async fn one_caller_cannot_take_every_place_or_ask_without_end() {
    let limits = "asks_in_flight = 3\nperson_asks_at_once = 1\nperson_asks_minute = 3";
    let world = World::around(Arc::new(region(&["ccr"])), &Setup { limits, ..Setup::default() });
    let person = world.person(DEMO_PERSON).await;
    let [one, other] = ["r-1", "r-2"].map(|user| {
        let card = Card { user, patient: Some(person.clone()), ..Card::doctor() };
        world.token(&card)
    });
    let path = format!("Patient/{person}/$everything");
    world.region.fail("ccr", Fault::Slow { ms: 500 });
    let (first, again, else_) = tokio::join!(world.get(&path, &one), world.get(&path, &one), world.get(&path, &other));
    assert_eq!((first.status, again.status, else_.status), (200, 429, 200), "{}", again.text);
    assert_eq!(again.headers["retry-after"], "1");
    let events = world.ledger.events_of(&again.request());
    assert_eq!((events.len(), &events[0]["event"], &events[0]["by"]["subject"]), (1, &json!("refused"), &json!("r-1")));
    // The third of this minute, and one too many: of `/fhir` or of a desk, it is one count.
    assert_eq!(world.get(&path, &one).await.status, 200);
    let often = world.get(&path, &one).await;
    assert_eq!(often.status, 429, "{}", often.text);
    let seconds: u64 = often.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=21).contains(&seconds), "{seconds}");
    assert_eq!(world.get(&path, &other).await.status, 200, "another's minute is their own");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    assert_eq!(world.get(&path, &one).await.status, 200);
}

/// How often each source was asked something that ends so.
fn asked_for(world: &World, source: &str, end: &str) -> usize {
    world.region.asked(source).iter().filter(|request| request.path_and_query.split('?').next().unwrap_or_default().ends_with(end)).count()
}

#[tokio::test(start_paused = true)]
async fn what_was_learnt_of_a_source_is_believed_for_a_day() {
    let world = World::around(Arc::new(region(&["rx"])), &Setup { limits: "locator_hours = 8760", ..Setup::default() });
    let person = world.person(DEMO_PERSON).await;
    let card = Card { lives_s: 72 * 3600, patient: Some(person.clone()), ..Card::doctor() };
    let token = world.token(&card);
    let mut seen = Vec::new();
    for hours in [0, 1, 22, 2] {
        world.clock.forward_s(hours * 3600);
        assert_eq!(world.get(&format!("Patient/{person}/$everything"), &token).await.status, 200);
        seen.push((asked_for(&world, "rx", "/metadata"), asked_for(&world, "rx", "/$everything")));
    }
    // This one knows no $everything: it is asked for it, and for its statement, once a day.
    assert_eq!(seen, [(1, 1), (1, 1), (1, 1), (2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_one_person_is_learnt_of_a_source() {
    let faults = [
        Fault::Refusing { how: Refusal::Closed },
        Fault::Refusing { how: Refusal::ServerError },
        Fault::LosesType { kind: "Condition".to_owned() },
        Fault::WrongPerson { by: Wrong::Number },
        Fault::Malformed,
    ];
    for fault in faults {
        for source in ["ccr", "mh", "soc", "uhb"] {
            let setup = Setup { limits: "breaker_window = 10000", ..Setup::default() };
            let world = World::around(Arc::new(region(&[source])), &setup);
            let person = world.person(DEMO_PERSON).await;
            let token = world.doctor_of(&person);
            // Once well, so that the next read goes straight to the ids it knows.
            world.get(&format!("Patient/{person}/$everything"), &token).await;
            world.region.fail(source, fault.clone());
            world.get(&format!("Patient/{person}/$everything"), &token).await;
            world.region.heal();
            // One has no $everything; what it may be seen to refuse is what comes along.
            let tried = || match source {
                "uhb" => world.region.asked(source).iter().filter(|request| request.path_and_query.contains("_revinclude=")).count(),
                _ => asked_for(&world, source, "/$everything"),
            };
            let before = tried();
            assert_eq!(world.get(&format!("Patient/{person}/$everything"), &token).await.status, 200);
            assert!(tried() > before, "{source} after {fault:?}");
        }
    }
}

/// Permission is enforced before a source is asked, and again on what it says.
#[tokio::test(start_paused = true)]
async fn what_a_reader_may_not_see_is_not_asked_for() {
    let world = World::of(&["ccr", "gp", "mh", "uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let types = |requests: Vec<testbed::Request>| -> BTreeSet<String> {
        let of = |request: &testbed::Request| {
            let path = request.path_and_query.split('?').next().unwrap_or_default().to_owned();
            path.split('/').filter_map(fhir::Kind::parse).next_back().map(|kind| kind.name().to_owned()).into_iter().collect::<Vec<_>>()
        };
        requests.iter().flat_map(of).collect()
    };
    let check = async |card: Card, allowed: &[&str], barred: &[&str]| {
        let token = world.token(&Card { patient: Some(person.clone()), ..card });
        for path in ["$everything".to_owned(), barred[0].to_owned()] {
            let sources: Vec<String> = world.region.sources().into_iter().map(|source| source.id).collect();
            let before: Vec<usize> = sources.iter().map(|source| world.region.asked(source).len()).collect();
            let everything = path == "$everything";
            let target = if everything { format!("Patient/{person}/$everything") } else { format!("{path}?patient={person}") };
            let answer = world.get(&target, &token).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let plan = world.plan_of(&person, &token, &answer).await;
            for (source, before) in sources.iter().zip(before) {
                let asked = types(world.region.asked(source).split_off(before));
                assert!(asked.contains("Patient"), "{source}: {asked:?}");
                for kind in barred {
                    assert!(!asked.contains(*kind), "{source}: {asked:?}");
                    let row = plan.rows.get(&(source.clone(), (*kind).to_owned()));
                    let expected = everything || *kind == path;
                    assert_eq!(row.map(|row| (row.status.as_str(), row.came)), expected.then_some(("withheld", 0)), "{source} {kind}");
                }
                for kind in allowed.iter().filter(|_| everything) {
                    let row = &plan.rows[&(source.clone(), (*kind).to_owned())];
                    assert_ne!(row.status, "withheld", "{source} {kind}");
                }
                assert!(!world.region.asked(source).iter().any(|request| request.path_and_query.contains("$everything")), "{source}");
            }
            assert_eq!(answer.json["total"], serde_json::Value::Null);
            assert!(barred.iter().all(|kind| answer.of_type(kind).count() == 0));
        }
    };
    let administrative = Card { roles: vec!["R8008"], ..Card::doctor() };
    check(administrative, &["Appointment"], &["Observation", "Condition", "AllergyIntolerance", "DocumentReference"]).await;
    let medication = Card { activities: vec!["B0264", "B0401"], ..Card::doctor() };
    check(medication, &["AllergyIntolerance", "MedicationStatement"], &["Observation", "Condition", "CarePlan"]).await;
    let summary = Card { activities: vec!["B0264", "B0370"], ..Card::doctor() };
    check(summary, &["AllergyIntolerance", "Condition", "Immunization"], &["Observation", "DiagnosticReport", "Encounter"]).await;
}
