//! Whom a resource is about, as it says itself.

use fhir::{Kind, Ref};
use record::{NHS_NUMBER_SYSTEM, NhsNumber};

use super::{Arrived, Reading};
use crate::ids;

/// Elements that name the patient, by type; other types have `subject` or `patient`.
const ELSEWHERE: &[(Kind, &[&str])] = &[
    (Kind::APPOINTMENT, &["participant.actor"]),
    (Kind::APPOINTMENT_RESPONSE, &["actor"]),
    (Kind::CLAIM_RESPONSE, &["patient"]),
    (Kind::COVERAGE, &["beneficiary"]),
    (Kind::ENROLLMENT_REQUEST, &["candidate"]),
    (Kind::GROUP, &["member.entity"]),
    (Kind::PERSON, &["link.target"]),
    (Kind::PROVENANCE, &["target"]),
    (Kind::RESEARCH_SUBJECT, &["individual"]),
    (Kind::SCHEDULE, &["actor"]),
    (Kind::TASK, &["for"]),
];

/// The minted id of the Patient that carries the number asked for: the first by id, if there are several.
pub(super) fn person(arrived: &[Arrived], numbers: &[NhsNumber]) -> Option<String> {
    let theirs = arrived.iter().filter(|one| one.kind == Kind::PATIENT && carries(one.tree.root(), numbers));
    theirs.map(|one| one.id.clone()).min()
}

/// Whether a Patient (or a Reference) carries one of these NHS numbers.
pub(crate) fn carries(node: Ref<'_>, theirs: &[NhsNumber]) -> bool {
    numbers(node).flatten().any(|own| theirs.contains(&own))
}

/// The NHS numbers a node says; `None` for one that is none.
fn numbers(node: Ref<'_>) -> impl Iterator<Item = Option<NhsNumber>> + '_ {
    let identifiers = node.all("identifier").into_iter().filter(|identifier| identifier.is("system", NHS_NUMBER_SYSTEM));
    identifiers.filter_map(|identifier| identifier.text("value")).map(|value| value.parse().ok())
}

/// Minted ids of the Patients that a resource, its references already led, says it is about.
pub(super) fn subjects(arrived: &Arrived, reading: &Reading, person: Option<&str>) -> Vec<String> {
    let root = arrived.tree.root();
    let elsewhere = ELSEWHERE.iter().find(|(kind, _)| *kind == arrived.kind).map(|(_, paths)| *paths);
    let mut subjects = Vec::new();
    let mut take = |node: Ref<'_>| subjects.extend(one(node, root, reading, person));
    match elsewhere {
        Some(paths) => paths.iter().flat_map(|path| root.all(path)).for_each(take),
        None => {
            for node in ["subject", "patient"].into_iter().filter_map(|name| root.get(name)) {
                if node.is_array() { node.items().for_each(&mut take) } else { take(node) }
            }
        }
    }
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

fn one(node: Ref<'_>, root: Ref<'_>, reading: &Reading, person: Option<&str>) -> Option<String> {
    let text = node.get("reference").and_then(Ref::value);
    if let Some(id) = text.as_deref().and_then(|text| text.strip_prefix("Patient/")) {
        return Some(id.to_owned());
    }
    let stranger = |what: &str| Some(ids::hashed(&reading.source, what.as_bytes()));
    let contained = text
        .as_deref()
        .and_then(|text| text.strip_prefix('#'))
        .and_then(|id| root.all("contained").into_iter().find(|one| one.is("id", id) && one.is("resourceType", "Patient")));
    // By identifier: here, or of a Patient inside the resource.
    let mut said = numbers(contained.unwrap_or(node)).peekable();
    if said.peek().is_some() {
        let theirs = said.any(|own| own.is_some_and(|own| reading.numbers.contains(&own)));
        return match person {
            Some(person) if theirs => Some(person.to_owned()),
            _ => stranger(&node.to_json()),
        };
    }
    match text.as_deref() {
        Some(text) if text.starts_with("urn:") => stranger(text),
        Some(text) if text.starts_with("Patient?") => by_query(text, reading, person).or_else(|| stranger(text)),
        // The address of a Patient elsewhere was taken out, its type left.
        None if node.is("type", "Patient") => stranger(&node.to_json()),
        _ => None,
    }
}

/// `Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018`
fn by_query(text: &str, reading: &Reading, person: Option<&str>) -> Option<String> {
    let (_, value) = text.split_once('|').or_else(|| text.split_once("%7C")).or_else(|| text.split_once("%7c"))?;
    let number: NhsNumber = value.split('&').next()?.parse().ok()?;
    reading.numbers.contains(&number).then(|| person.map(str::to_owned))?
}
