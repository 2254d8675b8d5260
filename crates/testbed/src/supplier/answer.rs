//! How a supplier answers: one pure function from a request to an answer.

use super::pages::{Place, params};
use super::search::{Complaint, Found, complaint, types};
use super::shelf::{Kept, Shelf};
use super::{Habits, Maker, Version, metadata, millennium, practice, renumbered};
use crate::fault::{Fault, Refusal, held_up, tamper::tamper};
use crate::ident;
use crate::message::{Answer, Request, Response};
use crate::node::{Node, list, object};
use crate::pen::token;
use http::{Method, StatusCode, header};
use jiff::Timestamp;
use std::io::Write;
use std::sync::Arc;

/// A pretend supplier.
#[derive(Debug)]
pub struct Supplier {
    shelf: Shelf,
}

/// What is to be said, before it is written in JSON or XML.
enum Said {
    Bundle(Page),
    Raw(Response),
    Resource(Arc<Kept>),
}

struct Page {
    address: String,
    next: Option<String>,
    total: Option<usize>,
    entries: Vec<(Arc<Kept>, &'static str)>,
}

impl Supplier {
    /// A supplier of the pretend region, at an address such as `http://127.0.0.1:9001`.
    pub fn of_the_region(habits: &Habits, origin: &str) -> Self {
        let base = format!("{origin}{}", habits.path);
        Supplier { shelf: Shelf::of_the_region(habits, &base) }
    }

    /// A supplier with these habits and anybody's resources: JSON, each set under an NHS number.
    pub fn of_resources(habits: &Habits, origin: &str, records: Vec<(String, Vec<String>)>) -> Result<Self, serde_json::Error> {
        let parse = |(number, texts): (String, Vec<String>)| {
            let nodes: Result<Vec<Node>, _> = texts.iter().map(|text| Node::parse(text)).collect();
            Ok((number, nodes?))
        };
        let records: Result<Vec<_>, serde_json::Error> = records.into_iter().map(parse).collect();
        let base = format!("{origin}{}", habits.path);
        Ok(Supplier { shelf: Shelf::of_resources(habits, &base, records?) })
    }

    /// What the supplier is like.
    pub fn habits(&self) -> &Habits {
        &self.shelf.habits
    }

    /// The address of its FHIR service.
    pub fn base(&self) -> &str {
        &self.shelf.base
    }

    /// The address below which everything of it lies.
    pub fn home(&self) -> &str {
        self.base().strip_suffix(self.habits().path.strip_prefix(self.habits().home()).unwrap_or_default()).unwrap_or(self.base())
    }

    /// Takes a request, with these things going wrong.
    pub fn answer(&self, request: &Request, faults: &[Fault], now: Timestamp) -> Answer {
        held_up(faults, || {
            let xml = self.speaks_xml(request);
            faults.iter().find_map(|fault| self.refuse(fault, xml)).unwrap_or_else(|| {
                let response = self.respond(request, faults, xml, now);
                faults.iter().fold(response, |response, fault| spoil(fault, response))
            })
        })
    }

    /// The answer of faults that ignore the question.
    fn refuse(&self, fault: &Fault, xml: bool) -> Option<Response> {
        let outcome = |status, code, text: &str| Some(self.outcome(&complaint(status, code, text), xml));
        match fault {
            Fault::Html => {
                Some(Response::new(StatusCode::OK, "text/html", "<!doctype html><title>Maintenance</title><p>We are back at noon.</p>"))
            }
            Fault::Refusing { how } => match how {
                Refusal::BadRequest => {
                    Some(Response::new(StatusCode::BAD_REQUEST, "text/plain", "Bad Request: a required parameter is missing"))
                }
                Refusal::Closed => None,
                Refusal::Forbidden => outcome(403, "forbidden", "not allowed"),
                Refusal::ServerError => outcome(500, "exception", "something broke"),
                Refusal::Unauthorised => outcome(401, "login", "the token is not accepted"),
                Refusal::Unavailable => outcome(503, "transient", "come back later"),
            },
            Fault::Throttled { retry_after_s } => {
                let mut response = self.outcome(&complaint(429, "throttled", "too many"), xml);
                response.set(header::RETRY_AFTER, &retry_after_s.to_string());
                Some(response)
            }
            _ => None,
        }
    }

    fn respond(&self, request: &Request, faults: &[Fault], xml: bool, now: Timestamp) -> Response {
        if let Some(response) = self.ccapi(request, faults) {
            return response;
        }
        match self.route(request, faults) {
            Ok(Said::Bundle(page)) => self.bundle(page, xml, now),
            Ok(Said::Raw(response)) => response,
            Ok(Said::Resource(kept)) => self.resource(&kept, xml),
            Err(complaint) => self.outcome(&complaint, xml),
        }
    }

    fn route(&self, request: &Request, faults: &[Fault]) -> Result<Said, Complaint> {
        let (path, query) = match request.path_and_query.split_once('?') {
            Some((path, query)) => (path, query),
            None => (request.path_and_query.as_str(), ""),
        };
        let Some(path) = path.strip_prefix(self.habits().path) else {
            return Err(complaint(404, "not-found", "there is nothing at this address"));
        };
        let path = path.trim_matches('/');
        if path == "metadata" {
            return Ok(Said::Resource(Arc::new(Kept::new(metadata::metadata(self.habits())))));
        }
        self.let_in(request)?;
        if path == practice::OPERATION && self.habits().maker == Maker::GpConnect {
            return Ok(Said::Raw(practice::answer(&self.shelf, request, faults)));
        }
        if self.habits().json_only && wants_only_xml(request) {
            return Err(complaint(406, "not-supported", "only JSON is spoken here"));
        }
        let (path, params) = match request.method {
            Method::GET => (path, params(query)),
            Method::POST if path.ends_with("/_search") => {
                let body = std::str::from_utf8(&request.body).unwrap_or_default();
                let mut all = params(query);
                all.extend(params(body));
                (path.trim_end_matches("/_search"), all)
            }
            _ => return Err(complaint(405, "not-supported", "this method is not supported")),
        };
        let (path, params) = renumbered::asked(faults, path, params);
        let place = Place::read(&path, params).ok_or_else(|| complaint(410, "not-found", "this page is no longer kept"))?;
        self.find(request, &place, faults)
    }

    fn let_in(&self, request: &Request) -> Result<(), Complaint> {
        let shown = request.header(header::AUTHORIZATION).and_then(|h| h.strip_prefix("Bearer "));
        match token(self.habits()) {
            Some(wanted) if shown != Some(wanted) => Err(complaint(401, "login", "a token is needed")),
            _ => Ok(()),
        }
    }

    fn find(&self, request: &Request, place: &Place, faults: &[Fault]) -> Result<Said, Complaint> {
        let parts: Vec<&str> = place.path.split('/').collect();
        let lost = |kind: &str| {
            let loses = |fault: &Fault| matches!(fault, Fault::LosesType { kind: lost } if lost == kind);
            faults.iter().any(loses)
        };
        let broken = || complaint(500, "exception", "a required element is missing");
        match parts[..] {
            [kind] if lost(kind) => Err(broken()),
            [kind] => {
                if self.habits().maker == Maker::Millennium {
                    millennium::check(place)?;
                }
                let mut found = self.shelf.search(place)?;
                if self.habits().maker == Maker::Millennium && place.param("_revinclude").is_some() {
                    millennium::with_provenance(self.habits(), &mut found);
                }
                if faults.iter().any(|fault| self.lacks(fault, kind, &found)) {
                    return Err(millennium::lacks(kind));
                }
                Ok(Said::Bundle(self.page(place, found, faults)))
            }
            ["Patient", id, "$everything"] => {
                if faults.iter().any(|fault| matches!(fault, Fault::LosesType { .. })) {
                    return Err(broken());
                }
                if let Err(status) = self.habits().everything {
                    return Err(complaint(status, "not-supported", "$everything is not supported"));
                }
                Ok(Said::Bundle(self.page(place, self.shelf.everything(id, place)?, faults)))
            }
            [kind, id] | [kind, id, "_history", _] => {
                if lost(kind) {
                    return Err(broken());
                }
                self.read(request, kind, id, faults)
            }
            _ => Err(complaint(404, "not-found", "there is nothing at this address")),
        }
    }

    /// Whether the one resource of a type that lacks something is among those found.
    fn lacks(&self, fault: &Fault, kind: &str, found: &Found) -> bool {
        let Fault::LacksRequired { kind: lacking } = fault else { return false };
        let of_type = |kept: &Arc<Kept>| lacking == kind && kept.kind == kind;
        found.iter().any(|(kept, _)| of_type(kept) && self.shelf.is_first_of_type(kept))
    }

    fn read(&self, request: &Request, kind: &str, id: &str, faults: &[Fault]) -> Result<Said, Complaint> {
        if !types(self.habits()).contains(&kind) {
            return Err(complaint(404, "not-supported", format!("{kind} is not supported")));
        }
        let gone = id.strip_prefix(renumbered::GONE).filter(|_| kind == "Patient" && faults.contains(&Fault::Combined));
        if let Some(old) = gone.filter(|old| self.shelf.find(kind, old).is_some()) {
            let shell = millennium::combined(old, &renumbered::combined(old));
            return Ok(Said::Resource(Arc::new(Kept::new(shell))));
        }
        let found = self.shelf.find(kind, id);
        let kept = found.ok_or_else(|| complaint(404, "not-found", format!("{kind}/{id} is not known")))?;
        if kind == "Binary"
            && let Some(response) = raw_binary(request, &kept)
        {
            return Ok(Said::Raw(response));
        }
        let tampered = tamper(self.habits(), faults, vec![kept.clone()]);
        Ok(Said::Resource(tampered.into_iter().next().unwrap_or(kept)))
    }

    /// One page of what was found, with a link to the next.
    fn page(&self, place: &Place, found: Vec<(Arc<Kept>, &'static str)>, faults: &[Fault]) -> Page {
        let habits = self.habits();
        let (found, at_least) = match habits.maker {
            Maker::Millennium => millennium::social_history_first(found),
            _ => (found, 0),
        };
        let matches = found.iter().filter(|(_, mode)| *mode == "match").count();
        let endless = faults.contains(&Fault::EndlessPages) && !found.is_empty();
        let size = if place.offset == 0 { place.size(habits).max(at_least) } else { place.size(habits) };
        let offset = if endless { place.offset % found.len() } else { place.offset };
        let on_page: Vec<_> = found.iter().skip(offset).take(size).cloned().collect();
        let more = offset + on_page.len() < found.len();
        let base = self.base();
        let mut next = (more || endless).then(|| place.link(habits, base, place.offset + on_page.len()));
        for fault in faults {
            match fault {
                Fault::CrossOriginNext => {
                    let path = habits.path;
                    next = Some(format!("http://elsewhere.example.net{path}/stolen?page=2"));
                }
                Fault::LoopingPages => next = Some(place.link(habits, base, place.offset)),
                _ => {}
            }
        }
        let mode_of: Vec<&'static str> = on_page.iter().map(|(_, mode)| *mode).collect();
        let kept = on_page.into_iter().map(|(kept, _)| kept).collect();
        let kept = tamper(habits, faults, kept);
        let mode = |at: usize| mode_of.get(at).copied().unwrap_or("match");
        Page {
            address: place.address(base),
            next,
            total: habits.totals.then_some(matches),
            entries: kept.into_iter().enumerate().map(|(at, kept)| (kept, mode(at))).collect(),
        }
    }

    fn bundle(&self, page: Page, xml: bool, now: Timestamp) -> Response {
        let link = |relation: &str, url: String| object! { "relation": relation, "url": url };
        let head = object! {
            "resourceType": "Bundle",
            "id": ident::guid(&page.address),
            "meta": object! { "lastUpdated": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() },
            "type": "searchset",
            "total": page.total,
            "link": list![
                link("self", page.address.clone()),
                page.next.map(|next| link("next", next)),
            ],
        };
        let body = if xml {
            let entry = |(kept, mode): &(Arc<Kept>, &'static str)| {
                object! {
                    "fullUrl": self.full_url(kept),
                    "resource": kept.node.clone(),
                    "search": object! { "mode": *mode },
                }
            };
            let mut node = head;
            node.append(object! { "entry": page.entries.iter().map(entry).collect::<Vec<_>>() });
            node.to_xml()
        } else {
            let entry = |(kept, mode): &(Arc<Kept>, &'static str)| {
                let url = self.full_url(kept);
                let url = url.map(|url| format!("\"fullUrl\":{},", Node::from(url).to_json()));
                let url = url.unwrap_or_default();
                format!("{{{url}\"resource\":{},\"search\":{{\"mode\":\"{mode}\"}}}}", kept.json)
            };
            let entries: Vec<String> = page.entries.iter().map(entry).collect();
            let head = head.to_json();
            match entries.is_empty() {
                true => head,
                false => format!("{},\"entry\":[{}]}}", &head[..head.len() - 1], entries.join(",")),
            }
        };
        self.say(StatusCode::OK, xml, body)
    }

    fn full_url(&self, kept: &Kept) -> Option<String> {
        if !self.habits().full_urls {
            return None;
        }
        match self.habits().refs {
            super::Refs::Urn => Some(format!("urn:uuid:{}", kept.id)),
            _ => Some(format!("{}/{}/{}", self.base(), kept.kind, kept.id)),
        }
    }

    fn resource(&self, kept: &Kept, xml: bool) -> Response {
        let body = if xml { kept.node.to_xml() } else { kept.json.clone() };
        let mut response = self.say(StatusCode::OK, xml, body);
        if let Some(version) = kept.node.at("meta").and_then(|meta| meta.text_at("versionId")) {
            response.set(header::ETAG, &format!("W/\"{version}\""));
        }
        response
    }

    fn outcome(&self, complaint: &Complaint, xml: bool) -> Response {
        let status = StatusCode::from_u16(complaint.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = if self.habits().plain_errors && complaint.status < 404 {
            Response::new(status, "text/plain", complaint.text.clone())
        } else {
            let node = object! {
                "resourceType": "OperationOutcome",
                "issue": list![object! {
                    "severity": if complaint.location.is_some() { "fatal" } else { "error" },
                    "code": complaint.code,
                    "details": (!complaint.text.is_empty()).then(|| object! { "text": complaint.text.as_str() }),
                    "location": complaint.location.as_deref().map(|location| list![location]),
                }],
            };
            self.say(status, xml, if xml { node.to_xml() } else { node.to_json() })
        };
        match complaint.status {
            401 => response.set(header::WWW_AUTHENTICATE, "Bearer"),
            405 => response.set(header::ALLOW, "GET, POST"),
            _ => {}
        }
        response
    }

    fn say(&self, status: StatusCode, xml: bool, body: String) -> Response {
        let media_type = self.habits().version.media_type(xml);
        Response::new(status, &format!("{media_type}; charset=utf-8"), body)
    }

    fn speaks_xml(&self, request: &Request) -> bool {
        if self.habits().json_only {
            return false;
        }
        let query = request.path_and_query.split_once('?').map_or("", |(_, query)| query);
        let format = params(query).into_iter().find(|(name, _)| name == "_format");
        let accept = request.header(header::ACCEPT).unwrap_or_default().to_owned();
        let asked = format.map_or(accept, |(_, value)| value);
        match (asked.contains("xml"), asked.contains("json")) {
            (true, false) => true,
            (false, true) => false,
            _ => self.habits().prefers_xml,
        }
    }
}

fn wants_only_xml(request: &Request) -> bool {
    let accept = request.header(header::ACCEPT).unwrap_or_default();
    accept.contains("xml") && !accept.contains("json") && !accept.contains("*/*")
}

/// The bytes of a Binary, for those who do not ask for FHIR.
fn raw_binary(request: &Request, kept: &Kept) -> Option<Response> {
    use base64::Engine;
    let accept = request.header(header::ACCEPT).unwrap_or_default();
    let wants_fhir = accept.contains("fhir") || accept.contains("json") || accept.contains("xml");
    if wants_fhir || accept.is_empty() || accept.contains("*/*") {
        return None;
    }
    let data = kept.node.text_at("data").or(kept.node.text_at("content"))?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(data).ok()?;
    let media_type = kept.node.text_at("contentType").unwrap_or("application/octet-stream");
    Some(Response::new(StatusCode::OK, media_type, bytes))
}

/// Faults that spoil the bytes of a good answer.
fn spoil(fault: &Fault, mut response: Response) -> Response {
    match fault {
        Fault::GzipBomb { mib } => {
            response.body = bomb(*mib).into();
            response.set(header::CONTENT_ENCODING, "gzip");
        }
        Fault::Malformed => {
            let half = response.body.len() * 2 / 3;
            let mut body = response.body.slice(..half).to_vec();
            body.extend_from_slice(b"\"}},,");
            response.body = body.into();
        }
        Fault::Truncated => {
            response.body = response.body.slice(..response.body.len() / 2);
            response.cut_off = true;
        }
        _ => {}
    }
    response
}

/// Spaces, many of them, packed small.
fn bomb(mib: u32) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let chunk = vec![b' '; 1 << 20];
    for _ in 0..mib {
        // Writing to memory cannot fail.
        let _ = packed.write_all(&chunk);
    }
    packed.finish().unwrap_or_default()
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Version; 3] = [Version::Dstu2, Version::Stu3, Version::R4];
}
