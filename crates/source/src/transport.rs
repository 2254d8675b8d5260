//! The one way out: a request in, a response or a failure back.

use async_trait::async_trait;
use bytes::Bytes;
use record::{Failure, Method, NhsNumber, Response, SourceId};
use tokio::time::Instant;
use url::Url;

/// HTTP's methods, as they leave. Dialects know only the two of [`record::Method`]: nothing is written to a source. A national service
/// that is told something takes the others, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the method of that name")]
pub enum Verb {
    Delete,
    Get,
    Post,
    Put,
}

impl Verb {
    /// As it stands on the request line.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Delete => "DELETE",
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
        }
    }
}

impl From<Method> for Verb {
    fn from(method: Method) -> Verb {
        match method {
            Method::Get => Verb::Get,
            Method::Post => Verb::Post,
        }
    }
}

/// A request, ready to be sent. Printed without its query, its headers, its body and numbers in its path: they name people, and let people in.
#[derive(Clone)]
pub struct Request {
    /// To whom.
    pub source: SourceId,
    /// Method.
    pub method: Verb,
    /// Where.
    pub url: Url,
    /// Every header.
    pub headers: Vec<(String, String)>,
    /// Body of a POST or a PUT.
    pub body: Option<Bytes>,
    /// When it must have been answered.
    pub until: Instant,
    /// How large an answer may be, unpacked.
    pub body_max: usize,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A national service may be asked for a person by a path that names them.
        let segments = self.url.path().split('/').map(|segment| if segment.parse::<NhsNumber>().is_ok() { "…" } else { segment });
        write!(f, "Request({}, {:?} {})", self.source, self.method, segments.collect::<Vec<_>>().join("/"))
    }
}

/// Sends requests. Production's is [`crate::Http`]; tests have one in memory, where time can be paused.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends one request. Redirects are not followed: a source that moves is configured anew.
    async fn send(&self, request: Request) -> Result<Response, Failure>;
}
