//! Golden cases that only the whole exchange can show.

use std::collections::BTreeSet;
use std::sync::Arc;

use testbed::{DEMO_PERSON, Fault, Refusal, Region, Supplier, habits, people};

use crate::signer::{Signers, link};
use crate::world::{Card, Setup, World, region};

#[tokio::test(start_paused = true)]
async fn golden_10_a_failed_source_is_named_and_nothing_takes_its_place() {
    let setup = Setup { sources: vec![("ohc", "use = \"compare\"")], ..Setup::default() };
    let world = World::around(Arc::new(region(&["ccr", "gp", "ohc"])), &setup);
    world.region.fail("gp", Fault::Refusing { how: Refusal::Unavailable });
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    for path in [format!("Patient/{person}/$everything"), format!("AllergyIntolerance?patient={person}")] {
        let answer = world.get(&path, &token).await;
        assert_eq!(answer.status, 200);
        assert!(answer.issues_of("gp").iter().any(|(severity, status, _)| severity == "warning" && status == "failed-http"));
        assert_eq!(answer.shown().into_keys().collect::<Vec<_>>(), ["ccr"], "{path}");
        let plan = world.plan_of(&person, &token, &answer).await;
        assert!(plan.of("ohc").count() > 0);
        for (_, row) in plan.of("ohc") {
            assert_eq!((row.status.as_str(), row.reason.as_str(), row.came), ("not-asked", "shadow", 0));
        }
        assert!(!answer.text.contains("\"ohc-"), "an id of the source that is only compared");
    }
    assert!(world.region.asked("ohc").is_empty());
}

/// The role is looked at where it is decided, and not in a page: whatever asks, it is the same.
#[tokio::test(start_paused = true)]
async fn golden_11_emergency_access_without_the_role_is_denied_through_the_api() {
    let signers = Signers::new();
    let world = World::around(Arc::new(region(&["ccr"])), &signers.setup());
    let (person, other) = (world.person(DEMO_PERSON).await, world.person("9990000026").await);
    let claim = r#"{"resourceType":"Parameters","parameter":[{"name":"kind","valueCode":"emergency"},
        {"name":"reason","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"BTG"}},
        {"name":"text","valueString":"Unconscious in resus"}]}"#;
    let whole = vec!["B0264", "B0360", "B0370", "B0401", "B0168"];
    let with = |user, role, scope| Card { user, roles: vec![role], activities: whole.clone(), scope, ..Card::doctor() };
    let launched = world.launch(&signers.link(&link(&other, "elsewhere"))).await;
    let callers = [
        ("a doctor without the activity", world.token(&Card { user: "e-1", ..Card::doctor() }), 403),
        ("a receptionist with it", world.token(&with("e-2", "R8008", "user/*.rs")), 403),
        ("a privacy officer with it", world.token(&with("e-3", "R0001", "user/*.rs")), 403),
        ("a Caldicott Guardian with it", world.token(&with("e-4", "R5105", "user/*.rs")), 403),
        ("a role nobody knows", world.token(&with("e-5", "R9999", "user/*.rs")), 403),
        ("no role", world.token(&Card { roles: vec![], ..with("e-6", "", "user/*.rs") }), 403),
        ("a token for another's launch", launched.json["access_token"].as_str().unwrap().to_owned(), 403),
        ("a token for one person", world.token(&with("e-7", "R8000", "patient/*.rs")), 403),
        ("a system", world.token(&Card { activities: whole.clone(), ..Card::system() }), 403),
        ("a doctor with it", world.token(&with("e-9", "R8000", "user/*.rs")), 200),
    ];
    for (who, token, expected) in callers {
        for face in ["R4", "STU3"] {
            let target = format!("/fhir/{face}/Patient/{person}");
            let asked = world.send("POST", &format!("{target}/$request-access"), Some(&token), &[], claim).await;
            assert_eq!(asked.status, expected, "{who}: {}", asked.text);
            let last = world.ledger.of(&asked.request()).pop();
            assert_eq!(last.as_deref(), Some(if expected == 200 { "claimed" } else { "refused" }), "{who}");
            // And what was not granted opens nothing.
            assert_eq!(world.send("GET", &format!("{target}/$everything"), Some(&token), &[], "").await.status, expected, "{who}");
        }
    }
}

/// People whom both of these suppliers know.
fn of_both(first: &str, second: &str) -> Vec<String> {
    let known = people().iter().filter(|person| person.known_to.contains_key(first) && person.known_to.contains_key(second));
    known.map(|person| person.about.nhs_number.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn golden_12_two_hundred_switches_between_people_each_keep_their_own_context() {
    let limits = "person_asks_at_once = 1000\nconcurrent = 1000\nper_second = 1000000\nqueue_ms = 5000";
    let world = World::around(Arc::new(region(&["ccr", "uhb"])), &Setup { limits, ..Setup::default() });
    let numbers: Vec<String> = of_both("ccr", "uhb").into_iter().take(4).collect();
    let mut readers = Vec::new();
    for number in &numbers {
        let person = world.person(number).await;
        // Of an organisation that nothing ties them to: only who is open counts.
        let token = world.token(&Card { patient: Some(person.clone()), organisation: "RXK", ..Card::doctor() });
        let alone = world.get(&format!("Patient/{person}/$everything"), &token).await;
        assert!(alone.shown().len() == 2 && alone.next().is_none());
        readers.push((number, person, token, alone.shown()));
    }
    let reads = (0..200).map(|at| {
        let (number, person, _, shown) = &readers[at % 4];
        // Every fifth read is made with the token that has the next person open.
        let stray = at % 5 == 0;
        let (_, _, token, _) = &readers[(at + usize::from(stray)) % 4];
        let (world, numbers) = (&world, &numbers);
        async move {
            let answer = world.get(&format!("Patient/{person}/$everything"), token).await;
            assert_eq!(answer.status, if stray { 403 } else { 200 }, "{}", answer.text);
            if !stray {
                assert_eq!(answer.json["id"], answer.request());
                assert_eq!(answer.shown(), *shown);
            }
            for other in numbers.iter().filter(|other| stray || other != number) {
                assert!(!answer.text.contains(other.as_str()), "an answer names another person");
            }
            let events = world.ledger.of(&answer.request());
            assert_eq!(events, if stray { ["opened", "refused"] } else { ["opened", "closed"] });
            answer.request()
        }
    });
    let ids: BTreeSet<String> = futures::future::join_all(reads).await.into_iter().collect();
    assert_eq!(ids.len(), 200);
    world.ledger.verify();
}

/// The same user at once in many windows: each opened by a link of its own, for one of four people, and a steward's desk beside them.
#[tokio::test(start_paused = true)]
async fn golden_12_two_hundred_launches_and_desks_at_once_each_keep_their_own_context() {
    let limits = "person_asks_at_once = 1000\nasks_in_flight = 1000\nconcurrent = 1000\nper_second = 1000000\nqueue_ms = 5000";
    let signers = Signers::new();
    let world = World::around(Arc::new(region(&["ccr", "uhb"])), &Setup { limits, ..signers.setup() });
    let numbers: Vec<String> = of_both("ccr", "uhb").into_iter().take(4).collect();
    let mut people = Vec::new();
    for number in &numbers {
        let person = world.person(number).await;
        let alone = world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await;
        people.push((number, person, alone.shown()));
    }
    let steward = world.token(&Card { scope: "severn.operator", ..Card::doctor() });
    let windows = (0..200).map(|at| {
        let (number, person, shown) = &people[at % 4];
        let (_, next, _) = &people[(at + 1) % 4];
        let (world, signers, steward, numbers) = (&world, &signers, &steward, &numbers);
        async move {
            // By number and by id in turn: one user, one person, whichever way they are named.
            let named = if at % 2 == 0 { person.clone() } else { format!("https://fhir.nhs.uk/Id/nhs-number|{number}") };
            let opened = world.launch(&signers.link(&link(&named, &format!("w-{at}")))).await;
            assert_eq!((opened.status, opened.json["patient"].as_str()), (200, Some(person.as_str())), "{}", opened.text);
            let token = opened.json["access_token"].as_str().unwrap();
            let (own, stray, desk) = (format!("Patient/{person}/$everything"), format!("Patient/{next}/$everything"), "/steward/tasks");
            let (own, stray, desk, tried) = tokio::join!(
                world.get(&own, token),
                world.get(&stray, token),
                world.send("GET", desk, Some(steward), &[], ""),
                world.send("GET", desk, Some(token), &[], "")
            );
            assert_eq!((own.status, stray.status, desk.status, tried.status), (200, 403, 200, 403), "{at}");
            assert_eq!(own.shown(), *shown);
            for other in numbers.iter().filter(|other| other != number) {
                assert!(!own.text.contains(other.as_str()), "an answer names another person");
            }
            let by =
                |request: &str| world.ledger.events_of(request).iter().find_map(|event| event["by"]["subject"].as_str().map(str::to_owned));
            let launched = Some("https://pas.hospital.example|w-17".to_owned());
            assert_eq!((by(&own.request()), by(&stray.request())), (launched.clone(), launched.clone()));
            assert_eq!((by(&desk.request()), by(&tried.request())), (Some("u-1".to_owned()), launched));
            let about = world.ledger.events_of(&own.request());
            assert!(about.iter().all(|event| event["patient"].as_str().is_none_or(|patient| patient == person)), "{about:?}");
        }
    });
    futures::future::join_all(windows).await;
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn golden_14_every_page_leads_with_the_outcome_and_is_for_its_reader_only() {
    let world = World::of(&["ccr", "gp", "soc"]);
    world.region.fail("soc", Fault::Silent);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let whole = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
    let half = whole.entries().len() / 2 + 1;
    let first = world.get(&format!("Patient/{person}/$everything?_count={half}"), &token).await;
    assert_eq!(first.shown().into_keys().collect::<Vec<_>>(), ["ccr", "gp"], "page 1 of 2 holds both sources");
    assert!(!first.issues_of("soc").is_empty());
    assert_eq!(first.json["total"], serde_json::Value::Null, "no total where a row is not whole");
    let next = first.next().unwrap();
    let second = world.get(&next, &token).await;
    assert_eq!(second.status, 200);
    assert_eq!(second.outcome(), first.outcome());
    assert_eq!(second.json["id"], first.json["id"]);
    // Nothing is lost between pages, and nothing stands on two.
    let mut paged = Vec::new();
    let mut page = world.get(&format!("Patient/{person}/$everything?_count=7"), &token).await;
    loop {
        page.outcome();
        paged.extend(page.entries().iter().skip(1).map(|entry| entry["fullUrl"].to_string()));
        let Some(next) = page.next() else { break };
        page = world.get(&next, &token).await;
    }
    let all: Vec<String> = whole.entries().iter().skip(1).map(|entry| entry["fullUrl"].to_string()).collect();
    assert_eq!(paged, all);
    // A cursor is its reader's: not another user's, not the same user's in another capacity or with another person open.
    let check = async |card: Card, expected: u16| {
        let answer = world.get(&next, &world.token(&card)).await;
        assert_eq!((answer.status, answer.entries().len()), (expected, 0), "{}", answer.text);
    };
    let card = Card { patient: Some(person.clone()), ..Card::doctor() };
    check(Card { user: "u-2", ..card.clone() }, 410).await;
    check(Card { activities: vec!["B0401"], ..card.clone() }, 410).await;
    check(Card { organisation: "RWP", ..card.clone() }, 410).await;
    let other = world.person(&of_both("ccr", "gp").into_iter().find(|number| number != DEMO_PERSON).unwrap()).await;
    check(Card { patient: Some(other), ..card.clone() }, 403).await;
    check(Card { patient: None, ..card }, 403).await;
    let mut broken = next.clone();
    broken.truncate(next.len() - 4);
    assert_eq!(world.get(&broken, &token).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn permission_is_asked_again_for_each_page() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.token(&Card { lives_s: 48 * 3600, ..Card::doctor() });
    let claim = r#"{"resourceType":"Parameters","parameter":[{"name":"kind","valueCode":"relationship"},
        {"name":"reason","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}},
        {"name":"text","valueString":"Admitted to my ward"}]}"#;
    let granted = world.send("POST", &format!("/fhir/R4/Patient/{person}/$request-access"), Some(&token), &[], claim).await;
    assert_eq!(granted.status, 200, "{}", granted.text);
    let first = world.get(&format!("Patient/{person}/$everything?_count=5"), &token).await;
    let next = first.next().unwrap();
    assert_eq!(world.get(&next, &token).await.status, 200);
    world.clock.forward_s(13 * 3600);
    let over = world.get(&next, &token).await;
    assert_eq!((over.status, over.entries().len()), (403, 0));
    assert_eq!(world.get(&format!("Patient/{person}/$plan?request={}", first.request()), &token).await.status, 403);
    assert_eq!(world.ledger.of(&over.request()), ["opened", "refused"]);
}

#[tokio::test(start_paused = true)]
async fn golden_15_a_silent_source_has_its_rows_and_a_question_that_returns_is_refused() {
    let setup = Setup { sources: vec![("ohc", "exchange = \"neighbour\"")], ..Setup::default() };
    let world = World::around(Arc::new(region(&["ccr", "ohc", "soc"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    world.region.fail("soc", Fault::Silent);
    let answer = world.get(&format!("Patient/{person}/$everything"), &token).await;
    let plan = world.plan_of(&person, &token, &answer).await;
    let types = |source: &str| plan.of(source).map(|(kind, _)| kind.to_owned()).collect::<BTreeSet<_>>();
    assert!(types("soc").is_superset(&record::CARRIED.iter().map(|kind| kind.name().to_owned()).collect()));
    assert!(plan.of("soc").all(|(_, row)| row.status == "failed-timeout"));
    world.region.heal();

    let paths = [
        format!("Patient/{person}/$everything"),
        format!("Patient/{person}"),
        format!("Condition?patient={person}"),
        format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"),
    ];
    let asked = || world.region.sources().iter().map(|source| world.region.asked(&source.id).len()).sum::<usize>();
    for path in &paths {
        for (hops, expected) in [("test", 508), ("other, test", 508), ("a, b, c, d", 508), ("not an id!", 400), ("a, b, c", 200)] {
            let before = asked();
            let answer = world.get_with(path, &token, &[("severn-hops", hops)]).await;
            assert_eq!(answer.status, expected, "{path} {hops}: {}", answer.text);
            if expected != 200 {
                assert_eq!(answer.json["resourceType"], "OperationOutcome");
                assert_eq!(asked(), before, "{path} {hops}");
            }
            if expected == 508 {
                assert_eq!(world.ledger.of(&answer.request()), ["refused"]);
            }
        }
        // The neighbour is in the hops: it is not asked, and that does not make the answer incomplete.
        let before = world.region.asked("ohc").len();
        let answer = world.get_with(path, &token, &[("severn-hops", "neighbour")]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(world.region.asked("ohc").len(), before, "{path}");
        if path.contains("$everything") {
            let plan = world.plan_of(&person, &token, &answer).await;
            assert!(plan.of("ohc").all(|(_, row)| row.status == "not-asked" && row.reason == "loop"));
            let sent = world.region.asked("ccr").pop().unwrap();
            assert_eq!(sent.headers["severn-hops"], "neighbour, test");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn golden_16_an_unsupported_type_is_no_empty_answer() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    for path in ["Claim?patient=ID", "Claim/1", "Basic?patient=ID", "NoSuchType?patient=ID", "patient/ID", "Patient/ID/$no-such-operation"]
    {
        let answer = world.get(&path.replace("ID", &person), &token).await;
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert_eq!(answer.json["resourceType"], "OperationOutcome");
        assert_eq!(answer.json["issue"][0]["code"], "not-supported", "{path}");
    }
    let answer = world.get(&format!("Patient/{person}/$everything?_type=Condition,Claim"), &token).await;
    assert_eq!((answer.status, &answer.json["issue"][0]["expression"][0]), (400, &"_type".into()));
    assert!(answer.said().contains("Claim"));
}

/// One person with this many observations and one allergy, the allergy last.
fn flooded(everything: Result<(), u16>) -> Region {
    let number = DEMO_PERSON;
    let patient = format!(
        r#"{{"resourceType":"Patient","id":"1","identifier":[{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}],"name":[{{"family":"Whittaker","given":["Doris"]}}],"birthDate":"1948-03-11"}}"#
    );
    let observation = |at: usize| {
        format!(
            r#"{{"resourceType":"Observation","id":"o{at}","status":"final","code":{{"text":"Pulse"}},"subject":{{"reference":"Patient/1"}},"valueInteger":{at}}}"#
        )
    };
    let allergy = r#"{"resourceType":"AllergyIntolerance","id":"a","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]},"code":{"text":"Penicillin"},"patient":{"reference":"Patient/1"}}"#;
    let mut resources = vec![patient];
    resources.extend((0..10_000).map(observation));
    resources.push(allergy.to_owned());
    let mut habits = habits("ccr").unwrap().clone();
    habits.everything = everything;
    let supplier = Supplier::of_resources(&habits, "http://ccr.testbed.example", vec![(number.to_owned(), resources)]).unwrap();
    Region::of([supplier])
}

#[tokio::test(start_paused = true)]
async fn golden_27_ten_thousand_observations_and_one_allergy() {
    for everything in [Ok(()), Err(404)] {
        let setup = Setup { sources: vec![("ccr", "nhs_number = \"verified\"")], ..Setup::default() };
        let world = World::around(Arc::new(flooded(everything)), &setup);
        let person = world.person(DEMO_PERSON).await;
        let token = world.doctor_of(&person);
        let answer = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let plan = world.plan_of(&person, &token, &answer).await;
        let row = |kind: &str| &plan.rows[&("ccr".to_owned(), kind.to_owned())];
        assert_eq!((row("AllergyIntolerance").status.as_str(), row("AllergyIntolerance").came), ("ok", 1), "{everything:?}");
        assert_eq!(row("Observation").status, "ok-truncated", "{everything:?}");
        assert!(row("Observation").came >= 1_000);
        assert_eq!(answer.state("allergies"), Some("known"));
        assert!(answer.issues_of("ccr").iter().any(|(_, status, kind)| status == "ok-truncated" && kind == "Observation"));
        let mut page = answer;
        let mut found = 0;
        loop {
            found += page.of_type("AllergyIntolerance").count();
            let Some(next) = page.next() else { break };
            page = world.get(&next, &token).await;
        }
        assert_eq!(found, 1, "{everything:?}");
    }
}

/// A type that no source can answer for is no empty list and no failure: each says so.
#[tokio::test(start_paused = true)]
async fn golden_16_a_type_that_no_source_supports_is_said_to_be_so() {
    let world = World::of(&["rx"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let answer = world.get(&format!("Condition?patient={person}"), &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let own: Vec<_> = answer.issues_of("rx").into_iter().filter(|(_, _, kind)| kind == "Condition").collect();
    assert_eq!(own, [("warning".to_owned(), "unsupported".to_owned(), "Condition".to_owned())]);
    let plan = world.plan_of(&person, &token, &answer).await;
    assert_eq!(plan.rows[&("rx".to_owned(), "Condition".to_owned())].status, "unsupported");
    // Unsupported leaves a list whole, as section 5 has it.
    assert_eq!(answer.state("problems"), Some("not-recorded"));
}

/// What is held was answered and is kept back: that is no failure, which asking again could mend.
#[tokio::test(start_paused = true)]
async fn a_held_leg_fails_no_system_that_requires_completeness() {
    let world = World::of(&["ccr", "gp", "mh", "soc"]);
    let number = &people().iter().find(|person| person.slug == "kyle-rafferty").unwrap().about.nhs_number;
    let person = world.person(number).await;
    let token = world.token(&Card { patient: Some(person.clone()), ..Card::system() });
    let path = format!("Patient/{person}/$everything?_complete=required");
    let answer = world.get(&path, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["total"], serde_json::Value::Null);
    assert_eq!(answer.state("allergies"), Some("unavailable"), "the practice is not asked in nobody's name");
    assert!(answer.issues_of("gp").iter().all(|(severity, code, _)| severity == "warning" && code == "withheld"));
    assert_eq!(answer.state("results"), Some("unavailable"));
    for source in ["ccr", "soc"] {
        let told = answer.issues_of(source);
        assert!(told.iter().any(|(severity, code, _)| severity == "warning" && code == "withheld"), "{told:?}");
        assert!(told.iter().any(|(_, code, _)| code == "held"), "{told:?}");
    }
    world.region.fail("mh", Fault::Refusing { how: Refusal::Unavailable });
    assert_eq!(world.get(&path, &world.doctor_of(&person)).await.status, 504);
}

/// Which source answers first, and in which order it says things, shows nowhere.
#[tokio::test(start_paused = true)]
async fn golden_20_the_order_of_arrival_shows_nowhere() {
    let mut seen: Option<(String, serde_json::Value)> = None;
    let sources = ["ccr", "gp", "ohc", "uhb"];
    for first in sources {
        let world = World::of(&sources);
        let person = world.person(DEMO_PERSON).await;
        let token = world.doctor_of(&person);
        for (at, source) in sources.iter().enumerate() {
            let ms = if *source == first { 0 } else { 100 * (at as u64 + 1) };
            world.region.fail(source, Fault::Slow { ms });
        }
        let answer = world.get_with(&format!("Patient/{person}/$everything?_count=5000"), &token, &[("x-request-id", "q-1")]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let shown: Vec<_> = answer.entries().iter().skip(1).filter(|entry| entry["resource"]["id"] != person.as_str()).cloned().collect();
        // Cluster ids are keyed by the exchange, and each of these is an exchange of its own.
        let mut text = serde_json::to_string(&shown).unwrap().replace(&person, "PERSON");
        let mut ids: Vec<String> =
            answer.of_type("Linkage").chain(answer.of_type("DetectedIssue")).map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        ids.dedup();
        for (at, id) in ids.iter().enumerate() {
            text = text.replace(id.as_str(), &format!("ID-{at}"));
        }
        match &seen {
            None => seen = Some((text, answer.json["meta"].clone())),
            Some((expected, meta)) => {
                assert_eq!(answer.json["meta"], *meta);
                assert!(*expected == text, "{first} first: another answer");
            }
        }
    }
}
