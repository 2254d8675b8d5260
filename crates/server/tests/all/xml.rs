//! XML where it is asked for: every answer says in XML what it says in JSON.

use std::collections::BTreeSet;

use bytes::Bytes;
use fhir::{Tree, Version};
use serde_json::Value;
use testbed::DEMO_PERSON;

use crate::world::{Answer, Card, World};

const ACCEPT: &[(&str, &str)] = &[("accept", "application/fhir+xml")];

/// The JSON that an XML answer stands for.
fn reread(answer: &Answer) -> Value {
    assert_eq!(answer.headers["content-type"], "application/fhir+xml; charset=utf-8", "{}", answer.text);
    assert!(answer.text.starts_with('<'), "{}", answer.text);
    let tree = Tree::from_xml(Version::R4, Bytes::from(answer.text.clone())).unwrap_or_else(|error| panic!("{error}: {}", answer.text));
    serde_json::from_str(&tree.to_json()).unwrap()
}

/// Without what differs between two requests: their ids, times and addresses.
fn settled(mut json: Value) -> Value {
    if let Some(bundle) = json.as_object_mut().filter(|bundle| bundle["resourceType"] == "Bundle") {
        bundle.remove("link");
        bundle.remove("timestamp");
        bundle.remove("id");
    }
    let outcomes = json["entry"].as_array_mut().into_iter().flatten();
    for entry in outcomes.filter(|entry| entry["search"]["mode"] == "outcome") {
        entry["fullUrl"].take();
        entry["resource"]["id"].take();
        for extension in
            entry["resource"]["issue"].as_array_mut().into_iter().flatten().filter_map(|issue| issue["extension"].as_array_mut())
        {
            extension.retain(|one| one["url"] != "urn:severn:tried");
        }
    }
    json
}

/// Says where two differ, and not all of both.
fn differs(at: &str, xml: &Value, json: &Value) {
    match (xml, json) {
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.keys().collect::<BTreeSet<_>>(), b.keys().collect::<BTreeSet<_>>(), "{at}");
            a.iter().for_each(|(key, value)| differs(&format!("{at} {key}"), value, &b[key]));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(place, (a, b))| differs(&format!("{at} {place}"), a, b));
        }
        _ => assert_eq!(xml, json, "{at}"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_says_in_xml_what_it_says_in_json() {
    let world = World::of(&["ccr", "gp", "mh", "uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let found = world.get(&format!("AllergyIntolerance?patient={person}"), &token).await;
    let allergy = found.of_type("AllergyIntolerance").next().unwrap()["id"].as_str().unwrap().to_owned();
    let paths = [
        ("metadata".to_owned(), 200),
        (format!("Patient/{person}/$everything?_count=5000"), 200),
        (format!("Patient/{person}"), 200),
        (format!("Condition?patient={person}"), 200),
        (format!("AllergyIntolerance/{allergy}"), 200),
        (format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"), 200),
        (format!("Condition?patient={person}&_count=many"), 400),
        ("Condition?patient=nobody".to_owned(), 403),
        ("Claim/1".to_owned(), 404),
    ];
    for (path, status) in paths {
        let json = world.get(&path, &token).await;
        let by_header = world.get_with(&path, &token, ACCEPT).await;
        let joint = if path.contains('?') { '&' } else { '?' };
        let by_format = world.get(&format!("{path}{joint}_format=xml"), &token).await;
        for xml in [by_header, by_format] {
            assert_eq!((json.status, xml.status), (status, status), "{path}: {}", xml.text);
            differs(&path, &settled(reread(&xml)), &settled(json.json.clone()));
        }
    }
    let stranger = world.send("GET", "/fhir/R4/Condition?patient=1", None, ACCEPT, "").await;
    assert_eq!((stranger.status, &reread(&stranger)["issue"][0]["code"]), (401, &"login".into()));
}

#[tokio::test(start_paused = true)]
async fn a_further_page_is_in_xml_when_the_first_was() {
    let world = World::of(&["ccr", "gp"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    for (query, headers) in [("&_format=xml", &[][..]), ("", ACCEPT)] {
        let mut next = Some(format!("Patient/{person}/$everything?_count=20{query}"));
        let mut ids = Vec::new();
        while let Some(path) = next {
            let first = ids.is_empty();
            let page = reread(&world.get_with(&path, &token, if first { headers } else { &[] }).await);
            let entries = page["entry"].as_array().unwrap();
            assert_eq!(entries[0]["resource"]["resourceType"], "OperationOutcome");
            ids.extend(entries.iter().skip(1).map(|entry| entry["fullUrl"].to_string()));
            let mut links = page["link"].as_array().unwrap().iter();
            next = links.find(|link| link["relation"] == "next").map(|link| link["url"].as_str().unwrap().to_owned());
        }
        let whole = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
        assert_eq!(ids, whole.entries().iter().skip(1).map(|entry| entry["fullUrl"].to_string()).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_may_be_made_in_xml() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.token(&Card::doctor());
    let body = r#"<Parameters xmlns="http://hl7.org/fhir">
        <parameter><name value="kind"/><valueCode value="relationship"/></parameter>
        <parameter><name value="reason"/><valueCoding><system value="http://terminology.hl7.org/CodeSystem/v3-ActReason"/><code value="TREAT"/></valueCoding></parameter>
        <parameter><name value="text"/><valueString value="Admitted to my ward"/></parameter></Parameters>"#;
    let claim = |body: &'static str| {
        let headers = [("content-type", "application/fhir+xml"), ("accept", "application/fhir+xml")];
        let (world, token, target) = (&world, &token, format!("/fhir/R4/Patient/{person}/$request-access"));
        async move { world.send("POST", &target, Some(token), &headers, body).await }
    };
    for broken in [
        "",
        "<Parameters",
        "<Parameters xmlns=\"http://hl7.org/fhir\"/>",
        "<!DOCTYPE x><Parameters/>",
        "<Patient xmlns=\"http://hl7.org/fhir\"/>",
    ] {
        let answer = claim(broken).await;
        assert_eq!(answer.status, 400, "{broken}");
        assert_eq!(reread(&answer)["resourceType"], "OperationOutcome");
    }
    assert_eq!(world.get(&format!("Patient/{person}"), &token).await.status, 403);
    let granted = claim(body).await;
    assert_eq!(granted.status, 200, "{}", granted.text);
    assert_eq!(reread(&granted)["parameter"][0]["valueBoolean"], true);
    assert_eq!(world.get(&format!("Patient/{person}"), &token).await.status, 200);
}
