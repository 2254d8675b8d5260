//! What a privacy officer is to look at: accesses that rest on somebody's own word, and what the monitoring rules found.

use async_trait::async_trait;
use jiff::Timestamp;
use record::{RequestId, UserId};

use crate::StoreDown;

/// An access that a person is to judge. It names nobody: who, and whose record, stands in the lines of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivacyTask {
    /// Its own random reference: all that a notification tells.
    pub id: String,
    /// When it was raised.
    pub raised: Timestamp,
    /// Why it is here.
    pub kind: PrivacyKind,
    /// The request, as the ledger names it. It is the client's to choose, so it may lead to lines of others, too.
    pub trace: String,
    /// The rule that raised it.
    pub rule: String,
    /// The facts that made the rule fire, or the coded reason that was given; without anybody's particulars.
    pub reason: String,
    /// Where it stands now.
    pub state: ReviewState,
}

/// Why an access is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrivacyKind {
    /// Somebody broke the glass.
    Emergency,
    /// Somebody overrode an objection by law.
    LegalOverride,
    /// A monitoring rule fired.
    Monitoring,
    /// Somebody claimed a relationship by their own word.
    SelfClaimed,
}

/// Where the review of an access stands (summary care record: open, then justified, escalated or closed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReviewState {
    /// Looked at, and nothing is to follow: for the end.
    Closed,
    /// Somebody else has to look at it, too.
    Escalated,
    /// There was good reason for it: for the end.
    Justified,
    /// Nobody has decided yet.
    Open,
}

/// A step of a review. Steps are only ever added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its own random id: written twice, it stands once.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// To which state.
    pub state: ReviewState,
    /// Who decided.
    pub reviewer: UserId,
    /// Their name, as their token said it then.
    pub name: String,
    /// Why. Kept sealed: it may say more than it should.
    pub note: String,
}

/// Which tasks are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrivacyFilter {
    /// Only those that wait for a decision: open or escalated.
    pub waiting: bool,
    /// Only those of this kind.
    pub kind: Option<PrivacyKind>,
    /// After this one, by when they were raised and then by id.
    pub after: Option<(Timestamp, String)>,
    /// So many at most.
    pub count_max: usize,
}

impl PrivacyKind {
    /// Every kind.
    pub const ALL: [PrivacyKind; 4] =
        [PrivacyKind::Emergency, PrivacyKind::LegalOverride, PrivacyKind::Monitoring, PrivacyKind::SelfClaimed];

    /// Its name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            PrivacyKind::Emergency => "emergency",
            PrivacyKind::LegalOverride => "legal-override",
            PrivacyKind::Monitoring => "monitoring",
            PrivacyKind::SelfClaimed => "self-claimed",
        }
    }

    /// The kind of a name.
    pub fn of(name: &str) -> Option<PrivacyKind> {
        PrivacyKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl ReviewState {
    /// Every state.
    pub const ALL: [ReviewState; 4] = [ReviewState::Closed, ReviewState::Escalated, ReviewState::Justified, ReviewState::Open];

    /// Its name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            ReviewState::Closed => "closed",
            ReviewState::Escalated => "escalated",
            ReviewState::Justified => "justified",
            ReviewState::Open => "open",
        }
    }

    /// The state of a name.
    pub fn of(name: &str) -> Option<ReviewState> {
        ReviewState::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it may become the other: what was escalated is still to be decided; what is justified or closed stays so.
    pub fn may_become(self, other: ReviewState) -> bool {
        use ReviewState::{Closed, Escalated, Justified, Open};
        matches!((self, other), (Open, Closed | Escalated | Justified) | (Escalated, Closed | Justified))
    }
}

/// The privacy officer's queue.
#[async_trait]
pub trait PrivacyQueue: Send + Sync {
    /// Adds an open task; it is durable when this returns. One of an id that is there stays as it is: a rule that fires twice on the same
    /// facts raises one task.
    async fn raise(&self, task: &PrivacyTask) -> Result<(), StoreDown>;
    /// One task.
    async fn privacy_task(&self, id: &str) -> Result<Option<PrivacyTask>, StoreDown>;
    /// Tasks, the earliest first.
    async fn privacy_tasks(&self, filter: &PrivacyFilter) -> Result<Vec<PrivacyTask>, StoreDown>;
    /// Tasks of these requests.
    async fn privacy_tasks_of(&self, traces: &[String]) -> Result<Vec<PrivacyTask>, StoreDown>;
    /// The steps of a task's review, in order.
    async fn reviews(&self, id: &str) -> Result<Vec<Review>, StoreDown>;
    /// Adds a step to a task that stands at `from`; false where it does not stand there (any more), or is not there.
    async fn review(&self, id: &str, from: ReviewState, review: &Review) -> Result<bool, StoreDown>;
}

impl PrivacyTask {
    /// An open task under a fresh reference.
    pub fn open(kind: PrivacyKind, trace: &RequestId, rule: &str, reason: &str, raised: Timestamp) -> PrivacyTask {
        PrivacyTask {
            id: uuid::Uuid::new_v4().to_string(),
            raised,
            kind,
            trace: trace.as_str().to_owned(),
            rule: rule.to_owned(),
            reason: reason.to_owned(),
            state: ReviewState::Open,
        }
    }

    /// Tells whoever listens to the log's alerts: that there is something to look at, and by which reference. No patient and no user is named,
    /// nor the request, whose id a client chose.
    pub fn announce(&self) {
        tracing::warn!(alert = "privacy.task", task = %self.id, kind = self.kind.name(), "an access is to be looked at by a privacy officer");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decided_stays_decided() {
        let from_to = |from: ReviewState| -> Vec<&str> {
            ReviewState::ALL.into_iter().filter(|to| from.may_become(*to)).map(ReviewState::name).collect()
        };
        assert_eq!(from_to(ReviewState::Open), ["closed", "escalated", "justified"]);
        assert_eq!(from_to(ReviewState::Escalated), ["closed", "justified"]);
        assert!(from_to(ReviewState::Closed).is_empty() && from_to(ReviewState::Justified).is_empty());
    }

    #[test]
    fn names_lead_back() {
        assert!(PrivacyKind::ALL.iter().all(|kind| PrivacyKind::of(kind.name()) == Some(*kind)));
        assert!(ReviewState::ALL.iter().all(|state| ReviewState::of(state.name()) == Some(*state)));
        assert_eq!((PrivacyKind::of("Emergency"), ReviewState::of("")), (None, None));
    }
}
