//! Golden cases of joining: each failed somewhere, or would harm.

use join::states;
use record::{AllergyState, FindingCode, Need};
use serde_json::{Value, json};

use crate::said::*;

const SNOMED: &str = "http://snomed.info/sct";

fn coded(code: &str) -> Value {
    json!({"coding": [{"system": SNOMED, "code": code}]})
}

fn with(mut resource: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        resource[key] = value.clone();
    }
    resource
}

fn status(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code}]})
}

fn allergy(id: &str, code: &str, more: Value) -> Value {
    with(
        json!({"resourceType": "AllergyIntolerance", "id": id, "code": coded(code), "clinicalStatus": status("allergyintolerance-clinical", "active")}),
        more,
    )
}

fn condition(id: &str, code: &str, more: Value) -> Value {
    with(json!({"resourceType": "Condition", "id": id, "code": coded(code)}), more)
}

fn statement(id: &str, code: &str, more: Value) -> Value {
    with(json!({"resourceType": "MedicationStatement", "id": id, "status": "active", "medicationCodeableConcept": coded(code)}), more)
}

fn result(id: &str, code: &str, at: &str, value: &str) -> Value {
    let value: serde_json::Number = serde_json::from_str(value).unwrap();
    json!({"resourceType": "Observation", "id": id, "status": "final", "effectiveDateTime": at,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}})
}

#[test]
fn golden_01_anaphylaxis_carried_in_code_only_survives() {
    let record = check(&[("gp", allergy("1", "91936005", json!({"reaction": [{"manifestation": [{"text": "Anaphylaxis"}]}]})))], &[], &[]);
    assert!(record.items[0].tree.root().is("code.coding.code", "91936005"));
    assert_eq!(states(&record, &Need::everything())[0], ("allergies", AllergyState::Known));
}

#[test]
fn golden_02_confirmed_high_against_refuted_low_is_a_conflict() {
    let high = allergy(
        "1",
        "91936005",
        json!({"criticality": "high", "verificationStatus": status("allergyintolerance-verification", "confirmed")}),
    );
    let low =
        allergy("2", "91936005", json!({"criticality": "low", "verificationStatus": status("allergyintolerance-verification", "refuted")}));
    let record = check(&[("gp", high), ("uhb", low)], &[], &["criticality gp-1 uhb-2", "verification-status gp-1 uhb-2"]);
    assert!(
        record.items.iter().any(|item| item.tree.root().is("criticality", "low")),
        "no field is taken from one and written into another"
    );
}

#[test]
fn golden_03_an_error_is_not_revived_and_removes_nobody_elses_statement() {
    let live = statement("1", "319283006", json!({}));
    let error = statement("2", "319283006", json!({"status": "entered-in-error"}));
    check(&[("gp", live), ("uhb", error)], &[], &["status gp-1 uhb-2"]);
}

#[test]
fn golden_04_a_statement_with_an_inline_code_survives() {
    let record = check(&[("gp", statement("1", "319283006", json!({})))], &[], &[]);
    assert!(record.items[0].tree.root().is("medicationCodeableConcept.coding.code", "319283006"));
}

#[test]
fn golden_05_confirmed_and_dated_against_refuted_and_undated_is_a_conflict() {
    let confirmed = condition(
        "1",
        "73211009",
        json!({"onsetDateTime": "2009-05-12", "verificationStatus": status("condition-ver-status", "confirmed")}),
    );
    let refuted = condition("2", "73211009", json!({"verificationStatus": status("condition-ver-status", "refuted")}));
    check(&[("gp", confirmed), ("uhb", refuted)], &[], &["verification-status gp-1 uhb-2"]);
}

fn pressure(id: &str, systolic: u32, diastolic: u32) -> Value {
    let part = |code: &str, value: u32| json!({"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": value, "code": "mm[Hg]"}});
    json!({"resourceType": "Observation", "id": id, "status": "final", "effectiveDateTime": "2026-09-02T09:05:00+01:00",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}, "component": [part("8480-6", systolic), part("8462-4", diastolic)]})
}

#[test]
fn golden_06_a_panel_without_a_value_of_its_own_survives() {
    let record = check(&[("gp", pressure("1", 152, 84)), ("ccr", pressure("2", 152, 84))], &["T2 ccr-2 gp-1"], &[]);
    assert_eq!(record.items[0].tree.root().all("component").len(), 2);
    check(&[("gp", pressure("1", 152, 84)), ("ccr", pressure("2", 152, 94))], &[], &["value ccr-2 gp-1"]);
}

#[test]
fn golden_07_one_value_at_two_times_is_two_results() {
    let morning = result("1", "2823-3", "2026-10-14T09:00:00Z", "6.1");
    let afternoon = result("2", "2823-3", "2026-10-14T15:00:00Z", "6.1");
    check(&[("gp", morning.clone()), ("uhb", afternoon.clone())], &[], &[]);
    check(&[("gp", morning), ("gp", afternoon)], &[], &[]);
}

fn vaccine(id: &str, at: &str, more: Value) -> Value {
    with(
        json!({"resourceType": "Immunization", "id": id, "status": "completed", "vaccineCode": coded("1324681000000101"), "occurrenceDateTime": at}),
        more,
    )
}

#[test]
fn golden_08_a_vaccine_given_and_not_given_on_one_day_is_a_conflict() {
    check(
        &[("gp", vaccine("1", "2026-10-06", json!({}))), ("rx", vaccine("2", "2026-10-06", json!({"status": "not-done"})))],
        &[],
        &["status gp-1 rx-2"],
    );
}

#[test]
fn golden_09_two_episodes_of_one_code_in_one_source_are_two() {
    let first = condition("1", "195967001", json!({"onsetDateTime": "2024-01-18"}));
    let second = condition("2", "195967001", json!({"onsetDateTime": "2026-02-03"}));
    check(&[("gp", first.clone()), ("gp", second.clone())], &[], &[]);
    // And the same twice is still two: two resources of one source never group.
    check(&[("gp", first.clone()), ("gp", condition("3", "195967001", json!({"onsetDateTime": "2024-01-18"})))], &[], &[]);
    // Another source's copy of one of them joins that one.
    check(
        &[("gp", first), ("gp", second), ("uhb", condition("9", "195967001", json!({"onsetDateTime": "2024-01-18"})))],
        &["T2 gp-1 uhb-9"],
        &[],
    );
}

#[test]
fn golden_19_two_systems_one_person_each_fact_once() {
    let said = [
        ("gp", condition("1", "44054006", json!({"onsetDateTime": "2009-05-12"}))),
        ("uhb", condition("1", "44054006", json!({"onsetDateTime": "2009"}))),
        ("gp", allergy("2", "91936005", json!({"criticality": "high"}))),
        ("uhb", allergy("2", "91936005", json!({"criticality": "low"}))),
        ("gp", result("3", "2823-3", "2026-10-14T08:55:00+01:00", "5.6")),
        ("uhb", result("3", "2823-3", "2026-10-14T07:55:00Z", "5.60")),
    ];
    check(&said, &["T3 gp-1 uhb-1", "T2 gp-3 uhb-3"], &["criticality gp-2 uhb-2"]);
}

#[test]
fn golden_21_a_prescription_of_four_is_four_lines_and_a_panel_of_seven_is_seven_results() {
    let group = json!([{"system": "https://fhir.nhs.uk/Id/prescription-order-number", "value": "AB12-C"}]);
    let line = |source: &'static str, n: usize| {
        let more = json!({"groupIdentifier": group[0], "identifier": group});
        (
            source,
            with(
                json!({"resourceType": "MedicationRequest", "id": n.to_string(), "status": "active", "intent": "order", "authoredOn": "2026-10-01", "medicationCodeableConcept": coded(&format!("31928{n}006"))}),
                more,
            ),
        )
    };
    let lines: Vec<_> = (0..4).flat_map(|n| [line("gp", n), line("rx", n)]).collect();
    let record = join(&lines);
    assert_eq!(record.clusters.len(), 4, "{:?}", clusters(&record));
    let filler = json!([{"system": "https://fhir.nhs.uk/Id/cross-care-setting-identifier", "value": "LAB-7"}]);
    let analyte = |source: &'static str, n: usize| {
        (source, with(result(&n.to_string(), &format!("{n}-1"), "2026-10-14T08:55:00Z", "4.1"), json!({"identifier": filler})))
    };
    let panel: Vec<_> = (0..7).flat_map(|n| [analyte("gp", n), analyte("uhb", n)]).collect();
    let record = join(&panel);
    assert_eq!(record.clusters.len(), 7, "{:?}", clusters(&record));
    assert!(record.items.iter().all(|item| item.findings.is_empty()), "a panel under one number is no reuse of it");
}

#[test]
fn golden_22_two_alike_on_one_day_in_one_source_stay_two() {
    let given = |id: &str| json!({"resourceType": "MedicationAdministration", "id": id, "status": "completed", "medicationCodeableConcept": coded("319283006"), "effectiveDateTime": "2026-10-14"});
    check(&[("uhb", given("1")), ("uhb", given("2"))], &[], &[]);
    // A relay that holds one of them cannot say which.
    let record = check(&[("uhb", given("1")), ("uhb", given("2")), ("ccr", given("3"))], &[], &[]);
    assert!(!record.hints.is_empty(), "what is ambiguous is hinted at");
}

fn relayed(id: &str, state: &str) -> Value {
    statement(id, "319283006", json!({"status": state, "identifier": [{"system": "https://EMISWeb/M85028", "value": "0F1"}]}))
}

#[test]
fn golden_23_an_owner_retracts_and_two_relays_lag() {
    let said = [("gp", relayed("1", "entered-in-error")), ("ccr", relayed("2", "active")), ("ohc", relayed("3", "active"))];
    let record = check(&said, &["T1 ccr-2 gp-1 ohc-3"], &[]);
    let cluster = &record.clusters[0];
    assert!(cluster.retracted, "retracted by its author");
    assert_eq!(record.items[cluster.representative].id, "gp-1");
    assert_eq!(cluster.lagging.len(), 2);
    // When the owner does not answer, nobody's word settles it.
    check(&[("ccr", relayed("2", "active")), ("ohc", relayed("3", "entered-in-error"))], &[], &["status ccr-2 ohc-3"]);
}

#[test]
fn an_identifier_used_for_two_things_joins_nothing() {
    let more = |dose: u32| json!({"identifier": [{"system": "https://EMISWeb/M85028", "value": "0F1"}], "dosage": [{"doseAndRate": [{"doseQuantity": {"value": dose, "unit": "mg"}}]}]});
    let said = [("gp", statement("1", "319283006", more(5))), ("ccr", statement("2", "319283006", more(10)))];
    let record = check(&said, &[], &["dose ccr-2 gp-1"]);
    assert!(record.items.iter().all(|item| item.findings.iter().any(|finding| finding.code == FindingCode::IdentifierReuse)));
}

#[test]
fn no_known_allergies_beside_an_allergy_is_a_conflict() {
    let none = allergy("1", "716186003", json!({}));
    let drug = |category: &str| allergy("2", "91936005", json!({"category": [category]}));
    check(&[("gp", none.clone()), ("uhb", drug("medication"))], &[], &["negation uhb-2 gp-1"]);
    check(&[("gp", none.clone()), ("uhb", allergy("2", "716186003", json!({})))], &["T2 gp-1 uhb-2"], &[]);
    // None to medicines says nothing of peanuts.
    check(&[("gp", allergy("1", "409137002", json!({}))), ("uhb", drug("food"))], &[], &[]);
    check(&[("gp", allergy("1", "409137002", json!({}))), ("uhb", drug("medication"))], &[], &["negation uhb-2 gp-1"]);
    let gone = allergy("2", "91936005", json!({"clinicalStatus": status("allergyintolerance-clinical", "resolved")}));
    check(&[("gp", none), ("uhb", gone)], &[], &[]);
}
