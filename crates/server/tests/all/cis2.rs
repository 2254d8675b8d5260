//! People who sign in by NHS Care Identity: the role they chose is who asks, and without one nobody does.

use std::sync::Arc;

use serde_json::{Value, json};
use testbed::DEMO_PERSON;

use crate::world::{Answer, Setup, World, region};

const NOW: i64 = 1_795_424_400;
const CLAIM: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"kind","valueCode":"relationship"},
    {"name":"reason","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}},
    {"name":"text","valueString":"Admitted to my ward"}]}"#;

fn world() -> World {
    let sign_in = "keys = \"keys.json\"\nclaims = \"cis2\"\norganisations = [\"RRK\", \"RXK\"]\npurpose = \"TREAT\"\nscope = \"user/*.rs\""
        .to_owned();
    World::around(Arc::new(region(&["ccr"])), &Setup { sign_in, ..Setup::default() })
}

/// Somebody with three roles, in the first of them; with one claim changed, or taken away.
fn claims(name: &str, value: Value) -> Value {
    let role = |id: &str, organisation: &str, code: &str, activities: &[&str]| json!({"person_orgid": "1", "person_roleid": id, "org_code": organisation, "role_code": code, "activity_codes": activities});
    let mut claims = json!({
        "iss": "https://login.example", "sub": "555036632103", "aud": "severn", "iat": NOW, "exp": NOW + 600,
        "uid": "555036632103", "name": "EXAMPLE Anna (Dr)", "selected_roleid": "100", "authentication_assurance_level": "3",
        "scope": "openid profile nationalrbacaccess selectedrole",
        "nhsid_nrbac_roles": [
            role("100", "RRK", "S8000:G8000:R8000", &["B0264", "B0360"]),
            role("200", "RXK", "S8001:G8003:R8008", &["B0264"]),
            role("300", "A81001", "S8000:G8000:R8000", &["B0264", "B0360"]),
        ],
    });
    let own = claims.as_object_mut().unwrap();
    own.insert(name.to_owned(), value);
    own.retain(|_, value| !value.is_null());
    claims
}

async fn find(world: &World, claims: &Value) -> Answer {
    let path = format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}");
    world.get(&path, &world.issuer.sign(claims)).await
}

#[tokio::test(start_paused = true)]
async fn the_role_chosen_at_sign_in_is_who_asks() {
    let world = world();
    let check = async |role: &str, organisation: &str, code: &str, clinical: bool| {
        let claims = claims("selected_roleid", json!(role));
        let found = find(&world, &claims).await;
        assert_eq!(found.status, 200, "{}", found.text);
        let person = found.entries().iter().find(|entry| entry["search"]["mode"] == "match").unwrap()["resource"]["id"].clone();
        let (person, token) = (person.as_str().unwrap(), world.issuer.sign(&claims));
        let events = world.ledger.events_of(&found.request());
        let by = &events[0]["by"];
        assert_eq!(
            (&by["subject"], &by["sds_user_id"], &by["name"]),
            (&json!("555036632103"), &json!("555036632103"), &json!("EXAMPLE Anna (Dr)"))
        );
        assert_eq!((&by["role_profile"], &by["organisation"], &by["roles"]), (&json!(role), &json!(organisation), &json!([code])));
        assert_eq!(by["purposes"], json!(["TREAT"]));
        // To have signed in is no relationship.
        assert_eq!(world.get(&format!("Patient/{person}/$everything"), &token).await.status, 403);
        let claimed = world.send("POST", &format!("/fhir/R4/Patient/{person}/$request-access"), Some(&token), &[], CLAIM).await;
        assert_eq!(claimed.status, 200, "{}", claimed.text);
        let read = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
        assert_eq!(read.status, 200, "{}", read.text);
        assert_eq!(read.of_type("AllergyIntolerance").next().is_some(), clinical, "{role}");
    };
    check("100", "RRK", "R8000", true).await;
    check("200", "RXK", "R8008", false).await;
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn without_one_role_of_an_organisation_that_takes_part_nobody_asks() {
    let world = world();
    let check = async |name: &str, value: Value, said: &str| {
        let what = format!("{name}: {value}");
        let answer = find(&world, &claims(name, value)).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
        assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        assert!(answer.said().contains(said), "{what}: {}", answer.said());
        let events = world.ledger.events_of(&answer.request());
        assert!(
            events.len() == 1 && events[0]["event"] == "refused" && events[0]["why"].as_str().unwrap().contains(said),
            "{what}: {events:?}"
        );
        assert!(world.region.asked("ccr").is_empty(), "{what}");
    };
    check("selected_roleid", Value::Null, "names no one role").await;
    check("selected_roleid", json!(""), "names no one role").await;
    check("selected_roleid", json!("999"), "names no one role").await;
    check("selected_roleid", json!("300"), "an organisation that does not take part").await;
    check("nhsid_nrbac_roles", Value::Null, "names no one role").await;
    let twice = json!({"person_roleid": "100", "org_code": "RRK", "role_code": "R8000"});
    check("nhsid_nrbac_roles", json!([twice, twice]), "names no one role").await;
    check("uid", Value::Null, "lacks a claim").await;
    check("nhsid_useruid", json!("999999999999"), "lacks a claim").await;
    check("authentication_assurance_level", Value::Null, "not strong enough").await;
    check("authentication_assurance_level", json!("1"), "not strong enough").await;
    // The other shape of claims means nothing here.
    let iua = crate::world::Card::doctor().claims(NOW);
    assert_eq!(find(&world, &iua).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_role_may_no_more_than_its_codes_and_the_token_no_more_than_its_scopes() {
    let world = world();
    let role = |code: &str, activities: &[&str]| json!([{"person_roleid": "100", "org_code": "RRK", "role_code": code, "activity_codes": activities}]);
    let check = async |what: &str, claims: &Value, status: u16| {
        let answer = find(&world, claims).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
    };
    check("as it is", &claims("x", json!(1)), 200).await;
    check("no activity", &claims("nhsid_nrbac_roles", role("R8000", &[])), 403).await;
    check("an unknown role", &claims("nhsid_nrbac_roles", role("S0:G0:R9999", &["B0264", "B0360"])), 403).await;
    check("a scope of its own", &claims("scope", json!("openid user/Observation.rs")), 403).await;
    check("a system's scope", &claims("scope", json!("openid system/*.rs")), 403).await;
    check("a patient's scope, with nobody open", &claims("scope", json!("patient/*.rs")), 403).await;
    for scope in ["openid severn.operator", "user/*.rs severn.operator"] {
        let desk = world.issuer.sign(&claims("scope", json!(scope)));
        assert_eq!(world.send("GET", "/steward/tasks", Some(&desk), &[], "").await.status, 403, "{scope}");
    }
}
