//! Asking a supplier what it is, before it is a source: what `severn onboard` asks with.
//!
//! There is no permit here, because there is no reader and no person: whoever onboards a supplier names test patients.
//! Nothing that is served to a reader comes this way.

use std::sync::Arc;
use std::time::Duration;

use record::{Call, Clock, Failure, Reply};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::auth::Authority;
use crate::config::SourceConfig;
use crate::leg::target;
use crate::transport::{Request, Transport};

/// Asks one supplier, one call after another and never faster than its limits say.
pub struct Prober {
    config: SourceConfig,
    authority: Authority,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// When the next call may leave.
    next: Mutex<Instant>,
}

/// What came of one call, and how long it took.
#[derive(Debug, Clone)]
pub struct Probed {
    /// Where it went; empty where that is no URL of the supplier's origin.
    pub url: String,
    /// From the sending to the last byte; waiting for our own rate is not counted.
    pub took: Duration,
    /// What came.
    pub reply: Reply,
}

impl Prober {
    /// `config.limits` hold here too: calls a second, bytes, and `source_ms` for each call.
    pub fn new(config: SourceConfig, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Prober {
        Prober { authority: Authority::new(clock.clone()), config, transport, clock, next: Mutex::new(Instant::now()) }
    }

    /// Sends one call, with the supplier's credentials.
    pub async fn ask(&self, call: &Call) -> Probed {
        self.send(call, true).await
    }

    /// Sends one call as a stranger would: without credentials.
    pub async fn ask_as_stranger(&self, call: &Call) -> Probed {
        self.send(call, false).await
    }

    async fn send(&self, call: &Call, credentials: bool) -> Probed {
        let mut next = self.next.lock().await;
        tokio::time::sleep_until(*next).await;
        let (start, tried) = (Instant::now(), self.clock.now());
        *next = start + Duration::from_millis(1_000 / self.config.limits.per_second.max(1));
        let until = start + Duration::from_millis(self.config.limits.source_ms);
        let url = target(&self.config.base, &call.target);
        let outcome = match &url {
            Some(url) => self.once(call, url, credentials, until).await,
            None => Err(Failure::ForeignOrigin),
        };
        let url = url.map(String::from).unwrap_or_default();
        Probed { url, took: start.elapsed(), reply: Reply { id: call.id, tried, outcome } }
    }

    async fn once(&self, call: &Call, url: &url::Url, credentials: bool, until: Instant) -> Result<record::Response, Failure> {
        let mut headers = call.headers.clone();
        if credentials && let Some(header) = self.authority.header(&self.config, self.transport.as_ref(), until).await? {
            headers.push(("authorization".to_owned(), header));
        }
        let request = Request {
            source: self.config.id.clone(),
            method: call.method.into(),
            url: url.clone(),
            headers,
            body: call.body.clone(),
            until,
            body_max: self.config.limits.bytes_max,
        };
        tokio::time::timeout_at(until, self.transport.send(request)).await.unwrap_or(Err(Failure::Timeout))
    }
}
