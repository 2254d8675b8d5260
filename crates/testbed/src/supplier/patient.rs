//! The Patient resource, as each version and supplier has it.

use super::{Habits, Verification, Version};
use crate::node::{Node, list, object};
use crate::pen::{coding, organisation_id, pointer};
use crate::person::{KnownAs, Person};

/// One Patient for each id that the supplier has for a person.
pub(super) fn patients(habits: &Habits, base: &str, person: &Person) -> Vec<Node> {
    let Some(known) = person.known_to.get(habits.id) else {
        return Vec::new();
    };
    let ids = person.ids_at(habits);
    let one = |id: &String| patient(habits, base, person, known, id, &ids);
    ids.iter().map(one).collect()
}

fn patient(habits: &Habits, base: &str, person: &Person, known: &KnownAs, id: &str, all: &[String]) -> Node {
    let about = &person.about;
    let given = known.given.as_ref().unwrap_or(&about.given);
    let family = known.family.as_ref().unwrap_or(&about.family);
    let gender = known.gender.as_ref().unwrap_or(&about.gender);
    let birth_date = known.birth_date.as_ref().unwrap_or(&about.birth_date);
    let mut names = vec![name(habits.version, "official", about.title.as_deref(), given, family)];
    let renamed = known.family.is_none() && known.given.is_none();
    if renamed && (about.previous_family.is_some() || about.previous_given.is_some()) {
        let family = about.previous_family.as_ref().unwrap_or(family);
        let given = about.previous_given.as_ref().unwrap_or(given);
        names.push(name(habits.version, "old", None, given, family));
    }
    let others = all.iter().filter(|other| *other != id);
    let linked: Vec<Node> = others.map(|other| link(habits, base, other)).collect();
    let practice = about.practice.as_deref().map(|ods| {
        let id = organisation_id(habits, ods);
        object! { "reference": pointer(habits, base, "Organization", &id) }
    });
    let mut node = object! {
        "resourceType": "Patient",
        "id": id,
        "meta": object! { "versionId": "1", "lastUpdated": "2026-10-30T04:15:00Z" },
        "identifier": list![
            nhs_number(habits, person, known),
            object! { "system": habits.person_system, "value": id },
        ],
        "active": true,
        "name": names,
        "telecom": list![about.phone.as_deref().map(|phone| {
            object! { "system": "phone", "value": phone, "use": "home" }
        })],
        "gender": gender,
        "birthDate": birth_date,
        "deceasedDateTime": about.died.as_deref(),
        "address": list![address(known.address.as_ref().unwrap_or(&about.address))],
    };
    node.append(match habits.version {
        Version::Dstu2 => object! { "careProvider": list![practice] },
        Version::Stu3 | Version::R4 => object! { "generalPractitioner": list![practice] },
    });
    node.append(object! { "link": linked });
    node
}

fn name(version: Version, usage: &str, title: Option<&str>, given: &[String], family: &str) -> Node {
    let family = match version {
        Version::Dstu2 => list![family],
        Version::Stu3 | Version::R4 => family.into(),
    };
    object! {
        "use": usage,
        "family": family,
        "given": given.iter().map(Node::from).collect::<Vec<_>>(),
        "prefix": list![title],
    }
}

fn address(lines: &[String]) -> Node {
    let Some((postcode, lines)) = lines.split_last() else {
        return Node::Nothing;
    };
    let (city, lines) = lines.split_last().map_or((None, lines), |(city, rest)| (Some(city), rest));
    object! {
        "use": "home",
        "line": lines.iter().map(Node::from).collect::<Vec<_>>(),
        "city": city,
        "postalCode": postcode,
    }
}

fn link(habits: &Habits, base: &str, other: &str) -> Node {
    let kind = match habits.version {
        Version::Dstu2 => "refer",
        Version::Stu3 | Version::R4 => "seealso",
    };
    object! {
        "other": object! { "reference": pointer(habits, base, "Patient", other) },
        "type": kind,
    }
}

fn nhs_number(habits: &Habits, person: &Person, known: &KnownAs) -> Node {
    let code = known.verification.as_deref().unwrap_or("01");
    let (word, display) = match code {
        "01" => ("number-present-and-verified", "Number present and verified"),
        "02" => ("number-present-but-not-traced", "Number present but not traced"),
        "03" => ("trace-required", "Trace required"),
        "04" => ("trace-attempted", "Trace attempted - No match or multiple match found"),
        "05" => ("trace-needs-to-be-resolved", "Trace needs to be resolved"),
        "06" => ("trace-in-progress", "Trace in progress"),
        _ => ("number-not-present-and-trace-not-required", "Number not present and trace not required"),
    };
    let url = match habits.verification {
        Verification::ByContract => None,
        Verification::CareConnect => {
            Some("https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-NHSNumberVerificationStatus-1")
        }
        Verification::CareConnectGpc => {
            Some("https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-NHSNumberVerificationStatus-1")
        }
        Verification::UkCore | Verification::UkCoreEngland => {
            Some("https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus")
        }
    };
    let status = match habits.verification {
        Verification::UkCore => coding("https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus", word, display),
        Verification::UkCoreEngland => {
            coding("https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland", code, display)
        }
        Verification::CareConnect => {
            coding("https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1", code, display)
        }
        Verification::CareConnectGpc | Verification::ByContract => {
            coding("https://fhir.nhs.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1", code, display)
        }
    };
    let extension = url.map(|url| {
        object! { "url": url, "valueCodeableConcept": object! { "coding": list![status] } }
    });
    object! {
        "extension": list![extension],
        "use": "official",
        "system": habits.nhs_system,
        "value": &person.about.nhs_number,
    }
}
