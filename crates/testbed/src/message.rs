//! A request and an answer, free of any HTTP library's machinery.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::time::Duration;

/// What a supplier is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path and query, as on the request line.
    pub path_and_query: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Request {
    /// A GET without headers.
    pub fn get(path_and_query: impl Into<String>) -> Self {
        Request { method: Method::GET, path_and_query: path_and_query.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// The same with one more header. A value that is not legal is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The text of a header.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a supplier replies.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// The connection breaks after these bytes: more were promised.
    pub cut_off: bool,
}

impl Response {
    /// An answer with a body.
    pub fn new(status: StatusCode, media_type: &str, body: impl Into<Bytes>) -> Self {
        let mut response = Response { status, headers: HeaderMap::new(), body: body.into(), cut_off: false };
        response.set(http::header::CONTENT_TYPE, media_type);
        response
    }

    /// Sets a header. A value that is not legal is left out.
    pub fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

/// How a supplier takes a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The connection is closed without a word.
    Closed,
    /// A reply, after a while.
    Reply {
        /// How long it takes.
        after: Duration,
        /// The reply.
        response: Response,
    },
    /// Never a word.
    Silent,
}
