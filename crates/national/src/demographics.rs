//! The national demographics service (PDS FHIR R4): who the person of a number is, and which number somebody has.
//!
//! As the locator beside it: says what to send, and is handed what came. What it leaves to others: sending, with a token and within
//! the rate that the service grants; keeping answers; and what follows from them.
//!
//! ```
//! use national::demographics::{Asking, Retrieved};
//!
//! let asking = Asking { organisation: "RRK".parse().unwrap(), role_profile: None, correlation: None };
//! let (retrieving, call) = asking.retrieve("9990000018".parse().unwrap());
//! assert_eq!(call.target, "Patient/9990000018");
//! assert!(matches!(retrieving.read(Some((404, b"<html>"))), Retrieved::Failed(_)));
//! ```

mod outcome;
mod patient;
mod search;

use record::{Demographics, NhsNumber, OdsCode};
use serde_json::Value;

pub use outcome::{Failed, SpineCode};
pub use search::{Match, Search, Searched, Searching, TooLittle};

use crate::{Call, Method, Reply};

/// In whose name the service is asked: the person who wants to know, not the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The organisation they work for (`NHSD-End-User-Organisation-ODS`).
    pub organisation: OdsCode,
    /// Their role profile in the Spine directory (`NHSD-Session-URID`). A system has none.
    pub role_profile: Option<String>,
    /// By which the request is found again in both logs (`X-Correlation-ID`).
    pub correlation: Option<String>,
}

/// Whether a person's place may be known, by the service's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Anything but `U`: `R`, `V`, `REDACTED`, a code that nobody knows, and no label at all.
    Restricted,
    /// `U`
    Unrestricted,
}

/// A person, as the service knows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Their number now.
    pub number: NhsNumber,
    /// Names current and old, birth date, gender, addresses: as far as it shows them.
    pub demographics: Demographics,
    /// Whether they died, and when, as far as it is said.
    pub deceased: Option<Death>,
    /// Whether their place may be known.
    pub label: Label,
}

/// That somebody died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// When, as given.
    At(String),
    /// When is not said.
    Sometime,
}

impl std::fmt::Debug for Person {
    /// Who somebody is stands in no log, nor does whose place is hidden.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(redacted)")
    }
}

/// What the service said of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retrieved {
    /// It is this person's.
    Found(Person),
    /// It was this person's, who has another now: that one replaces it.
    Superseded(Person),
    /// It is nobody's any more, and does not say whose it was (404 `INVALIDATED_RESOURCE`).
    Invalidated,
    /// It knows no such number.
    NotFound,
    /// It did not say.
    Failed(Failed),
}

/// A question about one number.
#[derive(Debug, Clone)]
pub struct Retrieving {
    number: NhsNumber,
}

impl Asking {
    /// Begins to ask whose a number is.
    pub fn retrieve(&self, number: NhsNumber) -> (Retrieving, Call) {
        (Retrieving { number }, self.call(format!("Patient/{}", number.expose())))
    }

    fn call(&self, target: String) -> Call {
        let mut headers =
            vec![("accept", "application/fhir+json".to_owned()), ("nhsd-end-user-organisation-ods", self.organisation.to_string())];
        headers.extend(self.role_profile.clone().map(|urid| ("nhsd-session-urid", urid)));
        headers.extend(self.correlation.clone().map(|id| ("x-correlation-id", id)));
        Call { method: Method::Get, target, headers, body: None }
    }
}

impl Retrieving {
    /// What came of it.
    pub fn read(self, reply: Reply<'_>) -> Retrieved {
        match reply {
            None => Retrieved::Failed(Failed::Silent),
            Some((200, body)) => self.found(body).map_or(Retrieved::Failed(Failed::Malformed), |found| found),
            Some((status, body)) => match (status, outcome::code(body).as_ref().map(SpineCode::as_str)) {
                (404, Some("INVALIDATED_RESOURCE")) => Retrieved::Invalidated,
                (404, Some("RESOURCE_NOT_FOUND")) => Retrieved::NotFound,
                // A 404 that does not say so may be anybody's: a gateway's, or a base that leads nowhere.
                _ => Retrieved::Failed(Failed::Refused { status, code: outcome::code(body) }),
            },
        }
    }

    fn found(&self, body: &[u8]) -> Option<Retrieved> {
        let resource: Value = serde_json::from_slice(body).ok()?;
        let person = patient::read(&resource)?;
        Some(if person.number == self.number { Retrieved::Found(person) } else { Retrieved::Superseded(person) })
    }
}
