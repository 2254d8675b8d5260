//! Pages as answers: status, headers, and what is around every one.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use record::RequestId;
use viewer::{Chrome, Message, Reader, assets};

use super::Asked;
use crate::fhir_api::{App, Fault};
use crate::{desk, privacy, steward};

/// Nothing is loaded or run but what is the exchange's own, nothing is framed, and forms go nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A file loads and runs nothing, and is not framed.
const FILE_POLICY: &str = "default-src 'none'; object-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A page that says itself where the exchange stands.
#[derive(Clone, Copy)]
pub(crate) struct Cautioned;

/// What is answered.
pub(super) struct Out {
    status: StatusCode,
    content: Content,
    location: Option<String>,
    cookies: Vec<String>,
}

enum Content {
    Page(String),
    /// With its type, and the end of its name.
    File(Vec<u8>, &'static str, &'static str),
    /// Events, as they come.
    Events(Body),
}

impl Out {
    fn of(status: StatusCode, content: Content) -> Out {
        Out { status, content, location: None, cookies: Vec::new() }
    }

    /// A page. Writing one cannot fail but for memory; then nothing is shown.
    pub fn page(status: StatusCode, page: &impl Template) -> Out {
        match page.render() {
            Ok(page) => Out::of(status, Content::Page(page)),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                Out::of(StatusCode::INTERNAL_SERVER_ERROR, Content::Page(String::new()))
            }
        }
    }

    /// Leads on, by GET.
    pub fn to(location: impl Into<String>) -> Out {
        Out { location: Some(location.into()), ..Out::of(StatusCode::SEE_OTHER, Content::Page(String::new())) }
    }

    /// A file of one of the types that are handed on. Only a PDF is opened by a browser itself; all else is kept.
    pub fn file(bytes: Vec<u8>, kind: &'static str, end: &'static str) -> Out {
        Out::of(StatusCode::OK, Content::File(bytes, kind, end))
    }

    /// Server-sent events.
    pub fn events(body: Body) -> Out {
        Out::of(StatusCode::OK, Content::Events(body))
    }

    /// With a cookie.
    pub fn with(mut self, cookie: String) -> Out {
        self.cookies.push(cookie);
        self
    }

    pub fn response(self, app: &App, id: &RequestId) -> Response {
        let Out { status, content, location, cookies } = self;
        let (body, kind, policy, named) = match content {
            Content::Page(page) => (Body::from(page), "text/html; charset=utf-8", POLICY, None),
            Content::File(bytes, kind, end) => {
                let how = if kind == "application/pdf" { "inline" } else { "attachment" };
                (Body::from(bytes), kind, FILE_POLICY, Some(format!("{how}; filename=\"document.{end}\"")))
            }
            Content::Events(body) => (body, "text/event-stream", FILE_POLICY, None),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CACHE_CONTROL, "no-store"),
            // The address of a page names whom it is about.
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let texts = cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie));
        let texts = texts.chain(named.map(|named| (header::CONTENT_DISPOSITION, named)));
        let texts = texts.chain(location.map(|location| (header::LOCATION, location)));
        for (name, text) in texts.chain([(HeaderName::from_static("x-request-id"), id.to_string())]) {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.append(name, value);
            }
        }
        let _ = app;
        response.extensions_mut().insert(Cautioned);
        response
    }
}

/// Around a page for somebody who is signed in.
pub(super) fn around(app: &App, asked: &Asked, title: &str) -> Chrome {
    let organisation = asked.caller.organisation.name.clone();
    let reader = Reader { name: asked.caller.name.clone(), organisation, csrf: asked.session.csrf.clone() };
    let privacy = desk::is_open::<privacy::Desk>(app, &asked.caller).then_some((super::privacy::HOME, "Privacy"));
    let steward = desk::is_open::<steward::Desk>(app, &asked.caller).then_some((super::steward::HOME, "Doubtful links"));
    Chrome { reader: Some(reader), desks: privacy.into_iter().chain(steward).collect(), ..bare(app, &asked.id, title) }
}

/// Around a page for anybody.
pub(super) fn bare(app: &App, id: &RequestId, title: &str) -> Chrome {
    Chrome { title: title.to_owned(), reader: None, desks: Vec::new(), caution: app.ladder.step().caution(), request: id.to_string() }
}

/// Something to be told to somebody who is signed in.
pub(super) fn message(app: &App, asked: &Asked, status: StatusCode, title: &str, said: &str) -> Out {
    let chrome = around(app, asked, title);
    Out::page(status, &Message { chrome, said: vec![said.to_owned()], way: super::HOME, on: "Find a person" })
}

/// The words of an outcome.
pub(super) fn said(outcome: &serde_json::Value) -> String {
    outcome["issue"][0]["details"]["text"].as_str().unwrap_or("This cannot be shown.").to_owned()
}

/// What went wrong, in the words in which every door tells it.
pub(super) fn failed(app: &App, id: &RequestId, fault: &Fault) -> Out {
    let (status, outcome) = fault.parts();
    let said = said(&outcome);
    Out::page(status, &Message { chrome: bare(app, id, "Not shown"), said: vec![said], way: super::HOME, on: "Back to the beginning" })
}

/// Styles and behaviour. A name changes with its content, so that a browser keeps it.
pub(super) fn asset(name: &str) -> Response {
    let Some(asset) = assets::named(name) else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let mut response = Response::new(Body::from(asset.bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}
