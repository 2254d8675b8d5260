//! A deed at the desk, on the ledger: opened before it is done, closed with what it came to.

use audit::{Audited, Event, Ledger, Who};
use exchange::{Aftermath, Cause};
use people::Author;
use people::registrar::{Done, NotDone};
use record::{PersonId, RequestId};
use serde_json::{Value, json};

/// What a deed came to, and who saw meanwhile what was not theirs.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What it came to.
    pub done: Done,
    /// Who saw the record of a person while it held what was not theirs, the person first (G8).
    pub seen: Vec<(PersonId, audit::View)>,
}

/// Where deeds are written, and who sees to what they leave.
#[derive(Clone)]
pub struct Desk {
    /// The ledger.
    pub ledger: Ledger,
    /// Lists who saw meanwhile what was not theirs.
    pub aftermath: Aftermath,
}

/// Why a deed came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The ledger cannot be written; nothing was done.
    #[error("the ledger cannot be written, and nothing is done without it")]
    Ledger,
    /// It may not be done.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl Desk {
    /// Does a deed between two lines of the ledger.
    pub async fn does(
        &self,
        trace: &RequestId,
        by: Who,
        what: &str,
        reason: &str,
        deed: impl Future<Output = Result<Done, NotDone>>,
    ) -> Result<Audited<Outcome>, Failed> {
        let opened = Event::Opened { by: by.clone(), interaction: format!("steward: {what}"), patient: String::new(), hops: Vec::new() };
        let entry = self.ledger.open(trace, opened).await.map_err(|_| Failed::Ledger)?;
        let done = match deed.await {
            Ok(done) => done,
            Err(why) => {
                let refused = Event::refused(Some(by), "", why.to_string());
                entry.close((), refused).await;
                return Err(why.into());
            }
        };
        let touched = done.touched.iter().map(|touched| touched.person.to_string()).collect();
        let seen = self.aftermath.of(Cause { request: Some(trace), corrected: None, author: &author(&by), what }, &done).await;
        let closing = Event::Stewarded { by, what: what.to_owned(), reason: reason.to_owned(), touched, seen: seen.len() as u64 };
        Ok(entry.close(Outcome { done, seen }, closing).await)
    }

    /// Lets something be seen between two lines of the ledger.
    pub async fn shows<T, E: From<Failed>>(
        &self,
        trace: &RequestId,
        by: Who,
        what: &str,
        look: impl Future<Output = Result<(T, Vec<PersonId>), E>>,
    ) -> Result<Audited<T>, E> {
        self.ledger.shows(trace, by, (&format!("steward: {what}"), "desk.operator"), look, || Failed::Ledger.into()).await
    }
}

/// Somebody at the desk, as the history has them.
pub fn author(by: &Who) -> Author {
    Author::Steward(format!("{}|{}", by.issuer, by.subject))
}

/// An outcome as JSON.
pub fn json(outcome: &Outcome) -> Value {
    let touched = outcome
        .done
        .touched
        .iter()
        .map(|touched| json!({"person": touched.person.as_str(), "since": touched.since.map(|at| at.to_string())}));
    let seen = outcome.seen.iter().map(|(person, view)| {
        json!({"person": person.as_str(), "at": view.at, "request": view.trace, "what": view.what, "by": view.by.name,
               "user": view.by.subject, "organisation": view.by.organisation})
    });
    json!({
        "touched": touched.collect::<Vec<_>>(),
        "raised": outcome.done.raised.iter().map(|id| id.0.as_str()).collect::<Vec<_>>(),
        "seen_meanwhile": seen.collect::<Vec<_>>(),
    })
}
