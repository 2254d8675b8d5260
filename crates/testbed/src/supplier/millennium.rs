//! A hospital's Millennium: what it wants with each search, how it fails, and what it has no resource for.
//!
//! Written from its public documentation, apart from the dialect that is tested against it. Where the documentation says that a
//! thing is not to be done, this one refuses it, though a real one may let it pass. Otherwise than a real one, it lists three
//! types that the documentation does not (Communication, Flag, Specimen): the lives of the region hold some, and none is cut.

use super::Habits;
use super::pages::Place;
use super::search::{Complaint, Found, complaint};
use super::shelf::Kept;
use crate::ident;
use crate::node::{Node, list, object};
use crate::pen::organisation_id;
use std::sync::Arc;

mod rules;

pub use rules::millennium_rule_broken_by;

/// What it calls a type that it has no resource for.
pub(super) fn carries(kind: &'static str) -> &'static str {
    if kind == "MedicationStatement" { "MedicationRequest" } else { kind }
}

/// The types that it searches for by patient, each with the parameters it takes.
pub(super) fn searches() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    rules::TAKES.iter().copied()
}

/// Refuses what breaks a rule.
pub(super) fn check(place: &Place) -> Result<(), Complaint> {
    match millennium_rule_broken_by(&place.spelled()) {
        Some(rule) => Err(complaint(400, "required", rule)),
        None => Ok(()),
    }
}

/// Entries on a page when not asked for a number, and at most.
pub(super) fn page(kind: &str) -> (usize, usize) {
    match kind {
        "DiagnosticReport" | "DocumentReference" => (10, 100),
        "Observation" => (50, 200),
        _ => (20, 1_000),
    }
}

/// With all social history on the first page, and how many entries that page has at least.
pub(super) fn social_history_first(mut found: Found) -> (Found, usize) {
    let is_social = |kept: &Kept| kept.kind == "Observation" && says(&kept.node, "category", "social-history");
    found.sort_by_key(|(kept, _)| !is_social(kept));
    let social = found.iter().filter(|(kept, _)| is_social(kept)).count();
    (found, social)
}

/// Whether a resource is among what is asked for: of each parameter a value, and within both ends of a range.
pub(super) fn passes(node: &Node, place: &Place) -> bool {
    let kind = node.text_at("resourceType").unwrap_or_default();
    place.params.iter().all(|(name, value)| {
        let element = match name.as_str() {
            "category" => "category",
            "clinical-status" => "clinicalStatus",
            "code" => "code",
            "intent" => "intent",
            "status" => "status",
            "date" | "-date-or-req-period" | "effective-time" | "-timing-boundsPeriod" => {
                return begun(kind, node).is_some_and(|at| within(&at, value));
            }
            _ => return true,
        };
        value.split(',').any(|token| says(node, element, token.rsplit('|').next().unwrap_or(token)))
    })
}

fn says(node: &Node, element: &str, code: &str) -> bool {
    let Some(said) = node.at(element) else { return false };
    let mut found = said.as_text() == Some(code);
    said.each_object(&mut |object| found |= object.text_at("code") == Some(code));
    found
}

/// When what a resource tells of began, to the second, in UTC.
fn begun(kind: &str, node: &Node) -> Option<String> {
    let places: &[&[&str]] = match kind {
        "Appointment" => &[&["start"]],
        "CarePlan" | "Encounter" => &[&["period", "start"]],
        "DocumentReference" => &[&["date"]],
        "Immunization" => &[&["occurrenceDateTime"]],
        "MedicationRequest" => &[&["dispenseRequest", "validityPeriod", "start"], &["authoredOn"]],
        "Procedure" => &[&["performedDateTime"], &["performedPeriod", "start"]],
        _ => &[&["effectiveDateTime"], &["effectivePeriod", "start"]],
    };
    let at = places.iter().find_map(|path| path.iter().try_fold(node, |node, name| node.at(name))?.as_text())?;
    Some(format!("{at}{}", "0000-01-01T00:00:00".get(at.len()..).unwrap_or_default()).chars().take(19).collect())
}

fn within(at: &str, bound: &str) -> bool {
    let (prefix, bound) = bound.split_at_checked(2).unwrap_or(("", bound));
    let bound: String = bound.chars().take(19).collect();
    match prefix {
        "ge" => at >= bound.as_str(),
        "gt" => at > bound.as_str(),
        "le" => at <= bound.as_str(),
        "lt" => at < bound.as_str(),
        _ => false,
    }
}

/// A resource as this system has it: a medicine that a patient takes is a request that somebody reported, and every plan is of one
/// category.
pub(super) fn told(mut node: Node) -> Node {
    match node.text_at("resourceType") {
        Some("CarePlan") => {
            let system = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category";
            let plan = object! { "coding": list![object! { "system": system, "code": "assess-plan" }] };
            let mut categories = node.at("category").map(|list| list.items().to_vec()).unwrap_or_default();
            categories.push(plan);
            node.set("category", categories);
            node
        }
        Some("MedicationStatement") => reported(node),
        _ => node,
    }
}

fn reported(mut statement: Node) -> Node {
    let mut take = |name: &str| statement.take(name).unwrap_or_default();
    let mut request = object! {
        "resourceType": "MedicationRequest",
        "id": take("id"),
        "meta": take("meta"),
        "contained": take("contained"),
        "modifierExtension": take("modifierExtension"),
        "identifier": take("identifier"),
        "status": take("status"),
        "statusReason": take("statusReason").items().first().cloned(),
        "intent": "plan",
        "category": list![object! { "coding": list![object! {
            "system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category", "code": "community",
        }] }],
        "reportedBoolean": true,
    };
    request.append(object! {
        "medicationReference": take("medicationReference"),
        "subject": take("subject"),
        "encounter": take("context"),
        "authoredOn": take("dateAsserted"),
        "requester": take("informationSource"),
        "reasonCode": take("reasonCode"),
        "basedOn": take("basedOn"),
        "note": take("note"),
        "dosageInstruction": take("dosage"),
        "dispenseRequest": object! { "validityPeriod": take("effectivePeriod") },
    });
    request
}

/// Adds who wrote each resource that was found.
pub(super) fn with_provenance(habits: &Habits, found: &mut Found) {
    let of = |kept: &Kept| {
        let system = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
        let organisation = format!("Organization/{}", organisation_id(habits, habits.organisation));
        let recorded = kept.node.at("meta").and_then(|meta| meta.text_at("lastUpdated")).unwrap_or("2026-11-01T06:30:00Z");
        object! {
            "resourceType": "Provenance",
            "id": ident::guid(&format!("{}/{}/provenance", kept.kind, kept.id)),
            "target": list![object! { "reference": format!("{}/{}", kept.kind, kept.id) }],
            "recorded": recorded,
            "agent": list![object! {
                "type": object! { "coding": list![object! { "system": system, "code": "author", "display": "Author" }] },
                "who": object! { "reference": organisation, "display": habits.name },
            }],
        }
    };
    let written: Vec<Node> = found.iter().map(|(kept, _)| of(kept)).collect();
    found.extend(written.into_iter().map(|node| (Arc::new(Kept::new(node)), "include")));
}

/// The page that holds a resource which lacks what FHIR requires: none of it is told.
pub(super) fn lacks(kind: &str) -> Complaint {
    let mut complaint = complaint(500, "required", String::new());
    complaint.location = Some(format!("/f:{kind}/f:status"));
    complaint
}

/// A Patient that was combined into another: nothing of them but where they went.
pub(super) fn combined(id: &str, into: &str) -> Node {
    let unknown = || list![object! { "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown" }];
    object! {
        "resourceType": "Patient",
        "id": id,
        "identifier": list![object! { "extension": unknown() }],
        "active": false,
        "name": list![object! { "extension": unknown() }],
        "_gender": object! { "extension": unknown() },
        "link": list![object! { "other": object! { "reference": format!("Patient/{into}") }, "type": "replaced-by" }],
    }
}
