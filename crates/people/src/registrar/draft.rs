//! A batch in the making: what it reads it sees as if its own changes had been written.

use std::collections::BTreeSet;

use jiff::Timestamp;
use record::{NhsNumber, PersonId};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::MutexGuard;

use super::{Desk, Done, Registrar, Taken, Touched};
use crate::index::keys;
use crate::matching::Folded;
use crate::{Author, Change, Deed, Doubt, Entry, EntryKey, Event, NotWritten, Outcome, Person, RegisterDown, Task, TaskId};

/// A person as the draft has them.
pub(super) struct Drafted {
    pub(super) person: Person,
    /// What each entry says, in the order of the entries.
    pub(super) folded: Vec<Folded>,
    /// Whether their own part is to be written.
    head: bool,
    /// Whether anything is.
    changed: bool,
}

/// A batch in the making.
pub(super) struct Draft<'a> {
    pub(super) registrar: &'a Registrar,
    desk: MutexGuard<'a, Desk>,
    pub(super) now: Timestamp,
    persons: FxHashMap<PersonId, Drafted>,
    homes: FxHashMap<EntryKey, PersonId>,
    /// Whose a number has become; none for one that was let go.
    numbers: FxHashMap<NhsNumber, Option<PersonId>>,
    /// Numbers that were cut, of those that entries of this batch give.
    pub(super) cut: FxHashSet<NhsNumber>,
    /// Persons who were cut off here.
    pub(super) hidden: Vec<PersonId>,
    /// By what those are found whose entries came or changed here.
    keys: FxHashMap<u64, Vec<PersonId>>,
    put: BTreeSet<EntryKey>,
    changes: Vec<Change>,
    raised: FxHashSet<TaskId>,
    pub(super) count: Taken,
    done: Done,
}

impl<'a> Draft<'a> {
    pub(super) fn new(registrar: &'a Registrar, desk: MutexGuard<'a, Desk>, now: Timestamp) -> Draft<'a> {
        Draft {
            registrar,
            desk,
            now,
            persons: FxHashMap::default(),
            homes: FxHashMap::default(),
            numbers: FxHashMap::default(),
            cut: FxHashSet::default(),
            hidden: Vec::new(),
            keys: FxHashMap::default(),
            put: BTreeSet::new(),
            changes: Vec::new(),
            raised: FxHashSet::default(),
            count: Taken::default(),
            done: Done::default(),
        }
    }

    pub(super) fn taken(&self) -> Taken {
        self.count.clone()
    }

    /// Whose an entry is.
    pub(super) fn home(&self, key: &EntryKey) -> Option<PersonId> {
        self.homes.get(key).cloned().or_else(|| self.registrar.index.home(key))
    }

    /// Whose a number is, current or superseded.
    pub(super) async fn owner(&mut self, number: &NhsNumber) -> Result<Option<PersonId>, RegisterDown> {
        if let Some(owner) = self.numbers.get(number) {
            return Ok(owner.clone());
        }
        let owner = self.registrar.person_of(number).await?;
        self.numbers.insert(*number, owner.clone());
        Ok(owner)
    }

    /// A person, read once; none if the register has no such person.
    pub(super) async fn person(&mut self, id: &PersonId) -> Result<Option<&mut Drafted>, RegisterDown> {
        if !self.persons.contains_key(id) {
            let Some(person) = self.registrar.register.person(id).await? else { return Ok(None) };
            let folded = person.entries.iter().map(|entry| Folded::of(&entry.demographics)).collect();
            self.persons.insert(id.clone(), Drafted { person, folded, head: false, changed: false });
        }
        Ok(self.persons.get_mut(id))
    }

    /// A person as far as the draft has read or changed them.
    pub(super) fn drafted(&self, id: &PersonId) -> Option<&Drafted> {
        self.persons.get(id)
    }

    /// Persons of the draft that share something with what is asked.
    pub(super) fn sharing(&self, asked: &Folded) -> BTreeSet<PersonId> {
        let keys = keys::asked(&asked.fields());
        keys.iter().filter_map(|key| self.keys.get(&key.digest)).flatten().cloned().collect()
    }

    /// Makes a new person with no entries yet.
    pub(super) fn mint(&mut self, number: Option<NhsNumber>) -> PersonId {
        let id: PersonId = uuid::Uuid::new_v4().to_string().parse().expect("a UUID is a person id");
        let person = Person {
            id: id.clone(),
            number,
            superseded: Vec::new(),
            restricted: false,
            died: None,
            investigated: false,
            cut: false,
            entries: Vec::new(),
        };
        if let Some(number) = number {
            self.numbers.insert(number, Some(id.clone()));
        }
        self.persons.insert(id.clone(), Drafted { person, folded: Vec::new(), head: true, changed: true });
        id
    }

    /// Changes a person's own part. They must have been read.
    pub(super) fn alter(&mut self, id: &PersonId, change: impl FnOnce(&mut Person)) {
        let Some(drafted) = self.persons.get_mut(id) else { return };
        let before = drafted.person.numbers();
        change(&mut drafted.person);
        (drafted.head, drafted.changed) = (true, true);
        let after = drafted.person.numbers();
        for gone in before.iter().filter(|number| !after.contains(number)) {
            let owner = self.numbers.entry(*gone).or_insert(None);
            *owner = owner.take().filter(|owner| owner != id);
        }
        for number in after.iter().filter(|number| !before.contains(number)) {
            self.numbers.insert(*number, Some(id.clone()));
        }
    }

    /// Puts an entry under a person who was read or minted; it leaves the one it was under.
    pub(super) fn put(&mut self, to: &PersonId, entry: Entry) {
        let key = entry.key.clone();
        if let Some(from) = self.home(&key).filter(|from| from != to)
            && let Some(drafted) = self.persons.get_mut(&from)
            && let Some(at) = drafted.person.entries.iter().position(|own| own.key == key)
        {
            drafted.person.entries.remove(at);
            drafted.folded.remove(at);
            drafted.changed = true;
        }
        let Some(drafted) = self.persons.get_mut(to) else { return };
        let folded = Folded::of(&entry.demographics);
        keys::each(&folded.fields(), |digest| {
            let known = self.keys.entry(digest.digest).or_default();
            if known.last() != Some(to) {
                known.push(to.clone());
            }
        });
        match drafted.person.entries.binary_search_by(|own| own.key.cmp(&key)) {
            Ok(at) => (drafted.person.entries[at], drafted.folded[at]) = (entry, folded),
            Err(at) => {
                drafted.person.entries.insert(at, entry);
                drafted.folded.insert(at, folded);
            }
        }
        drafted.changed = true;
        self.homes.insert(key.clone(), to.clone());
        self.put.insert(key);
    }

    /// Adds a change that is neither a person's own part nor an entry.
    pub(super) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Adds several such changes.
    pub(super) fn changes(&mut self, changes: impl Iterator<Item = Change>) {
        self.changes.extend(changes);
    }

    /// Tasks as they are to be written.
    pub(super) fn tasks(&self) -> Vec<Task> {
        let task = |change: &Change| if let Change::Task(task) = change { Some(task.clone()) } else { None };
        self.changes.iter().filter_map(task).collect()
    }

    /// Adds to a person's history.
    pub(super) fn event(&mut self, person: &PersonId, author: &Author, deed: Deed, reason: &str) {
        let event = Event { person: person.clone(), at: self.now, author: author.clone(), deed, reason: reason.to_owned() };
        self.changes.push(Change::Event(event));
    }

    /// Notes that what is kept of a person's record is not theirs any more.
    pub(super) fn touch(&mut self, person: &PersonId, since: Option<Timestamp>) {
        match self.done.touched.iter_mut().find(|touched| touched.person == *person) {
            Some(touched) => touched.since = touched.since.into_iter().chain(since).min(),
            None => self.done.touched.push(Touched { person: person.clone(), since }),
        }
    }

    /// Raises a task, unless it was raised before: what was decided is not asked again.
    pub(super) async fn raise(
        &mut self,
        doubt: Doubt,
        person: &PersonId,
        entry: &EntryKey,
        other: Option<&EntryKey>,
    ) -> Result<(), RegisterDown> {
        let id = TaskId::of(doubt, entry, other);
        if self.raised.contains(&id) || self.registrar.register.task(&id).await?.is_some() {
            return Ok(());
        }
        let task = Task {
            id: id.clone(),
            person: person.clone(),
            entry: entry.clone(),
            other: other.cloned(),
            doubt,
            raised: self.now,
            decided: None,
        };
        self.changes.push(Change::Task(task));
        self.raised.insert(id.clone());
        self.done.raised.push(id);
        Ok(())
    }

    /// Raises a task; one that was decided as one person is opened again.
    pub(super) async fn raise_again(
        &mut self,
        doubt: Doubt,
        person: &PersonId,
        entry: &EntryKey,
        other: &EntryKey,
    ) -> Result<(), RegisterDown> {
        let id = TaskId::of(doubt, entry, Some(other));
        match self.registrar.register.task(&id).await? {
            Some(task) if matches!(task.decided, Some((Outcome::Same, ..))) && self.raised.insert(id.clone()) => {
                self.changes.push(Change::Task(Task { person: person.clone(), decided: None, ..task }));
                self.reopened(id);
                Ok(())
            }
            _ => self.raise(doubt, person, entry, Some(other)).await,
        }
    }

    /// Notes a task that was opened again.
    pub(super) fn reopened(&mut self, id: TaskId) {
        self.done.raised.push(id);
    }

    /// Writes the batch, if the register is still where it was; then the index follows.
    pub(super) async fn write(mut self) -> Result<Done, NotWritten> {
        let mut batch = Vec::with_capacity(self.persons.len() + self.put.len() + self.changes.len());
        for drafted in self.persons.values().filter(|drafted| drafted.head) {
            batch.push(Change::Person(Person { entries: Vec::new(), ..drafted.person.clone() }));
        }
        for key in &self.put {
            let Some(home) = self.homes.get(key) else { continue };
            let entry = self.persons.get(home).and_then(|drafted| drafted.person.entries.iter().find(|entry| entry.key == *key));
            batch.extend(entry.map(|entry| Change::Put(home.clone(), entry.clone())));
        }
        batch.append(&mut self.changes);
        if batch.is_empty() {
            return Ok(self.done);
        }
        let changed = std::mem::take(&mut self.persons).into_values().filter(|drafted| drafted.changed).map(|drafted| drafted.person);
        let changed: Vec<Person> = changed.collect();
        let (register, index, at) = (self.registrar.register.clone(), self.registrar.index.clone(), self.desk.position);
        let writing = async move {
            let position = register.apply(batch, Some(at)).await?;
            index.change(&changed, &[]);
            Ok(position)
        };
        self.desk.writing.spawn(writing);
        let written = self.desk.writing.join_next().await;
        let written = written.transpose().map_err(|_| RegisterDown("a batch ended in a panic".to_owned()))?.transpose()?;
        self.desk.position = written.unwrap_or(at);
        self.registrar.fold().await;
        Ok(self.done)
    }
}
