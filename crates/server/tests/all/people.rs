//! Everybody in the pretend region is read and judged by what the region knows of them.

use std::sync::Arc;

use ::people::{Doubt, EntryKey, TaskFilter};
use serde_json::{Value, json};
use server::demo::judge;
use testbed::{DEMO_PERSON, Fault, Person, Refusal, Region, Wrong, people};

use crate::world::{Answer, Setup, World, region};

/// A world in which nobody is kept waiting.
fn world() -> World {
    let limits = "concurrent = 1000\nper_second = 1000000\nqueue_ms = 5000";
    World::around(Arc::new(Region::in_memory()), &Setup { limits, ..Setup::default() })
}

/// Everything about a person, page by page.
async fn pages(world: &World, person: &Person) -> Vec<String> {
    let id = world.person(&person.about.nhs_number).await;
    let token = world.doctor_of(&id);
    let mut next = Some(format!("Patient/{id}/$everything?_count=50"));
    let mut pages = Vec::new();
    while let Some(path) = next {
        let Answer { status, text, .. } = &world.get(&path, &token).await;
        assert_eq!(*status, 200, "{}: {text}", person.slug);
        next = next_of(text);
        pages.push(text.clone());
    }
    pages
}

fn next_of(page: &str) -> Option<String> {
    let page: Value = serde_json::from_str(page).unwrap();
    let link = page["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
    link["url"].as_str().map(str::to_owned)
}

#[tokio::test(start_paused = true)]
async fn everybody_is_joined_as_the_region_knows_them() {
    let world = world();
    let mut faults = Vec::new();
    for person in people() {
        let read = pages(&world, person).await;
        faults.extend(judge::faults(person, &read, None).into_iter().map(|fault| format!("{}: {fault}", person.slug)));
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(people().len(), 44);
    world.ledger.verify();
}

fn named(slug: &str) -> &'static Person {
    people().iter().find(|person| person.slug == slug).unwrap()
}

/// The region has people whose files are doubtful, and people whose files only look so.
#[tokio::test(start_paused = true)]
async fn golden_24_a_doubtful_file_is_held_and_a_former_name_is_not() {
    let world = world();
    let check = async |slug: &str, held: &[&str], shown: &[&str]| {
        let person = named(slug);
        assert_eq!(person.doubtful().into_iter().collect::<Vec<_>>(), held, "{slug}");
        let id = world.person(&person.about.nhs_number).await;
        let answer = world.get(&format!("Patient/{id}/$everything?_count=5000"), &world.doctor_of(&id)).await;
        assert_eq!(answer.shown().into_keys().collect::<Vec<_>>(), shown, "{slug}");
        for source in held {
            assert!(answer.issues_of(source).iter().any(|(_, code, _)| code == "held"), "{slug}: {:?}", answer.issues_of(source));
        }
    };
    check("alex-morgan", &[], &["gp", "ohc", "uhb"]).await;
    check("emily-carter", &[], &["ccr", "gp", "rx", "uhb"]).await;
    check("george-papadakis", &["gp"], &["ccr", "ohc", "uhb"]).await;
    check("kyle-rafferty", &["ccr", "soc"], &["gp", "mh", "rx"]).await;
}

/// Sources of one person whom all three know.
const MIXED_UP: [&str; 3] = ["ccr", "gp", "uhb"];

async fn read(world: &World, person: &str) -> Answer {
    let answer = world.get(&format!("Patient/{person}/$everything?_count=5000"), &world.doctor_of(person)).await;
    world.settled().await;
    answer
}

/// What the person index has of a source's patients: the entry's key, whose it is, and the birth date.
async fn entries(world: &World, source: &str) -> Vec<(EntryKey, String, String)> {
    let page = world.registrar.register().page(None, 1000).await.unwrap();
    let of = |person: &::people::Person| {
        let own = person.entries.iter().filter(|entry| entry.key.source.as_str() == source);
        own.map(|entry| (entry.key.clone(), person.id.to_string(), entry.demographics.birth_date.unwrap().to_string())).collect::<Vec<_>>()
    };
    page.persons.iter().flat_map(of).collect()
}

/// A number was once another's, and what these sources said of its birth date then stands in the person index. Two have put it right.
async fn put_right_by_two(mixed_up: &[&str]) -> (World, String) {
    let setup = Setup { limits: "breaker_window = 10000", ..Setup::default() };
    let world = World::around(Arc::new(region(&MIXED_UP)), &setup);
    for source in MIXED_UP {
        let said_nothing = Fault::Refusing { how: Refusal::Unavailable };
        let fault = if mixed_up.contains(&source) { Fault::WrongPerson { by: Wrong::BirthDate } } else { said_nothing };
        world.region.fail(source, fault);
    }
    let person = world.person(DEMO_PERSON).await;
    let before = read(&world, &person).await;
    assert_eq!(before.shown().into_keys().collect::<Vec<_>>(), mixed_up);
    for source in mixed_up {
        assert!(matches!(entries(&world, source).await.as_slice(), [(_, home, born)] if *home == person && born == "1901-02-03"));
    }
    world.clock.forward_s(3600);
    world.region.heal();
    world.region.fail("uhb", Fault::WrongPerson { by: Wrong::BirthDate });
    (world, person)
}

/// The first read shows those who put it right, and a steward hears of whoever has not.
#[tokio::test(start_paused = true)]
async fn golden_18_an_old_mix_up_in_the_index_does_not_outvote_those_who_put_it_right() {
    for mixed_up in [&MIXED_UP[..2], &MIXED_UP[..]] {
        let (world, person) = put_right_by_two(mixed_up).await;
        for _ in 0..2 {
            let answer = read(&world, &person).await;
            assert_eq!(answer.shown().into_keys().collect::<Vec<_>>(), ["ccr", "gp"], "{mixed_up:?}");
            assert!(answer.issues_of("uhb").iter().any(|(_, code, _)| code == "identity-mismatch"), "{:?}", answer.issues_of("uhb"));
        }
        for source in ["ccr", "gp"] {
            assert!(entries(&world, source).await.iter().all(|(_, _, born)| born != "1901-02-03"), "{mixed_up:?} {source}");
        }
        let of_uhb = entries(&world, "uhb").await;
        let [(key, home, born)] = of_uhb.as_slice() else { panic!("{of_uhb:?}") };
        assert_eq!(born, "1901-02-03", "the index has what the source says");
        let filter = TaskFilter { open: true, count_max: 100, ..TaskFilter::default() };
        let tasks = world.registrar.tasks(&filter).await.unwrap();
        let held = |task: &::people::Task| task.doubt == Doubt::Held && task.entry == *key && task.person.as_str() == person;
        assert_eq!(tasks.iter().filter(|task| held(task)).count(), 1, "{mixed_up:?}: {tasks:?}");
        // Where the third had the number's date wrong from the start, it is not theirs; where it has stayed, that is for the steward.
        assert_eq!(*home == person, mixed_up.len() == 3, "{mixed_up:?}");
        // With those who know better silent, what they said stands against it.
        for source in ["ccr", "gp"] {
            world.region.fail(source, Fault::Refusing { how: Refusal::Unavailable });
        }
        let answer = read(&world, &person).await;
        assert!(!answer.shown().contains_key("uhb"), "{mixed_up:?}: somebody else's record is shown");
        // It puts it right, too: nothing is left of the mix-up.
        world.region.heal();
        world.clock.forward_s(3600);
        let answer = read(&world, &person).await;
        assert_eq!(answer.shown().into_keys().collect::<Vec<_>>(), MIXED_UP, "{mixed_up:?}");
        world.ledger.verify();
    }
}

/// The wrong date came with an answer, and not before: what was shown of the person's other sources is shown still.
#[tokio::test(start_paused = true)]
async fn golden_18_a_source_that_turns_wrong_takes_its_voice_along_and_nobody_elses() {
    let world = World::around(Arc::new(region(&MIXED_UP)), &Setup::default());
    let person = world.person(DEMO_PERSON).await;
    assert_eq!(read(&world, &person).await.shown().len(), 3);
    world.region.fail("uhb", Fault::WrongPerson { by: Wrong::BirthDate });
    world.clock.forward_s(3600);
    assert_eq!(read(&world, &person).await.shown().into_keys().collect::<Vec<_>>(), ["ccr", "gp"]);
    let of_uhb = entries(&world, "uhb").await;
    assert!(matches!(of_uhb.as_slice(), [(_, home, born)] if *home != person && born == "1901-02-03"), "{of_uhb:?}");
    // Another number is another person, of whom the index hears nothing by this one's answers.
    world.region.fail("gp", Fault::WrongPerson { by: Wrong::Number });
    let before = entries(&world, "gp").await;
    read(&world, &person).await;
    assert_eq!(entries(&world, "gp").await, before);
}

#[tokio::test(start_paused = true)]
async fn the_judge_sees_what_is_wrong() {
    let world = world();
    let person = testbed::person(DEMO_PERSON).unwrap();
    let sound = pages(&world, person).await;
    assert_eq!(judge::faults(person, &sound, None), Vec::<String>::new());
    let check = |what: &str, tamper: &dyn Fn(&mut Vec<Value>), expected: &str| {
        let tampered: Vec<String> = sound.iter().map(|page| tampered(page, tamper)).collect();
        let faults = judge::faults(person, &tampered, None);
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{what}: {faults:?}");
    };
    let of = |kind: &'static str| move |entry: &Value| entry["resource"]["resourceType"] == kind;
    check("a type is lost", &|entries| entries.retain(|entry| !of("AllergyIntolerance")(entry)), "is not in the record");
    check("conflicts are hidden", &|entries| entries.retain(|entry| !of("DetectedIssue")(entry)), "no conflict is shown");
    check("links are lost", &|entries| entries.retain(|entry| !of("Linkage")(entry)), "no Linkage has it");
    let untag = |entries: &mut Vec<Value>| {
        entries.iter_mut().filter_map(|entry| entry["resource"]["meta"]["tag"].as_array_mut()).for_each(Vec::clear);
    };
    check("tags are lost", &untag, "are not in one cluster");
    check("all allergies are one", &one_cluster, "in one cluster, and do not say the same");
    let quarrel = |entries: &mut Vec<Value>| {
        let linked = entries.iter().find(|entry| of("Linkage")(entry) && entry.to_string().contains("Condition/")).cloned();
        if let Some(linked) = linked {
            let implicated: Vec<&Value> = linked["resource"]["item"].as_array().unwrap().iter().map(|item| &item["resource"]).collect();
            entries.push(json!({"resource": {"resourceType": "DetectedIssue", "implicated": implicated}}));
        }
    };
    check("agreement is called a conflict", &quarrel, "a conflict is shown between those who say the same");
    // Of somebody whose files are doubtful, the same pages would be wrong.
    assert!(!judge::faults(named("kyle-rafferty"), &sound, None).is_empty());
    // A source that fails must be named, and nothing more is asked of it.
    assert!(judge::faults(person, &sound, Some("not-there")).iter().any(|fault| fault.contains("is not named")));
    assert!(judge::demo_faults(&sound, "soc").iter().any(|fault| fault.contains("soc, is not named")));
    assert!(!judge::demo_faults(&[], "soc").is_empty());
    world.region.fail("soc", Fault::Silent);
    assert_eq!(judge::demo_faults(&pages(&world, person).await, "soc"), Vec::<String>::new());
}

fn tampered(page: &str, tamper: &dyn Fn(&mut Vec<Value>)) -> String {
    let mut page: Value = serde_json::from_str(page).unwrap();
    tamper(page["entry"].as_array_mut().unwrap());
    page.to_string()
}

/// Whatever the resources are about, they say that they belong together.
fn one_cluster(entries: &mut Vec<Value>) {
    let mut members = Vec::new();
    for entry in entries.iter_mut().filter(|entry| entry["resource"]["resourceType"] == "AllergyIntolerance") {
        let resource = &mut entry["resource"];
        let tags = resource["meta"]["tag"].as_array_mut().unwrap();
        tags.retain(|tag| tag["system"] != "urn:severn:cluster");
        tags.push(json!({"system": "urn:severn:cluster", "code": "one"}));
        members.push(json!({"resource": {"reference": format!("AllergyIntolerance/{}", resource["id"].as_str().unwrap())}}));
    }
    entries.push(json!({"resource": {"resourceType": "Linkage", "item": members}}));
}
