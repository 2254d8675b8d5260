//! The steward's pages: the desk's own answers, asked by its own door.

use axum::http::StatusCode;
use people::TaskId;
use serde_json::{Value, json};
use viewer::{Doubt, DoubtPage, DoubtsPage};

use super::page::{self, Out};
use super::{App, Asked};
use crate::fhir_api::{Fault, Params};
use crate::steward::Desk;

/// Where they are.
pub(super) const HOME: &str = "/viewer/steward";

/// What is in doubt; or everything.
pub(super) async fn queue(app: &App, asked: &Asked, query: &Params) -> Out {
    let all = query.all("all").any(|param| param.value == "true");
    match asked.at_desk(app, &Desk::List, query, &Value::Null).await {
        Ok(told) => Out::page(StatusCode::OK, &DoubtsPage::of(page::around(app, asked, "Doubtful links"), &told, all)),
        Err(fault) => page::failed(app, &asked.id, &fault),
    }
}

/// One doubt, both sides beside each other.
pub(super) async fn doubt(app: &App, asked: &Asked, task: &str) -> Out {
    shown(app, asked, task, StatusCode::OK, None).await
}

async fn shown(app: &App, asked: &Asked, task: &str, status: StatusCode, wrong: Option<String>) -> Out {
    match asked.at_desk(app, &Desk::Show(TaskId(task.to_owned())), &Params::parse(""), &Value::Null).await {
        Ok(told) => {
            let (chrome, csrf) = (page::around(app, asked, "A doubtful link"), asked.session.csrf.clone());
            Out::page(status, &DoubtPage { chrome, doubt: Doubt::of(&told), csrf, wrong })
        }
        Err(fault) => page::failed(app, &asked.id, &fault),
    }
}

/// Decides on it.
pub(super) async fn decide(app: &App, asked: &Asked, task: &str) -> Out {
    let said = json!({"outcome": asked.field("outcome"), "reason": asked.field("reason")});
    done(app, asked, (task, Desk::Decide(TaskId(task.to_owned()))), &said).await
}

/// Takes the decision back.
pub(super) async fn undo(app: &App, asked: &Asked, task: &str) -> Out {
    done(app, asked, (task, Desk::Undo(TaskId(task.to_owned()))), &json!({"reason": asked.field("reason")})).await
}

async fn done(app: &App, asked: &Asked, (task, desk): (&str, Desk), said: &Value) -> Out {
    match asked.at_desk(app, &desk, &Params::parse(""), said).await {
        Ok(_) => Out::to(format!("{HOME}/tasks/{task}")),
        Err(fault @ (Fault::BadRequest { .. } | Fault::Conflict(_))) => {
            let (status, outcome) = fault.parts();
            shown(app, asked, task, status, Some(page::said(&outcome))).await
        }
        Err(fault) => page::failed(app, &asked.id, &fault),
    }
}
