//! Terminologies of the operator's own: what they bring together, and what stays as it was sent.

use std::sync::Arc;

use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Region, Supplier, habits};

use crate::world::{Answer, Setup, World};

const CONCEPTS: &str = "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n\
    73211009\t20020131\t1\t0\t0\n111111112\t20240401\t0\t0\t0\n44054006\t20020131\t1\t0\t0\n";
const RELATIONSHIPS: &str = "id\teffectiveTime\tactive\tsourceId\tdestinationId\ttypeId\n1\t20020131\t1\t44054006\t73211009\t116680003\n";
const ASSOCIATIONS: &str = "id\teffectiveTime\tactive\trefsetId\treferencedComponentId\ttargetComponentId\n1\t20240401\t1\t900000000000526001\t111111112\t44054006\n";
const VIRTUAL: &str = "<VMPS><VMP><VPID>9000002</VPID><NM>Madeupol 5mg tablets</NM></VMP></VMPS>";
const ACTUAL: &str = "<AMPS><AMP><APID>9000004</APID><VPID>9000002</VPID><NM>Brandol 5mg tablets</NM></AMP></AMPS>";
const READ: &str = r#"{"resourceType":"ConceptMap","group":[{"source":"http://read.info/readv2","target":"http://snomed.info/sct","element":[
    {"code":"C10F.","target":[{"code":"44054006","equivalence":"equivalent"}]}]}]}"#;

const BLOCK: &str = "[terminology]\nsnomed = [\"uk\"]\ndmd = [\"dmd\"]\nconcept_maps = [\"read.json\"]";
const FILES: &[(&str, &str)] = &[
    ("uk/Snapshot/Terminology/sct2_Concept_Snapshot_GB_20260401.txt", CONCEPTS),
    ("uk/Snapshot/Terminology/sct2_Relationship_Snapshot_GB_20260401.txt", RELATIONSHIPS),
    ("uk/Snapshot/Refset/Content/der2_cRefset_AssociationSnapshot_GB_20260401.txt", ASSOCIATIONS),
    ("uk/Full/Terminology/sct2_Concept_Full_GB_20260401.txt", "not read"),
    ("dmd/f_vmp2_3010426.xml", VIRTUAL),
    ("dmd/f_amp2_3010426.xml", ACTUAL),
    ("read.json", READ),
];

const SNOMED: &str = "http://snomed.info/sct";

/// One Condition a source, dated alike, with these codings; and one medicine.
fn supplier(id: &str, problem: Value, medicine: Value) -> Supplier {
    let habits = habits(id).unwrap();
    let about = json!({"reference": "Patient/1"});
    let clinical = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]});
    let resources = [
        json!({"resourceType": "Patient", "id": "1", "birthDate": "1948-03-11", "name": [{"family": "Hartley", "given": ["Margaret"]}],
            "identifier": [{"system": habits.nhs_system, "value": DEMO_PERSON}]}),
        json!({"resourceType": "Condition", "id": "c", "clinicalStatus": clinical, "subject": about, "onsetDateTime": "2009-05-12",
            "code": {"coding": [problem]}}),
        json!({"resourceType": "MedicationStatement", "id": "m", "status": "active", "subject": about, "effectiveDateTime": "2026-10-20",
            "medicationCodeableConcept": {"coding": [medicine]}, "dosage": [{"text": "one a day", "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}]}),
    ];
    let resources = resources.iter().map(Value::to_string).collect();
    Supplier::of_resources(habits, &format!("http://{id}.testbed.example"), vec![(DEMO_PERSON.to_owned(), resources)]).unwrap()
}

async fn read(blocks: &'static str, files: &[(&'static str, &'static str)]) -> Answer {
    let brand = json!({"system": "https://dmd.nhs.uk", "code": "9000004"});
    let product = json!({"system": SNOMED, "code": "9000002"});
    let region = Region::of([
        supplier("ccr", json!({"system": SNOMED, "code": "111111112", "display": "What it was called", "userSelected": true}), product),
        supplier("nbr", json!({"system": "http://read.info/readv2", "code": "C10F.00"}), brand),
    ]);
    let verified = "nhs_number = \"verified\"";
    let setup = Setup {
        blocks,
        files: files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect(),
        sources: vec![("ccr", verified), ("nbr", verified)],
        ..Setup::default()
    };
    let world = World::around(Arc::new(region), &setup);
    let person = world.person(DEMO_PERSON).await;
    let answer = world.get(&format!("Patient/{person}/$everything?_revinclude=Provenance:target"), &world.doctor_of(&person)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

fn codings<'a>(answer: &'a Answer, id: &str, element: &str) -> &'a Vec<Value> {
    let of = |kind| answer.of_type(kind).find(|one| one["id"] == id);
    of("Condition").or_else(|| of("MedicationStatement")).unwrap()[element]["coding"].as_array().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_retired_code_and_a_mapped_one_are_one_problem_and_each_stays_as_it_was_sent() {
    let answer = read(BLOCK, FILES).await;
    let linked: Vec<usize> = answer.of_type("Linkage").map(|linkage| linkage["item"].as_array().unwrap().len()).collect();
    assert_eq!(linked, [2, 2], "the problem, and the medicine");
    let problem = codings(&answer, "ccr-c", "code");
    assert_eq!(problem[0], json!({"system": SNOMED, "code": "111111112", "display": "What it was called", "userSelected": true}));
    let mark = |how: &str| json!([{"url": "urn:severn:mapped", "valueCode": how}]);
    let added = |how: &str, code: &str| json!({"extension": mark(how), "system": SNOMED, "code": code, "userSelected": false});
    assert_eq!(problem[1..], [added("replaced", "44054006")]);
    let read = codings(&answer, "nbr-c", "code");
    assert_eq!(read[0], json!({"system": "http://read.info/readv2", "code": "C10F.00"}));
    assert_eq!(read[1..], [added("mapped", "44054006")]);
    let brand = codings(&answer, "nbr-m", "medicationCodeableConcept");
    assert_eq!(brand[0]["code"], "9000004");
    assert_eq!((&brand[1]["code"], &brand[1]["display"]), (&json!("9000002"), &json!("Madeupol 5mg tablets")));
    assert_eq!(codings(&answer, "ccr-m", "medicationCodeableConcept").len(), 1, "nothing is added to what is as it should be");
    assert_eq!(answer.text.matches("mapped-code").count(), 3, "each is named in the provenance");
}

#[tokio::test(start_paused = true)]
async fn without_files_exact_codes_still_join_and_nothing_is_added() {
    let answer = read("", &[]).await;
    assert_eq!(answer.of_type("Linkage").count(), 0);
    assert!(!answer.text.contains("urn:severn:mapped"));
}
