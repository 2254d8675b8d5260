//! Plain FHIR servers of any version: find the Patient by number, then `$everything` or type by type.
//!
//! A state machine over replies. Whatever the order in which they come, the chart is the same: streams are
//! independent of each other, and what needs several of them (references, rows) waits for all.

mod calls;
mod capability;
mod hear;
mod hole;
mod narrow;
mod rows;
pub(crate) mod search;
mod stream;
mod types;
pub(crate) mod ways;

use std::collections::{BTreeMap, BTreeSet};

use fhir::{Entry, Kind, Tree, Version};
use jiff::Timestamp;
use record::{CARRIED, Call, CallId, Finding, Holder, Method, NHS_NUMBER_SYSTEM, Reply, Status};

use crate::conversation::{Conversation, Told};
use crate::fingerprint::Card;
use crate::hosts::Hosts;
use crate::reading::{Arrivals, Reading};
use crate::references::{Bases, r4_kind};
use crate::supplier::{Opening, Speaker, Supplier, Terms, Wanted};
use crate::{Everything, Settings};
use calls::{Calls, Errand};
pub use capability::Known;
pub(crate) use hear::failed;
pub(crate) use rows::NOT_LISTED;
use search::Slice;
pub(crate) use stream::plain as encoded;
use stream::{Asked, Stream, plain};
pub(crate) use ways::Ways;

/// A need of so few types is asked for type by type: `$everything` would bring the rest for nothing.
const FEW_KINDS: usize = 12;
/// Rounds of reading what was referred to: a role, its practitioner and organisation, the organisation's parent.
const REFERENCE_ROUNDS: u8 = 3;

/// Plain FHIR R4.
pub(crate) static R4: Supplier = Supplier {
    name: "fhir-r4",
    version: Version::R4,
    begin: |opening, wanted| begin(Version::R4, opening, wanted),
    terms: &Terms::NONE,
    card: &Card::plain(&[], &["synthea", "uk-core-r4", "fhir-r4-examples"]),
};
/// Plain FHIR STU3.
pub(crate) static STU3: Supplier = Supplier {
    name: "fhir-stu3",
    version: Version::Stu3,
    begin: |opening, wanted| begin(Version::Stu3, opening, wanted),
    terms: &Terms::NONE,
    card: &Card::plain(&[], &["synthea", "smart-patients", "careconnect-stu3", "fhir-stu3-examples"]),
};
/// Plain FHIR DSTU2.
pub(crate) static DSTU2: Supplier = Supplier {
    name: "fhir-dstu2",
    version: Version::Dstu2,
    begin: |opening, wanted| begin(Version::Dstu2, opening, wanted),
    terms: &Terms::NONE,
    card: &Card::plain(&["vendor-cerner"], &["synthea", "smart-patients"]),
};

fn begin(version: Version, opening: &Opening<'_>, wanted: Wanted) -> (Conversation, Vec<Call>) {
    begin_in(version, &ways::PLAIN, opening, wanted)
}

/// Begins a conversation with a server that has ways of its own.
pub(crate) fn begin_in(version: Version, ways: &'static Ways, opening: &Opening<'_>, wanted: Wanted) -> (Conversation, Vec<Call>) {
    let (plain, calls) = Plain::start(version, ways, opening, wanted);
    (Conversation::new(Box::new(plain)), calls)
}

/// A conversation with a plain server.
#[derive(Debug)]
pub(crate) struct Plain {
    version: Version,
    ways: &'static Ways,
    holder: Holder,
    wanted: Wanted,
    /// When it began.
    now: Timestamp,
    settings: Settings,
    known: Known,
    calls: Calls,
    streams: Vec<Stream>,
    arrivals: Arrivals,
    /// Patients (the source's ids) whose data were asked for.
    begun: BTreeSet<String>,
    /// Those of them the source no longer knows.
    gone: BTreeSet<String>,
    /// Those of them who were known by id, and are to come with their data.
    awaited: BTreeSet<String>,
    /// Whether any of them did, once all is told.
    met: bool,
    /// Those of them that another Patient was read in the place of.
    replaced: BTreeSet<String>,
    /// Patients whose searches wait for the statement of capability; whether for all types or the first only.
    waiting: BTreeMap<String, bool>,
    /// Patients asked for type by type.
    searched: BTreeSet<String>,
    /// Whether the source was seen to refuse `_revinclude`: for want of a scope, as a rule.
    no_provenance: bool,
    /// What was read by reference, and how that went; `None` while under way.
    reads: BTreeMap<(String, String), Option<Status>>,
    rounds: u8,
    bytes: usize,
    findings: BTreeSet<Finding>,
}

impl Plain {
    fn start(version: Version, ways: &'static Ways, opening: &Opening<'_>, wanted: Wanted) -> (Plain, Vec<Call>) {
        let mut conversation = Plain::new(version, ways, opening, wanted);
        conversation.open();
        let calls = conversation.go_on();
        (conversation, calls)
    }

    /// A conversation in which nothing is asked yet.
    pub(crate) fn new(version: Version, ways: &'static Ways, opening: &Opening<'_>, wanted: Wanted) -> Plain {
        let Opening { holder, settings, known, now, .. } = *opening;
        Plain {
            version,
            ways,
            holder: holder.clone(),
            now,
            no_provenance: known.no_provenance,
            settings: settings.clone(),
            known: known.clone(),
            calls: Calls::new(settings.calls_max),
            streams: Vec::new(),
            arrivals: Arrivals::new(reading(version, ways, holder, settings)),
            begun: BTreeSet::new(),
            gone: BTreeSet::new(),
            awaited: BTreeSet::new(),
            met: false,
            replaced: BTreeSet::new(),
            waiting: BTreeMap::new(),
            searched: BTreeSet::new(),
            reads: BTreeMap::new(),
            rounds: 0,
            bytes: 0,
            findings: BTreeSet::new(),
            wanted,
        }
    }

    /// Asks what the server can do, and for the one resource that is wanted: for a supplier who knows otherwise who the person is,
    /// and says it with [`Plain::ask_about`].
    pub(crate) fn inquire(&mut self) -> Vec<Call> {
        self.ask_of_nobody();
        self.go_on()
    }

    /// Asks for the data of these Patients, by the source's ids.
    pub(crate) fn ask_about(&mut self, patients: Vec<String>) -> Vec<Call> {
        patients.into_iter().for_each(|patient| self.begin(patient));
        self.go_on()
    }

    /// Takes a resource, already R4, that another part of the same supplier told.
    pub(crate) fn bring(&mut self, resource: Tree, stream: usize) {
        let version = std::mem::replace(&mut self.arrivals.reading.version, Version::R4);
        self.arrivals.take(Entry { full_url: None, resource: Some(resource), rest: None }, stream);
        self.arrivals.reading.version = version;
    }

    fn open(&mut self) {
        self.ask_of_nobody();
        if self.holder.local_ids.is_empty() {
            return self.look_up();
        }
        let ids_max = if self.ways.one_patient { 1 } else { usize::MAX };
        for id in self.holder.local_ids.iter().take(ids_max).cloned().collect::<Vec<_>>() {
            self.begin(id.clone());
            // `$everything` brings the Patient along: where it does not, they are asked for when it has ended.
            if self.asks_everything_of(&id) {
                self.awaited.insert(id);
            } else {
                self.ask(Asked::Patient(id));
            }
        }
    }

    fn ask_of_nobody(&mut self) {
        if matches!(self.wanted, Wanted::Read(_)) && self.known.capability.is_none() && !self.known.silent {
            let call = self.call("metadata".to_owned(), Vec::new(), 0);
            self.calls.put(call, Errand::Metadata);
        }
        if let Wanted::One(named, id) = &self.wanted {
            let asked = Asked::One { named: named.clone(), id: id.clone() };
            self.ask(asked);
        }
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

    fn call(&self, target: String, kinds: Vec<Kind>, priority: u8) -> Call {
        let accept = match self.version {
            _ if self.ways.accept.is_some() => self.ways.accept.unwrap_or_default(),
            Version::Dstu2 => "application/json+fhir, application/fhir+json;q=0.9, application/json;q=0.8, application/xml+fhir;q=0.5",
            Version::R4 | Version::Stu3 => "application/fhir+json, application/json;q=0.9, application/fhir+xml;q=0.5",
        };
        let headers = vec![("accept".to_owned(), accept.to_owned())];
        Call { id: CallId(0), method: Method::Get, target, headers, body: None, kinds, priority, about: None }
    }

    /// By which id the source knows the person whom a question is about; `None` where it asks who they are.
    fn about(&self, asked: &Asked) -> Option<String> {
        match asked {
            Asked::Lookup(_) => None,
            Asked::One { .. } => self.person(),
            Asked::Everything(patient) | Asked::Patient(patient) | Asked::Search { patient, .. } => Some(patient.clone()),
        }
    }

    /// The first id that the person is asked about by, or was known by.
    fn person(&self) -> Option<String> {
        self.begun.difference(&self.gone).next().or(self.holder.local_ids.first()).cloned()
    }

    fn ask(&mut self, asked: Asked) {
        self.ask_with(asked, true);
    }

    /// Asks; `along`: what each resource came from may come with it.
    fn ask_with(&mut self, asked: Asked, along: bool) {
        let by_subject = match (&asked, &self.known.capability) {
            (Asked::Search { named, .. }, Some(capability)) => capability.by_subject(named),
            _ => false,
        };
        let also = self.also(&asked);
        let rules = match &asked {
            Asked::Search { kind, .. } => self.ways.search(*kind),
            _ => None,
        };
        let count = match rules {
            Some(search) => search.count.map(|most| self.settings.page_size.map_or(most, |wanted| wanted.min(most))),
            None => self.settings.page_size,
        };
        let mut stream = Stream::new(asked, count, None, by_subject);
        stream.also = also;
        // Where the rules say how, nothing else is tried.
        stream.swapped = rules.is_some();
        let wanted = rules.is_some_and(|search| search.provenance) && self.wants(Kind::PROVENANCE);
        (stream.provenance, stream.provenance_failed) = (wanted && along, wanted && !along);
        if stream.provenance && self.no_provenance {
            stream.drop_provenance();
        }
        if let Some(dates) = rules.and_then(|search| search.dates.as_ref()).filter(|dates| dates.required) {
            stream.notes.insert(format!("what has no date is not found by {}, which the source requires", dates.name));
        }
        if let Wanted::Read(need) = &self.wanted {
            stream.ask_since(need.since.clone(), self.ways.since_finds_all);
        }
        self.streams.push(stream);
        self.ask_first_page(self.streams.len() - 1);
    }

    /// What this server wants said beside the question.
    fn also(&self, asked: &Asked) -> Vec<(&'static str, String)> {
        if let Asked::Search { kind, slice, .. } = asked
            && let Some(search) = self.ways.search(*kind)
        {
            return slice.parameters(search);
        }
        if !matches!(asked, Asked::Everything(_) | Asked::Search { .. }) {
            return Vec::new();
        }
        let mut also: Vec<(&'static str, String)> = self.ways.parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        if let (Asked::Everything(_), true, Wanted::Read(need)) = (asked, self.ways.everything_of_types, &self.wanted)
            && !need.kinds.is_empty()
        {
            also.push(("_type", need.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",")));
        }
        also
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
        let about = self.about(&self.streams[at].asked);
        let call = Call { about, ..self.call(target, kinds, self.streams[at].priority()) };
        self.calls.put(call, Errand::Page(at));
    }

    /// Asks by number, under every spelling of its system that this source is said to use.
    fn look_up(&mut self) {
        if self.streams.iter().any(|stream| matches!(stream.asked, Asked::Lookup(_))) {
            return;
        }
        let mut systems = vec![NHS_NUMBER_SYSTEM.to_owned()];
        systems.extend(spellings(self.ways, &self.settings));
        let mut asked = BTreeSet::new();
        systems.retain(|system| asked.insert(system.clone()));
        systems.into_iter().for_each(|system| self.ask(Asked::Lookup(system)));
    }

    fn asks_everything_of(&self, patient: &str) -> bool {
        self.streams.iter().any(|stream| matches!(&stream.asked, Asked::Everything(own) if own == patient))
    }

    /// Asks for a patient's data.
    fn begin(&mut self, patient: String) {
        let Wanted::Read(need) = &self.wanted else { return };
        let few = !need.kinds.is_empty() && need.kinds.len() <= FEW_KINDS && !self.ways.everything_for_few;
        if !self.begun.insert(patient.clone()) {
            return;
        }
        let whole = match self.settings.everything {
            _ if !self.ways.everything => false,
            Everything::Always => true,
            Everything::Auto => self.may_have_everything(),
            Everything::Never => false,
        };
        let of_types = self.ways.everything_of_types && need.kinds.iter().all(|kind| CARRIED.contains(kind));
        if of_types || whole && !few { self.ask(Asked::Everything(patient)) } else { self.search_later(patient, true) }
    }

    /// Many have it and do not say so: it is tried until it was refused once.
    fn may_have_everything(&self) -> bool {
        self.known.everything.unwrap_or(true)
    }

    fn declares_everything(&self) -> bool {
        self.known.capability.as_ref().is_some_and(|capability| capability.has_everything())
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
        let along = if all { self.carriers() } else { Vec::new() };
        for kind in self.kinds().into_iter().chain(along).filter(|kind| all || types::is_first(*kind)) {
            for named in self.names(kind) {
                let asked = Asked::Search { patient: patient.to_owned(), named, kind, slice: Slice::default() };
                let unknown = self.known.capability.as_ref().is_some_and(|capability| !capability.has(named));
                if !unknown && !self.streams.iter().any(|stream| stream.asked == asked) {
                    self.ask(asked);
                }
            }
        }
    }

    /// Types that are not wanted, and with which alone a wanted Provenance comes along. Who may not see every type is not asked for them.
    fn carriers(&self) -> Vec<Kind> {
        let wanted = matches!(&self.wanted, Wanted::Read(need) if need.kinds.contains(&Kind::PROVENANCE));
        if !wanted || self.settings.everything == Everything::Never || !self.names(Kind::PROVENANCE).is_empty() {
            return Vec::new();
        }
        self.ways.searches.iter().filter(|search| search.provenance && !self.wants(search.kind)).map(|search| search.kind).collect()
    }

    /// What is searched for to have what becomes `kind`; nothing where the supplier's rules leave it out and its statement does not list it.
    fn names(&self, kind: Kind) -> &'static [&'static str] {
        let ruled = self.ways.searches.is_empty() || self.ways.search(kind).is_some();
        let listed = || self.known.capability.as_ref().is_some_and(|capability| capability.by_patient(kind.name()));
        if ruled || listed() { types::searched(self.version, kind) } else { &[] }
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
            let call = Call { about: self.person(), ..self.call(format!("{named}/{}", plain(id)), kinds, *priority) };
            self.calls.put(call, Errand::Reference(named.clone(), id.clone()));
            self.reads.insert((named.clone(), id.clone()), None);
        }
        !missing.is_empty()
    }
}

impl Speaker for Plain {
    fn reply(&mut self, reply: Reply) -> Vec<Call> {
        match self.calls.answered(reply.id) {
            Some(Errand::Metadata) => self.metadata(reply),
            Some(Errand::Page(at)) => self.page(at, reply),
            Some(Errand::Reference(named, id)) => self.referred(named, id, reply),
            None => {}
        }
        self.go_on()
    }

    fn is_done(&self) -> bool {
        self.calls.is_idle()
    }

    fn finish(self: Box<Self>) -> Told {
        self.told()
    }
}

/// Spellings of the NHS number's system at this source.
fn spellings(ways: &Ways, settings: &Settings) -> Vec<String> {
    let usual = ways.number_systems.iter().map(|system| (*system).to_owned());
    settings.nhs_number_systems.iter().cloned().chain(usual).collect()
}

fn reading(version: Version, ways: &Ways, holder: &Holder, settings: &Settings) -> Reading {
    let mut bases = Bases::default();
    bases.add(settings.source_base.as_str());
    let hosts = Hosts::new(&holder.source, settings.source_base.host_str().into_iter());
    Reading {
        source: holder.source.clone(),
        version,
        numbers: holder.numbers(),
        aliases: spellings(ways, settings),
        exchange_base: settings.exchange_base.trim_end_matches('/').to_owned(),
        bases,
        hosts,
    }
}
