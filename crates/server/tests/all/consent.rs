//! What a person says about sharing: recorded, minded on every read and page, and overridden by nobody here.

use std::sync::Arc;

use record::Clock;
use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Fault, Gap, Habits, Region, Supplier, habits};

use crate::world::{Answer, Card, Setup, World, region};

const RECIPIENT: &str = "IRCP";
const CUSTODIAN: &str = "CST";

fn recorder(person: &str) -> Card {
    Card { user: "u-5", organisation: "RXK", scope: "user/*.cruds", patient: Some(person.to_owned()), ..Card::doctor() }
}

fn consent(person: &str, provision: &Value) -> Value {
    json!({
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": format!("Patient/{person}")},
        "provision": provision,
    })
}

fn actor(role: &str, code: &str) -> Value {
    json!({
        "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": role}]},
        "reference": {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": code}},
    })
}

async fn send(world: &World, method: &str, path: &str, card: &Card, body: &Value) -> Answer {
    world.send(method, &format!("/fhir/R4/{path}"), Some(&world.token(card)), &[], &body.to_string()).await
}

async fn recorded(world: &World, person: &str, provision: Value) -> Answer {
    let answer = send(world, "POST", "Consent", &recorder(person), &consent(person, &provision)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer
}

async fn read(world: &World, person: &str, card: &Card) -> Answer {
    world.get(&format!("Patient/{person}/$everything"), &world.token(card)).await
}

fn of(person: &str) -> Card {
    Card { patient: Some(person.to_owned()), ..Card::doctor() }
}

const KNOWN: &str = "[consent]\norganisations = [\"RRK\", \"RXK\"]";

fn world() -> World {
    World::around(Arc::new(region(&["ccr", "uhb"])), &Setup { blocks: KNOWN, ..Setup::default() })
}

#[tokio::test(start_paused = true)]
async fn an_objection_closes_the_record_to_whom_it_names_and_not_to_others() {
    let world = world();
    let (person, other) = (world.person(DEMO_PERSON).await, world.person("9990000026").await);
    assert_eq!(read(&world, &person, &of(&person)).await.status, 200);
    let own = recorded(&world, &person, json!({"type": "deny", "actor": [actor(RECIPIENT, "RRK")]})).await;
    let refused = read(&world, &person, &of(&person)).await;
    assert_eq!(refused.status, 403);
    let unknown = read(&world, "00000000-0000-4000-8000-000000000000", &of(&person)).await;
    assert_eq!(refused.text.replace(&refused.request(), ""), unknown.text.replace(&unknown.request(), ""), "nobody is told of it");
    assert_eq!(read(&world, &person, &Card { organisation: "RXK", ..of(&person) }).await.status, 200);
    assert_eq!(read(&world, &other, &of(&other)).await.status, 200);
    // An emergency is no ground to read what somebody objects to.
    let nurse = Card { user: "u-9", activities: vec!["B0168", "B0264", "B0360", "B0082"], purpose: "ETREAT", ..Card::doctor() };
    let claim = json!({"resourceType": "Parameters", "parameter": [
        {"name": "kind", "valueCode": "emergency"},
        {"name": "reason", "valueCoding": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "ETREAT"}},
        {"name": "text", "valueString": "Unconscious in the department"},
    ]});
    assert_eq!(send(&world, "POST", &format!("Patient/{person}/$request-access"), &nurse, &claim).await.status, 200);
    assert_eq!(read(&world, &person, &nurse).await.status, 403);
    // Withdrawn, it stays, inactive; and it is on the ledger.
    let id = own.json["id"].as_str().unwrap().to_owned();
    let mut withdrawn = consent(&person, &json!({"type": "deny", "actor": [actor(RECIPIENT, "RRK")]}));
    withdrawn["status"] = json!("inactive");
    let answer = send(&world, "PUT", &format!("Consent/{id}"), &recorder(&person), &withdrawn).await;
    assert_eq!((answer.status, &answer.json["meta"]["versionId"]), (200, &json!("2")), "{}", answer.text);
    let events = world.ledger.events();
    let versions: Vec<_> =
        events.iter().filter(|event| event["event"] == "consent-recorded").map(|event| event["active"].clone()).collect();
    assert_eq!(versions, [json!(true), json!(false)]);
    let again = read(&world, &person, &of(&person)).await;
    assert_eq!(again.status, 200);
    let shown: Vec<&Value> = again.of_type("Consent").filter(|one| one["id"] == json!(id)).collect();
    assert_eq!((shown.len(), &shown[0]["status"]), (1, &json!("inactive")));
    let by_id = world.get(&format!("Consent/{id}"), &world.token(&of(&person))).await;
    assert_eq!((by_id.status, &by_id.json["meta"]["versionId"]), (200, &json!("2")));
    let searched = world.get(&format!("Consent?patient={person}"), &world.token(&of(&person))).await;
    assert!(searched.of_type("Consent").any(|one| one["id"] == json!(id)));
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn an_objection_takes_out_what_and_whose_it_names_for_as_long_as_it_says() {
    let world = world();
    let person = world.person(DEMO_PERSON).await;
    let before = read(&world, &person, &of(&person)).await;
    assert!(before.of_type("AllergyIntolerance").count() > 0 && before.shown().contains_key("uhb"));
    let class = json!({"system": "urn:severn:category", "code": "allergies"});
    let until = json!({"start": "2026-11-01", "end": "2026-11-30"});
    recorded(&world, &person, json!({"type": "deny", "class": [class], "period": until})).await;
    let after = read(&world, &person, &of(&person)).await;
    assert_eq!((after.status, after.of_type("AllergyIntolerance").count()), (200, 0));
    assert_ne!(after.state("allergies"), Some("no-known"));
    assert!(after.of_type("Condition").count() > 0);
    assert!(after.outcome().to_string().contains("some information is withheld"));
    world.clock.forward_s(10 * 86_400);
    assert!(read(&world, &person, &of(&person)).await.of_type("AllergyIntolerance").count() > 0, "it ended");
    // Of one custodian nothing is asked, and nothing shown.
    recorded(&world, &person, json!({"type": "deny", "actor": [actor(CUSTODIAN, "RRK")]})).await;
    let asked = world.region.asked("uhb").len();
    let after = read(&world, &person, &of(&person)).await;
    assert_eq!((after.status, after.shown().contains_key("uhb"), world.region.asked("uhb").len()), (200, false, asked));
    assert!(after.shown().contains_key("ccr"));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_laid_out_before_an_objection_is_over_with_it() {
    let world = world();
    let person = world.person(DEMO_PERSON).await;
    let token = world.token(&of(&person));
    let next = world.get(&format!("Patient/{person}/$everything?_count=3"), &token).await.next().unwrap();
    assert_eq!(world.get(&next, &token).await.status, 200);
    world.clock.forward_s(1);
    let class = json!({"system": "urn:severn:category", "code": "allergies"});
    recorded(&world, &person, json!({"type": "deny", "class": [class]})).await;
    assert_eq!(world.get(&next, &token).await.status, 410);
    recorded(&world, &person, json!({"type": "deny"})).await;
    assert_eq!(world.get(&next, &token).await.status, 403);
}

/// InterSystems published this fault: a consent was taken for a patient who did not exist yet.
const LAWFUL: &str = "[consent]\norganisations = [\"RRK\", \"RXK\"]\n[policy.legal_override]\n\
                      accepted_by = \"A Guardian, Caldicott Guardian\"\naccepted_on = \"2026-11-01\"\n";

fn lawyer(person: &str) -> Card {
    Card { user: "u-6", activities: vec!["B0082", "B0264", "B0360"], lives_s: 48 * 3_600, ..of(person) }
}

async fn overridden(world: &World, person: &str, card: &Card, code: &str) -> Answer {
    let claim = json!({"resourceType": "Parameters", "parameter": [
        {"name": "kind", "valueCode": "legal-override"},
        {"name": "reason", "valueCoding": {"system": "urn:severn:override-reason", "code": code}},
        {"name": "text", "valueString": "Order of the court, sealed on Monday"},
    ]});
    send(world, "POST", &format!("Patient/{person}/$request-access"), card, &claim).await
}

/// The one thing that opens what somebody objects to here: a law, by who may say so, where somebody put their name to it.
#[tokio::test(start_paused = true)]
async fn a_law_overrides_what_is_recorded_here_for_one_user_and_four_hours_and_says_so() {
    let world = World::around(Arc::new(region(&["ccr", "uhb"])), &Setup { blocks: LAWFUL, ..Setup::default() });
    let (person, other) = (world.person(DEMO_PERSON).await, world.person("9990000026").await);
    for whose in [&person, &other] {
        recorded(&world, whose, json!({"type": "deny", "actor": [actor(RECIPIENT, "RRK")]})).await;
        assert_eq!(read(&world, whose, &lawyer(whose)).await.status, 403, "the activity alone opens nothing");
    }
    assert_eq!(overridden(&world, &person, &lawyer(&person), "unconscious").await.status, 400);
    assert_eq!(overridden(&world, &person, &lawyer(&person), "court-order").await.status, 200);
    let answer = read(&world, &person, &lawyer(&person)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let first = &answer.outcome()["issue"][0];
    assert_eq!(first["details"]["coding"][0], json!({"system": "urn:severn:access", "code": "legal-override"}));
    assert_eq!(first["extension"][1], json!({"url": "urn:severn:overridden", "valueCode": "objection"}));
    let closed = world.ledger.events_of(&answer.request());
    let policy = closed.iter().find(|event| event["event"] == "closed").unwrap()["policy"].to_string();
    assert!(policy.contains("objection.legal-override"), "{policy}");
    let claimed = world.ledger.events().into_iter().find(|event| event["event"] == "claimed").unwrap();
    assert_eq!((&claimed["kind"], &claimed["reason"]), (&json!("legal-override"), &json!("court-order")));
    let tasks = world.queue().privacy_tasks(&exchange::PrivacyFilter { count_max: 9, ..Default::default() }).await.unwrap();
    assert_eq!(tasks.iter().map(|task| task.kind.name()).collect::<Vec<_>>(), ["legal-override"]);
    // One user, one organisation, one person, with a relationship, and as long as they may.
    for (card, whose) in [
        (Card { user: "u-1", ..lawyer(&person) }, &person),
        (Card { activities: vec!["B0264", "B0360"], ..lawyer(&person) }, &person),
        (lawyer(&other), &other),
    ] {
        assert_eq!(read(&world, whose, &card).await.status, 403, "{} {:?}", card.user, card.activities);
    }
    // A page laid out by it is over with it, although what is left may be read.
    recorded(&world, &person, json!({"type": "deny", "class": [{"system": "urn:severn:category", "code": "allergies"}]})).await;
    world.clock.forward_s(2 * 3_600);
    let path = format!("Patient/{person}/$everything?_count=3");
    let token = world.token(&lawyer(&person));
    assert!(world.get(&path, &token).await.next().is_some());
    world.clock.forward_s(2 * 3_600 + 1);
    assert_eq!(world.get(&path, &token).await.status, 403, "four hours");
    world.ledger.verify();
}

/// What it does not open, and who may not.
#[tokio::test(start_paused = true)]
async fn a_law_opens_nothing_but_what_is_recorded_here_and_only_to_who_may_say_so() {
    for (blocks, card, granted) in [
        // Nobody put their name to it.
        (KNOWN, Card { ..lawyer("p") }, 403),
        (LAWFUL, Card { activities: vec!["B0264", "B0360", "B0168"], ..lawyer("p") }, 403),
        (LAWFUL, Card { scope: "system/*.rs", sds_user_id: None, ..lawyer("p") }, 403),
        (LAWFUL, lawyer("p"), 200),
    ] {
        let world = World::around(Arc::new(region(&["ccr", "uhb"])), &Setup { blocks, ..Setup::default() });
        let person = world.person(DEMO_PERSON).await;
        recorded(&world, &person, json!({"type": "deny", "class": [{"system": "urn:severn:category", "code": "allergies"}]})).await;
        let card = Card { patient: Some(person.clone()), ..card };
        assert_eq!(overridden(&world, &person, &card, "statute").await.status, granted, "{:?} {}", card.activities, card.scope);
        let reader = Card { patient: Some(person.clone()), ..lawyer("p") };
        let allergies = read(&world, &person, &reader).await.of_type("AllergyIntolerance").count();
        assert_eq!(allergies > 0, granted == 200);
        if granted == 200 {
            let token = world.token(&reader);
            let next = world.get(&format!("Patient/{person}/$everything?_count=3"), &token).await.next().unwrap();
            world.clock.forward_s(9 * 60);
            assert_eq!(world.get(&next, &token).await.status, 200);
            world.clock.forward_s(4 * 3_600 - 14 * 60);
            let late = world.get(&format!("Patient/{person}/$everything?_count=3"), &token).await.next().unwrap();
            world.clock.forward_s(6 * 60);
            assert_eq!(world.get(&late, &token).await.status, 410, "what it showed is over with it");
            assert_eq!(read(&world, &person, &reader).await.of_type("AllergyIntolerance").count(), 0);
        }
    }
    // What a source holds as an objection, it holds.
    let source = holder(Some("deny"), habits("ccr").unwrap().organisation);
    let setup = Setup { blocks: LAWFUL, sources: vec![("ccr", "nhs_number = \"verified\"\n")], ..Setup::default() };
    let world = World::around(Arc::new(Region::of([source])), &setup);
    let person = world.person(DEMO_PERSON).await;
    let reader = lawyer(&person);
    assert_eq!(overridden(&world, &person, &reader, "statute").await.status, 200);
    let answer = read(&world, &person, &reader).await;
    assert!(answer.status == 200 && !answer.text.contains("HELD"), "{}", answer.text);
    assert!(!answer.outcome().to_string().contains("legal-override"), "nothing recorded here was overridden");
}

#[tokio::test(start_paused = true)]
async fn golden_11_a_consent_for_a_patient_who_does_not_exist_is_refused_on_save() {
    let world = world();
    let person = world.person(DEMO_PERSON).await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (whom, expected) in [(nobody, 403), ("unknown", 403), (person.as_str(), 201)] {
        let answer = send(&world, "POST", "Consent", &recorder(&person), &consent(whom, &json!({"type": "deny"}))).await;
        assert_eq!(answer.status, expected, "{whom}: {}", answer.text);
    }
    for (provision, at) in [
        (json!({"type": "deny", "actor": []}), "Consent.provision.actor"),
        (json!({"type": "deny", "class": []}), "Consent.provision.class"),
        (json!({"type": "deny", "actor": [actor(RECIPIENT, "ZZZ99")]}), "Consent.provision.actor.reference"),
        (json!({"type": "deny", "class": [{"system": "urn:severn:category", "code": "everything"}]}), "Consent.provision.class"),
    ] {
        let answer = send(&world, "POST", "Consent", &recorder(&person), &consent(&person, &provision)).await;
        assert_eq!((answer.status, &answer.json["issue"][0]["expression"][0]), (400, &json!(at)), "{}", answer.text);
    }
}

#[tokio::test(start_paused = true)]
async fn only_who_looks_after_somebody_and_may_write_records_what_they_say() {
    let world = world();
    let person = world.person(DEMO_PERSON).await;
    let body = consent(&person, &json!({"type": "deny"}));
    for (why, card) in [
        ("no relationship", Card { patient: None, user: "u-6", ..recorder(&person) }),
        ("reads only", Card { scope: "user/*.rs", ..recorder(&person) }),
        ("another type", Card { scope: "user/Condition.cruds user/*.rs", ..recorder(&person) }),
        ("a system", Card { scope: "system/*.cruds", sds_user_id: None, ..recorder(&person) }),
        ("a reviewer", Card { roles: vec!["R0001"], ..recorder(&person) }),
        ("no care", Card { purpose: "HRESCH", ..recorder(&person) }),
    ] {
        assert_eq!(send(&world, "POST", "Consent", &card, &body).await.status, 403, "{why}");
    }
    assert_eq!(read(&world, &person, &of(&person)).await.status, 200);
    let kept = recorded(&world, &person, json!({"type": "permit"})).await;
    let path = format!("Consent/{}", kept.json["id"].as_str().unwrap());
    assert_eq!(send(&world, "PUT", "Consent/none-of-that", &recorder(&person), &body).await.status, 404);
    assert_eq!(send(&world, "DELETE", &path, &recorder(&person), &json!({})).await.status, 405);
    let put = async |version: &str| {
        let headers = [("if-match", version)];
        world.send("PUT", &format!("/fhir/R4/{path}"), Some(&world.token(&recorder(&person))), &headers, &body.to_string()).await.status
    };
    assert_eq!((put("W/\"1\"").await, put("W/\"1\"").await, put("2").await), (200, 409, 400));
}

#[tokio::test(start_paused = true)]
async fn when_it_cannot_be_read_what_somebody_objects_to_nobody_reads() {
    let world = world();
    let person = world.person(DEMO_PERSON).await;
    assert_eq!(read(&world, &person, &of(&person)).await.status, 200);
    let breaker = rusqlite::Connection::open(world.store_file()).unwrap();
    breaker.execute_batch("ALTER TABLE consent RENAME TO consent_away").unwrap();
    let refused = read(&world, &person, &of(&person)).await;
    assert_eq!(refused.status, 403);
    let why = world.ledger.events_of(&refused.request()).iter().find(|event| event["event"] == "refused").unwrap()["why"].clone();
    assert_eq!(why, json!("what the person objects to could not be read"));
    breaker.execute_batch("ALTER TABLE consent_away RENAME TO consent").unwrap();
    assert_eq!(read(&world, &person, &of(&person)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_opt_out_from_research_and_planning_does_not_touch_care() {
    let world = world();
    let person = world.person(DEMO_PERSON).await;
    let mut opted_out = consent(&person, &json!({"type": "deny"}));
    opted_out["scope"]["coding"][0]["code"] = json!("research");
    assert_eq!(send(&world, "POST", "Consent", &recorder(&person), &opted_out).await.status, 400, "it is no objection to care");
    assert_eq!(read(&world, &person, &of(&person)).await.status, 200);
    // And research reads nothing here, opted out or not.
    assert_eq!(read(&world, &person, &Card { purpose: "HRESCH", ..of(&person) }).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn what_a_practice_refuses_is_not_shown_by_way_of_a_shared_record() {
    let setup = Setup { blocks: KNOWN, ..Setup::default() };
    let world = World::around(Arc::new(region(&["ccr", "gp"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    // By whatever way they came, these identifiers are minted by the practice's system.
    let owned = |answer: &Answer| {
        let theirs = |entry: &&Value| {
            let identifier = entry["resource"]["identifier"].to_string();
            identifier.contains("https://EMISWeb/") || identifier.contains("https://tpp-uk.com/Id/ccs-id")
        };
        answer.entries().iter().filter(theirs).count()
    };
    let whole = read(&world, &person, &of(&person)).await;
    assert!(owned(&whole) > 0 && whole.shown().contains_key("gp"), "{:?}", whole.shown().keys());
    world.region.fail("gp", Fault::Practice { gap: Gap::Code("NO_PATIENT_CONSENT".into()) });
    let refused = read(&world, &person, &of(&person)).await;
    assert_eq!((refused.status, refused.shown().contains_key("gp"), owned(&refused)), (200, false, 0));
    assert!(refused.shown().contains_key("ccr"));
}

/// A source that holds a condition, what it was treated with, and maybe that the person objects to its being shared.
pub fn holder(objection: Option<&str>, organisation: &'static str) -> Supplier {
    holder_of_many(0, objection, organisation)
}

/// The same with so many things more.
fn holder_of_many(more: usize, objection: Option<&str>, organisation: &'static str) -> Supplier {
    let about = &testbed::person(DEMO_PERSON).unwrap().about;
    let mut all = vec![
        json!({"resourceType": "Patient", "id": "1", "birthDate": about.birth_date,
            "name": [{"family": about.family, "given": about.given}],
            "identifier": [{"system": habits("ccr").unwrap().nhs_system, "value": DEMO_PERSON}]}),
        json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/1"}, "code": {"text": "HELD"},
            "meta": {"lastUpdated": "2026-11-20T09:00:00Z"}}),
        json!({"resourceType": "Procedure", "id": "p", "subject": {"reference": "Patient/1"}, "status": "completed", "code": {"text": "HELD"},
            "meta": {"lastUpdated": "2026-11-20T09:00:00Z"}}),
    ];
    all.extend((0..more).map(|at| {
        json!({"resourceType": "Procedure", "id": format!("q{at}"), "subject": {"reference": "Patient/1"}, "status": "completed",
            "code": {"text": "HELD"}})
    }));
    if let Some(decision) = objection {
        let mut consent = consent("1", &json!({"type": decision}));
        consent["id"] = json!("objection");
        consent["meta"] = json!({"lastUpdated": "2020-01-01T09:00:00Z"});
        all.push(consent);
    }
    let records = vec![(DEMO_PERSON.to_owned(), all.iter().map(Value::to_string).collect())];
    let habits = Habits { organisation, ..habits("ccr").unwrap().clone() };
    Supplier::of_resources(&habits, "http://ccr.testbed.example", records).unwrap()
}

/// Every way to what the source holds.
fn ways(person: &str) -> [String; 6] {
    [
        format!("Patient/{person}/$everything"),
        format!("Patient/{person}/$everything?_since=2026-11-01T00:00:00Z"),
        format!("Patient/{person}/$everything?_type=Condition"),
        format!("Condition?patient={person}"),
        "Condition/ccr-c".to_owned(),
        "Procedure/ccr-p".to_owned(),
    ]
}

/// A reader who is granted these types and no Consents.
fn without_consents(person: &str) -> Card {
    Card { scope: "user/Patient.rs user/Condition.rs user/Procedure.rs", ..of(person) }
}

async fn holders(objection: Option<&str>) -> (World, String) {
    let source = holder(objection, habits("ccr").unwrap().organisation);
    let world =
        World::around(Arc::new(Region::of([source])), &Setup { sources: vec![("ccr", "nhs_number = \"verified\"\n")], ..Setup::default() });
    let person = world.person(DEMO_PERSON).await;
    (world, person)
}

#[tokio::test(start_paused = true)]
async fn what_somebody_objects_to_at_a_source_counts_whatever_is_asked_and_whoever_asks() {
    for (objection, expected) in [(None, true), (Some("permit"), true), (Some("deny"), false)] {
        let (world, person) = holders(objection).await;
        for card in [of(&person), without_consents(&person)] {
            let token = world.token(&card);
            // What is read by its id was met before.
            world.get(&format!("Patient/{person}/$everything"), &token).await;
            for way in ways(&person) {
                let answer = world.get(&way, &token).await;
                assert_eq!(answer.text.contains("HELD"), expected, "{objection:?} {} {way}: {}", card.scope, answer.text);
                let consents = answer.entries().iter().filter(|entry| entry["resource"]["resourceType"] == "Consent").count();
                assert!(consents == 0 || card.scope == "user/*.rs" && way.ends_with("$everything"), "{way}: {consents}");
            }
        }
        let searched = world.get(&format!("Condition?patient={person}"), &world.token(&of(&person))).await;
        assert!(!searched.outcome().to_string().contains("Consent"), "that they were asked for is no part of the answer");
        assert_eq!(searched.outcome().to_string().contains("some information is withheld"), !expected);
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_source_does_not_say_what_somebody_objects_to_nothing_of_it_is_shown() {
    let (world, person) = holders(Some("permit")).await;
    let token = world.token(&of(&person));
    assert!(read(&world, &person, &of(&person)).await.text.contains("HELD"));
    world.region.fail("ccr", Fault::LosesType { kind: "Consent".into() });
    for way in ways(&person) {
        let answer = world.get(&way, &token).await;
        assert!(!answer.text.contains("HELD"), "{way}: {}", answer.text);
    }
    let searched = world.get(&format!("Condition?patient={person}"), &token).await;
    assert_eq!(searched.state("problems"), Some("unavailable"));
    assert!(searched.issues_of("ccr").iter().any(|(_, _, kind)| kind == "Consent"), "{}", searched.text);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_over_when_an_objection_begins() {
    let world = world();
    let person = world.person(DEMO_PERSON).await;
    let class = json!({"system": "urn:severn:category", "code": "allergies"});
    recorded(&world, &person, json!({"type": "deny", "class": [class], "period": {"start": "2099-01-01"}})).await;
    let begins = jiff::Timestamp::from_second(world.clock.now().as_second() + 60).unwrap();
    recorded(&world, &person, json!({"type": "deny", "class": [class], "period": {"start": begins.to_string()}})).await;
    world.clock.forward_s(1);
    let token = world.token(&of(&person));
    let next = world.get(&format!("Patient/{person}/$everything?_count=3"), &token).await.next().unwrap();
    assert_eq!(world.get(&next, &token).await.status, 200);
    world.clock.forward_s(120);
    assert_eq!(world.get(&next, &token).await.status, 410);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_over_with_the_rules_that_it_was_laid_out_by() {
    let world = world();
    let person = world.person(DEMO_PERSON).await;
    let token = world.token(&of(&person));
    let next = world.get(&format!("Patient/{person}/$everything?_count=3"), &token).await.next().unwrap();
    assert_eq!(world.get(&next, &token).await.status, 200);
    let own = access::Text {
        file: "site.cedar".to_owned(),
        text: "@id(\"site.no-allergies\")\nforbid (principal, action == Action::\"see\", resource) when { resource.category == \"allergies\" };"
            .to_owned(),
    };
    let rules = access::Rules::load(&[own], None, access::Site::default()).unwrap();
    world.exchange.policy().replace(rules);
    assert_eq!(world.get(&next, &token).await.status, 410);
}

/// A practice's own answer is passed on past the joined record, and not past what was said to the practice.
#[tokio::test(start_paused = true)]
async fn what_somebody_objects_to_at_a_practice_counts_for_what_is_passed_on_of_it() {
    let gp = habits("gp").unwrap();
    for (organisation, decision, expected) in
        [(gp.organisation, "permit", true), (gp.organisation, "deny", false), (habits("ccr").unwrap().organisation, "deny", true)]
    {
        let practice = Supplier::of_the_region(gp, "http://gp.testbed.example");
        let region = Region::of([holder(Some(decision), organisation), practice]);
        let world = World::around(Arc::new(region), &Setup { sources: vec![("ccr", "nhs_number = \"verified\"\n")], ..Setup::default() });
        let person = world.person(DEMO_PERSON).await;
        let question = json!({"resourceType": "Parameters", "parameter": [{"name": "includeProblems"}, {"name": "includeAllergies",
            "part": [{"name": "includeResolvedAllergies", "valueBoolean": true}]}]});
        let path = format!("/fhir/STU3/Patient/{person}/$gpc.getstructuredrecord");
        let headers = [("content-type", "application/fhir+json")];
        let answer = world.send("POST", &path, Some(&world.token(&of(&person))), &headers, &question.to_string()).await;
        let tells = answer.text.contains("AllergyIntolerance") && answer.status == 200;
        assert_eq!(tells, expected, "{organisation} {decision}: {} {}", answer.status, answer.text);
        assert_eq!(read(&world, &person, &of(&person)).await.shown().contains_key("gp"), expected);
    }
}

/// Whose it is that a shared record passes on is often said by nobody.
#[tokio::test(start_paused = true)]
async fn what_is_passed_on_and_may_be_of_whom_somebody_objects_to_is_not_shown() {
    for (lines, custodian, expected) in
        [("", "RXK", true), ("vouches_for = [\"RXK\"]", "RXK", false), ("vouches_for = [\"RXK\"]", "RRK", false)]
    {
        let source = holder(None, habits("ccr").unwrap().organisation);
        let sources = vec![("ccr", "nhs_number = \"verified\"\n"), ("ccr", lines)];
        let world = World::around(Arc::new(Region::of([source])), &Setup { blocks: KNOWN, sources, ..Setup::default() });
        let person = world.person(DEMO_PERSON).await;
        assert!(read(&world, &person, &of(&person)).await.text.contains("HELD"));
        recorded(&world, &person, json!({"type": "deny", "actor": [actor(CUSTODIAN, custodian)]})).await;
        let answer = read(&world, &person, &of(&person)).await;
        assert_eq!((answer.status, answer.text.contains("HELD")), (200, expected), "{lines} {custodian}: {}", answer.text);
    }
}

#[tokio::test(start_paused = true)]
async fn an_objection_beyond_what_was_fetched_of_a_long_record_counts() {
    for (decision, expected) in [("permit", true), ("deny", false)] {
        let source = holder_of_many(2000, Some(decision), habits("ccr").unwrap().organisation);
        let setup = Setup { limits: "pages_max = 1", sources: vec![("ccr", "nhs_number = \"verified\"\n")], ..Setup::default() };
        let world = World::around(Arc::new(Region::of([source])), &setup);
        let person = world.person(DEMO_PERSON).await;
        let answer = read(&world, &person, &of(&person)).await;
        assert!(answer.issues_of("ccr").iter().any(|(_, code, _)| code == "ok-truncated"), "{:?}", answer.issues_of("ccr"));
        assert_eq!(answer.text.contains("HELD"), expected, "{decision}: {:?}", answer.issues_of("ccr"));
    }
}
