//! The areas of a structured record, and which of them a question names.

use super::Refused;
use crate::node::Node;

/// One area: the parameter that asks for it, its Lists by code and title, what is on them, and what comes with it.
pub(super) struct Area {
    pub(super) parameter: &'static str,
    pub(super) lists: &'static [(&'static str, &'static str)],
    pub(super) listed: &'static [&'static str],
    pub(super) kinds: &'static [&'static str],
}

/// The List of ended allergies.
pub(super) const ENDED: &str = "1103671000000101";

pub(super) static AREAS: [Area; 9] = [
    Area {
        parameter: "includeAllergies",
        lists: &[("886921000000105", "Allergies and adverse reactions"), (ENDED, "Ended allergies")],
        listed: &["AllergyIntolerance"],
        kinds: &["AllergyIntolerance"],
    },
    Area {
        parameter: "includeMedication",
        lists: &[("933361000000108", "Medications and medical devices")],
        listed: &["MedicationStatement"],
        kinds: &["MedicationRequest", "MedicationStatement"],
    },
    Area {
        parameter: "includeConsultations",
        lists: &[("1149501000000101", "List of consultations")],
        listed: &["Encounter"],
        kinds: &["DocumentReference", "Encounter"],
    },
    Area { parameter: "includeProblems", lists: &[("717711000000103", "Problems")], listed: &["Condition"], kinds: &["Condition"] },
    Area {
        parameter: "includeImmunisations",
        lists: &[("1102181000000102", "Immunisations")],
        listed: &["Immunization"],
        kinds: &["Immunization"],
    },
    Area {
        parameter: "includeUncategorisedData",
        lists: &[("826501000000100", "Uncategorised data")],
        listed: &["Observation"],
        kinds: &["Observation"],
    },
    Area {
        parameter: "includeInvestigations",
        lists: &[("887191000000108", "Investigations and results")],
        listed: &["DiagnosticReport"],
        kinds: &["DiagnosticReport", "Observation", "ProcedureRequest", "Specimen"],
    },
    Area {
        parameter: "includeReferrals",
        lists: &[("792931000000107", "Outbound referral")],
        listed: &["ReferralRequest"],
        kinds: &["ReferralRequest"],
    },
    Area { parameter: "includeDiaryEntries", lists: &[("714311000000108", "Patient recall administration")], listed: &[], kinds: &[] },
];

/// Whether the interface has a place for a type.
pub(super) fn carries(kind: &str) -> bool {
    AREAS.iter().any(|area| area.kinds.contains(&kind))
}

/// What a question asks for.
pub(super) struct Asked {
    pub(super) number: String,
    pub(super) areas: Vec<&'static Area>,
    /// Every parameter but the number.
    pub(super) parameters: Vec<String>,
    /// Those that nobody defined.
    pub(super) unknown: Vec<String>,
}

impl Asked {
    pub(super) fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.areas.iter().flat_map(|area| area.kinds.iter().copied())
    }
}

/// Reads the Parameters, as strictly as the definition is.
pub(super) fn asked(body: &[u8]) -> Result<Asked, Refused> {
    let wrong = |code: &str, words: &str| (422, "invalid", code.to_owned(), words.to_owned());
    let text = std::str::from_utf8(body).map_err(|_| wrong("INVALID_RESOURCE", "the body is no text"))?;
    let node = Node::parse(text).map_err(|_| wrong("INVALID_RESOURCE", "the body is no JSON"))?;
    if node.text_at("resourceType") != Some("Parameters") {
        return Err(wrong("INVALID_RESOURCE", "the body is no Parameters"));
    }
    let mut asked = Asked { number: String::new(), areas: Vec::new(), parameters: Vec::new(), unknown: Vec::new() };
    for parameter in node.at("parameter").map(Node::items).unwrap_or_default() {
        let name = parameter.text_at("name").unwrap_or_default();
        let part =
            |name: &str| parameter.at("part").map(Node::items).unwrap_or_default().iter().find(|part| part.text_at("name") == Some(name));
        if name == "patientNHSNumber" {
            let identifier = parameter.at("valueIdentifier");
            if identifier.and_then(|identifier| identifier.text_at("system")) != Some("https://fhir.nhs.uk/Id/nhs-number") {
                return Err((400, "value", "INVALID_IDENTIFIER_SYSTEM".to_owned(), "patientNHSNumber".to_owned()));
            }
            asked.number = identifier.and_then(|identifier| identifier.text_at("value")).unwrap_or_default().to_owned();
            continue;
        }
        asked.parameters.push(name.to_owned());
        match AREAS.iter().find(|area| area.parameter == name) {
            Some(area) => asked.areas.push(area),
            None => asked.unknown.push(name.to_owned()),
        }
        if name == "includeAllergies" && part("includeResolvedAllergies").and_then(|part| part.at("valueBoolean")).is_none() {
            return Err(wrong("INVALID_PARAMETER", "includeAllergies without includeResolvedAllergies"));
        }
    }
    if asked.number.is_empty() {
        return Err(wrong("INVALID_PARAMETER", "patientNHSNumber is missing"));
    }
    Ok(asked)
}
