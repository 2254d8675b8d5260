//! How each source does, for those who operate the exchange: its legs by the minute, for some hours, in this process's memory.
//!
//! About sources and nobody else: numbers, statuses and causes. A leg about somebody whose place is hidden is not noted at all, neither
//! while it is under way nor when a source last answered: at a quiet hour one leg more would tell where somebody restricted is known.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::Permit;
use dialect::{Dialect, Known};
use jiff::Timestamp;
use record::{Chart, Clock, ExchangeId, OdsCode, SourceId, Status};
use tokio::time::Instant;

use crate::{Exchange, Locate};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedSettings {
    /// How many minutes back.
    pub history_minutes: u64,
    /// Over how many of the last of them a source is judged.
    pub window_minutes: u64,
}

/// Who notes how sources do.
pub struct Observed {
    settings: ObservedSettings,
    clock: Arc<dyn Clock>,
    sources: BTreeMap<SourceId, Mutex<Kept>>,
}

/// What is kept of one source.
#[derive(Debug, Default)]
struct Kept {
    under_way: usize,
    waiting: usize,
    last_answered: Option<Timestamp>,
    known: Known,
    drifted: Option<Timestamp>,
    /// The oldest first; a minute of which nothing is to be told has none.
    minutes: VecDeque<(i64, Legs)>,
}

/// Legs that ended within some time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Legs {
    /// How many.
    pub ended: u64,
    /// In how many of them something failed, even if it was one type of many.
    pub failing: u64,
    /// In how many of them nothing was answered at all.
    pub silent: u64,
    /// In how many of them each status stood, by its code.
    pub statuses: BTreeMap<&'static str, u64>,
    /// Resources in quarantine, by the code of their cause.
    pub quarantined: BTreeMap<&'static str, u64>,
    took: Spread,
}

/// Times, each put with those that are no more than a tenth longer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Spread(BTreeMap<u8, u64>);

/// By how much each step of a spread is longer than the one before.
const STEP: f64 = 1.1;

impl Spread {
    fn add(&mut self, took: Duration) {
        let millis = (took.as_secs_f64() * 1_000.0).max(1.0);
        // Out of range is cut off at the ends.
        *self.0.entry((millis.ln() / STEP.ln()).ceil() as u8).or_default() += 1;
    }

    fn within(&self, share: f64) -> Option<u64> {
        let wanted = (self.0.values().sum::<u64>() as f64 * share).ceil().max(1.0) as u64;
        let mut reached = 0;
        let step = self.0.iter().find(|(_, count)| {
            reached += *count;
            reached >= wanted
        });
        step.map(|(step, _)| STEP.powi(i32::from(*step)).round() as u64)
    }
}

impl Legs {
    /// The milliseconds within which this share of the legs that were let out had ended, to a tenth; none where there were none.
    pub fn within_ms(&self, share: f64) -> Option<u64> {
        self.took.within(share)
    }

    fn add(&mut self, other: &Legs) {
        self.ended += other.ended;
        self.failing += other.failing;
        self.silent += other.silent;
        for (own, others) in [(&mut self.statuses, &other.statuses), (&mut self.quarantined, &other.quarantined)] {
            others.iter().for_each(|(code, count)| *own.entry(code).or_default() += count);
        }
        other.took.0.iter().for_each(|(step, count)| *self.took.0.entry(*step).or_default() += count);
    }
}

/// How a source does.
#[derive(Debug, Clone)]
pub struct SourceState {
    /// Its id.
    pub id: SourceId,
    /// For people.
    pub name: String,
    /// Who answers for it.
    pub organisation: OdsCode,
    /// Whose relationships it speaks for beside its own organisation's.
    pub vouches_for: Vec<OdsCode>,
    /// How it speaks.
    pub dialect: Dialect,
    /// Whether it is asked for everybody.
    pub locate: Locate,
    /// Whether it is compared only, never served.
    pub compare: bool,
    /// Where it is itself an exchange: its hop id.
    pub exchange: Option<ExchangeId>,
    /// Whether it is given a pause, for it has been failing.
    pub breaker_open: bool,
    /// Legs under way.
    pub under_way: usize,
    /// Legs that wait for a place.
    pub waiting: usize,
    /// When it last answered anything.
    pub last_answered: Option<Timestamp>,
    /// When what it says that it can do last became something else.
    pub drifted: Option<Timestamp>,
    /// Its last legs.
    pub window: Legs,
}

impl Exchange {
    /// How every source does, in the order of ids.
    pub fn source_states(&self) -> Vec<SourceState> {
        let (parts, observed) = (&self.parts, &self.parts.observed);
        let of = |entry: &crate::SourceEntry| {
            let kept = observed.sources.get(&entry.id).map(lock)?;
            Some(SourceState {
                id: entry.id.clone(),
                name: entry.name.clone(),
                organisation: entry.organisation.clone(),
                vouches_for: entry.vouches_for.clone(),
                dialect: entry.dialect,
                locate: entry.locate,
                compare: entry.compare,
                exchange: entry.exchange.clone(),
                breaker_open: parts.sources.state(&entry.id).is_some_and(|state| state.breaker_open),
                under_way: kept.under_way,
                waiting: kept.waiting,
                last_answered: kept.last_answered,
                drifted: kept.drifted,
                window: observed.window(&kept),
            })
        };
        parts.entries.iter().filter_map(of).collect()
    }

    /// How a source did, minute by minute, the oldest first; minutes in which nothing was to be told are not there.
    pub fn source_history(&self, source: &SourceId) -> Vec<(Timestamp, Legs)> {
        let observed = &self.parts.observed;
        let Some(kept) = observed.sources.get(source).map(lock) else { return Vec::new() };
        let since = observed.minute() - observed.settings.history_minutes as i64;
        let minutes = kept.minutes.iter().filter(|(minute, _)| *minute > since);
        minutes.filter_map(|(minute, legs)| Some((Timestamp::from_second(minute * 60).ok()?, legs.clone()))).collect()
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Observed {
    /// With nothing noted yet.
    pub fn new<'a>(sources: impl Iterator<Item = &'a SourceId>, settings: ObservedSettings, clock: Arc<dyn Clock>) -> Observed {
        Observed { settings, clock, sources: sources.map(|source| (source.clone(), Mutex::default())).collect() }
    }

    fn minute(&self) -> i64 {
        self.clock.now().as_second().div_euclid(60)
    }

    fn window(&self, kept: &Kept) -> Legs {
        let since = self.minute() - self.settings.window_minutes as i64;
        let mut all = Legs::default();
        kept.minutes.iter().filter(|(minute, _)| *minute > since).for_each(|(_, legs)| all.add(legs));
        all
    }

    /// A leg begins.
    pub(crate) fn begins(&self, permit: &Permit, source: &SourceId) -> Seeing<'_> {
        let kept = self.sources.get(source).filter(|_| !permit.hides_place());
        if let Some(kept) = kept {
            lock(kept).waiting += 1;
        }
        Seeing { observed: self, kept, asked: None }
    }

    /// The legs of a read were guarded.
    pub(crate) fn guarded(&self, permit: &Permit, charts: &[Chart]) {
        if permit.hides_place() {
            return;
        }
        for chart in charts.iter().filter(|chart| !chart.quarantined.is_empty()) {
            let Some(kept) = self.sources.get(&chart.source) else { continue };
            let mut kept = lock(kept);
            let legs = self.now(&mut kept);
            chart.quarantined.iter().for_each(|one| *legs.quarantined.entry(one.cause.code()).or_default() += 1);
        }
    }

    /// This minute's; what is too old goes.
    fn now<'a>(&self, kept: &'a mut Kept) -> &'a mut Legs {
        let minute = self.minute();
        while kept.minutes.front().is_some_and(|(oldest, _)| minute - oldest >= self.settings.history_minutes as i64) {
            kept.minutes.pop_front();
        }
        // A clock that is put back adds to the newest minute there is.
        if kept.minutes.back().is_none_or(|(newest, _)| *newest < minute) {
            kept.minutes.push_back((minute, Legs::default()));
        }
        let newest = kept.minutes.len() - 1;
        &mut kept.minutes[newest].1
    }
}

/// A leg while it is under way. However it ends, even by being dropped with the request that wanted it, it is under way no longer.
pub(crate) struct Seeing<'a> {
    observed: &'a Observed,
    kept: Option<&'a Mutex<Kept>>,
    asked: Option<Instant>,
}

impl Seeing<'_> {
    /// It has its place.
    pub(crate) fn asks(&mut self) {
        self.asked = Some(Instant::now());
        if let Some(kept) = self.kept {
            let mut kept = lock(kept);
            kept.waiting -= 1;
            kept.under_way += 1;
        }
    }

    /// What was learnt of the source.
    pub(crate) fn learnt(&self, learnt: &Known) {
        let Some(kept) = self.kept else { return };
        let mut kept = lock(kept);
        if kept.known.contradicts(learnt) {
            kept.drifted = Some(self.observed.clock.now());
        }
        kept.known = kept.known.with(learnt);
    }

    /// It ended, with these on its rows.
    pub(crate) fn ended(self, statuses: impl Iterator<Item = Status>) {
        let Some(kept) = self.kept else { return };
        let (mut codes, mut failing, mut answered) = (BTreeMap::new(), false, false);
        for status in statuses {
            codes.insert(status.code(), 1);
            failing |= is_failure(status);
            answered |= status.answered();
        }
        let now = self.observed.clock.now();
        let mut kept = lock(kept);
        if answered {
            kept.last_answered = Some(now);
        }
        let mut leg = Legs { ended: 1, failing: failing.into(), silent: (failing && !answered).into(), statuses: codes, ..Legs::default() };
        if let Some(asked) = self.asked {
            leg.took.add(asked.elapsed());
        }
        self.observed.now(&mut kept).add(&leg);
    }
}

impl Drop for Seeing<'_> {
    fn drop(&mut self) {
        let Some(kept) = self.kept else { return };
        let mut kept = lock(kept);
        match self.asked {
            Some(_) => kept.under_way -= 1,
            None => kept.waiting -= 1,
        }
    }
}

/// Whether something is wrong with the source, or with the way to it: what is withheld, not carried or not asked is not.
fn is_failure(status: Status) -> bool {
    matches!(
        status,
        Status::CircuitOpen
            | Status::FailedAuth
            | Status::FailedHttp
            | Status::FailedInternal
            | Status::FailedParse
            | Status::FailedTimeout
            | Status::Throttled
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_says_to_a_tenth_within_what_time_a_share_ended() {
        let mut spread = Spread::default();
        assert_eq!(spread.within(0.5), None);
        (1..=100).for_each(|at| spread.add(Duration::from_millis(at * 10)));
        for (share, exact) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1000.0)] {
            let said = spread.within(share).unwrap() as f64;
            assert!(said >= exact * 0.999 && said <= exact * 1.101, "{share}: {said} for {exact}");
        }
        spread.add(Duration::ZERO);
        spread.add(Duration::MAX);
        assert_eq!(spread.0.keys().next(), Some(&0));
    }
}
