//! Finding somebody: by NHS number, or by who they are. What is asked stands in a form's body, and in no address.

use axum::http::StatusCode;
use record::{Address, Demographics, Name, NhsNumber, Question, Sought};
use viewer::{Candidate, Find};

use super::page::{self, Out};
use super::{App, Asked};
use crate::fhir_api::fault;

/// The forms.
pub(super) fn home(app: &App, asked: &Asked) -> Out {
    found(app, asked, StatusCode::OK, None, Vec::new(), None)
}

/// Looks for somebody.
pub(super) async fn look(app: &App, asked: Asked) -> Out {
    match asked.field("number") {
        "" => by_who(app, &asked).await,
        number => by_number(app, &asked, number).await,
    }
}

async fn by_number(app: &App, asked: &Asked, number: &str) -> Out {
    let Ok(number) = number.parse::<NhsNumber>() else {
        return wrong(app, asked, "An NHS number has ten digits, of which the last follows from the others. Look at it again.").await;
    };
    match app.exchange.find(asked.ask(Question::Find(number))).await {
        Ok(answer) => {
            let (candidates, said) = viewer::found(&answer.into_inner(), &app.exchange);
            shown(app, asked, candidates, said)
        }
        Err(refused) => not_found(app, asked, refused),
    }
}

async fn by_who(app: &App, asked: &Asked) -> Out {
    let given = asked.field("given").split_whitespace().map(str::to_owned).collect();
    let name = Name { family: asked.field("family").to_owned(), given, ..Name::default() };
    let birth_date = match asked.field("born") {
        "" => None,
        born => match born.parse() {
            Ok(date) => Some(date),
            Err(_) => {
                return wrong(app, asked, "The date of birth must be year, month and day, as 1948-03-11; or as much of it as is known.")
                    .await;
            }
        },
    };
    let mut demographics = Demographics { names: vec![name], birth_date, ..Demographics::default() };
    if !asked.field("postcode").is_empty() {
        demographics.addresses.push(Address { postcode: asked.field("postcode").to_owned(), ..Address::default() });
    }
    let sought = Sought { demographics, count: None, certain_only: false };
    match app.exchange.trace(asked.ask(Question::Trace(Box::new(sought)))).await {
        Ok(answer) => match viewer::traced(&answer.into_inner()) {
            Ok((candidates, said)) => shown(app, asked, candidates, said),
            Err(said) => found(app, asked, StatusCode::OK, None, Vec::new(), Some(said)),
        },
        Err(refused) => not_found(app, asked, refused),
    }
}

fn shown(app: &App, asked: &Asked, candidates: Vec<Candidate>, said: Vec<String>) -> Out {
    asked.session.showed(&candidates);
    found(app, asked, StatusCode::OK, Some(candidates), said, None)
}

/// What is of no use is entered, too: no word of it is.
async fn wrong(app: &App, asked: &Asked, why: &str) -> Out {
    let entered = app.exchange.refused_known(&asked.id, &asked.caller, None, "viewer, find: a field that cannot be used").await;
    match entered {
        Ok(()) => found(app, asked, StatusCode::BAD_REQUEST, None, Vec::new(), Some(why.to_owned())),
        Err(refused) => page::failed(app, &asked.id, &fault(refused)),
    }
}

fn not_found(app: &App, asked: &Asked, refused: exchange::Refused) -> Out {
    let fault = fault(refused);
    if fault == crate::fhir_api::Fault::Denied {
        let why = "You may not look for people here. That you asked is recorded.";
        return found(app, asked, StatusCode::FORBIDDEN, None, Vec::new(), Some(why.to_owned()));
    }
    page::failed(app, &asked.id, &fault)
}

fn found(
    app: &App,
    asked: &Asked,
    status: StatusCode,
    candidates: Option<Vec<Candidate>>,
    said: Vec<String>,
    wrong: Option<String>,
) -> Out {
    Out::page(status, &Find { chrome: page::around(app, asked, "Find a person"), candidates, said, wrong })
}
