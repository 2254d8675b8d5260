//! The locator: which sources hold whom. A plain table that each answer fills.

use access::Admission;
use async_trait::async_trait;
use record::{NhsNumber, SourceId};

/// The locator's store is away. The read goes on and asks everybody.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the locator did not answer: {0}")]
pub struct LocatorDown(pub String);

/// What a source was last heard to hold of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The source.
    pub source: SourceId,
    /// Whether it knew the person.
    pub holds: bool,
    /// The ids it used for them.
    pub local_ids: Vec<String>,
    /// When it said so.
    pub heard: jiff::Timestamp,
}

/// What a source said in one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The source.
    pub source: SourceId,
    /// Whether it knew the person: an empty answer is an answer.
    pub holds: bool,
    /// The ids it used for them.
    pub local_ids: Vec<String>,
}

/// The table. Rows say only what sources themselves answered.
#[async_trait]
pub trait Locator: Send + Sync {
    /// What is known of who holds this person.
    async fn located(&self, admission: &Admission, number: &NhsNumber) -> Result<Vec<Located>, LocatorDown>;
    /// Writes down what was heard.
    async fn heard(&self, number: &NhsNumber, heard: Vec<Heard>, now: jiff::Timestamp) -> Result<(), LocatorDown>;
}
