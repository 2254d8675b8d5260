//! The master key is changed by command: killed in the middle and gone on with, until the old one opens nothing and is not asked for.

use std::process::Stdio;
use std::time::Duration;

use crate::commands::Room;
use crate::loading::CONFIG;

fn ran(room: &Room, arguments: &[&str]) -> String {
    let (code, said, complaints) = room.run(&[arguments, &["--config", "severn.toml"]].concat());
    assert_eq!(code, Some(0), "{arguments:?}: {said}{complaints}");
    said
}

#[test]
fn a_new_key_takes_over_though_the_change_is_killed_again_and_again() {
    let room = Room::new();
    let at = |name: &str| room.0.join(name);
    std::fs::write(at("severn.toml"), CONFIG).unwrap();
    std::fs::write(at("keys.json"), r#"{"keys":[]}"#).unwrap();
    let (code, _, complaints) =
        room.run(&["people", "generate", "--people", "500", "--records", "r", "--gold", "g", "--ndjson", "p.ndjson"]);
    assert_eq!(code, Some(0), "{complaints}");
    let load = ["people", "load", "p.ndjson", "--source", "hosp"];
    ran(&room, &load);
    let backup = ["store", "backup", "--to", "before.db"];
    ran(&room, &backup);
    std::fs::copy(at("severn.db.key"), at("old.key")).unwrap();

    ran(&room, &["store", "new-key", "--to", "both.key", "--first"]);
    std::fs::rename(at("both.key"), at("severn.db.key")).unwrap();
    let rekey = ["store", "rekey", "--batch", "3", "--config", "severn.toml"];
    for ms in [30, 90, 150, 210, 60] {
        let mut working = room.command(&rekey).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        // It may have come to its end.
        let _ = working.kill();
        working.wait().unwrap();
    }
    let said = ran(&room, &["store", "rekey", "--batch", "50"]);
    assert!(said.contains("everything is sealed by") && (said.contains("nothing needs") || said.contains("no other key")), "{said}");

    // The first line alone is enough now.
    let both = std::fs::read_to_string(at("severn.db.key")).unwrap();
    let (new, old) = both.trim().split_once('\n').unwrap();
    std::fs::write(at("severn.db.key"), new).unwrap();
    assert!(ran(&room, &["store", "check"]).contains("each as it was written"));
    let said = ran(&room, &[&load[..], &["--as-of", "2026-11-27T09:00:00Z"]].concat());
    assert!(!said.contains("entries: 500 new"), "nobody is made anew: {said}");
    // By the old one nothing is opened, first or alone.
    for keys in [old.to_owned(), format!("{old}\n{new}")] {
        std::fs::write(at("severn.db.key"), keys).unwrap();
        let (code, _, complaints) = room.run(&["store", "migrate", "--config", "severn.toml"]);
        assert_eq!(code, Some(1), "{complaints}");
        assert!(complaints.contains("key"), "{complaints}");
        assert!(!complaints.contains(old) && !complaints.contains(new), "a key is told");
    }
    // What was backed up before needs the key of before, and is as good as it was.
    std::fs::write(at("severn.db.key"), new).unwrap();
    std::fs::rename(at("severn.db"), at("now.db")).unwrap();
    for rest in ["severn.db-wal", "severn.db-shm"] {
        let _ = std::fs::remove_file(at(rest));
    }
    let (code, ..) = room.run(&["store", "restore", "--from", "before.db", "--config", "severn.toml"]);
    assert_eq!(code, Some(1));
    let _ = std::fs::remove_file(at("severn.db"));
    std::fs::copy(at("old.key"), at("severn.db.key")).unwrap();
    ran(&room, &["store", "restore", "--from", "before.db"]);
}
