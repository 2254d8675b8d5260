use std::collections::{BTreeMap, HashSet};

use super::*;

#[test]
fn a_person_is_the_same_whoever_asks_and_in_whatever_order() {
    let town = Population::new(3, 500);
    let people: Vec<Citizen> = town.people().collect();
    assert_eq!(people.len(), 500);
    for n in [0, 11, 12, 250, 499] {
        assert_eq!(town.person(n), people[n as usize]);
        assert_eq!(town.person(n).entries(), people[n as usize].entries());
    }
    let births = |people: &[Citizen]| people.iter().map(|person| person.born.to_string()).collect::<Vec<_>>();
    assert_ne!(births(&Population::new(4, 500).people().collect::<Vec<_>>()), births(&people));
}

#[test]
fn no_two_entries_share_an_id_and_all_providers_have_some() {
    let town = Population::new(1, 40_000);
    let entries: Vec<Entry> = town.people().flat_map(|person| person.entries()).collect();
    assert_eq!(entries.iter().map(Entry::rec_id).collect::<HashSet<_>>().len(), entries.len());
    assert_eq!(entries.iter().map(|entry| entry.provider).collect::<HashSet<_>>().len(), 848);
    let per_person = entries.len() as f64 / 40_000.0;
    assert!((2.46..3.0).contains(&per_person), "6.1 million people have at least 15 million entries: {per_person}");
}

/// Shares of the region, as far as they are held to: per thousand, from and to.
#[test]
fn the_people_are_those_of_the_region() {
    let town = Population::new(2, 60_000);
    let people: Vec<Citizen> = town.people().collect();
    let entries: Vec<Entry> = people.iter().flat_map(Citizen::entries).collect();
    let of_people = |fits: &dyn Fn(&Citizen) -> bool| people.iter().filter(|person| fits(person)).count() * 1000 / people.len();
    let of_entries = |fits: &dyn Fn(&Entry) -> bool| entries.iter().filter(|entry| fits(entry)).count() * 1000 / entries.len();
    let twins = people.windows(2).filter(|two| two[0].born == two[1].born && two[0].address == two[1].address).count();
    let table = [
        ("children", of_people(&|person| person.age() < 18), 180, 240),
        ("65 and over", of_people(&|person| person.age() >= 65), 150, 200),
        ("women and girls", of_people(&|person| person.sex == Sex::Female), 490, 530),
        ("moved", of_people(&|person| person.former_address.is_some()), 270, 330),
        ("another family name before", of_people(&|person| person.former_family.is_some()), 50, 150),
        ("transitioned", of_people(&|person| person.former_given.is_some()), 1, 6),
        ("a number replaced", of_people(&|person| person.superseded.is_some()), 3, 9),
        ("twins per thousand people", twins * 1000 / people.len(), 1, 8),
        ("no number", of_entries(&|entry| entry.nhs_number.is_empty()), 35, 65),
        ("no birth date", of_entries(&|entry| entry.birth_date.is_empty()), 1, 4),
        ("no telephone", of_entries(&|entry| entry.phone.is_empty()), 170, 280),
        (
            "another's number, verified",
            of_entries(&|entry| {
                entry.nhs_status == "01" && {
                    let person = &people[entry.person as usize];
                    let own = [Some(&person.number), person.superseded.as_ref(), person.cut.as_ref()];
                    !own.contains(&Some(&entry.nhs_number))
                }
            }),
            0,
            1,
        ),
    ];
    for (what, seen, from, to) in table {
        assert!((from..=to).contains(&seen), "{what}: {seen} in a thousand");
    }
    let mut namesakes: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
    for person in &people {
        *namesakes.entry((&person.family, &person.given, person.born.to_string())).or_default() += 1;
    }
    assert!(namesakes.values().any(|count| *count > 1), "some share name and birth date");
}

#[test]
fn records_and_truth_stand_in_the_columns_of_the_shared_set() {
    let (mut records, mut gold, mut superseded) = (Vec::new(), Vec::new(), Vec::new());
    Population::new(5, 2000).write(&mut records, &mut gold, &mut superseded, |_| {}).unwrap();
    let lines = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let (records, gold, superseded) = (lines(records), lines(gold), lines(superseded));
    assert_eq!((records[0].as_str(), gold[0].as_str()), (COLUMNS, GOLD_COLUMNS));
    assert_eq!(records.len(), gold.len());
    for (record, truth) in records.iter().zip(&gold) {
        assert_eq!(record.split(',').count(), 14, "{record}");
        assert_eq!(record.split(',').next(), truth.split(',').next());
    }
    assert!(superseded.len() > 1);
}
