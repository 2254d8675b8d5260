//! What a question finds on the shelf.

use super::pages::Place;
use super::shelf::{Folder, Kept, Shelf};
use super::{Habits, Maker, Version, millennium};
use crate::node::Node;
use std::sync::Arc;

/// Entries with their search mode.
pub(super) type Found = Vec<(Arc<Kept>, &'static str)>;

/// Why a question is not answered.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) text: String,
    /// The element that is at fault, where one is: then nothing of the page could be told.
    pub(super) location: Option<String>,
}

pub(super) fn complaint(status: u16, code: &'static str, text: impl Into<String>) -> Complaint {
    Complaint { status, code, text: text.into(), location: None }
}

const IN_A_FOLDER: &[&str] = &[
    "AllergyIntolerance",
    "Appointment",
    "Binary",
    "CarePlan",
    "CareTeam",
    "Communication",
    "Condition",
    "Consent",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "EpisodeOfCare",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "Immunization",
    "List",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationOrder",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Patient",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "ReferralRequest",
    "RelatedPerson",
    "ServiceRequest",
    "Specimen",
    "Task",
];

const BESIDE: &[&str] = &["Location", "Medication", "Organization", "Practitioner", "PractitionerRole"];

const NOT_IN_DSTU2: &[&str] = &["CareTeam", "Consent", "MedicationRequest", "PractitionerRole", "ServiceRequest", "Task"];

/// The types that a supplier answers for.
pub(super) fn types(habits: &Habits) -> Vec<&'static str> {
    let exists = |kind: &&str| match habits.version {
        Version::Dstu2 => !NOT_IN_DSTU2.contains(kind),
        Version::Stu3 => !matches!(*kind, "MedicationOrder" | "ServiceRequest"),
        Version::R4 => !matches!(*kind, "MedicationOrder" | "ReferralRequest"),
    };
    let searched = |kind: &str| millennium::searches().any(|(own, _)| own == kind);
    let answered = |kind: &&str| match habits.maker {
        Maker::Millennium => searched(kind) || BESIDE.contains(kind) || matches!(*kind, "Patient" | "Binary"),
        _ => habits.types.is_empty() || habits.types.contains(kind) || BESIDE.contains(kind) || matches!(*kind, "Patient" | "Binary"),
    };
    let all = IN_A_FOLDER.iter().chain(BESIDE).copied();
    all.filter(exists).filter(answered).collect()
}

impl Shelf {
    /// Everything that a search finds, in order.
    pub(super) fn search(&self, place: &Place) -> Result<Found, Complaint> {
        let kind = place.path.as_str();
        if !types(&self.habits).contains(&kind) {
            return Err(complaint(404, "not-supported", format!("{kind} is not supported")));
        }
        if let Some(id) = place.param("_id") {
            let found = id.split(',').filter_map(|id| self.find(kind, id));
            return Ok(found.map(|kept| (kept, "match")).collect());
        }
        if kind == "Patient" {
            return self.search_patients(place);
        }
        let folders = self.folders_of(place)?;
        let held = folders.iter().flat_map(|folder| self.open(folder));
        let passes = match self.habits.maker {
            Maker::Millennium => millennium::passes,
            _ => passes,
        };
        let matches: Vec<Arc<Kept>> = held.filter(|kept| kept.kind == kind && passes(&kept.node, place)).cloned().collect();
        let included = self.included(place, &matches);
        let mut found: Found = matches.into_iter().map(|kept| (kept, "match")).collect();
        found.extend(included.into_iter().map(|kept| (kept, "include")));
        Ok(found)
    }

    /// Everything about one person, with what it points at.
    pub(super) fn everything(&self, id: &str, place: &Place) -> Result<Found, Complaint> {
        let folder = self.folder(id).ok_or_else(|| complaint(404, "not-found", format!("Patient/{id} is not known")))?;
        let held = self.open(folder).to_vec();
        let beside = self.pointed_at(&held);
        let wanted = place.param("_type").map(|types| types.split(',').collect::<Vec<_>>());
        let wanted = |kept: &Arc<Kept>| wanted.as_ref().is_none_or(|types| types.contains(&kept.kind.as_str()));
        let told = held.into_iter().filter(|kept| kept.kind != "Binary");
        Ok(told.chain(beside).filter(wanted).map(|kept| (kept, "match")).collect())
    }

    fn folder(&self, id: &str) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.patient_ids.iter().any(|held| held == id))
    }

    fn search_patients(&self, place: &Place) -> Result<Found, Complaint> {
        let Some(identifier) = place.param("identifier") else {
            return self.search_names(place);
        };
        // A bare value finds nothing here: too many numbers look alike.
        let Some((system, value)) = identifier.split_once('|') else {
            return Ok(Vec::new());
        };
        // A tenant knows the number's system by one name.
        let usual = system == "https://fhir.nhs.uk/Id/nhs-number" && self.habits.maker != Maker::Millennium;
        let by_number = usual || system == self.habits.nhs_system;
        let asked_for = |folder: &&Folder| match by_number {
            true => folder.nhs_number == value,
            false => {
                let ids = &folder.patient_ids;
                system == self.habits.person_system && ids.iter().any(|id| id == value)
            }
        };
        Ok(self.patients(self.folders.iter().filter(asked_for)))
    }

    fn search_names(&self, place: &Place) -> Result<Found, Complaint> {
        let Some(family) = place.param("family").or(place.param("name")) else {
            return Err(complaint(400, "required", "identifier, _id or family is needed"));
        };
        let family = family.to_lowercase();
        let born = place.param("birthdate");
        let suits = |kept: &Arc<Kept>| {
            let mut named = false;
            kept.node.each_object(&mut |object| {
                let names = object.at("family");
                let names = names.into_iter().flat_map(|node| match node {
                    Node::List(items) => items.as_slice(),
                    node => std::slice::from_ref(node),
                });
                named |= names.filter_map(Node::as_text).any(|name| name.to_lowercase().starts_with(&family));
            });
            named && born.is_none_or(|born| kept.node.text_at("birthDate") == Some(born))
        };
        let mut found = self.patients(self.folders.iter());
        found.retain(|(kept, _)| suits(kept));
        Ok(found)
    }

    fn patients<'a>(&'a self, folders: impl Iterator<Item = &'a Folder>) -> Found {
        let held = folders.flat_map(|folder| self.open(folder));
        let patients = held.filter(|kept| kept.kind == "Patient");
        patients.map(|kept| (kept.clone(), "match")).collect()
    }

    /// The folders of the person that a question is about.
    fn folders_of(&self, place: &Place) -> Result<Vec<&Folder>, Complaint> {
        for (name, value) in &place.params {
            let folder = match name.as_str() {
                "patient" | "subject" | "patient:Patient" | "subject:Patient" => self.folder(value.rsplit('/').next().unwrap_or(value)),
                "patient.identifier"
                | "subject.identifier"
                | "patient:identifier"
                | "subject:identifier"
                | "subject:Patient.identifier" => {
                    let number = value.split_once('|').map(|(_, number)| number);
                    self.folders.iter().find(|folder| Some(folder.nhs_number.as_str()) == number)
                }
                _ => continue,
            };
            return Ok(folder.into_iter().collect());
        }
        Err(complaint(400, "required", "patient or subject is needed"))
    }

    /// What `_include` brings along.
    fn included(&self, place: &Place, matches: &[Arc<Kept>]) -> Vec<Arc<Kept>> {
        let asked: Vec<&str> = place
            .params
            .iter()
            .filter(|(name, _)| name.starts_with("_include"))
            .map(|(_, value)| value.split(':').nth(1).unwrap_or("*"))
            .collect();
        if asked.is_empty() {
            return Vec::new();
        }
        let wanted = |kept: &Arc<Kept>| match kept.kind.as_str() {
            "Medication" => asked.iter().any(|param| matches!(*param, "*" | "medication")),
            "Location" => asked.iter().any(|param| matches!(*param, "*" | "location" | "actor")),
            _ => asked.iter().any(|param| !matches!(*param, "medication" | "location")),
        };
        self.pointed_at(matches).into_iter().filter(wanted).collect()
    }
}

/// Whether a resource passes the few token parameters that these servers know.
fn passes(node: &Node, place: &Place) -> bool {
    let element = |name: &str| match name {
        "category" => Some("category"),
        "clinical-status" => Some("clinicalStatus"),
        "code" => Some("code"),
        "intent" => Some("intent"),
        "status" => Some("status"),
        _ => None,
    };
    place.params.iter().all(|(name, value)| {
        let Some(said) = element(name).and_then(|name| node.at(name)) else {
            return true;
        };
        value.split(',').any(|token| says(said, token))
    })
}

fn says(said: &Node, token: &str) -> bool {
    let (system, code) = match token.split_once('|') {
        Some((system, code)) => (Some(system), code),
        None => (None, token),
    };
    if said.as_text() == Some(code) {
        return true;
    }
    let mut found = false;
    said.each_object(&mut |object| {
        let same_system = system.is_none_or(|system| object.text_at("system") == Some(system));
        found |= same_system && object.text_at("code") == Some(code);
    });
    found
}
