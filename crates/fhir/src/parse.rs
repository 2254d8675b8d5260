//! JSON into a [`Tree`], in one pass over the bytes.

use bytes::Bytes;

use crate::tree::{NONE, Node, NodeKind, Text, Tree};

/// How deep a resource may nest. FHIR itself has no number; real resources stay under twenty.
pub(crate) const DEPTH_MAX: usize = 100;

/// Why bytes are no JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct ParseError {
    /// What is wrong, in words, without any of the content.
    pub what: &'static str,
    /// Offset into the body.
    pub at: usize,
}

impl Tree {
    /// Reads one JSON value.
    pub fn from_json(body: Bytes) -> Result<Tree, ParseError> {
        Tree::of_text(Text::new(check_text(&without_mark(body))?))
    }

    pub(crate) fn of_text(text: Text) -> Result<Tree, ParseError> {
        let mut parser = Parser::new(text.as_str().as_bytes(), 0);
        parser.space();
        parser.value(0)?;
        parser.space();
        if parser.at < text.len() {
            return Err(parser.error("something follows the end of the document"));
        }
        let (nodes, spaced) = (parser.nodes, parser.spaced);
        Ok(Tree { base: text, extra: String::new(), nodes, root: 0, spaced })
    }
}

/// The body without a byte order mark, which some suppliers' tools put before JSON.
pub(crate) fn without_mark(body: Bytes) -> Bytes {
    if body.starts_with(b"\xEF\xBB\xBF") { body.slice(3..) } else { body }
}

/// The body as text, if it is UTF-8 and short enough for 32-bit offsets.
pub(crate) fn check_text(body: &[u8]) -> Result<&str, ParseError> {
    if body.len() > (u32::MAX / 2) as usize {
        return Err(ParseError { what: "the body is larger than 2 GiB", at: 0 });
    }
    std::str::from_utf8(body).map_err(|error| ParseError { what: "the body is not UTF-8", at: error.valid_up_to() })
}

/// Whether `text` is a number by the JSON grammar.
pub(crate) fn is_number(text: &str) -> bool {
    number_end(text.as_bytes(), 0) == Some(text.len())
}

fn number_end(bytes: &[u8], start: usize) -> Option<usize> {
    let digits = |mut at: usize| {
        let from = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        (at > from).then_some(at)
    };
    let mut at = start;
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits(at)? };
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(at)?;
    }
    Some(at)
}

pub(crate) struct Parser<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    pub nodes: Vec<Node>,
    pub spaced: bool,
    /// Offset of this tree's first byte in the body: the tree's own bytes are a slice of the body.
    pub origin: usize,
}

impl<'a> Parser<'a> {
    pub fn new(bytes: &'a [u8], at: usize) -> Parser<'a> {
        // Most values are a resource, or one string beside it.
        let room = if bytes.get(at) == Some(&b'"') { 1 } else { 64 };
        Parser { bytes, at, nodes: Vec::with_capacity(room), spaced: false, origin: at }
    }

    pub fn error(&self, what: &'static str) -> ParseError {
        ParseError { what, at: self.at }
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
            self.spaced = true;
        }
    }

    pub fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), ParseError> {
        if self.peek() != Some(byte) {
            return Err(if self.at >= self.bytes.len() { self.error("the document ends too soon") } else { self.error(what) });
        }
        self.at += 1;
        Ok(())
    }

    fn node(&mut self, kind: NodeKind, start: usize, end: usize) -> u32 {
        let id = self.nodes.len() as u32;
        let (start, end) = ((start - self.origin) as u32, (end - self.origin) as u32);
        self.nodes.push(Node {
            kind,
            dirty: false,
            key_len: 0,
            key_start: 0,
            start,
            end,
            first: NONE,
            last: NONE,
            next: NONE,
            parent: NONE,
        });
        id
    }

    pub fn value(&mut self, depth: usize) -> Result<u32, ParseError> {
        if depth > DEPTH_MAX {
            return Err(self.error("nested deeper than 100 levels"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => {
                let (start, end, escaped) = self.string()?;
                Ok(self.node(if escaped { NodeKind::StringEscaped } else { NodeKind::String }, start, end))
            }
            Some(b't') => self.word(b"true", NodeKind::Bool),
            Some(b'f') => self.word(b"false", NodeKind::Bool),
            Some(b'n') => self.word(b"null", NodeKind::Null),
            Some(b'-' | b'0'..=b'9') => {
                let start = self.at;
                self.at = number_end(self.bytes, start).ok_or_else(|| self.error("a number is malformed"))?;
                Ok(self.node(NodeKind::Number, start, self.at))
            }
            Some(_) => Err(self.error("a value was expected")),
            None => Err(self.error("the document ends too soon")),
        }
    }

    fn word(&mut self, word: &'static [u8], kind: NodeKind) -> Result<u32, ParseError> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.error("a value was expected"));
        }
        let start = self.at;
        self.at += word.len();
        Ok(self.node(kind, start, self.at))
    }

    /// Bounds of a string's inside, and whether escapes are in it.
    pub fn string(&mut self) -> Result<(usize, usize, bool), ParseError> {
        self.expect(b'"', "a string was expected")?;
        let start = self.at;
        let mut escaped = false;
        loop {
            // Most strings are short: a plain loop beats a vector search that must be set up.
            match self.peek() {
                None => return Err(self.error("the document ends too soon")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok((start, self.at - 1, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    self.escape()?;
                }
                Some(byte) if byte < 0x20 => return Err(self.error("a control character stands unescaped in a string")),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), ParseError> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 1..self.at + 5).ok_or_else(|| self.error("the document ends too soon"))?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(self.error("a \\u escape is malformed"));
                }
                self.at += 5;
                Ok(())
            }
            _ => Err(self.error("an escape is malformed")),
        }
    }

    fn array(&mut self, depth: usize) -> Result<u32, ParseError> {
        let id = self.node(NodeKind::Array, self.at, self.at);
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.space();
                let child = self.value(depth + 1)?;
                self.adopt(id, child);
                self.space();
                if self.peek() == Some(b',') {
                    self.at += 1;
                    continue;
                }
                self.expect(b']', "a comma or ] was expected")?;
                break;
            }
        }
        self.nodes[id as usize].end = (self.at - self.origin) as u32;
        Ok(id)
    }

    fn object(&mut self, depth: usize) -> Result<u32, ParseError> {
        let id = self.node(NodeKind::Object, self.at, self.at);
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                self.space();
                let (start, end, escaped) = self.string()?;
                if escaped || end - start > u16::MAX as usize {
                    return Err(self.error("a key is no element name"));
                }
                self.not_twice(id, start, end)?;
                self.space();
                self.expect(b':', "a colon was expected")?;
                self.space();
                let child = self.value(depth + 1)?;
                self.nodes[child as usize].key_start = (start - self.origin) as u32;
                self.nodes[child as usize].key_len = (end - start) as u16;
                self.adopt(id, child);
                self.space();
                if self.peek() == Some(b',') {
                    self.at += 1;
                    continue;
                }
                self.expect(b'}', "a comma or } was expected")?;
                break;
            }
        }
        self.nodes[id as usize].end = (self.at - self.origin) as u32;
        Ok(id)
    }

    /// A key said twice has two values, and picking one would hide the other.
    fn not_twice(&self, object: u32, start: usize, end: usize) -> Result<(), ParseError> {
        let key = &self.bytes[start..end];
        let mut at = self.nodes[object as usize].first;
        while at != NONE {
            let node = &self.nodes[at as usize];
            if node.key_len as usize == key.len() {
                let from = node.key_start as usize + self.origin;
                if &self.bytes[from..from + key.len()] == key {
                    return Err(ParseError { what: "a key stands twice in one object", at: start });
                }
            }
            at = node.next;
        }
        Ok(())
    }

    fn adopt(&mut self, parent: u32, child: u32) {
        self.nodes[child as usize].parent = parent;
        match self.nodes[parent as usize].last {
            NONE => self.nodes[parent as usize].first = child,
            last => self.nodes[last as usize].next = child,
        }
        self.nodes[parent as usize].last = child;
    }
}
