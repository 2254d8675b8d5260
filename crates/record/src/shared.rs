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
    /// Whether its members may stand behind the representative: not where one has a qualifier we cannot read, nor for plans.
    pub collapses: bool,
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

impl SharedRecord {
    /// Items that are joined with nothing.
    pub fn of(person: PersonId, items: Vec<Item>) -> SharedRecord {
        let fates = vec![Fate::Single; items.len()];
        let (clusters, conflicts, hints, quarantined, withheld, plan) = Default::default();
        SharedRecord { person, items, fates, clusters, conflicts, hints, quarantined, withheld, plan }
    }

    /// Takes items out, and out of every cluster, conflict and hint; what is left of those with fewer than two goes too.
    /// `kept` says of each item, by index, whether it stays.
    pub fn retain(&mut self, kept: &[bool]) {
        let mut places = vec![None; kept.len()];
        let mut next = 0;
        for (index, kept) in kept.iter().enumerate() {
            if *kept {
                places[index] = Some(next);
                next += 1;
            }
        }
        let mut stays = kept.iter();
        self.items.retain(|_| stays.next().is_none_or(|stays| *stays));
        let mut stays = kept.iter();
        self.fates.retain(|_| stays.next().is_none_or(|stays| *stays));
        let renumber = |members: &mut Vec<usize>| *members = members.iter().filter_map(|member| places[*member]).collect();
        for cluster in &mut self.clusters {
            renumber(&mut cluster.members);
            renumber(&mut cluster.lagging);
            cluster.representative = places[cluster.representative].or(cluster.members.first().copied()).unwrap_or(0);
        }
        self.clusters.retain(|cluster| cluster.members.len() > 1);
        for conflict in &mut self.conflicts {
            renumber(&mut conflict.members);
        }
        self.conflicts.retain(|conflict| conflict.members.len() > 1);
        for hint in &mut self.hints {
            renumber(&mut hint.members);
        }
        self.hints.retain(|hint| hint.members.len() > 1);
    }
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
