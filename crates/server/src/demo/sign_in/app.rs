//! The provider's own little application, so that somebody with a browser can be whoever they choose: it signs in as every application
//! does, and then shows the token.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::{Provider, UNDER_WAY_MAX, challenge, pages};
use crate::fhir_api::Params;

pub(super) const CLIENT: &str = "demo";
pub(super) const START: &str = "/";
pub(super) const SIGNED_IN: &str = "/signed-in";

const SCOPE: &str = "openid user/*.rs severn.operator severn.privacy";

/// Makes a verifier and sends the browser to sign in.
pub(super) async fn start(State(provider): State<Arc<Provider>>) -> Response {
    let random = || format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let (state, verifier) = (random(), random());
    let base = provider.issuer.name().to_owned();
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", CLIENT)
        .append_pair("redirect_uri", &format!("{base}{SIGNED_IN}"))
        .append_pair("scope", SCOPE)
        .append_pair("state", &state)
        .append_pair("nonce", &random())
        .append_pair("code_challenge", &challenge(&verifier))
        .append_pair("code_challenge_method", "S256")
        .finish();
    let mut now = provider.now();
    if now.verifiers.len() >= UNDER_WAY_MAX {
        now.verifiers.clear();
    }
    now.verifiers.insert(state, verifier);
    Redirect::to(&format!("{base}/authorize?{query}")).into_response()
}

/// Takes the code back.
pub(super) async fn signed_in(State(provider): State<Arc<Provider>>, RawQuery(query): RawQuery) -> Response {
    let query = Params::parse(&query.unwrap_or_default());
    let one = |name: &str| query.0.iter().find(|param| param.name == name).map(|param| param.value.clone()).unwrap_or_default();
    // A state that nobody here made is somebody else's sign-in.
    let Some(verifier) = provider.now().verifiers.remove(&one("state")) else {
        return (StatusCode::BAD_REQUEST, pages::stranger()).into_response();
    };
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &one("code"))
        .append_pair("client_id", CLIENT)
        .append_pair("redirect_uri", &format!("{}{SIGNED_IN}", provider.issuer.name()))
        .append_pair("code_verifier", &verifier)
        .finish();
    match provider.exchanged(&Params::parse(&form)) {
        Ok(told) => {
            let text = |name: &str| told[name].as_str().unwrap_or_default();
            pages::signed_in(&provider.exchange, text("access_token"), text("scope"))
        }
        Err(refused) => refused.into_response(),
    }
}
