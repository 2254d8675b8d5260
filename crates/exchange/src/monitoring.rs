//! What is noticed behind the answers, and brought before a privacy officer. It withholds nothing and delays nobody: a rule that fires says
//! which facts made it, and a person decides.

mod rules;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use access::Permit;
use audit::{By, LedgerReader};
use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};
use people::Registrar;
use record::{BirthDate, Clock, NhsNumber, PersonId, RequestId, UserId};
use tokio::sync::mpsc;

use crate::{People, PrivacyKind, PrivacyQueue, PrivacyTask, ReviewState, StoreDown};
pub use rules::Limits as MonitoringLimits;
use rules::{Facts, Fired, fired};

/// A member of staff, as the operator's list has them. A token says who somebody is, never where they live, nor their own number.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Staff {
    /// Their own NHS number, where the list has it.
    pub number: Option<NhsNumber>,
    /// Family name.
    pub family_name: String,
    /// First given name.
    pub given_name: String,
    /// Date of birth.
    pub birth_date: Option<BirthDate>,
    /// Where they live.
    pub postcode: String,
}

/// The operator's lists.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// Staff by national user id.
    pub staff: HashMap<String, Staff>,
    /// People whose record is watched. Who is on it is a secret.
    pub watched: HashSet<NhsNumber>,
}

/// What monitoring works with.
pub struct MonitoringParts {
    /// The ledger, read back: how many people somebody asked about, on every node.
    pub reader: Arc<dyn LedgerReader>,
    /// Where what is found is put.
    pub queue: Arc<dyn PrivacyQueue>,
    /// People's numbers.
    pub people: Arc<dyn People>,
    /// Who people are.
    pub registrar: Arc<Registrar>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The lists as they are now.
    pub lists: Box<dyn Fn() -> Arc<Lists> + Send + Sync>,
    /// When a rule fires.
    pub limits: MonitoringLimits,
    /// Reads that may wait to be looked at.
    pub queue_max: usize,
    /// By which a finding is known again, and nobody can be guessed from.
    pub key: [u8; 32],
}

/// The way of reads to whoever looks at them. Nobody waits for it.
#[derive(Clone)]
pub struct Monitoring {
    reads: mpsc::Sender<Read>,
}

/// A read that was answered.
struct Read {
    request: RequestId,
    person: PersonId,
    user: UserId,
    sds_user_id: Option<String>,
}

impl Monitoring {
    /// Starts it. The future looks at reads until nobody can bring one any more; whoever runs the exchange awaits it.
    pub fn start(parts: MonitoringParts) -> (Monitoring, impl Future<Output = ()> + Send) {
        let (reads, waiting) = mpsc::channel(parts.queue_max);
        (Monitoring { reads }, run(parts, waiting))
    }

    /// A record was shown.
    pub(crate) fn saw(&self, permit: &Permit) {
        let caller = permit.caller();
        let read = Read {
            request: permit.trace().clone(),
            person: permit.person().clone(),
            user: caller.user.clone(),
            sds_user_id: caller.sds_user_id.clone(),
        };
        if self.reads.try_send(read).is_err() {
            tracing::error!(alert = "monitoring.behind", "monitoring does not keep up with the reads: one is not looked at");
        }
    }
}

async fn run(parts: MonitoringParts, mut waiting: mpsc::Receiver<Read>) {
    while let Some(read) = waiting.recv().await {
        if let Err(error) = parts.look(&read).await {
            tracing::error!(alert = "monitoring.failed", %error, "a read could not be looked at");
        }
    }
}

impl MonitoringParts {
    async fn look(&self, read: &Read) -> Result<(), StoreDown> {
        let (now, lists) = (self.clock.now(), (self.lists)());
        let number = self.people.number_of(&read.person).await?;
        let person = self.registrar.register().person(&read.person).await.map_err(|down| StoreDown(down.to_string()))?;
        let facts = Facts {
            staff: read.sds_user_id.as_ref().and_then(|id| lists.staff.get(id)),
            watched: number.as_ref().is_some_and(|number| lists.watched.contains(number)),
            number,
            person: person.as_ref(),
            people_in_an_hour: self.people_since(read, now, SignedDuration::from_hours(1)).await?,
            people_in_a_day: self.people_since(read, now, SignedDuration::from_hours(24)).await?,
            now,
        };
        for fired in fired(&facts, &self.limits) {
            let task = PrivacyTask {
                id: self.reference(read, &fired, now),
                raised: now,
                kind: PrivacyKind::Monitoring,
                trace: read.request.as_str().to_owned(),
                rule: fired.rule.to_owned(),
                reason: fired.reason,
                state: ReviewState::Open,
            };
            if self.queue.privacy_task(&task.id).await?.is_none() {
                self.queue.raise(&task).await?;
                task.announce();
            }
        }
        Ok(())
    }

    async fn people_since(&self, read: &Read, now: Timestamp, ago: SignedDuration) -> Result<u64, StoreDown> {
        let since = now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH);
        // Whoever signs them in, where they have a national id.
        let by = match &read.sds_user_id {
            Some(id) => By::SdsUser(id.clone()),
            None => By::User { issuer: read.user.issuer.clone(), subject: read.user.subject.clone() },
        };
        self.reader.people_of(&by, since).await.map_err(|down| StoreDown(down.0))
    }

    /// The same for the same rule, user, person and day (hour, where the rule counts by it), on whichever node: one finding is one task.
    fn reference(&self, read: &Read, fired: &Fired, now: Timestamp) -> String {
        let person = if fired.of_one_person { read.person.as_str() } else { "" };
        let span = now.as_second() / if fired.by_the_hour { 3_600 } else { 86_400 };
        let user = read.sds_user_id.clone().unwrap_or_else(|| format!("{}|{}", read.user.issuer, read.user.subject));
        let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.key));
        for part in [fired.rule, &user, person, &span.to_string()] {
            // Lengths before parts, so that no two findings read alike.
            signing.update(&(part.len() as u64).to_le_bytes());
            signing.update(part.as_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&signing.sign().as_ref()[..16]);
        uuid::Builder::from_random_bytes(id).into_uuid().to_string()
    }
}
