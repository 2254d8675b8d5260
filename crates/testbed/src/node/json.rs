//! The tree as JSON.

use super::Node;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

impl Node {
    /// This tree as JSON text.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        write(self, &mut out);
        out
    }

    /// A tree from JSON text, numbers as they were written.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let text = text.trim();
        match text.bytes().next() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text)?;
                let members =
                    members.into_iter().map(|(key, value)| Ok::<_, serde_json::Error>((Cow::Owned(key), Self::parse(value.get())?)));
                Ok(Node::Object(members.collect::<Result<_, _>>()?))
            }
            Some(b'[') => {
                let items: Vec<Box<RawValue>> = serde_json::from_str(text)?;
                let items = items.iter().map(|item| Self::parse(item.get()));
                Ok(Node::List(items.collect::<Result<_, _>>()?))
            }
            Some(b'"') => Ok(Node::Text(serde_json::from_str(text)?)),
            Some(b't' | b'f') => Ok(Node::Bool(serde_json::from_str(text)?)),
            Some(b'n') => serde_json::from_str::<()>(text).map(|()| Node::Nothing),
            _ => {
                serde_json::from_str::<serde_json::Number>(text)?;
                Ok(Node::Number(text.to_owned()))
            }
        }
    }
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Node::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Node::Nothing => out.push_str("null"),
        Node::Number(digits) => out.push_str(digits),
        Node::Object(members) => {
            out.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Node::Text(text) => quote(text, out),
    }
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string is always JSON"));
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
