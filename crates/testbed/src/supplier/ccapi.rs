//! A CareCentric's JSON part: Find Patient, then bundle by bundle.

use super::{Habits, Maker, Supplier};
use crate::bundles::{BUNDLES, bundle, patients};
use crate::fault::Fault;
use crate::fault::tamper::{slip, stranger_id};
use crate::ident;
use crate::message::{Request, Response};
use crate::node::{Node, list, object};
use crate::person::{Person, people};
use http::{Method, StatusCode};

/// Which bundles hold something of a type.
const HOLD: &[(&str, &[&str])] = &[
    ("Appointment", &["adt"]),
    ("CarePlan", &["community", "mh"]),
    ("CareTeam", &["community", "mh"]),
    ("Communication", &["acute"]),
    ("Condition", &["acute", "gp", "mh"]),
    ("Encounter", &["adt", "community", "mh"]),
    ("EpisodeOfCare", &["community"]),
    ("FamilyMemberHistory", &["gp"]),
    ("Flag", &["alerts", "mh"]),
    ("Goal", &["community"]),
    ("ReferralRequest", &["acute"]),
    ("RelatedPerson", &["demographics"]),
    ("ServiceRequest", &["acute"]),
];

impl Supplier {
    /// The answer to what is asked of the JSON part; none when it is not that which is asked.
    pub(super) fn ccapi(&self, request: &Request, faults: &[Fault]) -> Option<Response> {
        let habits = self.habits();
        let rest =
            request.path_and_query.strip_prefix(habits.home())?.strip_prefix("/ccapi/").filter(|_| habits.maker == Maker::CareCentric)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if path == "PatientSearch/Search" {
            return Some(find(habits, request, faults));
        }
        let Some((_, name)) = BUNDLES.iter().find(|(own, _)| *own == path) else {
            return Some(say(StatusCode::NOT_FOUND, &message("Resource not found")));
        };
        let lost = |fault: &Fault| match fault {
            Fault::LosesType { kind } => HOLD.iter().any(|(own, bundles)| own == kind && bundles.contains(name)),
            _ => false,
        };
        if request.method != Method::GET || faults.iter().any(lost) {
            return Some(say(StatusCode::INTERNAL_SERVER_ERROR, &message("An error has occurred.")));
        }
        let asked = super::pages::params(query).into_iter().find(|(name, _)| name == "PatientDetailId").map(|(_, id)| id);
        let Some(asked) = asked else { return Some(say(StatusCode::BAD_REQUEST, &message("PatientDetailId is required"))) };
        // Any linked id gives what all of them have.
        let person = people().iter().find(|person| person.ids_at(habits).contains(&asked));
        let node = match person {
            Some(person) => bundle(habits, self.base(), person, name, &asked),
            None => object! { "PatientDetailId": asked.as_str(), "TotalItemCount": 0_usize },
        };
        Some(say(StatusCode::OK, &tampered(habits, faults, node)))
    }
}

fn find(habits: &Habits, request: &Request, faults: &[Fault]) -> Response {
    let body = std::str::from_utf8(&request.body).ok().and_then(|body| Node::parse(body).ok());
    let Some(body) = body.filter(|_| request.method == Method::POST) else {
        return say(StatusCode::BAD_REQUEST, &message("The request is invalid."));
    };
    let number = body.text_at("NhsNumber").unwrap_or_default();
    let found: Vec<Node> =
        people().iter().filter(|person: &&Person| person.about.nhs_number == number).flat_map(|person| patients(habits, person)).collect();
    let count = found.len();
    let node = Node::Object(vec![("PatientsCollection".into(), Node::List(found)), ("TotalItemCount".into(), count.into())]);
    say(StatusCode::OK, &tampered(habits, faults, node))
}

fn message(text: &str) -> Node {
    object! { "message": text }
}

fn say(status: StatusCode, node: &Node) -> Response {
    Response::new(status, "application/json; charset=utf-8", node.to_json())
}

/// The records as the faults would have them.
fn tampered(habits: &Habits, faults: &[Fault], mut node: Node) -> Node {
    let Node::Object(members) = &mut node else { return node };
    for (name, value) in members {
        let Node::List(records) = value else { continue };
        for fault in faults {
            match fault {
                Fault::DuplicatePatients if name == "PatientsCollection" => double(records),
                Fault::OtherSubject if name != "PatientsCollection" => misdirect(records, Some(&stranger_id(habits))),
                Fault::NoSubject if name != "PatientsCollection" => misdirect(records, None),
                Fault::WrongPerson { by } if name == "PatientsCollection" => records.iter_mut().for_each(|record| wrong(*by, record)),
                _ => {}
            }
        }
    }
    node
}

fn double(records: &mut Vec<Node>) {
    for mut record in records.clone() {
        let id = record.text_at("PatientDetailId").unwrap_or_default().to_owned();
        record.set("PatientDetailId", format!("{id}-2"));
        records.push(record);
    }
}

fn misdirect(records: &mut [Node], id: Option<&str>) {
    if let Some(record) = records.first_mut() {
        record.set("PatientDetailId", id);
    }
}

fn wrong(by: crate::fault::Wrong, record: &mut Node) {
    use crate::fault::Wrong;
    let born = record.text_at("DateOfBirth").unwrap_or_default().to_owned();
    match by {
        Wrong::BirthDate => record.set("DateOfBirth", "1901-02-03T00:00:00"),
        Wrong::GivenName => {
            record.set("Forename", "Zebedee");
            if record.at("FormerNames").is_some() {
                record.set("FormerNames", list![object! { "Forename": "Zebedee" }]);
            }
        }
        Wrong::NoBirthDate => record.set("DateOfBirth", Node::Nothing),
        Wrong::Number | Wrong::Unverified => {
            let number = record.at("NhsNumber").and_then(|number| number.text_at("Value")).unwrap_or_default().to_owned();
            record.set(
                "NhsNumber",
                match by {
                    Wrong::Number => object! { "Value": ident::another_nhs_number(&number), "Status": "01" },
                    _ => object! { "Value": number },
                },
            );
        }
        Wrong::Slip => record.set("DateOfBirth", format!("{}T00:00:00", slip(born.get(..10).unwrap_or_default()))),
    }
}
