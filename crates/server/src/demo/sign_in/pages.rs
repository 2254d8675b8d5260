//! The pages of the demo's sign-in.

use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse, Response};

use super::people::PEOPLE;
use crate::page::escape;

/// Nobody keeps these pages, frames them, or is told where somebody came from.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
];

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Sign in to the demo</title>";

/// Everybody, to choose one.
pub(super) fn choose(request: &str, client: &str, launched: bool) -> Response {
    let people: String = PEOPLE
        .iter()
        .map(|person| {
            format!("<p><button name=person value=\"{}\">{}: {}, {}</button>", person.id, person.job, person.name, person.organisation.1)
        })
        .collect();
    let open = if launched { " They have a person open." } else { "" };
    let page = format!(
        "{HEAD}<h1>Sign in to the demo</h1><p>Nobody here is real. Choose whom to be at {}.{open}\
         <form method=post action=\"/authorize\"><input type=hidden name=request value=\"{}\">{people}</form>",
        escape(client),
        escape(request)
    );
    (HEADERS, Html(page)).into_response()
}

/// Whoever asks is no application that is known, or not in a way that is.
pub(super) fn stranger() -> Response {
    let page = format!("{HEAD}<h1>Not here</h1><p>The application, or where it wants you sent back to, is not registered.");
    (HEADERS, Html(page)).into_response()
}

/// Somebody has signed in, and has a token.
pub(super) fn signed_in(exchange: &str, token: &str, scope: &str) -> Response {
    let page = format!(
        "{HEAD}<h1>Signed in</h1><p>Granted: {}<p>The token, for whatever asks with one (the pages at <a href=\"{}/viewer\">/viewer</a> sign in by themselves):\
         <p><label>Token<br><textarea rows=8 cols=80 readonly>{token}</textarea></label>",
        escape(scope),
        escape(exchange),
        token = escape(token)
    );
    (HEADERS, Html(page)).into_response()
}
