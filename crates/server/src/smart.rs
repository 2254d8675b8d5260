//! `/.well-known/smart-configuration`: what somebody who means to sign in for this exchange is told, at its root and below each FHIR base.
//! Only what is true: sign-in is its provider's, so that what the provider can do stands in the provider's own discovery document.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::config::{Config, Keys};
use crate::fhir_api::App;

/// Scopes are read in both spellings, of users and of patients. There is no launch from here, and no single sign-on.
const CAPABILITIES: &[&str] = &["permission-patient", "permission-user", "permission-v1", "permission-v2"];
/// As far as they may reach: one type in place of `*` is less.
const SCOPES: &[&str] = &["patient/*.read", "patient/*.rs", "system/*.read", "system/*.rs", "user/*.read", "user/*.rs"];

/// Answers to everybody: nothing of it is secret.
pub async fn serve(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], configuration(&app.config).to_string()).into_response()
}

/// All of it is of one who signs tokens: what one of them can do is no word about another's addresses. Where there are several providers,
/// none of them is the one. A provider whose addresses are told is told alone, and systems that are registered here know ours from their
/// registration.
fn configuration(config: &Config) -> Value {
    let mut told = Map::new();
    let provider = if let [provider] = config.sign_in.as_slice() { Some(provider) } else { None };
    let signs_in = provider.is_some_and(|provider| provider.authorize_url.is_some() || provider.token_url.is_some());
    let own = config.oauth.is_some() && !signs_in;
    if let Some(provider) = provider.filter(|_| !own) {
        told.insert("issuer".into(), json!(provider.issuer));
        if let Keys::Url(url) = &provider.keys {
            told.insert("jwks_uri".into(), json!(url.as_str()));
        }
        for (name, url) in [("authorization_endpoint", &provider.authorize_url), ("token_endpoint", &provider.token_url)] {
            if let Some(url) = url {
                told.insert(name.into(), json!(url.as_str()));
            }
        }
    }
    let mut capabilities = CAPABILITIES.to_vec();
    if own {
        let here = |path: &str| json!(format!("{}{path}", config.exchange.public_url));
        told.insert("issuer".into(), here(""));
        told.insert("jwks_uri".into(), here(crate::jwks::JWKS));
        told.insert("token_endpoint".into(), here(crate::oauth::TOKEN));
        told.insert("grant_types_supported".into(), json!(["client_credentials"]));
        let certified = config.exchange.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
        let methods: &[&str] = if certified { &["private_key_jwt", "tls_client_auth"] } else { &["private_key_jwt"] };
        told.insert("token_endpoint_auth_methods_supported".into(), json!(methods));
        told.insert("token_endpoint_auth_signing_alg_values_supported".into(), json!(["RS384", "ES384", "RS256", "ES256"]));
        capabilities.push("client-confidential-asymmetric");
    }
    told.insert("scopes_supported".into(), json!(SCOPES));
    told.insert("capabilities".into(), json!(capabilities));
    Value::Object(told)
}
