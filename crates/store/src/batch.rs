//! A batch of changes, sorted into what is written: both stores write it in this order.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use people::{Change, Entry, EntryKey, Event, Person, Task, TaskId};
use record::{NhsNumber, PersonId};

/// What a batch comes to. Of several changes to one thing the last stands; what is purged is purged last.
#[derive(Default)]
pub(crate) struct Batch {
    /// Persons' own parts, the last of each, in the order of the batch.
    pub persons: Vec<Person>,
    /// Entries, in order of persons, so that neighbours are written together.
    pub entries: Vec<(PersonId, Entry)>,
    /// Whether two entries are apart; the person is the first one's.
    pub apart: Vec<(PersonId, EntryKey, EntryKey, bool)>,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Events, in order.
    pub events: Vec<Event>,
    /// Numbers that are nobody's any more.
    pub cuts: Vec<NhsNumber>,
    /// What is forgotten.
    pub purges: Vec<(PersonId, NhsNumber)>,
    /// Rows of files taken in.
    pub loaded: BTreeMap<String, u64>,
}

impl Batch {
    pub(crate) fn of(changes: Vec<Change>) -> Batch {
        let mut batch = Batch::default();
        let (mut persons, mut entries) = (HashMap::new(), HashMap::<EntryKey, (PersonId, Entry)>::new());
        let (mut apart, mut tasks) = (BTreeMap::new(), BTreeMap::<TaskId, Task>::new());
        // Two entries are apart whichever is named first.
        let pair = |one: &EntryKey, other: &EntryKey| if one < other { (one.clone(), other.clone()) } else { (other.clone(), one.clone()) };
        for (place, change) in changes.into_iter().enumerate() {
            match change {
                Change::Apart(person, one, other) => drop(apart.insert(pair(&one, &other), (person, one, other, true))),
                Change::Cut(number) => batch.cuts.push(number),
                Change::Event(event) => batch.events.push(event),
                Change::Loaded(file, rows) => drop(batch.loaded.insert(file, rows)),
                Change::Person(person) => drop(persons.insert(person.id.clone(), (place, person))),
                Change::Purge(person, number) => batch.purges.push((person, number)),
                Change::Put(person, entry) => drop(entries.insert(entry.key.clone(), (person, entry))),
                Change::Task(task) => drop(tasks.insert(task.id.clone(), task)),
                Change::Together(person, one, other) => drop(apart.insert(pair(&one, &other), (person, one, other, false))),
            }
        }
        let mut in_order: Vec<(usize, Person)> = persons.into_values().collect();
        in_order.sort_unstable_by_key(|(place, _)| *place);
        batch.persons = in_order.into_iter().map(|(_, person)| person).collect();
        batch.entries = entries.into_values().collect();
        batch.entries.sort_unstable_by(|a, b| (&a.0, &a.1.key).cmp(&(&b.0, &b.1.key)));
        batch.apart = apart.into_values().collect();
        batch.tasks = tasks.into_values().collect();
        batch
    }

    /// Persons of whom it changes anything. Whom an entry leaves is not among them: that is for the store to see.
    pub(crate) fn persons_named(&self) -> BTreeSet<String> {
        let entries = self.entries.iter().map(|(person, _)| person);
        let purged = self.purges.iter().map(|(person, _)| person);
        self.persons.iter().map(|person| &person.id).chain(entries).chain(purged).map(|person| person.to_string()).collect()
    }

    /// Numbers that it gives to persons.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &NhsNumber> {
        self.persons.iter().flat_map(|person| person.superseded.iter().chain(&person.number))
    }

    /// Persons whose own part it writes.
    pub(crate) fn written(&self) -> HashSet<&str> {
        self.persons.iter().map(|person| person.id.as_str()).collect()
    }
}
