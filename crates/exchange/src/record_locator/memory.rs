//! Whose pointer was seen to not long ago, or is about to be: so that nobody is seen to twice at once, nor with every read.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use record::PersonId;

/// People who wait, or are seen to, and when others were.
pub(super) struct Memory {
    again: Duration,
    people_max: usize,
    people: Mutex<People>,
}

/// When a person was seen to, and whether they have a pointer since.
type Seen = (jiff::Timestamp, bool);

/// Those who are done with are in two halves: when the younger is full, the elder is forgotten whole. That is no more than a saving:
/// whoever is forgotten is looked up once more, and nothing is doubled.
#[derive(Default)]
struct People {
    /// As many as the queue lets in: nobody of these is forgotten.
    busy: HashSet<PersonId>,
    younger: HashMap<PersonId, Seen>,
    elder: HashMap<PersonId, Seen>,
}

impl Memory {
    pub(super) fn new(again: Duration, people_max: usize) -> Memory {
        Memory { again, people_max, people: Mutex::default() }
    }

    /// Whether a person is to be seen to now, so that they have a pointer or have none; if so, nobody else hears the same until it is
    /// done, or given up, with them.
    pub(super) fn begin(&self, person: &PersonId, present: bool, now: jiff::Timestamp) -> bool {
        let mut people = self.people();
        let known = people.younger.get(person).or_else(|| people.elder.get(person));
        if known.is_some_and(|(since, has)| *has == present && now.duration_since(*since).unsigned_abs() < self.again) {
            return false;
        }
        people.busy.insert(person.clone())
    }

    /// A person was seen to: they are left alone for a while.
    pub(super) fn done(&self, person: &PersonId, present: bool, now: jiff::Timestamp) {
        let mut people = self.people();
        if people.younger.len() >= self.people_max / 2 {
            people.elder = std::mem::take(&mut people.younger);
        }
        people.elder.remove(person);
        people.younger.insert(person.clone(), (now, present));
        people.busy.remove(person);
    }

    /// It was given up with a person: they are to be seen to with the next read.
    pub(super) fn give_up(&self, person: &PersonId) {
        self.people().busy.remove(person);
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(number: usize) -> PersonId {
        format!("p-{number}").parse().expect("a person id")
    }

    fn at(seconds: i64) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_person_is_seen_to_once_in_a_while() {
        let memory = Memory::new(Duration::from_secs(60), 100);
        let begin = |seconds| memory.begin(&person(1), true, at(seconds));
        assert!(begin(0));
        assert!(!begin(0) && !begin(1_000), "one at a time, however long it takes");
        memory.done(&person(1), true, at(1_000));
        assert!(!begin(1_000) && !begin(1_059));
        assert!(begin(1_060));
        memory.give_up(&person(1));
        assert!(begin(1_061));
        memory.done(&person(1), true, at(1_061));
        assert!(memory.begin(&person(1), false, at(1_062)), "whoever is restricted now is not left alone");
        memory.done(&person(1), false, at(1_062));
        assert!(!memory.begin(&person(1), false, at(1_063)));
    }

    #[test]
    fn it_does_not_grow_and_forgets_the_elder_first() {
        let memory = Memory::new(Duration::from_secs(60), 10);
        assert!(memory.begin(&person(2_000), true, at(0)));
        (0..1_000).for_each(|number| {
            assert!(memory.begin(&person(number), true, at(0)));
            memory.done(&person(number), true, at(0));
        });
        let people = memory.people();
        assert!(people.younger.len() + people.elder.len() <= 10 && people.busy.len() == 1);
        drop(people);
        assert!(!memory.begin(&person(999), true, at(0)) && memory.begin(&person(0), true, at(0)));
        assert!(!memory.begin(&person(2_000), true, at(0)), "whoever waits is not forgotten");
    }
}
