//! The person index in memory: from a number, an entry's id, or a name with birth date and address to the person.
//!
//! Truth is in the [`crate::Register`]; this is a copy that answers in the time of a key press. Readers never wait for a writer.
//!
//! ```
//! use people::index::Index;
//!
//! let index = Index::new();
//! assert!(index.person_of(&"9990000018".parse().unwrap()).is_none());
//! ```

mod keys;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use record::{NhsNumber, PersonId};
use rustc_hash::FxHashMap;

use crate::matching::{Fields, Folded};
use crate::{EntryKey, Person};

/// The index. Cheap to clone: clones are the same index.
#[derive(Clone, Default)]
pub struct Index(Arc<RwLock<State>>);

#[derive(Default)]
struct State {
    persons: FxHashMap<PersonId, Arc<Held>>,
    numbers: FxHashMap<NhsNumber, BTreeSet<(bool, PersonId)>>,
    homes: FxHashMap<EntryKey, BTreeSet<PersonId>>,
    keys: FxHashMap<u32, BTreeSet<PersonId>>,
}

struct Held {
    restricted: bool,
    numbers: Vec<(NhsNumber, bool)>,
    entries: Vec<EntryKey>,
    profiles: Vec<Folded>,
    keys: BTreeSet<u32>,
}

/// Somebody who may be meant.
#[derive(Clone)]
pub struct Candidate {
    /// Who.
    pub person: PersonId,
    /// Whether they are restricted: nobody may learn from a search that they exist.
    pub restricted: bool,
    held: Arc<Held>,
}

impl std::fmt::Debug for Candidate {
    /// Who somebody is stands in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Candidate({}, redacted)", self.person)
    }
}

impl Candidate {
    /// Who they are, as their entries say: each different saying once, to be compared with what was asked.
    pub fn profiles(&self) -> impl Iterator<Item = Fields<'_>> {
        self.held.profiles.iter().map(Folded::fields)
    }
}

impl Index {
    /// An index of nobody.
    pub fn new() -> Index {
        Index::default()
    }

    /// How many persons it holds.
    pub fn count(&self) -> usize {
        self.read(|state| state.persons.len())
    }

    /// Whose a number is. One that stands goes before one that was superseded; of several persons, which is a confusion for a steward,
    /// the one with the first id.
    pub fn person_of(&self, number: &NhsNumber) -> Option<PersonId> {
        self.read(|state| state.numbers.get(number)?.first().map(|(_, id)| id.clone()))
    }

    /// Whose an entry is.
    pub fn home(&self, key: &EntryKey) -> Option<PersonId> {
        self.read(|state| state.homes.get(key)?.first().cloned())
    }

    /// One person, to be compared with.
    pub fn candidate(&self, id: &PersonId) -> Option<Candidate> {
        self.read(|state| state.candidate(id))
    }

    /// Those who may be meant, the likeliest first as far as that is seen before anything is compared; at most so many.
    pub fn candidates(&self, query: &Fields<'_>, count_max: usize) -> Vec<Candidate> {
        self.read(|state| {
            let mut found: FxHashMap<&PersonId, u32> = FxHashMap::default();
            keys::each(query, |key| {
                for id in state.keys.get(&key.digest).into_iter().flatten() {
                    *found.entry(id).or_default() += key.kind.weight();
                }
            });
            let mut ranked: Vec<_> = found.into_iter().collect();
            ranked.sort_by(|(one, less), (other, more)| more.cmp(less).then(one.cmp(other)));
            ranked.into_iter().take(count_max).filter_map(|(id, _)| state.candidate(id)).collect()
        })
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
    /// another needs both here.
    pub fn change(&self, put: &[Person], remove: &[PersonId]) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        remove.iter().for_each(|id| state.remove(id));
        put.iter().for_each(|person| state.put(person));
    }

    fn read<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn candidate(&self, id: &PersonId) -> Option<Candidate> {
        let held = self.persons.get(id)?;
        Some(Candidate { person: id.clone(), restricted: held.restricted, held: held.clone() })
    }

    fn put(&mut self, person: &Person) {
        self.remove(&person.id);
        let profiles: Vec<Folded> = person.entries.iter().map(|entry| Folded::of(&entry.demographics)).collect();
        let mut keys = BTreeSet::new();
        for profile in &profiles {
            keys::each(&profile.fields(), |key| keys.extend([key.digest]));
        }
        let stands = person.number.iter().map(|number| (*number, false));
        let numbers: Vec<_> = stands.chain(person.superseded.iter().map(|number| (*number, true))).collect();
        let entries: Vec<_> = person.entries.iter().map(|entry| entry.key.clone()).collect();
        for (number, superseded) in &numbers {
            self.numbers.entry(*number).or_default().insert((*superseded, person.id.clone()));
        }
        for key in &entries {
            self.homes.entry(key.clone()).or_default().insert(person.id.clone());
        }
        for key in &keys {
            self.keys.entry(*key).or_default().insert(person.id.clone());
        }
        let held = Held { restricted: person.restricted, numbers, entries, profiles, keys };
        self.persons.insert(person.id.clone(), Arc::new(held));
    }

    fn remove(&mut self, id: &PersonId) {
        let Some(held) = self.persons.remove(id) else { return };
        for (number, superseded) in &held.numbers {
            if let Some(persons) = self.numbers.get_mut(number) {
                persons.remove(&(*superseded, id.clone()));
            }
        }
        for key in &held.entries {
            if let Some(persons) = self.homes.get_mut(key) {
                persons.remove(id);
            }
        }
        for key in &held.keys {
            if let Some(persons) = self.keys.get_mut(key) {
                persons.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
