//! People around the person: next of kin, carers.

use super::Writes;
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable, human_name};
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Relation {
    /// Their name.
    name: String,
    /// `daughter`, `son`, `mother`, `father`, `spouse`, `partner`, `sibling`, `carer`, `guardian`
    /// or `friend`.
    relation: String,
    /// Telephone number.
    phone: Option<String>,
    /// From when.
    since: Option<String>,
    /// Until when.
    until: Option<String>,
}

impl Writes for Relation {
    const CLASHES: &'static [&'static str] = &[];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("RelatedPerson")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let version = pen.version();
        let (code, display) = match self.relation.as_str() {
            "daughter" => ("DAUC", "daughter"),
            "father" => ("FTH", "father"),
            "friend" => ("FRND", "unrelated friend"),
            "guardian" => ("GUARD", "guardian"),
            "mother" => ("MTH", "mother"),
            "partner" => ("DOMPART", "domestic partner"),
            "sibling" => ("SIB", "sibling"),
            "son" => ("SONC", "son"),
            "spouse" => ("SPS", "spouse"),
            _ => ("CGV", "caregiver"),
        };
        let system = match version {
            Version::R4 => "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
            Version::Stu3 | Version::Dstu2 => "http://hl7.org/fhir/v3/RoleCode",
        };
        let relationship = codeable(system, code, display);
        let phone = self.phone.as_deref();
        object! {
            "identifier": pen.identifiers(),
            "active": (version != Version::Dstu2).then_some(self.until.is_none()),
            "patient": pen.subject(),
            "relationship": if version == Version::R4 { list![relationship] } else { relationship },
            "name": human_name(version, &self.name),
            "telecom": list![phone.map(|phone| object! { "system": "phone", "value": phone })],
            "period": pen.period(self.since.as_ref(), self.until.as_ref()),
        }
    }
}
