//! The steward's work: loading in every form, doubts listed, shown, decided and taken back, by command and over HTTP.

use serde_json::Value;
use server::steward::Desk;

use crate::commands::Room;
use crate::loading::{CONFIG, HEADING};
use crate::world::{Card, World};

fn room() -> Room {
    let room = Room::new();
    std::fs::write(room.0.join("severn.toml"), CONFIG).unwrap();
    std::fs::write(room.0.join("keys.json"), r#"{"keys":[]}"#).unwrap();
    room
}

fn load(room: &Room, file: &str, bytes: &[u8], more: &[&str]) -> String {
    std::fs::write(room.0.join(file), bytes).unwrap();
    let (code, said, complaints) = room.run(&[&["people", "load", file, "--source", "hosp", "--config", "severn.toml"], more].concat());
    assert_eq!(code, Some(0), "{complaints}");
    said
}

fn rejected(room: &Room, file: &str) -> Vec<(String, String, String)> {
    let mut reader = csv::Reader::from_path(room.0.join(format!("{file}.rejected.csv"))).unwrap();
    reader.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row[1].to_owned(), row[2].to_owned())).collect()
}

const MARGARET: &str = r#"{"resourceType":"Patient","id":"p1","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018","extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus","valueCodeableConcept":{"coding":[{"code":"number-present-and-verified"}]}}]}],"name":[{"family":"Hartley","given":["Margaret"]}],"birthDate":"1948-06-02","address":[{"line":["1 Mill Lane"],"city":"Dudley","postalCode":"DY1 4SE"}],"managingOrganization":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"RRK"}}}"#;

#[test]
fn patients_come_in_from_lines_packed_lines_and_bundles_of_every_version() {
    let dstu2 = r#"{"resourceType":"Patient","id":"p2","name":[{"family":["Quill"],"given":["Ada"]}],"birthDate":"1999-01-31","careProvider":[{"reference":"Organization/M85028"}]}"#;
    let bad = [
        ("2", "is no JSON", r#"{"resourceType":"Patient","id":"#),
        ("3", "is no Patient", r#"{"resourceType":"Practitioner","id":"d1"}"#),
        ("4", "the birth date is none", r#"{"resourceType":"Patient","id":"p3","birthDate":"31/01/1999"}"#),
        ("6", "has no local id", r#"{"resourceType":"Patient","name":[{"family":"Nobody"}]}"#),
    ];
    let lines = [MARGARET, bad[0].2, bad[1].2, bad[2].2, "", bad[3].2, dstu2].join("\n");
    let packed = {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(lines.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    for (file, bytes) in [("bulk.ndjson", lines.as_bytes()), ("bulk.ndjson.gz", &packed)] {
        let room = room();
        let said = load(&room, file, bytes, &[]);
        assert!(said.contains("6 rows read, 4 rejected") && said.contains("entries: 2 new"), "{said}");
        let found = rejected(&room, file);
        for ((line, reason, row), (expected, words, as_it_was)) in found.iter().zip(bad) {
            assert!(line == expected && reason.starts_with(words) && row == as_it_was, "{line} {reason} {row}");
        }
        assert_eq!(found.len(), bad.len());
        // The same patients as a Bundle say what they said before.
        let bundle =
            format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{MARGARET}}},{{"resource":{dstu2}}}]}}"#);
        let said = load(&room, "bundle.json", bundle.as_bytes(), &["--as-of", "2026-11-27T09:00:00Z"]);
        assert!(said.contains("2 rows read, 0 rejected") && said.contains("0 new"), "{said}");
        let xml = r#"<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><entry><resource><Patient><id value="p4"/><name><family value="Booth"/><given value="Joan"/></name><birthDate value="1950-02-03"/></Patient></resource></entry></Bundle>"#;
        let said = load(&room, "bundle.xml", xml.as_bytes(), &[]);
        assert!(said.contains("1 rows read, 0 rejected") && said.contains("entries: 1 new"), "{said}");
    }
}

#[test]
fn a_file_with_other_columns_is_read_by_a_map() {
    let room = room();
    std::fs::write(
        room.0.join("map.toml"),
        "[columns]\nrec_id = \"id\"\nfamily_name = \"surname\"\ngiven_name = \"first\"\nbirth_date = \"dob\"\n\n[formats]\nbirth_date = \"%d/%m/%Y\"\n",
    )
    .unwrap();
    let file = "id,surname,first,dob,colour\n1,Hartley,Margaret,02/06/1948,green\n2,Booth,Joan,1950-02-03,red\n";
    let said = load(&room, "odd.csv", file.as_bytes(), &["--columns", "map.toml"]);
    assert!(said.contains("2 rows read, 1 rejected"), "{said}");
    assert_eq!(
        rejected(&room, "odd.csv"),
        [("3".to_owned(), "the birth date is none".to_owned(), "2,Booth,Joan,1950-02-03,red".to_owned())]
    );
    // Without the map there is no id.
    let (code, _, complaints) = room.run(&["people", "load", "odd.csv", "--source", "hosp", "--config", "severn.toml"]);
    assert!(code == Some(1) && complaints.contains("rec_id"), "{complaints}");
}

#[test]
fn a_steward_decides_and_takes_it_back() {
    let room = room();
    let rows = "a,RRK,9990000018,01,Hartley,Margaret,,female,1948-06-02,1 Mill Lane,Dudley,DY1 4SE,,M85028\n\
                b,RJE,9990000018,01,Winterbourne,Tobias,,male,1981-11-23,9 High Street,Walsall,WS1 1AA,,M85028\n";
    let said = load(&room, "two.csv", format!("{HEADING}{rows}").as_bytes(), &[]);
    assert!(said.contains("tasks for a steward: 1"), "{said}");
    let review = |arguments: &[&str]| {
        let all = [&["people", "review"], arguments, &["--config", "severn.toml", "--as", "Sam Steward"]].concat();
        room.run(&all)
    };
    let json = |arguments: &[&str]| -> Value {
        let (code, said, complaints) = review(&[arguments, &["--json"]].concat());
        assert_eq!(code, Some(0), "{complaints}");
        serde_json::from_str(&said).unwrap()
    };
    let tasks = json(&[]);
    let id = tasks[0]["id"].as_str().unwrap().to_owned();
    assert_eq!((tasks.as_array().unwrap().len(), &tasks[0]["doubt"]), (1, &"confusion".into()));
    // Nobody works at the desk without a name.
    assert_eq!(room.run(&["people", "review", "list", "--config", "severn.toml"]).0, Some(1));
    let (_, text, _) = review(&["show", &id]);
    assert!(text.contains("Hartley") && text.contains("Winterbourne") && text.contains("one number, two people"), "{text}");
    assert_eq!(json(&["show", &id])["comparison"]["guard"], "one number, two people");
    let (code, _, why) = review(&["decide", &id, "same", "--reason", "as 9990000018"]);
    assert!(code != Some(0) && why.contains("must not hold an NHS number"), "{why}");
    let done = json(&["decide", &id, "same", "--reason", "changed name and date of birth by deed"]);
    assert_eq!(done["touched"].as_array().unwrap().len(), 2, "{done}");
    let (code, _, why) = review(&["decide", &id, "different", "--reason", "again"]);
    assert!(code == Some(1) && why.contains("decided already"), "{why}");
    assert!(json(&["list"]).as_array().unwrap().is_empty());
    let explain =
        |arguments: &[&str]| room.run(&[&["people", "explain"], arguments, &["--config", "severn.toml", "--as", "Sam Steward"]].concat());
    let (code, text, _) = explain(&["9990000018"]);
    assert!(code == Some(0) && text.contains("hosp/a, hosp/b") && text.contains("birth date"), "{text}");
    assert!(text.contains("Sam Steward: changed name"), "the history says who, and why: {text}");
    assert!(!text.contains("Hartley") && !text.contains("1948-06"), "an explanation says nothing of the values: {text}");
    let (code, _, _) = review(&["undo", &id, "--reason", "the deed was another person's"]);
    assert_eq!((code, json(&["list"]).as_array().unwrap().len()), (Some(0), 1));
    let (_, text, _) = explain(&["hosp/a", "hosp/b"]);
    assert!(text.contains("They are two people here."), "{text}");
    let (code, _, why) = explain(&["hosp/nobody"]);
    assert!(code == Some(1) && why.contains("nobody who is known"), "{why}");
    // Each deed and each look is on the ledger, with the name, and without anybody's particulars.
    let lines = store::SqliteJournal::lines(&room.0.join("severn.db")).unwrap();
    let text: String = lines.iter().map(|line| format!("{}\n", line.event)).collect();
    for words in ["steward: load", "steward: list", "steward: show", "decide", "undo", "steward: explain", "Sam Steward", "\"stewarded\""] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for secret in ["Hartley", "Winterbourne", "9990000018", "1948-06-02"] {
        assert!(!text.contains(secret), "`{secret}` stands in the ledger");
    }
    audit::verify(lines.iter()).unwrap();
}

/// Somebody is answered about a person, as the ledger of a running exchange has it.
async fn answered(file: &std::path::Path, person: &str) {
    let journal = std::sync::Arc::new(store::SqliteJournal::open(file).unwrap());
    let (ledger, writing) = audit::Ledger::start(journal, server::wiring::system_clock(), "served".to_owned());
    let answering = async move {
        let by = serde_json::json!({"issuer": "i", "subject": "u-1", "name": "Dr A Example", "sds_user_id": null, "role_profile": null,
            "roles": [], "organisation": "RRK", "organisation_name": "", "device": null, "client": null, "purposes": [], "token": null});
        let by: audit::Who = serde_json::from_value(by).unwrap();
        let opened = audit::Event::Opened { by, interaction: "read everything".into(), patient: person.to_owned(), hops: Vec::new() };
        let entry = ledger.open(&"q-1".parse().unwrap(), opened).await.unwrap();
        let closed = audit::Event::closed(audit::Ending::Answered);
        entry.close((), closed).await;
    };
    tokio::join!(answering, writing);
}

/// A file says of an entry that it is somebody else's: whoever was shown it before as the first one's is on the ledger.
#[tokio::test]
async fn a_file_that_changes_a_number_lists_who_saw_the_entry_meanwhile() {
    let room = room();
    let other = testbed::another_nhs_number("9990000018");
    let file = |number: &str| {
        let row = |id: &str, number: &str| {
            format!("{id},RRK,{number},01,Hartley,Margaret,,female,1948-06-02,1 Mill Lane,Dudley,DY1 4SE,,M85028\n")
        };
        format!("{HEADING}{}{}", row("a", "9990000018"), row("b", number))
    };
    load(&room, "one.csv", file("9990000018").as_bytes(), &["--as-of", "2026-11-20T09:00:00Z"]);
    let database = room.0.join("severn.db");
    let home = async |local_id: &str| {
        let secrets = store::Secrets::open(&room.0.join("severn.db.key")).unwrap();
        let store = store::SqliteStore::open(&database, std::sync::Arc::new(secrets)).unwrap();
        let key = people::EntryKey { source: "hosp".parse().unwrap(), local_id: local_id.to_owned() };
        people::Register::home(&store, &key).await.unwrap().unwrap().to_string()
    };
    let person = home("b").await;
    assert_eq!(person, home("a").await);
    answered(&database, &person).await;
    load(&room, "two.csv", file(&other).as_bytes(), &["--as-of", "2026-11-21T09:00:00Z"]);
    let apart = home("b").await;
    assert_ne!(person, apart);
    let lines = store::SqliteJournal::lines(&database).unwrap();
    let events: Vec<(&str, Value)> = lines.iter().map(|line| (line.trace.as_str(), serde_json::from_str(&line.event).unwrap())).collect();
    let listed: Vec<_> = events.iter().filter(|(_, event)| event["event"] == "seen-meanwhile").collect();
    assert_eq!(listed.len(), 1, "{listed:?}");
    let (trace, event) = listed[0];
    assert_eq!((&event["patient"], &event["author"]), (&Value::from(person), &"the rules, version 1".into()));
    assert!(event["what"].as_str().unwrap().starts_with("took in the file hosp:"), "{event}");
    assert_eq!((&event["seen"][0]["by"]["name"], &event["seen"][0]["trace"]), (&"Dr A Example".into(), &"q-1".into()));
    // It stands by itself, and the load says only how many views were found.
    assert_eq!(events.iter().filter(|(other, _)| other == trace).count(), 1);
    assert!(events.iter().all(|(_, event)| !event.to_string().contains(&apart)));
    let loads = events.iter().filter(|(_, event)| event["event"] == "stewarded");
    let mut loads: Vec<u64> = loads.map(|(_, event)| event["seen"].as_u64().unwrap()).collect();
    loads.sort_unstable();
    assert_eq!(loads, [0, 1]);
    audit::verify(lines.iter()).unwrap();
}

/// The desk's routes, with what each needs; one that is added must be named here, and then stand in the table.
fn name(desk: &Desk) -> &'static str {
    match desk {
        Desk::Decide(_) => "decide",
        Desk::Explain => "explain",
        Desk::List => "list",
        Desk::Show(_) => "show",
        Desk::Undo(_) => "undo",
    }
}

fn said(local_id: &str, family: &str, given: &str, born: &str) -> people::Entry {
    use people::{ClaimedNumber, Demographics, Name, NumberStatus};
    people::Entry {
        key: people::EntryKey { source: "ccr".parse().unwrap(), local_id: local_id.to_owned() },
        provider: None,
        demographics: Demographics {
            number: Some(ClaimedNumber { value: "9990000018".into(), status: NumberStatus::Verified }),
            names: vec![Name { family: family.into(), given: vec![given.into()], ..Name::default() }],
            birth_date: born.parse().ok(),
            ..Demographics::default()
        },
        restricted: false,
        seen: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// A world with one confusion, and its task.
pub async fn confused() -> (World, String) {
    let world = World::of(&["ccr"]);
    let entries = vec![said("a", "Hartley", "Margaret", "1948-06-02"), said("b", "Winterbourne", "Tobias", "1981-11-23")];
    let taken = world.registrar.take_all(entries, None).await.unwrap();
    let id = taken.done.raised[0].0.clone();
    (world, id)
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[tokio::test(start_paused = true)]
async fn the_desk_opens_to_its_steward_and_to_nobody_else() {
    let (world, id) = confused().await;
    let decide = r#"{"outcome":"different","reason":"seen the papers"}"#;
    let routes = [
        ("explain", "GET", "/steward/explain?one=ccr/a&other=ccr/b".to_owned(), ""),
        ("list", "GET", "/steward/tasks".to_owned(), ""),
        ("show", "GET", format!("/steward/tasks/{id}"), ""),
        ("decide", "POST", format!("/steward/tasks/{id}/decide"), decide),
        ("undo", "POST", format!("/steward/tasks/{id}/undo"), r#"{"reason":"wrong papers"}"#),
    ];
    for (route, method, target, _) in &routes {
        let path = target.strip_prefix("/steward").unwrap().split('?').next().unwrap();
        assert_eq!(name(&Desk::parse(&method.parse().unwrap(), path).unwrap()), *route);
    }
    let steward = Card { user: "s-1", scope: "severn.operator", ..Card::doctor() };
    let callers = [
        ("nobody", None, 401),
        ("a doctor", Some(Card::doctor()), 403),
        ("a system", Some(Card::system()), 403),
        ("a system with the scope", Some(Card { scope: "system/*.rs severn.operator", sds_user_id: None, ..steward.clone() }), 403),
        ("a privacy officer", Some(Card { scope: "severn.privacy", ..steward.clone() }), 403),
        ("somebody whose scope only begins alike", Some(Card { scope: "severn.operators", ..steward.clone() }), 403),
        ("a steward", Some(steward), 200),
    ];
    for (who, card, expected) in callers {
        let token = card.as_ref().map(|card| world.token(card));
        for (route, method, target, body) in &routes {
            let answer = world.send(method, target, token.as_deref(), &JSON, body).await;
            assert_eq!(answer.status, expected, "{who}: {route}: {}", answer.text);
            assert_eq!(answer.headers["cache-control"], "no-store");
            let events = world.ledger.of(&answer.request());
            let expected_events: &[&str] = match (expected, *route) {
                (200, "decide" | "undo") => &["opened", "stewarded"],
                (200, "explain" | "show") => &["opened", "disclosed", "disclosed", "closed"],
                (200, _) => &["opened", "closed"],
                _ => &["refused"],
            };
            assert_eq!(events, expected_events, "{who}: {route}");
            if expected != 200 {
                assert!(!answer.text.contains("Hartley") && !answer.text.contains(&id), "{who}: {route}");
            }
        }
    }
    let text = world.ledger.text();
    assert!(!text.contains("Hartley") && !text.contains("9990000018"));
    world.ledger.verify();
}

/// Whoever decides whether two are one sees who they are; of somebody whose place is to be known by nobody they see no place.
#[tokio::test(start_paused = true)]
async fn no_side_of_a_doubt_says_where_a_restricted_person_is() {
    for restricted in [None, Some("a"), Some("b")] {
        let world = World::of(&["ccr"]);
        let entries = ["a", "b"].map(|id| {
            let names = if id == "a" { ("Hartley", "Margaret", "1948-06-02") } else { ("Winterbourne", "Tobias", "1981-11-23") };
            let mut entry = said(id, names.0, names.1, names.2);
            entry.provider = Some("RRK".parse().unwrap());
            entry.restricted = restricted == Some(id);
            entry.demographics.addresses =
                vec![people::Address { line: "7 Hidden Row".into(), postcode: "DY1 4SE".into(), ..people::Address::default() }];
            entry.demographics.phones = vec!["07700900123".into()];
            entry.demographics.emails = vec!["safe@example.org".into()];
            entry.demographics.practice = Some("M85028".into());
            entry
        });
        let id = world.registrar.take_all(entries.to_vec(), None).await.unwrap().done.raised[0].0.clone();
        let token = world.token(&Card { user: "s-1", scope: "severn.operator", ..Card::doctor() });
        let shown = world.send("GET", &format!("/steward/tasks/{id}"), Some(&token), &JSON, "").await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        for name in ["Hartley", "Winterbourne", "1948-06-02"] {
            assert!(shown.text.contains(name), "{restricted:?}: {}", shown.text);
        }
        for place in ["Hidden Row", "DY1 4SE", "07700900123", "safe@example.org", "M85028", "RRK"] {
            assert_eq!(shown.text.contains(place), restricted.is_none(), "{restricted:?}, {place}: {}", shown.text);
        }
        assert_eq!(shown.json["place_hidden"], restricted.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_decision_over_http_is_done_and_undone() {
    let (world, id) = confused().await;
    let token = world.token(&Card { user: "s-1", scope: "severn.operator", ..Card::doctor() });
    let ask = async |method: &str, path: &str, body: &str| world.send(method, &format!("/steward/{path}"), Some(&token), &JSON, body).await;
    let shown = ask("GET", &format!("tasks/{id}"), "").await;
    assert_eq!(shown.json["entry"]["says"]["names"][0]["family"], "Winterbourne");
    assert_eq!(shown.json["other"]["says"]["names"][0]["family"], "Hartley");
    assert_eq!(shown.json["comparison"]["guard"], "one number, two people");
    let decide = format!("tasks/{id}/decide");
    for (body, status) in [
        ("", 400),
        ("{}", 400),
        (r#"{"outcome":"same"}"#, 400),
        (r#"{"outcome":"maybe","reason":"x"}"#, 400),
        (r#"{"outcome":"same","reason":"as 999-000-0018"}"#, 400),
    ] {
        assert_eq!(ask("POST", &decide, body).await.status, status, "{body}");
    }
    let done = ask("POST", &decide, r#"{"outcome":"same","reason":"a deed poll and a corrected birth date"}"#).await;
    assert_eq!((done.status, done.json["touched"].as_array().unwrap().len()), (200, 2), "{}", done.text);
    assert_eq!(ask("POST", &decide, r#"{"outcome":"different","reason":"x"}"#).await.status, 409);
    assert_eq!(ask("GET", "tasks", "").await.json["tasks"].as_array().unwrap().len(), 0);
    assert_eq!(ask("GET", "tasks?all=true", "").await.json["tasks"][0]["decided"]["outcome"], "same");
    let explained = ask("GET", "explain?one=ccr/a", "").await;
    assert!(explained.text.contains("a deed poll") && !explained.text.contains("Hartley"), "{}", explained.text);
    // Somebody reads the joined record, and then it turns out to be two people's.
    let person = explained.json["person"].as_str().unwrap().to_owned();
    let doctor = world.doctor_of(&person);
    let read = world.get(&format!("Patient/{person}"), &doctor).await;
    assert_eq!(read.status, 200);
    assert_eq!(world.get(&format!("Patient/{person}"), &world.token(&Card { user: "u-9", ..Card::doctor() })).await.status, 403);
    world.clock.forward_s(60);
    let undone = ask("POST", &format!("tasks/{id}/undo"), r#"{"reason":"the deed was another person's"}"#).await;
    assert_eq!((undone.status, undone.json["raised"][0].as_str()), (200, Some(id.as_str())), "{}", undone.text);
    // They are told by name; whoever was refused is not, nor the steward, who looked at it, too.
    let seen = undone.json["seen_meanwhile"].as_array().unwrap();
    assert_eq!(seen.len(), 1, "{}", undone.text);
    let who = ["person", "by", "user", "organisation", "request"].map(|key| seen[0][key].as_str().unwrap().to_owned());
    assert_eq!(who, [person, "Dr A Example".to_owned(), "u-1".to_owned(), "RRK".to_owned(), read.request()]);
    assert_eq!(world.ledger.of(&undone.request()), ["opened", "seen-meanwhile", "stewarded"]);
    let events = world.ledger.events_of(&undone.request());
    assert_eq!(
        (&events[1]["author"], &events[1]["seen"][0]["by"]["subject"], &events[2]["seen"]),
        (&Value::from("https://login.example|s-1"), &Value::from("u-1"), &Value::from(1))
    );
    world.ledger.verify();
    for (path, status) in
        [("tasks/none", 404), ("explain?one=ccr/none", 404), ("explain?one=9990000018", 400), ("explain", 400), ("people", 404)]
    {
        assert_eq!(ask("GET", path, "").await.status, status, "{path}");
    }
    assert_eq!(ask("DELETE", &format!("tasks/{id}"), "").await.status, 405);
}
