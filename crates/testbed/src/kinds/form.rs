//! Questionnaires answered.

use super::Writes;
use crate::node::{Node, list, object};
use crate::pen::Pen;
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    /// Title of the questionnaire.
    what: String,
    /// When.
    when: String,
    /// `completed`, `in-progress`, `amended` or `entered-in-error`.
    #[serde(default = "completed")]
    status: String,
    /// Questions and answers: "Little interest or pleasure in doing things: 2".
    answers: Vec<String>,
}

fn completed() -> String {
    "completed".into()
}

impl Writes for Form {
    const CLASHES: &'static [&'static str] = &["answers"];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("QuestionnaireResponse")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let authored = pen.when(&self.when);
        match pen.version() {
            Version::R4 | Version::Stu3 => {
                let mut node = object! {
                    "identifier": pen.identifier(),
                    "status": &self.status,
                    "subject": pen.subject(),
                };
                node.append(match pen.version() {
                    Version::R4 => object! { "encounter": pen.encounter() },
                    Version::Stu3 | Version::Dstu2 => object! { "context": pen.encounter() },
                });
                node.append(object! {
                    "authored": authored,
                    "author": pen.author(),
                    "item": list![object! {
                        "linkId": "0", "text": &self.what, "item": self.answers(),
                    }],
                });
                node
            }
            Version::Dstu2 => object! {
                "identifier": pen.identifier(),
                "status": &self.status,
                "subject": pen.subject(),
                "author": pen.author(),
                "authored": authored,
                "encounter": pen.encounter(),
                "group": object! {
                    "linkId": "0", "title": &self.what, "question": self.answers(),
                },
            },
        }
    }
}

impl Form {
    fn answers(&self) -> Vec<Node> {
        let answer = |(at, said): (usize, &String)| {
            let (question, answer) = said.split_once(": ").unwrap_or((said, ""));
            let value = match answer.parse::<i64>() {
                Ok(_) => object! { "valueInteger": Node::number(answer) },
                Err(_) => object! { "valueString": Some(answer).filter(|a| !a.is_empty()) },
            };
            object! { "linkId": (at + 1).to_string(), "text": question, "answer": list![value] }
        };
        self.answers.iter().enumerate().map(answer).collect()
    }
}
