//! The National Record Locator, beside the sources: asked who else holds a shared record of a person, and told that one is here.
//!
//! Both ways take the permit of a read: nobody is asked about, or pointed at, whom that read may not be about. A restricted person
//! gets no permit, so nobody is pointed at them; and a pointer from before they were restricted is taken away with the refusal. What the locator does is never in the way of a read: see `consult` and `publish`.

mod consult;
mod memory;
mod publish;

use std::sync::Arc;
use std::time::Duration;

use access::{Admission, Permit, Restriction};
use audit::Ledger;
use national::{Call, Wish};
use record::{Clock, Failure, NhsNumber, OdsCode, PersonId, Status};
use source::{Errand, Message, NationalService, Verb};
use tokio::sync::mpsc;

use crate::DemographicsService;
use memory::Memory;
use publish::Publisher;

pub(crate) use consult::consult;

/// What the locator said of other shared records of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Elsewhere {
    /// It was not asked, as nobody wished it; or the question came from another exchange, which asks it itself.
    #[default]
    NotAsked,
    /// It was not asked, as no person asks: it is asked in somebody's name.
    NoEndUser,
    /// It was asked, and did not say.
    Silent(Status),
    /// These others hold a shared record, in order of codes.
    Told(Vec<OdsCode>),
}

impl Elsewhere {
    /// Whether this organisation holds a shared record.
    pub fn names(&self, organisation: &OdsCode) -> bool {
        matches!(self, Elsewhere::Told(custodians) if custodians.contains(organisation))
    }
}

/// What it is asked and told, and how much of it.
#[derive(Debug, Clone)]
pub struct RecordLocatorSettings {
    /// How this exchange is known to the locator.
    pub locator: national::Locator,
    /// The FHIR base that pointers lead to.
    pub base: String,
    /// How long it may take to say who else holds somebody; `None` where it is not asked.
    pub consult: Option<Duration>,
    /// How it is told who is here; `None` where it is not told.
    pub publish: Option<Publishing>,
}

/// How pointers are kept.
#[derive(Debug, Clone)]
pub struct Publishing {
    /// For all it takes to see that one person has one pointer.
    pub time: Duration,
    /// People seen to at once.
    pub concurrent: usize,
    /// People who wait for it at most.
    pub queue_max: usize,
    /// How long a person whose pointer was seen to is left alone.
    pub again: Duration,
    /// How many people that is known of.
    pub known_max: usize,
    /// When what failed is tried again.
    pub retry: Duration,
    /// How often anything is tried.
    pub tries: u64,
}

/// The locator, as the journey sees it.
pub struct RecordLocator {
    settings: RecordLocatorSettings,
    way: Arc<NationalService>,
    queue: Option<Queue>,
    clock: Arc<dyn Clock>,
}

/// People whose pointers are to be seen to.
struct Queue {
    jobs: mpsc::Sender<Job>,
    memory: Arc<Memory>,
}

/// A person whose pointer is to be seen to.
struct Job {
    admission: Admission,
    person: PersonId,
    number: NhsNumber,
    /// Whether they are to have none: they were met as somebody whom nobody is to be pointed at, by whoever's word it was.
    hidden: bool,
    /// How often it was tried before.
    tried: u64,
}

impl RecordLocator {
    /// Puts it together. The future sees to pointers until the locator is gone; whoever runs the exchange awaits it beside the ledger's.
    pub fn start(
        settings: RecordLocatorSettings,
        way: NationalService,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        demographics: Option<Arc<DemographicsService>>,
    ) -> (RecordLocator, impl Future<Output = ()> + Send) {
        let way = Arc::new(way);
        let (queue, publisher) = match &settings.publish {
            None => (None, None),
            Some(publishing) => {
                let (jobs, waiting) = mpsc::channel(publishing.queue_max);
                let memory = Arc::new(Memory::new(publishing.again, publishing.known_max));
                let publisher = Publisher {
                    publishing: publishing.clone(),
                    locator: settings.locator.clone(),
                    base: settings.base.clone(),
                    way: way.clone(),
                    ledger,
                    clock: clock.clone(),
                    memory: memory.clone(),
                    demographics,
                };
                (Some(Queue { jobs, memory }), Some((publisher, waiting)))
            }
        };
        let publishing = async move {
            if let Some((publisher, waiting)) = publisher {
                publisher.run(waiting).await;
            }
        };
        (RecordLocator { settings, way, queue, clock }, publishing)
    }

    /// A person was met whose record is here: in a while they have one pointer. This neither waits nor fails.
    pub(crate) fn met(&self, permit: &Permit, number: NhsNumber) {
        self.line_up(permit.admission(), permit.person(), number, true);
    }

    /// A person was met who is restricted: in a while they have none.
    pub(crate) fn hide(&self, admission: &Admission, person: &PersonId, number: NhsNumber) {
        self.line_up(admission, person, number, false);
    }

    fn line_up(&self, admission: &Admission, person: &PersonId, number: NhsNumber, present: bool) {
        let Some(Queue { jobs, memory }) = &self.queue else { return };
        if !memory.begin(person, present, self.clock.now()) {
            return;
        }
        if jobs.try_send(Job { admission: admission.clone(), person: person.clone(), number, hidden: !present, tried: 0 }).is_err() {
            memory.give_up(person);
            tracing::warn!(
                request = %admission.trace(),
                "too many people wait for their pointer in the national record locator; this one is left out until the next read"
            );
        }
    }
}

/// Where a person's pointer leads: by the exchange's own id, which says nothing about them.
fn address(base: &str, person: &PersonId) -> String {
    format!("{base}/Patient/{person}/$everything")
}

/// What is wished for somebody. A pointer says where they are looked after, so only who is plainly unrestricted may have one; whoever
/// no longer is has theirs taken away.
fn wish(restriction: Restriction, base: &str, person: &PersonId) -> Wish {
    match restriction {
        Restriction::Unrestricted => Wish::Present { url: address(base, person) },
        Restriction::Restricted | Restriction::Unknown => Wish::Absent,
    }
}

/// Sends one call of the locator's protocol.
async fn send(way: &NationalService, errand: &Errand, call: Call) -> Result<record::Response, Failure> {
    let verb = match call.method {
        national::Method::Delete => Verb::Delete,
        national::Method::Get => Verb::Get,
        national::Method::Post => Verb::Post,
        national::Method::Put => Verb::Put,
    };
    let headers = call.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    way.send(errand, Message { verb, target: call.target, headers, body: call.body.map(Into::into) }).await
}

#[cfg(test)]
mod tests;
