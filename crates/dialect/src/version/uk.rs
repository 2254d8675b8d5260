//! CareConnect extensions (STU3) that have a plain equivalent in UK Core (R4). What has none stays as it came: an
//! extension may stand anywhere, and its reader will know it by the name its supplier gave it.

use fhir::NodeId;

use super::draft::Draft;

const UK_CORE: &str = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-";

/// Names after `Extension-CareConnect-` (or `-CareConnect-GPC-`, `-GPConnect-`) without their `-1`, and UK Core's; the value is the same.
const SAME: &[(&str, &str)] = &[
    ("AdmissionMethod", "AdmissionMethod"),
    ("AllergyIntoleranceEnd", "AllergyIntoleranceEnd"),
    ("BookingOrganisation", "BookingOrganization"),
    ("CareSettingType", "CareSettingType"),
    ("ClinicalSetting", "CareSettingType"),
    ("DeathNotificationStatus", "DeathNotificationStatus"),
    ("DischargeMethod", "DischargeMethod"),
    ("EmergencyCareDischargeStatus", "EmergencyCareDischargeStatus"),
    ("EthnicCategory", "EthnicCategory"),
    ("Evidence", "Evidence"),
    ("ListWarningCode", "ListWarningCode"),
    ("MainLocation", "MainLocation"),
    ("MedicationRepeatInformation", "MedicationRepeatInformation"),
    ("MedicationStatementLastIssueDate", "MedicationStatementLastIssueDate"),
    ("NHSNumberVerificationStatus", "NHSNumberVerificationStatus"),
    ("OutcomeOfAttendance", "OutcomeOfAttendance"),
    ("ParentPresent", "ParentPresent"),
    ("PrescribingAgency", "MedicationPrescribingOrganizationType"),
    ("ResidentialStatus", "ResidentialStatus"),
    ("VaccinationProcedure", "VaccinationProcedure"),
];

/// CareConnect's codes of how an NHS number was verified, and UK Core's.
const VERIFIED: &[(&str, &str)] = &[
    ("01", "number-present-and-verified"),
    ("02", "number-present-but-not-traced"),
    ("03", "trace-required"),
    ("04", "trace-attempted"),
    ("05", "trace-needs-to-be-resolved"),
    ("06", "trace-in-progress"),
    ("07", "number-not-present-and-trace-not-required"),
    ("08", "trace-postponed"),
];

/// Gives an extension its name in UK Core, if it has one.
pub(super) fn extension(draft: &mut Draft<'_>, extension: NodeId) {
    let Some(url) = draft.text(extension, "url") else { return };
    let Some((host, name)) = url.split_once("/STU3/StructureDefinition/Extension-") else { return };
    if !matches!(host, "https://fhir.hl7.org.uk" | "https://fhir.nhs.uk" | "http://fhir.hl7.org.uk" | "http://fhir.nhs.uk") {
        return;
    }
    // One supplier writes it with two letters swapped.
    if matches!(name, "coding-sctdescid" | "coding-sctdecsid") {
        rename(draft, extension, "CodingSCTDescId");
        description(draft, extension);
        return;
    }
    let plain = ["CareConnect-GPC-", "CareConnect-", "GPConnect-"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let Some(plain) = plain.and_then(|name| name.strip_suffix("-1")) else { return };
    let Some((_, new)) = SAME.iter().find(|(old, _)| *old == plain) else { return };
    rename(draft, extension, new);
    match *new {
        "ListWarningCode" => warning(draft, extension),
        "MedicationRepeatInformation" => repeats(draft, extension),
        "NHSNumberVerificationStatus" => verified(draft, extension),
        _ => {}
    }
}

fn rename(draft: &mut Draft<'_>, extension: NodeId, name: &str) {
    if let Some(url) = draft.at(extension, "url") {
        draft.converted(url, format!("UK Core names it Extension-UKCore-{name}"));
        draft.tree.set_text(url, &format!("{UK_CORE}{name}"));
    }
}

/// A SNOMED description id is an Identifier in UK Core.
fn description(draft: &mut Draft<'_>, extension: NodeId) {
    for inner in draft.items(extension, "extension") {
        let Some(url) = draft.at(inner, "url") else { continue };
        if draft.is(inner, "url", "DescriptionID") {
            draft.converted(url, "UK Core names it descriptionId");
            draft.tree.set_text(url, "descriptionId");
        }
        if draft.is(inner, "url", "descriptionId")
            && let Some(id) = draft.take(inner, "valueId")
        {
            let identifier = draft.tree.new_object();
            draft.tree.set_string(identifier, "system", "http://snomed.info/sct");
            draft.tree.set(identifier, "value", id);
            draft.tree.set(inner, "valueIdentifier", identifier);
        }
    }
}

fn warning(draft: &mut Draft<'_>, extension: NodeId) {
    if let Some(code) = draft.take(extension, "valueCode") {
        let concept = draft.concept("https://fhir.hl7.org.uk/CodeSystem/UKCore-ListWarningCode", "");
        if let Some(coding) = draft.items(concept, "coding").first() {
            draft.tree.set(*coding, "code", code);
        }
        draft.tree.set(extension, "valueCodeableConcept", concept);
    }
}

fn repeats(draft: &mut Draft<'_>, extension: NodeId) {
    for inner in draft.items(extension, "extension") {
        if draft.is(inner, "url", "numberOfRepeatPrescriptionsIssued")
            && let Some(url) = draft.at(inner, "url")
        {
            draft.converted(url, "UK Core names it numberOfPrescriptionsIssued");
            draft.tree.set_text(url, "numberOfPrescriptionsIssued");
        }
    }
}

/// Adds UK Core's coding beside CareConnect's.
fn verified(draft: &mut Draft<'_>, extension: NodeId) {
    let Some(concept) = draft.at(extension, "valueCodeableConcept") else { return };
    let codes: Vec<String> = draft.items(concept, "coding").into_iter().filter_map(|coding| draft.text(coding, "code")).collect();
    let Some((_, new)) = VERIFIED.iter().find(|(old, _)| codes.iter().any(|code| code == old)) else { return };
    if !codes.iter().any(|code| code == new) {
        let coding = draft.coding("https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus", new);
        draft.append(concept, "coding", coding);
    }
}
