//! What a request may say, and what it is told when it says it wrongly.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Fault, Refusal};

use crate::world::{Answer, Card, Setup, World, region};

async fn ward() -> (World, String, String) {
    let world = World::of(&["ccr", "gp", "uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    (world, person, token)
}

#[tokio::test(start_paused = true)]
async fn a_mistake_is_told_with_its_parameter_and_why() {
    let (world, person, token) = ward().await;
    let check = async |path: &str, status: u16, what: &str| {
        let path = path.replace("ID", &person);
        let answer = world.get(&path, &token).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let issue = &answer.outcome()["issue"][0];
        assert_eq!(issue["severity"], "error", "{path}");
        assert!(issue["details"]["text"].as_str().unwrap().contains(what), "{path}: {issue}");
        if status == 400 {
            assert_eq!(issue["expression"][0], what, "{path}: {issue}");
        }
    };
    for count in ["many", "-1", "1.5", "", "99999999999999999999999"] {
        check(&format!("Patient/ID/$everything?_count={count}"), 400, "_count").await;
    }
    check("Patient/ID/$everything?_count=1&_count=2", 400, "_count").await;
    check("Patient/ID/$everything?_format=pdf", 406, "_format").await;
    check("Patient/ID/$everything?_since=yesterday", 400, "_since").await;
    check("Patient/ID/$everything?_since=2026-11-01", 400, "_since").await;
    check("Patient/ID/$everything?birthdate=11/03/1948", 400, "birthdate").await;
    check("Patient/ID/$everything?join=merge", 400, "join").await;
    check("Patient/ID/$everything?_complete=mostly", 400, "_complete").await;
    check("Patient/ID/$everything?_type=Condition,Claim", 400, "_type").await;
    check("Patient/ID/$plan", 400, "request").await;
    check("Condition?patient=ID&_include=Condition:nothing", 400, "_include").await;
    check("Condition?patient=ID&_revinclude=Observation:subject", 400, "_revinclude").await;
    check("Condition?patient=ID&patient=another", 400, "patient").await;
    check("Condition?patient=ID,another", 400, "patient").await;
    check("Condition", 400, "patient").await;
    check("Condition?patient=ID&onset-date=yesterday", 400, "onset-date").await;
    check("Condition?patient=ID&code:below=x", 400, "code").await;
    check("Condition?patient=ID&code:missing=perhaps", 400, "code").await;
    check("Observation?patient=ID&value-quantity=high", 400, "value-quantity").await;
    check("Observation?patient=ID&_lastUpdated=ap2026", 400, "_lastUpdated").await;
    check("Patient?identifier=9990000018", 400, "identifier").await;
    check("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|9990000019", 400, "identifier").await;
    check("Patient?identifier=https://example.org/hospital|1", 400, "identifier").await;
    check("Condition?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|123", 400, "patient.identifier").await;
    check("?_page=nonsense", 400, "_page").await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_parameter_is_refused_when_the_client_is_strict_and_ignored_when_it_is_not() {
    let (world, person, token) = ward().await;
    let check = async |path: &str, what: Option<&str>| {
        let path = path.replace("ID", &person);
        let strict = world.get_with(&path, &token, &[("prefer", "respond-async, handling=strict")]).await;
        let lenient = world.get_with(&path, &token, &[("prefer", "handling=lenient")]).await;
        assert_eq!(lenient.status, 200, "{path}: {}", lenient.text);
        match what {
            Some(what) => {
                assert_eq!(strict.status, 400, "{path}");
                assert_eq!(strict.json["issue"][0]["expression"], json!([what]), "{path}");
            }
            None => assert_eq!(strict.status, 200, "{path}: {}", strict.text),
        }
    };
    check("Patient/ID/$everything?colour=blue", Some("colour")).await;
    check("Patient/ID/$everything?code=x", Some("code")).await;
    check("Patient/ID/$everything?_sort=date", Some("_sort")).await;
    check("Condition?patient=ID&colour=blue", Some("colour")).await;
    check("Condition?patient=ID&_sort=-date", Some("_sort")).await;
    check("Observation?patient=ID&code-value-quantity=a$1", Some("code-value-quantity")).await;
    check(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{DEMO_PERSON}&colour=blue"), Some("colour")).await;
    check("Patient/ID/$everything?_count=5&_type=Condition&_since=2020-01-01T00:00:00Z&join=all&_format=json", None).await;
    check("Condition?patient=ID&code=x&clinical-status=active&_id=y&_lastUpdated=ge2020&_count=5", None).await;
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_not_written_to() {
    let (world, person, token) = ward().await;
    let check = async |method: &str, path: &str, allow: &str| {
        let path = path.replace("ID", &person);
        let headers = [("content-type", "application/fhir+json")];
        let answer = world.send(method, &format!("/fhir/R4/{path}"), Some(&token), &headers, r#"{"resourceType":"Condition"}"#).await;
        assert_eq!((answer.status, answer.headers["allow"].to_str().unwrap()), (405, allow), "{method} {path}: {}", answer.text);
        assert_eq!(answer.json["issue"][0]["code"], "not-supported");
    };
    check("POST", "Condition", "GET").await;
    check("PUT", "Condition/ccr-1", "GET").await;
    check("PATCH", "Condition/ccr-1", "GET").await;
    check("DELETE", "Patient/ID", "GET").await;
    check("GET", "Condition/_search?patient=ID", "POST").await;
    check("GET", "Patient/ID/$request-access", "POST").await;
    check("PUT", "Patient/ID/$everything", "GET, POST").await;
    check("POST", "metadata", "GET").await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_gets_a_whole_answer_or_none() {
    let setup = Setup {
        blocks: "[[consumer]]\nclient = \"system-2\"\nname = \"A portal\"\nface = \"R4\"\naccepted_by = \"Dr C Safety, clinical safety officer\"\n\
                 accepted_on = \"2026-11-20\"",
        limits: "breaker_window = 1000",
        ..Setup::default()
    };
    // Not a practice: it is asked in the name of a person only.
    let world = World::around(Arc::new(region(&["ccr", "soc", "uhb"])), &setup);
    let person = world.person(DEMO_PERSON).await;
    let of_person = |card: Card| world.token(&Card { patient: Some(person.clone()), ..card });
    let doctor = of_person(Card::doctor());
    let machine = of_person(Card::system());
    let accepted = of_person(Card { user: "system-2", ..Card::system() });
    let path = format!("AllergyIntolerance?patient={person}");
    let check = async |token: &str, complete: &str, expected: u16| {
        let answer = world.get(&format!("{path}{complete}"), token).await;
        assert_eq!(answer.status, expected, "{complete}: {}", answer.text);
        if expected == 504 {
            assert!(answer.issues_of("soc").iter().any(|(_, status, _)| status == "failed-http"), "{}", answer.text);
        }
    };
    for token in [&doctor, &machine, &accepted] {
        check(token, "", 200).await;
        check(token, "&_complete=required", 200).await;
    }
    world.region.fail("soc", Fault::Refusing { how: Refusal::ServerError });
    check(&doctor, "", 200).await;
    check(&doctor, "&_complete=partial", 200).await;
    check(&doctor, "&_complete=required", 504).await;
    check(&machine, "", 504).await;
    check(&machine, "&_complete=partial", 400).await;
    check(&accepted, "", 504).await;
    check(&accepted, "&_complete=partial", 200).await;
}

/// Ids of the matches.
fn matches(answer: &Answer) -> BTreeSet<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let own = answer.entries().iter().filter(|entry| entry["search"]["mode"] == "match");
    own.map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

/// Whether any Coding in a value has this code.
fn coded(value: &Value, code: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| coded(value, code)),
        Value::Object(object) => {
            object.get("code").is_some_and(|own| own == code) || object.get("coding").is_some_and(|own| coded(own, code))
        }
        Value::String(text) => text == code,
        _ => false,
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_narrows_to_what_matches_and_to_nothing_else() {
    let (world, person, token) = ward().await;
    // What the search finds is what reading all of the type and looking at each would.
    let check = async |kind: &str, query: &str, fits: &dyn Fn(&Value) -> bool| {
        let all = world.get(&format!("{kind}?patient={person}&_count=5000"), &token).await;
        let found = world.get(&format!("{kind}?patient={person}&_count=5000&{query}"), &token).await;
        let expected: BTreeSet<String> =
            all.of_type(kind).filter(|one| fits(one)).map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(matches(&found), expected, "{kind}?{query}");
        assert!(
            found.entries().iter().skip(1).all(|entry| entry["search"]["mode"] == "match" || entry["resource"]["resourceType"] != kind)
        );
        world.plan_of(&person, &token, &found).await;
        (expected.len(), all.of_type(kind).count())
    };
    let some = |(found, of): (usize, usize)| assert!(found > 0 && found < of, "{found} of {of}: this proves nothing");
    let conditions = world.get(&format!("Condition?patient={person}"), &token).await;
    let coding = conditions.of_type("Condition").find_map(|one| one["code"]["coding"][0]["code"].as_str()).unwrap().to_owned();
    let system = conditions.of_type("Condition").find(|one| one["code"]["coding"][0]["code"] == coding.as_str()).unwrap()["code"]["coding"]
        [0]["system"]
        .as_str()
        .unwrap()
        .to_owned();
    some(check("Condition", &format!("code={coding}"), &|one| coded(&one["code"], &coding)).await);
    some(check("Condition", &format!("code:not={coding}"), &|one| !coded(&one["code"], &coding)).await);
    some(check("Condition", &format!("code=nothing,{system}|{coding}"), &|one| coded(&one["code"], &coding)).await);
    check("Condition", &format!("code=http://elsewhere.example|{coding}"), &|_| false).await;
    check("Condition", "clinical-status=active", &|one| coded(&one["clinicalStatus"], "active")).await;
    check("AllergyIntolerance", "clinical-status=active", &|one| coded(&one["clinicalStatus"], "active")).await;
    check("Observation", "status=final", &|one| one["status"] == "final").await;
    check("Observation", "category=laboratory", &|one| coded(&one["category"], "laboratory")).await;
    check("MedicationRequest", "status=active", &|one| one["status"] == "active").await;
    check("MedicationRequest", "status=active,stopped,completed", &|one| {
        ["active", "stopped", "completed"].iter().any(|status| one["status"] == *status)
    })
    .await;
    let day = |one: &Value| one["effectiveDateTime"].as_str().map(|date| date[..10].to_owned());
    let observations = world.get(&format!("Observation?patient={person}&_count=5000"), &token).await;
    let mut days: Vec<String> = observations.of_type("Observation").filter_map(day).collect();
    days.sort_unstable();
    let middle = days[days.len() / 2].clone();
    some(check("Observation", &format!("date=ge{middle}"), &|one| day(one).is_some_and(|day| day >= middle)).await);
    some(check("Observation", &format!("date=lt{middle}"), &|one| day(one).is_some_and(|day| day < middle)).await);
    some(check("Observation", &format!("date={middle}"), &|one| day(one).is_some_and(|day| day == middle)).await);
    let kinds = "Condition?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|";
    assert_eq!(matches(&world.get(&format!("{kinds}{DEMO_PERSON}"), &token).await), matches(&conditions));
}

#[tokio::test(start_paused = true)]
async fn since_narrows_and_says_how_many_it_left_out() {
    let (world, person, token) = ward().await;
    let all = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
    let mut dates: Vec<&str> = all.entries().iter().filter_map(|entry| entry["resource"]["meta"]["lastUpdated"].as_str()).collect();
    dates.sort_unstable();
    let middle: jiff::Timestamp = dates[dates.len() / 2].parse().unwrap();
    let found = world.get(&format!("Patient/{person}/$everything?_count=5000&_since={middle}"), &token).await;
    let (all, found) = (all.shown(), {
        world.plan_of(&person, &token, &found).await;
        found
    });
    let supporting: Vec<&str> = record::SUPPORTING.iter().map(|kind| kind.name()).collect();
    for entry in found.entries().iter().skip(1) {
        let resource = &entry["resource"];
        let Some(updated) = resource["meta"]["lastUpdated"].as_str() else { continue };
        let kind = resource["resourceType"].as_str().unwrap();
        let recent = updated.parse::<jiff::Timestamp>().unwrap() >= middle;
        assert!(recent || kind == "Patient" || supporting.contains(&kind), "{kind} of {updated} is older than {middle}");
    }
    let count = |shown: &std::collections::BTreeMap<String, BTreeSet<String>>| shown.values().map(BTreeSet::len).sum::<usize>();
    assert!(count(&found.shown()) < count(&all) && count(&found.shown()) > 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_referred_to_and_who_said_it_come_along_when_asked() {
    let (world, person, token) = ward().await;
    let found = world.get(&format!("Condition?patient={person}&_include=Condition:subject&_revinclude=Provenance:target"), &token).await;
    assert_eq!(found.status, 200, "{}", found.text);
    let mode = |kind: &str| {
        found
            .entries()
            .iter()
            .filter(|entry| entry["resource"]["resourceType"] == kind)
            .map(|entry| entry["search"]["mode"].as_str().unwrap())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(mode("Condition"), BTreeSet::from(["match"]));
    assert_eq!(mode("Patient"), BTreeSet::from(["include"]));
    assert_eq!(mode("Provenance"), BTreeSet::from(["include"]));
    let patients: BTreeSet<String> =
        found.of_type("Patient").map(|patient| format!("Patient/{}", patient["id"].as_str().unwrap())).collect();
    for condition in found.of_type("Condition") {
        assert!(patients.contains(condition["subject"]["reference"].as_str().unwrap()), "{condition}");
    }
    // Every resource shown is cited by the Provenance of its source, and by no other.
    let mut cited = Vec::new();
    for provenance in found.of_type("Provenance") {
        assert!(provenance["agent"].as_array().unwrap().iter().any(|agent| agent["type"]["coding"][0]["code"] == "assembler"));
        let targets = provenance["target"].as_array().unwrap();
        let targets: Vec<&str> = targets.iter().map(|target| target["reference"].as_str().unwrap()).collect();
        let source = provenance["id"].as_str().unwrap().split('-').next().unwrap();
        assert!(
            targets.iter().all(|target| target.split_once('/').unwrap().1.starts_with(&format!("{source}-")) || target.contains(".h.")),
            "{targets:?}"
        );
        cited.extend(targets.into_iter().map(str::to_owned));
    }
    let shown = found.shown().into_values().flatten();
    let shown: BTreeSet<String> = shown.filter(|name| !name.starts_with("Provenance/")).collect();
    assert_eq!(cited.len(), shown.len());
    assert_eq!(cited.into_iter().collect::<BTreeSet<_>>(), shown);
    let without = world.get(&format!("Condition?patient={person}"), &token).await;
    assert_eq!(without.of_type("Provenance").count(), 0);
    assert_eq!(matches(&without), matches(&found));
}

#[tokio::test(start_paused = true)]
async fn what_was_shown_can_be_read_by_its_id() {
    let (world, person, token) = ward().await;
    let all = world.get(&format!("Patient/{person}/$everything?_count=5000&join=all"), &token).await;
    let mut kinds = BTreeSet::new();
    for entry in all.entries().iter().skip(1) {
        let resource = &entry["resource"];
        // One of each type, and both kinds of Patient.
        if !kinds.insert((resource["resourceType"].to_string(), resource["id"] == person.as_str())) {
            continue;
        }
        let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        let read = world.get(&format!("{kind}/{id}"), &token).await;
        assert_eq!(read.status, 200, "{kind}/{id}: {}", read.text);
        let mut expected = resource.clone();
        let mut own = read.json;
        for tagged in [&mut expected, &mut own] {
            tagged["meta"]["tag"] = Value::Null;
        }
        assert_eq!(own, expected);
    }
    assert!(kinds.len() > 10);
    // A source's own Patient stands for the person everywhere.
    let source_patient = all.of_type("Patient").find(|patient| patient["id"] != person.as_str()).unwrap()["id"].as_str().unwrap();
    let by_source = world.get(&format!("Patient/{source_patient}/$everything?_count=5000&join=all"), &token).await;
    assert_eq!(by_source.shown(), all.shown());
    let search = async |id: &str| matches(&world.get(&format!("Condition?patient={id}"), &token).await);
    assert_eq!(search(source_patient).await, search(&person).await);
    // What cannot be had now is not said to be gone while its holder is silent.
    let condition = all.of_type("Condition").find(|one| one["id"].as_str().unwrap().starts_with("gp-")).unwrap()["id"].as_str().unwrap();
    world.region.fail("gp", Fault::Silent);
    assert_eq!(world.get(&format!("Condition/{condition}"), &token).await.status, 504);
    world.region.fail("gp", Fault::Refusing { how: Refusal::ServerError });
    assert_eq!(world.get(&format!("Condition/{condition}"), &token).await.status, 502);
}

#[tokio::test(start_paused = true)]
async fn an_operation_takes_its_parameters_from_a_resource_too() {
    let (world, person, token) = ward().await;
    let target = format!("/fhir/R4/Patient/{person}/$everything");
    let post =
        async |content_type: &str, body: &str| world.send("POST", &target, Some(&token), &[("content-type", content_type)], body).await;
    let body = r#"{"resourceType":"Parameters","parameter":[{"name":"_type","valueCode":"Condition"},{"name":"_count","valueInteger":3}]}"#;
    let posted = post("application/fhir+json", body).await;
    let got = world.get(&format!("Patient/{person}/$everything?_type=Condition&_count=3"), &token).await;
    assert_eq!((posted.status, posted.shown()), (200, got.shown()));
    assert!(posted.next().is_some());
    let formed = post("application/x-www-form-urlencoded", "_type=Condition&_count=3").await;
    assert_eq!((formed.status, formed.shown()), (200, got.shown()));
    assert_eq!(post("application/fhir+json", "").await.status, 200);
    for (content_type, body, status) in [
        ("application/fhir+xml", "<Parameters/>", 415),
        ("application/fhir+json", "{", 400),
        ("application/fhir+json", r#"{"resourceType":"Condition"}"#, 400),
        ("application/fhir+json", r#"{"resourceType":"Parameters","parameter":[{"name":"_type","resource":{}}]}"#, 400),
    ] {
        let refused = post(content_type, body).await;
        assert_eq!((refused.status, refused.json["resourceType"].as_str()), (status, Some("OperationOutcome")), "{body}");
    }
}
