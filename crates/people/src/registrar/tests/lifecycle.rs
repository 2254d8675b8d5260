use super::*;
use crate::{Demographics, Nameable, Traced};

fn hartley(local_id: &'static str, seed: u32) -> Said {
    Said::new(local_id, "Margaret", "Hartley", "1948-06-02", seed)
}

#[test]
fn a_superseded_number_leads_to_the_one_that_replaced_it() {
    let desk = Desk::new();
    desk.all(vec![hartley("a", 1).entry(), hartley("b", 2).entry()]);
    let (old, new) = (desk.home(&key("a")), desk.home(&key("b")));
    let done = desk.run(desk.registrar.supersede(&number(1), &number(2))).unwrap();
    assert_eq!((desk.home(&key("a")), desk.number_of(&key("a"))), (new.clone(), Some(number(2))));
    // Whoever saw either since both were here saw less than there is.
    assert!([&old, &new].iter().all(|id| done.touched.iter().any(|touched| touched.person == **id && touched.since.is_some())));
    for seed in [1, 2] {
        assert_eq!(desk.run(desk.registrar.person_of(&number(seed))).unwrap(), Some(new.clone()));
    }
    desk.check();
    // Said once more, it changes nothing; and a late entry under the old number is theirs.
    assert_eq!(desk.run(desk.registrar.supersede(&number(1), &number(2))).unwrap(), Done::default());
    desk.take(hartley("c", 1).entry());
    assert_eq!(desk.home(&key("c")), new);
    desk.check();
    // Where only one of the two is known.
    for (known, seeds) in [(3, (3, 4)), (6, (5, 6))] {
        desk.take(Said { given: "Ada", born: "1999-01-31", ..hartley(if known == 3 { "d" } else { "e" }, known) }.entry());
        desk.run(desk.registrar.supersede(&number(seeds.0), &number(seeds.1))).unwrap();
        assert_eq!(
            desk.run(desk.registrar.person_of(&number(seeds.0))).unwrap(),
            desk.run(desk.registrar.person_of(&number(seeds.1))).unwrap()
        );
    }
    desk.check();
}

#[test]
fn a_word_against_the_national_services_is_a_task() {
    let desk = Desk::new();
    desk.all(vec![hartley("a", 1).entry(), hartley("b", 2).entry()]);
    desk.run(desk.registrar.apart(&key("a"), &key("b"), &steward(), "twins")).unwrap();
    let before = desk.groups();
    let done = desk.run(desk.registrar.supersede(&number(1), &number(2))).unwrap();
    assert_eq!((done.raised.len(), desk.groups(), desk.tasks().len()), (1, before, 1));
    desk.check();
}

/// Golden case 25, as far as the index goes.
#[test]
fn an_old_record_is_reached_from_the_new_one_by_no_route() {
    let desk = Desk::new();
    // A doubt that named both, from before.
    let child = Said::new("old", "Jamie", "Hartley", "2019-03-04", 1);
    let adopted = Said { family: "Quill", number: None, ..Said::new("new", "Jamie", "Quill", "2019-03-04", 0) };
    let (old, new) = (child.entry(), adopted.entry());
    desk.all(vec![old.clone(), new.clone()]);
    let person = desk.home(&old.key);
    if desk.home(&new.key) == person {
        desk.run(desk.registrar.unlink(&new.key, &steward(), "adopted")).unwrap();
    }
    let done = desk.run(desk.registrar.cut(&number(1))).unwrap();
    assert!(done.touched.iter().any(|touched| touched.person == person) && done.raised.is_empty());
    // The new number comes.
    desk.take(Said { number: Some(number(2)), seen: 1, ..adopted.clone() }.entry());
    let theirs = desk.home(&new.key);
    assert_ne!(theirs, person);
    // Search, by number and by demographics of either.
    assert_eq!(desk.run(desk.registrar.person_of(&number(1))).unwrap(), None);
    for said in [&old.demographics, &new.demographics] {
        for said in [said.clone(), Demographics { number: None, ..said.clone() }] {
            let Traced::Candidates(found) = desk.run(desk.registrar.find(&said, 10, &Nameable::All)).unwrap() else { panic!() };
            assert!(found.iter().all(|found| found.person != person));
        }
    }
    // Tasks, open or decided.
    let all = crate::TaskFilter { count_max: 100, ..Default::default() };
    for task in desk.run(desk.registrar.tasks(&all)).unwrap() {
        let named = [Some(&task.entry), task.other.as_ref()];
        assert!(!(named.contains(&Some(&old.key)) && named.contains(&Some(&new.key))));
    }
    // Entries and explanations.
    for whom in [Whom::Entry(old.key.clone()), Whom::Person(person.clone()), Whom::Number(number(1))] {
        assert_eq!(desk.run(desk.registrar.whom(&whom)).unwrap(), None);
    }
    assert!(matches!(desk.run(desk.registrar.link(&old.key, &theirs, &steward(), "")), Err(NotDone::UnknownEntry)));
    assert!(matches!(desk.run(desk.registrar.merge(&theirs, &person, &steward(), "")), Err(NotDone::UnknownPerson)));
    // History.
    for event in desk.run(desk.registrar.history(&theirs)).unwrap() {
        assert_ne!(super::super::desk::named(&event), Some(&person));
    }
    // An update of the old entry stays where it is, and raises nothing.
    let before = desk.tasks().len();
    let mut again = child.entry();
    again.seen = at(50);
    again.demographics.phones.clear();
    desk.take(again);
    assert_eq!((desk.home(&old.key), desk.tasks().len()), (person, before));
    // Built anew from the register, the index leads there no more than before.
    let index = Index::new();
    desk.run(index.fill(desk.registrar.register(), 10, |_| ())).unwrap();
    assert_eq!(index.person_of(&number(1)), None);
}

#[test]
fn nothing_is_linked_while_a_number_is_investigated() {
    let desk = Desk::new();
    desk.take(hartley("a", 1).entry());
    let person = desk.home(&key("a"));
    desk.run(desk.registrar.investigate(&number(1))).unwrap();
    desk.take(hartley("b", 1).entry());
    assert_ne!(desk.home(&key("b")), person);
    assert!(matches!(desk.run(desk.registrar.link(&key("b"), &person, &steward(), "")), Err(NotDone::Investigated)));
    desk.run(desk.registrar.investigation_ended(&number(1))).unwrap();
    // By number and date it is as much the one's as the other's, whom only the investigation kept from being the same.
    desk.take(hartley("c", 1).entry());
    assert!([person, desk.home(&key("b"))].contains(&desk.home(&key("c"))));
    desk.check();
}

#[test]
fn death_and_restriction_are_written_once() {
    let desk = Desk::new();
    desk.take(hartley("a", 1).entry());
    let person = desk.home(&key("a"));
    for first in [true, false] {
        let done = desk.run(desk.registrar.died(&person, "2026-11-20")).unwrap();
        assert_eq!(done.touched.len(), usize::from(first));
        let done = desk.run(desk.registrar.restrict(&person, true, &Author::National, "the national service restricts them")).unwrap();
        assert_eq!(done.touched.len(), usize::from(first));
    }
    let kept = desk.run(desk.registrar.whom(&Whom::Person(person.clone()))).unwrap().unwrap();
    assert_eq!((kept.died.as_deref(), kept.restricted), (Some("2026-11-20"), true));
    assert_eq!(desk.run(desk.registrar.history(&person)).unwrap().len(), 3);
    assert!(desk.registrar.index().candidate(&person).unwrap().restricted);
    desk.check();
}

/// An entry takes on a number that was cut, and leaves whose it was: what was laid out of their record before is over, who saw it is asked,
/// and nothing there says where it went.
#[test]
fn an_entry_that_leaves_with_a_cut_number_is_missed_where_it_was() {
    let desk = Desk::new();
    desk.all(vec![hartley("a", 1).entry(), hartley("b", 1).entry()]);
    let person = desk.home(&key("a"));
    assert_eq!(desk.home(&key("b")), person);
    desk.run(desk.registrar.cut(&number(2))).unwrap();
    let taken = desk.take(Said { number: Some(number(2)), seen: 1, ..hartley("b", 1) }.entry());
    let apart = desk.home(&key("b"));
    assert_ne!(apart, person);
    assert!(taken.done.touched.iter().any(|touched| touched.person == person && touched.since.is_some()));
    let history = desk.run(desk.registrar.history(&person)).unwrap();
    assert_eq!(history.last().map(|event| &event.deed), Some(&Deed::Cut));
    assert!(history.iter().all(|event| !format!("{event:?}").contains(apart.as_str())));
}
