//! A pretend national demographics service (PDS FHIR R4): who the person of a number is.
//!
//! It knows the region's people, and a few more for what can be wrong with a number. It refuses what the real one is said to
//! refuse: a request without an id, a search that says too little, more than five calls a second.

mod faults;
mod search;

use crate::fault::Setting;
use crate::message::{Request, Response};
use crate::node::{Node, list, object};
use crate::person::{About, people};
use crate::{DEMO_PERSON, ident};
use http::{HeaderName, Method, StatusCode};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";
const ODS: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
const CODES: &str = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const END_USER: HeaderName = HeaderName::from_static("nhsd-end-user-organisation-ods");
/// Where it is on its host.
const PATH: &str = "/personal-demographics/FHIR/R4/";
/// Calls that it takes in any second.
const PER_SECOND: usize = 5;

/// By this id it is asked, and made to fail, beside the suppliers of a region.
pub const DEMOGRAPHICS: &str = "pds";
/// A person whom only the service knows, and whose place is hidden.
pub const RESTRICTED_NUMBER: &str = "9990000905";
/// A number that the demonstration's person had before.
pub const SUPERSEDED_NUMBER: &str = "9990000913";
/// A number that is nobody's any more.
pub const INVALIDATED_NUMBER: &str = "9990000921";

/// The service.
#[derive(Debug, Default)]
pub struct Demographics {
    numbers: Mutex<BTreeMap<String, Standing>>,
    calls: Mutex<VecDeque<Instant>>,
    pub(crate) faults: Mutex<Vec<Setting>>,
    pub(crate) asked: Mutex<VecDeque<Request>>,
}

/// What a number is.
#[derive(Clone, Debug)]
enum Standing {
    /// Somebody's, with the label that stands on them.
    Current(Box<About>, Option<String>),
    /// It was somebody's who has this one now.
    Superseded(String),
    /// Nobody's.
    Invalidated,
}

impl Demographics {
    /// As it is before anything is changed: everybody of the region unrestricted.
    pub(crate) fn of_the_region() -> Demographics {
        let service = Demographics::default();
        for person in people() {
            service.put(person.about.clone());
        }
        let mut hidden = people()[0].about.clone();
        RESTRICTED_NUMBER.clone_into(&mut hidden.nhs_number);
        (hidden.given, hidden.family) = (vec!["Nora".to_owned()], "Quillfeather".to_owned());
        "1979-03-30".clone_into(&mut hidden.birth_date);
        service.put(hidden);
        service.label(RESTRICTED_NUMBER, Some("R"));
        service.supersede(SUPERSEDED_NUMBER, DEMO_PERSON);
        service.invalidate(INVALIDATED_NUMBER);
        service
    }

    /// The `[national.demographics]` block for who asks it at this address.
    pub fn block(origin: &str) -> String {
        format!("[national.demographics]\nurl = \"{origin}{}\"\nauth = {{ kind = \"none\" }}\n", PATH.trim_end_matches('/'))
    }

    /// Somebody has this number, unrestricted.
    pub fn put(&self, about: About) {
        self.numbers().insert(about.nhs_number.clone(), Standing::Current(Box::new(about), Some("U".to_owned())));
    }

    /// Changes what is known of the person of a number.
    pub fn change(&self, number: &str, change: impl FnOnce(&mut About)) {
        if let Some(Standing::Current(about, _)) = self.numbers().get_mut(number) {
            change(about);
        }
    }

    /// The label of the person of a number; none takes it away.
    pub fn label(&self, number: &str, label: Option<&str>) {
        if let Some(Standing::Current(_, own)) = self.numbers().get_mut(number) {
            *own = label.map(str::to_owned);
        }
    }

    /// Whoever had the old number has the new one: as they are under the new, if they are; else as they were under the old.
    pub fn supersede(&self, old: &str, new: &str) {
        let mut numbers = self.numbers();
        if let Some(Standing::Current(mut about, label)) = numbers.insert(old.to_owned(), Standing::Superseded(new.to_owned()))
            && !numbers.contains_key(new)
        {
            new.clone_into(&mut about.nhs_number);
            numbers.insert(new.to_owned(), Standing::Current(about, label));
        }
    }

    /// The number is nobody's any more.
    pub fn invalidate(&self, number: &str) {
        self.numbers().insert(number.to_owned(), Standing::Invalidated);
    }

    /// The number was never heard of.
    pub fn forget(&self, number: &str) {
        self.numbers().remove(number);
    }

    /// Its answer to a request below `/personal-demographics/FHIR/R4/`.
    pub fn answer(&self, request: &Request) -> Response {
        if self.is_too_much() {
            return refuse(StatusCode::TOO_MANY_REQUESTS, "throttled", "TOO_MANY_REQUESTS");
        }
        let mut response = self.answer_at_leisure(request);
        if let Some(id) = request.header(REQUEST_ID) {
            response.set(REQUEST_ID, id);
        }
        response
    }

    fn answer_at_leisure(&self, request: &Request) -> Response {
        match request.header(REQUEST_ID) {
            None => return refuse(StatusCode::PRECONDITION_FAILED, "structure", "PRECONDITION_FAILED"),
            Some(id) if !is_uuid(id) => return refuse(StatusCode::BAD_REQUEST, "value", "INVALID_VALUE"),
            Some(_) => {}
        }
        if request.header(END_USER).is_none() {
            return refuse(StatusCode::BAD_REQUEST, "required", "MISSING_VALUE");
        }
        let rest = request.path_and_query.strip_prefix(PATH).unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        match (request.method.clone(), path.strip_prefix("Patient")) {
            (Method::GET, Some("")) => self.search(query),
            (Method::GET, Some(id)) => self.retrieve(id.trim_start_matches('/')),
            _ => refuse(StatusCode::NOT_FOUND, "not-found", "RESOURCE_NOT_FOUND"),
        }
    }

    fn retrieve(&self, number: &str) -> Response {
        if !ident::is_nhs_number(number) {
            return refuse(StatusCode::BAD_REQUEST, "value", "INVALID_RESOURCE_ID");
        }
        let numbers = self.numbers();
        let mut standing = numbers.get(number);
        // From each to the next: at the end of the way is who has it now.
        for _ in 0..numbers.len() {
            let Some(Standing::Superseded(by)) = standing else { break };
            standing = numbers.get(by);
        }
        match standing {
            Some(Standing::Current(about, label)) => say(StatusCode::OK, &patient(about, label.as_deref())),
            Some(Standing::Invalidated) => refuse(StatusCode::NOT_FOUND, "not-found", "INVALIDATED_RESOURCE"),
            Some(Standing::Superseded(_)) | None => refuse(StatusCode::NOT_FOUND, "not-found", "RESOURCE_NOT_FOUND"),
        }
    }

    /// Whether more came within a second than is granted; what is refused does not count.
    fn is_too_much(&self) -> bool {
        let (mut calls, now) = (self.calls.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        while calls.front().is_some_and(|first| now.duration_since(*first) >= Duration::from_secs(1)) {
            calls.pop_front();
        }
        if calls.len() >= PER_SECOND {
            return true;
        }
        calls.push_back(now);
        false
    }

    fn numbers(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// A Patient, as far as the label lets it be shown.
fn patient(about: &About, label: Option<&str>) -> Node {
    let hidden = label != Some("U");
    let mut patient = object! {
        "resourceType": "Patient",
        "id": about.nhs_number.as_str(),
        "identifier": list![object! { "system": NHS, "value": about.nhs_number.as_str(), "extension": list![verified()] }],
        "meta": object! {
            "versionId": "2",
            "security": list![label.map(|code| object! {
                "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": code,
            })],
        },
        "name": names(about),
        "gender": about.gender.as_str(),
        "birthDate": about.birth_date.as_str(),
        "deceasedDateTime": about.died.as_deref().map(|day| format!("{day}T00:00:00+00:00")),
    };
    if !hidden {
        let practice = about
            .practice
            .as_deref()
            .map(|code| object! { "type": "Organization", "identifier": object! { "system": ODS, "value": code } });
        patient.append(object! {
            "telecom": list![about.phone.as_deref().map(|phone| object! { "system": "phone", "use": "home", "value": phone })],
            "generalPractitioner": list![practice],
            "address": list![address(&about.address)],
        });
    }
    patient
}

fn verified() -> Node {
    let coding =
        object! { "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus", "version": "1.0.0", "code": "01" };
    object! {
        "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
        "valueCodeableConcept": object! { "coding": list![coding] },
    }
}

/// The usual name, and the one before.
fn names(about: &About) -> Vec<Node> {
    let name = |usage: &str, given: &[String], family: &str, title: Option<&str>| {
        object! {
            "id": ident::hex(&format!("{}{usage}", about.nhs_number)), "use": usage,
            "family": family, "given": given.iter().map(Node::from).collect::<Vec<_>>(), "prefix": list![title],
        }
    };
    let mut names = vec![name("usual", &about.given, &about.family, about.title.as_deref())];
    if about.previous_family.is_some() || about.previous_given.is_some() {
        let (given, family) =
            (about.previous_given.as_ref().unwrap_or(&about.given), about.previous_family.as_ref().unwrap_or(&about.family));
        names.push(name("old", given, family, None));
    }
    names
}

fn address(lines: &[String]) -> Node {
    let Some((postcode, lines)) = lines.split_last() else { return Node::Nothing };
    object! { "use": "home", "line": lines.iter().map(Node::from).collect::<Vec<_>>(), "postalCode": postcode }
}

fn say(status: StatusCode, body: &Node) -> Response {
    Response::new(status, "application/fhir+json", body.to_json())
}

fn refuse(status: StatusCode, kind: &str, code: &str) -> Response {
    say(status, &outcome("error", kind, code))
}

fn outcome(severity: &str, kind: &str, code: &str) -> Node {
    let coding = object! { "system": CODES, "version": "1", "code": code };
    let issue = object! { "severity": severity, "code": kind, "details": object! { "coding": list![coding] } };
    object! { "resourceType": "OperationOutcome", "issue": list![issue] }
}

#[cfg(test)]
mod tests;
