//! Two Severns that ask each other, and one neighbour that both ask: a ring.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use testbed::{DEMO_PERSON, Fault, Held, person};

use crate::world::{Answer, Setup, Wire, World, region};

/// What each exchange has of its own; `nbr` is a neighbour of both.
const WEST: &[&str] = &["gp", "nbr", "uhb"];
const EAST: &[&str] = &["nbr", "ohc"];

const TO_EAST: &str = r#"
[[source]]
id = "e"
name = "East region"
organisation = "QNC"
dialect = "severn"
url = "http://east.severn.test/fhir/R4"
exchange = "east"
"#;
const TO_WEST: &str = r#"
[[source]]
id = "w"
name = "West region"
organisation = "QHL"
dialect = "severn"
url = "http://west.severn.test/fhir/R4"
exchange = "west"
"#;
/// The same by another hop id than its own.
const TO_WEST_MISNAMED: &str = r#"
[[source]]
id = "w"
name = "West region"
organisation = "QHL"
dialect = "severn"
url = "http://west.severn.test/fhir/R4"
exchange = "wast"
"#;

/// Two exchanges, and what leads from one to the other.
struct Ring {
    west: World,
    east: World,
    wire: Arc<Wire>,
    person: String,
    token: String,
}

impl Ring {
    async fn new(east_to_west: &'static str) -> Ring {
        let wire = Arc::new(Wire::default());
        let exchange = |id, sources: &[&str], blocks| {
            World::around(Arc::new(region(sources)), &Setup { id, blocks, wire: wire.clone(), ..Setup::default() })
        };
        let west = exchange("west", WEST, TO_EAST);
        let east = exchange("east", EAST, east_to_west);
        for (host, world) in [("east.severn.test", &east), ("west.severn.test", &west)] {
            let person = world.person(DEMO_PERSON).await;
            wire.persons.lock().unwrap().insert(host.to_owned(), person);
        }
        wire.asked.lock().unwrap().clear();
        let person = wire.persons.lock().unwrap()["west.severn.test"].clone();
        let token = west.doctor_of(&person);
        Ring { west, east, wire, person, token }
    }

    async fn read(&self) -> Answer {
        let answer = self.west.get(&format!("Patient/{}/$everything?_count=5000", self.person), &self.token).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }
}

/// Minted ids under which one holding may stand in the west's answer: at first hand, and by way of the east.
fn ids(held: &Held) -> Vec<String> {
    let of = |source: &str, id: &str| dialect::mint(&source.parse().unwrap(), held.resource_type, id);
    let mut ids = Vec::new();
    if WEST.contains(&held.supplier) {
        ids.push(of(held.supplier, &held.id));
    }
    if EAST.contains(&held.supplier) {
        ids.push(of("e", &of(held.supplier, &held.id)));
    }
    ids
}

/// The cluster of each resource that is in one.
fn clusters(answer: &Answer) -> BTreeMap<String, Option<String>> {
    let tag = |resource: &Value, system: &str| {
        let tags = resource["meta"]["tag"].as_array()?;
        Some(tags.iter().find(|tag| tag["system"] == system)?["code"].as_str()?.to_owned())
    };
    let of_sources = answer.entries().iter().map(|entry| &entry["resource"]).filter(|one| tag(one, "urn:severn:source").is_some());
    of_sources.map(|one| (one["id"].as_str().unwrap().to_owned(), tag(one, "urn:severn:cluster"))).collect()
}

/// Every holding is there by every way it can come, and what is one fact is one cluster.
fn judge(answer: &Answer) {
    let clusters = clusters(answer);
    let mut facts = 0;
    for fact in person(DEMO_PERSON).unwrap().facts() {
        for group in fact.groups() {
            let ids: Vec<String> = group.iter().flat_map(|held| ids(held)).collect();
            let found: BTreeSet<&Option<String>> =
                ids.iter().map(|id| clusters.get(id).unwrap_or_else(|| panic!("{}: {id} is not there", fact.key))).collect();
            if ids.len() > 1 {
                assert!(found.len() == 1 && !found.contains(&None), "{}: {ids:?} are in {found:?}", fact.key);
                facts += 1;
            }
        }
    }
    assert!(facts > 10, "{facts}");
}

#[tokio::test(start_paused = true)]
async fn two_severns_and_a_neighbour_in_a_ring_end_whole_with_each_fact_once() {
    let ring = Ring::new(TO_WEST).await;
    for turn in ["first", "again"] {
        let answer = ring.read().await;
        judge(&answer);
        // Whole: every row of every source.
        let plan = ring.west.plan_of(&ring.person, &ring.token, &answer).await;
        for ((source, kind), row) in &plan.rows {
            let whole = ["ok", "ok-empty", "unsupported", "not-asked"].contains(&row.status.as_str());
            assert!(
                whole,
                "{turn}: {source} {kind} is {}\n{}",
                row.status,
                serde_json::to_string_pretty(&answer.outcome()["issue"][0]).unwrap()
            );
        }
        assert!(answer.json["total"].is_u64(), "{turn}: an answer that is whole says how many");
        // What the east made of its sources' facts is not in it a second time.
        let made: Vec<&str> =
            answer.of_type("Patient").filter(|one| one["meta"].is_null()).map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(made, [ring.person.as_str()], "{turn}");
        assert!(plan.of("e").any(|(kind, row)| kind == "Patient" && row.came > 1));
    }
    // The hops are on the way, and in the east's ledger. Nothing came back to the west.
    let asked = ring.wire.asked.lock().unwrap().clone();
    assert!(!asked.is_empty() && asked.iter().all(|(target, hops)| target.starts_with("east.severn.test/") && hops == "west"), "{asked:?}");
    assert!(ring.east.region.asked("nbr").iter().any(|request| request.headers["severn-hops"] == "west, east"));
    let opened =
        ring.east.ledger.events().into_iter().filter(|event| event["event"] == "opened" && event["hops"] == serde_json::json!(["west"]));
    assert!(opened.count() >= 2);
    assert_eq!(
        ring.west.ledger.events().iter().filter(|event| event["event"] == "opened" && event["hops"][0] == "east").count(),
        1,
        "the east's own search"
    );
}

#[tokio::test(start_paused = true)]
async fn each_resource_says_by_which_way_it_came() {
    let ring = Ring::new(TO_WEST).await;
    let answer = ring.read().await;
    let codes = |resource: &Value, system: &str| -> Vec<String> {
        let tags = resource["meta"]["tag"].as_array().into_iter().flatten();
        tags.filter(|tag| tag["system"] == system).map(|tag| tag["code"].as_str().unwrap().to_owned()).collect()
    };
    let mut relayed = 0;
    for resource in answer.entries().iter().map(|entry| &entry["resource"]) {
        let (source, via) = (codes(resource, "urn:severn:source"), codes(resource, "urn:severn:via"));
        if source.is_empty() {
            continue;
        }
        assert_eq!((source.len(), codes(resource, "urn:severn:freshness").len()), (1, 1), "{resource}");
        let id = resource["id"].as_str().unwrap();
        match source[0].as_str() {
            "e" => {
                assert_eq!(via.len(), 1, "{resource}");
                assert!(id.starts_with(&format!("e-{}", via[0])) || id.starts_with("e.h."), "{id} by way of {via:?}");
                relayed += 1;
            }
            _ => assert!(via.is_empty(), "{resource}"),
        }
    }
    assert!(relayed > 20);
    assert!(!answer.text.contains("east.severn.test"), "no source's host leaves");
}

#[tokio::test(start_paused = true)]
async fn a_neighbours_gap_is_ours_and_what_it_has_is_shown() {
    let ring = Ring::new(TO_WEST).await;
    ring.east.region.fail("ohc", Fault::Silent);
    let answer = ring.read().await;
    let plan = ring.west.plan_of(&ring.person, &ring.token, &answer).await;
    let rows: BTreeMap<&str, &str> = plan.of("e").map(|(kind, row)| (kind, row.status.as_str())).collect();
    assert_eq!(rows["AllergyIntolerance"], "failed-timeout");
    assert_eq!(rows["Condition"], "failed-timeout", "though the neighbour's own neighbour has some");
    assert!(answer.shown()["e"].iter().any(|name| name.contains("e-nbr-")));
    assert!(answer.issues_of("e").iter().any(|(_, status, kind)| status == "failed-timeout" && kind == "AllergyIntolerance"));
    assert!(answer.json["total"].is_null(), "an answer with a gap does not say how many");
    // One type alone: what came of it is shown, though its row is not whole.
    let some = ring.west.get(&format!("Encounter?patient={}", ring.person), &ring.token).await;
    assert_eq!(some.status, 200);
    assert!(some.shown()["e"].iter().any(|name| name.contains("e-nbr-")));
    // A machine that would read absent as none gets no incomplete answer.
    let required = ring.west.get(&format!("Encounter?patient={}&_complete=required", ring.person), &ring.token).await;
    assert_eq!(required.status, 504);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_whose_hop_id_is_misspelt_still_ends_the_question() {
    let ring = Ring::new(TO_WEST_MISNAMED).await;
    ring.west.get(&format!("Condition?patient={}", ring.person), &ring.token).await;
    let back = ring.wire.asked.lock().unwrap().iter().filter(|(target, hops)| target.starts_with("west.") && hops == "west, east").count();
    assert!(back > 0, "the east asked the west, which refused");
    let answer = ring.read().await;
    judge(&answer);
    let plan = ring.west.plan_of(&ring.person, &ring.token, &answer).await;
    for (kind, row) in plan.of("e") {
        assert!(["ok", "ok-empty", "unsupported", "not-asked"].contains(&row.status.as_str()), "{kind} is {}", row.status);
    }
}
