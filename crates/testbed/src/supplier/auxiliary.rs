//! What resources point at beside the person: staff, organisations, places and medicines.

use super::{Habits, Medicines, Version};
use crate::ident;
use crate::node::{Node, list, object};
use crate::pen::{human_name, medication_id, organisation_id, place_id, pointer, staff_id};
use crate::person::people;
use crate::region;
use crate::terms;
use std::collections::BTreeSet;

/// Everything of that sort that a supplier can be asked for.
pub(super) fn auxiliary(habits: &Habits, base: &str) -> Vec<Node> {
    let mut all: Vec<Node> = region::organisations().iter().map(|o| organisation(habits, o)).collect();
    all.extend(region::places().iter().map(|p| place(habits, base, p)));
    for staff in region::staff() {
        all.push(practitioner(habits, base, staff));
        if habits.version > Version::Dstu2 {
            all.push(role(habits, base, staff));
        }
    }
    if habits.medicines == Medicines::Referenced {
        all.extend(medicines(habits.id).iter().map(|name| medication(habits, name)));
    }
    all
}

fn head(kind: &str, id: &str) -> Node {
    object! {
        "resourceType": kind,
        "id": id,
        "meta": object! { "versionId": "1", "lastUpdated": "2026-10-01T02:00:00Z" },
    }
}

fn organisation(habits: &Habits, organisation: &region::Organisation) -> Node {
    let mut node = head("Organization", &organisation_id(habits, &organisation.ods));
    node.append(object! {
        "identifier": organisation.real_code.then(|| list![object! {
            "system": habits.ods_system, "value": &organisation.ods,
        }]),
        "active": true,
        "name": &organisation.name,
        "address": list![object! {
            "city": organisation.town.as_deref(),
            "postalCode": organisation.postcode.as_deref(),
        }],
    });
    node
}

fn place(habits: &Habits, base: &str, place: &region::Place) -> Node {
    let mut node = head("Location", &place_id(habits, &place.name));
    let organisation = organisation_id(habits, &place.at);
    node.append(object! {
        "status": "active",
        "name": &place.name,
        "managingOrganization": object! {
            "reference": pointer(habits, base, "Organization", &organisation),
        },
    });
    node
}

fn practitioner(habits: &Habits, base: &str, staff: &region::Staff) -> Node {
    let mut node = head("Practitioner", &staff_id(habits, &staff.name));
    let organisation = organisation_id(habits, &staff.at);
    let works_as = object! {
        "managingOrganization": object! {
            "reference": pointer(habits, base, "Organization", &organisation),
        },
        "role": object! { "text": &staff.role },
    };
    node.append(object! {
        "active": true,
        "name": human_name(habits.version, &staff.name),
        "practitionerRole": (habits.version == Version::Dstu2).then_some(list![works_as]),
    });
    node
}

fn role(habits: &Habits, base: &str, staff: &region::Staff) -> Node {
    let id = ident::local(habits.ids, &format!("{}/role/{}", habits.id, staff.name));
    let person = staff_id(habits, &staff.name);
    let organisation = organisation_id(habits, &staff.at);
    let mut node = head("PractitionerRole", &id);
    node.append(object! {
        "active": true,
        "practitioner": object! { "reference": pointer(habits, base, "Practitioner", &person) },
        "organization": object! {
            "reference": pointer(habits, base, "Organization", &organisation),
        },
        "code": list![object! { "text": &staff.role }],
    });
    node
}

/// The medicines that a supplier names in anyone's record.
fn medicines(supplier: &str) -> BTreeSet<&'static str> {
    let holdings = people().iter().flat_map(|p| &p.facts).flat_map(|f| &f.holdings);
    holdings.filter(|h| h.supplier == supplier).filter_map(|h| h.detail.medicine()).collect()
}

fn medication(habits: &Habits, name: &str) -> Node {
    let none = terms::Term::default();
    let term = terms::term(name).unwrap_or(&none);
    let coding = |system: &str, code: &Option<String>| code.as_deref().map(|code| crate::pen::coding(system, code, name));
    let mut node = head("Medication", &medication_id(habits, name));
    node.append(object! {
        "code": object! {
            "coding": list![
                coding("http://snomed.info/sct", &term.dmd),
                coding("https://fhir.hl7.org.uk/Id/emis-drug-codes", &term.emis),
            ],
            "text": name,
        },
    });
    node
}
