//! Charts written by hand, and what joining them gives.

use std::collections::BTreeSet;

use fhir::{Kind, Tree, Version};
use join::Rules;
use record::{Chart, Fate, Item, Join, Origin, Row, SharedRecord, SourceId, Status, Traits};
use serde_json::Value;

/// The rules of the tests: what EMIS numbers, the practice owns.
pub fn rules() -> Rules {
    Rules { key: [7; 32], owners: vec![("https://EMISWeb/".to_owned(), "gp".parse().unwrap())] }
}

/// An item as a dialect would hand it over. `said` is a resource with the source's own id.
pub fn item(source: &str, said: &Value) -> Item {
    let kind = Kind::parse(said["resourceType"].as_str().unwrap()).unwrap();
    let own = said["id"].as_str().unwrap().to_owned();
    let mut said = said.clone();
    said["id"] = Value::String(format!("{source}-{own}"));
    Item {
        kind,
        id: format!("{source}-{own}"),
        origin: Origin { source: source.parse().unwrap(), kind: kind.name().into(), id: Some(own) },
        findings: Vec::new(),
        traits: Traits {
            subjects: Vec::new(),
            unknown_modifier: said.get("modifierExtension").is_some(),
            generated_narrative: true,
            original: None,
            objected: false,
            unsaid: false,
            refused: false,
            via: None,
        },
        tree: Tree::from_json(said.to_string().into()).unwrap(),
    }
}

/// One chart for each source, in the order the sources first speak, rows filled in.
pub fn charts(said: &[(&str, Value)]) -> Vec<Chart> {
    let mut charts: Vec<Chart> = Vec::new();
    for (source, resource) in said {
        let id: SourceId = source.parse().unwrap();
        if !charts.iter().any(|chart| chart.source == id) {
            let (patients, items, quarantined, rows, findings) = (vec![], vec![], vec![], vec![], vec![]);
            charts.push(Chart {
                source: id.clone(),
                version: Version::R4,
                patients,
                items,
                quarantined,
                rows,
                about_one_patient: false,
                findings,
            });
        }
        let chart = charts.iter_mut().find(|chart| chart.source == id).unwrap();
        let item = item(source, resource);
        if !chart.rows.iter().any(|row| row.kind == item.kind) {
            chart.rows.push(Row { status: Some(Status::Ok), ..Row::new(id.clone(), item.kind) });
        }
        chart.rows.iter_mut().find(|row| row.kind == item.kind).unwrap().counts.came += 1;
        chart.items.push(item);
    }
    charts
}

pub fn join(said: &[(&str, Value)]) -> SharedRecord {
    let mut record = join::charts("person".parse().unwrap(), charts(said), &rules());
    join::settle(&mut record, Join::Group);
    record
}

/// `T3 gp-1 uhb-2` for each cluster, sorted.
pub fn clusters(record: &SharedRecord) -> BTreeSet<String> {
    let ids = |members: &[usize]| members.iter().map(|member| record.items[*member].id.as_str()).collect::<Vec<_>>().join(" ");
    record.clusters.iter().map(|cluster| format!("{} {}", cluster.tier.code(), ids(&cluster.members))).collect()
}

/// `criticality gp-1 uhb-2` for each conflict, riskier first.
pub fn conflicts(record: &SharedRecord) -> BTreeSet<String> {
    let ids = |members: &[usize]| members.iter().map(|member| record.items[*member].id.as_str()).collect::<Vec<_>>().join(" ");
    record.conflicts.iter().map(|conflict| format!("{} {}", conflict.code, ids(&conflict.members))).collect()
}

/// Joins, forwards and backwards, and compares clusters and conflicts. Whatever comes of it, nothing may be lost.
#[track_caller]
pub fn check(said: &[(&str, Value)], expected_clusters: &[&str], expected_conflicts: &[&str]) -> SharedRecord {
    let backwards: Vec<(&str, Value)> = said.iter().rev().cloned().collect();
    for said in [said, &backwards] {
        let record = join(said);
        assert_eq!(clusters(&record), expected_clusters.iter().map(|text| (*text).to_owned()).collect(), "clusters");
        assert_eq!(conflicts(&record), expected_conflicts.iter().map(|text| (*text).to_owned()).collect(), "conflicts");
        assert_conserved(said.len(), &record);
    }
    join(said)
}

/// Every input is an item, and the plan adds up.
#[track_caller]
pub fn assert_conserved(came: usize, record: &SharedRecord) {
    assert_eq!(record.items.len(), came, "an item was lost or invented");
    assert_eq!(record.fates.len(), came);
    for row in &record.plan.rows {
        assert!(row.counts.add_up(), "{:?}", row.counts);
    }
    let clustered = record.fates.iter().filter(|fate| **fate == Fate::Clustered).count();
    assert_eq!(clustered, record.clusters.iter().map(|cluster| cluster.members.len()).sum::<usize>());
}
