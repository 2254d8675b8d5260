//! A national service that is asked, and told, about one person. It holds no record, so it is no source; it is reached with as much care.

use std::sync::Arc;
use std::time::Duration;

use access::{Admission, Permit};
use bytes::Bytes;
use record::{Clock, Failure, RequestId, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::auth::Authority;
use crate::config::SourceConfig;
use crate::leg::target;
use crate::places::Place;
use crate::transport::{Request, Transport, Verb};

/// One national service: limits, breaker, credentials, and the way there.
pub struct NationalService {
    place: Place,
    authority: Authority,
    transport: Arc<dyn Transport>,
}

/// Leave to speak with it about one person. Dropping it gives the place back.
pub struct Errand {
    trace: RequestId,
    authorization: Option<String>,
    until: Instant,
    _place: OwnedSemaphorePermit,
}

/// One request of an errand.
pub struct Message {
    /// Method.
    pub verb: Verb,
    /// Below the service's base.
    pub target: String,
    /// Headers beside authorisation and ids.
    pub headers: Vec<(String, String)>,
    /// Body of a POST or a PUT.
    pub body: Option<Bytes>,
}

impl NationalService {
    /// `config` as of a source; what it says of retries is not used: whoever is on an errand says what is done again.
    pub fn new(config: SourceConfig, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> NationalService {
        NationalService { place: Place::new(config), authority: Authority::new(clock), transport }
    }

    /// Begins an errand about the permit's person. `until` is when it must have ended; the service's own limit may end it sooner.
    pub async fn errand(&self, permit: &Permit, until: Instant) -> Result<Errand, Failure> {
        self.errand_to_find(permit.admission(), until).await
    }

    /// The same before it is known whether the person may be read about: who they are, and whether their place may be known, is what
    /// that is decided by.
    pub async fn errand_to_find(&self, admission: &Admission, until: Instant) -> Result<Errand, Failure> {
        let until = until.min(Instant::now() + Duration::from_millis(self.place.config.limits.source_ms));
        let held = self.place.take(until).await?;
        let authorization = self.authority.header(&self.place.config, self.transport.as_ref(), until).await?;
        Ok(Errand { trace: admission.trace().clone(), authorization, until, _place: held })
    }

    /// Sends one message, once. Every one has an id of its own and no other: by an id that two of them share, the national platform
    /// would take the second for the first sent again.
    pub async fn send(&self, errand: &Errand, message: Message) -> Result<Response, Failure> {
        let Message { verb, target: below, mut headers, body } = message;
        let url = target(&self.place.config.base, &below).ok_or(Failure::ForeignOrigin)?;
        let id = uuid::Uuid::new_v4().to_string();
        tracing::debug!(request = %errand.trace, message = id, method = verb.name(), "to a national service");
        headers.push(("x-request-id".to_owned(), id));
        headers.extend(errand.authorization.clone().map(|value| ("authorization".to_owned(), value)));
        let (source, body_max) = (self.place.config.id.clone(), self.place.config.limits.bytes_max);
        let request = Request { source, method: verb, url, headers, body, until: errand.until, body_max };
        let admitted = tokio::time::timeout_at(errand.until, self.place.admit()).await.map_err(|_| Failure::Timeout)??;
        let outcome = tokio::time::timeout_at(errand.until, self.transport.send(request)).await.unwrap_or(Err(Failure::Timeout));
        match &outcome {
            Ok(response) => admitted.note(response.status >= 500),
            Err(Failure::Broken | Failure::Refused | Failure::Timeout) => admitted.note(true),
            // Too large, say: it is there, but this tells nothing of how it does.
            Err(_) => drop(admitted),
        }
        outcome
    }
}
