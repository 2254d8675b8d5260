//! What holds of any two people, and of any file of them.

use proptest::prelude::*;
use record::NhsNumber;

use super::{Candidate, Decision, Field, Fields, Folded, Guard, Level, Model, Resolution, link, resolve};
use crate::{Address, ClaimedNumber, Demographics, Name, NameUse, NumberStatus, Sex};

const NUMBERS: [&str; 3] = ["9434765919", "9000000009", "9000000017"];

/// People from so few names, dates and houses that many of them are alike.
fn anybody() -> impl Strategy<Value = Demographics> {
    let name = prop::sample::select(vec!["Sarah", "Sara", "S", "Tom", "Thomas", "Baby", "Khan", "", "Zoë"]);
    let family = prop::sample::select(vec!["Khan", "Kahn", "Smith", "Smith-Khan", "Sarah", ""]);
    let born = prop::sample::select(vec!["1962-03-09", "1962-09-03", "1962-03-08", "1962-01-01", "1987-11-30", "1962", ""]);
    let number = prop::option::of((prop::sample::select(NUMBERS.to_vec()), any::<bool>()));
    let address =
        prop::sample::select(vec![("12 High St", "B1 1AA"), ("12 High Street", "B11AA"), ("14 High Street", "B1 1AA"), ("", "B1 1AB")]);
    let phone = prop::option::of(prop::sample::select(vec!["0121 496 0001", "+44 121 496 0002"]));
    (name.clone(), name, family, born, number, address, phone, any::<bool>()).prop_map(
        |(given, middle, family, born, number, (line, postcode), phone, female)| Demographics {
            number: number.map(|(value, verified)| ClaimedNumber {
                value: value.to_owned(),
                status: if verified { NumberStatus::Verified } else { NumberStatus::Unverified },
            }),
            names: vec![Name { family: family.to_owned(), given: vec![given.to_owned(), middle.to_owned()], used: NameUse::Current }],
            birth_date: born.parse().ok(),
            sex: Some(if female { Sex::Female } else { Sex::Male }),
            addresses: vec![Address { line: line.to_owned(), town: String::new(), postcode: postcode.to_owned(), used: NameUse::Current }],
            phones: phone.into_iter().map(str::to_owned).collect(),
            ..Demographics::default()
        },
    )
}

fn number(fields: &Fields<'_>) -> Option<NhsNumber> {
    fields.number.map(|(number, _)| number)
}

/// Which records stand together, as sorted lists of their own ids.
fn groups(ids: &[usize], clusters: &[u32]) -> Vec<Vec<usize>> {
    let mut groups: std::collections::BTreeMap<u32, Vec<usize>> = std::collections::BTreeMap::new();
    ids.iter().zip(clusters).for_each(|(id, home)| groups.entry(*home).or_default().push(*id));
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort();
    groups
}

proptest! {
    #[test]
    fn law_comparing_is_symmetric_and_finite((a, b) in (anybody(), anybody())) {
        let (a, b) = (Folded::of(&a), Folded::of(&b));
        let model = Model::standard();
        let (there, back) = (model.compare(&a.fields(), &b.fields()), model.compare(&b.fields(), &a.fields()));
        prop_assert_eq!(there, back);
        prop_assert!(there.weights.total.is_finite());
    }

    #[test]
    fn law_nobody_is_linked_against_a_guard((a, b) in (anybody(), anybody())) {
        let (a, b) = (Folded::of(&a), Folded::of(&b));
        let comparison = Model::standard().compare(&a.fields(), &b.fields());
        prop_assert!(comparison.guard.is_none() || comparison.decision != Decision::Match);
        if number(&a.fields()).is_some() && number(&b.fields()).is_some() && number(&a.fields()) != number(&b.fields()) {
            prop_assert_eq!(comparison.guard, Some(Guard::Numbers));
        }
        if comparison.pattern.level(Field::Given) == Level::Different || comparison.pattern.level(Field::Birth) == Level::Different {
            prop_assert!(comparison.decision != Decision::Match);
        }
    }

    #[test]
    fn law_no_group_holds_two_numbers(people in prop::collection::vec(anybody(), 2..24)) {
        let folded: Vec<Folded> = people.iter().map(Folded::of).collect();
        let fields: Vec<Fields<'_>> = folded.iter().map(Folded::fields).collect();
        let linked = link(&Model::standard().among(fields.len()), &fields);
        for (a, home) in fields.iter().zip(&linked.clusters) {
            for (b, other) in fields.iter().zip(&linked.clusters) {
                let apart = number(a).zip(number(b)).is_some_and(|(a, b)| a != b);
                prop_assert!(home != other || !apart);
            }
        }
    }

    /// The order of rows decides nothing but between records that are equal in everything, whose links are equal too.
    #[test]
    fn law_the_order_of_rows_decides_nothing((people, shuffled) in prop::collection::vec(anybody(), 2..16)
        .prop_flat_map(|people| { let ids: Vec<usize> = (0..people.len()).collect(); (Just(people), Just(ids).prop_shuffle()) })) {
        let folded: Vec<Folded> = people.iter().map(Folded::of).collect();
        let model = Model::standard().among(people.len());
        let run = |ids: &[usize]| {
            // As the command does: in order of ids.
            let mut order: Vec<usize> = (0..ids.len()).collect();
            order.sort_by_key(|at| ids[*at]);
            let fields: Vec<Fields<'_>> = order.iter().map(|at| folded[ids[*at]].fields()).collect();
            let linked = link(&model, &fields);
            let ids: Vec<usize> = order.iter().map(|at| ids[*at]).collect();
            groups(&ids, &linked.clusters)
        };
        let rows: Vec<usize> = (0..people.len()).collect();
        prop_assert_eq!(run(&rows), run(&shuffled));
    }
}

fn said(given: &str, number: &str) -> Folded {
    Folded::of(&Demographics {
        number: Some(ClaimedNumber { value: number.to_owned(), status: NumberStatus::Verified }),
        names: vec![Name { family: "Okafor".to_owned(), given: vec![given.to_owned()], used: NameUse::Current }],
        birth_date: "2012-03-05".parse().ok(),
        addresses: vec![Address {
            line: "55 Pershore Street".into(),
            town: String::new(),
            postcode: "HR9 5TF".into(),
            used: NameUse::Current,
        }],
        ..Demographics::default()
    })
}

#[test]
fn twins_whose_numbers_were_exchanged_are_not_linked() {
    let [ours, theirs] = [NUMBERS[0], NUMBERS[1]];
    let records = [said("Paul", ours), said("Samuel", theirs), said("Paul", theirs), said("Samuel", ours)];
    let fields: Vec<Fields<'_>> = records.iter().map(Folded::fields).collect();
    let linked = link(&Model::standard(), &fields);
    assert_eq!(linked.clusters, [0, 1, 2, 3]);
    let (one, other) = ("p1".parse().unwrap(), "p2".parse().unwrap());
    let candidates = [
        (Candidate { person: &one, barred: false, numbered: true }, records[0].fields()),
        (Candidate { person: &other, barred: false, numbered: true }, records[1].fields()),
    ];
    let Resolution::New { probable, .. } = resolve(&Model::standard(), &records[2].fields(), &candidates) else {
        panic!("linked");
    };
    assert_eq!(probable.len(), 2, "a steward sees both");
    assert!(
        matches!(resolve(&Model::standard(), &said("Paul", ours).fields(), &candidates), Resolution::Linked { person, tier: 0, .. } if *person == one)
    );
}

#[test]
fn a_change_of_name_and_sex_under_one_number_is_one_person_once_the_former_name_is_known() {
    let mut changed = Demographics {
        number: Some(ClaimedNumber { value: NUMBERS[0].to_owned(), status: NumberStatus::Verified }),
        names: vec![Name { family: "Okafor-Reid".to_owned(), given: vec!["Anna".to_owned()], used: NameUse::Current }],
        birth_date: "2012-03-05".parse().ok(),
        sex: Some(Sex::Female),
        ..Demographics::default()
    };
    let model = Model::standard();
    let before = said("Paul", NUMBERS[0]);
    assert_eq!(model.compare(&before.fields(), &Folded::of(&changed).fields()).guard, Some(Guard::Given));
    changed.names.push(Name { family: "Okafor".to_owned(), given: vec!["Paul".to_owned()], used: NameUse::Old });
    let after = model.compare(&before.fields(), &Folded::of(&changed).fields());
    assert_eq!((after.decision, after.tier), (Decision::Match, Some(0)));
}
