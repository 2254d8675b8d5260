//! Withholding: what a permit does not cover is taken out of the joined record, decided on the cluster.

use std::collections::BTreeSet;

use fhir::{Kind, NodeId, Ref, Tree};
use record::{Item, SharedRecord, SourceId, Tier};
use rustc_hash::FxHashMap;

use crate::{Category, Permit, Section};

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// The label that a code of a source is, in the words of the rules.
fn label(system: &str, code: &str) -> Option<&'static str> {
    let confidentiality = system == CONFIDENTIALITY || system.ends_with("v3-Confidentiality") || system.ends_with("v3/Confidentiality");
    let act = system == ACT_CODE || system.ends_with("v3-ActCode") || system.ends_with("v3/ActCode");
    Some(match code {
        "R" if confidentiality => "restricted",
        "V" if confidentiality => "very-restricted",
        "ETH" if act => "substance-misuse",
        "GDIS" if act => "genetics",
        "HIV" if act => "hiv",
        "PSY" | "PSYTHPN" if act => "mental-health",
        "SDV" if act => "domestic-violence",
        "SEX" | "SEXWM" | "STD" if act => "sexual-health",
        _ => return None,
    })
}

/// A resource's own labels.
fn labels(item: &Item) -> Vec<&'static str> {
    // Most resources have no label at all.
    if item.tree.root().get("meta").is_some_and(|meta| meta.is_object() && meta.get("security").is_none()) {
        return Vec::new();
    }
    let all = item.tree.root().all("meta.security");
    let mut labels: Vec<&str> =
        all.into_iter().filter_map(|own| label(&own.text("system").unwrap_or_default(), &own.text("code").unwrap_or_default())).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// Which items the rules show, each by itself. Rules are asked once for what no label and no code of its own tells from the rest.
fn shown(permit: &Permit, record: &SharedRecord) -> Vec<bool> {
    let mut plain: FxHashMap<(Kind, &SourceId), bool> = FxHashMap::default();
    let mut shows = |item: &'_ Item, source, labels: Vec<&str>| {
        if labels.is_empty() && !item.traits.unshared && *plain.entry((item.kind, source)).or_insert_with(|| permit.shows_all_plain(item.kind, source)) {
            return true;
        }
        let category = Category::of(item.kind, &item.tree);
        permit.sees(&Section { category, kind: item.kind, source, labels: &labels, objected: item.traits.unshared, source_refused: false }).is_ok()
    };
    record.items.iter().map(|item| shows(item, &item.origin.source, labels(item))).collect()
}

/// Takes out of a joined record what the permit does not cover. Decided on the cluster: the most restrictive label in T0 to T2 governs
/// every member, so that an unlabelled relay of what its owner restricts goes with it. (Legal restriction spreads through T3 too; its
/// lists come with governance.) Closed under reference: no list, reason or result betrays what is gone. Counted in the plan.
pub fn withhold(permit: &Permit, record: &mut SharedRecord) {
    let mut kept = shown(permit, record);
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
