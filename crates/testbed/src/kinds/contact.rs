//! Contacts with services: encounters, episodes of care and appointments.

use super::{Key, Writes};
use crate::node::{Node, list, object};
use crate::pen::{Pen, coding};
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Encounter {
    /// What sort of contact it was.
    what: String,
    /// `inpatient`, `emergency`, `outpatient`, `home`, `virtual` or `ambulatory`.
    class: String,
    /// `planned`, `in-progress`, `finished` or `cancelled`.
    #[serde(default = "finished")]
    status: String,
    /// When it began.
    since: String,
    /// When it ended.
    until: Option<String>,
    /// Why.
    #[serde(rename = "for")]
    reason: Option<String>,
    /// Where the person went afterwards.
    discharged_to: Option<String>,
}

fn finished() -> String {
    "finished".into()
}

impl Writes for Encounter {
    const CLASHES: &'static [&'static str] = &["status"];
    const KEY: Key = Key::Exact(&["class", "since", "place"]);

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Encounter")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let version = pen.version();
        let mut node = object! {
            "identifier": pen.identifiers(),
            "status": &self.status,
            "class": self.class(version),
            "type": list![pen.what(&self.what)],
        };
        node.append(match version {
            Version::Dstu2 => object! { "patient": pen.subject() },
            Version::Stu3 | Version::R4 => object! { "subject": pen.subject() },
        });
        let reason = list![self.reason.as_deref().map(|reason| pen.concept(reason))];
        let until = self.until.as_ref();
        let individual = match pen.author() {
            Node::Nothing => Node::Nothing,
            individual => object! { "individual": individual },
        };
        let stay = object! {
            "dischargeDisposition": self.discharged_to.as_deref().map(|to| pen.concept(to)),
        };
        let place = match pen.place() {
            Node::Nothing => Node::Nothing,
            location => object! { "location": location },
        };
        node.append(object! {
            "participant": list![individual],
            "period": pen.period(Some(&self.since), until),
        });
        node.append(match version {
            Version::R4 => object! { "reasonCode": reason },
            Version::Stu3 | Version::Dstu2 => object! { "reason": reason },
        });
        node.append(object! {
            "hospitalization": stay,
            "location": list![place],
            "serviceProvider": pen.organisation(),
        });
        node
    }
}

impl Encounter {
    fn class(&self, version: Version) -> Node {
        let (code, display) = match self.class.as_str() {
            "emergency" => ("EMER", "emergency"),
            "home" => ("HH", "home health"),
            "inpatient" => ("IMP", "inpatient encounter"),
            "virtual" => ("VR", "virtual"),
            _ => ("AMB", "ambulatory"),
        };
        match version {
            Version::R4 => coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", code, display),
            Version::Stu3 => coding("http://hl7.org/fhir/v3/ActCode", code, display),
            Version::Dstu2 => self.class.as_str().into(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Episode {
    /// The service or package of care.
    what: String,
    /// `planned`, `active`, `onhold`, `finished`, `cancelled` or `waitlist`.
    #[serde(default = "active")]
    status: String,
    /// From when.
    since: String,
    /// Until when.
    until: Option<String>,
}

fn active() -> String {
    "active".into()
}

impl Writes for Episode {
    const CLASHES: &'static [&'static str] = &["status"];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("EpisodeOfCare")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        object! {
            "identifier": pen.identifiers(),
            "status": &self.status,
            "type": list![pen.what(&self.what)],
            "patient": pen.subject(),
            "managingOrganization": pen.organisation(),
            "period": pen.period(Some(&self.since), self.until.as_ref()),
            "careManager": pen.author(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Appointment {
    /// What it is for, in words.
    what: String,
    /// `booked`, `fulfilled`, `cancelled`, `noshow` or `pending`.
    #[serde(default = "booked")]
    status: String,
    /// When it begins.
    when: String,
    /// When it ends.
    until: String,
    /// The service.
    service: Option<String>,
}

fn booked() -> String {
    "booked".into()
}

impl Writes for Appointment {
    const CLASHES: &'static [&'static str] = &["status", "when"];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Appointment")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let service = self.service.as_deref().map(|service| pen.concept(service));
        let mut node = object! { "identifier": pen.identifiers(), "status": &self.status };
        node.append(match pen.version() {
            Version::Dstu2 => object! { "type": service },
            Version::Stu3 | Version::R4 => object! { "serviceType": list![service] },
        });
        let taking_part = |actor: Node| match actor {
            Node::Nothing => Node::Nothing,
            actor => object! { "actor": actor, "required": "required", "status": "accepted" },
        };
        node.append(object! {
            "description": &self.what,
            "start": pen.instant(&self.when),
            "end": pen.instant(&self.until),
            "comment": pen.note_text(),
            "participant": list![
                taking_part(pen.subject()),
                taking_part(pen.author()),
                taking_part(pen.place()),
            ],
        });
        node
    }
}
