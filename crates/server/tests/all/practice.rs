//! General practice through GP Connect, by way of the whole exchange: every warning a List can bear and every hole an answer can have
//! reaches the reader, with the practice's name on it; nobody is asked in nobody's name; and one practice's answer is passed on alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Fault, Gap, Wrong};

use crate::world::{Answer, Card, World};

/// Each area, the types that its Lists speak of, and whether they are brought by it alone.
const AREAS: [(&str, &[(&str, bool)]); 9] = [
    ("includeAllergies", &[("AllergyIntolerance", true)]),
    ("includeMedication", &[("MedicationRequest", true), ("MedicationStatement", true)]),
    ("includeConsultations", &[("Encounter", true), ("DocumentReference", true)]),
    ("includeProblems", &[("Condition", true)]),
    ("includeImmunisations", &[("Immunization", true)]),
    ("includeUncategorisedData", &[("Observation", false)]),
    ("includeInvestigations", &[("DiagnosticReport", true), ("Observation", false), ("ServiceRequest", false), ("Specimen", true)]),
    ("includeReferrals", &[("ServiceRequest", false)]),
    ("includeDiaryEntries", &[("ServiceRequest", false)]),
];
/// Margaret's practice.
const PRACTICE: &str = "M85028";

struct Read {
    world: World,
    person: String,
    token: String,
}

impl Read {
    async fn new() -> Read {
        let world = World::around(
            std::sync::Arc::new(crate::world::region(&["ccr", "gp"])),
            &crate::world::Setup { limits: "breaker_window = 10000\nper_second = 100000", ..Default::default() },
        );
        let person = world.person(DEMO_PERSON).await;
        let token = world.doctor_of(&person);
        Read { world, person, token }
    }

    async fn all(&self) -> Answer {
        let answer = self.world.get(&format!("Patient/{}/$everything?_count=5000", self.person), &self.token).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// The same while the practice has this gap.
    async fn with(&self, gap: Gap) -> Answer {
        assert!(self.world.region.fail("gp", Fault::Practice { gap }));
        let answer = self.all().await;
        self.world.region.heal();
        answer
    }
}

/// What the outcome says of the practice: type, severity, status, words.
fn told(answer: &Answer) -> Vec<(String, String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let extension = |issue: &Value, url: &str, key: &str| {
        let own = issue["extension"].as_array().into_iter().flatten().find(|one| one["url"] == url).cloned().unwrap_or_default();
        if key.is_empty() { text(&own["valueIdentifier"]["value"]) } else { text(&own[key]) }
    };
    let issues = answer.outcome()["issue"].as_array().unwrap().iter();
    let own = issues.filter(|issue| extension(issue, "urn:severn:source", "valueString") == "gp");
    own.map(|issue| {
        assert_eq!(extension(issue, "urn:severn:organisation", ""), "X26", "{issue}");
        let kind = extension(issue, "urn:severn:type", "valueCode");
        (kind, text(&issue["severity"]), text(&issue["details"]["coding"][0]["code"]), text(&issue["details"]["text"]))
    })
    .collect()
}

/// Every case: the gap, the types it tells on, the status each gets, and words that must be there.
fn cases() -> Vec<(Gap, Vec<&'static str>, &'static str, &'static str)> {
    let mut cases = Vec::new();
    for (area, types) in AREAS {
        let all: Vec<&str> = types.iter().map(|(kind, _)| *kind).collect();
        let warnings = [
            ("confidential-items", "withheld", "confidential-items: items excluded due to confidentiality"),
            ("data-in-transit", "ok-truncated", "data-in-transit: the record's transfer"),
            ("data-awaiting-filing", "ok-truncated", "data-awaiting-filing: data supplied by a third party"),
            ("phase-of-the-moon", "ok-truncated", "warns in a code that is not known here"),
        ];
        for (code, status, words) in warnings {
            cases.push((Gap::Warning { area: area.into(), code: code.into() }, all.clone(), status, words));
        }
        let sentence = "Items excluded due to confidentiality and/or patient preferences.";
        cases.push((Gap::Note { area: area.into(), text: sentence.into() }, all.clone(), "withheld", "confidential-items"));
        for (reason, status, words) in [
            ("", "ok-truncated", "empty and does not say why"),
            ("unavailable", "ok-truncated", "empty for a reason other than nothing recorded"),
            ("withheld", "withheld", "its content is withheld"),
        ] {
            cases.push((Gap::Empty { area: area.into(), reason: reason.into() }, all.clone(), status, words));
        }
        cases.push((Gap::Dangling(area.into()), all.clone(), "ok-truncated", "names what did not come"));
        cases.push((Gap::Unlisted(area.into()), all.clone(), "ok-truncated", "no List came for include"));
        for gap in [Gap::NotImplemented(area.into()), Gap::Untaken(area.into())] {
            for (kind, alone) in types {
                let status = if *alone { "unsupported" } else { "ok-truncated" };
                cases.push((gap.clone(), vec![kind], status, "section not available from this practice: include"));
            }
        }
    }
    let unsupported = Gap::Unsupported { area: "includeConsultations".into(), items: "Referral".into() };
    cases.push((unsupported, vec!["ServiceRequest"], "ok-truncated", "cannot tell of some of these items"));
    cases
}

/// What stands beside the data, or on a List inside another.
#[tokio::test(start_paused = true)]
async fn an_issue_beside_the_data_and_a_list_inside_another_are_told_with_the_practices_name() {
    let read = Read::new().await;
    let issue = |issue: &str, code: &str, about: &str| Gap::Issue { issue: issue.into(), code: code.into(), about: about.into() };
    let inside = |list: &str, code: &str| Gap::Inside { list: list.into(), code: code.into() };
    let cases = [
        (
            Gap::NotImplemented("includeAllergies.includeResolvedAllergies".into()),
            "AllergyIntolerance",
            "ok-truncated",
            "the practice does not take all of includeAllergies",
        ),
        (issue("forbidden", "NO_PATIENT_CONSENT", "includeProblems"), "Condition", "withheld", "the practice refused a part"),
        (issue("incomplete", "", "includeProblems"), "Condition", "ok-truncated", "the practice warned that its answer is not whole"),
        (issue("incomplete", "", ""), "AllergyIntolerance", "ok-truncated", "the practice warned that its answer is not whole"),
        (inside("24781000000107", "confidential-items"), "Encounter", "withheld", "confidential-items"),
        (inside("problems-medications-related-to-problems", "data-in-transit"), "MedicationStatement", "ok-truncated", "data-in-transit"),
    ];
    for (gap, kind, status, words) in cases {
        let answer = read.with(gap.clone()).await;
        let issues = told(&answer);
        let own = issues.iter().find(|(own, _, code, text)| own == kind && code == status && text.contains(words));
        let Some((_, severity, _, text)) = own else { panic!("{gap:?}: {kind} is not said to be {status}: {issues:?}") };
        assert!(severity == "warning" && text.contains(&format!("practice {PRACTICE}: ")), "{gap:?}: {text}");
        assert!(answer.shown()["gp"].iter().any(|name| name.starts_with("AllergyIntolerance/")), "{gap:?}: what came is shown");
    }
    assert!(read.world.region.fail("gp", Fault::EndlessPages));
    let answer = read.all().await;
    read.world.region.heal();
    let further =
        told(&answer).into_iter().filter(|(_, _, status, text)| status == "ok-truncated" && text.contains("names a further page"));
    assert!(further.count() > 5, "{:?}", told(&answer));
}

/// Every warning GP Connect can put on a List, and every hole it can leave, reaches the answer's OperationOutcome, attributed to its
/// practice.
#[tokio::test(start_paused = true)]
async fn every_warning_and_every_hole_reaches_the_outcome_with_the_practices_name() {
    let read = Read::new().await;
    let healthy = read.all().await;
    let before: BTreeSet<(String, String)> =
        told(&healthy).into_iter().filter(|(_, severity, ..)| severity == "warning").map(|(kind, _, status, _)| (kind, status)).collect();
    assert!(before.iter().all(|(_, status)| matches!(status.as_str(), "unsupported" | "not-asked")), "{before:?}");
    let cases = cases();
    assert!(cases.len() > 100);
    for (gap, kinds, status, words) in cases {
        let answer = read.with(gap.clone()).await;
        let issues = told(&answer);
        for kind in &kinds {
            let own = issues.iter().find(|(own, _, code, text)| own == kind && code == status && text.contains(words));
            let Some((_, severity, _, text)) = own else { panic!("{gap:?}: {kind} is not said to be {status}: {issues:?}") };
            assert_eq!(severity, "warning");
            assert!(text.contains(&format!("practice {PRACTICE}: ")), "{gap:?}: {text}");
            assert!(!text.contains(DEMO_PERSON) && !text.contains("Nov-2026"), "{gap:?}: {text}");
        }
        // Types that the gap is not about stand as before.
        for (kind, severity, code, text) in issues.iter().filter(|(_, severity, ..)| severity == "warning") {
            let new = !before.contains(&(kind.clone(), code.clone()));
            let concerned =
                kinds.contains(&kind.as_str()) || kind == "List" || AREAS.iter().any(|(_, types)| same_area(types, kind, &kinds));
            assert!(!new || concerned, "{gap:?}: {kind} {severity} {code} {text}");
        }
        assert_eq!(answer.shown()["ccr"], healthy.shown()["ccr"], "{gap:?}");
        let known = ["AllergyIntolerance"].iter().any(|kind| kinds.contains(kind));
        assert!(!known || answer.json["total"].is_null(), "{gap:?}");
    }
    read.world.ledger.verify();
}

/// Whether a type is brought by an area that brings one of these too.
fn same_area(types: &[(&str, bool)], kind: &str, kinds: &[&str]) -> bool {
    types.iter().any(|(own, _)| *own == kind) && types.iter().any(|(own, _)| kinds.contains(own)) || kind == "Medication"
}

#[tokio::test(start_paused = true)]
async fn a_note_in_other_words_is_pointed_at_and_not_repeated() {
    let read = Read::new().await;
    let answer = read.with(Gap::Note { area: "includeProblems".into(), text: "Spoke to Margaret on Tuesday".into() }).await;
    let issues = told(&answer);
    let (_, severity, status, text) = issues.iter().find(|(kind, ..)| kind == "Condition").unwrap();
    assert_eq!((severity.as_str(), status.as_str()), ("information", "ok"));
    assert!(text.contains("carries a note") && !text.contains("Margaret"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn every_code_of_the_spine_has_its_status() {
    let read = Read::new().await;
    let table = [
        ("PATIENT_NOT_FOUND", "no-record-given", ""),
        ("NO_RECORD_FOUND", "no-record-given", ""),
        ("NO_PATIENT_CONSENT", "withheld", "NO_PATIENT_CONSENT"),
        ("NO_ORGANISATION_CONSENT", "withheld", "NO_ORGANISATION_CONSENT"),
        ("ACCESS_DENIED", "withheld", "ACCESS_DENIED"),
        ("NO_RELATIONSHIP", "withheld", "NO_RELATIONSHIP"),
        ("INVALID_NHS_NUMBER", "failed-http", "INVALID_NHS_NUMBER"),
        ("INVALID_PARAMETER", "failed-http", "INVALID_PARAMETER"),
        ("INVALID_RESOURCE", "failed-http", "INVALID_RESOURCE"),
        ("INTERNAL_SERVER_ERROR", "failed-http", "INTERNAL_SERVER_ERROR"),
        ("BAD_REQUEST", "failed-http", "BAD_REQUEST"),
        ("DUPLICATE_REJECTED", "failed-http", "DUPLICATE_REJECTED"),
        ("INVALID_IDENTIFIER_SYSTEM", "failed-http", "INVALID_IDENTIFIER_SYSTEM"),
        ("INVALID_IDENTIFIER_VALUE", "failed-http", "INVALID_IDENTIFIER_VALUE"),
        ("INVALID_PATIENT_DEMOGRAPHICS", "failed-http", "INVALID_PATIENT_DEMOGRAPHICS"),
        ("NOT_IMPLEMENTED", "failed-http", "NOT_IMPLEMENTED"),
        ("ORGANISATION_NOT_FOUND", "failed-http", "ORGANISATION_NOT_FOUND"),
        ("PRACTITIONER_NOT_FOUND", "failed-http", "PRACTITIONER_NOT_FOUND"),
        ("REFERENCE_NOT_FOUND", "failed-http", "REFERENCE_NOT_FOUND"),
        ("A_CODE_THAT_NOBODY_KNOWS", "failed-http", "HTTP 422"),
    ];
    for (code, status, words) in table {
        let answer = read.with(Gap::Code(code.into())).await;
        let issues = told(&answer);
        assert!(issues.len() > 30 && issues.iter().all(|(_, _, own, _)| own == status), "{code}: {issues:?}");
        assert!(issues.iter().all(|(_, severity, _, text)| severity == "warning" && text.contains(words)), "{code}: {issues:?}");
        assert!(!answer.shown().contains_key("gp") && answer.shown().contains_key("ccr"), "{code}");
        // Known by others: what is not known of the practice's part is not "none".
        assert_ne!(answer.state("plans"), Some("not-recorded"), "{code}");
        // "Not found" may mean much; the locator believes none of it, and the practice is asked again.
        assert!(read.all().await.shown().contains_key("gp"), "{code}");
    }
    let empty = read.with(Gap::NoPatient).await;
    assert!(told(&empty).iter().filter(|(kind, ..)| !kind.is_empty()).all(|(_, _, status, _)| status == "failed-parse"));
    assert!(!empty.shown().contains_key("gp"), "nobody knows whose that is");
    assert!(read.all().await.shown().contains_key("gp"));
}

#[tokio::test(start_paused = true)]
async fn no_record_is_said_in_the_same_words_whatever_the_cause() {
    let read = Read::new().await;
    let first = told(&read.with(Gap::Code("PATIENT_NOT_FOUND".into())).await);
    let other = told(&read.with(Gap::Code("NO_RECORD_FOUND".into())).await);
    assert_eq!(first, other);
    assert!(first.iter().all(|(_, _, _, text)| text.ends_with("gave no record, reason not stated")), "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn ended_allergies_come_out_of_their_list_and_are_never_active() {
    let read = Read::new().await;
    let of_practice = |answer: &Answer| -> BTreeSet<String> {
        answer.shown()["gp"].iter().filter(|name| name.starts_with("AllergyIntolerance/")).cloned().collect()
    };
    let before = of_practice(&read.all().await);
    let answer = read.with(Gap::EndedAllergies).await;
    assert!(!before.is_empty());
    assert_eq!(of_practice(&answer), before, "none is lost");
    let statuses: BTreeSet<String> = answer
        .of_type("AllergyIntolerance")
        .filter(|allergy| allergy["id"].as_str().unwrap().starts_with("gp-"))
        .filter(|allergy| allergy["verificationStatus"]["coding"][0]["code"] != "entered-in-error")
        .map(|allergy| allergy["clinicalStatus"]["coding"][0]["code"].as_str().unwrap_or("none").to_owned())
        .collect();
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), ["resolved"]);
    let lists = answer.of_type("List").filter(|list| list["id"].as_str().unwrap().starts_with("gp-"));
    let mut entries = 0;
    for list in lists {
        assert!(list.get("contained").is_none());
        let items = list["entry"].as_array().into_iter().flatten().map(|entry| entry["item"]["reference"].as_str().unwrap());
        entries += items.filter(|item| before.contains(*item)).count();
    }
    assert_eq!(entries, before.len(), "the List leads to them");
}

#[tokio::test(start_paused = true)]
async fn no_practice_is_asked_in_nobodys_name() {
    let read = Read::new().await;
    let asked = read.world.region.asked("gp").len();
    let machine = read.world.token(&Card { patient: Some(read.person.clone()), ..Card::system() });
    let answer = read.world.get(&format!("Patient/{}/$everything", read.person), &machine).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.shown().contains_key("ccr") && !answer.shown().contains_key("gp"));
    let issues = told(&answer);
    assert!(issues.iter().all(|(_, _, status, text)| status == "withheld" && text.contains("no-end-user")), "{issues:?}");
    assert_eq!(answer.state("allergies"), Some("known"));
    assert_eq!(read.world.region.asked("gp").len(), asked, "something was sent");
}

#[tokio::test(start_paused = true)]
async fn the_token_goes_to_the_proxy_and_nowhere_else() {
    let read = Read::new().await;
    read.all().await;
    let requests = read.world.region.asked("gp");
    let tokens: BTreeSet<String> = requests.iter().map(|request| request.headers["authorization"].to_str().unwrap().to_owned()).collect();
    assert!(!tokens.is_empty());
    let payloads = tokens.iter().map(|token| token.split('.').nth(1).unwrap().to_owned());
    let ledger = read.world.ledger.text();
    for payload in payloads {
        assert!(!ledger.contains(&payload));
    }
    for request in read.world.region.asked("ccr") {
        assert!(request.headers.get("authorization").is_none(), "{request:?}");
    }
    // Whom the practice is told of is who asked here.
    let claims: Value = serde_json::from_slice(
        &data_encoding::BASE64URL_NOPAD.decode(tokens.iter().next().unwrap().split('.').nth(1).unwrap().as_bytes()).unwrap(),
    )
    .unwrap();
    assert_eq!(claims["requesting_practitioner"]["name"][0], json!({"family": "Example", "given": ["A"], "prefix": ["Dr"]}));
    assert_eq!(claims["requesting_organization"]["identifier"][0]["value"], "RRK");
}

/// What GP Connect's own consumers send.
fn question(number: Option<&str>, areas: &[&str]) -> String {
    let number = number.map(
        |number| json!({"name": "patientNHSNumber", "valueIdentifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}}),
    );
    let areas = areas.iter().map(|area| match *area {
        "includeAllergies" => json!({"name": area, "part": [{"name": "includeResolvedAllergies", "valueBoolean": true}]}),
        area => json!({"name": area}),
    });
    json!({"resourceType": "Parameters", "parameter": number.into_iter().chain(areas).collect::<Vec<_>>()}).to_string()
}

const TYPE: &str = "/fhir/STU3/Patient/$gpc.getstructuredrecord";

impl Read {
    async fn relayed(&self, target: &str, token: &str, body: &str) -> Answer {
        self.world.send("POST", target, Some(token), &[("content-type", "application/fhir+json")], body).await
    }

    fn instance(&self) -> String {
        format!("/fhir/STU3/Patient/{}/$gpc.getstructuredrecord", self.person)
    }
}

#[tokio::test(start_paused = true)]
async fn one_practices_answer_is_passed_on_alone_and_as_it_is() {
    let read = Read::new().await;
    let areas = ["includeAllergies", "includeProblems"];
    let by_id = read.relayed(&read.instance(), &read.token, &question(None, &areas)).await;
    let by_number = read.relayed(TYPE, &read.token, &question(Some(DEMO_PERSON), &areas)).await;
    assert_eq!((by_id.status, by_number.status), (200, 200), "{}", by_id.text);
    assert_eq!(by_id.json["entry"], by_number.json["entry"]);
    assert_eq!(by_id.json["type"], "collection");
    // The practice's own ids, versions and codes: no word of this exchange, or of anybody else's.
    assert!(!by_id.text.contains("urn:severn") && !by_id.text.contains("gp-") && !by_id.text.contains("ccr-"), "{}", by_id.text);
    assert!(!by_id.text.contains("testbed.example"));
    let practice = read.world.region.asked("gp").pop().unwrap();
    let own = read.world.region.respond("gp", practice).await.unwrap();
    let own: Value = serde_json::from_str(own.text()).unwrap();
    let resources =
        |bundle: &Value| -> Vec<Value> { bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone()).collect() };
    assert_eq!(resources(&by_id.json), resources(&own));
    // On the ledger like every read, with what was shown.
    assert_eq!(read.world.ledger.of(&by_id.request()), ["opened", "closed"]);
    let closed = read.world.ledger.events_of(&by_id.request()).pop().unwrap();
    assert!(closed["shown"][0]["resources"].as_array().unwrap().len() > 2, "{closed}");
    assert!(read.world.region.asked("ccr").iter().all(|request| !request.path_and_query.contains("$gpc")));
    read.world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn of_a_record_that_may_not_be_shown_nothing_is_passed_on() {
    let read = Read::new().await;
    let body = question(None, &["includeAllergies"]);
    for by in [Wrong::Number, Wrong::Unverified] {
        read.world.region.fail("gp", Fault::WrongPerson { by });
        let answer = read.relayed(&read.instance(), &read.token, &body).await;
        read.world.region.heal();
        assert_eq!((answer.status, answer.json["resourceType"].as_str()), (502, Some("OperationOutcome")), "{by:?}: {}", answer.text);
        assert!(!answer.text.contains("Hartley") && !answer.text.contains("enicillin"), "{}", answer.text);
    }
    for code in ["PATIENT_NOT_FOUND", "NO_PATIENT_CONSENT"] {
        read.world.region.fail("gp", Fault::Practice { gap: Gap::Code(code.into()) });
        let answer = read.relayed(&read.instance(), &read.token, &body).await;
        read.world.region.heal();
        assert_eq!(answer.status, 502, "{code}: {}", answer.text);
        assert!(!answer.issues_of("gp").is_empty());
    }
    let asked = read.world.region.asked("gp").len();
    let check = async |target: &str, token: Option<&str>, body: &str, expected: u16| {
        let answer = read.world.send("POST", target, token, &[("content-type", "application/fhir+json")], body).await;
        assert_eq!(
            (answer.status, answer.json["resourceType"].as_str()),
            (expected, Some("OperationOutcome")),
            "{target}: {}",
            answer.text
        );
        answer.text.replace(&answer.request(), "ID")
    };
    let card = |card: Card| read.world.token(&Card { patient: Some(read.person.clone()), ..card });
    check(&read.instance(), None, &body, 401).await;
    // No relationship, nobody of that id, and too narrow a view: the same words.
    let stranger = check(&read.instance(), Some(&read.world.token(&Card::doctor())), &body, 403).await;
    let unknown = check("/fhir/STU3/Patient/nobody/$gpc.getstructuredrecord", Some(&read.token), &body, 403).await;
    let pharmacist = check(&read.instance(), Some(&card(Card { activities: vec!["B0401"], ..Card::doctor() })), &body, 403).await;
    let two = check(&read.instance(), Some(&read.token), &question(Some("9990000026"), &["includeAllergies"]), 403).await;
    assert!(stranger == unknown && stranger == pharmacist && stranger == two);
    check(TYPE, Some(&read.token), &question(Some("9990000026"), &["includeAllergies"]), 403).await;
    // In nobody's name nothing is sent.
    check(&read.instance(), Some(&card(Card::system())), &body, 502).await;
    check(&read.instance(), Some(&read.token), "{}", 400).await;
    check(TYPE, Some(&read.token), &question(None, &["includeAllergies"]), 400).await;
    assert_eq!(read.world.region.asked("gp").len(), asked, "a practice was asked all the same");
    let get = read.world.get(&format!("http://severn.test{TYPE}"), &read.token).await;
    assert_eq!(get.status, 405);
    read.world.ledger.verify();
}
