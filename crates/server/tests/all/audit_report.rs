//! `severn audit report`, at a keyboard: over what a running exchange wrote.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::commands::Room;
use crate::loading::CONFIG;

const NUMBER: &str = "9990000018";

/// Somebody reads a person's record, as the ledger of a running exchange has it.
async fn read(file: &Path, person: &str, name: &str) {
    let journal = Arc::new(store::SqliteJournal::open(file).unwrap());
    let (ledger, writing) = audit::Ledger::start(journal, server::wiring::system_clock(), uuid::Uuid::new_v4().to_string());
    let reading = async move {
        let by = json!({"issuer": "https://login.example", "subject": name, "name": name, "sds_user_id": null, "role_profile": null,
            "roles": ["R8001"], "organisation": "RRK", "organisation_name": "Queen Elizabeth Hospital", "device": null, "client": null,
            "purposes": ["TREAT"], "token": null});
        let opened = json!({"event": "opened", "by": by, "interaction": "read everything", "patient": person, "hops": []});
        let shown = json!([{"source": "hosp", "resources": [["Condition", "hosp-1", null]], "digest": "00"}]);
        let closed = json!({"event": "closed", "outcome": "answered", "policy": ["relationship.launch"], "legs": [], "shown": shown});
        let trace = uuid::Uuid::new_v4().to_string().parse().unwrap();
        let entry = ledger.open(&trace, serde_json::from_value(opened).unwrap()).await.unwrap();
        entry.close((), serde_json::from_value(closed).unwrap()).await;
    };
    tokio::join!(reading, writing);
}

#[tokio::test]
async fn who_looked_is_told_in_plain_english() {
    let room = Room::new();
    std::fs::write(room.0.join("keys.json"), r#"{"keys":[]}"#).unwrap();
    std::fs::write(
        room.0.join("severn.toml"),
        format!("{CONFIG}\n[privacy]\nwithheld_names = [\"https://login.example|Sister Secret\"]\n"),
    )
    .unwrap();
    let file = room.0.join("severn.db");
    let person = {
        let secrets = store::Secrets::open(&room.0.join("severn.db.key")).unwrap();
        let store = store::SqliteStore::open(&file, Arc::new(secrets)).unwrap();
        exchange::People::person_of(&store, &NUMBER.parse().unwrap()).await.unwrap().to_string()
    };
    read(&file, &person, "Nurse Example").await;
    read(&file, &person, "Sister Secret").await;
    read(&file, "somebody-else", "Nurse Example").await;
    let report = |arguments: &[&str]| room.run(&[&["audit", "report", "--config", "severn.toml"], arguments].concat());
    let (code, said, why) = report(&["--patient", NUMBER, "--as", "O Officer"]);
    assert_eq!(code, Some(0), "{why}");
    for words in ["Nurse Example, a nurse, of Queen Elizabeth Hospital (RRK)", "left out for their safety", "health problems", "2 accesses"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("Secret") && !said.contains(NUMBER) && !said.contains(&person), "{said}");
    let (_, said, _) = report(&["--patient", NUMBER, "--restricted", "--html", "--as", "O Officer"]);
    assert!(said.starts_with("<!doctype html>") && !said.contains("Queen Elizabeth") && !said.contains("RRK"), "{said}");
    let (_, said, _) = report(&["--source", "hosp"]);
    assert!(said.contains("3 accesses") && said.contains(&person), "{said}");
    let (_, said, _) = report(&["--user", "https://login.example|Nurse Example", "--until", "2020-01-01"]);
    assert!(said.contains("Nobody looked"), "{said}");
    // A number that nobody was ever asked about reads the same as one that nobody looked at.
    assert!(report(&["--patient", "9990000026"]).1.contains("Nobody looked"));
    for wrong in [&["--patient", "123"][..], &[][..], &["--source", "a", "--user", "b"][..], &["--source", "a", "--since", "today"][..]] {
        assert_ne!(report(wrong).0, Some(0), "{wrong:?}");
    }
    // That it was looked at stands on the ledger, with who did, and without any number.
    let lines = store::SqliteJournal::lines(&file).unwrap();
    let text: String = lines.iter().map(|line| format!("{}\n", line.event)).collect();
    assert!(text.contains("privacy: report by patient") && text.contains("O Officer") && !text.contains(NUMBER));
    audit::verify(lines.iter()).unwrap();
}
