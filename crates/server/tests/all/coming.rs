//! A record as its answers come: what is shown before all have, what comes after, and what never does.

use std::sync::Arc;

use serde_json::Value;
use testbed::{DEMO_PERSON, Fault, Region, Supplier, habits};

use crate::consent::holder;
use crate::tab::Tab;
use crate::world::{Answer, Card, Setup, World};

/// The person's page, as a browser asks for it that can add what comes later.
async fn begun(tab: &Tab<'_>, person: &str) -> Answer {
    with_script(tab, &format!("/viewer/patient/{person}")).await
}

async fn with_script(tab: &Tab<'_>, path: &str) -> Answer {
    let cookies = format!("{}; severn-script=1", tab.cookie);
    tab.world.send("GET", path, None, &[("cookie", &cookies)], "").await
}

/// Where a page says that the rest will be.
fn rest(page: &Answer) -> Option<String> {
    let (_, after) = page.text.split_once("data-more=\"")?;
    Some(after.split('"').next().unwrap().to_owned())
}

/// The parts that came: of each its name, and the page.
fn parts(answer: &Answer) -> Vec<(String, String)> {
    let event = |event: &str| {
        let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
        let data: Value = serde_json::from_str(&line("data:")?).unwrap();
        Some((line("event:")?, data.as_str().unwrap().to_owned()))
    };
    answer.text.split("\n\n").filter_map(event).collect()
}

/// A region of which one source takes a second for each answer, and somebody whom it knows.
async fn late(source: &str) -> (World, String) {
    let world = World::of(&["ccr", "uhb", "gp"]);
    let person = world.person(DEMO_PERSON).await;
    assert!(world.region.fail(source, Fault::Slow { ms: 1_000 }));
    (world, person)
}

async fn doctor<'a>(world: &'a World, person: &str) -> Tab<'a> {
    world.tab(&world.doctor_of(person)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_shown_and_a_late_source_adds_the_rest() {
    let (world, person) = late("uhb").await;
    let tab = doctor(&world, &person).await;
    let begin = tokio::time::Instant::now();
    let first = begun(&tab, &person).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert!(begin.elapsed().as_millis() < 1_000, "it waited {:?}", begin.elapsed());
    assert!(first.text.contains("so far: 2 of 3 sources") && first.text.contains("not answered yet"), "{}", first.text);
    // What is lacking is not taken for none.
    assert!(first.text.contains("The list may be incomplete"), "{}", first.text);
    let more = with_script(&tab, &rest(&first).expect("more is to come")).await;
    assert_eq!((more.status, more.headers["content-type"].to_str().unwrap()), (200, "text/event-stream"));
    let parts = parts(&more);
    assert_eq!(parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["last"]);
    let (_, last) = &parts[0];
    assert!(last.contains("Answered in full: 3 of 3 sources") && !last.contains("data-more") && !last.contains("not answered yet"));
    // It is what a whole page says, and the sources were asked once.
    world.region.heal();
    let whole = tab.read(&person).await;
    let lines = |page: &str| page.matches("class=\"sv-line").count();
    assert_eq!(lines(last), lines(&whole.text));
    assert!(lines(&first.text) < lines(last), "it added nothing");
}

#[tokio::test(start_paused = true)]
async fn each_part_is_on_the_ledger_with_what_it_showed_before_it_is_shown() {
    let (world, person) = late("uhb").await;
    let tab = doctor(&world, &person).await;
    let first = begun(&tab, &person).await;
    let request = first.request();
    let shown = |event: &Value| {
        let sources: Vec<String> =
            event["shown"].as_array().unwrap().iter().map(|one| one["source"].as_str().unwrap().to_owned()).collect();
        sources
    };
    let closed = |events: &[Value]| events.iter().filter(|event| event["event"] == "closed").map(shown).collect::<Vec<_>>();
    assert_eq!(world.ledger.of(&request), ["opened", "closed"]);
    assert_eq!(closed(&world.ledger.events_of(&request)), [["ccr", "gp"]]);
    with_script(&tab, &rest(&first).unwrap()).await;
    assert_eq!(world.ledger.of(&request), ["opened", "closed", "opened", "closed"]);
    assert_eq!(closed(&world.ledger.events_of(&request))[1], ["ccr", "gp", "uhb"]);
}

#[tokio::test(start_paused = true)]
async fn where_a_part_cannot_be_entered_it_is_not_shown() {
    let (world, person) = late("uhb").await;
    let tab = doctor(&world, &person).await;
    let first = begun(&tab, &person).await;
    world.ledger.fails_after(0);
    let more = with_script(&tab, &rest(&first).unwrap()).await;
    assert!(parts(&more).is_empty(), "{}", more.text);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_whole_for_whoever_cannot_add_to_it_or_asks_for_all() {
    let (world, person) = late("uhb").await;
    let tab = doctor(&world, &person).await;
    for page in [tab.read(&person).await, with_script(&tab, &format!("/viewer/patient/{person}?whole")).await] {
        assert!(page.text.contains("Answered in full: 3 of 3 sources"), "{}", page.text);
        assert_eq!(rest(&page), None);
    }
    world.region.heal();
    assert_eq!(rest(&begun(&tab, &person).await), None, "nothing is late");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_is_named_at_the_end() {
    let (world, person) = late("uhb").await;
    assert!(world.region.fail("uhb", Fault::Silent));
    let tab = doctor(&world, &person).await;
    let more = with_script(&tab, &rest(&begun(&tab, &person).await).unwrap()).await;
    let parts = parts(&more);
    let (name, last) = parts.last().unwrap();
    assert_eq!(name, "last");
    assert!(last.contains("no reply") && last.contains("2 of 3 sources") && !last.contains("not answered yet"), "{last}");
}

#[tokio::test(start_paused = true)]
async fn the_rest_is_given_once_and_to_nobody_else() {
    let (world, person) = late("uhb").await;
    let (tab, other) = (doctor(&world, &person).await, doctor(&world, &person).await);
    let rest = rest(&begun(&tab, &person).await).unwrap();
    let none = async |tab: &Tab<'_>, path: &str| {
        let answer = with_script(tab, path).await;
        assert_eq!((answer.status, parts(&answer).len()), (404, 0), "{path}: {}", answer.text);
        assert_eq!(world.ledger.of(&answer.request()), ["refused"], "{path}");
    };
    none(&other, &rest).await;
    none(&tab, &rest.replace(&person, "somebody-else")).await;
    let stranger = world.send("GET", &rest, None, &[], "").await;
    assert_eq!(stranger.status, 303);
    assert_eq!(parts(&with_script(&tab, &rest).await).len(), 1);
    none(&tab, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_signed_out_is_shown_nothing_more() {
    let (world, person) = late("uhb").await;
    let tab = doctor(&world, &person).await;
    let rest = rest(&begun(&tab, &person).await).unwrap();
    let out = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        tab.post("/viewer/sign-out", &[]).await
    };
    let (more, _) = tokio::join!(with_script(&tab, &rest), out);
    assert!(parts(&more).is_empty(), "{}", more.text);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shown_before_who_may_hold_an_objection_has_answered() {
    let region = Region::of([holder(Some("permit"), habits("ccr").unwrap().organisation), {
        let habits = habits("uhb").unwrap();
        Supplier::of_the_region(habits, "https://uhb.testbed.example")
    }]);
    let sources = vec![("ccr", "nhs_number = \"verified\"\n"), ("uhb", "")];
    let world = World::around(Arc::new(region), &Setup { sources, ..Setup::default() });
    let person = world.person(DEMO_PERSON).await;
    let tab = doctor(&world, &person).await;
    // Of whom nobody knows yet what they hold, that is not known.
    tab.read(&person).await;
    assert!(world.region.fail("ccr", Fault::Slow { ms: 3_000 }));
    let page = begun(&tab, &person).await;
    assert_eq!(rest(&page), None, "{}", page.text);
    assert!(page.text.contains("Answered in full: 2 of 2 sources"), "{}", page.text);
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_shown_by_a_claim_that_ended_meanwhile() {
    let (world, person) = late("uhb").await;
    let card = Card { activities: vec!["B0264", "B0360", "B0370", "B0401", "B0168"], ..Card::doctor() };
    let tab = world.tab(&world.token(&card)).await.unwrap();
    tab.find(DEMO_PERSON).await;
    assert_eq!(tab.claim(&person, "emergency", "unconscious").await.status, 303);
    let rest = rest(&begun(&tab, &person).await).expect("more is to come");
    let access = format!("/viewer/patient/{person}/access");
    assert_eq!(tab.post(&access, &[("kind", "end-emergency")]).await.status, 303);
    let more = with_script(&tab, &rest).await;
    assert!(parts(&more).is_empty(), "{}", more.text);
}
