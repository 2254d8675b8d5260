//! Graphnet CareCentric (One Health and Care): part FHIR, part JSON bundles of its own.
//!
//! **Conformant to public documentation, not to a live system.** What is public (the supplier's developer pages, read in
//! 2026) says this much: FHIR serves "only certain data"; the rest is asked of REST "bundles" (Demographics, Acute,
//! ADT, Alerts, GP, Community / Mental Health …), of which a subscription covers some; the first call is *Find Patient*, a
//! search by POST; it may answer with several records of one person, one for each system that sends, *linked* and not
//! merged; most other calls take a *patient detail id*, and any of the linked ids gives what all of them have. Lists are
//! named `…Collection` and counted by `TotalItemCount`. The records' own fields are mostly not public: what each becomes
//! in R4 stands in the tables beside this file (`carecentric/*.toml`), for a deployment to correct without reading Rust.
//!
//! The source's base is the root of the service: FHIR (CareConnect STU3) is asked below `stu3/`, JSON below `ccapi/`.
//!
//! The conversation: find by NHS number; then, once for each set of linked ids, the FHIR part by the machinery of
//! [`crate::plain`] and one call a bundle. Records become resources with the id `<bundle>-<record id>`. Nothing is paired
//! here: what stands in both parts under one business identifier is two resources, which `join` clusters.

mod hear;
mod records;
mod rows;
mod table;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use fhir::{Kind, Version};
use jiff::Timestamp;
use record::{Call, CallId, Chart, Finding, Holder, Method, Quarantined, Reply, Status};
use rustc_hash::FxHashMap;

use crate::Settings;
use crate::conversation::{Conversation, Told};
use crate::fingerprint::{Card, Evidence, Mark, Searches, Sign};
use crate::plain::{Plain, encoded};
use crate::supplier::{Opening, Speaker, Supplier, Terms, Wanted};
use hear::Match;
use table::{Bundle, tables};

/// Below the source's base.
const FHIR_PART: &str = "stu3";
const JSON_PART: &str = "ccapi";
/// Find Patient; the body names what to search by.
const FIND: &str = "PatientSearch/Search";
/// Matches of one number that are taken: one for each system that sends, so a handful.
const MATCHES_MAX: usize = 50;

/// Graphnet CareCentric.
pub(crate) static CARECENTRIC: Supplier = Supplier { name: "carecentric", version: Version::Stu3, begin, terms: &Terms::NONE, card: &CARD };

static CARD: Card = Card {
    signs: &[Sign(3, Mark::Base("carecentric")), Sign(3, Mark::Software("carecentric")), Sign(3, Mark::Software("graphnet"))],
    fhir_below: FHIR_PART,
    searches: Searches::Nothing,
    evidence: Evidence { documentation: "Graphnet's developer pages", recorded: &[], examples: &["careconnect-stu3"], itself: None },
};

fn begin(opening: &Opening<'_>, wanted: Wanted) -> (Conversation, Vec<Call>) {
    let mut speaker = CareCentric::new(opening, wanted);
    let calls = speaker.start();
    (Conversation::new(Box::new(speaker)), calls)
}

/// What a call is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Errand {
    /// A bundle (by place in the tables) of the set of linked ids that this id stands for.
    Bundle(usize, String),
    /// One of the FHIR part's, by its number there.
    Fhir(CallId),
    /// Find Patient.
    Find,
}

/// How asking for something went.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Went {
    status: Status,
    note: Option<String>,
    tried: Timestamp,
}

#[derive(Debug)]
struct CareCentric {
    holder: Holder,
    wanted: Wanted,
    settings: Settings,
    plain: Plain,
    next: u32,
    waiting: BTreeMap<(u8, CallId), (Call, Errand)>,
    under_way: FxHashMap<CallId, Errand>,
    /// How finding went; none while it is under way.
    found: Option<Went>,
    matches: Vec<Match>,
    /// By bundle and set.
    went: BTreeMap<(usize, String), Option<Went>>,
    /// Whether none of those found carries the number.
    nobody: bool,
    /// Findings of resources made of records, by type and minted id.
    made: BTreeMap<(Kind, String), BTreeSet<Finding>>,
    /// How often each record without an id came, by bundle.
    nameless: FxHashMap<(usize, String), u32>,
    quarantined: Vec<Quarantined>,
    findings: BTreeSet<Finding>,
    bytes: usize,
}

impl CareCentric {
    fn new(opening: &Opening<'_>, wanted: Wanted) -> CareCentric {
        let Opening { holder, settings, .. } = *opening;
        let base = format!("{}/{FHIR_PART}", settings.source_base.as_str().trim_end_matches('/'));
        let source_base = base.parse().unwrap_or_else(|_| settings.source_base.clone());
        let part = Settings { source_base, ..settings.clone() };
        CareCentric {
            holder: holder.clone(),
            plain: Plain::new(Version::Stu3, &crate::plain::ways::PLAIN, &Opening { settings: &part, ..*opening }, wanted.clone()),
            wanted,
            settings: settings.clone(),
            next: 0,
            waiting: BTreeMap::new(),
            under_way: FxHashMap::default(),
            found: None,
            matches: Vec::new(),
            went: BTreeMap::new(),
            nobody: false,
            made: BTreeMap::new(),
            nameless: FxHashMap::default(),
            quarantined: Vec::new(),
            findings: BTreeSet::new(),
            bytes: 0,
        }
    }

    fn start(&mut self) -> Vec<Call> {
        let body =
            format!(r#"{{"NhsNumber":"{}","AllTenancies":true,"PageNumber":1,"PageSize":{MATCHES_MAX}}}"#, self.holder.number.expose());
        let find = self.json(FIND.to_owned(), Method::Post, Some(body), Vec::new(), 0);
        self.put(find, Errand::Find);
        if self.record_wanted().is_none() {
            let calls = self.plain.inquire();
            self.put_fhir(calls);
        }
        self.send()
    }

    /// The bundle and the id of the one record that is wanted, where it is one of a bundle's. Patients are the demographic records.
    fn record_wanted(&self) -> Option<(usize, &str)> {
        let Wanted::One(kind, id) = &self.wanted else { return None };
        let name = if kind == "Patient" { "demographics" } else { id.split_once('-')?.0 };
        Some((tables().bundles.iter().position(|bundle| bundle.name == name)?, id))
    }

    fn json(&self, path: String, method: Method, body: Option<String>, kinds: Vec<Kind>, priority: u8) -> Call {
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Call {
            id: CallId(0),
            method,
            target: format!("{JSON_PART}/{path}"),
            headers,
            body: body.map(Into::into),
            kinds,
            priority,
            about: None,
        }
    }

    fn put(&mut self, mut call: Call, errand: Errand) {
        call.id = CallId(self.next);
        self.next += 1;
        self.waiting.insert((call.priority, call.id), (call, errand));
    }

    /// Calls of the FHIR part, under our own numbers and below its base.
    fn put_fhir(&mut self, calls: Vec<Call>) {
        for mut call in calls {
            let own = call.id;
            if !call.target.contains("://") {
                call.target = format!("{FHIR_PART}/{}", call.target);
            }
            self.put(call, Errand::Fhir(own));
        }
    }

    fn send(&mut self) -> Vec<Call> {
        if self.bytes > self.settings.bytes_max {
            self.stop_asking();
        }
        let mut sent = Vec::new();
        while self.under_way.len() < self.settings.calls_max.max(1)
            && let Some((_, (call, errand))) = self.waiting.pop_first()
        {
            self.under_way.insert(call.id, errand);
            sent.push(call);
        }
        sent
    }

    /// The source has said as much as we take from one: no further bundle is asked. The FHIR part has its own count.
    fn stop_asking(&mut self) {
        let bundles: Vec<(u8, CallId)> =
            self.waiting.iter().filter(|(_, (_, errand))| matches!(errand, Errand::Bundle(..))).map(|(key, _)| *key).collect();
        let tried = self.found.as_ref().map_or(Timestamp::UNIX_EPOCH, |found| found.tried);
        for key in bundles {
            if let Some((_, Errand::Bundle(bundle, set))) = self.waiting.remove(&key) {
                let note = Some("the limit of bytes for one source was reached".to_owned());
                self.went.insert((bundle, set), Some(Went { status: Status::OkTruncated, note, tried }));
            }
        }
    }

    /// What Find Patient said begins the rest.
    fn begin(&mut self) {
        if matches!(self.wanted, Wanted::Find) {
            return;
        }
        let sets = hear::sets(&self.matches);
        for set in &sets {
            for (place, bundle) in tables().bundles.iter().enumerate() {
                if !self.asks(place, bundle) {
                    continue;
                }
                let kinds: Vec<Kind> = bundle.kinds().into_iter().collect();
                let priority = if kinds.iter().any(|kind| matches!(*kind, Kind::FLAG | Kind::CARE_PLAN | Kind::CONDITION)) { 2 } else { 6 };
                let call = self.json(format!("{}?PatientDetailId={}", bundle.path, encoded(set)), Method::Get, None, kinds, priority);
                self.went.insert((place, set.clone()), None);
                self.put(call, Errand::Bundle(place, set.clone()));
            }
        }
        if self.record_wanted().is_none() {
            let calls = self.plain.ask_about(sets);
            self.put_fhir(calls);
        }
    }

    /// Whether a bundle may hold something of what is wanted.
    fn asks(&self, place: usize, bundle: &Bundle) -> bool {
        match &self.wanted {
            Wanted::Find => false,
            Wanted::One(..) => self.record_wanted().is_some_and(|(own, _)| own == place),
            Wanted::Read(need) => bundle.kinds().into_iter().any(|kind| need.wants(kind)),
        }
    }
}

impl Bundle {
    /// The types that it carries.
    fn kinds(&self) -> BTreeSet<Kind> {
        self.collections.iter().map(|collection| collection.kind).collect()
    }
}

impl Speaker for CareCentric {
    fn reply(&mut self, reply: Reply) -> Vec<Call> {
        match self.under_way.remove(&reply.id) {
            Some(Errand::Bundle(bundle, set)) => self.bundle(bundle, set, reply),
            Some(Errand::Fhir(own)) => {
                let calls = self.plain.reply(Reply { id: own, ..reply });
                self.put_fhir(calls);
            }
            Some(Errand::Find) => {
                self.find(reply);
                self.begin();
            }
            None => {}
        }
        self.send()
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    fn finish(self: Box<Self>) -> Told {
        self.told()
    }
}

/// One body of a bundle, without a conversation: what fuzzing and tests read.
pub(crate) fn convert(bundle: &str, body: bytes::Bytes) -> Option<Chart> {
    let place = tables().bundles.iter().position(|own| own.name == bundle)?;
    let holder = Holder { source: "file".parse().ok()?, number: "9990000018".parse().ok()?, former: Vec::new(), local_ids: Vec::new() };
    let settings = Settings::new("https://file.example".parse().ok()?, "");
    let known = crate::Known::default();
    let opening = Opening { holder: &holder, settings: &settings, known: &known, reader: None, now: Timestamp::UNIX_EPOCH };
    let mut speaker = CareCentric::new(&opening, Wanted::Read(record::Need::everything()));
    let response = record::Response { status: 200, content_type: String::new(), headers: Vec::new(), body, url: String::new() };
    speaker.bundle(place, "1".to_owned(), Reply { id: CallId(0), tried: Timestamp::UNIX_EPOCH, outcome: Ok(response) });
    Some(Box::new(speaker).told().chart)
}
