//! Referrals.

use super::Writes;
use crate::node::{Node, list, object};
use crate::pen::Pen;
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Referral {
    /// What is asked for.
    what: String,
    /// When it was made.
    when: String,
    /// `draft`, `active`, `completed`, `revoked` or `entered-in-error`.
    #[serde(default = "active")]
    status: String,
    /// `routine`, `urgent`, `asap` or `stat`.
    priority: Option<String>,
    /// Why.
    #[serde(rename = "for")]
    reason: Option<String>,
    /// ODS code of the organisation that receives it.
    to: Option<String>,
    /// The letter's message in a sentence.
    summary: Option<String>,
}

fn active() -> String {
    "active".into()
}

impl Writes for Referral {
    const CLASHES: &'static [&'static str] = &["status"];

    fn resource_type(&self, version: Version) -> Option<&'static str> {
        Some(match version {
            Version::R4 => "ServiceRequest",
            Version::Stu3 | Version::Dstu2 => "ReferralRequest",
        })
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let to = list![self.to.as_deref().map(|ods| pen.organisation_of(ods))];
        let reason = self.reason.as_deref().map(|reason| pen.concept(reason));
        match pen.version() {
            Version::R4 => object! {
                "identifier": pen.identifiers(),
                "status": &self.status,
                "intent": "order",
                "priority": self.priority.as_deref(),
                "code": pen.what(&self.what),
                "subject": pen.subject(),
                "encounter": pen.encounter(),
                "authoredOn": pen.when(&self.when),
                "requester": pen.author(),
                "performer": to,
                "reasonCode": list![reason],
                "note": list![object! { "text": self.summary.as_deref() }],
            },
            Version::Stu3 => object! {
                "identifier": pen.identifiers(),
                "status": if self.status == "revoked" { "cancelled" } else { &self.status },
                "intent": "order",
                "priority": self.priority.as_deref(),
                "serviceRequested": list![pen.what(&self.what)],
                "subject": pen.subject(),
                "context": pen.encounter(),
                "authoredOn": pen.when(&self.when),
                "requester": match pen.author() {
                    Node::Nothing => Node::Nothing,
                    agent => object! { "agent": agent, "onBehalfOf": pen.organisation() },
                },
                "recipient": to,
                "reasonCode": list![reason],
                "description": self.summary.as_deref(),
            },
            Version::Dstu2 => object! {
                "status": match self.status.as_str() {
                    "revoked" | "entered-in-error" => "cancelled",
                    status => status,
                },
                "identifier": pen.identifiers(),
                "date": pen.when(&self.when),
                "patient": pen.subject(),
                "requester": pen.author(),
                "recipient": to,
                "encounter": pen.encounter(),
                "reason": reason,
                "description": self.summary.as_deref(),
                "serviceRequested": list![pen.what(&self.what)],
            },
        }
    }
}
