//! `/viewer`: the pages that people read, with a session in place of a token.
//!
//! A session holds the token that its reader was given at sign-in or at a launch, and nothing else that speaks for them: every page
//! verifies it anew and asks by the same door as the FHIR server (`App::caller`, then the exchange), so that nothing can be seen here
//! that could not be seen there. Whom a page is about stands in its address, and nowhere in the session.

mod claim;
mod coming;
mod find;
mod page;
mod privacy;
mod reading;
mod session;
mod sign_in;
mod steward;

use std::sync::Arc;
use std::time::Duration;

use audit::Audited;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use record::{Ask, Caller, Question, RequestId};
use serde_json::Value;

use crate::config::Config;
use crate::desk;
use crate::fhir_api::{App, Fault, Params, wire};
use crate::tls::Peer;
use crate::token::TokenFault;
use page::Out;
use session::{Session, Sessions};
use sign_in::Pendings;

pub(crate) use page::Cautioned;
pub use session::Begun;

/// Where it is, below the public address.
pub const HOME: &str = "/viewer";

/// What the viewer works with.
pub struct Room {
    sessions: Sessions,
    pendings: Pendings,
    coming: coming::Waiting,
    /// For the token endpoints of sign-in providers.
    client: reqwest::Client,
}

impl Room {
    /// With nobody signed in.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Room> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(10))
            // Whoever answers at the address is believed, and nobody to whom it might send us on.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Room {
            sessions: Sessions::new(&config.viewer),
            pendings: Pendings::new(&config.viewer),
            coming: coming::Waiting::new(config),
            client,
        })
    }
}

/// Somebody who is signed in, and what they ask.
struct Asked {
    id: RequestId,
    caller: Caller,
    session: Arc<Session>,
    form: Params,
}

impl Asked {
    fn ask(&self, question: Question) -> Ask {
        Ask { request: self.id.clone(), caller: self.caller.clone(), question, hops: Vec::new(), wait: None }
    }

    /// What a desk answers, as it would whoever asks it by its own address.
    async fn at_desk<D: desk::Desk>(&self, app: &App, desk: &D, params: &Params, body: &Value) -> Result<Value, Fault> {
        desk::ask(app, (&self.caller, &self.id), desk, (params, body)).await.map(Audited::into_inner)
    }

    /// A field of the form, without spaces around it.
    fn field(&self, name: &str) -> &str {
        self.form.0.iter().find(|param| param.name == name).map(|param| param.value.trim()).unwrap_or_default()
    }
}

/// `GET /viewer`
pub async fn home(State(app): State<Arc<App>>, request: Request) -> Response {
    respond(&app, request, Way::Open, async |app, asked| find::home(app, &asked)).await
}

/// `POST /viewer/find`
pub async fn look(State(app): State<Arc<App>>, request: Request) -> Response {
    respond(&app, request, Way::Asking("find"), find::look).await
}

/// `GET /viewer/patient/{id}`; with `?whole` nothing is shown before all has come.
pub async fn patient(State(app): State<Arc<App>>, request: Request) -> Response {
    let person = part(&request, 3);
    let pace = coming::pace(&app, &request);
    respond(&app, request, Way::Asking("patient"), async move |app, asked| match pace {
        Some(pace) => coming::page(app, &asked, &person, pace).await,
        None => reading::page(app, &asked, &person).await,
    })
    .await
}

/// `GET /viewer/patient/{id}/more/{rest}`
pub async fn more(State(app): State<Arc<App>>, request: Request) -> Response {
    let (person, rest, own) = (part(&request, 3), part(&request, 5), app.clone());
    respond(&app, request, Way::Asking("more"), async move |_, asked| coming::more(own, asked, &person, &rest).await).await
}

/// `GET /viewer/patient/{id}/document/{document}`
pub async fn document(State(app): State<Arc<App>>, request: Request) -> Response {
    let (person, id) = (part(&request, 3), part(&request, 5));
    let answer = async move |app: &App, asked: Asked| reading::document(app, &asked, &person, &id, false).await;
    respond(&app, request, Way::Asking("document"), answer).await
}

/// `GET /viewer/patient/{id}/document/{document}/file`
pub async fn file(State(app): State<Arc<App>>, request: Request) -> Response {
    let (person, id) = (part(&request, 3), part(&request, 5));
    let answer = async move |app: &App, asked: Asked| reading::document(app, &asked, &person, &id, true).await;
    respond(&app, request, Way::Asking("document's file"), answer).await
}

/// `GET /viewer/patient/{id}/medicines`
pub async fn medicines(State(app): State<Arc<App>>, request: Request) -> Response {
    let person = part(&request, 3);
    respond(&app, request, Way::Asking("medicines"), async move |app, asked| reading::medicines(app, &asked, &person).await).await
}

/// `GET /viewer/patient/{id}/results`
pub async fn results(State(app): State<Arc<App>>, request: Request) -> Response {
    let person = part(&request, 3);
    respond(&app, request, Way::Asking("results"), async move |app, asked| reading::results(app, &asked, &person).await).await
}

/// `POST /viewer/patient/{id}/access`
pub async fn claim(State(app): State<Arc<App>>, request: Request) -> Response {
    let person = part(&request, 3);
    respond(&app, request, Way::Asking("access"), async move |app, asked| claim::claim(app, &asked, &person).await).await
}

/// `GET /viewer/privacy`
pub async fn privacy_queue(State(app): State<Arc<App>>, request: Request) -> Response {
    let query = Params::parse(request.uri().query().unwrap_or_default());
    respond(&app, request, Way::Asking("privacy"), async move |app, asked| privacy::queue(app, &asked, &query).await).await
}

/// `GET /viewer/privacy/tasks/{id}`
pub async fn privacy_case(State(app): State<Arc<App>>, request: Request) -> Response {
    let task = part(&request, 4);
    respond(&app, request, Way::Asking("privacy"), async move |app, asked| privacy::case(app, &asked, &task).await).await
}

/// `POST /viewer/privacy/tasks/{id}/decide`
pub async fn privacy_decide(State(app): State<Arc<App>>, request: Request) -> Response {
    let task = part(&request, 4);
    respond(&app, request, Way::Asking("privacy"), async move |app, asked| privacy::decide(app, &asked, &task).await).await
}

/// `GET` and `POST /viewer/privacy/report`: whom it is about stands in the form's body.
pub async fn privacy_report(State(app): State<Arc<App>>, request: Request) -> Response {
    let looks = request.method() == axum::http::Method::POST;
    respond(&app, request, Way::Asking("privacy"), async move |app, asked| privacy::report(app, &asked, looks).await).await
}

/// `GET /viewer/steward`
pub async fn steward_queue(State(app): State<Arc<App>>, request: Request) -> Response {
    let query = Params::parse(request.uri().query().unwrap_or_default());
    respond(&app, request, Way::Asking("steward"), async move |app, asked| steward::queue(app, &asked, &query).await).await
}

/// `GET /viewer/steward/tasks/{id}`
pub async fn steward_doubt(State(app): State<Arc<App>>, request: Request) -> Response {
    let task = part(&request, 4);
    respond(&app, request, Way::Asking("steward"), async move |app, asked| steward::doubt(app, &asked, &task).await).await
}

/// `POST /viewer/steward/tasks/{id}/decide`
pub async fn steward_decide(State(app): State<Arc<App>>, request: Request) -> Response {
    let task = part(&request, 4);
    respond(&app, request, Way::Asking("steward"), async move |app, asked| steward::decide(app, &asked, &task).await).await
}

/// `POST /viewer/steward/tasks/{id}/undo`
pub async fn steward_undo(State(app): State<Arc<App>>, request: Request) -> Response {
    let task = part(&request, 4);
    respond(&app, request, Way::Asking("steward"), async move |app, asked| steward::undo(app, &asked, &task).await).await
}

/// `POST /viewer/sign-out`
pub async fn sign_out(State(app): State<Arc<App>>, request: Request) -> Response {
    respond(&app, request, Way::Open, async |app, asked| sign_in::out(app, &asked)).await
}

/// `GET /viewer/sign-in`
pub async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Response {
    let id = app.names.of(request.headers());
    sign_in::page(&app, &id, request.uri().query().unwrap_or_default()).response(&app, &id)
}

/// `GET /viewer/sign-in/{way}`
pub async fn begin(State(app): State<Arc<App>>, request: Request) -> Response {
    let way = part(&request, 3);
    let id = app.names.of(request.headers());
    sign_in::begin(&app, &way, request.uri().query().unwrap_or_default()).response(&app, &id)
}

/// `GET /viewer/signed-in`
pub async fn signed_in(State(app): State<Arc<App>>, request: Request) -> Response {
    let id = app.names.of(request.headers());
    sign_in::back(&app, &id, request).await.response(&app, &id)
}

/// `GET /viewer/assets/{name}`
pub async fn asset(request: Request) -> Response {
    page::asset(&part(&request, 3))
}

/// Opens the person whom a system sent its user here with: by the token that its link became.
pub(crate) async fn opened(app: &App, token: &str, id: &RequestId) -> Response {
    let out = match app.begin_session(token, id).await {
        Ok(begun) => {
            let to = begun.person.map_or_else(|| HOME.to_owned(), |person| format!("/viewer/patient/{person}"));
            Out::to(to).with(begun.cookie)
        }
        Err(fault) => page::failed(app, id, &fault),
    };
    out.response(app, id)
}

/// A part of the address, as it came: no id of ours has a letter that is written otherwise in one.
fn part(request: &Request, at: usize) -> String {
    request.uri().path().split('/').nth(at).unwrap_or_default().to_owned()
}

/// What an address is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Something is asked there: whoever may not is on the ledger.
    Asking(&'static str),
    /// Nothing is asked.
    Open,
}

/// Who asks comes first, then whether their form is theirs, then whether there is room, then what they ask.
async fn respond(app: &Arc<App>, request: Request, way: Way, answer: impl AsyncFnOnce(&App, Asked) -> Out) -> Response {
    let id = app.names.of(request.headers());
    let out = match asked(app, request, &id, way).await {
        Ok(asked) => match app.turns.take(&asked.caller) {
            Ok(_turn) => answer(app, asked).await,
            Err(fault) => page::failed(app, &id, &fault),
        },
        Err(out) => *out,
    };
    out.response(app, &id)
}

async fn asked(app: &App, request: Request, id: &RequestId, way: Way) -> Result<Asked, Box<Out>> {
    let now = app.clock.now();
    let certificate = request.extensions().get::<ConnectInfo<Peer>>().and_then(|ConnectInfo(peer)| peer.certificate.clone());
    let to = request.uri().path().to_owned();
    let Some(session) = app.viewer.sessions.of(request.headers(), now) else {
        if let Way::Asking(what) = way {
            let why = format!("viewer, {what}: nobody is signed in");
            app.exchange.refused_stranger(id, &why).await.map_err(|_| Box::new(page::failed(app, id, &Fault::Unavailable)))?;
        }
        let over = app.viewer.sessions.brought(request.headers());
        return Err(Box::new(sign_in::first(&to, over)));
    };
    let presented = wire::Presented { token: Ok(session.token.clone()), certificate };
    let caller = match app.caller(presented, id).await {
        Ok(caller) => caller,
        // Its time is over, or whoever signed it is no longer believed: so is the session's.
        Err(Fault::Token(fault)) if fault != TokenFault::KeysAway => {
            app.viewer.sessions.end(&session);
            return Err(Box::new(sign_in::first(&to, true)));
        }
        Err(fault) => return Err(Box::new(page::failed(app, id, &fault))),
    };
    let posted = request.method() == axum::http::Method::POST;
    let limits = &app.config.limits;
    let body = wire::body(request.into_body(), limits.form_bytes_max, &limits.connections).await;
    let form = Params::parse(&String::from_utf8_lossy(&body.map_err(|fault| Box::new(page::failed(app, id, &fault)))?));
    let asked = Asked { id: id.clone(), caller, session, form };
    // A form of another's making has not what goes with this session.
    if posted && !asked.session.made(asked.field("csrf")) {
        let entered = app.exchange.refused_known(id, &asked.caller, None, "viewer: a form that this session did not make").await;
        entered.map_err(|_| Box::new(page::failed(app, id, &Fault::Unavailable)))?;
        let said = "The form was made for another session, or too long ago. Nothing was done.";
        return Err(Box::new(page::message(app, &asked, StatusCode::FORBIDDEN, "Not done", said)));
    }
    Ok(asked)
}

impl App {
    /// Begins a session for whoever a token speaks for, once it is known to. Who it is not for is entered.
    ///
    /// # Errors
    ///
    /// The token is no good here, or speaks of no person.
    pub async fn begin_session(&self, token: &str, id: &RequestId) -> Result<Begun, Fault> {
        let caller = self.caller(wire::Presented { token: Ok(token.to_owned()), certificate: None }, id).await?;
        if !caller.human {
            let why = "viewer: pages are for people, and the token speaks of none";
            self.exchange.refused_known(id, &caller, None, why).await.map_err(|_| Fault::Unavailable)?;
            return Err(Fault::Denied);
        }
        let secure = self.config.exchange.public_url.starts_with("https://");
        self.viewer.sessions.begin(token, caller.launch_patient, secure, self.clock.now()).map_err(|_| Fault::Unavailable)
    }
}
