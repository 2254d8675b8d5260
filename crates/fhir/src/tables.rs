//! What the definitions say: elements of every type in every version, and R4's search parameters.
//!
//! ```
//! use fhir::{Version, tables};
//! let r4 = tables::of(Version::R4);
//! assert!(r4.element("Patient", "name").unwrap().list);
//! assert_eq!(r4.element("Observation", "valueQuantity").unwrap().choice, "value");
//! assert_eq!(r4.element("Patient.contact", "name").unwrap().type_name, "HumanName");
//! ```

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::generated::{dstu2, r4, search, stu3};
use crate::{Kind, Version};

/// A type of one version: a resource, a datatype, or a backbone element named by its path (`Patient.contact`).
#[derive(Debug)]
pub struct Type {
    /// Its name.
    pub name: &'static str,
    /// Whether it is a resource.
    pub resource: bool,
    /// Its elements, in the order of the definition; choices expanded.
    pub elements: &'static [Element],
}

/// An element of a type.
#[derive(Debug)]
pub struct Element {
    /// Its name as it stands in JSON (`valueQuantity`).
    pub name: &'static str,
    /// Its type: a datatype, a primitive, or a backbone element's path.
    pub type_name: &'static str,
    /// Whether it may repeat.
    pub list: bool,
    /// How many there must be.
    pub min: u8,
    /// The stem of the choice it is of (`value`), or empty.
    pub choice: &'static str,
    /// Whether it changes the meaning of the rest.
    pub modifier: bool,
    /// What a Reference may lead to.
    pub targets: &'static [&'static str],
}

/// How a primitive stands in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Primitive {
    /// `true`, `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
}

impl Element {
    /// How it stands in JSON, if it is a primitive.
    pub fn primitive(&self) -> Option<Primitive> {
        primitive(self.type_name)
    }
}

/// How a primitive type stands in JSON; `None` for complex types.
pub fn primitive(type_name: &str) -> Option<Primitive> {
    match type_name {
        "boolean" => Some(Primitive::Boolean),
        "decimal" | "integer" | "positiveInt" | "unsignedInt" => Some(Primitive::Number),
        name if name.starts_with(|c: char| c.is_ascii_lowercase()) => Some(Primitive::String),
        _ => None,
    }
}

/// The tables of one version.
pub struct Tables {
    types: FxHashMap<&'static str, &'static Type>,
    elements: FxHashMap<(&'static str, &'static str), &'static Element>,
}

impl Tables {
    fn new(types: &'static [Type]) -> Tables {
        let elements = types.iter().flat_map(|one| one.elements.iter().map(move |element| ((one.name, element.name), element)));
        Tables { types: types.iter().map(|one| (one.name, one)).collect(), elements: elements.collect() }
    }

    /// A type by name.
    pub fn type_of(&self, name: &str) -> Option<&'static Type> {
        self.types.get(name).copied()
    }

    /// An element of a type.
    pub fn element(&self, type_name: &str, element: &str) -> Option<&'static Element> {
        self.elements.get(&(type_name, element)).copied()
    }

    /// Whether a name is a resource type's.
    pub fn is_resource(&self, name: &str) -> bool {
        self.type_of(name).is_some_and(|one| one.resource)
    }
}

/// The tables of a version.
pub fn of(version: Version) -> &'static Tables {
    static DSTU2: LazyLock<Tables> = LazyLock::new(|| Tables::new(dstu2::TYPES));
    static STU3: LazyLock<Tables> = LazyLock::new(|| Tables::new(stu3::TYPES));
    static R4: LazyLock<Tables> = LazyLock::new(|| Tables::new(r4::TYPES));
    match version {
        Version::Dstu2 => &DSTU2,
        Version::Stu3 => &STU3,
        Version::R4 => &R4,
    }
}

/// A search parameter of R4.
#[derive(Debug)]
pub struct SearchParam {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: SearchKind,
    /// Where its values stand, as dotted element paths.
    pub paths: &'static [&'static str],
    /// What a reference may lead to.
    pub targets: &'static [&'static str],
}

/// Types of search parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is FHIR's search parameter type of that name")]
pub enum SearchKind {
    Composite,
    Date,
    Number,
    Quantity,
    Reference,
    Special,
    String,
    Token,
    Uri,
}

impl SearchKind {
    /// The code in a CapabilityStatement.
    pub fn code(self) -> &'static str {
        match self {
            SearchKind::Composite => "composite",
            SearchKind::Date => "date",
            SearchKind::Number => "number",
            SearchKind::Quantity => "quantity",
            SearchKind::Reference => "reference",
            SearchKind::Special => "special",
            SearchKind::String => "string",
            SearchKind::Token => "token",
            SearchKind::Uri => "uri",
        }
    }
}

/// The search parameters of an R4 type, in order of names.
pub fn search_params(kind: Kind) -> &'static [SearchParam] {
    let found = search::PARAMS.binary_search_by_key(&kind.name(), |(name, _)| name);
    found.map(|index| search::PARAMS[index].1).unwrap_or_default()
}
