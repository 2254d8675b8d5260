use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use record::{PersonId, SourceId};

use super::model::id;
use super::{KEY, Limits};
use crate::index::{Category, Holding, Locator};

fn holding(source: &str, categories: &[Category], minute: i64) -> Holding {
    let heard = Timestamp::from_second(1_700_000_040 + minute * 60).unwrap();
    let newest = (minute % 2 == 0).then(|| jiff::civil::date(1899 + minute as i16, 12, 31));
    Holding {
        source: source.parse().unwrap(),
        categories: categories.iter().copied().collect(),
        newest: newest.filter(|date| date.year() >= 1900),
        heard,
    }
}

#[test]
fn asked_and_empty_is_another_thing_than_never_asked() {
    let locator = Locator::new();
    let person: PersonId = "p1".parse().unwrap();
    assert!(locator.holdings(&person).is_empty());
    locator.heard(&person, &[holding("uhb", &[], 1)]);
    assert!(locator.holdings(&person)[0].categories.is_empty());
    locator.heard(&person, &[holding("gp", &[Category::Medications, Category::SocialCare], 2)]);
    let rows = locator.holdings(&person);
    assert_eq!(rows.iter().map(|row| row.source.as_str()).collect::<Vec<_>>(), ["gp", "uhb"]);
    assert_eq!(rows[0].categories.iter().collect::<Vec<_>>(), [Category::Medications, Category::SocialCare]);
    locator.remove(&person);
    assert!(locator.holdings(&person).is_empty());
}

#[test]
fn an_old_row_is_due() {
    let row = holding("uhb", &[], 0);
    let later = |minutes| row.heard + SignedDuration::from_mins(minutes);
    assert!(!row.is_due(later(60), SignedDuration::from_mins(60)));
    assert!(row.is_due(later(61), SignedDuration::from_mins(60)));
}

#[derive(Debug, Clone)]
enum Deed {
    Fold,
    Heard(PersonId, Vec<Holding>),
    Put(PersonId, Vec<Holding>),
    Remove(PersonId),
    Restart,
}

fn rows() -> impl Strategy<Value = Vec<Holding>> {
    let categories = prop::sample::subsequence(vec![Category::Allergies, Category::Demographics, Category::SocialCare], 0..3);
    let row = (prop::sample::select(vec!["gp", "uhb", "mh"]), categories, 0i64..200);
    prop::collection::vec(row.prop_map(|(source, categories, minute)| holding(source, &categories, minute)), 0..4)
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        1 => Just(Deed::Fold),
        1 => Just(Deed::Restart),
        4 => (id(), rows()).prop_map(|(id, rows)| Deed::Heard(id, rows)),
        2 => (id(), rows()).prop_map(|(id, rows)| Deed::Put(id, rows)),
        1 => id().prop_map(Deed::Remove),
    ]
}

proptest! {
    #[test]
    fn law_the_packed_locator_answers_as_a_plain_table(deeds in prop::collection::vec(deed(), 1..40)) {
        let limits = Limits { segment_persons_max: 3, ..Limits::default() };
        let mut locator = Locator::with(limits);
        let mut plain: BTreeMap<PersonId, BTreeMap<SourceId, Holding>> = BTreeMap::new();
        let write = |rows: &mut BTreeMap<SourceId, Holding>, new: Vec<Holding>| rows.extend(new.into_iter().map(|row| (row.source.clone(), row)));
        for deed in deeds {
            match deed {
                Deed::Fold => drop(locator.fold()),
                Deed::Heard(id, rows) => {
                    locator.heard(&id, &rows);
                    write(plain.entry(id).or_default(), rows);
                }
                Deed::Put(id, rows) => {
                    locator.put(&id, &rows);
                    plain.remove(&id);
                    write(plain.entry(id).or_default(), rows);
                }
                Deed::Remove(id) => {
                    locator.remove(&id);
                    plain.remove(&id);
                }
                Deed::Restart => {
                    let mut file = Vec::new();
                    locator.write_snapshot("", &KEY, &mut file).unwrap();
                    locator = Locator::read_snapshot(limits, &KEY, &file[..], |_| true).unwrap().0;
                }
            }
            for (id, rows) in &plain {
                prop_assert_eq!(locator.holdings(id), rows.values().cloned().collect::<Vec<_>>());
            }
        }
    }
}
