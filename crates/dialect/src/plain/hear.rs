//! What replies do to a conversation.

use std::sync::Arc;

use fhir::{Bundle, Entry, Kind, Tree};
use record::{Failure, Finding, FindingCode, Holder, Reply, Response, Status};
use url::Url;

use super::capability::Capability;
use super::stream::Asked;
use super::{Plain, hole};
use crate::body;
use crate::reading::{Took, carries};
use crate::references::Target;

/// Patients read by their ids: those that were known, and those that replaced them.
const PATIENTS_MAX: usize = 16;

impl Plain {
    pub(super) fn metadata(&mut self, reply: Reply) {
        let read = reply.outcome.ok().filter(|response| response.status == 200).and_then(|response| {
            let bundle = body::read(self.version, response.body, &response.content_type).ok()?;
            Capability::read(bundle.entries.first()?.resource.as_ref()?)
        });
        match read {
            Some(capability) => self.known.capability = Some(Arc::new(capability)),
            None => self.known.silent = true,
        }
    }

    pub(super) fn page(&mut self, at: usize, reply: Reply) {
        let stream = &mut self.streams[at];
        stream.tried = Some(stream.tried.map_or(reply.tried, |tried| tried.min(reply.tried)));
        match reply.outcome {
            Err(failure) => {
                let (status, note) = failed(failure);
                self.end(at, status, note.map(str::to_owned), failure == Failure::TooLarge);
            }
            Ok(response) => {
                self.bytes += response.body.len();
                if (200..300).contains(&response.status) { self.said(at, response) } else { self.refused(at, &response) }
            }
        }
        self.divide(at);
    }

    /// A page that came.
    fn said(&mut self, at: usize, response: Response) {
        if let Asked::One { named, id } = &self.streams[at].asked
            && named == "Binary"
        {
            let bundle = body::binary(self.version, id, &response);
            return self.entries(at, bundle, &response.url);
        }
        let bundle = match body::read(self.version, response.body, &response.content_type) {
            Ok(bundle) => bundle,
            Err(why) => return self.end(at, Status::FailedParse, Some(why), true),
        };
        let single = match &self.streams[at].asked {
            Asked::One { named, .. } => Some(named.as_str()),
            Asked::Patient(_) => Some("Patient"),
            _ => None,
        };
        match bundle.resource_type.as_str() {
            "OperationOutcome" => self.outcome_alone(at, bundle),
            found if found == single.unwrap_or("Bundle") => self.entries(at, bundle, &response.url),
            _ => self.end(at, Status::FailedParse, Some("the answer is no Bundle".to_owned()), true),
        }
    }

    /// HTTP says yes, and the body says only what went wrong.
    fn outcome_alone(&mut self, at: usize, bundle: Bundle) {
        let outcome = bundle.entries.into_iter().find_map(|entry| entry.resource);
        let status = outcome.as_ref().and_then(|outcome| hole::refusal(self.version, outcome)).unwrap_or(Status::FailedParse);
        self.end(at, status, Some("the answer is an OperationOutcome".to_owned()), true);
    }

    fn entries(&mut self, at: usize, bundle: Bundle, url: &str) {
        let next = bundle.link("next");
        let (leads_nowhere, total) = (next.is_none() && bundle.has_link("next"), bundle.total());
        let first = self.streams[at].pages == 0;
        self.streams[at].pages += 1;
        self.streams[at].urls.insert(url.to_owned());
        let mut patients = Vec::new();
        self.arrivals.reserve(bundle.entries.len());
        for entry in bundle.entries {
            if let Some(outcome) = entry.resource.as_ref().filter(|tree| tree.root().is("resourceType", "OperationOutcome")) {
                self.outcome_inside(at, outcome);
                continue;
            }
            self.entry(at, entry, &mut patients);
        }
        patients.into_iter().for_each(|patient| self.begin(patient));
        self.follow_replaced(at);
        match next {
            None if leads_nowhere => {
                self.end(at, Status::OkTruncated, Some("the link to the next page has no address".to_owned()), false);
            }
            None => {
                let short = self.short_of(at, total);
                let note = short.map(|(came, total)| format!("the source counts {total}, and {came} came"));
                self.end(at, if short.is_some() { Status::OkTruncated } else { Status::Ok }, note, false);
            }
            Some(next) => {
                if let (true, Asked::Everything(patient)) = (first, &self.streams[at].asked) {
                    self.search_later(patient.clone(), false);
                }
                self.next_page(at, &next, url);
            }
        }
    }

    /// How many came of how many matches the source counts, where a search for one type came to its end short of them.
    fn short_of(&self, at: usize, total: Option<usize>) -> Option<(usize, usize)> {
        let Asked::Search { kind, .. } = &self.streams[at].asked else { return None };
        let came = self.streams[at].came.get(kind).copied().unwrap_or_default() + self.streams[at].odd;
        total.filter(|total| came < *total).map(|total| (came, total))
    }

    fn entry(&mut self, at: usize, entry: Entry, patients: &mut Vec<String>) {
        let (Took::New(place) | Took::Again(place)) = self.arrivals.take(entry, at) else {
            self.streams[at].odd += 1;
            return;
        };
        let arrived = self.arrivals.at(place);
        let made = (self.ways.made)(arrived.kind, arrived.tree.root());
        if !made {
            *self.streams[at].came.entry(arrived.kind).or_default() += 1;
        }
        let asked_who = matches!(self.streams[at].asked, Asked::Lookup(_) | Asked::Patient(_));
        // The Patient that a server made of several stands for them all.
        if asked_who && (made || !self.ways.one_patient) && arrived.kind == Kind::PATIENT && is_theirs(&arrived.tree, &self.holder) {
            patients.extend(arrived.origin.id.clone());
        }
    }

    /// Success with a hole in it.
    fn outcome_inside(&mut self, at: usize, outcome: &Tree) {
        for mut hole in hole::read(self.version, outcome) {
            if self.ways.outcome_is_hole {
                hole.status.get_or_insert(Status::OkTruncated);
            }
            let path = hole.kind.map_or("OperationOutcome", Kind::name).to_owned();
            let detail = format!("the source warned: {}", hole.said);
            self.findings.insert(Finding { code: FindingCode::SourceWarning, path, detail });
            self.streams[at].holes.insert(hole);
        }
    }

    fn next_page(&mut self, at: usize, next: &str, url: &str) {
        let stream = &self.streams[at];
        let most = stream.came.values().max().copied().unwrap_or_default();
        let reached = if stream.pages >= self.settings.pages_max {
            Some("the limit of pages was reached")
        } else if most >= self.settings.resources_max {
            Some("the limit of resources was reached")
        } else if self.bytes > self.settings.bytes_max {
            Some("the limit of bytes for one source was reached")
        } else {
            None
        };
        if let Some(note) = reached {
            return self.end(at, Status::OkTruncated, Some(note.to_owned()), false);
        }
        let Some(target) = self.resolved(next, url) else {
            return self.end(at, Status::OkTruncated, Some("the next page is at another origin; not followed".to_owned()), false);
        };
        if !self.streams[at].urls.insert(target.clone()) {
            return self.end(at, Status::OkTruncated, Some("the next page is one that came before; not followed".to_owned()), false);
        }
        self.ask_page(at, target);
    }

    /// A link as the source wrote it, made absolute; `None` when it leads to another origin.
    fn resolved(&self, next: &str, url: &str) -> Option<String> {
        let base = Url::parse(url).unwrap_or_else(|_| self.settings.source_base.clone());
        let absolute = base.join(next).ok()?;
        let same = absolute.origin() == self.settings.source_base.origin();
        // Verbatim where it is absolute already: a parser may respell what a source signed.
        same.then(|| if Url::parse(next).is_ok() { next.to_owned() } else { absolute.into() })
    }

    fn refused(&mut self, at: usize, response: &Response) {
        let outcome = body::read(self.version, response.body.clone(), &response.content_type).ok();
        let outcome = outcome
            .filter(|bundle| bundle.resource_type == "OperationOutcome")
            .and_then(|bundle| bundle.entries.into_iter().next()?.resource);
        let means = outcome.as_ref().and_then(|outcome| hole::refusal(self.version, outcome));
        // It says no more of an id that it does not know than of a person whom the reader may not see: the number tells which.
        if response.status == 403 && self.ways.one_patient && matches!(self.streams[at].asked, Asked::Patient(_)) {
            return self.not_there(at);
        }
        if let Some(status) = (self.ways.refusal)(response.status) {
            outcome.iter().for_each(|outcome| self.outcome_inside(at, outcome));
            return self.end(at, status, Some(format!("HTTP {}", response.status)), false);
        }
        if self.ask_without_faulty_provenance(at, response.status, outcome.as_ref()) {
            return;
        }
        if self.narrow(at, response.status, outcome.as_ref()) || self.ask_without_provenance(at, response) {
            return;
        }
        let first = self.streams[at].pages == 0;
        if first && matches!(response.status, 400 | 422) && self.ask_wider(at, response) {
            return;
        }
        let whole = matches!(self.streams[at].asked, Asked::Everything(_));
        let of_many = first && matches!(self.streams[at].asked, Asked::Everything(_) | Asked::Search { .. });
        let status = match response.status {
            401 | 403 => means.filter(|means| *means == Status::Withheld).unwrap_or(Status::FailedAuth),
            404 | 410 if first && matches!(self.streams[at].asked, Asked::One { .. } | Asked::Patient(_)) => return self.not_there(at),
            // What its own statement lists is not unsupported because something on the way did not find it.
            404 | 405 | 501 if of_many && !whole && !self.leaves_out(at) => means.unwrap_or(Status::FailedHttp),
            404 | 405 | 501 if of_many => means.unwrap_or(Status::Unsupported),
            // Many say so of an operation they do not know.
            400 | 422 if first && whole && !self.declares_everything() => means.unwrap_or(Status::Unsupported),
            429 => Status::Throttled,
            _ if of_many => means.unwrap_or(Status::FailedHttp),
            _ => Status::FailedHttp,
        };
        self.end(at, status, Some(format!("HTTP {}", response.status)), response.status != 401 && response.status != 429);
    }

    /// Whether the source's statement of capability leaves out what a stream searches for.
    fn leaves_out(&self, at: usize) -> bool {
        let Asked::Search { named, .. } = &self.streams[at].asked else { return false };
        self.known.capability.as_ref().is_some_and(|capability| !capability.has(named))
    }

    /// A source that cannot take a parameter is asked without; what is too wide is filtered here.
    fn ask_wider(&mut self, at: usize, response: &Response) -> bool {
        let start = &response.body[..response.body.len().min(4096)];
        let wider = self.streams[at].ask_wider(&String::from_utf8_lossy(start));
        if wider {
            self.ask_first_page(at);
        }
        wider
    }

    /// A page may fail for what comes along rather than for what was asked for: it is asked for once more without.
    fn ask_without_faulty_provenance(&mut self, at: usize, http: u16, outcome: Option<&Tree>) -> bool {
        let stream = &mut self.streams[at];
        let lacks = http == 500 && stream.provenance && stream.pages == 0 && outcome.and_then(hole::lacking).is_some();
        if lacks {
            stream.provenance = false;
            stream.provenance_failed = true;
            self.ask_first_page(at);
        }
        lacks
    }

    /// What each resource came from is worth less than the resource: where the token has no scope for it, it is asked for without.
    fn ask_without_provenance(&mut self, at: usize, response: &Response) -> bool {
        let stream = &mut self.streams[at];
        let asked_along = stream.provenance && stream.pages == 0 && matches!(response.status, 400 | 401 | 403);
        if asked_along {
            stream.drop_provenance();
            self.no_provenance = true;
            self.ask_first_page(at);
        }
        asked_along
    }

    /// A Patient combined into another is to be had by its id only, and says by which it was replaced: that one is read then.
    fn follow_replaced(&mut self, at: usize) {
        let Asked::Patient(old) = &self.streams[at].asked else { return };
        let patient = self.arrivals.arrived.iter().find(|one| one.kind == Kind::PATIENT && one.origin.id.as_ref() == Some(old));
        let links = patient.map(|one| one.tree.root().all("link")).unwrap_or_default();
        let replaced = links.iter().filter(|link| link.is("type", "replaced-by")).filter_map(|link| {
            let text = link.text("other.reference")?;
            match self.arrivals.reading.bases.read(&text) {
                Target::Here { kind: "Patient", id, .. } => Some(id.to_owned()),
                _ => None,
            }
        });
        let replaced: Vec<String> = replaced.collect();
        let old = old.clone();
        for id in replaced {
            self.gone.insert(old.clone());
            let asked = Asked::Patient(id);
            let known = self.streams.iter().any(|stream| stream.asked == asked);
            let reads = self.streams.iter().filter(|stream| matches!(stream.asked, Asked::Patient(_))).count();
            if known || reads < PATIENTS_MAX {
                self.replaced.insert(old.clone());
            }
            if !known && reads < PATIENTS_MAX {
                self.ask(asked);
            }
        }
    }

    fn not_there(&mut self, at: usize) {
        if let Asked::Patient(id) = &self.streams[at].asked {
            self.gone.insert(id.clone());
        }
        self.end(at, Status::Ok, None, false);
    }

    /// Ends a stream, and does what its end asks for. `in_parts`: what failed whole may yet come type by type.
    fn end(&mut self, at: usize, status: Status, note: Option<String>, in_parts: bool) {
        self.streams[at].end(status, note);
        match self.streams[at].asked.clone() {
            Asked::Everything(patient) if self.awaited.contains(&patient) && !self.found(&patient) => self.ask(Asked::Patient(patient)),
            Asked::Everything(patient) if status != Status::Ok && in_parts => self.search_later(patient, true),
            // The id that was known is no longer theirs: ask again by number.
            Asked::Patient(id) if !self.found(&id) && (!self.replaced.contains(&id) || self.is_nobody_read()) => self.look_up(),
            Asked::Patient(id) if self.awaited.contains(&id) && self.failed_whole(&id) => self.search_later(id, true),
            _ => {}
        }
    }

    /// Whether `$everything` of a Patient came to nothing, in a way that does not bar asking for the parts.
    fn failed_whole(&self, patient: &str) -> bool {
        let whole = self.streams.iter().find(|stream| matches!(&stream.asked, Asked::Everything(own) if own == patient));
        let bars = |status| matches!(status, Status::Ok | Status::Throttled | Status::FailedAuth | Status::CircuitOpen);
        whole.and_then(|stream| stream.ended).is_some_and(|status| !bars(status))
    }

    /// Whether every id that was known, or led to, was read in vain.
    fn is_nobody_read(&self) -> bool {
        self.streams.iter().all(|stream| match &stream.asked {
            Asked::Patient(id) => stream.ended.is_some() && !self.found(id),
            _ => true,
        })
    }

    /// Whether the Patient of this id arrived, carries the number and is still in use.
    pub(super) fn found(&self, id: &str) -> bool {
        self.arrivals
            .arrived
            .iter()
            .any(|one| one.kind == Kind::PATIENT && one.origin.id.as_deref() == Some(id) && is_theirs(&one.tree, &self.holder))
    }

    pub(super) fn referred(&mut self, named: String, id: String, reply: Reply) {
        let status = match reply.outcome {
            Err(failure) => failed(failure).0,
            Ok(response) => {
                self.bytes += response.body.len();
                match response.status {
                    200..300 => self.referred_body(&named, response),
                    401 | 403 => Status::FailedAuth,
                    404 | 410 => Status::Ok, // It is not there: the reference says so.
                    429 => Status::Throttled,
                    _ => Status::FailedHttp,
                }
            }
        };
        self.reads.insert((named, id), Some(status));
    }

    fn referred_body(&mut self, named: &str, response: Response) -> Status {
        match body::read(self.version, response.body, &response.content_type) {
            Ok(bundle) if bundle.resource_type == named => {
                for entry in bundle.entries {
                    self.arrivals.take(entry, usize::MAX);
                }
                Status::Ok
            }
            _ => Status::FailedParse,
        }
    }
}

/// A Patient who carries the number and is still in use under this id.
fn is_theirs(patient: &Tree, holder: &Holder) -> bool {
    let replaced = patient.root().all("link").into_iter().any(|link| link.is("type", "replaced-by"));
    carries(patient.root(), &holder.numbers()) && !replaced
}

/// What a call without a response means for its row.
pub(crate) fn failed(failure: Failure) -> (Status, Option<&'static str>) {
    match failure {
        Failure::Broken => (Status::FailedHttp, Some("the connection broke")),
        Failure::CircuitOpen => (Status::CircuitOpen, None),
        Failure::ForeignOrigin => (Status::FailedHttp, Some("led to another origin; not followed")),
        Failure::NoEndUser => (Status::Withheld, Some("no-end-user")),
        Failure::Refused => (Status::FailedHttp, Some("no connection")),
        Failure::Throttled => (Status::Throttled, None),
        Failure::Timeout => (Status::FailedTimeout, None),
        Failure::TooLarge => (Status::OkTruncated, Some("the answer passed the limit of bytes")),
        Failure::Unauthorised => (Status::FailedAuth, None),
    }
}
