//! What can go wrong at a supplier, on request.

use crate::message::{Answer, Response};
use crate::node::Node;
use serde::{Deserialize, Serialize};
use std::time::Duration;

mod practice;
pub(crate) mod tamper;

pub use practice::Gap;

/// One way of going wrong. As JSON: `{"fault": "slow", "ms": 500}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// At a Millennium: the Patient was combined into another, under which everything is now.
    Combined,
    /// The next link points at another host.
    CrossOriginNext,
    /// Two Patients carry the one NHS number.
    DuplicatePatients,
    /// There is always a next page.
    EndlessPages,
    /// A small body that unpacks into very many bytes.
    GzipBomb {
        /// Size when unpacked.
        mib: u32,
    },
    /// A web page with status 200.
    Html,
    /// Very many entries on one page.
    HugePage {
        /// How many.
        entries: usize,
    },
    /// The next link is the page it stands on.
    LoopingPages,
    /// One resource of a type lacks what FHIR requires, and every page that it would be on fails for it.
    LacksRequired {
        /// The type.
        #[serde(rename = "type")]
        kind: String,
    },
    /// Requests for one type, and `$everything`, fail with 500.
    LosesType {
        /// The type.
        #[serde(rename = "type")]
        kind: String,
    },
    /// JSON (or XML) that is not.
    Malformed,
    /// A clinical resource of each type says nothing of its subject.
    NoSubject,
    /// A clinical resource of each type is about somebody else.
    OtherSubject,
    /// A practice's structured record has a hole in it, or is refused.
    Practice {
        /// Which.
        gap: Gap,
    },
    /// The repository was built again: the same things, under other ids.
    Rebuilt,
    /// The supplier refuses.
    Refusing {
        /// In which way.
        how: Refusal,
    },
    /// Never answers.
    Silent,
    /// Answers late.
    Slow {
        /// How late.
        ms: u64,
    },
    /// 429, with the time to wait.
    Throttled {
        /// `Retry-After`.
        retry_after_s: u32,
    },
    /// Half the body, then the connection breaks.
    Truncated,
    /// The Patient is somebody else.
    WrongPerson {
        /// In what.
        by: Wrong,
    },
}

/// A way to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// 400 with plain text.
    BadRequest,
    /// The connection is closed.
    Closed,
    /// 403.
    Forbidden,
    /// 500 with an OperationOutcome.
    ServerError,
    /// 401.
    Unauthorised,
    /// 503.
    Unavailable,
}

/// What is wrong about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// Another birth date.
    BirthDate,
    /// Another given name.
    GivenName,
    /// No birth date.
    NoBirthDate,
    /// Another NHS number.
    Number,
    /// Day and month of the birth date are exchanged (or a digit differs).
    Slip,
    /// The number is there, but nobody traced it.
    Unverified,
}

/// A fault, and for how many requests it lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// For how many more requests; for good when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

impl From<Fault> for Setting {
    fn from(fault: Fault) -> Self {
        Setting { fault, times: None }
    }
}

/// A reply as late as the faults make it, or none at all: then it is not asked for.
pub(crate) fn held_up(faults: &[Fault], reply: impl FnOnce() -> Response) -> Answer {
    let mut after = Duration::ZERO;
    for fault in faults {
        match fault {
            Fault::Refusing { how: Refusal::Closed } => return Answer::Closed,
            Fault::Silent => return Answer::Silent,
            Fault::Slow { ms } => after += Duration::from_millis(*ms),
            _ => {}
        }
    }
    Answer::Reply { after, response: reply() }
}

impl Fault {
    /// Reads one fault or a list of them, with or without `times`.
    pub fn settings(json: &str) -> Result<Vec<Setting>, String> {
        let node = Node::parse(json).map_err(|e| e.to_string())?;
        let one = |node: &Node| {
            let mut node = node.clone();
            let times = match node.take("times") {
                None => None,
                Some(Node::Number(digits)) => Some(digits.parse().map_err(|_| "times is no count")?),
                Some(_) => return Err("times is no count".to_owned()),
            };
            let fault = serde_json::from_str(&node.to_json()).map_err(|e| e.to_string())?;
            Ok(Setting { fault, times })
        };
        match &node {
            Node::List(items) => items.iter().map(one).collect(),
            node => Ok(vec![one(node)?]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_json() {
        let check = |json: &str, expected: Vec<Setting>| {
            assert_eq!(Fault::settings(json), Ok(expected), "{json}");
        };
        check(r#"{"fault":"slow","ms":500}"#, vec![Fault::Slow { ms: 500 }.into()]);
        check(
            r#"[{"fault":"refusing","how":"unavailable","times":1},{"fault":"wrong-person","by":"number"}]"#,
            vec![
                Setting { fault: Fault::Refusing { how: Refusal::Unavailable }, times: Some(1) },
                Fault::WrongPerson { by: Wrong::Number }.into(),
            ],
        );
        check("[]", vec![]);
        check(r#"{"fault":"loses-type","type":"Condition"}"#, vec![Fault::LosesType { kind: "Condition".into() }.into()]);
    }

    #[test]
    fn an_unknown_fault_is_refused() {
        for json in ["", "7", r#"{"fault":"tired"}"#, r#"{"fault":"slow"}"#] {
            assert!(Fault::settings(json).is_err(), "{json}");
        }
    }
}
