mod laws;
mod lifecycle;
mod made_up;
mod memory;
mod taking;
mod word;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use record::{NhsNumber, PersonId};

use self::memory::Memory;
use super::*;
use crate::{Address, ClaimedNumber, Deed, Demographics, EntryKey, Event, Name, NumberStatus, Sex};

/// A registrar over a register in memory.
struct Desk {
    registrar: Registrar,
    memory: Arc<Memory>,
    runtime: tokio::runtime::Runtime,
}

const START: i64 = 1_795_424_400;

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(START + second).unwrap()
}

impl Desk {
    fn new() -> Desk {
        Desk::of(Arc::new(Memory::default()), 0)
    }

    /// Another registrar of the same register, as on another node, whose clock goes otherwise.
    fn beside(&self) -> Desk {
        let desk = Desk::of(self.memory.clone(), 500_000);
        desk.run(desk.registrar.fill(|_| ())).unwrap();
        desk
    }

    fn of(memory: Arc<Memory>, second: i64) -> Desk {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let registrar = Registrar::new(memory.clone(), Index::new(), model(), Arc::new(Ticking(second.into())), Limits::default());
        Desk { registrar, memory, runtime }
    }

    fn take(&self, entry: Entry) -> Taken {
        self.runtime.block_on(self.registrar.take(entry)).unwrap()
    }

    fn all(&self, entries: Vec<Entry>) -> Taken {
        self.runtime.block_on(self.registrar.take_all(entries, None)).unwrap()
    }

    fn run<T>(&self, done: impl Future<Output = T>) -> T {
        self.runtime.block_on(done)
    }

    fn home(&self, key: &EntryKey) -> PersonId {
        self.registrar.index().home(key).unwrap()
    }

    /// Which entries are of one person, by their local ids.
    fn groups(&self) -> BTreeSet<Vec<String>> {
        let kept = self.memory.0.lock().unwrap();
        let mut groups: BTreeMap<&PersonId, Vec<String>> = BTreeMap::new();
        for (key, (home, _)) in &kept.entries {
            groups.entry(home).or_default().push(key.local_id.clone());
        }
        groups.into_values().collect()
    }

    fn number_of(&self, key: &EntryKey) -> Option<NhsNumber> {
        self.memory.0.lock().unwrap().persons[&self.home(key)].number
    }

    fn tasks(&self) -> Vec<crate::Task> {
        let filter = crate::TaskFilter { open: true, count_max: 100, ..Default::default() };
        self.run(self.registrar.tasks(&filter)).unwrap()
    }

    /// What must hold whatever was done: the index has what the register has, and each history tells how it came to be.
    fn check(&self) {
        let kept = self.memory.0.lock().unwrap().clone();
        for (key, (home, _)) in &kept.entries {
            assert_eq!(self.registrar.index().home(key).as_ref(), Some(home));
        }
        for (number, owner) in &kept.numbers {
            let person = &kept.persons[owner];
            assert!(person.number == Some(*number) || person.superseded.contains(number));
            if let Some(found) = self.registrar.index().person_of(number) {
                assert_eq!(found, *owner);
            }
        }
        let cut = |id: &PersonId| kept.persons.get(id).is_some_and(|person| person.cut);
        let now: BTreeMap<EntryKey, PersonId> =
            kept.entries.iter().filter(|(_, (home, _))| !cut(home)).map(|(key, (home, _))| (key.clone(), home.clone())).collect();
        let lasting: Vec<Event> = kept.events.iter().filter(|event| !cut(&event.person)).cloned().collect();
        assert_eq!(replay(&lasting).0, now, "the history tells something else");
        assert_eq!(replay(&kept.events).1, kept.apart, "the history tells of others that are apart");
        for (one, other) in &kept.apart {
            assert!(now.get(one).is_none_or(|home| now.get(other) != Some(home)), "apart, and of one person");
        }
        // What is told leads to the same, and to nobody whose number was cut.
        let people = kept.persons.keys().filter(|id| !cut(id));
        let told: Vec<Event> = people.flat_map(|id| self.run(self.registrar.history(id)).unwrap()).collect();
        assert_eq!(replay(&told).0, now, "what is told of the history is something else");
        let hidden = kept.persons.keys().filter(|id| cut(id)).map(|id| id.to_string());
        let hidden: Vec<String> =
            hidden.chain(kept.entries.keys().filter(|key| !now.contains_key(key)).map(|key| format!("{key:?}"))).collect();
        let said = format!("{told:?}");
        assert!(hidden.iter().all(|name| !said.contains(name)), "{hidden:?}: {told:#?}");
        self.check_numbers(&kept);
        for task in kept.tasks.values() {
            let lies = |key: &EntryKey| kept.entries.get(key).map(|(home, _)| cut(home));
            let sides: BTreeSet<bool> = [lies(&task.entry), task.other.as_ref().and_then(lies)].into_iter().flatten().collect();
            assert!(sides.len() < 2, "a task joins somebody who was cut with somebody else: {task:?}");
            assert!(task.decided.is_some() || !sides.contains(&true) && !cut(&task.person), "a task about somebody who was cut: {task:?}");
        }
    }

    /// No two people's numbers meet in one person, unless a word holds an entry and a steward was asked; and a number that was cut is
    /// nobody's.
    fn check_numbers(&self, kept: &memory::Kept) {
        assert!(kept.numbers.keys().all(|number| !kept.cut.contains(number)));
        for (id, person) in kept.persons.iter().filter(|(_, person)| !person.cut) {
            let entries: Vec<&Entry> = kept.entries.values().filter(|(home, _)| home == id).map(|(_, entry)| entry).collect();
            let claimed = entries.iter().filter_map(|entry| entry.demographics.number.as_ref()?.valid());
            assert!(claimed.into_iter().all(|number| !kept.cut.contains(&number)), "what gives a number that was cut is still found");
            let given = entries.iter().filter(|entry| !held(kept, id, &entry.key));
            let given: BTreeSet<NhsNumber> = given.filter_map(|entry| entry.demographics.number.as_ref()?.verified()).collect();
            let own: BTreeSet<NhsNumber> = person.superseded.iter().chain(&person.number).copied().collect();
            match own.is_empty() {
                true => assert!(given.len() <= 1, "two numbers in one person: {entries:?}"),
                false => assert!(given.is_subset(&own), "another number than theirs: {person:?} {entries:?}"),
            }
            assert!(person.number.is_some() || person.superseded.is_empty(), "{person:?}");
        }
    }
}

/// Whether a word holds an entry where it is, and a steward was asked of it who did not say that this is right.
fn held(kept: &memory::Kept, home: &PersonId, key: &EntryKey) -> bool {
    let came = |event: &&Event| match &event.deed {
        Deed::Linked { entry, .. } => entry == key,
        Deed::Merged { entries, .. } => entries.contains(key),
        _ => false,
    };
    let last = kept.events.iter().rev().filter(|event| event.person == *home).find(came);
    let asked = kept.tasks.values().filter(|task| task.doubt == crate::Doubt::Confusion);
    let asked = asked.filter(|task| task.entry == *key || task.other.as_ref() == Some(key));
    let mut unconfirmed = asked.filter(|task| !matches!(task.decided, Some((crate::Outcome::Same, ..))));
    last.is_some_and(|event| matches!(event.author, Author::National | Author::Steward(_))) && unconfirmed.next().is_some()
}

type Pairs = BTreeSet<(EntryKey, EntryKey)>;

/// What the histories say, each person's for itself.
fn replay(events: &[Event]) -> (BTreeMap<EntryKey, PersonId>, Pairs) {
    let mut theirs: BTreeMap<&PersonId, BTreeSet<EntryKey>> = BTreeMap::new();
    let mut apart = Pairs::new();
    let pair = |one: &EntryKey, other: &EntryKey| if one < other { (one.clone(), other.clone()) } else { (other.clone(), one.clone()) };
    for event in events {
        let own = theirs.entry(&event.person).or_default();
        match &event.deed {
            Deed::Linked { entry, .. } => drop(own.insert(entry.clone())),
            Deed::Unlinked { entry, .. } => drop(own.remove(entry)),
            Deed::Merged { entries, .. } => own.extend(entries.iter().cloned()),
            Deed::Unmerged { entries, .. } => own.retain(|entry| !entries.contains(entry)),
            Deed::Apart { entry, other } => drop(apart.insert(pair(entry, other))),
            Deed::Together { entry, other } => drop(apart.remove(&pair(entry, other))),
            _ => {}
        }
    }
    let homes = theirs.into_iter().flat_map(|(person, own)| own.into_iter().map(|entry| (entry, person.clone())));
    (homes.collect(), apart)
}

/// Every look is a second later.
struct Ticking(std::sync::atomic::AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> jiff::Timestamp {
        at(1_000_000 + self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    }
}

/// The weights that come with the program.
fn model() -> Arc<Model> {
    static MODEL: std::sync::OnceLock<Arc<Model>> = std::sync::OnceLock::new();
    MODEL.get_or_init(|| Arc::new(Model::standard())).clone()
}

fn number(seed: u32) -> NhsNumber {
    (0..10).find_map(|check| format!("999{:06}{check}", seed * 7).parse().ok()).unwrap_or_else(|| number(seed + 1_000))
}

fn key(local_id: &str) -> EntryKey {
    EntryKey { source: "gp".parse().unwrap(), local_id: local_id.to_owned() }
}

fn steward() -> Author {
    Author::Steward("https://login.example|s-1".to_owned())
}

/// Somebody as an entry says.
#[derive(Clone, Debug)]
struct Said {
    local_id: &'static str,
    family: &'static str,
    given: &'static str,
    born: &'static str,
    number: Option<NhsNumber>,
    verified: bool,
    seen: i64,
}

impl Said {
    fn new(local_id: &'static str, given: &'static str, family: &'static str, born: &'static str, seed: u32) -> Said {
        Said { local_id, family, given, born, number: (seed > 0).then(|| number(seed)), verified: true, seen: 0 }
    }

    fn entry(&self) -> Entry {
        let status = if self.verified { NumberStatus::Verified } else { NumberStatus::Unverified };
        let place = Address { line: "17 Mill Lane".into(), town: "Dudley".into(), postcode: "DY1 4SE".into(), ..Address::default() };
        let claimed = |number: NhsNumber| ClaimedNumber { value: number.expose().to_owned(), status };
        Entry {
            key: key(self.local_id),
            provider: None,
            demographics: Demographics {
                number: self.number.map(claimed),
                names: vec![Name { family: self.family.into(), given: vec![self.given.into()], ..Name::default() }],
                birth_date: self.born.parse().ok(),
                sex: Some(Sex::Female),
                addresses: vec![place],
                phones: vec![format!("01384 {}", 400_000 + self.family.len() * 1_000 + self.given.len())],
                ..Demographics::default()
            },
            restricted: false,
            seen: at(self.seen),
        }
    }
}
