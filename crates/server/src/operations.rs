//! `/operations/`: how the sources do, for those who operate the exchange: each one's state, its last legs, its history by the minute,
//! and who is joined by what.
//!
//! Default deny: the same right as the steward's desk opens it (`severn.operator`). Whoever has that sees identities, and whom they
//! belong to; nothing here is about anybody, so that a right of its own would keep nobody from anything. Every look is on the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Refusal, Rules};
use audit::{Audited, Who};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use exchange::{Legs, Locate, SourceState};
use jiff::Timestamp;
use record::{Caller, SourceId};
use serde_json::{Value, json};

use crate::desk::{self, Asked};
use crate::fhir_api::{App, Fault};

/// What may be asked of the desk, below `/operations/`.
pub const ENDPOINTS: &[&str] = &["GET region", "GET sources", "GET sources/{id}"];

/// What may be asked of the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desk {
    /// `GET region`
    Region,
    /// `GET sources/{id}`
    Source(String),
    /// `GET sources`
    Sources,
}

impl Desk {
    /// Reads a path below `/operations/`.
    pub fn parse(method: &Method, path: &str) -> Result<Desk, Fault> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let desk = match parts.as_slice() {
            ["region"] => Desk::Region,
            ["sources"] => Desk::Sources,
            ["sources", source] => Desk::Source((*source).to_owned()),
            _ => return Err(Fault::NotSupported("The operations desk has region, sources and sources/{id}.".into())),
        };
        if *method == Method::GET { Ok(desk) } else { Err(Fault::Method("GET")) }
    }

    /// Its name, as the ledger has it.
    pub fn name(&self) -> &'static str {
        match self {
            Desk::Region => "region",
            Desk::Source(_) => "source",
            Desk::Sources => "sources",
        }
    }
}

/// Answers any request below `/operations/`.
pub async fn serve(app: State<Arc<App>>, request: Request) -> Response {
    desk::serve::<Desk>(app, request).await
}

impl desk::Desk for Desk {
    const PATH: &'static str = "/operations";
    const NAME: &'static str = "operations";

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
        let what = format!("{}: {}", <Desk as desk::Desk>::NAME, self.name());
        let look = async { Ok((self.told(app)?, Vec::<String>::new())) };
        let (ledger, by) = (&app.deeds.ledger, Who::of(asked.caller));
        ledger.shows(asked.id, by, (&what, "desk.operator"), look, || Fault::Unavailable).await
    }
}

impl Desk {
    fn told(&self, app: &App) -> Result<Value, Fault> {
        let states = app.exchange.source_states();
        let kept = &app.config.operations;
        let at = app.clock.now().to_string();
        Ok(match self {
            Desk::Region => region(app, &states),
            Desk::Source(id) => {
                let unknown = || Fault::NotFound("There is no such source.".into());
                let state = states.iter().find(|state| state.id.as_str() == id).ok_or_else(unknown)?;
                json!({"at": at, "window_minutes": kept.window_minutes, "history_minutes": kept.history_minutes,
                       "source": source(state), "history": history(app, &state.id)})
            }
            Desk::Sources => {
                json!({"at": at, "window_minutes": kept.window_minutes, "sources": states.iter().map(source).collect::<Vec<_>>()})
            }
        })
    }
}

/// A source's state in one word and in a sentence.
fn standing(state: &SourceState) -> (&'static str, &'static str) {
    match &state.window {
        _ if state.compare => ("compared", "It is kept for comparison, and not asked for readers."),
        _ if state.breaker_open => ("paused", "It has been failing, and is not asked for a while."),
        legs if legs.ended == 0 => ("idle", "It was not asked lately."),
        legs if legs.silent == legs.ended => ("failing", "It has been asked, and has answered nothing."),
        legs if legs.failing > 0 => ("in-part", "It answers, but not always or not for everything."),
        _ => ("answering", "It answers."),
    }
}

fn asked(state: &SourceState) -> &'static str {
    match state.locate {
        _ if state.compare => "compare",
        Locate::Always => "always",
        Locate::Index => "index",
    }
}

fn source(state: &SourceState) -> Value {
    let (word, words) = standing(state);
    json!({
        "id": state.id.as_str(), "name": state.name, "organisation": state.organisation.to_string(), "dialect": state.dialect.name(),
        "exchange": state.exchange.as_ref().map(|exchange| exchange.as_str()), "asked": asked(state), "state": word, "words": words,
        "breaker_open": state.breaker_open, "under_way": state.under_way, "waiting": state.waiting,
        "last_answered": state.last_answered.map(|at| at.to_string()), "drifted": state.drifted.map(|at| at.to_string()),
        "window": legs(&state.window),
    })
}

fn legs(legs: &Legs) -> Value {
    json!({
        "legs": legs.ended, "failing": legs.failing, "silent": legs.silent, "statuses": legs.statuses, "quarantined": legs.quarantined,
        "p50_ms": legs.within_ms(0.50), "p95_ms": legs.within_ms(0.95), "p99_ms": legs.within_ms(0.99),
    })
}

fn history(app: &App, id: &SourceId) -> Vec<Value> {
    let minutes = app.exchange.source_history(id).into_iter();
    minutes
        .map(|(minute, ended)| {
            let mut told = legs(&ended);
            told["minute"] = json!(minute.to_string());
            told
        })
        .collect()
}

/// Who is joined by what: organisations, those they speak for, and how each of their sources is asked.
fn region(app: &App, states: &[SourceState]) -> Value {
    let mut organisations: BTreeMap<String, (Vec<&str>, Vec<String>)> = BTreeMap::new();
    for state in states {
        let (sources, spoken_for) = organisations.entry(state.organisation.to_string()).or_default();
        sources.push(state.id.as_str());
        spoken_for.extend(state.vouches_for.iter().map(ToString::to_string));
    }
    let organisations = organisations.into_iter().map(|(code, (sources, mut spoken_for))| {
        spoken_for.sort();
        spoken_for.dedup();
        json!({"code": code, "sources": sources, "speaks_for": spoken_for})
    });
    let flows = states.iter().map(|state| {
        json!({"source": state.id.as_str(), "name": state.name, "dialect": state.dialect.name(), "asked": asked(state),
               "is_exchange": state.exchange.is_some(), "state": standing(state).0, "legs": state.window.ended})
    });
    let own = &app.config.exchange;
    json!({"at": app.clock.now().to_string(), "exchange": own.id.as_str(), "organisation": own.organisation.to_string(),
           "organisations": organisations.collect::<Vec<_>>(), "flows": flows.collect::<Vec<_>>()})
}
