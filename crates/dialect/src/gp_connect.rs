//! General practice, through GP Connect Access Record: Structured (STU3): one question, one Bundle, structured by its Lists.
//!
//! The practice is asked in the name of the person who asks here, through the national proxy; without such a person it is not asked.
//! What its Lists warn of, and what does not come at all, becomes the status of the rows: success with a hole is no success.
//! Rules: GP Connect specification 1.2 to 1.6, see `DOMAIN.md` section 6; conformant to it, not tried against a live practice.

mod contained;
mod hole;
mod refusal;
mod relay;
mod request;
mod rows;
mod sections;
mod token;

use std::collections::BTreeSet;

use fhir::{Bundle, Entry, Kind, Tree, Version};
use jiff::Timestamp;
use record::{Call, CallId, Caller, Finding, FindingCode, Holder, Need, Reply, Response, Status};

use crate::conversation::{Conversation, Told};
use crate::fingerprint::{Card, Evidence, Mark, Searches, Sign};
use crate::hosts::Hosts;
use crate::reading::{Arrivals, Reading};
use crate::references::Bases;
use crate::supplier::{Opening, Speaker, Supplier, Wanted};
use crate::{Known, Settings, body, plain};
use hole::Hole;
use request::Spine;
use sections::Section;

pub use relay::{Relay, relay};

/// General practice through GP Connect.
pub(crate) static SUPPLIER: Supplier = Supplier { name: "gp-connect", version: Version::Stu3, begin, terms: &request::TERMS, card: &CARD };

static CARD: Card = Card {
    signs: &[
        Sign(3, Mark::Base("/gpconnect/")),
        Sign(3, Mark::Operation("gpc.getstructuredrecord")),
        Sign(3, Mark::Profile("https://fhir.nhs.uk/STU3/StructureDefinition/GPConnect-")),
        Sign(2, Mark::Profile("https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-GPC-")),
    ],
    fhir_below: "",
    searches: Searches::Nothing,
    evidence: Evidence { documentation: "GP Connect 1.2 to 1.6", recorded: &["gpconnect-stu3"], examples: &[], itself: None },
};

/// How often the record is asked for anew without what a practice does not take.
const NARROWER_MAX: u32 = 2;

/// A conversation with a practice.
#[derive(Debug)]
struct GpConnect {
    holder: Holder,
    wanted: Wanted,
    spine: Spine,
    known: Known,
    /// In whose name; none: nobody is asked.
    caller: Option<Caller>,
    /// The areas asked for, as far as the practice takes them.
    asked: Vec<&'static Section>,
    /// Those of them that it does not take.
    untaken: Vec<&'static Section>,
    arrivals: Arrivals,
    holes: BTreeSet<Hole>,
    /// Codes of the Lists that came.
    lists: BTreeSet<String>,
    /// The practice that answers, by its ODS code.
    practice: Option<String>,
    record: Errand,
    document: Option<Errand>,
    calls: u32,
    findings: BTreeSet<Finding>,
}

/// A question and how it went.
#[derive(Debug, Default)]
struct Errand {
    /// The call whose reply is awaited.
    call: Option<CallId>,
    tried: Option<Timestamp>,
    ended: Option<Status>,
    note: Option<String>,
}

impl Errand {
    fn end(&mut self, status: Status, note: Option<String>) {
        (self.call, self.ended, self.note) = (None, Some(status), note);
    }
}

fn begin(opening: &Opening<'_>, wanted: Wanted) -> (Conversation, Vec<Call>) {
    let asked = match &wanted {
        Wanted::Read(need) => sections::wanted(need),
        Wanted::Find | Wanted::One(..) => Vec::new(),
    };
    begin_with(opening, wanted, asked)
}

/// Begins to ask for these areas, by the parameters that ask for them; one that nobody defined is not asked for.
pub fn structured_record(opening: &Opening<'_>, areas: &[&str]) -> (Conversation, Vec<Call>) {
    let asked = areas.iter().filter_map(|area| sections::of_parameter(area)).collect();
    begin_with(opening, Wanted::Read(Need::everything()), asked)
}

fn begin_with(opening: &Opening<'_>, wanted: Wanted, asked: Vec<&'static Section>) -> (Conversation, Vec<Call>) {
    let Opening { holder, settings, known, reader, now } = *opening;
    let spine = Spine::of(settings);
    let mut conversation = GpConnect {
        holder: holder.clone(),
        arrivals: Arrivals::new(reading(holder, settings, &spine)),
        spine,
        known: known.clone(),
        caller: None,
        asked,
        untaken: Vec::new(),
        holes: BTreeSet::new(),
        lists: BTreeSet::new(),
        practice: None,
        record: Errand::default(),
        document: None,
        calls: 0,
        findings: BTreeSet::new(),
        wanted,
    };
    let calls = match (token::unfit(reader), reader) {
        (None, Some(caller)) => {
            conversation.caller = Some(caller.clone());
            conversation.open(now)
        }
        (why, _) => {
            conversation.record.end(Status::Withheld, why.map(str::to_owned));
            Vec::new()
        }
    };
    (Conversation::new(Box::new(conversation)), calls)
}

fn reading(holder: &Holder, settings: &Settings, spine: &Spine) -> Reading {
    let mut bases = Bases::default();
    let own = [Some(&settings.source_base), spine.provider.as_ref()].into_iter().flatten();
    own.clone().for_each(|base| bases.add(base.as_str()));
    let hosts = Hosts::new(&holder.source, own.filter_map(|base| base.host_str()));
    Reading {
        source: holder.source.clone(),
        version: Version::Stu3,
        numbers: holder.numbers(),
        aliases: settings.nhs_number_systems.clone(),
        exchange_base: settings.exchange_base.trim_end_matches('/').to_owned(),
        bases,
        hosts,
    }
}

impl GpConnect {
    fn open(&mut self, now: Timestamp) -> Vec<Call> {
        // There is no reading by id but of documents' contents.
        let document = match &self.wanted {
            Wanted::One(named, id) if named == "Binary" => Some(id.clone()),
            _ => None,
        };
        let mut calls = self.ask(now);
        if let (Some(id), Some(caller)) = (document, self.caller.clone()) {
            let number = self.next();
            let call = self.spine.document(number, &id, &caller, now);
            self.document = Some(Errand { call: Some(call.id), ..Errand::default() });
            calls.push(call);
        }
        calls
    }

    fn next(&mut self) -> CallId {
        self.calls += 1;
        CallId(self.calls - 1)
    }

    /// Asks for the record, or for what of it the practice takes.
    fn ask(&mut self, now: Timestamp) -> Vec<Call> {
        let Some(caller) = self.caller.clone() else { return Vec::new() };
        let number = self.next();
        let call = self.spine.record(number, &self.holder.number, &self.asked, &caller, now);
        self.record.call = Some(call.id);
        vec![call]
    }

    fn heard(&mut self, reply: Reply) -> Vec<Call> {
        self.record.tried.get_or_insert(reply.tried);
        match reply.outcome {
            Err(failure) => {
                let (status, note) = plain::failed(failure);
                self.record.end(status, note.map(str::to_owned));
            }
            Ok(response) if (200..300).contains(&response.status) => self.said(response),
            Ok(response) => return self.refused(&response, reply.tried),
        }
        Vec::new()
    }

    fn refused(&mut self, response: &Response, now: Timestamp) -> Vec<Call> {
        let refusal = refusal::read(response, &self.asked);
        if refusal.untaken.is_empty() || self.calls > NARROWER_MAX {
            self.record.end(refusal.status, refusal.note);
            return Vec::new();
        }
        self.leave_out(&refusal.untaken);
        self.ask(now)
    }

    fn leave_out(&mut self, sections: &[&'static Section]) {
        self.asked.retain(|section| !sections.contains(section));
        for section in sections {
            if !self.untaken.contains(section) {
                self.untaken.push(section);
            }
        }
    }

    /// The record came.
    fn said(&mut self, response: Response) {
        match body::read(Version::Stu3, response.body.clone(), &response.content_type) {
            Err(why) => self.record.end(Status::FailedParse, Some(why)),
            Ok(bundle) if bundle.resource_type == "Bundle" => self.bundle(bundle),
            Ok(bundle) if bundle.resource_type == "OperationOutcome" => {
                let refusal = refusal::read(&response, &self.asked);
                self.record.end(refusal.status, refusal.note);
            }
            Ok(_) => self.record.end(Status::FailedParse, Some("the answer is no Bundle".to_owned())),
        }
    }

    fn bundle(&mut self, bundle: Bundle) {
        if bundle.link("next").is_some() {
            let said = "the answer names a further page, which this interface does not have; not followed".to_owned();
            self.holes.insert(Hole { kinds: Vec::new(), status: Some(Status::OkTruncated), said });
        }
        let entries = self.opened(bundle.entries);
        self.practice = practice(&entries);
        let came: BTreeSet<String> = entries.iter().filter_map(|entry| called(entry.resource.as_ref()?)).collect();
        for list in entries.iter().filter_map(|entry| entry.resource.as_ref()).filter(|tree| tree.root().is("resourceType", "List")) {
            // References without a type name an id.
            let is_here = |reference: &str| came.contains(reference) || came.iter().any(|one| one.ends_with(&format!("/{reference}")));
            self.holes.extend(hole::of_list(list.root(), &|reference| is_here(plain_reference(reference))));
            let codes = list.root().all("code.coding.code");
            self.lists.extend(codes.into_iter().filter_map(|code| code.value().map(|code| code.into_owned())));
        }
        self.arrivals.reserve(entries.len());
        for entry in entries {
            match entry.resource.as_ref().filter(|tree| tree.root().is("resourceType", "OperationOutcome")) {
                Some(outcome) => self.outcome(outcome),
                None => _ = self.arrivals.take(entry, 0),
            }
        }
        let whose = self.arrivals.arrived.iter().any(|one| one.kind == Kind::PATIENT);
        if whose {
            self.record.end(Status::Ok, None);
        } else {
            self.record.end(Status::FailedParse, Some("the answer does not say whose record it is".to_owned()));
        }
    }

    /// Entries, and what stood inside their Lists beside them; ended allergies ended.
    fn opened(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut opened = Vec::with_capacity(entries.len());
        for mut entry in entries {
            let list = entry.resource.as_mut().filter(|tree| tree.root().is("resourceType", "List"));
            let inside = list.map(contained::bring_out).unwrap_or_default();
            opened.push(entry);
            opened.extend(inside.into_iter().map(|tree| Entry { full_url: None, resource: Some(tree), rest: None }));
        }
        let lists = opened.iter().filter_map(|entry| entry.resource.as_ref()).filter(|tree| tree.root().is("resourceType", "List"));
        let ended = contained::ended(lists);
        for tree in opened.iter_mut().filter_map(|entry| entry.resource.as_mut()) {
            if called(tree).is_some_and(|name| ended.contains(&name)) && contained::end(tree) {
                let detail = "it stands in the List of ended allergies, so it is resolved".to_owned();
                let path = "AllergyIntolerance.clinicalStatus".to_owned();
                self.findings.insert(Finding { code: FindingCode::Converted, path, detail });
            }
        }
        opened
    }

    /// Success with a hole in it.
    fn outcome(&mut self, outcome: &Tree) {
        for (hole, section) in hole::of_outcome(outcome) {
            match section {
                Some(section) => self.leave_out(&[section]),
                None => _ = self.holes.insert(hole),
            }
        }
    }

    fn document(&mut self, reply: Reply) {
        let Some(errand) = &mut self.document else { return };
        errand.tried = Some(reply.tried);
        let response = match reply.outcome {
            Err(failure) => {
                let (status, note) = plain::failed(failure);
                return errand.end(status, note.map(str::to_owned));
            }
            Ok(response) => response,
        };
        if !(200..300).contains(&response.status) {
            let refusal = refusal::read(&response, &[]);
            return errand.end(refusal.status, refusal.note);
        }
        errand.end(Status::Ok, None);
        let Wanted::One(_, id) = &self.wanted else { return };
        for entry in body::binary(Version::Stu3, id, &response).entries {
            self.arrivals.take(entry, 1);
        }
    }
}

impl Speaker for GpConnect {
    fn reply(&mut self, reply: Reply) -> Vec<Call> {
        if self.record.call == Some(reply.id) {
            return self.heard(reply);
        }
        if self.document.as_ref().is_some_and(|document| document.call == Some(reply.id)) {
            self.document(reply);
        }
        Vec::new()
    }

    fn is_done(&self) -> bool {
        self.record.ended.is_some() && self.document.as_ref().is_none_or(|document| document.ended.is_some())
    }

    fn finish(self: Box<Self>) -> Told {
        self.told()
    }
}

/// `Type/id` of a resource.
fn called(tree: &Tree) -> Option<String> {
    Some(format!("{}/{}", tree.resource_type()?, tree.root().text("id")?))
}

/// A reference without host and version.
fn plain_reference(reference: &str) -> &str {
    let reference = reference.split_once("/_history/").map_or(reference, |(before, _)| before);
    let from = reference.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
    &reference[from..]
}

/// The ODS code of the practice that answers: the Patient's managing organisation, else the one registered with.
fn practice(entries: &[Entry]) -> Option<String> {
    let trees = || entries.iter().filter_map(|entry| entry.resource.as_ref());
    let patient = trees().find(|tree| tree.root().is("resourceType", "Patient"))?.root();
    let said = patient.all("managingOrganization.reference").into_iter().chain(patient.all("generalPractitioner.reference"));
    let mut codes = said.filter_map(|reference| {
        let reference = reference.value()?;
        let own = trees().find(|tree| called(tree).is_some_and(|name| name == plain_reference(&reference)))?;
        let identifiers = own.root().all("identifier");
        let ods =
            identifiers.into_iter().find(|one| one.text("system").is_some_and(|system| system.ends_with("/ods-organization-code")))?;
        ods.text("value")
    });
    codes.find(|code| (2..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).map(|code| code.into_owned())
}
