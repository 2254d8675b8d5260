//! R4 said in STU3, and said in R4 again.

use std::collections::BTreeSet;

use fhir::{Kind, Tree, Version};
use record::{Finding, FindingCode};
use serde_json::Value;

use super::super::down::{Telling, to_stu3};
use super::{CASES, folders, leaves, resources, shape, to_r4};

const TELLING: Telling<'_> =
    Telling { r4_base: "http://x/fhir/R4", stu3_base: "http://x/fhir/STU3", is_referral: &|id| id == "r", asked: None };

/// Says a resource in STU3: how many findings that gave, and what is wrong with it.
pub(super) fn faults(tree: &mut Tree) -> (usize, Vec<String>) {
    let before = tree.clone();
    let findings = to_stu3(tree, &TELLING);
    let mut faults = leaves::lost(&before, tree, &findings);
    faults.iter_mut().for_each(|lost| *lost = format!("lost: {lost}"));
    // As it is written.
    let again = Tree::from_json(tree.to_json().into()).unwrap();
    faults.extend(shape::faults_of(Version::Stu3, &again));
    (findings.len(), faults)
}

fn down(json: &str) -> (Value, Vec<record::Finding>) {
    let mut tree = Tree::from_json(json.to_owned().into()).unwrap();
    let findings = to_stu3(&mut tree, &TELLING);
    (serde_json::from_str(&tree.to_json()).unwrap(), findings)
}

/// What our own translations make is said in STU3 whole.
#[test]
fn what_came_from_older_versions_keeps_every_leaf() {
    for (dialect, version) in CASES {
        for case in folders(dialect) {
            for mut tree in resources(&case) {
                if to_r4(*version, &mut tree, &mut Vec::new()).is_ok() {
                    let (_, faults) = faults(&mut tree);
                    assert_eq!(faults, Vec::<String>::new(), "{case:?} {}", tree.to_json());
                }
            }
        }
    }
}

/// Leaves with the last key that they stand under: what a reader sees of a resource, wherever its version puts it.
fn facts(tree: &Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut stack = vec![tree.root()];
    while let Some(node) = stack.pop() {
        stack.extend(node.items());
        if let Some(value) = node.value() {
            let _ = found.insert(value.into_owned());
        }
    }
    found
}

/// STU3 to R4 to STU3: what a supplier said, a reader of STU3 finds again, or the way up has told what became of it.
#[test]
fn what_goes_up_comes_down_again() {
    for case in folders("fhir-stu3").into_iter().filter(|case| !case.ends_with("odd")) {
        for before in resources(&case) {
            let (mut tree, mut findings) = (before.clone(), Vec::new());
            if to_r4(Version::Stu3, &mut tree, &mut findings).is_err() {
                continue;
            }
            to_stu3(&mut tree, &TELLING);
            let (was, is) = (facts(&before), facts(&tree));
            let told = |value: &str| elements(before.root(), value).iter().any(|element| is_told(element, &findings));
            let gone: Vec<&String> = was
                .difference(&is)
                .filter(|value| !value.starts_with("http") && !RESPELT.contains(&value.as_str()) && !told(value))
                .collect();
            assert!(gone.is_empty(), "{gone:?}\n{}\n{}\n{findings:?}", before.to_json(), tree.to_json());
        }
    }
}

/// Whether a finding speaks of an element, or of the one it stands in.
fn is_told(element: &str, findings: &[Finding]) -> bool {
    let (above, _) = element.rsplit_once('.').unwrap_or((element, ""));
    findings.iter().filter_map(|finding| finding.path.split_once('.')).any(|(_, path)| path == element || path == above)
}

/// Where a value stands.
fn elements(node: fhir::Ref<'_>, value: &str) -> Vec<String> {
    if node.is_primitive() {
        return if node.value().is_some_and(|own| own == value) { vec![node.path()] } else { Vec::new() };
    }
    node.items().flat_map(|child| elements(child, value)).collect()
}

/// Values that R4 says by silence or another word and STU3 need not say.
///
/// What is active, completed or in progress and did not happen is `not-done` in R4, and no more active on the way back.
const RESPELT: &[&str] = &["active", "completed", "false", "in-progress", "y"];

/// R4 to STU3 to R4: what was carried is back in its own element, and the resource says what it said.
#[test]
fn what_comes_down_goes_up_again() {
    let check = |json: &str| {
        let mut tree = Tree::from_json(json.to_owned().into()).unwrap();
        let before: Value = serde_json::from_str(json).unwrap();
        to_stu3(&mut tree, &TELLING);
        let said = tree.to_json();
        let mut tree = Tree::from_json(said.clone().into()).unwrap();
        to_r4(Version::Stu3, &mut tree, &mut Vec::new()).unwrap();
        let after: Value = serde_json::from_str(&tree.to_json()).unwrap();
        assert_eq!(after, before, "{said}");
    };
    for json in ROUND {
        check(json);
    }
}

const ROUND: &[&str] = &[
    r#"{"resourceType":"AllergyIntolerance","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active","display":"Active"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"confirmed"}]},"code":{"text":"penicillin"},"patient":{"reference":"Patient/1"},"encounter":{"reference":"Encounter/1"},"recordedDate":"2020-01-01"}"#,
    r#"{"resourceType":"Condition","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"relapse"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"unconfirmed"}]},"subject":{"reference":"Patient/1"},"recorder":{"reference":"Practitioner/1"},"stage":[{"type":{"text":"t"}},{"summary":{"text":"2"}}]}"#,
    r#"{"resourceType":"Immunization","status":"not-done","statusReason":{"text":"refused"},"vaccineCode":{"text":"flu"},"patient":{"reference":"Patient/1"},"occurrenceDateTime":"2020","recorded":"2020-01-02","primarySource":true,"performer":[{"function":{"text":"f"},"actor":{"reference":"Practitioner/1"}}],"reasonCode":[{"text":"age"}],"isSubpotent":false}"#,
    r#"{"resourceType":"MedicationStatement","status":"not-taken","statusReason":[{"text":"sick"}],"medicationCodeableConcept":{"text":"m"},"subject":{"reference":"Patient/1"},"dosage":[{"text":"one","doseAndRate":[{"doseQuantity":{"value":1.50,"unit":"mg"}}]}]}"#,
    r#"{"resourceType":"MedicationRequest","status":"active","intent":"original-order","category":[{"text":"a"},{"text":"b"}],"doNotPerform":true,"reportedBoolean":true,"medicationCodeableConcept":{"text":"m"},"subject":{"reference":"Patient/1"},"encounter":{"reference":"Encounter/1"},"requester":{"reference":"Practitioner/1","display":"Dr"},"courseOfTherapyType":{"text":"c"},"dispenseRequest":{"initialFill":{"quantity":{"value":3}},"numberOfRepeatsAllowed":2},"substitution":{"allowedBoolean":true}}"#,
    r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2020","valueInteger":12,"note":[{"authorString":"me","text":"one"}],"hasMember":[{"reference":"Observation/2"}],"derivedFrom":[{"reference":"Observation/3"}],"interpretation":[{"text":"H"},{"text":"HH"}],"component":[{"code":{"text":"c"},"valueBoolean":true}]}"#,
    r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/1"},"note":[{"text":"one"},{"text":"two"}]}"#,
    r#"{"resourceType":"Procedure","status":"not-done","statusReason":{"text":"ill"},"code":{"text":"p"},"subject":{"reference":"Patient/1"},"performedString":"lately"}"#,
    r#"{"resourceType":"Procedure","status":"stopped","code":{"text":"p"},"subject":{"reference":"Patient/1"},"performer":[{"function":{"text":"f"},"actor":{"reference":"Practitioner/1"}}],"asserter":{"reference":"Practitioner/1"}}"#,
    r#"{"resourceType":"ServiceRequest","status":"revoked","intent":"directive","category":[{"coding":[{"system":"http://snomed.info/sct","code":"3457005"}]}],"code":{"text":"cardiology"},"orderDetail":[{"text":"soon"}],"subject":{"reference":"Patient/1"},"requester":{"reference":"Practitioner/1"},"performerType":{"text":"s"},"performer":[{"reference":"Organization/1"},{"reference":"Organization/2"}],"patientInstruction":"fast"}"#,
    r#"{"resourceType":"ServiceRequest","status":"active","intent":"order","doNotPerform":true,"code":{"text":"FBC"},"subject":{"reference":"Patient/1"},"quantityQuantity":{"value":2},"performer":[{"reference":"Organization/1"},{"reference":"Organization/2"}]}"#,
    r#"{"resourceType":"CarePlan","status":"revoked","intent":"plan","subject":{"reference":"Patient/1"},"encounter":{"reference":"Encounter/1"},"created":"2020","author":{"reference":"Practitioner/1"},"contributor":[{"reference":"Practitioner/2"}],"activity":[{"detail":{"kind":"Task","status":"stopped","statusReason":{"text":"s","coding":[{"code":"1"}]},"doNotPerform":true}}]}"#,
    r#"{"resourceType":"DocumentReference","status":"current","type":{"text":"t"},"category":[{"text":"a"},{"text":"b"}],"subject":{"reference":"Patient/1"},"date":"2020-01-01T00:00:00Z","content":[{"attachment":{"url":"Binary/1"}}],"context":{"encounter":[{"reference":"Encounter/1"},{"reference":"Encounter/2"}],"related":[{"reference":"Observation/1"}]}}"#,
    r#"{"resourceType":"DiagnosticReport","status":"final","category":[{"text":"a"},{"text":"b"}],"code":{"text":"r"},"subject":{"reference":"Patient/1"},"performer":[{"reference":"Organization/1"}],"resultsInterpreter":[{"reference":"Practitioner/1"}],"conclusionCode":[{"text":"c"}],"media":[{"link":{"reference":"Media/1"}}]}"#,
    r#"{"resourceType":"Goal","lifecycleStatus":"active","achievementStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/goal-achievement","code":"sustaining"}]},"description":{"text":"g"},"subject":{"reference":"Patient/1"},"target":[{"dueDate":"2020"},{"dueDate":"2021"}]}"#,
    r#"{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"g"},"subject":{"reference":"Patient/1"}}"#,
    r#"{"resourceType":"Appointment","status":"waitlist","cancelationReason":{"text":"c"},"serviceCategory":[{"text":"a"},{"text":"b"}],"reasonCode":[{"text":"r"}],"patientInstruction":"p","participant":[{"status":"accepted","period":{"start":"2020"}}]}"#,
    r#"{"resourceType":"Communication","status":"not-done","statusReason":{"text":"s"},"topic":{"text":"t"},"about":[{"reference":"Condition/1"}],"subject":{"reference":"Patient/1"}}"#,
    r#"{"resourceType":"Consent","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"adr"}]},"category":[{"text":"c"}],"patient":{"reference":"Patient/1"},"policyRule":{"text":"p"},"provision":{"code":[{"text":"k"}],"period":{"start":"2020"},"actor":[{"role":{"text":"r"},"reference":{"reference":"Practitioner/1"}}],"provision":[{"type":"permit","period":{"start":"2021"}}]},"verification":[{"verified":true}]}"#,
    r#"{"resourceType":"Task","status":"ready","intent":"order","priority":"urgent","for":{"reference":"Patient/1"},"encounter":{"reference":"Encounter/1"},"requester":{"reference":"Practitioner/1"},"reasonCode":{"text":"r"},"location":{"reference":"Location/1"}}"#,
    r#"{"resourceType":"QuestionnaireResponse","questionnaire":"http://q/1","status":"completed","subject":{"reference":"Patient/1"},"encounter":{"reference":"Encounter/1"},"item":[{"linkId":"1","answer":[{"valueBoolean":true}]}]}"#,
    r#"{"resourceType":"Encounter","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"serviceType":{"text":"s"},"subject":{"reference":"Patient/1"},"reasonCode":[{"text":"r"}],"reasonReference":[{"reference":"Condition/1"}],"appointment":[{"reference":"Appointment/1"},{"reference":"Appointment/2"}],"location":[{"location":{"reference":"Location/1"},"physicalType":{"text":"ward"}}]}"#,
    r#"{"resourceType":"FamilyMemberHistory","status":"completed","patient":{"reference":"Patient/1"},"relationship":{"text":"m"},"sex":{"coding":[{"system":"http://hl7.org/fhir/administrative-gender","code":"female"}]},"condition":[{"code":{"text":"c"},"contributedToDeath":true}]}"#,
    r#"{"resourceType":"DetectedIssue","status":"final","code":{"text":"c"},"identifiedDateTime":"2020","implicated":[{"reference":"Condition/1"}],"evidence":[{"detail":[{"reference":"Observation/1"}]}]}"#,
    r#"{"resourceType":"Device","udiCarrier":[{"deviceIdentifier":"1"}],"deviceName":[{"name":"M","type":"model-name"},{"name":"F","type":"user-friendly-name"}],"serialNumber":"s","version":[{"value":"1"}],"patient":{"reference":"Patient/1"}}"#,
    r#"{"resourceType":"Medication","identifier":[{"value":"1"}],"code":{"text":"m"},"amount":{"numerator":{"value":1}},"ingredient":[{"itemCodeableConcept":{"text":"i"},"strength":{"numerator":{"value":1}}}],"batch":{"lotNumber":"L"}}"#,
    r#"{"resourceType":"MedicationDispense","status":"declined","statusReasonCodeableConcept":{"text":"s"},"medicationCodeableConcept":{"text":"m"},"subject":{"reference":"Patient/1"},"location":{"reference":"Location/1"}}"#,
    r#"{"resourceType":"MedicationAdministration","status":"not-done","statusReason":[{"text":"s"}],"medicationCodeableConcept":{"text":"m"},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2020","request":{"reference":"MedicationRequest/1"},"performer":[{"function":{"text":"f"},"actor":{"reference":"Practitioner/1"}}]}"#,
    r#"{"resourceType":"Patient","meta":{"source":"urn:x"},"identifier":[{"use":"old","value":"1"}],"address":[{"use":"billing","text":"a"}]}"#,
];

/// Whoever overlooks a flag must not be misled by the status beside it.
#[test]
fn what_was_not_done_is_not_said_to_be_done() {
    let check = |json: &str, flag: &str, expected: Value, status: &str| {
        let (out, _) = down(json);
        assert_eq!((&out[flag], out["status"].as_str()), (&expected, Some(status)), "{out}");
    };
    check(r#"{"resourceType":"Immunization","status":"not-done"}"#, "notGiven", true.into(), "completed");
    check(r#"{"resourceType":"Immunization","status":"completed"}"#, "notGiven", false.into(), "completed");
    check(r#"{"resourceType":"Procedure","status":"not-done"}"#, "notDone", true.into(), "unknown");
    check(r#"{"resourceType":"MedicationAdministration","status":"not-done"}"#, "notGiven", true.into(), "unknown");
    check(r#"{"resourceType":"MedicationDispense","status":"declined"}"#, "notDone", true.into(), "stopped");
    check(r#"{"resourceType":"MedicationStatement","status":"not-taken"}"#, "taken", "n".into(), "stopped");
    check(r#"{"resourceType":"MedicationStatement","status":"active"}"#, "taken", "y".into(), "active");
    check(r#"{"resourceType":"MedicationStatement","status":"on-hold"}"#, "taken", "unk".into(), "on-hold");
}

#[test]
fn a_qualifier_stu3_has_no_element_for_may_not_be_overlooked() {
    let (out, findings) = down(r#"{"resourceType":"MedicationRequest","doNotPerform":true}"#);
    let url = "http://hl7.org/fhir/4.0/StructureDefinition/extension-MedicationRequest.doNotPerform";
    assert_eq!(out["modifierExtension"][0]["url"], url, "{out}");
    assert!(findings.iter().any(|one| one.code == FindingCode::Lossy && one.path == "MedicationRequest.doNotPerform"));
}

/// What leads to a request, or to the exchange, leads there by its name in STU3.
#[test]
fn references_follow_their_targets() {
    let (out, _) = down(
        r##"{"resourceType":"Observation","basedOn":[{"reference":"ServiceRequest/r"},{"reference":"ServiceRequest/p"},{"reference":"#c"},
        {"reference":"http://x/fhir/R4/ServiceRequest/r"},{"reference":"http://elsewhere/ServiceRequest/r"}],"focus":[{"reference":"BodyStructure/1"}]}"##,
    );
    let expected =
        ["ReferralRequest/r", "ProcedureRequest/p", "#c", "http://x/fhir/STU3/ReferralRequest/r", "http://elsewhere/ServiceRequest/r"];
    for (place, expected) in expected.iter().enumerate() {
        assert_eq!(out["basedOn"][place]["reference"], **expected, "{out}");
    }
    assert_eq!(out["extension"][0]["valueReference"]["reference"], "BodySite/1");
    let (out, _) = down(r#"{"resourceType":"Encounter","basedOn":[{"reference":"ServiceRequest/p"}]}"#);
    assert_eq!(out["incomingReferral"][0]["reference"], "ReferralRequest/p");
    let (out, _) = down(r#"{"resourceType":"DocumentReference","content":[{"attachment":{"url":"http://x/fhir/R4/Binary/1"}}]}"#);
    assert_eq!(out["content"][0]["attachment"]["url"], "http://x/fhir/STU3/Binary/1");
}

#[test]
fn a_referral_is_told_from_other_requests() {
    let check = |json: &str, expected: &str| assert_eq!(down(json).0["resourceType"], expected, "{json}");
    check(r#"{"resourceType":"ServiceRequest","code":{"text":"Full blood count"}}"#, "ProcedureRequest");
    check(r#"{"resourceType":"ServiceRequest","code":{"text":"Referral to cardiology"}}"#, "ReferralRequest");
    check(
        r#"{"resourceType":"ServiceRequest","category":[{"coding":[{"system":"http://snomed.info/sct","code":"3457005"}]}]}"#,
        "ReferralRequest",
    );
    check(r#"{"resourceType":"ServiceRequest","category":[{"coding":[{"system":"http://x","code":"3457005"}]}]}"#, "ProcedureRequest");
    let mut tree =
        Tree::from_json(r#"{"resourceType":"ReferralRequest","status":"active","serviceRequested":[{"text":"x"}]}"#.into()).unwrap();
    to_r4(Version::Stu3, &mut tree, &mut Vec::new()).unwrap();
    to_stu3(&mut tree, &TELLING);
    assert_eq!(tree.resource_type().unwrap(), "ReferralRequest");
}

#[test]
fn a_type_that_stu3_lacks_travels_as_a_basic() {
    let (out, findings) =
        down(r#"{"resourceType":"VerificationResult","id":"1","status":"validated","code":"odd","target":[{"reference":"Patient/1"}]}"#);
    assert_eq!((&out["resourceType"], &out["code"]["coding"][0]["code"]), (&"Basic".into(), &"VerificationResult".into()));
    assert!(
        out["extension"].as_array().unwrap().iter().any(|one| one["valueCode"] == "validated" || one["valueString"] == "validated"),
        "{out}"
    );
    assert!(findings.len() > 2);
}

#[test]
fn every_type_of_stu3_leads_to_one_of_r4_and_back() {
    for kind in Kind::all() {
        let name = super::super::down::stu3_name(kind);
        if name != "Basic" {
            assert_eq!(super::super::down::stu3_kinds(name), Some(kind), "{name}");
        }
    }
    assert_eq!(super::super::down::stu3_kinds("ReferralRequest"), Some(Kind::SERVICE_REQUEST));
    assert_eq!(super::super::down::stu3_kinds("Basic"), Some(Kind::BASIC));
    for nobody in ["ServiceRequest", "MedicationOrder", "Dosage", ""] {
        assert_eq!(super::super::down::stu3_kinds(nobody), None, "{nobody}");
    }
}
