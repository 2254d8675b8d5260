//! What a supplier says it can do.

use super::search::types;
use super::{Habits, Version};
use crate::node::{Node, list, object};

/// The CapabilityStatement; Conformance in the oldest version.
pub(super) fn metadata(habits: &Habits) -> Node {
    let kind = match habits.version {
        Version::Dstu2 => "Conformance",
        Version::Stu3 | Version::R4 => "CapabilityStatement",
    };
    let mut node = object! {
        "resourceType": kind,
        "status": "active",
        "date": "2026-06-01",
        "publisher": habits.name,
        "kind": "instance",
        "software": object! { "name": format!("Pretend supplier: {}", habits.name) },
        "fhirVersion": habits.version.number(),
    };
    if habits.version < Version::R4 {
        node.append(object! { "acceptUnknown": "both" });
    }
    let formats = match habits.json_only {
        true => vec!["json"],
        false => vec!["json", "xml"],
    };
    let everything = habits.everything.is_ok().then(|| match habits.version {
        Version::R4 => object! {
            "name": "everything",
            "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        },
        Version::Stu3 | Version::Dstu2 => object! {
            "name": "everything",
            "definition": object! {
                "reference": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
            },
        },
    });
    node.append(object! {
        "format": formats.into_iter().map(Node::from).collect::<Vec<_>>(),
        "rest": list![object! {
            "mode": "server",
            "resource": types(habits).into_iter().map(resource).collect::<Vec<_>>(),
            "operation": list![everything],
        }],
    });
    node
}

fn resource(kind: &str) -> Node {
    let param = |name: &str, of: &str| object! { "name": name, "type": of };
    let params = match kind {
        "Patient" => list![param("identifier", "token"), param("_id", "token"), param("family", "string"), param("birthdate", "date"),],
        "Binary" | "Location" | "Medication" | "Organization" | "Practitioner" | "PractitionerRole" => list![param("_id", "token")],
        _ => list![param("patient", "reference"), param("_id", "token")],
    };
    object! {
        "type": kind,
        "interaction": list![object! { "code": "read" }, object! { "code": "search-type" }],
        "searchParam": params,
    }
}
