//! A system that holds part of a record in FHIR and part in bundles of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Fault, Region, Request, Supplier, habits, person};

use crate::world::{Setup, World, region};

/// What the pretend system says of the demo person in one bundle.
async fn bundle(region: &Region, name: &str) -> Value {
    let habits = habits("ohc").unwrap();
    let id = &person(DEMO_PERSON).unwrap().ids_at(habits)[0];
    let request = Request::get(format!("{}/ccapi/{name}?PatientDetailId={id}", habits.home()));
    serde_json::from_str(region.respond("ohc", request).await.unwrap().text()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_both_parts_is_one_cluster_and_no_more() {
    let habits = habits("ohc").unwrap();
    let id = person(DEMO_PERSON).unwrap().ids_at(habits)[0].clone();
    let problem = bundle(&region(&["ohc"]), "GpBundle").await["ProblemsCollection"][0].clone();
    let twin = json!({
        "resourceType": "Condition", "id": "901", "subject": {"reference": format!("Patient/{id}")},
        "identifier": [{"system": problem["Identifier"]["System"], "value": problem["Identifier"]["Value"]}],
        "clinicalStatus": "active", "verificationStatus": "confirmed",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": problem["Problem"]["SnomedCode"]}], "text": problem["Problem"]["Rubric"]},
    });
    // Any linked id gives what all have, in FHIR too.
    let patients = person(DEMO_PERSON).unwrap().ids_at(habits).into_iter().map(|id| json!({"resourceType": "Patient", "id": id}));
    let records = vec![(DEMO_PERSON.to_owned(), patients.chain([twin]).map(|one| one.to_string()).collect())];
    let supplier = Supplier::of_resources(habits, "http://ohc.testbed.example", records).unwrap();
    let world = World::around(Arc::new(Region::of([supplier])), &Setup::default());
    let known = world.person(DEMO_PERSON).await;
    let answer = world.get(&format!("Condition?patient={known}&_count=500"), &world.doctor_of(&known)).await;
    let cluster = |id: &str| {
        let found = answer.entries().iter().find(|entry| entry["resource"]["id"] == id).unwrap_or_else(|| panic!("{id}: {}", answer.text));
        let tags = found["resource"]["meta"]["tag"].as_array().unwrap().clone();
        tags.into_iter().find(|tag| tag["system"] == "urn:severn:cluster").map(|tag| tag["code"].clone())
    };
    let own = format!("ohc-gp-{}", problem["ProblemId"].as_str().unwrap());
    assert!(cluster("ohc-901").is_some());
    assert_eq!(cluster("ohc-901"), cluster(&own));
    let linked = answer.entries().iter().filter(|entry| entry["resource"]["resourceType"] == "Linkage").count();
    assert_eq!(linked, 1, "only what stands in both parts is in a cluster: {}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn every_linked_id_is_the_person() {
    let world = World::of(&["ohc"]);
    let known = world.person(DEMO_PERSON).await;
    let answer = world.get(&format!("Patient/{known}/$everything?_count=500"), &world.doctor_of(&known)).await;
    let patients: BTreeSet<&str> = answer
        .entries()
        .iter()
        .map(|entry| &entry["resource"])
        .filter(|resource| resource["resourceType"] == "Patient")
        .filter_map(|resource| resource["id"].as_str()?.strip_prefix("ohc-"))
        .collect();
    let ids = person(DEMO_PERSON).unwrap().ids_at(habits("ohc").unwrap());
    assert!(ids.len() > 1);
    assert_eq!(patients, ids.iter().map(String::as_str).collect());
    let whole = |status: &str| matches!(status, "not-asked" | "unsupported");
    assert!(answer.issues_of("ohc").iter().all(|(_, status, _)| whole(status)), "{:?}", answer.issues_of("ohc"));
}

#[tokio::test(start_paused = true)]
async fn a_bundle_that_fails_is_named_with_its_types() {
    let world = World::of(&["ohc"]);
    let known = world.person(DEMO_PERSON).await;
    let check = async |lost: &str, kind: &str, expected: &str| {
        world.region.fail("ohc", Fault::LosesType { kind: lost.to_owned() });
        let answer = world.get(&format!("Patient/{known}/$everything?_count=500"), &world.doctor_of(&known)).await;
        world.region.heal();
        let issues = answer.issues_of("ohc");
        assert!(issues.iter().any(|(_, status, own)| own == kind && status == expected), "{lost}: {issues:?}");
        assert!(issues.iter().all(|(_, _, own)| own != "AllergyIntolerance"), "{lost}: {issues:?}");
    };
    check("Communication", "ServiceRequest", "failed-http").await;
    // The practice's problems fail; diagnoses in the FHIR part are there.
    check("FamilyMemberHistory", "Condition", "ok-truncated").await;
    check("FamilyMemberHistory", "FamilyMemberHistory", "failed-http").await;
}
