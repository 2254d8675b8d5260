//! National services: the National Record Locator, which is told that a record is here and asked who else holds one; and the
//! [demographics] service, which knows who the person of a number is.
//!
//! The locator:
//!
//! FHIR R4 `DocumentReference`s ("pointers") in two interfaces, one for those who hold records (producers) and one for those
//! who look for them (consumers). Conformant to the public specification (version 3), not to the live service: that one takes
//! pointers of this type in a pilot only, to where a person is launched to (a page, or contact details) and not yet to FHIR.
//!
//! ```
//! use national::{Locator, Method, Wish};
//!
//! let custodian: record::OdsCode = "QHL".parse().unwrap();
//! let locator = Locator { custodian: custodian.clone(), end_user_organisation: custodian, practice_setting: None };
//! let number = "9990000018".parse().unwrap();
//! let (publishing, call) = locator.keep(number, Wish::Present { url: "https://exchange.example/fhir/R4/Patient/1/$everything".into() });
//! assert_eq!(call.method, Method::Get);
//! assert!(!publishing.is_done());
//! ```
//!
//! A state machine over replies, as a dialect is: it says what to send and is handed what came. What it leaves to others: sending
//! (with a signed token of the application, which only the caller has), the decision that a person's pointer may exist (a
//! restricted person's never does), and asking the shared records that it leads to.

mod consumer;
pub mod demographics;
mod pointer;
mod producer;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use record::{NHS_NUMBER_SYSTEM, NhsNumber, OdsCode};

pub use consumer::{Looking, Pointer};
pub use producer::{Kept, Publishing, Wish};

/// How this exchange is known to the locator.
#[derive(Debug, Clone)]
pub struct Locator {
    /// Who answers for the shared record: all its pointers are in this organisation's name.
    pub custodian: OdsCode,
    /// On whose behalf it is asked who else holds somebody (`NHSD-End-User-Organisation-ODS`). It is told in the custodian's name:
    /// it takes a pointer from nobody else.
    pub end_user_organisation: OdsCode,
    /// What a pointer says of where care is given, as agreed at onboarding. The locator takes none without.
    pub practice_setting: Option<PracticeSetting>,
}

/// A concept of SNOMED CT, of those that the locator takes for a practice setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PracticeSetting {
    /// Code.
    pub code: String,
    /// What it is called.
    pub display: String,
}

/// HTTP methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the method of that name")]
pub enum Method {
    Delete,
    Get,
    Post,
    Put,
}

/// One request to a national service. Printed without its query, its headers' values, its body and numbers in its path: they name
/// people.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Below the service's base.
    pub target: String,
    /// Headers beside authorisation and the request's id.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, for a POST or a PUT.
    pub body: Option<String>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        // The demographics service names a person in its path.
        let segments = path.split('/').map(|segment| if segment.parse::<NhsNumber>().is_ok() { "…" } else { segment });
        write!(f, "Call({:?} {})", self.method, segments.collect::<Vec<_>>().join("/"))
    }
}

/// What came: the HTTP status and the body, or no response at all.
pub type Reply<'a> = Option<(u16, &'a [u8])>;

/// Why the locator could not be asked or told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It answered with this HTTP status.
    Refused(u16),
    /// No response.
    Silent,
    /// The answer is no Bundle, or only the first page of one.
    Unreadable,
}

/// What may stand in a query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const PRODUCER: &str = "producer/FHIR/R4/DocumentReference";
const CONSUMER: &str = "consumer/FHIR/R4/DocumentReference";

impl Locator {
    /// A change of our own pointers.
    fn change(&self, method: Method, target: String, body: Option<String>) -> Call {
        call(method, target, &self.custodian, body)
    }

    /// Our own pointers about a person: a producer sees no others, and may not ask for a custodian.
    fn own(&self, number: &NhsNumber) -> Call {
        call(Method::Get, about(PRODUCER, number), &self.custodian, None)
    }

    /// Everybody's pointers about a person.
    fn all(&self, number: &NhsNumber) -> Call {
        call(Method::Get, about(CONSUMER, number), &self.end_user_organisation, None)
    }
}

fn call(method: Method, target: String, on_behalf_of: &OdsCode, body: Option<String>) -> Call {
    let mut headers =
        vec![("accept", "application/fhir+json;version=1".to_owned()), ("nhsd-end-user-organisation-ods", on_behalf_of.to_string())];
    if body.is_some() {
        headers.push(("content-type", "application/fhir+json".to_owned()));
    }
    Call { method, target, headers, body }
}

/// The search for pointers of the type of shared records about a person.
fn about(interface: &str, number: &NhsNumber) -> String {
    let subject = plain(&format!("{NHS_NUMBER_SYSTEM}|{}", number.expose()));
    let kind = plain(&format!("{}|{}", pointer::SNOMED, pointer::TYPE.0));
    format!("{interface}?subject:identifier={subject}&type={kind}")
}

fn plain(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
