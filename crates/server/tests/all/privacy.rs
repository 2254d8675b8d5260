//! Accesses that somebody looks at afterwards: raised before they are granted, judged by a privacy officer, never by who made them.

use exchange::{PrivacyFilter, PrivacyKind, ReviewState};
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
