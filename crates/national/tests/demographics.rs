//! What the national demographics service says, and what it does not.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use national::demographics::{Asking, Death, Failed, Label, Match, Person, Retrieved, Search, Searched, TooLittle};
use national::{Call, Reply};
use record::{NameUse, NhsNumber};
use serde_json::{Value, json};

const NUMBER: &str = "9990000018";
const OTHER: &str = "9990000107";
const CODES: &str = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode";
const LABELS: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

fn number(text: &str) -> NhsNumber {
    text.parse().unwrap()
}

fn asking() -> Asking {
    Asking { organisation: "RRK".parse().unwrap(), role_profile: Some("555254240100".to_owned()), correlation: None }
}

fn retrieve(status: u16, body: &str) -> Retrieved {
    asking().retrieve(number(NUMBER)).0.read(Some((status, body.as_bytes())))
}

fn patient(id: &str) -> Value {
    json!({
        "resourceType": "Patient", "id": id,
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": id}],
        "meta": {"versionId": "2", "security": [{"system": LABELS, "code": "U"}]},
        "name": [
            {"use": "usual", "family": "Hartley", "given": ["Margaret", "Ann"], "period": {"start": "1970-01-01", "end": "2199-01-01"}},
            {"use": "old", "family": "Booth", "given": ["Margaret"]},
        ],
        "birthDate": "1948-06-02", "gender": "female",
        "address": [{"use": "home", "line": ["", "1 Mill Lane", "", "Dudley"], "postalCode": "DY1 4SE"}],
    })
}

fn outcome(code: &str) -> String {
    let coding = json!({"system": CODES, "code": code});
    json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x", "details": {"coding": [coding]}}]}).to_string()
}

fn found(answer: &Value) -> Person {
    match retrieve(200, &answer.to_string()) {
        Retrieved::Found(person) => person,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_number_is_asked_for_in_the_name_of_who_wants_to_know() {
    let (_, call) = Asking { correlation: Some("0b6f".to_owned()), ..asking() }.retrieve(number(NUMBER));
    let header = |name: &str| call.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
    assert_eq!(call.target, format!("Patient/{NUMBER}"));
    assert_eq!(header("nhsd-end-user-organisation-ods"), Some("RRK"));
    assert_eq!(header("nhsd-session-urid"), Some("555254240100"));
    assert_eq!(header("x-correlation-id"), Some("0b6f"));
    let (_, of_a_system) = Asking { role_profile: None, ..asking() }.retrieve(number(NUMBER));
    assert!(of_a_system.headers.iter().all(|(name, _)| *name != "nhsd-session-urid" && *name != "x-correlation-id"));
}

#[test]
fn a_person_is_read_with_names_current_and_old() {
    let person = found(&patient(NUMBER));
    let said = &person.demographics;
    assert_eq!(person.number, number(NUMBER));
    assert_eq!(said.birth_date.map(|date| date.to_string()).as_deref(), Some("1948-06-02"));
    let names: Vec<(&str, &str, NameUse)> =
        said.names.iter().map(|name| (name.family.as_str(), name.given[0].as_str(), name.used)).collect();
    assert_eq!(names, [("Hartley", "Margaret", NameUse::Current), ("Booth", "Margaret", NameUse::Old)]);
    assert_eq!((said.addresses[0].line.as_str(), said.addresses[0].town.as_str()), ("1 Mill Lane", "Dudley"));
    assert_eq!((person.label, person.deceased), (Label::Unrestricted, None));
}

#[test]
fn whoever_died_is_said_to_have_died() {
    let check = |key: &str, value: Value, expected: Option<Death>| {
        let mut answer = patient(NUMBER);
        answer[key] = value;
        assert_eq!(found(&answer).deceased, expected);
    };
    check("deceasedDateTime", json!("2026-01-02T00:00:00+00:00"), Some(Death::At("2026-01-02T00:00:00+00:00".to_owned())));
    check("deceasedBoolean", json!(true), Some(Death::Sometime));
    check("deceasedBoolean", json!(false), None);
}

#[test]
fn anything_but_a_plain_u_is_restricted() {
    let check = |security: Value, expected: Label| {
        let mut answer = patient(NUMBER);
        answer["meta"] = json!({"security": security});
        assert_eq!(found(&answer).label, expected, "{security}");
    };
    let label = |code: &str| json!({"system": LABELS, "code": code});
    check(json!([label("U")]), Label::Unrestricted);
    check(json!([label("U"), label("U")]), Label::Unrestricted);
    for code in ["R", "V", "REDACTED", "u", "N", "", "X"] {
        check(json!([label(code)]), Label::Restricted);
    }
    check(json!([label("U"), label("R")]), Label::Restricted);
    check(json!([{"code": "U"}]), Label::Restricted);
    check(json!([{"system": "http://elsewhere.example", "code": "U"}]), Label::Restricted);
    check(json!([{"system": LABELS, "code": ["U"]}]), Label::Restricted);
    check(json!([]), Label::Restricted);
    check(json!({"code": "U"}), Label::Restricted);
    check(Value::Null, Label::Restricted);
    let mut bare = patient(NUMBER);
    bare.as_object_mut().unwrap().remove("meta");
    assert_eq!(found(&bare).label, Label::Restricted);
}

#[test]
fn another_id_replaces_the_one_that_was_asked_for() {
    match retrieve(200, &patient(OTHER).to_string()) {
        Retrieved::Superseded(person) => assert_eq!(person.number, number(OTHER)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_what_is_plainly_said_is_believed() {
    let refused = |status, code: Option<&str>, found: Retrieved| match found {
        Retrieved::Failed(Failed::Refused { status: own, code: said }) => {
            assert_eq!((own, said.as_ref().map(|code| code.as_str())), (status, code));
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(retrieve(404, &outcome("INVALIDATED_RESOURCE")), Retrieved::Invalidated);
    assert_eq!(retrieve(404, &outcome("RESOURCE_NOT_FOUND")), Retrieved::NotFound);
    refused(404, None, retrieve(404, "<html>no such page</html>"));
    refused(404, None, retrieve(404, &outcome("INVALIDATED_RESOURCE").replace(CODES, "urn:x")));
    refused(410, Some("INVALIDATED_RESOURCE"), retrieve(410, &outcome("INVALIDATED_RESOURCE")));
    refused(400, Some("INVALID_RESOURCE_ID"), retrieve(400, &outcome("INVALID_RESOURCE_ID")));
    refused(429, Some("TOO_MANY_REQUESTS"), retrieve(429, &outcome("TOO_MANY_REQUESTS")));
    refused(503, None, retrieve(503, ""));
    // No word of an answer's gets any further.
    refused(400, None, retrieve(400, &outcome("Margaret Hartley")));
    assert_eq!(asking().retrieve(number(NUMBER)).0.read(None), Retrieved::Failed(Failed::Silent));
}

#[test]
fn an_answer_that_contradicts_itself_is_none() {
    let malformed = |body: &str| assert_eq!(retrieve(200, body), Retrieved::Failed(Failed::Malformed), "{body}");
    let mut two = patient(NUMBER);
    two["identifier"][0]["value"] = json!(OTHER);
    malformed(&two.to_string());
    malformed(&patient("9990000019").to_string());
    malformed(&patient(NUMBER).to_string().replace("Patient", "Person"));
    malformed(&patient(NUMBER).to_string()[..200]);
    malformed(&outcome("INVALIDATED_RESOURCE"));
    for odd in ["", "null", "[]", "<html></html>", "{}", "{\"resourceType\":\"Patient\"}"] {
        malformed(odd);
    }
    // What is only odd costs no more than itself.
    let mut odd = patient(NUMBER);
    odd["name"] = json!("Hartley");
    odd["birthDate"] = json!("02/06/1948");
    odd["address"] = json!([null, {"line": "1 Mill Lane"}]);
    let person = found(&odd);
    assert!(person.demographics.names.is_empty() && person.demographics.birth_date.is_none());
}

#[test]
fn nobody_is_printed() {
    let found = retrieve(200, &patient(NUMBER).to_string());
    let search = Search::unique("Margaret", "Hartley", "1948-06-02".parse().unwrap(), "DY1 4SE");
    let (retrieving, call) = asking().retrieve(number(NUMBER));
    let printed = format!("{found:?} {search:?} {retrieving:?} {call:?} {:?}", asking().search(&search).unwrap().1);
    for secret in ["Margaret", "Hartley", "1948", "DY1", "Unrestricted"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(!format!("{retrieving:?} {call:?}").contains(NUMBER), "{call:?}");
}

fn query(search: &Search) -> String {
    let (_, call): (_, Call) = asking().search(search).unwrap();
    call.target
}

#[test]
fn one_person_is_looked_for_as_the_service_advises() {
    let search = Search::unique(" Margaret", "O'Hara-Hartley", "1948-06-02".parse().unwrap(), "DY1 4SE");
    assert_eq!(
        query(&search),
        "Patient?family=O%27Hara-Hartley&given=Mar%2A&birthdate=eq1948-06-02&address-postalcode=DY%2A&_history=true&_max-results=1"
    );
    assert!(query(&Search::unique("Jo", "Li", "1948-06-02".parse().unwrap(), "")).contains("given=Jo&birthdate=eq1948-06-02&_history"));
}

#[test]
fn what_the_service_would_not_take_is_not_sent() {
    let born = Some("1948-06-02".parse().unwrap());
    let check = |search: &Search, expected: Result<(), TooLittle>| assert_eq!(asking().search(search).map(drop), expected);
    let plain = Search { family: Some("Hartley".to_owned()), birth_date: born, ..Search::default() };
    let given = vec!["Margaret".to_owned()];
    let place = Search { gender: Some(record::Sex::Female), postcode: Some("DY1 4SE".to_owned()), fuzzy: true, ..plain.clone() };
    check(&plain, Ok(()));
    check(&Search { family: None, ..plain.clone() }, Err(TooLittle::Plain));
    check(&Search { birth_date: Some("1948-06".parse().unwrap()), ..plain.clone() }, Err(TooLittle::Plain));
    check(&Search { fuzzy: true, ..plain.clone() }, Err(TooLittle::Fuzzy));
    check(&Search { fuzzy: true, given: given.clone(), ..plain.clone() }, Ok(()));
    check(&place, Ok(()));
    check(&Search { family: None, given, ..place.clone() }, Ok(()));
    check(&Search { family: None, ..place.clone() }, Err(TooLittle::Fuzzy));
    check(&Search { exact: true, ..place }, Err(TooLittle::Both));
    check(&Search { results_max: Some(51), ..plain.clone() }, Err(TooLittle::Results));
    check(&Search { results_max: Some(0), ..plain }, Err(TooLittle::Results));
}

fn searched(reply: Reply<'_>) -> Searched {
    let search = Search::unique("Margaret", "Hartley", "1948-06-02".parse().unwrap(), "DY1 4SE");
    asking().search(&search).unwrap().0.read(reply)
}

#[test]
fn a_search_says_who_might_be_meant_or_that_there_are_too_many() {
    let bundle = |entries: Value| json!({"resourceType": "Bundle", "type": "searchset", "entry": entries}).to_string();
    let entry = |score: f64| json!({"search": {"score": score}, "resource": patient(NUMBER)});
    match searched(Some((200, bundle(json!([entry(0.9)])).as_bytes()))) {
        Searched::Matches(matches) => {
            assert!(matches!(&matches[..], [Match { score, person }] if *score == 0.9 && person.number == number(NUMBER)))
        }
        other => panic!("{other:?}"),
    }
    let nobody = json!({"resourceType": "Bundle", "type": "searchset", "total": 0}).to_string();
    assert_eq!(searched(Some((200, nobody.as_bytes()))), Searched::Matches(Vec::new()));
    assert_eq!(searched(Some((200, outcome("TOO_MANY_MATCHES").as_bytes()))), Searched::TooMany);
    let unreadable = [bundle(json!([entry(0.9), {"search": {"score": 1}}])), bundle(json!([entry(7.0)])), outcome("OTHER"), "{".to_owned()];
    for body in unreadable {
        assert_eq!(searched(Some((200, body.as_bytes()))), Searched::Failed(Failed::Malformed), "{body}");
    }
    assert!(matches!(searched(Some((503, b""))), Searched::Failed(Failed::Refused { status: 503, code: None })));
}

/// Third-party examples of the public specification, its sandbox and its tests, where they are at hand.
#[test]
fn every_example_of_the_specification_is_read_as_what_it_is() {
    let folder = std::env::var_os("SEVERN_DATA").map(|data| std::path::PathBuf::from(data).join("nhs-pds-r4"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        println!("third-party: nhs-pds-r4 skipped, SEVERN_DATA does not have it");
        return;
    };
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for file in files(&folder) {
        let bytes = std::fs::read(&file).unwrap();
        let Ok(example) = serde_json::from_slice::<Value>(&bytes) else {
            // A link to another example, as text.
            assert!(bytes.len() < 200 && bytes.starts_with(b"../"), "{}", file.display());
            *counts.entry("links").or_default() += 1;
            continue;
        };
        *counts.entry(read_example(&example, &bytes, &file.display().to_string())).or_default() += 1;
    }
    println!("{counts:?}");
    for (what, least) in [("people", 10), ("restricted", 1), ("searches", 15), ("too many", 2), ("errors", 15)] {
        assert!(counts.get(what).is_some_and(|count| *count >= least), "{what}: {counts:?}");
    }
}

fn read_example(example: &Value, bytes: &[u8], file: &str) -> &'static str {
    let (kind, entries) = (example["resourceType"].as_str().unwrap_or_default(), example["entry"].as_array());
    let of_patients = || entries.is_some_and(|entries| entries.iter().all(|entry| entry["resource"]["resourceType"] == "Patient"));
    match kind {
        "Patient" if example["id"].is_string() => {
            let (Retrieved::Found(person) | Retrieved::Superseded(person)) = retrieve_any(bytes) else { panic!("{file}") };
            assert!(!person.demographics.names.is_empty() || example["name"].is_null(), "{file}");
            let plain = example["meta"]["security"][0]["code"] == "U";
            assert_eq!(person.label == Label::Unrestricted, plain, "{file}");
            if plain { "people" } else { "restricted" }
        }
        "Bundle" if of_patients() && entries.is_some_and(|entries| !entries.is_empty()) => {
            let ids = entries.unwrap().iter().map(|entry| entry["resource"]["id"].as_str().unwrap());
            let legal = ids.clone().all(|id| id.parse::<NhsNumber>().is_ok());
            match searched(Some((200, bytes))) {
                Searched::Matches(matches) => assert_eq!(matches.len(), ids.count(), "{file}"),
                Searched::Failed(Failed::Malformed) if !legal => return "searches with a number that is none",
                other => panic!("{file}: {other:?}"),
            }
            "searches"
        }
        "OperationOutcome" if String::from_utf8_lossy(bytes).contains("TOO_MANY_MATCHES") => {
            assert_eq!(searched(Some((200, bytes))), Searched::TooMany, "{file}");
            "too many"
        }
        "OperationOutcome" => {
            let found = asking().retrieve(number(NUMBER)).0.read(Some((400, bytes)));
            let expected = example["issue"][0]["details"]["coding"][0]["code"].as_str();
            match found {
                Retrieved::Failed(Failed::Refused { status: 400, code }) => {
                    assert_eq!(code.as_ref().map(|code| code.as_str()), expected, "{file}")
                }
                other => panic!("{file}: {other:?}"),
            }
            "errors"
        }
        // Other resources of the same service: no answer to either question.
        _ => {
            assert!(matches!(retrieve_any(bytes), Retrieved::Failed(_)), "{file}");
            "others"
        }
    }
}

fn retrieve_any(bytes: &[u8]) -> Retrieved {
    asking().retrieve(number(NUMBER)).0.read(Some((200, bytes)))
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    found
}
