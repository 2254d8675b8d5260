//! Vaccinations given, and not given.

use super::{Key, Writes};
use crate::node::{Node, list, object};
use crate::pen::Pen;
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vaccination {
    /// The vaccine, as a product or a procedure.
    what: String,
    /// `completed`, `not-done` or `entered-in-error`.
    #[serde(default = "completed")]
    status: String,
    /// When.
    when: String,
    /// Batch.
    lot: Option<String>,
    /// Which dose of its course.
    dose_number: Option<u32>,
    /// The disease it is against.
    against: Option<String>,
    /// Where it was given, such as "Left upper arm".
    site: Option<String>,
    /// Why not, when it was not given.
    not_because: Option<String>,
    /// Given by whoever recorded it.
    #[serde(default = "yes")]
    first_hand: bool,
}

fn completed() -> String {
    "completed".into()
}

fn yes() -> bool {
    true
}

impl Writes for Vaccination {
    const CLASHES: &'static [&'static str] = &["status", "lot", "dose_number"];
    const KEY: Key = Key::Day("when");

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Immunization")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        match pen.version() {
            Version::Dstu2 => self.dstu2(pen),
            Version::Stu3 => self.stu3(pen),
            Version::R4 => self.r4(pen),
        }
    }
}

impl Vaccination {
    fn r4(&self, pen: &Pen<'_>) -> Node {
        let performer = match pen.author() {
            Node::Nothing => object! { "actor": pen.organisation() },
            actor => object! { "actor": actor },
        };
        object! {
            "identifier": pen.identifiers(),
            "status": &self.status,
            "statusReason": self.why_not(),
            "vaccineCode": pen.what(&self.what),
            "patient": pen.subject(),
            "encounter": pen.encounter(),
            "occurrenceDateTime": pen.when(&self.when),
            "recorded": pen.recorded(),
            "primarySource": self.first_hand,
            "location": pen.place(),
            "lotNumber": self.lot.as_deref(),
            "site": self.site(pen),
            "performer": list![performer],
            "note": pen.notes(),
            "protocolApplied": list![object! {
                "targetDisease": self.dose_number.map(|_| list![self.against(pen)]),
                "doseNumberPositiveInt": self.dose_number,
            }],
        }
    }

    fn stu3(&self, pen: &Pen<'_>) -> Node {
        let not_given = self.status == "not-done";
        let status = if not_given { "completed" } else { &self.status };
        let practitioner = match pen.author() {
            Node::Nothing => Node::Nothing,
            actor => object! { "actor": actor },
        };
        object! {
            "identifier": pen.identifiers(),
            "status": status,
            "notGiven": not_given,
            "vaccineCode": pen.what(&self.what),
            "patient": pen.subject(),
            "encounter": pen.encounter(),
            "date": pen.when(&self.when),
            "primarySource": self.first_hand,
            "location": pen.place(),
            "lotNumber": self.lot.as_deref(),
            "site": self.site(pen),
            "practitioner": list![practitioner],
            "note": pen.notes(),
            "explanation": object! { "reasonNotGiven": list![self.why_not()] },
            "vaccinationProtocol": self.protocol(pen),
        }
    }

    fn dstu2(&self, pen: &Pen<'_>) -> Node {
        let not_given = self.status == "not-done";
        let status = if not_given { "completed" } else { &self.status };
        object! {
            "identifier": pen.identifiers(),
            "status": status,
            "date": pen.when(&self.when),
            "vaccineCode": pen.what(&self.what),
            "patient": pen.subject(),
            "wasNotGiven": not_given,
            "reported": !self.first_hand,
            "performer": pen.author(),
            "encounter": pen.encounter(),
            "location": pen.place(),
            "lotNumber": self.lot.as_deref(),
            "site": self.site(pen),
            "note": pen.notes(),
            "explanation": object! { "reasonNotGiven": list![self.why_not()] },
            "vaccinationProtocol": self.protocol(pen),
        }
    }

    fn protocol(&self, pen: &Pen<'_>) -> Node {
        let Some(dose) = self.dose_number else {
            return Node::Nothing;
        };
        let system = "http://hl7.org/fhir/vaccination-protocol-dose-status";
        list![object! {
            "doseSequence": dose,
            "targetDisease": list![self.against(pen)],
            "doseStatus": object! { "coding": list![object! {
                "system": system, "code": "count", "display": "Counts",
            }] },
        }]
    }

    fn against(&self, pen: &Pen<'_>) -> Node {
        pen.concept(self.against.as_deref().unwrap_or("Not said"))
    }

    fn site(&self, pen: &Pen<'_>) -> Node {
        self.site.as_deref().map_or(Node::Nothing, |site| pen.concept(site))
    }

    fn why_not(&self) -> Node {
        let why = self.not_because.as_deref();
        why.map(|why| object! { "text": why }).into()
    }
}
