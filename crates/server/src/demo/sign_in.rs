//! The demo's own OpenID provider: ready people in every role, a page to choose one, and the authorization code with PKCE.
//!
//! Whoever opens the page is let in as whoever they choose. So it is made by the demo and by nothing else: it listens on this machine's
//! own addresses only, its key is made at start and gone at the end, and `serve` has no way to it.

mod app;
mod pages;
pub mod people;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use record::Clock;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::token::Issuer;
use crate::fhir_api::Params;
use people::{PEOPLE, Ready};

/// An application whose users may sign in here, and where they are sent back to: nowhere else.
#[derive(Debug, Clone)]
pub struct Application {
    /// `client_id`
    pub id: String,
    /// `redirect_uri`, exactly.
    pub redirect_uris: Vec<String>,
}

/// The provider.
pub struct Provider {
    issuer: Issuer,
    applications: Vec<Application>,
    /// Where the exchange is, and its audience.
    exchange: String,
    clock: Arc<dyn Clock>,
    now: Mutex<Now>,
}

/// What is under way.
#[derive(Default)]
struct Now {
    /// Somebody looks at the page.
    asked: HashMap<String, Asked>,
    /// Somebody was chosen.
    codes: HashMap<String, (Asked, &'static Ready, Timestamp)>,
    /// Whom a launch opens, by its id.
    launches: HashMap<String, String>,
    /// Of the provider's own little application: what goes with a state.
    verifiers: HashMap<String, String>,
}

/// What an application asked for.
#[derive(Debug, Clone)]
struct Asked {
    client: String,
    redirect_uri: String,
    scope: String,
    state: Option<String>,
    nonce: Option<String>,
    challenge: String,
    launch: Option<String>,
    until: Timestamp,
}

/// How long somebody may look at the page, and how long a code lives.
const PAGE_LIVES: SignedDuration = SignedDuration::from_mins(10);
const CODE_LIVES: SignedDuration = SignedDuration::from_secs(60);
const TOKEN_LIVES: SignedDuration = SignedDuration::from_hours(1);
/// More under way at once is not a demo.
const UNDER_WAY_MAX: usize = 1_000;

/// Why a request is of no use, in the words of OAuth.
struct Refused(&'static str, &'static str);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        told(StatusCode::BAD_REQUEST, &json!({"error": self.0, "error_description": self.1}))
    }
}

impl Provider {
    /// For applications that are known. `exchange` is its public address.
    pub fn new(issuer: Issuer, exchange: &str, applications: Vec<Application>, clock: Arc<dyn Clock>) -> Provider {
        let own = Application { id: app::CLIENT.into(), redirect_uris: vec![format!("{}{}", issuer.name(), app::SIGNED_IN)] };
        let applications = applications.into_iter().chain([own]).collect();
        Provider { issuer, applications, exchange: exchange.to_owned(), clock, now: Mutex::default() }
    }

    /// Who signs.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// A launch from a system that has a person open (SMART's `launch`): the id that stands for it.
    pub fn open(&self, person: &str) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        self.now().launches.insert(id.clone(), person.to_owned());
        id
    }

    /// Every route.
    pub fn router(self: Arc<Provider>) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/authorize", get(authorize).post(choose))
            .route("/token", post(token))
            .route(app::START, get(app::start))
            .route(app::SIGNED_IN, get(app::signed_in))
            .with_state(self)
    }

    /// Serves until it is dropped; on this machine's own addresses, and nowhere else.
    pub async fn serve(self: Arc<Provider>, listener: TcpListener) -> anyhow::Result<()> {
        let at: SocketAddr = listener.local_addr()?;
        anyhow::ensure!(at.ip().is_loopback(), "the demo's sign-in lets everybody in: it listens on this machine's own addresses only");
        axum::serve(listener, self.router()).await?;
        Ok(())
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an application asks for, read; without a place to send somebody back to there is only a page.
    fn asked(&self, params: &Params) -> Result<Asked, Box<Response>> {
        let one = |name: &str| params.0.iter().find(|param| param.name == name).map(|param| param.value.clone());
        let known = self.applications.iter().find(|known| one("client_id").as_ref() == Some(&known.id));
        let redirect_uri = one("redirect_uri").filter(|uri| known.is_some_and(|known| known.redirect_uris.contains(uri)));
        let (Some(known), Some(redirect_uri)) = (known, redirect_uri) else {
            // Never sent to where nobody registered: that is how codes are stolen.
            return Err(Box::new((StatusCode::BAD_REQUEST, pages::stranger()).into_response()));
        };
        let state = one("state");
        let refuse = |error: &'static str, why: &'static str| {
            let fields =
                [("error", Some(error)), ("error_description", Some(why)), ("state", state.as_deref()), ("iss", Some(self.issuer.name()))];
            Err(Box::new(back(&redirect_uri, &fields)))
        };
        let twice = params.0.iter().enumerate().any(|(at, param)| params.0[..at].iter().any(|other| other.name == param.name));
        if twice {
            return refuse("invalid_request", "a parameter is given twice");
        }
        if one("response_type").as_deref() != Some("code") {
            return refuse("unsupported_response_type", "the one response_type here is code");
        }
        if one("code_challenge_method").as_deref() != Some("S256") {
            return refuse("invalid_request", "the one code_challenge_method here is S256");
        }
        let Some(challenge) = one("code_challenge").filter(|own| BASE64URL_NOPAD.decode(own.as_bytes()).is_ok_and(|own| own.len() == 32))
        else {
            return refuse("invalid_request", "code_challenge must be a SHA-256, base64url");
        };
        let launch = match one("launch") {
            None => None,
            Some(id) => match self.now().launches.get(&id).cloned() {
                Some(person) => Some(person),
                None => return refuse("invalid_request", "launch is not known"),
            },
        };
        let until = self.clock.now() + PAGE_LIVES;
        let (scope, nonce) = (one("scope").unwrap_or_default(), one("nonce"));
        Ok(Asked { client: known.id.clone(), redirect_uri, scope, state, nonce, challenge, launch, until })
    }

    /// The tokens that a code becomes: once.
    fn exchanged(&self, params: &Params) -> Result<Value, Refused> {
        let one = |name: &str| params.0.iter().find(|param| param.name == name).map(|param| param.value.as_str());
        if one("grant_type") != Some("authorization_code") {
            return Err(Refused("unsupported_grant_type", "the one grant_type here is authorization_code"));
        }
        let code = one("code").ok_or(Refused("invalid_request", "code is missing"))?;
        // Gone, whatever is wrong with the rest: whoever has it without the verifier has stolen it.
        let kept = self.now().codes.remove(code);
        let invalid = |why: &'static str| Refused("invalid_grant", why);
        let (asked, person, until) = kept.ok_or(invalid("the code is not known, or was used"))?;
        if self.clock.now() >= until {
            return Err(invalid("the code has expired"));
        }
        if one("client_id") != Some(asked.client.as_str()) || one("redirect_uri") != Some(asked.redirect_uri.as_str()) {
            return Err(invalid("the code is another application's, or for another redirect_uri"));
        }
        let verifier = one("code_verifier").filter(|own| (43..=128).contains(&own.len())).ok_or(invalid("code_verifier is missing"))?;
        if challenge(verifier) != asked.challenge {
            return Err(invalid("code_verifier is not that of the code_challenge"));
        }
        self.tokens(&asked, person).map_err(|_| Refused("server_error", "nothing could be signed"))
    }

    fn tokens(&self, asked: &Asked, person: &Ready) -> anyhow::Result<Value> {
        let scope = person.granted(&asked.scope);
        let (now, lives) = (self.clock.now().as_second(), TOKEN_LIVES.as_secs());
        let mut access = person.claims(&scope.join(" "));
        for (name, value) in [
            ("iss", json!(self.issuer.name())),
            ("aud", json!("severn")),
            ("iat", json!(now)),
            ("exp", json!(now + lives)),
            ("jti", json!(uuid::Uuid::new_v4().to_string())),
            ("client_id", json!(asked.client)),
        ] {
            access[name] = value;
        }
        let mut id = json!({
            "iss": self.issuer.name(), "sub": person.id, "aud": asked.client, "iat": now, "exp": now + lives, "auth_time": now,
            "name": person.name,
        });
        if let Some(nonce) = &asked.nonce {
            id["nonce"] = json!(nonce);
        }
        let mut told = json!({"token_type": "Bearer", "expires_in": lives, "scope": scope.join(" ")});
        if let Some(open) = &asked.launch {
            access["patient"] = json!(open);
            told["patient"] = json!(open);
        }
        told["access_token"] = json!(self.issuer.sign(&access)?);
        if scope.iter().any(|own| own == "openid") {
            told["id_token"] = json!(self.issuer.sign(&id)?);
        }
        Ok(told)
    }
}

/// The S256 of a verifier.
fn challenge(verifier: &str) -> String {
    BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref())
}

/// Sends somebody back to where they came from.
fn back(redirect_uri: &str, fields: &[(&str, Option<&str>)]) -> Response {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.iter().filter_map(|(name, value)| Some((name, (*value)?))))
        .finish();
    let joint = if redirect_uri.contains('?') { '&' } else { '?' };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    match HeaderValue::from_str(&format!("{redirect_uri}{joint}{query}")) {
        Ok(location) => drop(headers.insert(header::LOCATION, location)),
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}

async fn discovery(State(provider): State<Arc<Provider>>) -> Response {
    let own = |path: &str| format!("{}{path}", provider.issuer.name());
    let document = json!({
        "issuer": provider.issuer.name(),
        "authorization_endpoint": own("/authorize"),
        "token_endpoint": own("/token"),
        "jwks_uri": own("/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "fhirUser", "launch", "user/*.rs", "patient/*.rs", "severn.operator", "severn.privacy"],
        "claims_supported": ["sub", "name", "nonce", "auth_time"],
        "authorization_response_iss_parameter_supported": true,
    });
    told(StatusCode::OK, &document)
}

async fn jwks(State(provider): State<Arc<Provider>>) -> Response {
    match provider.issuer.jwks() {
        Ok(keys) => ([(header::CONTENT_TYPE, "application/jwk-set+json")], keys).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The page on which somebody is chosen.
async fn authorize(State(provider): State<Arc<Provider>>, RawQuery(query): RawQuery) -> Response {
    let asked = match provider.asked(&Params::parse(&query.unwrap_or_default())) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let id = uuid::Uuid::new_v4().to_string();
    let page = pages::choose(&id, &asked.client, asked.launch.is_some());
    let mut now = provider.now();
    let second = provider.clock.now();
    now.asked.retain(|_, asked| second < asked.until);
    if now.asked.len() >= UNDER_WAY_MAX {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    now.asked.insert(id, asked);
    page
}

/// Somebody was chosen.
async fn choose(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let Ok(form) = form(request).await else { return StatusCode::BAD_REQUEST.into_response() };
    let one = |name: &str| form.0.iter().find(|param| param.name == name).map(|param| param.value.as_str()).unwrap_or_default();
    let person = PEOPLE.iter().find(|person| person.id == one("person"));
    let second = provider.clock.now();
    let mut now = provider.now();
    // What was asked for is kept here, so that nothing of it can be changed on the way.
    let (Some(person), Some(asked)) = (person, now.asked.remove(one("request")).filter(|asked| second < asked.until)) else {
        return (StatusCode::BAD_REQUEST, pages::stranger()).into_response();
    };
    let code = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let location = [("code", Some(code.as_str())), ("state", asked.state.as_deref()), ("iss", Some(provider.issuer.name()))];
    let response = back(&asked.redirect_uri, &location);
    now.codes.retain(|_, (_, _, until)| second < *until);
    now.codes.insert(code, (asked, person, second + CODE_LIVES));
    response
}

async fn token(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let Ok(form) = form(request).await else { return Refused("invalid_request", "the body must be a form").into_response() };
    match provider.exchanged(&form) {
        Ok(tokens) => told(StatusCode::OK, &tokens),
        Err(refused) => refused.into_response(),
    }
}

/// JSON that nobody keeps.
fn told(status: StatusCode, value: &Value) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/json")];
    (status, headers, value.to_string()).into_response()
}

/// A form of a few fields.
async fn form(request: Request) -> Result<Params, ()> {
    let body = axum::body::to_bytes(request.into_body(), 64 << 10).await.map_err(drop)?;
    Ok(Params::parse(std::str::from_utf8(&body).map_err(drop)?))
}
