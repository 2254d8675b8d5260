//! Asked: what a reader is told, what it costs, and where it leads.

use super::*;

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
