//! What an earlier translation carried in FHIR's extensions for another version's elements, put back into those elements.
//!
//! STU3 to R4 carries `taken: unk` as `…/3.0/…/extension-MedicationStatement.taken`; R4 to STU3 finds the element again. What
//! has no place, or whose place is taken, stays the extension it is.

use fhir::NodeId;
use fhir::tables::Element;

use super::carry;
use super::draft::Draft;

/// Looks at an object of this type of the new version, and at all below it.
pub(super) fn all(draft: &mut Draft<'_>, object: NodeId, type_name: &'static str) {
    own(draft, object, type_name);
    for key in draft.keys(object) {
        let plain = key.strip_prefix('_').unwrap_or(&key);
        let Some(element) = draft.target().element(type_name, plain) else { continue };
        let below = if plain == key { element.type_name } else { "Element" };
        for item in draft.items(object, &key) {
            if !draft.is_object(item) {
                continue;
            }
            let resource = draft.text(item, "resourceType").and_then(|name| draft.target().type_of(&name));
            all(draft, item, resource.map_or(below, |one| one.name));
        }
    }
}

/// An object's own elements hang on it, or on the element that took their place in another form.
fn own(draft: &mut Draft<'_>, object: NodeId, type_name: &str) {
    let prefix = format!("{}{type_name}.", carry::named_for(draft.to));
    for holder in ["extension", "modifierExtension"] {
        for extension in draft.items(object, holder) {
            if let Some(name) = name_of(draft, extension, &prefix) {
                put(draft, (object, type_name), &name, extension, None);
            }
        }
        super::common::drop_if_empty(draft, object, holder);
    }
    for key in draft.keys(object) {
        if matches!(key.as_str(), "extension" | "modifierExtension" | "contained") {
            continue;
        }
        for item in draft.items(object, &key) {
            for extension in draft.items(item, "extension") {
                if let Some(name) = name_of(draft, extension, &prefix) {
                    put(draft, (object, type_name), &name, extension, Some((&key, item)));
                }
            }
            super::common::drop_if_empty(draft, item, "extension");
        }
    }
}

fn name_of(draft: &Draft<'_>, extension: NodeId, prefix: &str) -> Option<String> {
    let url = draft.text(extension, "url")?;
    url.strip_prefix(prefix).filter(|name| !name.contains('.')).map(str::to_owned)
}

/// Puts one extension's value into the element of that name. `stood` is the element it hung on, which it replaces where that
/// is the same element in another form.
fn put(draft: &mut Draft<'_>, (object, type_name): (NodeId, &str), name: &str, extension: NodeId, stood: Option<(&str, NodeId)>) {
    let Some(element) = element_of(draft, type_name, name, extension).filter(|element| holds(draft, element, extension)) else { return };
    let plain = |key: &'_ str| key.strip_prefix('_').unwrap_or(key).to_owned();
    let replaced = stood.map(|(key, item)| (plain(key), item)).filter(|(key, _)| {
        let other = draft.target().element(type_name, key);
        *key == element.name || (!element.choice.is_empty() && other.is_some_and(|other| other.choice == element.choice))
    });
    match replaced {
        Some((key, item)) if draft.at(object, &key).is_some_and(|node| draft.is_array(node)) => {
            // One of several: its fellows keep their places.
            let (Some(array), value) = (draft.at(object, &key), taken(draft, element, extension)) else { return };
            draft.replace(array, item, value);
        }
        Some((key, _)) => {
            let value = taken(draft, element, extension);
            draft.take(object, &key);
            draft.take(object, &format!("_{key}"));
            draft.tree.set(object, element.name, value);
        }
        None if element.list => {
            let value = taken(draft, element, extension);
            draft.append(object, element.name, value);
        }
        None => match draft.at(object, element.name) {
            None if draft.has(object, &format!("_{}", element.name)) => return,
            None => {
                let value = taken(draft, element, extension);
                draft.tree.set(object, element.name, value);
            }
            // Part of it had a place of its own.
            Some(there) if is_free(draft, there, element, extension) => fill(draft, element.type_name, extension, there),
            Some(_) => return,
        },
    }
    draft.converted(extension, BACK);
    draft.tree.detach(extension);
}

/// Whether an object that is there already has room for all that an extension holds within.
fn is_free(draft: &Draft<'_>, object: NodeId, element: &Element, extension: NodeId) -> bool {
    draft.is_object(object)
        && value_key(draft, extension).is_none()
        && draft.items(extension, "extension").into_iter().all(|one| {
            let name = draft.text(one, "url").unwrap_or_default();
            element_of(draft, element.type_name, &name, one).is_some_and(|own| own.list || !draft.has(object, own.name))
        })
}

const BACK: &str = "back in the element that it stood for";

/// The value of an extension that an element can hold, taken out of it.
fn taken(draft: &mut Draft<'_>, element: &Element, extension: NodeId) -> NodeId {
    if let Some(value) = value_key(draft, extension).and_then(|key| draft.take(extension, &key)) {
        return value;
    }
    let object = draft.tree.new_object();
    fill(draft, element.type_name, extension, object);
    object
}

/// Sets the elements that stand in extensions within an extension.
fn fill(draft: &mut Draft<'_>, type_name: &str, extension: NodeId, object: NodeId) {
    for one in draft.items(extension, "extension") {
        let name = draft.text(one, "url").unwrap_or_default();
        let Some(inner) = element_of(draft, type_name, &name, one) else { continue };
        let value = taken(draft, inner, one);
        if inner.list {
            draft.append(object, inner.name, value);
        } else {
            draft.tree.set(object, inner.name, value);
        }
    }
}

fn value_key(draft: &Draft<'_>, extension: NodeId) -> Option<String> {
    draft.keys(extension).into_iter().find(|key| key.starts_with("value"))
}

fn element_of(draft: &Draft<'_>, type_name: &str, name: &str, extension: NodeId) -> Option<&'static Element> {
    draft.target().element(type_name, name).or_else(|| {
        let chosen = format!("{name}{}", value_key(draft, extension)?.strip_prefix("value")?);
        draft.target().element(type_name, &chosen)
    })
}

/// Whether an element can hold all that an extension says. Extensions of a primitive have no place of their own here.
fn holds(draft: &Draft<'_>, element: &Element, extension: NodeId) -> bool {
    if draft.keys(extension).iter().any(|key| key.starts_with('_') || key == "id") {
        return false;
    }
    if let Some(value) = value_key(draft, extension).and_then(|key| draft.at(extension, &key)) {
        return draft.is_object(value) == element.primitive().is_none() && draft.keys(extension).len() == 2;
    }
    let inner = draft.items(extension, "extension");
    let mut single = Vec::new();
    !inner.is_empty()
        && inner.into_iter().all(|one| {
            let Some(name) = draft.text(one, "url").filter(|url| !url.contains(':')) else { return false };
            let Some(own) = element_of(draft, element.type_name, &name, one) else { return false };
            let first = own.list || !single.contains(&own.name);
            single.push(own.name);
            first && holds(draft, own, one)
        })
}
