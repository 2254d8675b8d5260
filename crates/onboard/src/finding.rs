//! What is found at a supplier.

use serde::{Deserialize, Serialize};

/// How bad it is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A record cannot be read, or not safely.
    Broken,
    /// Against the standard: something is lost, held back or guessed for it.
    Wrong,
    /// Allowed, and could be better.
    Advice,
    /// Looked at, and as it should be.
    Fine,
}

impl Severity {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Broken => "broken",
            Severity::Wrong => "wrong",
            Severity::Advice => "advice",
            Severity::Fine => "fine",
        }
    }
}

/// What is looked at, in the order in which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each has its title")]
pub enum Topic {
    Reach,
    Capability,
    Lookup,
    Record,
    Paging,
    References,
    Dates,
    Structure,
    Errors,
    Security,
    Speed,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 11] = [
        Topic::Reach,
        Topic::Capability,
        Topic::Lookup,
        Topic::Record,
        Topic::Paging,
        Topic::References,
        Topic::Dates,
        Topic::Structure,
        Topic::Errors,
        Topic::Security,
        Topic::Speed,
    ];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Topic::Reach => "Reaching it",
            Topic::Capability => "What it says it can do",
            Topic::Lookup => "Finding a patient by NHS number",
            Topic::Record => "Reading a record",
            Topic::Paging => "Paging",
            Topic::References => "References",
            Topic::Dates => "Dates and time zones",
            Topic::Structure => "Conformance to the definitions",
            Topic::Errors => "Errors",
            Topic::Security => "Security",
            Topic::Speed => "Speed",
        }
    }
}

/// Something found. It carries places and counts, never a patient's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub topic: Topic,
    /// Which finding: the same word from run to run.
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// What is so, in a sentence.
    pub said: String,
    /// Where: requests or element paths.
    pub places: Vec<String>,
    /// What to do; empty when nothing is.
    pub todo: String,
}

impl Finding {
    /// As it should be.
    pub(crate) fn fine(topic: Topic, code: &str, said: impl Into<String>) -> Finding {
        Finding { topic, code: code.to_owned(), severity: Severity::Fine, said: said.into(), places: Vec::new(), todo: String::new() }
    }

    /// Not as it should be.
    pub(crate) fn new(topic: Topic, code: &str, severity: Severity, said: impl Into<String>, todo: impl Into<String>) -> Finding {
        Finding { topic, code: code.to_owned(), severity, said: said.into(), places: Vec::new(), todo: todo.into() }
    }

    /// The same, and where.
    pub(crate) fn at(mut self, places: impl IntoIterator<Item = impl Into<String>>) -> Finding {
        self.places.extend(places.into_iter().map(Into::into));
        self
    }
}
