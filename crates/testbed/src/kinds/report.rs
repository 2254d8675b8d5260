//! Diagnostic reports.

use super::Writes;
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable};
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    /// The investigation.
    what: String,
    /// When the thing reported on was so.
    when: String,
    /// When it was issued.
    issued: String,
    /// `final`, `preliminary`, `amended`, `corrected` or `entered-in-error`.
    #[serde(default = "done")]
    status: String,
    /// `LAB` or `RAD`.
    #[serde(default = "laboratory")]
    category: String,
    /// Keys of the observations in it.
    #[serde(default)]
    results: Vec<String>,
    /// Key of the specimen.
    specimen: Option<String>,
    /// What the reporter concludes.
    conclusion: Option<String>,
}

fn done() -> String {
    "final".into()
}

fn laboratory() -> String {
    "LAB".into()
}

impl Writes for Report {
    const CLASHES: &'static [&'static str] = &["status", "conclusion"];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("DiagnosticReport")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let version = pen.version();
        let system = match version {
            Version::R4 => "http://terminology.hl7.org/CodeSystem/v2-0074",
            Version::Stu3 | Version::Dstu2 => "http://hl7.org/fhir/v2/0074",
        };
        let display = if self.category == "RAD" { "Radiology" } else { "Laboratory" };
        let category = codeable(system, &self.category, display);
        let mut node = object! {
            "identifier": pen.identifiers(),
            "status": &self.status,
            "category": match version {
                Version::R4 => list![category],
                Version::Stu3 | Version::Dstu2 => category,
            },
            "code": pen.what(&self.what),
            "subject": pen.subject(),
        };
        node.append(match version {
            Version::Stu3 => object! { "context": pen.encounter() },
            Version::Dstu2 | Version::R4 => object! { "encounter": pen.encounter() },
        });
        let performer = match pen.author() {
            Node::Nothing => pen.organisation(),
            author => author,
        };
        let results = self.results.iter().map(|key| pen.fact(key)).collect::<Vec<_>>();
        node.append(object! {
            "effectiveDateTime": pen.when(&self.when),
            "issued": pen.instant(&self.issued),
            "performer": match version {
                Version::Dstu2 => performer,
                Version::Stu3 => list![object! { "actor": performer }],
                Version::R4 => list![performer],
            },
            "specimen": list![self.specimen.as_deref().map(|key| pen.fact(key))],
            "result": results,
            "conclusion": self.conclusion.as_deref(),
        });
        node
    }
}
