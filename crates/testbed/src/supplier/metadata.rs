//! What a supplier says it can do.

use super::search::types;
use super::{Habits, Maker, Version, millennium};
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
        "publisher": if habits.maker == Maker::Millennium { "Cerner" } else { habits.name },
        "description": (habits.maker == Maker::Millennium).then_some("Cerner implementation of FHIR on top of Millennium"),
        "kind": "instance",
        "software": software(habits),
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
            "resource": types(habits).into_iter().map(|kind| resource(habits, kind)).collect::<Vec<_>>(),
            "operation": list![everything],
        }],
    });
    node
}

/// What a maker calls its software; some say nothing of it.
fn software(habits: &Habits) -> Node {
    let name = match habits.maker {
        Maker::HealthShare => "InterSystems HealthShare (pretend)".to_owned(),
        Maker::Millennium => return Node::Nothing,
        _ => format!("Pretend supplier: {}", habits.name),
    };
    object! { "name": name }
}

fn resource(habits: &Habits, kind: &str) -> Node {
    let param = |name: &str, of: &str| object! { "name": name, "type": of };
    let own = millennium::searches().find(|(own, _)| *own == kind).filter(|_| habits.maker == Maker::Millennium);
    let params = match kind {
        _ if own.is_some() => {
            let takes = own.into_iter().flat_map(|(_, takes)| takes.iter().copied());
            let named = takes.filter(|name| !matches!(*name, "_include" | "_revinclude"));
            ["_id", "patient"].into_iter().chain(named).map(|name| param(name, "string")).collect::<Vec<_>>().into()
        }
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
