//! A plain page of a record, until there is the viewer: a form that takes a number and a token.
//!
//! It asks the FHIR server of the same process, by the same way in as everybody: the same token, permission and ledger.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use record::PersonId;

use super::params::Params;
use super::{App, serve};
use crate::page::{View, html};
use crate::tls::Peer;

const FORM: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Read a record</title><h1>Read a record</h1>\
<form method=post><p><label>NHS number<br><input name=number autocomplete=off required></label>\
<p><label>Token<br><textarea name=token rows=6 cols=80 required></textarea></label>\
<p><label>Why you need this record (claims a relationship; it is recorded)<br><input name=claim size=80></label><p><button>Read</button></form>";

/// `GET /viewer`
pub async fn form() -> Html<&'static str> {
    Html(FORM)
}

/// `POST /viewer`
pub async fn page(State(app): State<Arc<App>>, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().cloned();
    let limits = &app.config.limits;
    let body = match super::wire::body(request.into_body(), limits.request_bytes_max, &limits.connections).await {
        Ok(body) => body,
        Err(fault) => return fault.parts().0.into_response(),
    };
    let fields = Params::parse(&String::from_utf8_lossy(&body));
    let field = |name: &str| fields.all(name).next().map(|param| param.value.trim().to_owned()).unwrap_or_default();
    let mut response =
        match record_page(&Door { app, peer, token: field("token") }, (&field("number"), &field("person")), &field("claim")).await {
            Ok(page) => Html(page).into_response(),
            Err((status, said)) => (status, Html(format!("{FORM}<hr><p><strong>{}</strong>", crate::page::escape(&said)))).into_response(),
        };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Who asks at the page, and by which connection they came.
struct Door {
    app: Arc<App>,
    peer: Option<ConnectInfo<Peer>>,
    token: String,
}

async fn record_page(door: &Door, (number, person): (&str, &str), claim: &str) -> Result<String, (StatusCode, String)> {
    let person = match person {
        "" => found(door, number).await?,
        // Whoever was sent here has the person open by the exchange's own id.
        id => id.parse::<PersonId>().map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}")))?.to_string(),
    };
    if !claim.is_empty() {
        let body = serde_json::json!({"resourceType": "Parameters", "parameter": [
            {"name": "kind", "valueCode": "relationship"},
            {"name": "reason", "valueCoding": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}},
            {"name": "text", "valueString": claim},
        ]});
        ask(door, Method::POST, &format!("/fhir/R4/Patient/{person}/$request-access"), body.to_string()).await?;
    }
    let count = door.app.config.limits.page_size_max;
    let mut pages = vec![
        ask(
            door,
            Method::GET,
            &format!("/fhir/R4/Patient/{person}/$everything?_count={count}&_revinclude=Provenance:target"),
            String::new(),
        )
        .await?,
    ];
    while let Some(next) = pages.last().and_then(|page| next_link(page)) {
        let target = next.strip_prefix(&door.app.config.exchange.public_url).unwrap_or(&next).to_owned();
        pages.push(ask(door, Method::GET, &target, String::new()).await?);
    }
    let view = View::read(&pages).ok_or((StatusCode::INTERNAL_SERVER_ERROR, "The answer could not be laid out.".to_owned()))?;
    Ok(html(&view))
}

/// The person of a number.
async fn found(door: &Door, number: &str) -> Result<String, (StatusCode, String)> {
    let number: record::NhsNumber = number.parse().map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}")))?;
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("identifier", &format!("{}|{}", record::NHS_NUMBER_SYSTEM, number.expose()))
        .finish();
    let found = ask(door, Method::GET, &format!("/fhir/R4/Patient?{query}"), String::new()).await?;
    first_match(&found).ok_or((StatusCode::NOT_FOUND, "No source of this exchange knows that number.".to_owned()))
}

async fn ask(door: &Door, method: Method, target: &str, body: String) -> Result<String, (StatusCode, String)> {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header(header::AUTHORIZATION, format!("Bearer {}", door.token))
        .header(header::CONTENT_TYPE, "application/fhir+json")
        .body(Body::from(body))
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    if let Some(peer) = &door.peer {
        request.extensions_mut().insert(peer.clone());
    }
    let response = serve(State(door.app.clone()), request).await;
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    if status.is_success() {
        return Ok(body);
    }
    let outcome: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    Err((status, outcome["issue"][0]["details"]["text"].as_str().unwrap_or("The record cannot be shown.").to_owned()))
}

fn first_match(bundle: &str) -> Option<String> {
    let bundle: serde_json::Value = serde_json::from_str(bundle).ok()?;
    let found = bundle["entry"].as_array()?.iter().find(|entry| entry["search"]["mode"] == "match")?;
    found["resource"]["id"].as_str().map(str::to_owned)
}

fn next_link(bundle: &str) -> Option<String> {
    let bundle: serde_json::Value = serde_json::from_str(bundle).ok()?;
    let link = bundle["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
    link["url"].as_str().map(str::to_owned)
}
