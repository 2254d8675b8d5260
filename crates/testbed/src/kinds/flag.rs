//! Flags: warnings and needs that must be seen.

use super::Writes;
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable};
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flag {
    /// The warning.
    what: String,
    /// `clinical`, `safety`, `behavioral`, `admin`, `advance-directive` or `contact`.
    category: String,
    /// `active`, `inactive` or `entered-in-error`.
    #[serde(default = "active")]
    status: String,
    /// From when.
    since: Option<String>,
    /// Until when.
    until: Option<String>,
}

fn active() -> String {
    "active".into()
}

impl Writes for Flag {
    const CLASHES: &'static [&'static str] = &["status"];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Flag")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let system = match pen.version() {
            Version::R4 => "http://terminology.hl7.org/CodeSystem/flag-category",
            Version::Stu3 | Version::Dstu2 => "http://hl7.org/fhir/flag-category",
        };
        let category = codeable(system, &self.category, &self.category);
        let period = pen.period(self.since.as_ref(), self.until.as_ref());
        match pen.version() {
            Version::Dstu2 => object! {
                "identifier": pen.identifiers(),
                "category": category,
                "status": &self.status,
                "period": period,
                "subject": pen.subject(),
                "encounter": pen.encounter(),
                "author": pen.author(),
                "code": pen.what(&self.what),
            },
            version => object! {
                "identifier": pen.identifiers(),
                "status": &self.status,
                "category": if version == Version::R4 { list![category] } else { category },
                "code": pen.what(&self.what),
                "subject": pen.subject(),
                "period": period,
                "encounter": pen.encounter(),
                "author": pen.author(),
            },
        }
    }
}
