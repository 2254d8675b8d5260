//! The one way out: a request in, a response or a failure back.

use async_trait::async_trait;
use bytes::Bytes;
use record::{Failure, Method, Response, SourceId};
use tokio::time::Instant;
use url::Url;

/// A request, ready to be sent. Printed without its query, its headers and its body: they name people, and let people in.
#[derive(Clone)]
pub struct Request {
    /// To whom.
    pub source: SourceId,
    /// Method.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// Every header.
    pub headers: Vec<(String, String)>,
    /// Body of a POST.
    pub body: Option<Bytes>,
    /// When it must have been answered.
    pub until: Instant,
    /// How large an answer may be, unpacked.
    pub body_max: usize,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({}, {:?} {})", self.source, self.method, self.url.path())
    }
}

/// Sends requests. Production's is [`crate::Http`]; tests have one in memory, where time can be paused.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends one request. Redirects are not followed: a source that moves is configured anew.
    async fn send(&self, request: Request) -> Result<Response, Failure>;
}
