//! The tree as FHIR XML. The tree's own order is the element order.

use super::Node;

impl Node {
    /// This resource as an XML document.
    pub fn to_xml(&self) -> String {
        let mut out = String::from(r#"<?xml version="1.0" encoding="UTF-8"?>"#);
        resource(self, r#" xmlns="http://hl7.org/fhir""#, &mut out);
        out
    }
}

fn resource(node: &Node, attributes: &str, out: &mut String) {
    let name = node.text_at("resourceType").unwrap_or("Resource");
    out.push_str(&format!("<{name}{attributes}>"));
    for (key, value) in node.members() {
        if key != "resourceType" {
            member(node, key, value, out);
        }
    }
    out.push_str(&format!("</{name}>"));
}

/// One member of a parent: repeated when it is a list, passed over when it only carries the
/// extensions of its sibling.
fn member(parent: &Node, key: &str, value: &Node, out: &mut String) {
    if let Some(of) = key.strip_prefix('_') {
        if parent.at(of).is_none() {
            element(of, &Node::Nothing, Some(value), out);
        }
        return;
    }
    let beside = parent.at(&format!("_{key}"));
    match value {
        Node::List(items) => items.iter().for_each(|item| element(key, item, None, out)),
        value => element(key, value, beside, out),
    }
}

fn element(key: &str, value: &Node, beside: Option<&Node>, out: &mut String) {
    if key == "div" {
        out.push_str(value.as_text().unwrap_or_default());
        return;
    }
    out.push('<');
    out.push_str(key);
    match value {
        Node::Object(_) if value.at("resourceType").is_some() => {
            out.push('>');
            resource(value, "", out);
        }
        Node::Object(members) => {
            let attribute_names: &[&str] = match key {
                "extension" | "modifierExtension" => &["id", "url"],
                _ => &["id"],
            };
            for (name, value) in members {
                if attribute_names.contains(&name.as_ref()) {
                    attribute(name, value.as_text().unwrap_or_default(), out);
                }
            }
            out.push('>');
            for (name, child) in members {
                if !attribute_names.contains(&name.as_ref()) {
                    member(value, name, child, out);
                }
            }
        }
        primitive => {
            if let Some(text) = primitive_text(primitive) {
                attribute("value", &text, out);
            }
            let Some(beside) = beside else {
                out.push_str("/>");
                return;
            };
            out.push('>');
            for (name, child) in beside.members() {
                member(beside, name, child, out);
            }
        }
    }
    out.push_str(&format!("</{key}>"));
}

fn primitive_text(node: &Node) -> Option<String> {
    match node {
        Node::Bool(value) => Some(value.to_string()),
        Node::Number(digits) => Some(digits.clone()),
        Node::Text(text) => Some(text.clone()),
        Node::List(_) | Node::Nothing | Node::Object(_) => None,
    }
}

fn attribute(name: &str, text: &str, out: &mut String) {
    out.push_str(&format!(" {name}=\""));
    for c in text.chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&apos;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c => out.push(c),
        }
    }
    out.push('"');
}
