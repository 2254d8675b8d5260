//! FHIR XML to and from the tree that the same resource's JSON gives, by the element tables.

mod markup;
mod members;
mod read;
mod source;
mod write;

use crate::tables::{Primitive, Tables};

const FHIR: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// What an element may hold.
#[derive(Clone, Copy)]
struct Shape {
    /// Its type, if the tables know it; `Element` for primitives, whose content is that of any element.
    type_name: Option<&'static str>,
    primitive: Option<Primitive>,
    list: bool,
    xhtml: bool,
}

impl Shape {
    /// Of an element called `name` in a parent of a type; of one nobody defined, nothing is known.
    fn of(tables: &Tables, parent: Option<&str>, name: &str) -> Shape {
        let Some(element) = parent.and_then(|parent| tables.element(parent, name)) else {
            let extension = matches!(name, "extension" | "modifierExtension");
            return Shape { type_name: extension.then_some("Extension"), primitive: None, list: extension, xhtml: false };
        };
        let primitive = element.primitive();
        let type_name = match element.type_name {
            _ if primitive.is_some() => Some("Element"),
            "Resource" => Some("Resource"),
            name => tables.type_of(name).map(|found| found.name),
        };
        Shape { type_name, primitive, list: element.list, xhtml: element.type_name == "xhtml" }
    }
}

/// XML's NCName: a name without a colon.
fn is_name(text: &str) -> bool {
    text.starts_with(starts_name) && text.chars().all(continues_name)
}

fn starts_name(c: char) -> bool {
    matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    starts_name(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Whether XML can carry a character.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..)
}
