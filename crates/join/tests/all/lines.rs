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
fn what_plans_already_contradict_is_told_once() {
    let all = [("gp", taken("1", ACTIVE)), ("gp", planned("2", ACTIVE)), ("uhb", planned("3", "stopped"))];
    check(&all, &[], &["status gp-2 uhb-3"]);
}
