//! Scopes at the wire: a token's scopes narrow what its bearer's role shows, of everything and by every way; and widen nothing.

use std::collections::BTreeSet;

use serde_json::json;
use testbed::DEMO_PERSON;

use crate::world::{Answer, Card, World};

/// Somebody else whom the sources know.
const OTHER: &str = "9990000026";
const SOURCES: &[&str] = &["ccr", "gp", "rx"];

/// What the exchange says itself of what is shown.
const OWN: &[&str] = &["OperationOutcome", "Linkage", "DetectedIssue"];

/// Who the person is, and who looks after them.
const IDENTITY: &[&str] = &["Location", "Organization", "Patient", "Practitioner", "PractitionerRole"];

struct Stage {
    world: World,
    person: String,
    /// The types that somebody who may see everything is shown.
    all: BTreeSet<String>,
}

fn types(answer: &Answer) -> BTreeSet<String> {
    let types = answer.entries().iter().map(|entry| entry["resource"]["resourceType"].as_str().unwrap().to_owned());
    types.filter(|name| !OWN.contains(&name.as_str())).collect()
}

impl Stage {
    async fn new() -> Stage {
        let world = World::of(SOURCES);
        let person = world.person(DEMO_PERSON).await;
        let mut stage = Stage { world, person, all: BTreeSet::new() };
        let whole = stage.everything(&stage.card("user/*.rs")).await;
        stage.all = types(&whole);
        assert!(stage.all.len() > 8, "{:?}", stage.all);
        stage
    }

    /// A doctor who has the person open.
    fn card(&self, scope: &'static str) -> Card {
        Card { scope, patient: Some(self.person.clone()), ..Card::doctor() }
    }

    async fn everything(&self, card: &Card) -> Answer {
        self.world
            .get(&format!("Patient/{}/$everything?_count=5000&_revinclude=Provenance:target", self.person), &self.world.token(card))
            .await
    }

    /// The id of something of a type, as somebody who may see everything learns it.
    async fn id_of(&self, kind: &str) -> String {
        let answer = self.everything(&self.card("user/*.rs")).await;
        let found = answer.of_type(kind).find(|one| one["id"] != self.person.as_str());
        found.unwrap_or_else(|| panic!("no {kind}"))["id"].as_str().unwrap().to_owned()
    }

    /// Refused like everybody who is, and entered with why.
    async fn refused(&self, what: &str, method: &str, path: &str, card: &Card, body: &str, why: &str) {
        let before: usize = SOURCES.iter().map(|source| self.world.region.asked(source).len()).sum();
        let answer = self.world.send(method, path, Some(&self.world.token(card)), &[("content-type", "application/json")], body).await;
        assert_eq!(answer.status, 403, "{what}: {path}: {}", answer.text);
        assert!(answer.entries().is_empty() && !answer.said().contains("scope"), "{what}: {path}");
        let events = self.world.ledger.events_of(&answer.request());
        let told = events.iter().find(|event| event["event"] == "refused").unwrap_or_else(|| panic!("{what}: {path}: {events:?}"));
        assert!(told["why"].as_str().unwrap().contains(why), "{what}: {path}: {told}");
        let after: usize = SOURCES.iter().map(|source| self.world.region.asked(source).len()).sum();
        assert_eq!(after, before, "{what}: {path}: a source was asked");
    }

    /// By no way is anything of the person had.
    async fn nothing(&self, what: &str, card: &Card, why: &str) {
        for face in ["R4", "STU3"] {
            for path in [
                format!("Patient/{}/$everything", self.person),
                format!("Patient/{}", self.person),
                format!("Observation?patient={}", self.person),
                format!("Condition?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"),
                format!("Patient/{}/$plan?request=r-1", self.person),
                format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}"),
                "Patient?family=Hartley&birthdate=1948-03-11".to_owned(),
            ] {
                self.refused(what, "GET", &format!("/fhir/{face}/{path}"), card, "", why).await;
            }
        }
        // Nobody but a person claims anything.
        let claim = if card.scope.contains("system/") || card.sds_user_id.is_none() { "not one this caller may make" } else { why };
        self.refused(what, "POST", &format!("/fhir/R4/Patient/{}/$request-access", self.person), card, CLAIM, claim).await;
        let relay = format!("/fhir/STU3/Patient/{}/$gpc.getstructuredrecord", self.person);
        self.refused(what, "POST", &relay, card, RELAY, why).await;
    }
}

const CLAIM: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"kind","valueCode":"relationship"},
    {"name":"reason","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}},
    {"name":"text","valueString":"Admitted to my ward"}]}"#;
const RELAY: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"includeAllergies","part":[{"name":"includeResolvedAllergies","valueBoolean":true}]}]}"#;
const NO_SCOPE: &str = "the scopes of the token do not cover this";

#[tokio::test(start_paused = true)]
async fn a_scope_shows_what_it_covers_and_the_plan_says_what_it_does_not() {
    let stage = Stage::new().await;
    let check = async |card: &Card, covered: &[&str]| {
        let before = stage.world.region.asked("rx").len();
        let answer = stage.everything(card).await;
        assert_eq!(answer.status, 200, "{}: {}", card.scope, answer.text);
        let expected: BTreeSet<String> = stage.all.iter().filter(|name| covered.contains(&name.as_str())).cloned().collect();
        assert!(!expected.is_empty());
        assert_eq!(types(&answer), expected, "{}", card.scope);
        // Whose record it is stays said, but not by their number.
        assert_eq!(answer.text.contains(DEMO_PERSON), covered.contains(&"Patient"), "{}", card.scope);
        let plan = stage.world.plan_of(&stage.person, &stage.world.token(card), &answer).await;
        for ((source, kind), row) in &plan.rows {
            let withheld = row.status == "withheld";
            if source == "gp" && card.sds_user_id.is_none() {
                assert!(withheld, "a practice is asked in a person's name or not at all");
                continue;
            }
            assert_eq!(withheld, !covered.contains(&kind.as_str()), "{}: {source} {kind}: {}", card.scope, row.status);
            assert!(!withheld || row.came == 0, "{}: {source} {kind}", card.scope);
        }
        assert!(answer.text.contains("the scopes of your token do not cover this type"), "{}", card.scope);
        // Nor was it asked for; but who the person is, and who looks after them, a source is asked to be sure of whom it speaks.
        for request in &stage.world.region.asked("rx")[before..] {
            let path = request.path_and_query.split(['?', '/']).find(|part| stage.all.contains(*part)).unwrap_or("Patient").to_owned();
            assert!(IDENTITY.contains(&path.as_str()) || covered.contains(&path.as_str()), "{}: {}", card.scope, request.path_and_query);
        }
        answer
    };
    let observations = check(&stage.card("user/Observation.rs"), &["Observation"]).await;
    for one in observations.of_type("Observation") {
        assert!(one["subject"]["reference"].as_str().unwrap().starts_with("Patient/"), "{one}");
    }
    check(&stage.card("user/Observation.read"), &["Observation"]).await;
    check(&stage.card("patient/Observation.read"), &["Observation"]).await;
    check(&stage.card("launch/patient openid patient/Observation.rs user/Condition.rs"), &["Observation", "Condition"]).await;
    check(&stage.card("user/Observation.rs user/Patient.rs user/Practitioner.rs"), &["Observation", "Patient", "Practitioner"]).await;
    check(&stage.card("user/AllergyIntolerance.rs user/Observation.rs?category=laboratory"), &["AllergyIntolerance"]).await;
    check(&stage.card("user/AllergyIntolerance.rs user/*.cud user/Condition.write"), &["AllergyIntolerance"]).await;
    let provenance = check(&stage.card("user/Observation.rs user/Provenance.rs"), &["Observation", "Provenance"]).await;
    assert!(provenance.of_type("Provenance").next().is_some());
    let system = Card { patient: Some(stage.person.clone()), scope: "system/Observation.rs user/*.rs patient/*.rs", ..Card::system() };
    check(&system, &["Observation"]).await;
    stage.world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_covered_is_not_had_by_asking_for_it_alone() {
    let stage = Stage::new().await;
    let card = stage.card("user/Observation.rs");
    let token = stage.world.token(&card);
    let get = async |path: &str| stage.world.get(path, &token).await;
    let (condition, observation) = (stage.id_of("Condition").await, stage.id_of("Observation").await);
    let patient = stage.id_of("Patient").await;
    for kind in ["Condition", "Patient", "MedicationRequest", "Practitioner", "Organization", "List"] {
        let answer = get(&format!("{kind}?patient={}&_include=*", stage.person)).await;
        assert!(answer.status == 200 || answer.status == 400, "{kind}: {}", answer.text);
        assert!(types(&answer).is_empty(), "{kind}: {:?}", types(&answer));
        assert!(!answer.text.contains(DEMO_PERSON), "{kind}");
    }
    for path in [format!("Condition/{condition}"), format!("Patient/{}", stage.person), format!("Patient/{patient}")] {
        let answer = get(&path).await;
        assert_eq!((answer.status, answer.json["resourceType"].as_str()), (404, Some("OperationOutcome")), "{path}: {}", answer.text);
        assert!(!answer.text.contains(DEMO_PERSON), "{path}");
    }
    assert_eq!(get(&format!("Observation/{observation}")).await.status, 200);
    let included = get(&format!("Observation?patient={}&_include=Observation:subject&_include=Observation:performer", stage.person)).await;
    assert_eq!(types(&included), BTreeSet::from(["Observation".to_owned()]));
    let stu3 =
        stage.world.send("GET", &format!("/fhir/STU3/Patient/{}/$everything?_count=5000", stage.person), Some(&token), &[], "").await;
    assert_eq!((stu3.status, types(&stu3)), (200, BTreeSet::from(["Observation".to_owned()])), "{}", stu3.text);
    // Who somebody is, is a Patient; and a practice's own record is more than this.
    let number = format!("/fhir/R4/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}");
    stage.refused("find", "GET", &number, &card, "", NO_SCOPE).await;
    stage.refused("trace", "GET", "/fhir/R4/Patient?family=Hartley&birthdate=1948-03-11", &card, "", NO_SCOPE).await;
    let relay = format!("/fhir/STU3/Patient/{}/$gpc.getstructuredrecord", stage.person);
    stage.refused("relay", "POST", &relay, &card, RELAY, "").await;
}

#[tokio::test(start_paused = true)]
async fn to_read_one_is_not_to_search_and_the_other_way_round() {
    let stage = Stage::new().await;
    let observation = stage.id_of("Observation").await;
    let (one, several) = (format!("/fhir/R4/Observation/{observation}"), format!("/fhir/R4/Observation?patient={}", stage.person));
    for (scope, reads, searches) in
        [("user/*.r", 200, 403), ("user/*.s", 403, 200), ("user/Observation.rs", 200, 200), ("user/*.read", 200, 200)]
    {
        let token = stage.world.token(&stage.card(scope));
        for (path, status) in [(&one, reads), (&several, searches)] {
            let answer = stage.world.send("GET", path, Some(&token), &[], "").await;
            assert_eq!(answer.status, status, "{scope}: {path}: {}", answer.text);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_covers_nothing_opens_nothing() {
    let stage = Stage::new().await;
    for scope in [
        "",
        "openid profile launch launch/patient offline_access fhirUser",
        "user/*.write",
        "user/*.cud patient/*.write",
        "user/*.c user/*.u user/*.d",
        "user/*.sr",
        "User/*.read",
        "user/Nothing.rs",
        "user/observation.rs",
        "severn.operator",
        // A system's scope, where a person asks.
        "system/*.rs",
        "system/*.read user/*.rs",
    ] {
        stage.nothing(scope, &stage.card(scope), NO_SCOPE).await;
    }
    for scope in ["user/*.rs?category=laboratory", "user/Observation.rs?category=laboratory user/*.write"] {
        stage.nothing(scope, &stage.card(scope), "narrows by search parameters").await;
    }
    // A person's scope, where nobody asks.
    let system = Card { patient: Some(stage.person.clone()), ..Card::system() };
    stage.nothing("a system", &Card { scope: "openid", ..system.clone() }, NO_SCOPE).await;
    assert_eq!(stage.everything(&system).await.status, 200);
    // What the scope covers and what the role shows have nothing in common.
    let clerk = Card { roles: vec!["R8008"], ..stage.card("user/Observation.rs user/Condition.rs") };
    let path = format!("/fhir/R4/Patient/{}/$everything", stage.person);
    stage.refused("clerk", "GET", &path, &clerk, "", NO_SCOPE).await;
    assert_eq!(stage.everything(&Card { scope: "user/Appointment.rs", ..clerk }).await.status, 200);
    stage.world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn a_patients_scope_is_for_whom_the_token_was_launched_and_nobody_else() {
    let stage = Stage::new().await;
    let other = stage.world.person(OTHER).await;
    let launched = stage.card("launch/patient patient/*.rs");
    let answer = stage.everything(&launched).await;
    assert_eq!((answer.status, types(&answer)), (200, stage.all.clone()));
    // By the id of a source's Patient it is the same person.
    let theirs = Card { patient: Some(stage.id_of("Patient").await), ..launched.clone() };
    assert_eq!(stage.everything(&theirs).await.status, 200);
    // A relationship that the same doctor claimed with another token is none of this one's.
    let claimed = stage.world.token(&Card::doctor());
    for person in [&stage.person, &other] {
        let answer = stage.world.send("POST", &format!("/fhir/R4/Patient/{person}/$request-access"), Some(&claimed), &[], CLAIM).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let paths = |person: &str| {
        [
            format!("/fhir/R4/Patient/{person}/$everything"),
            format!("/fhir/R4/Patient/{person}"),
            format!("/fhir/R4/Observation?patient={person}"),
            format!("/fhir/STU3/Patient/{person}/$everything"),
        ]
    };
    for path in paths(&other) {
        stage.refused("another person", "GET", &path, &launched, "", NO_SCOPE).await;
    }
    let unlaunched = Card { patient: None, ..launched.clone() };
    for path in paths(&stage.person).iter().chain(&paths(&other)) {
        stage.refused("nobody open", "GET", path, &unlaunched, "", NO_SCOPE).await;
    }
    for card in [&launched, &unlaunched] {
        for number in [DEMO_PERSON, OTHER] {
            let path = format!("/fhir/R4/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{number}");
            stage.refused("find", "GET", &path, card, "", NO_SCOPE).await;
        }
        stage.refused("claim", "POST", &format!("/fhir/R4/Patient/{other}/$request-access"), card, CLAIM, NO_SCOPE).await;
    }
    // Beside a user's scope: of others, only what that covers.
    let both = Card { scope: "patient/*.rs user/Observation.rs", ..launched };
    assert_eq!(types(&stage.everything(&both).await), stage.all);
    let of_other = stage.world.get(&format!("Patient/{other}/$everything?_count=5000"), &stage.world.token(&both)).await;
    assert_eq!(of_other.status, 200, "{}", of_other.text);
    assert!(types(&of_other).iter().all(|name| name == "Observation"), "{:?}", types(&of_other));
}

#[tokio::test(start_paused = true)]
async fn what_was_read_with_wider_leave_is_not_told_to_narrower() {
    let stage = Stage::new().await;
    let wide = stage.world.token(&stage.card("user/*.rs"));
    let narrow = stage.world.token(&stage.card("user/Observation.rs"));
    let first = stage.world.get(&format!("Patient/{}/$everything?_count=3", stage.person), &wide).await;
    assert_eq!(stage.world.get(&first.next().unwrap(), &narrow).await.status, 410);
    assert_eq!(stage.world.get(&first.next().unwrap(), &wide).await.status, 200);
    let plan = stage.world.plan_of(&stage.person, &narrow, &first).await;
    for ((source, kind), row) in &plan.rows {
        assert_eq!(row.status == "withheld", kind != "Observation", "{source} {kind}: {}", row.status);
        assert!(kind == "Observation" || row.came == 0, "{source} {kind}");
    }
    assert!(plan.rows.iter().any(|((_, kind), row)| kind == "Observation" && row.came > 0));
    let whole = stage.world.plan_of(&stage.person, &wide, &first).await;
    assert!(whole.rows.iter().any(|((_, kind), row)| kind == "Condition" && row.came > 0));
}

#[tokio::test(start_paused = true)]
async fn the_ledger_says_that_only_some_types_were_granted() {
    let stage = Stage::new().await;
    let policy = async |scope: &'static str| {
        let answer = stage.everything(&stage.card(scope)).await;
        let events = stage.world.ledger.events_of(&answer.request());
        let closed = events.into_iter().find(|event| event["event"] == "closed").unwrap();
        let shown = closed["shown"].as_array().unwrap().iter().flat_map(|one| one["resources"].as_array().unwrap().clone());
        let kinds: BTreeSet<String> = shown.map(|one| one[0].as_str().unwrap().to_owned()).collect();
        (closed["policy"].as_array().unwrap().contains(&json!("scope.some-types")), kinds)
    };
    assert!(!policy("user/*.rs").await.0);
    assert_eq!(policy("user/Observation.rs").await, (true, BTreeSet::from(["Observation".to_owned()])));
}
