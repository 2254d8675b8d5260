//! `/.well-known/jwks.json`: the public halves of the keys with which this exchange signs, for its users elsewhere and for its clients
//! here, for those who are to believe it. There is no such page where nobody is signed for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use source::{Auth, SigningKey};

use crate::fhir_api::App;

/// Where it is, below the public address.
pub const JWKS: &str = "/.well-known/jwks.json";

/// Answers with every key in use; read anew each time, as it is for signing, so that a new key needs no restart.
pub async fn serve(State(app): State<Arc<App>>) -> Response {
    let spoken_for = app.config.sources.iter().filter_map(|source| match &source.auth {
        Auth::OnBehalf(terms) => Some((&terms.key_file, terms.kid.as_deref())),
        _ => None,
    });
    let own = app.config.oauth.iter().flat_map(|oauth| &oauth.keys).map(|file| (file, None));
    let mut keys: Vec<Jwk> = Vec::new();
    for (file, kid) in spoken_for.chain(own) {
        match SigningKey::open(file, kid) {
            Ok(key) if keys.contains(key.public()) => {}
            Ok(key) => keys.push(key.public().clone()),
            Err(fault) => {
                tracing::error!(file = %file.display(), %fault, "a signing key could not be published");
                return (StatusCode::SERVICE_UNAVAILABLE, "the keys cannot be had at present\n").into_response();
            }
        }
    }
    if keys.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let set = serde_json::json!(JwkSet { keys }).to_string();
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], set).into_response()
}
