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

/// Leave for one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// The breaker is closed.
    Free,
    /// The one call that tries whether the source is back.
    Probe,
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

    /// Whether a call may go out now, and as what. After the pause, one may, and its outcome decides.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<Leave> {
        match self.open_until {
            None => Some(Leave::Free),
            Some(until) if now < until || self.probing => None,
            Some(_) => {
                self.probing = true;
                Some(Leave::Probe)
            }
        }
    }

    /// Notes how a call went. While it is open, only the probe counts: what was under way when it opened says nothing new.
    pub(crate) fn note(&mut self, leave: Leave, failed: bool, now: Instant) {
        if leave == Leave::Probe {
            self.probing = false;
            self.open_until = failed.then_some(now + self.pause);
            self.last.clear();
        }
        if self.open_until.is_some() {
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

    /// A call that was admitted ended without saying how the source does: a probe may be made again.
    pub(crate) fn forget(&mut self, leave: Leave) {
        if leave == Leave::Probe {
            self.probing = false;
        }
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open_until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(start: Instant) -> Breaker {
        let mut breaker = Breaker::new(4, 50, 1000);
        for failed in [true, false, true, false] {
            let leave = breaker.admit(start).unwrap();
            breaker.note(leave, failed, start);
        }
        breaker
    }

    #[test]
    fn it_opens_at_half_of_the_window_and_closes_after_a_good_probe() {
        let start = Instant::now();
        let mut breaker = open(start);
        assert!(breaker.is_open() && breaker.admit(start).is_none());
        let later = start + Duration::from_millis(1000);
        assert_eq!(breaker.admit(later), Some(Leave::Probe), "one probe");
        assert_eq!(breaker.admit(later), None, "and only one");
        breaker.note(Leave::Probe, true, later);
        assert_eq!(breaker.admit(later), None);
        let after = later + Duration::from_millis(1000);
        assert_eq!(breaker.admit(after), Some(Leave::Probe));
        breaker.note(Leave::Probe, false, after);
        assert!(!breaker.is_open());
        breaker.note(Leave::Free, true, after);
        assert_eq!(breaker.admit(after), Some(Leave::Free), "old failures are forgotten");
    }

    #[test]
    fn what_was_under_way_when_it_opened_neither_closes_it_nor_holds_it_open() {
        let start = Instant::now();
        let mut breaker = open(start);
        breaker.note(Leave::Free, false, start);
        assert!(breaker.is_open());
        breaker.note(Leave::Free, true, start + Duration::from_millis(900));
        assert_eq!(breaker.admit(start + Duration::from_millis(1000)), Some(Leave::Probe));
    }

    #[test]
    fn a_probe_that_was_given_up_makes_room_for_another() {
        let start = Instant::now();
        let mut breaker = open(start);
        let later = start + Duration::from_millis(1000);
        assert_eq!(breaker.admit(later), Some(Leave::Probe));
        breaker.forget(Leave::Free);
        assert_eq!(breaker.admit(later), None, "another call's end is not the probe's");
        breaker.forget(Leave::Probe);
        assert_eq!(breaker.admit(later), Some(Leave::Probe));
    }
}
