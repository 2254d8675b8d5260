//! `severn serve` under load, killed at any moment: whoever saw a byte of an answer stands in the ledger, and its chains are whole.
//!
//! A few times in every run of the tests; `SEVERN_KILLS=100` for the hundred of `make long`.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Client;
use rusqlite::Connection;
use store::SqliteJournal;
use testbed::{DEMO_PERSON, Region};
use tokio::task::JoinSet;

use crate::commands::{Room, Running};
use crate::world::{Card, Issuer};

const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// Who reads at once.
const READERS: usize = 3;

fn kills() -> usize {
    std::env::var("SEVERN_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(4)
}

/// Milliseconds up to some: another every time.
fn any_ms(below: u128) -> Duration {
    Duration::from_millis((uuid::Uuid::new_v4().as_u128() % below) as u64)
}

/// An exchange before the pretend region, in a folder, on a port that is free.
struct Place {
    room: Room,
    url: String,
    issuer: Issuer,
}

impl Place {
    fn new(region: &Region) -> Place {
        let (room, issuer) = (Room::new(), Issuer::new());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut text = format!(
            "[exchange]\nid = \"test\"\nlisten = \"{port}\"\norganisation = \"QHL\"\n\n[store]\nurl = \"sqlite:severn.db\"\n\n\
             [ledger]\ncheckpoint_seconds = 1\n[[ledger.witness]]\nname = \"one\"\nfile = \"one.ndjson\"\n\n\
             [[sign_in]]\nissuer = \"https://login.example\"\naudience = \"severn\"\nkeys = \"keys.json\"\n\n"
        );
        for source in region.sources() {
            let token_file = format!("{}.token", source.id);
            std::fs::write(room.0.join(&token_file), source.bearer.unwrap_or_default()).unwrap();
            text += &(source.to_toml(&token_file) + "\n");
        }
        std::fs::write(room.0.join("severn.toml"), text).unwrap();
        std::fs::write(room.0.join("keys.json"), issuer.jwks()).unwrap();
        Place { room, url: format!("http://{port}/fhir/R4"), issuer }
    }

    fn serve(&self) -> Running {
        Running::until(self.room.command(&["serve", "--config", "severn.toml"]), "severn: serving")
    }

    fn token(&self, patient: Option<&str>) -> String {
        let card = Card { patient: patient.map(str::to_owned), ..Card::doctor() };
        self.issuer.sign(&card.claims(server::wiring::system_clock().now().as_second()))
    }

    async fn person(&self) -> String {
        let find = format!("{}/Patient?identifier={NHS}|{DEMO_PERSON}", self.url);
        let found = Client::new().get(find).bearer_auth(self.token(None)).send().await.unwrap();
        let found: serde_json::Value = serde_json::from_str(&found.text().await.unwrap()).unwrap();
        let own = found["entry"].as_array().unwrap().iter().find(|entry| entry["search"]["mode"] == "match").unwrap();
        own["resource"]["id"].as_str().unwrap().to_owned()
    }

    /// Every trace that has an opening entry in the store.
    fn opened(&self) -> BTreeSet<String> {
        let lines = SqliteJournal::lines(&self.room.0.join("severn.db")).unwrap();
        lines.into_iter().filter(|line| line.event.starts_with(r#"{"event":"opened""#)).map(|line| line.trace).collect()
    }

    fn verifies(&self, when: &str) {
        let (code, said, errors) = self.room.run(&["audit", "verify", "--config", "severn.toml"]);
        assert_eq!(code, Some(0), "{when}: {said}{errors}");
    }
}

/// Reads until the exchange is gone. Remembers each answer of which a byte was seen.
async fn reads(url: String, token: String, seen: Arc<Mutex<BTreeSet<String>>>) {
    let http = Client::new();
    while let Ok(mut answer) = http.get(&url).bearer_auth(&token).send().await {
        let request = answer.headers().get("x-request-id").map(|id| id.to_str().unwrap().to_owned()).unwrap_or_default();
        let shows = answer.status().is_success();
        loop {
            match answer.chunk().await {
                Ok(Some(bytes)) if shows && !bytes.is_empty() => drop(seen.lock().unwrap().insert(request.clone())),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// Waits until so many more answers were seen, or a minute. How many were.
async fn grows(seen: &Mutex<BTreeSet<String>>, by: usize) -> usize {
    let before = seen.lock().unwrap().len();
    let grown = || seen.lock().unwrap().len() - before;
    for _ in 0..3_000 {
        if grown() >= by {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    grown()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_saw_a_byte_stands_in_the_ledger_however_often_it_is_killed() {
    let region = Region::start([127, 0, 0, 1].into(), None).await.unwrap();
    let place = Place::new(&region);
    let mut person = String::new();
    let seen: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let (mut away, mut shown_away) = (0, 0);
    for round in 0..kills() {
        let serving = place.serve();
        if person.is_empty() {
            person = place.person().await;
        }
        let url = format!("{}/Patient/{person}/$everything?_count=5000", place.url);
        let mut readers = JoinSet::new();
        for _ in 0..READERS {
            readers.spawn(reads(url.clone(), place.token(Some(&person)), seen.clone()));
        }
        // At its start, or while it answers.
        if round % 3 > 0 {
            grows(&seen, 1).await;
        }
        tokio::time::sleep(any_ms(2_000)).await;
        // Now and then the store takes nothing for longer than anybody waits for it: entries stand in the node's journal.
        let locked = (round % 10 == 2).then(|| {
            let connection = Connection::open(place.room.0.join("severn.db")).unwrap();
            connection.busy_timeout(Duration::from_secs(5)).unwrap();
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            connection
        });
        if locked.is_some() {
            // Of those who are under way, each entry may have been opened before; of one more, not.
            let grown = grows(&seen, READERS + 1).await;
            tokio::time::sleep(any_ms(1_000)).await;
            (away, shown_away) = (away + 1, shown_away + grown.saturating_sub(READERS));
        }
        // Its end is SIGKILL.
        drop(serving);
        drop(locked);
        while let Some(reader) = readers.join_next().await {
            reader.unwrap();
        }
        // What stands in the node's journal is not in the store yet, and what is in the store is whole.
        place.verifies("after the kill");
    }
    // What is left in the node's journal is shipped.
    place.serve().stop();
    place.verifies("at the end");
    let (opened, seen) = (place.opened(), seen.lock().unwrap().clone());
    let missing: Vec<&String> = seen.difference(&opened).collect();
    assert!(missing.is_empty(), "seen, and not in the ledger: {missing:?}");
    assert!(!seen.is_empty(), "nobody saw anything");
    println!(
        "killed {} times: {} answers seen, {} requests opened; {away} times the store was away, and {shown_away} answers were seen then",
        kills(),
        seen.len(),
        opened.len()
    );
    region.stop().await;
}
