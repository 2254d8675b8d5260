//! Media types, headers and bodies, both ways.

use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use fhir::Tree;
use record::{ExchangeId, RequestId};

use super::Face;
use super::fault::Fault;
use super::params::Params;
use crate::config::ConnectionLimits;
use crate::tls::{Certificate, Peer};
use crate::token::TokenFault;

/// What a body is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/fhir+json`
    Json,
    /// `application/fhir+xml`
    Xml,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/fhir+json; charset=utf-8",
            Format::Xml => "application/fhir+xml; charset=utf-8",
        }
    }

    fn of(text: &str) -> Option<Format> {
        match text.split(';').next().unwrap_or_default().trim().replace(' ', "+").to_ascii_lowercase().as_str() {
            "json"
            | "application/json"
            | "application/fhir+json"
            | "application/json+fhir"
            | "text/json"
            | "*/*"
            | "application/*"
            | ""
            | "text/html" => Some(Format::Json),
            "xml" | "application/xml" | "application/fhir+xml" | "application/xml+fhir" | "text/xml" => Some(Format::Xml),
            _ => None,
        }
    }

    /// What the client wants: `_format` before `Accept`, the first accepted that we write.
    pub fn negotiated(params: &Params, headers: &HeaderMap) -> Result<Format, Fault> {
        if let Some(format) = params.all("_format").next() {
            return Format::of(&format.value).ok_or(Fault::NotAcceptable);
        }
        let Some(accept) = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else { return Ok(Format::Json) };
        accept.split(',').find_map(Format::of).ok_or(Fault::NotAcceptable)
    }
}

/// `Prefer: handling=strict`
pub fn strict(headers: &HeaderMap) -> bool {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split([',', ';']).any(|part| part.trim() == "handling=strict"))
}

/// The exchanges a question came through. A header nobody can read is refused: a loop could hide in it.
pub fn hops(headers: &HeaderMap) -> Result<Vec<ExchangeId>, Fault> {
    let mut hops = Vec::new();
    for value in headers.get_all("severn-hops") {
        let text = value.to_str().map_err(|_| Fault::parameter("Severn-Hops", "is not text"))?;
        for id in text.split(',').map(str::trim).filter(|id| !id.is_empty()) {
            hops.push(id.parse().map_err(|error| Fault::parameter("Severn-Hops", format!("{error}")))?);
        }
    }
    Ok(hops)
}

/// `Severn-Wait`: milliseconds for which the exchange that passed a question on waits for its answer.
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    headers.get("severn-wait")?.to_str().ok()?.trim().parse().ok().map(Duration::from_millis)
}

/// What a request brings to say who asks.
pub(crate) struct Presented {
    /// The bearer token, not looked into yet.
    pub token: Result<String, TokenFault>,
    /// The certificate of the connection it came by.
    pub certificate: Option<Certificate>,
}

/// What this request brings.
pub(crate) fn presented<B>(request: &Request<B>) -> Presented {
    let certificate = request.extensions().get::<ConnectInfo<Peer>>().and_then(|ConnectInfo(peer)| peer.certificate.clone());
    Presented { token: bearer(request.headers(), request.uri()).map(str::to_owned), certificate }
}

/// The bearer token. It comes once and in its header: of two, nobody knows whose deed it is, and addresses are kept in logs.
fn bearer<'a>(headers: &'a HeaderMap, uri: &Uri) -> Result<&'a str, TokenFault> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (given.next(), given.next());
    if second.is_some() || Params::parse(uri.query().unwrap_or_default()).all("access_token").next().is_some() {
        return Err(TokenFault::Misplaced);
    }
    let value = first.and_then(|value| value.to_str().ok()).ok_or(TokenFault::Missing)?;
    let (scheme, token) = value.split_once(' ').ok_or(TokenFault::Missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(TokenFault::Missing) }
}

/// A request's body: of so many bytes at most, in the time that it may take.
pub async fn body(body: Body, most: usize, limits: &ConnectionLimits) -> Result<Bytes, Fault> {
    match tokio::time::timeout(limits.body, axum::body::to_bytes(body, most)).await {
        Ok(read) => read.map_err(|_| Fault::TooLarge(most)),
        Err(_) => Err(Fault::Slow),
    }
}

/// A response with a FHIR body of a face, given as JSON.
pub fn respond(status: StatusCode, json: Vec<u8>, (face, format): (Face, Format), request: &RequestId) -> Response {
    let body = match format {
        Format::Json => json,
        Format::Xml => xml(face, json),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    // A record must not linger in a shared cache or a browser's disk.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}

/// `Severn-Emergency: until=2026-11-23T13:00:00Z`: what is shown is shown in an emergency, is recorded as such, and until when.
pub fn in_emergency(response: &mut Response, until: Option<jiff::Timestamp>) {
    if let Some(value) = until.and_then(|until| HeaderValue::from_str(&format!("until={until}")).ok()) {
        response.headers_mut().insert(HeaderName::from_static("severn-emergency"), value);
    }
}

/// Pages are spliced from pieces of JSON, which are kept as such: XML is made of the whole.
fn xml(face: Face, json: Vec<u8>) -> Vec<u8> {
    let json = Bytes::from(json);
    match Tree::from_json(json.clone()) {
        Ok(tree) => {
            let mut out = String::with_capacity(json.len());
            tree.write_xml(face.version(), &mut out);
            out.into_bytes()
        }
        // What we wrote is JSON; should it ever not be, the JSON is better than nothing.
        Err(_) => json.into(),
    }
}
