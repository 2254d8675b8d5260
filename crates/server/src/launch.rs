//! `/launch`: a connected organisation's system sends its user here with a person open. What it signs says who the user is and whom they
//! have open; it is used once, within two minutes, and becomes a token for that user, that person, and some minutes.
//!
//! `GET /launch?link=…` is what a link in that system opens. It spends nothing, since browsers fetch ahead: it shows a button. `POST
//! /launch` with the field `link` is what the button does, and what a system does that needs no page; it answers as OAuth does.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use record::{Caller, NHS_NUMBER_SYSTEM, NhsNumber, PersonId, RequestId, UserId};
use serde_json::Value;

use crate::fhir_api::{App, Params};
use crate::oauth::{Form, Give, Refusal, claims, refused, respond, scopes};
use crate::page::escape;
use crate::token::{Launched, OnceFault};

/// Where it is, below the public address: also what links are for.
pub const LAUNCH: &str = "/launch";

/// `GET /launch`
pub async fn page(State(app): State<Arc<App>>, request: Request) -> Response {
    if app.config.launchers.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let params = Params::parse(request.uri().query().unwrap_or_default());
    let link = params.all("link").next().map(|param| param.value.as_str()).unwrap_or_default();
    let form = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Open a record</title><h1>Open a record</h1>\
         <form method=post action=\"{LAUNCH}\"><input type=hidden name=link value=\"{}\"><p><button autofocus>Open</button></form>",
        escape(link)
    );
    html(StatusCode::OK, form)
}

/// `POST /launch`
pub async fn launch(State(app): State<Arc<App>>, request: Request) -> Response {
    let id = app.names.of(request.headers());
    let browser = wants_page(request.headers());
    match app.launch(request, &id).await {
        Ok(granted) if browser => {
            let token = granted["access_token"].as_str().unwrap_or_default();
            crate::viewer::opened(&app, token, &id).await
        }
        Ok(granted) => respond(StatusCode::OK, &granted, &id),
        Err(refusal) if browser => {
            let said = format!(
                "<!doctype html><html lang=en><meta charset=utf-8><title>Not opened</title><h1>Not opened</h1><p>{}",
                escape(&refusal.why)
            );
            html(refusal.status, said)
        }
        Err(refusal) => refused(&refusal, &id),
    }
}

/// Whether a person looks at the answer.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|one| one.split(';').next().map(str::trim) == Some("text/html"))
}

/// A page that nobody keeps, frames, or is told of.
fn html(status: StatusCode, page: String) -> Response {
    let mut response = (status, Html(page)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; form-action 'self'; frame-ancestors 'none'"),
    );
    response
}

impl App {
    async fn launch(&self, request: Request, id: &RequestId) -> Result<Value, Refusal> {
        if self.config.launchers.is_empty() {
            let refusal = Refusal { status: StatusCode::NOT_FOUND, ..Refusal::of("invalid_request", "nobody opens people here") };
            return Err(self.not_opened(id, None, None, refusal).await);
        }
        let form = match Form::read(request, &self.config.limits).await {
            // Whom it is about is in what was signed, and nowhere else.
            Ok(form) if form.has_other(&["link"]) => {
                Err(Refusal::of("invalid_request", "nothing but link is taken: the patient stands in it"))
            }
            Ok(form) => Ok(form),
            Err(refusal) => Err(refusal),
        };
        let Ok(_place) = self.grants.try_acquire() else { return Err(self.not_opened(id, None, None, Refusal::busy()).await) };
        let form = match form {
            Ok(form) => form,
            Err(refusal) => return Err(self.not_opened(id, None, None, refusal).await),
        };
        let Some(link) = form.field("link") else {
            return Err(self.not_opened(id, None, None, Refusal::of("invalid_request", "link is missing")).await);
        };
        let launched = match self.tokens.launch(link, &self.address(LAUNCH)).await {
            Ok(launched) => launched,
            Err((fault, launcher)) => {
                let who = launcher.map(|launcher| launcher.name.as_str());
                return Err(self.not_opened(id, who, None, Refusal::once(fault, "invalid_grant")).await);
            }
        };
        let person = self.patient(&launched.patient).await.map_err(|_| Refusal::away())?;
        let caller = self.launched(&launched, person);
        let who = Some(launched.launcher.name.as_str());
        if caller.launch_patient.is_none() {
            return Err(self.not_opened(id, who, Some(&caller), Refusal::once(OnceFault::Patient, "invalid_grant")).await);
        }
        if caller.scopes.is_empty() {
            let refusal = Refusal::of("invalid_scope", "nothing of the scopes asked for is registered for this system");
            return Err(self.not_opened(id, who, Some(&caller), refusal).await);
        }
        let claims = claims(&caller);
        let at = format!("{LAUNCH} from {}", launched.launcher.name);
        let give = Give { kind: "launch", lives: self.lifetimes().1, at, once: Some(&launched.once) };
        self.issued(id, caller, claims, give).await
    }

    /// The user whom a system signed for, here.
    fn launched(&self, launched: &Launched<'_>, person: Option<PersonId>) -> Caller {
        let launcher = launched.launcher;
        let scopes = match &launched.scope {
            Some(asked) => scopes::narrowed(asked, &launcher.scopes),
            None => launcher.scopes.clone(),
        };
        // One user of two systems is two: neither can speak for the other's.
        let issuer = launcher.issuer.replace('%', "%25").replace('|', "%7C");
        let user =
            UserId { issuer: self.config.exchange.public_url.clone(), subject: format!("{issuer}|{}", launched.caller.user.subject) };
        let client = Some(launcher.issuer.clone());
        Caller { user, client, scopes, human: true, launch_patient: person, ..launched.caller.clone() }
    }

    /// The person whom a link names: by the exchange's own id, or by NHS number.
    async fn patient(&self, named: &str) -> Result<Option<PersonId>, exchange::Refused> {
        match named.split_once('|') {
            Some((NHS_NUMBER_SYSTEM, number)) => match number.parse::<NhsNumber>() {
                Ok(number) => self.exchange.launched(&number).await,
                Err(_) => Ok(None),
            },
            Some(_) => Ok(None),
            None => self.exchange.person_of_patient(named.trim_start_matches("Patient/")).await,
        }
    }

    /// Enters a refusal; where even that fails, so does the request.
    async fn not_opened(&self, id: &RequestId, launcher: Option<&str>, caller: Option<&Caller>, refusal: Refusal) -> Refusal {
        let who = launcher.map(|name| format!(" from {name}")).unwrap_or_default();
        let why = refusal.entered_as(&format!("{LAUNCH}{who}"));
        let entered = match caller {
            Some(caller) => self.exchange.refused_known(id, caller, None, &why).await,
            None => self.exchange.refused_stranger(id, &why).await,
        };
        entered.map_or_else(|_| Refusal::away(), |()| refusal)
    }
}
