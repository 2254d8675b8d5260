//! Reads that are brought before a privacy officer, with the facts that made it so; never an answer that is withheld or waits.

use std::sync::Arc;

use exchange::{PrivacyFilter, PrivacyKind};
use testbed::DEMO_PERSON;

use crate::world::{Card, Setup, World, region};

const OTHER: &str = "9990000026";

fn staff() -> String {
    format!("sds_user_id,nhs_number,family_name,given_name,birth_date,postcode\n999999999999,{DEMO_PERSON},,,,\n")
}

fn world(limits: &'static str) -> World {
    let files = vec![("staff.csv", staff()), ("watched.txt", format!("# secret\n{OTHER}\n"))];
    World::around(Arc::new(region(&["ccr"])), &Setup { blocks: limits, files, ..Setup::default() })
}

async fn found(world: &World) -> Vec<(String, String)> {
    world.settled().await;
    let filter = PrivacyFilter { kind: Some(PrivacyKind::Monitoring), count_max: 100, ..PrivacyFilter::default() };
    let tasks = world.queue().privacy_tasks(&filter).await.unwrap();
    let mut found: Vec<_> = tasks.into_iter().map(|task| (task.rule, task.reason)).collect();
    found.sort();
    found
}

fn rules(found: &[(String, String)]) -> Vec<&str> {
    found.iter().map(|(rule, _)| rule.strip_prefix("monitoring.").unwrap()).collect()
}

async fn read(world: &World, person: &str, user: &'static str, sds_user_id: &'static str) {
    let card = Card { user, sds_user_id: Some(sds_user_id), patient: Some(person.to_owned()), ..Card::doctor() };
    assert_eq!(world.get(&format!("AllergyIntolerance?patient={person}"), &world.token(&card)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_read_of_ones_own_record_and_of_a_watched_one_is_brought_up_once_a_day() {
    let world = world("[monitoring]\nstaff_file = \"staff.csv\"\nwatch_list_file = \"watched.txt\"");
    let (own, watched) = (world.person(DEMO_PERSON).await, world.person(OTHER).await);
    read(&world, &own, "u-2", "111111111111").await;
    assert!(found(&world).await.is_empty());
    for _ in 0..3 {
        read(&world, &own, "u-1", "999999999999").await;
        read(&world, &watched, "u-1", "999999999999").await;
    }
    let told = found(&world).await;
    assert_eq!(rules(&told), ["own-record", "watch-list"]);
    let text = format!("{told:?}");
    assert!(!text.contains(DEMO_PERSON) && !text.contains(OTHER) && !text.contains(&own) && !text.contains("u-1"), "{text}");
    // Another day is another finding.
    world.clock.forward_s(24 * 3600);
    read(&world, &own, "u-1", "999999999999").await;
    assert_eq!(rules(&found(&world).await), ["own-record", "own-record", "watch-list"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_about_many_people_is_brought_up_by_whatever_name_their_requests_go() {
    let world = world("[monitoring]\npeople_hour_max = 2\npeople_day_max = 3");
    let numbers = [DEMO_PERSON, OTHER, "9990000034", "9990000042"];
    let mut people = Vec::new();
    for number in numbers {
        people.push(world.person(number).await);
    }
    world.clock.forward_s(2 * 24 * 3600);
    let same = [("x-request-id", "the-same")];
    let ask = async |person: &String| {
        let card = Card { patient: Some(person.clone()), ..Card::doctor() };
        world.get_with(&format!("AllergyIntolerance?patient={person}"), &world.token(&card), &same).await.status
    };
    // The same two, however often, are two.
    for _ in 0..3 {
        assert_eq!((ask(&people[0]).await, ask(&people[1]).await), (200, 200));
    }
    assert!(found(&world).await.is_empty());
    assert_eq!(ask(&people[2]).await, 200);
    let told = found(&world).await;
    assert_eq!(rules(&told), ["volume-hour"]);
    assert_eq!(told[0].1, "the reader asked about 3 people in an hour; 2 are not looked at");
    world.clock.forward_s(2 * 3600);
    assert_eq!(ask(&people[3]).await, 200);
    assert_eq!(rules(&found(&world).await), ["volume-day", "volume-hour"]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_cannot_be_written_withholds_and_delays_nothing() {
    let world = world("[monitoring]\nwatch_list_file = \"watched.txt\"\npeople_hour_max = 1");
    let watched = world.person(OTHER).await;
    let breaker = rusqlite::Connection::open(world.store_file()).unwrap();
    breaker.execute_batch("CREATE TRIGGER full BEFORE INSERT ON privacy_task BEGIN SELECT RAISE(ABORT, 'disk full'); END").unwrap();
    let (log, _logging) = crate::logged::logged();
    read(&world, &watched, "u-1", "999999999999").await;
    world.settled().await;
    assert!(log.text().contains("monitoring.failed"), "{}", log.text());
    assert!(found(&world).await.is_empty());
    breaker.execute_batch("DROP TRIGGER full").unwrap();
    read(&world, &watched, "u-1", "999999999999").await;
    assert_eq!(rules(&found(&world).await), ["watch-list"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_changes_counts_from_then_on_and_one_that_breaks_stays_as_it_was() {
    let world = world("[monitoring]\nwatch_list_file = \"watched.txt\"");
    let (first, second) = (world.person(OTHER).await, world.person(DEMO_PERSON).await);
    let write = |content: &str, seconds: u64| {
        world.write("watched.txt", content);
        let file = std::fs::File::options().append(true).open(world.store_file().with_file_name("watched.txt")).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
    };
    write("not a number\n", 1_000);
    read(&world, &first, "u-1", "1").await;
    assert_eq!(rules(&found(&world).await), ["watch-list"]);
    write(&format!("{DEMO_PERSON}\n"), 2_000);
    read(&world, &second, "u-1", "1").await;
    read(&world, &first, "u-3", "3").await;
    assert_eq!(found(&world).await.len(), 2);
}
