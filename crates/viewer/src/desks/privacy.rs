//! The privacy officer's desk: accesses that wait to be looked at, one of them in its context, and who looked.

use askama::Template;
use serde_json::Value;

use super::{all, instant, text};
use crate::pages::Chrome;
use crate::words;

/// An access that somebody is to look at.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// When it was raised.
    pub raised: String,
    /// What kind of access, in words.
    pub kind: String,
    /// The rule that raised it.
    pub rule: String,
    /// Which facts did.
    pub reason: String,
    /// Where its review stands, in words.
    pub state: String,
}

impl Task {
    /// As the desk tells it.
    pub fn of(told: &Value) -> Task {
        let kind = match text(told, "kind").as_str() {
            "emergency" => "Emergency access".to_owned(),
            "self-claimed" => "A relationship claimed by the reader's own word".to_owned(),
            "monitoring" => "Found by monitoring".to_owned(),
            other => words::code(other),
        };
        let state = match text(told, "state").as_str() {
            "open" => "Waits".to_owned(),
            other => words::code(other),
        };
        let (id, rule) = (text(told, "id"), text(told, "rule"));
        Task { id, raised: instant(told, "raised"), kind, rule, reason: text(told, "reason"), state }
    }
}

/// What somebody decided of an access.
#[derive(Debug, Clone)]
pub struct Review {
    /// When.
    pub at: String,
    /// What, in words.
    pub state: String,
    /// Why.
    pub note: String,
    /// Who.
    pub by: String,
}

/// One request, as the ledger has it.
#[derive(Debug, Clone)]
pub struct Access {
    /// When.
    pub at: String,
    /// Who, with role and organisation as they were then; nobody who would tell a place.
    pub who: String,
    /// Of which organisation.
    pub organisation: String,
    /// About whom, by the exchange's own ids.
    pub patients: Vec<String>,
    /// What was asked.
    pub what: String,
    /// What came of it, and why.
    pub outcome: String,
    /// Of each source how many of which types were shown.
    pub shown: Vec<String>,
    /// What was claimed: how, by which reason, in which words, and until when.
    pub claim: Option<[String; 4]>,
    /// The request's name.
    pub request: String,
}

impl Access {
    /// As the desk tells it.
    pub fn of(told: &Value) -> Access {
        let by = &told["by"];
        let who = match (text(by, "name"), text(by, "user")) {
            (name, user) if name.is_empty() && user.is_empty() => "Not told: their place is protected".to_owned(),
            (name, user) => format!("{name} ({user})"),
        };
        let why = text(told, "why");
        let outcome = words::code(&text(told, "outcome"));
        let types = |source: &Value| {
            let types = source["types"].as_object().map(|types| {
                let counted = |(kind, count): (&String, &Value)| format!("{count} {kind}");
                types.iter().map(counted).collect::<Vec<_>>().join(", ")
            });
            format!("{}: {}", text(source, "source"), types.unwrap_or_default())
        };
        let claim = told["claim"].is_object().then(|| {
            let claim = &told["claim"];
            [words::code(&text(claim, "kind")), text(claim, "reason"), text(claim, "text"), instant(claim, "until")]
        });
        Access {
            at: instant(told, "at"),
            who: if by.is_object() { who } else { "Nobody who was known".to_owned() },
            organisation: text(by, "organisation_name"),
            patients: all(told, "patients", |id| id.as_str().unwrap_or_default().to_owned()),
            what: text(told, "what"),
            outcome: if why.is_empty() { outcome } else { format!("{outcome}: {why}") },
            shown: all(told, "shown", types),
            claim,
            request: text(told, "request"),
        }
    }
}

/// One access in its context.
#[derive(Debug, Clone)]
pub struct Case {
    /// What is to be looked at.
    pub task: Task,
    /// What was decided of it.
    pub reviews: Vec<Review>,
    /// The request itself.
    pub access: Vec<Access>,
    /// What the same reader did with the record afterwards.
    pub afterwards: Vec<Access>,
    /// Whether it waits, or was only handed on.
    pub is_open: bool,
}

impl Case {
    /// As the desk tells it.
    pub fn of(told: &Value) -> Case {
        let review = |one: &Value| Review {
            at: instant(one, "at"),
            state: words::code(&text(one, "state")),
            note: text(one, "note"),
            by: text(one, "by"),
        };
        let state = text(&told["task"], "state");
        Case {
            task: Task::of(&told["task"]),
            reviews: all(told, "reviews", review),
            access: all(told, "access", Access::of),
            afterwards: all(told, "afterwards", Access::of),
            is_open: matches!(state.as_str(), "open" | "escalated"),
        }
    }
}

/// Who looked: what a report found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The requests.
    pub accesses: Vec<Access>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Report {
    /// As the desk tells it.
    pub fn of(told: &Value) -> Report {
        Report { accesses: all(told, "accesses", Access::of), next: told["next"].as_str().map(str::to_owned) }
    }
}

/// What waits.
#[derive(Debug, Template)]
#[template(path = "desks/queue.html")]
pub struct QueuePage {
    /// Around it.
    pub chrome: Chrome,
    /// The accesses, the earliest first.
    pub tasks: Vec<Task>,
    /// Whether those that are decided stand among them.
    pub all: bool,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl QueuePage {
    /// As the desk tells it.
    pub fn of(chrome: Chrome, told: &Value, decided: bool) -> QueuePage {
        QueuePage { chrome, tasks: all(told, "tasks", Task::of), all: decided, next: told["next"].as_str().map(str::to_owned) }
    }
}

/// One access.
#[derive(Debug, Template)]
#[template(path = "desks/case.html")]
pub struct CasePage {
    /// Around it.
    pub chrome: Chrome,
    /// What is looked at.
    pub case: Case,
    /// What goes with the form.
    pub csrf: String,
    /// What is wrong with what was decided.
    pub wrong: Option<String>,
}

/// Who looked.
#[derive(Debug, Template)]
#[template(path = "desks/report.html")]
pub struct ReportPage {
    /// Around it.
    pub chrome: Chrome,
    /// What was found; none where nothing was asked.
    pub report: Option<Report>,
    /// What was asked, to be asked again for the next page: field and value.
    pub asked: Vec<(&'static str, String)>,
    /// What goes with the form.
    pub csrf: String,
    /// What is wrong with what was asked.
    pub wrong: Option<String>,
}

impl ReportPage {
    /// What stands in a field.
    fn field(&self, name: &str) -> &str {
        self.asked.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}
