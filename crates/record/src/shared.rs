//! The joined record.

use crate::{Item, PersonId, Plan, Quarantined, SourceId};

/// How sure it is that a cluster's members say the same; the weakest link's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Same source, same id: versions of one resource.
    T0,
    /// Same globally unique business identifier: relayed.
    T1,
    /// Equal canonical content: duplicate.
    T2,
    /// Equal clinical key: grouped for display.
    T3,
    /// A hint, never a grouping.
    T4,
}

impl Tier {
    /// `T0` to `T4`.
    pub fn code(self) -> &'static str {
        ["T0", "T1", "T2", "T3", "T4"][self as usize]
    }
}

/// What became of an item in the joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Shown, in no cluster.
    Single,
    /// Shown, member of a cluster of two or more.
    Clustered,
    /// Behind the representative of its cluster, as the reader asked.
    Collapsed,
    /// An older version of a resource shown.
    History,
}

/// Items that say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Keyed hash of its sorted member ids: the same on every read.
    pub id: String,
    /// Its weakest link.
    pub tier: Tier,
    /// Index into [`SharedRecord::items`] of the one that stands for the rest.
    pub representative: usize,
    /// Indices of all members, the representative too, in order of id.
    pub members: Vec<usize>,
    /// Members that lag behind their owner: shown as "older copy".
    pub lagging: Vec<usize>,
    /// Whether the owner retracted the fact: every member is marked "retracted by its author".
    pub retracted: bool,
    /// Why, in words: the key, without values a caller may not see.
    pub why: String,
}

/// Items that speak of the same and contradict. Both shown, never resolved here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Keyed hash of its sorted member ids.
    pub id: String,
    /// What differs: `criticality`, `verification-status`, `status`, `dose`, `value`, `laterality`, `lot`, `dose-number`, `recommendation`, `negation`.
    pub code: &'static str,
    /// Indices of the items, riskier first. An order, not advice.
    pub members: Vec<usize>,
    /// Why, in words.
    pub why: String,
}

/// Items that may belong together: shown beside, never grouped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Indices of the items.
    pub members: Vec<usize>,
    /// Why, in words.
    pub why: String,
}

/// Many charts as one.
#[derive(Debug, Clone)]
pub struct SharedRecord {
    /// Whose.
    pub person: PersonId,
    /// Every item shown or kept as history, source Patients too, in the answer's order: undated first, then by clinical date, newest first.
    pub items: Vec<Item>,
    /// What became of each item, by index.
    pub fates: Vec<Fate>,
    /// Clusters of two or more.
    pub clusters: Vec<Cluster>,
    /// Conflicts.
    pub conflicts: Vec<Conflict>,
    /// Hints.
    pub hints: Vec<Hint>,
    /// Kept from the reader.
    pub quarantined: Vec<(SourceId, Quarantined)>,
    /// Source and type of what permission withheld. Callers other than operations and privacy officers see one boolean a source.
    pub withheld: Vec<(SourceId, fhir::Kind)>,
    /// How each source and type ended.
    pub plan: Plan,
}

/// The four states of a list; a list is never just empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AllergyState {
    /// Something live is known.
    Known,
    /// A clinician said there is none.
    NoKnown,
    /// Opened, holds nothing.
    NotRecorded,
    /// Could not or may not be looked at.
    Unavailable,
}

impl AllergyState {
    /// The code on the wire.
    pub fn code(self) -> &'static str {
        match self {
            AllergyState::Known => "known",
            AllergyState::NoKnown => "no-known",
            AllergyState::NotRecorded => "not-recorded",
            AllergyState::Unavailable => "unavailable",
        }
    }
}
