//! Everybody in the pretend region is read and judged by what the region knows of them.

use std::sync::Arc;

use serde_json::{Value, json};
use server::demo::judge;
use testbed::{DEMO_PERSON, Fault, Person, Region, people};

use crate::world::{Answer, Setup, World};

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
