//! Plain FHIR servers of any version: find the Patient by number, then `$everything` or type by type.
//!
//! A state machine over replies. Whatever the order in which they come, the chart is the same: streams are
//! independent of each other, and what needs several of them (references, rows) waits for all.

mod calls;
mod capability;
mod hole;
mod rows;
mod stream;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fhir::{Bundle, Entry, Kind, Tree, Version};
use record::{CARRIED, Call, CallId, Failure, Finding, FindingCode, Holder, Method, NHS_NUMBER_SYSTEM, Need, Reply, Response, Status};
use url::Url;

use crate::hosts::Hosts;
use crate::reading::{Arrivals, Reading, Took, carries};
use crate::references::{Bases, r4_kind};
use crate::{Everything, Settings, body};
use calls::{Calls, Errand};
use capability::Capability;
pub use capability::Known;
use stream::{Asked, Stream, plain};

/// A need of so few types is asked for type by type: `$everything` would bring the rest for nothing.
const FEW_KINDS: usize = 12;
/// Rounds of reading what was referred to: a role, its practitioner and organisation, the organisation's parent.
const REFERENCE_ROUNDS: u8 = 3;

/// What is wanted of a conversation.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// Only the Patient.
    Find,
    /// One resource, by type and id in the source's words, and the Patient.
    One(String, String),
    /// What the need says.
    Read(Need),
}

/// A conversation with a plain server.
#[derive(Debug)]
pub(crate) struct Plain {
    version: Version,
    holder: Holder,
    wanted: Wanted,
    settings: Settings,
    known: Known,
    calls: Calls,
    streams: Vec<Stream>,
    arrivals: Arrivals,
    /// Patients (the source's ids) whose data were asked for.
    begun: BTreeSet<String>,
    /// Those of them the source no longer knows.
    gone: BTreeSet<String>,
    /// Patients whose searches wait for the statement of capability; whether for all types or the first only.
    waiting: BTreeMap<String, bool>,
    /// Patients asked for type by type.
    searched: BTreeSet<String>,
    /// What was read by reference, and how that went; `None` while under way.
    reads: BTreeMap<(String, String), Option<Status>>,
    rounds: u8,
    bytes: usize,
    findings: BTreeSet<Finding>,
}

impl Plain {
    pub(crate) fn start(version: Version, holder: &Holder, wanted: Wanted, settings: &Settings, known: &Known) -> (Plain, Vec<Call>) {
        let mut conversation = Plain {
            version,
            holder: holder.clone(),
            settings: settings.clone(),
            known: known.clone(),
            calls: Calls::new(settings.calls_max),
            streams: Vec::new(),
            arrivals: Arrivals::new(reading(version, holder, settings)),
            begun: BTreeSet::new(),
            gone: BTreeSet::new(),
            waiting: BTreeMap::new(),
            searched: BTreeSet::new(),
            reads: BTreeMap::new(),
            rounds: 0,
            bytes: 0,
            findings: BTreeSet::new(),
            wanted,
        };
        conversation.open();
        let calls = conversation.go_on();
        (conversation, calls)
    }

    fn open(&mut self) {
        if matches!(self.wanted, Wanted::Read(_)) && self.known.capability.is_none() && !self.known.silent {
            let call = self.call("metadata".to_owned(), Vec::new(), 0);
            self.calls.put(call, Errand::Metadata);
        }
        if let Wanted::One(named, id) = &self.wanted {
            let asked = Asked::One { named: named.clone(), id: id.clone() };
            self.ask(asked);
        }
        if self.holder.local_ids.is_empty() {
            return self.look_up();
        }
        for id in self.holder.local_ids.clone() {
            self.ask(Asked::Patient(id.clone()));
            self.begin(id);
        }
    }

    /// Takes one reply; returns the calls to send next.
    pub(crate) fn reply(&mut self, reply: Reply) -> Vec<Call> {
        match self.calls.answered(reply.id) {
            Some(Errand::Metadata) => self.metadata(reply),
            Some(Errand::Page(at)) => self.page(at, reply),
            Some(Errand::Reference(named, id)) => self.referred(named, id, reply),
            None => {}
        }
        self.go_on()
    }

    /// Whether nothing more is to be asked.
    pub(crate) fn is_done(&self) -> bool {
        self.calls.is_idle()
    }

    fn go_on(&mut self) -> Vec<Call> {
        if !self.calls.awaits_metadata() {
            for (patient, all) in std::mem::take(&mut self.waiting) {
                self.search(&patient, all);
            }
        }
        if self.bytes > self.settings.bytes_max {
            self.stop_asking();
        }
        let mut calls = self.calls.send();
        while calls.is_empty() && self.calls.is_idle() && self.read_references() {
            calls = self.calls.send();
        }
        calls
    }

    /// The source has said as much as we take from one.
    fn stop_asking(&mut self) {
        for errand in self.calls.cancel_waiting() {
            match errand {
                Errand::Metadata => {}
                Errand::Page(at) => {
                    self.streams[at].end(Status::OkTruncated, Some("the limit of bytes for one source was reached".to_owned()))
                }
                Errand::Reference(named, id) => {
                    self.reads.insert((named, id), Some(Status::OkTruncated));
                }
            }
        }
    }

    // Asking.

    fn call(&self, target: String, kinds: Vec<Kind>, priority: u8) -> Call {
        let accept = match self.version {
            Version::Dstu2 => "application/json+fhir, application/fhir+json;q=0.9, application/json;q=0.8, application/xml+fhir;q=0.5",
            Version::R4 | Version::Stu3 => "application/fhir+json, application/json;q=0.9, application/fhir+xml;q=0.5",
        };
        let headers = vec![("accept".to_owned(), accept.to_owned())];
        Call { id: CallId(0), method: Method::Get, target, headers, body: None, kinds, priority }
    }

    fn ask(&mut self, asked: Asked) {
        let since = match &self.wanted {
            Wanted::Read(need) => need.since.clone(),
            Wanted::Find | Wanted::One(..) => None,
        };
        let by_subject = match (&asked, &self.known.capability) {
            (Asked::Search { named, .. }, Some(capability)) => capability.by_subject(named),
            _ => false,
        };
        self.streams.push(Stream::new(asked, self.settings.page_size, since, by_subject));
        self.ask_first_page(self.streams.len() - 1);
    }

    fn ask_first_page(&mut self, at: usize) {
        let target = self.streams[at].target(self.holder.number.expose());
        self.ask_page(at, target);
    }

    fn ask_page(&mut self, at: usize, target: String) {
        let kinds = match &self.streams[at].asked {
            Asked::Everything(_) => self.kinds(),
            Asked::Lookup(_) | Asked::Patient(_) => Vec::new(),
            Asked::One { named, .. } => r4_kind(self.version, named).into_iter().collect(),
            Asked::Search { kind, .. } => vec![*kind],
        };
        let call = self.call(target, kinds, self.streams[at].priority());
        self.calls.put(call, Errand::Page(at));
    }

    /// Asks by number, under every spelling of its system that this source is said to use.
    fn look_up(&mut self) {
        if self.streams.iter().any(|stream| matches!(stream.asked, Asked::Lookup(_))) {
            return;
        }
        let mut systems = vec![NHS_NUMBER_SYSTEM.to_owned()];
        systems.extend(self.settings.nhs_number_systems.iter().cloned());
        systems.dedup();
        systems.into_iter().for_each(|system| self.ask(Asked::Lookup(system)));
    }

    /// Asks for a patient's data.
    fn begin(&mut self, patient: String) {
        let Wanted::Read(need) = &self.wanted else { return };
        let few = !need.kinds.is_empty() && need.kinds.len() <= FEW_KINDS;
        if !self.begun.insert(patient.clone()) {
            return;
        }
        let whole = match self.settings.everything {
            Everything::Always => true,
            Everything::Auto => self.may_have_everything(),
            Everything::Never => false,
        };
        if whole && !few { self.ask(Asked::Everything(patient)) } else { self.search_later(patient, true) }
    }

    fn may_have_everything(&self) -> bool {
        let declared = self.known.capability.as_ref().map(|capability| capability.has_everything());
        self.known.everything.or(declared).unwrap_or(true)
    }

    /// Searches need to know what there is to search; they wait for the statement of capability, if one is to come.
    fn search_later(&mut self, patient: String, all: bool) {
        *self.waiting.entry(patient).or_default() |= all;
    }

    fn search(&mut self, patient: &str, all: bool) {
        if self.gone.contains(patient) {
            return;
        }
        if all {
            self.searched.insert(patient.to_owned());
        }
        for kind in self.kinds().into_iter().filter(|kind| all || types::is_first(*kind)) {
            for named in types::searched(self.version, kind) {
                let asked = Asked::Search { patient: patient.to_owned(), named, kind };
                let unknown = self.known.capability.as_ref().is_some_and(|capability| !capability.has(named));
                if !unknown && !self.streams.iter().any(|stream| stream.asked == asked) {
                    self.ask(asked);
                }
            }
        }
    }

    /// Types that get a row whether or not anything comes.
    fn kinds(&self) -> Vec<Kind> {
        match &self.wanted {
            Wanted::Find => vec![Kind::PATIENT],
            Wanted::One(named, _) => r4_kind(self.version, named).into_iter().chain([Kind::PATIENT]).collect(),
            Wanted::Read(need) if need.kinds.is_empty() => CARRIED.to_vec(),
            Wanted::Read(need) => need.kinds.clone(),
        }
    }

    /// Whether the answer holds a type as far as the source has it: of what others refer to, too.
    fn wants(&self, kind: Kind) -> bool {
        match &self.wanted {
            Wanted::Find => kind == Kind::PATIENT,
            Wanted::One(named, _) => kind == Kind::PATIENT || r4_kind(self.version, named) == Some(kind),
            Wanted::Read(need) => need.wants(kind) || types::by_reference(kind),
        }
    }

    /// Asks for what was referred to and did not come. True if there was any.
    fn read_references(&mut self) -> bool {
        if self.rounds >= REFERENCE_ROUNDS || !matches!(self.wanted, Wanted::Read(_)) {
            return false;
        }
        self.rounds += 1;
        let mut missing: Vec<(u8, String, String)> = self
            .arrivals
            .missing(|kind| !matches!(kind, Kind::BINARY | Kind::PATIENT) && self.wants(kind))
            .into_iter()
            .filter(|key| !self.reads.contains_key(key))
            .filter_map(|(named, id)| Some((types::reference_priority(r4_kind(self.version, &named)?), named, id)))
            .collect();
        missing.sort();
        let room = self.settings.references_max.saturating_sub(self.reads.len());
        for (place, (priority, named, id)) in missing.iter().enumerate() {
            if place >= room || self.bytes > self.settings.bytes_max {
                self.reads.insert((named.clone(), id.clone()), Some(Status::OkTruncated));
                continue;
            }
            let kinds = r4_kind(self.version, named).into_iter().collect();
            let call = self.call(format!("{named}/{}", plain(id)), kinds, *priority);
            self.calls.put(call, Errand::Reference(named.clone(), id.clone()));
            self.reads.insert((named.clone(), id.clone()), None);
        }
        !missing.is_empty()
    }

    // Hearing.

    fn metadata(&mut self, reply: Reply) {
        let read = reply.outcome.ok().filter(|response| response.status == 200).and_then(|response| {
            let bundle = body::read(self.version, response.body, &response.content_type).ok()?;
            Capability::read(bundle.entries.first()?.resource.as_ref()?)
        });
        match read {
            Some(capability) => self.known.capability = Some(Arc::new(capability)),
            None => self.known.silent = true,
        }
    }

    fn page(&mut self, at: usize, reply: Reply) {
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
    }

    /// A page that came.
    fn said(&mut self, at: usize, response: Response) {
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
        let first = self.streams[at].pages == 0;
        self.streams[at].pages += 1;
        self.streams[at].urls.insert(url.to_owned());
        let mut patients = Vec::new();
        for entry in bundle.entries {
            if let Some(outcome) = entry.resource.as_ref().filter(|tree| tree.root().is("resourceType", "OperationOutcome")) {
                self.outcome_inside(at, outcome);
                continue;
            }
            self.entry(at, entry, &mut patients);
        }
        patients.into_iter().for_each(|patient| self.begin(patient));
        match next {
            None => self.end(at, Status::Ok, None, false),
            Some(next) => {
                if let (true, Asked::Everything(patient)) = (first, &self.streams[at].asked) {
                    self.search_later(patient.clone(), false);
                }
                self.next_page(at, &next, url);
            }
        }
    }

    fn entry(&mut self, at: usize, entry: Entry, patients: &mut Vec<String>) {
        let (Took::New(place) | Took::Again(place)) = self.arrivals.take(entry, at) else { return };
        let arrived = self.arrivals.at(place);
        *self.streams[at].came.entry(arrived.kind).or_default() += 1;
        let asked_who = matches!(self.streams[at].asked, Asked::Lookup(_) | Asked::Patient(_));
        if asked_who && arrived.kind == Kind::PATIENT && is_theirs(&arrived.tree, &self.holder) {
            patients.extend(arrived.origin.id.clone());
        }
    }

    /// Success with a hole in it.
    fn outcome_inside(&mut self, at: usize, outcome: &Tree) {
        for hole in hole::read(self.version, outcome) {
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
        let first = self.streams[at].pages == 0;
        if first && matches!(response.status, 400 | 422) && self.ask_wider(at, response) {
            return;
        }
        let of_many = first && matches!(self.streams[at].asked, Asked::Everything(_) | Asked::Search { .. });
        let status = match response.status {
            401 | 403 => means.filter(|means| *means == Status::Withheld).unwrap_or(Status::FailedAuth),
            404 | 410 if first && matches!(self.streams[at].asked, Asked::One { .. } | Asked::Patient(_)) => return self.not_there(at),
            404 | 405 | 501 if of_many => means.unwrap_or(Status::Unsupported),
            429 => Status::Throttled,
            _ if of_many => means.unwrap_or(Status::FailedHttp),
            _ => Status::FailedHttp,
        };
        self.end(at, status, Some(format!("HTTP {}", response.status)), response.status != 401 && response.status != 429);
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
            Asked::Everything(patient) => {
                if self.streams[at].pages > 0 {
                    self.known.everything = Some(true);
                } else if status == Status::Unsupported {
                    self.known.everything = Some(false);
                }
                if status != Status::Ok && in_parts {
                    self.search_later(patient, true);
                }
            }
            // The id that was known is no longer theirs: ask again by number.
            Asked::Patient(id) if !self.found(&id) => self.look_up(),
            _ => {}
        }
    }

    /// Whether the Patient of this id arrived and carries the number.
    fn found(&self, id: &str) -> bool {
        self.arrivals
            .arrived
            .iter()
            .any(|one| one.kind == Kind::PATIENT && one.origin.id.as_deref() == Some(id) && carries(one.tree.root(), &self.holder.number))
    }

    fn referred(&mut self, named: String, id: String, reply: Reply) {
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
    carries(patient.root(), &holder.number) && !replaced
}

fn reading(version: Version, holder: &Holder, settings: &Settings) -> Reading {
    let mut bases = Bases::default();
    bases.add(settings.source_base.as_str());
    let hosts = Hosts::new(&holder.source, settings.source_base.host_str().into_iter());
    Reading {
        source: holder.source.clone(),
        version,
        number: Some(holder.number),
        aliases: settings.nhs_number_systems.clone(),
        exchange_base: settings.exchange_base.trim_end_matches('/').to_owned(),
        bases,
        hosts,
    }
}

/// What a call without a response means for its row.
fn failed(failure: Failure) -> (Status, Option<&'static str>) {
    match failure {
        Failure::CircuitOpen => (Status::CircuitOpen, None),
        Failure::Connection => (Status::FailedHttp, Some("no connection")),
        Failure::ForeignOrigin => (Status::FailedHttp, Some("led to another origin; not followed")),
        Failure::Throttled => (Status::Throttled, None),
        Failure::Timeout => (Status::FailedTimeout, None),
        Failure::TooLarge => (Status::OkTruncated, Some("the answer passed the limit of bytes")),
        Failure::Unauthorised => (Status::FailedAuth, None),
    }
}
