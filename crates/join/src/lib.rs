//! Many charts to one record: items clustered, never merged; conflicts shown, never resolved.
//!
//! [`charts`] is pure, does not depend on the order of its input, and loses nothing: every item that comes in is in the
//! record exactly once, with its [`record::Fate`]. No resource is edited here. [`states`] says of each list whether it is
//! known, known to be none, not recorded, or unavailable.
//! What it leaves to others: who may see which (`access`), and how it looks (`server`).

mod compare;
mod content;
mod lines;
mod order;
mod pair;
mod risk;
mod statement;
mod states;
mod units;
mod versions;
mod weave;

use fhir::Kind;
use record::{Chart, Fate, Item, Join, PersonId, Plan, SharedRecord, SourceId};
use rustc_hash::FxHashMap;

pub use order::{clinical, clinical_text};
pub use states::states;

/// What joining goes by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Key of the ids of clusters and conflicts: the same on every read, and nothing to guess from.
    pub key: [u8; 32],
    /// Who owns what an identifier names: the beginning of an identifier system, and the source that mints its values.
    pub owners: Vec<(String, SourceId)>,
}

/// The version of the rules, for Provenance and the ledger. Changed with every change of a key.
pub const RULES: &str = "severn-join-3";

/// Joins what several sources said about one person.
pub fn charts(person: PersonId, charts: Vec<Chart>, rules: &Rules) -> SharedRecord {
    let mut plan = Plan::default();
    let mut items: Vec<Item> = Vec::with_capacity(charts.iter().map(|chart| chart.patients.len() + chart.items.len()).sum());
    let mut quarantined = Vec::new();
    for mut chart in charts {
        plan.rows.append(&mut chart.rows);
        quarantined.extend(chart.quarantined.drain(..).map(|one| (chart.source.clone(), one)));
        items.append(&mut chart.patients);
        items.append(&mut chart.items);
    }
    let mut items = order::sorted(items);
    let fates = versions::history(&items);
    let woven = weave::weave(&items, &fates, rules);
    for (at, finding) in woven.findings {
        items[at].findings.push(finding);
    }
    SharedRecord {
        person,
        items,
        fates,
        clusters: woven.clusters,
        conflicts: woven.conflicts,
        hints: woven.hints,
        quarantined,
        withheld: Vec::new(),
        plan,
    }
}

/// Says what became of every item, once all that is withheld or filtered is out, and counts it in the plan.
/// With [`Join::All`] the groupings are dropped; with [`Join::Collapse`] those that may collapse stand behind their representatives.
pub fn settle(record: &mut SharedRecord, how: Join) {
    if how == Join::All {
        record.clusters.clear();
        record.conflicts.clear();
        record.hints.clear();
    }
    for cluster in &record.clusters {
        for member in &cluster.members {
            let behind = how == Join::Collapse && cluster.collapses && *member != cluster.representative;
            record.fates[*member] = if behind { Fate::Collapsed } else { Fate::Clustered };
        }
    }
    let places: FxHashMap<(SourceId, Kind), usize> =
        record.plan.rows.iter().enumerate().map(|(at, row)| ((row.source.clone(), row.kind), at)).collect();
    for (item, fate) in record.items.iter().zip(&record.fates) {
        let Some(at) = places.get(&(item.origin.source.clone(), item.kind)) else { continue };
        let counts = &mut record.plan.rows[*at].counts;
        match fate {
            Fate::Single => counts.single += 1,
            Fate::Clustered => counts.clustered += 1,
            Fate::Collapsed => counts.collapsed += 1,
            Fate::History => counts.history += 1,
        }
    }
}
