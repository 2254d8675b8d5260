//! The index as plainly as it can be written, and people few enough to meet one another often.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use record::{NhsNumber, PersonId};

use crate::index::keys;
use crate::matching::{Fields, Folded};
use crate::{Address, ClaimedNumber, Demographics, Entry, EntryKey, Name, NumberStatus, Person, Sex};

/// Persons by id: everything is looked up by looking at all.
#[derive(Default, Clone)]
pub struct Model(pub BTreeMap<PersonId, Person>);

impl Model {
    pub fn change(&mut self, put: &[Person], remove: &[PersonId]) {
        remove.iter().for_each(|id| drop(self.0.remove(id)));
        put.iter().for_each(|person| drop(self.0.insert(person.id.clone(), person.clone())));
    }

    pub fn person_of(&self, number: &NhsNumber) -> Option<PersonId> {
        let stands = self.0.values().find(|person| person.number.as_ref() == Some(number));
        stands.or_else(|| self.0.values().find(|person| person.superseded.contains(number))).map(|person| person.id.clone())
    }

    pub fn home(&self, key: &EntryKey) -> Option<PersonId> {
        self.0.values().find(|person| person.entries.iter().any(|entry| entry.key == *key)).map(|person| person.id.clone())
    }

    /// Everybody who shares a key with what is asked.
    pub fn candidates(&self, query: &Fields<'_>) -> BTreeSet<PersonId> {
        let asked: BTreeSet<u64> = keys::asked(query).into_iter().map(|key| key.digest).collect();
        let shares = |person: &&Person| {
            person.entries.iter().any(|entry| {
                let mut shares = false;
                keys::each(&Folded::of(&entry.demographics).fields(), |key| shares |= asked.contains(&key.digest));
                shares
            })
        };
        self.0.values().filter(shares).map(|person| person.id.clone()).collect()
    }
}

/// What is compared, as one text, so that two ways of lending it can be held beside each other.
pub fn told(fields: &Fields<'_>) -> String {
    let number = fields.number.map(|(number, status)| (number.expose().to_owned(), status));
    let names = (&fields.families, &fields.givens, &fields.middles);
    let places = (&fields.postcodes, &fields.lines, &fields.towns);
    let rest = (fields.birth_date, fields.sex, &fields.phones, &fields.emails, fields.practice);
    format!("{number:?} {names:?} {places:?} {rest:?}")
}

const NUMBERS: [&str; 6] = ["9990000018", "9990000107", "9990000271", "9000000009", "9434765919", "0000000000"];

pub fn numbers() -> impl Iterator<Item = NhsNumber> {
    NUMBERS.iter().filter_map(|number| number.parse().ok())
}

pub fn keys() -> impl Iterator<Item = EntryKey> {
    let key = |source: &str, local: u32| EntryKey { source: source.parse().unwrap(), local_id: format!("L{local}") };
    ["gp", "uhb"].into_iter().flat_map(move |source| (0..6).map(move |local| key(source, local)))
}

/// Random ids and others.
pub fn id() -> impl Strategy<Value = PersonId> {
    (0u32..12, any::<bool>()).prop_map(|(n, other)| {
        let text = if other && n < 3 { format!("p{n}") } else { format!("{n:08x}-0000-4000-8000-0123456789ab") };
        text.parse().unwrap()
    })
}

fn demographics() -> impl Strategy<Value = Demographics> {
    let pick = |from: &'static [&'static str]| prop::sample::select(from).prop_map(str::to_owned);
    let name =
        (pick(&["Smith", "Smyth", "O'Brien", "Łukasz", "李", ""]), prop::collection::vec(pick(&["Ann", "Anna", "Mohammed", ""]), 0..3));
    let names = prop::collection::vec(name, 0..4);
    let address = (pick(&["1 High St", "12 The Lane", ""]), pick(&["Dudley", ""]), pick(&["DY1 4SE", "B1 1AA", ""]));
    let addresses = prop::collection::vec(address, 0..4);
    let born = pick(&["1962-03-09", "1962-09-03", "1962-03", "1962", "2020-02-29", "none"]);
    let rest = (prop::collection::vec(pick(&["01384 123456", "07700 900123"]), 0..3), pick(&["", "a@example.org"]), pick(&["", "M81001"]));
    let number = prop::option::of((prop::sample::select(&NUMBERS[..]), any::<bool>()));
    (names, addresses, born, rest, number, 0u8..4).prop_map(|(names, addresses, born, (phones, email, practice), number, sex)| {
        Demographics {
            number: number.map(|(value, verified)| ClaimedNumber {
                value: value.to_owned(),
                status: if verified { NumberStatus::Verified } else { NumberStatus::Unverified },
            }),
            names: names.into_iter().map(|(family, given)| Name { family, given, ..Name::default() }).collect(),
            birth_date: born.parse().ok(),
            sex: [None, Some(Sex::Female), Some(Sex::Male), Some(Sex::Other)][usize::from(sex)],
            addresses: addresses.into_iter().map(|(line, town, postcode)| Address { line, town, postcode, ..Address::default() }).collect(),
            phones,
            emails: vec![email],
            practice: Some(practice),
        }
    })
}

pub fn person() -> impl Strategy<Value = Person> {
    let entry = (prop::sample::select(keys().collect::<Vec<_>>()), demographics()).prop_map(|(key, demographics)| Entry {
        key,
        provider: None,
        demographics,
        restricted: false,
        seen: jiff::Timestamp::UNIX_EPOCH,
    });
    let number = || prop::sample::select(numbers().collect::<Vec<_>>());
    let numbers = (prop::option::of(number()), prop::collection::vec(number(), 0..3));
    (id(), numbers, any::<bool>(), any::<bool>(), prop::collection::vec(entry, 0..5)).prop_map(
        |(id, (number, superseded), restricted, investigated, entries)| Person {
            id,
            number,
            superseded,
            restricted,
            died: None,
            investigated,
            cut: false,
            entries,
        },
    )
}

/// One thing that is done to the index.
#[derive(Debug, Clone)]
pub enum Deed {
    Change(Vec<Person>, Vec<PersonId>),
    Fold,
    Refill,
    Restart,
}

pub fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let change = (prop::collection::vec(person(), 0..4), prop::collection::vec(id(), 0..3));
    let change = change.prop_map(|(put, remove)| Deed::Change(put, remove));
    prop::collection::vec(prop_oneof![6 => change, 1 => Just(Deed::Fold), 1 => Just(Deed::Refill), 1 => Just(Deed::Restart)], 1..24)
}
