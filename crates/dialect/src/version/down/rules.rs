//! What several types need on the way down, beside the rules that both ways share.

use fhir::NodeId;

use crate::version::carry;
use crate::version::draft::Draft;

/// A concept becomes a code: that of its coding of `system`, in STU3's spelling. What else it says, or a code that STU3 does not
/// know, is carried beside.
pub(in crate::version) fn code(draft: &mut Draft<'_>, object: NodeId, key: &str, system: &str, codes: &[(&str, &str)]) {
    let Some(concept) = draft.at(object, key).filter(|node| draft.is_object(*node)) else { return };
    let codings = draft.items(concept, "coding");
    let known = |draft: &Draft<'_>, coding: NodeId| {
        let fits = draft.text(coding, "system").is_none_or(|own| own == system);
        let code = draft.text(coding, "code").filter(|_| fits)?;
        codes.iter().find(|(old, _)| *old == code).copied()
    };
    let chosen = codings.iter().find_map(|coding| Some((*coding, known(draft, *coding)?)));
    draft.take(object, key);
    let bare = draft.keys(concept).len() == 1 && codings.len() == 1;
    match chosen {
        Some((coding, (old, new)))
            if bare && old == new && draft.keys(coding).iter().all(|key| matches!(key.as_str(), "code" | "system")) =>
        {
            if let Some(system) = draft.at(coding, "system") {
                draft.converted(system, "STU3's codes here are always of that system");
            }
            if let Some(code) = draft.take(coding, "code") {
                draft.tree.set(object, key, code);
            }
        }
        Some((_, (_, new))) => {
            draft.tree.set_string(object, key, new);
            beside(draft, object, key, concept);
        }
        None => {
            beside(draft, object, key, concept);
            absent(draft, object, key);
        }
    }
}

/// Codes that STU3 lacks, and the nearest it has: the code itself is carried beside. `""`: there is none near.
pub(in crate::version) fn narrow(draft: &mut Draft<'_>, object: NodeId, key: &str, codes: &[(&str, &str)]) {
    let Some(node) = draft.at(object, key) else { return };
    let Some(value) = draft.value(node) else { return };
    let Some((_, new)) = codes.iter().find(|(old, _)| *old == value) else { return };
    draft.take(object, key);
    if !new.is_empty() {
        draft.tree.set_string(object, key, new);
    }
    beside(draft, object, key, node);
    if new.is_empty() {
        absent(draft, object, key);
    }
}

/// A concept becomes words, which is all that STU3 has there; the concept is carried beside.
pub(in crate::version) fn words(draft: &mut Draft<'_>, object: NodeId, key: &str) {
    let Some(concept) = draft.at(object, key).filter(|node| draft.is_object(*node)) else { return };
    let said = draft.text(concept, "text").or_else(|| draft.text(concept, "coding.display")).or_else(|| draft.text(concept, "coding.code"));
    draft.take(object, key);
    if let Some(said) = said {
        draft.tree.set_string(object, key, &said);
    }
    beside(draft, object, key, concept);
}

/// Carries what stood at a key on the primitive that stands there now.
pub(super) fn beside(draft: &mut Draft<'_>, object: NodeId, key: &str, node: NodeId) {
    if let Some(under) = draft.tree.object_at(object, &format!("_{key}")) {
        carry::onto(draft, under, node);
    }
}

fn absent(draft: &mut Draft<'_>, object: NodeId, key: &str) {
    if let Some(under) = draft.tree.object_at(object, &format!("_{key}")) {
        let absent = draft.absent();
        draft.extend(under, absent);
    }
}

/// A status that says that it did not happen becomes STU3's flag, with the status that misleads least whoever overlooks it.
/// The reason, which R4 keeps for every status, becomes the reason why not.
pub(in crate::version) fn denied(draft: &mut Draft<'_>, object: NodeId, said: &str, flag: &str, status: &str, reasons: &[(&str, &str)]) {
    if !draft.is(object, "status", said) {
        return;
    }
    if let Some(node) = draft.at(object, "status") {
        draft.converted(node, format!("STU3 says it by {flag}"));
        draft.take(object, "status");
        draft.tree.set_string(object, "status", status);
    }
    let yes = draft.tree.new_bool(true);
    draft.tree.set(object, flag, yes);
    for (reason, why_not) in reasons {
        draft.rename(object, reason, why_not);
    }
}

/// A value becomes an extension that readers of STU3 in the UK know.
pub(in crate::version) fn extended(draft: &mut Draft<'_>, object: NodeId, key: &str, url: &str, value: &str) {
    if draft.has(object, &format!("_{key}")) {
        return;
    }
    if let Some(node) = draft.take(object, key) {
        draft.converted(node, "STU3 has an extension for it");
        let extension = draft.extension(url, value, node);
        draft.extend(object, extension);
    }
}
