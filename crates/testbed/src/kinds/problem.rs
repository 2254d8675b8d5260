//! Problems and diagnoses.

use super::{Key, Writes};
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable};
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Problem {
    /// The problem.
    what: String,
    /// `problem` (on the list) or `diagnosis` (of an encounter).
    #[serde(default = "problem", rename = "as")]
    role: String,
    /// `active`, `resolved` or `inactive`.
    #[serde(default = "active")]
    status: String,
    /// `confirmed`, `provisional`, `differential`, `refuted` or `entered-in-error`.
    #[serde(default = "confirmed")]
    certainty: String,
    /// `mild`, `moderate` or `severe`.
    severity: Option<String>,
    /// The site, with its side.
    site: Option<String>,
    /// When it began.
    since: Option<String>,
    /// When it ended.
    until: Option<String>,
}

fn problem() -> String {
    "problem".into()
}

fn active() -> String {
    "active".into()
}

fn confirmed() -> String {
    "confirmed".into()
}

impl Writes for Problem {
    const CLASHES: &'static [&'static str] = &["certainty", "site"];
    const KEY: Key = Key::Onset("since");

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Condition")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        match pen.version() {
            Version::Dstu2 => self.dstu2(pen),
            Version::Stu3 => self.stu3(pen),
            Version::R4 => self.r4(pen),
        }
    }
}

impl Problem {
    fn r4(&self, pen: &Pen<'_>) -> Node {
        let clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical";
        let verification = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
        let category = "http://terminology.hl7.org/CodeSystem/condition-category";
        object! {
            "identifier": pen.identifiers(),
            "clinicalStatus": self.live().then(|| pen.status(clinical, &self.status)),
            "verificationStatus": pen.status(verification, &self.certainty),
            "category": list![self.category(category)],
            "severity": self.severity(),
            "code": pen.what(&self.what),
            "bodySite": list![self.site(pen)],
            "subject": pen.subject(),
            "encounter": pen.encounter(),
            "onsetDateTime": pen.maybe_when(self.since.as_ref()),
            "abatementDateTime": pen.maybe_when(self.until.as_ref()),
            "recordedDate": pen.recorded(),
            "recorder": pen.author(),
            "note": pen.notes(),
        }
    }

    fn stu3(&self, pen: &Pen<'_>) -> Node {
        object! {
            "identifier": pen.identifiers(),
            "clinicalStatus": self.live().then_some(self.status.as_str()),
            "verificationStatus": &self.certainty,
            "category": list![self.category("http://hl7.org/fhir/condition-category")],
            "severity": self.severity(),
            "code": pen.what(&self.what),
            "bodySite": list![self.site(pen)],
            "subject": pen.subject(),
            "context": pen.encounter(),
            "onsetDateTime": pen.maybe_when(self.since.as_ref()),
            "abatementDateTime": pen.maybe_when(self.until.as_ref()),
            "assertedDate": pen.recorded(),
            "asserter": pen.author(),
            "note": pen.notes(),
        }
    }

    fn dstu2(&self, pen: &Pen<'_>) -> Node {
        let day = self.recorded_day(pen);
        object! {
            "identifier": pen.identifiers(),
            "patient": pen.subject(),
            "encounter": pen.encounter(),
            "asserter": pen.author(),
            "dateRecorded": day,
            "code": pen.what(&self.what),
            "category": codeable("http://hl7.org/fhir/condition-category", "diagnosis", "Diagnosis"),
            "clinicalStatus": self.live().then_some(match self.status.as_str() {
                "inactive" => "remission",
                status => status,
            }),
            "verificationStatus": &self.certainty,
            "severity": self.severity(),
            "onsetDateTime": pen.maybe_when(self.since.as_ref()),
            "abatementDateTime": pen.maybe_when(self.until.as_ref()),
            "bodySite": list![self.site(pen)],
            "notes": pen.note_text(),
        }
    }

    fn recorded_day(&self, pen: &Pen<'_>) -> Option<String> {
        let recorded = pen.common().recorded.as_deref()?;
        Some(recorded.chars().take(10).collect())
    }

    fn live(&self) -> bool {
        self.certainty != "entered-in-error"
    }

    fn category(&self, system: &str) -> Node {
        match self.role.as_str() {
            "diagnosis" => codeable(system, "encounter-diagnosis", "Encounter Diagnosis"),
            _ => codeable(system, "problem-list-item", "Problem List Item"),
        }
    }

    fn severity(&self) -> Node {
        let code = match self.severity.as_deref() {
            Some("mild") => ("255604002", "Mild"),
            Some("moderate") => ("6736007", "Moderate"),
            Some("severe") => ("24484000", "Severe"),
            _ => return Node::Nothing,
        };
        codeable("http://snomed.info/sct", code.0, code.1)
    }

    fn site(&self, pen: &Pen<'_>) -> Node {
        self.site.as_deref().map_or(Node::Nothing, |site| pen.concept(site))
    }
}
