//! Tiers and keys, type by type: what joins, and what must not.

use record::Fate;
use serde_json::{Value, json};

use crate::said::*;

fn coded(code: &str) -> Value {
    json!({"coding": [{"system": "http://snomed.info/sct", "code": code}]})
}

/// A resource of a type from the elements that matter.
fn of(kind: &str, id: &str, more: Value) -> Value {
    let mut resource = json!({"resourceType": kind, "id": id});
    more.as_object().unwrap().iter().for_each(|(key, value)| resource[key] = value.clone());
    resource
}

/// Two statements of one type in two sources.
#[track_caller]
fn pair(kind: &str, one: Value, other: Value, clusters: &[&str], conflicts: &[&str]) {
    check(&[("gp", of(kind, "1", one)), ("uhb", of(kind, "2", other))], clusters, conflicts);
}

#[test]
fn versions_of_one_resource_are_its_history() {
    let version = |n: &str, status: &str| {
        of(
            "MedicationStatement",
            "1",
            json!({"meta": {"versionId": n, "lastUpdated": format!("2026-10-0{n}T09:00:00Z")}, "status": status}),
        )
    };
    let record = check(&[("gp", version("2", "entered-in-error")), ("gp", version("1", "active"))], &[], &[]);
    let shown: Vec<_> = record.items.iter().zip(&record.fates).filter(|(_, fate)| **fate != Fate::History).collect();
    assert_eq!(shown.len(), 1);
    assert!(shown[0].0.tree.root().is("status", "entered-in-error"), "a retraction is a newer version");
}

#[test]
fn an_unreadable_qualifier_may_group_and_never_collapses() {
    let marked = json!({"code": coded("91936005"), "modifierExtension": [{"url": "urn:x", "valueBoolean": true}]});
    let said = [("gp", of("AllergyIntolerance", "1", marked.clone())), ("uhb", of("AllergyIntolerance", "2", marked))];
    assert!(!check(&said, &["T2 gp-1 uhb-2"], &[]).clusters[0].collapses);
}

#[test]
fn onsets_meet_at_the_coarser_precision() {
    let since = |onset: &str| json!({"code": coded("44054006"), "onsetDateTime": onset});
    pair("Condition", since("2009-05-12"), since("2009"), &["T3 gp-1 uhb-2"], &[]);
    pair("Condition", since("2009-05-12"), since("2010"), &[], &[]);
    pair("Condition", since("2009-05-12"), json!({"code": coded("44054006")}), &[], &[]);
    let fine = |id: &str, onset: &str| ("gp", of("Condition", id, since(onset)));
    let coarse = ("uhb", of("Condition", "9", since("2009")));
    let record = check(&[fine("1", "2009-05-12"), fine("2", "2009-11-02"), coarse], &[], &[]);
    assert!(!record.hints.is_empty());
}

#[test]
fn a_problem_and_a_diagnosis_do_not_join() {
    let as_a = |category: &str| {
        json!({"code": coded("233604007"), "onsetDateTime": "2024-01-18",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": category}]}]})
    };
    pair("Condition", as_a("problem-list-item"), as_a("encounter-diagnosis"), &[], &[]);
    pair("Condition", as_a("problem-list-item"), as_a("problem-list-item"), &["T2 gp-1 uhb-2"], &[]);
}

#[test]
fn another_side_is_a_conflict() {
    let knee = |side: &str| json!({"code": coded("239873007"), "onsetDateTime": "2015-03", "bodySite": [coded(side)]});
    pair("Condition", knee("6757004"), knee("82169009"), &[], &["laterality gp-1 uhb-2"]);
}

#[test]
fn an_allergy_is_known_by_its_agent() {
    let named = |code: &str, text: &str| json!({"code": {"coding": [{"system": "http://snomed.info/sct", "code": code}], "text": text}});
    pair("AllergyIntolerance", named("91936005", "Allergy to penicillin"), named("764146007", "Penicillin"), &["T3 gp-1 uhb-2"], &[]);
    pair("AllergyIntolerance", named("91936005", "Allergy to penicillin"), named("294505008", "Allergy to amoxicillin"), &[], &[]);
    let reaction = json!({"reaction": [{"substance": coded("764146007")}]});
    pair("AllergyIntolerance", reaction, json!({"code": coded("764146007")}), &["T3 gp-1 uhb-2"], &[]);
}

#[test]
fn a_medicine_is_its_product_dose_and_frequency() {
    let line = |status: &str, dose: &str, often: u32, unit: &str| {
        json!({"status": status, "intent": "order", "medicationCodeableConcept": coded("319283006"), "authoredOn": "2026-01-05",
            "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": serde_json::from_str::<serde_json::Number>(dose).unwrap(), "unit": "mg"}}],
                "timing": {"repeat": {"frequency": often, "period": 1, "periodUnit": unit}}}]})
    };
    let kind = "MedicationRequest";
    pair(kind, line("active", "500", 2, "d"), line("active", "500.0", 2, "d"), &["T2 gp-1 uhb-2"], &[]);
    pair(kind, line("active", "500", 2, "d"), line("active", "850", 2, "d"), &[], &["dose gp-1 uhb-2"]);
    // Weekly and daily never meet.
    pair(kind, line("active", "10", 1, "wk"), line("active", "10", 1, "d"), &[], &["dose gp-1 uhb-2"]);
    pair(kind, line("active", "5", 1, "d"), line("stopped", "5", 1, "d"), &[], &["status gp-1 uhb-2"]);
    let mut other = line("active", "500", 2, "d");
    other["medicationCodeableConcept"] = coded("319284000");
    pair(kind, line("active", "500", 2, "d"), other, &[], &[]);
    let statement = of("MedicationStatement", "2", json!({"status": "active", "medicationCodeableConcept": coded("319283006")}));
    check(&[("gp", of(kind, "1", line("active", "500", 2, "d"))), ("uhb", statement)], &[], &[]);
}

#[test]
fn a_medicine_is_found_inside_and_behind_a_reference() {
    let contained = json!({"status": "active", "intent": "order", "contained": [{"resourceType": "Medication", "id": "m", "code": coded("319283006")}], "medicationReference": {"reference": "#m"}});
    let inline = json!({"status": "active", "intent": "order", "medicationCodeableConcept": coded("319283006")});
    pair("MedicationRequest", contained, inline.clone(), &["T3 gp-1 uhb-2"], &[]);
    let behind = of(
        "MedicationRequest",
        "1",
        json!({"status": "active", "intent": "order", "medicationReference": {"reference": "Medication/gp-m"}}),
    );
    let product = of("Medication", "m", json!({"code": coded("319283006")}));
    check(&[("gp", behind), ("gp", product), ("uhb", of("MedicationRequest", "2", inline))], &["T3 gp-1 uhb-2"], &[]);
}

#[test]
fn a_course_that_ended_before_is_another() {
    let course = |status: &str, from: &str| json!({"status": status, "intent": "order", "medicationCodeableConcept": coded("323509004"), "authoredOn": from});
    pair("MedicationRequest", course("completed", "2015-01-05"), course("active", "2026-01-05"), &[], &[]);
    pair("MedicationRequest", course("completed", "2015-01-05"), course("completed", "2019-01-05"), &[], &[]);
    pair("MedicationRequest", course("active", "2015-01-05"), course("stopped", "2026-01-05"), &[], &["status gp-1 uhb-2"]);
}

#[test]
fn a_vaccine_is_of_one_day_dose_and_lot() {
    let given = |at: &str, lot: Option<&str>, dose: Option<u32>| {
        let mut said = json!({"status": "completed", "vaccineCode": coded("1324681000000101"), "occurrenceDateTime": at});
        if let Some(lot) = lot {
            said["lotNumber"] = json!(lot);
        }
        if let Some(dose) = dose {
            said["protocolApplied"] = json!([{"doseNumberPositiveInt": dose}]);
        }
        said
    };
    let kind = "Immunization";
    pair(kind, given("2026-10-06", None, None), given("2026-10-06T10:40:00+01:00", None, None), &["T3 gp-1 uhb-2"], &[]);
    pair(kind, given("2026-10-06", None, None), given("2026-10-07", None, None), &[], &[]);
    pair(kind, given("2026-10-06", Some("A1"), None), given("2026-10-06", Some("B2"), None), &[], &["lot gp-1 uhb-2"]);
    pair(kind, given("2026-10-06", Some("A1"), Some(1)), given("2026-10-06", Some("A1"), Some(2)), &[], &["dose-number gp-1 uhb-2"]);
    pair(kind, given("2026-10-06", Some("A1"), None), given("2026-10-06", None, None), &["T3 gp-1 uhb-2"], &[]);
}

#[test]
fn a_result_is_of_one_time_value_and_unit() {
    let result = |at: &str, value: &str, unit: &str| {
        json!({"status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}, "effectiveDateTime": at,
            "valueQuantity": {"value": serde_json::from_str::<serde_json::Number>(value).unwrap(), "unit": unit, "code": unit}})
    };
    let kind = "Observation";
    let at = "2026-10-14T09:00:00Z";
    pair(kind, result(at, "5.6", "mmol/L"), result("2026-10-14T10:00:00+01:00", "5600", "umol/L"), &["T2 gp-1 uhb-2"], &[]);
    pair(kind, result(at, "5.6", "mmol/L"), result(at, "5.7", "mmol/L"), &[], &["value gp-1 uhb-2"]);
    pair(kind, result(at, "5.6", "mmol/L"), result(at, "5.6", "mg/dL"), &[], &[]);
    // A day never equals a time on that day, nor another statement of that day.
    pair(kind, result("2026-10-14", "5.6", "mmol/L"), result(at, "5.6", "mmol/L"), &[], &[]);
    pair(kind, result("2026-10-14", "5.6", "mmol/L"), result("2026-10-14", "5.6", "mmol/L"), &[], &[]);
}

#[test]
fn identical_twice_in_each_source_are_two_pairs() {
    let result = |id: &str| {
        of(
            "Observation",
            id,
            json!({"status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
            "effectiveDateTime": "2026-10-14T09:00:00Z", "valueQuantity": {"value": 6.1, "unit": "%", "code": "%"}}),
        )
    };
    let said = [("gp", result("1")), ("gp", result("2")), ("uhb", result("3")), ("uhb", result("4"))];
    check(&said, &["T2 gp-1 uhb-3", "T2 gp-2 uhb-4"], &[]);
    check(&said[..3], &["T2 gp-1 uhb-3"], &[]);
}

#[test]
fn plans_are_never_put_behind_one_another() {
    let plan = |said: &str| json!({"status": "active", "intent": "plan", "title": "ReSPECT", "period": {"start": "2026-03-01"}, "description": said});
    let said = [("gp", of("CarePlan", "1", plan("Not for resuscitation"))), ("uhb", of("CarePlan", "2", plan("Not for resuscitation")))];
    assert!(!check(&said, &["T2 gp-1 uhb-2"], &[]).clusters[0].collapses);
    pair("CarePlan", plan("Not for resuscitation"), plan("For full treatment"), &[], &["recommendation gp-1 uhb-2"]);
}

#[test]
fn source_patients_stay_each_under_its_own_id() {
    let patient = json!({"identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"}], "birthDate": "1948-03-11"});
    pair("Organization", json!({"name": "Ward 7"}), json!({"name": "Ward 7"}), &["T2 gp-1 uhb-2"], &[]);
    pair("Patient", patient.clone(), patient, &[], &[]);
}

#[test]
fn decisions_of_two_dates_that_differ_are_a_conflict() {
    let plan = |from: &str, said: &str| json!({"status": "active", "intent": "plan", "title": "ReSPECT", "period": {"start": from}, "activity": [{"detail": {"code": {"text": said}}}]});
    pair(
        "CarePlan",
        plan("2024-05-08", "For attempted cardiopulmonary resuscitation"),
        plan("2026-02-17", "Not for attempted cardiopulmonary resuscitation"),
        &[],
        &["recommendation uhb-2 gp-1"],
    );
    // A code of one's own beside the same words says nothing else.
    let mut coded = plan("2026-02-17", "Ring daughter first");
    coded["activity"][0]["detail"]["code"]["coding"] = json!([{"system": "urn:local", "code": "43185229"}]);
    pair("CarePlan", plan("2026-02-17", "Ring daughter first"), coded, &["T3 gp-1 uhb-2"], &[]);
}

#[test]
fn a_copy_beside_somebody_elses_statement_hides_no_conflict() {
    let says = |criticality: &str, identifier: Option<(&str, &str)>| {
        let mut said = json!({"code": coded("91936005"), "criticality": criticality});
        if let Some((system, value)) = identifier {
            said["identifier"] = json!([{"system": system, "value": value}]);
        }
        said
    };
    let practice = Some(("https://EMISWeb/M81009", "38"));
    let said = [
        ("gp", of("AllergyIntolerance", "1", says("low", practice))),
        ("ccr", of("AllergyIntolerance", "copy", says("low", practice))),
        ("ccr", of("AllergyIntolerance", "other", says("high", None))),
    ];
    check(&said, &["T1 ccr-copy gp-1"], &["criticality ccr-other ccr-copy gp-1"]);
    // Two lines of the practice itself are the practice's own business, whoever copies one of them.
    let said = [
        ("gp", of("AllergyIntolerance", "1", says("low", practice))),
        ("ccr", of("AllergyIntolerance", "copy", says("low", practice))),
        ("gp", of("AllergyIntolerance", "other", says("high", None))),
    ];
    check(&said, &["T1 ccr-copy gp-1"], &[]);
}

#[test]
fn a_retraction_written_down_later_is_still_of_that_statement() {
    let said = |status: &str, recorded: &str| {
        json!({"code": coded("425525006"), "recordedDate": recorded, "identifier": [{"system": "https://EMISWeb/M1", "value": "0C"}],
            "verificationStatus": {"coding": [{"code": status}]}})
    };
    let said = [
        ("gp", of("AllergyIntolerance", "1", said("entered-in-error", "2026-04-15"))),
        ("ohc", of("AllergyIntolerance", "2", said("confirmed", "2026-03-20"))),
    ];
    assert!(check(&said, &["T1 gp-1 ohc-2"], &[]).clusters[0].retracted);
}

#[test]
fn one_filler_number_joins_a_coded_result_and_its_copy_in_words() {
    let result = |code: Value| {
        json!({"status": "final", "code": code, "effectiveDateTime": "2026-10-14T09:00:00Z", "valueQuantity": {"value": 12, "unit": "ug/L"},
            "identifier": [{"system": "https://fhir.nhs.uk/Id/cross-care-setting-identifier", "value": "LAB-1"}]})
    };
    let words = json!({"text": "Serum ferritin"});
    let coded = json!({"text": "Serum ferritin", "coding": [{"system": "http://loinc.org", "code": "2276-4"}]});
    pair("Observation", result(words), result(coded.clone()), &["T1 gp-1 uhb-2"], &[]);
    pair("Observation", result(json!({"text": "Serum iron"})), result(coded), &[], &[]);
}
