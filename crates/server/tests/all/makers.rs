//! Journeys before a pretend Millennium and a pretend HealthShare, and the recorded answers of both served by them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Fault, Habits, Maker, Region, Supplier, Version, habits, people};

use crate::world::{Answer, Setup, World};

const WHOLE: &str = "_count=5000";

/// Everything about a person, with whoever reads it.
async fn read(world: &World, person: &str) -> (Answer, String) {
    let token = world.doctor_of(person);
    (world.get(&format!("Patient/{person}/$everything?{WHOLE}"), &token).await, token)
}

fn ids_of<'a>(answer: &'a Answer, kind: &'a str) -> BTreeSet<&'a str> {
    answer.of_type(kind).filter_map(|resource| resource["id"].as_str()).collect()
}

/// Somebody whom a supplier knows, and of whom it holds these and does not hold those.
fn somebody(supplier: &str, holds: &[&str], lacks: &[&str]) -> String {
    let found = people().iter().find(|person| {
        let counts = person.counts(supplier);
        let known = person.known_to.contains_key(supplier) && person.doubtful().is_empty();
        known && holds.iter().all(|kind| counts.contains_key(kind)) && lacks.iter().all(|kind| !counts.contains_key(kind))
    });
    found.unwrap_or_else(|| panic!("nobody at {supplier} with {holds:?} and without {lacks:?}")).about.nhs_number.clone()
}

#[tokio::test(start_paused = true)]
async fn golden_17_an_empty_answer_of_millennium_is_not_recorded_and_never_none() {
    let world = World::of(&["uhb"]);
    let person = world.person(&somebody("uhb", &["Condition"], &["AllergyIntolerance"])).await;
    let (answer, token) = read(&world, &person).await;
    let plan = world.plan_of(&person, &token, &answer).await;
    let row = &plan.rows[&("uhb".to_owned(), "AllergyIntolerance".to_owned())];
    assert_eq!((row.status.as_str(), row.came), ("ok-empty", 0));
    assert_eq!(answer.state("allergies"), Some("not-recorded"));
    // Away, it is unavailable: not that either.
    world.region.fail("uhb", Fault::LosesType { kind: "AllergyIntolerance".to_owned() });
    let (answer, _) = read(&world, &person).await;
    assert_eq!(answer.state("allergies"), Some("unavailable"));
    assert!(answer.issues_of("uhb").contains(&("warning".into(), "failed-http".into(), "AllergyIntolerance".into())));
}

#[tokio::test(start_paused = true)]
async fn no_question_to_millennium_breaks_a_rule() {
    let world = World::of(&["uhb"]);
    let number = somebody("uhb", &["MedicationRequest", "Observation"], &[]);
    let person = world.person(&number).await;
    let (answer, token) = read(&world, &person).await;
    for (kind, row) in world.plan_of(&person, &token, &answer).await.of("uhb") {
        assert!(matches!(row.status.as_str(), "ok" | "ok-empty" | "unsupported" | "not-asked"), "{kind}: {}", row.status);
    }
    for request in world.region.asked("uhb") {
        let target = request.path_and_query.split("/0f3a4c52-6b1e-4d0e-9c57-2f6a1f0e7b11/").nth(1).unwrap().to_owned();
        assert_eq!(testbed::millennium_rule_broken_by(&target).filter(|_| !target.contains("pageContext=")), None, "{target}");
    }
    // Who wrote each comes along where a type allows it.
    let written: BTreeSet<String> = answer.of_type("Provenance").map(|one| one["target"][0]["reference"].to_string()).collect();
    let of_kind = |kind: &str| written.iter().any(|target| target.starts_with(&format!("\"{kind}/uhb-")));
    assert!(of_kind("Observation") && of_kind("MedicationRequest"), "{written:?}");
    // What a patient takes comes as requests that were reported, its medicine inside, its own codes beside the rest.
    let reported: Vec<&Value> = answer.of_type("MedicationRequest").filter(|request| request["reportedBoolean"] == true).collect();
    assert!(!reported.is_empty() && answer.of_type("MedicationStatement").count() == 0);
    for request in reported {
        let codings = request["contained"][0]["code"]["coding"].as_array().unwrap();
        let own = codings.iter().find(|coding| coding["system"].as_str().unwrap().contains("/codeSet/")).unwrap();
        assert_eq!((&own["userSelected"], codings.len() > 1), (&json!(true), true), "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_resource_that_lacks_something_costs_itself_and_is_named() {
    let world = World::of(&["uhb"]);
    // Somebody of whom there are results of several days: one part of the question fails, another does not.
    let known = people().iter().filter(|person| person.doubtful().is_empty() && person.counts("uhb").get("Observation") < Some(&100));
    let (mut person, mut whole) = (String::new(), None);
    for one in known.filter(|person| person.known_to.contains_key("uhb")) {
        person = world.person(&one.about.nhs_number).await;
        let (answer, _) = read(&world, &person).await;
        let days: BTreeSet<String> =
            answer.of_type("Observation").map(|one| one["effectiveDateTime"].to_string()[..11].to_owned()).collect();
        whole = Some(answer);
        if days.len() > 1 {
            break;
        }
    }
    let whole = whole.unwrap();
    world.region.fail("uhb", Fault::LacksRequired { kind: "Observation".to_owned() });
    let (answer, token) = read(&world, &person).await;
    let (before, after) = (ids_of(&whole, "Observation"), ids_of(&answer, "Observation"));
    assert!(after.is_subset(&before) && after.len() < before.len() && !after.is_empty(), "{} of {}", after.len(), before.len());
    assert!(
        answer.issues_of("uhb").contains(&("warning".into(), "ok-truncated".into(), "Observation".into())),
        "{:?}",
        answer.issues_of("uhb")
    );
    assert!(answer.text.contains("Observation.status is missing in something"), "the hole is described");
    // The rest of the person is as it was.
    for kind in ["Condition", "Encounter", "MedicationRequest"] {
        assert_eq!(ids_of(&whole, kind), ids_of(&answer, kind));
    }
    assert_eq!(world.plan_of(&person, &token, &answer).await.rows[&("uhb".to_owned(), "Observation".to_owned())].status, "ok-truncated");
    assert_ne!(answer.state("results"), Some("not-recorded"));
}

#[tokio::test(start_paused = true)]
async fn a_patient_combined_into_another_is_followed() {
    let world = World::of(&["uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let (before, _) = read(&world, &person).await;
    world.region.fail("uhb", Fault::Combined);
    let (after, _) = read(&world, &person).await;
    assert_eq!(after.status, 200, "{}", after.text);
    for kind in ["AllergyIntolerance", "Condition", "MedicationRequest", "Observation"] {
        assert_eq!(ids_of(&before, kind), ids_of(&after, kind), "{kind}");
        assert!(!ids_of(&before, kind).is_empty());
    }
    let failed: Vec<_> = after.issues_of("uhb").into_iter().filter(|(_, status, _)| status.starts_with("failed")).collect();
    assert!(failed.is_empty(), "{failed:?}");
    // The data are of the Patient whom the other was combined into.
    let into = ids_of(&after, "Patient").into_iter().find(|id| id.starts_with("uhb-c-")).unwrap().to_owned();
    let subject = after.of_type("Condition").next().unwrap()["subject"]["reference"].as_str().unwrap();
    assert_eq!(subject, format!("Patient/{into}"));
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_was_built_again_holds_the_same_things_under_the_same_ids() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let (before, token) = read(&world, &person).await;
    world.region.fail("ccr", Fault::Rebuilt);
    let (after, _) = read(&world, &person).await;
    let named = |answer: &Answer| -> BTreeSet<String> {
        let own = |resource: &&Value| resource["identifier"].as_array().is_some_and(|all| all.iter().any(|one| one["value"].is_string()));
        let all = answer.entries().iter().map(|entry| &entry["resource"]).filter(own);
        all.map(|resource| format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())).collect()
    };
    assert_eq!(named(&before), named(&after));
    assert!(named(&before).len() > 20);
    // What was seen before is read by its id as ever, and a search for one type has the ids that everything has.
    let seen = ids_of(&before, "Condition");
    let one = seen.first().unwrap();
    assert_eq!(world.get(&format!("Condition/{one}"), &token).await.status, 200);
    let searched = world.get(&format!("Condition?patient={person}&{WHOLE}"), &token).await;
    assert_eq!(ids_of(&searched, "Condition"), seen);
    let whom = |answer: &Answer| answer.of_type("Condition").map(|one| one["encounter"].to_string()).collect::<BTreeSet<_>>();
    assert_eq!(whom(&searched), whom(&after));
}

#[tokio::test(start_paused = true)]
async fn a_thing_has_one_id_by_whichever_endpoint_of_a_healthshare_it_is_read() {
    let r4 = habits("ccr").unwrap();
    let stu3 = Habits { version: Version::Stu3, path: "/csp/healthshare/ccr/fhir/stu3", ..r4.clone() };
    let by = async |habits: &Habits| {
        let supplier = Supplier::of_the_region(habits, "http://ccr.testbed.example");
        let world = World::around(Arc::new(Region::of([supplier])), &Setup::default());
        let person = world.person(DEMO_PERSON).await;
        read(&world, &person).await.0
    };
    let (one, other) = (by(r4).await, by(&stu3).await);
    for kind in ["AllergyIntolerance", "Condition", "Immunization", "MedicationStatement", "Observation", "Procedure"] {
        assert_eq!(ids_of(&one, kind), ids_of(&other, kind), "{kind}");
        assert!(!ids_of(&one, kind).is_empty(), "{kind}");
    }
    assert_eq!((one.state("allergies"), other.state("allergies")), (Some("known"), Some("known")));
}

/// Two people to whom a rebuilt repository gives one number, under nothing but the sort of it, and under one authority.
fn numbered_alike(habits: &Habits, number: &str, id: &str, (born, family): (&str, &str), allergen: &str) -> (String, Vec<String>) {
    let verified = json!([{"url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
        "valueCodeableConcept": {"coding": [{"code": "number-present-and-verified"}]}}]);
    let sort = json!({"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}, "value": "1234567"});
    let authority = json!({"system": "2.16.840.1.113883.3.86.999", "value": "1234567"});
    let patient = json!({"resourceType": "Patient", "id": id, "birthDate": born, "name": [{"family": family, "given": ["A"]}],
        "identifier": [{"system": habits.nhs_system, "value": number, "extension": verified}, sort, authority]});
    let allergy = json!({"resourceType": "AllergyIntolerance", "id": format!("{id}-1"), "patient": {"reference": format!("Patient/{id}")},
        "code": {"text": allergen}, "identifier": [sort, authority]});
    (number.to_owned(), vec![patient.to_string(), allergy.to_string()])
}

#[tokio::test(start_paused = true)]
async fn an_id_of_one_person_never_opens_another() {
    let (habits, a, b) = (habits("ccr").unwrap(), DEMO_PERSON, "9990000026");
    let records = vec![
        numbered_alike(habits, a, "pa", ("1948-03-11", "Hartley"), "Penicillin"),
        numbered_alike(habits, b, "pb", ("1985-07-30", "Campbell"), "Latex"),
    ];
    let supplier = Supplier::of_resources(habits, "http://ccr.testbed.example", records).unwrap();
    let world = World::around(Arc::new(Region::of([supplier])), &Setup::default());
    let (a, b) = (world.person(a).await, world.person(b).await);
    let ((one, doctor_of_a), (other, doctor_of_b)) = (read(&world, &a).await, read(&world, &b).await);
    for kind in ["AllergyIntolerance", "Patient"] {
        assert!(ids_of(&one, kind).is_disjoint(&ids_of(&other, kind)), "{kind}");
    }
    let theirs = ids_of(&other, "Patient").into_iter().find(|id| *id != b).unwrap();
    let allergy = ids_of(&other, "AllergyIntolerance").into_iter().next().unwrap();
    for path in [format!("Patient/{theirs}/$everything"), format!("AllergyIntolerance/{allergy}")] {
        assert_eq!(world.get(&path, &doctor_of_a).await.status, 403, "{path}");
        let own = world.get(&path, &doctor_of_b).await;
        assert!(own.status == 200 && own.text.contains("Latex") && !own.text.contains("Penicillin"), "{path}: {}", own.text);
    }
}

/// Recorded resources of a set, by the patient that they are about.
fn recorded(set: &str, below: &str) -> Option<BTreeMap<String, Vec<Value>>> {
    let Some(data) = std::env::var_os("SEVERN_DATA").map(|data| PathBuf::from(data).join(set).join(below)).filter(|data| data.is_dir())
    else {
        println!("third-party: {set} skipped, SEVERN_DATA does not have it");
        return None;
    };
    let mut by_patient: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    each_file(&data, &mut |text| {
        let Ok(said) = serde_json::from_str::<Value>(text) else { return };
        let entries = said["entry"].as_array().into_iter().flatten();
        let whole = entries.map(|entry| if entry["resource"].is_object() { &entry["resource"] } else { entry });
        for resource in whole.chain(std::iter::once(&said)) {
            let kind = resource["resourceType"].as_str().unwrap_or_default().to_owned();
            let participants = resource["participant"].as_array().into_iter().flatten().map(|one| &one["actor"]);
            let references = [&resource["patient"], &resource["subject"]].into_iter().chain(participants);
            let about = references.filter_map(|one| one["reference"].as_str()).find(|one| one.contains("Patient/"));
            let about = about.and_then(|one| one.rsplit('/').next());
            let Some(patient) = about.map(str::to_owned) else { continue };
            // An example without an id gets one: a server has ids.
            let id = resource["id"].as_str().map_or_else(|| format!("example-{}", seen.len()), str::to_owned);
            if seen.insert((kind, id.clone())) {
                let mut resource = resource.clone();
                resource["id"] = id.into();
                by_patient.entry(patient).or_default().push(resource);
            }
        }
    });
    Some(by_patient)
}

fn each_file(folder: &Path, take: &mut impl FnMut(&str)) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        match path.is_dir() {
            true => each_file(&path, take),
            false => std::fs::read_to_string(&path).into_iter().for_each(|text| take(&text)),
        }
    }
}

/// Serves what was recorded as this supplier does, one person under a test number at a time; every resource that it tells is counted.
async fn replay(habits: &'static Habits, recorded: BTreeMap<String, Vec<Value>>) -> (usize, usize) {
    let (mut served, mut shown) = (0, 0);
    for (patient, mut resources) in recorded {
        let number = json!({"system": habits.nhs_system, "value": DEMO_PERSON, "extension": [{
            "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
            "valueCodeableConcept": {"coding": [{"code": "number-present-and-verified"}]},
        }]});
        resources.push(json!({"resourceType": "Patient", "id": patient, "identifier": [number], "birthDate": "1948-03-11",
            "name": [{"family": "Hartley", "given": ["Margaret"]}]}));
        let texts: Vec<String> = resources.iter().map(Value::to_string).collect();
        let origin = format!("http://{}.testbed.example", habits.id);
        let supplier = Supplier::of_resources(habits, &origin, vec![(DEMO_PERSON.to_owned(), texts)]).unwrap();
        let world = World::around(Arc::new(Region::of([supplier])), &Setup::default());
        let person = world.person(DEMO_PERSON).await;
        let (answer, token) = read(&world, &person).await;
        assert_eq!(answer.status, 200, "{patient}: {}", answer.text);
        let plan = world.plan_of(&person, &token, &answer).await;
        for (kind, row) in plan.of(habits.id) {
            let of_kind: Vec<&Value> = resources.iter().filter(|one| in_r4(one) == kind).collect();
            let serves = |one: &Value| habits.types.is_empty() || habits.types.iter().any(|kind| one["resourceType"] == *kind);
            let told = |one: &&&Value| kind == "Patient" || serves(one) && (habits.maker != Maker::Millennium || is_found(one));
            let expected = of_kind.iter().filter(told).filter(|one| !is_kept(one)).count() as u64;
            // The pretend one writes who wrote it.
            if matches!(row.status.as_str(), "unsupported" | "not-asked") || matches!(kind, "List" | "Provenance") {
                continue;
            }
            // A CareCentric's own bundles come beside what is laid upon the person.
            let beside = habits.maker == Maker::CareCentric && row.came > expected;
            assert!(beside || row.came == expected, "{patient} {kind}: {} of {expected}, {}", row.came, row.status);
            served += usize::try_from(expected).unwrap();
            shown += usize::try_from((row.came - row.quarantined).min(expected)).unwrap();
        }
    }
    (served, shown)
}

/// Whether the patient or a clinician asked for it to be kept: it came, and is withheld.
fn is_kept(resource: &Value) -> bool {
    resource["meta"]["security"]
        .as_array()
        .is_some_and(|labels| labels.iter().any(|label| ["PHY", "PRS"].iter().any(|code| label["code"] == *code)))
}

/// The type that a resource is in R4.
fn in_r4(resource: &Value) -> &str {
    match resource["resourceType"].as_str().unwrap_or_default() {
        "ProcedureRequest" | "ReferralRequest" => "ServiceRequest",
        kind => kind,
    }
}

/// Whether Millennium's searches can find it: plans of one category, and appointments that have a start.
fn is_found(resource: &Value) -> bool {
    match resource["resourceType"].as_str().unwrap_or_default() {
        "Appointment" => resource["start"].is_string(),
        "CarePlan" => resource["category"].to_string().contains("assess-plan"),
        _ => true,
    }
}

#[tokio::test(start_paused = true)]
async fn recorded_answers_of_millennium_come_whole_through_the_pretend_one() {
    let Some(recorded) = recorded("vendor-cerner", "fhir.cerner.com/r4/millennium") else { return };
    let patients = recorded.len();
    let (served, shown) = replay(habits("uhb").unwrap(), recorded).await;
    println!("third-party: vendor-cerner served by the pretend Millennium: patients={patients} served={served} shown={shown}");
    assert!(served > 50 && shown > 50);
}

/// The same at a supplier that knows people of the region only: everybody's resources are laid upon one of them.
async fn replay_upon_one(habits: &'static Habits, recorded: BTreeMap<String, Vec<Value>>) -> (usize, usize) {
    let ids = testbed::person(DEMO_PERSON).unwrap().ids_at(habits);
    let (hers, linked) = ids.split_first().unwrap();
    let theirs = |(patient, resources): (String, Vec<Value>)| {
        let text = Value::Array(resources).to_string().replace(&format!("Patient/{patient}\""), &format!("Patient/{hers}\""));
        // A List of the file's own is made anew; what the interface has no area for is not asked for.
        let mut resources: Vec<Value> = serde_json::from_str(&text).unwrap();
        resources.retain(|one| one["resourceType"] != "List");
        // Any linked id gives what all have.
        resources.extend(linked.iter().map(|id| json!({"resourceType": "Patient", "id": id})));
        (hers.clone(), resources)
    };
    let (mut served, mut shown) = (0, 0);
    for one in recorded.into_iter().map(theirs) {
        let (all, some) = replay(habits, BTreeMap::from([one])).await;
        (served, shown) = (served + all, shown + some);
    }
    (served, shown)
}

#[tokio::test(start_paused = true)]
async fn recorded_records_of_practices_come_whole_through_the_pretend_one() {
    let Some(recorded) = recorded("gpconnect-stu3", "") else { return };
    let patients = recorded.len();
    let (served, shown) = replay_upon_one(habits("gp").unwrap(), recorded).await;
    println!("third-party: gpconnect-stu3 served by the pretend practice: patients={patients} served={served} shown={shown}");
    assert!(served > 50 && shown > 50);
}

#[tokio::test(start_paused = true)]
async fn careconnect_examples_come_whole_through_the_pretend_carecentric() {
    let Some(recorded) = recorded("careconnect-stu3", "") else { return };
    let patients = recorded.len();
    let (served, shown) = replay_upon_one(habits("ohc").unwrap(), recorded).await;
    println!("third-party: careconnect-stu3 served by the pretend CareCentric: patients={patients} served={served} shown={shown}");
    assert!(served > 0 && shown == served);
}

#[tokio::test(start_paused = true)]
async fn recorded_samples_of_intersystems_come_whole_through_the_pretend_healthshare() {
    let Some(recorded) = recorded("vendor-intersystems", "") else { return };
    let patients = recorded.len();
    let (served, shown) = replay(habits("ccr").unwrap(), recorded).await;
    println!("third-party: vendor-intersystems served by the pretend HealthShare: patients={patients} served={served} shown={shown}");
    // There is no more of it in FHIR: the rest is HL7 v2, CDA and tables.
    assert!(served > 0 && shown == served);
}
