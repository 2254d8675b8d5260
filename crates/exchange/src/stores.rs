//! What the journey needs kept: people, claims, minted ids, plans. `store` implements these.

use access::{ClaimKind, Tie, TieKind};
use async_trait::async_trait;
use fhir::Kind;
use record::{NhsNumber, PersonId, Plan, RequestId, SourceId, UserId};

/// The store is away or broken. The cause is in the store's own log; no caller is told more.
#[derive(Debug, thiserror::Error)]
#[error("the store did not answer: {0}")]
pub struct StoreDown(pub String);

/// Persons and their numbers.
#[async_trait]
pub trait People: Send + Sync {
    /// The person of a number; minted, random and stable, when new.
    async fn person_of(&self, number: &NhsNumber) -> Result<PersonId, StoreDown>;
    /// The person of a number, if one was minted.
    async fn known(&self, number: &NhsNumber) -> Result<Option<PersonId>, StoreDown>;
    /// Whether the store can be written.
    async fn ready(&self) -> Result<(), StoreDown>;
    /// The number of a person; `None` for an id never minted.
    async fn number_of(&self, person: &PersonId) -> Result<Option<NhsNumber>, StoreDown>;
}

/// Claims of a relationship or an emergency that were granted.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Keeps a claim until it ends; it is durable when this returns.
    async fn keep(&self, claim: KeptClaim) -> Result<(), StoreDown>;
    /// A claim ends now, if it has not.
    async fn end(&self, person: &PersonId, id: &str, now: jiff::Timestamp) -> Result<(), StoreDown>;
    /// Emergencies that are over and whose end was not entered, nor is being: so many at most. With each, whether somebody tried before.
    async fn ended(&self, now: jiff::Timestamp, count_max: usize) -> Result<Vec<(KeptClaim, bool)>, StoreDown>;
    /// Takes it on to enter an end; false where somebody else did, and may be at it until their lease is over.
    async fn lease(&self, claim: &KeptClaim, now: jiff::Timestamp, until: jiff::Timestamp) -> Result<bool, StoreDown>;
    /// The end of an emergency was entered.
    async fn entered(&self, person: &PersonId, id: &str) -> Result<(), StoreDown>;
    /// Claims of this user for this person that have not ended.
    async fn of(&self, person: &PersonId, user: &UserId, now: jiff::Timestamp) -> Result<Vec<KeptClaim>, StoreDown>;
}

/// What ties persons to organisations, as far as sources showed it: codes and times, and nothing of the record.
#[async_trait]
pub trait Ties: Send + Sync {
    /// What ties a person to anybody, and which source said so. Some may be over.
    async fn ties(&self, person: &PersonId) -> Result<Vec<(SourceId, Tie)>, StoreDown>;
    /// What sources say now of kinds of ties, all of it or nothing; what each said of that kind before is forgotten.
    async fn keep_ties(&self, person: &PersonId, said: &[(SourceId, TieKind, Vec<Tie>)]) -> Result<(), StoreDown>;
}

/// What may be used once only: what clients and launching systems sign. One list for all nodes.
#[async_trait]
pub trait Spent: Send + Sync {
    /// Spends it: whether nobody had before. It is remembered until `until`, and longer than the nodes' clocks may differ.
    async fn spend(&self, id: [u8; 32], until: jiff::Timestamp, now: jiff::Timestamp) -> Result<bool, StoreDown>;
}

/// How long what was spent is remembered after it could be used for the last time: clocks of nodes differ.
pub const SPENT_REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// A granted claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptClaim {
    /// Its own random id.
    pub id: String,
    /// About whom.
    pub person: PersonId,
    /// By whom.
    pub user: UserId,
    /// For which organisation.
    pub organisation: record::OdsCode,
    /// By which application, where the token said it.
    pub client: Option<String>,
    /// What was claimed.
    pub kind: ClaimKind,
    /// The coded reason.
    pub reason: String,
    /// The request that it was claimed by.
    pub trace: RequestId,
    /// When it began.
    pub from: jiff::Timestamp,
    /// When it ends.
    pub until: jiff::Timestamp,
}

/// A minted id and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MintedId {
    /// The R4 type.
    pub kind: Kind,
    /// The minted id.
    pub id: String,
    /// About whom.
    pub person: PersonId,
    /// Whose resource.
    pub source: SourceId,
    /// The type as the source names it.
    pub source_kind: String,
    /// The source's id, if it has one.
    pub source_id: Option<String>,
}

/// A minted id met in a person's record, as it is about to be kept: [`MintedId`] without the person, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Met<'a> {
    /// The R4 type.
    pub kind: Kind,
    /// The minted id.
    pub id: &'a str,
    /// Whose resource.
    pub source: &'a SourceId,
    /// The type as the source names it.
    pub source_kind: &'a str,
    /// The source's id, if it has one.
    pub source_id: Option<&'a str>,
}

/// Minted ids.
#[async_trait]
pub trait Minted: Send + Sync {
    /// Keeps the ids of a person's record; those already kept stay as they are.
    async fn keep_ids(&self, person: &PersonId, ids: &[Met<'_>]) -> Result<(), StoreDown>;
    /// What an id stands for: one for each person in whose record it was met (a practitioner is met in many).
    async fn resolve(&self, kind: Kind, id: &str) -> Result<Vec<MintedId>, StoreDown>;
}

/// Plans of reads, for `$plan`.
#[async_trait]
pub trait Plans: Send + Sync {
    /// Keeps the plan of a user's request. Request ids are chosen by clients: another user's of the same id stays.
    async fn keep_plan(
        &self,
        request: &RequestId,
        person: &PersonId,
        user: &UserId,
        plan: &Plan,
        until: jiff::Timestamp,
    ) -> Result<(), StoreDown>;
    /// The plan of a request about a person that this user made.
    async fn plan_of(&self, request: &RequestId, person: &PersonId, user: &UserId, now: jiff::Timestamp)
    -> Result<Option<Plan>, StoreDown>;
}
