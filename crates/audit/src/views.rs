//! Who saw somebody's record: read back from the ledger.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{By, Event, Found, JournalDown, Line, Lookup, Who};

/// The ledger, read back. `store` implements it.
#[async_trait]
pub trait LedgerReader: Send + Sync {
    /// Every line of every request that names this patient since then, in the order of runs and numbers.
    async fn about(&self, patient: &str, since: Timestamp) -> Result<Vec<Line>, JournalDown>;
    /// What a lookup finds, the latest first.
    async fn find(&self, lookup: &Lookup) -> Result<Vec<Found>, JournalDown>;
    /// Every line of these requests, in the order of runs and numbers.
    async fn lines_of(&self, traces: &[String]) -> Result<Vec<Line>, JournalDown>;
    /// One line.
    async fn line(&self, run: &str, sequence: u64) -> Result<Option<Line>, JournalDown>;
    /// How many people the lines are about that are entered under a name since then: how many somebody asked about.
    async fn people_of(&self, by: &By, since: Timestamp) -> Result<u64, JournalDown>;
}

/// One time that somebody saw a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// When it was asked for.
    pub at: String,
    /// The request.
    pub trace: String,
    /// Who asked.
    pub by: Who,
    /// What they asked for: `read everything`, `page`, `find`, `steward: explain` …
    pub what: String,
}

/// What the lines of one request say.
#[derive(Default)]
struct Request {
    views: Vec<View>,
    /// What was asked for, where it was about nobody that was known.
    sought: Option<String>,
    refused: bool,
}

/// Who saw this patient's record, of lines that are about them: whoever was answered, or shown a further page. A request that was
/// refused, or never answered, showed nothing; one whose closing entry is missing may have, and counts.
pub fn views(patient: &str, lines: &[Line]) -> Vec<View> {
    let mut requests: BTreeMap<&str, Request> = BTreeMap::new();
    for line in lines {
        let Ok(event) = serde_json::from_str::<Event>(&line.event) else { continue };
        let request = requests.entry(line.trace.as_str()).or_default();
        let view = |by: Who, what: String| View { at: line.at.clone(), trace: line.trace.clone(), by, what };
        match event {
            Event::Opened { by, interaction, patient: about, .. } if about == patient => request.views.push(view(by, interaction)),
            Event::Opened { interaction, patient: about, .. } if about.is_empty() => request.sought = Some(interaction),
            Event::Disclosed { by, patient: about, .. } if about == patient => {
                let what = request.sought.clone().unwrap_or_else(|| "page".to_owned());
                request.views.push(view(by, what));
            }
            Event::Refused { .. } => request.refused = true,
            _ => {}
        }
    }
    let answered = requests.into_values().filter(|request| !request.refused);
    let mut views: Vec<View> = answered.flat_map(|request| request.views).collect();
    views.sort_by(|a, b| (&a.at, &a.trace).cmp(&(&b.at, &b.trace)));
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(name: &str) -> Who {
        let mut who: Who = serde_json::from_value(serde_json::json!({"issuer": "i", "subject": name, "name": name, "sds_user_id": null,
            "role_profile": null, "roles": [], "organisation": "RRK", "organisation_name": "", "device": null, "client": null,
            "purposes": [], "token": null}))
        .unwrap();
        who.token = None;
        who
    }

    fn line(trace: &str, at: &str, event: &Event) -> Line {
        let event = serde_json::to_string(event).unwrap();
        Line { run: "r".into(), sequence: 1, at: at.into(), trace: trace.into(), event, previous: String::new(), hash: String::new() }
    }

    #[test]
    fn whoever_was_answered_saw_it_and_whoever_was_refused_did_not() {
        let opened = |by: &str, patient: &str| Event::Opened {
            by: who(by),
            interaction: "read everything".into(),
            patient: patient.into(),
            hops: Vec::new(),
        };
        let closed = Event::closed(crate::Ending::Answered);
        let refused = Event::refused(Some(who("b")), "p", "no");
        let page = Event::Disclosed { by: who("a"), patient: "p".into(), answer: "1".into(), from_piece: 50, shown: Vec::new() };
        let found = Event::Opened { by: who("e"), interaction: "find".into(), patient: String::new(), hops: Vec::new() };
        // That somebody is named as having seen it is no look at it.
        let view = View { at: "2026-11-23T09:00:00Z".into(), trace: "1".into(), by: who("a"), what: "read everything".into() };
        let listed = Event::SeenMeanwhile {
            patient: "p".into(),
            since: "2026-11-23T08:00:00Z".into(),
            author: "the rules".into(),
            what: "an answer".into(),
            seen: Some(vec![view]),
        };
        let lines = [
            line("1", "2026-11-23T09:00:00Z", &opened("a", "p")),
            line("1", "2026-11-23T09:00:01Z", &closed),
            line("2", "2026-11-23T09:00:02Z", &opened("b", "p")),
            line("2", "2026-11-23T09:00:02Z", &refused),
            line("3", "2026-11-23T09:00:03Z", &opened("c", "other")),
            line("4", "2026-11-23T09:00:04Z", &page),
            line("5", "2026-11-23T09:00:05Z", &opened("d", "p")),
            line("6", "2026-11-23T09:00:06Z", &found),
            line("6", "2026-11-23T09:00:06Z", &Event::disclosed(who("e"), "p", "6")),
            line("7", "2026-11-23T09:00:07Z", &listed),
        ];
        let seen: Vec<_> = views("p", &lines).into_iter().map(|view| (view.trace, view.by.name, view.what)).collect();
        let expected = [("1", "a", "read everything"), ("4", "a", "page"), ("5", "d", "read everything"), ("6", "e", "find")];
        assert_eq!(seen, expected.map(|(trace, name, what)| (trace.to_owned(), name.to_owned(), what.to_owned())));
    }
}
