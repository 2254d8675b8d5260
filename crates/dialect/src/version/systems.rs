//! Code systems that FHIR itself renamed between its versions. What other people spell differently is for `terms`.

use fhir::{NodeId, Version};

use super::draft::Draft;

/// Systems of `http://hl7.org/fhir/` that R4 keeps under `http://terminology.hl7.org/CodeSystem/`, with the same codes.
#[rustfmt::skip]
const MOVED: &[&str] = &[
    "admit-source", "adverse-event-category", "adverse-event-causality-assess", "adverse-event-causality-method",
    "adverse-event-outcome", "adverse-event-seriousness", "adverse-event-severity", "appointment-cancellation-reason",
    "audit-entity-type", "audit-event-type", "basic-resource-type", "claim-type", "common-tags",
    "communication-category", "communication-not-done-reason", "communication-topic", "condition-state",
    "consentaction", "consentcategorycodes", "contactentity-type", "contractsignertypecodes", "data-absent-reason",
    "definition-topic", "diagnosis-role", "dicom-audit-lifecycle", "diet", "discharge-disposition",
    "encounter-special-arrangements", "encounter-type", "endpoint-connection-type", "endpoint-payload-type",
    "entformula-additive", "episodeofcare-type", "evidence-quality", "ex-visionprescriptionproduct", "flag-category",
    "forms-codes", "goal-acceptance-status", "goal-category", "goal-priority", "goal-relationship-type",
    "history-absent-reason", "immunization-origin", "library-type", "list-empty-reason", "list-example-use-codes",
    "list-order", "location-physical-type", "match-grade", "measure-type", "med-admin-perform-function",
    "medication-admin-category", "medication-statement-category", "message-reasons-encounter",
    "object-role", "observation-category", "observation-statistics", "operation-outcome", "organization-type",
    "participant-type", "plan-definition-type", "practitioner-role", "provenance-participant-type",
    "reaction-event-certainty", "reason-medication-given", "referencerange-meaning",
    "restful-security-service", "risk-probability", "security-source-type", "service-category",
    "service-provision-conditions", "service-referral-method", "service-type", "special-values",
    "subscriber-relationship", "substance-category", "supply-item-type", "supplyrequest-reason", "usage-context-type",
    "variant-state",
];

/// Systems that moved and kept only some of their codes.
const MOVED_IN_PART: &[(&str, &str, &[&str])] = &[
    ("condition-category", "condition-category", &["encounter-diagnosis", "problem-list-item"]),
    ("condition-clinical", "condition-clinical", &["active", "inactive", "recurrence", "relapse", "remission", "resolved"]),
    ("condition-ver-status", "condition-ver-status", &["confirmed", "differential", "entered-in-error", "provisional", "refuted"]),
    (
        "identifier-type",
        "v2-0203",
        &["DL", "DR", "EN", "JHN", "MCN", "MR", "NE", "NI", "PPN", "PRN", "RI", "SB", "SNO", "SS", "TAX", "UDI"],
    ),
    ("medication-request-category", "medicationrequest-category", &["community", "discharge", "inpatient", "outpatient"]),
];

const OLD: &str = "http://hl7.org/fhir/";
const NEW: &str = "http://terminology.hl7.org/CodeSystem/";

/// Gives a Coding's system the name its new version has for it; the code stays.
pub(super) fn respell(draft: &mut Draft<'_>, coding: NodeId) {
    let Some(node) = draft.at(coding, "system") else { return };
    let Some(system) = draft.value(node) else { return };
    // Without its code nothing tells whether the new version knows it.
    let Some(code) = draft.text(coding, "code") else { return };
    let new = if draft.to == Version::R4 { r4_name(&system, &code) } else { older_name(&system, &code) };
    if let Some(new) = new {
        if draft.to != Version::R4 {
            draft.converted(node, "STU3 has another name for the code system");
        }
        draft.tree.set_text(node, &new);
    }
}

/// What R4 calls a code system of older versions.
pub(super) fn r4_name(system: &str, code: &str) -> Option<String> {
    renamed(system.strip_prefix(OLD)?, code).map(|new| format!("{NEW}{new}"))
}

/// What STU3 calls a code system of R4.
fn older_name(system: &str, code: &str) -> Option<String> {
    let name = system.strip_prefix(NEW)?;
    if let Some(table) = name.strip_prefix("v3-") {
        return Some(format!("{OLD}v3/{table}"));
    }
    if matches!((name, code), ("v2-0203", "SB" | "SNO" | "UDI")) {
        return Some(format!("{OLD}identifier-type"));
    }
    if let Some(table) = name.strip_prefix("v2-") {
        return Some(format!("{OLD}v2/{table}"));
    }
    let in_part = MOVED_IN_PART.iter().find(|(_, new, codes)| *new == name && codes.contains(&code)).map(|(old, _, _)| *old);
    let old = in_part.or_else(|| MOVED.binary_search(&name).is_ok().then_some(name))?;
    Some(format!("{OLD}{old}"))
}

fn renamed(name: &str, code: &str) -> Option<String> {
    if let Some(table) = name.strip_prefix("v3/") {
        return (!table.contains('/')).then(|| format!("v3-{table}"));
    }
    if let Some(table) = name.strip_prefix("v2/") {
        return table.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("v2-{table}"));
    }
    if MOVED.binary_search(&name).is_ok() {
        return Some(name.to_owned());
    }
    let (_, new, codes) = MOVED_IN_PART.iter().find(|(old, _, _)| *old == name)?;
    codes.contains(&code).then(|| (*new).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order() {
        assert!(MOVED.is_sorted());
    }

    #[test]
    fn a_system_that_kept_some_codes_moves_with_those() {
        let check = |name, code, expected: Option<&str>| assert_eq!(renamed(name, code).as_deref(), expected, "{name} {code}");
        check("v3/ActCode", "AMB", Some("v3-ActCode"));
        check("v3/vs/GTSAbbreviation", "BID", None);
        check("v2/0203", "MR", Some("v2-0203"));
        check("v2/0360/2.7", "MD", None);
        check("observation-category", "vital-signs", Some("observation-category"));
        check("condition-category", "problem-list-item", Some("condition-category"));
        check("condition-category", "diagnosis", None);
        check("identifier-type", "SB", Some("v2-0203"));
        check("sid/cvx", "140", None);
    }

    #[test]
    fn a_system_that_went_up_comes_down() {
        let check = |name: &str, code| {
            let old = format!("{OLD}{name}");
            let new = r4_name(&old, code).unwrap();
            assert_eq!(older_name(&new, code), Some(old), "{name} {code}");
        };
        check("v3/ActCode", "AMB");
        check("v2/0203", "MR");
        check("observation-category", "vital-signs");
        check("condition-category", "problem-list-item");
        check("identifier-type", "SB");
        check("medication-request-category", "community");
        assert_eq!(older_name("http://snomed.info/sct", "1"), None);
    }
}
