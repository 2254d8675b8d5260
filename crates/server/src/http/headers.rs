//! What every answer says of itself beside what it answers: that nobody keeps it, and that no browser makes more of it than it is.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::answer::outcome;
use crate::fhir_api::App;
use crate::{metrics, routes};

/// Of what is no page nothing may be loaded, run or framed.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
/// A page has its own style and its own forms.
const PAGE: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Two years: whoever came by TLS once comes by nothing else.
const TRANSPORT: &str = "max-age=63072000; includeSubDomains";

/// Adds them to every answer, a refusal of the wire's included; an address that is too long is refused here.
pub async fn add(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let long = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let (method, begun) = (request.method().clone(), tokio::time::Instant::now());
    let route = routes::of(request.uri().path());
    let mut response = match long > app.config.limits.connections.url_bytes_max {
        true => refused(StatusCode::URI_TOO_LONG, "too-long", "The address is longer than this exchange reads. Search by POST."),
        false => next.run(request).await,
    };
    if response.status() == StatusCode::NOT_FOUND && !response.headers().contains_key(header::CONTENT_TYPE) {
        response = refused(StatusCode::NOT_FOUND, "not-found", "There is nothing here; see /openapi.json.");
    }
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && !response.headers().contains_key(header::CONTENT_TYPE) {
        let allow = response.headers().get(header::ALLOW).cloned();
        response = refused(StatusCode::METHOD_NOT_ALLOWED, "not-supported", "This method is not allowed here.");
        response.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
    }
    let secure = app.config.exchange.public_url.starts_with("https://");
    dress(response.headers_mut(), secure);
    metrics::answered(route, &method, response.status(), begun.elapsed());
    response
}

fn refused(status: StatusCode, code: &str, words: &str) -> Response {
    let body = outcome::single("error", code, words).to_string();
    (status, [(header::CONTENT_TYPE, "application/fhir+json; charset=utf-8")], body).into_response()
}

fn dress(headers: &mut HeaderMap, secure: bool) {
    let page = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let own: [(HeaderName, &'static str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, if page { PAGE } else { NOTHING }),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in own {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TRANSPORT));
    }
    headers.remove(header::SERVER);
}
