//! A [`Tree`] into JSON.

use crate::node::Ref;
use crate::tree::{NONE, NodeKind, Tree};

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
        self.write_node(self.root, out);
    }

    pub(crate) fn write_node(&self, id: u32, out: &mut Vec<u8>) {
        let node = &self.nodes[id as usize];
        if !node.dirty && !self.spaced && !matches!(node.kind, NodeKind::String | NodeKind::StringEscaped) {
            out.extend_from_slice(self.bytes(node.start, node.end));
            return;
        }
        match node.kind {
            NodeKind::Object | NodeKind::Array => self.write_children(id, out),
            NodeKind::String | NodeKind::StringEscaped => {
                out.push(b'"');
                out.extend_from_slice(self.bytes(node.start, node.end));
                out.push(b'"');
            }
            NodeKind::Bool | NodeKind::Null | NodeKind::Number => out.extend_from_slice(self.bytes(node.start, node.end)),
        }
    }

    fn write_children(&self, id: u32, out: &mut Vec<u8>) {
        let object = self.nodes[id as usize].kind == NodeKind::Object;
        out.push(if object { b'{' } else { b'[' });
        let mut at = self.nodes[id as usize].first;
        let mut first = true;
        while at != NONE {
            if !first {
                out.push(b',');
            }
            first = false;
            let child = &self.nodes[at as usize];
            if object {
                out.push(b'"');
                out.extend_from_slice(self.bytes(child.key_start, child.key_start + u32::from(child.key_len)));
                out.extend_from_slice(b"\":");
            }
            self.write_node(at, out);
            at = self.nodes[at as usize].next;
        }
        out.push(if object { b'}' } else { b']' });
    }
}

impl Ref<'_> {
    /// Compact JSON of this node.
    pub fn to_json(self) -> String {
        let mut out = Vec::new();
        self.tree().write_node(self.id().0, &mut out);
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
