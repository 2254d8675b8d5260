//! What answers say of who people are, on its way into the person index: behind the answers, one after the other. What a deed of the
//! national service leaves to be seen to goes the same way.

use std::sync::Arc;
use std::time::Duration;

use identity::{Facts, Trust, Verdict, is_theirs};
use people::registrar::{Done, NotDone, RULES};
use people::{Author, Entry, EntryKey, NumberStatus, Registrar};
use record::{Chart, Item, PersonId, RequestId};
use tokio::sync::mpsc;

use crate::{Aftermath, Cause, SourceEntry};

/// Numbers of the registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationSettings {
    /// Answers that may wait; of more, nothing is taken: the next reads bring it again.
    pub queue_max: usize,
    /// How many entries are remembered as taken in a while ago.
    pub remembered_max: u64,
    /// For how long: an entry that says the same as then is not taken again.
    pub remembered: Duration,
}

impl Default for RegistrationSettings {
    fn default() -> RegistrationSettings {
        RegistrationSettings { queue_max: 10_000, remembered_max: 100_000, remembered: Duration::from_secs(24 * 3600) }
    }
}

/// The way of answers into the person index. Nobody waits for it.
#[derive(Clone)]
pub struct Registration {
    queue: mpsc::Sender<Behind>,
}

/// What goes on behind the answers.
enum Behind {
    /// By the national service's word something was done to the person index.
    Done(RequestId, &'static str, Done),
    /// An answer is to be taken in.
    Told(Told),
}

/// What one read heard of who the person is.
#[derive(Debug, Default)]
pub(crate) struct Told {
    person: Option<PersonId>,
    entries: Vec<Entry>,
    /// Entries of the person's number that the guards did not let pass.
    refused: Vec<Entry>,
}

impl Registration {
    /// Starts it. The future takes entries in until nobody can tell any more; whoever runs the exchange awaits it.
    pub fn start(
        registrar: Arc<Registrar>,
        aftermath: Aftermath,
        settings: RegistrationSettings,
    ) -> (Registration, impl Future<Output = ()> + Send) {
        let (queue, waiting) = mpsc::channel(settings.queue_max);
        let remembered = moka::sync::Cache::builder().max_capacity(settings.remembered_max).time_to_live(settings.remembered).build();
        (Registration { queue }, run(Taking { registrar, aftermath, remembered }, waiting))
    }

    /// Passes on what a read heard.
    pub(crate) fn tell(&self, person: &PersonId, mut told: Told) {
        if told.entries.is_empty() && told.refused.is_empty() {
            return;
        }
        told.person = Some(person.clone());
        if self.queue.try_send(Behind::Told(told)).is_err() {
            tracing::warn!("the person index does not keep up with the answers; what this one said is taken with a later one");
        }
    }

    /// Passes on what was done by the national service's word, so that it is seen to who saw meanwhile what was not theirs. The request
    /// that it was asked for is not one of them.
    pub(crate) fn did(&self, request: &RequestId, what: &'static str, done: Done) {
        let told = done.touched.iter().any(|touched| touched.since.is_some());
        if told && self.queue.try_send(Behind::Done(request.clone(), what, done)).is_err() {
            tracing::error!(alert = "ledger.seen-meanwhile", "the queue is full: who saw a joined record meanwhile is not entered");
        }
    }
}

/// What an entry said when it was taken in, and whose it was then.
type Remembered = moka::sync::Cache<EntryKey, Arc<(Option<PersonId>, Entry)>>;

/// Who takes in what comes.
struct Taking {
    registrar: Arc<Registrar>,
    aftermath: Aftermath,
    remembered: Remembered,
}

async fn run(taking: Taking, mut queue: mpsc::Receiver<Behind>) {
    while let Some(behind) = queue.recv().await {
        match behind {
            Behind::Done(request, what, done) => taking.see_to(&Author::National, what, (&done, Some(&request))).await,
            Behind::Told(told) => taking.take(told).await,
        }
    }
}

impl Taking {
    async fn take(&self, told: Told) {
        let refused: Vec<EntryKey> = told.refused.iter().map(|entry| entry.key.clone()).collect();
        // Whoever passed comes first: the number is theirs.
        let new: Vec<Entry> = told.entries.into_iter().chain(told.refused).filter(|entry| !self.remembers(entry)).collect();
        let said = new.clone();
        if !new.is_empty() {
            match self.registrar.take_all(new, None).await {
                Ok(taken) => self.see_to(&Author::Rules(RULES.to_owned()), "took in what sources answered", (&taken.done, None)).await,
                Err(error) => {
                    tracing::warn!(%error, "what an answer said of who somebody is could not be kept; a later one brings it again");
                    return;
                }
            }
        }
        for entry in said {
            let home = self.registrar.index().home(&entry.key);
            self.remembered.insert(entry.key.clone(), Arc::new((home, entry)));
        }
        for (key, person) in refused.iter().filter_map(|key| Some((key, told.person.as_ref()?))) {
            match self.registrar.held(person, key).await {
                Ok(_) | Err(NotDone::UnknownEntry | NotDone::UnknownPerson) => {}
                Err(error) => tracing::warn!(%error, "a held answer could not be made a steward's task; the next read tries again"),
            }
        }
    }

    /// Whether an entry says what it said when it was taken in, and is still whose it was then: who has been moved since is looked at anew.
    fn remembers(&self, entry: &Entry) -> bool {
        self.remembered.get(&entry.key).is_some_and(|kept| {
            let (home, said) = &*kept;
            Entry { seen: said.seen, ..entry.clone() } == *said && self.registrar.index().home(&entry.key) == *home
        })
    }

    async fn see_to(&self, author: &Author, what: &str, (done, corrected): (&Done, Option<&RequestId>)) {
        self.aftermath.of(Cause { request: None, corrected, author, what }, done).await;
    }
}

impl Told {
    /// Adds what one leg said: Patients that were accepted, and those of the person's number that were not, which a steward is to see.
    /// What is of another number, or out of use, says nothing of the person.
    pub(crate) fn add(&mut self, source: &SourceEntry, facts: &Facts, chart: &Chart, verdict: &Verdict, now: jiff::Timestamp) {
        let accepted: &[String] = if let Verdict::Accepted(ids) = verdict { ids } else { &[] };
        for item in &chart.patients {
            let Some(entry) = entry(source, item, now) else { continue };
            let number = entry.demographics.number.as_ref().and_then(|claimed| claimed.valid());
            let theirs = || number.is_some_and(|number| number == facts.number || facts.former.contains(&number));
            if accepted.contains(&item.id) {
                self.entries.push(entry);
            } else if theirs() && is_theirs(item, facts) {
                self.refused.push(entry);
            }
        }
    }
}

/// A source's Patient as its entry; none where the source gave it no id to know it by.
fn entry(source: &SourceEntry, item: &Item, now: jiff::Timestamp) -> Option<Entry> {
    let root = item.tree.root();
    let mut demographics = people::patient::demographics(root);
    if let Some(number) = demographics.number.as_mut().filter(|_| source.trust == Trust::Verified) {
        number.status = NumberStatus::Verified;
    }
    Some(Entry {
        key: EntryKey { source: source.id.clone(), local_id: item.origin.id.clone()? },
        provider: people::patient::provider(root),
        demographics,
        restricted: people::patient::restricted(root),
        seen: now,
    })
}

#[cfg(test)]
mod tests;
