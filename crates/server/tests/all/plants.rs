//! Sensitive items planted in each place where they can hide, over everybody of the demo, and looked for by every way there is.

use std::sync::Arc;

use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Region, Supplier, habits};
use tokio::time::Instant;

use crate::logged::logged;
use crate::world::{Answer, Setup, World};

/// Stands in all that may not be seen.
const MARK: &str = "PLANTED";
/// The same in base64, wherever in three bytes it begins.
const MARKS: [&str; 4] = [MARK, "UExBTlRF", "BMQU5URU", "QTEFOVEV"];
/// Stands in the id of whatever may not be seen.
const SECRET_ID: &str = "secret";
const SCT: &str = "http://snomed.info/sct";
const KEY: &str = "key.pem";

/// Made-up codes: `docs/sensitivity.example.toml` lists them.
fn secret() -> Value {
    json!({"coding": [{"system": SCT, "code": "90000001", "display": MARK}], "text": MARK})
}

fn plain(code: &str) -> Value {
    json!({"coding": [{"system": SCT, "code": code, "display": "Plain"}], "text": "Plain"})
}

fn marked(kind: &str, id: &str, rest: Value) -> Value {
    let mut resource = json!({"resourceType": kind, "id": id, "status": "completed", "subject": {"reference": "Patient/1"}});
    let own = |resource: &mut Value, rest: &Value| {
        for (key, value) in rest.as_object().unwrap() {
            resource[key] = value.clone();
        }
    };
    own(&mut resource, &rest);
    resource
}

/// What one source holds of a person beside what others do: a plant in each place, and something plain beside each.
fn plants(number: &str, about: &testbed::About) -> Vec<String> {
    let drug = json!({"coding": [{"system": "https://dmd.nhs.uk", "code": "90000002", "display": MARK}], "text": MARK});
    let to = |reference: &str| json!({"reference": reference, "display": MARK});
    let c = to("Condition/secret-condition");
    let note = json!([{"text": MARK}]);
    let div = json!({"status": "additional", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{MARK}</div>")});
    let label = |system: &str, code: &str| json!({"security": [{"system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code}]});
    let data = data_encoding::BASE64.encode(MARK.as_bytes());
    let mut all = vec![
        json!({"resourceType": "Patient", "id": "1", "birthDate": about.birth_date,
            "name": [{"family": about.family, "given": about.given}],
            "identifier": [{"system": habits("ccr").unwrap().nhs_system, "value": number}]}),
        // A condition, and what leads to it.
        marked("Condition", "secret-condition", json!({"code": secret(), "note": note, "text": div, "onsetDateTime": "2020-01-01"})),
        marked("Condition", "plain-condition", json!({"code": plain("80000001"), "onsetDateTime": "2020-01-02"})),
        marked(
            "List",
            "plain-list",
            json!({"mode": "snapshot", "status": "current", "code": plain("80000002"), "text": div, "note": note,
            "entry": [{"item": c}, {"item": {"reference": "Condition/plain-condition"}}]}),
        ),
        marked(
            "Encounter",
            "plain-encounter",
            json!({"status": "finished", "class": {"code": "AMB"}, "text": div,
            "reasonReference": [c], "diagnosis": [{"condition": c}]}),
        ),
        marked(
            "Encounter",
            "plain-visit",
            json!({"status": "finished", "class": {"code": "AMB"}, "reasonCode": [secret(), plain("80000003")]}),
        ),
        marked("Procedure", "plain-procedure", json!({"code": plain("80000004"), "reasonReference": [c], "note": note})),
        marked(
            "CarePlan",
            "plain-plan",
            json!({"status": "active", "intent": "plan", "title": MARK, "description": MARK,
            "addresses": [c, {"reference": "Condition/plain-condition"}],
            "activity": [{"detail": {"status": "completed", "code": secret()}}, {"detail": {"status": "completed", "code": plain("80000005")}}]}),
        ),
        marked("Goal", "secret-goal", json!({"lifecycleStatus": "active", "description": {"text": MARK}, "addresses": [c]})),
        marked(
            "Task",
            "secret-task",
            json!({"status": "requested", "intent": "order", "description": MARK, "focus": c, "for": {"reference": "Patient/1"}}),
        ),
        marked("Communication", "secret-message", json!({"payload": [{"contentString": MARK}], "about": [c]})),
        json!({"resourceType": "Provenance", "id": "secret-provenance", "target": [c], "recorded": "2020-01-01T09:00:00Z",
            "agent": [{"who": {"display": MARK}}]}),
        marked(
            "DocumentReference",
            "secret-letter",
            json!({"status": "current", "description": MARK, "context": {"related": [c]},
            "content": [{"attachment": {"contentType": "text/plain", "data": data, "title": MARK}}]}),
        ),
        marked(
            "DocumentReference",
            "secret-letter-kind",
            json!({"status": "current", "type": {"coding": [{"system": SCT, "code": "90000004"}], "text": MARK},
            "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/secret-binary", "title": MARK}}]}),
        ),
        json!({"resourceType": "Binary", "id": "secret-binary", "contentType": "text/plain", "data": data}),
        // Results, and what sums them up.
        marked(
            "Observation",
            "plain-panel",
            json!({"status": "final", "code": plain("80000006"), "valueInteger": 777_777, "note": note, "text": div,
            "component": [{"code": secret(), "valueString": MARK}, {"code": plain("80000007"), "valueInteger": 4}]}),
        ),
        marked("Observation", "secret-result", json!({"status": "final", "code": secret(), "valueString": MARK})),
        marked("Observation", "plain-result", json!({"status": "final", "code": plain("80000008"), "valueString": "seen"})),
        marked(
            "Observation",
            "plain-group",
            json!({"status": "final", "code": plain("80000009"), "valueInteger": 777_777,
            "hasMember": [to("Observation/secret-result"), {"reference": "Observation/plain-result"}]}),
        ),
        marked(
            "DiagnosticReport",
            "plain-report",
            json!({"status": "final", "code": plain("80000010"), "conclusion": MARK, "text": div,
            "presentedForm": [{"contentType": "text/plain", "data": data, "title": MARK}],
            "result": [to("Observation/secret-result"), {"reference": "Observation/plain-result"}]}),
        ),
        // Medicines.
        marked("MedicationStatement", "secret-taken", json!({"status": "active", "medicationCodeableConcept": drug, "note": note})),
        json!({"resourceType": "Medication", "id": "secret-medication", "ingredient": [{"itemCodeableConcept": drug}]}),
        marked(
            "MedicationRequest",
            "secret-ordered",
            json!({"status": "active", "intent": "order", "medicationReference": to("Medication/secret-medication"), "note": note}),
        ),
        marked(
            "MedicationRequest",
            "secret-inside",
            json!({"status": "active", "intent": "order", "medicationReference": {"reference": "#m"},
            "contained": [{"resourceType": "Medication", "id": "m", "code": drug}]}),
        ),
        marked(
            "MedicationDispense",
            "secret-dispensed",
            json!({"medicationCodeableConcept": {"text": MARK}, "authorizingPrescription": [to("MedicationRequest/secret-ordered")]}),
        ),
        marked(
            "MedicationRequest",
            "plain-ordered",
            json!({"status": "active", "intent": "order", "medicationCodeableConcept": plain("80000011"), "note": note, "reasonReference": [c]}),
        ),
        // By label.
        marked(
            "Observation",
            "secret-labelled",
            json!({"status": "final", "code": plain("80000012"), "valueString": MARK, "meta": label("v3-Confidentiality", "R")}),
        ),
        marked("Flag", "secret-flag", json!({"status": "active", "code": {"text": MARK}, "meta": label("v3-ActCode", "HIV")})),
        marked("Procedure", "secret-unheard", json!({"code": {"text": MARK}, "meta": label("v3-ActCode", "NOBODYKNOWS")})),
        marked(
            "Immunization",
            "secret-private",
            json!({"patient": {"reference": "Patient/1"}, "vaccineCode": {"text": MARK}, "occurrenceDateTime": "2020-02-01",
            "meta": {"security": [{"system": "urn:example:supplier-label", "code": "private"}]}}),
        ),
        marked("AllergyIntolerance", "secret-allergy", json!({"patient": {"reference": "Patient/1"}, "code": secret()})),
        // By circumstance.
        marked(
            "Encounter",
            "secret-clinic",
            json!({"status": "finished", "class": {"code": "AMB"}, "serviceType": {"coding": [{"system": "urn:example:specialty", "code": "360"}], "text": MARK}}),
        ),
        marked(
            "Observation",
            "secret-at-clinic",
            json!({"status": "final", "code": plain("80000013"), "valueString": MARK, "encounter": {"reference": "Encounter/secret-clinic"}}),
        ),
        json!({"resourceType": "Practitioner", "id": "secret-author", "identifier": [{"system": "urn:example:gmc", "value": "7777777"}], "name": [{"text": MARK}]}),
        marked(
            "Observation",
            "secret-by-author",
            json!({"status": "final", "code": plain("80000014"), "valueString": MARK, "performer": [to("Practitioner/secret-author")]}),
        ),
        json!({"resourceType": "Organization", "id": "secret-organisation", "identifier": [{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "XX1"}], "name": MARK}),
        marked(
            "Procedure",
            "secret-there",
            json!({"code": {"text": MARK}, "performer": [{"actor": to("Organization/secret-organisation")}]}),
        ),
    ];
    all.iter_mut().for_each(|resource| {
        if matches!(
            resource["resourceType"].as_str(),
            Some("Patient" | "Medication" | "Organization" | "Practitioner" | "Binary" | "Provenance")
        ) {
            resource.as_object_mut().unwrap().remove("subject");
        }
    });
    all.iter().map(Value::to_string).collect()
}

/// A region in which one source holds the plants, and others what they always do.
fn planted() -> Arc<Region> {
    let records = testbed::people().iter().map(|person| (person.about.nhs_number.clone(), plants(&person.about.nhs_number, &person.about)));
    let plants = Supplier::of_resources(habits("ccr").unwrap(), "http://ccr.testbed.example", records.collect()).unwrap();
    let others = ["soc", "mh"].map(|id| Supplier::of_the_region(habits(id).unwrap(), &format!("http://{id}.testbed.example")));
    Arc::new(Region::of(others.into_iter().chain([plants])))
}

fn setup(listed: bool) -> Setup {
    let list = include_str!("../../../../docs/sensitivity.example.toml");
    let (private, public) = server::sensitivity::made_up_keys().unwrap();
    let signature = server::sensitivity::sign(list.as_bytes(), &private).unwrap();
    let files = vec![("list.toml", list.to_owned()), ("list.toml.sig", signature), (KEY, public)];
    let blocks = if listed { "[[sensitivity.list]]\nfile = \"list.toml\"\nkey = \"key.pem\"\n" } else { "" };
    Setup { blocks, files, sources: vec![("ccr", "nhs_number = \"verified\"\n")], ..Setup::default() }
}

/// Every way to a person's record that a reader has, but for reads by id.
fn ways(person: &str) -> Vec<String> {
    let mut ways = vec![
        format!("Patient/{person}/$everything"),
        format!("Patient/{person}/$everything?_count=3"),
        format!("Patient/{person}/$everything?join=all&_revinclude=Provenance:target"),
        format!("Patient/{person}/$everything?join=collapse"),
        format!("Patient/{person}/$everything?_format=xml"),
        format!("Patient/{person}"),
    ];
    for kind in record::CARRIED.iter().map(|kind| kind.name()).filter(|kind| *kind != "Patient") {
        ways.push(format!("{kind}?patient={person}"));
        ways.push(format!("{kind}?patient={person}&_summary=count"));
        ways.push(format!("{kind}?patient={person}&_include={kind}:*&_revinclude=Provenance:target"));
    }
    for (kind, code) in
        [("Condition", "90000001"), ("Observation", "90000001"), ("MedicationRequest", "90000002"), ("Procedure", "90000001")]
    {
        ways.push(format!("{kind}?patient={person}&code={SCT}|{code}"));
        ways.push(format!("{kind}?patient={person}&code:not={code}"));
        ways.push(format!("{kind}?patient={person}&code:text=planted"));
    }
    ways.push(format!("Encounter?patient={person}&reason-code={SCT}|90000001"));
    ways.push(format!("Encounter?patient={person}&diagnosis=Condition/ccr-secret-condition"));
    ways
}

/// Everything that is answered by one way, page by page, with the plan of it.
async fn walk(world: &World, person: &str, token: &str, face: &str, way: &str) -> Vec<Answer> {
    let mut answers = vec![world.send("GET", &format!("/fhir/{face}/{way}"), Some(token), &[], "").await];
    while let Some(next) = answers.last().and_then(Answer::next) {
        answers.push(world.get(&next, token).await);
    }
    let plan = format!("/fhir/{face}/Patient/{person}/$plan?request={}", answers[0].request());
    answers.push(world.send("GET", &plan, Some(token), &[], "").await);
    answers
}

/// What of an answer tells, but for what its reader asked.
fn telling(answer: &Answer, way: &str) -> String {
    let text = answer.text.replace(&way.replace('"', "\\\""), "");
    ["secret-condition", "planted"].iter().fold(text, |text, own| if way.contains(own) { text.replace(own, "") } else { text })
}

fn check(text: &str, what: &str) {
    for mark in MARKS.into_iter().chain([SECRET_ID, "777777"]) {
        let at = text.find(mark);
        assert!(at.is_none(), "{what}: {}", &text[at.unwrap_or(0).saturating_sub(200)..text.len().min(at.unwrap_or(0) + 60)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_sensitive_is_found_nowhere_by_whoever_may_not_see_it() {
    let (log, _guard) = logged();
    let world = World::around(planted(), &setup(true));
    for person in testbed::people() {
        let number = &person.about.nhs_number;
        let id = world.person(number).await;
        let token = world.doctor_of(&id);
        // Everybody by the way that tells most; one of them by all there are.
        let all = if number == DEMO_PERSON { ways(&id) } else { vec![format!("Patient/{id}/$everything?_revinclude=Provenance:target")] };
        for (at, way) in all.iter().enumerate() {
            // The other face is made of the same answer.
            let faces: &[&str] = if all.len() > 1 && at % 6 == 0 { &["R4", "STU3"] } else { &["R4"] };
            for face in faces {
                for answer in walk(&world, &id, &token, face, way).await {
                    check(&telling(&answer, way), &format!("{face} {way}"));
                    assert!(answer.json["total"].is_null(), "{way}: a count of what is shown is none of what there is");
                }
            }
        }
        world.settled().await;
    }
    check(&world.ledger.text(), "the ledger");
    check(&log.text(), "the log");
}

/// The page that people read, and each planted id: read as one that was never minted.
#[tokio::test(start_paused = true)]
async fn what_is_sensitive_is_on_no_page_and_behind_no_id() {
    let world = World::around(planted(), &setup(true));
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let page = world.tab(&token).await.unwrap().read(&person).await;
    assert!(page.status == 200 && page.text.contains("Plain"), "{}", page.text);
    check(&page.text, "the page");
    for sheet in ["results", "medicines"] {
        let page = world.tab(&token).await.unwrap().get(&format!("/viewer/patient/{person}/{sheet}")).await;
        assert!(page.status == 200 && page.text.contains("Plain"), "{}", page.text);
        check(&page.text, sheet);
    }
    let whole = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
    let seen = |answer: &Answer| (answer.status, answer.headers.len(), answer.text.replace(&answer.request(), "ID"));
    for resource in plants(DEMO_PERSON, &testbed::person(DEMO_PERSON).unwrap().about) {
        let resource: Value = serde_json::from_str(&resource).unwrap();
        let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        let read = world.get(&format!("{kind}/ccr-{id}"), &token).await;
        if id.starts_with(SECRET_ID) {
            assert_eq!(seen(&read), seen(&world.get(&format!("{kind}/ccr-never-minted"), &token).await), "{kind}/{id}");
        } else if kind != "Patient" && read.status == 200 {
            check(&read.text, id);
        }
    }
    // What is left of each is there: nothing is taken along.
    let has = |id: &str| whole.text.contains(&format!("ccr-{id}\""));
    for id in [
        "plain-condition",
        "plain-list",
        "plain-encounter",
        "plain-visit",
        "plain-procedure",
        "plain-plan",
        "plain-panel",
        "plain-result",
        "plain-group",
        "plain-report",
        "plain-ordered",
    ] {
        assert!(has(id), "{id} stays");
    }
    assert!(whole.text.contains("80000007"), "a component's sibling stays");
    assert!(
        whole.issues_of("ccr").iter().any(|(severity, code, kind)| severity == "warning" && code == "withheld" && kind.is_empty()),
        "told that something is"
    );
    assert_eq!(whole.state("allergies"), Some("unavailable"), "a list from which something was taken is no clean list");
    assert!(whole.json["total"].is_null());
}

/// Whether something sensitive fits a search tells by nothing: not by a number, nor by a word, nor by how long it takes.
#[tokio::test(start_paused = true)]
async fn a_search_for_what_is_sensitive_is_as_one_for_what_is_not_there() {
    let world = World::around(planted(), &setup(true));
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    world.region.fail("ccr", testbed::Fault::Slow { ms: 300 });
    // What is learnt of a source makes later questions take another way.
    for _ in 0..2 {
        world.get(&format!("Condition?patient={person}"), &token).await;
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
    let look = async |way: String, own: &str| {
        let start = Instant::now();
        let answer = world.get_with(&way, &token, &[("x-request-id", "q-1")]).await;
        let text = answer.text.replace(own, "OWN");
        // The time of an answer is its own.
        let bare = untimed(&text);
        (answer.status, bare, start.elapsed())
    };
    for (kind, param) in [
        ("Condition", "code"),
        ("Observation", "code"),
        ("MedicationRequest", "code"),
        ("Encounter", "reason-code"),
        ("Observation", "component-code"),
    ] {
        for tail in ["", "&_summary=count", "&_include=*"] {
            let ask = |code: &str| format!("{kind}?patient={person}&{param}={SCT}|{code}{tail}");
            let (mut there, mut not_there) = (Vec::new(), Vec::new());
            // To and fro: what was learnt of a source, and when, makes one question longer than the next.
            for code in ["90000001", "70000001", "70000001", "90000001"] {
                let (status, text, took) = look(ask(code), code).await;
                if code == "90000001" { &mut there } else { &mut not_there }.push((took, status, text));
                tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            }
            there.sort();
            not_there.sort();
            assert!(there == not_there, "{kind} {param} {tail}:\n{there:?}\n{not_there:?}");
        }
    }
}

/// A text without its instants.
fn untimed(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("2026-11-") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('"').map_or(rest.len(), |end| at + end);
        rest = &rest[end..];
    }
    out + rest
}

/// What proves that the others prove something: without the list, what it lists is there for everybody who may read the record.
#[tokio::test(start_paused = true)]
async fn what_no_list_names_is_seen_in_each_of_these_places() {
    let world = World::around(planted(), &setup(false));
    let person = world.person(DEMO_PERSON).await;
    let whole = world.get(&format!("Patient/{person}/$everything?_count=5000"), &world.doctor_of(&person)).await;
    for resource in plants(DEMO_PERSON, &testbed::person(DEMO_PERSON).unwrap().about) {
        let resource: Value = serde_json::from_str(&resource).unwrap();
        let id = resource["id"].as_str().unwrap();
        let labelled = ["secret-labelled", "secret-flag", "secret-unheard"].contains(&id);
        let kind = resource["resourceType"].as_str().unwrap();
        // These have ids of their own here, by who they are.
        let by_name = matches!(kind, "Organization" | "Practitioner");
        let there = whole.text.contains(&format!("ccr-{id}\"")) || by_name && whole.of_type(kind).any(|one| one.to_string().contains(MARK));
        let carried = record::CARRIED.iter().any(|own| own.name() == kind);
        assert_eq!(there, carried && !labelled && kind != "Patient" || kind == "Patient" && there, "{kind}/{id}");
    }
    assert!(whole.text.contains(MARK) && whole.text.contains("777777"));
}
