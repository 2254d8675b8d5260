//! How sources do, as those are told who operate the exchange: what fails and why, how long it takes, and nothing of anybody.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use server::operations::{Desk, ENDPOINTS};
use testbed::{DEMO_PERSON, Fault, Refusal, Region};

use crate::world::{Card, Setup, World};

fn operator() -> Card {
    Card { user: "o-1", scope: "severn.operator", ..Card::doctor() }
}

async fn ask(world: &World, path: &str) -> Value {
    let answer = world.send("GET", &format!("/operations/{path}"), Some(&world.token(&operator())), &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

async fn of(world: &World, source: &str) -> Value {
    ask(world, &format!("sources/{source}")).await
}

async fn read(world: &World, person: &str) {
    let token = world.doctor_of(person);
    assert_eq!(world.get(&format!("Patient/{person}/$everything"), &token).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_desk_opens_to_its_operator_and_to_nobody_else() {
    let world = World::of(&["ccr", "gp"]);
    let person = world.person(DEMO_PERSON).await;
    read(&world, &person).await;
    let callers = [
        ("nobody", None, 401),
        ("a doctor", Some(Card::doctor()), 403),
        ("a system", Some(Card::system()), 403),
        ("a system with the scope", Some(Card { scope: "system/*.rs severn.operator", sds_user_id: None, ..operator() }), 403),
        ("a privacy officer", Some(Card { roles: vec!["R0001"], scope: "severn.privacy", ..operator() }), 403),
        ("somebody whose scope only begins alike", Some(Card { scope: "severn.operators", ..operator() }), 403),
        ("an operator", Some(operator()), 200),
    ];
    for (who, card, expected) in callers {
        let token = card.as_ref().map(|card| world.token(card));
        for endpoint in ENDPOINTS {
            let path = endpoint.strip_prefix("GET ").unwrap().replace("{id}", "ccr");
            let asked = Desk::parse(&"GET".parse().unwrap(), &path).map(|desk| desk.name().to_owned()).ok().unwrap();
            let answer = world.send("GET", &format!("/operations/{path}"), token.as_deref(), &[], "").await;
            assert_eq!(answer.status, expected, "{who}: {path}: {}", answer.text);
            assert_eq!(answer.headers["cache-control"], "no-store");
            let events: &[&str] = if expected == 200 { &["opened", "closed"] } else { &["refused"] };
            assert_eq!(world.ledger.of(&answer.request()), events, "{who}: {asked}");
            for secret in [DEMO_PERSON, person.as_str(), "Hartley", "HARTLEY", "testbed.example"] {
                assert!(!answer.text.contains(secret), "{who}: {asked}: {secret}");
            }
            assert_eq!(answer.text.contains("\"ccr\""), expected == 200, "{who}: {asked}");
        }
    }
    let unknown = world.send("GET", "/operations/sources/none", Some(&world.token(&operator())), &[], "").await;
    assert_eq!((unknown.status, world.ledger.of(&unknown.request())), (404, vec!["opened".to_owned(), "refused".to_owned()]));
    let entered = world.ledger.text();
    assert!(entered.contains("operations: sources") && entered.contains("operations: region"));
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_told_with_its_cause_and_forgotten_in_time() {
    let region = Arc::new(Region::in_memory());
    let world = World::around(region.clone(), &Setup { limits: "breaker_window = 10000\nper_second = 100000", ..Setup::default() });
    for source in ask(&world, "sources").await["sources"].as_array().unwrap() {
        assert_eq!((&source["state"], &source["window"]["legs"], &source["last_answered"]), (&"idle".into(), &0.into(), &Value::Null));
    }
    let person = world.person(DEMO_PERSON).await;
    read(&world, &person).await;
    let healthy = of(&world, "uhb").await["source"].clone();
    assert_eq!(healthy["state"], "answering", "{healthy}");
    assert!(healthy["last_answered"].is_string() && healthy["window"]["statuses"]["ok"] == 1, "{healthy}");
    let before = healthy["window"]["legs"].as_u64().unwrap();

    region.fail("uhb", Fault::Refusing { how: Refusal::Unauthorised });
    read(&world, &person).await;
    region.heal();
    let told = of(&world, "uhb").await["source"].clone();
    assert_eq!(told["state"], "in-part", "{told}");
    assert_eq!((&told["window"]["failing"], &told["window"]["silent"]), (&1.into(), &1.into()), "{told}");
    assert_eq!(told["window"]["statuses"]["failed-auth"], 1, "{told}");
    assert_eq!(told["window"]["legs"], before + 1);
    assert_eq!(told["last_answered"], healthy["last_answered"], "a refusal is no answer");

    // The others' legs are not its.
    let other = of(&world, "ccr").await["source"].clone();
    assert_eq!((&other["state"], &other["window"]["failing"]), (&"answering".into(), &0.into()), "{other}");
    region.fail("ccr", Fault::Silent);
    read(&world, &person).await;
    region.heal();
    let slow = of(&world, "ccr").await["source"].clone();
    assert_eq!(slow["window"]["statuses"]["failed-timeout"], 1, "{slow}");
    let (quick, slowest) = (slow["window"]["p50_ms"].as_u64().unwrap(), slow["window"]["p99_ms"].as_u64().unwrap());
    assert!(quick < 1_000 && slowest >= 5_000, "{slow}");

    region.fail("uhb", Fault::OtherSubject);
    read(&world, &person).await;
    region.heal();
    let mixed = of(&world, "uhb").await;
    assert!(mixed["source"]["window"]["quarantined"]["other-subject"].as_u64().is_some_and(|count| count > 0), "{mixed}");

    // Whoever goes away takes their legs along: none is under way for ever.
    region.fail("ccr", Fault::Silent);
    let token = world.doctor_of(&person);
    let path = format!("Patient/{person}/$everything");
    let reading = world.get(&path, &token);
    assert!(tokio::time::timeout(Duration::from_millis(100), reading).await.is_err());
    region.heal();
    let left = of(&world, "ccr").await["source"].clone();
    assert_eq!((&left["under_way"], &left["waiting"]), (&0.into(), &0.into()), "{left}");

    world.clock.forward_s(16 * 60);
    let later = of(&world, "uhb").await;
    assert_eq!((&later["source"]["state"], &later["source"]["window"]["legs"]), (&"idle".into(), &0.into()), "{later}");
    assert!(!later["history"].as_array().unwrap().is_empty(), "{later}");
    assert!(later["history"].as_array().unwrap().len() <= 360);
    world.clock.forward_s(360 * 60);
    assert_eq!(of(&world, "uhb").await["history"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn the_region_is_told_by_organisation_and_flow() {
    let world = World::around(Arc::new(Region::in_memory()), &Setup::default());
    let region = ask(&world, "region").await;
    let sources = ask(&world, "sources").await["sources"].as_array().unwrap().len();
    assert_eq!(region["flows"].as_array().unwrap().len(), sources);
    let listed: usize = region["organisations"].as_array().unwrap().iter().map(|one| one["sources"].as_array().unwrap().len()).sum();
    assert_eq!(listed, sources, "each source is some organisation's, and only one's");
    assert!(!region.to_string().contains("http"), "an address is nobody's business here");
}
