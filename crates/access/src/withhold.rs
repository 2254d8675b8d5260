//! Withholding: what a permit does not cover is taken out before joining, and after it, decided on the cluster.

use std::collections::BTreeSet;

use fhir::{Kind, NodeId, Ref, Tree};
use record::{Chart, Item, SharedRecord, SourceId, Tier};

use crate::Permit;

/// What was withheld: source and type, one for each resource. It says nothing of what.
pub type Withheld = Vec<(SourceId, Kind)>;

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// Labels of sensitivity that no default role is shown.
const SENSITIVE: &[&str] = &["HIV", "STD", "SEX", "PSY", "ETH", "SDV", "GDIS", "SEXWM", "PSYTHPN"];

/// Whether a resource's own labels keep it from this reader. What the source labels restricted is not shown until a policy with an approver says so.
fn labelled(item: &Item) -> bool {
    item.tree.root().all("meta.security").into_iter().any(|label| {
        let code = label.text("code").unwrap_or_default();
        let system = label.text("system").unwrap_or_default();
        let confidentiality = system == CONFIDENTIALITY || system.ends_with("v3-Confidentiality") || system.ends_with("v3/Confidentiality");
        let act = system == ACT_CODE || system.ends_with("v3-ActCode") || system.ends_with("v3/ActCode");
        confidentiality && matches!(code.as_ref(), "R" | "V") || act && SENSITIVE.contains(&code.as_ref())
    })
}

/// Takes out of a chart what the permit does not cover. Closed under reference: no list, reason or result betrays what is gone.
pub fn withhold(permit: &Permit, mut chart: Chart) -> (Chart, Withheld) {
    let gone = |item: &Item| !permit.allows(item.kind) || labelled(item);
    let keys: BTreeSet<String> = chart.items.iter().filter(|item| gone(item)).map(key).collect();
    let mut withheld = Withheld::new();
    let items = std::mem::take(&mut chart.items);
    for item in items {
        if keys.contains(&key(&item)) {
            withheld.push((chart.source.clone(), item.kind));
        } else {
            chart.items.push(item);
        }
    }
    count(&mut chart, &withheld);
    if !keys.is_empty() {
        chart.items.iter_mut().for_each(|item| close(&mut item.tree, &keys));
    }
    (chart, withheld)
}

fn count(chart: &mut Chart, withheld: &Withheld) {
    for (_, kind) in withheld {
        if let Some(row) = chart.rows.iter_mut().find(|row| row.kind == *kind) {
            row.counts.withheld += 1;
        }
    }
}

/// After joining: when one member of a cluster of T0 to T2 is withheld at its source by label, every member is. Legal restriction spreads through T3 too; its lists come with governance.
pub fn withhold_clusters(permit: &Permit, record: &mut SharedRecord) -> Vec<bool> {
    let mut kept = vec![true; record.items.len()];
    for cluster in record.clusters.iter().filter(|cluster| cluster.tier <= Tier::T2) {
        let hidden = cluster.members.iter().any(|member| {
            let item = &record.items[*member];
            !permit.allows(item.kind) || labelled(item)
        });
        if hidden {
            cluster.members.iter().for_each(|member| kept[*member] = false);
        }
    }
    kept
}

fn key(item: &Item) -> String {
    format!("{}/{}", item.kind, item.id)
}

/// Removes every reference to what is gone, with the list entry or reason that held it, and a narrative that might tell.
fn close(tree: &mut Tree, gone: &BTreeSet<String>) {
    let mut found = Vec::new();
    collect(tree.root(), gone, &mut found);
    if found.is_empty() {
        return;
    }
    for node in found {
        let list = tree.node(node).parent().filter(|parent| parent.is_array()).map(Ref::id);
        tree.detach(node);
        // FHIR knows no empty lists.
        if let Some(list) = list.filter(|list| tree.node(*list).is_empty()) {
            tree.detach(list);
        }
    }
    let root = tree.root().id();
    tree.remove(root, "text");
}

/// Nodes to take out: a list's whole item where the reference stands in one, else the reference.
fn collect(node: Ref<'_>, gone: &BTreeSet<String>, found: &mut Vec<NodeId>) {
    if node.is_object() && node.text("reference").is_some_and(|reference| gone.contains(reference.as_ref())) {
        let mut at = node;
        while let Some(parent) = at.parent() {
            if parent.is_array() || parent.parent().is_none() {
                break;
            }
            at = parent;
        }
        found.push(at.id());
        return;
    }
    if !node.is_primitive() {
        node.items().for_each(|child| collect(child, gone, found));
    }
}
