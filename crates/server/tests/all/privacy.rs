//! Accesses that somebody looks at afterwards: raised before they are granted, judged by a privacy officer, never by who made them.

use exchange::{PrivacyFilter, PrivacyKind, ReviewState};
use serde_json::json;
use testbed::DEMO_PERSON;

use crate::logged::logged;
use crate::world::{Card, World};

const CLAIM: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"kind","valueCode":"KIND"},
    {"name":"reason","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"ETREAT"}},
    {"name":"text","valueString":"Admitted to my ward"}]}"#;

async fn claim(world: &World, person: &str, card: &Card, kind: &str) -> crate::world::Answer {
    let target = format!("/fhir/R4/Patient/{person}/$request-access");
    world.send("POST", &target, Some(&world.token(card)), &[], &CLAIM.replace("KIND", kind)).await
}

fn in_emergency() -> Card {
    Card { activities: vec!["B0264", "B0360", "B0370", "B0401", "B0168"], ..Card::doctor() }
}

#[tokio::test(start_paused = true)]
async fn every_claim_that_is_granted_waits_for_a_privacy_officer() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let queue = world.queue();
    let all = PrivacyFilter { count_max: 10, ..PrivacyFilter::default() };
    // What is refused grants nothing, and there is nothing to look at.
    assert_eq!(claim(&world, &person, &Card::doctor(), "emergency").await.status, 403);
    assert_eq!(claim(&world, "00000000-0000-4000-8000-000000000000", &in_emergency(), "emergency").await.status, 403);
    assert!(queue.privacy_tasks(&all).await.unwrap().is_empty());
    let (log, _logging) = logged();
    let own_word = claim(&world, &person, &Card::doctor(), "relationship").await;
    world.clock.forward_s(1);
    let broken_glass = claim(&world, &person, &in_emergency(), "emergency").await;
    assert_eq!((own_word.status, broken_glass.status), (200, 200), "{}", broken_glass.text);
    let tasks = queue.privacy_tasks(&all).await.unwrap();
    let told: Vec<_> = tasks.iter().map(|task| (task.kind, task.trace.clone(), task.rule.as_str(), task.state)).collect();
    let expected = [
        (PrivacyKind::SelfClaimed, own_word.request(), "claim.self-claimed", ReviewState::Open),
        (PrivacyKind::Emergency, broken_glass.request(), "claim.emergency", ReviewState::Open),
    ];
    assert_eq!(told, expected);
    // A task says nothing of who, and nothing of whom; and what is told of it is a reference, not even the request.
    let log = log.text();
    let alerts: Vec<&str> = log.lines().filter(|line| line.contains("privacy.task")).collect();
    assert_eq!(alerts.len(), 2, "{log}");
    for (task, alert) in tasks.iter().zip(alerts) {
        assert!(alert.contains(&task.id) && !alert.contains(&task.trace), "{alert}");
        for secret in [&person, "u-1", "Example", "999999999999", "RRK", DEMO_PERSON] {
            assert!(!alert.contains(secret) && !format!("{task:?}").contains(secret), "{secret}: {alert}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_claim_is_granted_that_nobody_could_look_at() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let breaker = rusqlite::Connection::open(world.store_file()).unwrap();
    breaker.execute_batch("CREATE TRIGGER full BEFORE INSERT ON privacy_task BEGIN SELECT RAISE(ABORT, 'disk full'); END").unwrap();
    for kind in ["relationship", "emergency"] {
        assert_eq!(claim(&world, &person, &in_emergency(), kind).await.status, 503, "{kind}");
    }
    assert_eq!(world.get(&format!("Patient/{person}"), &world.token(&in_emergency())).await.status, 403);
    breaker.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(claim(&world, &person, &in_emergency(), "emergency").await.status, 200);
    assert_eq!(world.get(&format!("Patient/{person}"), &world.token(&in_emergency())).await.status, 200);
}

/// A privacy officer, who is nobody's doctor.
fn officer() -> Card {
    Card {
        user: "p-1",
        roles: vec!["R0001"],
        activities: vec![],
        scope: "severn.privacy",
        sds_user_id: Some("111111111111"),
        ..Card::doctor()
    }
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

async fn desk(world: &World, card: &Card, method: &str, path: &str, body: &str) -> crate::world::Answer {
    world.send(method, &format!("/privacy/{path}"), Some(&world.token(card)), &JSON, body).await
}

/// However many people a page is about, the ledger writes it in a few batches: opened, who was seen, closed.
#[tokio::test(start_paused = true)]
async fn many_people_are_entered_at_once_and_under_the_rule_that_let_them_be_seen() {
    let world = World::of(&["ccr"]);
    for number in [DEMO_PERSON, "9990000026", "9990000034", "9990000042"] {
        let person = world.person(number).await;
        world.get(&format!("AllergyIntolerance?patient={person}"), &world.doctor_of(&person)).await;
    }
    world.ledger.fails_after(3);
    let answer = desk(&world, &officer(), "POST", "report", r#"{"source":"ccr"}"#).await;
    world.ledger.heals();
    assert_eq!(answer.status, 200, "{}", answer.text);
    let people = world.ledger.of(&answer.request()).iter().filter(|event| *event == "disclosed").count();
    assert!(people > 2, "{people}");
    let steward = Card { scope: "severn.operator", ..Card::doctor() };
    let listed = world.send("GET", "/steward/tasks", Some(&world.token(&steward)), &[], "").await;
    for (answer, rule) in [(answer, "desk.privacy"), (listed, "desk.operator")] {
        let policy = world.ledger.events_of(&answer.request()).last().unwrap()["policy"].clone();
        assert_eq!(policy, serde_json::json!([rule]));
        assert!(access::Rules::shipped().names().iter().any(|own| own.as_str() == rule), "{rule}");
    }
}

/// A doctor who claims a person, reads them, and whose task waits.
async fn read_on_own_word() -> (World, String, String) {
    let world = World::of(&["ccr", "gp"]);
    let person = world.person(DEMO_PERSON).await;
    world.clock.forward_s(1);
    assert_eq!(claim(&world, &person, &Card::doctor(), "relationship").await.status, 200);
    world.clock.forward_s(60);
    assert_eq!(world.get(&format!("AllergyIntolerance?patient={person}"), &world.token(&Card::doctor())).await.status, 200);
    let listed = desk(&world, &officer(), "GET", "tasks", "").await;
    let id = listed.json["tasks"][0]["id"].as_str().unwrap_or_else(|| panic!("{}", listed.text)).to_owned();
    (world, person, id)
}

#[tokio::test(start_paused = true)]
async fn an_access_is_seen_in_context_and_decided_on() {
    let (world, person, id) = read_on_own_word().await;
    let shown = desk(&world, &officer(), "GET", &format!("tasks/{id}"), "").await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let access = &shown.json["access"][0];
    assert_eq!((&access["what"], &access["claim"]["text"]), (&"relationship".into(), &"Admitted to my ward".into()));
    assert_eq!((&access["by"]["user"], &access["by"]["organisation"]), (&"u-1".into(), &"RRK".into()));
    // What they did on it: who was asked, and how much of which type; never what it said.
    let afterwards = &shown.json["afterwards"][0];
    assert_eq!((&afterwards["what"], &afterwards["patients"][0]), (&"read AllergyIntolerance".into(), &person.clone().into()));
    assert!(afterwards["shown"].as_array().unwrap().iter().any(|shown| shown["types"]["AllergyIntolerance"].is_u64()), "{afterwards}");
    let about = &testbed::person(DEMO_PERSON).unwrap().about;
    for secret in ["enicillin", DEMO_PERSON, &about.family, &about.birth_date] {
        assert!(!shown.text.contains(secret), "{secret}: {}", shown.text);
    }
    assert_eq!(world.ledger.of(&shown.request()), ["opened", "disclosed", "closed"]);
    let decide = async |body: &str| desk(&world, &officer(), "POST", &format!("tasks/{id}/decide"), body).await;
    for body in ["", "[]", "{}", r#"{"state":"justified"}"#, r#"{"state":"open","note":"x"}"#, r#"{"state":"fine","note":"x"}"#] {
        assert_eq!(decide(body).await.status, 400, "{body}");
    }
    // What is kept where no number is has none, and is not a file.
    for note in ["it was of 999 000 0018".to_owned(), "x".repeat(4_001)] {
        assert_eq!(decide(&json!({"state": "justified", "note": note}).to_string()).await.status, 400, "{note}");
    }
    let escalated = decide(r#"{"state":"escalated","note":"to the Caldicott Guardian"}"#).await;
    assert_eq!((escalated.status, &escalated.json["state"]), (200, &"escalated".into()), "{}", escalated.text);
    assert_eq!(world.ledger.of(&escalated.request()), ["opened", "reviewed"]);
    let decided = decide(r#"{"state":"justified","note":"seen the ward's list"}"#).await;
    assert_eq!((decided.status, &decided.json["state"]), (200, &"justified".into()));
    assert_eq!(decide(r#"{"state":"closed","note":"x"}"#).await.status, 409);
    let again = desk(&world, &officer(), "GET", &format!("tasks/{id}"), "").await;
    let steps: Vec<_> = again.json["reviews"].as_array().unwrap().iter().map(|step| step["note"].as_str().unwrap()).collect();
    assert_eq!(steps, ["to the Caldicott Guardian", "seen the ward's list"]);
    assert_eq!(desk(&world, &officer(), "GET", "tasks", "").await.json["tasks"].as_array().unwrap().len(), 0);
    assert_eq!(desk(&world, &officer(), "GET", "tasks?all=true", "").await.json["tasks"].as_array().unwrap().len(), 1);
    // Why stands with the task, and not on the ledger, where nobody could take a name out again.
    assert!(!world.ledger.text().contains("ward's list"));
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn nobody_decides_on_an_access_of_their_own() {
    let (world, _, id) = read_on_own_word().await;
    let body = r#"{"state":"justified","note":"it was me"}"#;
    let own = |card: Card| Card { roles: vec!["R0001"], scope: "severn.privacy", ..card };
    // By the same sign-in; and by another one that knows them by the same national id.
    for card in [own(Card::doctor()), own(Card { user: "u-1-at-home", ..Card::doctor() })] {
        let answer = desk(&world, &card, "POST", &format!("tasks/{id}/decide"), body).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        assert_eq!(world.ledger.of(&answer.request()), ["opened", "refused"]);
    }
    let waiting = desk(&world, &officer(), "GET", "tasks", "").await;
    assert_eq!(waiting.json["tasks"][0]["state"], "open");
    assert_eq!(desk(&world, &officer(), "POST", &format!("tasks/{id}/decide"), body).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_desk_opens_to_those_who_review_and_to_nobody_else() {
    let (world, _, id) = read_on_own_word().await;
    let routes = [
        ("GET", "tasks".to_owned(), ""),
        ("GET", format!("tasks/{id}"), ""),
        ("POST", "report".to_owned(), "{}"),
        ("POST", format!("tasks/{id}/decide"), r#"{"state":"closed","note":"x"}"#),
    ];
    let callers = [
        ("a doctor", Card::doctor()),
        ("a doctor with the scope", Card { scope: "severn.privacy user/*.rs", ..Card::doctor() }),
        ("an officer without the scope", Card { scope: "user/*.rs", ..officer() }),
        ("an officer whose scope only begins alike", Card { scope: "severn.privacy2", ..officer() }),
        ("a steward", Card { scope: "severn.operator", ..officer() }),
        ("a system", Card { scope: "system/*.rs severn.privacy", sds_user_id: None, ..officer() }),
    ];
    for (who, card) in callers {
        for (method, path, body) in &routes {
            let answer = desk(&world, &card, method, path, body).await;
            assert_eq!(answer.status, 403, "{who}: {path}");
            assert_eq!(world.ledger.of(&answer.request()), ["refused"], "{who}: {path}");
            assert!(!answer.text.contains(&id) && !answer.text.contains("u-1"), "{who}: {path}");
        }
        assert_eq!(world.get("AuditEvent", &world.token(&card)).await.status, 403, "{who}");
    }
    // Nor does the desk open anything of a record.
    let person = world.person(DEMO_PERSON).await;
    assert_eq!(world.get(&format!("Patient/{person}"), &world.token(&officer())).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn who_looked_is_told_by_patient_by_user_by_source_and_by_time() {
    let (world, person, _) = read_on_own_word().await;
    world.clock.forward_s(1);
    let stranger = Card { user: "u-9", sds_user_id: Some("999999999990"), ..Card::doctor() };
    assert_eq!(world.get(&format!("Condition?patient={person}"), &world.token(&stranger)).await.status, 403);
    let report = async |body: serde_json::Value| {
        let answer = desk(&world, &officer(), "POST", "report", &body.to_string()).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
        let told = |access: &serde_json::Value| {
            format!(
                "{} {} {}",
                access["by"]["user"].as_str().unwrap_or("-"),
                access["what"].as_str().unwrap(),
                access["outcome"].as_str().unwrap()
            )
        };
        answer.json["accesses"].as_array().unwrap().iter().map(told).filter(|told| !told.starts_with("p-1")).collect::<Vec<_>>()
    };
    let (refused, read, claimed, found) =
        ("u-9 read Condition refused", "u-1 read AllergyIntolerance answered", "u-1 relationship answered", "u-1 find answered");
    assert_eq!(report(serde_json::json!({"patient": person})).await, [refused, read, claimed, found]);
    assert_eq!(report(serde_json::json!({"nhs_number": DEMO_PERSON})).await, [refused, read, claimed, found]);
    assert_eq!(report(serde_json::json!({"sds_user_id": "999999999999"})).await, [read, claimed, found]);
    assert_eq!(report(serde_json::json!({"user": "u-9", "issuer": "https://login.example"})).await, [refused]);
    assert_eq!(report(serde_json::json!({"source": "ccr"})).await, [read]);
    assert!(report(serde_json::json!({"source": "nobody"})).await.is_empty());
    assert_eq!(report(serde_json::json!({"since": "2026-11-23T09:00:30Z"})).await, [refused, read]);
    assert_eq!(report(serde_json::json!({"until": "2026-11-23T09:00:30Z"})).await, [claimed, found]);
    for body in ["[]", r#"{"patient":"x","source":"y"}"#, r#"{"user":"u-1"}"#, r#"{"since":"today"}"#, r#"{"nhs_number":"123"}"#] {
        assert_eq!(desk(&world, &officer(), "POST", "report", body).await.status, 400, "{body}");
    }
    // Page by page, everybody once.
    let (mut after, mut told) = (serde_json::Value::Null, Vec::new());
    loop {
        let body = serde_json::json!({"sds_user_id": "999999999999", "count": 1, "after": after}).to_string();
        let page = desk(&world, &officer(), "POST", "report", &body).await;
        told.extend(page.json["accesses"].as_array().unwrap().iter().map(|access| access["what"].as_str().unwrap().to_owned()));
        after = page.json["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(told, ["read AllergyIntolerance", "relationship", "find"]);
}

/// Every AuditEvent of a search, page by page.
async fn events(world: &World, query: &str) -> Vec<serde_json::Value> {
    let (mut link, mut all) = (Some(format!("AuditEvent?{query}")), Vec::new());
    while let Some(path) = link {
        let page = world.get(&path, &world.token(&officer())).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(page.entries().len() <= 1 + 2 || !query.contains("_count=2"), "{}", page.text);
        all.extend(page.of_type("AuditEvent").cloned());
        link = page.next();
    }
    all
}

#[tokio::test(start_paused = true)]
async fn the_ledger_is_read_as_audit_events_in_the_patterns_of_balp() {
    let (world, person, _) = read_on_own_word().await;
    let told = |event: &serde_json::Value| {
        let profiles = event["meta"]["profile"].as_array().into_iter().flatten();
        let profile = profiles.filter_map(|profile| profile.as_str()?.rsplit("IHE.BasicAudit.").next()).next().unwrap_or("-").to_owned();
        format!("{profile} {} {}", event["subtype"][0]["code"].as_str().unwrap(), event["outcome"].as_str().unwrap())
    };
    let of_the_doctor = events(&world, "agent:identifier=https://login.example|u-1").await;
    let expected = [
        "PatientQuery search 0",
        "PrivacyDisclosure.Source disclose 0",
        "- search 0",
        "- claimed 0",
        "Query search 0",
        "PatientRead read 0",
        "- closed 0",
    ];
    let mut got: Vec<String> = of_the_doctor.iter().map(told).collect();
    // A claim is no query, though it opens as one: it ends as one that was granted.
    got[2] = got[2].replace("PatientQuery", "-");
    assert_eq!(got, expected);
    let (query, disclosure) = (&of_the_doctor[0], &of_the_doctor[1]);
    let agent = |event: &serde_json::Value, code: &str| {
        let own = |agent: &&serde_json::Value| agent["type"]["coding"][0]["code"] == code;
        event["agent"].as_array().unwrap().iter().find(own).unwrap_or_else(|| panic!("{code}: {event}")).clone()
    };
    let user = agent(query, "IRCP");
    assert_eq!((&user["who"]["identifier"]["value"], &user["requestor"]), (&"u-1".into(), &true.into()));
    assert_eq!(user["policy"][0], "urn:ietf:params:oauth:jti:t-1");
    assert_eq!(agent(disclosure, "110153")["who"], disclosure["source"]["observer"]);
    let entity = |event: &serde_json::Value, system: &str| {
        let own = |entity: &&serde_json::Value| entity["what"]["identifier"]["system"] == system;
        event["entity"].as_array().unwrap().iter().filter(own).map(|one| one["what"]["identifier"]["value"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(entity(disclosure, "urn:severn:source"), ["ccr", "gp"]);
    assert!(query["entity"].to_string().contains(&format!("Patient/{person}")));
    // By whom it is about, by whose data were shown, by time; in pages of two, each once; and each by its id.
    let about = events(&world, &format!("patient={person}&_count=2")).await;
    let ids = |events: &[serde_json::Value]| events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let once: std::collections::BTreeSet<String> = ids(&about).into_iter().collect();
    assert_eq!(once.len(), about.len());
    assert!(ids(&of_the_doctor).iter().all(|id| once.contains(id)));
    let by_source = events(&world, "entity:identifier=urn:severn:source|gp").await;
    assert_eq!(ids(&by_source), ids(&of_the_doctor[..2]));
    assert_eq!(
        ids(&events(&world, "agent.identifier=https://fhir.nhs.uk/Id/sds-user-id|999999999999&date=ge2026-11-23T09:00:30Z").await),
        ids(&by_source)
    );
    assert!(events(&world, "patient=nobody").await.is_empty());
    for event in &of_the_doctor {
        let read = world.get(&format!("AuditEvent/{}", event["id"].as_str().unwrap()), &world.token(&officer())).await;
        assert_eq!((read.status, &read.json), (200, event));
    }
    assert_eq!(world.get("AuditEvent/none.1", &world.token(&officer())).await.status, 404);
    for wrong in [
        "AuditEvent?outcome=0",
        "AuditEvent?agent=u-1",
        "AuditEvent?_after=x",
        "AuditEvent?date=today",
        &format!("AuditEvent?patient={person}&entity:identifier=urn:severn:source|gp"),
    ] {
        assert_eq!(world.get(wrong, &world.token(&officer())).await.status, 400, "{wrong}");
    }
    // A look at who looked is a look, and stands there itself.
    let looked = world.get(&format!("AuditEvent?patient={person}&_count=1"), &world.token(&officer())).await;
    assert_eq!(world.ledger.of(&looked.request()), ["opened", "disclosed", "closed"]);
    assert!(events(&world, &format!("patient={person}")).await.iter().any(|event| event["entity"].to_string().contains(&looked.request())));
    compare(&of_the_doctor);
    let text = serde_json::Value::from(about).to_string();
    assert!(!text.contains(DEMO_PERSON) && !text.contains("enicillin") && !text.contains("null"));
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn who_looked_is_told_in_r4_only() {
    let world = World::of(&["ccr"]);
    let token = world.token(&officer());
    let asked = async |target: &str| world.send("GET", target, Some(&token), &[], "").await;
    assert_eq!(asked("/fhir/STU3/AuditEvent").await.status, 404);
    let types = async |face: &str| {
        let statement = asked(&format!("/fhir/{face}/metadata")).await.json;
        statement["rest"][0]["resource"].as_array().unwrap().iter().any(|resource| resource["type"] == "AuditEvent")
    };
    assert!(types("R4").await && !types("STU3").await);
    let xml = world.get_with("AuditEvent", &token, &[("accept", "application/fhir+xml")]).await;
    assert!(xml.text.contains("<AuditEvent"), "{}", xml.text);
}

/// By which organisations somebody is looked at, and which sources hold something of them, is where they are.
#[tokio::test(start_paused = true)]
async fn of_a_restricted_person_no_place_is_told() {
    let (world, person, id) = read_on_own_word().await;
    let all = async |world: &World| {
        let desk_says = desk(world, &officer(), "POST", "report", &serde_json::json!({"patient": person}).to_string()).await.text;
        let shows = desk(world, &officer(), "GET", &format!("tasks/{id}"), "").await.text;
        desk_says + &shows + &serde_json::Value::from(events(world, &format!("patient={person}")).await).to_string()
    };
    let places =
        ["RRK", "Queen Elizabeth", "\"ccr\"", "\"gp\"", "login.example", "Admitted to my ward", "Dr A Example", "\"u-1\"", "999999999999"];
    let before = all(&world).await;
    assert!(places.iter().all(|place| before.contains(place)), "{before}");
    world.restrict(DEMO_PERSON).await;
    let hidden = all(&world).await;
    for place in places {
        // The officer's own organisation is not the person's.
        let told = hidden.replace(r#""site":"QHL""#, "");
        assert!(!told.contains(place), "{place}: {told}");
    }
    assert!(events(&world, "entity:identifier=urn:severn:source|ccr").await.is_empty());
}

/// AuditEvents without what chance chose, as third-party validators are given them (`checks/clients`); `BLESS=1` writes them anew.
fn compare(events: &[serde_json::Value]) {
    let mut names: Vec<(String, String)> = Vec::new();
    let mut name = |old: &str, new: &str| {
        if !names.iter().any(|(known, _)| known == old) {
            let before = names.iter().filter(|(_, known)| known.starts_with(new)).count();
            names.push((old.to_owned(), format!("{new}-{before}")));
        }
    };
    for event in events {
        name(event["id"].as_str().unwrap().rsplit_once('.').unwrap().0, "run");
        name(event["extension"][0]["valueString"].as_str().unwrap(), "hash");
        name(event["recorded"].as_str().unwrap(), "time");
        for entity in event["entity"].as_array().unwrap() {
            if entity["type"]["code"] == "XrequestId" {
                name(entity["what"]["identifier"]["value"].as_str().unwrap(), "request");
            }
            if let Some(person) = entity["what"]["reference"].as_str() {
                name(person.strip_prefix("Patient/").unwrap(), "person");
            }
        }
    }
    let entries: Vec<_> = events.iter().map(|event| serde_json::json!({"resource": event})).collect();
    let mut now =
        serde_json::to_string_pretty(&serde_json::json!({"resourceType": "Bundle", "type": "collection", "entry": entries})).unwrap();
    for (old, new) in &names {
        let new = if new.starts_with("time") { "2026-11-23T09:00:00Z" } else { new };
        now = now.replace(old.as_str(), new);
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output/audit-events.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    assert!(std::fs::read_to_string(&file).unwrap_or_default() == now, "{} differs; look at it with BLESS=1 and git diff", file.display());
}
