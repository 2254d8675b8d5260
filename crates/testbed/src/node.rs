//! A small tree for FHIR, which keeps the order of its members and every digit of a number.

use std::borrow::Cow;

mod json;
mod xml;

/// One value of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Node {
    /// `true` or `false`.
    Bool(bool),
    /// Several values in order.
    List(Vec<Node>),
    /// A number as it was written: `1.50` stays `1.50`.
    Number(String),
    /// Named members in order.
    Object(Vec<(Cow<'static, str>, Node)>),
    /// A string.
    Text(String),
    /// Nothing: never written, and dropped when put into an object or a list.
    #[default]
    Nothing,
}

/// Writes an object whose empty members are left out.
macro_rules! object {
    ($($key:literal : $value:expr),* $(,)?) => {
        $crate::node::Node::object([$((
            ::std::borrow::Cow::Borrowed($key),
            $crate::node::Node::from($value),
        )),*])
    };
}
pub(crate) use object;

/// Writes a list whose empty members are left out.
macro_rules! list {
    ($($value:expr),* $(,)?) => {
        $crate::node::Node::from(vec![$($crate::node::Node::from($value)),*])
    };
}
pub(crate) use list;

impl Node {
    /// An object without its empty members; nothing at all when none is left.
    pub fn object(members: impl IntoIterator<Item = (Cow<'static, str>, Node)>) -> Self {
        let members: Vec<_> = members.into_iter().filter(|(_, value)| *value != Node::Nothing).collect();
        if members.is_empty() { Node::Nothing } else { Node::Object(members) }
    }

    /// A number with the digits it was written with.
    pub fn number(digits: impl Into<String>) -> Self {
        Node::Number(digits.into())
    }

    /// The member of this name, if this is an object that has it.
    pub fn at(&self, name: &str) -> Option<&Node> {
        self.members().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of the member of this name.
    pub fn text_at(&self, name: &str) -> Option<&str> {
        self.at(name).and_then(Node::as_text)
    }

    /// The members, when this is an object.
    pub fn members(&self) -> &[(Cow<'static, str>, Node)] {
        match self {
            Node::Object(members) => members,
            _ => &[],
        }
    }

    /// The items, when this is a list.
    pub fn items(&self) -> &[Node] {
        match self {
            Node::List(items) => items,
            _ => &[],
        }
    }

    /// The string, when this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Puts a member in place of the one of this name, or at the end.
    pub fn set(&mut self, name: &'static str, value: impl Into<Node>) {
        let Node::Object(members) = self else { return };
        let value = value.into();
        match members.iter().position(|(key, _)| key == name) {
            Some(at) => members[at].1 = value,
            None => members.push((Cow::Borrowed(name), value)),
        }
        members.retain(|(_, value)| *value != Node::Nothing);
    }

    /// Takes a member away.
    pub fn take(&mut self, name: &str) -> Option<Node> {
        let Node::Object(members) = self else {
            return None;
        };
        let at = members.iter().position(|(key, _)| key == name)?;
        Some(members.remove(at).1)
    }

    /// Adds the members of another object behind those of this one.
    pub fn append(&mut self, other: Node) {
        if let (Node::Object(members), Node::Object(more)) = (self, other) {
            members.extend(more);
        }
    }

    /// Calls `look` on every object in the tree, outermost first.
    pub fn each_object(&self, look: &mut impl FnMut(&Node)) {
        match self {
            Node::List(items) => items.iter().for_each(|item| item.each_object(look)),
            Node::Object(members) => {
                look(self);
                members.iter().for_each(|(_, value)| value.each_object(look));
            }
            _ => {}
        }
    }

    /// Calls `change` on every object in the tree, outermost first.
    pub fn change_objects(&mut self, change: &mut impl FnMut(&mut Node)) {
        if matches!(self, Node::Object(_)) {
            change(self);
        }
        match self {
            Node::List(items) => items.iter_mut().for_each(|item| item.change_objects(change)),
            Node::Object(members) => members.iter_mut().for_each(|(_, value)| value.change_objects(change)),
            _ => {}
        }
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Node::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Node::Text(text)
    }
}

impl From<&String> for Node {
    fn from(text: &String) -> Self {
        Node::Text(text.clone())
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Node::Bool(value)
    }
}

impl From<usize> for Node {
    fn from(value: usize) -> Self {
        Node::Number(value.to_string())
    }
}

impl From<u32> for Node {
    fn from(value: u32) -> Self {
        Node::Number(value.to_string())
    }
}

impl From<Vec<Node>> for Node {
    fn from(mut items: Vec<Node>) -> Self {
        items.retain(|item| *item != Node::Nothing);
        if items.is_empty() { Node::Nothing } else { Node::List(items) }
    }
}

impl<T: Into<Node>> From<Option<T>> for Node {
    fn from(value: Option<T>) -> Self {
        value.map_or(Node::Nothing, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_member_is_left_out() {
        let node = object! { "a": "x", "b": Option::<&str>::None, "c": list![], "d": object! {} };
        assert_eq!(node.to_json(), r#"{"a":"x"}"#);
    }

    #[test]
    fn a_number_keeps_its_digits_both_ways() {
        let text = r#"{"value":1.50,"code":"mmol/L"}"#;
        let node = Node::parse(text).expect("legal JSON");
        assert_eq!(node.to_json(), text);
    }

    #[test]
    fn a_resource_is_written_as_fhir_xml() {
        let node = object! {
            "resourceType": "Patient",
            "id": "1",
            "text": object! {
                "status": "generated",
                "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">A &amp; B</div>",
            },
            "contained": list![object! { "resourceType": "Organization", "id": "o" }],
            "extension": list![object! { "url": "urn:x", "valueBoolean": true }],
            "name": list![object! { "family": "O'Neil & <Sons>" }],
            "birthDate": "1980-01-01",
            "_birthDate": object! { "extension": list![object! { "url": "urn:t", "valueString": "noon" }] },
            "multipleBirthInteger": Node::number("2"),
        };
        let xml = node.to_xml();
        for part in [
            r#"<Patient xmlns="http://hl7.org/fhir"><id value="1"/>"#,
            r#"<div xmlns="http://www.w3.org/1999/xhtml">A &amp; B</div>"#,
            r#"<contained><Organization><id value="o"/></Organization></contained>"#,
            r#"<extension url="urn:x"><valueBoolean value="true"/></extension>"#,
            r#"<family value="O&apos;Neil &amp; &lt;Sons&gt;"/>"#,
            r#"<birthDate value="1980-01-01"><extension url="urn:t"><valueString value="noon"/></extension></birthDate>"#,
            r#"<multipleBirthInteger value="2"/>"#,
        ] {
            assert!(xml.contains(part), "{part} is not in {xml}");
        }
    }
}
