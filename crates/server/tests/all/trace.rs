//! Finding somebody by who they are said to be: who is shown, how well they fit, and who must never be.

use serde_json::{Value, json};

use crate::world::{Answer, Card, World};

/// A world in which these people were read, and so are in the index.
async fn met(numbers: &[&str]) -> World {
    let world = World::of(&["ccr", "soc", "uhb"]);
    for number in numbers {
        let person = world.person(number).await;
        let read = world.get(&format!("Patient/{person}/$everything?_count=5000"), &world.doctor_of(&person)).await;
        assert_eq!(read.status, 200, "{}", read.text);
    }
    world.settled().await;
    world
}

fn about(slug: &str) -> &'static testbed::About {
    &testbed::people().iter().find(|person| person.slug == slug).unwrap().about
}

/// The Patients that are matches, and what is said beside each.
fn matches(answer: &Answer) -> Vec<(&str, &Value)> {
    let matched = answer.entries().iter().filter(|entry| entry["search"]["mode"] == "match");
    matched.map(|entry| (entry["resource"]["id"].as_str().unwrap(), &entry["search"])).collect()
}

fn by_name(about: &testbed::About) -> String {
    format!("Patient?family={}&given={}&birthdate={}", about.family, about.given[0], about.birth_date)
}

fn parameters(patient: &Value, certain_only: bool) -> String {
    json!({"resourceType": "Parameters", "parameter": [
        {"name": "resource", "resource": patient},
        {"name": "onlyCertainMatches", "valueBoolean": certain_only},
    ]})
    .to_string()
}

async fn ask(world: &World, token: &str, patient: &Value, certain_only: bool) -> Answer {
    let headers = [("content-type", "application/fhir+json")];
    world.send("POST", "/fhir/R4/Patient/$match", Some(token), &headers, &parameters(patient, certain_only)).await
}

#[tokio::test(start_paused = true)]
async fn somebody_is_found_by_name_and_birth_date_with_nothing_but_who_they_are() {
    let margaret = about("margaret-hartley");
    let world = met(&[&margaret.nhs_number]).await;
    let token = world.token(&Card::doctor());
    let found = world.get(&by_name(margaret), &token).await;
    assert_eq!(found.status, 200, "{}", found.text);
    let people = matches(&found);
    assert_eq!(people.len(), 1, "{}", found.text);
    assert_eq!(people[0].0, world.person(&margaret.nhs_number).await);
    assert_eq!(found.json["total"], 1);
    for entry in found.entries().iter().filter(|entry| entry["resource"]["resourceType"] == "Patient") {
        let keys: Vec<&str> = entry["resource"].as_object().unwrap().keys().map(String::as_str).collect();
        let allowed = ["resourceType", "id", "meta", "identifier", "link", "name", "gender", "birthDate"];
        assert!(keys.iter().all(|key| allowed.contains(key)), "more than who they are: {keys:?}");
    }
    for value in margaret.address.iter().chain(&margaret.phone) {
        assert!(!found.text.contains(value.as_str()), "{value}: {}", found.text);
    }
    // Looked for is entered, and each candidate by itself.
    assert_eq!(world.ledger.of(&found.request()), ["opened", "disclosed", "closed"]);
    assert_eq!(world.ledger.events_of(&found.request())[1]["patient"], people[0].0);
    for value in [&margaret.family, &margaret.birth_date] {
        let text: String = world.ledger.events_of(&found.request()).iter().map(Value::to_string).collect();
        assert!(!text.contains(value.as_str()), "the ledger says whom somebody looked for: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_match_says_how_sure_it_is_and_why() {
    let margaret = about("margaret-hartley");
    let world = met(&[&margaret.nhs_number]).await;
    let token = world.token(&Card::doctor());
    let patient = json!({"resourceType": "Patient", "name": [{"family": margaret.family, "given": [margaret.given[0]]}],
        "birthDate": margaret.birth_date, "address": [{"postalCode": margaret.address.last().unwrap()}]});
    let found = ask(&world, &token, &patient, false).await;
    let people = matches(&found);
    assert_eq!(people.len(), 1, "{}", found.text);
    let search = people[0].1;
    assert!(search["score"].as_f64().is_some_and(|score| (0.5..=1.0).contains(&score)), "{search}");
    let extension = |url: &str| search["extension"].as_array().unwrap().iter().find(|one| one["url"] == url).cloned();
    let grade = extension("http://hl7.org/fhir/StructureDefinition/match-grade").unwrap();
    assert!(["certain", "probable"].contains(&grade["valueCode"].as_str().unwrap()), "{search}");
    let why = extension("urn:severn:match").unwrap().to_string();
    assert!(why.contains("birth"), "{why}");
    assert!(!why.contains(&margaret.family) && !why.contains(&margaret.birth_date), "an explanation tells values: {why}");
    // Another birth date, and nobody is certain.
    let other = json!({"resourceType": "Patient", "name": patient["name"], "birthDate": "1990-01-01"});
    assert!(matches(&ask(&world, &token, &other, true).await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn too_little_is_no_question_and_a_faulty_one_is_told() {
    let world = met(&[]).await;
    let token = world.token(&Card::doctor());
    let check = async |path: &str, says: &str| {
        let answer = world.get(path, &token).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert!(answer.text.contains(says), "{path}: {}", answer.text);
    };
    check("Patient?family=Hartley", "birth date").await;
    check("Patient?birthdate=1948-06-02", "family name").await;
    check("Patient?address-postalcode=DY14SE", "family name").await;
    check("Patient?family=Hartley&birthdate=02/06/1948", "birthdate").await;
    check("Patient?family=Hartley,Smith&birthdate=1948-06-02", "one value").await;
    check("Patient?family:contains=Har&birthdate=1948-06-02", "modifier").await;
    for body in ["", "{}", r#"{"resourceType":"Parameters"}"#, r#"{"resourceType":"Observation"}"#, "<Patient>"] {
        let headers = [("content-type", "application/fhir+json")];
        let answer = world.send("POST", "/fhir/R4/Patient/$match", Some(&token), &headers, body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    }
    let nobody = world.get("Patient?family=Nobody&birthdate=1901-01-01", &token).await;
    assert_eq!((nobody.status, nobody.json["total"].as_u64(), matches(&nobody).len()), (200, Some(0), 0), "{}", nobody.text);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_looked_for_without_the_activity() {
    let margaret = about("margaret-hartley");
    let world = met(&[&margaret.nhs_number]).await;
    for card in [Card { activities: vec!["B0360"], ..Card::doctor() }, Card { purpose: "HRESCH", ..Card::doctor() }] {
        let refused = world.get(&by_name(margaret), &world.token(&card)).await;
        assert_eq!(refused.status, 403);
        assert_eq!(world.ledger.of(&refused.request()), ["opened", "refused"]);
    }
}
