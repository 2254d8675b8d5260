//! The one way out: a request in, a response or a failure back.

use async_trait::async_trait;
use bytes::Bytes;
use record::{Failure, Method, Response, SourceId};
use tokio::time::Instant;
use url::Url;

/// A request, ready to be sent.
#[derive(Debug, Clone)]
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

/// Sends requests. Production's is [`crate::Http`]; tests have one in memory, where time can be paused.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends one request. Redirects are not followed: a source that moves is configured anew.
    async fn send(&self, request: Request) -> Result<Response, Failure>;
}
