//! The National Record Locator: telling it that a record is here, and asking it who else holds one.
//!
//! FHIR R4 `DocumentReference`s ("pointers") in two interfaces, one for those who hold records (producers) and one for those
//! who look for them (consumers). Conformant to the public specification (version 3), not to the live service.
//!
//! ```
//! use national::{Locator, Method, Wish};
//!
//! let locator = Locator { custodian: "QHL".parse().unwrap(), end_user_organisation: "QHL".parse().unwrap() };
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
mod pointer;
mod producer;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use record::{NHS_NUMBER_SYSTEM, NhsNumber, ODS_SYSTEM, OdsCode};

pub use consumer::{Looking, Pointer};
pub use producer::{Kept, Publishing, Wish};

/// How this exchange is known to the locator.
#[derive(Debug, Clone)]
pub struct Locator {
    /// Who answers for the shared record: all its pointers are in this organisation's name.
    pub custodian: OdsCode,
    /// On whose behalf it is asked (`NHSD-End-User-Organisation-ODS`).
    pub end_user_organisation: OdsCode,
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

/// One request to the locator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Below the locator's base.
    pub target: String,
    /// Headers beside authorisation and the request's id.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, for a POST or a PUT.
    pub body: Option<String>,
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
    /// The answer is no Bundle.
    Unreadable,
}

/// What may stand in a query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const PRODUCER: &str = "producer/FHIR/R4/DocumentReference";
const CONSUMER: &str = "consumer/FHIR/R4/DocumentReference";

impl Locator {
    fn call(&self, method: Method, target: String, body: Option<String>) -> Call {
        let mut headers = vec![
            ("accept", "application/fhir+json".to_owned()),
            ("nhsd-end-user-organisation-ods", self.end_user_organisation.to_string()),
        ];
        if body.is_some() {
            headers.push(("content-type", "application/fhir+json".to_owned()));
        }
        Call { method, target, headers, body }
    }

    /// Pointers about a person; our own only, where asked as a producer.
    fn search(&self, interface: &str, number: &NhsNumber, own: bool) -> Call {
        let plain = |text: String| utf8_percent_encode(&text, PLAIN).to_string();
        let subject = plain(format!("{NHS_NUMBER_SYSTEM}|{}", number.expose()));
        let mut target =
            format!("{interface}?subject:identifier={subject}&type={}", plain(format!("{}|{}", pointer::SNOMED, pointer::TYPE.0)));
        if own {
            target.push_str(&format!("&custodian:identifier={}", plain(format!("{ODS_SYSTEM}|{}", self.custodian))));
        }
        self.call(Method::Get, target, None)
    }
}
