//! Seeing that a person whose record is here has one pointer, behind the reads and never in their way.
//!
//! A person is at most once among those who wait, are seen to, or wait for another try: two reads of one person never look and
//! write beside each other. (Two nodes may; `national` looks again after it has written.)

use std::collections::VecDeque;
use std::sync::Arc;

use access::Restriction;
use audit::{Event, Ledger};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use national::{Failed, Wish};
use record::Clock;
use source::NationalService;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::memory::Memory;
use super::{Job, Publishing, send, wish};
use crate::DemographicsService;
use crate::facts::restriction;

/// What it takes to see to pointers.
pub(super) struct Publisher {
    pub(super) publishing: Publishing,
    pub(super) locator: national::Locator,
    pub(super) base: String,
    pub(super) way: Arc<NationalService>,
    pub(super) ledger: Ledger,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) memory: Arc<Memory>,
    pub(super) demographics: Option<Arc<DemographicsService>>,
}

/// Why a pointer could not be seen to, in fixed words: no answer of the locator's gets into the log.
type Why = &'static str;

impl Publisher {
    /// Until nobody can be met any more. What is under way then is finished; what waits is not begun, and counted.
    pub(super) async fn run(self, mut waiting: mpsc::Receiver<Job>) {
        let mut under_way = FuturesUnordered::new();
        let mut again: VecDeque<(Instant, Job)> = VecDeque::new();
        let (mut open, mut left) = (true, 0_usize);
        while open || !under_way.is_empty() {
            let room = open && under_way.len() < self.publishing.concurrent;
            let due = again.front().map(|(at, _)| *at);
            tokio::select! {
                biased;
                Some((job, outcome)) = under_way.next() => self.ended(job, outcome, &mut again),
                () = until(due), if room => under_way.extend(again.pop_front().map(|(_, job)| self.see_to(job))),
                job = waiting.recv(), if room => match job {
                    // The exchange is gone: what waits would only keep the process from ending.
                    Some(_) if waiting.is_closed() => left += 1,
                    Some(job) => under_way.push(self.see_to(job)),
                    None => open = false,
                },
            }
        }
        left += again.len();
        if left > 0 {
            tracing::warn!(left, "stopped before everybody met had their pointer in the national record locator; the next reads see to it");
        }
    }

    async fn see_to(&self, job: Job) -> (Job, Result<bool, Why>) {
        let outcome = self.keep(&job).await;
        (job, outcome)
    }

    /// No entry, no word: the ledger knows of it before the locator does. Returns whether the person has a pointer now.
    async fn keep(&self, job: &Job) -> Result<bool, Why> {
        let until = Instant::now() + self.publishing.time;
        let person = &job.person;
        // The label may have changed since they were met. Whoever was met as hidden is so by the index, too, which is not asked here: where
        // that is over, their next read makes a pointer again.
        let wish = if job.hidden { Wish::Absent } else { wish(self.restriction(job, until).await?, &self.base, person) };
        let errand = self.way.errand_to_find(&job.admission, until).await.map_err(|_| "it cannot be reached now")?;
        let present = wish != Wish::Absent;
        let pointer = if present { "present" } else { "absent" };
        let opening = Event::Publishing { patient: person.to_string(), pointer: pointer.to_owned() };
        let entry = self.ledger.open(job.admission.trace(), opening).await.map_err(|_| "the ledger cannot be written")?;
        let (mut publishing, first) = self.locator.keep(job.number, wish);
        let mut next = Some(first);
        while let Some(call) = next {
            let response = send(&self.way, &errand, call).await;
            next = publishing.reply(response.as_ref().ok().map(|response| (response.status, response.body.as_ref())));
        }
        let outcome = publishing.outcome().unwrap_or(Err(Failed::Unreadable));
        let kept = outcome.unwrap_or_default();
        let (outcome, said) = match outcome {
            Ok(_) => (Ok(present), "kept"),
            Err(failed) => (Err(words(failed)), words(failed)),
        };
        // What was changed before it failed is not counted by `national`: the next try finds it.
        let closing = Event::Published { outcome: said.to_owned(), made: kept.made, changed: kept.changed, deleted: kept.deleted };
        entry.close(outcome, closing).await.into_inner()
    }

    /// The person's label; without the national service to say it, what the number says.
    async fn restriction(&self, job: &Job, until: Instant) -> Result<Restriction, Why> {
        let Some(service) = &self.demographics else { return Ok(restriction(Some(&job.number))) };
        let known =
            service.look(&job.admission, Some(&job.person), job.number, until).await.map_err(|_| "the label cannot be written down")?;
        match known.is_said() {
            true => Ok(known.restriction()),
            // Neither made nor taken away on a guess.
            false => Err("whether the person is restricted is not known now"),
        }
    }

    fn ended(&self, job: Job, outcome: Result<bool, Why>, again: &mut VecDeque<(Instant, Job)>) {
        let request = job.admission.trace().clone();
        let why = match outcome {
            Ok(present) => return self.memory.done(&job.person, present, self.clock.now()),
            Err(why) => why,
        };
        let job = Job { tried: job.tried + 1, ..job };
        if job.tried < self.publishing.tries && again.len() < self.publishing.queue_max {
            tracing::warn!(%request, why, tried = job.tried, "a pointer in the national record locator could not be seen to; it is tried again later");
            again.push_back((Instant::now() + self.publishing.retry, job));
        } else {
            self.memory.give_up(&job.person);
            tracing::error!(%request, why, tried = job.tried, "a pointer in the national record locator could not be seen to; given up until the next read");
        }
    }
}

/// At that time; never where there is none.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn words(failed: Failed) -> Why {
    match failed {
        Failed::Refused(400..500) => "it did not take what it was told",
        Failed::Refused(_) => "it answered with an error",
        Failed::Silent => "it did not answer",
        Failed::Unreadable => "its answer could not be read",
    }
}
