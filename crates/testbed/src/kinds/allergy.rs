//! Allergies, intolerances, and the statement that there are none.

use super::{Key, Writes};
use crate::node::{Node, list, object};
use crate::pen::Pen;
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allergy {
    /// The allergy, such as "Allergy to penicillin".
    what: String,
    /// The agent, where the reaction names it.
    substance: Option<String>,
    /// `active`, `inactive` or `resolved`.
    #[serde(default = "active")]
    status: String,
    /// `confirmed`, `unconfirmed`, `refuted` or `entered-in-error`.
    #[serde(default = "confirmed")]
    certainty: String,
    /// `high`, `low` or `unable-to-assess`.
    criticality: Option<String>,
    /// `allergy` or `intolerance`.
    nature: Option<String>,
    /// `medication`, `food`, `environment` or `biologic`.
    category: Option<String>,
    /// When it began.
    since: Option<String>,
    /// When it last happened.
    last: Option<String>,
    /// What happened.
    reaction: Option<String>,
    /// `mild`, `moderate` or `severe`.
    severity: Option<String>,
}

fn active() -> String {
    "active".into()
}

fn confirmed() -> String {
    "confirmed".into()
}

impl Writes for Allergy {
    const CLASHES: &'static [&'static str] = &["certainty", "criticality"];
    const KEY: Key = Key::Code;

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("AllergyIntolerance")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        match pen.version() {
            Version::Dstu2 => self.dstu2(pen),
            Version::Stu3 | Version::R4 => self.later(pen),
        }
    }
}

impl Allergy {
    fn later(&self, pen: &Pen<'_>) -> Node {
        let clinical = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
        let verification = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
        // Neither version lets an error have a clinical status.
        let live = self.certainty != "entered-in-error";
        let recorded_as = match pen.version() {
            Version::R4 => object! { "recordedDate": pen.recorded() },
            Version::Dstu2 | Version::Stu3 => object! { "assertedDate": pen.recorded() },
        };
        let mut node = object! {
            "identifier": pen.identifiers(),
            "clinicalStatus": live.then(|| pen.status(clinical, &self.status)),
            "verificationStatus": pen.status(verification, &self.certainty),
            "type": self.nature.as_deref(),
            "category": list![self.category.as_deref()],
            "criticality": self.criticality.as_deref(),
            "code": pen.what(&self.what),
            "patient": pen.subject(),
            "onsetDateTime": pen.maybe_when(self.since.as_ref()),
        };
        node.append(recorded_as);
        node.append(object! {
            "recorder": pen.author(),
            "lastOccurrence": pen.maybe_when(self.last.as_ref()),
            "note": pen.notes(),
            "reaction": self.reactions(pen),
        });
        node
    }

    fn dstu2(&self, pen: &Pen<'_>) -> Node {
        let status = if self.status == "active" { &self.certainty } else { &self.status };
        let criticality = self.criticality.as_deref().map(|c| match c {
            "high" => "CRITH",
            "low" => "CRITL",
            _ => "CRITU",
        });
        object! {
            "identifier": pen.identifiers(),
            "onset": pen.maybe_when(self.since.as_ref()),
            "recordedDate": pen.recorded(),
            "recorder": pen.author(),
            "patient": pen.subject(),
            "substance": pen.what(&self.what),
            "status": status,
            "criticality": criticality,
            "type": self.nature.as_deref(),
            "category": self.category.as_deref().filter(|c| *c != "biologic"),
            "lastOccurence": pen.maybe_when(self.last.as_ref()),
            "note": pen.annotation(),
            "reaction": self.reactions(pen),
        }
    }

    fn reactions(&self, pen: &Pen<'_>) -> Node {
        let Some(reaction) = &self.reaction else {
            return Node::Nothing;
        };
        list![object! {
            "substance": self.substance.as_deref().map(|s| pen.concept(s)),
            "manifestation": list![pen.concept(reaction)],
            "severity": self.severity.as_deref(),
        }]
    }
}
