//! The privacy officer's pages: the desk's own answers, asked by its own door.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use viewer::{Case, CasePage, QueuePage, Report, ReportPage};

use super::page::{self, Out};
use super::{App, Asked};
use crate::fhir_api::{Fault, Params};
use crate::privacy::Desk;

/// Where they are.
pub(super) const HOME: &str = "/viewer/privacy";

/// What may be asked of who looked, by the names of the form.
const ASKED: [&str; 5] = ["nhs_number", "sds_user_id", "source", "since", "until"];

/// What waits; or everything.
pub(super) async fn queue(app: &App, asked: &Asked, query: &Params) -> Out {
    let all = query.all("all").any(|param| param.value == "true");
    match asked.at_desk(app, &Desk::List, query, &Value::Null).await {
        Ok(told) => Out::page(StatusCode::OK, &QueuePage::of(page::around(app, asked, "Accesses to look at"), &told, all)),
        Err(fault) => page::failed(app, &asked.id, &fault),
    }
}

/// One access.
pub(super) async fn case(app: &App, asked: &Asked, task: &str) -> Out {
    shown(app, asked, task, StatusCode::OK, None).await
}

async fn shown(app: &App, asked: &Asked, task: &str, status: StatusCode, wrong: Option<String>) -> Out {
    match asked.at_desk(app, &Desk::Show(task.to_owned()), &Params::parse(""), &Value::Null).await {
        Ok(told) => {
            let (chrome, csrf) = (page::around(app, asked, "An access"), asked.session.csrf.clone());
            Out::page(status, &CasePage { chrome, case: Case::of(&told), csrf, wrong })
        }
        Err(fault) => page::failed(app, &asked.id, &fault),
    }
}

/// Decides on it.
pub(super) async fn decide(app: &App, asked: &Asked, task: &str) -> Out {
    let said = json!({"state": asked.field("state"), "note": asked.field("note")});
    match asked.at_desk(app, &Desk::Decide(task.to_owned()), &Params::parse(""), &said).await {
        Ok(_) => Out::to(format!("{HOME}/tasks/{task}")),
        Err(fault @ (Fault::BadRequest { .. } | Fault::Conflict(_))) => {
            let (status, outcome) = fault.parts();
            shown(app, asked, task, status, Some(page::said(&outcome))).await
        }
        // Who is no reviewer does not see it; who is, and may not decide on their own, is told.
        Err(fault) => page::failed(app, &asked.id, &fault),
    }
}

/// Who looked: what the form asks, or the form.
pub(super) async fn report(app: &App, asked: &Asked, looks: bool) -> Out {
    let filled = |name: &&'static str| Some((*name, asked.field(name).to_owned())).filter(|(_, value)| !value.is_empty());
    let fields: Vec<(&'static str, String)> = ASKED.iter().filter_map(filled).collect();
    let page = |status, report, wrong| {
        let (chrome, csrf) = (page::around(app, asked, "Who looked"), asked.session.csrf.clone());
        Out::page(status, &ReportPage { chrome, report, asked: fields.clone(), csrf, wrong })
    };
    if !looks {
        return match app.works_at::<Desk>(&asked.caller, &asked.id).await {
            Ok(()) => page(StatusCode::OK, None, None),
            Err(fault) => page::failed(app, &asked.id, &fault),
        };
    }
    let all = fields.iter().map(|(name, value)| (*name, value.as_str())).chain([("after", asked.field("after"))]);
    let said: Map<String, Value> =
        all.filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    match asked.at_desk(app, &Desk::Report, &Params::parse(""), &Value::Object(said)).await {
        Ok(told) => page(StatusCode::OK, Some(Report::of(&told)), None),
        Err(fault @ Fault::BadRequest { .. }) => {
            let (status, outcome) = fault.parts();
            page(status, None, Some(page::said(&outcome)))
        }
        Err(fault) => page::failed(app, &asked.id, &fault),
    }
}
