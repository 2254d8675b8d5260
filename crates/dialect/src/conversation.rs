//! A conversation with a source: which calls to make, given the replies so far. Pure; `source` does the asking.

use std::sync::Arc;

use fhir::Kind;
use record::{Call, Chart, Reply};

use crate::supplier::Speaker;
use crate::{DataProvider, Known, Settings, interweave, mapped, origin};

/// What is being said between the exchange and one source about one person.
///
/// Send the calls, hand every reply to [`Conversation::reply`], send what that returns, until
/// [`Conversation::is_done`] or the time is up; then [`Conversation::finish`]. The order of replies does not matter.
#[derive(Debug)]
pub struct Conversation {
    speaker: Box<dyn Speaker>,
    /// Who is spoken with, by a name that every exchange knows it by.
    provider: Option<DataProvider>,
    /// Terminologies whose codes are added beside the source's own.
    terms: Option<Arc<terms::Terminology>>,
}

/// What a source told.
#[derive(Debug, Clone)]
pub struct Told {
    /// What it said of the person.
    pub chart: Chart,
    /// What was learnt of the source itself, for its next conversation.
    pub learnt: Known,
    /// What can be fetched by a minted `Binary` id.
    pub attachments: Vec<Attachment>,
}

/// An attachment whose address was rewritten to the exchange: the way back from its minted `Binary` id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attachment {
    /// The id in `<exchange>/Binary/<id>`.
    pub id: String,
    /// In the source's words: the id of a Binary, or an address (which no id can look like).
    pub source_id: String,
    /// The resource that it is attached to: its type and minted id.
    pub of: (Kind, String),
}

impl Conversation {
    pub(crate) fn new(speaker: Box<dyn Speaker>) -> Conversation {
        Conversation { speaker, provider: None, terms: None }
    }

    /// With what is done to every supplier's items alike.
    pub(crate) fn with(self, settings: &Settings) -> Conversation {
        Conversation { provider: settings.data_provider.clone(), terms: settings.terms.clone(), ..self }
    }

    /// Takes a reply; returns the calls to send next.
    pub fn reply(&mut self, reply: Reply) -> Vec<Call> {
        self.speaker.reply(reply)
    }

    /// Whether nothing more is to be asked or awaited.
    pub fn is_done(&self) -> bool {
        self.speaker.is_done()
    }

    /// The chart. Before it is done, rows that are not filled become `failed-timeout`; what came stays.
    pub fn finish(self) -> Told {
        let mut told = self.speaker.finish();
        if let Some(provider) = &self.provider {
            for item in told.chart.items.iter_mut().chain(&mut told.chart.patients) {
                origin::own(item, &provider.id);
                interweave::mark(&mut item.tree, provider);
            }
        }
        if let Some(terms) = &self.terms {
            told.chart.items.iter_mut().for_each(|item| mapped::add(item, terms));
        }
        told
    }
}
