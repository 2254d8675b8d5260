//! A register in memory, as plainly as it can be written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use record::{NhsNumber, PersonId};

use crate::{Change, Entry, EntryKey, Event, News, NotWritten, Page, Person, Position, Register, RegisterDown, Task, TaskFilter, TaskId};

#[derive(Default, Clone)]
pub struct Kept {
    pub persons: BTreeMap<PersonId, Person>,
    pub entries: BTreeMap<EntryKey, (PersonId, Entry)>,
    pub numbers: BTreeMap<NhsNumber, PersonId>,
    pub apart: BTreeSet<(EntryKey, EntryKey)>,
    pub events: Vec<Event>,
    pub tasks: BTreeMap<TaskId, Task>,
    pub loaded: BTreeMap<String, u64>,
    pub cut: BTreeSet<NhsNumber>,
    pub position: Position,
    /// After how many batches a person changed last.
    pub changed: BTreeMap<PersonId, u64>,
}

/// What is kept, and whether it is slow to write.
#[derive(Default)]
pub struct Memory(pub Mutex<Kept>, pub std::sync::atomic::AtomicBool);

impl Kept {
    fn person(&self, id: &PersonId) -> Option<Person> {
        let mut person = self.persons.get(id)?.clone();
        person.entries = self.entries.values().filter(|(home, _)| home == id).map(|(_, entry)| entry.clone()).collect();
        Some(person)
    }

    fn changes(&mut self, batch: &[Change]) {
        self.position = Position { batches: self.position.batches + 1, last: uuid::Uuid::new_v4() };
        let mut persons = BTreeSet::new();
        for change in batch {
            match change {
                Change::Person(person) => drop(persons.insert(person.id.clone())),
                Change::Purge(person, _) => drop(persons.insert(person.clone())),
                Change::Put(person, entry) => {
                    persons.insert(person.clone());
                    persons.extend(self.entries.get(&entry.key).map(|(from, _)| from.clone()));
                }
                _ => {}
            }
        }
        self.changed.extend(persons.into_iter().map(|person| (person, self.position.batches)));
    }

    fn apply(&mut self, batch: Vec<Change>) {
        self.changes(&batch);
        let pair = |one: EntryKey, other: EntryKey| if one < other { (one, other) } else { (other, one) };
        let (persons, rest): (Vec<Change>, Vec<Change>) = batch.into_iter().partition(|change| matches!(change, Change::Person(_)));
        let has = |person: &Person, number: &NhsNumber| person.number == Some(*number) || person.superseded.contains(number);
        for change in &persons {
            let Change::Person(person) = change else { continue };
            self.numbers.retain(|number, owner| *owner != person.id || has(person, number));
        }
        for change in persons {
            let Change::Person(person) = change else { continue };
            for number in person.superseded.iter().chain(&person.number) {
                self.numbers.insert(*number, person.id.clone());
            }
            self.persons.insert(person.id.clone(), Person { entries: Vec::new(), ..person });
        }
        for change in rest {
            match change {
                Change::Apart(_, one, other) => drop(self.apart.insert(pair(one, other))),
                Change::Cut(number) => drop(self.cut.insert(number)),
                Change::Event(event) => self.events.push(event),
                Change::Loaded(file, rows) => drop(self.loaded.insert(file, rows)),
                Change::Person(_) => {}
                Change::Purge(person, number) => {
                    self.numbers.retain(|own, owner| own != &number || *owner != person);
                    if let Some(person) = self.persons.get_mut(&person) {
                        person.number = person.number.filter(|own| *own != number);
                        person.superseded.retain(|own| *own != number);
                    }
                }
                Change::Put(person, entry) => drop(self.entries.insert(entry.key.clone(), (person, entry))),
                Change::Task(task) => drop(self.tasks.insert(task.id.clone(), task)),
                Change::Together(_, one, other) => drop(self.apart.remove(&pair(one, other))),
            }
        }
    }
}

#[async_trait]
impl Register for Memory {
    async fn page(&self, after: Option<&PersonId>, persons_max: usize) -> Result<Page, RegisterDown> {
        let kept = self.0.lock().unwrap();
        let ids: Vec<PersonId> =
            kept.persons.keys().filter(|id| after.is_none_or(|after| *id > after)).take(persons_max).cloned().collect();
        let next = (ids.len() == persons_max).then(|| ids[ids.len() - 1].clone());
        Ok(Page { persons: ids.iter().filter_map(|id| kept.person(id)).collect(), total: None, next })
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, RegisterDown> {
        Ok(self.0.lock().unwrap().person(id))
    }

    async fn home(&self, key: &EntryKey) -> Result<Option<PersonId>, RegisterDown> {
        Ok(self.0.lock().unwrap().entries.get(key).map(|(home, _)| home.clone()))
    }

    async fn of_number(&self, number: &NhsNumber) -> Result<Option<PersonId>, RegisterDown> {
        Ok(self.0.lock().unwrap().numbers.get(number).cloned())
    }

    async fn cut_among(&self, numbers: &[NhsNumber]) -> Result<Vec<NhsNumber>, RegisterDown> {
        let kept = self.0.lock().unwrap();
        Ok(numbers.iter().filter(|number| kept.cut.contains(number)).copied().collect())
    }

    async fn apply(&self, batch: Vec<Change>, at: Option<Position>) -> Result<Position, NotWritten> {
        if self.1.load(std::sync::atomic::Ordering::SeqCst) {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        let mut kept = self.0.lock().unwrap();
        if at.is_some_and(|at| at != kept.position) {
            return Err(NotWritten::Behind);
        }
        kept.apply(batch);
        Ok(kept.position)
    }

    async fn position(&self) -> Result<Position, RegisterDown> {
        Ok(self.0.lock().unwrap().position)
    }

    async fn since(&self, position: Position, _: usize) -> Result<Option<News>, RegisterDown> {
        let kept = self.0.lock().unwrap();
        let changed = kept.changed.iter().filter(|(_, at)| **at > position.batches);
        Ok(Some(News { persons: changed.filter_map(|(id, _)| kept.person(id)).collect(), position: kept.position }))
    }

    async fn history(&self, person: &PersonId) -> Result<Vec<Event>, RegisterDown> {
        Ok(self.0.lock().unwrap().events.iter().filter(|event| event.person == *person).cloned().collect())
    }

    async fn apart(&self, _: &PersonId, key: &EntryKey) -> Result<Vec<EntryKey>, RegisterDown> {
        let kept = self.0.lock().unwrap();
        let others = kept.apart.iter().filter_map(|(one, other)| match () {
            () if one == key => Some(other.clone()),
            () if other == key => Some(one.clone()),
            () => None,
        });
        Ok(others.collect())
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, RegisterDown> {
        let kept = self.0.lock().unwrap();
        let wanted = kept.tasks.values().filter(|task| {
            let after = filter.after.as_ref().is_none_or(|after| task.id > *after);
            after && (!filter.open || task.decided.is_none()) && filter.person.as_ref().is_none_or(|person| task.person == *person)
        });
        Ok(wanted.take(filter.count_max).cloned().collect())
    }

    async fn task(&self, id: &TaskId) -> Result<Option<Task>, RegisterDown> {
        Ok(self.0.lock().unwrap().tasks.get(id).cloned())
    }

    async fn loaded(&self, file: &str) -> Result<u64, RegisterDown> {
        Ok(self.0.lock().unwrap().loaded.get(file).copied().unwrap_or(0))
    }
}
