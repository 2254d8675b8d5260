//! Letters and other documents, with their content.

use super::Writes;
use crate::ident;
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable};
use crate::supplier::Version;
use base64::Engine;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// What sort of document it is.
    what: String,
    /// Title.
    title: String,
    /// When it was written.
    when: String,
    /// `current`, `superseded` or `entered-in-error`.
    #[serde(default = "current")]
    status: String,
    /// Its text. It is sent as a Binary.
    text: String,
    /// `text/plain` when absent.
    media_type: Option<String>,
}

fn current() -> String {
    "current".into()
}

impl Writes for Document {
    const CLASHES: &'static [&'static str] = &["status", "text"];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("DocumentReference")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let author = match pen.author() {
            Node::Nothing => pen.organisation(),
            author => author,
        };
        let content = list![object! { "attachment": self.attachment(pen) }];
        match pen.version() {
            Version::R4 => object! {
                "masterIdentifier": pen.identifier(),
                "status": &self.status,
                "docStatus": "final",
                "type": pen.what(&self.what),
                "subject": pen.subject(),
                "date": pen.instant(&self.when),
                "author": list![author],
                "custodian": pen.organisation(),
                "description": &self.title,
                "content": content,
                "context": object! { "encounter": list![pen.encounter()] },
            },
            Version::Stu3 => object! {
                "masterIdentifier": pen.identifier(),
                "status": &self.status,
                "docStatus": "final",
                "type": pen.what(&self.what),
                "subject": pen.subject(),
                "created": pen.when(&self.when),
                "indexed": pen.instant(&self.when),
                "author": list![author],
                "custodian": pen.organisation(),
                "description": &self.title,
                "content": content,
                "context": object! { "encounter": pen.encounter() },
            },
            Version::Dstu2 => object! {
                "masterIdentifier": pen.identifier(),
                "subject": pen.subject(),
                "type": pen.what(&self.what),
                "author": list![author],
                "custodian": pen.organisation(),
                "created": pen.when(&self.when),
                "indexed": pen.instant(&self.when),
                "status": &self.status,
                "docStatus": codeable("http://hl7.org/fhir/composition-status", "final", "Final"),
                "description": &self.title,
                "content": content,
                "context": object! { "encounter": pen.encounter() },
            },
        }
    }
}

impl Document {
    fn attachment(&self, pen: &Pen<'_>) -> Node {
        let media_type = self.media_type.as_deref().unwrap_or("text/plain");
        let id = ident::local(pen.habits.ids, &format!("binary/{}", pen.holding.id));
        let data = base64::engine::general_purpose::STANDARD.encode(&self.text);
        let name = match pen.version() {
            Version::R4 => "data",
            Version::Stu3 | Version::Dstu2 => "content",
        };
        let mut binary = pen.head("Binary", &id);
        binary.append(object! { "contentType": media_type });
        binary.set(name, data);
        pen.also(binary);
        object! {
            "contentType": media_type,
            "url": format!("{}/Binary/{id}", pen.base),
            "size": self.text.len(),
            "title": &self.title,
        }
    }
}
