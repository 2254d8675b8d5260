//! What protects one source: places, rate, breaker; and what is known of how it does.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use record::Failure;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::breaker::{Breaker, Leave};
use crate::config::SourceConfig;

/// One source with what protects it.
pub(crate) struct Place {
    pub(crate) config: SourceConfig,
    places: Arc<Semaphore>,
    rate: RateLimiter<NotKeyed, InMemoryState, Timer, NoOpMiddleware<Duration>>,
    breaker: Mutex<Breaker>,
    answered: Mutex<Option<jiff::Timestamp>>,
}

/// How a source does, for operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Whether its breaker is open.
    pub breaker_open: bool,
    /// Legs under way.
    pub legs: usize,
    /// When it last answered anything.
    pub last_answered: Option<jiff::Timestamp>,
}

impl Place {
    pub(crate) fn new(config: SourceConfig) -> Place {
        let limits = &config.limits;
        let per_second = NonZeroU32::new(limits.per_second.clamp(1, u64::from(u32::MAX)) as u32).unwrap_or(NonZeroU32::MIN);
        Place {
            places: Arc::new(Semaphore::new(limits.concurrent)),
            rate: RateLimiter::direct_with_clock(quota(per_second, limits.spaced), Timer::start()),
            breaker: Mutex::new(Breaker::new(limits.breaker_window, limits.breaker_share_percent, limits.breaker_pause_ms)),
            answered: Mutex::new(None),
            config,
        }
    }

    /// A place for a leg, or `Throttled` when none is free in time.
    pub(crate) async fn take(&self, until: Instant) -> Result<OwnedSemaphorePermit, Failure> {
        let wait = until.min(Instant::now() + Duration::from_millis(self.config.limits.queue_ms));
        match tokio::time::timeout_at(wait, self.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Failure::Throttled),
        }
    }

    /// Leave for one call, by rate and breaker.
    pub(crate) async fn admit(&self) -> Result<Admitted<'_>, Failure> {
        let wait = Instant::now() + Duration::from_millis(self.config.limits.queue_ms);
        while self.rate.check().is_err() {
            if Instant::now() >= wait {
                return Err(Failure::Throttled);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let leave = self.breaker().admit(Instant::now()).ok_or(Failure::CircuitOpen)?;
        Ok(Admitted { place: self, leave, noted: false })
    }

    pub(crate) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn answered(&self, now: jiff::Timestamp) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    pub(crate) fn state(&self) -> State {
        State {
            breaker_open: self.breaker().is_open(),
            legs: self.config.limits.concurrent - self.places.available_permits(),
            last_answered: *self.answered.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// A call that was let out. However it ends, even by being dropped with the request that wanted it, the breaker hears of it.
pub(crate) struct Admitted<'a> {
    place: &'a Place,
    leave: Leave,
    noted: bool,
}

impl Admitted<'_> {
    /// Says how the source did.
    pub(crate) fn note(mut self, failed: bool) {
        self.noted = true;
        self.place.breaker().note(self.leave, failed, Instant::now());
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if !self.noted {
            self.place.breaker().forget(self.leave);
        }
    }
}

fn quota(per_second: NonZeroU32, spaced: bool) -> Quota {
    let quota = Quota::per_second(per_second);
    if spaced { quota.allow_burst(NonZeroU32::MIN) } else { quota }
}

/// The time that rates go by: the runtime's own, which tests can pause.
#[derive(Debug, Clone)]
pub struct Timer(Instant);

impl Timer {
    /// From now on.
    pub fn start() -> Timer {
        Timer(Instant::now())
    }
}

impl Clock for Timer {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
