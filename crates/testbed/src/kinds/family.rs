//! What runs in the family.

use super::Writes;
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable};
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    /// The condition.
    what: String,
    /// `mother`, `father`, `sister`, `brother`, `daughter` or `son`.
    relation: String,
    /// When it was said.
    when: Option<String>,
    /// Age at which it began.
    at_age: Option<u32>,
}

impl Writes for Family {
    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("FamilyMemberHistory")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let (code, display) = match self.relation.as_str() {
            "brother" => ("BRO", "brother"),
            "daughter" => ("DAU", "natural daughter"),
            "father" => ("FTH", "father"),
            "mother" => ("MTH", "mother"),
            "sister" => ("SIS", "sister"),
            _ => ("SON", "natural son"),
        };
        let system = match pen.version() {
            Version::R4 => "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
            Version::Stu3 | Version::Dstu2 => "http://hl7.org/fhir/v3/RoleCode",
        };
        let relationship = codeable(system, code, display);
        let date = pen.maybe_when(self.when.as_ref());
        let age = self.at_age.map(|age| {
            object! {
                "value": age, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a",
            }
        });
        let mut condition = object! { "code": pen.what(&self.what) };
        condition.append(match pen.version() {
            Version::Dstu2 => object! { "onsetQuantity": age },
            Version::Stu3 | Version::R4 => object! { "onsetAge": age },
        });
        let condition = list![condition];
        match pen.version() {
            Version::Dstu2 => object! {
                "identifier": pen.identifiers(),
                "patient": pen.subject(),
                "date": date,
                "status": "completed",
                "relationship": relationship,
                "note": pen.annotation(),
                "condition": condition,
            },
            Version::Stu3 | Version::R4 => object! {
                "identifier": pen.identifiers(),
                "status": "completed",
                "patient": pen.subject(),
                "date": date,
                "relationship": relationship,
                "note": pen.notes(),
                "condition": condition,
            },
        }
    }
}
