use serde_json::{Value, json};

use super::*;
use crate::{Line, accounts};

fn who(name: &str, sds: &str, role: &str) -> Value {
    json!({"issuer": "https://login.example", "subject": sds, "name": name, "sds_user_id": sds, "role_profile": null, "roles": [role],
        "organisation": "RRK", "organisation_name": "Queen Elizabeth Hospital", "device": "ward-7-pc-2", "client": null,
        "purposes": ["TREAT"], "token": "t-1"})
}

fn ledger() -> Vec<Line> {
    let doctor = who("Dr A Example", "1", "R8000");
    let shown = json!([{"source": "ccr", "resources": [["AllergyIntolerance", "1", null], ["Condition", "2", null]], "digest": "00"},
        {"source": "gp", "resources": [["MedicationRequest", "3", null], ["Strange", "4", null]], "digest": "00"}]);
    let closed =
        |policy: &str, shown: Value| json!({"event": "closed", "outcome": "answered", "policy": [policy], "legs": [], "shown": shown});
    let opened =
        |by: &Value, what: &str, patient: &str| json!({"event": "opened", "by": by, "interaction": what, "patient": patient, "hops": []});
    let nurse = who("Nurse <B> Example", "2", "R8001");
    let officer = who("O Officer", "3", "R0001");
    let claimed = json!({"event": "claimed", "by": nurse, "patient": "p-1", "kind": "emergency", "reason": "TREAT",
        "text": "collapsed at the Mill Lane surgery", "until": "2026-07-01T13:00:00Z"});
    let events = [
        ("1", opened(&doctor, "read everything", "p-1")),
        ("1", closed("relationship.launch", shown)),
        ("2", opened(&nurse, "read everything", "p-1")),
        ("2", claimed),
        ("3", opened(&doctor, "find", "")),
        ("3", json!({"event": "disclosed", "by": doctor, "patient": "p-1", "answer": "3", "from_piece": 0})),
        ("3", closed("find.trace-activity", json!([]))),
        ("4", opened(&doctor, "read Condition, Flag", "p-1")),
        ("4", json!({"event": "refused", "by": doctor, "patient": "p-1", "why": "the caller has no relationship with this person"})),
        ("5", opened(&officer, "privacy: report by patient", "")),
        ("5", json!({"event": "disclosed", "by": officer, "patient": "p-1", "answer": "5", "from_piece": 0})),
        ("5", closed("desk.privacy", json!([]))),
        ("6", json!({"event": "publishing", "patient": "p-1", "pointer": "present"})),
    ];
    let line = |(n, (trace, event)): (u64, (&str, Value))| {
        let at = format!("2026-07-01T09:{n:02}:00Z");
        Line {
            run: "r".into(),
            sequence: n,
            at,
            trace: trace.into(),
            event: event.to_string(),
            previous: String::new(),
            hash: String::new(),
        }
    };
    (1..).zip(events).map(line).collect()
}

fn about() -> About {
    About {
        sources: BTreeMap::from([
            ("ccr".to_owned(), "Collaborative Care Record".to_owned()),
            ("gp".to_owned(), "General practice".to_owned()),
        ]),
        reviews: BTreeMap::from([("2".to_owned(), vec![("emergency".to_owned(), "justified".to_owned())])]),
        to_the_person: true,
        ..About::default()
    }
}

fn check(about: &About, expected: &str) {
    let now = text("Who looked at your record", &told(&accounts(&ledger()), about));
    assert!(now == expected, "{now}");
}

#[test]
fn a_person_reads_who_looked_in_plain_english() {
    check(&about(), include_str!("snapshots/to-the-person.txt"));
}

#[test]
fn staff_who_must_be_safe_are_not_named_and_a_secret_place_is_not_told() {
    let withheld = BTreeSet::from(["2".to_owned(), "https://login.example|3".to_owned()]);
    let about = About { withheld, hidden: BTreeSet::from(["p-1".to_owned()]), ..about() };
    check(&about, include_str!("snapshots/in-hiding.txt"));
    let page = html("Who looked", &told(&accounts(&ledger()), &about));
    for secret in
        ["Queen Elizabeth", "RRK", "Collaborative", "General practice", "gp", "Nurse", "O Officer", "Dr A Example", "ward-7", "Mill Lane"]
    {
        assert!(!page.contains(secret), "{secret}: {page}");
    }
}

#[test]
fn a_page_shows_what_was_written_and_runs_nothing() {
    let page = html("Who <looked>", &told(&accounts(&ledger()), &About { to_the_person: false, ..about() }));
    assert!(page.contains("Nurse &lt;B&gt; Example") && page.contains("<title>Who &lt;looked&gt;</title>"), "{page}");
    assert!(page.contains("<dt>Whom</dt><dd>p-1</dd>") && !page.contains("<script") && !page.contains("http"), "{page}");
}

#[test]
fn a_report_says_nothing_of_what_the_record_says() {
    let text = text("", &told(&accounts(&ledger()), &about()));
    assert!(!text.contains("Mill Lane") && !text.contains("t-1") && !text.contains("ward-7"), "{text}");
}
