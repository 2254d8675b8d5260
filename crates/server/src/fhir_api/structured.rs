//! `POST /fhir/STU3/Patient/{id}/$gpc.getstructuredrecord`: one practice's answer, unjoined, for systems that read GP Connect.
//! Also without an id, as GP Connect itself has it: then the Parameters name the person by NHS number.

use std::sync::Arc;

use audit::Audited;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use exchange::Relayed;
use fhir::Tree;
use record::{Ask, Caller, NHS_NUMBER_SYSTEM, Need, NhsNumber, Question, RequestId, Status};

use super::handlers::{fault, unknown};
use super::search::PatientRef;
use super::{App, Face, Fault, Format, Written, refuse, wire};
use crate::answer::outcome;

/// What it is called in the ledger.
const NAME: &str = "$gpc.getstructuredrecord";
/// How it answers: the practice's own words.
const STU3: (Face, Format) = (Face::Stu3, Format::Json);
const OPERATION: &str = "/$gpc.getstructuredrecord";

/// Answers the operation.
pub async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let id = app.names.of(request.headers());
    match app.structured(request, &id).await {
        Ok(written) => wire::respond(written.status, written.json, STU3, &id),
        Err(fault) => refuse(&app, &fault, STU3, &id),
    }
}

/// What the Parameters say.
struct Wanted {
    number: Option<NhsNumber>,
    areas: Vec<String>,
}

impl App {
    async fn structured(&self, request: Request, id: &RequestId) -> Result<Written, Fault> {
        let caller = self.caller(wire::presented(&request), id).await?;
        let path = request.uri().path().to_owned();
        let whom = path.strip_suffix(OPERATION).and_then(|path| path.strip_prefix("/fhir/STU3/Patient/")).map(str::to_owned);
        let outcome = self.structured_known(request, id, caller.clone(), whom.as_deref()).await;
        if let Err(fault) = &outcome
            && let Some(why) = fault.unentered()
        {
            let entered = self.exchange.refused_known(id, &caller, whom.as_deref(), &format!("{NAME}: {why}")).await;
            entered.map_err(|_| Fault::Unavailable)?;
        }
        outcome.map(Audited::into_inner)
    }

    /// The same for a caller who is known.
    async fn structured_known(
        &self,
        request: Request,
        id: &RequestId,
        caller: Caller,
        whom: Option<&str>,
    ) -> Result<Audited<Written>, Fault> {
        if request.method() != Method::POST {
            return Err(Fault::Method("POST"));
        }
        let (parts, body) = request.into_parts();
        let _turn = self.turns.take(&caller)?;
        let body = wire::body(body, self.config.limits.request_bytes_max, &self.config.limits.connections).await?;
        let wanted = wanted(body)?;
        let person = match (whom, wanted.number) {
            (Some(id), None) => self.person(&PatientRef::Id(id.to_owned())).await?,
            (None, Some(number)) => self.person(&PatientRef::Number(number)).await?,
            (None, None) => return Err(Fault::parameter("patientNHSNumber", "is missing")),
            // Two that name two are nobody.
            (Some(id), Some(number)) => {
                let (one, other) = (self.person(&PatientRef::Id(id.to_owned())).await?, self.person(&PatientRef::Number(number)).await?);
                one.filter(|one| Some(one) == other.as_ref())
            }
        };
        let question = Question::Read { person: person.unwrap_or_else(unknown), need: Need::everything() };
        let ask = Ask { request: id.clone(), caller, question, hops: wire::hops(&parts.headers)?, wait: wire::wait(&parts.headers) };
        let areas: Vec<&str> = wanted.areas.iter().map(String::as_str).collect();
        let relayed = self.exchange.relay(ask, &areas).await.map_err(fault)?;
        relayed.try_map(|relayed| self.written(relayed))
    }

    fn written(&self, relayed: Relayed) -> Result<Written, Fault> {
        if let Some((_, relay)) = relayed.answer {
            return Ok(Written::new(StatusCode::OK, relay.json));
        }
        if relayed.plan.rows.is_empty() {
            return Err(Fault::NotFound("No practice that speaks GP Connect may be asked here.".into()));
        }
        let timeout = relayed.plan.rows.iter().any(|row| row.status == Some(Status::FailedTimeout));
        Err(Fault::Gateway { timeout, outcome: outcome::of_plan(&relayed.plan, &self.exchange) })
    }
}

fn wanted(body: bytes::Bytes) -> Result<Wanted, Fault> {
    let tree = Tree::from_json(body).map_err(|error| Fault::parameter("body", format!("is no JSON: {error}")))?;
    if tree.resource_type().as_deref() != Some("Parameters") {
        return Err(Fault::parameter("body", "must be a Parameters resource, as GP Connect has it"));
    }
    let mut wanted = Wanted { number: None, areas: Vec::new() };
    for parameter in tree.root().all("parameter") {
        let name = parameter.text("name").unwrap_or_default();
        if name != "patientNHSNumber" {
            wanted.areas.push(name.into_owned());
            continue;
        }
        if !parameter.is("valueIdentifier.system", NHS_NUMBER_SYSTEM) {
            return Err(Fault::parameter("patientNHSNumber", format!("must be an Identifier of system {NHS_NUMBER_SYSTEM}")));
        }
        let number = parameter.text("valueIdentifier.value").unwrap_or_default();
        wanted.number = Some(number.parse().map_err(|error| Fault::parameter("patientNHSNumber", format!("{error}")))?);
    }
    Ok(wanted)
}
