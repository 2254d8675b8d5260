//! `severn onboard --consumer`: does a reading system's screen show that a read is incomplete?
//!
//! The real exchange, before the pretend region, gives one pretend person whole, with a source silent, and not at all, at
//! `/fhir/R4` and `/fhir/STU3`. A named person looks at the consumer's screen at each stage, answers what is asked, and signs.
//! What the consumer really asked for is set beside the answers. Only then is there a `[[consumer]]` block to paste: it is what
//! lets a system have `_complete=partial`.

mod checks;
mod page;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use testbed::{DEMO_PERSON, Fault, Refusal, Region, RunningRegion};
use tokio::net::TcpListener;

use super::{FAILING, Folder, configuration, token};
use crate::client::Client;
use crate::fhir_api::Face;
use crate::{serve, wiring};

use checks::{Seen, Signed, Stage};

/// The client's id while the exercise runs.
const CLIENT: &str = "consumer-exercise";

/// The exercise under way.
struct Exercise {
    region: RunningRegion,
    public: String,
    person: String,
    token: String,
    now: Mutex<Now>,
}

/// Where it stands, and what was asked so far.
struct Now {
    stage: Stage,
    seen: Vec<Seen>,
}

impl Exercise {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the exercise until told to stop.
pub async fn run(listen: SocketAddr) -> anyhow::Result<ExitCode> {
    let folder = Folder::new()?;
    let region = Region::start([127, 0, 0, 1].into(), None).await.context("starting the pretend suppliers")?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let public = format!("http://{}", listener.local_addr()?);
    let issuer = token::Issuer::new("https://demo.invalid")?;
    // Practices are asked in the name of a person only, and would be missing from every read of a system.
    let sources: Vec<_> = region.sources().into_iter().filter(|source| source.dialect != "gp-connect").collect();
    let config = configuration(&folder.0, &sources, &public, &issuer, &allowed())?;
    let outside = wiring::Outside::real(&config)?;
    let (app, writing) = wiring::app(config, outside)?;
    let fhir = crate::http::router(Arc::new(app));
    // Found as a doctor, so that the system's own token can have the person open.
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(writing);
    let finding = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    let inside = format!("http://{}", finding.local_addr()?);
    let found = fhir.clone();
    let finder = serving.spawn(async move { drop(axum::serve(finding, found).await) });
    let person = Client::new(&inside, &issuer.token()?)?.find(&DEMO_PERSON.parse().context("the demo person's number")?).await?;
    finder.abort();
    let token = issuer.system_token(CLIENT, &person)?;
    let now = Mutex::new(Now { stage: Stage::Whole, seen: Vec::new() });
    let exercise = Arc::new(Exercise { region, public: public.clone(), person, token, now });
    println!("The consumer exercise: open {public}/exercise in a browser. Nothing here is real. Stop with Ctrl-C.");
    let router = axum::Router::new()
        .route("/exercise", get(show))
        .route("/exercise/stage", post(turn))
        .route("/exercise/report", post(report))
        .with_state(exercise.clone())
        .merge(fhir.layer(middleware::from_fn_with_state(exercise, watch)));
    axum::serve(listener, router).with_graceful_shutdown(serve::stop()).await?;
    Ok(ExitCode::SUCCESS)
}

/// The exercise's own client may have incomplete reads at both faces: that is what is being looked at. No source is given a pause
/// after it was silent, so that each stage is what it says at once.
fn allowed() -> String {
    let block = |face: &str| {
        format!(
            "[[consumer]]\nclient = \"{CLIENT}\"\nname = \"The exercise\"\nface = \"{face}\"\naccepted_by = \"The exercise itself\"\naccepted_on = \"2026-11-24\"\n\n"
        )
    };
    "[limits]\nbreaker_window = 10000\n\n".to_owned() + &block("R4") + &block("STU3")
}

/// Writes down what the consumer asks for: face, whether it asked for what there is, and how it was answered.
async fn watch(State(exercise): State<Arc<Exercise>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let response = next.run(request).await;
    if path.starts_with("/fhir/") && !path.ends_with("/metadata") {
        let mut now = exercise.now();
        let stage = now.stage;
        now.seen.push(Seen::of(stage, Face::of(&path).0, &query, response.status().as_u16()));
    }
    response
}

async fn show(State(exercise): State<Arc<Exercise>>) -> Response {
    let now = exercise.now();
    framed(page::exercise(&page::Shown {
        public: &exercise.public,
        person: &exercise.person,
        number: DEMO_PERSON,
        token: &exercise.token,
        stage: now.stage,
        seen: &now.seen,
    }))
}

/// Goes to a stage: what is silent from now on.
async fn turn(State(exercise): State<Arc<Exercise>>, body: String) -> Redirect {
    let stage = fields(&body).get("stage").and_then(|code| Stage::parse(code)).unwrap_or(Stage::Whole);
    exercise.region.heal();
    let down = Fault::Refusing { how: Refusal::Unavailable };
    match stage {
        Stage::Whole => {}
        Stage::Silent => {
            exercise.region.fail(FAILING, down);
        }
        Stage::Nobody => exercise.region.sources().iter().for_each(|source| {
            exercise.region.fail(&source.id, down.clone());
        }),
    }
    exercise.now().stage = stage;
    Redirect::to("/exercise")
}

fn fields(body: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

async fn report(State(exercise): State<Arc<Exercise>>, body: String) -> Response {
    let signed = Signed::of(&fields(&body), wiring::system_clock().now());
    framed(page::report(&signed, &exercise.now().seen))
}

fn framed(html: String) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"),
    ];
    (headers, Html(html)).into_response()
}
