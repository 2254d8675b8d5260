//! `severn audit` from outside: whatever somebody does to a store or to an export, the first bad entry is named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::{Checkpointer, Event, Ledger, Signed};
use rusqlite::Connection;
use server::config::Config;
use server::wiring::{self, Outside};

use crate::commands::Room;
use crate::loading::CONFIG;
use crate::postgres::{Postgres, QUICK};

/// A configuration whose checkpoints go to two files, and a ledger of two runs of 30 and 12 lines with three checkpoints: the last two
/// lines came after them.
async fn room(store: &str) -> Room {
    let room = Room::new();
    let witnesses =
        "\n[[ledger.witness]]\nname = \"one\"\nfile = \"one.ndjson\"\n\n[[ledger.witness]]\nname = \"two\"\nfile = \"two.ndjson\"\n";
    let text = CONFIG.replace("url = \"sqlite:severn.db\"", store) + witnesses;
    std::fs::write(room.0.join("severn.toml"), text).unwrap();
    std::fs::write(room.0.join("keys.json"), r#"{"keys":[]}"#).unwrap();
    let config = config(&room);
    server::store::prepare(&config.store).await.unwrap();
    for (run, counts) in [("a", vec![10, 20]), ("b", vec![10, 2])] {
        for (at, count) in counts.into_iter().enumerate() {
            note(&room, &format!("{run}{at}"), count).await;
            if (run, at) != ("b", 1) {
                checkpoint(&room).await;
            }
        }
    }
    room
}

fn config(room: &Room) -> Config {
    let text = std::fs::read_to_string(room.0.join("severn.toml")).unwrap();
    Config::parse(&text, &room.0).unwrap()
}

/// Notes so many entries in a run.
async fn note(room: &Room, run: &str, count: usize) {
    let outside = Outside::real(&config(room)).unwrap();
    let (ledger, writing) = Ledger::start_with(outside.journal, outside.node, outside.clock, run.to_owned());
    let noting = async {
        for n in 0..count {
            let event = Event::Refused { by: None, patient: format!("p{n}"), why: "no relationship".into(), policy: Vec::new() };
            ledger.note(&format!("q-{run}-{n}").parse().unwrap(), &event).await.unwrap();
        }
        drop(ledger);
    };
    tokio::join!(noting, writing);
}

/// Makes the next checkpoint, whenever the one before was.
async fn checkpoint(room: &Room) {
    let config = config(room);
    let outside = Outside::real(&config).unwrap();
    let secrets = Arc::new(store::Secrets::open(&config.store.key_file).unwrap());
    let store = wiring::open(&config.store, secrets).unwrap();
    let mut settings = outside.checkpoints.unwrap();
    settings.every = std::time::Duration::ZERO;
    Checkpointer::new(settings, store, outside.clock).once().await;
}

/// What `severn audit verify` says, and how it ends.
fn verify(room: &Room, arguments: &[&str]) -> (Option<i32>, String) {
    let (code, said, errors) = room.run(&[&["audit", "verify"], arguments].concat());
    (code, format!("{said}{errors}"))
}

#[tokio::test]
async fn a_ledger_is_exported_and_checked_by_whoever_has_the_key() {
    let room = room("url = \"sqlite:severn.db\"").await;
    let (code, said) = verify(&room, &["--config", "severn.toml"]);
    assert_eq!(code, Some(0), "{said}");
    for words in ["42 entries in 4 chains", "checkpoints: up to 3", "copy ", "one.ndjson: up to checkpoint 3", "2 of them came after"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("--key"), "{said}");
    let (code, pem, _) = room.run(&["audit", "key", "--config", "severn.toml"]);
    assert!(code == Some(0) && pem.starts_with("-----BEGIN PUBLIC KEY-----"), "{pem}");
    std::fs::write(room.0.join("key.pem"), pem).unwrap();
    let (code, said, errors) = room.run(&["audit", "export", "--config", "severn.toml", "--out", "whole"]);
    assert!(code == Some(0) && said.contains("42 entries, all there are"), "{said}{errors}");
    for (place, key, ends, words) in [
        ("whole", &["--key", "key.pem"][..], 0, "42 entries in 4 chains"),
        ("whole/ledger.ndjson", &["--key", "key.pem", "--checkpoints", "two.ndjson"], 0, "two.ndjson: up to checkpoint 3"),
        // Whoever makes all of it anew has a key, too.
        ("whole", &[], 3, "NOT verified: whose key signed it was not looked at"),
    ] {
        let (code, said) = verify(&room, &[&["--export", place], key].concat());
        assert!(code == Some(ends) && said.contains(words), "{place}: {said}");
    }
    // Another's key; and what is there is not written over.
    room.run(&["audit", "verify", "--config", "severn.toml"]);
    let other = audit::SigningKey::open(&room.0.join("other.pem")).unwrap().public();
    let (code, said) = verify(&room, &["--export", "whole", "--key", &other.to_string()]);
    assert!(code == Some(1) && said.contains("not the ledger's"), "{said}");
    assert_eq!(room.run(&["audit", "export", "--config", "severn.toml", "--out", "whole"]).0, Some(1));
    // Nobody else reads who looked.
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(room.0.join("whole/ledger.ndjson")).unwrap().permissions().mode() & 0o77, 0);
    // Only what came after the checkpoint before a moment: all three were made before tomorrow, so it is what no checkpoint saw yet.
    let (code, said, errors) = room.run(&["audit", "export", "--config", "severn.toml", "--out", "late", "--since", "2999-01-01"]);
    assert!(code == Some(0) && said.contains("2 entries, those after checkpoint 3"), "{said}{errors}");
    let (code, said) = verify(&room, &["--export", "late", "--key", "key.pem"]);
    assert!(code == Some(0) && said.contains("2 entries in 1 chains"), "{said}");
    assert_eq!(room.run(&["audit", "export", "--config", "severn.toml", "--out", "never", "--since", "soon"]).0, Some(1));
    assert_eq!(verify(&room, &["--config", "severn.toml", "--export", "whole"]).0, Some(2), "one or the other");
    std::fs::remove_file(room.0.join("severn.db")).unwrap();
    let (code, said) = verify(&room, &["--config", "severn.toml"]);
    assert!(code == Some(1) && said.contains("there is no store") && !room.0.join("severn.db").exists(), "{said}");
}

/// The key that a node signed by before, or another node's, is believed where the configuration names it.
#[tokio::test]
async fn a_key_of_before_is_believed_where_it_is_named() {
    let room = room("url = \"sqlite:severn.db\"").await;
    let own = audit::SigningKey::open(&room.0.join("severn.db.ledger.pem")).unwrap().public();
    std::fs::remove_file(room.0.join("severn.db.ledger.pem")).unwrap();
    checkpoint(&room).await;
    let (code, said) = verify(&room, &["--config", "severn.toml"]);
    assert!(code == Some(1) && said.contains("checkpoint 1: it is signed by a key that is not the ledger's"), "{said}");
    let text = std::fs::read_to_string(room.0.join("severn.toml")).unwrap();
    std::fs::write(room.0.join("before.pem"), own.pem()).unwrap();
    for key in ["before.pem".to_owned(), own.to_string()] {
        let named = text.replace(
            "\n[[ledger.witness]]\nname = \"one\"",
            &format!("\n[ledger]\ntrusted_keys = [\"{key}\"]\n\n[[ledger.witness]]\nname = \"one\""),
        );
        std::fs::write(room.0.join("severn.toml"), named).unwrap();
        checkpoint(&room).await;
        let (code, said) = verify(&room, &["--config", "severn.toml"]);
        assert!(code == Some(0) && !said.contains("up to 3,"), "{said}");
    }
}

/// Lifts the guards, as somebody who has the file can.
const UNGUARDED: &str = "DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete; DROP TRIGGER ledger_no_replace; \
    DROP TRIGGER checkpoint_no_update; DROP TRIGGER checkpoint_no_delete; DROP TRIGGER checkpoint_no_replace; \
    DROP TRIGGER entered_no_update; DROP TRIGGER entered_no_delete;";

#[tokio::test]
async fn whatever_is_done_to_the_store_is_found_and_the_first_bad_entry_named() {
    let room = room("url = \"sqlite:severn.db\"").await;
    Connection::open(room.0.join("severn.db")).unwrap().execute("VACUUM INTO ?", [room.0.join("whole.db").to_str().unwrap()]).unwrap();
    let forged = |change: &dyn Fn(&mut Signed)| {
        let connection = Connection::open(room.0.join("severn.db")).unwrap();
        let line: String = connection.query_row("SELECT line FROM checkpoint WHERE number = 2", [], |row| row.get(0)).unwrap();
        let mut signed = Signed::read(line.as_bytes()).unwrap();
        change(&mut signed);
        format!("UPDATE checkpoint SET line = '{}' WHERE number = 2", signed.line())
    };
    let own = audit::SigningKey::open(&room.0.join("severn.db.ledger.pem")).unwrap();
    let wrong_root = forged(&|signed| {
        signed.checkpoint.root = "0".repeat(64);
        *signed = Signed::by(&own, signed.checkpoint.clone());
    });
    let unsigned = forged(&|signed| signed.checkpoint.heads[0].sequence -= 1);
    let table: Vec<(String, &str)> = vec![
        ("UPDATE ledger SET event = replace(event, 'no', 'nO') WHERE run = 'a1' AND sequence = 7".into(), "run a1, entry 7"),
        ("UPDATE ledger SET at = replace(at, 'Z', 'z') WHERE run = 'a0' AND sequence = 1".into(), "run a0, entry 1"),
        ("UPDATE ledger SET trace = trace || '0' WHERE run = 'b1' AND sequence = 2".into(), "run b1, entry 2"),
        ("UPDATE ledger SET hash = upper(hash) WHERE run = 'b0' AND sequence = 5".into(), "run b0, entry 5"),
        ("UPDATE ledger SET previous = '' WHERE run = 'b0' AND sequence = 5".into(), "run b0, entry 5"),
        ("DELETE FROM ledger WHERE run = 'a1' AND sequence = 1".into(), "run a1, entry 1"),
        ("DELETE FROM ledger WHERE run = 'a1' AND sequence = 11".into(), "run a1, entry 11"),
        ("DELETE FROM ledger WHERE run = 'a1' AND sequence = 20".into(), "run a1, entry 20"),
        ("DELETE FROM ledger WHERE run = 'a1'".into(), "run a1, entry 1"),
        ("UPDATE ledger SET sequence = 99 WHERE run = 'a1' AND sequence = 4; UPDATE ledger SET sequence = 4 WHERE run = 'a1' AND sequence = 5; \
          UPDATE ledger SET sequence = 5 WHERE run = 'a1' AND sequence = 99".into(), "run a1, entry 4"),
        (wrong_root, "checkpoint 2: its root is not that of the chains' heads"),
        (unsigned, "checkpoint 2: its signature is not good; the first entry it leaves without its word: run a1, entry 1"),
        ("DELETE FROM checkpoint WHERE number = 2".into(), "checkpoint 2: it is missing"),
        // With its checkpoints, so that only the copies show it.
        ("DELETE FROM checkpoint WHERE number > 1; DELETE FROM ledger WHERE run > 'a0'".into(), "run a1, entry 1"),
        ("DELETE FROM checkpoint; DELETE FROM ledger".into(), "checkpoint 1: it is missing: a copy has it"),
        // The entry stands, and nobody who asks who looked is told of it.
        ("DELETE FROM entered WHERE name = '[\"patient\",\"p7\"]' AND trace = 'q-a1-7'".into(), "run a1, entry 8: it is not found by every name"),
        ("UPDATE entered SET at = at - 1 WHERE trace = 'q-b0-2' AND name = '[\"all\"]'".into(), "run b0, entry 3: it is not found by every name"),
    ];
    for (case, (sql, words)) in table.into_iter().enumerate() {
        // Each in a place of its own: somebody may still have the file of the one before.
        let place = room.0.join(format!("case-{case}"));
        std::fs::create_dir(&place).unwrap();
        for name in ["severn.toml", "keys.json", "severn.db.key", "severn.db.ledger.pem", "one.ndjson", "two.ndjson"] {
            std::fs::copy(room.0.join(name), place.join(name)).unwrap();
        }
        std::fs::copy(room.0.join("whole.db"), place.join("severn.db")).unwrap();
        Connection::open(place.join("severn.db")).unwrap().execute_batch(&format!("{UNGUARDED} {sql}")).unwrap();
        let (code, said) = verify(&room, &["--config", place.join("severn.toml").to_str().unwrap()]);
        assert_eq!(code, Some(1), "{sql}: {said}");
        let told = said.lines().any(|line| line.starts_with("NOT as it was written: ") && line.contains(words));
        assert!(told, "{sql}: {said}");
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |name: &str| (folder.join(name), std::fs::read(folder.join(name)).unwrap());
    ["ledger.ndjson", "checkpoints.ndjson", "proof.json"].map(read).into()
}

#[tokio::test]
async fn whatever_is_done_to_an_export_is_found_and_the_first_bad_entry_named() {
    let room = room("url = \"sqlite:severn.db\"").await;
    assert_eq!(room.run(&["audit", "export", "--config", "severn.toml", "--out", "out"]).0, Some(0));
    let whole = files(&room.0.join("out"));
    let lines: Vec<&[u8]> = whole[0].1.split_inclusive(|byte| *byte == b'\n').collect();
    let checkpoints: Vec<&[u8]> = whole[1].1.split_inclusive(|byte| *byte == b'\n').collect();
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let end: usize = lines[..12].iter().map(|line| line.len()).sum();
    let ledger = |lines: Vec<&[u8]>| (0, lines.concat());
    let table = [
        ("a bit of the twelfth line", (0, flipped(&whole[0].1, end - 40)), "run a1, entry 2:"),
        ("the end of that line", (0, flipped(&whole[0].1, end - 1)), "run a1, entry 2:"),
        ("the first line removed", ledger(lines[1..].to_vec()), "run a0, entry 1:"),
        ("one removed", ledger([&lines[..11], &lines[12..]].concat()), "run a1, entry 2:"),
        ("the last removed", ledger(lines[..41].to_vec()), "run b1, entry 2:"),
        ("two in each other's place", ledger([&lines[..11], &[lines[12], lines[11]], &lines[13..]].concat()), "run a1, entry 2:"),
        ("one twice", ledger([&lines[..12], &lines[11..]].concat()), "run a1, entry 2:"),
        ("a run removed", ledger([&lines[..10], &lines[30..]].concat()), "run a1, entry 1:"),
        ("cut off in a line", (0, whole[0].1[..end - 9].to_vec()), "run a1, entry 2:"),
        ("a bit of a checkpoint", (1, flipped(&whole[1].1, checkpoints[0].len() + 30)), "checkpoint 2:"),
        ("a checkpoint removed", (1, [checkpoints[0], checkpoints[2]].concat()), "checkpoint 2:"),
        ("the last checkpoint removed", (1, checkpoints[..2].concat()), "checkpoint 3:"),
        ("a bit of the proof", (2, flipped(&whole[2].1, 60)), "the export's proof:"),
        ("no proof", (2, Vec::new()), "the export's proof: it is cut off, or not there"),
    ];
    for (what, (file, bytes), words) in table {
        whole.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
        std::fs::write(&whole[file].0, bytes).unwrap();
        let (code, said) = verify(&room, &["--export", "out"]);
        assert!(code == Some(1) && said.contains(&format!("NOT as it was written: {words}")), "{what}: {said}");
    }
}

#[tokio::test]
async fn postgresql_s_ledger_is_checked_and_exported_the_same() {
    let server = Postgres::start(QUICK);
    let room = room(&format!("url = \"{}\"", server.url("postgres"))).await;
    let (code, said) = verify(&room, &["--config", "severn.toml"]);
    assert!(code == Some(0) && said.contains("42 entries in 4 chains") && said.contains("one.ndjson: up to checkpoint 3"), "{said}");
    assert_eq!(room.run(&["audit", "export", "--config", "severn.toml", "--out", "out"]).0, Some(0));
    let key = audit::SigningKey::open(&config(&room).ledger.key_file).unwrap().public().to_string();
    assert_eq!(verify(&room, &["--export", "out", "--checkpoints", "two.ndjson", "--key", &key]).0, Some(0));
    server.psql("postgres", "SET session_replication_role = replica; DELETE FROM severn.ledger WHERE run = 'a1' AND sequence = 20");
    let (code, said) = verify(&room, &["--config", "severn.toml"]);
    assert!(code == Some(1) && said.contains("NOT as it was written: run a1, entry 20"), "{said}");
}
