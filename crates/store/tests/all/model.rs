//! Any run of batches against a model in memory.

use std::collections::{BTreeMap, BTreeSet};

use people::{Change, Entry, EntryKey};
use proptest::prelude::*;
use record::{NhsNumber, PersonId};

use crate::samples::{entry, key, number, person, somebody};
use crate::stores::Place;

#[derive(Debug, Clone)]
enum Move {
    Person(u8, Option<u8>, Option<u8>),
    Put(u8, u8, u32),
    Apart(u8, u8, bool),
    Purge(u8, u8),
}

fn a_move() -> impl Strategy<Value = Move> {
    let number = || proptest::option::of(0u8..4);
    prop_oneof![
        (0u8..4, number(), number()).prop_map(|(who, number, superseded)| Move::Person(who, number, superseded)),
        (0u8..4, 0u8..6, 0u32..50).prop_map(|(who, which, salt)| Move::Put(who, which, salt)),
        (0u8..6, 1u8..6, any::<bool>()).prop_map(|(one, more, apart)| Move::Apart(one, (one + more) % 6, apart)),
        (0u8..4, 0u8..4).prop_map(|(who, number)| Move::Purge(who, number)),
    ]
}

fn who(n: u8) -> PersonId {
    person(&format!("p{n}"))
}

fn which(n: u8) -> EntryKey {
    key(if n.is_multiple_of(2) { "gp" } else { "hosp" }, &format!("e{n}"))
}

fn change(one: &Move) -> Change {
    match *one {
        Move::Person(p, n, superseded) => {
            let mut written = somebody(who(p).as_str(), n.map(|n| number(u32::from(n))));
            written.superseded = superseded.filter(|old| Some(*old) != n).map(|old| number(u32::from(old))).into_iter().collect();
            Change::Person(written)
        }
        Move::Put(p, e, salt) => Change::Put(who(p), entry_of(e, salt)),
        Move::Apart(one, other, true) => Change::Apart(who(0), which(one), which(other)),
        Move::Apart(one, other, false) => Change::Together(who(0), which(one), which(other)),
        Move::Purge(p, n) => Change::Purge(who(p), number(u32::from(n))),
    }
}

fn entry_of(e: u8, salt: u32) -> Entry {
    let key = which(e);
    entry(key.source.as_str(), &key.local_id, salt)
}

#[derive(Default)]
struct Model {
    numbers: BTreeMap<PersonId, (Option<NhsNumber>, Vec<NhsNumber>)>,
    leads: BTreeMap<NhsNumber, PersonId>,
    entries: BTreeMap<EntryKey, (PersonId, Entry)>,
}

impl Model {
    /// The order of a batch: persons, entries, purges; of several changes to one thing the last.
    fn apply(&mut self, batch: &[Change]) {
        let mut persons: Vec<&people::Person> = Vec::new();
        for change in batch {
            if let Change::Person(one) = change {
                persons.retain(|known| known.id != one.id);
                persons.push(one);
            }
        }
        for one in &persons {
            let id = &one.id;
            let (number, superseded) = self.numbers.get(id).cloned().unwrap_or_default();
            for old in number.into_iter().chain(superseded) {
                let stays = one.number == Some(old) || one.superseded.contains(&old);
                if !stays && self.leads.get(&old) == Some(id) {
                    self.leads.remove(&old);
                }
            }
        }
        for one in persons {
            self.numbers.insert(one.id.clone(), (one.number, one.superseded.clone()));
            for number in one.superseded.iter().chain(&one.number) {
                self.leads.insert(*number, one.id.clone());
            }
        }
        for change in batch {
            if let Change::Put(id, entry) = change {
                self.entries.insert(entry.key.clone(), (id.clone(), entry.clone()));
            }
        }
        // A person is made for an entry that stays with them.
        for (id, _) in self.entries.values() {
            self.numbers.entry(id.clone()).or_default();
        }
        for change in batch {
            if let Change::Purge(id, number) = change {
                if self.leads.get(number) == Some(id) {
                    self.leads.remove(number);
                }
                if let Some((own, superseded)) = self.numbers.get_mut(id) {
                    *own = own.filter(|own| own != number);
                    superseded.retain(|one| one != number);
                }
            }
        }
    }
}

async fn agrees(store: &dyn store::Store, model: &Model, apart: &BTreeSet<(u8, u8)>) {
    for n in 0..4 {
        assert_eq!(store.of_number(&number(u32::from(n))).await.unwrap().as_ref(), model.leads.get(&number(u32::from(n))), "number {n}");
        let found = store.person(&who(n)).await.unwrap();
        let expected = model.numbers.get(&who(n)).map(|(number, superseded)| {
            let mut one = somebody(who(n).as_str(), *number);
            one.superseded = superseded.clone();
            one.entries = model.entries.values().filter(|(id, _)| *id == who(n)).map(|(_, entry)| entry.clone()).collect();
            one
        });
        assert!(found == expected, "person {n}");
    }
    for e in 0..6 {
        let home = model.entries.get(&which(e)).map(|(id, _)| id.clone());
        assert_eq!(store.home(&which(e)).await.unwrap(), home, "entry {e}");
        let Some(home) = home else { continue };
        let found: BTreeSet<EntryKey> = store.apart(&home, &which(e)).await.unwrap().into_iter().collect();
        let others = (0..6).filter(|other| apart.contains(&(e.min(*other), e.max(*other))));
        assert_eq!(found, others.map(which).collect(), "apart from {e}");
    }
    let page = store.page(None, 100).await.unwrap();
    assert_eq!(page.persons.iter().map(|one| &one.id).collect::<Vec<_>>(), model.numbers.keys().collect::<Vec<_>>());
}

async fn plays(store: &dyn store::Store, batches: Vec<Vec<Move>>) {
    let (mut model, mut apart) = (Model::default(), BTreeSet::new());
    // Entries are all there before any is said to be apart.
    let first: Vec<Move> = (0..6).map(|e| Move::Put(e % 4, e, 0)).collect();
    for moves in std::iter::once(first).chain(batches) {
        let batch: Vec<Change> = moves.iter().map(change).collect();
        for one in &moves {
            if let Move::Apart(one, other, is) = *one {
                let pair = (one.min(other), one.max(other));
                if is {
                    apart.insert(pair)
                } else {
                    apart.remove(&pair)
                };
            }
        }
        model.apply(&batch);
        store.apply(batch, None).await.unwrap();
    }
    agrees(store, &model, &apart).await;
}

fn law(cases: u32, play: impl Fn(Vec<Vec<Move>>)) {
    let mut config = ProptestConfig::default();
    config.cases = config.cases.min(cases);
    let batches = proptest::collection::vec(proptest::collection::vec(a_move(), 1..6), 1..8);
    proptest!(config, |(batches in batches)| play(batches));
}

#[test]
fn law_sqlite_keeps_what_the_model_keeps() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    law(60, |batches| {
        let place = Place::sqlite();
        runtime.block_on(async { plays(&*place.open().await.store, batches).await });
    });
}

#[test]
fn law_postgresql_keeps_what_the_model_keeps() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = Place::postgres();
    let store = runtime.block_on(place.open()).store;
    law(40, |batches| {
        // One server, its tables emptied for each run.
        let Place::Postgres(server, _) = &place else { return };
        server.psql("postgres", "TRUNCATE severn.person, severn.number, severn.entry, severn.home, severn.apart");
        runtime.block_on(plays(&*store, batches));
    });
}
