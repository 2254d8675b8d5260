//! Procedures done, and not done.

use super::{Key, Writes};
use crate::node::{Node, list, object};
use crate::pen::Pen;
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Procedure {
    /// The procedure.
    what: String,
    /// When.
    when: String,
    /// `completed`, `not-done`, `in-progress` or `entered-in-error`.
    #[serde(default = "completed")]
    status: String,
    /// Where on the body, with the side.
    site: Option<String>,
    /// Why it was done.
    #[serde(rename = "for")]
    reason: Option<String>,
    /// How it turned out.
    outcome: Option<String>,
}

fn completed() -> String {
    "completed".into()
}

impl Writes for Procedure {
    const CLASHES: &'static [&'static str] = &["status", "site"];
    const KEY: Key = Key::Onset("when");

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Procedure")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        match pen.version() {
            Version::Dstu2 => self.dstu2(pen),
            Version::Stu3 | Version::R4 => self.later(pen),
        }
    }
}

impl Procedure {
    fn later(&self, pen: &Pen<'_>) -> Node {
        let not_done = self.status == "not-done";
        let r4 = pen.version() == Version::R4;
        let mut node = object! {
            "identifier": pen.identifiers(),
            "status": if not_done && !r4 { "completed" } else { &self.status },
            "notDone": (!r4).then_some(not_done),
            "code": pen.what(&self.what),
            "subject": pen.subject(),
        };
        node.append(match r4 {
            true => object! { "encounter": pen.encounter() },
            false => object! { "context": pen.encounter() },
        });
        let performer = match pen.author() {
            Node::Nothing => Node::Nothing,
            actor => object! { "actor": actor },
        };
        node.append(object! {
            "performedDateTime": pen.when(&self.when),
            "performer": list![performer],
            "location": pen.place(),
            "reasonCode": list![self.reason.as_deref().map(|reason| pen.concept(reason))],
            "bodySite": list![self.site.as_deref().map(|site| pen.concept(site))],
            "outcome": self.outcome.as_deref().map(|outcome| pen.concept(outcome)),
            "note": pen.notes(),
        });
        node
    }

    fn dstu2(&self, pen: &Pen<'_>) -> Node {
        let not_done = self.status == "not-done";
        let performer = match pen.author() {
            Node::Nothing => Node::Nothing,
            actor => object! { "actor": actor },
        };
        object! {
            "identifier": pen.identifiers(),
            "subject": pen.subject(),
            "status": if not_done { "aborted" } else { &self.status },
            "code": pen.what(&self.what),
            "notPerformed": not_done,
            "bodySite": list![self.site.as_deref().map(|site| pen.concept(site))],
            "reasonCodeableConcept": self.reason.as_deref().map(|reason| pen.concept(reason)),
            "performer": list![performer],
            "performedDateTime": pen.when(&self.when),
            "encounter": pen.encounter(),
            "location": pen.place(),
            "outcome": self.outcome.as_deref().map(|outcome| pen.concept(outcome)),
            "notes": pen.notes(),
        }
    }
}
