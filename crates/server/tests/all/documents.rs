//! Documents: an attachment is fetched through the exchange, by those whom its document is shown to, and by nobody else.

use serde_json::Value;
use testbed::{DEMO_PERSON, Fault};

use crate::world::{Answer, Card, PUBLIC, World};

/// The addresses of attachments in an answer, below the base.
pub fn attachments(answer: &Answer) -> Vec<String> {
    let of = |document: &Value| {
        let contents = document["content"].as_array().cloned().unwrap_or_default();
        contents.iter().filter_map(|content| content["attachment"]["url"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let urls = answer.of_type("DocumentReference").flat_map(of);
    urls.map(|url| url.strip_prefix(&format!("{PUBLIC}/fhir/R4/")).unwrap_or_else(|| panic!("{url} is not the exchange's")).to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_attachment_is_fetched_through_the_exchange() {
    let world = World::of(&["ccr", "gp", "uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let urls = attachments(&world.get(&format!("Patient/{person}/$everything"), &token).await);
    assert!(urls.len() >= 3, "{urls:?}");
    for url in &urls {
        let answer = world.get(url, &token).await;
        assert_eq!(answer.status, 200, "{url}: {}", answer.text);
        let binary: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(format!("{}/{}", binary["resourceType"].as_str().unwrap(), binary["id"].as_str().unwrap()), *url);
        assert_eq!(binary["contentType"], "text/plain");
        assert!(!binary["data"].as_str().unwrap().is_empty());
        let plan = world.plan_of(&person, &token, &answer).await;
        let source = binary["id"].as_str().unwrap().split(['-', '.']).next().unwrap();
        let row = &plan.rows[&(source.to_owned(), "Binary".to_owned())];
        assert_eq!((row.status.as_str(), row.came), ("ok", 1), "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attachment_is_for_those_who_may_see_its_document() {
    let world = World::of(&["ccr", "gp", "uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let url = attachments(&world.get(&format!("Patient/{person}/$everything"), &world.doctor_of(&person)).await).remove(0);
    // Somebody without a relationship, somebody who may see medicines only, and somebody in the record of another.
    let stranger = world.token(&Card { organisation: "RXK", ..Card::doctor() });
    let pharmacist = world.token(&Card { activities: vec!["B0401"], patient: Some(person.clone()), ..Card::doctor() });
    let unknown = world.get("Binary/ccr-0", &stranger).await;
    assert_eq!(unknown.status, 403);
    for token in [stranger, pharmacist] {
        let answer = world.get(&url, &token).await;
        assert_eq!((answer.status, answer.said()), (403, unknown.said()), "{url}");
        assert!(!answer.text.contains("data"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_away_has_not_lost_its_document() {
    let world = World::of(&["ccr", "gp", "uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let urls = attachments(&world.get(&format!("Patient/{person}/$everything"), &token).await);
    let url = urls.iter().find(|url| url.starts_with("Binary/uhb")).unwrap_or_else(|| panic!("{urls:?}"));
    assert!(world.region.fail("uhb", Fault::Silent));
    let answer = world.get(url, &token).await;
    assert!(matches!(answer.status, 502 | 504), "{url} {}: {}", answer.status, answer.text);
}
