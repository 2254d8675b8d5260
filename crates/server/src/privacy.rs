//! `/privacy/`: the privacy officer's desk over HTTP. Accesses that wait are listed, shown in context, and decided on with a note; who
//! looked is told by patient, by user, by source and by time.
//!
//! Default deny: only a person with the role of a privacy officer or a Caldicott Guardian, and a token with the scope `severn.privacy`,
//! opens the desk. They see who looked, and not what was seen: that is opened only by two of them together, of different roles. Every
//! look and every decision is on the ledger.

pub mod audit_event;
pub mod room;
pub mod told;
pub mod vault;

use std::collections::BTreeSet;
use std::sync::Arc;

use access::{Refusal, Rules};
use audit::{Audited, By, Found, Lookup, Who};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use exchange::{PrivacyFilter, PrivacyKind, ReviewState};
use jiff::Timestamp;
use record::{Caller, PersonId, RequestId};
use serde_json::{Value, json};

use crate::desk::{self, Asked, words};
use crate::fhir_api::{App, Fault, Params};
use room::{Failed, always};

/// What may be asked of the desk, below `/privacy/`.
pub const ENDPOINTS: &[&str] = &[
    "GET evidence",
    "GET evidence/{id}",
    "GET tasks",
    "GET tasks/{id}",
    "POST evidence",
    "POST evidence/{id}/approve",
    "POST evidence/{id}/open",
    "POST hold",
    "POST hold/set",
    "POST hold/lift",
    "POST report",
    "POST tasks/{id}/decide",
];

/// What may be asked of the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desk {
    /// `POST evidence/{id}/approve`
    Approve(String),
    /// `POST evidence`: what a request showed of a person is to be opened.
    Ask,
    /// `POST tasks/{id}/decide`
    Decide(String),
    /// `POST hold/set` and `POST hold/lift`: a person's evidence is kept whatever its age, or is not any more.
    Hold(bool),
    /// `POST hold`: when it was held, and let go again.
    Holds,
    /// `GET tasks`
    List,
    /// `POST evidence/{id}/open`
    Open(String),
    /// `GET evidence/{id}`
    Opening(String),
    /// `GET evidence`: what waits to be approved, or opened.
    Openings,
    /// `POST report`: whom it is about stands in the body, not in an address that is kept in logs.
    Report,
    /// `GET tasks/{id}`
    Show(String),
}

impl Desk {
    /// Reads a path below `/privacy/`.
    pub fn parse(method: &Method, path: &str) -> Result<Desk, Fault> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (wanted, allow, desk) = match parts.as_slice() {
            ["evidence"] if *method == Method::POST => (Method::POST, "POST", Desk::Ask),
            ["evidence"] => (Method::GET, "GET, POST", Desk::Openings),
            ["evidence", opening] => (Method::GET, "GET", Desk::Opening((*opening).to_owned())),
            ["evidence", opening, "approve"] => (Method::POST, "POST", Desk::Approve((*opening).to_owned())),
            ["evidence", opening, "open"] => (Method::POST, "POST", Desk::Open((*opening).to_owned())),
            ["hold"] => (Method::POST, "POST", Desk::Holds),
            ["hold", "set"] => (Method::POST, "POST", Desk::Hold(true)),
            ["hold", "lift"] => (Method::POST, "POST", Desk::Hold(false)),
            ["report"] => (Method::POST, "POST", Desk::Report),
            ["tasks"] => (Method::GET, "GET", Desk::List),
            ["tasks", task] => (Method::GET, "GET", Desk::Show((*task).to_owned())),
            ["tasks", task, "decide"] => (Method::POST, "POST", Desk::Decide((*task).to_owned())),
            _ => {
                let here = "The privacy officer's desk has tasks, tasks/{id}, its decide, report, evidence, evidence/{id}, its approve and \
                            open, and hold, its set and lift.";
                return Err(Fault::NotSupported(here.into()));
            }
        };
        if *method == wanted { Ok(desk) } else { Err(Fault::Method(allow)) }
    }

    /// Its name, as the ledger has it.
    pub fn name(&self) -> &'static str {
        match self {
            Desk::Approve(_) => "approve evidence",
            Desk::Ask => "ask for evidence",
            Desk::Decide(_) => "decide",
            Desk::Hold(true) => "hold evidence",
            Desk::Hold(false) => "lift a hold",
            Desk::Holds => "holds",
            Desk::List => "list",
            Desk::Open(_) => "open evidence",
            Desk::Opening(_) => "show an opening",
            Desk::Openings => "openings",
            Desk::Report => "report",
            Desk::Show(_) => "show",
        }
    }
}

/// Answers any request below `/privacy/`.
pub async fn serve(app: State<Arc<App>>, request: Request) -> Response {
    desk::serve::<Desk>(app, request).await
}

impl desk::Desk for Desk {
    const PATH: &'static str = "/privacy";
    const NAME: &'static str = "privacy";

    fn may(rules: &Rules, caller: &Caller, now: Timestamp) -> Result<(), Refusal> {
        access::privacy(rules, caller, now)
    }

    fn parse(method: &Method, path: &str) -> Result<Desk, Fault> {
        Desk::parse(method, path)
    }

    fn name(&self) -> &'static str {
        Desk::name(self)
    }

    async fn answer(&self, app: &App, asked: Asked<'_>) -> Result<Audited<Value>, Fault> {
        app.privacy_desk(self, asked).await
    }
}

impl App {
    /// Whether somebody may see who looked; that they may not is entered.
    pub(crate) async fn reviews(&self, caller: &Caller, id: &RequestId) -> Result<(), Fault> {
        self.works_at::<Desk>(caller, id).await
    }

    async fn privacy_desk(&self, desk: &Desk, asked: Asked<'_>) -> Result<Audited<Value>, Fault> {
        let Asked { caller, id, params, body } = asked;
        let (room, by) = (&self.privacy, Who::of(caller));
        let config = &self.config.vault;
        match desk {
            Desk::Approve(opening) => Ok(room.approve_opening(id, by, config, opening).await?.map(|opening| opening.told())),
            Desk::Ask => {
                let said = json_of(body)?;
                let request = said["request"].as_str().filter(|request| !request.is_empty());
                let request = request.ok_or_else(|| Fault::parameter("request", "is missing: which one"))?.to_owned();
                let asked = room.ask_opening(id, by, (config, self.whose(&said).await?, request, words(&said, "why")?)).await?;
                Ok(asked.map(|opening| opening.told()))
            }
            Desk::Open(opening) => Ok(room.open_evidence(id, by, config, opening).await?),
            Desk::Opening(opening) => {
                let look = async { Ok::<_, Failed>((room.opening(opening).await?, BTreeSet::new())) };
                Ok(room.shows(id, by, &format!("show opening {opening}"), look).await?.map(|opening| opening.told()))
            }
            Desk::Openings => {
                let look = async { Ok::<_, Failed>((room.openings(config).await?, BTreeSet::new())) };
                let openings = room.shows(id, by, "openings", look).await?;
                Ok(openings.map(|all| json!({"openings": all.iter().map(vault::Opening::told).collect::<Vec<_>>()})))
            }
            Desk::Hold(held) => {
                let said = json_of(body)?;
                let whose = self.whose(&said).await?;
                let holds = room.hold(id, by, (whose, *held, words(&said, "why")?)).await?;
                Ok(holds.map(|holds| json!({"held": held, "holds": holds})))
            }
            Desk::Holds => {
                let whose = self.whose(&json_of(body)?).await?;
                let look = async { Ok::<_, Failed>((room.holds(&whose).await?, BTreeSet::from([whose.to_string()]))) };
                let holds = room.shows(id, by, "holds", look).await?;
                Ok(holds.map(|holds| json!({"held": holds.last().is_some_and(|last| last["held"] == true), "holds": holds})))
            }
            Desk::Decide(task) => {
                let said = json_of(body)?;
                let (state, note) = (state(&said)?, words(&said, "note")?);
                let decided = room.decide(id, by, task, state, note).await?;
                Ok(decided.map(|task| told::task(&task)))
            }
            Desk::List => {
                let filter = self.filter(params)?;
                let look = async {
                    let tasks = room.queue.privacy_tasks(&filter).await.map_err(Failed::from)?;
                    Ok::<_, Failed>((tasks, BTreeSet::new()))
                };
                let tasks = room.shows(id, by, "list", look).await?;
                Ok(tasks.map(|tasks| {
                    let next = tasks.last().filter(|_| tasks.len() == filter.count_max).map(|task| place(&(task.raised, task.id.clone())));
                    json!({"tasks": tasks.iter().map(told::task).collect::<Vec<_>>(), "next": next})
                }))
            }
            Desk::Show(task) => {
                let look = async {
                    let context = room.context(task).await?;
                    let people = context.accounts.iter().flat_map(|account| account.patients.clone()).collect();
                    Ok::<_, Failed>((context, people))
                };
                let context = room.shows(id, by, &format!("show {task}"), look).await?;
                Ok(context.map(|context| told::context(&context)))
            }
            Desk::Report => {
                let (what, lookup) = self.lookup(&json_of(body)?).await?;
                let look = async {
                    let page = room.page(&lookup).await?;
                    let people = page.accounts.iter().flat_map(|(_, account)| account.patients.clone()).collect();
                    Ok::<_, Failed>((page, people))
                };
                let page = room.shows(id, by, &format!("report {what}"), look).await?;
                Ok(page.map(|page| {
                    let told: Vec<Value> = page.accounts.iter().map(|(_, account)| told::account(account, &page.hidden)).collect();
                    json!({"accesses": told, "next": page.next.as_ref().map(place)})
                }))
            }
        }
    }

    fn filter(&self, params: &Params) -> Result<PrivacyFilter, Fault> {
        let one = |name: &str| params.all(name).next().map(|param| param.value.clone());
        let most = self.config.privacy.tasks_max;
        let count_max = match one("count") {
            Some(count) => count.parse::<usize>().map_err(|_| Fault::parameter("count", "is not a number"))?.clamp(1, most),
            None => most,
        };
        let kind = one("kind").map(|kind| {
            let known = || Fault::parameter("kind", "must be emergency, monitoring or self-claimed");
            PrivacyKind::of(&kind).ok_or_else(known)
        });
        let after = one("after").map(|after| placed("after", &after)).transpose()?;
        Ok(PrivacyFilter { waiting: one("all").is_none_or(|all| all != "true"), kind: kind.transpose()?, after, count_max })
    }

    /// Whom a body is about, who must be known.
    async fn whose(&self, said: &Value) -> Result<PersonId, Fault> {
        let nobody = || Fault::parameter("body", "must name somebody who is known: patient, or nhs_number");
        let person = match (said["patient"].as_str(), said["nhs_number"].as_str()) {
            (Some(person), None) => self.exchange.person_of_patient(person).await,
            (None, Some(number)) => {
                let number = number.parse().map_err(|error| Fault::parameter("nhs_number", format!("{error}")))?;
                self.exchange.person_of_number(&number).await
            }
            _ => return Err(nobody()),
        };
        person.map_err(|_| Fault::Unavailable)?.ok_or_else(nobody)
    }

    /// What a report is asked for, and by what it is called on the ledger.
    async fn lookup(&self, said: &Value) -> Result<(&'static str, Lookup), Fault> {
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        let mut all: Vec<(&'static str, By)> = Vec::new();
        if let Some(person) = text("patient") {
            all.push(("by patient", By::Patient(person)));
        }
        if let Some(number) = text("nhs_number") {
            let number = number.parse().map_err(|error| Fault::parameter("nhs_number", format!("{error}")))?;
            // Of a number that nobody ever asked about nobody looked; that it is unknown is not told apart.
            let person = self.exchange.person_of_number(&number).await.map_err(|_| Fault::Unavailable)?;
            all.push(("by patient", By::Patient(person.map(|person| person.to_string()).unwrap_or_default())));
        }
        if let Some(source) = text("source") {
            all.push(("by source", By::Source(source)));
        }
        if let Some(id) = text("sds_user_id") {
            all.push(("by user", By::SdsUser(id)));
        }
        if let Some(subject) = text("user") {
            let issuer = text("issuer").ok_or_else(|| Fault::parameter("issuer", "is missing: who signs the user in"))?;
            all.push(("by user", By::User { issuer, subject }));
        }
        let (what, by) = match all.len() {
            0 => ("by time", By::Anything),
            1 => all.remove(0),
            _ => return Err(Fault::parameter("body", "must name one of patient, nhs_number, user with issuer, sds_user_id, source")),
        };
        let instant = |name: &str, default: Timestamp| match text(name) {
            Some(text) => text.parse::<Timestamp>().map_err(|_| Fault::parameter(name, "must be an instant, as 2026-11-01T09:00:00Z")),
            None => Ok(default),
        };
        let (begin, end) = always();
        let (since, until) = (instant("since", begin)?, instant("until", end)?);
        let most = self.config.privacy.report_max;
        let count_max = said["count"].as_u64().map_or(most, |count| usize::try_from(count).unwrap_or(most).clamp(1, most));
        let from = text("after").map(|after| placed("after", &after)).transpose()?;
        Ok((what, Lookup { by, since, until, from, count_max }))
    }
}

fn json_of(body: &[u8]) -> Result<Value, Fault> {
    let said: Value = serde_json::from_slice(body).map_err(|_| Fault::parameter("body", "is not JSON"))?;
    if said.is_object() { Ok(said) } else { Err(Fault::parameter("body", "is not an object of JSON")) }
}

fn state(said: &Value) -> Result<ReviewState, Fault> {
    let state = ReviewState::of(said["state"].as_str().unwrap_or_default()).filter(|state| *state != ReviewState::Open);
    state.ok_or_else(|| Fault::parameter("state", "must be justified, escalated or closed"))
}

/// Where something stands, as a client gives it back.
pub(crate) fn place(place: &Found) -> String {
    data_encoding::BASE64URL_NOPAD.encode(format!("{} {}", place.0.as_microsecond(), place.1).as_bytes())
}

pub(crate) fn placed(name: &str, text: &str) -> Result<Found, Fault> {
    let wrong = || Fault::parameter(name, "is not a place of this server's; give back what `next` said");
    let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (at, trace) = text.split_once(' ').ok_or_else(wrong)?;
    let at = at.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok()).ok_or_else(wrong)?;
    Ok((at, trace.to_owned()))
}

impl From<Failed> for Fault {
    fn from(failed: Failed) -> Fault {
        match failed {
            Failed::Decided(_) | Failed::Over | Failed::Waits => Fault::Conflict(format!("This is not decided so: {failed}.")),
            Failed::Down(_) => Fault::Unavailable,
            Failed::Own | Failed::Role => Fault::Denied,
            Failed::Unknown => Fault::NotFound("There is no such thing at this desk.".to_owned()),
        }
    }
}
