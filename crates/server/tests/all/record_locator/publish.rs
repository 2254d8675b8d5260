//! Told: one pointer a person, whatever happens.

use super::*;

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
