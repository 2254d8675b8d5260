//! Two Severns that ask each other, and one neighbour that both ask: a ring.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use testbed::{DEMO_PERSON, Fault, Held, person};

use crate::world::{Answer, Issuer, Setup, Wire, World, region};

/// What each exchange has of its own; `nbr` is a neighbour of both.
const WEST: &[&str] = &["gp", "nbr", "uhb"];
const EAST: &[&str] = &["nbr", "ohc"];

/// What is in one exchange's configuration for the other: whom it asks, and whose word it takes.
fn block(id: &str, host: &str, (own, pact): (&str, &Pact)) -> &'static str {
    let Pact { west, audience, lives_s, .. } = pact;
    let (exchange, audience, kid) = match host {
        "east" => ("east", *audience, ""),
        _ => (*west, "https://west.severn.test", "kid = \"test\", "),
    };
    let block = format!(
        r#"
[[source]]
id = "{id}"
name = "The region in the {host}"
organisation = "QNC"
dialect = "severn"
url = "http://{host}.severn.test/fhir/R4"
exchange = "{exchange}"
auth = {{ kind = "on-behalf", issuer = "https://{own}.severn.test", audience = "{audience}", key_file = "own.pem", {kid}lives_s = {lives_s} }}

[[sign_in]]
issuer = "https://{host}.severn.test"
audience = "https://{own}.severn.test"
keys = "{host}.json"
"#
    );
    block.leak()
}

/// What the west and the east agreed on, as the west keeps to it.
pub struct Pact {
    /// By which hop id the east knows the west.
    pub west: &'static str,
    /// Whom the west's tokens are for.
    pub audience: &'static str,
    /// How long they live.
    pub lives_s: u32,
    /// The key that signs them.
    pub key: Issuer,
    /// The key by which the east knows the west; what the west publishes, if none.
    pub known_by: Option<Issuer>,
}

impl Pact {
    pub fn kept() -> Pact {
        Pact { west: "west", audience: "https://east.severn.test", lives_s: 60, key: Issuer::new(), known_by: None }
    }
}

/// Two exchanges, and what leads from one to the other.
pub struct Ring {
    pub west: World,
    pub east: World,
    pub wire: Arc<Wire>,
    /// The person by the west's id.
    pub person: String,
    /// Of a doctor of the west who has them open.
    pub token: String,
}

impl Ring {
    pub async fn new(pact: &Pact) -> Ring {
        let (wire, east_key) = (Arc::new(Wire::default()), Issuer::new());
        let exchange = |id, sources: &[&str], blocks, files| {
            // Room for many readers at once.
            let limits = "concurrent = 64\nper_second = 10000";
            World::around(Arc::new(region(sources)), &Setup { id, limits, blocks, files, wire: wire.clone(), ..Setup::default() })
        };
        let files = vec![("own.pem", pact.key.pem()), ("east.json", east_key.jwks())];
        let west = exchange("west", WEST, block("e", "east", ("west", pact)), files);
        let published = west.send("GET", "/.well-known/jwks.json", None, &[], "").await;
        let known_by = pact.known_by.as_ref().map_or(published.text, Issuer::jwks);
        let files = vec![("own.pem", east_key.pem()), ("west.json", known_by)];
        let east = exchange("east", EAST, block("w", "west", ("east", pact)), files);
        let person = west.person(DEMO_PERSON).await;
        wire.forget();
        let token = west.doctor_of(&person);
        Ring { west, east, wire, person, token }
    }

    pub async fn read(&self) -> Answer {
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
    let ring = Ring::new(&Pact::kept()).await;
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
    let asked = ring.wire.asked();
    assert!(!asked.is_empty() && asked.iter().all(|sent| sent.target.starts_with("east.severn.test/") && sent.hops == "west"), "{asked:?}");
    assert!(ring.east.region.asked("nbr").iter().any(|request| request.headers["severn-hops"] == "west, east"));
    let opened =
        ring.east.ledger.events().into_iter().filter(|event| event["event"] == "opened" && event["hops"] == serde_json::json!(["west"]));
    assert!(opened.count() >= 2);
    assert!(ring.west.ledger.events().iter().all(|event| event["hops"][0] != "east"));
}

#[tokio::test(start_paused = true)]
async fn each_resource_says_by_which_way_it_came() {
    let ring = Ring::new(&Pact::kept()).await;
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
    let ring = Ring::new(&Pact::kept()).await;
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
    let ring = Ring::new(&Pact { west: "wast", ..Pact::kept() }).await;
    ring.west.get(&format!("Condition?patient={}", ring.person), &ring.token).await;
    let back: Vec<u16> = ring
        .wire
        .asked()
        .iter()
        .filter(|sent| sent.target.starts_with("west.") && sent.hops == "west, east")
        .map(|sent| sent.status)
        .collect();
    assert!(back.contains(&508), "the east asked the west, which knew its user and refused: {back:?}");
    let answer = ring.read().await;
    judge(&answer);
    let plan = ring.west.plan_of(&ring.person, &ring.token, &answer).await;
    for (kind, row) in plan.of("e") {
        assert!(["ok", "ok-empty", "unsupported", "not-asked"].contains(&row.status.as_str()), "{kind} is {}", row.status);
    }
}
