//! An XML document as tags, each checked before anyone looks at it.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::{FHIR, XHTML, is_name};
use crate::parse::ParseError;

/// More attributes than any element has, few enough to compare each with each.
const ATTRIBUTES_MAX: usize = 256;
/// None of the five entities stands for another.
const ENTITIES_DEEP: usize = 1;

/// Whose namespace a tag is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Fhir,
    None,
    Other,
    Xhtml,
}

/// A start tag.
pub(super) struct Tag<'a> {
    /// Without its prefix.
    pub name: &'a str,
    /// As it was written.
    pub qualified: &'a str,
    pub space: Space,
    /// Those of no namespace, their values normalised and unescaped.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// Whether it says `xmlns="…"` itself.
    pub declares: bool,
    pub at: usize,
}

/// A piece of the document.
pub(super) enum Piece<'a> {
    Close,
    Comment,
    End,
    Instruction,
    Open(Tag<'a>),
    /// Text that is all white space, or is not.
    Text(bool),
}

pub(super) struct Source<'a> {
    pub text: &'a str,
    reader: NsReader<&'a [u8]>,
    /// Where the piece that was read last starts.
    pub at: usize,
    begun: bool,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Source<'a> {
        let mut reader = NsReader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        Source { text, reader, at: 0, begun: false }
    }

    /// Where the next piece starts.
    pub fn position(&self) -> usize {
        self.reader.buffer_position() as usize
    }

    pub fn error(&self, what: &'static str) -> ParseError {
        ParseError { what, at: self.at }
    }

    pub fn next(&mut self) -> Result<Piece<'a>, ParseError> {
        self.at = self.position();
        let event = match self.reader.read_event() {
            Ok(event) => event,
            Err(error) => return Err(ParseError { what: words(&error), at: self.reader.error_position() as usize }),
        };
        let first = !std::mem::replace(&mut self.begun, true);
        match event {
            Event::Start(start) | Event::Empty(start) => self.tag(&start).map(Piece::Open),
            Event::End(_) => Ok(Piece::Close),
            Event::Text(text) if text.contains("]]>") => Err(self.error("]]> stands in text")),
            Event::Text(text) => {
                let blank = text.bytes().all(|byte| byte.is_ascii_whitespace());
                // White space before the declaration is common and harmless.
                self.begun = !(first && blank);
                Ok(Piece::Text(blank))
            }
            Event::CData(text) => Ok(Piece::Text(text.bytes().all(|byte| byte.is_ascii_whitespace()))),
            Event::Comment(text) if text.ends_with('-') => Err(self.error("a comment is malformed")),
            Event::Comment(_) => Ok(Piece::Comment),
            Event::PI(_) => Ok(Piece::Instruction),
            Event::Decl(_) if !first => Err(self.error("a declaration stands inside the document")),
            Event::Decl(declaration) => match declaration.encoding() {
                None => Ok(Piece::Instruction),
                Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") => Ok(Piece::Instruction),
                Some(_) => Err(self.error("the encoding is not UTF-8")),
            },
            Event::DocType(_) => Err(self.error("a document type declaration is not allowed")),
            Event::GeneralRef(name) => match &*name {
                "amp" | "apos" | "gt" | "lt" | "quot" => Ok(Piece::Text(false)),
                _ => match name.resolve_char_ref() {
                    Ok(Some(c)) => Ok(Piece::Text(c.is_ascii_whitespace())),
                    _ => Err(self.error("an entity is not defined")),
                },
            },
            Event::Eof => Ok(Piece::End),
        }
    }

    fn tag(&self, start: &BytesStart) -> Result<Tag<'a>, ParseError> {
        let malformed = || self.error("a tag is malformed");
        // The event's own text, but for as long as the document lives.
        let inside = self.text.get(self.at + 1..self.at + 1 + start.len()).ok_or_else(malformed)?;
        let qualified = inside.get(..start.name().into_inner().len()).ok_or_else(malformed)?;
        let resolver = self.reader.resolver();
        let (found, local) = resolver.resolve_element(QName(qualified));
        let space = match found {
            ResolveResult::Bound(space) if space.into_inner() == FHIR => Space::Fhir,
            ResolveResult::Bound(space) if space.into_inner() == XHTML => Space::Xhtml,
            ResolveResult::Bound(_) => Space::Other,
            ResolveResult::Unbound => Space::None,
            ResolveResult::Unknown(_) => return Err(self.error("a namespace prefix is not declared")),
        };
        let name = local.into_inner();
        if !is_name(name) || name.len() > usize::from(u16::MAX) / 2 || !prefix_of(qualified).is_none_or(is_name) {
            return Err(malformed());
        }
        let mut tag = Tag { name, qualified, space, attributes: Vec::new(), declares: false, at: self.at };
        let mut seen: Vec<&str> = Vec::new();
        let mut rest = &inside[qualified.len()..];
        while let Some((key, raw, after)) = attribute(rest).map_err(|what| self.error(what))? {
            rest = after;
            if seen.contains(&key) {
                return Err(self.error("an attribute stands twice in one tag"));
            }
            if seen.len() == ATTRIBUTES_MAX {
                return Err(self.error("a tag has more than 256 attributes"));
            }
            seen.push(key);
            // XML's own five entities and no others, whatever features this build of the reader has.
            let value = Attribute { key: QName(key), value: Cow::Borrowed(raw) };
            let value = value.normalized_value_with(XmlVersion::Implicit1_0, ENTITIES_DEEP, resolve_xml_entity);
            let value = value.map_err(|error| self.error(words(&error)))?;
            match prefix_of(key) {
                None if key == "xmlns" => tag.declares = true,
                None => tag.attributes.push((key, value)),
                Some("xmlns" | "xml") => {}
                Some(_) if matches!(resolver.resolve_attribute(QName(key)).0, ResolveResult::Unknown(_)) => {
                    return Err(self.error("a namespace prefix is not declared"));
                }
                Some(_) => {}
            }
        }
        Ok(tag)
    }
}

fn prefix_of(qualified: &str) -> Option<&str> {
    qualified.split_once(':').map(|(prefix, _)| prefix)
}

/// Name, raw value and what follows of the attribute that `rest` starts with, if any.
fn attribute(rest: &str) -> Result<Option<(&str, &str, &str)>, &'static str> {
    const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
    let trimmed = rest.trim_start_matches(SPACE);
    if trimmed.is_empty() {
        return Ok(None);
    }
    let malformed = "an attribute is malformed";
    let (key, after) = trimmed.split_once('=').ok_or(malformed)?;
    let (key, after) = (key.trim_end_matches(SPACE), after.trim_start_matches(SPACE));
    let named = match key.split_once(':') {
        Some((prefix, local)) => is_name(prefix) && is_name(local),
        None => is_name(key),
    };
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(malformed)?;
    let (value, after) = after[1..].split_once(quote).ok_or(malformed)?;
    // Attributes are apart by white space, and a value holds no markup.
    if !named || trimmed.len() == rest.len() || value.contains('<') {
        return Err(malformed);
    }
    Ok(Some((key, value, after)))
}

fn words(error: &Error) -> &'static str {
    match error {
        Error::Syntax(SyntaxError::InvalidBangMarkup) => "markup is malformed",
        Error::Syntax(_) => "the document ends too soon",
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_)) => "an end tag has no start tag",
        Error::IllFormed(IllFormedError::DoubleHyphenInComment) => "a comment is malformed",
        Error::IllFormed(IllFormedError::UnclosedReference) => "an entity is not closed",
        Error::IllFormed(_) => "a declaration is malformed",
        Error::Escape(_) => "an entity is not defined",
        Error::InvalidAttr(_) => "an attribute is malformed",
        Error::Namespace(_) => "a namespace declaration is malformed",
        _ => "the document is malformed",
    }
}
