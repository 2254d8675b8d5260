//! What answers showed, kept for evidence: behind the answers, once, and as the ledger has it. Nobody opens it alone, and no read is
//! answered from it.

use std::sync::Arc;

use exchange::{Evidence, Name, digest_of};
use record::PersonId;
use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Fault};

use crate::world::{Answer, Card, Setup, World, region};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// The store, opened once more.
fn vault(world: &World) -> store::SqliteStore {
    let secrets = store::Secrets::open(&world.file("severn.db.key")).unwrap();
    store::SqliteStore::open(&world.store_file(), Arc::new(secrets)).unwrap()
}

fn file(world: &World) -> rusqlite::Connection {
    rusqlite::Connection::open(world.store_file()).unwrap()
}

fn count(world: &World) -> i64 {
    file(world).query_row("SELECT count(*) FROM evidence", [], |row| row.get(0)).unwrap()
}

async fn everything(world: &World, person: &str, more: &str) -> Answer {
    let answer = world.get(&format!("Patient/{person}/$everything{more}"), &world.doctor_of(person)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    world.settled().await;
    answer
}

/// What the ledger says that a request showed: sources with their digests, and how many resources.
fn in_the_ledger(world: &World, request: &str) -> Vec<(String, [u8; 32], usize)> {
    let events = world.ledger.events_of(request);
    let shown = events.iter().filter_map(|event| event["shown"].as_array()).flatten();
    let digest = |one: &Value| data_encoding::HEXLOWER.decode(one["digest"].as_str().unwrap().as_bytes()).unwrap().try_into().unwrap();
    shown.map(|one| (one["source"].as_str().unwrap().to_owned(), digest(one), one["resources"].as_array().unwrap().len())).collect()
}

/// What is kept of that, put together again.
async fn kept(world: &World, person: &str, request: &str) -> Vec<Option<Vec<String>>> {
    let (vault, person): (_, PersonId) = (vault(world), person.parse().unwrap());
    let mut all = Vec::new();
    for (source, digest, count) in in_the_ledger(world, request) {
        let list = vault.evidence(&person, &[Name::Answer(digest)]).await.unwrap().remove(0);
        let Some(list) = list else {
            all.push(None);
            continue;
        };
        let names: Vec<Name> = list.chunks(32).map(|own| Name::Resource(own.try_into().unwrap())).collect();
        let resources: Vec<Vec<u8>> = vault.evidence(&person, &names).await.unwrap().into_iter().map(Option::unwrap).collect();
        assert_eq!((resources.len(), digest_of(&resources.concat())), (count, digest), "{source}");
        all.push(Some(resources.into_iter().map(|one| String::from_utf8(one).unwrap()).collect()));
    }
    all
}

/// Steps that the ledger has of people's evidence: which, and why.
fn steps(world: &World) -> Vec<(String, String)> {
    let events = world.ledger.events().into_iter().filter(|event| event["event"] == "vault");
    events.map(|event| (event["step"].as_str().unwrap().to_owned(), event["why"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_showed_is_kept_once_and_is_what_the_ledger_says() {
    let world = World::of(&["ccr", "gp", "uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let answer = everything(&world, &person, "").await;
    let kept_of = kept(&world, &person, &answer.request()).await;
    assert!(kept_of.len() > 1 && kept_of.iter().all(Option::is_some), "{kept_of:?}");
    // As it was shown: every byte of each stands in the answer, and each that stands there is kept.
    let resources: Vec<String> = kept_of.into_iter().flatten().flatten().collect();
    assert!(resources.iter().all(|resource| answer.text.contains(resource.as_str())));
    assert_eq!(resources.len(), answer.shown().values().map(std::collections::BTreeSet::len).sum::<usize>());
    let before = count(&world);
    let again = everything(&world, &person, "").await;
    assert!(kept(&world, &person, &again.request()).await.iter().all(Option::is_some));
    assert_eq!(count(&world), before, "what is shown again is there already");
    // What lies there says nothing to whoever has no key.
    let rows: Vec<Vec<u8>> = {
        let file = file(&world);
        let mut statement = file.prepare("SELECT sealed FROM evidence").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert!(rows.iter().all(|row| !String::from_utf8_lossy(row).contains("resourceType")));
    assert_eq!(steps(&world), []);
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn of_an_answer_in_pages_those_are_kept_that_were_shown() {
    let world = World::of(&["ccr", "uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let mut page = everything(&world, &person, "?_count=3").await;
    let mut pages = 0;
    loop {
        let shown: usize = page.shown().values().map(std::collections::BTreeSet::len).sum();
        let told: usize = in_the_ledger(&world, &page.request()).iter().map(|(.., count)| count).sum();
        assert_eq!(told, shown, "page {pages}");
        let kept: Vec<String> = kept(&world, &person, &page.request()).await.into_iter().flat_map(Option::unwrap).collect();
        assert!(kept.len() == shown && kept.iter().all(|one| page.text.contains(one.as_str())), "page {pages}");
        pages += 1;
        // The last is never asked for.
        let Some(next) = page.next().filter(|_| pages < 3) else { break };
        page = world.get(&next, &world.doctor_of(&person)).await;
        world.settled().await;
    }
    assert_eq!(pages, 3);
    let one = world.get(&format!("AllergyIntolerance?patient={person}"), &world.doctor_of(&person)).await;
    let allergy = one.of_type("AllergyIntolerance").next().unwrap()["id"].as_str().unwrap().to_owned();
    let one = world.get(&format!("AllergyIntolerance/{allergy}"), &world.doctor_of(&person)).await;
    world.settled().await;
    assert_eq!(kept(&world, &person, &one.request()).await, [Some(vec![one.text.clone()])], "one was asked for, and one was shown");
    let counted = world.get(&format!("AllergyIntolerance?patient={person}&_summary=count"), &world.doctor_of(&person)).await;
    assert_eq!((counted.status, in_the_ledger(&world, &counted.request()).len()), (200, 0), "a count shows nothing");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_withholds_nothing_and_is_said() {
    let setup = Setup { blocks: "[vault]\ntries = 2\nretry_ms = 10\n", ..Setup::default() };
    let world = World::around(Arc::new(region(&["ccr"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    file(&world).execute_batch("CREATE TRIGGER full BEFORE INSERT ON evidence BEGIN SELECT RAISE(ABORT, 'disk full'); END").unwrap();
    let answer = everything(&world, &person, "").await;
    assert!(!answer.shown().is_empty());
    assert_eq!(kept(&world, &person, &answer.request()).await, [None]);
    assert_eq!(steps(&world), [("not kept".to_owned(), "the store did not take it".to_owned())]);
    let event = world.ledger.events_of(&answer.request()).into_iter().find(|event| event["event"] == "vault").unwrap();
    assert_eq!((event["patient"].as_str(), event["of"].as_str()), (Some(person.as_str()), Some(answer.request().as_str())));
    file(&world).execute_batch("DROP TRIGGER full").unwrap();
    let again = everything(&world, &person, "").await;
    assert!(kept(&world, &person, &again.request()).await.iter().all(Option::is_some));
    world.ledger.verify();
    // Larger than it takes; and where it is off nothing is kept, and nothing is said to be lacking.
    for (block, expected) in [("answer_bytes_max = 1024", 1), ("keep = \"nothing\"", 0)] {
        let blocks: &'static str = Box::leak(format!("[vault]\n{block}\n").into_boxed_str());
        let world = World::around(Arc::new(region(&["ccr"])), &Setup { blocks, ..Setup::default() });
        let person = world.person(DEMO_PERSON).await;
        everything(&world, &person, "").await;
        assert_eq!((count(&world), steps(&world).len()), (0, expected), "{block}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_read_is_answered_from_what_was_kept() {
    let region = Arc::new(region(&["ccr", "uhb"]));
    let world = World::around(region.clone(), &Setup::default());
    let person = world.person(DEMO_PERSON).await;
    let before = everything(&world, &person, "").await;
    assert!(before.shown().contains_key("uhb") && count(&world) > 0);
    region.fail("uhb", Fault::Silent);
    let silent = everything(&world, &person, "").await;
    assert!(!silent.shown().contains_key("uhb") && !silent.issues_of("uhb").is_empty());
}

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

fn guardian() -> Card {
    Card { user: "g-1", roles: vec!["R5105"], sds_user_id: Some("222222222222"), ..officer() }
}

async fn desk(world: &World, card: &Card, method: &str, path: &str, body: &Value) -> Answer {
    let body = if method == "GET" { String::new() } else { body.to_string() };
    world.send(method, &format!("/privacy/{path}"), Some(&world.token(card)), &JSON, &body).await
}

async fn asked(world: &World, person: &str, request: &str) -> String {
    let body = json!({"patient": person, "request": request, "why": "A complaint"});
    let asked = desk(world, &officer(), "POST", "evidence", &body).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    asked.json["id"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn two_of_different_roles_open_what_one_request_showed_as_the_ledger_has_it() {
    let region = Arc::new(region(&["ccr", "uhb"]));
    let world = World::around(region.clone(), &Setup::default());
    let person = world.person(DEMO_PERSON).await;
    let read = everything(&world, &person, "").await;
    // What sources say today is another thing.
    region.fail("uhb", Fault::Silent);
    let id = asked(&world, &person, &read.request()).await;
    let waiting = desk(&world, &guardian(), "GET", "evidence", &Value::Null).await;
    assert_eq!(
        (waiting.json["openings"][0]["id"].as_str(), waiting.json["openings"][0]["why"].as_str()),
        (Some(id.as_str()), Some("A complaint"))
    );
    let approved = desk(&world, &guardian(), "POST", &format!("evidence/{id}/approve"), &json!({})).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
    for card in [officer(), guardian()] {
        let opened = desk(&world, &card, "POST", &format!("evidence/{id}/open"), &json!({})).await;
        assert_eq!(opened.status, 200, "{}", opened.text);
        let shown = opened.json["shown"].as_array().unwrap();
        assert!(shown.len() > 1 && shown.iter().all(|one| one["as_in_the_ledger"] == true), "{}", opened.text);
        let resources: Vec<&Value> = shown.iter().flat_map(|one| one["resources"].as_array().unwrap()).collect();
        for resource in &resources {
            let text = resource["as_shown"].as_str().unwrap();
            let own = data_encoding::HEXLOWER.encode(&digest_of(text.as_bytes()));
            assert!(read.text.contains(text) && resource["digest"] == own.as_str(), "{resource}");
        }
        assert_eq!(resources.len(), read.shown().values().map(std::collections::BTreeSet::len).sum::<usize>());
        // Whoever asks who looked is told.
        assert!(world.ledger.about(&person).contains(&opened.request()));
        assert_eq!(world.ledger.of(&opened.request()), ["opened", "disclosed", "closed"]);
    }
    let told: Vec<String> = steps(&world).into_iter().map(|(step, _)| step).collect();
    assert_eq!(told, ["asked", "approved"]);
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn nobody_opens_it_alone_or_in_another_role_or_late() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let other = world.person("9990000026").await;
    let read = everything(&world, &person, "").await;
    let ask = |person: &str, request: &str| json!({"patient": person, "request": request, "why": "A complaint"});
    // Who is no privacy officer does not ask; and of what was not shown of them nobody does.
    for (card, body, status) in [
        (guardian(), ask(&person, &read.request()), 403),
        (Card { scope: "user/*.rs", ..officer() }, ask(&person, &read.request()), 403),
        (Card { sds_user_id: None, ..officer() }, ask(&person, &read.request()), 403),
        (officer(), ask(&other, &read.request()), 404),
        (officer(), ask(&person, "another"), 404),
        (officer(), ask("nobody", &read.request()), 400),
        (officer(), json!({"patient": person, "request": read.request()}), 400),
    ] {
        let refused = desk(&world, &card, "POST", "evidence", &body).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.text);
        assert!(!world.ledger.of(&refused.request()).is_empty(), "{body} is on the ledger");
    }
    assert_eq!(steps(&world), []);
    let id = asked(&world, &person, &read.request()).await;
    let (approve, open) = (format!("evidence/{id}/approve"), format!("evidence/{id}/open"));
    // Not before it is approved; not by who asked, though they have both roles; not by another privacy officer.
    let both = Card { roles: vec!["R0001", "R5105"], ..officer() };
    for (card, path, status) in [
        (officer(), &open, 409),
        (guardian(), &open, 409),
        (officer(), &approve, 403),
        (both.clone(), &approve, 403),
        // The same person, signed in as somebody else.
        (Card { user: "p-9", ..both.clone() }, &approve, 403),
        (Card { user: "p-2", sds_user_id: Some("333333333333"), ..officer() }, &approve, 403),
        (Card { scope: "user/*.rs", ..guardian() }, &approve, 403),
    ] {
        let refused = desk(&world, &card, "POST", path, &json!({})).await;
        assert_eq!(refused.status, status, "{} {path}: {}", card.user, refused.text);
        assert!(!refused.text.contains("AllergyIntolerance"));
        assert_eq!(world.ledger.of(&refused.request()).last().map(String::as_str), Some("refused"), "{path}");
    }
    assert_eq!(desk(&world, &guardian(), "POST", &approve, &json!({})).await.status, 200);
    assert_eq!(desk(&world, &guardian(), "POST", &approve, &json!({})).await.status, 409, "once");
    // By the two, and by nobody else; nor by one of them who has the role no more.
    for card in [
        Card { user: "g-2", sds_user_id: Some("444444444444"), ..guardian() },
        Card { roles: vec!["R5105"], ..officer() },
        Card { roles: vec!["R0001"], ..guardian() },
        Card { scope: "user/*.rs", ..officer() },
    ] {
        assert_eq!(desk(&world, &card, "POST", &open, &json!({})).await.status, 403, "{}", card.user);
    }
    assert_eq!(desk(&world, &officer(), "POST", "evidence/none/open", &json!({})).await.status, 404);
    assert_eq!(desk(&world, &officer(), "POST", &open, &json!({})).await.status, 200);
    world.clock.forward_s(24 * 3600 + 1);
    assert_eq!(desk(&world, &officer(), "POST", &open, &json!({})).await.status, 409, "its time is over");
    // Nor is one approved late.
    let late = asked(&world, &person, &read.request()).await;
    world.clock.forward_s(24 * 3600 + 1);
    assert_eq!(desk(&world, &guardian(), "POST", &format!("evidence/{late}/approve"), &json!({})).await.status, 409);
    assert_eq!(desk(&world, &guardian(), "GET", "evidence", &Value::Null).await.json["openings"], json!([]));
    world.ledger.verify();
}

/// Opens what a request showed.
async fn opened(world: &World, person: &str, request: &str) -> Answer {
    let id = asked(world, person, request).await;
    assert_eq!(desk(world, &guardian(), "POST", &format!("evidence/{id}/approve"), &json!({})).await.status, 200);
    desk(world, &officer(), "POST", &format!("evidence/{id}/open"), &json!({})).await
}

/// The program ends between an answer and its evidence: what the ledger has, and the vault has not, is said when it is looked for. What
/// was changed in the store is, too.
#[tokio::test(start_paused = true)]
async fn what_lacks_or_is_another_than_the_ledger_has_is_said_when_it_is_opened() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let read = everything(&world, &person, "").await;
    let file = file(&world);
    file.execute_batch("DROP TRIGGER evidence_no_delete; DROP TRIGGER evidence_no_update").unwrap();
    file.execute_batch("DELETE FROM evidence WHERE rowid = (SELECT max(rowid) FROM evidence)").unwrap();
    let lacks = opened(&world, &person, &read.request()).await;
    assert!(lacks.json["shown"].as_array().unwrap().iter().any(|one| one["as_in_the_ledger"] == false), "{}", lacks.text);
    file.execute_batch("UPDATE evidence SET sealed = (SELECT sealed FROM evidence ORDER BY rowid LIMIT 1)").unwrap();
    let changed = opened(&world, &person, &read.request()).await;
    assert!(changed.json["shown"].as_array().unwrap().iter().all(|one| one["as_in_the_ledger"] == false), "{}", changed.text);
    file.execute_batch("DELETE FROM evidence").unwrap();
    let gone = opened(&world, &person, &read.request()).await;
    assert_eq!(gone.status, 200);
    for one in gone.json["shown"].as_array().unwrap() {
        assert!(one["as_in_the_ledger"] == false && one["why"].as_str().unwrap().contains("not kept"), "{}", gone.text);
    }
}

/// Whoever is restricted since: what was shown before tells where they are.
#[tokio::test(start_paused = true)]
async fn of_a_restricted_person_nothing_is_opened_that_tells_a_place() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let read = everything(&world, &person, "").await;
    world.restrict(DEMO_PERSON).await;
    let opened = opened(&world, &person, &read.request()).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let told = opened.json["shown"].to_string();
    assert!(!told.contains("resourceType") && !told.contains("ccr") && told.contains("secret"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn evidence_is_held_and_let_go_with_a_reason_and_both_are_entered() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    everything(&world, &person, "").await;
    let body = |why: &str| json!({"patient": person, "why": why});
    let clinician = Card { scope: "user/*.rs", ..Card::doctor() };
    assert_eq!(desk(&world, &clinician, "POST", "hold/set", &body("A claim")).await.status, 403);
    assert_eq!(desk(&world, &officer(), "POST", "hold/set", &json!({"patient": person})).await.status, 400, "a reason is asked for");
    assert_eq!(desk(&world, &officer(), "POST", "hold/lift", &body("None")).await.status, 409);
    let set = desk(&world, &officer(), "POST", "hold/set", &json!({"nhs_number": DEMO_PERSON, "why": "A claim"})).await;
    assert_eq!((set.status, &set.json["held"]), (200, &json!(true)), "{}", set.text);
    assert_eq!(desk(&world, &officer(), "POST", "hold/set", &body("A claim")).await.status, 409);
    let lifted = desk(&world, &guardian(), "POST", "hold/lift", &body("It is settled")).await;
    assert_eq!((lifted.status, &lifted.json["held"]), (200, &json!(false)), "{}", lifted.text);
    let holds = desk(&world, &officer(), "POST", "hold", &json!({"patient": person})).await;
    let told: Vec<_> = holds.json["holds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["held"].clone(), one["why"].clone(), one["by"]["user"].clone()))
        .collect();
    assert_eq!(told, [(json!(true), json!("A claim"), json!("p-1")), (json!(false), json!("It is settled"), json!("g-1"))]);
    let expected = [("held".to_owned(), "A claim".to_owned()), ("hold lifted".to_owned(), "It is settled".to_owned())];
    assert_eq!(steps(&world), expected);
    world.ledger.verify();
}

/// Years go by: the key goes, and with it everything that it opens. What lies in the store stays, as does the ledger, and the person is
/// read as ever.
#[tokio::test(start_paused = true)]
async fn what_is_over_is_opened_by_nobody_and_the_person_is_read_as_ever() {
    let setup = Setup { store: "url = \"sqlite:severn.db\"".to_owned(), ..Setup::default() };
    let world = World::around(Arc::new(region(&["ccr"])), &setup);
    let (person, other) = (world.person(DEMO_PERSON).await, world.person("9990000026").await);
    let read = everything(&world, &person, "").await;
    let theirs = everything(&world, &other, "").await;
    let hold = |way: &'static str| {
        let (world, other) = (&world, other.clone());
        async move { desk(world, &officer(), "POST", &format!("hold/{way}"), &json!({"patient": other, "why": "A claim"})).await.status }
    };
    assert_eq!(hold("set").await, 200);
    let before = count(&world);
    let shred = async || {
        let journal = Arc::new(store::SqliteJournal::open(&world.store_file()).unwrap());
        let (ledger, writing) =
            audit::Ledger::start(journal, Arc::new(At(record::Clock::now(&*world.clock))), uuid::Uuid::new_v4().to_string());
        let by = json!({"issuer": "severn store", "subject": "o", "name": "O", "sds_user_id": null, "role_profile": null, "roles": [],
            "organisation": "QHL", "organisation_name": "", "device": null, "client": null, "purposes": [], "token": null});
        let by: audit::Who = serde_json::from_value(by).unwrap();
        let shown_before = server::store::shred::before(record::Clock::now(&*world.clock), 25).unwrap();
        let store = vault(&world);
        let shredding = async move { server::store::shred::shred(&store, &ledger, &by, shown_before).await.unwrap() };
        tokio::join!(shredding, writing).0
    };
    assert_eq!(shred().await.people, 0);
    world.clock.forward_s(26 * 366 * 86_400);
    assert_eq!((shred().await.people, shred().await.people), (1, 0), "one is held");
    assert_eq!(count(&world), before, "what lies there stays");
    let opened_of = async |person: &str, request: &str| opened(&world, person, request).await.json["shown"].clone();
    let gone = opened_of(&person, &read.request()).await;
    assert!(gone.as_array().unwrap().iter().all(|one| one["as_in_the_ledger"] == false && one["resources"].is_null()), "{gone}");
    let held = opened_of(&other, &theirs.request()).await;
    assert!(held.as_array().unwrap().iter().all(|one| one["as_in_the_ledger"] == true), "{held}");
    assert_eq!(hold("lift").await, 200);
    // They are read as ever, and what is shown from now on is kept anew.
    let again = everything(&world, &person, "").await;
    assert_eq!(again.shown().keys().collect::<Vec<_>>(), read.shown().keys().collect::<Vec<_>>());
    let anew = opened_of(&person, &again.request()).await;
    assert!(anew.as_array().unwrap().iter().all(|one| one["as_in_the_ledger"] == true), "{anew}");
    let lines = store::SqliteJournal::lines(&world.store_file()).unwrap();
    assert!(audit::verify(&lines).is_ok());
    let shredding: Vec<&audit::Line> = lines.iter().filter(|line| line.event.contains("shredding")).collect();
    assert!(shredding.len() == 1 && shredding[0].event.contains(&person), "{shredding:?}");
}

/// A clock that stands.
struct At(jiff::Timestamp);

impl record::Clock for At {
    fn now(&self) -> jiff::Timestamp {
        self.0
    }
}

/// By command, with the ledger verified afterwards.
#[tokio::test]
async fn evidence_is_shredded_by_command_and_the_ledger_is_as_it_was_written() {
    let room = crate::commands::Room::new();
    std::fs::write(room.0.join("keys.json"), r#"{"keys":[]}"#).unwrap();
    std::fs::write(room.0.join("severn.toml"), crate::loading::CONFIG).unwrap();
    let store = || {
        let secrets = store::Secrets::open(&room.0.join("severn.db.key")).unwrap();
        store::SqliteStore::open(&room.0.join("severn.db"), Arc::new(secrets)).unwrap()
    };
    let long_ago = "1990-01-01T00:00:00Z".parse().unwrap();
    let now = record::Clock::now(&*server::wiring::system_clock());
    let names: Vec<Name> = ["one"].map(|text| Name::Resource(digest_of(text.as_bytes()))).to_vec();
    let mut people = Vec::new();
    for (number, at) in [("9990000018", long_ago), ("9990000026", now)] {
        let person = exchange::People::person_of(&store(), &number.parse().unwrap()).await.unwrap();
        store().keep_evidence(&person, vec![(names[0], b"one".to_vec())], at).await.unwrap();
        people.push(person);
    }
    let shred = |more: &[&str]| room.run(&[&["store", "shred", "--config", "severn.toml", "--as", "O Operator"], more].concat());
    let (code, said, why) = shred(&["--dry-run"]);
    assert!(code == Some(0) && said.contains("of 1 people"), "{said}{why}");
    let (code, said, why) = shred(&[]);
    assert!(code == Some(0) && said.contains("of 1 people"), "{said}{why}");
    let kept = |person| {
        let (store, names) = (store(), names.clone());
        async move { store.evidence(&person, &names).await.unwrap()[0].is_some() }
    };
    assert_eq!((kept(people[0].clone()).await, kept(people[1].clone()).await), (false, true));
    let (code, said, why) = room.run(&["audit", "verify", "--config", "severn.toml"]);
    assert!(code != Some(1) && said.contains("each as it was written"), "{said}{why}");
    let lines = store::SqliteJournal::lines(&room.0.join("severn.db")).unwrap();
    assert!(lines.iter().any(|line| line.event.contains("shredding") && line.event.contains("O Operator")), "{lines:?}");
}
