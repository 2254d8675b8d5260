//! Withholding: what a permit does not cover is taken out of the joined record, decided on the cluster.

use std::collections::BTreeSet;

use fhir::{Kind, NodeId, Ref, Tree};
use record::{Item, SharedRecord, Tier};

use crate::Permit;

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// Labels of sensitivity that no default role is shown.
const SENSITIVE: &[&str] = &["HIV", "STD", "SEX", "PSY", "ETH", "SDV", "GDIS", "SEXWM", "PSYTHPN"];

/// Whether a resource's own labels keep it from this reader. What the source labels restricted is not shown until a policy with an approver says so.
fn labelled(item: &Item) -> bool {
    // Most resources have no label at all.
    if item.tree.root().get("meta").is_some_and(|meta| meta.is_object() && meta.get("security").is_none()) {
        return false;
    }
    item.tree.root().all("meta.security").into_iter().any(|label| {
        let code = label.text("code").unwrap_or_default();
        let system = label.text("system").unwrap_or_default();
        let confidentiality = system == CONFIDENTIALITY || system.ends_with("v3-Confidentiality") || system.ends_with("v3/Confidentiality");
        let act = system == ACT_CODE || system.ends_with("v3-ActCode") || system.ends_with("v3/ActCode");
        confidentiality && matches!(code.as_ref(), "R" | "V") || act && SENSITIVE.contains(&code.as_ref())
    })
}

/// Takes out of a joined record what the permit does not cover. Decided on the cluster: the most restrictive label in T0 to T2 governs
/// every member, so that an unlabelled relay of what its owner restricts goes with it. (Legal restriction spreads through T3 too; its
/// lists come with governance.) Closed under reference: no list, reason or result betrays what is gone. Counted in the plan.
pub fn withhold(permit: &Permit, record: &mut SharedRecord) {
    let mut kept: Vec<bool> = record.items.iter().map(|item| permit.allows(item.kind) && !labelled(item)).collect();
    if kept.iter().all(|kept| *kept) {
        return;
    }
    for cluster in record.clusters.iter().filter(|cluster| cluster.tier <= Tier::T2) {
        if cluster.members.iter().any(|member| !kept[*member]) {
            cluster.members.iter().for_each(|member| kept[*member] = false);
        }
    }
    // Whose record it is, its reader knows: where only their Patient is not shown, all that is said of them still names them.
    let betrays = |item: &Item| item.kind != Kind::PATIENT || permit.allows(Kind::PATIENT);
    let gone: BTreeSet<String> = record.items.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(item, _)| key(item)).collect();
    // Versions of one resource share its id.
    for (item, kept) in record.items.iter().zip(&mut kept) {
        *kept &= !gone.contains(&key(item));
    }
    for item in record.items.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(item, _)| item) {
        if let Some(row) = record.plan.row_mut(&item.origin.source, item.kind) {
            row.counts.withheld += 1;
        }
        record.withheld.push((item.origin.source.clone(), item.kind));
    }
    let named: BTreeSet<String> =
        record.items.iter().zip(&kept).filter(|(item, kept)| !**kept && betrays(item)).map(|(item, _)| key(item)).collect();
    record.retain(&kept);
    record.items.iter_mut().for_each(|item| close(&mut item.tree, &named));
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
