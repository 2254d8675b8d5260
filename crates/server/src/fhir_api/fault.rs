//! Every way a FHIR request can fail, and its HTTP status: decided here and nowhere else.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::answer::outcome;
use crate::token::TokenFault;

/// Why a request was not answered with what it asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The caller may not: unknown, denied and restricted are one answer, byte for byte.
    Denied,
    /// Too many questions are in flight here.
    Busy,
    /// Something is wrong with a parameter, a body or a header: which and why.
    BadRequest {
        /// Parameter, header or part of the body.
        what: String,
        /// Why, and what to do.
        why: String,
    },
    /// It cannot be done as things stand: why, in words without anybody's particulars.
    Conflict(String),
    /// Nobody answered: the outcome names each.
    Gateway {
        /// Whether any source timed out.
        timeout: bool,
        /// The OperationOutcome of the plan.
        outcome: Value,
    },
    /// The page's snapshot is over.
    Gone,
    /// The question came back to us, or through too many exchanges.
    Loop,
    /// The path is known, the method is not.
    Method(&'static str),
    /// No media type that we write was accepted.
    NotAcceptable,
    /// There is no such thing here.
    NotFound(String),
    /// The exchange stands on this step, for which the caller is not named.
    NotNamed(&'static str),
    /// The caller asks more than one caller may: when to come again.
    Often {
        /// In so many seconds.
        seconds: u64,
    },
    /// We do not do this.
    NotSupported(String),
    /// A body that did not come in time.
    Slow,
    /// Larger than the limit.
    TooLarge(usize),
    /// The ledger or the store is away: nothing is read without them.
    Unavailable,
    /// Who may be named cannot be known now: the national demographics service does not say.
    Undecided,
    /// No token, or one that is no use.
    Token(TokenFault),
    /// A body in a media type that we do not read.
    UnsupportedMedia,
}

const NO_TOKEN_OF_OURS: &str = "The token is not one that a sign-in provider of this exchange signed for it: a JWT by RS256 or ES256, \
    with iss, sub, aud, exp, scope and extensions.ihe_iua (organisation, role, purpose).";

impl Fault {
    /// A bad parameter.
    pub fn parameter(what: impl Into<String>, why: impl Into<String>) -> Fault {
        Fault::BadRequest { what: what.into(), why: why.into() }
    }

    /// What the ledger is told of a refusal that the journey has not entered itself. No word of the client's is in it: it might be
    /// anybody's number.
    pub(crate) fn unentered(&self) -> Option<&'static str> {
        match self {
            Fault::BadRequest { .. } => Some("a parameter, header or body that cannot be used"),
            Fault::Busy => Some("too many questions in flight"),
            Fault::Gone => Some("the page is over, or was made for somebody else"),
            Fault::Method(_) => Some("a method that is not allowed"),
            Fault::NotAcceptable => Some("a media type that is not written"),
            Fault::NotSupported(_) => Some("not supported"),
            Fault::Often { .. } => Some("more questions than one caller may ask"),
            Fault::Slow => Some("a body that did not come in time"),
            Fault::TooLarge(_) => Some("a body larger than the limit"),
            Fault::UnsupportedMedia => Some("a media type that is not read"),
            Fault::Unavailable => Some("what is needed for an answer is away"),
            // On the ledger before they get here.
            Fault::Conflict(_)
            | Fault::Denied
            | Fault::Gateway { .. }
            | Fault::Loop
            | Fault::NotFound(_)
            | Fault::NotNamed(_)
            | Fault::Token(_)
            | Fault::Undecided => None,
        }
    }

    /// What a header says beside: when to try again, what to bring, what is allowed.
    pub fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let said = HeaderValue::from_static;
        match self {
            Fault::Busy | Fault::Unavailable | Fault::Token(TokenFault::KeysAway) => Some((header::RETRY_AFTER, said("1"))),
            Fault::Often { seconds } => Some((header::RETRY_AFTER, HeaderValue::from(*seconds))),
            Fault::Token(fault) => Some((header::WWW_AUTHENTICATE, said(fault.challenge()))),
            Fault::Method(allow) => Some((header::ALLOW, said(allow))),
            _ => None,
        }
    }

    /// Every status by which a request can fail.
    pub const STATUSES: &'static [u16] = &[400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 415, 429, 502, 503, 504, 508];

    /// HTTP status, FHIR issue code and words.
    pub fn parts(&self) -> (StatusCode, Value) {
        let one = |status: StatusCode, code: &str, text: &str| (status, outcome::single("error", code, text));
        match self {
            Fault::Denied => one(
                StatusCode::FORBIDDEN,
                "forbidden",
                "This record is not available to you. If you care for this person, ask for access with $request-access.",
            ),
            Fault::NotNamed(step) => one(
                StatusCode::FORBIDDEN,
                "forbidden",
                &format!("This exchange is not open to everybody yet: it stands on the step `{step}`, for which you are not named."),
            ),
            Fault::Busy => one(StatusCode::SERVICE_UNAVAILABLE, "throttled", "This exchange is busy. Try again in a second."),
            Fault::BadRequest { what, why } => {
                let mut value = outcome::single("error", "invalid", &format!("{what}: {why}"));
                value["issue"][0]["expression"] = serde_json::json!([what]);
                (StatusCode::BAD_REQUEST, value)
            }
            Fault::Gateway { timeout, outcome } => {
                (if *timeout { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY }, outcome.clone())
            }
            Fault::Conflict(why) => one(StatusCode::CONFLICT, "conflict", why),
            Fault::Gone => one(
                StatusCode::GONE,
                "expired",
                "This page is over: pages are kept for ten minutes, for the user and patient they were made for. Ask again from the start.",
            ),
            Fault::Loop => one(
                StatusCode::LOOP_DETECTED,
                "conflict",
                "Severn-Hops: this question has been here already, or came through more exchanges than are allowed.",
            ),
            Fault::Method(allow) => {
                one(StatusCode::METHOD_NOT_ALLOWED, "not-supported", &format!("This method is not allowed here. Allowed: {allow}."))
            }
            Fault::NotAcceptable => one(
                StatusCode::NOT_ACCEPTABLE,
                "not-supported",
                "Accept or _format: this server writes application/fhir+json and application/fhir+xml.",
            ),
            Fault::NotFound(what) => one(StatusCode::NOT_FOUND, "not-found", what),
            Fault::NotSupported(what) => one(StatusCode::NOT_FOUND, "not-supported", what),
            Fault::Often { seconds } => one(
                StatusCode::TOO_MANY_REQUESTS,
                "throttled",
                &format!("You ask more than one caller may here. Ask again in {seconds} s."),
            ),
            Fault::Slow => one(StatusCode::REQUEST_TIMEOUT, "timeout", "The body did not come in time."),
            Fault::TooLarge(limit) => one(StatusCode::PAYLOAD_TOO_LARGE, "too-long", &format!("The body is larger than {limit} bytes.")),
            Fault::Unavailable => one(
                StatusCode::SERVICE_UNAVAILABLE,
                "exception",
                "The ledger or the store cannot be written at present, and nothing is read without them. Try again shortly.",
            ),
            Fault::Undecided => one(
                StatusCode::SERVICE_UNAVAILABLE,
                "transient",
                "Who may be shown to you could not be decided: the national demographics service did not answer in time, so nobody is \
                 shown, and this does not say that nobody fits. Try again shortly.",
            ),
            Fault::Token(TokenFault::KeysAway) => one(StatusCode::SERVICE_UNAVAILABLE, "transient", &TokenFault::KeysAway.to_string()),
            // What is no good before its signature is, is refused in one way: a forger learns nothing of how far it came.
            Fault::Token(TokenFault::Algorithm | TokenFault::Malformed | TokenFault::Stranger | TokenFault::TooLarge) => {
                one(StatusCode::UNAUTHORIZED, "login", NO_TOKEN_OF_OURS)
            }
            Fault::Token(fault) => one(StatusCode::UNAUTHORIZED, "login", &fault.to_string()),
            Fault::UnsupportedMedia => one(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-supported",
                "Content-Type: this server reads application/fhir+json, application/fhir+xml and application/x-www-form-urlencoded.",
            ),
        }
    }
}
