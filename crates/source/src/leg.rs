//! Legs, and the sending of their calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use access::{Admission, Permit};
use record::{Call, Clock, ExchangeId, Failure, Method, Reply, RequestId, Response, SourceId};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use url::Url;

use crate::auth::Authority;
use crate::config::{Auth, SourceConfig};
use crate::on_behalf::{self, Voice};
use crate::places::{Place, State};
use crate::transport::{Request, Transport};

/// Every source. Cheap to clone.
#[derive(Clone)]
pub struct Sources {
    inner: Arc<Inner>,
}

struct Inner {
    places: BTreeMap<SourceId, Place>,
    authority: Authority,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    own: ExchangeId,
}

/// Leave to ask one source for one request. Dropping it gives the place back.
pub struct Leg {
    source: SourceId,
    trace: RequestId,
    hops: String,
    credential: Credential,
    /// When the leg must have ended.
    until: Instant,
    bytes_left: AtomicUsize,
    _place: OwnedSemaphorePermit,
}

/// What a source is shown with each call.
enum Credential {
    /// The same with every call, if anything.
    Said(Option<String>),
    /// A token for each call, in the reader's name.
    Spoken(Box<Voice>),
}

impl Leg {
    /// When the leg must have ended.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Takes an answer's size from what may still be fetched.
    fn spend(&self, bytes: usize) {
        let spend = |left: usize| Some(left.saturating_sub(bytes));
        // The closure always gives a value.
        let _ = self.bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
    }
}

impl Sources {
    /// Puts the sources together. `own` is the exchange's hop id.
    pub fn new(configs: Vec<SourceConfig>, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, own: ExchangeId) -> Sources {
        let authority = Authority::new(clock.clone());
        let places = configs.into_iter().map(|config| (config.id.clone(), Place::new(config))).collect();
        Sources { inner: Arc::new(Inner { places, authority, transport, clock, own }) }
    }

    /// Begins to ask a source about the permit's person. `until` is when the whole read must end; the source's own limit may end the leg sooner.
    pub async fn leg(&self, permit: &Permit, source: &SourceId, until: Instant) -> Result<Leg, Failure> {
        self.begin(permit.admission(), !permit.is_emergency(), source, until).await
    }

    /// Begins to ask a source whether it holds the admission's number, and nothing else.
    pub async fn leg_to_find(&self, admission: &Admission, source: &SourceId, until: Instant) -> Result<Leg, Failure> {
        self.begin(admission, false, source, until).await
    }

    /// `open`: whether the reader has the person open by an ordinary relationship.
    async fn begin(&self, admission: &Admission, open: bool, source: &SourceId, until: Instant) -> Result<Leg, Failure> {
        let place = self.inner.places.get(source).ok_or(Failure::Refused)?;
        if matches!(place.config.auth, Auth::OnBehalf(_)) && !on_behalf::is_named(admission.caller()) {
            return Err(Failure::NoEndUser);
        }
        let until = until.min(Instant::now() + Duration::from_millis(place.config.limits.source_ms));
        let held = place.take(until).await?;
        let credential = match &place.config.auth {
            Auth::OnBehalf(terms) => Credential::Spoken(Box::new(Voice::new(terms, &self.inner.own, admission.caller(), open)?)),
            _ => Credential::Said(self.inner.authority.header(&place.config, self.inner.transport.as_ref(), until).await?),
        };
        let mut hops: Vec<&str> = admission.ask().hops.iter().map(ExchangeId::as_str).collect();
        hops.push(self.inner.own.as_str());
        Ok(Leg {
            source: source.clone(),
            trace: admission.trace().clone(),
            hops: hops.join(", "),
            credential,
            until,
            bytes_left: AtomicUsize::new(place.config.limits.bytes_max),
            _place: held,
        })
    }

    /// Sends one call of a leg. Always a reply; at most one retry, for reads only, where it fits the time left.
    pub async fn ask(&self, leg: &Leg, call: Call) -> Reply {
        let tried = self.inner.clock.now();
        let outcome = match self.inner.places.get(&leg.source) {
            Some(place) => self.tries(place, leg, &call).await,
            None => Err(Failure::Refused),
        };
        Reply { id: call.id, tried, outcome }
    }

    /// How a source does.
    pub fn state(&self, source: &SourceId) -> Option<State> {
        self.inner.places.get(source).map(Place::state)
    }

    async fn tries(&self, place: &Place, leg: &Leg, call: &Call) -> Result<Response, Failure> {
        let url = target(&place.config.base, &call.target).ok_or(Failure::ForeignOrigin)?;
        let mut left = if call.method == Method::Get { place.config.limits.retries } else { 0 };
        loop {
            let outcome = self.once(place, leg, call, &url).await;
            let Some(pause) = again(&outcome).filter(|pause| left > 0 && Instant::now() + *pause < leg.until) else { return outcome };
            left -= 1;
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(&self, place: &Place, leg: &Leg, call: &Call, url: &Url) -> Result<Response, Failure> {
        let body_max = leg.bytes_left.load(Ordering::Relaxed);
        if body_max == 0 {
            return Err(Failure::TooLarge);
        }
        let admitted = place.admit().await?;
        let authorization = match &leg.credential {
            Credential::Said(value) => value.clone(),
            Credential::Spoken(voice) => Some(voice.bearer(call.about.as_deref(), self.inner.clock.now())?),
        };
        let request = Request {
            source: leg.source.clone(),
            method: call.method.into(),
            url: url.clone(),
            headers: headers(leg, call, authorization, place.config.exchange.is_some()),
            body: call.body.clone(),
            until: leg.until,
            body_max,
        };
        let answered = tokio::time::timeout_at(leg.until, self.inner.transport.send(request)).await;
        let outcome = answered.unwrap_or(Err(Failure::Timeout));
        match &outcome {
            Ok(response) => {
                // A neighbour that sends a question back which came from it does well.
                admitted.note(response.status >= 500 && response.status != LOOP);
                place.answered(self.inner.clock.now());
                leg.spend(response.body.len());
            }
            Err(Failure::Broken | Failure::Refused | Failure::Timeout) => admitted.note(true),
            // Too large, say: the source is there, but this tells nothing of how it does.
            Err(_) => drop(admitted),
        }
        outcome
    }
}

/// Where a call leads: below the base, or an absolute URL of the same origin, verbatim.
pub(crate) fn target(base: &Url, target: &str) -> Option<Url> {
    if target.starts_with("http://") || target.starts_with("https://") {
        return Url::parse(target).ok().filter(|url| url.origin() == base.origin());
    }
    let whole = format!("{}/{}", base.as_str().trim_end_matches('/'), target.trim_start_matches('/'));
    Url::parse(&whole).ok().filter(|url| url.origin() == base.origin())
}

/// HTTP's "loop detected".
const LOOP: u16 = 508;
/// Of the time that is left, the part that a neighbour exchange may take, so that its answer is here in time with what it has.
const NEIGHBOUR_SHARE: f64 = 0.9;

fn headers(leg: &Leg, call: &Call, authorization: Option<String>, to_exchange: bool) -> Vec<(String, String)> {
    let mut headers = vec![("severn-hops".to_owned(), leg.hops.clone()), ("x-request-id".to_owned(), leg.trace.as_str().to_owned())];
    if to_exchange {
        let left = leg.until.saturating_duration_since(Instant::now()).mul_f64(NEIGHBOUR_SHARE);
        headers.push(("severn-wait".to_owned(), left.as_millis().to_string()));
    }
    headers.extend(authorization.map(|value| ("authorization".to_owned(), value)));
    headers.extend(call.headers.iter().cloned());
    headers
}

/// How long to wait before one more try; `None` when another try is not for this.
fn again(outcome: &Result<Response, Failure>) -> Option<Duration> {
    match outcome {
        Err(Failure::Refused) => Some(Duration::from_millis(50)),
        Ok(response) if matches!(response.status, 502 | 503) => Some(retry_after(response).unwrap_or(Duration::from_millis(50))),
        Ok(response) if response.status == 429 => retry_after(response),
        _ => None,
    }
}

/// `Retry-After` in seconds; a date is not waited for.
fn retry_after(response: &Response) -> Option<Duration> {
    let (_, value) = response.headers.iter().find(|(name, _)| name == "retry-after")?;
    value.trim().parse().ok().map(Duration::from_secs)
}
