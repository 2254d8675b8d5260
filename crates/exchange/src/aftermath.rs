//! What is seen to after a deed at people's entries, whoever did it: the rules on what a source or a file says, the national service, a
//! steward (G8).
//!
//! What was kept of the records needs nothing more: ids that were met in them and rows of the locator go with an entry that moves, in the
//! deed's own batch, and what was laid out before is over ([`Exchange::page`](crate::Exchange::page)).

use std::sync::Arc;

use audit::{Event, Ledger, LedgerReader, View, views};
use futures::future::join_all;
use jiff::Timestamp;
use people::Author;
use people::registrar::Done;
use record::{PersonId, RequestId};

/// Whose views are asked of the ledger at once, where a file changed many.
const ASKED_AT_ONCE: usize = 16;

/// Who saw what meanwhile: asked of the ledger after a deed, and entered there. Cheap to clone.
#[derive(Clone)]
pub struct Aftermath {
    ledger: Ledger,
    reader: Arc<dyn LedgerReader>,
}

/// A deed, as the ledger has it.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    /// The request that it is a part of; none where nobody asked for it. Then what is entered of one person is not joined with what is
    /// entered of another, by a request's name either.
    pub request: Option<&'a RequestId>,
    /// The request that had it done before it was answered: what that one showed is what stands since, whenever the ledger is read.
    pub corrected: Option<&'a RequestId>,
    /// By whose word.
    pub author: &'a Author,
    /// What was done.
    pub what: &'a str,
}

impl Aftermath {
    /// Writes to a ledger, and reads it by `reader`.
    pub fn new(ledger: Ledger, reader: Arc<dyn LedgerReader>) -> Aftermath {
        Aftermath { ledger, reader }
    }

    /// Whoever saw somebody's record while it held what is not theirs is entered with the deed, person by person, and returned. The deed
    /// stands whatever comes of this: where the ledger cannot be read, the entry says so; where it cannot be written, the log does.
    pub async fn of(&self, cause: Cause<'_>, done: &Done) -> Vec<(PersonId, View)> {
        let told: Vec<(&PersonId, Timestamp)> = done.touched.iter().filter_map(|touched| Some((&touched.person, touched.since?))).collect();
        let mut seen = Vec::new();
        for some in told.chunks(ASKED_AT_ONCE) {
            let listed = join_all(some.iter().map(|(person, since)| self.list(cause, person, *since))).await;
            seen.extend(listed.into_iter().flatten());
        }
        seen
    }

    async fn list(&self, cause: Cause<'_>, person: &PersonId, since: Timestamp) -> Vec<(PersonId, View)> {
        let seen = self.seen(cause, person, since).await;
        let event = Event::SeenMeanwhile {
            patient: person.to_string(),
            since: since.to_string(),
            author: cause.author.to_string(),
            what: cause.what.to_owned(),
            seen: seen.clone(),
        };
        let request = cause.request.cloned().unwrap_or_else(own_request);
        if let Err(down) = self.ledger.note(&request, &event).await {
            tracing::error!(alert = "ledger.seen-meanwhile", error = %down, "who saw a joined record meanwhile could not be entered");
        }
        seen.into_iter().flatten().map(|view| (person.clone(), view)).collect()
    }

    /// Who saw somebody's record since then; none where the ledger cannot be read.
    async fn seen(&self, cause: Cause<'_>, person: &PersonId, since: Timestamp) -> Option<Vec<View>> {
        match self.reader.about(person.as_str(), since).await {
            Ok(lines) => {
                let mut seen = views(person.as_str(), &lines);
                // The steward's own looking is not what is asked for, nor is a privacy officer's: they saw who looked, and no record.
                seen.retain(|view| !view.what.starts_with("steward:") && !view.what.starts_with("privacy:"));
                seen.retain(|view| cause.corrected.is_none_or(|request| view.trace != request.as_str()));
                Some(seen)
            }
            Err(down) => {
                tracing::error!(error = %down, "who saw a joined record meanwhile could not be read from the ledger");
                None
            }
        }
    }
}

pub(crate) fn own_request() -> RequestId {
    uuid::Uuid::new_v4().to_string().parse().expect("a UUID is a request id")
}
