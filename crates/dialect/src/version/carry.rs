//! What the new version has no place for travels in the extensions FHIR sets aside for it:
//! `http://hl7.org/fhir/1.0/StructureDefinition/extension-MedicationOrder.dateEnded`.

use fhir::tables;
use fhir::{NodeId, NodeKind, Version};
use record::FindingCode;

use super::draft::{Draft, Known};
use super::target_type;

/// Takes a key that the new version does not know out of an object, with its extensions, and hangs it on that object as an
/// extension. Says so.
pub(super) fn key(draft: &mut Draft<'_>, object: NodeId, key: &str) {
    let defined =
        [key.to_owned(), format!("_{key}")].iter().filter_map(|key| draft.at(object, key)).any(|node| draft.known(node).element.is_some());
    if defined {
        carried(draft, object, key, FindingCode::Lossy, &format!("{} has no place for it", draft.to.name()));
    } else {
        carried(draft, object, key, FindingCode::Malformed, "no element of its version");
    }
}

/// The same with a key that it knows, under which stands what it cannot be.
pub(super) fn misfit(draft: &mut Draft<'_>, object: NodeId, key: &str) {
    carried(draft, object, key, FindingCode::Malformed, "not what stands here");
}

fn carried(draft: &mut Draft<'_>, object: NodeId, plain: &str, code: FindingCode, what: &str) {
    let node = draft.take(object, plain);
    let under = draft.take(object, &format!("_{plain}"));
    let Some(shown) = node.or(under) else { return };
    let known = draft.known(shown);
    if plain == "fhir_comments" || !may_extend(draft, object) {
        draft.note(FindingCode::Lossy, shown, format!("{what}: not carried"));
        return;
    }
    let items = match node {
        Some(node) if draft.is_array(node) => draft.children(node),
        Some(node) => vec![node],
        None => Vec::new(),
    };
    let unders = match under {
        Some(under) if draft.is_array(under) => draft.children(under),
        Some(under) => vec![under],
        None => Vec::new(),
    };
    for item in if items.is_empty() { vec![shown] } else { items.clone() } {
        draft.note(code, item, format!("{what}: carried in an extension"));
    }
    let url = url(draft, known, plain);
    let holder =
        if known.element.is_some_and(|one| one.modifier) && takes_modifiers(draft, object) { "modifierExtension" } else { "extension" };
    for place in 0..items.len().max(unders.len()) {
        let (item, under) = (items.get(place).copied(), unders.get(place).copied());
        if let Some(extension) = valued(draft, &url, item, under) {
            draft.append(object, holder, extension);
        }
    }
}

/// Hangs a node that was taken from an object on that object as an extension. Says so.
pub(super) fn beside(draft: &mut Draft<'_>, object: NodeId, node: NodeId) {
    let to = draft.to.name();
    if may_extend(draft, object) {
        draft.note(FindingCode::Lossy, node, format!("{to} has no place for it: carried in an extension"));
        hang(draft, object, node);
    } else {
        draft.note(FindingCode::Lossy, node, format!("{to} has no place for it: not carried"));
    }
}

/// Hangs a value on the element that took its place in another form. Says so.
pub(super) fn onto(draft: &mut Draft<'_>, holder: NodeId, node: NodeId) {
    draft.note(FindingCode::Lossy, node, format!("{} has no such value here: carried in an extension", draft.to.name()));
    hang(draft, holder, node);
}

fn hang(draft: &mut Draft<'_>, holder: NodeId, node: NodeId) {
    let known = draft.known(node);
    let url = url(draft, known, "value");
    draft.tree.detach(node);
    if let Some(extension) = valued(draft, &url, Some(node), None) {
        draft.extend(holder, extension);
    }
}

/// Bundles, Binaries and Parameters hold no extensions, nor do extensions that have a value.
fn may_extend(draft: &Draft<'_>, object: NodeId) -> bool {
    let valued = draft.has(object, "url") && draft.keys(object).iter().any(|key| value_key_of(draft, key));
    !valued && !matches!(draft.text(object, "resourceType").as_deref(), Some("Binary" | "Bundle" | "Parameters"))
}

fn takes_modifiers(draft: &Draft<'_>, object: NodeId) -> bool {
    draft.has(object, "resourceType") || draft.known(object).type_name.contains('.')
}

/// How the URLs begin of extensions that stand for a version's own elements.
pub(super) fn named_for(version: Version) -> &'static str {
    match version {
        Version::Dstu2 => "http://hl7.org/fhir/1.0/StructureDefinition/extension-",
        Version::Stu3 => "http://hl7.org/fhir/3.0/StructureDefinition/extension-",
        Version::R4 => "http://hl7.org/fhir/4.0/StructureDefinition/extension-",
    }
}

fn url(draft: &Draft<'_>, known: Known, key: &str) -> String {
    let name = match known.element {
        Some(element) if !element.choice.is_empty() => element.choice,
        Some(element) => element.name,
        None => key,
    };
    let owner = if known.owner.is_empty() { "Element" } else { known.owner };
    format!("{}{owner}.{name}", named_for(draft.version))
}

/// An extension of this value, and of the extensions the value has itself. None for nothing.
fn valued(draft: &mut Draft<'_>, url: &str, node: Option<NodeId>, under: Option<NodeId>) -> Option<NodeId> {
    let node = node.filter(|node| !draft.is_null(*node));
    let under = under.filter(|node| draft.is_object(*node));
    let shown = node.or(under)?;
    match node {
        Some(node) if draft.is_object(node) => match object_key(draft, node) {
            Some(key) => Some(draft.extension(url, key, node)),
            None => Some(nested(draft, url, node)),
        },
        Some(node) if draft.is_array(node) => Some(nested(draft, url, node)),
        _ => {
            let key = primitive_key(draft, shown, node);
            let extension = draft.tree.new_object();
            draft.tree.set_string(extension, "url", url);
            if let Some(node) = node {
                draft.tree.set(extension, key, node);
            }
            if let Some(under) = under {
                draft.tree.set(extension, &format!("_{key}"), under);
            }
            Some(extension)
        }
    }
}

fn value_key_of(draft: &Draft<'_>, key: &str) -> bool {
    draft.target().element("Extension", key).is_some_and(|one| one.choice == "value")
}

fn object_key(draft: &Draft<'_>, node: NodeId) -> Option<&'static str> {
    let type_name = target_type(draft, draft.known(node).type_name);
    // A primitive's type tells nothing of an object that stands in its place.
    if tables::primitive(type_name).is_some() { None } else { value_key(draft, type_name) }
}

/// `valueCodeableConcept` for `CodeableConcept`, if an Extension can hold one.
fn value_key(draft: &Draft<'_>, type_name: &str) -> Option<&'static str> {
    let mut key = String::with_capacity(type_name.len() + 5);
    key.push_str("value");
    let mut letters = type_name.chars();
    key.extend(letters.next()?.to_uppercase());
    key.push_str(letters.as_str());
    draft.target().element("Extension", &key).map(|one| one.name)
}

fn primitive_key(draft: &Draft<'_>, shown: NodeId, node: Option<NodeId>) -> &'static str {
    let declared = draft.known(shown).element.map_or("", |one| one.type_name);
    let kind = node.map(|node| draft.tree.node(node).kind());
    let fits = match (tables::primitive(declared), kind) {
        (_, None) => true,
        (Some(tables::Primitive::Boolean), Some(kind)) => kind == NodeKind::Bool,
        (Some(tables::Primitive::Number), Some(kind)) => kind == NodeKind::Number,
        (Some(tables::Primitive::String), Some(kind)) => matches!(kind, NodeKind::String | NodeKind::StringEscaped),
        (None, Some(_)) => false,
    };
    match (value_key(draft, declared), kind) {
        (Some(key), _) if fits => key,
        (_, Some(NodeKind::Bool)) => "valueBoolean",
        (_, Some(NodeKind::Number)) => "valueDecimal",
        _ => "valueString",
    }
}

/// An object that is no datatype there: each of its elements is an extension within.
fn nested(draft: &mut Draft<'_>, url: &str, node: NodeId) -> NodeId {
    let extension = draft.tree.new_object();
    if let Some(id) = draft.take(node, "id") {
        draft.tree.set(extension, "id", id);
    }
    draft.tree.set_string(extension, "url", url);
    if draft.is_array(node) {
        for item in draft.children(node) {
            draft.tree.detach(item);
            let inner = valued(draft, "item", Some(item), None);
            append_inner(draft, extension, inner);
        }
        return extension;
    }
    for key in draft.keys(node) {
        let plain = key.strip_prefix('_').unwrap_or(&key);
        if plain == "extension" || plain == "modifierExtension" {
            for item in draft.items(node, plain) {
                draft.extend(extension, item);
            }
            continue;
        }
        let (value, under) = (draft.take(node, plain), draft.take(node, &format!("_{plain}")));
        let Some(shown) = value.or(under) else { continue };
        let name = match draft.known(shown).element {
            Some(element) if !element.choice.is_empty() => element.choice,
            _ => plain,
        };
        let name = name.to_owned();
        let items = value.map(|value| if draft.is_array(value) { draft.children(value) } else { vec![value] }).unwrap_or_default();
        let unders = under.map(|under| if draft.is_array(under) { draft.children(under) } else { vec![under] }).unwrap_or_default();
        for place in 0..items.len().max(unders.len()) {
            let inner = valued(draft, &name, items.get(place).copied(), unders.get(place).copied());
            append_inner(draft, extension, inner);
        }
    }
    extension
}

fn append_inner(draft: &mut Draft<'_>, extension: NodeId, inner: Option<NodeId>) {
    if let Some(inner) = inner {
        draft.extend(extension, inner);
    }
}
