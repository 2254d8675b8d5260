//! CareConnect extensions (STU3) that have a plain equivalent in UK Core (R4), and back. What has none stays as it came: an
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

const CARE_CONNECT: &str = "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-";

/// Gives an extension of UK Core the name and form that readers of CareConnect know.
pub(super) fn older(draft: &mut Draft<'_>, extension: NodeId) {
    let Some(url) = draft.text(extension, "url") else { return };
    let Some(name) = url.strip_prefix(UK_CORE) else { return };
    let old = match name {
        "CodingSCTDescId" => "coding-sctdescid".to_owned(),
        "MedicationRepeatInformation" => "CareConnect-GPC-MedicationRepeatInformation-1".to_owned(),
        name => match SAME.iter().find(|(_, new)| *new == name) {
            Some((old, _)) => format!("CareConnect-{old}-1"),
            None => return,
        },
    };
    if let Some(url) = draft.at(extension, "url") {
        draft.converted(url, format!("CareConnect names it Extension-{old}"));
        draft.tree.set_text(url, &format!("{CARE_CONNECT}{old}"));
    }
    match name {
        "CodingSCTDescId" => inner(draft, extension, "descriptionId", "descriptionId", |draft, one| {
            let id =
                draft.at(one, "valueIdentifier").filter(|id| draft.keys(*id).iter().all(|key| matches!(key.as_str(), "system" | "value")));
            if let Some(id) = id
                && let Some(value) = draft.take(id, "value")
            {
                draft.converted(id, "CareConnect has its value alone");
                draft.take(one, "valueIdentifier");
                draft.tree.set(one, "valueId", value);
            }
        }),
        "MedicationRepeatInformation" => {
            inner(draft, extension, "numberOfPrescriptionsIssued", "numberOfRepeatPrescriptionsIssued", |_, _| {});
        }
        "NHSNumberVerificationStatus" => verified_before(draft, extension),
        _ => {}
    }
}

/// Renames an extension within an extension, and changes it.
fn inner(draft: &mut Draft<'_>, extension: NodeId, name: &str, old: &str, change: fn(&mut Draft<'_>, NodeId)) {
    for one in draft.items(extension, "extension") {
        if draft.is(one, "url", name) {
            if let Some(url) = draft.at(one, "url").filter(|_| name != old) {
                draft.converted(url, format!("CareConnect names it {old}"));
                draft.tree.set_text(url, old);
            }
            change(draft, one);
        }
    }
}

/// Adds CareConnect's coding beside UK Core's.
fn verified_before(draft: &mut Draft<'_>, extension: NodeId) {
    let Some(concept) = draft.at(extension, "valueCodeableConcept") else { return };
    let codes: Vec<String> = draft.items(concept, "coding").into_iter().filter_map(|coding| draft.text(coding, "code")).collect();
    let Some((old, _)) = VERIFIED.iter().find(|(_, new)| codes.iter().any(|code| code == new)) else { return };
    if !codes.iter().any(|code| code == old) {
        let coding = draft.coding("https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1", old);
        draft.append(concept, "coding", coding);
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
