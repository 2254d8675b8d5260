//! Relationships that nobody has to claim: what earlier reads showed opens a record to the organisation that it ties the person to, for as
//! long as it speaks, and to nobody else.

use std::sync::Arc;

use people::{Author, EntryKey};
use record::Clock;
use testbed::DEMO_PERSON;

use crate::world::{Card, Setup, World, region};

const DAY: i64 = 86_400;

/// The status of a read, and the rules that made it so where it was answered.
async fn read(world: &World, person: &str, card: &Card) -> (u16, Vec<String>) {
    let answer = world.get(&format!("Patient/{person}/$everything"), &world.token(card)).await;
    let events = world.ledger.events_of(&answer.request());
    let policy = events.iter().filter(|event| event["event"] == "closed").flat_map(|event| event["policy"].as_array().unwrap().clone());
    (answer.status, policy.map(|rule| rule.as_str().unwrap().to_owned()).filter(|rule| rule.starts_with("relationship.")).collect())
}

fn colleague() -> Card {
    Card { user: "u-2", ..Card::doctor() }
}

/// Somebody who has the person open reads them, and so shows what there is.
async fn shown(world: &World, person: &str) {
    let own = Card { patient: Some(person.to_owned()), ..Card::doctor() };
    assert_eq!(read(world, person, &own).await, (200, vec!["relationship.launch".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_tie_that_a_hospital_showed_opens_the_record_there_until_it_ends_and_nowhere_else() {
    let world = World::of(&["uhb", "ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let other = world.person("9990000026").await;
    assert_eq!(read(&world, &person, &colleague()).await.0, 403);
    shown(&world, &person).await;
    let (status, rules) = read(&world, &person, &colleague()).await;
    assert_eq!(status, 200);
    // Every rule that opens it is named.
    assert!(!rules.is_empty(), "{rules:?}");
    assert!(rules.iter().all(|rule| ["relationship.appointment", "relationship.referral"].contains(&rule.as_str())), "{rules:?}");
    // Not another organisation, though its code begins alike; not another person; not who may not read at all.
    for organisation in ["RXK", "RRK1", "RR", "QWU"] {
        assert_eq!(read(&world, &person, &Card { organisation, ..colleague() }).await.0, 403, "{organisation}");
    }
    assert_eq!(read(&world, &other, &colleague()).await.0, 403);
    assert_eq!(read(&world, &person, &Card { roles: vec!["R0001"], ..colleague() }).await.0, 403);
    assert_eq!(read(&world, &person, &Card { purpose: "HRESCH", ..colleague() }).await.0, 403);
    // Nobody read them since: then it is over.
    world.clock.forward_s(60 * DAY);
    assert_eq!(read(&world, &person, &colleague()).await.0, 200);
    world.clock.forward_s(200 * DAY);
    assert_eq!(read(&world, &person, &colleague()).await.0, 403);
}

#[tokio::test(start_paused = true)]
async fn what_a_shared_record_says_of_a_hospital_opens_nothing_there_unless_it_speaks_for_it() {
    for (lines, expected) in [("", 403), ("vouches_for = [\"RXK\"]", 403), ("vouches_for = [\"RXK\", \"RRK\"]", 200)] {
        let setup = Setup { sources: vec![("ccr", lines)], ..Setup::default() };
        let world = World::around(Arc::new(region(&["ccr"])), &setup);
        let person = world.person(DEMO_PERSON).await;
        shown(&world, &person).await;
        assert_eq!(read(&world, &person, &colleague()).await.0, expected, "{lines}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_practice_they_are_registered_with_needs_no_claim_and_no_other_has_one() {
    for (lines, expected) in [("", 403), ("vouches_for = [\"M85028\", \"M85001\"]", 200)] {
        let setup = Setup { sources: vec![("ccr", lines)], ..Setup::default() };
        let world = World::around(Arc::new(region(&["ccr"])), &setup);
        let person = world.person(DEMO_PERSON).await;
        let theirs = Card { organisation: "M85028", ..colleague() };
        assert_eq!(read(&world, &person, &theirs).await.0, 403);
        // A file of whom the practices have on their lists is loaded; nobody has read anything.
        let register = world.registrar.register();
        world.settled().await;
        let known = register.person(&person.parse().unwrap()).await.unwrap();
        let mut entry = match known.as_ref().and_then(|known| known.entries.first()) {
            Some(entry) => entry.clone(),
            None => {
                shown(&world, &person).await;
                world.settled().await;
                register.person(&person.parse().unwrap()).await.unwrap().unwrap().entries[0].clone()
            }
        };
        (entry.demographics.practice, entry.seen) = (Some("M85028".to_owned()), world.clock.now());
        world.registrar.take(entry).await.unwrap();
        let rules = if expected == 200 { vec!["relationship.registered-practice".to_owned()] } else { Vec::new() };
        assert_eq!(read(&world, &person, &theirs).await, (expected, rules), "{lines}");
        for organisation in ["M85001", "M8502", "M850281", "RRK"] {
            assert_eq!(read(&world, &person, &Card { organisation, ..colleague() }).await.0, 403, "{organisation}");
        }
        world.clock.forward_s(91 * DAY);
        assert_eq!(read(&world, &person, &theirs).await.0, 403);
    }
}

#[tokio::test(start_paused = true)]
async fn g8_nothing_is_open_by_what_an_entry_showed_that_turned_out_to_be_another_persons() {
    let world = World::of(&["uhb", "ccr"]);
    let person = world.person(DEMO_PERSON).await;
    shown(&world, &person).await;
    world.settled().await;
    assert_eq!(read(&world, &person, &colleague()).await.0, 200);
    world.settled().await;
    let known = world.registrar.register().person(&person.parse().unwrap()).await.unwrap().unwrap();
    let keys: Vec<EntryKey> =
        known.entries.iter().filter(|entry| entry.key.source.as_str() == "uhb").map(|entry| entry.key.clone()).collect();
    assert!(!keys.is_empty());
    let author = Author::Rules("a test".to_owned());
    for key in &keys {
        world.registrar.unlink(key, &author, "another person's").await.unwrap();
    }
    assert_eq!(read(&world, &person, &colleague()).await.0, 403);
}
