//! What a privacy officer works with, at the desk and by command: the ledger read back, the queue, and a line for every look.

use std::collections::BTreeSet;
use std::sync::Arc;

use audit::{Account, Audited, By, Event, Found, JournalDown, Ledger, LedgerReader, Lookup, Who, accounts, found};
use exchange::{Evidence, PersonIndex, PrivacyQueue, PrivacyTask, Review, ReviewState, StoreDown};
use jiff::Timestamp;
use record::{Clock, PersonId, RequestId, UserId};

/// The parts.
#[derive(Clone)]
pub struct Room {
    /// Where every look is entered.
    pub ledger: Ledger,
    /// The ledger, read back.
    pub reader: Arc<dyn LedgerReader>,
    /// What is to be looked at.
    pub queue: Arc<dyn PrivacyQueue>,
    /// What was seen, kept for evidence.
    pub evidence: Arc<dyn Evidence>,
    /// Whose place is a secret.
    pub index: Arc<dyn PersonIndex>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Why something is not to be had, or not done.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Decided already, or not yet so far.
    #[error("it stands at {0} already")]
    Decided(&'static str),
    /// The ledger or the store is away.
    #[error("the ledger or the store is away: {0}")]
    Down(String),
    /// The time in which it could be done is over.
    #[error("its time is over")]
    Over,
    /// Nobody judges what they did themselves.
    #[error("it is of your own doing: somebody else has to decide on it")]
    Own,
    /// It takes another role.
    #[error("it takes another role")]
    Role,
    /// There is no such thing.
    #[error("there is no such thing")]
    Unknown,
    /// Nobody has approved it yet.
    #[error("nobody has approved it yet")]
    Waits,
}

impl From<JournalDown> for Failed {
    fn from(down: JournalDown) -> Failed {
        Failed::Down(down.0)
    }
}

impl From<StoreDown> for Failed {
    fn from(down: StoreDown) -> Failed {
        Failed::Down(down.0)
    }
}

/// An access that is to be judged, and what stands around it.
pub struct Context {
    /// The task.
    pub task: PrivacyTask,
    /// The steps of its review.
    pub reviews: Vec<Review>,
    /// The requests of its name.
    pub accounts: Vec<Account>,
    /// What the same people did with the same records from then on.
    pub since: Vec<Account>,
    /// Whose place is a secret.
    pub hidden: BTreeSet<String>,
}

/// Requests that were found, the latest first, and where the next page begins.
pub struct Page {
    /// The requests.
    pub accounts: Vec<(Found, Account)>,
    /// Whose place is a secret, among those they are about.
    pub hidden: BTreeSet<String>,
    /// Where the next page begins.
    pub next: Option<Found>,
}

/// What they did afterwards is shown this far.
const AFTERWARDS_MAX: usize = 200;

impl Room {
    /// Lets something be seen between two lines of the ledger, and enters who was among it.
    pub async fn shows<T, E: From<Failed>>(
        &self,
        trace: &RequestId,
        by: Who,
        what: &str,
        look: impl Future<Output = Result<(T, BTreeSet<String>), E>>,
    ) -> Result<Audited<T>, E> {
        let down = || Failed::Down("the ledger cannot be written".to_owned()).into();
        self.ledger.shows(trace, by, (&format!("privacy: {what}"), "desk.privacy"), look, down).await
    }

    /// A page of what a lookup finds; `count_max` of it is lines, so that requests may be fewer.
    pub async fn page(&self, lookup: &Lookup) -> Result<Page, Failed> {
        let ahead = Lookup { count_max: lookup.count_max.saturating_add(1), ..lookup.clone() };
        let mut places = self.reader.find(&ahead).await?;
        let next = (places.len() > lookup.count_max).then(|| places.pop()).flatten();
        let lines = self.reader.lines_of(&traces(&places)).await?;
        let mut accounts = found(&lookup.by, &places, &lines);
        let hidden = self.hidden(accounts.iter().map(|(_, account)| account)).await?;
        // Which source holds something of them is their place: by a source nobody is led to them.
        if matches!(lookup.by, By::Source(_)) {
            accounts.retain(|(_, account)| !account.is_hidden(&hidden));
        }
        Ok(Page { accounts, hidden, next })
    }

    /// Whose place is a secret, among those that requests are about.
    pub async fn hidden<'a>(&self, accounts: impl Iterator<Item = &'a Account>) -> Result<BTreeSet<String>, Failed> {
        let everybody: BTreeSet<&String> = accounts.flat_map(|account| &account.patients).collect();
        let mut hidden = BTreeSet::new();
        for patient in everybody {
            // What is not a person's id names nobody who could be known.
            let Ok(person) = patient.parse::<PersonId>() else { continue };
            if self.index.known(&person).await?.restricted {
                hidden.insert(patient.clone());
            }
        }
        Ok(hidden)
    }

    /// One access in context.
    pub async fn context(&self, id: &str) -> Result<Context, Failed> {
        let task = self.queue.privacy_task(id).await?.ok_or(Failed::Unknown)?;
        let reviews = self.queue.reviews(id).await?;
        let accounts = accounts(&self.reader.lines_of(std::slice::from_ref(&task.trace)).await?);
        let mut since = Vec::new();
        for patient in accounts.iter().flat_map(|account| &account.patients).collect::<BTreeSet<_>>() {
            let (by, now) = (By::Patient(patient.clone()), self.clock.now());
            let until = now.checked_add(jiff::SignedDuration::from_secs(1)).unwrap_or(now);
            let lookup = Lookup { by, since: task.raised, until, from: None, count_max: AFTERWARDS_MAX };
            let places = self.reader.find(&lookup).await?;
            let lines = self.reader.lines_of(&traces(&places)).await?;
            let theirs = |account: &Account| {
                let user = |one: &Account| one.by.as_ref().map(|who| (who.issuer.clone(), who.subject.clone()));
                account.trace != task.trace && accounts.iter().any(|one| user(one).is_some() && user(one) == user(account))
            };
            since.extend(found(&lookup.by, &places, &lines).into_iter().map(|(_, account)| account).filter(theirs));
        }
        since.reverse();
        let hidden = self.hidden(accounts.iter().chain(&since)).await?;
        Ok(Context { task, reviews, accounts, since, hidden })
    }

    /// Decides on an access; nobody does on their own.
    pub async fn decide(
        &self,
        trace: &RequestId,
        by: Who,
        id: &str,
        state: ReviewState,
        note: String,
    ) -> Result<Audited<PrivacyTask>, Failed> {
        let down = |_| Failed::Down("the ledger cannot be written".to_owned());
        let what = format!("privacy: decide {id}");
        let opened = Event::Opened { by: by.clone(), interaction: what, patient: String::new(), hops: Vec::new() };
        let entry = self.ledger.open(trace, opened).await.map_err(down)?;
        match self.decided(&by, id, state, note).await {
            Ok(task) => {
                let closing =
                    Event::Reviewed { by, task: task.id.clone(), request: task.trace.clone(), state: task.state.name().to_owned() };
                Ok(entry.close(task, closing).await)
            }
            Err(why) => {
                entry.close((), Event::refused(Some(by), "", why.to_string())).await;
                Err(why)
            }
        }
    }

    async fn decided(&self, by: &Who, id: &str, state: ReviewState, note: String) -> Result<PrivacyTask, Failed> {
        let task = self.queue.privacy_task(id).await?.ok_or(Failed::Unknown)?;
        let lines = self.reader.lines_of(std::slice::from_ref(&task.trace)).await?;
        let own = accounts(&lines).iter().filter_map(|account| account.by.as_ref()).any(|who| is_one(who, by));
        if own {
            return Err(Failed::Own);
        }
        if !task.state.may_become(state) {
            return Err(Failed::Decided(task.state.name()));
        }
        let reviewer = UserId { issuer: by.issuer.clone(), subject: by.subject.clone() };
        let id = uuid::Uuid::new_v4().to_string();
        let review = Review { id, at: self.clock.now(), state, reviewer, name: by.name.clone(), note };
        if self.queue.review(&task.id, task.state, &review).await? {
            return Ok(PrivacyTask { state, ..task });
        }
        let now = self.queue.privacy_task(&task.id).await?.ok_or(Failed::Unknown)?;
        Err(Failed::Decided(now.state.name()))
    }
}

/// Whether two are one person, whoever signed them in.
pub(super) fn is_one(one: &Who, other: &Who) -> bool {
    let national = one.sds_user_id.is_some() && one.sds_user_id == other.sds_user_id;
    national || (&one.issuer, &one.subject) == (&other.issuer, &other.subject)
}

/// The names of requests, each once.
pub fn traces(places: &[Found]) -> Vec<String> {
    places.iter().map(|(_, trace)| trace.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// All of time, for lookups without an end.
pub fn always() -> (Timestamp, Timestamp) {
    (Timestamp::UNIX_EPOCH, Timestamp::MAX)
}
