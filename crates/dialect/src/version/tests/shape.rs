//! Whether a tree has a version's shape: elements it knows, lists where it lists, objects and values where it has them.

use fhir::tables::{self, Element, Primitive};
use fhir::{NodeKind, Ref, Tree, Version};

/// What is not of R4's shape.
pub(super) fn faults(tree: &Tree) -> Vec<String> {
    faults_of(Version::R4, tree)
}

/// What is not of a version's shape.
pub(super) fn faults_of(version: Version, tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    resource(version, tree.root(), &mut found);
    found
}

fn resource(version: Version, object: Ref<'_>, found: &mut Vec<String>) {
    let name = object.text("resourceType").unwrap_or_default();
    match tables::of(version).type_of(&name) {
        Some(one) if one.resource => elements(version, object, one.name, found),
        _ => found.push(format!("{}: no resource of {}", object.path(), version.name())),
    }
}

fn elements(version: Version, object: Ref<'_>, type_name: &str, found: &mut Vec<String>) {
    if object.is_empty() {
        found.push(format!("{}: empty", object.path()));
    }
    for (key, child) in object.entries().filter(|(key, _)| *key != "resourceType") {
        let plain = key.strip_prefix('_').unwrap_or(key);
        let Some(element) = tables::of(version).element(type_name, plain) else {
            found.push(format!("{}: {type_name} has no {plain}", child.path()));
            continue;
        };
        if child.is_array() != element.list {
            found.push(format!("{}: a list, or none", child.path()));
        }
        for item in child.each() {
            value(version, item, element, plain != key, found);
        }
    }
}

fn value(version: Version, item: Ref<'_>, element: &Element, extension: bool, found: &mut Vec<String>) {
    let primitive = element.primitive();
    let fits = match item.kind() {
        NodeKind::Array => false,
        NodeKind::Null => element.list && primitive.is_some(),
        NodeKind::Object => extension || primitive.is_none(),
        NodeKind::Bool => primitive == Some(Primitive::Boolean),
        NodeKind::Number => primitive == Some(Primitive::Number),
        NodeKind::String | NodeKind::StringEscaped => primitive == Some(Primitive::String) && !item.raw().is_empty(),
    };
    if !fits || (extension && primitive.is_none()) {
        found.push(format!("{}: not a {}", item.path(), element.type_name));
    } else if extension && item.is_object() {
        elements(version, item, "Element", found);
    } else if item.is_object() {
        if element.type_name == "Resource" { resource(version, item, found) } else { elements(version, item, element.type_name, found) }
    }
}
