//! `/fhir/R4` and `/fhir/STU3`: one FHIR server that holds what the region knows, with two faces.

pub mod face;
mod fault;
mod filters;
mod handlers;
pub mod interaction;
mod metadata;
mod names;
pub mod openapi;
pub(crate) mod params;
mod search;
mod snapshots;
pub mod structured;
pub(crate) mod wire;

use std::sync::Arc;

use access::Ladder;
use audit::Audited;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use exchange::Exchange;
use people::Registrar;
use record::{Ask, Caller, Clock, Question, RequestId};
use tokio::sync::Semaphore;

use crate::answer::Assembler;
use crate::config::Config;
use crate::ladder;
use crate::people::deed::Desk;
use crate::privacy::room::Room;
use crate::token::Tokens;
use crate::turns::Turns;

pub use face::Face;
pub use fault::Fault;
pub use interaction::Interaction;
pub use wire::Format;

pub(crate) use handlers::{fault, unknown};
use names::Names;
pub(crate) use params::Params;
use snapshots::Snapshots;
use wire::Presented;

/// For the fuzz targets.
pub(crate) mod fuzzing {
    pub use super::handlers::trace::{of_params as sought_by_params, of_tree as sought_by_body};
    pub use super::params::Params;
    pub use super::search::{PatientRef, Search};
}

/// What the FHIR server works with.
pub struct App {
    /// The journey.
    pub exchange: Exchange,
    /// Who changes the person index, and fills it at start.
    pub registrar: Arc<Registrar>,
    /// Where the deeds of its stewards are entered.
    pub deeds: Desk,
    /// What a privacy officer works with.
    pub privacy: Room,
    /// Who callers are.
    pub tokens: Tokens,
    /// How far the exchange has come, and whom it therefore answers.
    pub ladder: Ladder,
    /// The configuration.
    pub config: Config,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who assembles answers.
    pub assembler: Assembler,
    /// Who is signed in on pages.
    pub viewer: crate::viewer::Room,
    snapshots: Snapshots,
    /// What requests are called.
    pub(crate) names: Names,
    pub(crate) turns: Turns,
    /// Places for those who ask for tokens: none of those who have one is kept out by them.
    pub(crate) grants: Semaphore,
}

/// A body to be written, and its status: what leaves only once it is on the ledger.
pub struct Written {
    status: StatusCode,
    json: Vec<u8>,
    /// Ids of the referrals in the whole answer, of which this may be a page: STU3 has a type for them.
    referrals: Vec<String>,
    /// Where it is shown in an emergency: when that ends. A header says so, too: one resource has no outcome beside it.
    emergency: Option<jiff::Timestamp>,
}

impl Written {
    /// A body that leads to no referrals but those in it.
    fn new(status: StatusCode, json: Vec<u8>) -> Written {
        Written { status, json, referrals: Vec::new(), emergency: None }
    }
}

/// One request, read and by a known caller.
struct Asked {
    request: RequestId,
    caller: Caller,
    params: Params,
    headers: axum::http::HeaderMap,
    hops: Vec<record::ExchangeId>,
    wait: Option<std::time::Duration>,
    body: bytes::Bytes,
    strict: bool,
    xml: bool,
    /// The form of question and answer.
    face: Face,
    /// What narrows the answer to a type that only STU3 has.
    narrowing: Option<record::Filter>,
    /// Path and query as they came, for the link `self`.
    target: String,
}

impl Asked {
    fn ask(&self, question: Question) -> Ask {
        let (request, caller, hops) = (self.request.clone(), self.caller.clone(), self.hops.clone());
        Ask { request, caller, question, hops, wait: self.wait }
    }

    /// Who asks and in which capacity, to bind a cursor to: what was laid out for a doctor is not for the same person's other role.
    fn user(&self) -> String {
        let Caller { user, organisation, roles, activities, purposes, scopes, .. } = &self.caller;
        format!("{user:?} {} {roles:?} {activities:?} {purposes:?} {scopes:?}", organisation.code)
    }
}

impl App {
    /// Puts the parts together.
    pub fn new(
        exchange: Exchange,
        (registrar, deeds, privacy): (Arc<Registrar>, Desk, Room),
        (tokens, ladder): (Tokens, Ladder),
        config: Config,
        clock: Arc<dyn Clock>,
        assembler: Assembler,
    ) -> anyhow::Result<App> {
        let snapshots = Snapshots::new(config.limits.snapshots_max, config.limits.snapshot_minutes);
        let turns = Turns::new(config.limits.asks_in_flight, config.limits.people, config.limits.systems);
        let grants = Semaphore::new(config.limits.grants_in_flight);
        let names = Names::new(config.limits.one_name_max);
        let viewer = crate::viewer::Room::new(&config)?;
        Ok(App { exchange, registrar, deeds, privacy, tokens, ladder, config, clock, assembler, viewer, snapshots, names, turns, grants })
    }

    /// The FHIR base that clients of a face see.
    pub fn base(&self, face: Face) -> String {
        format!("{}{}", self.config.exchange.public_url, face.path())
    }

    /// What every Bundle is tagged with beside what is in it: that care may not rely on it yet, while that is so.
    pub(crate) fn marks(&self) -> Vec<(String, String)> {
        let step = self.ladder.step();
        step.caution().map(|_| (ladder::SYSTEM.to_owned(), step.word().to_owned())).into_iter().collect()
    }

    /// What was answered in R4, as a face says it.
    fn said(&self, face: Face, named: &str, written: Written) -> (StatusCode, Vec<u8>) {
        let Written { status, json, referrals, .. } = written;
        // A statement of what a face can do is written for it.
        if face == Face::R4 || named == "metadata" && status == StatusCode::OK {
            return (status, json);
        }
        let (r4_base, stu3_base) = (self.base(Face::R4), self.base(Face::Stu3));
        let saying = face::said::Saying { r4_base: &r4_base, stu3_base: &stu3_base, referrals: &referrals, named };
        (status, face::said::in_stu3(json, &saying))
    }
}

/// Answers any request below `/fhir/R4` and `/fhir/STU3`.
pub async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let id = app.names.of(request.headers());
    let query = Params::parse(request.uri().query().unwrap_or_default());
    let format = Format::negotiated(&query, request.headers());
    let head = request.method() == axum::http::Method::HEAD;
    let (face, named) = (Face::of(request.uri().path()).0, face::named(request.uri().path_and_query()));
    let outcome = app.answer(request, &id, query, format.clone()).await;
    let format = format.unwrap_or(Format::Json);
    let mut response = match outcome {
        Ok(written) => {
            let emergency = written.emergency;
            let (status, json) = app.said(face, &named, written);
            let mut response = wire::respond(status, json, (face, format), &id);
            wire::in_emergency(&mut response, emergency);
            response
        }
        Err(fault) => refuse(&app, &fault, (face, format), &id),
    };
    if head {
        *response.body_mut() = Body::empty();
    }
    response
}

fn refuse(app: &App, fault: &Fault, (face, format): (Face, Format), id: &RequestId) -> Response {
    let (status, outcome) = fault.parts();
    let (status, json) = app.said(face, "", Written::new(status, outcome.to_string().into_bytes()));
    let mut response = wire::respond(status, json, (face, format), id);
    if let Some((name, value)) = fault.header() {
        response.headers_mut().insert(name, value);
    }
    response
}

impl App {
    async fn answer(&self, request: Request, id: &RequestId, query: Params, format: Result<Format, Fault>) -> Result<Written, Fault> {
        let (face, path) = Face::of(request.uri().path());
        let interaction = Interaction::parse(face, request.method(), path);
        if interaction == Ok(Interaction::Metadata) {
            format?;
            return Ok(Written::new(StatusCode::OK, metadata::statement(self, face).to_string().into_bytes()));
        }
        // Who asks comes before what is asked: a stranger learns nothing of what exists.
        let caller = self.caller(wire::presented(&request), id).await?;
        let outcome = self.answer_known(request, id, query, format, interaction.clone(), caller.clone()).await;
        if let Err(fault) = &outcome
            && let Some(why) = fault.unentered()
        {
            // Whose id it is stands in the store, which may be what is away.
            let patient = interaction.as_ref().ok().and_then(Interaction::patient).filter(|_| !matches!(fault, Fault::Unavailable));
            let what = interaction.as_ref().map_or("something that is not here", |interaction| interaction.name());
            self.exchange.refused_known(id, &caller, patient, &format!("{what}: {why}")).await.map_err(|_| Fault::Unavailable)?;
        }
        outcome
    }

    /// The same for a caller who is known.
    async fn answer_known(
        &self,
        request: Request,
        id: &RequestId,
        query: Params,
        format: Result<Format, Fault>,
        interaction: Result<Interaction, Fault>,
        caller: Caller,
    ) -> Result<Written, Fault> {
        let (format, interaction) = (format?, interaction?);
        let (parts, body) = request.into_parts();
        let _turn = self.turns.take(&caller)?;
        let body = wire::body(body, self.config.limits.request_bytes_max, &self.config.limits.connections).await?;
        let mut params = with_body(query, &interaction, &parts, &body)?;
        let (face, named) = (Face::of(parts.uri.path()).0, face::named(parts.uri.path_and_query()));
        let narrowing = match (face, &interaction) {
            (Face::Stu3, Interaction::Search(kind)) => face::asked::search(*kind, &named, &mut params),
            (Face::Stu3, Interaction::Everything(_)) => face::asked::everything(&mut params)?,
            _ => None,
        };
        let asked = Asked {
            request: id.clone(),
            caller,
            params,
            face,
            narrowing,
            hops: wire::hops(&parts.headers)?,
            wait: wire::wait(&parts.headers),
            strict: wire::strict(&parts.headers),
            xml: format == Format::Xml,
            target: parts.uri.path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default(),
            headers: parts.headers,
            body,
        };
        self.dispatch(interaction, asked).await.map(Audited::into_inner)
    }

    /// Who asks, by what they brought ([`wire::presented`]). Whoever brought nothing good is entered, and refused; so is whoever is not
    /// named for the step that the exchange stands on. Every door goes by here.
    pub(crate) async fn caller(&self, presented: Presented, id: &RequestId) -> Result<Caller, Fault> {
        let verified = match &presented.token {
            Ok(token) => self.tokens.caller(token, presented.certificate.as_ref()).await,
            Err(fault) => Err(*fault),
        };
        match verified {
            Ok(caller) => match self.ladder.lets(&caller) {
                Ok(()) => Ok(caller),
                Err(refusal) => {
                    self.exchange.refused_known(id, &caller, None, &refusal.to_string()).await.map_err(|_| Fault::Unavailable)?;
                    Err(Fault::NotNamed(self.ladder.step().word()))
                }
            },
            Err(fault) => {
                // Refusals are entered too. When even that fails, so does the request.
                self.exchange.refused_stranger(id, &fault.to_string()).await.map_err(|_| Fault::Unavailable)?;
                Err(Fault::Token(fault))
            }
        }
    }

    /// Every interaction, each answered only by what the ledger has let go.
    async fn dispatch(&self, interaction: Interaction, asked: Asked) -> Result<Audited<Written>, Fault> {
        match interaction {
            Interaction::AuditEvent(id) => self.audit_event(asked, id).await,
            Interaction::AuditEvents => self.audit_events(asked).await,
            Interaction::Everything(person) => self.everything(asked, person).await,
            Interaction::Match => self.match_patient(asked).await,
            Interaction::Metadata => Err(Fault::NotFound("metadata is answered before".into())),
            Interaction::Page => self.page(asked).await,
            Interaction::Plan(person) => self.plan(asked, person).await,
            Interaction::Read(kind, id) => self.read(asked, kind, id).await,
            Interaction::Record(id) => self.record(asked, id).await,
            Interaction::RequestAccess(person) => self.request_access(asked, person).await,
            Interaction::Search(kind) => self.search(asked, kind).await,
        }
    }
}

/// Adds the body's parameters to the query's: a form's for searches, a Parameters resource's for `$everything`.
fn with_body(mut query: Params, interaction: &Interaction, parts: &axum::http::request::Parts, body: &[u8]) -> Result<Params, Fault> {
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let text = std::str::from_utf8(body).map_err(|_| Fault::parameter("body", "is not UTF-8"))?;
        query.0.extend(Params::parse(text).0);
    } else if matches!(interaction, Interaction::Everything(_)) && !body.trim_ascii().is_empty() {
        if !content_type.contains("json") {
            return Err(Fault::UnsupportedMedia);
        }
        query.0.extend(Params::of_resource(body)?.0);
    }
    Ok(query)
}
