//! The members of an object under way, gathered by name: XML repeats elements, JSON has lists.

use crate::tree::{NodeId, Tree};

/// More than any type has elements, few enough to look through.
const NAMES_MAX: usize = 1024;

#[derive(Default)]
pub(super) struct Members<'a>(Vec<Member<'a>>);

struct Member<'a> {
    name: &'a str,
    list: bool,
    values: Vec<Option<NodeId>>,
    /// What belongs beside the values under `_name`; no longer than they are.
    beside: Vec<Option<NodeId>>,
}

impl<'a> Members<'a> {
    /// Takes one element; false if there are too many of different names.
    #[must_use]
    pub fn add(&mut self, name: &'a str, value: Option<NodeId>, beside: Option<NodeId>, list: bool) -> bool {
        // The same name mostly follows itself.
        let index = match self.0.iter().rposition(|member| member.name == name) {
            Some(index) => index,
            None if self.0.len() == NAMES_MAX => return false,
            None => {
                self.0.push(Member { name, list, values: Vec::new(), beside: Vec::new() });
                self.0.len() - 1
            }
        };
        let member = &mut self.0[index];
        if beside.is_some() {
            member.beside.resize(member.values.len(), None);
            member.beside.push(beside);
        }
        member.values.push(value);
        true
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn holds(&self, name: &str) -> bool {
        self.0.iter().any(|member| member.name == name)
    }

    /// Whether this is nothing but what a primitive may have beside its value.
    pub fn only_beside(&self) -> bool {
        self.0.iter().all(|member| matches!(member.name, "id" | "extension"))
    }

    /// Hangs all of it into an object.
    pub fn attach(self, tree: &mut Tree, object: NodeId) {
        for member in self.0 {
            let single = !member.list && member.values.len() == 1;
            let mut beside = member.beside;
            if !beside.is_empty() {
                beside.resize(member.values.len(), None);
            }
            for (key, nodes) in [(member.name, member.values), (&format!("_{}", member.name), beside)] {
                if let Some(node) = together(tree, nodes, single) {
                    tree.append(object, key, node);
                }
            }
        }
    }
}

fn together(tree: &mut Tree, nodes: Vec<Option<NodeId>>, single: bool) -> Option<NodeId> {
    if single || nodes.iter().all(Option::is_none) {
        return nodes.into_iter().next().flatten();
    }
    let array = tree.new_array();
    for node in nodes {
        let node = node.unwrap_or_else(|| tree.new_null());
        tree.push(array, node);
    }
    Some(array)
}
