//! What becomes of a joined record when a person's number or entries change.

use ::people::{Address, Author, BirthDate, ClaimedNumber, Demographics, Entry, EntryKey, Name, NumberStatus, TaskFilter};
use record::Clock;
use serde_json::{Value, json};

use crate::world::{Card, World};

fn about(slug: &str) -> &'static testbed::About {
    &testbed::people().iter().find(|person| person.slug == slug).unwrap().about
}

/// An entry of somebody with this name and number, in the words of a source.
fn entry(source: &str, local_id: &str, about: &testbed::About, (given, family, number): (&str, &str, Option<&str>)) -> Entry {
    let birth_date: BirthDate = about.birth_date.parse().unwrap();
    let (postcode, lines) = about.address.split_last().unwrap();
    let demographics = Demographics {
        number: number.map(|number| ClaimedNumber { value: number.to_owned(), status: NumberStatus::Verified }),
        names: vec![Name { family: family.to_owned(), given: vec![given.to_owned()], ..Name::default() }],
        birth_date: Some(birth_date),
        addresses: vec![Address { line: lines.join(", "), postcode: postcode.clone(), ..Address::default() }],
        ..Demographics::default()
    };
    let key = EntryKey { source: source.parse().unwrap(), local_id: local_id.to_owned() };
    Entry { key, provider: None, demographics, restricted: false, seen: jiff::Timestamp::constant(1_795_424_000, 0) }
}

async fn open_tasks(world: &World) -> Vec<::people::Task> {
    let filter = TaskFilter { open: true, count_max: 100, ..TaskFilter::default() };
    world.registrar.tasks(&filter).await.unwrap()
}

/// The child's number was invalidated at adoption, and they were given a new one, a new name and a new home. Whoever knows the new one
/// must come to nothing of the old by any way; the old is not to be had at all.
#[tokio::test(start_paused = true)]
async fn golden_25_an_adopted_childs_old_record_is_reached_by_no_route() {
    let world = World::of(&["ccr", "gp", "soc"]);
    let (old, new_number) = (about("oscar-fielding"), "9990123451");
    let new_number = if new_number.parse::<record::NhsNumber>().is_ok() { new_number.to_owned() } else { free() };
    let child = world.person(&old.nhs_number).await;
    let doctor = world.doctor_of(&child);
    let before = world.get(&format!("Patient/{child}/$everything?_count=3"), &doctor).await;
    assert_eq!(before.status, 200, "{}", before.text);
    let page = before.next().expect("more than a page");
    let theirs = before
        .entries()
        .iter()
        .find(|entry| entry["resource"]["resourceType"] != "OperationOutcome" && entry["resource"]["id"] != child.as_str());
    let theirs = theirs
        .map(|entry| format!("{}/{}", entry["resource"]["resourceType"].as_str().unwrap(), entry["resource"]["id"].as_str().unwrap()))
        .unwrap();
    world.settled().await;

    world.registrar.cut(&old.nhs_number.parse().unwrap()).await.unwrap();
    // The new person is known by an entry that is like the old in all but the name and the number.
    world.registrar.take(entry("soc", "new-1", old, (&old.given[0], "Newman", Some(&new_number)))).await.unwrap();
    // And the old entry comes once more from a source that has not heard.
    world.registrar.take(entry("soc", "old-1", old, (&old.given[0], &old.family, Some(&old.nhs_number)))).await.unwrap();

    // Reads, pages, ids: the old is as if it had never been.
    for path in [format!("Patient/{child}/$everything"), format!("Patient/{child}"), theirs] {
        let answer = world.get(&path, &doctor).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
    }
    // Nor does the number lead to anybody again, though sources still answer to it.
    let found = world.get(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{}", old.nhs_number), &doctor).await;
    assert_eq!(found.status, 200, "{}", found.text);
    assert!(!found.text.contains("\"match\""), "{}", found.text);
    let over = world.get(&page, &doctor).await;
    assert!([403, 410].contains(&over.status), "{}: {}", over.status, over.text);
    // Matching: by the old name nobody of the new is found, by the new nobody of the old.
    let token = world.token(&Card::doctor());
    for family in ["Newman", &old.family] {
        let found = world.get(&format!("Patient?family={family}&given={}&birthdate={}", old.given[0], old.birth_date), &token).await;
        assert_eq!(found.status, 200, "{}", found.text);
        assert!(!found.text.contains(&child), "{family}: {}", found.text);
        // Under the old name there is nobody; under the new, only the new.
        let shown = json!(found.entries()).to_string();
        assert_eq!(shown.contains("Newman"), family == "Newman", "{shown}");
        assert!(!shown.contains(&old.family), "{shown}");
    }
    // The steward's desk: no task names them together, or the old at all.
    for task in open_tasks(&world).await {
        let keys = [Some(&task.entry), task.other.as_ref()];
        let names = |local_id: &str| keys.iter().flatten().any(|key| key.local_id == local_id);
        assert!(!(names("new-1") && keys.iter().flatten().count() > 1), "a task joins the new with somebody: {task:?}");
    }
    // Audit: what stands about the new names no old, and the other way round.
    let new = world.registrar.person_of(&new_number.parse().unwrap()).await.unwrap().expect("they are known");
    assert_ne!(new.as_str(), child);
    let read = world.get(&format!("Patient/{new}/$everything"), &world.doctor_of(new.as_str())).await;
    assert_eq!(read.status, 200, "{}", read.text);
    assert!(!read.text.contains(&child) && !read.text.contains(&old.nhs_number), "{}", read.text);
    for event in world.ledger.events() {
        let text = event.to_string();
        assert!(!(text.contains(&child) && text.contains(new.as_str())), "the ledger joins them: {text}");
    }
    // Quarantine: of the old nothing waits under the new.
    let history = world.registrar.history(&new).await.unwrap();
    assert!(history.iter().all(|event| !format!("{event:?}").contains(&child)), "{history:?}");
}

/// The same where the old number was replaced by the new one first, and what is known under both had become one person's: it is taken
/// apart again, and from neither side the other is reached.
#[tokio::test(start_paused = true)]
async fn golden_25_a_number_that_was_replaced_and_then_cut_leads_from_neither_side_to_the_other() {
    let world = World::of(&["ccr", "gp", "soc"]);
    let (old, new_number) = (about("oscar-fielding"), free());
    let child = world.person(&old.nhs_number).await;
    let doctor = world.doctor_of(&child);
    assert_eq!(world.get(&format!("Patient/{child}/$everything"), &doctor).await.status, 200);
    world.settled().await;
    let child_id: record::PersonId = child.parse().unwrap();
    let known = world.registrar.register().person(&child_id).await.unwrap().unwrap();
    let keys = known.entries.iter().map(|entry| format!("{}/{}", entry.key.source, entry.key.local_id));
    let keys: Vec<String> = keys.chain(["soc/old-1".to_owned()]).collect();
    assert!(keys.len() > 1, "nothing was registered");
    let new_entry = entry("soc", "new-1", old, (&old.given[0], "Newman", Some(&new_number)));
    world.registrar.take(new_entry.clone()).await.unwrap();
    let new = world.registrar.index().home(&new_entry.key).unwrap();
    // A doubt about the two, from before.
    world.registrar.held(&child_id, &new_entry.key).await.unwrap();

    world.registrar.supersede(&old.nhs_number.parse().unwrap(), &new_number.parse().unwrap()).await.unwrap();
    world.registrar.take(entry("soc", "old-1", old, (&old.given[0], &old.family, Some(&old.nhs_number)))).await.unwrap();
    let joined = world.registrar.register().person(&new).await.unwrap().unwrap();
    assert_eq!(joined.entries.len(), keys.len() + 1, "they are one person now");
    let reader = world.doctor_of(new.as_str());
    assert_eq!(world.get(&format!("Patient/{new}/$everything"), &reader).await.status, 200);
    world.settled().await;
    world.registrar.cut(&old.nhs_number.parse().unwrap()).await.unwrap();
    let before = world.ledger.events().len();

    let leads_back = |text: &str| text.contains(&child) || text.contains(&old.nhs_number) || keys.iter().any(|key| text.contains(key));
    // Reads and searches.
    for path in [format!("Patient/{child}/$everything"), format!("Patient/{child}")] {
        let answer = world.get(&path, &doctor).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
        assert!(!answer.text.contains(new.as_str()));
    }
    let by_number =
        async |number: &str| world.get(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{number}"), &doctor).await;
    assert!(!by_number(&old.nhs_number).await.text.contains("\"match\""));
    let found = by_number(&new_number).await;
    assert!(found.text.contains(new.as_str()) && !leads_back(&found.text), "{}", found.text);
    let read = world.get(&format!("Patient/{new}/$everything"), &reader).await;
    assert!(read.status == 200 && !leads_back(&read.text), "{}", read.text);
    for family in ["Newman", &old.family] {
        let path = format!("Patient?family={family}&given={}&birthdate={}", old.given[0], old.birth_date);
        let shown = json!(world.get(&path, &doctor).await.entries()).to_string();
        assert!(!leads_back(&shown) && !shown.contains(&old.family), "{family}: {shown}");
        assert_eq!(shown.contains("Newman"), family == "Newman", "{shown}");
    }
    // The steward's desk, by every name that the old one had.
    let steward = world.token(&Card { user: "s-1", scope: "severn.operator", ..Card::doctor() });
    let desk = async |path: &str| world.send("GET", &format!("/steward/{path}"), Some(&steward), &[], "").await;
    for one in keys.iter().chain([&child]) {
        assert_eq!(desk(&format!("explain?one={one}")).await.status, 404, "{one}");
        assert_eq!(desk(&format!("explain?one={new}&other={one}")).await.status, 404, "{one}");
    }
    for one in [new.as_str(), "soc/new-1"] {
        let explained = desk(&format!("explain?one={one}")).await;
        assert!(explained.status == 200 && explained.text.contains("soc/new-1"), "{}", explained.text);
        assert!(!leads_back(&explained.text) && !explained.text.contains("cut"), "{}", explained.text);
    }
    for task in desk("tasks?all=true").await.json["tasks"].as_array().unwrap() {
        let text = task.to_string();
        let new = text.contains(new.as_str()) || text.contains("soc/new-1");
        assert!(!(new && leads_back(&text)), "a task joins them: {text}");
        assert!(!leads_back(&text) || !task["decided"].is_null(), "a task about the old one: {text}");
    }
    // Audit: of what was done since, no line names both.
    for event in &world.ledger.events()[before..] {
        let text = event.to_string();
        assert!(!(text.contains(&child) && text.contains(new.as_str())), "the ledger joins them: {text}");
    }
    world.ledger.verify();
}

/// A number of 999 that nobody of the region has.
fn free() -> String {
    let free = (9_990_100_000u64..9_990_200_000).map(|number| number.to_string());
    free.into_iter().find(|number| number.parse::<record::NhsNumber>().is_ok() && testbed::person(number).is_none()).unwrap()
}

/// A steward links what the rules left apart, and takes it back: what was laid out of the record before is over each time.
#[tokio::test(start_paused = true)]
async fn a_merge_and_its_undoing_end_what_was_laid_out_before() {
    let world = World::of(&["ccr", "gp"]);
    let margaret = about("margaret-hartley");
    let person: record::PersonId = world.person(&margaret.nhs_number).await.parse().unwrap();
    let doctor = world.doctor_of(person.as_str());
    let laid_out = async || {
        let answer = world.get(&format!("Patient/{person}/$everything?_count=3"), &doctor).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        world.settled().await;
        answer.next().expect("more than a page")
    };
    let still = async |page: &str| world.get(page, &doctor).await.status;
    let page = laid_out().await;
    assert_eq!(still(&page).await, 200, "what came with the answer itself ends nothing");
    // Somebody without a number, whose name is spelt otherwise.
    let other = entry("soc", "m-1", margaret, ("Mary", "Heartley", None));
    world.registrar.take(other.clone()).await.unwrap();
    let theirs = world.registrar.index().home(&other.key).expect("they are somebody");
    assert_ne!(theirs, person, "the rules linked what only a person may");
    assert_eq!(still(&page).await, 200);

    let steward = Author::Steward("https://login.example|steward".to_owned());
    world.clock.forward_s(60);
    world.registrar.merge(&person, &theirs, &steward, "the same, by her daughter").await.unwrap();
    assert_eq!(world.registrar.index().home(&other.key), Some(person.clone()));
    assert_eq!(still(&page).await, 410, "a page of before the merge is shown after it");
    let page = laid_out().await;
    assert_eq!(still(&page).await, 200);

    world.clock.forward_s(60);
    let done = world.registrar.unmerge(&person, &theirs, &steward, "her sister").await.unwrap();
    assert!(done.touched.iter().any(|touched| touched.person == person && touched.since.is_some()), "{done:?}");
    assert_eq!(world.registrar.index().home(&other.key), Some(theirs.clone()));
    assert_eq!(still(&page).await, 410);
    // What she said of herself does not vote on Margaret any more: the record is whole again.
    assert_eq!(world.get(&format!("Patient/{person}/$everything"), &doctor).await.status, 200);
    world.ledger.verify();
}

/// One number with two people: neither is shown as the other, and a steward hears of it.
#[tokio::test(start_paused = true)]
async fn a_confused_number_is_a_stewards_task_and_joins_nobody() {
    let world = World::of(&["ccr", "gp"]);
    let margaret = about("margaret-hartley");
    let person = world.person(&margaret.nhs_number).await;
    assert_eq!(world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await.status, 200);
    world.settled().await;
    let mut somebody = entry("soc", "x-1", margaret, ("Derek", "Pym", Some(&margaret.nhs_number)));
    somebody.demographics.birth_date = Some("1971-12-30".parse().unwrap());
    world.registrar.take(somebody.clone()).await.unwrap();
    assert_ne!(world.registrar.index().home(&somebody.key).map(|id| id.to_string()), Some(person.clone()));
    let tasks = open_tasks(&world).await;
    assert!(tasks.iter().any(|task| task.doubt == ::people::Doubt::Confusion && task.entry == somebody.key), "{tasks:?}");
    let read = world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await;
    assert_eq!(read.status, 200);
    assert!(read.text.contains(&margaret.family) && !read.text.contains("Pym"));
    assert_eq!(json!(read.shown().keys().collect::<Vec<_>>()), json!(["ccr", "gp"]));
}

/// What is said of a number under another name counts as its source's word, and its label hides whom it may mean, until a steward says
/// that it is somebody else.
#[tokio::test(start_paused = true)]
async fn what_a_confused_number_is_said_to_be_counts_until_a_steward_decides() {
    let check = async |restricted: bool, before: (u16, usize)| {
        let world = World::of(&["ccr"]);
        let margaret = about("margaret-hartley");
        let person = world.person(&margaret.nhs_number).await;
        let read = async || {
            let answer = world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await;
            world.settled().await;
            (answer.status, answer.shown().len())
        };
        assert_eq!(read().await, (200, 1));
        let mut somebody = entry("soc", "x-1", margaret, ("Derek", "Pym", Some(&margaret.nhs_number)));
        somebody.demographics.birth_date = Some("1971-12-30".parse().unwrap());
        somebody.restricted = restricted;
        world.registrar.take(somebody.clone()).await.unwrap();
        assert_eq!(read().await, before, "restricted: {restricted}");
        let tasks = open_tasks(&world).await;
        let task = tasks.iter().find(|task| task.doubt == ::people::Doubt::Confusion && task.entry == somebody.key).unwrap();
        let steward = Author::Steward("https://login.example|steward".to_owned());
        world.registrar.decide(&task.id, ::people::Outcome::Different, &steward, "seen the papers").await.unwrap();
        assert_eq!(read().await, (200, 1), "restricted: {restricted}");
    };
    // One against one: neither is believed.
    check(false, (502, 0)).await;
    check(true, (403, 0)).await;
}

/// What the ledger says of who saw meanwhile what was not theirs.
fn seen_meanwhile(world: &World) -> Vec<Value> {
    world.ledger.events().into_iter().filter(|event| event["event"] == "seen-meanwhile").collect()
}

/// A source says of somebody's file that it is Margaret's, and takes it back, in the answer to a read of whose it is: nobody at any desk
/// had a hand in it.
#[tokio::test(start_paused = true)]
async fn whoever_read_before_a_source_changed_a_number_is_on_the_ledger() {
    let world = World::of(&["ccr", "gp"]);
    let margaret = about("margaret-hartley");
    let somebody = testbed::people().iter().find(|one| one.slug != "margaret-hartley" && one.known_to.contains_key("ccr")).unwrap();
    let [person, others] = [world.person(&margaret.nhs_number).await, world.person(&somebody.about.nhs_number).await];
    let read = async |whom: &str, user| {
        let token = world.token(&Card { user, patient: Some(whom.to_owned()), ..Card::doctor() });
        let answer = world.get(&format!("Patient/{whom}/$everything?_count=5000"), &token).await;
        world.settled().await;
        world.clock.forward_s(60);
        answer
    };
    for whom in [&person, &others] {
        assert_eq!(read(whom, "u-1").await.status, 200);
    }
    let entries = world.registrar.register().person(&others.parse().unwrap()).await.unwrap().unwrap().entries;
    let key = entries.into_iter().find(|entry| entry.key.source.as_str() == "ccr").unwrap().key;
    let said = entry("ccr", &key.local_id, margaret, (&margaret.given[0], &margaret.family, Some(&margaret.nhs_number)));
    world.registrar.take(Entry { seen: world.clock.now(), ..said }).await.unwrap();
    let home = || world.registrar.index().home(&key).unwrap().to_string();
    assert_eq!(home(), person);
    world.clock.forward_s(60);

    assert_eq!(read(&person, "u-2").await.status, 200);
    let stranger = world.get(&format!("Patient/{person}/$everything"), &world.token(&Card { user: "u-9", ..Card::doctor() })).await;
    assert_eq!((stranger.status, seen_meanwhile(&world)), (403, Vec::new()));
    let corrected = read(&others, "u-3").await;
    assert_eq!((corrected.status, home()), (200, others.clone()));

    // Who saw it before it came, or was refused, or read whose it is, saw nothing that was not theirs.
    let listed = seen_meanwhile(&world);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0]["patient"], &listed[0]["author"]), (&json!(person), &json!("the rules, version 1")));
    assert!(listed[0]["what"].as_str().unwrap().contains("sources answered"), "{}", listed[0]);
    let seen = listed[0]["seen"].as_array().unwrap();
    let who = |view: &Value| json!([view["by"]["name"], view["by"]["subject"], view["by"]["organisation"], view["what"]]);
    assert_eq!(seen.iter().map(who).collect::<Vec<_>>(), [json!(["Dr A Example", "u-2", "RRK", "read everything"])]);
    // It stands by itself: nothing on the ledger leads from the one to the other.
    assert!(world.ledger.about(&person).is_disjoint(&world.ledger.about(&others)));
    assert!(world.ledger.events().iter().all(|event| !(event.to_string().contains(&person) && event.to_string().contains(&others))));
    world.ledger.verify();

    // The next read asks by what is theirs, finds what is theirs, and the file leads to whose it is.
    let before = world.region.asked("ccr").len();
    let again = read(&person, "u-2").await;
    assert_eq!((again.status, again.shown().contains_key("ccr")), (200, true), "{:?}", again.issues_of("ccr"));
    assert!(world.region.asked("ccr")[before..].iter().all(|request| !request.path_and_query.contains(&key.local_id)));
    let minted = corrected.shown()["ccr"].iter().find_map(|name| name.strip_prefix("Patient/").map(str::to_owned)).unwrap();
    let token = world.token(&Card { user: "u-3", patient: Some(others.clone()), ..Card::doctor() });
    assert_eq!(world.get(&format!("Patient/{minted}/$everything"), &token).await.status, 200);
    assert_eq!(world.get(&format!("Patient/{minted}/$everything"), &world.doctor_of(&person)).await.status, 403);
}
