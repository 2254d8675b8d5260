//! A medicine that one source says is taken, and another has on a plan.

use serde_json::{Value, json};

use crate::said::*;

const ACTIVE: &str = "active";

fn medicine() -> Value {
    json!({"coding": [{"system": "https://dmd.nhs.uk", "code": "318135004"}]})
}

fn said(kind: &str, id: &str, status: &str, intent: Option<&str>) -> Value {
    let mut resource = json!({"resourceType": kind, "id": id, "status": status, "medicationCodeableConcept": medicine()});
    if let Some(intent) = intent {
        resource["intent"] = json!(intent);
    }
    resource
}

fn taken(id: &str, status: &str) -> Value {
    said("MedicationStatement", id, status, None)
}

fn planned(id: &str, status: &str) -> Value {
    said("MedicationRequest", id, status, Some("plan"))
}

#[test]
fn what_a_hospital_stopped_and_a_practice_still_lists_is_a_conflict_and_no_cluster() {
    check(&[("gp", taken("1", ACTIVE)), ("uhb", planned("2", "stopped"))], &[], &["status gp-1 uhb-2"]);
    check(&[("gp", taken("1", "stopped")), ("uhb", planned("2", ACTIVE))], &[], &["status uhb-2 gp-1"]);
}

#[test]
fn what_agrees_is_neither() {
    check(&[("gp", taken("1", ACTIVE)), ("uhb", planned("2", ACTIVE))], &[], &[]);
    check(&[("gp", taken("1", ACTIVE)), ("uhb", planned("2", "completed"))], &[], &[]);
}

#[test]
fn an_order_is_no_word_on_what_is_taken() {
    let order = said("MedicationRequest", "2", "stopped", Some("order"));
    check(&[("gp", taken("1", ACTIVE)), ("uhb", order)], &[], &[]);
}

#[test]
fn one_source_does_not_contradict_itself() {
    check(&[("gp", taken("1", ACTIVE)), ("gp", planned("2", "stopped"))], &[], &[]);
}

#[test]
fn what_could_mean_either_of_two_contradicts_neither() {
    check(&[("gp", taken("1", ACTIVE)), ("uhb", planned("2", "stopped")), ("uhb", planned("3", ACTIVE))], &[], &[]);
}

#[test]
fn what_every_candidate_denies_is_a_conflict() {
    let all = [("gp", taken("1", ACTIVE)), ("uhb", planned("2", "stopped")), ("uhb", planned("3", "stopped"))];
    check(&all, &[], &["status gp-1 uhb-2 uhb-3"]);
}

#[test]
fn what_was_stopped_at_a_time_that_nobody_says_is_not_over_before_the_other_began() {
    let mut old = planned("2", "stopped");
    old["authoredOn"] = json!("2024-01-24");
    let mut new = taken("1", ACTIVE);
    new["effectivePeriod"] = json!({"start": "2024-06-01"});
    check(&[("gp", new.clone()), ("uhb", old.clone())], &[], &["status gp-1 uhb-2"]);
    // Said to have ended before, it was another course.
    old["dispenseRequest"] = json!({"validityPeriod": {"end": "2024-03-01"}});
    check(&[("gp", new), ("uhb", old)], &[], &[]);
}

#[test]
fn one_rate_in_two_spellings_is_no_conflict() {
    let often = |mut resource: Value, repeat: Value| {
        let name = if resource["resourceType"] == "MedicationRequest" { "dosageInstruction" } else { "dosage" };
        resource[name] = json!([{"timing": {"repeat": repeat}}]);
        resource
    };
    let daily = json!({"frequency": 1, "period": 1, "periodUnit": "d"});
    for (repeat, conflict) in [
        (json!({"frequency": 1, "period": 24, "periodUnit": "h"}), false),
        (json!({"frequency": 1, "period": 1.0, "periodUnit": "d"}), false),
        (json!({"frequency": 1, "period": 1, "periodUnit": "wk"}), true),
    ] {
        let said = [("gp", often(taken("1", ACTIVE), daily.clone())), ("uhb", often(planned("2", ACTIVE), repeat))];
        check(&said, &[], if conflict { &["dose gp-1 uhb-2"] } else { &[] });
    }
}

#[test]
fn more_than_can_be_compared_are_left_with_a_hint() {
    let many = (0..1_001).map(|n| ("gp", taken(&format!("s{n}"), ACTIVE)));
    let record = join(&many.chain([("uhb", planned("p", "stopped"))]).collect::<Vec<_>>());
    assert!(record.conflicts.is_empty());
    assert!(record.hints.iter().any(|hint| hint.members.len() == 1_002 && hint.why.contains("too many")), "{:?}", record.hints.len());
}

#[test]
fn what_plans_already_contradict_is_told_once() {
    let all = [("gp", taken("1", ACTIVE)), ("gp", planned("2", ACTIVE)), ("uhb", planned("3", "stopped"))];
    check(&all, &[], &["status gp-2 uhb-3"]);
}
