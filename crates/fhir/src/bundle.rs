//! A Bundle as its entries, each resource a [`Tree`] of its own over the same bytes.

use bytes::Bytes;

use crate::parse::{ParseError, Parser, check_text, without_mark};
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
    /// `search.mode`.
    pub mode: Option<String>,
    /// The resource; none in an entry that only carries a request or a response.
    pub resource: Option<Tree>,
    /// The rest of the entry's elements (`link`, `search`, `request`, `response`), if any.
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
        let body = Text::new(check_text(&without_mark(body))?);
        let mut parser = Parser::new(body.as_str().as_bytes(), 0);
        parser.space();
        if parser.peek() != Some(b'{') {
            parser.value(0)?;
            return Err(Malformed::NotFhir);
        }
        let bundle = Reader { body: &body, parser }.bundle()?;
        match bundle.resource_type.as_str() {
            "" => Err(Malformed::NotFhir),
            "Bundle" => Ok(bundle),
            // Not a Bundle after all: whole, from the top.
            _ => {
                let tree = Tree::of_text(body)?;
                let entry = Entry { full_url: None, mode: None, resource: Some(tree), rest: None };
                Ok(Bundle { resource_type: bundle.resource_type, head: None, entries: vec![entry] })
            }
        }
    }

    /// The URL of a link by its relation, as the server wrote it.
    pub fn link(&self, relation: &str) -> Option<String> {
        let link = self.head.as_ref()?.root().all("link").into_iter().find(|link| link.is("relation", relation))?;
        link.text("url").map(|url| url.into_owned())
    }
}

struct Reader<'a> {
    body: &'a Text,
    parser: Parser<'a>,
}

impl Reader<'_> {
    fn bundle(mut self) -> Result<Bundle, ParseError> {
        let mut bundle = Bundle::default();
        let mut head = Tree::object();
        self.members(|reader, key| {
            if key == "entry" && reader.parser.peek() == Some(b'[') {
                return reader.entries(&mut bundle.entries);
            }
            let tree = reader.tree()?;
            if key == "resourceType" {
                bundle.resource_type = tree.root().value().unwrap_or_default().into_owned();
            }
            let value = head.copy(tree.root());
            let root = head.root().id();
            head.set(root, &key, value);
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
    fn members(&mut self, mut member: impl FnMut(&mut Self, String) -> Result<(), ParseError>) -> Result<(), ParseError> {
        self.parser.expect(b'{', "an object was expected")?;
        self.parser.space();
        if self.parser.peek() == Some(b'}') {
            self.parser.at += 1;
            return Ok(());
        }
        let mut seen: Vec<&[u8]> = Vec::new();
        loop {
            self.parser.space();
            let (start, end, escaped) = self.parser.string()?;
            // As strict as the parser of what is below.
            if escaped || end - start > usize::from(u16::MAX) {
                return Err(self.parser.error("a key is no element name"));
            }
            if seen.contains(&&self.parser.bytes[start..end]) {
                return Err(ParseError { what: "a key stands twice in one object", at: start });
            }
            seen.push(&self.parser.bytes[start..end]);
            let key = String::from_utf8_lossy(&self.parser.bytes[start..end]).into_owned();
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
        let mut entry = Entry { full_url: None, mode: None, resource: None, rest: None };
        if self.parser.peek() != Some(b'{') {
            entry.rest = Some(self.tree()?);
            return Ok(entry);
        }
        self.members(|reader, key| {
            let tree = reader.tree()?;
            match key.as_str() {
                "resource" if tree.root().is_object() => entry.resource = Some(tree),
                "fullUrl" if tree.root().is_string() => entry.full_url = tree.root().value().map(|url| url.into_owned()),
                _ => {
                    if key == "search" {
                        entry.mode = tree.root().text("mode").map(|mode| mode.into_owned());
                    }
                    let rest = entry.rest.get_or_insert_with(Tree::object);
                    let value = rest.copy(tree.root());
                    let root = rest.root().id();
                    rest.set(root, &key, value);
                }
            }
            Ok(())
        })?;
        Ok(entry)
    }

    /// The value that starts here, as a tree of its own over its own slice of the body.
    fn tree(&mut self) -> Result<Tree, ParseError> {
        let start = self.parser.at;
        let mut parser = Parser::new(self.parser.bytes, start);
        parser.value(0)?;
        self.parser.at = parser.at;
        let (nodes, spaced) = (parser.nodes, parser.spaced);
        Ok(Tree { base: self.body.part(start, self.parser.at), extra: String::new(), nodes, root: 0, spaced })
    }
}
