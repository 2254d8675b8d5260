//! A pretend National Record Locator: pointers to records, by person.
//!
//! It takes what it is told and checks what the real one is said to check. It does not stop anybody from pointing twice at one
//! record: that is for the producer not to do.

mod faults;

use crate::DEMO_PERSON;
use crate::fault::Setting;
use crate::ident;
use crate::message::{Request, Response};
use crate::node::{Node, list, object};
use http::{HeaderName, Method, StatusCode};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";
const ODS: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
const END_USER: HeaderName = HeaderName::from_static("nhsd-end-user-organisation-ods");
/// The category of pointers to shared records.
const CATEGORY: &str = "716931000000107";
/// Where it is on its host.
const PATH: &str = "/record-locator/";

/// By this id it is asked, and made to fail, beside the suppliers of a region.
pub const LOCATOR: &str = "nrl";
/// A shared record elsewhere that points at the demonstration's person; no supplier of the region is of this organisation.
pub const ELSEWHERE: &str = "QUA";

/// The locator.
#[derive(Debug, Default)]
pub struct Locator {
    pointers: Mutex<BTreeMap<String, Node>>,
    made: AtomicU64,
    pub(crate) faults: Mutex<Vec<Setting>>,
    pub(crate) asked: Mutex<VecDeque<Request>>,
}

impl Locator {
    /// As it is before anybody of the region has told it anything.
    pub(crate) fn of_the_region() -> Locator {
        let locator = Locator::default();
        locator.put(ELSEWHERE, DEMO_PERSON, "https://shared-record.black-country.example/r4/Patient/6f1c2a/$everything");
        locator
    }

    /// The `[national.record_locator]` block for who asks it at this address, in an organisation's name.
    pub fn block(origin: &str, custodian: &str) -> String {
        format!(
            "[national.record_locator]\nurl = \"{origin}{}\"\ncustodian = \"{custodian}\"\npractice_setting = {{ code = \"394802001\", display = \"General medicine\" }}\npublish = true\nconsult = true\nauth = {{ kind = \"none\" }}\n",
            PATH.trim_end_matches('/')
        )
    }

    /// Its answer to a request below `/record-locator/`.
    pub fn answer(&self, request: &Request) -> Response {
        let rest = request.path_and_query.strip_prefix(PATH).unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut parts = path.splitn(2, "/FHIR/R4/DocumentReference");
        let (interface, id) = (parts.next().unwrap_or_default(), parts.next().map(|id| id.trim_start_matches('/')));
        let (Some(id), "consumer" | "producer") = (id, interface) else { return refuse(StatusCode::NOT_FOUND, "NO_RECORD_FOUND") };
        if request.header(END_USER).is_none() {
            return refuse(StatusCode::BAD_REQUEST, "MISSING_HEADER");
        }
        match (request.method.clone(), interface, id) {
            (Method::GET, _, "") => self.search(interface, query, request),
            (Method::POST, "producer", "") => self.write(None, request),
            (Method::PUT, "producer", id) => self.write(Some(id), request),
            (Method::DELETE, "producer", id) => match self.pointers().remove(id) {
                Some(_) => say(StatusCode::OK, &object! { "resourceType": "OperationOutcome" }),
                None => refuse(StatusCode::NOT_FOUND, "NO_RECORD_FOUND"),
            },
            _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "NOT_SUPPORTED"),
        }
    }

    /// How many pointers there are about a person.
    pub fn about(&self, number: &str) -> usize {
        self.pointers().values().filter(|pointer| subject(pointer) == Some(number)).count()
    }

    /// Where the pointers of one custodian about a person lead.
    pub fn urls(&self, custodian_code: &str, number: &str) -> Vec<String> {
        let pointers = self.pointers();
        let own = pointers.values().filter(|one| subject(one) == Some(number) && custodian(one) == Some(custodian_code));
        own.filter_map(|one| Some(one.at("content")?.items().first()?.at("attachment")?.text_at("url")?.to_owned())).collect()
    }

    /// Puts a pointer there, as another producer would.
    pub fn put(&self, custodian: &str, number: &str, url: &str) {
        let identifier = |system: &str, value: &str| object! { "identifier": object! { "system": system, "value": value } };
        let concept = |code: &str| object! { "coding": list![object! { "system": "http://snomed.info/sct", "code": code }] };
        let pointer = object! {
            "resourceType": "DocumentReference",
            "status": "current",
            "type": concept("887181000000106"),
            "category": list![concept(CATEGORY)],
            "subject": identifier(NHS, number),
            "custodian": identifier(ODS, custodian),
            "content": list![object! { "attachment": object! { "url": url } }],
        };
        self.keep(None, pointer);
    }

    fn search(&self, interface: &str, query: &str, request: &Request) -> Response {
        let params: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str, system: &str| params.get(name)?.strip_prefix(system)?.strip_prefix('|').map(str::to_owned);
        let Some(number) = value("subject:identifier", NHS) else { return refuse(StatusCode::BAD_REQUEST, "INVALID_NHS_NUMBER") };
        let wanted = value("type", "http://snomed.info/sct");
        // A producer sees its own, and has no parameter for a custodian.
        let producer = interface == "producer";
        if producer && params.contains_key("custodian:identifier") {
            return refuse(StatusCode::BAD_REQUEST, "INVALID_PARAMETER");
        }
        let own = if producer { request.header(END_USER).map(str::to_owned) } else { value("custodian:identifier", ODS) };
        let fits = |pointer: &&Node| {
            subject(pointer) == Some(number.as_str())
                && own.as_deref().is_none_or(|own| custodian(pointer) == Some(own))
                && wanted.as_deref().is_none_or(|code| kind(pointer) == Some(code))
        };
        let found: Vec<Node> = self.pointers().values().filter(fits).map(|pointer| object! { "resource": pointer.clone() }).collect();
        say(
            StatusCode::OK,
            &object! { "resourceType": "Bundle", "type": "searchset", "total": Node::number(found.len().to_string()), "entry": found },
        )
    }

    fn write(&self, id: Option<&str>, request: &Request) -> Response {
        let Ok(pointer) = Node::parse(std::str::from_utf8(&request.body).unwrap_or_default()) else {
            return refuse(StatusCode::BAD_REQUEST, "INVALID_RESOURCE");
        };
        let one = |name: &str| pointer.at(name).map(Node::items).is_some_and(|items| items.len() == 1);
        let legal = pointer.text_at("resourceType") == Some("DocumentReference")
            && subject(&pointer).is_some_and(ident::is_synthetic_nhs_number)
            && kind(&pointer).is_some()
            && pointer.at("category").and_then(|category| coded(category.items().first()?)) == Some(CATEGORY)
            && one("category")
            && one("content")
            && pointer.at("context").and_then(|context| coded(context.at("practiceSetting")?)).is_some()
            && stable(&pointer).is_some_and(|stability| matches!(stability, "dynamic" | "static"));
        if !legal || custodian(&pointer) != request.header(END_USER) {
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_RESOURCE");
        }
        if id.is_some_and(|id| !self.pointers().contains_key(id) || pointer.text_at("id") != Some(id)) {
            return refuse(StatusCode::NOT_FOUND, "NO_RECORD_FOUND");
        }
        let status = if id.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        let id = self.keep(id, pointer);
        let mut response = say(status, &object! { "resourceType": "OperationOutcome" });
        response.set(http::header::LOCATION, &format!("{PATH}producer/FHIR/R4/DocumentReference/{id}"));
        response
    }

    fn keep(&self, id: Option<&str>, mut pointer: Node) -> String {
        let number = || self.made.fetch_add(1, Ordering::Relaxed);
        let made = || format!("{}-{}", custodian(&pointer).unwrap_or_default(), ident::guid(&format!("pointer {}", number())));
        let id = id.map_or_else(made, str::to_owned);
        pointer.set("id", id.as_str());
        self.pointers().insert(id.clone(), pointer);
        id
    }

    fn pointers(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Node>> {
        self.pointers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn identified<'a>(pointer: &'a Node, name: &str, system: &str) -> Option<&'a str> {
    let identifier = pointer.at(name)?.at("identifier")?;
    (identifier.text_at("system") == Some(system)).then(|| identifier.text_at("value"))?
}

fn subject(pointer: &Node) -> Option<&str> {
    identified(pointer, "subject", NHS)
}

fn custodian(pointer: &Node) -> Option<&str> {
    identified(pointer, "custodian", ODS)
}

fn kind(pointer: &Node) -> Option<&str> {
    coded(pointer.at("type")?)
}

fn coded(concept: &Node) -> Option<&str> {
    concept.at("coding")?.items().first()?.text_at("code")
}

/// Whether what a pointer leads to changes.
fn stable(pointer: &Node) -> Option<&str> {
    let extensions = pointer.at("content")?.items().first()?.at("extension")?.items();
    let stability = extensions.iter().find(|extension| extension.text_at("url").is_some_and(|url| url.ends_with("ContentStability")))?;
    coded(stability.at("valueCodeableConcept")?)
}

fn say(status: StatusCode, body: &Node) -> Response {
    Response::new(status, "application/fhir+json", body.to_json())
}

fn refuse(status: StatusCode, code: &str) -> Response {
    let system = "https://fhir.nhs.uk/ValueSet/Spine-ErrorOrWarningCode-1";
    let details = object! { "coding": list![object! { "system": system, "code": code }] };
    let issue = object! { "severity": "error", "code": "invalid", "details": details };
    say(status, &object! { "resourceType": "OperationOutcome", "issue": list![issue] })
}
