//! A breaker: when half of the last calls failed, the source is given a pause; then one call probes.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The state of one source's breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    window: usize,
    share_percent: usize,
    pause: Duration,
    last: VecDeque<bool>,
    open_until: Option<Instant>,
    probing: bool,
}

impl Breaker {
    pub(crate) fn new(window: usize, share_percent: u64, pause_ms: u64) -> Breaker {
        Breaker {
            window,
            share_percent: share_percent as usize,
            pause: Duration::from_millis(pause_ms),
            last: VecDeque::with_capacity(window),
            open_until: None,
            probing: false,
        }
    }

    /// Whether a call may go out now. After the pause, one may, and its outcome decides.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        match self.open_until {
            None => true,
            Some(until) if now < until || self.probing => false,
            Some(_) => {
                self.probing = true;
                true
            }
        }
    }

    /// Notes how a call went.
    pub(crate) fn note(&mut self, failed: bool, now: Instant) {
        if self.open_until.is_some() {
            self.probing = false;
            if failed {
                self.open_until = Some(now + self.pause);
            } else {
                self.open_until = None;
                self.last.clear();
            }
            return;
        }
        if self.last.len() == self.window {
            self.last.pop_front();
        }
        self.last.push_back(failed);
        let failures = self.last.iter().filter(|failed| **failed).count();
        if self.last.len() == self.window && failures * 100 >= self.window * self.share_percent {
            self.open_until = Some(now + self.pause);
        }
    }

    /// A call that was admitted ended without an outcome (its leg's time was up elsewhere): a probe may be made again.
    pub(crate) fn forget(&mut self) {
        self.probing = false;
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open_until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_at_half_of_the_window_and_closes_after_a_good_probe() {
        let start = Instant::now();
        let mut breaker = Breaker::new(4, 50, 1000);
        for failed in [true, false, true] {
            assert!(breaker.admit(start));
            breaker.note(failed, start);
        }
        assert!(breaker.admit(start));
        breaker.note(false, start);
        assert!(breaker.is_open() && !breaker.admit(start));
        let later = start + Duration::from_millis(1000);
        assert!(breaker.admit(later), "one probe");
        assert!(!breaker.admit(later), "and only one");
        breaker.note(true, later);
        assert!(!breaker.admit(later));
        let after = later + Duration::from_millis(1000);
        assert!(breaker.admit(after));
        breaker.note(false, after);
        assert!(!breaker.is_open());
        breaker.note(true, after);
        assert!(breaker.admit(after), "old failures are forgotten");
    }
}
