//! `POST /oauth/token`: a system that is registered here shows who it is, and gets a token of this exchange's own for some minutes
//! (SMART Backend Services; RFC 6749, 7523 and 8705). Its users are signed in elsewhere: this is no sign-in provider.

pub(crate) mod scopes;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use record::{Caller, RequestId};
use serde_json::{Map, Value, json};

use crate::config::oauth::Client;
use crate::fhir_api::{App, Params, wire};
use crate::token::{NotIssued, Once, OnceFault, Shown};

/// Where it is, below the public address: also what assertions are for.
pub const TOKEN: &str = "/oauth/token";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Why nobody got a token, in the words of OAuth.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    /// `error`
    pub error: &'static str,
    /// `error_description`; on the ledger, too.
    pub why: String,
}

impl Refusal {
    pub fn of(error: &'static str, why: impl Into<String>) -> Refusal {
        let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        Refusal { status, error, why: why.into() }
    }

    /// The ledger, the store or the key is away.
    pub fn away() -> Refusal {
        let why = "no token can be given at present; try again shortly".to_owned();
        Refusal { status: StatusCode::SERVICE_UNAVAILABLE, error: "temporarily_unavailable", why }
    }

    /// There are too many at the door.
    pub fn busy() -> Refusal {
        Refusal { why: "too many ask for tokens at once; try again in a second".to_owned(), ..Refusal::away() }
    }

    /// As the ledger has it; `at` is where, and by whose word.
    pub fn entered_as(&self, at: &str) -> String {
        format!("{at}: {}: {}", self.error, self.why)
    }

    /// What was signed for one use is of none.
    pub fn once(fault: OnceFault, error: &'static str) -> Refusal {
        match fault {
            OnceFault::Away | OnceFault::KeysAway => Refusal { why: fault.to_string(), ..Refusal::away() },
            _ => Refusal::of(error, fault.to_string()),
        }
    }
}

impl From<exchange::Refused> for Refusal {
    fn from(_: exchange::Refused) -> Refusal {
        Refusal::away()
    }
}

/// How a token is given.
pub(crate) struct Give<'a> {
    /// By which way, as the ledger has it: `client` or `launch`.
    pub kind: &'a str,
    /// For how long it is good.
    pub lives: jiff::SignedDuration,
    /// Where, and by whose word, as the ledger has a refusal.
    pub at: String,
    /// What is spent for it.
    pub once: Option<&'a Once>,
}

/// Answers the token endpoint.
pub async fn token(State(app): State<Arc<App>>, request: Request) -> Response {
    let id = app.names.of(request.headers());
    match app.grant(request, &id).await {
        Ok(granted) => respond(StatusCode::OK, &granted, &id),
        Err(refusal) => refused(&refusal, &id),
    }
}

/// A refusal as OAuth writes it.
pub(crate) fn refused(refusal: &Refusal, id: &RequestId) -> Response {
    let said = json!({"error": refusal.error, "error_description": refusal.why});
    let mut response = respond(refusal.status, &said, id);
    if refusal.status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_client\""));
    }
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// JSON that nobody keeps.
pub(crate) fn respond(status: StatusCode, value: &Value, id: &RequestId) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert("x-request-id", id);
    }
    response
}

/// A form's fields, each once: of two values, two readers could take another one each.
pub struct Form(Params);

impl Form {
    pub(crate) async fn read(request: Request, limits: &crate::config::Limits) -> Result<Form, Refusal> {
        let malformed = |why: &str| Refusal::of("invalid_request", why);
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if content_type.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
            return Err(malformed("the body must be application/x-www-form-urlencoded"));
        }
        if request.uri().query().is_some() {
            return Err(malformed("nothing belongs into the address: addresses are kept in logs"));
        }
        let body = crate::fhir_api::wire::body(request.into_body(), limits.form_bytes_max, &limits.connections).await;
        let body = body.map_err(|_| malformed("the body is larger than the limit, or did not come in time"))?;
        Form::of(&body).map_err(malformed)
    }

    /// Of a body; or what is wrong with it.
    pub fn of(body: &[u8]) -> Result<Form, &'static str> {
        let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
        let params = Params::parse(text);
        let mut names: Vec<&str> = params.0.iter().map(|param| param.name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("a field is given twice");
        }
        Ok(Form(params))
    }

    /// What stands in a field, if anything does.
    pub fn field(&self, name: &str) -> Option<&str> {
        let field = self.0.0.iter().find(|param| param.name == name)?;
        Some(field.value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether it has other fields than these.
    pub fn has_other(&self, known: &[&str]) -> bool {
        self.0.0.iter().any(|param| !known.contains(&param.name.as_str()))
    }
}

impl App {
    /// The exchange's own address of a path, as what is signed for it must name it.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.config.exchange.public_url)
    }

    async fn grant(&self, request: Request, id: &RequestId) -> Result<Value, Refusal> {
        let presented = wire::presented(&request);
        let authorization = request.headers().contains_key(header::AUTHORIZATION);
        let post = *request.method() == Method::POST;
        let read = if !post {
            Err(Refusal { status: StatusCode::METHOD_NOT_ALLOWED, ..Refusal::of("invalid_request", "ask by POST") })
        } else if self.config.oauth.is_none() {
            Err(Refusal { status: StatusCode::NOT_FOUND, ..Refusal::of("unsupported_grant_type", "no tokens are given here") })
        } else if authorization {
            Err(Refusal::of("invalid_client", "clients show who they are by a signed assertion or their certificate, and not by a header"))
        } else {
            Form::read(request, &self.config.limits).await.and_then(|form| asked(&form).map(|()| form))
        };
        // From here on work is done for strangers: signatures, keys, lines of the ledger. Not before the body is there: who is slow to
        // send one takes nobody's place.
        let Ok(_place) = self.grants.try_acquire() else { return Err(self.entered(id, None, Refusal::busy()).await) };
        let form = match read {
            Ok(form) => form,
            Err(refusal) => return Err(self.entered(id, None, refusal).await),
        };
        let shown =
            Shown { assertion: form.field("client_assertion"), id: form.field("client_id"), certificate: presented.certificate.as_ref() };
        let client = match self.tokens.client(&shown, &self.address(TOKEN)).await {
            Ok(client) => client,
            Err((fault, client)) => return Err(self.entered(id, client, Refusal::once(fault, "invalid_client")).await),
        };
        let scopes = scopes::narrowed(form.field("scope").unwrap_or_default(), &client.scopes);
        let caller = client.caller(&self.config.exchange.public_url, scopes);
        if caller.scopes.is_empty() {
            let refusal = Refusal::of("invalid_scope", "nothing of the scopes asked for is registered for this client");
            let entered = self.exchange.refused_known(id, &caller, None, &refusal.entered_as(TOKEN)).await;
            return Err(entered.map_or_else(|_| Refusal::away(), |()| refusal));
        }
        // Bound to the certificate where the client has one: stolen, it is of no use.
        let certificate = presented.certificate.as_ref().filter(|_| client.certificate.is_some());
        let mut claims = claims(&caller);
        if let Some(certificate) = certificate {
            claims.insert("cnf".into(), json!({"x5t#S256": certificate.thumbprint}));
        }
        let give = Give { kind: "client", lives: self.lifetimes().0, at: TOKEN.to_owned(), once: None };
        self.issued(id, caller, claims, give).await
    }

    /// How long tokens of a client, and of whoever is launched, live.
    pub(crate) fn lifetimes(&self) -> (jiff::SignedDuration, jiff::SignedDuration) {
        self.config.oauth.as_ref().map(|oauth| (oauth.access, oauth.launched)).unwrap_or_default()
    }

    /// Enters that a token is to be given, and only then spends what it is given for, signs it, and gives it: whatever fails before costs
    /// nobody the one use of what they have, and nobody gets two for it.
    pub(crate) async fn issued(
        &self,
        id: &RequestId,
        caller: Caller,
        claims: Map<String, Value>,
        give: Give<'_>,
    ) -> Result<Value, Refusal> {
        let unsigned = |error: NotIssued| {
            tracing::error!(%error, "a token could not be given");
            Refusal::away()
        };
        let mint = self.tokens.mint(give.lives).map_err(unsigned)?;
        let mut told = json!({"token_type": "Bearer", "expires_in": give.lives.as_secs(), "scope": caller.scopes.join(" ")});
        if let Some(person) = &caller.launch_patient {
            told["patient"] = json!(person.as_str());
        }
        let (caller, until) = (Caller { token_id: Some(mint.id.clone()), ..caller }, mint.until);
        let Give { at, kind, once, .. } = give;
        let giving = async move {
            if let Some(once) = once {
                self.tokens.spend(once).await.map_err(|fault| Refusal::once(fault, "invalid_grant"))?;
            }
            told["access_token"] = json!(mint.sign(claims).map_err(unsigned)?);
            Ok(told)
        };
        let giving = async { giving.await.map_err(|refusal: Refusal| (refusal.entered_as(&at), refusal)) };
        self.exchange.issued(id, &caller, kind, until, giving).await.map(audit::Audited::into_inner)
    }

    /// Enters a refusal; where even that fails, so does the request. Of who it was there is only what is registered.
    async fn entered(&self, id: &RequestId, client: Option<&Client>, refusal: Refusal) -> Refusal {
        let who = client.map(|client| format!(" of the client {}", client.id)).unwrap_or_default();
        let entered = self.exchange.refused_stranger(id, &refusal.entered_as(&format!("{TOKEN}{who}"))).await;
        entered.map_or_else(|_| Refusal::away(), |()| refusal)
    }
}

/// Whether a form asks for what is given here.
fn asked(form: &Form) -> Result<(), Refusal> {
    match form.field("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::of("unsupported_grant_type", "the one grant_type here is client_credentials")),
        None => return Err(Refusal::of("invalid_request", "grant_type is missing")),
    }
    if form.field("client_secret").is_some() {
        return Err(Refusal::of("invalid_client", "a secret shows nothing here: sign an assertion"));
    }
    match (form.field("client_assertion_type"), form.field("client_assertion")) {
        (Some(ASSERTION_TYPE), Some(_)) | (None, None) => Ok(()),
        _ => Err(Refusal::of("invalid_request", format!("client_assertion goes with client_assertion_type {ASSERTION_TYPE}"))),
    }
}

/// The claims of a token that say who somebody is, what was granted to them, and whom they have open.
pub(crate) fn claims(caller: &Caller) -> Map<String, Value> {
    let mut claims = json!({
        "sub": caller.user.subject,
        "client_id": caller.client,
        "scope": caller.scopes.join(" "),
        "extensions": {"ihe_iua": source::iua(caller)},
    });
    if let Some(person) = &caller.launch_patient {
        claims["patient"] = json!(person.as_str());
    }
    match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}
