//! The national demographics service, before the sources: who the person of a number is, and whether their place may be known.
//!
//! What it says is kept for as long as a label may be believed, and asked for by one reader at a time: the service grants an
//! application five calls a second, and enters every one in its own audit. While it is silent, its last word serves for a day, and
//! only of people whom that word called unrestricted.

mod flights;
mod written;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::{Admission, Restriction};
use audit::{Event, Ledger, LegLine};
use fhir::Kind;
use moka::sync::Cache;
use national::demographics::{Asking, Failed, Label, Person, Retrieved};
use people::Registrar;
use record::{Clock, Failure, NhsNumber, PersonId, RequestId, Status};
use source::{Message, NationalService, Verb};
use tokio::time::Instant;

use crate::gather::status_of;
use crate::{Refused, Registration};
use flights::Flights;

/// Numbers of one person that are followed, one after the other, before nobody is believed to be meant.
const REPLACED_MAX: usize = 8;
/// For how long it is taken to be silent still when it did not answer, and nobody asked again.
const SILENCE: Duration = Duration::from_secs(60);

/// How it is asked, and for how long it is believed.
#[derive(Debug, Clone)]
pub struct DemographicsSettings {
    /// The most that asking may add to a read.
    pub lookup: Duration,
    /// How long a label is believed.
    pub label_age: Duration,
    /// How long the last label serves while the service does not answer, of unrestricted people.
    pub outage_age: Duration,
    /// How many numbers are remembered.
    pub known_max: u64,
}

/// The service, as the journey sees it.
pub struct DemographicsService {
    settings: DemographicsSettings,
    way: NationalService,
    ledger: Ledger,
    registrar: Arc<Registrar>,
    registration: Registration,
    clock: Arc<dyn Clock>,
    known: Cache<NhsNumber, Arc<Word>>,
    flights: Flights,
    /// When it did not answer last, unless it has since.
    silent: Mutex<Option<Instant>>,
}

/// The service's last word of a number.
pub(crate) struct Word {
    pub(crate) said: Said,
    pub(crate) at: jiff::Timestamp,
    /// Numbers that it replaced by the person's number now.
    pub(crate) former: Vec<NhsNumber>,
}

/// What it said.
pub(crate) enum Said {
    Person(Box<Person>),
    Invalidated,
    NotFound,
}

/// What is known through the service.
pub(crate) enum Known {
    /// It said so, not long ago.
    Fresh(Arc<Word>),
    /// It does not answer; so long ago it said that the person is unrestricted.
    Stale(Arc<Word>),
    /// It does not answer, and nothing that it said before may serve.
    Silent,
}

impl Known {
    /// The person, if it knows one.
    pub(crate) fn person(&self) -> Option<(&Person, &Word)> {
        match self {
            Known::Fresh(word) | Known::Stale(word) => match &word.said {
                Said::Person(person) => Some((person, word)),
                Said::Invalidated | Said::NotFound => None,
            },
            Known::Silent => None,
        }
    }

    /// Whether the service said so, now or not long ago.
    pub(crate) fn is_said(&self) -> bool {
        !matches!(self, Known::Silent)
    }

    /// Its label; whom it does not know, or does not answer about, it says nothing of.
    pub(crate) fn restriction(&self) -> Restriction {
        match self.person().map(|(person, _)| person.label) {
            Some(Label::Unrestricted) => Restriction::Unrestricted,
            Some(Label::Restricted) => Restriction::Restricted,
            None => Restriction::Unknown,
        }
    }
}

impl DemographicsService {
    /// Puts it together. What it says of a number is done to the person index, and what that leaves to be seen to is done behind the
    /// answers.
    pub fn new(
        settings: DemographicsSettings,
        way: NationalService,
        ledger: Ledger,
        (registrar, registration): (Arc<Registrar>, Registration),
        clock: Arc<dyn Clock>,
    ) -> DemographicsService {
        let known = Cache::new(settings.known_max);
        DemographicsService {
            settings,
            way,
            ledger,
            registrar,
            registration,
            clock,
            known,
            flights: Flights::default(),
            silent: Mutex::default(),
        }
    }

    /// What the service says of a number: kept, or asked for now in the name of who wants to know. `patient` is how the ledger names
    /// the person, where it knows them.
    pub(crate) async fn look(
        &self,
        admission: &Admission,
        patient: Option<&PersonId>,
        number: NhsNumber,
        until: Instant,
    ) -> Result<Known, Refused> {
        if let Some(word) = self.fresh(&number) {
            return Ok(Known::Fresh(word));
        }
        let until = until.min(Instant::now() + self.settings.lookup);
        // Whoever else wants to know the same waits, and finds it.
        let Ok(_flight) = tokio::time::timeout_at(until, self.flights.of(number)).await else { return Ok(self.last(&number)) };
        if let Some(word) = self.fresh(&number) {
            return Ok(Known::Fresh(word));
        }
        let asked = tokio::time::timeout_at(until, self.ask(admission, number)).await.unwrap_or(Err(Status::FailedTimeout));
        self.enter(admission, patient, &asked).await?;
        *self.silent() = asked.is_err().then(Instant::now);
        match asked {
            Ok(said) => Ok(Known::Fresh(self.take_in(admission.trace(), number, said).await?)),
            Err(status) => {
                tracing::warn!(request = %admission.trace(), status = status.code(), "the national demographics service did not say who a person is");
                Ok(self.last(&number))
            }
        }
    }

    async fn ask(&self, admission: &Admission, number: NhsNumber) -> Result<Retrieved, Status> {
        let errand = self.way.errand_to_find(admission, Instant::now() + self.settings.lookup).await.map_err(failed)?;
        let caller = admission.caller();
        let asking = Asking {
            organisation: caller.organisation.code.clone(),
            role_profile: caller.sds_role_profile_id.clone(),
            correlation: Some(admission.trace().as_str().to_owned()),
        };
        let (retrieving, call) = asking.retrieve(number);
        let headers = call.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let message = Message { verb: Verb::Get, target: call.target, headers, body: None };
        let response = self.way.send(&errand, message).await.map_err(failed)?;
        match retrieving.read(Some((response.status, &response.body))) {
            Retrieved::Failed(why) => Err(refused(&why)),
            said => Ok(said),
        }
    }

    /// Every question to it stands in the ledger, whatever came of the request that caused it.
    async fn enter(&self, admission: &Admission, patient: Option<&PersonId>, asked: &Result<Retrieved, Status>) -> Result<(), Refused> {
        let (status, returned) = match asked {
            Ok(Retrieved::Found(_) | Retrieved::Superseded(_)) => (Status::Ok, 1),
            Ok(_) => (Status::OkEmpty, 0),
            Err(status) => (*status, 0),
        };
        let statuses = [(status.code().to_owned(), vec![Kind::PATIENT.name().to_owned()])].into();
        let leg = LegLine { source: "national-demographics".to_owned(), statuses, returned, withheld: 0, quarantined: 0 };
        let event = Event::Asked { patient: patient.map(ToString::to_string).unwrap_or_default(), leg };
        self.ledger.note(admission.trace(), &event).await.map_err(|down| Refused::Unavailable(down.to_string()))
    }

    /// What it says is written down before it is believed: a number that was replaced or cut is so for every later read.
    async fn take_in(&self, request: &RequestId, number: NhsNumber, said: Retrieved) -> Result<Arc<Word>, Refused> {
        let now = self.clock.now();
        let word = match said {
            Retrieved::Found(person) | Retrieved::Superseded(person) => {
                let former = written::person((&self.registrar, &self.registration, request), number, &person).await?;
                Word { said: Said::Person(Box::new(person)), at: now, former }
            }
            Retrieved::Invalidated => {
                written::cut((&self.registrar, &self.registration, request), number).await?;
                Word { said: Said::Invalidated, at: now, former: Vec::new() }
            }
            Retrieved::NotFound | Retrieved::Failed(_) => Word { said: Said::NotFound, at: now, former: Vec::new() },
        };
        let word = Arc::new(word);
        if let Said::Person(person) = &word.said {
            self.known.insert(person.number, word.clone());
        }
        self.known.insert(number, word.clone());
        Ok(word)
    }

    /// Whether it did not answer who asked last.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent().is_some_and(|since| since.elapsed() < SILENCE)
    }

    fn silent(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most that asking adds to anything.
    pub(crate) fn lookup(&self) -> Duration {
        self.settings.lookup
    }

    fn fresh(&self, number: &NhsNumber) -> Option<Arc<Word>> {
        self.word(*number).filter(|word| self.age(word) < self.settings.label_age)
    }

    /// The last word of a number; of one that was replaced, of the number that stands: by the old one it may have been asked long ago,
    /// and have said since that the person is restricted, or that the number is nobody's.
    fn word(&self, mut number: NhsNumber) -> Option<Arc<Word>> {
        for _ in 0..REPLACED_MAX {
            let word = self.known.get(&number)?;
            match &word.said {
                Said::Person(person) if person.number != number => number = person.number,
                _ => return Some(word),
            }
        }
        None
    }

    /// What may serve without the service's answer.
    fn last(&self, number: &NhsNumber) -> Known {
        let last = self.word(*number).filter(|word| self.age(word) < self.settings.outage_age);
        let open = last.filter(|word| matches!(&word.said, Said::Person(person) if person.label == Label::Unrestricted));
        open.map_or(Known::Silent, Known::Stale)
    }

    fn age(&self, word: &Word) -> Duration {
        self.clock.now().duration_since(word.at).unsigned_abs()
    }
}

fn failed(failure: Failure) -> Status {
    match failure {
        Failure::TooLarge => Status::FailedParse,
        other => status_of(other),
    }
}

fn refused(why: &Failed) -> Status {
    match why {
        Failed::Malformed => Status::FailedParse,
        Failed::Refused { status: 401 | 403, .. } => Status::FailedAuth,
        Failed::Refused { status: 429, .. } => Status::Throttled,
        Failed::Refused { .. } => Status::FailedHttp,
        Failed::Silent => Status::FailedTimeout,
    }
}
