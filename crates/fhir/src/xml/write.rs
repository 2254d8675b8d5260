//! A [`Tree`] into XML.

use std::borrow::Cow;

use super::{FHIR, Shape, continues_name, is_char, is_name, markup, starts_name};
use crate::Version;
use crate::node::Ref;
use crate::tables::{self, Tables};
use crate::tree::{NodeKind, Tree};

impl Tree {
    /// This resource of a version as an XML document.
    pub fn to_xml(&self, version: Version) -> String {
        let mut out = String::with_capacity(self.base.len() + self.extra.len() + 64);
        self.write_xml(version, &mut out);
        out
    }

    /// Appends this resource of a version as an XML document without a declaration.
    ///
    /// Whatever the tree holds, the document is well-formed: keys that are no names are made into some,
    /// and characters that XML cannot carry become U+FFFD.
    pub fn write_xml(&self, version: Version, out: &mut String) {
        Writer { tables: tables::of(version), out }.resource(self.root(), true);
    }
}

struct Writer<'o> {
    tables: &'static Tables,
    out: &'o mut String,
}

/// An element to be written.
struct Member<'a> {
    name: &'a str,
    value: Option<Ref<'a>>,
    /// What stands under `_name`.
    beside: Option<Ref<'a>>,
}

impl Writer<'_> {
    fn resource(&mut self, node: Ref<'_>, root: bool) {
        let name = node.get("resourceType").and_then(Ref::value).filter(|name| is_name(name)).unwrap_or(Cow::Borrowed("Resource"));
        self.out.extend(["<", &name]);
        if root {
            self.out.extend([" xmlns=\"", FHIR, "\""]);
        }
        let type_name = self.tables.type_of(&name).map(|found| found.name);
        self.content(&name, node, type_name, &["resourceType"]);
    }

    /// The rest of a tag that is open, the elements of an object but those that are said already, and the end tag.
    fn content(&mut self, name: &str, node: Ref<'_>, type_name: Option<&'static str>, said: &[&str]) {
        self.out.push('>');
        let start = self.out.len();
        for member in members(node, said, self.order(type_name)) {
            let shape = Shape::of(self.tables, type_name, member.name);
            self.repeated(&element_name(member.name), shape, member.value, member.beside);
        }
        if self.out.len() == start {
            self.out.pop();
            self.out.push_str("/>");
        } else {
            self.out.extend(["</", name, ">"]);
        }
    }

    /// Where the definition puts an element.
    fn order(&self, type_name: Option<&'static str>) -> impl Fn(&str) -> usize + use<> {
        let elements = type_name.and_then(|name| self.tables.type_of(name)).map_or(&[][..], |found| found.elements);
        move |name| elements.iter().position(|element| element.name == name).unwrap_or(usize::MAX)
    }

    fn repeated(&mut self, name: &str, shape: Shape, value: Option<Ref<'_>>, beside: Option<Ref<'_>>) {
        if !value.is_some_and(Ref::is_array) && !beside.is_some_and(Ref::is_array) {
            return self.element(name, shape, value, beside);
        }
        let values = value.map(Ref::each).unwrap_or_default();
        let besides = beside.map(Ref::each).unwrap_or_default();
        for index in 0..values.len().max(besides.len()) {
            self.element(name, shape, values.get(index).copied(), besides.get(index).copied());
        }
    }

    fn element(&mut self, name: &str, shape: Shape, value: Option<Ref<'_>>, beside: Option<Ref<'_>>) {
        let value = value.filter(|value| value.kind() != NodeKind::Null);
        let beside = beside.filter(|beside| beside.is_object());
        match value {
            // A list in a list is none of FHIR's: its items are written all the same.
            Some(list) if list.is_array() => self.repeated(name, shape, Some(list), None),
            Some(object) if object.is_object() => {
                match object.get("resourceType").and_then(Ref::value).filter(|kind| self.wraps(shape, kind)) {
                    Some(_) => {
                        self.out.extend(["<", name, ">"]);
                        self.resource(object, false);
                        self.out.extend(["</", name, ">"]);
                    }
                    None => self.tagged(name, shape.type_name, None, Some(object)),
                }
                if beside.is_some() {
                    self.element(name, shape, None, beside);
                }
            }
            Some(text)
                if text.is_string() && (shape.xhtml || name == "div" && shape.type_name.is_none() && text.raw().starts_with("<div")) =>
            {
                markup::write(&text.value().unwrap_or_default(), self.out);
            }
            value => {
                if value.is_some() || beside.is_some() {
                    self.tagged(name, Some("Element"), value, beside);
                }
            }
        }
    }

    /// Whether an object that calls itself a resource is one here.
    fn wraps(&self, shape: Shape, kind: &str) -> bool {
        is_name(kind) && (shape.type_name == Some("Resource") || shape.type_name.is_none() && self.tables.is_resource(kind))
    }

    /// One element: the attribute `value`, and the members of an object as attributes and elements.
    fn tagged(&mut self, name: &str, type_name: Option<&'static str>, value: Option<Ref<'_>>, object: Option<Ref<'_>>) {
        self.out.extend(["<", name]);
        let allowed: &[&str] = if type_name == Some("Extension") { &["id", "url"] } else { &["id"] };
        let mut said = Vec::new();
        for attribute in allowed {
            if let Some(text) = object.and_then(|object| object.get(attribute)).and_then(Ref::value) {
                said.push(*attribute);
                self.attribute(attribute, &text);
            }
        }
        if let Some(text) = value.and_then(Ref::value) {
            self.attribute("value", &text);
        }
        match object {
            Some(object) => self.content(name, object, type_name, &said),
            None => self.out.push_str("/>"),
        }
    }

    fn attribute(&mut self, name: &str, text: &str) {
        self.out.extend([" ", name, "=\""]);
        escape(text, self.out);
        self.out.push('"');
    }
}

/// The elements of an object in order, each with what stands beside it.
fn members<'a>(node: Ref<'a>, said: &[&str], order: impl Fn(&str) -> usize) -> Vec<Member<'a>> {
    let entries: Vec<(&str, Ref<'_>)> = node.entries().filter(|(key, _)| !said.contains(key)).collect();
    let mut members = Vec::new();
    for (key, value) in &entries {
        match key.strip_prefix('_') {
            None => {
                let beside = entries.iter().find(|(other, _)| other.strip_prefix('_') == Some(key));
                members.push(Member { name: key, value: Some(*value), beside: beside.map(|(_, beside)| *beside) });
            }
            Some(name) if entries.iter().any(|(other, _)| *other == name && !other.starts_with('_')) => {}
            Some(name) => members.push(Member { name, value: None, beside: Some(*value) }),
        }
    }
    members.sort_by_key(|member| order(member.name));
    members
}

/// A key as an element's name; what is none becomes one that nobody defined.
fn element_name(key: &str) -> Cow<'_, str> {
    if is_name(key) && !key.starts_with('_') {
        return Cow::Borrowed(key);
    }
    let name = key.chars().map(|c| if continues_name(c) { c } else { '-' });
    let lead = if key.starts_with(|c| starts_name(c) && c != '_') { "" } else { "x" };
    Cow::Owned(lead.chars().chain(name).collect())
}

/// Appends text as the inside of an attribute (or an element).
pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            c if is_char(c) => out.push(c),
            _ => out.push('\u{FFFD}'),
        }
    }
}
