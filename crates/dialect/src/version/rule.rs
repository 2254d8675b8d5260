//! What differs between a type's forms in two versions, as rows that can be read, and how a row is applied.

use fhir::NodeId;
use record::FindingCode;

use super::draft::Draft;
use super::{carry, down};

/// How one type of a version becomes another's. A type without a shape keeps its name, and what the tables tell of it
/// (lists, singles, changed types, elements that are gone) is done by the sweep.
pub(super) struct Shape {
    /// The type in its version: a resource, a datatype or a backbone element by its path.
    pub from: &'static str,
    /// The type it becomes.
    pub to: &'static str,
    /// What to do, in order. Everything below the object is done already.
    pub rules: &'static [Rule],
}

/// One difference. Keys are of the object the shape is about; a key that is not there is passed over.
pub(super) enum Rule {
    /// To STU3: a concept becomes the code of its coding of this system.
    Code(&'static str, &'static str, &'static [(&'static str, &'static str)]),
    /// Old codes and R4's. A code that is not among them stays. `""`: R4 has no code for it.
    Codes(&'static str, &'static [(&'static str, &'static str)]),
    /// A code becomes a concept of this system.
    Concept(&'static str, &'static str),
    /// `context`, which may have been an episode: what is an encounter moves, an episode is carried.
    Context(&'static str),
    /// To STU3: a status becomes a flag and another status, and reasons become reasons why not.
    Denied(&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]),
    /// To STU3: a value becomes an extension of this URL.
    Extended(&'static str, &'static str, &'static str),
    /// Appends what stands under one key to the list under another.
    Gather(&'static str, &'static str),
    /// Moves what stands within a backbone element up: `("explanation", "reason", "reasonCode")`.
    Lift(&'static str, &'static str, &'static str),
    /// To STU3: codes it lacks and the nearest it has; the code itself is carried beside.
    Narrow(&'static str, &'static [(&'static str, &'static str)]),
    /// A flag that turns the statement into its opposite: when true, `status` becomes this code.
    Negated(&'static str, &'static str),
    /// Text that R4 keeps as an Annotation in `note`.
    Note(&'static str),
    /// Moves keys into items of one backbone element, under the same keys: `(["dose"], "doseAndRate")`.
    Nest(&'static [&'static str], &'static str),
    /// The key has another name.
    Rename(&'static str, &'static str),
    /// What no row can say.
    Run(fn(&mut Draft<'_>, NodeId)),
    /// Moves a key down into an object: `("period", "provision", "period")`.
    Sink(&'static str, &'static str, &'static str),
    /// A list of which R4 keeps one: the first stays, the rest go to another list.
    Split(&'static str, &'static str),
    /// A backbone element gives way to one of its children; what else it held hangs on that child.
    Unwrap(&'static str, &'static str),
    /// To STU3: a concept becomes words.
    Words(&'static str),
    /// A value becomes an element of a backbone element: `("practitioner", "actor")` gives `{actor: value}`.
    Wrap(&'static str, &'static str),
}

impl Rule {
    pub fn apply(&self, draft: &mut Draft<'_>, object: NodeId) {
        match *self {
            Rule::Code(key, system, map) => down::code(draft, object, key, system, map),
            Rule::Codes(key, map) => codes(draft, object, key, map),
            Rule::Concept(key, system) => concept(draft, object, key, system),
            Rule::Context(new) => context(draft, object, new),
            Rule::Denied(said, flag, status, reasons) => down::denied(draft, object, said, flag, status, reasons),
            Rule::Extended(key, url, value) => down::extended(draft, object, key, url, value),
            Rule::Gather(old, new) => gather(draft, object, old, new),
            Rule::Lift(backbone, inner, new) => lift(draft, object, backbone, inner, new),
            Rule::Narrow(key, map) => down::narrow(draft, object, key, map),
            Rule::Negated(flag, code) => negated(draft, object, flag, code),
            Rule::Note(key) => note(draft, object, key),
            Rule::Nest(keys, backbone) => nest(draft, object, keys, backbone),
            Rule::Rename(old, new) => {
                draft.rename(object, old, new);
            }
            Rule::Run(run) => run(draft, object),
            Rule::Sink(key, parent, inner) => sink(draft, object, key, parent, inner),
            Rule::Split(key, rest) => split(draft, object, key, rest),
            Rule::Unwrap(key, inner) => draft.replace_items(object, key, |draft, item| unwrapped(draft, item, inner)),
            Rule::Words(key) => down::words(draft, object, key),
            Rule::Wrap(key, inner) => draft.replace_items(object, key, |draft, item| draft.wrapped(inner, item)),
        }
    }
}

fn codes(draft: &mut Draft<'_>, object: NodeId, key: &str, map: &[(&str, &str)]) {
    for item in draft.items(object, key) {
        let Some(code) = draft.value(item) else { continue };
        match map.iter().find(|(old, _)| *old == code) {
            Some((_, "")) => codeless(draft, object, key, item),
            Some((_, new)) => {
                draft.converted(item, format!("{} has another code for it", draft.to.name()));
                draft.tree.set_text(item, new);
            }
            None => {}
        }
    }
}

/// R4 has no such code: the element says that there is no value, and carries the one that was.
fn codeless(draft: &mut Draft<'_>, object: NodeId, key: &str, item: NodeId) {
    draft.tree.detach(item);
    if let Some(under) = draft.tree.object_at(object, &format!("_{key}")) {
        carry::onto(draft, under, item);
        let absent = draft.absent();
        draft.extend(under, absent);
    }
}

fn concept(draft: &mut Draft<'_>, object: NodeId, key: &str, system: &str) {
    let under = draft.take(object, &format!("_{key}"));
    draft.replace_items(object, key, |draft, item| {
        if draft.is_object(item) {
            return item;
        }
        let coding = draft.tree.new_object();
        draft.tree.set_string(coding, "system", system);
        draft.tree.set(coding, "code", item);
        let array = draft.tree.new_array();
        draft.tree.push(array, coding);
        draft.wrapped("coding", array)
    });
    let Some(under) = under.filter(|node| draft.is_object(*node)) else { return };
    match draft.at(object, key) {
        None => draft.tree.set(object, key, under),
        Some(node) => absorb(draft, node, under),
    }
}

/// Moves what one object holds into another, where that has no such key.
pub(super) fn absorb(draft: &mut Draft<'_>, into: NodeId, from: NodeId) {
    if !draft.is_object(into) || !draft.is_object(from) {
        draft.note(FindingCode::Malformed, from, "nothing here can hold it: not carried");
        return;
    }
    for key in draft.keys(from) {
        if key == "extension" && draft.has(into, "extension") {
            for item in draft.items(from, "extension") {
                draft.extend(into, item);
            }
        } else if draft.has(into, &key) {
            if let Some(node) = draft.at(from, &key) {
                draft.note(FindingCode::Lossy, node, "its place is taken: not carried");
            }
        } else if let Some(node) = draft.take(from, &key) {
            draft.tree.set(into, &key, node);
        }
    }
}

fn context(draft: &mut Draft<'_>, object: NodeId, new: &str) {
    let Some(reference) = draft.text(object, "context.reference") else {
        draft.rename(object, "context", new);
        return;
    };
    if !reference.contains("EpisodeOfCare/") {
        draft.rename(object, "context", new);
    }
}

fn gather(draft: &mut Draft<'_>, object: NodeId, old: &str, new: &str) {
    if !draft.has(object, new) {
        draft.rename(object, old, new);
        return;
    }
    for item in draft.items(object, old) {
        draft.append(object, new, item);
    }
    draft.take(object, old);
}

fn lift(draft: &mut Draft<'_>, object: NodeId, backbone: &str, inner: &str, new: &str) {
    for holder in draft.items(object, backbone) {
        if let Some(under) = draft.take(holder, &format!("_{inner}"))
            && !draft.has(object, &format!("_{new}"))
        {
            draft.tree.set(object, &format!("_{new}"), under);
        }
        let Some(node) = draft.take(holder, inner) else { continue };
        if !draft.has(object, new) {
            draft.tree.set(object, new, node);
            continue;
        }
        let items = if draft.is_array(node) { draft.children(node) } else { vec![node] };
        for item in items {
            draft.append(object, new, item);
        }
    }
}

/// A flag at its default says what R4 means by saying nothing.
pub(super) const SILENCE: &str = "R4 means the same where it says nothing";

fn negated(draft: &mut Draft<'_>, object: NodeId, flag: &str, code: &str) {
    let Some(node) = draft.at(object, flag) else { return };
    match draft.value(node).as_deref() {
        Some("true") => {
            draft.converted(node, format!("R4 says it by status {code}"));
            draft.take(object, flag);
            deny(draft, object, code);
        }
        Some("false") => {
            draft.converted(node, SILENCE);
            draft.take(object, flag);
        }
        _ => {}
    }
}

/// Sets `status` to the code that says that it did not happen, unless the whole was a mistake.
pub(super) fn deny(draft: &mut Draft<'_>, object: NodeId, code: &str) {
    match draft.at(object, "status") {
        Some(status) if draft.is(object, "status", "entered-in-error") => {
            draft.converted(status, format!("the mistake stands before {code}"));
        }
        Some(status) => {
            draft.converted(status, format!("R4 says {code} in its place"));
            draft.tree.set_text(status, code);
        }
        None => {
            draft.tree.set_string(object, "status", code);
        }
    }
}

fn note(draft: &mut Draft<'_>, object: NodeId, key: &str) {
    let under = draft.take(object, &format!("_{key}"));
    for item in draft.items(object, key) {
        draft.tree.detach(item);
        let annotation = if draft.is_object(item) { item } else { draft.wrapped("text", item) };
        draft.append(object, "note", annotation);
        if let Some(under) = under.filter(|node| draft.is_object(*node)) {
            draft.tree.set(annotation, "_text", under);
        }
    }
    if draft.at(object, key).is_some_and(|node| draft.is_hollow(node) && draft.is_array(node)) && key != "note" {
        draft.take(object, key);
    }
}

fn nest(draft: &mut Draft<'_>, object: NodeId, keys: &[&str], backbone: &str) {
    if draft.has(object, backbone) || !keys.iter().any(|key| draft.has(object, key)) {
        return;
    }
    let inner = draft.tree.new_object();
    for key in keys {
        if let Some(node) = draft.take(object, key) {
            draft.tree.set(inner, key, node);
        }
    }
    draft.append(object, backbone, inner);
}

fn sink(draft: &mut Draft<'_>, object: NodeId, key: &str, parent: &str, inner: &str) {
    let Some(node) = draft.at(object, key) else { return };
    let Some(parent) = draft.tree.object_at(object, parent) else { return };
    if !draft.has(parent, inner) {
        draft.tree.set(parent, inner, node);
    }
}

fn split(draft: &mut Draft<'_>, object: NodeId, key: &str, rest: &str) {
    for item in draft.items(object, key).into_iter().skip(1) {
        draft.append(object, rest, item);
    }
}

fn unwrapped(draft: &mut Draft<'_>, item: NodeId, inner: &str) -> NodeId {
    if !draft.is_object(item) {
        return item;
    }
    let child = match draft.take(item, inner) {
        Some(child) if draft.is_object(child) => child,
        Some(child) => {
            draft.tree.set(item, inner, child);
            return item;
        }
        None => draft.tree.new_object(),
    };
    absorb(draft, child, item);
    child
}
