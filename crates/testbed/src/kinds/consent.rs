//! Consents, dissents and advance decisions.

use super::Writes;
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable};
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consent {
    /// What is consented to, or refused.
    what: String,
    /// When.
    when: String,
    /// `permit` or `deny`.
    decision: String,
    /// `patient-privacy`, `treatment` or `adr` (advance directive).
    #[serde(default = "treatment")]
    scope: String,
    /// `active`, `inactive`, `rejected` or `entered-in-error`.
    #[serde(default = "active")]
    status: String,
}

fn treatment() -> String {
    "treatment".into()
}

fn active() -> String {
    "active".into()
}

impl Writes for Consent {
    const CLASHES: &'static [&'static str] = &["decision", "status"];

    fn resource_type(&self, version: Version) -> Option<&'static str> {
        match version {
            Version::Dstu2 => None,
            Version::Stu3 | Version::R4 => Some("Consent"),
        }
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let category = list![pen.what(&self.what)];
        match pen.version() {
            Version::R4 => {
                let system = "http://terminology.hl7.org/CodeSystem/consentscope";
                let policy = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
                let rule = match self.decision.as_str() {
                    "deny" => codeable(policy, "OPTOUT", "opt-out"),
                    _ => codeable(policy, "OPTIN", "opt-in"),
                };
                object! {
                    "identifier": pen.identifiers(),
                    "status": &self.status,
                    "scope": codeable(system, &self.scope, &self.scope),
                    "category": category,
                    "patient": pen.subject(),
                    "dateTime": pen.when(&self.when),
                    "performer": list![pen.subject()],
                    "organization": list![pen.organisation()],
                    "policyRule": rule,
                    "provision": object! { "type": self.decision.as_str() },
                }
            }
            Version::Stu3 | Version::Dstu2 => object! {
                "identifier": pen.identifier(),
                "status": &self.status,
                "category": category,
                "patient": pen.subject(),
                "dateTime": pen.when(&self.when),
                "consentingParty": list![pen.subject()],
                "organization": list![pen.organisation()],
                "policyRule": match self.decision.as_str() {
                    "deny" => "http://hl7.org/fhir/ConsentPolicy/opt-out",
                    _ => "http://hl7.org/fhir/ConsentPolicy/opt-in",
                },
            },
        }
    }
}
