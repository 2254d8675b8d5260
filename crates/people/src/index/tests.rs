mod fill;
mod locator;
mod model;
mod snapshot;

use std::collections::BTreeSet;

use proptest::prelude::*;

use self::model::{Deed, Model, deeds, id, told};
use super::*;
use crate::matching::Folded;
use crate::{BirthDate, ClaimedNumber, Demographics, Entry, Name, NumberStatus};

const KEY: [u8; 32] = [7; 32];

fn entry(source: &str, local_id: &str, family: &str, born: &str) -> Entry {
    let name = Name { family: family.to_owned(), given: vec!["Ann".to_owned()], ..Name::default() };
    let number = Some(ClaimedNumber { value: "9990000018".to_owned(), status: NumberStatus::Verified });
    let birth_date: Option<BirthDate> = born.parse().ok();
    Entry {
        key: EntryKey { source: source.parse().unwrap(), local_id: local_id.to_owned() },
        provider: None,
        demographics: Demographics { number, names: vec![name], birth_date, ..Demographics::default() },
        restricted: false,
        seen: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn person(id: &str, number: Option<&str>, entries: Vec<Entry>) -> Person {
    let number = number.map(|number| number.parse().unwrap());
    Person {
        id: id.parse().unwrap(),
        number,
        superseded: Vec::new(),
        restricted: false,
        died: None,
        investigated: false,
        cut: false,
        entries,
    }
}

#[test]
fn a_person_is_found_by_number_by_entry_and_by_demographics() {
    let index = Index::new();
    let ann = person("p1", Some("9990000018"), vec![entry("uhb", "7", "Smith", "1962-03-09")]);
    index.put(&ann);
    assert_eq!(index.person_of(&"9990000018".parse().unwrap()), Some(ann.id.clone()));
    assert_eq!(index.person_of(&"9990000107".parse().unwrap()), None);
    assert_eq!(index.home(&ann.entries[0].key), Some(ann.id.clone()));
    let asked = Folded::of(&entry("x", "", "Smyth", "1962-09-03").demographics);
    let found = index.candidates(&asked.fields(), 10);
    assert_eq!(found.iter().map(|found| &found.person).collect::<Vec<_>>(), [&ann.id]);
    assert_eq!(found[0].profiles().next().unwrap().families[0], "smith");
    let stranger = Folded::of(&Demographics { birth_date: "1970-01-01".parse().ok(), ..Demographics::default() });
    assert!(index.candidates(&stranger.fields(), 10).is_empty());
}

#[test]
fn a_put_replaces_everything_and_a_removal_leaves_nothing() {
    let index = Index::new();
    let old = person("p1", Some("9990000018"), vec![entry("uhb", "7", "Smith", "1962-03-09")]);
    let new = person("p1", None, vec![entry("uhb", "8", "Jones", "1970-01-02")]);
    index.put(&old);
    index.put(&new);
    assert_eq!((index.person_of(&"9990000018".parse().unwrap()), index.home(&old.entries[0].key)), (None, None));
    index.remove(&new.id);
    assert_eq!(index.home(&new.entries[0].key), None);
    index.fold();
    assert_eq!((index.home(&new.entries[0].key), index.count(), index.pending()), (None, 0, 0));
}

/// The index answers as the model does.
fn check(index: &Index, model: &Model, asked: &Demographics) {
    for number in model::numbers() {
        assert_eq!(index.person_of(&number), model.person_of(&number));
    }
    for key in model::keys() {
        assert_eq!(index.home(&key), model.home(&key), "{key:?}");
    }
    let asked = Folded::of(asked);
    let found: BTreeSet<_> = index.candidates(&asked.fields(), 1000).into_iter().map(|found| found.person).collect();
    assert!(model.candidates(&asked.fields()).is_subset(&found));
    assert!(found.iter().all(|id| model.0.contains_key(id)));
    for (id, person) in &model.0 {
        let held = index.candidate(id).unwrap();
        assert_eq!((held.restricted, held.investigated, held.number()), (person.restricted, person.investigated, person.number));
        let keys: Vec<_> = person.entries.iter().map(|entry| entry.key.clone()).collect();
        assert_eq!(held.entries(), keys);
        let mut wanted = Vec::new();
        for entry in &person.entries {
            let told = told(&Folded::of(&entry.demographics).fields());
            if !wanted.contains(&told) {
                wanted.push(told);
            }
        }
        assert_eq!(held.profiles().map(|fields| told(&fields)).collect::<Vec<_>>(), wanted);
    }
}

proptest! {
    #[test]
    fn law_the_packed_index_answers_as_the_plain_one(deeds in deeds(), asked in model::person(), other in id()) {
        let mut index = Index::with(Limits { segment_persons_max: 3, ..Limits::default() });
        let mut model = Model::default();
        let asked = asked.entries.first().map(|entry| entry.demographics.clone()).unwrap_or_default();
        for deed in deeds {
            match deed {
                Deed::Change(put, remove) => {
                    index.change(&put, &remove);
                    model.change(&put, &remove);
                }
                Deed::Fold => {
                    index.fold();
                    prop_assert_eq!((index.pending(), index.count()), (0, model.0.len()));
                }
                Deed::Restart => {
                    let mut file = Vec::new();
                    index.write_snapshot("7", &KEY, &mut file).unwrap();
                    let limits = Limits { segment_persons_max: 4, ..Limits::default() };
                    let (again, position) = Index::read_snapshot(limits, &KEY, &file[..], |position| position == "7").unwrap();
                    prop_assert_eq!(position, "7");
                    index = again;
                }
                Deed::Refill => {
                    let again = Index::with(Limits { segment_persons_max: 2, ..Limits::default() });
                    let mut filler = again.filler();
                    model.0.values().for_each(|person| filler.add(person));
                    filler.finish();
                    index = again;
                }
            }
            check(&index, &model, &asked);
            prop_assert_eq!(index.candidate(&other).is_some(), model.0.contains_key(&other));
        }
    }
}

#[test]
fn a_reader_sees_a_change_whole_or_not_at_all() {
    let index = Index::with(Limits { segment_persons_max: 8, ..Limits::default() });
    let one = |holder: &str, other: &str| {
        let moving = entry("uhb", "7", "Smith", "1962-03-09");
        [person(holder, Some("9990000018"), vec![moving]), person(other, None, Vec::new())]
    };
    let others: Vec<_> =
        (0..100).map(|n| person(&format!("q{n:03}"), None, vec![entry("gp", &n.to_string(), "Jones", "1970-01-02")])).collect();
    index.change(&others, &[]);
    index.change(&one("p1", "p2"), &[]);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let key = one("p1", "p2")[0].entries[0].key.clone();
            let mut looks = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) || looks == 0 {
                looks += 1;
                assert!(index.home(&key).is_some(), "it is always somebody's");
                assert!(index.person_of(&"9990000018".parse().unwrap()).is_some());
            }
        });
        for round in 0..200 {
            let (holder, other) = if round % 2 == 0 { ("p2", "p1") } else { ("p1", "p2") };
            index.change(&one(holder, other), &[]);
            if round % 20 == 0 {
                index.fold();
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.join().unwrap();
    });
}

#[test]
fn nothing_leads_to_a_person_whose_number_was_cut() {
    let index = Index::new();
    let mut cut = person("p1", Some("9990000018"), vec![entry("uhb", "7", "Smith", "1962-03-09")]);
    index.put(&cut);
    cut.cut = true;
    cut.number = None;
    index.put(&cut);
    let folded = Folded::of(&cut.entries[0].demographics);
    for round in 0..2 {
        assert_eq!(index.home(&cut.entries[0].key), Some(cut.id.clone()), "an update of their entry stays with them");
        assert!(index.person_of(&"9990000018".parse().unwrap()).is_none() && index.candidates(&folded.fields(), 10).is_empty(), "{round}");
        index.fold();
    }
}
