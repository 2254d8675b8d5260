//! A Bundle as its entries, each resource a [`Tree`] of its own over the same bytes.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::parse::{ParseError, Parser, text_of, without_mark};
use crate::tree::{Text, Tree};

/// A Bundle read from a body: what a reader of a page needs, and nothing else kept back.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// `resourceType` of the body: not `Bundle` when a server answered with a bare resource, which is then the one entry.
    pub resource_type: String,
    /// Everything of the Bundle but its entries: `type`, `total`, `link`, `meta`, `id`.
    pub head: Option<Tree>,
    /// Entries in the order they came.
    pub entries: Vec<Entry>,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `fullUrl`, unescaped.
    pub full_url: Option<String>,
    /// The resource; none in an entry that only carries a request or a response.
    pub resource: Option<Tree>,
    /// What else the entry says (`link`, `search`, `request`, `response`), where it holds no resource.
    pub rest: Option<Tree>,
}

/// Why a body is neither Bundle nor resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No object, or no `resourceType` in it.
    #[error("the body is JSON, but no FHIR resource")]
    NotFhir,
    /// Not JSON, or not whole.
    #[error("the body is not JSON: {0}")]
    NotJson(#[from] ParseError),
    /// Not XML, not whole, or not FHIR's.
    #[error("the body is not FHIR XML: {0}")]
    NotXml(#[source] ParseError),
}

impl Bundle {
    /// Reads a body: a Bundle, or a bare resource as a Bundle of one.
    pub fn from_json(body: Bytes) -> Result<Bundle, Malformed> {
        let body = Text::new(text_of(without_mark(body))?);
        let mut parser = Parser::new(body.as_str().as_bytes());
        parser.space();
        if parser.peek() != Some(b'{') {
            parser.skip()?;
            return Err(Malformed::NotFhir);
        }
        let bundle = Reader { body: &body, parser }.bundle()?;
        match bundle.resource_type.as_str() {
            "" => Err(Malformed::NotFhir),
            "Bundle" => Ok(bundle),
            // Not a Bundle after all: whole, from the top.
            _ => {
                let tree = Tree::of_text(body)?;
                let entry = Entry { full_url: None, resource: Some(tree), rest: None };
                Ok(Bundle { resource_type: bundle.resource_type, head: None, entries: vec![entry] })
            }
        }
    }

    /// The URL of a link by its relation, as the server wrote it.
    pub fn link(&self, relation: &str) -> Option<String> {
        self.links(relation).into_iter().find_map(|link| link.text("url")).map(|url| url.into_owned())
    }

    /// Whether there is a link of this relation, with an address or without.
    pub fn has_link(&self, relation: &str) -> bool {
        !self.links(relation).is_empty()
    }

    fn links(&self, relation: &str) -> Vec<crate::Ref<'_>> {
        let all = self.head.as_ref().map(|head| head.root().all("link")).unwrap_or_default();
        all.into_iter().filter(|link| link.text("relation").is_some_and(|own| own.eq_ignore_ascii_case(relation))).collect()
    }

    /// How many matches the server counts, where it says so.
    pub fn total(&self) -> Option<usize> {
        self.head.as_ref()?.root().get("total")?.value()?.parse().ok()
    }
}

/// Bytes that many an entry takes, to make room for them at once.
const ENTRY_ABOUT: usize = 1024;

struct Reader<'a> {
    body: &'a Text,
    parser: Parser<'a>,
}

impl<'a> Reader<'a> {
    fn bundle(mut self) -> Result<Bundle, ParseError> {
        let mut bundle = Bundle::default();
        let mut head = Tree::object();
        self.members(|reader, key| {
            match reader.parser.peek() {
                Some(b'[') if key == "entry" => return reader.entries(&mut bundle.entries),
                // Made from XML by something that knows no lists of one.
                Some(b'{') if key == "entry" => {
                    bundle.entries.push(reader.entry()?);
                    return Ok(());
                }
                Some(b'n') | None => {}
                Some(_) if key == "entry" => return Err(reader.parser.error("entry is no list")),
                Some(_) => {}
            }
            let tree = reader.parser.tree(reader.body)?;
            if key == "resourceType" {
                bundle.resource_type = tree.root().value().unwrap_or_default().into_owned();
            }
            let value = head.copy(tree.root());
            let root = head.root().id();
            head.set(root, key, value);
            Ok(())
        })?;
        self.parser.space();
        if self.parser.at < self.parser.bytes.len() {
            return Err(self.parser.error("something follows the end of the document"));
        }
        bundle.head = Some(head);
        Ok(bundle)
    }

    /// Calls `member` at the value of each key of the object that starts here.
    fn members(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Result<(), ParseError>) -> Result<(), ParseError> {
        self.parser.expect(b'{', "an object was expected")?;
        self.parser.space();
        if self.parser.peek() == Some(b'}') {
            self.parser.at += 1;
            return Ok(());
        }
        let text: &'a str = self.body.as_str();
        let mut seen: SmallVec<[&'a str; 8]> = SmallVec::new();
        loop {
            self.parser.space();
            let (start, end) = self.parser.key()?;
            let key = &text[start..end];
            if seen.contains(&key) {
                return Err(ParseError { what: "a key stands twice in one object", at: start });
            }
            seen.push(key);
            self.parser.space();
            self.parser.expect(b':', "a colon was expected")?;
            self.parser.space();
            member(self, key)?;
            self.parser.space();
            if self.parser.peek() == Some(b',') {
                self.parser.at += 1;
                continue;
            }
            return self.parser.expect(b'}', "a comma or } was expected");
        }
    }

    fn entries(&mut self, entries: &mut Vec<Entry>) -> Result<(), ParseError> {
        self.parser.at += 1;
        self.parser.space();
        if self.parser.peek() == Some(b']') {
            self.parser.at += 1;
            return Ok(());
        }
        entries.reserve((self.parser.bytes.len() - self.parser.at) / ENTRY_ABOUT);
        loop {
            self.parser.space();
            entries.push(self.entry()?);
            self.parser.space();
            if self.parser.peek() == Some(b',') {
                self.parser.at += 1;
                continue;
            }
            return self.parser.expect(b']', "a comma or ] was expected");
        }
    }

    fn entry(&mut self) -> Result<Entry, ParseError> {
        let start = self.parser.at;
        let mut entry = Entry { full_url: None, resource: None, rest: None };
        if self.parser.peek() == Some(b'{') {
            self.members(|reader, key| {
                let next = reader.parser.peek();
                match key {
                    "resource" if next == Some(b'{') => entry.resource = Some(reader.parser.tree(reader.body)?),
                    "fullUrl" if next == Some(b'"') => {
                        let (start, end, escaped) = reader.parser.string()?;
                        let url = &reader.body.as_str()[start..end];
                        entry.full_url = Some(if escaped { crate::json::unescape(url) } else { url.to_owned() });
                    }
                    _ => reader.parser.skip()?,
                }
                Ok(())
            })?;
        }
        if entry.resource.is_none() {
            // Few entries hold none: those are looked at again, whole.
            self.parser.at = start;
            entry.rest = Some(self.parser.tree(self.body)?);
        }
        Ok(entry)
    }
}
