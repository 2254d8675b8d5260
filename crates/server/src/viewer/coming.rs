//! A record as its answers come: a page of what is there, and the rest as server-sent events, each of them the page anew.
//!
//! Only for a browser that says that it can add the rest; to every other a page is whole. What is still to come is kept here for the
//! very session and person that it was begun for, is given once, and is asked of nobody any further when nobody fetches it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audit::Audited;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use exchange::{Coming, Pace};
use futures::stream;
use record::Need;
use tokio::time::Instant;
use viewer::Record;

use super::page::{self, Out};
use super::{App, Asked, reading, session};
use crate::config::Config;
use crate::fhir_api::Fault;

/// Records of which something is still to come.
pub(super) struct Waiting {
    kept: Mutex<HashMap<String, Kept>>,
    count_max: usize,
    /// After the end of every read nobody comes for what is left of it.
    lives: Duration,
}

struct Kept {
    /// What goes with the session's forms: nobody else's.
    csrf: String,
    person: String,
    coming: Coming,
    until: Instant,
}

impl Waiting {
    pub fn new(config: &Config) -> Waiting {
        let lives = Duration::from_millis(config.limits.read_ms);
        Waiting { kept: Mutex::default(), count_max: config.viewer.coming_max, lives }
    }

    /// Whether there is room for one more.
    fn has_room(&self) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.retain(|_, one| one.until > now);
        kept.len() < self.count_max
    }

    fn keep(&self, asked: &Asked, person: &str, coming: Coming) -> Option<String> {
        let name = session::random().ok()?;
        let kept = Kept { csrf: asked.session.csrf.clone(), person: person.to_owned(), coming, until: Instant::now() + self.lives };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), kept);
        Some(name)
    }

    /// What is to come by this name, for whom it was kept.
    fn take(&self, asked: &Asked, person: &str, name: &str) -> Option<Coming> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |one: &&Kept| asked.session.made(&one.csrf) && one.person == person && one.until > Instant::now();
        kept.get(name).filter(own)?;
        kept.remove(name).map(|one| one.coming)
    }
}

/// When what has come is shown to whoever asks so: none where all of it is waited for.
pub(super) fn pace(app: &App, request: &Request) -> Option<Pace> {
    let adds = session::cookie(request.headers(), "severn-script") == Some("1");
    app.config.viewer.pace.filter(|_| adds && request.uri().query() != Some("whole") && app.viewer.coming.has_room())
}

/// The page of what is there of a record.
pub(super) async fn page(app: &App, asked: &Asked, person: &str, pace: Pace) -> Out {
    let question = match reading::question(app, asked, person, Need::everything()).await {
        Ok(question) => question,
        Err(out) => return *out,
    };
    match viewer::begin(&app.exchange, asked.ask(question), pace, app.clock.now()).await {
        Ok((record, coming)) => {
            let mut record = Audited::into_inner(record);
            if let Some(coming) = coming {
                let name = app.viewer.coming.keep(asked, person, coming);
                record.more = name.map(|name| format!("/viewer/patient/{person}/more/{name}"));
            }
            let (status, page) = reading::written(app, asked, record);
            Out::page(status, &page)
        }
        Err(refused) => reading::not_shown(app, asked, person, refused),
    }
}

/// What was still to come of one: `part` for each that is not the `last`.
pub(super) async fn more(app: Arc<App>, asked: Asked, person: &str, name: &str) -> Out {
    let Some(coming) = app.viewer.coming.take(&asked, person, name) else {
        // It may be another's that somebody tries.
        let why = "viewer, more: nothing is to come by that name, for this session";
        if app.exchange.refused_known(&asked.id, &asked.caller, None, why).await.is_err() {
            return page::failed(&app, &asked.id, &Fault::Unavailable);
        }
        return page::failed(&app, &asked.id, &Fault::NotFound("There is nothing more to come by that name.".to_owned()));
    };
    let parts = stream::unfold((Some(coming), Arc::new(asked)), move |(coming, asked)| {
        let app = app.clone();
        async move {
            let (part, rest) = part(&app, &asked, coming?).await?;
            Some((Ok::<_, Infallible>(part), (rest, asked)))
        }
    });
    Out::events(Sse::new(parts).into_response().into_body())
}

/// One more: none where nothing more can be had, which the page says of its own accord when the events end without the last.
async fn part(app: &App, asked: &Asked, coming: Coming) -> Option<(Event, Option<Coming>)> {
    let (record, rest) = viewer::more(&app.exchange, coming, app.clock.now()).await.ok()?;
    // Whoever signed out meanwhile is shown nothing more.
    if !app.viewer.sessions.is_on(&asked.session) {
        return None;
    }
    let (_, page) = reading::written(app, asked, Record { more: None, ..Audited::into_inner(record) });
    let page = askama::Template::render(&page).ok()?;
    let kind = if rest.is_some() { "part" } else { "last" };
    // A JSON string: an event's own lines end at whatever a page may hold.
    Some((Event::default().event(kind).data(serde_json::to_string(&page).ok()?), rest))
}
