//! The person index in memory: from a number, an entry's id, or a name with birth date and address to the person.
//!
//! Truth is in the [`crate::Register`]; this is a copy that answers in the time of a key press. It holds what is compared and nothing to
//! be shown: texts are folded, addresses are without their use.
//!
//! ```
//! use people::index::Index;
//!
//! let index = Index::new();
//! assert!(index.person_of(&"9990000018".parse().unwrap()).is_none());
//! ```
//!
//! | word | meaning |
//! |---|---|
//! | *run* | persons in order of their ids, packed; never changed |
//! | *segment* | a run of the base: all persons from one id to the next segment's first |
//! | *layer* | a run of what changed since, and who is gone; it lies above older layers and the base |
//! | *fold* | to make new segments of old ones and the layers above |
//! | *profile* | what one or several entries of a person say of them in the same words |
//!
//! Readers look at one list of segments and layers, which nobody changes; a writer puts another list in its place. So no reader waits, and
//! none sees half of a change.

mod arrays;
mod bytes;
mod dictionary;
mod fill;
mod ids;
pub(crate) mod keys;
mod locator;
mod profile;
mod run;
mod seal;
mod search;
mod snapshot;
mod stack;
mod stored;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use record::{NhsNumber, PersonId};

pub use fill::{Filler, Progress};
pub use locator::{Categories, Category, Holding, Locator, LocatorFiller};
pub use search::Found;
pub use snapshot::SnapshotRefused;

use self::run::Run;
use self::stack::Shared;
use crate::matching::Fields;
use crate::{EntryKey, Person};

/// What the index may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Persons in one segment. Folding makes one segment at a time, which is how much memory it takes beside; a search looks at each.
    pub segment_persons_max: usize,
    /// Persons that are looked at in one search because they share something with what is asked. What more people share than are left of
    /// this (a common name on a common day) finds nobody by itself, and only tells those that were found apart.
    pub search_persons_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { segment_persons_max: 1 << 19, search_persons_max: 3000 }
    }
}

/// The index. Cheap to clone: clones are the same index.
#[derive(Clone)]
pub struct Index {
    shared: Arc<Shared<Run>>,
    limits: Limits,
}

impl Default for Index {
    fn default() -> Index {
        Index::with(Limits::default())
    }
}

/// Somebody who may be meant.
#[derive(Clone)]
pub struct Candidate {
    /// Who.
    pub person: PersonId,
    /// Whether they are restricted: nobody may learn from a search that they exist.
    pub restricted: bool,
    /// Whether their number is under investigation: nothing is linked to them meanwhile.
    pub investigated: bool,
    run: Arc<Run>,
    ordinal: u32,
}

impl std::fmt::Debug for Candidate {
    /// Who somebody is stands in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Candidate({}, redacted)", self.person)
    }
}

impl Candidate {
    fn of(run: &Arc<Run>, ordinal: u32, person: PersonId) -> Candidate {
        let head = run.head(ordinal).0;
        Candidate { person, restricted: head.restricted, investigated: head.investigated, run: run.clone(), ordinal }
    }

    /// The number that stands.
    pub fn number(&self) -> Option<NhsNumber> {
        self.run.head(self.ordinal).0.number.and_then(profile::number)
    }

    /// Whether a number is one that was superseded by theirs.
    pub fn is_superseded(&self, number: &NhsNumber) -> bool {
        self.run.of_number(number).any(|(superseded, ordinal)| superseded && ordinal == self.ordinal)
    }

    /// Who they are, as their entries say: each different saying once, to be compared with what was asked.
    pub fn profiles(&self) -> impl Iterator<Item = Fields<'_>> {
        self.run.profiles(self.ordinal).map(|profile| profile.fields())
    }

    /// Their entries.
    pub fn entries(&self) -> Vec<EntryKey> {
        self.run.keys_of(self.ordinal)
    }
}

impl Index {
    /// An index of nobody.
    pub fn new() -> Index {
        Index::default()
    }

    /// An index of nobody, with other limits than the default ones.
    pub fn with(limits: Limits) -> Index {
        Index { shared: Arc::new(Shared::new(limits.segment_persons_max)), limits }
    }

    /// Another index of nobody, with the same limits.
    pub fn another(&self) -> Index {
        Index::with(self.limits)
    }

    /// Holds from now on what another holds, and nothing else. No reader sees a part of either.
    pub fn become_as(&self, other: &Index) {
        self.shared.become_as(&other.shared);
    }

    /// Whose a number is. One that stands goes before one that was superseded; of several persons, which is a confusion for a steward,
    /// the one with the first id.
    pub fn person_of(&self, number: &NhsNumber) -> Option<PersonId> {
        let stack = self.shared.read();
        let mut best: Option<(bool, PersonId)> = None;
        for (depth, run) in stack.runs() {
            for (superseded, ordinal) in run.of_number(number) {
                let Some(id) = run.ids.id(ordinal) else { continue };
                let better = best.as_ref().is_none_or(|(worse, other)| (superseded, &id) < (*worse, other));
                if better && !stack.is_replaced(depth, &id) {
                    best = Some((superseded, id));
                }
            }
        }
        best.map(|(_, id)| id)
    }

    /// Whose an entry is; where two persons have it, the one with the first id.
    pub fn home(&self, key: &EntryKey) -> Option<PersonId> {
        let stack = self.shared.read();
        let places = stack.runs().flat_map(|(depth, run)| run.of_entry(key).map(move |ordinal| (depth, run, ordinal)));
        let ids = places.filter_map(|(depth, run, ordinal)| Some((depth, run.ids.id(ordinal)?)));
        ids.filter(|(depth, id)| !stack.is_replaced(*depth, id)).map(|(_, id)| id).min()
    }

    /// One person, to be compared with.
    pub fn candidate(&self, id: &PersonId) -> Option<Candidate> {
        let stack = self.shared.read();
        let (run, ordinal) = stack.find(id)?;
        Some(Candidate::of(run, ordinal, id.clone()))
    }

    /// Those who may be meant, the likeliest first as far as that is seen before anything is compared; at most so many.
    pub fn candidates(&self, query: &Fields<'_>, count_max: usize) -> Vec<Candidate> {
        self.search(query, count_max).candidates
    }

    /// The same, and whether others were passed over.
    pub fn search(&self, query: &Fields<'_>, count_max: usize) -> Found {
        search::search(&self.shared.read(), query, count_max, self.limits.search_persons_max)
    }

    /// Takes a person in: it replaces everything that was held of them.
    pub fn put(&self, person: &Person) {
        self.change(std::slice::from_ref(person), &[]);
    }

    /// Forgets a person.
    pub fn remove(&self, id: &PersonId) {
        self.change(&[], std::slice::from_ref(id));
    }

    /// Takes persons in and forgets others, all at once: no reader sees one without the other. An entry that moves from one person to
    /// another needs both here. Of a person that is in both, or twice, the last that is to be taken in counts.
    pub fn change(&self, put: &[Person], remove: &[PersonId]) {
        let put: BTreeMap<&PersonId, &Person> = put.iter().map(|person| (&person.id, person)).collect();
        let mut builder = run::Builder::default();
        put.values().for_each(|person| builder.add(person));
        let mut gone: Vec<PersonId> = remove.iter().filter(|id| !put.contains_key(id)).cloned().collect();
        gone.sort_unstable();
        gone.dedup();
        self.shared.push(builder.finish(), gone);
    }

    /// How many persons were put or removed since the base was made: when it is time to [`Index::fold`].
    pub fn pending(&self) -> usize {
        self.shared.pending()
    }

    /// Folds what changed into the base: some microseconds for each person of the segments that changed, on the caller's thread; readers
    /// and writers go on meanwhile. Returns how many segments were made anew.
    pub fn fold(&self) -> usize {
        self.shared.fold()
    }

    /// How many persons the base holds: all of them when nothing is [`Index::pending`].
    pub fn count(&self) -> usize {
        self.shared.read().segments.iter().map(|segment| segment.run.ids.count()).sum()
    }
}

#[cfg(test)]
mod tests;
