//! Plans of care, their goals, and the teams that carry them out.

use super::Writes;
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable};
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// What sort of plan it is.
    what: String,
    /// Title.
    title: String,
    /// `draft`, `active`, `on-hold`, `revoked`, `completed` or `entered-in-error`.
    #[serde(default = "active")]
    status: String,
    /// From when.
    since: String,
    /// Until when.
    until: Option<String>,
    /// In a few words.
    summary: Option<String>,
    /// What is to be done, or not: each a term or words.
    #[serde(default)]
    actions: Vec<String>,
    /// Keys of the problems it addresses.
    #[serde(default)]
    addresses: Vec<String>,
    /// Keys of its goals.
    #[serde(default)]
    goals: Vec<String>,
}

fn active() -> String {
    "active".into()
}

impl Writes for Plan {
    const CLASHES: &'static [&'static str] = &["status", "actions", "summary"];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("CarePlan")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let period = pen.period(Some(&self.since), self.until.as_ref());
        let facts = |keys: &[String]| keys.iter().map(|key| pen.fact(key)).collect::<Vec<_>>();
        let mut node = object! { "identifier": pen.identifiers() };
        match pen.version() {
            Version::Dstu2 => {
                let status = match self.status.as_str() {
                    "revoked" | "entered-in-error" => "cancelled",
                    status => status,
                };
                node.append(object! {
                    "subject": pen.subject(),
                    "status": status,
                    "context": pen.encounter(),
                    "period": period,
                    "author": list![pen.author()],
                    "category": list![pen.what(&self.what)],
                    "description": self.summary.as_deref().unwrap_or(&self.title),
                });
            }
            Version::Stu3 | Version::R4 => {
                let status = match (self.status.as_str(), pen.version()) {
                    ("on-hold", Version::Stu3) => "suspended",
                    ("revoked", Version::Stu3) => "cancelled",
                    (status, _) => status,
                };
                node.append(object! {
                    "status": status,
                    "intent": "plan",
                    "category": list![pen.what(&self.what)],
                    "title": &self.title,
                    "description": self.summary.as_deref(),
                    "subject": pen.subject(),
                });
                node.append(match pen.version() {
                    Version::R4 => object! {
                        "encounter": pen.encounter(), "period": period,
                        "created": pen.recorded(), "author": pen.author(),
                    },
                    Version::Stu3 | Version::Dstu2 => object! {
                        "context": pen.encounter(), "period": period, "author": list![pen.author()],
                    },
                });
            }
        }
        node.append(object! {
            "addresses": facts(&self.addresses),
            "goal": facts(&self.goals),
            "activity": self.activities(pen),
        });
        node.append(match pen.version() {
            Version::Dstu2 => object! { "note": pen.annotation() },
            Version::Stu3 | Version::R4 => object! { "note": pen.notes() },
        });
        node
    }
}

impl Plan {
    fn activities(&self, pen: &Pen<'_>) -> Node {
        let activity = |action: &String| {
            let detail = match pen.version() {
                Version::Dstu2 => object! {
                    "code": pen.concept(action), "status": "not-started", "prohibited": false,
                },
                Version::Stu3 | Version::R4 => object! {
                    "code": pen.concept(action), "status": "not-started",
                },
            };
            object! { "detail": detail }
        };
        self.actions.iter().map(activity).collect::<Vec<_>>().into()
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Goal {
    /// The goal, in the person's words.
    what: String,
    /// `proposed`, `accepted`, `active`, `completed` or `cancelled`.
    #[serde(default = "active")]
    status: String,
    /// From when.
    since: Option<String>,
    /// By when.
    until: Option<String>,
}

impl Writes for Goal {
    const CLASHES: &'static [&'static str] = &["status"];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Goal")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let since = pen.maybe_when(self.since.as_ref());
        let until = pen.maybe_when(self.until.as_ref());
        match pen.version() {
            Version::R4 => object! {
                "identifier": pen.identifiers(),
                "lifecycleStatus": &self.status,
                "description": object! { "text": &self.what },
                "subject": pen.subject(),
                "startDate": since,
                "target": list![object! { "dueDate": until }],
                "expressedBy": pen.author(),
                "note": pen.notes(),
            },
            Version::Stu3 => object! {
                "identifier": pen.identifiers(),
                "status": self.earlier_status("achieved"),
                "description": object! { "text": &self.what },
                "subject": pen.subject(),
                "startDate": since,
                "target": object! { "dueDate": until },
                "expressedBy": pen.author(),
                "note": pen.notes(),
            },
            Version::Dstu2 => object! {
                "identifier": pen.identifiers(),
                "subject": pen.subject(),
                "startDate": since,
                "targetDate": until,
                "description": &self.what,
                "status": self.earlier_status("achieved"),
                "author": pen.author(),
                "note": pen.notes(),
            },
        }
    }
}

impl Goal {
    fn earlier_status<'a>(&'a self, completed: &'a str) -> &'a str {
        match self.status.as_str() {
            "active" => "in-progress",
            "completed" => completed,
            status => status,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Team {
    /// Name of the team.
    what: String,
    /// `proposed`, `active`, `suspended` or `inactive`.
    #[serde(default = "active")]
    status: String,
    /// From when.
    since: Option<String>,
    /// Its members: "Care coordinator: Anne Griffiths".
    members: Vec<String>,
}

impl Writes for Team {
    fn resource_type(&self, version: Version) -> Option<&'static str> {
        match version {
            Version::Dstu2 => None,
            Version::Stu3 | Version::R4 => Some("CareTeam"),
        }
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let member = |said: &String| {
            let (role, name) = said.split_once(": ").unwrap_or(("Member", said));
            let role = pen.concept(role);
            object! {
                "role": match pen.version() {
                    Version::R4 => list![role],
                    Version::Stu3 | Version::Dstu2 => role,
                },
                "member": pen.staff(name),
            }
        };
        let members: Vec<Node> = self.members.iter().map(member).collect();
        let system = match pen.version() {
            Version::R4 => "http://terminology.hl7.org/CodeSystem/care-team-category",
            Version::Stu3 | Version::Dstu2 => "http://hl7.org/fhir/care-team-category",
        };
        let category = codeable(system, "longitudinal", "Longitudinal Care Coordination");
        object! {
            "identifier": pen.identifiers(),
            "status": &self.status,
            "category": (pen.version() == Version::Stu3).then_some(list![category]),
            "name": &self.what,
            "subject": pen.subject(),
            "period": pen.period(self.since.as_ref(), None),
            "participant": members,
            "managingOrganization": list![pen.organisation()],
            "note": pen.notes(),
        }
    }
}
