//! From the version a supplier speaks to R4, and from R4 to the version a reader speaks, one resource at a time, in place.
//!
//! Two passes. First the *shapes* ([`rule::Shape`]): what a type's older form calls differently, told in rows, with code
//! where no row can say it; everything below an object is shaped before the object itself. What an earlier translation
//! carried in extensions is put back into its elements ([`restore`]). Then the *sweep*: a walk by the generated element
//! tables of the version it becomes, which settles lists and singles, turns codes into concepts, fills in what that
//! version requires, and carries what it does not know in the extensions that FHIR sets aside for it. Nothing leaves a resource
//! without a finding that names where it stood, in the names of the version it came in.

mod carry;
mod common;
mod datatypes;
mod down;
mod draft;
mod dstu2;
mod require;
mod restore;
mod rule;
mod stu3;
mod sweep;
mod systems;
#[cfg(test)]
mod tests;
mod uk;

use std::sync::LazyLock;

use fhir::{Kind, NodeId, Tree, Version, tables};
use record::{Cause, Finding, FindingCode};
use rustc_hash::FxHashMap;

use draft::Draft;
use rule::Shape;

pub use down::{STU3_TYPE, Telling, stu3_code, stu3_kinds, stu3_name, stu3_token, stu3_type, to_stu3};

/// Which set of rules made a resource R4, told in its findings. Rises whenever a rule changes.
const RULES: &str = "1";

/// Makes an R4 resource of one that came as `version`. What cannot be carried as it was is named in `findings`, in the
/// names of the version it came in. An error says why nothing can be made of it.
pub(crate) fn to_r4(version: Version, tree: &mut Tree, findings: &mut Vec<Finding>) -> Result<Kind, (Cause, String)> {
    let named = tree.resource_type().unwrap_or_default().into_owned();
    if version == Version::R4 {
        return Kind::parse(&named).ok_or_else(|| unknown(version, &named));
    }
    let shape = shape(version, Version::R4, &named);
    let to = shape.map_or(named.as_str(), |shape| shape.to);
    let (Some(kind), Some(r4)) = (Kind::parse(to), tables::of(Version::R4).type_of(to)) else {
        return Err(unknown(version, &named));
    };
    let detail = format!("from {} {named} by rules {RULES}", version.name());
    findings.push(Finding { code: FindingCode::Converted, path: named, detail });
    translate(&mut Draft::new(version, Version::R4, tree, findings), r4.name);
    Ok(kind)
}

/// Makes a resource one of this type of the new version.
fn translate(draft: &mut Draft<'_>, type_name: &'static str) {
    let root = draft.tree.root().id();
    prune(draft, root);
    reshape(draft, root);
    clear(draft, root);
    restore::all(draft, root, type_name);
    sweep::sweep(draft, root, type_name);
}

/// The R4 type that a version's type becomes, if it becomes one.
pub(crate) fn r4_kind(version: Version, name: &str) -> Option<Kind> {
    Kind::parse(shape(version, Version::R4, name).map_or(name, |shape| shape.to))
}

fn unknown(version: Version, named: &str) -> (Cause, String) {
    if tables::of(version).is_resource(named) {
        (Cause::UnknownType, format!("R4 has no place for a {named} of {}", version.name()))
    } else {
        (Cause::UnknownType, format!("a type that {} does not define", version.name()))
    }
}

/// Takes away empty objects and lists, which FHIR does not know, so that nobody after has to think of them.
fn prune(draft: &mut Draft<'_>, node: NodeId) {
    for child in draft.children(node) {
        prune(draft, child);
        let keeps_a_place = draft.is_array(node) && draft.is_null(child);
        if draft.is_hollow(child) || (draft.is_null(child) && !keeps_a_place) {
            draft.note(FindingCode::Malformed, child, "there is nothing in it");
            let key = draft.tree.node(node).key();
            if draft.is_array(node) && key.starts_with('_') {
                // Those beside it keep their places.
                let null = draft.tree.new_null();
                draft.replace(node, child, null);
            } else {
                draft.tree.detach(child);
            }
        }
    }
}

/// Takes away what the shapes have emptied.
fn clear(draft: &mut Draft<'_>, node: NodeId) {
    for child in draft.children(node) {
        clear(draft, child);
        if draft.is_hollow(child) {
            draft.tree.detach(child);
        }
    }
}

/// Takes away what stands in an extension's place beside a primitive and is none.
fn drop_false_extensions(draft: &mut Draft<'_>, object: NodeId) {
    for key in draft.keys(object) {
        if !key.starts_with('_') || draft.items(object, &key).iter().all(|item| draft.is_object(*item) || draft.is_null(*item)) {
            continue;
        }
        if let Some(node) = draft.take(object, &key) {
            draft.note(FindingCode::Malformed, node, "no extensions of a value, though named as such: not carried");
        }
    }
}

/// Applies the shapes below an object, then its own.
fn reshape(draft: &mut Draft<'_>, object: NodeId) {
    drop_false_extensions(draft, object);
    for child in draft.children(object) {
        if draft.is_object(child) || draft.is_array(child) {
            reshape(draft, child);
        }
    }
    if !draft.is_object(object) {
        return;
    }
    let type_name = draft.known(object).type_name;
    if draft.to == Version::Stu3 && down::homeless(draft, object) {
        down::shelter(draft, object);
        return;
    }
    let chosen = if draft.to == Version::Stu3 && down::is_referral(draft.tree.node(object)) { "ReferralRequest" } else { type_name };
    let Some(shape) = shape(draft.version, draft.to, chosen) else { return };
    for rule in shape.rules {
        rule.apply(draft, object);
    }
    if shape.to != shape.from && draft.has(object, "resourceType") {
        draft.tree.set_string(object, "resourceType", shape.to);
    }
}

/// What is known of a type of one version on its way to another.
fn shape(version: Version, to: Version, type_name: &str) -> Option<&'static Shape> {
    static STU3: LazyLock<FxHashMap<&str, &Shape>> = LazyLock::new(|| stu3::shapes().map(|shape| (shape.from, shape)).collect());
    static DSTU2: LazyLock<FxHashMap<&str, &Shape>> = LazyLock::new(|| dstu2::shapes().map(|shape| (shape.from, shape)).collect());
    static DOWN: LazyLock<FxHashMap<&str, &Shape>> = LazyLock::new(|| down::shapes().map(|shape| (shape.from, shape)).collect());
    match (version, to) {
        (Version::Dstu2, _) => DSTU2.get(type_name).copied(),
        (Version::Stu3, _) => STU3.get(type_name).copied(),
        (Version::R4, Version::Stu3) => DOWN.get(type_name).copied(),
        (Version::R4, _) => None,
    }
}

/// What a type is called in the version it becomes.
fn target_type(draft: &Draft<'_>, type_name: &'static str) -> &'static str {
    shape(draft.version, draft.to, type_name).map_or(type_name, |shape| shape.to)
}
