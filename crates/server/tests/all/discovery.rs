//! What clients are told before they sign in: what is true, and nothing else.

use std::sync::Arc;

use serde_json::{Value, json};
use testbed::DEMO_PERSON;

use crate::world::{Card, Setup, World, region};

const PLACES: &[&str] =
    &["/.well-known/smart-configuration", "/fhir/R4/.well-known/smart-configuration", "/fhir/STU3/.well-known/smart-configuration"];

fn world(sign_in: &str, blocks: &'static str) -> World {
    World::around(Arc::new(region(&["ccr"])), &Setup { sign_in: sign_in.to_owned(), blocks, ..Setup::default() })
}

#[tokio::test(start_paused = true)]
async fn clients_are_told_who_signs_in_and_what_is_understood() {
    const SECOND: &str = "[[sign_in]]\nissuer = \"https://other.example\"\naudience = \"severn\"\nkeys = \"https://other.example/jwks\"\n";
    const URLS: &str = "keys = \"https://login.example/jwks\"\nauthorize_url = \"https://login.example/authorize\"\ntoken_url = \"https://login.example/token\"\n";
    let known = json!({
        "scopes_supported": ["patient/*.read", "patient/*.rs", "system/*.read", "system/*.rs", "user/*.read", "user/*.rs"],
        "capabilities": ["permission-patient", "permission-user", "permission-v1", "permission-v2"],
    });
    let check = async |sign_in: &str, blocks: &'static str, more: Value, signs_in: bool| {
        let world = world(sign_in, blocks);
        let mut expected = known.clone();
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        for place in PLACES {
            let answer = world.send("GET", place, None, &[("origin", "https://app.example")], "").await;
            assert_eq!((answer.status, &answer.json), (200, &expected), "{place}");
            assert_eq!(answer.headers["content-type"], "application/json");
            assert!(!answer.headers.contains_key("access-control-allow-credentials"));
            let metadata = world.send("GET", "/fhir/R4/metadata", None, &[("origin", "https://app.example")], "").await;
            for name in ["access-control-allow-origin", "access-control-expose-headers", "access-control-allow-credentials"] {
                assert_eq!(answer.headers.get(name), metadata.headers.get(name), "{name}");
            }
            assert_eq!(metadata.text.contains("oauth-uris"), signs_in);
            assert!(!metadata.text.contains("severn.test/authorize"), "there is nothing there");
            for method in ["POST", "PUT", "DELETE"] {
                assert_eq!(world.send(method, place, None, &[], "").await.status, 405, "{method} {place}");
            }
        }
        assert!(world.ledger.events().is_empty() && world.region.asked("ccr").is_empty());
    };
    check("", "", json!({"issuer": "https://login.example"}), false).await;
    let urls = json!({"issuer": "https://login.example", "jwks_uri": "https://login.example/jwks",
        "authorization_endpoint": "https://login.example/authorize", "token_endpoint": "https://login.example/token"});
    check(URLS, "", urls, true).await;
    // Of several, none is the one.
    check(URLS, SECOND, json!({}), false).await;
}

/// What is said of how tokens are had is of the one endpoint that is named, whoever's it is.
#[tokio::test(start_paused = true)]
async fn no_endpoint_is_told_with_what_another_can_do() {
    let signers = crate::signer::Signers::new();
    let told = async |sign_in: &str| {
        let world = World::around(Arc::new(region(&["ccr"])), &Setup { sign_in: sign_in.to_owned(), ..signers.setup() });
        world.send("GET", PLACES[0], None, &[], "").await.json
    };
    let of_ours = ["grant_types_supported", "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported"];
    let keys = "keys = \"https://login.example/jwks\"\n";
    for (urls, authorize, token) in [
        ("authorize_url = \"https://login.example/authorize\"\ntoken_url = \"https://login.example/token\"\n", true, true),
        ("token_url = \"https://login.example/token\"\n", false, true),
        ("authorize_url = \"https://login.example/authorize\"\n", true, false),
    ] {
        let told = told(&format!("{keys}{urls}")).await;
        assert_eq!((&told["issuer"], &told["jwks_uri"]), (&json!("https://login.example"), &json!("https://login.example/jwks")));
        let expected = |there: bool, url: &str| if there { json!(url) } else { Value::Null };
        assert_eq!(told["authorization_endpoint"], expected(authorize, "https://login.example/authorize"), "{told}");
        assert_eq!(told["token_endpoint"], expected(token, "https://login.example/token"), "{told}");
        assert!(of_ours.iter().all(|name| told[*name].is_null()), "{told}");
        assert!(!told["capabilities"].to_string().contains("client-confidential-asymmetric"), "{told}");
    }
    // Where the provider has no address, ours is told, with our keys and our name; and does what it says.
    let told = told(keys).await;
    let here = |path: &str| json!(format!("{}{path}", crate::world::PUBLIC));
    assert_eq!((&told["issuer"], &told["jwks_uri"]), (&here(""), &here("/.well-known/jwks.json")));
    assert_eq!((&told["token_endpoint"], &told["authorization_endpoint"]), (&here("/oauth/token"), &Value::Null));
    assert_eq!(told["grant_types_supported"], json!(["client_credentials"]));
    assert!(of_ours.iter().all(|name| told[*name].is_array()), "{told}");
}

#[tokio::test(start_paused = true)]
async fn every_scope_that_is_told_opens_what_it_says() {
    let world = world("", "");
    let person = world.person(DEMO_PERSON).await;
    let told = world.send("GET", PLACES[0], None, &[], "").await.json;
    for scope in told["scopes_supported"].as_array().unwrap() {
        let scope = scope.as_str().unwrap();
        let mut claims = if scope.starts_with("system/") { Card::system() } else { Card::doctor() }.claims(1_795_424_400);
        claims["scope"] = json!(scope);
        claims["patient"] = json!(person);
        let answer = world.get(&format!("Patient/{person}/$everything"), &world.issuer.sign(&claims)).await;
        assert_eq!(answer.status, 200, "{scope}: {}", answer.text);
    }
}
