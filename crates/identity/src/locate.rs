//! The locator: which sources hold whom. A plain table that each answer fills.

use access::Admission;
use async_trait::async_trait;
use fhir::Kind;
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
    /// What it said of each type that it was asked for, whenever that was, in order of types.
    pub categories: Vec<Category>,
    /// When it last said whether it knows them.
    pub heard: jiff::Timestamp,
}

/// What a source said that it holds of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// The type.
    pub kind: Kind,
    /// Whether it holds any: asked and empty is not the same as never asked, for which there is no category.
    pub holds: bool,
    /// The newest clinical date of its content, if any of it is dated.
    pub newest: Option<jiff::civil::Date>,
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
    /// What it said of each type that it was asked for and answered for.
    pub categories: Vec<Category>,
}

/// The table. Rows say only what sources themselves said.
#[async_trait]
pub trait Locator: Send + Sync {
    /// What is known of who holds this person: what sources answered, and the entries that they gave. A source that said that it does
    /// not know them, and gave an entry of them later, holds them.
    async fn located(&self, admission: &Admission, number: &NhsNumber) -> Result<Vec<Located>, LocatorDown>;
    /// Writes down what was heard, a miss as such. Types that were not asked for stay as they were last heard.
    async fn heard(&self, number: &NhsNumber, heard: Vec<Heard>, now: jiff::Timestamp) -> Result<(), LocatorDown>;
}
