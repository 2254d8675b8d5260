//! XML into a [`Tree`] and a [`Bundle`].

use std::borrow::Cow;

use bytes::Bytes;
use quick_xml::escape::{resolve_xml_entity, unescape_with};

use super::members::Members;
use super::source::{Piece, Source, Space, Tag};
use super::{Shape, markup};
use crate::Version;
use crate::bundle::{Bundle, Entry, Malformed};
use crate::parse::{DEPTH_MAX, KEY_MAX, ParseError, check_text, is_number, without_mark};
use crate::tables::{self, Primitive, Tables};
use crate::tree::{NodeId, Text, Tree};

impl Tree {
    /// Reads one resource of a version from FHIR XML, as the tree that its JSON would give.
    ///
    /// ```
    /// use fhir::{Tree, Version};
    /// let xml = r#"<Patient xmlns="http://hl7.org/fhir"><name><given value="Ann"/></name></Patient>"#;
    /// let tree = Tree::from_xml(Version::R4, xml.into()).unwrap();
    /// assert_eq!(tree.to_json(), r#"{"resourceType":"Patient","name":[{"given":["Ann"]}]}"#);
    /// assert_eq!(tree.to_xml(Version::R4), xml);
    /// ```
    pub fn from_xml(version: Version, body: Bytes) -> Result<Tree, ParseError> {
        read(version, body, |reader, root| reader.whole(&root))
    }
}

impl Bundle {
    /// Reads a body of a version: a Bundle, or a bare resource as a Bundle of one.
    pub fn from_xml(version: Version, body: Bytes) -> Result<Bundle, Malformed> {
        let read = read(version, body, |reader, root| {
            if root.name == "Bundle" {
                return reader.bundle(&root);
            }
            let entry = Entry { full_url: None, resource: Some(reader.whole(&root)?), rest: None };
            Ok(Bundle { resource_type: root.name.to_owned(), head: None, entries: vec![entry] })
        });
        read.map_err(Malformed::NotXml)
    }
}

/// Calls `inside` at the root's start tag, and sees that nothing but the root is there.
fn read<T>(
    version: Version,
    body: Bytes,
    inside: impl for<'a> FnOnce(&mut Reader<'a>, Tag<'a>) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    let body = without_mark(body);
    let text = check_text(&body)?;
    // Escapes of JSON may be six times as long as what they stand for, and offsets are of 32 bits.
    if body.len() > (u32::MAX / 8) as usize {
        return Err(ParseError { what: "the body is larger than 512 MiB", at: 0 });
    }
    let mut reader = Reader { source: Source::new(text), tables: tables::of(version) };
    let Some(Child::Element(root)) = reader.child()? else { return Err(reader.source.error(TEXT)) };
    if root.space != Space::Fhir {
        return Err(ParseError { what: "the root element is not in FHIR's namespace", at: root.at });
    }
    let made = inside(&mut reader, root)?;
    loop {
        match reader.source.next()? {
            Piece::End => return Ok(made),
            Piece::Comment | Piece::Instruction | Piece::Text(true) => {}
            Piece::Close | Piece::Open(_) | Piece::Text(false) => {
                return Err(reader.source.error("something follows the end of the document"));
            }
        }
    }
}

/// Text beside elements is a slip of whoever wrote it, and kept under this name; alone in an element, it is another
/// way to write XML than FHIR's.
const STRAY: &str = "strayText";
const TEXT: &str = "text stands where only elements may";

/// What is found in an element.
enum Child<'a> {
    Element(Tag<'a>),
    Text(&'a str),
}

struct Reader<'a> {
    source: Source<'a>,
    tables: &'static Tables,
}

/// What one element held.
#[derive(Default)]
struct Held<'a> {
    value: Option<Cow<'a, str>>,
    members: Members<'a>,
    /// Whole resources, which FHIR wraps in the element that holds them.
    resources: Vec<NodeId>,
}

impl<'a> Reader<'a> {
    /// The next child, or `None` at the end tag of what is open.
    fn child(&mut self) -> Result<Option<Child<'a>>, ParseError> {
        loop {
            match self.source.next()? {
                Piece::Close => return Ok(None),
                Piece::Comment | Piece::Instruction | Piece::Text(true) => {}
                Piece::End => return Err(self.source.error("the document ends too soon")),
                Piece::Open(tag) => return Ok(Some(Child::Element(tag))),
                Piece::Text(false) => {
                    let text = self.source.text.get(self.source.at..self.source.position()).unwrap_or_default();
                    return Ok(Some(Child::Text(text.trim())));
                }
            }
        }
    }

    /// The resource that `tag` opened, as a tree of its own.
    fn whole(&mut self, tag: &Tag<'a>) -> Result<Tree, ParseError> {
        let mut tree =
            Tree { base: Text::default(), extra: String::new(), nodes: Vec::with_capacity(64), root: 0, spaced: false, hiding: true };
        let root = self.resource(&mut tree, tag, 0)?;
        tree.root = root.0;
        Ok(tree)
    }

    fn resource(&mut self, tree: &mut Tree, tag: &Tag<'a>, depth: usize) -> Result<NodeId, ParseError> {
        let object = tree.new_object();
        tree.set_string(object, "resourceType", tag.name);
        // One that calls itself a mere Resource is of a type nobody knows.
        let type_name = self.tables.type_of(tag.name).map(|found| found.name).filter(|name| *name != "Resource");
        let mut held = self.held(tree, tag, type_name, depth)?;
        if let Some(value) = held.value.take() {
            let value = tree.new_string(&value);
            self.add(&mut held.members, "value", Some(value), None, false)?;
        }
        for resource in std::mem::take(&mut held.resources) {
            self.add(&mut held.members, "resource", Some(resource), None, true)?;
        }
        if held.members.holds("resourceType") {
            return Err(ParseError { what: "resourceType is no element of a resource", at: tag.at });
        }
        held.members.attach(tree, object);
        Ok(object)
    }

    /// Everything up to the end tag.
    fn held(&mut self, tree: &mut Tree, tag: &Tag<'a>, type_name: Option<&'static str>, depth: usize) -> Result<Held<'a>, ParseError> {
        if depth > DEPTH_MAX {
            return Err(ParseError { what: "nested deeper than 100 levels", at: tag.at });
        }
        let mut held = Held::default();
        for (name, value) in &tag.attributes {
            if *name == "value" {
                held.value = Some(value.clone());
                continue;
            }
            let value = tree.new_string(value);
            self.add(&mut held.members, name, Some(value), None, false)?;
        }
        let mut stray = Vec::new();
        while let Some(child) = self.child()? {
            let child = match child {
                Child::Element(child) => child,
                Child::Text(text) => {
                    stray.push((text, self.source.at));
                    continue;
                }
            };
            // Resources alone are called by their type.
            let named = child.name.starts_with(|c: char| c.is_ascii_uppercase());
            let resource = match type_name {
                Some(name) => name == "Resource" && named,
                None => self.tables.is_resource(child.name),
            };
            if resource && child.space == Space::Fhir {
                let resource = self.resource(tree, &child, depth + 1)?;
                held.resources.push(resource);
            } else {
                self.member(tree, &mut held.members, type_name, &child, depth)?;
            }
        }
        for (text, at) in stray {
            if held.value.is_none() && held.members.is_empty() && held.resources.is_empty() {
                return Err(ParseError { what: TEXT, at });
            }
            self.stray(tree, &mut held.members, text)?;
        }
        Ok(held)
    }

    fn stray(&self, tree: &mut Tree, members: &mut Members<'a>, text: &str) -> Result<(), ParseError> {
        let text = tree.new_string(&unescape_with(text, resolve_xml_entity).unwrap_or(Cow::Borrowed(text)));
        self.add(members, STRAY, Some(text), None, false)
    }

    /// The element that `tag` opened, as a member of its parent.
    fn member(
        &mut self,
        tree: &mut Tree,
        members: &mut Members<'a>,
        parent: Option<&'static str>,
        tag: &Tag<'a>,
        depth: usize,
    ) -> Result<(), ParseError> {
        let refuse = |what| Err(ParseError { what, at: tag.at });
        let shape = Shape::of(self.tables, parent, tag.name);
        if tag.space == Space::Xhtml || shape.xhtml && tag.space == Space::Fhir {
            let markup = markup::read(&mut self.source, tag)?;
            let markup = tree.new_string(&markup);
            return self.add(members, tag.name, Some(markup), None, shape.list);
        }
        if tag.space != Space::Fhir {
            return refuse("an element is not in FHIR's namespace");
        }
        if tag.name.starts_with('_') {
            return refuse("an element's name is none of FHIR's");
        }
        let held = self.held(tree, tag, shape.type_name, depth + 1 + usize::from(shape.list))?;
        let bare = held.members.is_empty() && held.value.is_none();
        let none_but_primitive = shape.primitive.is_some() && held.resources.is_empty() && held.members.only_beside();
        if held.value.is_some() || none_but_primitive {
            let value = held.value.map(|value| primitive(tree, shape.primitive, &value));
            let beside = (!held.members.is_empty()).then(|| object(tree, held.members));
            self.add(members, tag.name, value, beside, shape.list)?;
        } else if !bare || held.resources.is_empty() && shape.type_name != Some("Resource") {
            let object = object(tree, held.members);
            self.add(members, tag.name, Some(object), None, shape.list)?;
        }
        for resource in held.resources {
            self.add(members, tag.name, Some(resource), None, shape.list)?;
        }
        Ok(())
    }

    fn add(
        &self,
        members: &mut Members<'a>,
        name: &'a str,
        value: Option<NodeId>,
        beside: Option<NodeId>,
        list: bool,
    ) -> Result<(), ParseError> {
        if name.len() > KEY_MAX {
            return Err(self.source.error("a name that is longer than any element's"));
        }
        let added = members.add(name, value, beside, list);
        if added { Ok(()) } else { Err(self.source.error("more different elements in one than any type has")) }
    }

    fn bundle(&mut self, tag: &Tag<'a>) -> Result<Bundle, ParseError> {
        let mut bundle = Bundle { resource_type: "Bundle".to_owned(), ..Bundle::default() };
        let mut head = Tree::object();
        let root = head.root().id();
        head.set_string(root, "resourceType", tag.name);
        let mut members = Members::default();
        while let Some(child) = self.child()? {
            match child {
                Child::Element(child) if child.name == "entry" && child.space == Space::Fhir => self.entry(&child, &mut bundle.entries)?,
                Child::Element(child) => self.member(&mut head, &mut members, Some("Bundle"), &child, 0)?,
                Child::Text(text) => self.stray(&mut head, &mut members, text)?,
            }
        }
        if members.holds("resourceType") {
            return Err(ParseError { what: "resourceType is no element of a resource", at: tag.at });
        }
        members.attach(&mut head, root);
        bundle.head = Some(head);
        Ok(bundle)
    }

    fn entry(&mut self, tag: &Tag<'a>, entries: &mut Vec<Entry>) -> Result<(), ParseError> {
        let mut entry = Entry { full_url: None, resource: None, rest: None };
        let mut rest = Tree::object();
        let root = rest.root().id();
        let mut members = Members::default();
        let mut more = Vec::new();
        for (name, value) in &tag.attributes {
            let value = rest.new_string(value);
            self.add(&mut members, name, Some(value), None, false)?;
        }
        while let Some(child) = self.child()? {
            match child {
                Child::Element(child) if child.name == "resource" && child.space == Space::Fhir => self.wrapped(&mut more)?,
                Child::Element(child) => self.member(&mut rest, &mut members, Some("Bundle.entry"), &child, 0)?,
                Child::Text(text) => self.stray(&mut rest, &mut members, text)?,
            }
        }
        members.attach(&mut rest, root);
        if rest.root().get("fullUrl").is_some_and(|url| url.is_string()) {
            entry.full_url = rest.root().text("fullUrl").map(|url| url.into_owned());
            rest.remove(root, "fullUrl");
        }
        let mut more = more.into_iter();
        entry.resource = more.next();
        entry.rest = Some(rest).filter(|_| entry.resource.is_none());
        entries.push(entry);
        // An entry holds one resource; those of an entry that holds more are not for us to drop.
        entries.extend(more.map(|resource| Entry { full_url: None, resource: Some(resource), rest: None }));
        Ok(())
    }

    /// The resources in the element that is open.
    fn wrapped(&mut self, resources: &mut Vec<Tree>) -> Result<(), ParseError> {
        while let Some(child) = self.child()? {
            match child {
                Child::Element(inner) if inner.space == Space::Fhir => resources.push(self.whole(&inner)?),
                Child::Element(inner) => return Err(ParseError { what: "an element is not in FHIR's namespace", at: inner.at }),
                Child::Text(_) => return Err(self.source.error(TEXT)),
            }
        }
        Ok(())
    }
}

fn object(tree: &mut Tree, members: Members<'_>) -> NodeId {
    let object = tree.new_object();
    members.attach(tree, object);
    object
}

/// A primitive as its type stands in JSON; what is not of that type stays a string.
fn primitive(tree: &mut Tree, kind: Option<Primitive>, text: &str) -> NodeId {
    match kind {
        Some(Primitive::Boolean) if matches!(text, "true" | "false") => tree.new_bool(text == "true"),
        Some(Primitive::Number) if is_number(text) => tree.new_number(text).unwrap_or_else(|| tree.new_string(text)),
        _ => tree.new_string(text),
    }
}
