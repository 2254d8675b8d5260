//! Signing in: OpenID Connect, by authorization code with PKCE. What was begun in one browser is ended in the same.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use record::{PersonId, RequestId};
use serde_json::Value;
use viewer::SignIn;

use super::page::{self, Out};
use super::session::{self, Session};
use super::{App, Asked};
use crate::config::SignIn as Provider;
use crate::config::viewer::{Application, ViewerConfig};
use crate::fhir_api::{Fault, Params};

/// Where a provider sends somebody back to.
pub const BACK: &str = "/viewer/signed-in";
const NAME: &str = "sign-in";
/// How long somebody may take to sign in.
const LIVES: SignedDuration = SignedDuration::from_mins(10);
/// A provider answers with a few tokens.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Sign-ins under way, by their state.
pub(super) struct Pendings {
    kept: Cache<String, Arc<Pending>>,
}

struct Pending {
    /// Which provider, by its place in the configuration.
    provider: usize,
    verifier: String,
    nonce: String,
    /// Of the cookie in the browser that began.
    browser: [u8; 32],
    /// Whom they wanted to see.
    person: Option<PersonId>,
    until: Timestamp,
}

impl Pendings {
    pub fn new(config: &ViewerConfig) -> Pendings {
        Pendings { kept: Cache::builder().max_capacity(config.sessions_max).time_to_live(Duration::from_secs(600)).build() }
    }
}

/// Sends somebody to sign in first; afterwards they come to the person that they asked for.
pub(super) fn first(path: &str, over: bool) -> Out {
    let person = path.strip_prefix("/viewer/patient/").and_then(|rest| rest.split('/').next()).and_then(|id| id.parse::<PersonId>().ok());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(person) = person {
        query.append_pair("person", person.as_str());
    }
    if over {
        query.append_pair("over", "1");
    }
    let query = query.finish();
    Out::to(if query.is_empty() { "/viewer/sign-in".to_owned() } else { format!("/viewer/sign-in?{query}") })
}

fn person_in(query: &Params) -> Option<PersonId> {
    query.all("person").next().and_then(|param| param.value.parse().ok())
}

/// The page from which somebody goes to sign in.
pub(super) fn page(app: &App, id: &RequestId, query: &str) -> Out {
    let query = Params::parse(query);
    let said = match () {
        () if query.all("over").next().is_some() => Some("Your session is over. Sign in again.".to_owned()),
        () if query.all("out").next().is_some() => Some("You are signed out.".to_owned()),
        () => None,
    };
    let person = person_in(&query).map(|person| format!("?person={person}")).unwrap_or_default();
    let ways = app.config.sign_in.iter().enumerate().filter_map(|(at, provider)| {
        let application = provider.viewer.as_ref()?;
        Some((format!("/viewer/sign-in/{at}{person}"), application.name.clone()))
    });
    Out::page(StatusCode::OK, &SignIn { chrome: page::bare(app, id, "Sign in"), ways: ways.collect(), said })
}

/// The provider of a way in, as far as it can be signed in with.
fn provider(app: &App, at: usize) -> Option<(&Provider, &Application, &url::Url, &url::Url)> {
    let provider = app.config.sign_in.get(at)?;
    Some((provider, provider.viewer.as_ref()?, provider.authorize_url.as_ref()?, provider.token_url.as_ref()?))
}

/// Begins, and leads to the provider.
pub(super) fn begin(app: &App, way: &str, query: &str) -> Out {
    let query = Params::parse(query);
    let Some((at, (_, application, authorize, _))) = way.parse::<usize>().ok().and_then(|at| Some((at, provider(app, at)?))) else {
        return Out::to("/viewer/sign-in");
    };
    let randoms = || Ok::<_, session::NoRandomness>([session::random()?, session::random()?, session::random()?, session::random()?]);
    let Ok([state, verifier, nonce, browser]) = randoms() else { return Out::to("/viewer/sign-in") };
    let challenge = data_encoding::BASE64URL_NOPAD.encode(&session::digest_of(&verifier));
    let until = app.clock.now() + LIVES;
    let pending =
        Pending { provider: at, verifier, nonce: nonce.clone(), browser: session::digest_of(&browser), person: person_in(&query), until };
    app.viewer.pendings.kept.insert(state.clone(), Arc::new(pending));
    let mut to = authorize.clone();
    let launch = query.all("launch").next().map(|param| param.value.clone());
    let scope = if launch.is_some() { format!("{} launch", application.scope) } else { application.scope.clone() };
    to.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &application.client_id)
        .append_pair("redirect_uri", &back_to(app))
        .append_pair("scope", &scope)
        .append_pair("state", &state)
        .append_pair("nonce", &nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(launch.map(|launch| ("launch", launch)));
    Out::to(to.as_str()).with(session::set_cookie(secure(app), NAME, &browser))
}

fn back_to(app: &App) -> String {
    format!("{}{BACK}", app.config.exchange.public_url)
}

fn secure(app: &App) -> bool {
    app.config.exchange.public_url.starts_with("https://")
}

/// Takes the code that somebody was sent back with, and begins a session by the token it becomes.
pub(super) async fn back(app: &App, id: &RequestId, request: Request) -> Out {
    let query = Params::parse(request.uri().query().unwrap_or_default());
    let one = |name: &str| query.all(name).next().map(|param| param.value.clone()).unwrap_or_default();
    let pending = app.viewer.pendings.kept.remove(&one("state"));
    let brought = session::cookie(request.headers(), &session::cookie_name(secure(app), NAME)).map(session::digest_of);
    let Some(pending) = pending.filter(|pending| brought == Some(pending.browser) && app.clock.now() < pending.until) else {
        return not_signed_in(app, id, "a sign-in that this browser did not begin, or too long ago").await;
    };
    let Some((provider, application, _, token_url)) = provider(app, pending.provider) else {
        return not_signed_in(app, id, "a sign-in that is not configured").await;
    };
    // Of another provider's making: whoever answers for one does not answer for the other.
    if query.all("iss").next().is_some_and(|iss| iss.value != provider.issuer) {
        return not_signed_in(app, id, "a code of another provider").await;
    }
    if one("code").is_empty() {
        return not_signed_in(app, id, "the provider signed nobody in").await;
    }
    let granted = match exchanged(app, application, token_url, &one("code"), &pending.verifier).await {
        Ok(granted) => granted,
        Err(why) => {
            tracing::warn!(provider.issuer = %provider.issuer, %why, "a sign-in came to nothing");
            return not_signed_in(app, id, "the provider did not give a token for the code").await;
        }
    };
    let text = |name: &str| granted[name].as_str().unwrap_or_default();
    if let Err(fault) = app.tokens.signed_in(&provider.issuer, text("id_token"), &application.client_id, &pending.nonce).await {
        return not_signed_in(app, id, &format!("the provider's word on who signed in: {fault}")).await;
    }
    match app.begin_session(text("access_token"), id).await {
        Ok(begun) => {
            let person = begun.person.or_else(|| pending.person.clone());
            let to = person.map_or_else(|| super::HOME.to_owned(), |person| format!("/viewer/patient/{person}"));
            Out::to(to).with(begun.cookie).with(session::drop_cookie(secure(app), NAME))
        }
        Err(Fault::Unavailable) => page::failed(app, id, &Fault::Unavailable),
        Err(Fault::NotNamed(step)) => page::failed(app, id, &Fault::NotNamed(step)),
        Err(_) => told(app, id),
    }
}

/// The tokens of a code.
async fn exchanged(app: &App, application: &Application, token_url: &url::Url, code: &str, verifier: &str) -> anyhow::Result<Value> {
    let secret = match &application.secret_file {
        Some(file) => Some(tokio::fs::read_to_string(file).await?),
        None => None,
    };
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &back_to(app))
        .append_pair("client_id", &application.client_id)
        .append_pair("code_verifier", verifier)
        .extend_pairs(secret.as_deref().map(|secret| ("client_secret", secret.trim())))
        .finish();
    let request = app.viewer.client.post(token_url.clone()).header("content-type", "application/x-www-form-urlencoded");
    let mut answer = request.header("accept", "application/json").body(form).send().await?.error_for_status()?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        anyhow::ensure!(body.len() <= ANSWER_BYTES_MAX, "the answer is too large");
    }
    // What went wrong with the form of it says nothing of what is in it.
    serde_json::from_slice(&body).map_err(|_| anyhow::anyhow!("the answer is no JSON"))
}

async fn not_signed_in(app: &App, id: &RequestId, why: &str) -> Out {
    match app.exchange.refused_stranger(id, &format!("viewer, sign-in: {why}")).await {
        Ok(()) => told(app, id),
        Err(_) => page::failed(app, id, &Fault::Unavailable),
    }
}

fn told(app: &App, id: &RequestId) -> Out {
    let said = vec!["Nobody was signed in. Begin again; where it comes to the same, tell whoever runs your sign-in.".to_owned()];
    let message = viewer::Message { chrome: page::bare(app, id, "Not signed in"), said, way: "/viewer/sign-in", on: "Sign in" };
    Out::page(StatusCode::FORBIDDEN, &message).with(session::drop_cookie(secure(app), NAME))
}

/// Ends a session, here and in the browser.
pub(super) fn out(app: &App, asked: &Asked) -> Out {
    let session: &Session = &asked.session;
    app.viewer.sessions.end(session);
    Out::to("/viewer/sign-in?out=1").with(session::dropped(secure(app)))
}
