//! A [`Tree`] into JSON.

use crate::node::Ref;
use crate::tree::{NONE, Node, NodeId, NodeKind, Tree};

impl Tree {
    /// About how many bytes its JSON takes: what it came as, and what was written into it since.
    pub fn json_len_about(&self) -> usize {
        self.base.len() + self.extra.len()
    }

    /// Compact JSON of the whole.
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(self.base.len() + self.extra.len() + 64);
        self.write_json(&mut out);
        String::from_utf8(out).unwrap_or_default() // Every piece comes from text.
    }

    /// Appends compact JSON of the whole to `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        Writer { tree: self, more: None }.node(self.root, out);
    }

    /// The same with more items at the end of an array: `items` is JSON, without a comma around it.
    pub fn write_json_with(&self, array: NodeId, items: &[u8], out: &mut Vec<u8>) {
        Writer { tree: self, more: Some((array.0, items)) }.node(self.root, out);
    }
}

/// Writes nodes, most of them by copying the bytes that came.
struct Writer<'a> {
    tree: &'a Tree,
    /// An array, and what is to stand at its end.
    more: Option<(u32, &'a [u8])>,
}

impl Writer<'_> {
    fn node(&self, id: u32, out: &mut Vec<u8>) {
        let node = &self.tree.nodes[id as usize];
        match node.kind {
            _ if self.is_as_it_came(id, node) => out.extend_from_slice(self.tree.bytes(node.start, node.end)),
            NodeKind::Object => self.object(node, out),
            NodeKind::Array => self.array(id, node, out),
            NodeKind::String | NodeKind::StringEscaped => {
                out.push(b'"');
                out.extend_from_slice(self.tree.bytes(node.start, node.end));
                out.push(b'"');
            }
            NodeKind::Bool | NodeKind::Null | NodeKind::Number => out.extend_from_slice(self.tree.bytes(node.start, node.end)),
        }
    }

    /// Whether a node is what its bytes are, and compact.
    fn is_as_it_came(&self, id: u32, node: &Node) -> bool {
        let grows = || self.more.is_some_and(|(array, _)| self.tree.is_within(array, id));
        let whole = matches!(node.kind, NodeKind::Object | NodeKind::Array);
        whole && !node.dirty && !self.tree.spaced && !grows()
    }

    fn object(&self, node: &Node, out: &mut Vec<u8>) {
        out.push(b'{');
        let (mut at, mut first) = (node.first, true);
        while at != NONE {
            if !first {
                out.push(b',');
            }
            first = false;
            at = match self.run(at) {
                Some((start, end, next)) => {
                    out.extend_from_slice(self.tree.bytes(start, end));
                    next
                }
                None => {
                    let child = &self.tree.nodes[at as usize];
                    out.push(b'"');
                    out.extend_from_slice(self.tree.bytes(child.key_start, child.key_start + u32::from(child.key_len)));
                    out.extend_from_slice(b"\":");
                    self.node(at, out);
                    child.next
                }
            };
        }
        out.push(b'}');
    }

    /// Members from `at` on that stand side by side as they came, keys and all: where their bytes start and end, and what follows.
    fn run(&self, mut at: u32) -> Option<(u32, u32, u32)> {
        if self.tree.spaced {
            return None;
        }
        let mut run: Option<(u32, u32)> = None;
        while at != NONE {
            let child = &self.tree.nodes[at as usize];
            let plain = !child.dirty && (child.key_start as usize) < self.tree.base.len();
            let follows = run.is_none_or(|(_, end)| end + 2 == child.key_start);
            if !plain || !follows || self.more.is_some_and(|(array, _)| self.tree.is_within(array, at)) {
                break;
            }
            let quote = u32::from(matches!(child.kind, NodeKind::String | NodeKind::StringEscaped));
            run = Some((run.map_or(child.key_start - 1, |(start, _)| start), child.end + quote));
            at = child.next;
        }
        run.map(|(start, end)| (start, end, at))
    }

    fn array(&self, id: u32, node: &Node, out: &mut Vec<u8>) {
        out.push(b'[');
        let mut at = node.first;
        while at != NONE {
            self.node(at, out);
            at = self.tree.nodes[at as usize].next;
            if at != NONE {
                out.push(b',');
            }
        }
        if let Some((_, more)) = self.more.filter(|(array, _)| *array == id) {
            if node.first != NONE {
                out.push(b',');
            }
            out.extend_from_slice(more);
        }
        out.push(b']');
    }
}

impl Ref<'_> {
    /// Compact JSON of this node.
    pub fn to_json(self) -> String {
        let mut out = Vec::new();
        Writer { tree: self.tree(), more: None }.node(self.id().0, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

/// Appends `text` with JSON's escapes; true if any was needed.
pub(crate) fn escape(text: &str, out: &mut String) -> bool {
    let mut any = false;
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => {
                out.push(c);
                continue;
            }
        }
        any = true;
    }
    any
}

/// Plain text of a JSON string's inside. A lone surrogate becomes U+FFFD: it is no character.
pub(crate) fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(position) = rest.find('\\') {
        out.push_str(&rest[..position]);
        let mut chars = rest[position + 1..].chars();
        let letter = chars.next();
        rest = chars.as_str();
        match letter {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => rest = code_point(rest, &mut out),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out.push_str(rest);
    out
}

fn code_point<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let hex = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(high) = hex(rest) else { return rest };
    let after = &rest[4..];
    if (0xD800..0xDC00).contains(&high)
        && let Some(low) = after.strip_prefix("\\u").and_then(hex)
        && (0xDC00..0xE000).contains(&low)
    {
        out.push(char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).unwrap_or('\u{FFFD}'));
        return &after[6..];
    }
    out.push(char::from_u32(high).unwrap_or('\u{FFFD}'));
    after
}
