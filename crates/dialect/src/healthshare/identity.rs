//! The same thing under the same id on every read, though the source's own ids change when it is built again.

use std::collections::{BTreeMap, BTreeSet};

use fhir::{Kind, NodeId, Ref};
use record::{Holder, Item, NHS_NUMBER_SYSTEM, SUPPORTING};
use rustc_hash::FxHashMap;

use crate::Attachment;
use crate::ids;
use crate::reading::Read;

/// Systems of numbers that several resources share by their nature.
const SHARED: &[&str] = &[NHS_NUMBER_SYSTEM, "https://fhir.nhs.uk/Id/prescription-order-number"];

/// Minted ids as they were, `Type/id`, and the ids made of business identifiers.
type Renamed = FxHashMap<String, String>;

/// Gives each resource an id made of its business identifier, where it has one that is its own, and leads references there.
/// The rest keep what was minted from the source's id. The source's id stays in the origin.
pub(super) fn by_identifier(holder: &Holder, read: &mut Read) {
    let renamed = renamed(holder, &read.items);
    read.items.iter_mut().for_each(|item| rename(item, &renamed));
    for Attachment { of: (kind, id), .. } in &mut read.attachments {
        if let Some(new) = renamed.get(&reference(*kind, id)) {
            new.clone_into(id);
        }
    }
    read.attachments.sort();
}

fn reference(kind: Kind, id: &str) -> String {
    format!("{}/{id}", kind.name())
}

fn renamed(holder: &Holder, items: &[Item]) -> Renamed {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut holders: FxHashMap<String, BTreeSet<String>> = FxHashMap::default();
    for item in items {
        let own = reference(item.kind, &item.id);
        let own_keys = self::keys(item);
        for key in &own_keys {
            holders.entry(key.clone()).or_default().insert(own.clone());
        }
        keys.entry(own).or_default().extend(own_keys);
    }
    // What two things carry is the identity of neither.
    let is_own = |key: &&String| holders.get(*key).is_some_and(|holders| holders.len() == 1);
    let renamed = keys.iter().filter_map(|(own, keys)| {
        let key = keys.iter().find(is_own)?;
        // Two people may be given one number by two systems that call themselves alike: what is about a person is theirs alone.
        let about_nobody = own.split('/').next().and_then(Kind::parse).is_some_and(|kind| SUPPORTING.contains(&kind));
        let of = if about_nobody { "" } else { holder.number.expose() };
        Some((own.clone(), ids::hashed(&holder.source, format!("{key}\n{of}").as_bytes())))
    });
    renamed.collect()
}

/// What may identify a resource: its type, and authority and value of an identifier that is in use. A filler's number stands for a
/// whole panel, so an Observation's is read with its code and time.
fn keys(item: &Item) -> BTreeSet<String> {
    let root = item.tree.root();
    let of_panel = match item.kind {
        Kind::OBSERVATION => format!("\n{}\n{}", code(root), root.text("effectiveDateTime").unwrap_or_default()),
        _ => String::new(),
    };
    let identifiers = root.all("identifier").into_iter().filter(|identifier| !identifier.is("use", "old"));
    let keys = identifiers.filter_map(|identifier| {
        let (authority, value) = (authority(identifier)?, identifier.text("value")?);
        let own = !value.is_empty() && !SHARED.contains(&authority.as_str());
        own.then(|| format!("{}\n{authority}\n{value}{of_panel}", item.kind.name()))
    });
    keys.collect()
}

/// Who gave an identifier out: its system, else the identifier or the name of its assigner. What it is only of what sort of (an MR)
/// identifies nothing.
fn authority(identifier: Ref<'_>) -> Option<String> {
    let paths = ["system", "assigner.identifier.value", "assigner.display"];
    let mut said = paths.iter().filter_map(|path| identifier.all(path).into_iter().next()?.value());
    said.find(|text| !text.is_empty()).map(|text| text.into_owned())
}

fn code(root: Ref<'_>) -> String {
    let codings = root.all("code.coding").into_iter();
    let mut codes: Vec<String> = codings
        .map(|coding| format!("{}|{}", coding.text("system").unwrap_or_default(), coding.text("code").unwrap_or_default()))
        .collect();
    codes.sort_unstable();
    if codes.is_empty() { root.text("code.text").unwrap_or_default().into_owned() } else { codes.join(" ") }
}

fn rename(item: &mut Item, renamed: &Renamed) {
    let mut found = Vec::new();
    references(item.tree.root(), &mut found);
    for node in found {
        let to = item.tree.node(node).value().and_then(|text| {
            let new = renamed.get(text.as_ref())?;
            Some(format!("{}/{new}", text.split('/').next()?))
        });
        if let Some(to) = to {
            item.tree.set_text(node, &to);
        }
    }
    for subject in &mut item.traits.subjects {
        if let Some(new) = renamed.get(&reference(Kind::PATIENT, subject)) {
            new.clone_into(subject);
        }
    }
    if let Some(new) = renamed.get(&reference(item.kind, &item.id)) {
        new.clone_into(&mut item.id);
        let root = item.tree.root().id();
        item.tree.set_string(root, "id", new);
    }
}

/// `reference` of every Reference, wherever it stands.
fn references(node: Ref<'_>, found: &mut Vec<NodeId>) {
    for (key, child) in node.entries() {
        if key == "reference" && child.is_string() {
            found.push(child.id());
        } else if child.is_object() || child.is_array() {
            below(child, found);
        }
    }
}

fn below(node: Ref<'_>, found: &mut Vec<NodeId>) {
    if node.is_object() {
        return references(node, found);
    }
    node.items().for_each(|item| below(item, found));
}
