//! Laws of joining, on records made up at random from few words, so that everything meets everything.

use std::collections::BTreeMap;

use proptest::prelude::*;
use record::{Chart, Join, SharedRecord};
use serde_json::{Value, json};

use crate::said::{assert_conserved, charts, rules};

/// A resource from a handful of choices: collisions are the point.
fn resource() -> impl Strategy<Value = Value> {
    let date =
        prop::sample::select(vec!["2024", "2024-03", "2024-03-01", "2024-03-01T09:00:00Z", "2024-03-01T10:00:00Z", "2025-01-01", ""]);
    let code = prop::sample::select(vec!["1", "2", "3"]);
    let status = prop::sample::select(vec!["active", "completed", "stopped", "entered-in-error", "not-done", "final", ""]);
    let verification = prop::sample::select(vec!["confirmed", "refuted", "provisional", "entered-in-error", "", ""]);
    let kind = prop::sample::select(vec![
        "AllergyIntolerance",
        "CarePlan",
        "Condition",
        "Encounter",
        "Immunization",
        "MedicationRequest",
        "Observation",
        "Organization",
        "Procedure",
    ]);
    let more = (prop::sample::select(vec!["high", "low", ""]), 0u8..3, prop::option::of(0u8..3), any::<bool>());
    (0u8..6, kind, code, date, status, verification, more).prop_map(
        |(id, kind, code, date, status, verification, (risk, value, name, marked))| {
            let mut said = json!({"resourceType": kind, "id": id.to_string(), "status": status});
            let concept = json!({"coding": [{"system": "http://snomed.info/sct", "code": code}]});
            let (about, when) = match kind {
                "CarePlan" => ("category", "period"),
                "Condition" => ("code", "onsetDateTime"),
                "Encounter" => ("type", "period"),
                "Immunization" => ("vaccineCode", "occurrenceDateTime"),
                "MedicationRequest" => ("medicationCodeableConcept", "authoredOn"),
                "Procedure" => ("code", "performedDateTime"),
                _ => ("code", "effectiveDateTime"),
            };
            said[about] = if matches!(about, "category" | "type") { json!([concept]) } else { concept };
            if !date.is_empty() {
                said[when] = if when == "period" { json!({"start": date}) } else { json!(date) };
            }
            for (key, value) in [("verificationStatus", json!({"coding": [{"code": verification}]})), ("criticality", json!(risk))] {
                if value != json!("") && value != json!({"coding": [{"code": ""}]}) {
                    said[key] = value;
                }
            }
            if kind != "AllergyIntolerance" {
                said.as_object_mut().unwrap().remove("criticality");
            }
            if kind == "Observation" {
                said["valueQuantity"] = json!({"value": value, "code": "mg"});
            }
            if let Some(name) = name {
                said["identifier"] = json!([{"system": "https://EMISWeb/M1", "value": name.to_string()}]);
            }
            if marked {
                said["modifierExtension"] = json!([{"url": "urn:x", "valueBoolean": true}]);
            }
            said
        },
    )
}

fn said() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let source = prop::sample::select(vec!["ccr", "gp", "uhb"]);
    prop::collection::vec((source, resource()), 0..24)
}

fn joined(charts: Vec<Chart>) -> SharedRecord {
    let mut record = join::charts("person".parse().unwrap(), charts, &rules());
    join::settle(&mut record, Join::Group);
    record
}

/// All that a reader could see.
fn seen(record: &SharedRecord) -> String {
    let items: Vec<String> = record
        .items
        .iter()
        .zip(&record.fates)
        .map(|(item, fate)| format!("{} {fate:?} {:?} {}", item.id, item.findings, item.tree.to_json()))
        .collect();
    format!("{items:#?} {:#?} {:#?} {:#?}", record.clusters, record.conflicts, record.hints)
}

proptest! {
    #[test]
    fn law_order_of_arrival_says_nothing((said, shuffled) in said().prop_flat_map(|said| (Just(said.clone()), Just(said).prop_shuffle()))) {
        prop_assert_eq!(seen(&joined(charts(&said))), seen(&joined(charts(&shuffled))));
    }

    #[test]
    fn law_nothing_is_lost_or_invented(said in said()) {
        let mut came: Vec<String> = charts(&said).iter().flat_map(|chart| chart.items.iter().map(|item| item.tree.to_json())).collect();
        let record = joined(charts(&said));
        assert_conserved(said.len(), &record);
        let mut out: Vec<String> = record.items.iter().map(|item| item.tree.to_json()).collect();
        came.sort();
        out.sort();
        prop_assert_eq!(came, out, "a resource was edited to agree with another");
    }

    #[test]
    fn law_joining_twice_changes_nothing(said in said()) {
        let once = joined(charts(&said));
        let mut again: BTreeMap<_, Chart> = charts(&said).into_iter().map(|chart| (chart.source.clone(), Chart { items: Vec::new(), ..chart })).collect();
        for item in &once.items {
            let mut item = item.clone();
            item.findings.clear();
            if let Some(chart) = again.get_mut(&item.origin.source) {
                chart.items.push(item);
            }
        }
        prop_assert_eq!(seen(&once), seen(&joined(again.into_values().collect())));
    }

    #[test]
    fn law_no_cluster_holds_what_may_not_meet(said in said()) {
        let record = joined(charts(&said));
        for cluster in &record.clusters {
            let of = |path: &str| -> Vec<String> {
                cluster.members.iter().filter(|member| !cluster.lagging.contains(member)).filter_map(|member| record.items[*member].tree.root().text(path).map(|text| text.into_owned())).collect()
            };
            for path in ["verificationStatus.coding.code", "criticality", "valueQuantity.value", "code.coding.code"] {
                let said = of(path);
                prop_assert!(said.windows(2).all(|pair| pair[0] == pair[1]), "{path} differs in {}", cluster.why);
            }
            let kinds: Vec<_> = cluster.members.iter().map(|member| record.items[*member].kind).collect();
            prop_assert!(kinds.windows(2).all(|pair| pair[0] == pair[1]));
            if cluster.tier == record::Tier::T3 && !cluster.why.contains("identifier") {
                let mut sources: Vec<_> = cluster.members.iter().map(|member| record.items[*member].origin.source.clone()).collect();
                let all = sources.len();
                sources.sort();
                sources.dedup();
                let by_identifier = cluster.members.iter().any(|member| record.items[*member].tree.root().get("identifier").is_some());
                prop_assert!(by_identifier || sources.len() == all, "two of one source at T3");
            }
        }
        for conflict in &record.conflicts {
            prop_assert!(conflict.members.len() > 1);
        }
    }

    #[test]
    fn law_an_item_is_in_one_cluster_at_most(said in said()) {
        let record = joined(charts(&said));
        let mut members: Vec<usize> = record.clusters.iter().flat_map(|cluster| cluster.members.clone()).collect();
        let all = members.len();
        members.sort_unstable();
        members.dedup();
        prop_assert_eq!(members.len(), all);
        prop_assert!(record.clusters.iter().all(|cluster| cluster.members.contains(&cluster.representative)));
    }
}
