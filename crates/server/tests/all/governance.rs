//! Who may do what: every route and every kind of caller; one answer for all who may not; and all of it on the ledger.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use server::fhir_api::interaction::ENDPOINTS;
use server::fhir_api::{Face, Interaction};
use testbed::{DEMO_PERSON, Fault, Wrong};

use crate::world::{Answer, Card, Setup, World, region};

pub const CLAIM: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"kind","valueCode":"relationship"},
    {"name":"reason","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}},
    {"name":"text","valueString":"Admitted to my ward"}]}"#;

/// The name of an interaction. One that is added must be named here, and then stand among the endpoints.
fn name(interaction: &Interaction) -> &'static str {
    match interaction {
        Interaction::AuditEvent(_) => "audit-event",
        Interaction::AuditEvents => "audit-events",
        Interaction::Everything(_) => "everything",
        Interaction::Match => "match",
        Interaction::Metadata => "metadata",
        Interaction::Page => "page",
        Interaction::Plan(_) => "plan",
        Interaction::Read(..) => "read",
        Interaction::Record(_) => "record",
        Interaction::RequestAccess(_) => "request-access",
        Interaction::Search(_) => "search",
    }
}

const NAMES: &[&str] =
    &["audit-event", "audit-events", "everything", "match", "metadata", "page", "plan", "read", "record", "request-access", "search"];

#[test]
fn every_interaction_is_among_the_endpoints() {
    for face in [Face::R4, Face::Stu3] {
        let parse =
            |method: &str, path: &str| name(&Interaction::parse(face, &Method::from_bytes(method.as_bytes()).unwrap(), path).unwrap());
        let endpoints = ENDPOINTS.iter().map(|endpoint| endpoint.split_once(' ').unwrap());
        let named = endpoints.map(|(method, path)| parse(method, &path.replace("{type}", "Condition")));
        // A page is what the base itself gives.
        assert_eq!(named.chain([parse("GET", "")]).collect::<BTreeSet<_>>(), NAMES.iter().copied().collect());
    }
}

/// Everything of an answer but the request's id.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (answer.status, headers, answer.text.replace(&answer.request(), "ID"))
}

#[tokio::test(start_paused = true)]
async fn unknown_and_denied_people_get_one_answer_byte_for_byte() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let known = world.get(&format!("AllergyIntolerance?patient={person}"), &token).await;
    let allergy = known.of_type("AllergyIntolerance").next().unwrap()["id"].as_str().unwrap().to_owned();
    let source_patient = world.get(&format!("Patient/{person}/$everything"), &token).await;
    let source_patient =
        source_patient.of_type("Patient").find(|patient| patient["id"] != person.as_str()).unwrap()["id"].as_str().unwrap().to_owned();
    let stranger = world.token(&Card { user: "u-9", ..Card::doctor() });
    let roleless = world.token(&Card { roles: vec![], patient: Some(person.clone()), ..Card::doctor() });
    let nobody = "00000000-0000-4000-8000-000000000000";
    let unknown_number = unknown();
    let mut answers = Vec::new();
    for (about, caller) in [
        (person.as_str(), &stranger),
        (person.as_str(), &roleless),
        (nobody, &stranger),
        (nobody, &token),
        (&source_patient, &stranger),
        ("ccr-none", &token),
    ] {
        for path in [
            format!("Patient/{about}/$everything"),
            format!("Patient/{about}"),
            format!("Observation?patient={about}"),
            format!("Observation?subject=Patient/{about}&code=x"),
            format!("Patient/{about}/$plan?request=r-1"),
        ] {
            answers.push((path.clone(), world.get(&path, caller).await));
        }
    }
    for (path, caller) in [
        (format!("AllergyIntolerance/{allergy}"), &stranger),
        ("AllergyIntolerance/ccr-never-minted".to_owned(), &stranger),
        ("AllergyIntolerance/ccr-never-minted".to_owned(), &token),
        ("Practitioner/ccr-never-minted".to_owned(), &token),
        (format!("Condition?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"), &stranger),
        (format!("Condition?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|{unknown_number}"), &token),
        // A real number: no label can be had, so it counts as restricted.
        ("Condition?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9434765919".to_owned(), &token),
    ] {
        answers.push((path.clone(), world.get(&path, caller).await));
    }
    let expected = seen(&answers[0].1);
    assert_eq!(expected.0, 403);
    for (path, answer) in &answers {
        assert_eq!(seen(answer), expected, "{path}");
        assert_eq!(world.ledger.of(&answer.request()), ["opened", "refused"], "{path}");
    }
}

/// A number for tests that nobody has.
fn unknown() -> String {
    let free = (9_999_990_000u64..9_999_999_999).map(|number| number.to_string());
    free.into_iter().find(|number| number.parse::<record::NhsNumber>().is_ok() && testbed::person(number).is_none()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_search_finds_restricted_people_no_more_than_unknown_ones() {
    // A practice says of nobody that it does not know them; and it is not asked in nobody's name.
    let cases = [
        (["ccr", "soc"], Card::doctor(), json!(0)),
        (["ccr", "gp"], Card::doctor(), Value::Null),
        (["ccr", "gp"], Card::system(), Value::Null),
    ];
    for (sources, card, total) in cases {
        let world = World::of(&sources);
        let token = world.token(&card);
        let find = async |number: &str| {
            let answer = world.get(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{number}"), &token).await;
            let text = answer.text.replace(&answer.request(), "ID").replace(number, "NUMBER");
            (answer.status, answer.json["total"].clone(), text)
        };
        let unknown = find(&unknown()).await;
        assert_eq!((unknown.0, &unknown.1), (200, &total), "{}", unknown.2);
        assert!(!unknown.2.contains("match"));
        let asked = || sources.map(|source| world.region.asked(source).len());
        let before = asked();
        assert_eq!(find("9434765919").await, unknown);
        assert_eq!(asked(), before, "a source was asked about a restricted person");
        let events = world.ledger.events();
        assert!(events.iter().any(|event| event["event"] == "refused" && event["why"].as_str().unwrap().contains("restricted")));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_before_the_ledger_has_it() {
    let world = World::of(&["ccr", "gp"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let paths = [
        format!("Patient/{person}/$everything"),
        format!("Condition?patient={person}"),
        format!("Patient/{person}"),
        format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"),
    ];
    for path in &paths {
        world.ledger.watch();
        let before = world.ledger.events().len();
        assert_eq!(world.get(path, &token).await.status, 200);
        assert_eq!(world.ledger.before_the_first_ask(), Some(before + 1), "{path}");
        assert_eq!(world.ledger.events()[before]["event"], "opened");
        // When the opening cannot be written, nobody is asked, and nothing is said.
        world.ledger.fails_after(0);
        world.ledger.watch();
        let answer = world.get(path, &token).await;
        assert_eq!((answer.status, answer.entries().len()), (503, 0), "{path}");
        assert_eq!(world.ledger.before_the_first_ask(), None, "{path}");
        world.ledger.heals();
    }
    // Not even a refusal is given that could not be written.
    world.ledger.fails_after(0);
    assert_eq!(world.send("GET", &format!("/fhir/R4/{}", paths[0]), None, &[], "").await.status, 503);
    world.ledger.heals();
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn a_failed_closing_write_withholds_nothing() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    world.ledger.fails_after(1);
    let answer = world.get(&format!("Patient/{person}/$everything"), &token).await;
    assert_eq!(answer.status, 200);
    assert!(answer.shown().contains_key("ccr"));
    world.ledger.heals();
    assert_eq!(world.get(&format!("Patient/{person}/$everything"), &token).await.status, 200);
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn what_was_shown_is_on_the_ledger_and_nothing_of_what_it_says() {
    let world = World::of(&["ccr", "gp"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let answer = world.get(&format!("AllergyIntolerance?patient={person}"), &token).await;
    let closed = world.ledger.events().into_iter().rfind(|event| event["event"] == "closed").unwrap();
    let manifest: BTreeSet<String> = closed["shown"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|shown| shown["resources"].as_array().unwrap())
        .map(|one| format!("{}/{}", one[0].as_str().unwrap(), one[1].as_str().unwrap()))
        .collect();
    let shown: BTreeSet<String> = answer.shown().into_values().flatten().collect();
    assert_eq!(manifest, shown);
    assert!(closed["legs"].as_array().unwrap().iter().all(|leg| leg["statuses"].is_object()));
    let text = world.ledger.text();
    let about = &testbed::person(DEMO_PERSON).unwrap().about;
    for secret in [DEMO_PERSON, &about.family, &about.birth_date, &token] {
        assert!(!text.contains(secret), "`{secret}` stands in the ledger");
    }
    for allergy in answer.of_type("AllergyIntolerance") {
        if let Some(agent) = allergy["code"]["text"].as_str().or(allergy["code"]["coding"][0]["display"].as_str()) {
            assert!(!text.contains(agent));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_pages_ask_by_the_same_door() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let check = async |token: &str, claims: bool, expected: u16| {
        let tab = world.tab(token).await.unwrap();
        if claims {
            tab.find(DEMO_PERSON).await;
            tab.claim(&person, "relationship", "TREAT").await;
        }
        let answer = tab.read(&person).await;
        assert_eq!(answer.status, expected, "{}", answer.text);
        assert_eq!(answer.text.contains("Penicillin") || answer.text.contains("penicillin"), expected == 200);
    };
    assert!(world.tab("nonsense").await.is_none());
    check(&world.token(&Card::doctor()), false, 403).await;
    check(&world.token(&Card { roles: vec![], ..Card::doctor() }), true, 403).await;
    check(&world.doctor_of(&person), false, 200).await;
    check(&world.token(&Card { user: "u-5", ..Card::doctor() }), true, 200).await;
}

/// A request id is the client's to choose, and two may choose the same one.
#[tokio::test(start_paused = true)]
async fn a_request_id_used_twice_replaces_nobody_elses_plan() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let card = Card { patient: Some(person.clone()), ..Card::doctor() };
    let (first, second) = (world.token(&card), world.token(&Card { user: "u-2", ..card }));
    let id = [("x-request-id", "the-same")];
    let plan = async |token: &str| {
        let plan = world.get(&format!("Patient/{person}/$plan?request=the-same"), token).await;
        assert_eq!(plan.status, 200, "{}", plan.text);
        let rows = plan.json["parameter"].as_array().unwrap().iter().filter(|parameter| parameter["name"] == "row");
        rows.filter_map(|row| row["part"][1]["valueCode"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(world.get_with(&format!("Condition?patient={person}"), &first, &id).await.status, 200);
    let own = plan(&first).await;
    assert!(own.contains(&"Condition".to_owned()));
    assert_eq!(world.get(&format!("Patient/{person}/$plan?request=the-same"), &second).await.status, 404);
    assert_eq!(world.get_with(&format!("Immunization?patient={person}"), &second, &id).await.status, 200);
    assert_eq!(plan(&first).await, own);
    assert!(plan(&second).await.contains(&"Immunization".to_owned()));
}

/// Refusals stand in the ledger in the same detail as answers: who, about whom where that is known, and why in fixed words.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_answered_is_on_the_ledger() {
    let setup = Setup { limits: "request_bytes_max = 1024", ..Setup::default() };
    let world = World::around(std::sync::Arc::new(region(&["ccr"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let everything = format!("/fhir/R4/Patient/{person}/$everything");
    let first = world.get(&format!("Patient/{person}/$everything?_count=3"), &token).await;
    let next = first.next().unwrap().strip_prefix(crate::world::PUBLIC).unwrap().to_owned();
    let large = format!("{{\"resourceType\":\"Parameters\",\"id\":\"{}\"}}", "x".repeat(2_000));
    let other = world.token(&Card { user: "u-2", patient: Some(person.clone()), ..Card::doctor() });
    let json = ("content-type", "application/fhir+json");
    let check = async |method: &str, target: &str, token: &str, headers: &[(&str, &str)], body: &str, status: u16, about: bool| {
        let answer = world.send(method, target, Some(token), headers, body).await;
        assert_eq!(answer.status, status, "{method} {target}: {}", answer.text);
        let events = world.ledger.events_of(&answer.request());
        let refused: Vec<&Value> = events.iter().filter(|event| event["event"] == "refused").collect();
        assert_eq!(refused.len(), 1, "{method} {target}: {events:?}");
        assert_eq!(refused[0]["by"]["organisation"], "RRK");
        assert_eq!(refused[0]["patient"], if about { person.as_str() } else { "" }, "{method} {target}");
        assert!(!refused[0]["why"].as_str().unwrap().is_empty());
    };
    check("GET", &format!("{everything}?_count=many"), &token, &[], "", 400, true).await;
    check("GET", &format!("{everything}?_complete={DEMO_PERSON}"), &token, &[], "", 400, true).await;
    check("GET", &format!("/fhir/R4/Observation?{DEMO_PERSON}=1"), &token, &[], "", 400, false).await;
    check("GET", &everything, &token, &[("severn-hops", "not an id!")], "", 400, true).await;
    check("GET", &next, &other, &[], "", 410, false).await;
    check("GET", "/fhir/R4/Claim/1", &token, &[], "", 404, false).await;
    check("GET", &format!("/fhir/R4/{DEMO_PERSON}"), &token, &[], "", 404, false).await;
    check("PUT", &format!("/fhir/R4/Patient/{person}"), &token, &[], "", 405, false).await;
    check("GET", &everything, &token, &[("accept", "text/csv")], "", 406, true).await;
    check("POST", &everything, &token, &[json], &large, 413, true).await;
    check("POST", &everything, &token, &[("content-type", "text/plain")], "x", 415, true).await;
    let claim = format!("/fhir/R4/Patient/{person}/$request-access");
    check("POST", &claim, &token, &[json], "{}", 400, true).await;
    assert!(!world.ledger.text().contains(DEMO_PERSON));
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn a_busy_exchange_enters_whom_it_sends_away() {
    let setup = Setup { limits: "asks_in_flight = 1", ..Setup::default() };
    let world = World::around(std::sync::Arc::new(region(&["ccr"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    world.region.fail("ccr", Fault::Slow { ms: 100 });
    let path = format!("Patient/{person}/$everything");
    let (one, other) = tokio::join!(world.get(&path, &token), world.get(&path, &token));
    let away = if one.status == 503 { one } else { other };
    assert_eq!(away.status, 503, "{}", away.text);
    assert!(away.headers.contains_key("retry-after"));
    let events = world.ledger.events_of(&away.request());
    assert_eq!((events.len(), &events[0]["event"], &events[0]["patient"]), (1, &json!("refused"), &json!(person)));
    assert_eq!(events[0]["by"]["subject"], "u-1");
}

/// A fault that InterSystems published: where a source's identity conflicted with what was held, the newer overwrote the older without
/// a word.
#[tokio::test(start_paused = true)]
async fn an_identity_conflict_is_neither_overwritten_nor_merged_in_silence() {
    let sources = ["ccr", "gp", "uhb"];
    for wrong in [Wrong::BirthDate, Wrong::Number] {
        let world = World::of(&sources);
        let person = world.person(DEMO_PERSON).await;
        let token = world.doctor_of(&person);
        let read = async || {
            let answer = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
            world.settled().await;
            answer
        };
        let births = async || {
            let page = world.registrar.register().page(None, 1000).await.unwrap();
            let held = page.persons.into_iter().find(|held| held.id.as_str() == person).unwrap();
            let others = held.entries.iter().filter(|entry| entry.key.source.as_str() != "uhb");
            others.map(|entry| (entry.key.clone(), entry.demographics.birth_date)).collect::<Vec<_>>()
        };
        let before = read().await;
        assert_eq!(before.shown().into_keys().collect::<Vec<_>>(), sources, "{wrong:?}");
        let held = births().await;
        world.region.fail("uhb", Fault::WrongPerson { by: wrong });
        for _ in 0..2 {
            let answer = read().await;
            // The reader is told, and is shown what was held and nothing of the other.
            let told = answer.issues_of("uhb");
            assert!(told.iter().any(|(severity, code, _)| severity == "error" && code == "identity-mismatch"), "{wrong:?}: {told:?}");
            let (shown, mut known) = (answer.shown(), before.shown());
            known.remove("uhb");
            assert_eq!(shown, known, "{wrong:?}");
            assert_eq!(births().await, held, "{wrong:?}: what is held was overwritten");
        }
        // And so is a steward, who decides. Under another number it is somebody else, of whom nothing is to be decided here.
        let filter = people::TaskFilter { open: true, count_max: 100, ..people::TaskFilter::default() };
        let tasks = world.registrar.tasks(&filter).await.unwrap();
        let told = tasks.iter().any(|task| task.entry.source.as_str() == "uhb");
        assert_eq!(told, wrong == Wrong::BirthDate, "{wrong:?}: {tasks:?}");
        world.ledger.verify();
    }
}
