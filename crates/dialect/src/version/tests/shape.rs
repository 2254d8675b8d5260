//! Whether a tree has R4's shape: elements R4 knows, lists where it lists, objects and values where it has them.

use fhir::tables::{self, Element, Primitive};
use fhir::{NodeKind, Ref, Tree, Version};

/// What is not of R4's shape.
pub(super) fn faults(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    resource(tree.root(), &mut found);
    found
}

fn resource(object: Ref<'_>, found: &mut Vec<String>) {
    let name = object.text("resourceType").unwrap_or_default();
    match tables::of(Version::R4).type_of(&name) {
        Some(one) if one.resource => elements(object, one.name, found),
        _ => found.push(format!("{}: no resource of R4", object.path())),
    }
}

fn elements(object: Ref<'_>, type_name: &str, found: &mut Vec<String>) {
    if object.is_empty() {
        found.push(format!("{}: empty", object.path()));
    }
    for (key, child) in object.entries().filter(|(key, _)| *key != "resourceType") {
        let plain = key.strip_prefix('_').unwrap_or(key);
        let Some(element) = tables::of(Version::R4).element(type_name, plain) else {
            found.push(format!("{}: {type_name} has no {plain}", child.path()));
            continue;
        };
        if child.is_array() != element.list {
            found.push(format!("{}: a list, or none", child.path()));
        }
        for item in child.each() {
            value(item, element, plain != key, found);
        }
    }
}

fn value(item: Ref<'_>, element: &Element, extension: bool, found: &mut Vec<String>) {
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
        elements(item, "Element", found);
    } else if item.is_object() {
        if element.type_name == "Resource" { resource(item, found) } else { elements(item, element.type_name, found) }
    }
}
