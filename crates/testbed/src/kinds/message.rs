//! Messages between those who care for the person.

use super::Writes;
use crate::node::{Node, list, object};
use crate::pen::Pen;
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    /// What was said.
    what: String,
    /// When.
    when: String,
    /// `completed`, `in-progress` or `entered-in-error`.
    #[serde(default = "completed")]
    status: String,
    /// ODS code of the organisation that received it.
    to: Option<String>,
}

fn completed() -> String {
    "completed".into()
}

impl Writes for Message {
    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Communication")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let to = list![self.to.as_deref().map(|ods| pen.organisation_of(ods))];
        let payload = list![object! { "contentString": &self.what }];
        let sent = pen.when(&self.when);
        let status = match (self.status.as_str(), pen.version()) {
            ("entered-in-error", Version::Dstu2) => "rejected",
            (status, _) => status,
        };
        match pen.version() {
            Version::R4 => object! {
                "identifier": pen.identifiers(),
                "status": status,
                "subject": pen.subject(),
                "encounter": pen.encounter(),
                "sent": sent,
                "recipient": to,
                "sender": pen.author(),
                "payload": payload,
                "note": pen.notes(),
            },
            Version::Stu3 => object! {
                "identifier": pen.identifiers(),
                "status": status,
                "subject": pen.subject(),
                "recipient": to,
                "context": pen.encounter(),
                "sent": sent,
                "sender": pen.author(),
                "payload": payload,
                "note": pen.notes(),
            },
            Version::Dstu2 => object! {
                "identifier": pen.identifiers(),
                "sender": pen.author(),
                "recipient": to,
                "payload": payload,
                "status": status,
                "encounter": pen.encounter(),
                "sent": sent,
                "subject": pen.subject(),
            },
        }
    }
}
