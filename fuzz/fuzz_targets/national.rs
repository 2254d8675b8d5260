//! What national services answer: the demographics service of a number and of a search, the record locator to a reader and to a
//! producer. The first byte picks which, the second the status; of a producer each line is one answer. An answer is never of more people
//! than it names, of another than it says, or less restricted; and nothing is sent anywhere but to a pointer by its own id.
#![no_main]

use libfuzzer_sys::fuzz_target;
use national::demographics::{Asking, Label, Person, Retrieved, Searched};
use national::{Locator, Method, Wish};
use record::{BirthDate, NhsNumber};
use serde_json::Value;

const STATUSES: [u16; 8] = [200, 200, 200, 200, 201, 404, 410, 500];
const PRODUCER: &str = "producer/FHIR/R4/DocumentReference";

fn fair(person: &Person, said: &Value) {
    assert_eq!(said["resourceType"], "Patient");
    assert_eq!(said["id"].as_str().and_then(|id| id.parse::<NhsNumber>().ok()), Some(person.number));
    let claimed = person.demographics.number.as_ref().map(|claimed| claimed.value.as_str());
    assert_eq!(claimed, Some(person.number.expose()));
    let labels = said["meta"]["security"].as_array().cloned().unwrap_or_default();
    let open = !labels.is_empty() && labels.iter().all(|label| label["code"] == "U");
    assert!(person.label == Label::Restricted || open, "restricted, and shown");
    assert!(!format!("{person:?}").contains(person.number.expose()), "it leaks");
}

fuzz_target!(|data: &[u8]| {
    let [pick, status, body @ ..] = data else { return };
    let status = STATUSES[usize::from(status % 8)];
    let reply = Some((status, body));
    let said = || serde_json::from_slice::<Value>(body).expect("what is believed is JSON");
    let number: NhsNumber = "9990000018".parse().expect("a number");
    let asking = Asking { organisation: "RRK".parse().expect("a code"), role_profile: None, correlation: None };
    let (custodian, end_user_organisation) = ("QHL".parse().expect("a code"), "RRK".parse().expect("a code"));
    let locator = Locator { custodian, end_user_organisation, practice_setting: None };
    match pick % 4 {
        0 => match asking.retrieve(number).0.read(reply) {
            Retrieved::Found(person) => {
                assert!(status == 200 && person.number == number);
                fair(&person, &said());
            }
            Retrieved::Superseded(person) => {
                assert!(status == 200 && person.number != number);
                fair(&person, &said());
            }
            Retrieved::Invalidated | Retrieved::NotFound => assert_eq!(status, 404),
            Retrieved::Failed(_) => {}
        },
        1 => {
            let search = national::demographics::Search {
                family: Some("Example".to_owned()),
                birth_date: Some("1962-03-09".parse::<BirthDate>().expect("a date")),
                ..Default::default()
            };
            let (searching, _) = asking.search(&search).expect("enough");
            if let Searched::Matches(matches) = searching.read(reply) {
                let said = said();
                let entries = said["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
                assert!(status == 200 && matches.len() == entries.len(), "somebody is left out");
                for (one, entry) in matches.iter().zip(entries) {
                    assert!((0.0..=1.0).contains(&one.score));
                    fair(&one.person, &entry["resource"]);
                }
            }
        }
        2 => {
            if let Ok(others) = locator.look(number).0.read(reply) {
                assert!(status == 200 && others.is_sorted() && others.windows(2).all(|pair| pair[0] != pair[1]));
                assert!(others.iter().all(|other| other.custodian != locator.custodian && other.url.starts_with("http")));
                let said = said().to_string();
                assert!(others.is_empty() || said.contains("current"), "not in use");
            }
        }
        _ => {
            let url = "https://here.example/fhir/R4";
            let (mut publishing, first) = locator.keep(number, Wish::Present { url: url.to_owned() });
            let (mut call, mut lines, mut sent) = (Some(first), body.split(|byte| *byte == b'\n'), 0);
            while let Some(under_way) = call.take() {
                sent += 1;
                match under_way.method {
                    Method::Get => assert!(under_way.target.starts_with(&format!("{PRODUCER}?"))),
                    Method::Post => assert_eq!(under_way.target, PRODUCER),
                    Method::Put | Method::Delete => {
                        let id = under_way.target.strip_prefix(PRODUCER).and_then(|rest| rest.strip_prefix('/'));
                        let id = id.expect("of a pointer");
                        assert!(!["", ".", ".."].contains(&id) && !id.contains(['/', '?', '#']), "elsewhere: {id:?}");
                    }
                }
                let reply = lines.next().map(|line| match line.split_first() {
                    Some((status, body)) => (STATUSES[usize::from(status % 8)], body),
                    None => (200, line),
                });
                call = publishing.reply(reply);
            }
            assert!(publishing.is_done() && publishing.outcome().is_some() && sent <= body.len() + 8, "without an end");
        }
    }
});
