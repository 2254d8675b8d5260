//! One walk over a resource by the definition's tables: elements that are none, values of another shape, what is missing,
//! and on the way every date and reference.

use fhir::date::{Partial, Precision};
use fhir::tables::{self, Element, Primitive, Type};
use fhir::{NodeKind, Ref, Tree, Version};

/// What one resource shows.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What is against the definition: path without repeats, and what is wrong there.
    pub faults: Vec<(String, &'static str)>,
    /// Every date: its path, and what it looks like.
    pub dates: Vec<(String, Dated)>,
    /// Every `Reference.reference`: its path, its text, and the types it may lead to.
    pub references: Vec<(String, String, &'static [&'static str])>,
    /// References that only name an identifier.
    pub logical: usize,
}

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dated {
    /// A year, a month or a day.
    Day,
    /// No date at all, or a time of day without an offset.
    Malformed,
    /// A time of day with an offset.
    Offset,
    /// A time of day in UTC.
    Utc,
}

/// Elements of `Reference` and others that are looked into by hand.
const DEEP_MAX: usize = 40;

/// Walks a resource.
pub(crate) fn look(version: Version, tree: &Tree) -> Seen {
    let mut walk = Walk { tables: tables::of(version), seen: Seen::default() };
    walk.resource(tree.root(), 0);
    walk.seen
}

struct Walk {
    tables: &'static tables::Tables,
    seen: Seen,
}

impl Walk {
    fn resource(&mut self, root: Ref<'_>, depth: usize) {
        let Some(named) = root.text("resourceType") else { return self.fault("resource", "has no resourceType") };
        match self.tables.type_of(&named).filter(|kind| kind.resource) {
            Some(kind) => self.object(root, kind, &named, depth),
            None if is_name(&named) => self.fault(&named, "is no resource type of this version"),
            None => self.fault("{no name of a type}", "is no resource type of this version"),
        }
    }

    fn fault(&mut self, path: &str, what: &'static str) {
        self.seen.faults.push((path.to_owned(), what));
    }

    fn object(&mut self, node: Ref<'_>, kind: &'static Type, path: &str, depth: usize) {
        if depth > DEEP_MAX {
            return self.fault(path, "is nested too deep");
        }
        if !node.is_object() {
            return self.fault(path, "should be an object");
        }
        if kind.name == "Reference" {
            self.reference(node);
        }
        for (key, value) in node.entries() {
            let name = key.strip_prefix('_').unwrap_or(key);
            let place = format!("{path}.{key}");
            match kind.elements.iter().find(|element| element.name == name) {
                Some(element) if key.starts_with('_') && element.primitive().is_some() => {}
                Some(element) => self.element(value, element, &place, depth),
                None if matches!(key, "resourceType" | "fhir_comments") => {}
                // A key may be any text, and a report repeats none of a body.
                None if is_name(name) => self.fault(&place, "is not in the definition"),
                None => self.fault(&format!("{path}.{{no name of an element}}"), "is not in the definition"),
            }
        }
        for element in kind.elements.iter().filter(|element| element.min > 0) {
            let there = |name: &str| node.get(name).is_some() || node.get(&format!("_{name}")).is_some();
            let among = |other: &&Element| !element.choice.is_empty() && other.choice == element.choice;
            if !there(element.name) && !kind.elements.iter().filter(among).any(|other| there(other.name)) {
                let name = if element.choice.is_empty() { element.name.to_owned() } else { format!("{}[x]", element.choice) };
                let place = format!("{path}.{name}");
                if !self.seen.faults.iter().any(|(own, _)| *own == place) {
                    self.fault(&place, "is required and missing");
                }
            }
        }
        if node.is_empty() {
            self.fault(path, "is empty");
        }
    }

    fn element(&mut self, value: Ref<'_>, element: &'static Element, path: &str, depth: usize) {
        if value.is_array() != element.list {
            return self.fault(path, if element.list { "should be a list" } else { "should not be a list" });
        }
        if value.is_array() && value.is_empty() {
            self.fault(path, "is an empty list");
        }
        for one in value.each() {
            match element.primitive() {
                Some(primitive) => self.primitive(one, primitive, element, path),
                None if element.type_name == "Reference" => {
                    if let Some(reference) = one.text("reference") {
                        self.seen.references.push((path.to_owned(), reference.into_owned(), element.targets));
                    }
                    self.typed(one, element, path, depth);
                }
                None if matches!(element.type_name, "Resource" | "ResourceList") => self.resource(one, depth + 1),
                None => self.typed(one, element, path, depth),
            }
        }
    }

    fn typed(&mut self, one: Ref<'_>, element: &'static Element, path: &str, depth: usize) {
        if let Some(kind) = self.tables.type_of(element.type_name) {
            self.object(one, kind, path, depth + 1);
        }
    }

    fn reference(&mut self, node: Ref<'_>) {
        if node.get("reference").is_none() && node.get("identifier").is_some() {
            self.seen.logical += 1;
        }
    }

    fn primitive(&mut self, one: Ref<'_>, primitive: Primitive, element: &'static Element, path: &str) {
        let fits = match (primitive, one.kind()) {
            (_, NodeKind::Null) => element.list,
            (Primitive::Boolean, kind) => kind == NodeKind::Bool,
            (Primitive::Number, kind) => kind == NodeKind::Number,
            (Primitive::String, _) => one.is_string(),
        };
        if !fits {
            return self.fault(path, "is a value of another kind");
        }
        let Some(text) = one.value() else { return };
        match element.type_name {
            "date" | "dateTime" | "instant" => {
                let dated = dated(&text);
                self.seen.dates.push((path.to_owned(), dated));
                if dated == Dated::Malformed {
                    self.fault(path, "is no date of FHIR's");
                }
            }
            // The definitions call a resource's own id a string.
            _ if element.name == "id" && path.matches('.').count() == 1 && !is_id(&text) => self.fault(path, "is no legal id"),
            "string" | "code" | "uri" if text.trim().is_empty() => self.fault(path, "is an empty text"),
            "code" if text.trim() != text => self.fault(path, "has white space around a code"),
            _ => {}
        }
    }
}

fn dated(text: &str) -> Dated {
    match Partial::parse(text) {
        None => Dated::Malformed,
        Some(partial) if partial.precision() != Precision::Instant => Dated::Day,
        Some(_) if text.ends_with('Z') || text.ends_with("+00:00") => Dated::Utc,
        Some(_) if text.contains('+') || text.rfind('-').is_some_and(|at| at > 10) => Dated::Offset,
        Some(_) => Dated::Malformed,
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_against_the_definition_is_told_with_its_place() {
        let check = |json: &str, expected: &[(&str, &str)]| {
            let seen = look(Version::R4, &Tree::from_json(json.to_owned().into()).unwrap());
            let found: Vec<(&str, &str)> = seen.faults.iter().map(|(path, what)| (path.as_str(), *what)).collect();
            assert_eq!(found, expected, "{json}");
        };
        let allergy = |rest: &str| format!(r#"{{"resourceType":"AllergyIntolerance","patient":{{"reference":"Patient/1"}}{rest}}}"#);
        check(&allergy(""), &[]);
        check(&allergy(r#","colour":"red""#), &[("AllergyIntolerance.colour", "is not in the definition")]);
        check(r#"{"resourceType":"AllergyIntolerance"}"#, &[("AllergyIntolerance.patient", "is required and missing")]);
        check(&allergy(r#","category":"food""#), &[("AllergyIntolerance.category", "should be a list")]);
        check(&allergy(r#","code":[]"#), &[("AllergyIntolerance.code", "should not be a list")]);
        check(&allergy(r#","recordedDate":"01/02/2020""#), &[("AllergyIntolerance.recordedDate", "is no date of FHIR's")]);
        check(&allergy(r#","recordedDate":7"#), &[("AllergyIntolerance.recordedDate", "is a value of another kind")]);
        check(&allergy(r#","_recordedDate":{"extension":[]},"id":"a b""#), &[("AllergyIntolerance.id", "is no legal id")]);
        check(r#"{"resourceType":"MedicationOrder"}"#, &[("MedicationOrder", "is no resource type of this version")]);
        check(r#"{"id":"1"}"#, &[("resource", "has no resourceType")]);
    }

    #[test]
    fn dates_are_told_by_their_zone() {
        for (text, expected) in [
            ("2020", Dated::Day),
            ("2020-02-30", Dated::Malformed),
            ("2020-02-03T10:00:00Z", Dated::Utc),
            ("2020-02-03T10:00:00+01:00", Dated::Offset),
            ("2020-02-03T10:00:00-05:00", Dated::Offset),
            ("2020-02-03T10:00:00", Dated::Malformed),
        ] {
            assert_eq!(dated(text), expected, "{text}");
        }
    }
}
