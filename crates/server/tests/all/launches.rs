//! Launches from connected organisations' systems: for one user, one person, once.

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use testbed::DEMO_PERSON;

use crate::signer::{FORM, NOW, Signer, Signers, assertion, claims_of, form, link, with};
use crate::world::{Answer, Card, PUBLIC, Setup, World, region};

const NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
const OTHER: &str = "9990000026";

fn world(signers: &Signers) -> World {
    World::around(Arc::new(region(&["ccr"])), &signers.setup())
}

#[tokio::test(start_paused = true)]
async fn a_link_opens_one_person_for_one_user_for_some_minutes() {
    let signers = Signers::new();
    let world = world(&signers);
    let (person, other) = (world.person(DEMO_PERSON).await, world.person(OTHER).await);
    let named = [format!("{NUMBER}|{DEMO_PERSON}"), person.clone(), format!("Patient/{person}")];
    for (at, patient) in named.iter().enumerate() {
        let opened = world.launch(&signers.link(&link(patient, &format!("l-{at}")))).await;
        assert_eq!(opened.status, 200, "{patient}: {}", opened.text);
        assert_eq!((opened.json["patient"].as_str(), &opened.json["scope"]), (Some(person.as_str()), &json!("patient/*.rs")));
        assert_eq!((&opened.json["expires_in"], &opened.headers["cache-control"]), (&json!(900), &"no-store".parse().unwrap()));
        assert!(!opened.text.contains(DEMO_PERSON));
        let token = opened.json["access_token"].as_str().unwrap();
        assert!(!claims_of(token).to_string().contains(DEMO_PERSON));
        let events = world.ledger.events_of(&opened.request());
        assert_eq!((&events[0]["event"], &events[0]["kind"], &events[0]["patient"]), (&json!("issued"), &json!("launch"), &json!(person)));
        let by = &events[0]["by"];
        assert_eq!((&by["subject"], &by["name"]), (&json!("https://pas.hospital.example|w-17"), &json!("Dr B Example")));
        assert_eq!((&by["sds_user_id"], &by["client"]), (&json!("888888888888"), &json!("https://pas.hospital.example")));
        let read = world.get(&format!("Patient/{person}/$everything"), token).await;
        assert_eq!(read.status, 200, "{}", read.text);
        assert!(read.shown().contains_key("ccr"));
        let closed = world.ledger.events_of(&read.request());
        assert!(closed.last().unwrap()["policy"].to_string().contains("relationship.launch"), "{closed:?}");
        assert_eq!(closed[0]["by"], world.ledger.events_of(&opened.request())[0]["by"]);
        // Nobody else, by whichever way; and nobody is found, claimed or reviewed with it.
        for path in [
            format!("Patient/{other}/$everything"),
            format!("Patient/{other}"),
            format!("Condition?patient={other}"),
            format!("Condition?patient.identifier={NUMBER}|{OTHER}"),
            format!("Patient?identifier={NUMBER}|{OTHER}"),
            "Patient?family=Hartley&birthdate=1948-03-11".to_owned(),
        ] {
            let answer = world.get(&path, token).await;
            assert_eq!(answer.status, 403, "{path}");
            assert_eq!(world.ledger.of(&answer.request()).last().unwrap(), "refused", "{path}");
        }
        let claim = format!("/fhir/R4/Patient/{other}/$request-access");
        assert_eq!(world.send("POST", &claim, Some(token), &[], crate::governance::CLAIM).await.status, 403);
        assert_eq!(world.send("GET", "/steward/tasks", Some(token), &[], "").await.status, 403);
        let tab = world.tab(token).await.unwrap();
        assert_eq!((tab.read(&person).await.status, tab.read(&other).await.status), (200, 403));
    }
    let opened = world.launch(&signers.link(&link(&person, "last"))).await;
    let token = opened.json["access_token"].as_str().unwrap();
    world.clock.forward_s(900 + 31);
    assert_eq!(world.get(&format!("Patient/{person}"), token).await.status, 401);
    assert!(!world.ledger.text().contains(DEMO_PERSON) && !world.ledger.text().contains(token));
    world.ledger.verify();
}

/// One refusal, in one line of the ledger.
fn refused(world: &World, what: &str, answer: &Answer) -> Value {
    refused_after(world, what, answer, &[])
}

/// The same where these lines stand before it.
fn refused_after(world: &World, what: &str, answer: &Answer, before: &[&str]) -> Value {
    assert_eq!(answer.status, 400, "{what}: {}", answer.text);
    assert!(answer.json["access_token"].is_null(), "{what}");
    let events = world.ledger.events_of(&answer.request());
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, [before, &["refused"]].concat(), "{what}: {events:?}");
    let last = events.last().unwrap();
    assert!(last["why"].as_str().unwrap().starts_with("/launch"), "{what}: {events:?}");
    last.clone()
}

/// A launching system is believed in what is registered of it, and in nothing else that it says of its users.
#[tokio::test(start_paused = true)]
async fn a_system_vouches_for_no_more_than_is_registered() {
    let signers = Signers::new();
    let world = world(&signers);
    let person = world.person(DEMO_PERSON).await;
    let said = |id: &str, name: &str, value: Value| {
        let mut claims = link(&person, id);
        claims["extensions"]["ihe_iua"][name] = value;
        claims
    };
    for (at, (name, value, words)) in [
        ("subject_organization_id", json!("https://fhir.nhs.uk/Id/ods-organization-code|RXK"), "organisation"),
        ("subject_role", json!(["R8001"]), "roles are more"),
        ("subject_role", json!(["R8000", "R5105"]), "roles are more"),
        ("subject_role", json!([{"code": "S8000:G8000:R0050"}]), "roles are more"),
        ("activities", json!(["B0264", "B0360", "B0082"]), "activities are more"),
        ("activities", json!(["B0168"]), "activities are more"),
        ("purpose_of_use", json!(["ETREAT"]), "purpose of use"),
        ("purpose_of_use", json!(["TREAT", "HRESCH"]), "purpose of use"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = world.launch(&signers.link(&said(&format!("v-{at}"), name, value.clone()))).await;
        let event = refused(&world, &format!("{name}: {value}"), &answer);
        assert!(answer.text.contains(words) && event["why"].as_str().unwrap().contains(words), "{name}: {value}: {event}");
    }
    // Less is as good; and a system whose word is not taken for it says nothing of who its users are nationally.
    let less = world.launch(&signers.link(&said("v-less", "activities", json!(["B0360"])))).await;
    assert_eq!(less.status, 200, "{}", less.text);
    let practice = |id: &str, name: &str, value: Value| {
        let mut claims = with(link(&person, id), "iss", json!("https://gp.example"));
        let iua = &mut claims["extensions"]["ihe_iua"];
        (iua["subject_organization_id"], iua["activities"], iua["subject_sds_user_id"]) = (json!("A81001"), json!([]), Value::Null);
        iua[name] = value;
        signers.other.sign(&claims)
    };
    for (name, value) in [("subject_sds_user_id", "888888888888"), ("subject_role_profile_id", "100000000001")] {
        let answer = world.launch(&practice(&format!("n-{name}"), name, json!(value))).await;
        assert!(refused(&world, name, &answer)["why"].as_str().unwrap().contains("nationally"), "{name}: {}", answer.text);
    }
    let opened = world.launch(&practice("n-none", "device", json!("desk-1"))).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    // Activities that nobody registered are none: without any, the practice's system says so of its users.
    let answer = world.launch(&practice("n-activities", "activities", json!(["B0360"]))).await;
    assert!(refused(&world, "activities", &answer)["why"].as_str().unwrap().contains("activities are more"), "{}", answer.text);
}

/// Whatever fails before somebody has a token costs them nothing; and for one link nobody gets two, however fast they ask.
#[tokio::test(start_paused = true)]
async fn a_link_is_spent_only_for_what_it_gives() {
    let signers = Signers::new();
    let world = world(&signers);
    let person = world.person(DEMO_PERSON).await;
    let signed = signers.link(&link(&person, "kept"));
    world.ledger.fails_after(0);
    assert_eq!(world.launch(&signed).await.status, 503);
    world.ledger.heals();
    let key = std::fs::read_to_string(world.file("oauth.pem")).unwrap();
    world.write("oauth.pem", "");
    assert_eq!(world.launch(&signed).await.status, 503);
    world.write("oauth.pem", &key);
    let unknown = with(link(&person, "kept-too"), "patient", json!(format!("{NUMBER}|{OTHER}")));
    let asked = (0..16).map(|_| world.launch(&signed));
    let all = futures::future::join_all(asked).await;
    let given: Vec<&Answer> = all.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(given.len(), 1, "{all:?}", all = all.iter().map(|answer| answer.status).collect::<Vec<_>>());
    for answer in &all {
        let events = world.ledger.events_of(&answer.request());
        // A token is said to be given once; whoever came second is refused, in the words of whoever is late.
        let (names, why) = (world.ledger.of(&answer.request()), &events[1]["why"]);
        let expected = if answer.status == 200 { ["issued", "closed"] } else { ["issued", "refused"] };
        assert_eq!(names, expected);
        assert!(answer.status == 200 || why.as_str().unwrap().contains("used before"), "{events:?}");
    }
    let tokens = all.iter().filter(|answer| !answer.json["access_token"].is_null()).count();
    assert_eq!(tokens, 1);
    assert_eq!(world.launch(&signers.link(&unknown)).await.status, 200);
    world.ledger.verify();
}

/// At the doors at which nobody has to show a token, too, there is an end to how much is done at once, and how much is read.
#[tokio::test(start_paused = true)]
async fn doors_for_strangers_are_bounded_beside_the_others() {
    let signers = Signers::new();
    let limits = "asks_in_flight = 1\ngrants_in_flight = 1\nform_bytes_max = 4096";
    let world = World::around(Arc::new(region(&["ccr"])), &Setup { limits, ..signers.setup() });
    let person = world.person(DEMO_PERSON).await;
    let busy = |what: &str, answers: &[Answer]| {
        let away: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 503).collect();
        assert!(!away.is_empty() && away.len() < answers.len(), "{what}: {:?}", answers.iter().map(|one| one.status).collect::<Vec<_>>());
        for answer in away {
            assert_eq!(answer.headers["retry-after"], "1", "{what}");
            assert_eq!(world.ledger.of(&answer.request()), ["refused"], "{what}");
        }
    };
    let links: Vec<String> = (0..4).map(|at| signers.link(&link(&person, &format!("b-{at}")))).collect();
    let opened = futures::future::join_all(links.iter().map(|link| world.launch(link))).await;
    busy("/launch", &opened);
    // Who was sent away has their link still.
    for (link, answer) in links.iter().zip(&opened).filter(|(_, answer)| answer.status == 503) {
        assert_eq!(world.launch(link).await.status, 200, "{}", answer.text);
    }
    let signed: Vec<String> = (0..4).map(|at| signers.assertion(&assertion("records-1", &format!("b-{at}")))).collect();
    busy("/oauth", &futures::future::join_all(signed.iter().map(|signed| world.grant(signed, "system/Patient.rs"))).await);
    for (path, card) in [
        ("/steward/tasks", Card { scope: "severn.operator", ..Card::doctor() }),
        ("/privacy/tasks", Card { scope: "severn.privacy", roles: vec!["R0001"], ..Card::doctor() }),
    ] {
        let token = world.token(&card);
        busy(path, &futures::future::join_all((0..4).map(|_| world.send("GET", path, Some(&token), &[], ""))).await);
    }
    for (path, field) in [("/launch", "link"), ("/oauth/token", "client_assertion")] {
        let answer = world.send("POST", path, None, &FORM, &form(&[(field, &"x".repeat(4_096))])).await;
        assert!(answer.status == 400 && answer.text.contains("larger than the limit"), "{path}: {}", answer.text);
        assert_eq!(world.ledger.of(&answer.request()), ["refused"], "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_fault_of_a_link_is_refused_and_entered() {
    let signers = Signers::new();
    let world = world(&signers);
    let person = world.person(DEMO_PERSON).await;
    let good = |id: &str| link(&person, id);
    let check = async |what: &str, signed: String, known: bool| {
        let event = refused(&world, what, &world.launch(&signed).await);
        assert_eq!(event["why"].as_str().unwrap().contains("patient administration"), known, "{what}: {event}");
    };
    for (name, values) in [
        (
            "aud",
            vec![
                json!(PUBLIC),
                json!("severn"),
                json!(format!("{PUBLIC}/oauth/token")),
                json!("https://elsewhere.example/launch"),
                json!([format!("{PUBLIC}/launch"), "https://elsewhere.example/launch"]),
                Value::Null,
            ],
        ),
        ("exp", vec![json!(NOW - 31), json!(NOW + 151), json!(NOW + 3_600), Value::Null]),
        ("iat", vec![json!(NOW + 31), json!(NOW - 1)]),
        ("jti", vec![json!(""), Value::Null]),
        ("sub", vec![json!(""), Value::Null]),
        ("cnf", vec![json!({"x5t#S256": "x"})]),
        ("patient", vec![json!(""), json!(" "), json!({"identifier": "x"}), json!([person]), Value::Null]),
        (
            "patient",
            vec![
                json!("00000000-0000-4000-8000-000000000000"),
                json!(format!("{NUMBER}|1234567890")),
                json!(format!("{NUMBER}|")),
                json!(format!("https://elsewhere.example|{DEMO_PERSON}")),
                json!("ccr-none"),
            ],
        ),
        ("extensions", vec![json!({}), Value::Null]),
        ("scope", vec![json!("user/*.rs"), json!("system/*.rs"), json!("severn.operator"), json!("patient/*.cud"), json!(7)]),
    ] {
        for (at, value) in values.into_iter().enumerate() {
            let id = format!("f-{name}-{at}-{}", uuid::Uuid::new_v4());
            let claims = if name == "jti" { good("x") } else { good(&id) };
            check(&format!("{name}: {value}"), signers.link(&with(claims, name, value.clone())), true).await;
        }
    }
    // Of nobody's system.
    check("an unregistered system", signers.link(&with(good("o-2"), "iss", json!("https://elsewhere.example"))), false).await;
    check("no issuer", signers.link(&with(good("o-3"), "iss", Value::Null)), false).await;
    check("another system's key", signers.other.sign(&good("o-4")), true).await;
    check("another system's name", signers.link(&with(good("o-5"), "iss", json!("https://gp.example"))), false).await;
    check("the practice for the hospital's user", signers.other.sign(&with(good("o-6"), "iss", json!("https://gp.example"))), false).await;
    check("nobody's key", Signer::new(Algorithm::ES256, "launcher").sign(&good("o-7")), true).await;
    let signed = signers.link(&good("o-8"));
    let parts: Vec<&str> = signed.split('.').collect();
    let other = data_encoding::BASE64URL_NOPAD.encode(with(good("o-8"), "patient", json!("p-2")).to_string().as_bytes());
    check("altered", format!("{}.{other}.{}", parts[0], parts[2]), true).await;
    check("an assertion", signers.assertion(&assertion("records-1", "o-9")), false).await;
    check("a token", world.token(&Card::doctor()), false).await;
    check("rubbish", "open-sesame".into(), false).await;
    check("oversized", signers.link(&with(good("o-10"), "x", json!("y".repeat(20_000)))), false).await;
    // Whom it is about stands in what was signed, and nowhere else.
    for fields in [vec![("link", signed.as_str()), ("patient", person.as_str())], vec![("link", &signed), ("link", &signed)], vec![]] {
        refused(&world, "another field", &world.send("POST", "/launch", None, &FORM, &form(&fields)).await);
    }
    let address = format!("/launch?link={signed}");
    refused(&world, "in the address", &world.send("POST", &address, None, &FORM, &form(&[("link", &signed)])).await);
    // A page that a browser fetches ahead spends nothing.
    for _ in 0..2 {
        let page = world.send("GET", &address, None, &[("accept", "text/html")], "").await;
        assert_eq!((page.status, page.text.contains(&signed)), (200, true));
        assert_eq!(
            (&page.headers["cache-control"], &page.headers["referrer-policy"]),
            (&"no-store".parse().unwrap(), &"no-referrer".parse().unwrap())
        );
        assert!(page.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    }
    let page = world.send("GET", "/launch?link=%22%3E%3Cscript%3E", None, &[], "").await;
    assert!(!page.text.contains("<script>"));
    // None of these was spent: it opens, once.
    let browser = [FORM[0], ("accept", "text/html,*/*;q=0.8")];
    let opened = world.send("POST", "/launch", None, &browser, &form(&[("link", &signed)])).await;
    assert_eq!((opened.status, opened.headers["location"].to_str().unwrap()), (303, format!("/viewer/patient/{person}").as_str()));
    let cookie = opened.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = world.send("GET", &format!("/viewer/patient/{person}"), None, &[("cookie", &cookie)], "").await;
    assert_eq!(page.status, 200, "{}", page.text);
    refused_after(&world, "again", &world.launch(&signed).await, &["issued"]);
    let again = world.send("POST", "/launch", None, &browser, &form(&[("link", &signed)])).await;
    assert_eq!((again.status, again.text.contains("access_token")), (400, false));
    assert!(again.text.contains("used before"), "{}", again.text);
    // No link opens anything itself.
    assert_eq!(world.get(&format!("Patient/{person}"), &signers.link(&good("o-11"))).await.status, 401);
    assert!(!world.ledger.text().contains(DEMO_PERSON) && !world.ledger.text().contains(OTHER));
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn a_link_is_used_once_on_every_node_and_after_every_restart() {
    let signers = Signers::new();
    let folder = std::env::temp_dir().join(format!("severn-launch-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let store = format!("url = \"sqlite:{0}/severn.db\"\nkey_file = \"{0}/severn.key\"", folder.display());
    let node = || World::around(Arc::new(region(&["ccr"])), &Setup { store: store.clone(), ..signers.setup() });
    let (one, other) = (node(), node());
    let signed = signers.link(&link(&format!("{NUMBER}|{DEMO_PERSON}"), "once"));
    let opened = one.launch(&signed).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    for world in [&one, &other, &node()] {
        let answer = world.launch(&signed).await;
        assert!(answer.status == 400 && answer.text.contains("used before"), "{}", answer.text);
        // The token goes on, wherever it is shown.
        let person = opened.json["patient"].as_str().unwrap();
        let read = world.get(&format!("Patient/{person}/$everything"), opened.json["access_token"].as_str().unwrap()).await;
        assert_eq!(read.status, 200, "{}", read.text);
    }
    drop((one, other));
    let _ = std::fs::remove_dir_all(&folder);
}

#[tokio::test(start_paused = true)]
async fn a_link_is_granted_what_both_it_and_its_system_may() {
    let signers = Signers::new();
    let world = world(&signers);
    let person = world.person(DEMO_PERSON).await;
    let check = async |id: &str, scope: &str, expected: &str, condition: u16, allergy: u16| {
        let opened = world.launch(&signers.link(&with(link(&person, id), "scope", json!(scope)))).await;
        assert_eq!((opened.status, opened.json["scope"].as_str()), (200, Some(expected)), "{scope}: {}", opened.text);
        let token = opened.json["access_token"].as_str().unwrap();
        for (kind, expected) in [("Condition", condition), ("AllergyIntolerance", allergy)] {
            let answer = world.get(&format!("{kind}?patient={person}"), token).await;
            let shown = answer.of_type(kind).count() > 0;
            assert_eq!((answer.status, shown), (expected, expected == 200), "{scope}: {kind}");
        }
    };
    check("s-1", "patient/*.read openid severn.operator", "patient/*.rs", 200, 200).await;
    check("s-2", "patient/*.rs user/*.rs system/*.rs", "patient/*.rs", 200, 200).await;
}
