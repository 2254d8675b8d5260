//! The arena tree.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::node::Ref;

/// Index of a node in its [`Tree`]. Meaningless in another tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Its place in the arena, counted in the order nodes were made: what a side table is indexed by.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

pub(crate) const NONE: u32 = u32::MAX;

/// What a node is, in JSON's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// `[…]`
    Array,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
    /// A number, its digits as written.
    Number,
    /// `{…}`
    Object,
    /// A string without any escape in its JSON form.
    String,
    /// A string whose JSON form holds escapes.
    StringEscaped,
}

/// 32 bytes a node; offsets count from the start of `base`, and on into `extra` past its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub kind: NodeKind,
    /// Whether anything at or below this node changed since it was parsed: a clean node is written by copying its bytes.
    pub dirty: bool,
    pub key_len: u8,
    /// The first byte of the key, which tells most keys apart.
    pub key_first: u8,
    pub key_start: u32,
    pub start: u32,
    pub end: u32,
    pub first: u32,
    pub last: u32,
    pub next: u32,
    pub parent: u32,
}

/// A part of a body that several trees share. Text, not bytes: it was checked as UTF-8 once, and nothing is when it is read.
#[derive(Clone, Default)]
pub(crate) struct Text {
    whole: Arc<String>,
    from: usize,
    to: usize,
}

impl Text {
    pub fn new(text: String) -> Text {
        Text { from: 0, to: text.len(), whole: Arc::new(text) }
    }

    pub fn part(&self, from: usize, to: usize) -> Text {
        Text { whole: self.whole.clone(), from: self.from + from, to: self.from + to }
    }

    #[inline]
    pub fn as_str(&self) -> &str {
        &self.whole[self.from..self.to]
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.to - self.from
    }

    #[inline]
    fn cut(&self, range: Range<usize>) -> &str {
        &self.whole[self.from + range.start..self.from + range.end]
    }

    #[inline]
    fn cut_bytes(&self, range: Range<usize>) -> &[u8] {
        &self.whole.as_bytes()[self.from + range.start..self.from + range.end]
    }
}

/// One resource (or any JSON value) as it came, editable in place.
///
/// Cloning copies the nodes and shares the bytes.
#[derive(Clone)]
pub struct Tree {
    pub(crate) base: Text,
    pub(crate) extra: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: u32,
    /// Whether the bytes hold white space between tokens, which an answer should not carry.
    pub(crate) spaced: bool,
    /// Whether any string holds a `\u` escape, behind which any character may hide.
    pub(crate) hiding: bool,
}

impl Tree {
    /// An empty object, to build a resource from.
    pub fn object() -> Tree {
        let mut tree = Tree { base: Text::default(), extra: String::new(), nodes: Vec::new(), root: 0, spaced: false, hiding: false };
        tree.root = tree.detached(NodeKind::Object, 0, 0);
        tree
    }

    /// The whole.
    #[inline]
    pub fn root(&self) -> Ref<'_> {
        Ref { tree: self, id: self.root }
    }

    /// A node by its id, which must come from this tree.
    #[inline]
    pub fn node(&self, id: NodeId) -> Ref<'_> {
        Ref { tree: self, id: id.0 }
    }

    /// `resourceType` of the root, if it is a string.
    pub fn resource_type(&self) -> Option<Cow<'_, str>> {
        self.root().text("resourceType")
    }

    /// How many nodes this tree holds, detached ones included.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// All the text that its keys and values are cut from: what came, as JSON, and what was written since, escaped as in JSON.
    pub fn texts(&self) -> [&str; 2] {
        [self.base.as_str(), &self.extra]
    }

    /// Whether characters may hide behind `\u` escapes in it.
    pub fn is_hiding(&self) -> bool {
        self.hiding
    }

    /// Makes room for so many more nodes and so much more text, to spare growing by and by.
    pub fn reserve(&mut self, nodes: usize, text: usize) {
        self.nodes.reserve(nodes);
        self.extra.reserve(text);
    }

    /// Parsing cuts at ASCII only, so every cut is between characters.
    #[inline]
    pub(crate) fn slice(&self, start: u32, end: u32) -> &str {
        let (start, end, base) = (start as usize, end as usize, self.base.len());
        if start >= base { &self.extra[start - base..end - base] } else { self.base.cut(start..end) }
    }

    /// The same for whoever compares or copies: no look at where characters begin.
    #[inline]
    pub(crate) fn bytes(&self, start: u32, end: u32) -> &[u8] {
        let (start, end, base) = (start as usize, end as usize, self.base.len());
        if start >= base { &self.extra.as_bytes()[start - base..end - base] } else { self.base.cut_bytes(start..end) }
    }

    /// Whether a node is another, or hangs somewhere below it.
    pub(crate) fn is_within(&self, node: u32, above: u32) -> bool {
        let mut at = node;
        while at != NONE && at != above {
            at = self.nodes[at as usize].parent;
        }
        at == above
    }

    fn store(&mut self, text: &str) -> (u32, u32) {
        let start = (self.base.len() + self.extra.len()) as u32;
        self.extra.push_str(text);
        (start, start + text.len() as u32)
    }

    /// Stores plain text as the inside of a JSON string.
    fn store_text(&mut self, text: &str) -> (NodeKind, u32, u32) {
        if !text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
            let (start, end) = self.store(text);
            return (NodeKind::String, start, end);
        }
        let mut escaped = String::with_capacity(text.len() + 16);
        crate::json::escape(text, &mut escaped);
        let (start, end) = self.store(&escaped);
        (NodeKind::StringEscaped, start, end)
    }

    fn detached(&mut self, kind: NodeKind, start: u32, end: u32) -> u32 {
        let id = self.nodes.len() as u32;
        self.nodes.push(Node {
            kind,
            dirty: true,
            key_len: 0,
            key_first: 0,
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

    /// A new object that hangs nowhere yet.
    pub fn new_object(&mut self) -> NodeId {
        NodeId(self.detached(NodeKind::Object, 0, 0))
    }

    /// A new array that hangs nowhere yet.
    pub fn new_array(&mut self) -> NodeId {
        NodeId(self.detached(NodeKind::Array, 0, 0))
    }

    /// A new string that hangs nowhere yet. `text` is plain, not JSON-escaped.
    pub fn new_string(&mut self, text: &str) -> NodeId {
        let (kind, start, end) = self.store_text(text);
        NodeId(self.detached(kind, start, end))
    }

    /// A new boolean that hangs nowhere yet.
    pub fn new_bool(&mut self, value: bool) -> NodeId {
        let (start, end) = self.store(if value { "true" } else { "false" });
        NodeId(self.detached(NodeKind::Bool, start, end))
    }

    /// A new number that hangs nowhere yet, its digits as given, or `None` if that is not a JSON number.
    pub fn new_number(&mut self, digits: &str) -> Option<NodeId> {
        if !crate::parse::is_number(digits) {
            return None;
        }
        let (start, end) = self.store(digits);
        Some(NodeId(self.detached(NodeKind::Number, start, end)))
    }

    /// A new JSON `null` that hangs nowhere yet (FHIR uses it only to keep places in arrays).
    pub fn new_null(&mut self) -> NodeId {
        let (start, end) = self.store("null");
        NodeId(self.detached(NodeKind::Null, start, end))
    }

    /// A deep copy of a node of another tree (or, by cloning that first, of this one), hanging nowhere yet.
    pub fn copy(&mut self, from: Ref<'_>) -> NodeId {
        match from.kind() {
            NodeKind::Object => {
                let id = self.new_object();
                for (key, child) in from.entries() {
                    let child = self.copy(child);
                    self.append(id, key, child);
                }
                id
            }
            NodeKind::Array => {
                let id = self.new_array();
                for child in from.items() {
                    let child = self.copy(child);
                    self.push(id, child);
                }
                id
            }
            kind => {
                let (start, end) = self.store(from.raw());
                NodeId(self.detached(kind, start, end))
            }
        }
    }

    fn touch(&mut self, id: u32) {
        let mut at = id;
        while at != NONE {
            let node = &mut self.nodes[at as usize];
            if node.dirty && at != id {
                break;
            }
            node.dirty = true;
            at = node.parent;
        }
    }

    fn link(&mut self, parent: u32, child: u32) {
        self.nodes[child as usize].parent = parent;
        self.nodes[child as usize].next = NONE;
        match self.nodes[parent as usize].last {
            NONE => self.nodes[parent as usize].first = child,
            last => self.nodes[last as usize].next = child,
        }
        self.nodes[parent as usize].last = child;
        self.touch(parent);
    }

    fn unlink(&mut self, child: u32) {
        let parent = self.nodes[child as usize].parent;
        if parent == NONE {
            return;
        }
        let (mut previous, mut at) = (NONE, self.nodes[parent as usize].first);
        while at != child {
            previous = at;
            at = self.nodes[at as usize].next;
        }
        let next = self.nodes[child as usize].next;
        if previous == NONE {
            self.nodes[parent as usize].first = next;
        } else {
            self.nodes[previous as usize].next = next;
        }
        if next == NONE {
            self.nodes[parent as usize].last = previous;
        }
        self.nodes[child as usize].parent = NONE;
        self.nodes[child as usize].next = NONE;
        self.touch(parent);
    }

    /// Keys are names of elements: shorter than [`crate::parse::KEY_MAX`] by far, and what is longer is cut.
    fn key(&mut self, id: u32, key: &str) {
        let key = &key[..key.floor_char_boundary(crate::parse::KEY_MAX)];
        let (start, _) = self.store(key);
        let node = &mut self.nodes[id as usize];
        (node.key_start, node.key_len, node.key_first) = (start, key.len() as u8, key.bytes().next().unwrap_or(0));
    }

    /// Appends a detached `value` to an object under `key`, which the object must not hold yet.
    pub fn append(&mut self, object: NodeId, key: &str, value: NodeId) {
        debug_assert_eq!(self.nodes[object.0 as usize].kind, NodeKind::Object);
        self.key(value.0, key);
        self.link(object.0, value.0);
    }

    /// Puts `value` under `key`, in the place of what stood there; takes it from where it hung before.
    pub fn set(&mut self, object: NodeId, key: &str, value: NodeId) {
        self.unlink(value.0);
        let Some(old) = self.node(object).get(key).map(Ref::id) else { return self.append(object, key, value) };
        self.key(value.0, key);
        // Into the old one's place, so that the order of elements stays the supplier's.
        let (mut at, mut previous) = (self.nodes[object.0 as usize].first, NONE);
        while at != old.0 {
            previous = at;
            at = self.nodes[at as usize].next;
        }
        let next = self.nodes[old.0 as usize].next;
        (self.nodes[value.0 as usize].next, self.nodes[value.0 as usize].parent) = (next, object.0);
        match previous {
            NONE => self.nodes[object.0 as usize].first = value.0,
            previous => self.nodes[previous as usize].next = value.0,
        }
        if next == NONE {
            self.nodes[object.0 as usize].last = value.0;
        }
        (self.nodes[old.0 as usize].parent, self.nodes[old.0 as usize].next) = (NONE, NONE);
        self.touch(object.0);
    }

    /// `set` with a plain string.
    pub fn set_string(&mut self, object: NodeId, key: &str, text: &str) -> NodeId {
        let value = self.new_string(text);
        self.set(object, key, value);
        value
    }

    /// Appends to an array; takes `value` from where it hung before.
    pub fn push(&mut self, array: NodeId, value: NodeId) {
        debug_assert_eq!(self.nodes[array.0 as usize].kind, NodeKind::Array);
        self.unlink(value.0);
        (self.nodes[value.0 as usize].key_len, self.nodes[value.0 as usize].key_first) = (0, 0);
        self.link(array.0, value.0);
    }

    /// Appends an object with a `system` and a `code` to an array.
    pub fn push_coding(&mut self, array: NodeId, system: &str, code: &str) {
        let coding = self.new_object();
        for (key, text) in [("system", system), ("code", code)] {
            let value = self.new_string(text);
            self.append(coding, key, value);
        }
        self.link(array.0, coding.0);
    }

    /// Takes `key` out of an object and returns what stood there, which then hangs nowhere.
    pub fn remove(&mut self, object: NodeId, key: &str) -> Option<NodeId> {
        let id = self.node(object).get(key)?.id();
        self.unlink(id.0);
        Some(id)
    }

    /// Takes a node from where it hangs (an array's item, say).
    pub fn detach(&mut self, node: NodeId) {
        self.unlink(node.0);
    }

    /// Renames a key in its place; false if `old` is not there or `new` already is.
    pub fn rename(&mut self, object: NodeId, old: &str, new: &str) -> bool {
        let Some(id) = self.node(object).get(old).map(|node| node.id()) else { return false };
        if self.node(object).get(new).is_some() {
            return false;
        }
        self.key(id.0, new);
        self.touch(id.0);
        true
    }

    /// Replaces a primitive's text by a plain string, in place.
    pub fn set_text(&mut self, node: NodeId, text: &str) {
        let (kind, start, end) = self.store_text(text);
        let at = &mut self.nodes[node.0 as usize];
        (at.kind, at.start, at.end, at.first, at.last) = (kind, start, end, NONE, NONE);
        self.touch(node.0);
    }

    /// Makes the value under `key` an array of that one value, if it is not an array yet. Returns the array.
    pub fn listed(&mut self, object: NodeId, key: &str) -> Option<NodeId> {
        let id = self.node(object).get(key)?.id();
        if self.node(id).kind() == NodeKind::Array {
            return Some(id);
        }
        let array = self.new_array();
        self.set(object, key, array);
        self.push(array, id);
        Some(array)
    }

    /// The array under `key`, made if absent. `None` if something else stands there.
    pub fn array_at(&mut self, object: NodeId, key: &str) -> Option<NodeId> {
        match self.node(object).get(key) {
            Some(node) => (node.kind() == NodeKind::Array).then(|| node.id()),
            None => {
                let array = self.new_array();
                self.set(object, key, array);
                Some(array)
            }
        }
    }

    /// The object under `key`, made if absent. `None` if something else stands there.
    pub fn object_at(&mut self, object: NodeId, key: &str) -> Option<NodeId> {
        match self.node(object).get(key) {
            Some(node) => (node.kind() == NodeKind::Object).then(|| node.id()),
            None => {
                let made = self.new_object();
                self.set(object, key, made);
                Some(made)
            }
        }
    }
}

impl std::fmt::Debug for Tree {
    /// Shape only: a resource is a patient's data and stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tree({}, {} nodes)", self.resource_type().unwrap_or(Cow::Borrowed("?")), self.nodes.len())
    }
}
