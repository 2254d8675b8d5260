//! One HTTP exchange with a source, as values, so that a dialect stays a pure state machine.

use bytes::Bytes;
use fhir::Kind;

/// Number of a call within its leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// Method of a call. Severn never writes to a source; `Post` is for operations and searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

/// One question to a source. Printed without its headers' values, its query and its body: they name people, and let people in.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Its number within the leg.
    pub id: CallId,
    /// Method.
    pub method: Method,
    /// Below the source's base (`Patient?identifier=…`), or an absolute URL that the source itself gave, to be followed verbatim.
    pub target: String,
    /// Headers beside those that `source` sets (authorisation, hops, request id).
    pub headers: Vec<(String, String)>,
    /// Body of a POST.
    pub body: Option<Bytes>,
    /// The types whose rows this call fills; empty for calls about the person or the server itself.
    pub kinds: Vec<Kind>,
    /// Lower goes first when the source's places are few: allergies before observations.
    pub priority: u8,
    /// By which id of the source's own the person is meant, once that is known: a source that is told on whose behalf it is asked is
    /// told about whom, too.
    pub about: Option<String>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.target.split(['?', '#']).next().unwrap_or_default();
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let body = self.body.as_ref().map(|body| body.len());
        write!(f, "Call({}, {:?} {path}, headers {headers:?}, body {body:?})", self.id.0, self.method)
    }
}

/// What became of a [`Call`].
#[derive(Debug, Clone)]
pub struct Reply {
    /// The call's number.
    pub id: CallId,
    /// When it was sent, in UTC.
    pub tried: jiff::Timestamp,
    /// The response, whatever its status; or why there is none.
    pub outcome: Result<Response, Failure>,
}

/// An HTTP response, body whole and decompressed.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Media type without parameters, lower case; empty if not said.
    pub content_type: String,
    /// `Date` or arrival, for freshness; `Retry-After` and others by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// The URL that was asked, to resolve relative references against.
    pub url: String,
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The connection broke before the whole answer had come: the source may have done its work.
    Broken,
    /// The source's breaker is open.
    CircuitOpen,
    /// The URL leads to another origin, or is none.
    ForeignOrigin,
    /// The source wants to know for which person it is asked, and nobody is named: it was not asked.
    NoEndUser,
    /// No connection could be made: the source never heard the question.
    Refused,
    /// The body passed the size limit.
    TooLarge,
    /// Our own limits for this source had no place in time.
    Throttled,
    /// Nothing came within the time allowed.
    Timeout,
    /// We could not obtain credentials for this source.
    Unauthorised,
}
