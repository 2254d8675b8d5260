//! Systems that ask in their own name: how each shows who it is, what it is granted, and everything that is refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use server::tls::{Certificate, Peer};
use testbed::DEMO_PERSON;

use crate::signer::{FORM, NOW, Signer, Signers, assertion, claims_of, form, link, with};
use crate::world::{Answer, Card, PUBLIC, Setup, World, region};

const FIND: &str = "/fhir/R4/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|";

fn world(signers: &Signers) -> World {
    World::around(Arc::new(region(&["ccr"])), &signers.setup())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_signs_gets_a_token_for_minutes_and_for_what_is_registered() {
    let signers = Signers::new();
    let world = world(&signers);
    let person = world.person(DEMO_PERSON).await;
    for (at, signer) in signers.clients.iter().enumerate() {
        let signed = signer.sign(&assertion("records-1", &format!("a-{at}")));
        let granted = world.grant(&signed, "system/*.read system/Observation.rs user/*.rs severn.operator").await;
        assert_eq!(granted.status, 200, "{}: {}", signer.kid, granted.text);
        assert_eq!(
            (&granted.headers["cache-control"], &granted.headers["pragma"]),
            (&"no-store".parse().unwrap(), &"no-cache".parse().unwrap())
        );
        assert_eq!((&granted.json["token_type"], &granted.json["expires_in"]), (&json!("Bearer"), &json!(300)));
        assert_eq!(granted.json["scope"], "system/Condition.rs system/Patient.rs");
        let token = granted.json["access_token"].as_str().unwrap();
        let claims = claims_of(token);
        assert_eq!((&claims["iss"], &claims["aud"], &claims["sub"]), (&json!(PUBLIC), &json!(PUBLIC), &json!("records-1")));
        assert_eq!((claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), &claims["cnf"]), (300, &Value::Null));
        let events = world.ledger.events_of(&granted.request());
        assert_eq!((events.len(), &events[0]["event"], &events[0]["kind"]), (2, &json!("issued"), &json!("client")));
        let by = &events[0]["by"];
        assert_eq!((&by["subject"], &by["organisation"], &by["token"]), (&json!("records-1"), &json!("RRK"), &claims["jti"]));
        // It finds; and reads nobody with whom it has nothing to do.
        let found = world.send("GET", &format!("{FIND}{DEMO_PERSON}"), Some(token), &[], "").await;
        assert_eq!(found.status, 200, "{}", found.text);
        assert_eq!(world.ledger.events_of(&found.request())[0]["by"]["client"], "records-1");
        assert_eq!(world.get(&format!("Patient/{person}/$everything"), token).await.status, 403);
        assert_eq!(world.send("GET", "/steward/tasks", Some(token), &[], "").await.status, 403);
    }
    // When its time is over it opens nothing; and its key is told to everybody.
    let granted = world.grant(&signers.assertion(&assertion("records-1", "last")), "system/Patient.rs").await;
    let token = granted.json["access_token"].as_str().unwrap().to_owned();
    world.clock.forward_s(331);
    assert_eq!(world.send("GET", &format!("{FIND}{DEMO_PERSON}"), Some(&token), &[], "").await.status, 401);
    let keys = world.send("GET", "/.well-known/jwks.json", None, &[], "").await;
    assert_eq!((keys.status, keys.json["keys"].as_array().unwrap().len(), &keys.json["keys"][0]["d"]), (200, 1, &Value::Null));
    let told = world.send("GET", "/fhir/R4/.well-known/smart-configuration", None, &[], "").await;
    assert_eq!(told.json["token_endpoint"], format!("{PUBLIC}/oauth/token"));
    assert!(told.json["token_endpoint_auth_signing_alg_values_supported"].to_string().contains("RS384"));
    assert!(told.json["capabilities"].to_string().contains("client-confidential-asymmetric"));
    let text = world.ledger.text();
    assert!(!text.contains(&token) && !text.contains(token.rsplit('.').next().unwrap()));
    world.ledger.verify();
}

/// One refusal, in the words of OAuth, and one line on the ledger; no source is asked.
fn refused(world: &World, what: &str, answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.json["error"].as_str()), (status, Some(error)), "{what}: {}", answer.text);
    assert!(answer.json["access_token"].is_null() && !answer.json["error_description"].as_str().unwrap().is_empty());
    assert_eq!(answer.headers["cache-control"], "no-store");
    let events = world.ledger.events_of(&answer.request());
    assert_eq!((events.len(), &events[0]["event"]), (1, &json!("refused")), "{what}: {events:?}");
    assert!(events[0]["why"].as_str().unwrap().contains(error), "{what}: {events:?}");
}

#[tokio::test(start_paused = true)]
async fn every_fault_of_an_assertion_is_refused_and_entered() {
    let signers = Signers::new();
    let world = world(&signers);
    let good = |id: &str| assertion("records-1", id);
    let check = async |what: &str, signed: String, error: &str| {
        let answer = world.grant(&signed, "system/Patient.rs").await;
        refused(&world, what, &answer, if error == "invalid_client" { 401 } else { 400 }, error);
        let signature = signed.rsplit('.').next().unwrap();
        assert!(signature.len() < 20 || !world.ledger.text().contains(signature), "{what}: a signature stands on the ledger");
    };
    let client = "invalid_client";
    for (name, values) in [
        ("iss", vec![json!("other-1"), json!("nobody"), json!(""), json!(7), Value::Null]),
        ("sub", vec![json!("other-1"), json!(DEMO_PERSON), json!(""), Value::Null]),
        (
            "aud",
            vec![
                json!(PUBLIC),
                json!(format!("{PUBLIC}/oauth/token/")),
                json!(format!("{PUBLIC}/launch")),
                json!("https://elsewhere.example/oauth/token"),
                json!([format!("{PUBLIC}/oauth/token"), "https://elsewhere.example"]),
                json!([]),
                json!(7),
                Value::Null,
            ],
        ),
        ("exp", vec![json!(NOW - 31), json!(NOW + 331), json!(NOW + 86_400), json!(i64::MAX), json!("soon"), Value::Null]),
        ("iat", vec![json!(NOW + 31), json!(NOW - 61), json!("now")]),
        ("nbf", vec![json!(NOW + 31)]),
        ("jti", vec![json!(""), json!("  "), json!(7), json!("x".repeat(257)), Value::Null]),
    ] {
        for value in values {
            check(&format!("{name}: {value}"), signers.assertion(&with(good("f"), name, value.clone())), client).await;
        }
    }
    let first = &signers.clients[0];
    check("another client's key", signers.other.sign(&good("f")), client).await;
    check("nobody's key", Signer::new(Algorithm::ES384, "es384").sign(&good("f")), client).await;
    let header = |change: fn(&mut jsonwebtoken::Header)| {
        let mut header = first.header();
        change(&mut header);
        first.sign_with(&header, &good("f"))
    };
    check("no kid", header(|header| header.kid = None), client).await;
    check("another kid", header(|header| header.kid = Some("rs384".into())), client).await;
    check("jku", header(|header| header.jku = Some("https://elsewhere.example/jwks".into())), client).await;
    check("x5u", header(|header| header.x5u = Some("https://elsewhere.example/x".into())), client).await;
    check("jwk", header(|header| header.jwk = Some(Signer::new(Algorithm::ES384, "es384").jwk())), client).await;
    check("an access token's type", header(|header| header.typ = Some("at+jwt".into())), client).await;
    check("b64 and crit", header(|header| header.crit = Some(vec!["b64".into()])), client).await;
    check("a launch link", signers.link(&link(DEMO_PERSON, "f")), client).await;
    check("a token of a user", world.token(&Card::doctor()), client).await;
    let signed = first.sign(&good("f"));
    let parts: Vec<&str> = signed.split('.').collect();
    let none = data_encoding::BASE64URL_NOPAD.encode(br#"{"alg":"none","kid":"es384"}"#);
    check("alg none", format!("{none}.{}.", parts[1]), client).await;
    check("no signature", format!("{}.{}.", parts[0], parts[1]), client).await;
    let other = data_encoding::BASE64URL_NOPAD.encode(with(good("f"), "jti", json!("g")).to_string().as_bytes());
    check("altered", format!("{}.{other}.{}", parts[0], parts[2]), client).await;
    check("rubbish", "let-me-in".into(), client).await;
    check("oversized", first.sign(&with(good("f"), "x", json!("y".repeat(20_000)))), client).await;
    // HS256 by the public key, which everybody has.
    let confused = {
        let head = data_encoding::BASE64URL_NOPAD.encode(br#"{"alg":"HS256","kid":"es384"}"#);
        let message = format!("{head}.{}", parts[1]);
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, crate::signer::jwks(&[first]).as_bytes());
        format!("{message}.{}", data_encoding::BASE64URL_NOPAD.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes()).as_ref()))
    };
    check("key confusion", confused, client).await;
    // A token that was given here is no assertion.
    let granted = world.grant(&signers.assertion(&good("token")), "system/Patient.rs").await;
    check("its own token", granted.json["access_token"].as_str().unwrap().to_owned(), client).await;
    // None of them was spent: what is good is good still.
    assert_eq!(world.grant(&signed, "system/Patient.rs").await.status, 200);
    // And an assertion opens nothing else.
    let unused = first.sign(&good("unused"));
    assert_eq!(world.send("GET", &format!("{FIND}{DEMO_PERSON}"), Some(&unused), &[], "").await.status, 401);
    assert_eq!(world.launch(&unused).await.status, 400);
    assert!(!world.ledger.text().contains(DEMO_PERSON));
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn every_fault_of_a_request_for_a_token_is_refused_and_entered() {
    let signers = Signers::new();
    let world = world(&signers);
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let signed = |id: &str| signers.assertion(&assertion("records-1", id));
    let one = signed("r-1");
    let fields = |grant: &'static str, kind: &'static str| {
        vec![("grant_type", grant), ("client_assertion_type", kind), ("scope", "system/Patient.rs")]
    };
    let check = async |what: &str, fields: &[(&str, &str)], status: u16, error: &str| {
        let answer = world.send("POST", "/oauth/token", None, &FORM, &form(fields)).await;
        refused(&world, what, &answer, status, error);
    };
    let and = |mut fields: Vec<(&'static str, &'static str)>, more: &[(&'static str, &'static str)]| {
        fields.extend_from_slice(more);
        fields
    };
    check("nothing", &[], 400, "invalid_request").await;
    check("a password", &fields("password", kind), 400, "unsupported_grant_type").await;
    check("a code", &fields("authorization_code", kind), 400, "unsupported_grant_type").await;
    check("no assertion", &fields("client_credentials", kind), 400, "invalid_request").await;
    check("nobody", &[("grant_type", "client_credentials"), ("scope", "system/*.rs")], 401, "invalid_client").await;
    check("only a name", &[("grant_type", "client_credentials"), ("client_id", "records-1")], 401, "invalid_client").await;
    check("a secret", &and(fields("client_credentials", kind), &[("client_secret", "x")]), 401, "invalid_client").await;
    check("grant_type twice", &and(fields("client_credentials", kind), &[("grant_type", "client_credentials")]), 400, "invalid_request")
        .await;
    let with_assertion = |more: &[(&'static str, &'static str)], kind: &'static str| {
        let mut all: Vec<(&str, &str)> = fields("client_credentials", kind);
        all.extend_from_slice(more);
        all.push(("client_assertion", &one));
        form(&all)
    };
    for (what, body, status, error) in [
        (
            "another kind of assertion",
            with_assertion(&[], "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
            400,
            "invalid_request",
        ),
        ("another client_id", with_assertion(&[("client_id", "other-1")], kind), 401, "invalid_client"),
    ] {
        refused(&world, what, &world.send("POST", "/oauth/token", None, &FORM, &body).await, status, error);
    }
    let body = with_assertion(&[], kind);
    for (what, method, target, headers, status) in [
        ("JSON", "POST", "/oauth/token", [("content-type", "application/json")], 400),
        ("in the address", "POST", &*format!("/oauth/token?client_assertion={one}"), [FORM[0]], 400),
        ("by GET", "GET", "/oauth/token", [FORM[0]], 405),
    ] {
        let answer = world.send(method, target, None, &headers, &body).await;
        refused(&world, what, &answer, status, "invalid_request");
        assert_eq!(answer.headers.get("allow").is_some_and(|allow| allow == "POST"), status == 405, "{what}");
    }
    let basic = [FORM[0], ("authorization", "Basic cmVjb3Jkcy0xOng=")];
    refused(&world, "Basic", &world.send("POST", "/oauth/token", None, &basic, &body).await, 401, "invalid_client");
    let large = format!("{body}&x={}", "y".repeat(1 << 20));
    refused(&world, "oversized", &world.send("POST", "/oauth/token", None, &FORM, &large).await, 400, "invalid_request");
    for scope in ["", "system/Observation.rs", "user/*.rs", "severn.operator", "system/*.cud", "system/Patient.rs?active=true", "openid"] {
        let answer = world.grant(&signed(&format!("s-{scope}")), scope).await;
        refused(&world, scope, &answer, 400, "invalid_scope");
        let by = &world.ledger.events_of(&answer.request())[0]["by"];
        assert_eq!((&by["client"], &by["organisation"]), (&json!("records-1"), &json!("RRK")));
    }
    // Nothing of it was spent on the way.
    assert_eq!(world.send("POST", "/oauth/token", None, &FORM, &body).await.status, 200);
    // What cannot be entered is not given.
    world.ledger.fails_after(0);
    assert_eq!(world.grant(&signed("r-9"), "system/Patient.rs").await.status, 503);
    assert_eq!(world.grant("rubbish", "system/Patient.rs").await.status, 503);
    world.ledger.heals();
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn an_assertion_is_used_once_on_every_node_and_after_every_restart() {
    let signers = Signers::new();
    let folder = std::env::temp_dir().join(format!("severn-spent-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let store = format!("url = \"sqlite:{0}/severn.db\"\nkey_file = \"{0}/severn.key\"", folder.display());
    let node = || World::around(Arc::new(region(&["ccr"])), &Setup { store: store.clone(), ..signers.setup() });
    let (one, other) = (node(), node());
    let signed = signers.assertion(&assertion("records-1", "once"));
    let scope = "system/Patient.rs";
    assert_eq!(one.grant(&signed, scope).await.status, 200);
    for (what, world) in [("again", &one), ("another node", &other), ("after a restart", &node())] {
        let answer = world.grant(&signed, scope).await;
        assert_eq!((answer.status, &answer.json["error"]), (401, &json!("invalid_client")), "{what}");
        assert!(answer.text.contains("used before"), "{what}: {}", answer.text);
        // The same signed anew is the same still.
        assert_eq!(world.grant(&signers.clients[2].sign(&assertion("records-1", "once")), scope).await.status, 401, "{what}");
    }
    // One id of another client is another's.
    assert_eq!(one.grant(&signers.other.sign(&assertion("other-1", "once")), "system/*.rs").await.status, 200);
    // Of many at once on two nodes, one.
    let signed = signers.assertion(&assertion("records-1", "race"));
    let asked = (0..40).map(|at| if at % 2 == 0 { one.grant(&signed, scope) } else { other.grant(&signed, scope) });
    let granted = futures::future::join_all(asked).await.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(granted, 1);
    // For as long as its time and the clocks' difference could let it in.
    one.clock.forward_s(269);
    assert!(one.grant(&signed, scope).await.text.contains("used before"));
    one.clock.forward_s(2);
    assert!(one.grant(&signed, scope).await.text.contains("expired"));
    drop((one, other));
    let _ = std::fs::remove_dir_all(&folder);
}

/// A certificate of this subject, as the handshake leaves it.
fn shown(subject: &str, by: &[u8]) -> Peer {
    Peer { certificate: Some(Certificate { subject: subject.into(), ..Certificate::of(by) }) }
}

#[tokio::test(start_paused = true)]
async fn a_client_with_a_certificate_gets_a_token_that_is_bound_to_it() {
    let signers = Signers::new();
    let world = world(&signers);
    let own = shown("CN=certified,O=Hospital", b"one");
    let ask = async |peer: &Peer, client: &str| {
        let fields = [("grant_type", "client_credentials"), ("client_id", client), ("scope", "system/*.rs")];
        world.send_over(peer, "POST", "/oauth/token", None, &FORM, &form(&fields)).await
    };
    let granted = ask(&own, "certified-1").await;
    assert_eq!(granted.status, 200, "{}", granted.text);
    let token = granted.json["access_token"].as_str().unwrap();
    assert_eq!(claims_of(token)["cnf"]["x5t#S256"], own.certificate.as_ref().unwrap().thumbprint);
    let find = format!("{FIND}{DEMO_PERSON}");
    let strangers = [Peer::default(), shown("CN=certified,O=Hospital", b"two"), shown("CN=other", b"three")];
    assert_eq!(world.send_over(&own, "GET", &find, Some(token), &[], "").await.status, 200);
    for peer in &strangers {
        let answer = world.send_over(peer, "GET", &find, Some(token), &[], "").await;
        assert_eq!((answer.status, world.ledger.of(&answer.request())), (401, vec!["refused".to_owned()]), "{peer:?}");
    }
    let names: BTreeSet<&str> =
        ["", "CN=certified", "CN=certified,O=Hospital,C=GB", "cn=certified,o=hospital", "O=Hospital,CN=certified"].into();
    for name in names {
        refused(&world, name, &ask(&shown(name, b"one"), "certified-1").await, 401, "invalid_client");
    }
    refused(&world, "no certificate", &ask(&Peer::default(), "certified-1").await, 401, "invalid_client");
    // A certificate opens nothing for who has keys, nor for whoever it is not registered for.
    refused(&world, "another client", &ask(&own, "records-1").await, 401, "invalid_client");
    refused(&world, "nobody", &ask(&own, "nobody").await, 401, "invalid_client");
    // Who has both registered shows both; what is refused for want of one is not spent.
    let signed = signers.other.sign(&assertion("both-1", "both"));
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "system/*.rs"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &signed),
    ];
    refused(&world, "both, by the key alone", &world.grant(&signed, "system/*.rs").await, 401, "invalid_client");
    refused(&world, "both, by the certificate alone", &ask(&own, "both-1").await, 401, "invalid_client");
    let granted = world.send_over(&own, "POST", "/oauth/token", None, &FORM, &form(&fields)).await;
    assert_eq!(granted.status, 200, "{}", granted.text);
    assert!(claims_of(granted.json["access_token"].as_str().unwrap())["cnf"].is_object());
    // And an assertion nothing for who has a certificate.
    refused(
        &world,
        "an assertion",
        &world.grant(&signers.assertion(&assertion("certified-1", "x")), "system/*.rs").await,
        401,
        "invalid_client",
    );
}

#[tokio::test(start_paused = true)]
async fn where_there_are_no_clients_nobody_gets_a_token() {
    let world = World::of(&["ccr"]);
    let signers = Signers::new();
    let answer = world.grant(&signers.assertion(&assertion("records-1", "a")), "system/*.rs").await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert_eq!(world.launch(&signers.link(&link(DEMO_PERSON, "a"))).await.status, 404);
    assert_eq!(world.send("GET", "/launch?link=x", None, &[], "").await.status, 404);
    let told = world.send("GET", "/.well-known/smart-configuration", None, &[], "").await;
    assert!(told.json["token_endpoint"].is_null());
}
