//! The National Record Locator beside a read: what it is told and asked, and what must never be.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use testbed::{DEMO_PERSON, ELSEWHERE, Fault, LOCATOR, Refusal, Region, people};
use tokio::time::Instant;

use crate::world::{Answer, Card, PUBLIC, Setup, World, region};

/// Told and asked, every limit at its default.
const BOTH: &str = "[national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\nend_user_organisation = \"RRK\"\n\
                    practice_setting = { code = \"394802001\", display = \"General medicine\" }\npublish = true\nconsult = true\n";
const TELL: &str = "[national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\npractice_setting = { code = \"394802001\", display = \"General medicine\" }\npublish = true\n";
const ASK: &str = "[national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\nconsult = true\n";

fn world(ids: &[&str], blocks: &'static str) -> World {
    World::around(Arc::new(region(ids)), &Setup { blocks, ..Setup::default() })
}

/// What goes on behind the reads has come to its end.
async fn settled() {
    tokio::time::sleep(Duration::from_secs(30)).await;
}

async fn read(world: &World, person: &str) -> Answer {
    world.get(&format!("Patient/{person}/$everything?_count=5000"), &world.doctor_of(person)).await
}

/// Requests to one side of the locator.
fn asked(region: &Region, side: &str) -> Vec<testbed::Request> {
    let mut asked = region.asked(LOCATOR);
    asked.retain(|request| request.path_and_query.starts_with(&format!("/record-locator/{side}/")));
    asked
}

fn count(requests: &[testbed::Request], method: Method) -> usize {
    requests.iter().filter(|request| request.method == method).count()
}

/// What the outcome says of the locator: severity, code, the organisation named.
fn said(answer: &Answer) -> Vec<(String, String, String)> {
    let issues = answer.outcome()["issue"].as_array().unwrap().iter();
    let about = issues.filter(|issue| issue["details"]["coding"][0]["system"] == "urn:severn:record-locator");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    about
        .map(|issue| {
            let organisation = &issue["extension"][0]["valueIdentifier"]["value"];
            (text(&issue["severity"]), text(&issue["details"]["coding"][0]["code"]), text(organisation))
        })
        .collect()
}

fn pointer(custodian: &str) -> (String, String, String) {
    ("information".to_owned(), "pointer".to_owned(), custodian.to_owned())
}

fn silent() -> (String, String, String) {
    ("warning".to_owned(), "silent".to_owned(), String::new())
}

#[tokio::test(start_paused = true)]
async fn without_its_section_nothing_is_sent_or_said() {
    let world = World::of(&["ccr", "gp"]);
    let person = world.person(DEMO_PERSON).await;
    let answer = read(&world, &person).await;
    settled().await;
    assert_eq!(answer.status, 200);
    assert!(world.region.asked(LOCATOR).is_empty());
    assert_eq!(said(&answer), []);
    assert!(!world.ledger.text().contains("locator") && !world.ledger.text().contains("publish"));
}

#[tokio::test(start_paused = true)]
async fn each_half_does_only_its_own() {
    for (block, tells, asks) in [(TELL, true, false), (ASK, false, true)] {
        let world = world(&["ccr"], block);
        let person = world.person(DEMO_PERSON).await;
        assert!(world.region.asked(LOCATOR).is_empty(), "who is only looked for is neither asked about nor pointed at");
        let answer = read(&world, &person).await;
        settled().await;
        assert_eq!((!asked(&world.region, "producer").is_empty(), !asked(&world.region, "consumer").is_empty()), (tells, asks));
        assert_eq!(!said(&answer).is_empty(), asks);
        assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), usize::from(tells));
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_who_is_met_has_one_pointer_however_often_they_are_read() {
    let world = world(&["ccr", "gp"], BOTH);
    let person = world.person(DEMO_PERSON).await;
    world.region.fail(LOCATOR, Fault::Slow { ms: 200 });
    let (one, other) = tokio::join!(read(&world, &person), read(&world, &person));
    assert_eq!((one.status, other.status), (200, 200));
    settled().await;
    for _ in 0..5 {
        assert_eq!(read(&world, &person).await.status, 200);
        settled().await;
    }
    let told = asked(&world.region, "producer");
    assert_eq!((count(&told, Method::POST), count(&told, Method::GET), told.len()), (1, 2, 3), "looked, written, looked again; once");
    let urls = world.region.locator().urls("QHL", DEMO_PERSON);
    assert_eq!(urls, [format!("{PUBLIC}/fhir/R4/Patient/{person}/$everything")]);
    assert!(!urls[0].contains(DEMO_PERSON), "the address names nobody");
    // The person's number stands in the subject, and in no address.
    for request in &told {
        assert!(request.headers.iter().all(|(_, value)| !value.to_str().unwrap().contains(DEMO_PERSON)));
        assert_eq!(request.headers["nhsd-end-user-organisation-ods"], "QHL");
        assert_eq!(request.headers["x-request-id"].len(), 36);
        assert!(!request.headers.contains_key("severn-hops"), "it is no exchange");
    }
    assert_eq!(asked(&world.region, "consumer")[0].headers["nhsd-end-user-organisation-ods"], "RRK");
}

#[tokio::test(start_paused = true)]
async fn after_a_week_it_is_looked_at_again_and_nothing_is_doubled() {
    let world = world(&["ccr"], TELL);
    let person = world.person(DEMO_PERSON).await;
    let token = world.token(&Card { patient: Some(person.clone()), lives_s: 30 * 24 * 3600, ..Card::doctor() });
    for hours in [0, 167, 2] {
        world.clock.forward_s(hours * 3600);
        assert_eq!(world.get(&format!("Patient/{person}/$everything"), &token).await.status, 200);
        settled().await;
    }
    let told = asked(&world.region, "producer");
    assert_eq!((count(&told, Method::POST), count(&told, Method::GET), told.len()), (1, 3, 4));
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1);
}

/// Another exchange of the same custodian, or this one on a new store: its id for the person is another.
#[tokio::test(start_paused = true)]
async fn an_address_that_changed_is_changed_and_not_doubled() {
    let region = Arc::new(region(&["ccr"]));
    // Somebody pointed twice before us.
    for _ in 0..2 {
        region.locator().put("QHL", DEMO_PERSON, "https://exchange.example/old");
    }
    let mut ids = Vec::new();
    for _ in 0..2 {
        let world = World::around(region.clone(), &Setup { blocks: TELL, ..Setup::default() });
        let person = world.person(DEMO_PERSON).await;
        assert_eq!(read(&world, &person).await.status, 200);
        settled().await;
        ids.push(person.clone());
        assert_eq!(region.locator().urls("QHL", DEMO_PERSON), [format!("{PUBLIC}/fhir/R4/Patient/{person}/$everything")]);
    }
    assert_ne!(ids[0], ids[1]);
    let told = asked(&region, "producer");
    assert_eq!((count(&told, Method::POST), count(&told, Method::PUT), count(&told, Method::DELETE)), (0, 2, 1));
    assert_eq!(region.locator().urls(ELSEWHERE, DEMO_PERSON).len(), 1, "another's pointer stays");
}

/// Of a restricted person, of one whom nobody knows, and for a reader who may not, nothing is sent: that it was asked would tell.
#[tokio::test(start_paused = true)]
async fn of_whom_no_read_is_permitted_nothing_is_sent() {
    const RESTRICTED: &str = "9434765919";
    let world = world(&["ccr", "uhb"], BOTH);
    let (restricted, person) = (world.minted(RESTRICTED).await, world.person(DEMO_PERSON).await);
    let check = async |path: &str, token: &str, status: u16| {
        let answer = world.get(path, token).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(!answer.text.contains("locator") && !answer.text.contains(ELSEWHERE));
    };
    let token = world.doctor_of(&restricted);
    check(&format!("Patient/{restricted}/$everything"), &token, 403).await;
    check(&format!("Condition?patient={restricted}"), &token, 403).await;
    check(&format!("Condition?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|{RESTRICTED}"), &token, 403).await;
    check(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{RESTRICTED}"), &token, 200).await;
    let stranger = world.token(&Card { user: "u-9", ..Card::doctor() });
    check(&format!("Patient/{person}/$everything"), &stranger, 403).await;
    let roleless = world.token(&Card { roles: vec![], patient: Some(person.clone()), ..Card::doctor() });
    check(&format!("Patient/{person}/$everything"), &roleless, 403).await;
    settled().await;
    assert!(world.region.asked(LOCATOR).is_empty());
    assert_eq!((world.region.locator().about(RESTRICTED), world.region.locator().urls("QHL", DEMO_PERSON).len()), (0, 0));
    assert!(!world.ledger.text().contains("publishing"));
}

/// A pointer says that a record is here; of somebody whom no source knows, there is none.
#[tokio::test(start_paused = true)]
async fn whom_nobody_knows_has_no_pointer() {
    let world = world(&["rx", "uhb"], BOTH);
    let nobody = people().iter().find(|person| ["rx", "uhb"].iter().all(|id| !person.known_to.contains_key(*id))).unwrap();
    let number = &nobody.about.nhs_number;
    let person = world.minted(number).await;
    let answer = read(&world, &person).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    settled().await;
    assert!(asked(&world.region, "producer").is_empty());
    // Nor when the sources that might know them did not say.
    let known = world.person(DEMO_PERSON).await;
    for source in ["rx", "uhb"] {
        world.region.fail(source, Fault::Refusing { how: Refusal::ServerError });
    }
    assert_eq!(read(&world, &known).await.status, 502);
    world.region.fail("rx", Fault::WrongPerson { by: testbed::Wrong::Number });
    assert_eq!(read(&world, &known).await.status, 502);
    settled().await;
    assert!(asked(&world.region, "producer").is_empty());
    world.region.heal();
    assert_eq!(read(&world, &known).await.status, 200);
    settled().await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1);
}

/// What we only hear from another shared record is for that one to point at: two pointers would lead to one record.
#[tokio::test(start_paused = true)]
async fn what_is_anothers_record_is_not_pointed_at_as_ours() {
    let sources = vec![("ccr", "exchange = \"other-region\"")];
    let world = World::around(Arc::new(region(&["ccr"])), &Setup { blocks: BOTH, sources, ..Setup::default() });
    let person = world.person(DEMO_PERSON).await;
    assert_eq!(read(&world, &person).await.status, 200);
    settled().await;
    assert!(asked(&world.region, "producer").is_empty(), "it is another exchange's");
    let world = self::world(&["ccr"], BOTH);
    world.region.locator().put("QWU", DEMO_PERSON, "https://ccr.example/r4/Patient/1");
    let person = world.person(DEMO_PERSON).await;
    assert!(said(&read(&world, &person).await).contains(&pointer("QWU")));
    settled().await;
    assert!(asked(&world.region, "producer").is_empty(), "its own custodian points at it");
}

/// In whatever way it fails, a read is what it would be without it, and says so.
#[tokio::test(start_paused = true)]
async fn a_locator_that_fails_takes_nothing_from_a_read() {
    let faults = [
        Fault::Html,
        Fault::Malformed,
        Fault::Refusing { how: Refusal::Closed },
        Fault::Refusing { how: Refusal::Forbidden },
        Fault::Refusing { how: Refusal::ServerError },
        Fault::Refusing { how: Refusal::Unauthorised },
        Fault::Refusing { how: Refusal::Unavailable },
        Fault::Silent,
        Fault::Slow { ms: 5_000 },
        Fault::Throttled { retry_after_s: 60 },
        Fault::Truncated,
    ];
    let world = world(&["ccr", "gp"], ASK);
    let person = world.person(DEMO_PERSON).await;
    let sound = read(&world, &person).await;
    for fault in faults {
        world.region.fail(LOCATOR, fault.clone());
        let start = Instant::now();
        let answer = read(&world, &person).await;
        assert!(start.elapsed() <= Duration::from_millis(1_010), "{fault:?} took {:?}", start.elapsed());
        assert_eq!((answer.status, said(&answer)), (200, vec![silent()]), "{fault:?}");
        assert_eq!((answer.shown(), &answer.json["total"]), (sound.shown(), &sound.json["total"]), "{fault:?}");
        assert!(answer.json["total"].is_u64(), "it does not make an answer incomplete");
        let required = format!("Patient/{person}/$everything?_complete=required");
        assert_eq!(world.get(&required, &world.doctor_of(&person)).await.status, 200, "{fault:?}");
        let legs = world.ledger.events_of(&answer.request())[1]["legs"].clone();
        let own = legs.as_array().unwrap().iter().find(|leg| leg["source"] == "national-record-locator").unwrap();
        assert!(
            own["statuses"]
                .as_object()
                .unwrap()
                .keys()
                .all(|status| status.starts_with("failed") || status == "throttled" || status == "circuit-open")
        );
    }
    assert!(asked(&world.region, "producer").is_empty());
}

/// It is asked beside the sources: where they take longer than it may, it costs nothing.
#[tokio::test(start_paused = true)]
async fn a_silent_locator_costs_its_budget_at_most() {
    let world = world(&["ccr"], BOTH);
    let person = world.person(DEMO_PERSON).await;
    world.region.fail(LOCATOR, Fault::Silent);
    for (source_ms, expected) in [(0, 1_000), (300, 1_000), (3_000, 3_000)] {
        world.region.fail("ccr", Fault::Slow { ms: source_ms });
        let path = format!("Condition?patient={person}");
        let start = Instant::now();
        let answer = world.get(&path, &world.doctor_of(&person)).await;
        assert_eq!((answer.status, said(&answer)), (200, vec![silent()]));
        let took = start.elapsed().as_millis() as u64;
        // A search takes a few requests, one after the other.
        assert!((expected..expected + 3 * source_ms + 20).contains(&took), "{source_ms}: {took}");
    }
    // Whoever passed the question on waits less than that.
    let start = Instant::now();
    world.region.fail("ccr", Fault::Slow { ms: 0 });
    let (path, token) = (format!("Condition?patient={person}"), world.doctor_of(&person));
    world.get_with(&path, &token, &[("severn-wait", "400")]).await;
    assert!(start.elapsed() <= Duration::from_millis(410), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn another_shared_record_is_named_and_its_host_is_not() {
    let world = world(&["ccr", "gp"], BOTH);
    let locator = world.region.locator();
    locator.put("QNC", DEMO_PERSON, "https://one.north.example/r4/Patient/1");
    locator.put("QNC", DEMO_PERSON, "https://two.north.example/r4/Patient/1");
    locator.put("QHL", DEMO_PERSON, "https://ours.example/r4/Patient/1");
    locator.put("not an ods code", DEMO_PERSON, "https://odd.example/r4/Patient/1");
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let everything = format!("Patient/{person}/$everything");
    for path in
        [&everything, &format!("Condition?patient={person}"), &format!("{everything}?_format=xml"), &format!("{everything}?_count=3")]
    {
        let answer = world.get(path, &token).await;
        assert_eq!(answer.status, 200);
        for host in ["north.example", "black-country.example", "ours.example", "odd.example", "127.0.0.1:1"] {
            assert!(!answer.text.contains(host), "{host} leaves in {path}");
        }
        if path.contains("xml") {
            assert!(answer.text.contains("says the national record locator: QNC"));
        } else {
            assert_eq!(said(&answer), [pointer("QNC"), pointer(ELSEWHERE)], "each once, ours not, in order: {path}");
        }
    }
    // A page further on says it, too; so does the answer when nobody here answers.
    let first = world.get(&format!("{everything}?_count=3"), &token).await;
    assert_eq!(said(&world.get(&first.next().unwrap(), &token).await).len(), 2);
    for source in ["ccr", "gp"] {
        world.region.fail(source, Fault::Refusing { how: Refusal::ServerError });
    }
    let none = world.get(&everything, &token).await;
    assert_eq!((none.status, said(&none).len()), (502, 2), "{}", none.text);
    let closed = world.ledger.events_of(&first.request())[1].clone();
    let leg = closed["legs"].as_array().unwrap().iter().find(|leg| leg["source"] == "national-record-locator").unwrap().clone();
    assert_eq!((&leg["statuses"], &leg["returned"]), (&json!({"ok": ["DocumentReference"]}), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn a_source_passed_over_is_asked_when_its_organisation_points_at_the_person() {
    let world = world(&["ccr", "rx", "uhb"], BOTH);
    let known = |person: &&testbed::Person| {
        person.known_to.contains_key("ccr") && ["rx", "uhb"].iter().all(|id| !person.known_to.contains_key(*id))
    };
    let number = &people().iter().find(known).unwrap().about.nhs_number;
    let person = world.person(number).await;
    let organisation = world.region.sources().iter().find(|source| source.id == "uhb").unwrap().organisation.clone();
    let status = async || {
        let before = world.region.asked("uhb").len();
        let answer = read(&world, &person).await;
        let plan = world.plan_of(&person, &world.doctor_of(&person), &answer).await;
        let of = |source: &str| plan.rows[&(source.to_owned(), "Condition".to_owned())].status.clone();
        (of("uhb"), of("rx"), world.region.asked("uhb").len() > before, said(&answer))
    };
    let word = |word: &str| word.to_owned();
    assert_eq!(status().await, (word("ok-empty"), word("ok-empty"), true, vec![]));
    assert_eq!(status().await, (word("not-located"), word("not-located"), false, vec![]));
    world.region.locator().put(&organisation, number, "https://uhb.example/r4/Patient/1");
    assert_eq!(status().await, (word("ok-empty"), word("not-located"), true, vec![pointer(&organisation)]));
    // What is not said opens no way.
    world.region.fail(LOCATOR, Fault::Silent);
    assert_eq!(status().await, (word("not-located"), word("not-located"), false, vec![silent()]));
    // Nor what nobody asked for.
    let off = self::world(&["ccr", "uhb"], TELL);
    off.region.locator().put(&organisation, number, "https://uhb.example/r4/Patient/1");
    let person = off.person(number).await;
    read(&off, &person).await;
    let before = off.region.asked("uhb").len();
    read(&off, &person).await;
    assert_eq!(off.region.asked("uhb").len(), before);
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_in_a_persons_name_and_where_the_question_began() {
    let world = world(&["ccr"], BOTH);
    let person = world.person(DEMO_PERSON).await;
    let machine = world.token(&Card { patient: Some(person.clone()), ..Card::system() });
    let path = format!("Condition?patient={person}");
    let answer = world.get(&path, &machine).await;
    assert_eq!((answer.status, said(&answer)), (200, vec![("information".to_owned(), "not-asked".to_owned(), String::new())]));
    let passed_on = world.get_with(&path, &world.doctor_of(&person), &[("severn-hops", "other-region")]).await;
    assert_eq!((passed_on.status, said(&passed_on)), (200, vec![]));
    assert!(asked(&world.region, "consumer").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_until_it_is_given_up_and_met_anew() {
    for fault in [Fault::Silent, Fault::Refusing { how: Refusal::Unavailable }, Fault::Truncated, Fault::Html] {
        let world = world(&["ccr"], TELL);
        let person = world.person(DEMO_PERSON).await;
        world.region.fail(LOCATOR, fault.clone());
        assert_eq!(read(&world, &person).await.status, 200);
        settled().await;
        let tries = asked(&world.region, "producer").len();
        assert!(tries > 0, "{fault:?}");
        read(&world, &person).await;
        settled().await;
        assert_eq!(asked(&world.region, "producer").len(), tries, "a further read does not press on: {fault:?}");
        world.region.heal();
        tokio::time::sleep(Duration::from_secs(5 * 60)).await;
        assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1, "{fault:?}");
        // Never well, until all tries are over: then the next read begins anew.
        let world = self::world(&["ccr"], TELL);
        let person = world.person(DEMO_PERSON).await;
        world.region.fail(LOCATOR, fault.clone());
        read(&world, &person).await;
        tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
        world.region.heal();
        tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
        assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 0, "{fault:?}");
        read(&world, &person).await;
        settled().await;
        assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1, "{fault:?}");
    }
}

/// A write whose answer is lost was done all the same: the next try sees it.
#[tokio::test(start_paused = true)]
async fn what_was_written_and_not_heard_of_is_not_written_twice() {
    let world = world(&["ccr"], TELL);
    let person = world.person(DEMO_PERSON).await;
    world.region.fail(LOCATOR, Fault::Slow { ms: 100 });
    read(&world, &person).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    // The first look is on its way back; the write that follows is lost.
    world.region.set_faults(LOCATOR, [testbed::Setting { fault: Fault::Truncated, times: Some(1) }]);
    settled().await;
    let told = asked(&world.region, "producer");
    assert_eq!((count(&told, Method::POST), told.len(), world.region.locator().urls("QHL", DEMO_PERSON).len()), (1, 2, 1));
    tokio::time::sleep(Duration::from_secs(20 * 60)).await;
    let told = asked(&world.region, "producer");
    assert_eq!((count(&told, Method::POST), told.len(), world.region.locator().urls("QHL", DEMO_PERSON).len()), (1, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn no_entry_no_word_to_the_locator() {
    let world = world(&["ccr"], TELL);
    let person = world.person(DEMO_PERSON).await;
    world.ledger.fails_after(2);
    let answer = read(&world, &person).await;
    assert_eq!(answer.status, 200);
    settled().await;
    assert!(asked(&world.region, "producer").is_empty());
    world.ledger.heals();
    tokio::time::sleep(Duration::from_secs(5 * 60)).await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1, "and it is made up for");
    let events = world.ledger.events_of(&answer.request());
    let own: Vec<&Value> = events.iter().filter(|event| event["event"].as_str().unwrap().starts_with("publish")).collect();
    assert_eq!(own[0], &json!({"event": "publishing", "patient": person, "pointer": "present"}));
    assert_eq!(own[1], &json!({"event": "published", "outcome": "kept", "made": 1, "changed": 0, "deleted": 0}));
    assert_eq!(own.len(), 2);
    world.ledger.verify();
}

/// The whole log of a test's thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Everything that is logged, of every level.
fn logged() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(move || writer.clone());
    (log, tracing::subscriber::set_default(subscriber.finish()))
}

const SHORT: &str = "[national.record_locator]\nurl = \"http://127.0.0.1:1/record-locator\"\ncustodian = \"QHL\"\npractice_setting = { code = \"394802001\", display = \"General medicine\" }\npublish = true\n\
                     limits = { publish_queue_max = 1, publish_concurrent = 1 }\n";

#[tokio::test(start_paused = true)]
async fn a_full_queue_says_so_and_leaves_it_to_the_next_read() {
    let (log, _guard) = logged();
    let world = world(&["ccr"], SHORT);
    let known: Vec<&str> =
        people().iter().filter(|person| person.known_to.contains_key("ccr")).map(|person| person.about.nhs_number.as_str()).collect();
    let mut persons = Vec::new();
    for number in &known[..4] {
        persons.push(world.person(number).await);
    }
    world.region.fail(LOCATOR, Fault::Silent);
    for person in &persons {
        let start = Instant::now();
        assert_eq!(read(&world, person).await.status, 200);
        assert!(start.elapsed() < Duration::from_secs(1), "no read waits for it");
        tokio::task::yield_now().await;
    }
    assert!(log.text().matches("too many people wait").count() >= 2, "{}", log.text());
    world.region.heal();
    for _ in 0..2 {
        for person in &persons {
            read(&world, person).await;
            tokio::time::sleep(Duration::from_secs(10 * 60)).await;
        }
    }
    let pointers: usize = known[..4].iter().map(|number| world.region.locator().urls("QHL", number).len()).sum();
    assert_eq!(pointers, 4);
}

#[tokio::test(start_paused = true)]
async fn no_number_and_no_address_is_in_the_log_or_the_ledger() {
    let (log, _guard) = logged();
    let world = world(&["ccr", "gp"], BOTH);
    let person = world.person(DEMO_PERSON).await;
    for fault in [Fault::Silent, Fault::Html, Fault::Truncated, Fault::Refusing { how: Refusal::BadRequest }] {
        world.region.fail(LOCATOR, fault);
        assert_eq!(read(&world, &person).await.status, 200);
        tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    }
    world.region.heal();
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1);
    let (log, ledger) = (log.text(), world.ledger.text());
    assert!(log.contains("the national record locator did not say") && log.contains("it is tried again later"), "{log}");
    for secret in [DEMO_PERSON, "subject:identifier", "black-country.example", "$everything"] {
        assert!(!log.contains(secret), "`{secret}` stands in the log: {log}");
        assert!(!ledger.contains(secret), "`{secret}` stands in the ledger");
    }
}

/// Over real sockets: what is written, changed and taken away goes by HTTP's own methods.
#[tokio::test]
async fn pointers_are_kept_over_http() {
    let running = Region::start([127, 0, 0, 1].into(), None).await.unwrap();
    let region = running.region();
    let ccr = region.sources().into_iter().find(|source| source.id == "ccr").unwrap();
    let blocks = testbed::Locator::block(&running.locator_url(), "QHL") + &ccr.to_toml("ccr.token");
    let known = people().iter().filter(|person| person.known_to.contains_key("ccr")).nth(1).unwrap().about.nhs_number.as_str();
    for _ in 0..2 {
        region.locator().put("QHL", known, "https://exchange.example/old");
    }
    let world = World::listening(region.clone(), &blocks);
    for number in [DEMO_PERSON, known] {
        let person = world.person(number).await;
        let answer = read(&world, &person).await;
        assert_eq!((answer.status, said(&answer).len()), (200, usize::from(number == DEMO_PERSON)));
        let expected = [format!("{PUBLIC}/fhir/R4/Patient/{person}/$everything")];
        for _ in 0..500 {
            if region.locator().urls("QHL", number) == expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(region.locator().urls("QHL", number), expected);
    }
    let told = asked(&region, "producer");
    assert_eq!([Method::POST, Method::PUT, Method::DELETE].map(|method| count(&told, method)), [1, 1, 1]);
    running.stop().await;
}
