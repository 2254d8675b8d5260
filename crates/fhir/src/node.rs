//! Reading a tree, node by node.

use std::borrow::Cow;

use crate::tree::{NONE, Node, NodeId, NodeKind, Tree};

/// A node of a tree, for reading. `Copy`, so pass it by value.
#[derive(Clone, Copy)]
pub struct Ref<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) id: u32,
}

impl<'a> Ref<'a> {
    #[inline]
    fn raw_node(self) -> &'a Node {
        &self.tree.nodes[self.id as usize]
    }

    #[inline]
    fn with(self, id: u32) -> Option<Ref<'a>> {
        (id != NONE).then_some(Ref { tree: self.tree, id })
    }

    /// This node's id, to edit it with.
    #[inline]
    pub fn id(self) -> NodeId {
        NodeId(self.id)
    }

    /// The tree it belongs to.
    #[inline]
    pub fn tree(self) -> &'a Tree {
        self.tree
    }

    /// What it is; both kinds of string are told apart only for writing.
    #[inline]
    pub fn kind(self) -> NodeKind {
        self.raw_node().kind
    }

    /// Whether it is an object.
    #[inline]
    pub fn is_object(self) -> bool {
        self.kind() == NodeKind::Object
    }

    /// Whether it is an array.
    #[inline]
    pub fn is_array(self) -> bool {
        self.kind() == NodeKind::Array
    }

    /// Whether it is a string.
    #[inline]
    pub fn is_string(self) -> bool {
        matches!(self.kind(), NodeKind::String | NodeKind::StringEscaped)
    }

    /// Whether it is a string, number, boolean or null.
    #[inline]
    pub fn is_primitive(self) -> bool {
        !self.is_object() && !self.is_array()
    }

    /// The parent, unless it is the root or hangs nowhere.
    #[inline]
    pub fn parent(self) -> Option<Ref<'a>> {
        self.with(self.raw_node().parent)
    }

    /// The key it stands under; empty for items of arrays and the root.
    #[inline]
    pub fn key(self) -> &'a str {
        let node = self.raw_node();
        self.tree.slice(node.key_start, node.key_start + u32::from(node.key_len))
    }

    /// [`Ref::key`] as bytes, for those who compare many.
    #[inline]
    pub fn key_bytes(self) -> &'a [u8] {
        let node = self.raw_node();
        self.tree.bytes(node.key_start, node.key_start + u32::from(node.key_len))
    }

    /// How long its key is, and its first byte: tells most keys apart without a look at the text.
    #[inline]
    pub fn key_hint(self) -> (usize, u8) {
        let node = self.raw_node();
        (usize::from(node.key_len), node.key_first)
    }

    /// [`Ref::raw`] as bytes.
    #[inline]
    pub fn raw_bytes(self) -> &'a [u8] {
        if !self.is_primitive() {
            return &[];
        }
        let node = self.raw_node();
        self.tree.bytes(node.start, node.end)
    }

    /// The value under `key`; `None` too when this is no object.
    #[inline]
    pub fn get(self, key: &str) -> Option<Ref<'a>> {
        if !self.is_object() {
            return None;
        }
        let key = key.as_bytes();
        let (len, first) = (key.len(), key.first().copied().unwrap_or(0));
        let mut at = self.raw_node().first;
        while at != NONE {
            let node = &self.tree.nodes[at as usize];
            if node.key_first == first && usize::from(node.key_len) == len {
                let own = self.tree.bytes(node.key_start, node.key_start + u32::from(node.key_len));
                if own == key {
                    return self.with(at);
                }
            }
            at = node.next;
        }
        None
    }

    /// The first node down a dotted path. An array on the way is entered at its first item.
    pub fn at(self, path: &str) -> Option<Ref<'a>> {
        let mut here = self;
        for step in path.split('.') {
            while here.is_array() {
                here = here.items().next()?;
            }
            here = here.get(step)?;
        }
        Some(here)
    }

    /// Every node down a dotted path, arrays on the way and at the end flattened.
    pub fn all(self, path: &str) -> Vec<Ref<'a>> {
        let mut found = vec![self];
        for step in path.split('.') {
            found = found.into_iter().flat_map(Ref::each).filter_map(|node| node.get(step)).collect();
        }
        found.into_iter().flat_map(Ref::each).collect()
    }

    /// Its items if it is an array, else itself.
    pub fn each(self) -> Vec<Ref<'a>> {
        if self.is_array() { self.items().collect() } else { vec![self] }
    }

    /// Children of an array (or object) in order.
    #[inline]
    pub fn items(self) -> impl Iterator<Item = Ref<'a>> {
        let first = if self.is_primitive() { NONE } else { self.raw_node().first };
        std::iter::successors(self.with(first), |node| node.with(node.raw_node().next))
    }

    /// Keys and values of an object in order; nothing for anything else.
    #[inline]
    pub fn entries(self) -> impl Iterator<Item = (&'a str, Ref<'a>)> {
        let first = if self.is_object() { self.raw_node().first } else { NONE };
        std::iter::successors(self.with(first), |node| node.with(node.raw_node().next)).map(|node| (node.key(), node))
    }

    /// How many children.
    pub fn len(self) -> usize {
        self.items().count()
    }

    /// Whether there are no children.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.items().next().is_none()
    }

    /// The JSON text of a primitive without a string's quotes: escapes still in it, digits as written.
    /// Empty for objects and arrays.
    #[inline]
    pub fn raw(self) -> &'a str {
        if !self.is_primitive() {
            return "";
        }
        let node = self.raw_node();
        self.tree.slice(node.start, node.end)
    }

    /// The plain text of a primitive: a string unescaped, a number's digits, `true`, `false`; `None` for the rest and null.
    #[inline]
    pub fn value(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            NodeKind::String | NodeKind::Number | NodeKind::Bool => Some(Cow::Borrowed(self.raw())),
            NodeKind::StringEscaped => Some(Cow::Owned(crate::json::unescape(self.raw()))),
            NodeKind::Array | NodeKind::Null | NodeKind::Object => None,
        }
    }

    /// The plain text at a dotted path (see [`Ref::at`]).
    pub fn text(self, path: &str) -> Option<Cow<'a, str>> {
        self.at(path)?.value()
    }

    /// Whether the plain text at `path` is `expected`.
    pub fn is(self, path: &str, expected: &str) -> bool {
        self.text(path).is_some_and(|text| text == expected)
    }

    /// Where this node is, as a dotted element path from the root without its type: `contact[0].name.family`.
    pub fn path(self) -> String {
        let Some(parent) = self.parent() else { return String::new() };
        let above = parent.path();
        if parent.is_array() {
            let index = parent.items().take_while(|item| item.id != self.id).count();
            return format!("{above}[{index}]");
        }
        if above.is_empty() { self.key().to_owned() } else { format!("{above}.{}", self.key()) }
    }

    /// A copy of this node alone, as a tree of its own.
    pub fn to_tree(self) -> Tree {
        let mut tree = Tree::object();
        let root = tree.copy(self);
        tree.root = root.0;
        tree
    }
}

impl std::fmt::Debug for Ref<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ref({})", self.path())
    }
}
