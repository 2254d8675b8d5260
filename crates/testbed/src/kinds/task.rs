//! Tasks: assessments and pieces of work, in social care above all.

use super::Writes;
use crate::node::{Node, object};
use crate::pen::Pen;
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Task {
    /// The assessment or piece of work.
    what: String,
    /// `requested`, `accepted`, `in-progress`, `completed` or `cancelled`.
    #[serde(default = "completed")]
    status: String,
    /// When it was asked for.
    when: String,
    /// When it was done.
    until: Option<String>,
    /// What came of it.
    outcome: Option<String>,
}

fn completed() -> String {
    "completed".into()
}

impl Writes for Task {
    const CLASHES: &'static [&'static str] = &["status"];

    fn resource_type(&self, version: Version) -> Option<&'static str> {
        match version {
            Version::Dstu2 => None,
            Version::Stu3 | Version::R4 => Some("Task"),
        }
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let mut node = object! {
            "identifier": pen.identifiers(),
            "status": &self.status,
            "businessStatus": self.outcome.as_deref().map(|text| object! { "text": text }),
            "intent": "order",
            "code": pen.what(&self.what),
            "for": pen.subject(),
            "executionPeriod": pen.period(Some(&self.when), self.until.as_ref()),
            "authoredOn": pen.when(&self.when),
            "lastModified": pen.maybe_when(self.until.as_ref()),
        };
        let requester = match (pen.author(), pen.version()) {
            (Node::Nothing, _) => Node::Nothing,
            (author, Version::R4) => author,
            (agent, _) => object! { "agent": agent },
        };
        node.append(object! {
            "requester": requester,
            "owner": pen.organisation(),
            "note": pen.notes(),
        });
        node
    }
}
