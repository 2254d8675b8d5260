//! The splice floor: the least that anything which joins six answers must do.
//!
//! Fetch six, keep each entry's resource as raw text, peek at five keys, drop equal hashes, splice `meta.source`, send.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::said::{PATIENT, SOURCES};
use crate::sources;

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, rename = "fullUrl")]
    full_url: &'a RawValue,
    #[serde(borrow)]
    resource: &'a RawValue,
}

/// The five keys.
#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow, rename = "resourceType")]
    kind: &'a str,
    id: &'a str,
    #[serde(borrow)]
    meta: &'a RawValue,
    #[serde(borrow)]
    identifier: Option<&'a RawValue>,
    #[serde(borrow)]
    subject: Option<&'a RawValue>,
}

/// Answers every request with the six answers spliced.
pub fn router(port: u16) -> Router {
    let client = reqwest::Client::new();
    Router::new().fallback(move || answer(client.clone(), port))
}

async fn answer(client: reqwest::Client, port: u16) -> Response {
    let fetched = SOURCES.into_iter().map(|source| {
        let request = client.get(format!("{}/Patient/{PATIENT}/$everything", sources::base(port, "now", source)));
        async move { request.send().await?.bytes().await }
    });
    let bodies = futures::future::try_join_all(fetched).await.expect("six answers");
    let body = splice(&bodies);
    ([(header::CONTENT_TYPE, "application/fhir+json")], body).into_response()
}

fn splice(bodies: &[Bytes]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bodies.iter().map(|body| body.len() + body.len() / 16).sum());
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":"searchset","entry":["#);
    let hasher = RandomState::new();
    let mut seen = HashSet::new();
    for (body, source) in bodies.iter().zip(SOURCES) {
        let bundle: Bundle<'_> = serde_json::from_slice(body).expect("a Bundle");
        for Entry { full_url, resource } in bundle.entry {
            let text = resource.get();
            let peek: Peek<'_> = serde_json::from_str(text).expect("a resource");
            let of = peek.identifier.or(peek.subject).map(|value| value.get());
            if !seen.insert(hasher.hash_one((source, peek.kind, peek.id, of, text))) {
                continue;
            }
            let inside = peek.meta.get().as_ptr() as usize - text.as_ptr() as usize + 1;
            out.extend_from_slice(br#"{"fullUrl":"#);
            out.extend_from_slice(full_url.get().as_bytes());
            out.extend_from_slice(br#","resource":"#);
            out.extend_from_slice(&text.as_bytes()[..inside]);
            for part in [r#""source":"urn:severn:source:"#, source, r#"","#, &text[inside..], "},"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
    out.pop();
    out.extend_from_slice(b"]}");
    out
}
