//! The one way into a desk. Who asks comes first, then whether they may, then whether there is room, then what they ask; whoever does
//! not get through is on the ledger.

use std::sync::Arc;

use access::{Refusal, Rules};
use audit::Audited;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use record::{Caller, RequestId};
use serde_json::Value;

use crate::fhir_api::{App, Fault, Params, wire};

/// What may be asked of a desk.
pub(crate) trait Desk: Sized + Send + Sync {
    /// Where it is, below the public address.
    const PATH: &'static str;
    /// As the ledger calls it.
    const NAME: &'static str;

    /// Whether somebody may work there.
    fn may(rules: &Rules, caller: &Caller, now: Timestamp) -> Result<(), Refusal>;

    /// Reads a path below its own.
    fn parse(method: &Method, path: &str) -> Result<Self, Fault>;

    /// What is asked, as the ledger has it.
    fn name(&self) -> &'static str;

    /// Answers it.
    fn answer(&self, app: &App, asked: Asked<'_>) -> impl Future<Output = Result<Audited<Value>, Fault>> + Send;
}

/// A question of somebody who may ask it.
pub(crate) struct Asked<'a> {
    pub caller: &'a Caller,
    pub id: &'a RequestId,
    pub params: &'a Params,
    pub body: &'a [u8],
}

/// How long what somebody gives as a reason may be, in characters.
const WORDS_CHARS_MAX: usize = 4_000;

/// Why, in words: a deed without a reason is none. They are kept where no number is, so there is none in them.
pub(crate) fn words(said: &Value, name: &str) -> Result<String, Fault> {
    let words = said[name].as_str().unwrap_or_default().trim();
    match words {
        "" => Err(Fault::parameter(name, "is missing")),
        words if words.chars().count() > WORDS_CHARS_MAX => {
            Err(Fault::parameter(name, format!("is longer than {WORDS_CHARS_MAX} characters")))
        }
        words if access::holds_number(words) => Err(Fault::parameter(name, "must not hold an NHS number")),
        words => Ok(words.to_owned()),
    }
}

/// Answers any request below a desk's path.
pub(crate) async fn serve<D: Desk>(State(app): State<Arc<App>>, request: Request) -> Response {
    let id = app.names.of(request.headers());
    match answer::<D>(&app, request, &id).await {
        Ok(value) => respond(StatusCode::OK, &value.into_inner(), &id),
        Err(fault) => {
            let (status, outcome) = fault.parts();
            let mut response = respond(status, &outcome, &id);
            if let Some((name, value)) = fault.header() {
                response.headers_mut().insert(name, value);
            }
            response
        }
    }
}

fn respond(status: StatusCode, value: &Value, id: &RequestId) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert("x-request-id", id);
    }
    response
}

async fn answer<D: Desk>(app: &App, request: Request, id: &RequestId) -> Result<Audited<Value>, Fault> {
    let caller = app.caller(wire::presented(&request), id).await?;
    app.works_at::<D>(&caller, id).await?;
    let refused = async |why: &str| {
        app.exchange.refused_known(id, &caller, None, &format!("{}: {why}", D::NAME)).await.map_err(|_| Fault::Unavailable)
    };
    let path = request.uri().path().strip_prefix(D::PATH).unwrap_or_default().to_owned();
    let desk = match D::parse(request.method(), &path) {
        Ok(desk) => desk,
        Err(fault) => {
            refused("something that is not here").await?;
            return Err(fault);
        }
    };
    let outcome = asked(app, &desk, request, (&caller, id)).await;
    entered(app, &desk, (&caller, id), outcome).await
}

/// Answers a question that a page asks, for whoever is signed in: by the same door as the desk's own, with the same entries.
pub(crate) async fn ask<D: Desk>(
    app: &App,
    (caller, id): (&Caller, &RequestId),
    desk: &D,
    (params, body): (&Params, &Value),
) -> Result<Audited<Value>, Fault> {
    app.works_at::<D>(caller, id).await?;
    let body = body.to_string();
    entered::<D>(app, desk, (caller, id), desk.answer(app, Asked { caller, id, params, body: body.as_bytes() }).await).await
}

/// Whether somebody works at a desk. Nothing is asked of it, and nothing entered.
pub(crate) fn is_open<D: Desk>(app: &App, caller: &Caller) -> bool {
    D::may(&app.exchange.policy().rules(), caller, app.clock.now()).is_ok()
}

/// What came of a question; why nothing did is on the ledger.
async fn entered<D: Desk>(
    app: &App,
    desk: &D,
    (caller, id): (&Caller, &RequestId),
    outcome: Result<Audited<Value>, Fault>,
) -> Result<Audited<Value>, Fault> {
    if let Err(fault) = &outcome
        && let Some(why) = fault.unentered()
    {
        let why = format!("{}: {}: {why}", D::NAME, desk.name());
        app.exchange.refused_known(id, caller, None, &why).await.map_err(|_| Fault::Unavailable)?;
    }
    outcome
}

async fn asked<D: Desk>(app: &App, desk: &D, request: Request, (caller, id): (&Caller, &RequestId)) -> Result<Audited<Value>, Fault> {
    let _turn = app.turns.take(caller)?;
    let params = Params::parse(request.uri().query().unwrap_or_default());
    let limits = &app.config.limits;
    let body = wire::body(request.into_body(), limits.request_bytes_max, &limits.connections).await?;
    desk.answer(app, Asked { caller, id, params: &params, body: &body }).await
}

impl App {
    /// Whether somebody may work at a desk; that they may not is entered.
    pub(crate) async fn works_at<D: Desk>(&self, caller: &Caller, id: &RequestId) -> Result<(), Fault> {
        let rules = self.exchange.policy().rules();
        let Err(refusal) = D::may(&rules, caller, self.clock.now()) else { return Ok(()) };
        let why = format!("{}: {refusal}", D::NAME);
        self.exchange.refused_by(&rules, id, caller, &why).await.map_err(|_| Fault::Unavailable)?;
        Err(Fault::Denied)
    }
}
