//! Table one: every endpoint, asked by every kind of caller, and what they get. The page is `output/who-may-ask.txt`, to be read and
//! signed; `BLESS=1` writes it anew, and the difference is looked at before it is committed.
//!
//! The endpoints are those that the router is built from. One that is new has no question here yet, and the test fails until it has.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use server::routes::ROUTES;
use server::tls::{Certificate, Peer};
use testbed::DEMO_PERSON;

use crate::governance::CLAIM;
use crate::signer::{Signers, assertion, form, link};
use crate::world::{Answer, Card, Issuer, World, region};

const FORM: &str = "application/x-www-form-urlencoded";
const MATCH: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient",
    "name":[{"family":"Hartley","given":["Margaret"]}],"birthDate":"1948-03-11"}}]}"#;
const STRUCTURED: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"includeAllergies"}]}"#;
const JUDGE: &str = r#"{"state":"justified","note":"seen the ward's list"}"#;
const DECIDE: &str = r#"{"outcome":"different","reason":"seen the papers"}"#;

/// A person known to the world's suppliers; nobody else of these tests has them open.
const OTHER: &str = "9990000026";
/// When the world begins.
const NOW: i64 = 1_795_424_400;

/// What is asked of an endpoint.
struct Question {
    /// The endpoint, and what is asked for where it may be asked in more than one way.
    name: String,
    method: &'static str,
    target: String,
    body: String,
    content_type: &'static str,
}

/// What questions are about.
struct About {
    person: String,
    allergy: String,
    /// Of an answer that the doctor of the table got, the link to its second page, and its request.
    page: String,
    request: String,
}

/// Somebody who asks.
struct Asking {
    who: &'static str,
    token: Option<String>,
    peer: Peer,
}

/// The questions put to an endpoint. One that is not here is missing from the table.
fn questions(path: &str, endpoint: &str, about: &About) -> Vec<Question> {
    let About { person, allergy, page, request } = about;
    let (method, below) = endpoint.split_once(' ').unwrap_or((endpoint, ""));
    let (base, face) = match path.strip_suffix("/{*rest}") {
        Some(base) => (base, base.strip_prefix("/fhir/")),
        None => (path, None),
    };
    let method = match method {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        other => panic!("{other} is a method that nobody asks by"),
    };
    let whole = if below.is_empty() { path.to_owned() } else { format!("{base}/{below}") };
    let ask = |what: &str, target: String, body: &str, content_type: &'static str| {
        let what = if what.is_empty() { String::new() } else { format!(" ({what})") };
        vec![Question { name: format!("{method:<4} {whole}{what}"), method, target, body: body.to_owned(), content_type }]
    };
    let get = |target: String| ask("", target, "", "application/fhir+json");
    let post = |target: String, body: &str| ask("", target, body, "application/fhir+json");
    let number = format!("https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}");
    match (face, whole.as_str(), below) {
        (Some(_), _, "metadata") => get(whole.clone()),
        (Some(_), _, "AuditEvent") => get(format!("{whole}?patient={person}")),
        (Some(_), _, "AuditEvent/_search") => post(format!("{whole}?patient={person}"), ""),
        (Some(_), _, "AuditEvent/{id}") => get(format!("{base}/AuditEvent/none.1")),
        (Some(_), _, "Patient/{id}/$everything" | "Patient/{id}/$plan" | "Patient/{id}/$request-access") => {
            let target = whole.replace("{id}", person);
            match below.rsplit('$').next() {
                Some("plan") => get(format!("{target}?request={request}")),
                Some("request-access") => post(target, CLAIM),
                _ => post(target, ""),
            }
        }
        (Some(_), _, "Consent" | "Consent/{id}") => post(
            whole.replace("{id}", "none"),
            &json!({"resourceType": "Consent", "status": "active",
                "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
                "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
                "patient": {"reference": format!("Patient/{person}")}, "provision": {"type": "permit"}})
            .to_string(),
        ),
        (Some(_), _, "Patient/$match") => post(whole.clone(), MATCH),
        (Some(face), _, "{type}") => {
            let mut all = ask("Patient by number", format!("{base}/Patient?identifier={number}"), "", "");
            all.extend(ask("Patient by demographics", format!("{base}/Patient?family=Hartley&birthdate=1948-03-11"), "", ""));
            all.extend(ask("by patient", format!("{base}/AllergyIntolerance?patient={person}"), "", ""));
            all.extend(ask("by number", format!("{base}/Condition?patient.identifier={number}"), "", ""));
            if face == "STU3" {
                all.extend(ask("a type of STU3 only", format!("{base}/ReferralRequest?patient={person}"), "", ""));
            }
            all
        }
        (Some(_), _, "{type}/_search") => post(format!("{base}/Condition/_search?patient={person}"), ""),
        (Some(_), _, "{type}/{id}") => {
            let mut all = ask("Patient", format!("{base}/Patient/{person}"), "", "");
            all.extend(ask("a resource", format!("{base}/AllergyIntolerance/{allergy}"), "", ""));
            all
        }
        (None, "/fhir/R4" | "/fhir/R4/" | "/fhir/STU3" | "/fhir/STU3/", _) => get(format!("{path}?{page}")),
        (_, "/fhir/STU3/Patient/$gpc.getstructuredrecord", _) => {
            let number = json!({"name": "patientNHSNumber", "valueIdentifier":
                {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": DEMO_PERSON}});
            let mut body: Value = serde_json::from_str(STRUCTURED).unwrap();
            body["parameter"].as_array_mut().unwrap().push(number);
            post(path.to_owned(), &body.to_string())
        }
        (_, "/fhir/STU3/Patient/{id}/$gpc.getstructuredrecord", _) => post(path.replace("{id}", person), STRUCTURED),
        (_, "/launch", _) if method == "POST" => ask("", path.to_owned(), "link=TOKEN", "application/x-www-form-urlencoded"),
        (_, "/launch", _) => get("/launch?link=x".into()),
        (_, "/oauth/token", _) => {
            let body = format!(
                "grant_type=client_credentials&scope=system/*.rs&client_assertion_type={}&client_assertion=TOKEN",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            );
            ask("", path.to_owned(), &body, "application/x-www-form-urlencoded")
        }
        (_, "/operations/region" | "/operations/sources", _) => get(whole.clone()),
        (_, "/operations/sources/{id}", _) => get("/operations/sources/ccr".into()),
        (_, "/privacy/evidence", _) if method == "POST" => {
            post(whole.clone(), &json!({"patient": person, "request": "none", "why": "w"}).to_string())
        }
        (_, "/privacy/evidence", _) => get(whole.clone()),
        (_, "/privacy/evidence/{id}", _) => get("/privacy/evidence/none".into()),
        (_, "/privacy/evidence/{id}/approve" | "/privacy/evidence/{id}/open", _) => post(path.replace("{id}", "none"), "{}"),
        (_, "/privacy/hold", _) => post(whole.clone(), &json!({"patient": person}).to_string()),
        (_, "/privacy/hold/set" | "/privacy/hold/lift", _) => post(whole.clone(), &json!({"patient": person, "why": "w"}).to_string()),
        (_, "/privacy/report", _) => post(whole.clone(), r#"{"source":"ccr"}"#),
        (_, "/privacy/tasks", _) => get(whole.clone()),
        (_, "/privacy/tasks/{id}", _) => get("/privacy/tasks/none".into()),
        (_, "/privacy/tasks/{id}/decide", _) => post("/privacy/tasks/none/decide".into(), JUDGE),
        (_, "/steward/explain", _) => get(format!("{whole}?one=ccr/none")),
        (_, "/steward/tasks", _) => get(whole.clone()),
        (_, "/steward/tasks/{id}", _) => get("/steward/tasks/none".into()),
        (_, "/steward/tasks/{id}/decide", _) => post("/steward/tasks/none/decide".into(), DECIDE),
        (_, "/steward/tasks/{id}/undo", _) => post("/steward/tasks/none/undo".into(), DECIDE),
        (_, "/viewer/assets/{name}", _) => get("/viewer/assets/none.css".into()),
        (_, "/viewer/find", _) => ask("", path.to_owned(), &format!("number={DEMO_PERSON}"), FORM),
        (_, "/viewer/patient/{id}", _) => get(format!("/viewer/patient/{person}")),
        // An id that nobody minted is as one that is withheld, to whom the record is shown.
        (_, "/viewer/patient/{id}/document/{document}", _) => get(format!("/viewer/patient/{person}/document/ccr-0")),
        (_, "/viewer/patient/{id}/document/{document}/file", _) => get(format!("/viewer/patient/{person}/document/ccr-0/file")),
        (_, "/viewer/patient/{id}/medicines", _) => get(format!("/viewer/patient/{person}/medicines")),
        // What nobody began is not there for anybody.
        (_, "/viewer/patient/{id}/more/{rest}", _) => get(format!("/viewer/patient/{person}/more/none")),
        (_, "/viewer/patient/{id}/results", _) => get(format!("/viewer/patient/{person}/results")),
        (_, "/viewer/patient/{id}/access", _) => {
            let body = "kind=relationship&reason=TREAT&text=Admitted+to+my+ward+this+morning";
            ask("$request-access", format!("/viewer/patient/{person}/access"), body, FORM)
        }
        (_, "/viewer/privacy/report", _) if method == "POST" => ask("", path.to_owned(), "", FORM),
        (_, "/viewer/privacy" | "/viewer/privacy/report", _) => get(path.to_owned()),
        (_, "/viewer/privacy/tasks/{id}", _) => get("/viewer/privacy/tasks/none".into()),
        (_, "/viewer/privacy/tasks/{id}/decide", _) => ask("", "/viewer/privacy/tasks/none/decide".into(), "state=closed&note=x", FORM),
        (_, "/viewer/steward", _) => get(path.to_owned()),
        (_, "/viewer/steward/tasks/{id}", _) => get("/viewer/steward/tasks/none".into()),
        (_, "/viewer/steward/tasks/{id}/decide", _) => {
            ask("", "/viewer/steward/tasks/none/decide".into(), "outcome=different&reason=x", FORM)
        }
        (_, "/viewer/steward/tasks/{id}/undo", _) => ask("", "/viewer/steward/tasks/none/undo".into(), "reason=x", FORM),
        (_, "/viewer/sign-in/{way}", _) => get("/viewer/sign-in/0".into()),
        (_, "/viewer/sign-out", _) => ask("", path.to_owned(), "", FORM),
        (
            _,
            "/"
            | "/.well-known/jwks.json"
            | "/.well-known/smart-configuration"
            | "/fhir/R4/.well-known/smart-configuration"
            | "/fhir/STU3/.well-known/smart-configuration"
            | "/live"
            | "/metrics"
            | "/openapi.json"
            | "/ready"
            | "/viewer"
            | "/viewer/sign-in"
            | "/viewer/signed-in",
            _,
        ) => get(path.to_owned()),
        _ => panic!("{endpoint} of {path} is missing from the table of who may ask: put a question to it here, and BLESS=1"),
    }
}

/// Every kind of caller. Whoever could read has the person open, unless they are called otherwise: so no refusal is for another reason
/// than the one that they are there for.
async fn callers(world: &World, signers: &Signers, person: &str, other: &str, section: &str) -> Vec<Asking> {
    let doctor = Card { patient: Some(person.to_owned()), ..Card::doctor() };
    let asking = |who, token| Asking { who, token, peer: Peer::default() };
    // Somebody else in each section: what they claim in one stands in no other.
    let card = |who: &'static str, card: Card| {
        let user = Box::leak(format!("{who}, {section}").into_boxed_str());
        asking(who, Some(world.token(&Card { user, ..card })))
    };
    let claims = doctor.claims(NOW);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let unsigned = {
        let part = |value: &Value| data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims))
    };
    let mut altered = world.token(&doctor);
    let at = altered.find('.').unwrap() + 40;
    altered.replace_range(at..=at, if altered.as_bytes()[at] == b'A' { "B" } else { "A" });
    let certificate = Certificate::of(b"a certificate");
    let bound = world.issuer.sign(&with("cnf", json!({"x5t#S256": certificate.thumbprint})));
    let by = |certificate: Certificate| Peer { certificate: Some(certificate) };

    let mut all = vec![
        asking("nobody", None),
        Asking { who: "a certificate and no token", token: None, peer: by(certificate.clone()) },
        asking("no JWT", Some("let-me-in".to_owned())),
        asking("not signed (alg none)", Some(unsigned)),
        asking("another key", Some(Issuer::new().sign(&claims))),
        asking("altered", Some(altered)),
        asking("another issuer", Some(world.issuer.sign(&with("iss", json!("https://elsewhere.example"))))),
        card("another audience", Card { audience: "elsewhere", ..doctor.clone() }),
        card("expired", Card { lives_s: -3600, ..doctor.clone() }),
        asking("not valid yet", Some(world.issuer.sign(&with("nbf", json!(NOW + 3600))))),
        asking("no IUA claims", Some(world.issuer.sign(&with("extensions", json!({}))))),
        asking("bound, and no certificate", Some(bound.clone())),
        Asking { who: "bound, and another certificate", token: Some(bound.clone()), peer: by(Certificate::of(b"another")) },
        Asking { who: "bound, and its certificate", token: Some(bound), peer: by(certificate) },
    ];
    for (who, role) in [
        ("doctor (R8000)", "R8000"),
        ("general practitioner (R0260)", "R0260"),
        ("consultant (R0050)", "R0050"),
        ("nurse (R8001)", "R8001"),
        ("pharmacist, therapist (R8003)", "R8003"),
        ("student (R8004)", "R8004"),
        ("receptionist (R8008)", "R8008"),
        ("privacy officer (R0001)", "R0001"),
        ("Caldicott Guardian (R5105)", "R5105"),
        ("a role nobody knows (R9999)", "R9999"),
    ] {
        all.push(card(who, Card { roles: vec![role], ..doctor.clone() }));
    }
    all.push(card("no role", Card { roles: vec![], ..doctor.clone() }));
    for (who, activities) in [
        ("no activity", vec![]),
        ("may trace only (B0264)", vec!["B0264"]),
        ("detailed record only (B0360)", vec!["B0360"]),
        ("summary only (B0370)", vec!["B0370"]),
        ("medication only (B0401)", vec!["B0401"]),
    ] {
        all.push(card(who, Card { activities, ..doctor.clone() }));
    }
    for (who, purpose) in [("for research (HRESCH)", "HRESCH"), ("for an emergency (BTG)", "BTG"), ("for no purpose", "")] {
        all.push(card(who, Card { purpose, ..doctor.clone() }));
    }
    for (who, scope) in [
        ("scope openid", "openid"),
        ("scope user/*.read", "user/*.read"),
        ("scope user/*.rs", "user/*.rs"),
        ("scope user/*.cruds", "user/*.cruds"),
        ("scope user/*.r", "user/*.r"),
        ("scope user/*.cud", "user/*.cud"),
        ("scope user/Condition.rs", "user/Condition.rs"),
        ("scope user/Condition.rs?category=x", "user/Condition.rs?category=x"),
        ("scope patient/*.read", "patient/*.read"),
        ("scope patient/*.rs", "patient/*.rs"),
        ("scope system/*.rs, of a person", "system/*.rs"),
        ("scope severn.operator", "severn.operator"),
        ("scope severn.privacy", "severn.privacy"),
        ("scopes severn.operator user/*.rs", "severn.operator user/*.rs"),
        ("scopes severn.privacy user/*.rs", "severn.privacy user/*.rs"),
    ] {
        all.push(card(who, Card { scope, ..doctor.clone() }));
    }
    for (who, role, sds_user_id) in [
        ("officer with severn.privacy", "R0001", Some("999999999999")),
        ("guardian with severn.privacy", "R5105", Some("999999999999")),
        ("a system with severn.privacy, R0001", "R0001", None),
    ] {
        let scope = if sds_user_id.is_some() { "severn.privacy" } else { "system/*.rs severn.privacy" };
        all.push(card(who, Card { roles: vec![role], scope, sds_user_id, ..doctor.clone() }));
    }
    all.push(card("scope patient/*.rs, nobody open", Card { scope: "patient/*.rs", ..Card::doctor() }));
    all.push(card("a system, nobody open", Card { patient: None, ..Card::system() }));
    all.push(card("a system that has them open", Card { patient: Some(person.to_owned()), ..Card::system() }));
    all.push(card("a system, scope system/*.read", Card { scope: "system/*.read", patient: Some(person.to_owned()), ..Card::system() }));
    all.push(card("a system with severn.operator", Card { scope: "system/*.rs severn.operator", ..Card::system() }));
    all.push(card("no relationship", Card::doctor()));
    all.push(card("another person open", Card { patient: Some(other.to_owned()), ..Card::doctor() }));
    // Each once for each section: what is signed for one use is spent.
    let id = |what: &str| format!("{what}, {section}");
    let granted = world.grant(&signers.assertion(&assertion("records-1", &id("granted"))), "system/*.rs").await;
    all.push(asking("a registered client's token", granted.json["access_token"].as_str().map(str::to_owned)));
    let own = by(Certificate { subject: "CN=certified,O=Hospital".into(), ..Certificate::of(b"a client's") });
    let fields = form(&[("grant_type", "client_credentials"), ("client_id", "certified-1"), ("scope", "system/*.rs")]);
    let granted = world.send_over(&own, "POST", "/oauth/token", None, &crate::signer::FORM, &fields).await;
    let token = granted.json["access_token"].as_str().map(str::to_owned);
    all.push(asking("a certified client's, elsewhere", token.clone()));
    all.push(Asking { who: "a certified client's, by mutual TLS", token, peer: own });
    let opened = world.launch(&signers.link(&link(person, &id("opened")))).await;
    all.push(asking("launched, this person", opened.json["access_token"].as_str().map(str::to_owned)));
    let opened = world.launch(&signers.link(&link(other, &id("another opened")))).await;
    all.push(asking("launched, another person", opened.json["access_token"].as_str().map(str::to_owned)));
    all.push(asking("a client's assertion", Some(signers.assertion(&assertion("records-1", &id("assertion"))))));
    all.push(asking("a launch link", Some(signers.link(&link(person, &id("link"))))));
    all.push(asking("their doctor, who asked before", Some(world.token(&doctor))));
    all
}

#[tokio::test(start_paused = true)]
async fn every_endpoint_lets_in_whom_the_page_says() {
    let signers = Signers::new();
    let world = World::around(Arc::new(region(&["ccr", "gp"])), &signers.setup());
    let person = world.person(DEMO_PERSON).await;
    let other = world.person(OTHER).await;
    let token = world.doctor_of(&person);
    let first = world.get(&format!("Patient/{person}/$everything?_count=3"), &token).await;
    let allergies = world.get(&format!("AllergyIntolerance?patient={person}"), &token).await;
    let about = About {
        allergy: allergies.of_type("AllergyIntolerance").next().unwrap()["id"].as_str().unwrap().to_owned(),
        page: first.next().unwrap().split_once('?').unwrap().1.to_owned(),
        request: first.request(),
        person: person.clone(),
    };
    let mut page = String::from(HEAD);
    for (title, within) in sections() {
        let callers = callers(&world, &signers, &person, &other, title).await;
        let mut asked: Vec<Question> = Vec::new();
        for (path, endpoint) in within {
            asked.extend(questions(path, endpoint, &about));
        }
        // What is claimed stands for what is asked after it, so it is asked last.
        asked.sort_by_key(|question| question.name.contains("$request-access"));
        writeln!(page, "\n{title}\n").unwrap();
        for (at, question) in asked.iter().enumerate() {
            writeln!(page, "  {:>2}  {}", at + 1, question.name).unwrap();
        }
        let heads: String = (1..=asked.len()).map(|at| format!(" {at:>3}")).collect();
        writeln!(page, "\n{:<36}{heads}", "").unwrap();
        let mut rows = Vec::new();
        for caller in &callers {
            let mut row = String::new();
            for question in &asked {
                let answer = put(&world, caller, question).await;
                judge(&world, caller, question, &answer);
                write!(row, " {:>3}", answer.status).unwrap();
            }
            rows.push(row);
        }
        if rows.iter().all(|row| *row == rows[0]) {
            writeln!(page, "{:<36}{}", "whoever asks", rows[0]).unwrap();
            continue;
        }
        for (caller, row) in callers.iter().zip(rows) {
            writeln!(page, "{:<36}{row}", caller.who).unwrap();
        }
    }
    compare(&page);
    world.ledger.verify();
    assert!(!world.ledger.text().contains(DEMO_PERSON), "a number stands in the ledger");
}

const HEAD: &str = "WHO MAY ASK: every endpoint of the exchange, asked by every kind of caller, and the status of the answer

  200 answered    400 the question is of no use   401 who asks is not known   403 they may not   404 not here, or not theirs
  303 led on, by a page: to sign in, or to what was asked for
  410 a page that is over, or was laid out for somebody else   502 the one source that could answer is not asked for them

Callers are doctors who have the person open, and differ from one in what they are called. What is asked is about one person.
What of a record is shown to whom is another page: crates/access/tests/output.
";

/// Paths that are told of together, by how they begin.
const SECTIONS: &[(&str, &str)] = &[
    ("FHIR R4", "/fhir/R4"),
    ("FHIR STU3", "/fhir/STU3"),
    ("The operations desk", "/operations"),
    ("The privacy officer's desk", "/privacy"),
    ("The steward's desk", "/steward"),
    ("The viewer", "/viewer"),
    ("Launches: what the caller holds, as a link", "/launch"),
    ("Tokens: what the caller holds, as an assertion", "/oauth"),
    ("What is told to everybody", "/"),
];

/// The endpoints of the router, each in its section.
fn sections() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let mut all: BTreeMap<usize, Vec<(&str, &str)>> = BTreeMap::new();
    for route in ROUTES {
        let open = route.path.contains("/.well-known/");
        let own = SECTIONS.iter().position(|(_, begin)| !open && route.path.starts_with(begin)).unwrap_or(SECTIONS.len() - 1);
        all.entry(own).or_default().extend(route.endpoints.iter().map(|endpoint| (route.path, *endpoint)));
    }
    all.into_iter().map(|(at, endpoints)| (SECTIONS[at].0, endpoints)).collect()
}

/// Asks of a page, with a session of the caller's where their token gives them one: the same session finds the person first, as people do.
async fn put_to_page(world: &World, caller: &Asking, question: &Question) -> Answer {
    let tab = match &caller.token {
        Some(token) => world.tab(token).await,
        None => None,
    };
    let Some(tab) = tab else {
        return world.send(question.method, &question.target, None, &[("content-type", FORM)], &question.body).await;
    };
    if question.name.contains("$request-access") {
        tab.find(DEMO_PERSON).await;
    }
    let body = format!("{}&csrf={}", question.body, tab.csrf);
    world.send(question.method, &question.target, None, &[("cookie", &tab.cookie), ("content-type", FORM)], &body).await
}

/// Pages lead whoever is not signed in to sign in; whatever was asked there is on the ledger.
fn judge_page(world: &World, caller: &Asking, question: &Question, answer: &Answer) {
    let (who, name) = (caller.who, &question.name);
    if name.contains("/assets/") {
        return;
    }
    let events = world.ledger.of(&answer.request());
    let ended = events.last().map(String::as_str);
    let asks = ["/find", "/patient/", "/privacy", "/viewer/steward"].iter().any(|part| name.contains(part));
    // The form shows nobody, and is there for those who may send it.
    let shows = asks && !(name.starts_with("GET") && name.contains("/privacy/report"));
    match answer.status {
        200 if shows => assert!(ended.is_some_and(|ended| ended != "opened" && ended != "refused"), "{who}: {name}: {events:?}"),
        200 => assert_eq!(ended, None, "{who}: {name}"),
        // Where the table has no sign-in that they began.
        403 if name.contains("/signed-in") => assert_eq!(events, ["refused"], "{who}: {name}"),
        403 => assert_eq!(ended, Some("refused"), "{who}: {name}: {}", answer.text),
        400 | 404 => assert!(ended.is_some(), "{who}: {name}"),
        303 if asks && answer.headers["location"].to_str().unwrap().starts_with("/viewer/sign-in") => {
            assert_eq!(events, ["refused"], "{who}: {name}")
        }
        303 if asks => assert!(ended.is_some_and(|ended| ended != "opened" && ended != "refused"), "{who}: {name}: {events:?}"),
        303 => assert_eq!(ended, None, "{who}: {name}"),
        other => panic!("{who}: {name}: {other} {:.300}", answer.text),
    }
    assert_eq!(answer.headers["cache-control"], "no-store", "{who}: {name}");
}

async fn put(world: &World, caller: &Asking, question: &Question) -> Answer {
    if question.target.starts_with("/viewer") {
        return put_to_page(world, caller, question).await;
    }
    let token = caller.token.as_deref();
    let form = question.content_type.contains("form");
    let body = question.body.replace("TOKEN", token.unwrap_or_default());
    let headers = [("content-type", question.content_type)];
    let headers = if question.content_type.is_empty() { &[][..] } else { &headers[..] };
    world.send_over(&caller.peer, question.method, &question.target, token.filter(|_| !form), headers, &body).await
}

/// Whoever is refused gets nothing but an outcome; whatever was answered or refused stands on the ledger.
fn judge(world: &World, caller: &Asking, question: &Question, answer: &Answer) {
    let (who, name) = (caller.who, &question.name);
    if question.target.starts_with("/viewer") {
        return judge_page(world, caller, question, answer);
    }
    let Some(request) = answer.headers.get("x-request-id") else {
        // What is told to everybody.
        assert!([200, 404].contains(&answer.status), "{who}: {name}: {}", answer.text);
        return;
    };
    let events = world.ledger.of(request.to_str().unwrap());
    let ended = events.last().map(String::as_str);
    match answer.status {
        200 if name.contains("metadata") => assert_eq!(ended, None, "{who}: {name}"),
        200 | 201 => assert!(ended.is_some_and(|ended| ended != "opened" && ended != "refused"), "{who}: {name}: {events:?}"),
        401 => assert_eq!(events, ["refused"], "{who}: {name}"),
        403 | 410 => assert_eq!(ended, Some("refused"), "{who}: {name}: {}", answer.text),
        400 | 404 | 502 => assert!(ended.is_some(), "{who}: {name}: {}", answer.text),
        other => panic!("{who}: {name}: {other} {:.300}", answer.text),
    }
    assert_eq!(answer.headers["cache-control"], "no-store", "{who}: {name}");
    if name.contains("/oauth/") || name.contains("/launch") {
        assert_eq!(answer.json["error"].is_string(), answer.status >= 400, "{who}: {name}");
        return;
    }
    if answer.status >= 400 {
        assert_eq!(answer.json["resourceType"], "OperationOutcome", "{who}: {name}");
        assert!(answer.entries().is_empty());
    }
    if answer.status == 401 {
        let challenge = if caller.token.is_none() { "Bearer" } else { "Bearer error=\"invalid_token\"" };
        assert_eq!(answer.headers["www-authenticate"], challenge);
    }
}

fn compare(now: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output/who-may-ask.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, now).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = now.lines().zip(expected.lines()).find(|(now, expected)| now != expected);
    assert!(expected == now, "{} differs, first in {differs:?}; look at it with BLESS=1 and git diff", file.display());
}

/// No method is answered that the list does not tell of: what the table has is all there is.
#[tokio::test(start_paused = true)]
async fn no_endpoint_answers_by_a_method_that_the_table_lacks() {
    let world = World::of(&["ccr"]);
    let roles = vec!["R8000", "R0001"];
    let token = world.token(&Card { roles, scope: "user/*.rs severn.operator severn.privacy", ..Card::doctor() });
    for route in ROUTES {
        for endpoint in route.endpoints {
            let (_, below) = endpoint.split_once(' ').unwrap_or((endpoint, ""));
            let target = route.path.replace("{*rest}", below).replace("{type}", "Condition").replace("{id}", "none");
            let has = |method: &str| {
                let own = |endpoint: &&str| endpoint.split_once(' ').unwrap_or((endpoint, "")) == (method, below);
                // A type of its own is one of all types, too.
                let of_all = format!("{method} {}", below.replacen("Consent", "{type}", 1));
                route.endpoints.iter().any(own)
                    || route.endpoints.contains(&of_all.replace("HEAD", "GET").as_str())
                    || method == "HEAD" && route.endpoints.iter().any(|one| own_get(one, below))
            };
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"].iter().filter(|method| !has(method)) {
                let answer = world.send(method, &target, Some(&token), &[], "").await;
                assert!([404, 405].contains(&answer.status), "{method} {target}: {} {}", answer.status, answer.text);
            }
        }
    }
}

fn own_get(endpoint: &str, below: &str) -> bool {
    endpoint.split_once(' ').unwrap_or((endpoint, "")) == ("GET", below)
}
