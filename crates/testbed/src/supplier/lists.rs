//! The lists that general practice sends: what is on them, and what is missing from them.

use super::Habits;
use crate::ident;
use crate::node::{Node, object};
use crate::pen::{codeable, pointer};
use crate::person::Person;

/// The list of allergies and the list of medicines, of the resources rendered before.
pub(super) fn lists(habits: &Habits, base: &str, person: &Person, rendered: &[Node]) -> Vec<Node> {
    let of = |code, title, kind| {
        let on_it: Vec<&Node> = rendered.iter().filter(|node| node.text_at("resourceType") == Some(kind)).collect();
        list_of(habits, base, person, (code, title), &on_it)
    };
    vec![
        of("886921000000105", "Allergies and adverse reactions", "AllergyIntolerance"),
        of("933361000000108", "Medications and medical devices", "MedicationStatement"),
    ]
}

/// One list, by its code and title, of what is on it.
pub(super) fn list_of(habits: &Habits, base: &str, person: &Person, (code, title): (&str, &str), on_it: &[&Node]) -> Node {
    let id = ident::local(habits.ids, &format!("{}/list/{code}", person.about.nhs_number));
    let patient = person.ids_at(habits).into_iter().next().unwrap_or_default();
    let entries: Vec<Node> = on_it
        .iter()
        .filter_map(|node| Some((node.text_at("resourceType")?, node.text_at("id")?)))
        .map(|(kind, id)| object! { "item": object! { "reference": pointer(habits, base, kind, id) } })
        .collect();
    let empty = entries.is_empty().then(|| {
        codeable("https://fhir.nhs.uk/STU3/CodeSystem/CareConnect-ListEmptyReasonCode-1", "no-content-recorded", "No Content Recorded")
    });
    let mut notes: Vec<Node> = Vec::new();
    if empty.is_some() {
        notes.push(object! { "text": "Information not available." });
    }
    for code in &person.about.practice_warnings {
        notes.push(object! { "text": warning_text(code) });
    }
    object! {
        "resourceType": "List",
        "id": id,
        "meta": object! { "versionId": "1", "lastUpdated": "2026-11-01T06:30:00Z" },
        "extension": person.about.practice_warnings.iter().map(|code| warning(code)).collect::<Vec<_>>(),
        "status": "current",
        "mode": "snapshot",
        "title": title,
        "code": codeable("http://snomed.info/sct", code, title),
        "subject": object! { "reference": pointer(habits, base, "Patient", &patient) },
        "date": "2026-11-01T06:30:00Z",
        "note": notes,
        "entry": entries,
        "emptyReason": empty,
    }
}

/// The extension by which a list says that something is not on it.
pub(super) fn warning(code: &str) -> Node {
    object! {
        "url": "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-ListWarningCode-1",
        "valueCode": code,
    }
}

/// The words that go with a warning.
pub(super) fn warning_text(code: &str) -> &'static str {
    match code {
        "confidential-items" => "Items excluded due to confidentiality and/or patient preferences.",
        "data-awaiting-filing" => {
            "Patient data may be incomplete as there is data supplied by a third party awaiting \
             review before becoming available."
        }
        _ => {
            "Patient record transfer from previous GP practice not yet complete; information \
             recorded before 01-Nov-2026 may be missing."
        }
    }
}
