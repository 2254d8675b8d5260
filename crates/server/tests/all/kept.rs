//! Where everything is kept: PostgreSQL under a whole exchange, and the commands that see to a store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use server::wiring;
use store::{PostgresSettings, PostgresStore, Secrets};
use testbed::{DEMO_PERSON, Fault};

use crate::commands::Room;
use crate::postgres::{Postgres, QUICK};
use crate::world::{Card, Setup, World, region};

fn store(url: &str, room: &Room) -> PostgresStore {
    let ms = Duration::from_millis;
    let settings = PostgresSettings {
        url: url.to_owned(),
        password: None,
        ca_file: None,
        pool_max: 2,
        connect: ms(2000),
        statement: ms(10_000),
        patience: ms(8000),
    };
    PostgresStore::new(settings, Arc::new(Secrets::open(&room.0.join("severn.key")).unwrap())).unwrap()
}

/// The store of an exchange, by the same key as [`store`].
fn kept(server: &Postgres, room: &Room, patience_ms: u32) -> String {
    let key = room.0.join("severn.key");
    format!("url = \"{}\"\nkey_file = \"{}\"\npatience_ms = {patience_ms}", server.url("postgres"), key.display())
}

/// What a read shows of whom, and how many of its sources did not answer.
async fn read(world: &World, person: &str) -> (usize, BTreeMap<String, BTreeSet<String>>) {
    let answer = world
        .get(&format!("Patient/{person}/$everything"), &world.token(&Card { patient: Some(person.to_owned()), ..Card::doctor() }))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let failed =
        ["gp", "uhb"].iter().flat_map(|source| answer.issues_of(source)).filter(|(_, status, _)| status.starts_with("failed")).count();
    (failed, answer.shown())
}

/// Each type that a source showed is one that it holds, with a date; and it was heard of others that it holds none.
fn what_each_holds_is_in_the_locator(server: &Postgres, shown: &BTreeMap<String, BTreeSet<String>>) {
    let sql =
        "SELECT source, kind, said->>0, coalesce(said->>1, '') FROM severn.located, jsonb_each(kinds) AS heard (kind, said) WHERE holds";
    let rows = server.psql("postgres", sql);
    let rows: Vec<Vec<&str>> = rows.lines().map(|row| row.split('|').collect()).collect();
    for (source, ids) in shown {
        let own: BTreeSet<&str> = rows.iter().filter(|row| row[0] == source && row[2] == "1").map(|row| row[1]).collect();
        let seen: BTreeSet<&str> = ids.iter().filter_map(|id| id.split('/').next()).filter(|kind| *kind != "Patient").collect();
        assert!(!own.is_empty() && own.iter().all(|kind| seen.contains(kind)), "{source} holds {own:?}, and showed {seen:?}");
    }
    assert!(rows.iter().any(|row| row[2] == "0" && row[3].is_empty()), "asked, and empty: {rows:?}");
    assert!(rows.iter().any(|row| row[1] == "Condition" && row[3].parse::<jiff::civil::Date>().is_ok()), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_survives_postgresql_restarting() {
    let (mut server, room) = (Postgres::start(QUICK), Room::new());
    store(&server.url("postgres"), &room).migrate().await.unwrap();
    let region = Arc::new(region(&["gp", "uhb"]));
    let setup = Setup { store: kept(&server, &room, 9000), ..Setup::default() };
    let world = World::around(region.clone(), &setup);
    let person = world.person(DEMO_PERSON).await;
    let (_, whole) = read(&world, &person).await;
    assert_eq!(whole.len(), 2, "{whole:?}");
    what_each_holds_is_in_the_locator(&server, &whole);
    for (signal, slow_ms, stop_after_ms) in [("INT", 0, 0), ("QUIT", 1500, 400), ("KILL", 1500, 400)] {
        if slow_ms > 0 {
            // The legs are under way when it goes, and end before it is back.
            region.fail("uhb", Fault::Slow { ms: slow_ms });
        }
        let restarting = async {
            tokio::time::sleep(Duration::from_millis(stop_after_ms)).await;
            server.stop(signal);
            tokio::time::sleep(Duration::from_millis(1500)).await;
            tokio::task::block_in_place(|| server.run());
        };
        let reading = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            read(&world, &person).await
        };
        let ((failed, shown), ()) = tokio::join!(reading, restarting);
        assert_eq!((failed, &shown), (0, &whole), "{signal}");
        region.heal();
    }
    // Every read is on the ledger, opened and closed once.
    let lines = store(&server.url("postgres"), &room).lines().await.unwrap();
    audit::verify(&lines).unwrap();
    let count = |event: &str| lines.iter().filter(|line| line.event.starts_with(&format!("{{\"event\":\"{event}\""))).count();
    assert_eq!((count("opened"), count("closed")), (5, 5), "a find and four reads");
}

#[tokio::test]
async fn without_its_store_nothing_is_read_and_nobody_is_asked() {
    let (mut server, room) = (Postgres::start(QUICK), Room::new());
    store(&server.url("postgres"), &room).migrate().await.unwrap();
    let setup = Setup { store: kept(&server, &room, 200), ..Setup::default() };
    let world = World::around(Arc::new(region(&["gp"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    server.stop("INT");
    world.ledger.watch();
    let answer = world.get(&format!("Patient/{person}/$everything"), &world.token(&Card { patient: Some(person), ..Card::doctor() })).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(world.ledger.before_the_first_ask(), None, "a source was asked");
}

/// What cannot be read without the store is not read; who asked stands on the node, and in the store when it is back.
#[tokio::test]
async fn while_its_store_is_away_who_asked_stands_in_the_node_s_journal() {
    let (mut server, room) = (Postgres::start(QUICK), Room::new());
    store(&server.url("postgres"), &room).migrate().await.unwrap();
    let setup = Setup { store: kept(&server, &room, 200), node: true, ..Setup::default() };
    let world = World::around(Arc::new(region(&["gp"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    server.stop("INT");
    world.ledger.watch();
    let token = world.token(&Card { patient: Some(person.clone()), ..Card::doctor() });
    let mut asked = Vec::new();
    // Whose id it is stands in the store: no entry can be opened. Somebody who is looked for by number is written down first.
    let by_number = format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}");
    for (path, first) in [(format!("Patient/{person}/$everything"), "refused"), (by_number, "opened")] {
        let answer = world.get(&path, &token).await;
        assert_eq!(answer.status, 503, "{}", answer.text);
        asked.push((answer.request(), first));
    }
    assert_eq!(world.ledger.before_the_first_ask(), None, "a source was asked");
    server.run();
    let store = store(&server.url("postgres"), &room);
    let mut lines = Vec::new();
    for _ in 0..400 {
        lines = store.lines().await.unwrap();
        if asked.iter().all(|(request, _)| lines.iter().any(|line| line.trace == *request)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (request, first) in &asked {
        let own: Vec<&str> = lines.iter().filter(|line| line.trace == *request).map(|line| line.event.as_str()).collect();
        assert!(own.first().is_some_and(|event| event.starts_with(&format!("{{\"event\":\"{first}\""))), "{request}: {own:?}");
    }
    audit::verify(&lines).unwrap();
    let (_, shown) = read(&world, &person).await;
    assert!(!shown.is_empty());
}

/// A configuration whose store is elsewhere.
fn configure(room: &Room, name: &str, store: &str) {
    let text = format!(
        "[exchange]\nid = \"here\"\norganisation = \"QHL\"\n\n[store]\n{store}\n\n\
         [[sign_in]]\nissuer = \"https://login.example\"\naudience = \"severn\"\nkeys = \"https://login.example/jwks\"\n\n\
         [[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"RRK\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n"
    );
    std::fs::write(room.0.join(name), text).unwrap();
}

/// Lines of the ledger and a person, written as an exchange writes them.
async fn written(room: &Room, name: &str) -> record::PersonId {
    let text = std::fs::read_to_string(room.0.join(name)).unwrap();
    let config = server::config::Config::parse(&text, &room.0).unwrap();
    server::store::prepare(&config.store).await.unwrap();
    let outside = wiring::Outside::real(&config).unwrap();
    let (ledger, writing) = audit::Ledger::start(outside.journal, outside.clock, "run".to_owned());
    let noting = async {
        let event = audit::Event::Refused { by: None, patient: String::new(), why: "no".into(), policy: Vec::new() };
        for n in 0..20 {
            ledger.note(&format!("q{n}").parse().unwrap(), &event).await.unwrap();
        }
        drop(ledger);
    };
    tokio::join!(noting, writing);
    let secrets = Arc::new(Secrets::open(&config.store.key_file).unwrap());
    wiring::open(&config.store, secrets).unwrap().person_of(&DEMO_PERSON.parse().unwrap()).await.unwrap()
}

async fn person(room: &Room, name: &str) -> Option<record::PersonId> {
    let text = std::fs::read_to_string(room.0.join(name)).unwrap();
    let config = server::config::Config::parse(&text, &room.0).unwrap();
    let secrets = Arc::new(Secrets::open(&config.store.key_file).unwrap());
    wiring::open(&config.store, secrets).unwrap().known(&DEMO_PERSON.parse().unwrap()).await.unwrap()
}

/// Both stores by the same commands: what is backed up from one place stands in the other.
async fn comes_back(room: &Room) {
    let command = |what: &[&str]| room.run(&[&["store"], what].concat());
    let says = |what: &[&str], code, words: &str| {
        let (ended, said, errors) = command(what);
        assert!(ended == Some(code) && format!("{said}{errors}").contains(words), "{what:?}: {ended:?} {said}{errors}");
    };
    says(&["migrate", "--config", "old.toml"], 0, "schema: from version 0 to");
    says(&["migrate", "--config", "old.toml"], 0, "already");
    let whose = written(room, "old.toml").await;
    says(&["check", "--config", "old.toml"], 0, "ledger: 20 entries in 1 chains, each as it was written");
    says(&["backup", "--config", "old.toml", "--to", "copy"], 0, "ledger: 20 entries in 1 chains");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(room.0.join("copy")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "others can read it");
    says(&["backup", "--config", "old.toml", "--to", "copy"], 1, "copy");
    says(&["restore", "--config", "new.toml", "--from", "copy"], 0, "ledger: 20 entries in 1 chains");
    assert_eq!(person(room, "new.toml").await, Some(whose));
    says(&["check", "--config", "new.toml"], 0, "ledger: 20 entries");
    says(&["restore", "--config", "new.toml", "--from", "copy"], 1, "");
}

#[tokio::test]
async fn a_file_is_backed_up_and_comes_back_whole() {
    let room = Room::new();
    configure(&room, "old.toml", "url = \"sqlite:old.db\"\nkey_file = \"key\"");
    configure(&room, "new.toml", "url = \"sqlite:new.db\"\nkey_file = \"key\"");
    let (code, _, words) = room.run(&["store", "restore", "--config", "new.toml", "--from", "copy"]);
    assert!(code == Some(1) && words.contains("key"), "{words}");
    Secrets::open(&room.0.join("key")).unwrap();
    comes_back(&room).await;
    // A copy that somebody changed is refused, and nothing is put in place of it.
    let connection = rusqlite::Connection::open(room.0.join("copy")).unwrap();
    connection.execute_batch("DROP TRIGGER ledger_no_update; UPDATE ledger SET trace = 'x' WHERE sequence = 3").unwrap();
    drop(connection);
    configure(&room, "third.toml", "url = \"sqlite:third.db\"\nkey_file = \"key\"");
    let (code, said, _) = room.run(&["store", "restore", "--config", "third.toml", "--from", "copy"]);
    assert!(code == Some(1) && said.contains("NOT as it was written: run run, entry 3"), "{said}");
    assert!(!room.0.join("third.db").exists());
    let (code, _, words) = room.run(&["store", "distribute", "--config", "old.toml"]);
    assert!(code == Some(1) && words.contains("only PostgreSQL's tables"), "{words}");
}

#[tokio::test]
async fn postgresql_is_backed_up_and_comes_back_whole() {
    let (server, room) = (Postgres::start(QUICK), Room::new());
    server.psql("postgres", "CREATE ROLE clerk LOGIN");
    for database in ["old", "new"] {
        server.psql("postgres", &format!("CREATE DATABASE {database} OWNER clerk"));
        let url = server.url(database).replace("severn@", "clerk@");
        configure(&room, &format!("{database}.toml"), &format!("url = \"{url}\"\nkey_file = \"key\""));
    }
    Secrets::open(&room.0.join("key")).unwrap();
    comes_back(&room).await;
    // The ledger is as guarded as it was.
    let refused = server.psql_fails("new", "SET ROLE clerk; DELETE FROM severn.ledger");
    assert!(refused.contains("permission denied"), "{refused}");
    let (code, said, _) = room.run(&["store", "distribute", "--config", "new.toml"]);
    assert!(code == Some(3) && said.contains("citus is not in this database"), "{said}");
    let (code, said, _) = room.run(&["store", "distribute", "--config", "new.toml", "--dry-run"]);
    assert_eq!((code, said.lines().count()), (Some(0), PostgresStore::distribution().len()));
    let (code, said, _) = room.run(&["check", "--config", "new.toml"]);
    assert_eq!(code, Some(0), "{said}");
}
