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

/// The longest key. FHIR's longest element name has some forty letters.
pub(crate) const KEY_MAX: usize = u8::MAX as usize;

const END: &str = "the document ends too soon";

pub(crate) struct Parser<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    /// Nodes of the tree under way. Kept between trees, so that each is copied once into just the room it needs.
    nodes: Vec<Node>,
    /// What stands open above the object or array under way. Kept for the same reason.
    above: Vec<(u32, bool, u64)>,
    spaced: bool,
    hiding: bool,
}

impl<'a> Parser<'a> {
    pub fn new(bytes: &'a [u8]) -> Parser<'a> {
        Parser { bytes, at: 0, nodes: Vec::with_capacity(128), above: Vec::with_capacity(16), spaced: false, hiding: false }
    }

    pub fn error(&self, what: &'static str) -> ParseError {
        ParseError { what, at: self.at }
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn space(&mut self) {
        self.at = space_from(self.bytes, self.at);
    }

    pub fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), ParseError> {
        if self.peek() != Some(byte) {
            return Err(self.error(if self.at >= self.bytes.len() { END } else { what }));
        }
        self.at += 1;
        Ok(())
    }

    /// Bounds of a string's inside, and whether escapes are in it.
    pub fn string(&mut self) -> Result<(usize, usize, bool), ParseError> {
        self.expect(b'"', "a string was expected")?;
        let start = self.at;
        let (end, escapes) = string_end(self.bytes, start)?;
        self.at = end + 1;
        Ok((start, end, escapes != Escapes::None))
    }

    /// Bounds of a key.
    pub fn key(&mut self) -> Result<(usize, usize), ParseError> {
        let (start, end, escaped) = self.string()?;
        if escaped || end - start > KEY_MAX {
            return Err(self.error("a key is no element name"));
        }
        Ok((start, end))
    }

    /// The value that starts here, as a tree of its own over its own part of `body`, whose bytes are those of the parser.
    pub fn tree(&mut self, body: &Text) -> Result<Tree, ParseError> {
        let start = self.at;
        self.skip()?;
        let mut nodes = Vec::with_capacity(self.nodes.len() + ROOM);
        nodes.extend_from_slice(&self.nodes);
        Ok(Tree { base: body.part(start, self.at), extra: String::new(), nodes, root: 0, spaced: self.spaced, hiding: self.hiding })
    }

    /// The same where nobody needs the value; it must be one all the same.
    pub fn skip(&mut self) -> Result<(), ParseError> {
        self.nodes.clear();
        self.above.clear();
        let above = &mut self.above;
        let mut open = Open { origin: self.at, object: NONE, last: NONE, met: 0, is_object: false, key: (0, 0), above };
        let (bytes, mut at, mut spaced, mut hiding) = (self.bytes, self.at, false, false);
        // One turn for each value; what stands open is in `open`, so that nothing is called again from within itself.
        'value: loop {
            let error = |what, at| Err(ParseError { what, at });
            match bytes.get(at) {
                Some(b'"') => {
                    let (end, escapes) = string_end(bytes, at + 1)?;
                    let kind = if escapes == Escapes::None { NodeKind::String } else { NodeKind::StringEscaped };
                    hiding |= escapes == Escapes::Hiding;
                    open.add(&mut self.nodes, bytes, kind, at + 1, end);
                    at = end + 1;
                }
                Some(bracket @ (b'{' | b'[')) => {
                    let is_object = *bracket == b'{';
                    if open.above.len() > DEPTH_MAX {
                        return error("nested deeper than 100 levels", at);
                    }
                    let kind = if is_object { NodeKind::Object } else { NodeKind::Array };
                    let id = open.add(&mut self.nodes, bytes, kind, at, at);
                    open.enter(id, is_object);
                    at = passed(bytes, at + 1, &mut spaced);
                    match (bytes.get(at), is_object) {
                        (Some(b'}'), true) | (Some(b']'), false) => {
                            at += 1;
                            open.leave(&mut self.nodes, at);
                        }
                        (_, true) => {
                            at = open.key(&self.nodes, bytes, at, &mut spaced)?;
                            continue 'value;
                        }
                        (_, false) => continue 'value,
                    }
                }
                Some(b'-' | b'0'..=b'9') => {
                    let Some(end) = number_end(bytes, at) else { return error("a number is malformed", at) };
                    open.add(&mut self.nodes, bytes, NodeKind::Number, at, end);
                    at = end;
                }
                Some(_) => {
                    let words = [("true", NodeKind::Bool), ("false", NodeKind::Bool), ("null", NodeKind::Null)];
                    let found = words.into_iter().find(|(word, _)| bytes[at..].starts_with(word.as_bytes()));
                    let Some((word, kind)) = found else { return error("a value was expected", at) };
                    open.add(&mut self.nodes, bytes, kind, at, at + word.len());
                    at += word.len();
                }
                None => return error(END, at),
            }
            // What follows a value: another, or the end of what it stands in, which is the end of a value in its turn.
            while open.object != NONE {
                at = passed(bytes, at, &mut spaced);
                match (bytes.get(at), open.is_object) {
                    (Some(b','), is_object) => {
                        at = passed(bytes, at + 1, &mut spaced);
                        if is_object {
                            at = open.key(&self.nodes, bytes, at, &mut spaced)?;
                        }
                        continue 'value;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        at += 1;
                        open.leave(&mut self.nodes, at);
                    }
                    (Some(_), true) => return error("a comma or } was expected", at),
                    (Some(_), false) => return error("a comma or ] was expected", at),
                    (None, _) => return error(END, at),
                }
            }
            break;
        }
        (self.at, self.spaced, self.hiding) = (at, spaced, hiding);
        Ok(())
    }
}

/// The object or array under way.
struct Open<'n> {
    /// Offset of the tree's first byte in the body: the tree's own bytes are a part of the body.
    origin: usize,
    /// Its node; none outside all.
    object: u32,
    is_object: bool,
    /// Its last child so far.
    last: u32,
    /// A bit for each key so far, by its length and ends, so that most keys are seen at once to be new.
    met: u64,
    /// Bounds of the key of the value to come.
    key: (usize, usize),
    /// What it stands in.
    above: &'n mut Vec<(u32, bool, u64)>,
}

impl Open<'_> {
    /// Adds a node behind the last one.
    #[inline]
    fn add(&mut self, nodes: &mut Vec<Node>, bytes: &[u8], kind: NodeKind, start: usize, end: usize) -> u32 {
        let id = nodes.len() as u32;
        let (key_start, key_end) = std::mem::take(&mut self.key);
        let origin = self.origin;
        nodes.push(Node {
            kind,
            dirty: false,
            key_len: (key_end - key_start) as u8,
            key_first: if key_end > key_start { bytes[key_start] } else { 0 },
            key_start: key_start.saturating_sub(origin) as u32,
            start: (start - origin) as u32,
            end: (end - origin) as u32,
            first: NONE,
            last: NONE,
            next: NONE,
            parent: self.object,
        });
        if self.last != NONE {
            nodes[self.last as usize].next = id;
        } else if self.object != NONE {
            nodes[self.object as usize].first = id;
        }
        self.last = id;
        id
    }

    fn enter(&mut self, id: u32, is_object: bool) {
        self.above.push((self.object, self.is_object, self.met));
        (self.object, self.is_object, self.last, self.met) = (id, is_object, NONE, 0);
    }

    fn leave(&mut self, nodes: &mut [Node], end: usize) {
        let node = &mut nodes[self.object as usize];
        (node.last, node.end) = (self.last, (end - self.origin) as u32);
        self.last = self.object;
        (self.object, self.is_object, self.met) = self.above.pop().unwrap_or((NONE, false, 0));
    }

    /// Reads a key and its colon; returns where its value starts.
    #[inline]
    fn key(&mut self, nodes: &[Node], bytes: &[u8], at: usize, spaced: &mut bool) -> Result<usize, ParseError> {
        let expected = |what, at| ParseError { what: if at >= bytes.len() { END } else { what }, at };
        if bytes.get(at) != Some(&b'"') {
            return Err(expected("a string was expected", at));
        }
        let start = at + 1;
        let (end, escapes) = string_end(bytes, start)?;
        if escapes != Escapes::None || end - start > KEY_MAX {
            return Err(ParseError { what: "a key is no element name", at: end + 1 });
        }
        self.not_twice(nodes, bytes, start, end)?;
        self.key = (start, end);
        let at = passed(bytes, end + 1, spaced);
        if bytes.get(at) != Some(&b':') {
            return Err(expected("a colon was expected", at));
        }
        Ok(passed(bytes, at + 1, spaced))
    }

    /// A key said twice has two values, and picking one would hide the other.
    #[inline]
    fn not_twice(&mut self, nodes: &[Node], bytes: &[u8], start: usize, end: usize) -> Result<(), ParseError> {
        let key = &bytes[start..end];
        let ends = key.first().zip(key.last()).map_or(0, |(first, last)| usize::from(*first) * 5 + usize::from(*last) * 3);
        let bit = 1 << ((key.len() * 7 + ends) % 64);
        if self.met & bit != 0 && self.stands(nodes, bytes, key) {
            return Err(ParseError { what: "a key stands twice in one object", at: start });
        }
        self.met |= bit;
        Ok(())
    }

    fn stands(&self, nodes: &[Node], bytes: &[u8], key: &[u8]) -> bool {
        let first = nodes[self.object as usize].first;
        std::iter::successors(nodes.get(first as usize), |node| nodes.get(node.next as usize)).any(|node| {
            let from = node.key_start as usize + self.origin;
            usize::from(node.key_len) == key.len() && &bytes[from..from + key.len()] == key
        })
    }
}

/// Where white space that starts here ends.
#[inline]
fn space_from(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The same, noting whether there was any.
#[inline]
fn passed(bytes: &[u8], at: usize, spaced: &mut bool) -> usize {
    let after = space_from(bytes, at);
    *spaced |= after > at;
    after
}

/// What escapes a string holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Escapes {
    None,
    /// Of quotes, line ends and the like.
    Plain,
    /// `\u`, which may stand for any character.
    Hiding,
}

/// Where a string ends whose inside starts here, and what escapes it holds.
#[inline(always)]
fn string_end(bytes: &[u8], mut at: usize) -> Result<(usize, Escapes), ParseError> {
    let mut escapes = Escapes::None;
    loop {
        at = special_from(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok((at, escapes)),
            Some(b'\\') => {
                escapes = escapes.max(if bytes.get(at + 1) == Some(&b'u') { Escapes::Hiding } else { Escapes::Plain });
                at = escape_end(bytes, at + 1)?;
            }
            Some(_) => return Err(ParseError { what: "a control character stands unescaped in a string", at }),
            None => return Err(ParseError { what: END, at }),
        }
    }
}

/// Where an escape ends whose letter is here.
fn escape_end(bytes: &[u8], at: usize) -> Result<usize, ParseError> {
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => match bytes.get(at + 1..at + 5) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 5),
            Some(_) => Err(ParseError { what: "a \\u escape is malformed", at }),
            None => Err(ParseError { what: END, at }),
        },
        _ => Err(ParseError { what: "an escape is malformed", at }),
    }
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// The place of the first quote, backslash or control character from `at` on; the end where there is none.
#[inline(always)]
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
