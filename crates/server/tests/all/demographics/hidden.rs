//! Whose place is hidden: nothing here tells that they are.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

/// A number for tests that the service has never heard of.
const UNHEARD: &str = "9990000948";

async fn settled() {
    tokio::time::sleep(Duration::from_secs(30)).await;
}

/// Every label but the plain one.
#[tokio::test(start_paused = true)]
async fn a_restricted_person_is_answered_for_as_an_unknown_one() {
    for label in [Some("R"), Some("V"), Some("Q"), None] {
        let world = world(&["ccr", "uhb"], BOTH);
        world.region.demographics().label(DEMO_PERSON, label);
        let person = world.minted(DEMO_PERSON).await;
        let token = world.doctor_of(&person);
        let nobody = "00000000-0000-4000-8000-000000000000";
        for path in ["$everything?_count=50", "", "$plan?request=r-1"] {
            let hidden = world.get(&format!("Patient/{person}/{path}"), &token).await;
            let unknown = world.get(&format!("Patient/{nobody}/{path}"), &token).await;
            assert_eq!((seen(&hidden), hidden.status), (seen(&unknown), 403), "{label:?} {path}");
            assert!(why(&world, &hidden).contains("restricted"));
        }
        for path in ["Condition?patient=", "Observation?_summary=count&patient=", "Patient/"] {
            let hidden = world.get(&format!("{path}{person}"), &token).await;
            let unknown = world.get(&format!("{path}{nobody}"), &token).await;
            assert_eq!((seen(&hidden), hidden.status), (seen(&unknown), 403), "{label:?} {path}");
        }
        settled().await;
        assert_eq!(sources(&world, &["ccr", "uhb"]), [0, 0], "no source is asked");
        assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 0);
        assert!(!world.ledger.text().contains("\"pointer\":\"present\""));
        world.ledger.verify();
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_finds_a_restricted_person_no_more_than_an_unknown_one() {
    let world = world(&["ccr", "uhb"], PDS);
    world.region.demographics().label(DEMO_PERSON, Some("R"));
    world.region.fail(DEMOGRAPHICS, Fault::Slow { ms: 300 });
    let look = async |number: &str| {
        let start = Instant::now();
        let answer = find(&world, number).await;
        let (status, mut headers, text) = seen(&answer);
        let took = start.elapsed();
        // An instant without a last zero is shorter.
        headers.retain(|(name, _)| name != "content-length");
        assert!(why(&world, &answer).contains("restricted"), "{}", why(&world, &answer));
        assert_eq!(world.ledger.of(&answer.request()), ["opened", "asked", "refused"]);
        (status, headers, untimed(&text.replace(number, "NUMBER")), took)
    };
    let hidden = look(DEMO_PERSON).await;
    // Evenly spaced, the second call waits for its turn: both begin with one.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let unknown = look(UNHEARD).await;
    assert_eq!(hidden, unknown);
    assert_eq!(sources(&world, &["ccr", "uhb"]), [0, 0]);
}

/// A number that was cut, one that the service calls restricted, one that it has never heard of: looked for, cold and again.
#[tokio::test(start_paused = true)]
async fn a_search_that_shows_nobody_takes_as_long_whomever_it_is_for() {
    let world = world(&["ccr"], PDS);
    let cut = &testbed::people().iter().find(|person| person.slug == "oscar-fielding").unwrap().about.nhs_number;
    world.registrar.cut(&cut.parse().unwrap()).await.unwrap();
    world.region.demographics().label(DEMO_PERSON, Some("R"));
    for fault in [Fault::Slow { ms: 300 }, Fault::Silent] {
        world.region.fail(DEMOGRAPHICS, fault);
        for _ in 0..2 {
            let mut took = Vec::new();
            for number in [cut, DEMO_PERSON, UNHEARD] {
                let start = Instant::now();
                assert_eq!(find(&world, number).await.json["total"], 0);
                took.push(start.elapsed());
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            assert!(took.iter().all(|one| one == &took[0]), "{took:?}");
        }
        world.clock.forward_s(LABEL_S);
    }
}

/// A source's own mark hides somebody whom the service calls unrestricted.
#[tokio::test(start_paused = true)]
async fn whoever_a_source_marks_as_restricted_has_no_pointer_either() {
    for blocks in [BOTH, LOCATOR_ONLY] {
        let world = world(&["ccr"], blocks);
        let person = world.person(DEMO_PERSON).await;
        assert_eq!(read(&world, &person).await.status, 200);
        settled().await;
        assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1);
        marked(&world, &person).await;
        let before = sources(&world, &["ccr"]);
        for _ in 0..2 {
            let answer = read(&world, &person).await;
            assert_eq!(answer.status, 403);
            assert!(why(&world, &answer).contains("restricted"));
            settled().await;
            assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 0);
        }
        assert_eq!(sources(&world, &["ccr"]), before);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_becomes_restricted_is_refused_page_by_page_and_loses_their_pointer() {
    let world = world(&["ccr", "uhb"], BOTH);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let first = world.get(&format!("Patient/{person}/$everything?_count=5"), &token).await;
    settled().await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1);
    world.clock.forward_s(9 * 60);
    let again = world.get(&format!("Patient/{person}/$everything?_count=5"), &token).await;
    let next = again.next().expect("a page to come");
    world.region.demographics().label(DEMO_PERSON, Some("R"));
    world.clock.forward_s(6 * 60);
    let before = sources(&world, &["ccr", "uhb"]);
    let page = world.get(&next, &token).await;
    let unknown = world.get("Patient/00000000-0000-4000-8000-000000000000/$everything", &token).await;
    assert_eq!(seen(&page), seen(&unknown), "a page of an answer that was given before");
    assert_eq!(seen(&read(&world, &person).await).0, 403);
    let plan = world.get(&format!("Patient/{person}/$plan?request={}", first.request()), &token).await;
    assert_eq!(seen(&plan), seen(&unknown));
    assert_eq!(sources(&world, &["ccr", "uhb"]), before);
    settled().await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 0, "the pointer from before is taken away");
    // Seen to once; the next refusal sends nothing.
    let told = world.region.asked(LOCATOR).len();
    read(&world, &person).await;
    settled().await;
    assert_eq!(world.region.asked(LOCATOR).len(), told);
    // And it comes back with the label.
    world.region.demographics().label(DEMO_PERSON, Some("U"));
    world.clock.forward_s(LABEL_S);
    assert_eq!(read(&world, &person).await.status, 200);
    settled().await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_claims_a_relationship_with_whom_they_cannot_know_of() {
    let world = world(&["ccr"], PDS);
    let person = world.minted(DEMO_PERSON).await;
    world.region.demographics().label(DEMO_PERSON, Some("R"));
    let hidden = claim(&world, &person).await;
    assert_eq!((hidden.status, seen(&hidden)), (403, seen(&claim(&world, "00000000-0000-4000-8000-000000000000").await)));
    world.region.demographics().label(DEMO_PERSON, Some("U"));
    world.clock.forward_s(LABEL_S);
    let granted = claim(&world, &person).await;
    assert_eq!(granted.status, 200, "{}", granted.text);
}

/// A person whom the service does not know has no label, and nobody is read without one.
#[tokio::test(start_paused = true)]
async fn whom_the_service_does_not_know_is_not_read() {
    let world = world(&["ccr"], PDS);
    world.region.demographics().forget(DEMO_PERSON);
    let person = world.minted(DEMO_PERSON).await;
    assert_eq!(read(&world, &person).await.status, 403);
    assert_eq!(sources(&world, &["ccr"]), [0]);
}

/// Unknown, denied, restricted, not in the service's books: refused after the same time, be the label at hand or not, the service slow
/// or silent.
#[tokio::test(start_paused = true)]
async fn a_refusal_takes_as_long_whomever_it_is_about() {
    for fault in [None, Some(Fault::Slow { ms: 300 }), Some(Fault::Silent)] {
        let world = world(&["ccr"], PDS);
        let [hidden, unheard] = [world.minted(DEMO_PERSON).await, world.minted(UNHEARD).await];
        let denied = world.minted(SUPERSEDED_NUMBER).await;
        world.region.demographics().label(DEMO_PERSON, Some("R"));
        if let Some(fault) = fault.clone() {
            world.region.fail(DEMOGRAPHICS, fault);
        }
        let nobody = "00000000-0000-4000-8000-000000000000".to_owned();
        let stranger = world.token(&Card { user: "u-9", ..Card::doctor() });
        for round in ["cold", "warm"] {
            let mut took = Vec::new();
            for person in [&hidden, &unheard, &nobody, &denied] {
                let token = if *person == denied { stranger.clone() } else { world.doctor_of(person) };
                let start = Instant::now();
                let answer = world.get(&format!("Patient/{person}/$everything"), &token).await;
                assert_eq!(answer.status, 403, "{fault:?} {round}");
                took.push(start.elapsed());
                let start = Instant::now();
                let answer = claim(&world, person).await;
                if *person != denied || answer.status == 403 {
                    assert_eq!(answer.status, 403, "{fault:?} {round}");
                    took.push(start.elapsed());
                }
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            assert!(took.iter().all(|one| one == &took[0]), "{fault:?} {round}: {took:?}");
        }
    }
}

async fn claim(world: &World, person: &str) -> Answer {
    claim_of(world, person, "relationship", Card::doctor()).await
}

async fn claim_of(world: &World, person: &str, kind: &str, by: Card) -> Answer {
    let reason = serde_json::json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "ETREAT"});
    let body = serde_json::json!({"resourceType": "Parameters", "parameter": [
        {"name": "kind", "valueCode": kind},
        {"name": "reason", "valueCoding": reason},
        {"name": "text", "valueString": "Admitted to my ward"},
    ]});
    let target = format!("/fhir/R4/Patient/{person}/$request-access");
    let headers = [("content-type", "application/fhir+json")];
    world.send("POST", &target, Some(&world.token(&by)), &headers, &body.to_string()).await
}

/// A source marks somebody in the index as restricted.
async fn marked(world: &World, person: &str) {
    let known = world.registrar.register().person(&person.parse().unwrap()).await.unwrap().expect("in the index");
    let mut entry = known.entries[0].clone();
    (entry.restricted, entry.seen) = (true, world.clock.now());
    world.registrar.take(entry).await.unwrap();
}

/// Whom only a source marks as restricted: nobody claims that they care for them, and what was claimed before opens nothing.
#[tokio::test(start_paused = true)]
async fn nobody_claims_a_relationship_with_whom_a_source_marks_as_restricted() {
    for (blocks, kind) in [("", "relationship"), ("", "emergency"), (PDS, "relationship"), (PDS, "emergency")] {
        let world = world(&["ccr"], blocks);
        let person = world.person(DEMO_PERSON).await;
        assert_eq!(read(&world, &person).await.status, 200);
        world.settled().await;
        let nobody = "00000000-0000-4000-8000-000000000000";
        let activities = vec!["B0168", "B0264", "B0360"];
        let before = Card { user: "u-7", activities: activities.clone(), ..Card::doctor() };
        let path = |person: &str| format!("Patient/{person}/$everything");
        assert_eq!(claim_of(&world, &person, kind, before.clone()).await.status, 200, "{blocks}: not marked yet");
        assert_eq!(world.get(&path(&person), &world.token(&before)).await.status, 200);
        marked(&world, &person).await;
        let asked = sources(&world, &["ccr"]);
        let after = Card { user: "u-8", activities, ..Card::doctor() };
        let timed = async |person: &str| {
            let start = Instant::now();
            let answer = claim_of(&world, person, kind, after.clone()).await;
            (seen(&answer), why(&world, &answer), start.elapsed())
        };
        let (hidden, hidden_why, took) = timed(&person).await;
        let (unknown, _, as_long) = timed(nobody).await;
        assert_eq!((hidden.0, &hidden, took), (403, &unknown, as_long), "{blocks} {kind}");
        assert!(hidden_why.contains("restricted"), "{hidden_why}");
        // Neither whoever asked now nor whoever was granted it before reads anything.
        for card in [before, after] {
            let token = world.token(&card);
            let hidden = world.get(&path(&person), &token).await;
            assert_eq!((hidden.status, seen(&hidden)), (403, seen(&world.get(&path(nobody), &token).await)), "{blocks} {kind}");
        }
        assert_eq!(sources(&world, &["ccr"]), asked, "no source was asked");
        world.ledger.verify();
    }
}

/// What was said of a person by the number that stands is the last word of them, whichever number somebody has.
#[tokio::test(start_paused = true)]
async fn by_an_old_number_nobody_is_found_whom_the_new_one_hides() {
    for hide in [
        |world: &World| world.region.demographics().label(DEMO_PERSON, Some("R")),
        |world: &World| world.region.demographics().invalidate(DEMO_PERSON),
    ] {
        let world = world(&["ccr"], PDS);
        assert_eq!(find(&world, SUPERSEDED_NUMBER).await.json["total"], 1);
        hide(&world);
        world.clock.forward_s(LABEL_S);
        assert_eq!(find(&world, DEMO_PERSON).await.json["total"], 0);
        let before = sources(&world, &["ccr"]);
        world.region.fail(DEMOGRAPHICS, Fault::Silent);
        for _ in 0..2 {
            assert_eq!(find(&world, SUPERSEDED_NUMBER).await.json["total"], 0);
            world.clock.forward_s(LABEL_S);
        }
        assert_eq!(sources(&world, &["ccr"]), before);
    }
}

/// Each page of an answer from before: that they were restricted meanwhile is not told apart from that they are unknown.
#[tokio::test(start_paused = true)]
async fn every_further_page_of_whoever_became_restricted_is_as_of_an_unknown_person() {
    let world = world(&["ccr", "uhb"], PDS);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    read(&world, &person).await;
    world.settled().await;
    world.clock.forward_s(LABEL_S - 60);
    let next = world.get(&format!("Patient/{person}/$everything?_count=5"), &token).await.next().expect("a page to come");
    world.region.demographics().label(DEMO_PERSON, Some("R"));
    assert_eq!(world.get(&next, &token).await.status, 200, "a label is believed for so long");
    world.clock.forward_s(60);
    let unknown = seen(&world.get("Patient/00000000-0000-4000-8000-000000000000/$everything", &token).await);
    // The first of these hears of it, and the index has it for the others.
    for _ in 0..3 {
        assert_eq!(seen(&world.get(&next, &token).await), unknown);
        world.clock.forward_s(1);
    }
}

/// Looked for by name: the index has an old label, the service the one that counts.
#[tokio::test(start_paused = true)]
async fn whoever_is_restricted_is_not_found_by_who_they_are() {
    let world = world(&["ccr", "uhb"], PDS);
    let about = &testbed::person(DEMO_PERSON).unwrap().about;
    let by_name = format!("Patient?family={}&given={}&birthdate={}", about.family, about.given[0], about.birth_date);
    let person = world.person(DEMO_PERSON).await;
    assert_eq!(read(&world, &person).await.status, 200);
    world.settled().await;
    let look = async |path: &str| {
        let start = Instant::now();
        let answer = world.get(path, &world.token(&Card::doctor())).await;
        let (status, headers, text) = seen(&answer);
        (status, headers.len(), answer.json["total"].clone(), text.contains(&person), start.elapsed())
    };
    assert_eq!(look(&by_name).await.2, 1, "known and unrestricted");
    for hide in [Some("R"), None] {
        world.region.demographics().label(DEMO_PERSON, hide);
        world.clock.forward_s(LABEL_S);
        world.region.fail(DEMOGRAPHICS, Fault::Slow { ms: 300 });
        // Whoever is not in the index at all, under a name of the same length.
        let nobody = look("Patient?family=Hartlex&given=Margaret&birthdate=1948-06-03").await;
        for _ in 0..2 {
            let hidden = look(&by_name).await;
            assert_eq!((hidden.0, &hidden.2, hidden.3), (200, &serde_json::json!(0), false));
            assert_eq!((hidden.1, hidden.4), (nobody.1, nobody.4), "as for nobody, in as long");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        world.region.heal();
        world.region.demographics().label(DEMO_PERSON, Some("U"));
        world.clock.forward_s(LABEL_S);
        assert_eq!(read(&world, &person).await.status, 200);
        world.settled().await;
        assert_eq!(look(&by_name).await.2, 1, "and back");
    }
    // While nobody says whether they are restricted, nobody is shown but whom the last word of today called unrestricted.
    world.region.fail(DEMOGRAPHICS, Fault::Silent);
    world.clock.forward_s(24 * 3600);
    let undecided = look(&by_name).await;
    assert_eq!((undecided.0, undecided.3), (503, false));
}

/// Somebody whose record was read, paged and pointed at before they were hidden: from then on nothing that is answered, logged or entered
/// tells where they live or who looks after them, whoever asks and by whatever way.
#[tokio::test(start_paused = true)]
async fn whoever_becomes_restricted_has_no_place_in_any_answer_log_or_ledger_line() {
    let world = world(&["ccr", "uhb", "soc"], BOTH);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let whole = read(&world, &person).await;
    let places = places(&whole);
    assert!(places.len() > 8, "{places:?}");
    let next = world.get(&format!("Patient/{person}/$everything?_count=5"), &token).await.next().expect("a page to come");
    let ids: Vec<String> = whole.shown()["ccr"].iter().take(5).cloned().collect();
    world.settled().await;
    world.region.demographics().label(DEMO_PERSON, Some("R"));
    world.clock.forward_s(LABEL_S);
    let (before, asked) = (world.ledger.events().len(), sources(&world, &["ccr", "uhb", "soc"]));
    let (log, _guard) = logged();
    let may_find = vec!["B0168", "B0264", "B0360", "B0370", "B0401", "B1611"];
    let mut cards = vec![
        Card::doctor(),
        Card { activities: may_find.clone(), ..Card::doctor() },
        Card { activities: may_find, purpose: "ETREAT", ..Card::doctor() },
    ];
    cards.extend(cards.clone().into_iter().map(|card| Card { patient: Some(person.clone()), ..card }));
    cards.push(Card { patient: Some(person.clone()), ..Card::system() });
    let about = &testbed::person(DEMO_PERSON).unwrap().about;
    for card in cards {
        for kind in ["relationship", "emergency"] {
            tells_no_place(&claim_of(&world, &person, kind, card.clone()).await.text, &places, "a claim");
        }
        let token = world.token(&card);
        let mut ways: Vec<String> =
            ["", "/$everything", "/$everything?_revinclude=Provenance:target", "/$everything?_format=xml", "/$plan?request=r-1"]
                .iter()
                .map(|way| format!("Patient/{person}{way}"))
                .collect();
        ways.extend(record::CARRIED.iter().map(|kind| format!("{kind}?patient={person}&_include=*")));
        ways.extend(ids.iter().cloned());
        ways.push(format!("Patient?family={}&given={}&birthdate={}", about.family, about.given[0], about.birth_date));
        ways.push(next.clone());
        for face in ["R4", "STU3"] {
            for way in &ways {
                let target = way.strip_prefix(crate::world::PUBLIC).map_or_else(|| format!("/fhir/{face}/{way}"), str::to_owned);
                let answer = world.send("GET", &target, Some(&token), &[], "").await;
                // What its reader asked by stands in what they are told of it.
                tells_no_place(&answer.text.replace(way.as_str(), ""), &places, &target);
            }
        }
    }
    world.settled().await;
    assert_eq!(sources(&world, &["ccr", "uhb", "soc"]), asked, "no source is asked");
    tells_no_place(&log.text(), &places, "the log");
    let entered = world.ledger.events().split_off(before);
    assert!(entered.len() > 100);
    for event in entered {
        tells_no_place(&event.to_string(), &places, "the ledger");
    }
}

fn tells_no_place(text: &str, places: &std::collections::BTreeSet<String>, what: &str) {
    for place in places {
        assert!(!text.contains(place.as_str()), "{what} tells {place}: {text}");
    }
}

/// Every string of a record that tells a place: lines of addresses, numbers to ring, who looks after them and where, and ids by which
/// one source is told from another.
fn places(whole: &Answer) -> std::collections::BTreeSet<String> {
    let mut places = std::collections::BTreeSet::new();
    let mut add = |text: &serde_json::Value| {
        places.extend(text.as_str().filter(|text| text.len() > 4 && !text.starts_with("Dr ")).map(str::to_owned));
    };
    for resource in whole.entries().iter().map(|entry| &entry["resource"]) {
        for address in resource["address"].as_array().into_iter().flatten().chain([&resource["address"]]) {
            address["line"].as_array().into_iter().flatten().for_each(&mut add);
            [&address["city"], &address["district"], &address["postalCode"], &address["text"]].into_iter().for_each(&mut add);
        }
        resource["telecom"].as_array().into_iter().flatten().for_each(|one| add(&one["value"]));
        match resource["resourceType"].as_str() {
            Some("Organization" | "Location") => {
                add(&resource["name"]);
                resource["identifier"].as_array().into_iter().flatten().for_each(|one| add(&one["value"]));
                add(&resource["id"]);
            }
            Some("Patient") => {
                let numbers = resource["identifier"].as_array().into_iter().flatten().filter(|one| one["system"] != NHS);
                numbers.for_each(|one| add(&one["value"]));
                add(&resource["managingOrganization"]["display"]);
            }
            _ => {}
        }
    }
    places
}
