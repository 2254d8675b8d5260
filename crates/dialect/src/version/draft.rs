//! One resource on its way to another version: the tree, what each node was in the version it came in, and what is found.

use fhir::tables::{self, Element, Tables};
use fhir::{NodeId, NodeKind, Ref, Tree, Version};
use record::{Finding, FindingCode};

/// What a node was when it came.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// The type of the object that held it: `MedicationOrder.dispenseRequest`. Empty for what is no element of its version.
    pub owner: &'static str,
    /// The element it was, if its version defines one there.
    pub element: Option<&'static Element>,
    /// Its own type; a resource's name where it is one.
    pub type_name: &'static str,
}

/// A resource while it is edited. Nodes keep their ids when they move, so what a node was stays known by its id, and
/// its old path is read off the tree as it came.
pub(super) struct Draft<'a> {
    pub tree: &'a mut Tree,
    pub version: Version,
    /// The version it becomes.
    pub to: Version,
    before: Tree,
    named: String,
    known: Vec<Known>,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Draft<'a> {
    pub fn new(version: Version, to: Version, tree: &'a mut Tree, findings: &'a mut Vec<Finding>) -> Draft<'a> {
        let before = tree.clone();
        let named = tree.resource_type().unwrap_or_default().into_owned();
        let known = vec![Known::default(); tree.node_count()];
        let mut draft = Draft { tree, version, to, before, named, known, findings };
        let before = std::mem::replace(&mut draft.before, Tree::object());
        draft.learn_resource(before.root(), Known::default());
        draft.before = before;
        draft
    }

    /// The tables of the version it came in.
    pub fn tables(&self) -> &'static Tables {
        tables::of(self.version)
    }

    /// The tables of the version it becomes.
    pub fn target(&self) -> &'static Tables {
        tables::of(self.to)
    }

    fn learn_resource(&mut self, object: Ref<'_>, known: Known) {
        let name = object.text("resourceType").unwrap_or_default();
        let type_name = self.tables().type_of(&name).map_or("", |one| one.name);
        self.known[object.id().index()] = Known { type_name, ..known };
        self.learn_elements(object, type_name);
    }

    fn learn_elements(&mut self, object: Ref<'_>, type_name: &'static str) {
        for (key, child) in object.entries() {
            let element = self.tables().element(type_name, key.strip_prefix('_').unwrap_or(key));
            let own = match element {
                Some(_) if key.starts_with('_') => "Element",
                Some(element) => element.type_name,
                None => "",
            };
            let known = Known { owner: type_name, element, type_name: own };
            self.known[child.id().index()] = known;
            for item in child.each() {
                self.known[item.id().index()] = known;
                if !item.is_object() {
                    continue;
                }
                if own == "Resource" { self.learn_resource(item, known) } else { self.learn_elements(item, own) }
            }
        }
    }

    /// What a node was; nothing for one made since.
    pub fn known(&self, node: NodeId) -> Known {
        self.known.get(node.index()).copied().unwrap_or_default()
    }

    /// Remembers a type for a node made here, so that it is carried as that where R4 has no place for it.
    pub fn make_known(&mut self, node: NodeId, known: Known) {
        if self.known.len() <= node.index() {
            self.known.resize(node.index() + 1, Known::default());
        }
        self.known[node.index()] = known;
    }

    /// Whether a node came with the resource.
    pub fn is_original(&self, node: NodeId) -> bool {
        node.index() < self.before.node_count()
    }

    /// Whether a node came with something in it.
    pub fn was_empty(&self, node: NodeId) -> bool {
        self.is_original(node) && self.before.node(node).is_empty()
    }

    /// Where a node stood, in the names of its version; for one made here, where the nearest that came stood.
    pub fn path(&self, node: NodeId) -> String {
        let mut at = self.tree.node(node);
        while !self.is_original(at.id()) {
            match at.parent() {
                Some(parent) => at = parent,
                None => return self.named.clone(),
            }
        }
        let path = self.before.node(at.id()).path();
        if path.is_empty() { self.named.clone() } else { format!("{}.{path}", self.named) }
    }

    /// Says what happened to a node and all below it: of one made here, to each that came in it.
    pub fn note(&mut self, code: FindingCode, node: NodeId, detail: impl Into<String>) {
        let detail = detail.into();
        let mut came = Vec::new();
        self.came_within(node, &mut came);
        if came.is_empty() {
            came.push(node);
        }
        for node in came {
            let path = self.path(node);
            self.findings.push(Finding { code, path, detail: detail.clone() });
        }
    }

    fn came_within(&self, node: NodeId, came: &mut Vec<NodeId>) {
        if self.is_original(node) {
            came.push(node);
        } else {
            self.children(node).into_iter().for_each(|child| self.came_within(child, came));
        }
    }

    /// A value was brought to the code or shape its new version has for it.
    pub fn converted(&mut self, node: NodeId, detail: impl Into<String>) {
        self.note(FindingCode::Converted, node, detail);
    }

    // Reading.

    pub fn at(&self, object: NodeId, key: &str) -> Option<NodeId> {
        self.tree.node(object).get(key).map(Ref::id)
    }

    pub fn has(&self, object: NodeId, key: &str) -> bool {
        self.at(object, key).is_some()
    }

    /// The plain text at a dotted path below a node.
    pub fn text(&self, object: NodeId, path: &str) -> Option<String> {
        self.tree.node(object).text(path).map(|text| text.into_owned())
    }

    pub fn value(&self, node: NodeId) -> Option<String> {
        self.tree.node(node).value().map(|text| text.into_owned())
    }

    pub fn is(&self, object: NodeId, path: &str, expected: &str) -> bool {
        self.tree.node(object).is(path, expected)
    }

    pub fn is_object(&self, node: NodeId) -> bool {
        self.tree.node(node).is_object()
    }

    pub fn is_array(&self, node: NodeId) -> bool {
        self.tree.node(node).is_array()
    }

    /// Whether it is an object or a list with nothing in it.
    pub fn is_hollow(&self, node: NodeId) -> bool {
        let node = self.tree.node(node);
        !node.is_primitive() && node.is_empty()
    }

    pub fn is_null(&self, node: NodeId) -> bool {
        self.tree.node(node).kind() == NodeKind::Null
    }

    /// A node's items if it is an array, else itself; none if it is not there.
    pub fn items(&self, object: NodeId, key: &str) -> Vec<NodeId> {
        let each = self.tree.node(object).get(key).map(Ref::each).unwrap_or_default();
        each.into_iter().map(Ref::id).collect()
    }

    /// Its children, keys aside.
    pub fn children(&self, node: NodeId) -> Vec<NodeId> {
        self.tree.node(node).items().map(Ref::id).collect()
    }

    /// Its keys.
    pub fn keys(&self, object: NodeId) -> Vec<String> {
        self.tree.node(object).entries().map(|(key, _)| key.to_owned()).collect()
    }

    // Editing.

    pub fn take(&mut self, object: NodeId, key: &str) -> Option<NodeId> {
        self.tree.remove(object, key)
    }

    /// Takes a key if an object stands there.
    pub fn take_object(&mut self, object: NodeId, key: &str) -> Option<NodeId> {
        self.at(object, key).filter(|node| self.is_object(*node))?;
        self.take(object, key)
    }

    /// Renames a key, and the one that holds its extensions. False if the new name is taken already: then nothing moves,
    /// and the older one is carried beside it.
    pub fn rename(&mut self, object: NodeId, old: &str, new: &str) -> bool {
        let (under_old, under_new) = (format!("_{old}"), format!("_{new}"));
        if self.has(object, new) || self.has(object, &under_new) {
            return false;
        }
        let renamed = self.tree.rename(object, old, new);
        self.tree.rename(object, &under_old, &under_new) || renamed
    }

    /// Makes a list of what stands under a key, so that more can be appended. Its extensions become a list with it.
    pub fn list(&mut self, object: NodeId, key: &str) -> Option<NodeId> {
        self.tree.listed(object, &format!("_{key}"));
        match self.tree.listed(object, key) {
            Some(array) => Some(array),
            None => self.tree.array_at(object, key),
        }
    }

    /// Appends to the list under a key.
    pub fn append(&mut self, object: NodeId, key: &str, node: NodeId) {
        if let Some(array) = self.list(object, key) {
            self.tree.push(array, node);
        }
    }

    /// Puts new items in place of the items of a key: one that was single stays single.
    pub fn replace_items(&mut self, object: NodeId, key: &str, mut change: impl FnMut(&mut Self, NodeId) -> NodeId) {
        let Some(node) = self.at(object, key) else { return };
        if !self.is_array(node) {
            let changed = change(self, node);
            if changed != node {
                self.tree.set(object, key, changed);
            }
            return;
        }
        let array = self.tree.new_array();
        for item in self.children(node) {
            let changed = change(self, item);
            self.tree.push(array, changed);
        }
        self.tree.set(object, key, array);
    }

    /// Puts a node in the place of an array's item.
    pub fn replace(&mut self, array: NodeId, old: NodeId, new: NodeId) {
        for item in self.children(array) {
            self.tree.push(array, if item == old { new } else { item });
        }
        self.tree.detach(old);
    }

    /// `{key: node}`
    pub fn wrapped(&mut self, key: &str, node: NodeId) -> NodeId {
        let object = self.tree.new_object();
        self.tree.set(object, key, node);
        object
    }

    /// `{system, code}`
    pub fn coding(&mut self, system: &str, code: &str) -> NodeId {
        let coding = self.tree.new_object();
        self.tree.set_string(coding, "system", system);
        self.tree.set_string(coding, "code", code);
        coding
    }

    /// `{coding: [{system, code}]}`
    pub fn concept(&mut self, system: &str, code: &str) -> NodeId {
        let coding = self.coding(system, code);
        let array = self.tree.new_array();
        self.tree.push(array, coding);
        self.wrapped("coding", array)
    }

    /// Appends an extension to an object.
    pub fn extend(&mut self, object: NodeId, extension: NodeId) {
        self.append(object, "extension", extension);
    }

    /// `{url, <key>: code}`
    pub fn extension(&mut self, url: &str, key: &str, node: NodeId) -> NodeId {
        let extension = self.tree.new_object();
        self.tree.set_string(extension, "url", url);
        self.tree.set(extension, key, node);
        extension
    }

    /// The extension that says why there is no value.
    pub fn absent(&mut self) -> NodeId {
        let code = self.tree.new_string("unknown");
        self.extension("http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode", code)
    }
}
