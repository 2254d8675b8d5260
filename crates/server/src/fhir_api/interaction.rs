//! What a request asks this FHIR server to do, from its method and path alone.

use axum::http::Method;
use fhir::Kind;
use record::CARRIED;

use super::Face;
use super::fault::Fault;

/// What can be asked below a FHIR base, as its paths are written.
pub const ENDPOINTS: &[&str] = &[
    "GET AuditEvent",
    "POST AuditEvent/_search",
    "GET AuditEvent/{id}",
    "GET metadata",
    "GET Patient/{id}/$everything",
    "POST Patient/{id}/$everything",
    "GET Patient/{id}/$plan",
    "POST Patient/$match",
    "GET {type}",
    "POST {type}/_search",
    "GET {type}/{id}",
    "POST Patient/{id}/$request-access",
    "POST Consent",
    "PUT Consent/{id}",
];

/// One FHIR interaction. Adding one here makes the governance table fail until it is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction {
    /// `GET AuditEvent/{id}`
    AuditEvent(String),
    /// `GET AuditEvent?…` or `POST AuditEvent/_search`
    AuditEvents,
    /// `GET Patient/{id}/$everything`
    Everything(String),
    /// `POST Patient/$match`
    Match,
    /// `GET metadata`
    Metadata,
    /// `GET ?_page=`: a further page of an answer.
    Page,
    /// `GET Patient/{id}/$plan`
    Plan(String),
    /// `GET {type}/{id}`
    Read(Kind, String),
    /// `POST Consent`, or `PUT Consent/{id}`: what a person says about sharing.
    Record(Option<String>),
    /// `POST Patient/{id}/$request-access`
    RequestAccess(String),
    /// `GET {type}?…` or `POST {type}/_search`
    Search(Kind),
}

impl Interaction {
    /// Reads the path below the FHIR base of a face, without a leading slash.
    pub fn parse(face: Face, method: &Method, path: &str) -> Result<Interaction, Fault> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let get = method == Method::GET || method == Method::HEAD;
        let post = method == Method::POST;
        let need = |allowed: bool, allow: &'static str, interaction: Interaction| {
            if allowed { Ok(interaction) } else { Err(Fault::Method(allow)) }
        };
        match parts.as_slice() {
            [] => need(get, "GET", Interaction::Page),
            ["metadata"] => need(get, "GET", Interaction::Metadata),
            ["_search"] => Err(Fault::NotSupported(
                "Searching over all types at once is not supported; search a type, or use Patient/{id}/$everything.".into(),
            )),
            ["AuditEvent"] => need(get, "GET", Interaction::AuditEvents),
            ["AuditEvent", "_search"] => need(post, "POST", Interaction::AuditEvents),
            ["AuditEvent", id] if !id.starts_with('$') => need(get, "GET", Interaction::AuditEvent((*id).to_owned())),
            ["Patient", "$match"] => need(post, "POST", Interaction::Match),
            ["Patient", id, "$everything"] => need(get || post, "GET, POST", Interaction::Everything((*id).to_owned())),
            ["Patient", id, "$plan"] => need(get, "GET", Interaction::Plan((*id).to_owned())),
            ["Patient", id, "$request-access"] => need(post, "POST", Interaction::RequestAccess((*id).to_owned())),
            [.., operation] if operation.starts_with('$') => {
                Err(Fault::NotSupported(format!("The operation {} is not supported here.", super::params::clipped(operation))))
            }
            ["Consent"] if post => Ok(Interaction::Record(None)),
            ["Consent", id] if *method == Method::PUT => Ok(Interaction::Record(Some((*id).to_owned()))),
            [kind] => need(get, "GET", Interaction::Search(carried(face, kind)?)),
            [kind, "_search"] => need(post, "POST", Interaction::Search(carried(face, kind)?)),
            [kind, id] => need(get, "GET", Interaction::Read(carried(face, kind)?, (*id).to_owned())),
            _ => Err(Fault::NotSupported("There is no such interaction here; see metadata.".into())),
        }
    }
}

impl Interaction {
    /// What it is called in the ledger.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Interaction::AuditEvent(_) => "read AuditEvent",
            Interaction::AuditEvents => "search AuditEvent",
            Interaction::Everything(_) => "$everything",
            Interaction::Match => "$match",
            Interaction::Metadata => "metadata",
            Interaction::Page => "page",
            Interaction::Plan(_) => "$plan",
            Interaction::Read(..) => "read",
            Interaction::Record(_) => "record",
            Interaction::RequestAccess(_) => "$request-access",
            Interaction::Search(_) => "search",
        }
    }

    /// The Patient it names, in whichever id.
    pub(super) fn patient(&self) -> Option<&str> {
        match self {
            Interaction::Everything(id) | Interaction::Plan(id) | Interaction::RequestAccess(id) => Some(id),
            Interaction::Read(kind, id) if *kind == Kind::PATIENT => Some(id),
            Interaction::AuditEvent(_) | Interaction::AuditEvents => None,
            Interaction::Match
            | Interaction::Metadata
            | Interaction::Page
            | Interaction::Read(..)
            | Interaction::Record(_)
            | Interaction::Search(_) => None,
        }
    }
}

fn carried(face: Face, name: &str) -> Result<Kind, Fault> {
    match face.kind(name).filter(|kind| CARRIED.contains(kind)) {
        Some(kind) => Ok(kind),
        None => {
            Err(Fault::NotSupported(format!("The type {} is not supported; metadata lists those that are.", super::params::clipped(name))))
        }
    }
}
