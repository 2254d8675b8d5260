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
        assert!(!format!("{event:?}").contains(person.as_str()));
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

/// Somebody with one number, before and after: what is known under the numbers that were cut, and under the one that stands.
struct Apart<'a> {
    old: (&'a [&'static str], &'a [u32], Vec<PersonId>),
    new: (&'a [&'static str], &'a [u32]),
}

impl Apart<'_> {
    /// From neither side the other is reached, by any route; and the old one not at all.
    fn check(&self, desk: &Desk) {
        let registrar = &desk.registrar;
        let (keys, numbers, ids) = &self.old;
        let whom = |whom: Whom| desk.run(registrar.whom(&whom)).unwrap();
        for key in *keys {
            assert_eq!(whom(Whom::Entry(super::key(key))), None, "{key}");
            assert!(!ids.contains(&desk.home(&super::key(key))) || whom(Whom::Person(desk.home(&super::key(key)))).is_none());
        }
        for number in *numbers {
            assert_eq!(whom(Whom::Number(super::number(*number))), None);
            assert_eq!(desk.run(registrar.person_of(&super::number(*number))).unwrap(), None);
        }
        let theirs: Vec<PersonId> = self.new.0.iter().map(|key| desk.home(&super::key(key))).collect();
        let names = |event: &crate::Event, keys: &[&str], ids: &[PersonId]| {
            let said = format!("{event:?}");
            keys.iter().any(|key| said.contains(&format!("{:?}", super::key(key)))) || ids.iter().any(|id| said.contains(id.as_str()))
        };
        for id in ids {
            assert_eq!(whom(Whom::Person(id.clone())), None);
            for event in desk.run(registrar.history(id)).unwrap() {
                assert!(!names(&event, self.new.0, &theirs), "the old one's history leads to the new: {event:?}");
            }
        }
        for (key, id) in self.new.0.iter().zip(&theirs) {
            assert!(!ids.contains(id) && whom(Whom::Person(id.clone())).is_some());
            for event in desk.run(registrar.history(id)).unwrap() {
                assert!(!names(&event, keys, ids) && event.deed != Deed::Cut, "the new one's history leads to the old: {event:?}");
            }
            for old in *keys {
                let linked = desk.run(registrar.link(&super::key(old), id, &steward(), ""));
                assert!(matches!(linked, Err(NotDone::UnknownEntry)), "{old} and {key}");
            }
            for old in ids {
                assert!(matches!(desk.run(registrar.merge(id, old, &steward(), "")), Err(NotDone::UnknownPerson)));
                assert!(matches!(
                    desk.run(registrar.unmerge(id, old, &steward(), "")),
                    Err(NotDone::UnknownPerson | NotDone::NothingToUndo)
                ));
            }
        }
        for number in self.new.1 {
            assert!(theirs.contains(&desk.run(registrar.person_of(&super::number(*number))).unwrap().unwrap()));
        }
        let all = crate::TaskFilter { count_max: 100, ..Default::default() };
        for task in desk.run(registrar.tasks(&all)).unwrap() {
            let named: Vec<_> = [Some(&task.entry), task.other.as_ref()].into_iter().flatten().collect();
            let old = keys.iter().any(|key| named.contains(&&super::key(key))) || ids.contains(&task.person);
            let new = self.new.0.iter().any(|key| named.contains(&&super::key(key))) || theirs.contains(&task.person);
            assert!(!(old && new), "a task joins them: {task:?}");
            assert!(!old || task.decided.is_some(), "a task about somebody who was cut: {task:?}");
            let undone = old.then(|| desk.run(registrar.undo(&task.id, &steward(), "")));
            assert!(matches!(undone, None | Some(Err(NotDone::NothingToUndo))), "{undone:?}");
            let sides = desk.run(registrar.show(&task.id)).unwrap();
            assert!(!old || sides.entry.is_none() && sides.explained.is_none(), "{sides:?}");
        }
        let entries = desk.memory.0.lock().unwrap().entries.clone();
        for key in keys.iter().chain(self.new.0) {
            let said = &entries[&super::key(key)].1.demographics;
            for said in [said.clone(), Demographics { number: None, ..said.clone() }] {
                let Traced::Candidates(found) = desk.run(registrar.find(&said, 10, &Nameable::All)).unwrap() else { continue };
                assert!(
                    found.iter().all(|found| !ids.contains(&found.person) && !keys.iter().any(|key| found.best.key == super::key(key)))
                );
            }
        }
        desk.check();
    }
}

/// The child's entries under the number of before, and under the one that replaced it.
fn child(local_id: &'static str, seed: u32) -> Said {
    Said::new(local_id, "Jamie", "Hartley", "2019-03-04", seed)
}

fn adopted(local_id: &'static str, seed: u32) -> Said {
    Said::new(local_id, "Jamie", "Quill", "2019-03-04", seed)
}

/// What is known under the old and the new number comes and goes in this order; then neither leads to the other.
fn cut_after(deeds: impl Fn(&Desk)) {
    let desk = Desk::new();
    // Of the old ones one gives no number: it is known with the other.
    desk.all(vec![child("old-1", 1).entry(), child("old-2", 0).entry()]);
    desk.all(vec![adopted("new-1", 2).entry()]);
    let old = desk.home(&key("old-1"));
    assert_eq!(desk.home(&key("old-2")), old);
    deeds(&desk);
    let both = Apart { old: (&["old-1", "old-2"], &[1], vec![old]), new: (&["new-1"], &[2]) };
    both.check(&desk);
    // What comes once more under the old number stays by itself, and what comes under the new one is the new one's.
    let tasks = desk.tasks().len();
    desk.take(Said { family: "Heartley", seen: 5, ..child("old-1", 1) }.entry());
    desk.take(Said { seen: 5, ..child("old-3", 1) }.entry());
    desk.take(Said { seen: 5, ..adopted("new-2", 2) }.entry());
    assert_eq!((desk.tasks().len(), desk.home(&key("new-2"))), (tasks, desk.home(&key("new-1"))));
    Apart { old: (&["old-1", "old-2", "old-3"], &[1], both.old.2), new: (&["new-1", "new-2"], &[2]) }.check(&desk);
    // Without the old number the old entry is found again; no rule makes it the new one's, and nobody is told to.
    desk.take(Said { number: None, seen: 6, ..adopted("old-1", 0) }.entry());
    assert_ne!(desk.home(&key("old-1")), desk.home(&key("new-1")));
    assert_eq!(desk.tasks().len(), tasks);
    desk.check();
}

#[test]
fn superseded_then_cut_or_cut_then_superseded_leads_nowhere() {
    let supersede = |desk: &Desk| drop(desk.run(desk.registrar.supersede(&number(1), &number(2))).unwrap());
    let cut = |desk: &Desk| drop(desk.run(desk.registrar.cut(&number(1))).unwrap());
    cut_after(|desk| {
        supersede(desk);
        assert_eq!(desk.home(&key("old-1")), desk.home(&key("new-1")));
        cut(desk);
        // It is not believed again.
        supersede(desk);
        cut(desk);
    });
    // And with a doubt about the two from before, decided or not; and with what came under the old number since.
    for decided in [None, Some(crate::Outcome::Unknown), Some(crate::Outcome::Same)] {
        cut_after(|desk| {
            desk.run(desk.registrar.held(&desk.home(&key("new-1")), &key("old-2"))).unwrap();
            desk.run(desk.registrar.held(&desk.home(&key("old-1")), &key("new-1"))).unwrap();
            supersede(desk);
            for task in desk.tasks() {
                let Some(outcome) = decided else { continue };
                desk.run(desk.registrar.decide(&task.id, outcome, &steward(), "seen the papers")).unwrap();
            }
            desk.take(Said { seen: 1, ..child("old-3", 1) }.entry());
            cut(desk);
        });
    }
}

#[test]
fn whoever_comes_to_give_a_number_that_was_cut_is_in_no_task() {
    let desk = Desk::new();
    desk.run(desk.registrar.cut(&number(1))).unwrap();
    // A doubt that names both, from the same batch or from before.
    let (one, other) =
        (hartley("new-1", 2), Said { number: Some(number(2)), ..Said::new("old-1", "Tobias", "Winterbourne", "1981-11-23", 2) });
    desk.all(vec![one.entry(), other.entry()]);
    assert_eq!(desk.tasks().len(), 1);
    let old = desk.home(&key("old-1"));
    desk.all(vec![
        Said { local_id: "old-2", ..other.clone() }.entry(),
        Said { local_id: "old-2", number: Some(number(1)), seen: 1, ..other.clone() }.entry(),
        Said { number: Some(number(1)), seen: 1, ..other }.entry(),
    ]);
    assert!(desk.tasks().is_empty());
    assert_eq!(desk.run(desk.registrar.whom(&Whom::Person(old))).unwrap().map(|person| person.entries.len()), Some(0));
    Apart { old: (&["old-1", "old-2"], &[1], vec![]), new: (&["new-1"], &[2]) }.check(&desk);
}

/// An entry of somebody else's that gives the number, too, is found no more than one that comes with it later.
#[test]
fn whatever_gives_a_number_goes_when_it_is_cut() {
    let desk = Desk::new();
    desk.all(vec![hartley("old-1", 1).entry(), Said::new("old-2", "Tobias", "Winterbourne", "1981-11-23", 1).entry()]);
    assert_eq!((desk.groups().len(), desk.tasks().len()), (2, 1));
    let ids = ["old-1", "old-2"].map(|id| desk.home(&key(id)));
    desk.run(desk.registrar.cut(&number(1))).unwrap();
    Apart { old: (&["old-1", "old-2"], &[1], vec![ids[0].clone()]), new: (&[], &[]) }.check(&desk);
    assert!(desk.tasks().is_empty());
}

#[test]
fn who_was_renumbered_is_somebody_new_when_the_old_number_is_cut() {
    let desk = Desk::new();
    desk.all(vec![child("old-1", 1).entry(), child("old-2", 0).entry()]);
    let old = desk.home(&key("old-1"));
    // Nobody was known by the new number yet: who had the old one has it.
    desk.run(desk.registrar.supersede(&number(1), &number(2))).unwrap();
    desk.take(adopted("new-1", 2).entry());
    assert_eq!(desk.home(&key("new-1")), old);
    let done = desk.run(desk.registrar.cut(&number(1))).unwrap();
    assert!(done.touched.iter().any(|touched| touched.person == old && touched.since.is_some()), "{done:?}");
    Apart { old: (&["old-1", "old-2"], &[1], vec![old]), new: (&["new-1"], &[2]) }.check(&desk);
}

/// The first number was replaced by a second, and that by a third.
fn chain(desk: &Desk) -> [PersonId; 3] {
    desk.all(vec![child("one", 1).entry(), child("two", 2).entry(), adopted("three", 3).entry()]);
    let ids = ["one", "two", "three"].map(|id| desk.home(&key(id)));
    for (old, new) in [(1, 2), (2, 3)] {
        desk.run(desk.registrar.supersede(&number(old), &number(new))).unwrap();
        desk.check();
    }
    for seed in [1, 2, 3] {
        assert_eq!(desk.run(desk.registrar.person_of(&number(seed))).unwrap(), Some(ids[2].clone()), "{seed}");
    }
    let kept = desk.run(desk.registrar.whom(&Whom::Number(number(1)))).unwrap().unwrap();
    assert_eq!((kept.number, kept.superseded), (Some(number(3)), vec![number(1), number(2)]));
    ids
}

#[test]
fn of_a_chain_each_number_is_cut_with_those_that_it_replaced() {
    let desk = Desk::new();
    let [one, two, three] = chain(&desk);
    desk.run(desk.registrar.cut(&number(1))).unwrap();
    Apart { old: (&["one"], &[1], vec![one.clone()]), new: (&["two", "three"], &[2, 3]) }.check(&desk);
    assert_eq!(desk.home(&key("two")), three);
    desk.run(desk.registrar.cut(&number(2))).unwrap();
    Apart { old: (&["one", "two"], &[1, 2], vec![one, two]), new: (&["three"], &[3]) }.check(&desk);

    let desk = Desk::new();
    let [one, two, _] = chain(&desk);
    desk.run(desk.registrar.cut(&number(2))).unwrap();
    Apart { old: (&["one", "two"], &[1, 2], vec![one, two]), new: (&["three"], &[3]) }.check(&desk);

    let desk = Desk::new();
    let ids = chain(&desk);
    desk.run(desk.registrar.cut(&number(3))).unwrap();
    Apart { old: (&["one", "two", "three"], &[1, 2, 3], ids.to_vec()), new: (&[], &[]) }.check(&desk);
}

#[test]
fn back_and_forth_both_numbers_lead_to_the_one_who_has_them() {
    for known in [&[1][..], &[2], &[1, 2]] {
        let desk = Desk::new();
        let local_id = |seed: u32| ["a", "b"][seed as usize - 1];
        desk.all(known.iter().map(|seed| hartley(local_id(*seed), *seed).entry()).collect());
        for (old, new) in [(1, 2), (2, 1), (1, 2), (2, 1)] {
            desk.run(desk.registrar.supersede(&number(old), &number(new))).unwrap();
            let kept = desk.run(desk.registrar.whom(&Whom::Number(number(old)))).unwrap().unwrap();
            assert_eq!((kept.number, kept.superseded), (Some(number(new)), vec![number(old)]));
            assert_eq!(kept.entries.len(), known.len());
            desk.check();
        }
    }
}

/// What the service says of one number it does not say of another that the same person has.
#[test]
fn a_number_that_is_replaced_by_another_than_before_leaves_who_has_the_first() {
    let numbers = |desk: &Desk, seed: u32| {
        let kept = desk.run(desk.registrar.whom(&Whom::Number(number(seed)))).unwrap();
        kept.map(|kept| (kept.number, kept.superseded))
    };
    for known in [false, true] {
        let desk = Desk::new();
        let third = hartley("c", 3);
        desk.all(vec![hartley("a", 1).entry(), hartley("b", 2).entry()]);
        desk.all(known.then(|| third.entry()).into_iter().collect());
        for (old, new) in [(1, 2), (1, 3)] {
            desk.run(desk.registrar.supersede(&number(old), &number(new))).unwrap();
            desk.check();
        }
        assert_ne!(desk.home(&key("a")), desk.home(&key("b")), "nobody said that the second and the third are one person's");
        assert_eq!((numbers(&desk, 1), numbers(&desk, 2)), (Some((Some(number(3)), vec![number(1)])), Some((Some(number(2)), vec![]))));
        desk.run(desk.registrar.supersede(&number(2), &number(3))).unwrap();
        assert_eq!(desk.home(&key("a")), desk.home(&key("b")));
        assert_eq!(numbers(&desk, 2), Some((Some(number(3)), vec![number(1), number(2)])));
        desk.check();
    }
    // Where nothing gives the number between, who has the first stays who they are.
    let desk = Desk::new();
    desk.take(hartley("a", 1).entry());
    let person = desk.home(&key("a"));
    for new in [2, 3] {
        desk.run(desk.registrar.supersede(&number(1), &number(new))).unwrap();
    }
    assert_eq!((desk.home(&key("a")), numbers(&desk, 1)), (person, Some((Some(number(3)), vec![number(1)]))));
    assert_eq!(numbers(&desk, 2), None);
    desk.check();
}

#[test]
fn a_merge_takes_all_numbers_along_and_its_undoing_gives_them_back() {
    let desk = Desk::new();
    desk.all(vec![hartley("a", 1).entry(), Said::new("x", "Tobias", "Winterbourne", "1981-11-23", 0).entry()]);
    desk.run(desk.registrar.supersede(&number(1), &number(2))).unwrap();
    let (a, x) = (desk.home(&key("a")), desk.home(&key("x")));
    let of = |id: &PersonId| {
        let kept = desk.run(desk.registrar.whom(&Whom::Person(id.clone()))).unwrap().unwrap();
        (kept.number, kept.superseded)
    };
    let (all, none) = ((Some(number(2)), vec![number(1)]), (None, vec![]));
    desk.run(desk.registrar.merge(&x, &a, &steward(), "one person")).unwrap();
    assert_eq!((of(&x), of(&a)), (all.clone(), none.clone()));
    desk.check();
    desk.run(desk.registrar.unmerge(&x, &a, &steward(), "no")).unwrap();
    assert_eq!((of(&x), of(&a)), (none, all.clone()));
    desk.check();
    // The same by the only entry that gives one of them.
    desk.run(desk.registrar.link(&key("a"), &x, &steward(), "one person")).unwrap();
    assert_eq!(of(&x), all);
    desk.check();
    // What the national service made one goes back with what it had.
    let desk = Desk::new();
    let [_, two, three] = chain(&desk);
    desk.run(desk.registrar.unmerge(&three, &two, &steward(), "no")).unwrap();
    for (seed, who) in [(1, &two), (2, &two), (3, &three)] {
        assert_eq!(desk.run(desk.registrar.person_of(&number(seed))).unwrap().as_ref(), Some(who), "{seed}");
    }
    desk.check();
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

/// An entry takes on a number that was cut, and leaves whose it was: what was laid out of their record before is over, as the history that
/// is kept says; who saw it is asked; and nothing that is told there says where it went.
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
    let kept = desk.run(desk.registrar.register().history(&person)).unwrap();
    assert_eq!(kept.last().map(|event| &event.deed), Some(&Deed::Unlinked { entry: key("b"), to: apart.clone() }));
    let told = format!("{:?}", desk.run(desk.registrar.history(&person)).unwrap());
    assert!(!told.contains(apart.as_str()) && !told.contains(&format!("{:?}", key("b"))));
    desk.check();
}
