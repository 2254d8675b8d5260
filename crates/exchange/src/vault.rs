//! The evidence vault: what answers showed, kept under a key of each person's own. It is written behind the answers, and no read is ever
//! answered from it; whoever opens it stands in `server`'s privacy officer's desk.
//!
//! What was shown of a source is found by the digest that the ledger has of it: under that stands which resources it was, in order, by
//! their own digests; under each of these the resource, once however often it is shown.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use audit::{Event, Ledger};
use aws_lc_rs::digest::{SHA256, digest};
use futures::StreamExt;
use jiff::Timestamp;
use record::{Clock, PersonId, RequestId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::StoreDown;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// By what something in the vault is found: what it is, and its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A resource, by the digest of its bytes.
    Resource(Digest),
    /// Which resources of a source an answer showed, by the digest of them all: the one that the ledger has.
    Answer(Digest),
}

/// What is kept for evidence. Everything of a person is sealed under a key of theirs; whoever destroys that leaves nothing to open.
#[async_trait]
pub trait Evidence: Send + Sync {
    /// Keeps what is not kept of this yet, all or nothing: it was shown then. The person's key is made where there is none.
    async fn keep_evidence(&self, person: &PersonId, shown: Vec<(Name, Vec<u8>)>, at: Timestamp) -> Result<(), StoreDown>;
    /// What is kept under these names, in their order; none where nothing is, or what is cannot be opened any more.
    async fn evidence(&self, person: &PersonId, names: &[Name]) -> Result<Vec<Option<Vec<u8>>>, StoreDown>;
    /// Adds a step; false where one of its number is there that is another, or nobody is known by that id.
    async fn add_step(&self, step: &VaultStep) -> Result<bool, StoreDown>;
    /// The steps of a history, in order.
    async fn steps(&self, id: &str) -> Result<Vec<VaultStep>, StoreDown>;
    /// First steps of openings since then, the earliest first, so many at most.
    async fn openings(&self, since: Timestamp, count_max: usize) -> Result<Vec<VaultStep>, StoreDown>;
    /// People of whom nothing was shown since then and whose evidence is not held, in order of their ids, so many at most.
    async fn outlived(&self, shown_before: Timestamp, after: Option<&PersonId>, count_max: usize) -> Result<Vec<PersonId>, StoreDown>;
    /// Destroys the keys of those of these people to whom that still applies: who it was.
    async fn shred(&self, people: &[PersonId], shown_before: Timestamp) -> Result<Vec<PersonId>, StoreDown>;
}

/// A step of what was decided about a person's evidence: that it is opened, or held. Steps are only ever added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultStep {
    /// Whose evidence.
    pub person: PersonId,
    /// Of which history: an opening's own random id, or the person's for whether it is held.
    pub id: String,
    /// Its number in that, from 1.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// Whether it is held from then on; none where it is a step of an opening.
    pub held: Option<bool>,
    /// Who, and why, as JSON. Kept sealed under the person's key; empty when that is destroyed.
    pub body: String,
}

/// Limits of what waits to be kept.
#[derive(Debug, Clone, Copy)]
pub struct VaultSettings {
    /// Answers that may wait.
    pub queue_max: usize,
    /// Bytes of them, together.
    pub queue_bytes_max: usize,
    /// Bytes of one answer that is kept.
    pub answer_bytes_max: usize,
    /// How often the store is asked to keep one.
    pub tries: u32,
    /// How long is waited before the second time; twice as long before each further one.
    pub retry: Duration,
}

/// The way of answers into the vault. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    ledger: Ledger,
    on: Option<On>,
}

#[derive(Clone)]
struct On {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    settings: VaultSettings,
}

/// What an answer showed of one source: resources one after the other, and the digest over them all.
pub(crate) struct ShownBytes {
    pub(crate) digest: Digest,
    pub(crate) bytes: Vec<u8>,
    /// Where each resource ends.
    pub(crate) ends: Vec<usize>,
}

struct Waiting {
    request: RequestId,
    person: PersonId,
    at: Timestamp,
    shown: Vec<ShownBytes>,
    _room: OwnedSemaphorePermit,
}

/// Answers that are written at once.
const WRITTEN_AT_ONCE: usize = 4;
/// Room is given by KiB.
const KIB: usize = 1024;

impl Vault {
    /// Starts it; without settings nothing is kept. The future writes until every `Vault` is gone.
    pub fn start(
        store: Arc<dyn Evidence>,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        settings: Option<VaultSettings>,
    ) -> (Vault, impl Future<Output = ()> + Send) {
        let (on, waiting) = settings
            .map(|settings| {
                let (queue, waiting) = mpsc::channel(settings.queue_max);
                let room = Arc::new(Semaphore::new(settings.queue_bytes_max.div_ceil(KIB).min(Semaphore::MAX_PERMITS)));
                (On { queue, room, settings }, (waiting, settings))
            })
            .unzip();
        let vault = Vault { ledger: ledger.clone(), on };
        let writing = async move {
            let Some((waiting, settings)) = waiting else { return };
            let writer = &Writer { store, ledger, clock, settings };
            let waiting = futures::stream::unfold(waiting, |mut waiting: mpsc::Receiver<Waiting>| async move {
                waiting.recv().await.map(|one| (one, waiting))
            });
            waiting.for_each_concurrent(WRITTEN_AT_ONCE, |one| writer.write(one)).await;
        };
        (vault, writing)
    }

    /// Takes what an answer showed. It never waits; what it cannot take is told.
    pub(crate) fn keep(&self, request: &RequestId, person: &PersonId, at: Timestamp, shown: Vec<ShownBytes>) {
        let Some(On { queue, room, settings }) = &self.on else { return };
        let bytes: usize = shown.iter().map(|one| one.bytes.len()).sum();
        if bytes == 0 {
            return;
        }
        if bytes > settings.answer_bytes_max {
            return not_kept(&self.ledger, request, person, "it is larger than the vault takes");
        }
        let kib = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
        let kept = room.clone().try_acquire_many_owned(kib).ok().is_some_and(|room| {
            let waiting = Waiting { request: request.clone(), person: person.clone(), at, shown, _room: room };
            queue.try_send(waiting).is_ok()
        });
        if !kept {
            not_kept(&self.ledger, request, person, "too much waits to be kept");
        }
    }
}

/// That something is not kept is an alert, a count, and a line of the ledger.
fn not_kept(ledger: &Ledger, request: &RequestId, person: &PersonId, why: &str) {
    metrics::counter!("severn_vault_not_kept_total").increment(1);
    let event =
        Event::Vault { by: None, patient: person.to_string(), step: "not kept".to_owned(), of: request.to_string(), why: why.to_owned() };
    let owed = ledger.owe(request, &event).is_ok();
    tracing::error!(alert = "vault.not-kept", trace = %request, why, owed, "what an answer showed is not kept as evidence");
}

struct Writer {
    store: Arc<dyn Evidence>,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    settings: VaultSettings,
}

impl Writer {
    async fn write(&self, waiting: Waiting) {
        let Waiting { request, person, at, shown, _room } = waiting;
        let named = named(shown);
        let mut pause = self.settings.retry;
        for attempt in 1..=self.settings.tries {
            match self.store.keep_evidence(&person, named.clone(), at).await {
                Ok(()) => {
                    let behind = self.clock.now().duration_since(at).as_secs_f64().max(0.0);
                    metrics::histogram!("severn_vault_behind_seconds").record(behind);
                    return;
                }
                Err(down) => {
                    tracing::warn!(error = %down, attempt, "what an answer showed could not be kept yet");
                    if attempt < self.settings.tries {
                        tokio::time::sleep(pause).await;
                        pause *= 2;
                    }
                }
            }
        }
        not_kept(&self.ledger, &request, &person, "the store did not take it");
    }
}

/// Everything by its names, each once.
fn named(shown: Vec<ShownBytes>) -> Vec<(Name, Vec<u8>)> {
    let mut named = std::collections::BTreeMap::new();
    for ShownBytes { digest: whole, bytes, ends } in shown {
        let (mut list, mut start) = (Vec::with_capacity(ends.len() * 32), 0);
        for end in ends {
            let resource = bytes.get(start..end).unwrap_or_default();
            let own = digest_of(resource);
            list.extend_from_slice(&own);
            named.entry(Name::Resource(own)).or_insert_with(|| resource.to_vec());
            start = end;
        }
        named.insert(Name::Answer(whole), list);
    }
    named.into_iter().collect()
}

/// The digest by which something is found, and checked.
pub fn digest_of(bytes: &[u8]) -> Digest {
    let mut own = [0; 32];
    own.copy_from_slice(digest(&SHA256, bytes).as_ref());
    own
}
