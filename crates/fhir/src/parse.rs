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
        Tree::of_text(Text::new(text_of(without_mark(body))?))
    }

    pub(crate) fn of_text(text: Text) -> Result<Tree, ParseError> {
        let mut parser = Parser::new(text.as_str().as_bytes());
        parser.space();
        let tree = parser.tree(&text)?;
        parser.space();
        if parser.at < text.len() {
            return Err(parser.error("something follows the end of the document"));
        }
        Ok(tree)
    }
}

/// The body without a byte order mark, which some suppliers' tools put before JSON.
pub(crate) fn without_mark(body: Bytes) -> Bytes {
    if body.starts_with(b"\xEF\xBB\xBF") { body.slice(3..) } else { body }
}

/// The body as text of its own: without copying it where nobody else has a hold of it.
pub(crate) fn text_of(body: Bytes) -> Result<String, ParseError> {
    check_length(&body)?;
    String::from_utf8(body.into()).map_err(|error| not_utf8(error.utf8_error()))
}

/// The body as text, if it is UTF-8 and short enough for 32-bit offsets.
pub(crate) fn check_text(body: &[u8]) -> Result<&str, ParseError> {
    check_length(body)?;
    std::str::from_utf8(body).map_err(not_utf8)
}

fn check_length(body: &[u8]) -> Result<(), ParseError> {
    if body.len() > (u32::MAX / 2) as usize {
        return Err(ParseError { what: "the body is larger than 2 GiB", at: 0 });
    }
    Ok(())
}

fn not_utf8(error: std::str::Utf8Error) -> ParseError {
    ParseError { what: "the body is not UTF-8", at: error.valid_up_to() }
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

/// Nodes that a tree has room for beside those it was parsed into: an id, a tag or two, a `meta` to put them in.
const ROOM: usize = 12;

pub(crate) struct Parser<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    /// Nodes of the tree under way. Kept between trees, so that each is copied once into just the room it needs.
    nodes: Vec<Node>,
    spaced: bool,
    /// Offset of this tree's first byte in the body: the tree's own bytes are a slice of the body.
    origin: usize,
}

impl<'a> Parser<'a> {
    pub fn new(bytes: &'a [u8]) -> Parser<'a> {
        Parser { bytes, at: 0, nodes: Vec::with_capacity(128), spaced: false, origin: 0 }
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

    #[inline]
    pub fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), ParseError> {
        if self.peek() != Some(byte) {
            return Err(if self.at >= self.bytes.len() { self.error("the document ends too soon") } else { self.error(what) });
        }
        self.at += 1;
        Ok(())
    }

    /// The value that starts here, as a tree of its own over its own part of `body`, whose bytes are those of the parser.
    pub fn tree(&mut self, body: &Text) -> Result<Tree, ParseError> {
        self.skip()?;
        let mut nodes = Vec::with_capacity(self.nodes.len() + ROOM);
        nodes.extend_from_slice(&self.nodes);
        Ok(Tree { base: body.part(self.origin, self.at), extra: String::new(), nodes, root: 0, spaced: self.spaced })
    }

    /// The same where nobody needs the value; it must be one all the same.
    pub fn skip(&mut self) -> Result<(), ParseError> {
        self.nodes.clear();
        self.spaced = false;
        self.origin = self.at;
        self.value(NONE, 0).map(drop)
    }

    #[inline]
    fn node(&mut self, kind: NodeKind, parent: u32, start: usize, end: usize) -> u32 {
        let id = self.nodes.len() as u32;
        let (start, end) = ((start - self.origin) as u32, (end - self.origin) as u32);
        self.nodes.push(Node { kind, dirty: false, key_len: 0, key_start: 0, start, end, first: NONE, last: NONE, next: NONE, parent });
        id
    }

    fn value(&mut self, parent: u32, depth: usize) -> Result<u32, ParseError> {
        if depth > DEPTH_MAX {
            return Err(self.error("nested deeper than 100 levels"));
        }
        match self.peek() {
            Some(b'"') => {
                let (start, end, escaped) = self.string()?;
                Ok(self.node(if escaped { NodeKind::StringEscaped } else { NodeKind::String }, parent, start, end))
            }
            Some(b'{') => self.object(parent, depth),
            Some(b'[') => self.array(parent, depth),
            Some(b't') => self.word(b"true", NodeKind::Bool, parent),
            Some(b'f') => self.word(b"false", NodeKind::Bool, parent),
            Some(b'n') => self.word(b"null", NodeKind::Null, parent),
            Some(b'-' | b'0'..=b'9') => {
                let start = self.at;
                self.at = number_end(self.bytes, start).ok_or_else(|| self.error("a number is malformed"))?;
                Ok(self.node(NodeKind::Number, parent, start, self.at))
            }
            Some(_) => Err(self.error("a value was expected")),
            None => Err(self.error("the document ends too soon")),
        }
    }

    fn word(&mut self, word: &'static [u8], kind: NodeKind, parent: u32) -> Result<u32, ParseError> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.error("a value was expected"));
        }
        let start = self.at;
        self.at += word.len();
        Ok(self.node(kind, parent, start, self.at))
    }

    /// Bounds of a string's inside, and whether escapes are in it.
    #[inline]
    pub fn string(&mut self) -> Result<(usize, usize, bool), ParseError> {
        self.expect(b'"', "a string was expected")?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = special_from(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((start, self.at - 1, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    self.escape()?;
                }
                Some(_) => return Err(self.error("a control character stands unescaped in a string")),
                None => return Err(self.error("the document ends too soon")),
            }
        }
    }

    #[cold]
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

    fn array(&mut self, parent: u32, depth: usize) -> Result<u32, ParseError> {
        let id = self.node(NodeKind::Array, parent, self.at, self.at);
        let (mut first, mut last) = (NONE, NONE);
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.space();
                let child = self.value(id, depth + 1)?;
                self.after(&mut first, &mut last, child);
                self.space();
                if self.peek() == Some(b',') {
                    self.at += 1;
                    continue;
                }
                self.expect(b']', "a comma or ] was expected")?;
                break;
            }
        }
        self.close(id, first, last);
        Ok(id)
    }

    fn object(&mut self, parent: u32, depth: usize) -> Result<u32, ParseError> {
        let id = self.node(NodeKind::Object, parent, self.at, self.at);
        let (mut first, mut last) = (NONE, NONE);
        let mut met = 0u64;
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
                self.not_twice(&mut met, first, start, end)?;
                self.space();
                self.expect(b':', "a colon was expected")?;
                self.space();
                let child = self.value(id, depth + 1)?;
                let node = &mut self.nodes[child as usize];
                node.key_start = (start - self.origin) as u32;
                node.key_len = (end - start) as u16;
                self.after(&mut first, &mut last, child);
                self.space();
                if self.peek() == Some(b',') {
                    self.at += 1;
                    continue;
                }
                self.expect(b'}', "a comma or } was expected")?;
                break;
            }
        }
        self.close(id, first, last);
        Ok(id)
    }

    /// A key said twice has two values, and picking one would hide the other. `met` has a bit for each key so far, by its length
    /// and ends, so that most keys are seen at once to be new.
    #[inline]
    fn not_twice(&self, met: &mut u64, first: u32, start: usize, end: usize) -> Result<(), ParseError> {
        let key = &self.bytes[start..end];
        let ends = key.first().zip(key.last()).map_or(0, |(first, last)| usize::from(*first) * 5 + usize::from(*last) * 3);
        let bit = 1 << ((key.len() * 7 + ends) % 64);
        if *met & bit != 0 && self.stands_among(first, key) {
            return Err(ParseError { what: "a key stands twice in one object", at: start });
        }
        *met |= bit;
        Ok(())
    }

    fn stands_among(&self, first: u32, key: &[u8]) -> bool {
        let mut at = first;
        while at != NONE {
            let node = &self.nodes[at as usize];
            let from = node.key_start as usize + self.origin;
            if node.key_len as usize == key.len() && &self.bytes[from..from + key.len()] == key {
                return true;
            }
            at = node.next;
        }
        false
    }

    /// Hangs a child behind the last one.
    #[inline]
    fn after(&mut self, first: &mut u32, last: &mut u32, child: u32) {
        match *last {
            NONE => *first = child,
            last => self.nodes[last as usize].next = child,
        }
        *last = child;
    }

    #[inline]
    fn close(&mut self, id: u32, first: u32, last: u32) {
        let end = (self.at - self.origin) as u32;
        let node = &mut self.nodes[id as usize];
        (node.end, node.first, node.last) = (end, first, last);
    }
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// The place of the first quote, backslash or control character from `at` on; the end where there is none.
#[inline]
fn special_from(bytes: &[u8], mut at: usize) -> usize {
    // Eight at a time, as most strings are short: a vector search would take longer to set up.
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*eight);
        let (quote, slash) = (word ^ (ONES * u64::from(b'"')), word ^ (ONES * u64::from(b'\\')));
        let found = quote.wrapping_sub(ONES) & !quote | slash.wrapping_sub(ONES) & !slash | word.wrapping_sub(ONES * 0x20) & !word;
        if found & HIGHS != 0 {
            return at + (found & HIGHS).trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}
