//! Whose turn it is: how many questions may be asked at once, by everybody and by one caller, and how many of theirs in a minute. Whoever
//! asks too much is told when to come again, and takes no place from anybody else.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use record::{Caller, UserId};
use source::Timer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::fhir_api::Fault;

/// How much one caller may ask.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// At once.
    pub at_once: usize,
    /// In a minute, also all in one moment.
    pub minute: u32,
}

/// Places for questions.
pub(crate) struct Turns {
    everybodys: Arc<Semaphore>,
    people: Shares,
    systems: Shares,
}

struct Shares {
    share: Share,
    rate: RateLimiter<UserId, HashMapStateStore<UserId>, Timer, NoOpMiddleware<Duration>>,
    /// How many callers may be remembered until it is looked again.
    remembered: AtomicUsize,
    taken: Taken,
}

/// Who asks now, and how many questions.
type Taken = Arc<Mutex<HashMap<UserId, usize>>>;

/// A place. It is free again when this is dropped.
pub(crate) struct Turn {
    _own: Own,
    _place: OwnedSemaphorePermit,
}

/// One of a caller's own places.
struct Own(UserId, Taken);

/// Callers whose last minute is remembered, at least, before it is looked whose is over.
const REMEMBERED: usize = 4_096;

impl Turns {
    pub(crate) fn new(at_once: usize, people: Share, systems: Share) -> Turns {
        Turns { everybodys: Arc::new(Semaphore::new(at_once)), people: Shares::new(people), systems: Shares::new(systems) }
    }

    /// A place for a question of theirs.
    ///
    /// # Errors
    ///
    /// [`Fault::Often`] where they ask too much; [`Fault::Busy`] where there is no place for anybody.
    pub(crate) fn take(&self, caller: &Caller) -> Result<Turn, Fault> {
        let shares = if caller.human { &self.people } else { &self.systems };
        let own = shares.take(&caller.user)?;
        let place = self.everybodys.clone().try_acquire_owned().map_err(|_| Fault::Busy)?;
        Ok(Turn { _own: own, _place: place })
    }
}

impl Shares {
    fn new(share: Share) -> Shares {
        let quota = Quota::per_minute(NonZeroU32::new(share.minute).unwrap_or(NonZeroU32::MIN));
        Shares {
            share,
            rate: RateLimiter::hashmap_with_clock(quota, Timer::start()),
            remembered: REMEMBERED.into(),
            taken: Taken::default(),
        }
    }

    fn take(&self, user: &UserId) -> Result<Own, Fault> {
        // Whoever has not asked for a minute is as one who never has.
        if self.rate.len() > self.remembered.load(Ordering::Relaxed) {
            self.rate.retain_recent();
            self.remembered.store(REMEMBERED.max(self.rate.len() * 2), Ordering::Relaxed);
        }
        self.rate.check_key(user).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(self.rate.clock().now());
            Fault::Often { seconds: wait.as_secs() + 1 }
        })?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.entry(user.clone()).or_default();
        if *own >= self.share.at_once {
            return Err(Fault::Often { seconds: 1 });
        }
        *own += 1;
        Ok(Own(user.clone(), self.taken.clone()))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let Own(user, taken) = self;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut own) = taken.entry(user.clone()) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}
