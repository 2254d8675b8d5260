//! Where the questions leave from: each is asked, timed, judged for what would be wrong with any answer, and written down.

use std::time::Duration;

use fhir::Version;
use record::{Call, CallId, Failure, Method, Reply, Response};
use source::{Probed, Prober};

use crate::blots::Blots;
use crate::body::{self, Body};
use crate::finding::{Finding, Severity, Topic};
use crate::visit::{Patient, Supplier};

/// After so many questions in a row without any answer it is not asked any more.
const SILENT_MAX: u32 = 2;
/// Characters of a Content-Type that is one.
const MEDIA_MAX: usize = 60;

/// One question and what came, as the report tells it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What was looked at.
    pub topic: Topic,
    /// Method and URL below the base, the numbers of test patients blotted out.
    pub question: String,
    /// Status and what the body was, or why there was no answer.
    pub answer: String,
    /// When it left, as a server's log may have it.
    pub at: jiff::Timestamp,
    /// How long it took.
    pub took: Duration,
    /// Whether the answer was one.
    pub good: bool,
}

/// One answer, for the probes.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) question: String,
    pub(crate) reply: Reply,
    pub(crate) body: Body,
}

impl Heard {
    pub(crate) fn response(&self) -> Option<&Response> {
        self.reply.outcome.as_ref().ok()
    }

    pub(crate) fn status(&self) -> u16 {
        self.response().map_or(0, |response| response.status)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response()?.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The answer as a Bundle, if it is good.
    pub(crate) fn bundle(&self) -> Option<&fhir::Bundle> {
        if self.status() == 200 { self.body.bundle() } else { None }
    }
}

/// What an answer should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// FHIR, or JSON of the supplier's own.
    Anything,
    Fhir,
    /// The question is wrong, or put by a stranger.
    Refusal,
}

/// The prober, and what was heard so far.
pub(crate) struct Desk<'a> {
    prober: &'a Prober,
    pub(crate) blots: Blots,
    base: String,
    /// Where FHIR lies below the base; empty or ending in a slash.
    pub(crate) below: String,
    pub(crate) version: Version,
    pub(crate) asked: Vec<Asked>,
    pub(crate) findings: Vec<Finding>,
    silent: u32,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(prober: &'a Prober, supplier: &Supplier, patients: &[Patient]) -> Desk<'a> {
        let base = format!("{}/", supplier.settings.source_base.as_str().trim_end_matches('/'));
        let blots = Blots::new(patients, vec![supplier.secrets.clone()]);
        let (below, version, asked, findings, silent) = (String::new(), Version::R4, Vec::new(), Vec::new(), 0);
        Desk { prober, blots, base, below, version, asked, findings, silent }
    }

    /// The supplier's base, ending in a slash.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether it is still worth asking.
    pub(crate) fn answers(&self) -> bool {
        self.silent < SILENT_MAX
    }

    /// A GET below the FHIR base, or of a URL that the supplier gave. `None` when it has stopped answering.
    pub(crate) async fn get(&mut self, topic: Topic, target: &str) -> Option<Heard> {
        let call = self.call(target);
        self.put(topic, &call, Expected::Fhir).await
    }

    /// A GET whose refusal is what is looked at: nothing is found for it.
    pub(crate) async fn get_wrong(&mut self, topic: Topic, target: &str) -> Option<Heard> {
        if !self.answers() {
            return None;
        }
        let call = self.call(target);
        let probed = self.prober.ask(&call).await;
        Some(self.heard(topic, &call, probed, Expected::Refusal))
    }

    /// The same without credentials.
    pub(crate) async fn get_as_stranger(&mut self, topic: Topic, target: &str) -> Option<Heard> {
        if !self.answers() {
            return None;
        }
        let call = self.call(target);
        let probed = self.prober.ask_as_stranger(&call).await;
        Some(self.heard(topic, &call, probed, Expected::Refusal))
    }

    /// A call that a dialect made: some speak JSON of their own beside FHIR.
    pub(crate) async fn ask(&mut self, topic: Topic, call: &Call) -> Option<Heard> {
        self.put(topic, call, Expected::Anything).await
    }

    async fn put(&mut self, topic: Topic, call: &Call, expected: Expected) -> Option<Heard> {
        if !self.answers() {
            return None;
        }
        let probed = self.prober.ask(call).await;
        let heard = self.heard(topic, call, probed, expected);
        if let Some(finding) = fault(topic, &heard, expected) {
            self.find(finding);
        }
        Some(heard)
    }

    /// Notes a finding; the same one again adds its places only.
    pub(crate) fn find(&mut self, mut finding: Finding) {
        finding.said = self.blots.text(&finding.said);
        finding.places.iter_mut().for_each(|place| *place = self.blots.text(place));
        let same = |own: &&mut Finding| own.topic == finding.topic && own.code == finding.code && own.said == finding.said;
        match self.findings.iter_mut().find(same) {
            Some(own) => own.places.extend(finding.places.into_iter().filter(|place| !own.places.contains(place)).collect::<Vec<_>>()),
            None => self.findings.push(finding),
        }
    }

    fn call(&self, target: &str) -> Call {
        let target = if target.starts_with("http") { target.to_owned() } else { format!("{}{target}", self.below) };
        let accept = match self.version {
            Version::Dstu2 => "application/json+fhir, application/fhir+json;q=0.9, application/json;q=0.8",
            Version::R4 | Version::Stu3 => "application/fhir+json, application/json;q=0.9",
        };
        let headers = vec![("accept".to_owned(), accept.to_owned())];
        Call { id: CallId(0), method: Method::Get, target, headers, body: None, kinds: Vec::new(), priority: 0, about: None }
    }

    fn heard(&mut self, topic: Topic, call: &Call, probed: Probed, expected: Expected) -> Heard {
        let Probed { url, took, reply } = probed;
        let is_link = call.target.starts_with("http");
        let method = match call.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        // Questions of ours are said below the base; a whole address is a link that the supplier wrote.
        let shown = if is_link { self.blots.link(self.version, &self.base, &url) } else { self.blotted(&url) };
        let question = format!("{method} {shown}");
        let (answer, body) = match &reply.outcome {
            Ok(response) => {
                let body = body::read(self.version, response);
                (format!("{} {}, {}", response.status, media(&response.content_type), body.words()), body)
            }
            Err(failure) => (why(*failure).to_owned(), Body::Empty),
        };
        self.silent = if matches!(reply.outcome, Err(Failure::Refused | Failure::Timeout)) { self.silent + 1 } else { 0 };
        let came = reply.outcome.as_ref().is_ok_and(|response| response.status == 200);
        let good = match expected {
            Expected::Anything => came && matches!(body, Body::Fhir(_) | Body::Json),
            Expected::Fhir => came && body.bundle().is_some(),
            Expected::Refusal => true,
        };
        let answer = self.blots.text(&answer);
        self.asked.push(Asked { topic, question: question.clone(), answer, at: reply.tried, took, good });
        Heard { question, reply, body }
    }

    /// A text in which test patients are called by their place, and the base is left out.
    pub(crate) fn blotted(&self, text: &str) -> String {
        let text = self.blots.text(text.strip_prefix(&self.base).unwrap_or(text));
        text.replace("%3A", ":").replace("%2F", "/").replace("%7C", "|")
    }
}

/// The type that a body is said to be of, where that is a type at all: it may be any text.
fn media(content_type: &str) -> &str {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    let is_media =
        content_type.len() <= MEDIA_MAX && content_type.split_once('/').is_some_and(|(one, other)| is_part(one) && is_part(other));
    match content_type {
        "" => "without a Content-Type",
        _ if is_media => content_type,
        _ => "with a Content-Type that is none",
    }
}

/// Why there is no answer, for the list of questions.
fn why(failure: Failure) -> &'static str {
    match failure {
        Failure::Broken => "the connection broke in the middle of the answer",
        Failure::CircuitOpen | Failure::Throttled => "not sent",
        Failure::ForeignOrigin => "not sent: the address is of another origin",
        Failure::NoEndUser => "not sent: it is asked only in the name of a person",
        Failure::Refused => "no connection",
        Failure::Timeout => "no answer in time",
        Failure::TooLarge => "cut off: larger than is taken",
        Failure::Unauthorised => "not sent: no credentials could be had",
    }
}

/// What is wrong with an answer, whatever was asked.
fn fault(topic: Topic, heard: &Heard, expected: Expected) -> Option<Finding> {
    use Severity::{Broken, Wrong};
    let (code, severity, said, todo): (_, _, String, &str) = match &heard.reply.outcome {
        Err(Failure::Refused) => (
            "no-connection",
            Broken,
            "No connection could be made.".into(),
            "Check address, port, firewall and allow-list; over https, that the certificate is valid, names this host, and its chain is sent whole (or give the authority by --ca-file).",
        ),
        Err(Failure::Timeout) => (
            "no-answer",
            Broken,
            "No answer came within the time allowed.".into(),
            "Find out where the request waits. A reader waits ten seconds for all suppliers together; answer within two.",
        ),
        Err(Failure::Broken) => (
            "broken-off",
            Broken,
            "The connection broke in the middle of the answer: fewer bytes came than were promised.".into(),
            "Look for a proxy or worker that is killed or limits the size of answers; Content-Length must be the length that is sent.",
        ),
        Err(Failure::TooLarge) => (
            "too-large",
            Broken,
            "The answer is larger than is taken of one supplier.".into(),
            "Send pages: honour _count, and give a next link. A body that unpacks into very much more than it weighs is not taken.",
        ),
        Err(Failure::Unauthorised) => (
            "no-credentials",
            Broken,
            "No token could be had from the token endpoint, or a credential's file could not be read.".into(),
            "Check the files named in --auth; the token endpoint must answer 200 with access_token for these client credentials.",
        ),
        Err(Failure::NoEndUser) => (
            "no-end-user",
            Broken,
            "It is configured to be asked only in the name of the person who asks, and onboarding is nobody's.".into(),
            "Have it give a token for a test user, and onboard it with auth = { kind = \"bearer\", token_file = … }.",
        ),
        Err(Failure::ForeignOrigin) => (
            "foreign-origin",
            Broken,
            "A link leads to another origin than the base; it was not followed, and no credentials were sent there.".into(),
            "Write links with the scheme, host and port that the client used: set the server's public base behind its proxy.",
        ),
        Err(Failure::CircuitOpen | Failure::Throttled) => return None,
        Ok(response) => match (response.status, &heard.body) {
            (401, _) => (
                "unauthorised",
                Broken,
                "It refuses the credentials (401).".into(),
                "Give credentials by --auth, or have them accepted: check audience, scope and expiry.",
            ),
            (403, _) => (
                "forbidden",
                Broken,
                "It knows the caller and forbids the question (403).".into(),
                "Grant this client read and search of patient records.",
            ),
            (429, _) => (
                "throttled",
                Broken,
                "It asks to be asked less often (429), at a few calls a second.".into(),
                "Raise the limit for this client: one reader's read is up to a hundred calls. Say Retry-After in seconds.",
            ),
            (400, _) => (
                "bad-request",
                Broken,
                format!("It calls a plain question a bad request (400) and answers {}.", heard.body.words()),
                "Say in an OperationOutcome which parameter is missing or wrong; if some are required beyond the standard, they belong into the supplier's dialect.",
            ),
            (503, _) => (
                "unavailable",
                Broken,
                "It says that it is not available (503).".into(),
                "Bring the service back; run this again when it is up.",
            ),
            (500..=599, _) => (
                "server-error",
                Broken,
                format!("It breaks on a plain question ({}).", response.status),
                "Look for this request in the server's log; the time and the address are in the list of questions.",
            ),
            (200, Body::Html) => (
                "web-page",
                Broken,
                "A web page came with status 200 where FHIR was asked for.".into(),
                "Look for a maintenance page, a sign-in page or a portal in front of the service; what is not FHIR must not say 200.",
            ),
            (200, Body::Malformed(_)) => (
                "malformed",
                Broken,
                "The body is neither whole JSON nor whole XML of FHIR.".into(),
                "Write resources with a serialiser, and send them whole; the place is in the list of questions.",
            ),
            (200, Body::Json) if expected == Expected::Fhir => (
                "not-fhir",
                Broken,
                "JSON that is no FHIR came with status 200.".into(),
                "Every resource and Bundle says its resourceType.",
            ),
            (200, Body::Empty) => (
                "empty-body",
                Broken,
                "An empty body came with status 200.".into(),
                "A search that finds nothing is a Bundle without entries.",
            ),
            (200, Body::Text(_)) => (
                "plain-text",
                Broken,
                "Plain text came with status 200 where FHIR was asked for.".into(),
                "Send FHIR, or an OperationOutcome with a status that says what is wrong.",
            ),
            (200, Body::Fhir(_)) if has_entry_of_one(&response.body) => (
                "entry-no-list",
                Wrong,
                "The entry of a Bundle is no list. It is read as a list of one.".into(),
                "Write entry as a list, of one too; leave it out where nothing is found.",
            ),
            (200, Body::Fhir(_)) if !fhir_media(&response.content_type) => (
                "content-type",
                Wrong,
                format!("FHIR came as \u{201c}{}\u{201d}.", media(&response.content_type)),
                "Say application/fhir+json or application/fhir+xml (DSTU2: application/json+fhir).",
            ),
            (300..=399, _) => (
                "redirect",
                Broken,
                format!("It answers with a redirect ({}), which is not followed.", response.status),
                "Give the address that is led to; credentials are never sent where a redirect points.",
            ),
            _ => return None,
        },
    };
    Some(Finding::new(topic, code, severity, said, todo).at([heard.question.clone()]))
}

/// Whether a Bundle's `entry` is an object: what makes JSON of XML knows no list of one.
fn has_entry_of_one(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|bundle| bundle["entry"].is_object())
}

fn fhir_media(content_type: &str) -> bool {
    content_type.contains("json") || content_type.contains("xml")
}
