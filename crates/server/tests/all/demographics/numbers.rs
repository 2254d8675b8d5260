//! Numbers that were replaced, and numbers that are nobody's any more.

use super::*;

/// Who is the match of a search: id and number.
fn matched(answer: &Answer) -> Option<(String, String)> {
    let entry = answer.entries().iter().find(|entry| entry["search"]["mode"] == "match")?;
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    Some((text(&entry["resource"]["id"]), text(&entry["resource"]["identifier"][0]["value"])))
}

#[tokio::test(start_paused = true)]
async fn a_superseded_number_leads_to_the_same_person_under_the_new_one() {
    let world = world(&["ccr", "uhb"], PDS);
    let person = world.minted(SUPERSEDED_NUMBER).await;
    let answer = read(&world, &person).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.shown().into_keys().collect::<Vec<_>>(), ["ccr", "uhb"]);
    let own = answer.of_type("Patient").find(|patient| patient["id"] == person.as_str()).unwrap();
    assert_eq!(own["identifier"][0]["value"], DEMO_PERSON, "the one that stands");
    for source in ["ccr", "uhb"] {
        let asked = world.region.asked(source);
        assert!(asked.iter().any(|request| request.path_and_query.contains(DEMO_PERSON)));
        assert!(asked.iter().all(|request| !request.path_and_query.contains(SUPERSEDED_NUMBER)), "nobody is asked by the old one");
    }
    // By either number they are the same person from now on, and the service is not asked again for that.
    let expected = Some((person.clone(), DEMO_PERSON.to_owned()));
    assert_eq!(matched(&find(&world, SUPERSEDED_NUMBER).await), expected);
    assert_eq!(matched(&find(&world, DEMO_PERSON).await), expected);
    assert_eq!(asked(&world.region), [SUPERSEDED_NUMBER]);
    world.clock.forward_s(LABEL_S);
    assert_eq!(read(&world, &person).await.status, 200);
    assert_eq!(asked(&world.region), [SUPERSEDED_NUMBER, DEMO_PERSON], "the new number stands");
}

/// A source that has not heard of the change says the old number; one that says a third is somebody else.
#[tokio::test(start_paused = true)]
async fn a_leg_that_says_the_old_number_is_about_the_same_person() {
    let world = world(&["ccr", "uhb"], PDS);
    world.region.fail("uhb", Fault::WrongPerson { by: Wrong::Number });
    let person = world.person(DEMO_PERSON).await;
    let answer = read(&world, &person).await;
    assert_eq!(answer.shown().into_keys().collect::<Vec<_>>(), ["ccr"], "another number is somebody else");
    let old = testbed::another_nhs_number(DEMO_PERSON);
    world.region.demographics().put(testbed::About { nhs_number: old.clone(), ..testbed::person(DEMO_PERSON).unwrap().about.clone() });
    world.region.demographics().supersede(&old, DEMO_PERSON);
    // That they are one is believed when the service says so, in answer to the old one.
    world.clock.forward_s(LABEL_S);
    assert_eq!(read(&world, &person).await.shown().into_keys().collect::<Vec<_>>(), ["ccr"]);
    let world = self::world(&["ccr", "uhb"], PDS);
    world.region.fail("uhb", Fault::WrongPerson { by: Wrong::Number });
    world.region.demographics().put(testbed::About { nhs_number: old.clone(), ..testbed::person(DEMO_PERSON).unwrap().about.clone() });
    world.region.demographics().supersede(&old, DEMO_PERSON);
    let person = world.minted(&old).await;
    for _ in 0..2 {
        let answer = read(&world, &person).await;
        assert_eq!(answer.shown().into_keys().collect::<Vec<_>>(), ["ccr", "uhb"], "{:?}", answer.issues_of("uhb"));
        // And by what was written down of it, later.
        world.clock.forward_s(LABEL_S);
    }
}

#[tokio::test(start_paused = true)]
async fn two_people_here_are_not_merged_by_a_replaced_number() {
    let world = world(&["ccr"], PDS);
    let (old, new) = (world.minted(SUPERSEDED_NUMBER).await, world.minted(DEMO_PERSON).await);
    for person in [&old, &new] {
        let answer = read(&world, person).await;
        assert_eq!(answer.shown().into_keys().collect::<Vec<_>>(), ["ccr"]);
    }
    assert_eq!(matched(&find(&world, DEMO_PERSON).await).unwrap().0, new, "the number stays who it was");
}

#[tokio::test(start_paused = true)]
async fn an_invalidated_number_leads_to_nobody_and_nothing_is_left_under_it() {
    let world = world(&["ccr", "uhb"], PDS);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let first = world.get(&format!("Patient/{person}/$everything?_count=5"), &token).await;
    let next = first.next().expect("a page to come");
    let minted = first.of_type("Patient").find(|patient| patient["id"] != person.as_str());
    let minted = minted.map(|patient| patient["id"].as_str().unwrap().to_owned());
    world.region.demographics().invalidate(DEMO_PERSON);
    world.clock.forward_s(9 * 60);
    assert_eq!(world.get(&next, &token).await.status, 200, "not yet heard of");
    world.clock.forward_s(6 * 60);
    let before = sources(&world, &["ccr", "uhb"]);
    let answer = read(&world, &person).await;
    let unknown = world.get("Patient/00000000-0000-4000-8000-000000000000/$everything?_count=5000", &token).await;
    assert_eq!(unknown.status, 403);
    assert_eq!(seen(&answer), seen(&unknown));
    for path in [next, format!("Condition?patient={person}"), format!("Condition?patient.identifier={NHS}|{DEMO_PERSON}")] {
        assert_eq!(seen(&world.get(&path, &token).await), seen(&unknown), "{path}");
    }
    if let Some(minted) = minted {
        assert_eq!(seen(&world.get(&format!("Patient/{minted}/$everything?_count=5000"), &token).await), seen(&unknown));
    }
    assert!(matched(&find(&world, DEMO_PERSON).await).is_none());
    assert_eq!(sources(&world, &["ccr", "uhb"]), before, "no source was asked");
    assert!(world.is_purged(&person, DEMO_PERSON).await);
}

/// A pointer under the number, made before, is taken away: it would lead to nobody.
#[tokio::test(start_paused = true)]
async fn an_invalidated_number_loses_its_pointer() {
    let world = world(&["ccr"], BOTH);
    let person = world.person(DEMO_PERSON).await;
    let settled = async || tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    assert_eq!(read(&world, &person).await.status, 200);
    settled().await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1);
    world.region.demographics().invalidate(DEMO_PERSON);
    world.clock.forward_s(LABEL_S);
    assert_eq!(read(&world, &person).await.status, 403);
    settled().await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 0);
    world.ledger.verify();
}

/// Two numbers were two people's here, and turn out to be one's: whoever read either saw less than there is.
#[tokio::test(start_paused = true)]
async fn whoever_read_before_two_numbers_became_one_is_on_the_ledger() {
    let old = testbed::another_nhs_number(DEMO_PERSON);
    let world = world(&["ccr", "uhb"], PDS);
    world.region.demographics().put(testbed::About { nhs_number: old.clone(), ..testbed::person(DEMO_PERSON).unwrap().about.clone() });
    let (person, former) = (world.person(DEMO_PERSON).await, world.minted(&old).await);
    assert_eq!(read(&world, &person).await.status, 200);
    world.settled().await;
    let mut entry = world.registrar.register().person(&person.parse().unwrap()).await.unwrap().unwrap().entries[0].clone();
    (entry.key.source, entry.key.local_id, entry.seen) = ("soc".parse().unwrap(), "o-1".to_owned(), world.clock.now());
    entry.demographics.number.as_mut().unwrap().value.clone_from(&old);
    world.registrar.take(entry.clone()).await.unwrap();
    assert_eq!(world.registrar.index().home(&entry.key).unwrap().as_str(), former);
    world.clock.forward_s(60);
    for whom in [&former, &person] {
        assert_eq!(read(&world, whom).await.status, 200);
    }
    world.region.demographics().supersede(&old, DEMO_PERSON);
    world.clock.forward_s(LABEL_S);
    let listed = || world.ledger.events().into_iter().filter(|event| event["event"] == "seen-meanwhile").collect::<Vec<_>>();
    assert_eq!(listed().len(), 0);
    assert_eq!(matched(&find(&world, &old).await).unwrap().0, person);
    world.settled().await;
    assert_eq!(world.registrar.index().home(&entry.key).unwrap().as_str(), person);
    let listed = listed();
    let mut whose: Vec<&str> = listed.iter().map(|event| event["patient"].as_str().unwrap()).collect();
    whose.sort_unstable();
    let mut both = [person.as_str(), former.as_str()];
    both.sort_unstable();
    assert_eq!(whose, both);
    for event in &listed {
        assert_eq!((&event["author"], &event["what"]), (&"the national service".into(), &"replaced a number".into()));
        let seen = event["seen"].as_array().unwrap();
        assert_eq!(seen.len(), 1, "{event}");
        assert_eq!((&seen[0]["by"]["name"], &seen[0]["what"]), (&"Dr A Example".into(), &"read everything".into()));
    }
    world.ledger.verify();
}
