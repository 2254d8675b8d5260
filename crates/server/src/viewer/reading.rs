//! A record: one read makes one page.

use audit::Audited;
use axum::http::StatusCode;
use exchange::{Joined, Refused};
use record::{Need, Question, SourceId};
use viewer::{
    Chrome, Content, Document, DocumentPage, Emergency, Medicines, MedicinesPage, Record, RecordPage, Refusing, Results, ResultsPage, words,
};

use super::page::{self, Out};
use super::{App, Asked};
use crate::fhir_api::{Fault, fault, unknown};

/// The page of somebody's record, or of what may be done where it is not shown.
pub(super) async fn page(app: &App, asked: &Asked, person: &str) -> Out {
    laid_out(app, asked, person, Need::everything(), ("record", |_: &Joined| ()), |status, chrome, mut record, emergency, ()| {
        // It leads to its own places.
        record.home.clear();
        Out::page(status, &RecordPage { chrome, record, emergency })
    })
    .await
}

/// The page of a record that is there, and what it answers by.
pub(super) fn written(app: &App, asked: &Asked, record: Record) -> (StatusCode, RecordPage) {
    let (status, chrome, emergency) = around(app, asked, &record);
    (status, RecordPage { chrome, record, emergency })
}

/// What is around a page of a record.
fn around(app: &App, asked: &Asked, record: &Record) -> (StatusCode, Chrome, Option<Emergency>) {
    let now = app.clock.now();
    let status = match (record.unanswered, record.timed_out) {
        (false, _) => StatusCode::OK,
        (true, true) => StatusCode::GATEWAY_TIMEOUT,
        (true, false) => StatusCode::BAD_GATEWAY,
    };
    let csrf = asked.session.csrf.clone();
    let emergency = record.emergency.map(|until| Emergency { until: words::until(until, now), instant: until.to_string(), csrf });
    let title = match record.sheet {
        "document" => format!("Document of {}", record.banner.name),
        "medicines" => format!("Medicines of {}, beside each other", record.banner.name),
        "results" => format!("Results of {}", record.banner.name),
        _ => format!("Record of {}", record.banner.name),
    };
    (status, page::around(app, asked, &title), emergency)
}

/// The page of their results by test.
pub(super) async fn results(app: &App, asked: &Asked, person: &str) -> Out {
    let of = |joined: &Joined| Results::of(joined, &app.exchange);
    laid_out(app, asked, person, Need::everything(), ("results", of), |status, chrome, record, emergency, results| {
        Out::page(status, &ResultsPage { chrome, record, emergency, results })
    })
    .await
}

/// The page of their medicines, beside each other.
pub(super) async fn medicines(app: &App, asked: &Asked, person: &str) -> Out {
    // Of whose place is hidden no source is told by its own id, nor by what care it gives.
    let care = |source: &SourceId| app.config.sources.iter().find(|one| one.id == *source).and_then(|one| one.care);
    let of = |joined: &Joined| Medicines::of(joined, &app.exchange, care);
    laid_out(app, asked, person, Need::everything(), ("medicines", of), |status, chrome, record, emergency, medicines| {
        Out::page(status, &MedicinesPage { chrome, record, emergency, medicines })
    })
    .await
}

/// The page of a document; or the document itself, as a file.
pub(super) async fn document(app: &App, asked: &Asked, person: &str, id: &str, as_file: bool) -> Out {
    let need = Need { attachment: Some(id.to_owned()), ..Need::everything() };
    let of = |joined: &Joined| Document::of(joined, &app.exchange, id);
    laid_out(app, asked, person, need, ("document", of), |status, chrome, record, emergency, document| match document {
        // What is withheld is as what never was.
        None => {
            let said = "No document of that name is in what may be shown to you of this record now.";
            page::message(app, asked, StatusCode::NOT_FOUND, "No such document", said)
        }
        Some(Document { content: Content::File(bytes, kind, end), .. }) if as_file => Out::file(bytes, kind, end),
        Some(document) => {
            let status = if document.is_away() { StatusCode::BAD_GATEWAY } else { status };
            Out::page(status, &DocumentPage { chrome, record, emergency, document })
        }
    })
    .await
}

/// One read, laid out as one of the record's pages.
async fn laid_out<T>(
    app: &App,
    asked: &Asked,
    person: &str,
    need: Need,
    lay_out: (&'static str, impl FnOnce(&Joined) -> T),
    write: impl FnOnce(StatusCode, Chrome, Record, Option<Emergency>, T) -> Out,
) -> Out {
    let question = match question(app, asked, person, need).await {
        Ok(question) => question,
        Err(out) => return *out,
    };
    match viewer::read(&app.exchange, asked.ask(question), app.clock.now(), lay_out).await {
        Ok(read) => {
            let (record, more) = Audited::into_inner(read);
            let (status, chrome, emergency) = around(app, asked, &record);
            write(status, chrome, record, emergency, more)
        }
        Err(refused) => not_shown(app, asked, person, refused),
    }
}

/// What is asked about somebody. An id that nobody has takes the same way as any other, to the same refusal.
pub(super) async fn question(app: &App, asked: &Asked, person: &str, need: Need) -> Result<Question, Box<Out>> {
    match app.exchange.person_of_patient(person).await {
        Ok(of) => Ok(Question::Read { person: of.unwrap_or_else(unknown), need }),
        Err(refused) => Err(Box::new(page::failed(app, &asked.id, &fault(refused)))),
    }
}

/// Why a record is not shown.
pub(super) fn not_shown(app: &App, asked: &Asked, person: &str, refused: Refused) -> Out {
    match fault(refused) {
        Fault::Denied => refused_page(app, asked, StatusCode::FORBIDDEN, person, None),
        fault => page::failed(app, &asked.id, &fault),
    }
}

/// That it is not shown. Only whoever found the person here before is told by name whom a claim would be about.
pub(super) fn refused_page(app: &App, asked: &Asked, status: StatusCode, person: &str, wrong: Option<String>) -> Out {
    let limits = &app.config.limits;
    let (least, most) = (limits.claim_chars_min, limits.claim_chars_max);
    let chrome = page::around(app, asked, "Not shown");
    Out::page(status, &Refusing { chrome, claiming: asked.session.shown(person), wrong, least, most })
}
