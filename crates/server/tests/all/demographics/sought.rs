//! Looked for by who they are: whoever fits is shown, or it is said that it cannot be said now; and of nobody else can be seen that they
//! are there.

use std::time::Duration;

use ::people::{ClaimedNumber, Demographics, Entry, EntryKey, Name, NumberStatus};
use serde_json::Value;
use tokio::time::Instant;

use super::*;
use crate::ladder::live;

/// The same, and no more than two are shown.
const TWO: &str = "[national.demographics]\nurl = \"http://127.0.0.1:1/personal-demographics/FHIR/R4\"\n[people]\nshown_max = 2\n";
const TWO_WITHOUT: &str = "[people]\nshown_max = 2\n";
const GIVEN: [&str; 12] = [
    "Agnes",
    "Bertha",
    "Cordelia",
    "Dorothy",
    "Esmeralda",
    "Florence",
    "Gwendolen",
    "Henrietta",
    "Isabella",
    "Josephine",
    "Katherine",
    "Lavinia",
];
/// Whoever is called Quickenborough and was born on that day.
const SOUGHT: &str = "Patient?family=Quickenborough&birthdate=1951-05-17";
/// Whom nobody is like, in as many letters.
const NOBODY: &str = "Patient?family=Zzyzzenborough&birthdate=1901-05-17";

fn number(at: usize) -> String {
    let mut free = (9_990_300_000u64..).map(|number| number.to_string()).filter(|number| number.parse::<record::NhsNumber>().is_ok());
    free.nth(at).unwrap()
}

/// Somebody as a source says: with a number, if they are to have one.
fn entry(world: &World, at: usize, number: Option<&str>) -> Entry {
    let demographics = Demographics {
        number: number.map(|number| ClaimedNumber { value: number.to_owned(), status: NumberStatus::Verified }),
        names: vec![Name { family: "Quickenborough".to_owned(), given: vec![GIVEN[at].to_owned()], ..Name::default() }],
        birth_date: Some("1951-05-17".parse().unwrap()),
        phones: vec![format!("01384 4000{at:02}")],
        ..Demographics::default()
    };
    let key = EntryKey { source: "ccr".parse().unwrap(), local_id: format!("q-{at}") };
    Entry { key, provider: None, demographics, restricted: false, seen: world.clock.now() }
}

/// Somebody is in the index and in the service's books; their id.
async fn comes(world: &World, at: usize) -> String {
    comes_as(world, at, entry(world, at, Some(&number(at)))).await
}

async fn comes_as(world: &World, at: usize, said: Entry) -> String {
    world.registrar.take(said.clone()).await.unwrap();
    let about = testbed::About { nhs_number: number(at), ..testbed::person(DEMO_PERSON).unwrap().about.clone() };
    world.region.demographics().put(about);
    world.registrar.index().home(&said.key).unwrap().to_string()
}

/// What came of a search: all that a reader can see of it, and how long it took.
async fn looked(world: &World, path: &str) -> (u16, String, Duration) {
    let start = Instant::now();
    let answer = world.get(path, &world.token(&Card::doctor())).await;
    let took = start.elapsed();
    // The links of a page say what was asked for.
    let text = answer.text.replace(&answer.request(), "ID").replace(path, "PATH");
    (answer.status, untimed(&text), took)
}

/// Who is shown, in order.
async fn shown(world: &World, path: &str, card: Card) -> Vec<String> {
    let answer = world.get(path, &world.token(&card)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let matches = answer.entries().iter().filter(|entry| entry["search"]["mode"] == "match");
    matches.map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

fn refused(world: &World, outcome: &(u16, String, Duration)) {
    assert_eq!(outcome.0, 503, "{}", outcome.1);
    let said: Value = serde_json::from_str(&outcome.1).unwrap();
    assert_eq!(said["issue"][0]["code"], "transient");
    let words = said["issue"][0]["details"]["text"].as_str().unwrap();
    assert!(words.contains("could not be decided") && words.contains("Try again"), "{words}");
    let last = world.ledger.events().pop().unwrap();
    assert_eq!(last["event"], "refused");
    assert!(last["why"].as_str().unwrap().contains("may be shown is not known"), "{last}");
}

/// Twelve at five a second, and the service slow: all of them, or word that it cannot be said; never a part.
#[tokio::test(start_paused = true)]
async fn a_search_that_fits_many_shows_every_one_of_them() {
    let world = world(&["ccr"], PDS);
    let mut people = Vec::new();
    for at in 0..GIVEN.len() {
        people.push(comes(&world, at).await);
    }
    people.sort();
    world.region.fail(DEMOGRAPHICS, Fault::Slow { ms: 300 });
    for _ in 0..2 {
        let mut found = shown(&world, SOUGHT, Card::doctor()).await;
        found.sort();
        assert_eq!(found, people);
        assert_eq!(asked(&world.region).len(), people.len(), "each was asked for once");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    // While others take the service's time, too.
    world.clock.forward_s(LABEL_S);
    let readers = people.iter().map(|person| read(&world, person));
    let searches = futures::future::join_all((0..5).map(|_| async { world.get(SOUGHT, &world.token(&Card::doctor())).await }));
    let (searches, _) = tokio::join!(searches, futures::future::join_all(readers));
    for answer in searches {
        let whole = answer.json["total"] == people.len();
        assert!(whole && answer.status == 200 || answer.status == 503, "{}: {}", answer.status, answer.json["total"]);
    }
    world.ledger.verify();
}

/// The service is silent, and of one who fits nothing is believed any more: it is said of nobody that they fit, nor that nobody does.
#[tokio::test(start_paused = true)]
async fn while_it_cannot_be_known_who_may_be_shown_nothing_is_said_of_anybody() {
    for fault in [Fault::Silent, Fault::Refusing { how: Refusal::Unavailable }, Fault::Throttled { retry_after_s: 1 }] {
        let world = world(&["ccr"], PDS);
        let (first, second) = (comes(&world, 0).await, comes(&world, 1).await);
        let both = looked(&world, SOUGHT).await;
        assert!(both.1.contains(&first) && both.1.contains(&second));
        // The last word serves for a day, of whom it called unrestricted.
        world.region.fail(DEMOGRAPHICS, fault.clone());
        world.clock.forward_s(LABEL_S);
        assert_eq!(looked(&world, SOUGHT).await, both, "{fault:?}");
        // Of a third it has said nothing: neither they are shown, nor the two without them.
        let third = comes(&world, 2).await;
        let undecided = looked(&world, SOUGHT).await;
        refused(&world, &undecided);
        for person in [&first, &second, &third] {
            assert!(!undecided.1.contains(person.as_str()));
        }
        // As of somebody whom nobody knows, and of somebody who is restricted, be it known here or not.
        world.region.demographics().label(&number(2), Some("R"));
        assert_eq!(looked(&world, SOUGHT).await, undecided, "{fault:?}");
        assert_eq!(looked(&world, NOBODY).await, undecided, "{fault:?}");
        world.region.heal();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(looked(&world, SOUGHT).await, both, "{fault:?}: the third is restricted, and as if they were not");
        assert_eq!(looked(&world, NOBODY).await.0, 200);
        world.ledger.verify();
    }
}

/// Somebody turns out to be hidden who fits best: who else fits, and whether those are too many, is as if they were not there.
#[tokio::test(start_paused = true)]
async fn whoever_turns_out_to_be_hidden_is_not_counted_either() {
    let hides: [fn(&World, &str); 4] = [
        |world, number| world.region.demographics().label(number, Some("R")),
        |world, number| world.region.demographics().label(number, None),
        |world, number| world.region.demographics().invalidate(number),
        |world, number| world.region.demographics().forget(number),
    ];
    for (case, hide) in hides.into_iter().enumerate() {
        for others in [2, 3] {
            let world = world(&["ccr"], TWO);
            // Of these the source gives no given name: they may be meant.
            for at in 0..others {
                let mut said = entry(&world, at, Some(&number(at)));
                said.demographics.names[0].given.clear();
                said.demographics.phones.clear();
                comes_as(&world, at, said).await;
            }
            world.region.fail(DEMOGRAPHICS, Fault::Slow { ms: 100 });
            let path = format!("{SOUGHT}&given={}", GIVEN[11]);
            let without = looked(&world, &path).await;
            assert_eq!(without.1.contains("More people fit this"), others == 3, "{}", without.1);
            // One more is meant for certain.
            let last = comes(&world, 11).await;
            let with = looked(&world, &path).await;
            assert!(with.1.contains(&last), "they are not hidden, and fit best: {}", with.1);
            hide(&world, &number(11));
            world.clock.forward_s(LABEL_S);
            for round in ["turns out", "is known"] {
                assert_eq!(looked(&world, &path).await, without, "case {case}, {others} others, {round}");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            world.ledger.verify();
        }
    }
}

/// Of whoever has no number no label can be had: to those who may not know of restricted people they are not there, with the service and
/// without.
#[tokio::test(start_paused = true)]
async fn whoever_has_no_number_is_found_by_those_only_who_may_find_the_restricted() {
    for blocks in [TWO, TWO_WITHOUT] {
        // A demonstration names nobody of whom it is not known that they are made up.
        let world = World::around(Arc::new(region(&["ccr"])), &live(blocks));
        comes(&world, 0).await;
        let without = looked(&world, SOUGHT).await;
        assert_eq!(without.0, 200);
        let mut more = Vec::new();
        // One of them has a number that no source has verified: it is no more theirs than none.
        for (at, number) in [(1, None), (2, None), (3, Some(number(3)))] {
            let mut said = entry(&world, at, number.as_deref());
            said.demographics.number.iter_mut().for_each(|number| number.status = NumberStatus::Unverified);
            world.registrar.take(said.clone()).await.unwrap();
            more.push(world.registrar.index().home(&said.key).unwrap().to_string());
        }
        assert_eq!(looked(&world, SOUGHT).await, without, "neither shown nor counted");
        let restricted = Card { activities: vec!["B0264", "B0360", "B1611"], ..Card::doctor() };
        let found = world.get(&format!("{SOUGHT}&given={}", GIVEN[1]), &world.token(&restricted)).await;
        assert!(found.text.contains(&more[0]) || found.text.contains("More people fit"), "{}", found.text);
    }
}

/// Without the service only numbers that were never issued have a label: others are not found by who they are, as they are not by the
/// number.
#[tokio::test(start_paused = true)]
async fn without_the_service_nobody_with_a_real_number_is_found() {
    // A demonstration would not even take them in.
    let world = World::around(Arc::new(region(&["ccr"])), &live(""));
    let nobody = looked(&world, SOUGHT).await;
    world.registrar.take(entry(&world, 0, Some("9434765919"))).await.unwrap();
    assert_eq!(looked(&world, SOUGHT).await, nobody);
    comes(&world, 1).await;
    assert_eq!(looked(&world, SOUGHT).await.1.matches("\"match\"").count(), 1);
}

/// One who fits, nobody, somebody hidden, more than may be shown, cold and warm: all in the same time.
#[tokio::test(start_paused = true)]
async fn a_search_takes_as_long_whomever_it_finds() {
    for fault in [None, Some(Fault::Slow { ms: 300 })] {
        let world = world(&["ccr"], TWO);
        comes(&world, 0).await;
        comes(&world, 1).await;
        world.region.demographics().label(&number(1), Some("R"));
        if let Some(fault) = fault {
            world.region.fail(DEMOGRAPHICS, fault);
        }
        let mut took = Vec::new();
        for _ in 0..2 {
            for path in [SOUGHT, NOBODY] {
                took.push(looked(&world, path).await.2);
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
        for at in 2..6 {
            comes(&world, at).await;
        }
        let many = looked(&world, SOUGHT).await;
        assert!(many.1.contains("More people fit this"), "{}", many.1);
        took.push(many.2);
        assert!(took.iter().all(|one| *one == took[0]), "{took:?}");
        assert_eq!(took[0], Duration::from_millis(1_500));
    }
}
