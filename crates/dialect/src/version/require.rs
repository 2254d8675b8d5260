//! What R4 requires and the older version did not: R4's own word for "unknown" where it has one, else the extension
//! that says that there is no value.

use std::collections::BTreeMap;

use fhir::tables::Element;
use fhir::{NodeId, Version};
use record::FindingCode;

use super::draft::Draft;

/// The code that R4 (or its published map from the older version) prescribes where the older one said nothing.
const PRESCRIBED: &[(&str, &str, &str)] = &[
    ("CarePlan", "intent", "plan"),
    ("CarePlan", "status", "unknown"),
    ("CarePlan.activity.detail", "status", "unknown"),
    ("Communication", "status", "unknown"),
    ("DeviceRequest", "intent", "order"),
    ("DiagnosticReport", "status", "unknown"),
    ("Encounter", "status", "unknown"),
    ("MedicationAdministration", "status", "unknown"),
    ("MedicationDispense", "status", "unknown"),
    ("MedicationRequest", "intent", "order"),
    ("MedicationRequest", "status", "unknown"),
    ("MedicationStatement", "status", "unknown"),
    ("NutritionOrder", "intent", "order"),
    ("Observation", "status", "unknown"),
    ("Procedure", "status", "unknown"),
    ("ServiceRequest", "intent", "order"),
    ("ServiceRequest", "status", "unknown"),
    ("Task", "intent", "unknown"),
];

/// The same for STU3, where R4 left it open. A flag among them is a boolean.
const PRESCRIBED_STU3: &[(&str, &str, &str)] = &[("Immunization", "notGiven", "false"), ("MedicationStatement", "taken", "unk")];

/// Of a choice, the type that says least.
const PREFERRED: &[&str] = &["CodeableConcept", "dateTime", "string", "boolean"];

pub(super) fn fill(draft: &mut Draft<'_>, object: NodeId, type_name: &'static str) {
    let Some(one) = draft.target().type_of(type_name).filter(|one| one.resource || one.name.contains('.')) else { return };
    let mut choices: BTreeMap<&str, Vec<&'static Element>> = BTreeMap::new();
    for element in one.elements.iter().filter(|element| element.min > 0) {
        let stem = if element.choice.is_empty() { element.name } else { element.choice };
        choices.entry(stem).or_default().push(element);
    }
    for (stem, elements) in choices {
        let said = |element: &&Element| draft.has(object, element.name) || draft.has(object, &format!("_{}", element.name));
        if !elements.iter().any(said) && !is_person(&elements) {
            say_unknown(draft, object, type_name, stem, &elements);
        }
    }
}

/// Whom it is about is for the guard to ask, not for us to fill.
fn is_person(elements: &[&Element]) -> bool {
    elements.iter().any(|element| matches!(element.name, "for" | "patient" | "subject") && element.targets.contains(&"Patient"))
}

fn say_unknown(draft: &mut Draft<'_>, object: NodeId, type_name: &str, stem: &str, elements: &[&'static Element]) {
    let code = if required_before(draft, object, stem) { FindingCode::Malformed } else { FindingCode::Converted };
    let to = draft.to.name();
    let rows = if draft.to == Version::Stu3 { PRESCRIBED_STU3 } else { PRESCRIBED };
    let prescribed = rows.iter().find(|(of, name, _)| *of == type_name && *name == stem);
    if let Some((_, name, value)) = prescribed {
        draft.note(code, object, format!("{name} was not said, and {to} requires it: {value}"));
        let node = if *value == "false" { draft.tree.new_bool(false) } else { draft.tree.new_string(value) };
        draft.tree.set(object, name, node);
        return;
    }
    let preferred = PREFERRED.iter().find_map(|name| elements.iter().find(|element| element.type_name == *name));
    let Some(element) = preferred.or(elements.first()) else { return };
    draft.note(code, object, format!("{stem} was not said, and {to} requires it: marked as unknown"));
    let stub = draft.tree.new_object();
    if element.type_name.contains('.') {
        fill(draft, stub, element.type_name);
    }
    if draft.is_hollow(stub) {
        let absent = draft.absent();
        draft.extend(stub, absent);
    }
    let key = if element.primitive().is_some() { format!("_{}", element.name) } else { element.name.to_owned() };
    draft.tree.set(object, &key, stub);
    if element.list {
        draft.tree.listed(object, &key);
    }
}

/// Whether its own version asked for it too: then the supplier left it out.
fn required_before(draft: &Draft<'_>, object: NodeId, stem: &str) -> bool {
    let known = draft.known(object).type_name;
    let Some(one) = draft.tables().type_of(known) else { return false };
    one.elements.iter().any(|element| element.min > 0 && (element.name == stem || element.choice == stem))
}
