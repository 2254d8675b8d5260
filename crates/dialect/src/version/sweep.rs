//! The walk over a resource by the tables of the version it becomes, after the shapes: lists become singles and singles lists, codes become
//! concepts, what that version does not know is carried, and what it requires is said to be unknown.

use fhir::tables::{Element, Primitive};
use fhir::{NodeId, NodeKind, Version};
use record::FindingCode;

use super::draft::{Draft, Known};
use super::{carry, require, rule, systems, target_type, uk};

/// Makes an object one of this type of the new version, and all below it.
pub(super) fn sweep(draft: &mut Draft<'_>, object: NodeId, type_name: &'static str) {
    match type_name {
        "Coding" => systems::respell(draft, object),
        "Extension" if draft.to == Version::R4 => uk::extension(draft, object),
        "Extension" => uk::older(draft, object),
        _ => {}
    }
    let target = draft.target();
    for key in draft.keys(object) {
        let plain = key.strip_prefix('_').unwrap_or(&key);
        if plain != "resourceType" && target.element(type_name, plain).is_none() && draft.has(object, &key) {
            carry::key(draft, object, plain);
        }
    }
    choose(draft, object, type_name);
    for key in draft.keys(object) {
        let plain = key.strip_prefix('_').unwrap_or(&key);
        if let Some(element) = target.element(type_name, plain)
            && !matches!(plain, "extension" | "modifierExtension")
            && draft.has(object, &key)
            && (plain == key || !draft.has(object, plain))
        {
            settle(draft, object, element);
        }
    }
    // Last, as what is carried hangs there.
    for key in ["extension", "modifierExtension"] {
        if let Some(element) = target.element(type_name, key) {
            settle(draft, object, element);
        }
    }
    require::fill(draft, object, type_name);
}

/// Of a choice one stays: the first that was said. A second is against the older version's rules too.
fn choose(draft: &mut Draft<'_>, object: NodeId, type_name: &'static str) {
    let target = draft.target();
    let mut chosen: Vec<(&str, &str)> = Vec::new();
    for key in draft.keys(object) {
        let plain = key.strip_prefix('_').unwrap_or(&key);
        let Some(element) = target.element(type_name, plain).filter(|element| !element.choice.is_empty()) else { continue };
        match chosen.iter().find(|(stem, _)| *stem == element.choice) {
            None => chosen.push((element.choice, element.name)),
            Some((_, name)) if *name != element.name => carry::misfit(draft, object, element.name),
            Some(_) => {}
        }
    }
}

fn settle(draft: &mut Draft<'_>, object: NodeId, element: &'static Element) {
    match element.primitive() {
        Some(primitive) => settle_primitive(draft, object, element, primitive),
        None => settle_complex(draft, object, element),
    }
    drop_empty(draft, object, element.name);
    drop_empty(draft, object, &format!("_{}", element.name));
}

fn settle_primitive(draft: &mut Draft<'_>, object: NodeId, element: &'static Element, primitive: Primitive) {
    let under = format!("_{}", element.name);
    if matches!(element.type_name, "canonical" | "uri" | "url") {
        draft.replace_items(object, element.name, addressed);
    }
    respell_primitives(draft, object, element.name, primitive);
    if !draft.items(object, element.name).iter().all(|item| is_kind(draft, *item, primitive)) {
        carry::misfit(draft, object, element.name);
        return;
    }
    drop_blank(draft, object, element.name);
    fit_list(draft, object, element);
    for item in draft.items(object, &under) {
        if draft.is_object(item) {
            sweep(draft, item, "Element");
        }
    }
}

fn is_kind(draft: &Draft<'_>, item: NodeId, primitive: Primitive) -> bool {
    match draft.tree.node(item).kind() {
        NodeKind::Array | NodeKind::Object => false,
        NodeKind::Bool => primitive == Primitive::Boolean,
        NodeKind::Null => true,
        NodeKind::Number => primitive == Primitive::Number,
        NodeKind::String | NodeKind::StringEscaped => primitive == Primitive::String,
    }
}

/// FHIR knows no empty text.
fn drop_blank(draft: &mut Draft<'_>, object: NodeId, key: &str) {
    for item in draft.items(object, key) {
        if draft.tree.node(item).is_string() && draft.tree.node(item).raw().is_empty() {
            draft.note(FindingCode::Malformed, item, "there is nothing in it");
            // A list keeps the place, for the extensions beside it.
            if draft.at(object, key) == Some(item) {
                draft.take(object, key);
            } else if draft.has(object, &format!("_{key}")) {
                let null = draft.tree.new_null();
                draft.replace_items(object, key, |_, one| if one == item { null } else { one });
            } else {
                draft.tree.detach(item);
            }
        }
    }
}

/// A reference where R4 has an address: its text.
fn addressed(draft: &mut Draft<'_>, item: NodeId) -> NodeId {
    if !draft.is_object(item) || draft.known(item).type_name != "Reference" {
        return item;
    }
    match draft.take(item, "reference") {
        Some(reference) => {
            if !draft.is_hollow(item) {
                draft.note(FindingCode::Lossy, item, format!("{} keeps the address alone", draft.to.name()));
            }
            reference
        }
        None => item,
    }
}

/// Booleans and numbers that a supplier wrote as text, and the reverse: the same value as its own kind.
fn respell_primitives(draft: &mut Draft<'_>, object: NodeId, key: &str, primitive: Primitive) {
    draft.replace_items(object, key, |draft, item| {
        let kind = draft.tree.node(item).kind();
        let text = draft.value(item).unwrap_or_default();
        let made = match (primitive, kind) {
            (Primitive::Boolean, NodeKind::String) if text == "true" || text == "false" => Some(draft.tree.new_bool(text == "true")),
            (Primitive::Number, NodeKind::String) => draft.tree.new_number(&text),
            (Primitive::String, NodeKind::Number | NodeKind::Bool) => Some(draft.tree.new_string(&text)),
            _ => None,
        };
        match made {
            Some(made) => {
                draft.note(FindingCode::Malformed, item, "written as another kind of JSON value");
                made
            }
            None => item,
        }
    });
}

fn settle_complex(draft: &mut Draft<'_>, object: NodeId, element: &'static Element) {
    let under = draft.take(object, &format!("_{}", element.name));
    let mut misfits = Vec::new();
    draft.replace_items(object, element.name, |draft, item| match fitted(draft, item, element.type_name) {
        Some(fitted) => fitted,
        None => {
            misfits.push(item);
            item
        }
    });
    for item in misfits {
        if draft.at(object, element.name) == Some(item) {
            carry::misfit(draft, object, element.name);
        } else {
            draft.tree.detach(item);
            if !draft.is_null(item) {
                carry::beside(draft, object, item);
            }
        }
    }
    if let Some(under) = under {
        shelter(draft, object, element.name, under);
    }
    fit_list(draft, object, element);
    for item in draft.items(object, element.name) {
        let type_name = if element.type_name == "Resource" { contained(draft, item) } else { Some(element.type_name) };
        match type_name {
            Some(type_name) => sweep(draft, item, type_name),
            None => {
                draft.note(FindingCode::Lossy, item, format!("{} has no such type of resource: not carried", draft.to.name()));
                draft.tree.detach(item);
            }
        }
    }
}

fn contained(draft: &Draft<'_>, item: NodeId) -> Option<&'static str> {
    let name = draft.text(item, "resourceType")?;
    draft.target().type_of(&name).filter(|one| one.resource).map(|one| one.name)
}

/// Extensions that stood beside a primitive where R4 has an object: into the object, which they may be the whole of.
fn shelter(draft: &mut Draft<'_>, object: NodeId, key: &str, under: NodeId) {
    let unders = if draft.is_array(under) { draft.children(under) } else { vec![under] };
    let items = draft.items(object, key);
    for (place, under) in unders.into_iter().enumerate() {
        match items.get(place) {
            Some(item) => rule::absorb(draft, *item, under),
            None if draft.is_object(under) => {
                if draft.has(object, key) {
                    draft.append(object, key, under);
                } else {
                    draft.tree.set(object, key, under);
                }
            }
            None => {}
        }
    }
}

/// The item as a value of this type of R4, or nothing if it cannot be one.
fn fitted(draft: &mut Draft<'_>, item: NodeId, target: &'static str) -> Option<NodeId> {
    if draft.is_object(item) {
        return fitted_object(draft, item, target);
    }
    if draft.is_array(item) || draft.is_null(item) {
        return None;
    }
    let key = match target {
        "Annotation" | "CodeableConcept" | "HumanName" => "text",
        "Attachment" => "url",
        "Coding" => "code",
        "Identifier" => "value",
        "Reference" if is_address(&draft.value(item).unwrap_or_default()) => "reference",
        "Reference" => "display",
        _ => return None,
    };
    if key != "reference" && target != "Annotation" {
        draft.converted(item, format!("{} keeps it as {target}.{key}", draft.to.name()));
    }
    let known = draft.known(item);
    let wrapped = draft.wrapped(key, item);
    draft.make_known(wrapped, Known { type_name: target, ..known });
    Some(wrapped)
}

/// Whether a text can be a reference at all, or is what people call it.
fn is_address(text: &str) -> bool {
    !text.contains(' ') && (text.contains('/') || text.starts_with('#') || text.starts_with("urn:"))
}

fn fitted_object(draft: &mut Draft<'_>, item: NodeId, target: &str) -> Option<NodeId> {
    let known = target_type(draft, draft.known(item).type_name);
    match (known, target) {
        ("Coding", "CodeableConcept") => {
            let array = draft.tree.new_array();
            draft.tree.push(array, item);
            Some(draft.wrapped("coding", array))
        }
        ("CodeableConcept", "Coding") => {
            let codings = draft.items(item, "coding");
            (codings.len() == 1 && draft.keys(item).len() == 1).then(|| codings[0])
        }
        ("Identifier", "Reference") => Some(draft.wrapped("identifier", item)),
        ("", _) | ("Element" | "BackboneElement", _) | (_, "Resource") => Some(item),
        _ if fhir::tables::primitive(known).is_some() => {
            draft.note(
                FindingCode::Malformed,
                item,
                format!("an object where its version has a plain value; {} has an object too", draft.to.name()),
            );
            Some(item)
        }
        // A rule has put it there.
        _ if known.contains('.') && target.contains('.') => Some(item),
        _ if known == target || (is_quantity(known) && is_quantity(target)) => Some(item),
        _ => None,
    }
}

fn is_quantity(type_name: &str) -> bool {
    matches!(type_name, "Age" | "Count" | "Distance" | "Duration" | "Quantity" | "SimpleQuantity")
}

fn fit_list(draft: &mut Draft<'_>, object: NodeId, element: &'static Element) {
    let under = format!("_{}", element.name);
    if element.list {
        draft.tree.listed(object, element.name);
        draft.tree.listed(object, &under);
        return;
    }
    let lists = [element.name, &under].into_iter().any(|key| draft.at(object, key).is_some_and(|node| draft.is_array(node)));
    if !lists {
        return;
    }
    let (items, unders) = (draft.items(object, element.name), draft.items(object, &under));
    draft.take(object, element.name);
    draft.take(object, &under);
    if let Some(first) = items.first() {
        draft.tree.set(object, element.name, *first);
    }
    if let Some(first) = unders.first().filter(|node| draft.is_object(**node)) {
        draft.tree.set(object, &under, *first);
    }
    for item in items.into_iter().skip(1).chain(unders.into_iter().skip(1)) {
        draft.tree.detach(item);
        if !draft.is_null(item) {
            carry::beside(draft, object, item);
        }
    }
}

/// FHIR knows no empty objects, lists and nulls (but as place holders in lists of primitives).
fn drop_empty(draft: &mut Draft<'_>, object: NodeId, key: &str) {
    let Some(node) = draft.at(object, key) else { return };
    if key.starts_with('_') && draft.is_array(node) {
        // Its nulls keep places.
        if draft.children(node).iter().all(|item| draft.is_null(*item) || draft.is_hollow(*item)) {
            draft.take(object, key);
        }
        return;
    }
    if draft.is_array(node) {
        for item in draft.children(node) {
            if draft.is_object(item) && draft.is_hollow(item) {
                say_empty(draft, item);
                draft.tree.detach(item);
            }
        }
    }
    let emptied = draft.is_null(node) || (draft.is_hollow(node));
    if emptied {
        say_empty(draft, node);
        draft.take(object, key);
    }
}

fn say_empty(draft: &mut Draft<'_>, node: NodeId) {
    if draft.was_empty(node) {
        draft.note(FindingCode::Malformed, node, "there is nothing in it");
    }
}
