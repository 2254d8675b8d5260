mod laws;
mod lifecycle;
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
        Desk::of(Arc::new(Memory::default()))
    }

    /// Another registrar of the same register, as on another node.
    fn beside(&self) -> Desk {
        let desk = Desk::of(self.memory.clone());
        desk.run(desk.registrar.fill(|_| ())).unwrap();
        desk
    }

    fn of(memory: Arc<Memory>) -> Desk {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let registrar = Registrar::new(memory.clone(), Index::new(), model(), Arc::new(Ticking::default()), Limits::default());
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
        let (replayed, apart) = replay(&kept.events);
        let now: BTreeMap<EntryKey, PersonId> = kept.entries.iter().map(|(key, (home, _))| (key.clone(), home.clone())).collect();
        assert_eq!(replayed, now, "the history tells something else");
        assert_eq!(apart, kept.apart, "the history tells of others that are apart");
        for (one, other) in &kept.apart {
            assert_ne!(now.get(one), now.get(other), "apart, and of one person");
        }
    }
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
#[derive(Default)]
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
