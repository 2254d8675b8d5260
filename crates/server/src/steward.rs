//! `/steward/`: the steward's desk over HTTP. Tasks are listed, shown with both sides, decided, and decisions taken back.
//!
//! Not FHIR: what stands here is about entries and persons of this exchange, and nobody else's system works with it. Default deny: only
//! a token with the scope `severn.operator` opens the desk. Every look and every deed is on the ledger.

use std::sync::Arc;

use access::{Refusal, Rules};
use audit::{Audited, Who};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use jiff::Timestamp;
use people::registrar::{NotDone, Whom};
use people::{EntryKey, Outcome, TaskFilter, TaskId};
use record::{Caller, PersonId};
use serde_json::{Value, json};

use crate::desk::{self, Asked, words};
use crate::fhir_api::{App, Fault};
use crate::people::deed::{self, Failed};
use crate::people::told;

/// What may be asked of the desk, below `/steward/`.
pub const ENDPOINTS: &[&str] = &["GET explain", "GET tasks", "GET tasks/{id}", "POST tasks/{id}/decide", "POST tasks/{id}/undo"];

/// What may be asked of the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desk {
    /// `POST tasks/{id}/decide`
    Decide(TaskId),
    /// `GET explain?one=…&other=…`
    Explain,
    /// `GET tasks`
    List,
    /// `GET tasks/{id}`
    Show(TaskId),
    /// `POST tasks/{id}/undo`
    Undo(TaskId),
}

impl Desk {
    /// Reads a path below `/steward/`.
    pub fn parse(method: &Method, path: &str) -> Result<Desk, Fault> {
        let id = |id: &str| TaskId(id.to_owned());
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (wanted, allow, desk) = match parts.as_slice() {
            ["explain"] => (Method::GET, "GET", Desk::Explain),
            ["tasks"] => (Method::GET, "GET", Desk::List),
            ["tasks", task] => (Method::GET, "GET", Desk::Show(id(task))),
            ["tasks", task, "decide"] => (Method::POST, "POST", Desk::Decide(id(task))),
            ["tasks", task, "undo"] => (Method::POST, "POST", Desk::Undo(id(task))),
            _ => return Err(Fault::NotSupported("The steward's desk has tasks, tasks/{id}, its decide and undo, and explain.".into())),
        };
        if *method == wanted { Ok(desk) } else { Err(Fault::Method(allow)) }
    }

    /// Its name, as the ledger has it.
    pub fn name(&self) -> &'static str {
        match self {
            Desk::Decide(_) => "decide",
            Desk::Explain => "explain",
            Desk::List => "list",
            Desk::Show(_) => "show",
            Desk::Undo(_) => "undo",
        }
    }
}

/// Answers any request below `/steward/`.
pub async fn serve(app: State<Arc<App>>, request: Request) -> Response {
    desk::serve::<Desk>(app, request).await
}

impl desk::Desk for Desk {
    const PATH: &'static str = "/steward";
    const NAME: &'static str = "steward";

    fn may(rules: &Rules, caller: &Caller, now: Timestamp) -> Result<(), Refusal> {
        access::steward(rules, caller, now)
    }

    fn parse(method: &Method, path: &str) -> Result<Desk, Fault> {
        Desk::parse(method, path)
    }

    fn name(&self) -> &'static str {
        Desk::name(self)
    }

    async fn answer(&self, app: &App, asked: Asked<'_>) -> Result<Audited<Value>, Fault> {
        app.desk(self, asked).await
    }
}

impl App {
    async fn desk(&self, desk: &Desk, asked: Asked<'_>) -> Result<Audited<Value>, Fault> {
        let Asked { caller, id, params, body } = asked;
        let by = Who::of(caller);
        match desk {
            Desk::Decide(task) => {
                let said: Value = serde_json::from_slice(body).map_err(|_| Fault::parameter("body", "is not JSON"))?;
                let outcome = outcome(&said)?;
                let (reason, author) = (words(&said, "reason")?, deed::author(&by));
                let what = format!("decide {} {}", task.0, told::outcome(outcome));
                let deciding = self.registrar.decide(task, outcome, &author, &reason);
                let done = self.deeds.does(id, by, &what, &reason, deciding).await?;
                Ok(done.map(|done| deed::json(&done)))
            }
            Desk::Undo(task) => {
                let said: Value = serde_json::from_slice(body).map_err(|_| Fault::parameter("body", "is not JSON"))?;
                let (reason, author) = (words(&said, "reason")?, deed::author(&by));
                let undoing = self.registrar.undo(task, &author, &reason);
                let done = self.deeds.does(id, by, &format!("undo {}", task.0), &reason, undoing).await?;
                Ok(done.map(|done| deed::json(&done)))
            }
            Desk::List => {
                let one = |name: &str| params.all(name).next().map(|param| param.value.clone());
                let most = self.config.people.tasks_max;
                let count_max = match one("count") {
                    Some(count) => count.parse::<usize>().map_err(|_| Fault::parameter("count", "is not a number"))?.clamp(1, most),
                    None => most,
                };
                let filter = TaskFilter {
                    open: one("all").is_none_or(|all| all != "true"),
                    person: None,
                    after: one("after").map(TaskId),
                    count_max,
                };
                let look = async {
                    let tasks = self.registrar.tasks(&filter).await.map_err(NotDone::from).map_err(Failed::from)?;
                    Ok::<_, Failed>((tasks, Vec::new()))
                };
                let tasks = self.deeds.shows(id, by, "list", look).await?;
                Ok(tasks.map(|tasks| {
                    let next = tasks.last().filter(|_| tasks.len() == count_max).map(|task| task.id.0.clone());
                    json!({"tasks": tasks.iter().map(told::task).collect::<Vec<_>>(), "next": next})
                }))
            }
            Desk::Show(task) => {
                let look = async {
                    let sides = self.registrar.show(task).await.map_err(Failed::from)?;
                    let persons: Vec<PersonId> = sides.entry.iter().chain(&sides.other).map(|(person, _)| person.clone()).collect();
                    Ok::<_, Failed>((sides, persons))
                };
                let sides = self.deeds.shows(id, by, &format!("show {}", task.0), look).await?;
                Ok(sides.map(|sides| told::sides(&sides)))
            }
            Desk::Explain => {
                let one =
                    params.all("one").next().ok_or_else(|| Fault::parameter("one", "is missing: SOURCE/LOCAL-ID, or a person's id"))?;
                let (one, other) =
                    (whom("one", &one.value)?, params.all("other").next().map(|other| whom("other", &other.value)).transpose()?);
                let explained = self.deeds.shows(id, by, "explain", self.explained(one, other)).await?;
                Ok(explained)
            }
        }
    }

    async fn explained(&self, one: Whom, other: Option<Whom>) -> Result<(Value, Vec<PersonId>), Failed> {
        let registrar = &self.registrar;
        let one = registrar.whom(&one).await.map_err(NotDone::from)?.ok_or(NotDone::UnknownPerson)?;
        let other = match other {
            Some(other) => Some(registrar.whom(&other).await.map_err(NotDone::from)?.ok_or(NotDone::UnknownPerson)?),
            None => None,
        };
        let other = other.filter(|other| other.id != one.id);
        let explained = registrar.explain(&one, other.as_ref()).await.map_err(NotDone::from)?;
        let history = registrar.history(&one.id).await.map_err(NotDone::from)?;
        let value = json!({
            "person": one.id.as_str(), "other": other.as_ref().map(|other| other.id.as_str()),
            "compared": explained.iter().map(told::explained).collect::<Vec<_>>(),
            "history": history.iter().map(told::event).collect::<Vec<_>>(),
        });
        Ok((value, std::iter::once(one.id).chain(other.map(|other| other.id)).collect()))
    }
}

/// An entry, or a person by the exchange's own id. A number does not belong in a URL.
fn whom(name: &str, text: &str) -> Result<Whom, Fault> {
    let entry = text
        .split_once('/')
        .and_then(|(source, local_id)| Some(Whom::Entry(EntryKey { source: source.parse().ok()?, local_id: local_id.to_owned() })));
    let person = || text.parse().ok().filter(|_| text.parse::<record::NhsNumber>().is_err()).map(Whom::Person);
    entry.or_else(person).ok_or_else(|| Fault::parameter(name, "must be SOURCE/LOCAL-ID, or a person's id"))
}

fn outcome(said: &Value) -> Result<Outcome, Fault> {
    let word = said["outcome"].as_str().unwrap_or_default();
    let known = [Outcome::Different, Outcome::Same, Outcome::Unknown];
    known
        .into_iter()
        .find(|outcome| told::outcome(*outcome) == word)
        .ok_or_else(|| Fault::parameter("outcome", "must be same, different or unknown"))
}

impl From<Failed> for Fault {
    fn from(failed: Failed) -> Fault {
        match failed {
            Failed::Ledger | Failed::NotDone(NotDone::Down(_)) => Fault::Unavailable,
            Failed::NotDone(why @ (NotDone::UnknownEntry | NotDone::UnknownPerson | NotDone::UnknownTask)) => {
                Fault::NotFound(why.to_string())
            }
            Failed::NotDone(why) => Fault::Conflict(why.to_string()),
        }
    }
}
