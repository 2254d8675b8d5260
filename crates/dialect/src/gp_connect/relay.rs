//! A practice's own answer, passed on in its own shape: to whom it is passed sees no more of it than they may.

use std::collections::BTreeSet;

use bytes::Bytes;
use fhir::{Bundle, NodeId, Ref, Tree, Version};
use record::{Chart, Item, SourceId};

use super::{called, contained, plain_reference};
use crate::hosts::Hosts;
use crate::ids;
use crate::{Settings, body};

/// The extension by which a List says that something is not on it.
const WARNING: &str = "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-ListWarningCode-1";
const CONFIDENTIAL: &str = "confidential-items";
const CONFIDENTIAL_NOTE: &str = "Items excluded due to confidentiality and/or patient preferences.";

/// What is passed on of an answer.
#[derive(Debug, Clone)]
pub struct Relay {
    /// The Bundle, JSON, in the practice's version and with its own ids.
    pub json: Vec<u8>,
    /// Entries left out.
    pub left_out: usize,
}

/// Passes on of a practice's Bundle what is in the chart made of it, as guards and permission have left that: other resources are
/// left out, with what refers to them, and each List that loses something says so by the warning made for it. No host of the
/// practice's stays in it. `None` where the body is no Bundle.
pub fn relay(source: &SourceId, settings: &Settings, answer: &Bytes, content_type: &str, chart: &Chart) -> Option<Relay> {
    let bundle = body::read(Version::Stu3, answer.clone(), content_type).ok().filter(|bundle| bundle.resource_type == "Bundle")?;
    let spine = super::Spine::of(settings);
    let bases = [Some(&settings.source_base), spine.provider.as_ref()];
    let hosts = Hosts::new(source, bases.into_iter().flatten().filter_map(|base| base.host_str()));
    let kept = kept(source, chart);
    let (trees, gone) = parted(source, bundle, &kept);
    let left_out = gone.len();
    let mut out = Tree::object();
    let root = out.root().id();
    out.set_string(root, "resourceType", "Bundle");
    out.set_string(root, "type", "collection");
    let entries = out.new_array();
    out.set(root, "entry", entries);
    for (mut tree, cut) in trees {
        if (close(&mut tree, &gone) || cut) && tree.root().is("resourceType", "List") {
            warn(&mut tree);
        }
        hide(&mut tree, &hosts);
        let (entry, resource) = (out.new_object(), out.copy(tree.root()));
        out.set(entry, "resource", resource);
        out.push(entries, entry);
    }
    Some(Relay { json: out.to_json().into_bytes(), left_out })
}

/// What may pass, as the exchange names it.
fn kept<'a>(source: &SourceId, chart: &'a Chart) -> BTreeSet<(&'a str, String)> {
    let own = |item: &&Item| item.origin.source == *source;
    chart.patients.iter().chain(&chart.items).filter(own).map(|item| (item.origin.kind.as_ref(), item.id.clone())).collect()
}

/// Resources that pass, each with whether something inside it did not; and the names of those that do not.
fn parted(source: &SourceId, bundle: Bundle, kept: &BTreeSet<(&str, String)>) -> (Vec<(Tree, bool)>, BTreeSet<String>) {
    let passes = |tree: &Tree| {
        let kind = tree.resource_type().unwrap_or_default();
        kept.contains(&(kind.as_ref(), minted(source, &kind, tree)))
    };
    let (mut trees, mut gone) = (Vec::new(), BTreeSet::new());
    for mut tree in bundle.entries.into_iter().filter_map(|entry| entry.resource) {
        // How the answer went is about no resource.
        if tree.root().is("resourceType", "OperationOutcome") || passes(&tree) {
            let cut = cut_inside(&mut tree, &passes, &mut gone);
            trees.push((tree, cut));
        } else {
            gone.extend(called(&tree));
        }
    }
    (trees, gone)
}

/// A resource's id here. Lists mostly come without one of their own: theirs is made of their content, as a reading makes it.
fn minted(source: &SourceId, kind: &str, tree: &Tree) -> String {
    if let Some(id) = tree.root().text("id").filter(|id| !id.is_empty()) {
        return ids::mint(source, kind, &id);
    }
    let mut opened = tree.clone();
    if kind == "List" {
        contained::bring_out(&mut opened);
    }
    ids::hashed(source, opened.root().to_json().as_bytes())
}

/// Takes out of a List what stands inside it and may not pass. True if there was any.
fn cut_inside(list: &mut Tree, passes: &dyn Fn(&Tree) -> bool, gone: &mut BTreeSet<String>) -> bool {
    if !list.root().is("resourceType", "List") {
        return false;
    }
    let inside = contained::bring_out(&mut list.clone());
    let places = list.root().all("contained").into_iter().filter(|one| one.is_object());
    let places: Vec<(NodeId, String)> = places.map(|one| (one.id(), format!("#{}", one.text("id").unwrap_or_default()))).collect();
    let mut local = BTreeSet::new();
    for (one, (place, name)) in inside.iter().zip(places).filter(|(one, _)| !passes(one)) {
        list.detach(place);
        local.insert(name);
        gone.extend(called(one));
    }
    let root = list.root().id();
    if list.root().get("contained").is_some_and(Ref::is_empty) {
        list.remove(root, "contained");
    }
    close(list, &local) || !local.is_empty()
}

/// Takes out every reference to what is gone, with the list entry that held it. True if there was any.
fn close(tree: &mut Tree, gone: &BTreeSet<String>) -> bool {
    let mut found: Vec<NodeId> = Vec::new();
    contained::references(tree.root(), &mut |node, text| {
        let bare = gone.iter().any(|name| name.split_once('/').is_some_and(|(_, id)| id == text));
        if gone.contains(plain_reference(text)) || bare {
            found.push(node);
        }
    });
    for node in &found {
        let mut at = tree.node(*node);
        // Up to the item of a list, or to what hangs at the root.
        while let Some(parent) = at.parent().filter(|parent| !parent.is_array() && parent.parent().is_some()) {
            at = parent;
        }
        let list = at.parent().filter(|parent| parent.is_array()).map(Ref::id);
        let at = at.id();
        tree.detach(at);
        if let Some(list) = list.filter(|list| tree.node(*list).is_empty()) {
            tree.detach(list);
        }
    }
    if !found.is_empty() {
        // A narrative might tell.
        let root = tree.root().id();
        tree.remove(root, "text");
    }
    !found.is_empty()
}

/// Says on a List that something is not on it, as the interface prescribes.
fn warn(list: &mut Tree) {
    let root = list.root();
    let said = root.all("extension").into_iter().any(|one| one.is("url", WARNING) && one.is("valueCode", CONFIDENTIAL));
    let root = root.id();
    if said {
        return;
    }
    if let Some(extensions) = list.array_at(root, "extension") {
        let extension = list.new_object();
        list.push(extensions, extension);
        list.set_string(extension, "url", WARNING);
        list.set_string(extension, "valueCode", CONFIDENTIAL);
    }
    if let Some(notes) = list.array_at(root, "note") {
        let note = list.new_object();
        list.push(notes, note);
        list.set_string(note, "text", CONFIDENTIAL_NOTE);
    }
}

/// No address of the source's leaves.
fn hide(tree: &mut Tree, hosts: &Hosts) {
    fn strings(node: Ref<'_>, hosts: &Hosts, found: &mut Vec<(NodeId, String)>) {
        match node.value() {
            Some(text) if node.is_string() => {
                if hosts.stand_in(&text) {
                    found.push((node.id(), hosts.hide(&text)));
                }
            }
            _ => node.items().for_each(|child| strings(child, hosts, found)),
        }
    }
    let mut found = Vec::new();
    strings(tree.root(), hosts, &mut found);
    for (node, text) in found {
        tree.set_text(node, &text);
    }
}
