use super::*;
use crate::{Doubt, Outcome};

fn two() -> Desk {
    let desk = Desk::new();
    let (a, b) = (Said::new("a", "Margaret", "Hartley", "1948-06-02", 1), Said::new("b", "Tobias", "Winterbourne", "1981-11-23", 0));
    desk.all(vec![a.entry(), b.entry()]);
    desk
}

#[test]
fn unlinking_after_linking_restores_and_holds() {
    let desk = two();
    let before = desk.groups();
    let (a, b) = (desk.home(&key("a")), desk.home(&key("b")));
    let done = desk.run(desk.registrar.link(&key("b"), &a, &steward(), "the same")).unwrap();
    assert_eq!(done.touched.len(), 2);
    assert_eq!(desk.home(&key("b")), a);
    desk.check();
    let done = desk.run(desk.registrar.unlink(&key("b"), &steward(), "not the same after all")).unwrap();
    assert_eq!((desk.groups(), desk.home(&key("b"))), (before, b));
    assert!(done.touched.iter().any(|touched| touched.person == a && touched.since.is_some()));
    desk.check();
    // It holds against the rules, whatever the entry says from now on; and against a word, until it is taken back.
    desk.take(Said { local_id: "b", seen: 9, ..Said::new("b", "Margaret", "Hartley", "1948-06-02", 1) }.entry());
    assert_ne!(desk.home(&key("b")), a);
    assert!(matches!(desk.run(desk.registrar.link(&key("b"), &a, &steward(), "")), Err(NotDone::Apart)));
    desk.run(desk.registrar.together(&key("a"), &key("b"), &steward(), "checked by telephone")).unwrap();
    desk.run(desk.registrar.link(&key("b"), &a, &steward(), "checked by telephone")).unwrap();
    desk.check();
}

#[test]
fn the_rules_undo_no_word() {
    let desk = two();
    let a = desk.home(&key("a"));
    desk.run(desk.registrar.link(&key("b"), &a, &steward(), "the same")).unwrap();
    // Now the source says that b is somebody else, whom another entry is.
    desk.take(Said::new("c", "Ada", "Quill", "1999-01-31", 3).entry());
    desk.take(Said { local_id: "b", seen: 9, ..Said::new("b", "Ada", "Quill", "1999-01-31", 0) }.entry());
    assert_eq!(desk.home(&key("b")), a);
    assert_eq!(desk.tasks().len(), 1);
    desk.check();
}

#[test]
fn a_merge_can_be_undone_and_two_numbers_cannot_be_merged() {
    let desk = two();
    desk.take(Said::new("c", "Ada", "Quill", "1999-01-31", 3).entry());
    let [a, b, c] = ["a", "b", "c"].map(|id| desk.home(&key(id)));
    assert!(matches!(desk.run(desk.registrar.merge(&a, &c, &steward(), "")), Err(NotDone::Numbers)));
    let before = desk.groups();
    desk.run(desk.registrar.merge(&b, &a, &steward(), "one person")).unwrap();
    assert_eq!((desk.home(&key("a")), desk.number_of(&key("b"))), (b.clone(), Some(number(1))));
    desk.check();
    let done = desk.run(desk.registrar.unmerge(&b, &a, &steward(), "no")).unwrap();
    assert_eq!((desk.groups(), desk.number_of(&key("a")), desk.number_of(&key("b"))), (before, Some(number(1)), None));
    assert!(done.touched.iter().any(|touched| touched.person == b && touched.since.is_some()));
    assert!(matches!(desk.run(desk.registrar.unmerge(&b, &a, &steward(), "no")), Err(NotDone::NothingToUndo)));
    desk.check();
}

/// A confusion, and its task.
fn confused() -> (Desk, crate::TaskId) {
    let desk = Desk::new();
    let (a, b) = (Said::new("a", "Margaret", "Hartley", "1948-06-02", 1), Said::new("b", "Tobias", "Winterbourne", "1981-11-23", 1));
    desk.all(vec![a.entry(), b.entry()]);
    let id = desk.tasks()[0].id.clone();
    (desk, id)
}

#[test]
fn a_decision_is_done_and_undone() {
    for outcome in [Outcome::Different, Outcome::Same, Outcome::Unknown] {
        let (desk, id) = confused();
        let before = desk.groups();
        desk.run(desk.registrar.decide(&id, outcome, &steward(), "seen the papers")).unwrap();
        assert!(desk.tasks().is_empty());
        assert_eq!(desk.home(&key("a")) == desk.home(&key("b")), outcome == Outcome::Same);
        desk.check();
        assert!(matches!(desk.run(desk.registrar.decide(&id, outcome, &steward(), "")), Err(NotDone::Decided)));
        desk.run(desk.registrar.undo(&id, &steward(), "wrong papers")).unwrap();
        assert_eq!((desk.groups(), desk.tasks().len()), (before, 1), "{outcome:?}");
        assert!(desk.memory.0.lock().unwrap().apart.is_empty());
        assert_eq!(desk.number_of(&key("a")), Some(number(1)));
        desk.check();
    }
}

#[test]
fn what_was_decided_is_not_asked_again() {
    let (desk, id) = confused();
    desk.run(desk.registrar.decide(&id, Outcome::Unknown, &steward(), "cannot be said")).unwrap();
    let again = Said { seen: 3, ..Said::new("b", "Tobias", "Winterborne", "1981-11-23", 1) };
    desk.take(again.entry());
    assert!(desk.tasks().is_empty());
}

#[test]
fn the_two_sides_of_a_task_stand_beside_each_other() {
    let (desk, id) = confused();
    let sides = desk.run(desk.registrar.show(&id)).unwrap();
    assert_eq!(sides.task.doubt, Doubt::Confusion);
    let explained = sides.explained.unwrap();
    assert_eq!((explained.guard, explained.apart), (Some("one number, two people"), false));
    assert!(explained.reasons.iter().any(|reason| reason.field == "birth date" && reason.level == "different"));
    assert_ne!(sides.entry.unwrap().0, sides.other.unwrap().0);
}

#[test]
fn an_entry_that_was_held_is_decided() {
    let desk = two();
    let a = desk.home(&key("a"));
    desk.run(desk.registrar.held(&a, &key("b"))).unwrap();
    let id = desk.tasks()[0].id.clone();
    desk.run(desk.registrar.decide(&id, Outcome::Different, &steward(), "twins")).unwrap();
    desk.check();
    assert!(matches!(desk.run(desk.registrar.link(&key("b"), &a, &steward(), "")), Err(NotDone::Apart)));
    desk.run(desk.registrar.undo(&id, &steward(), "not twins")).unwrap();
    desk.run(desk.registrar.decide(&id, Outcome::Same, &steward(), "one person")).unwrap();
    assert_eq!(desk.home(&key("a")), desk.home(&key("b")));
    desk.check();
}

/// Two with one number, of whom the second has none of their own for that; and one with another number.
fn meeting() -> (Desk, [PersonId; 4]) {
    let desk = Desk::new();
    let (a, b) = (Said::new("a", "Margaret", "Hartley", "1948-06-02", 1), Said::new("b", "Tobias", "Winterbourne", "1981-11-23", 1));
    let (c, x) = (Said::new("c", "Ada", "Quill", "1999-01-31", 2), Said::new("x", "Wilhelmina", "Okonkwo", "1962-03-09", 0));
    desk.all(vec![a.entry(), b.entry(), c.entry(), x.entry()]);
    let ids = ["a", "b", "c", "x"].map(|id| desk.home(&key(id)));
    assert_eq!(desk.number_of(&key("b")), None, "it is the first one's");
    (desk, ids)
}

#[test]
fn two_verified_numbers_meet_in_nobody_whoever_says_so() {
    let (desk, [a, b, c, x]) = meeting();
    let refused = |done: Result<Done, NotDone>| assert!(matches!(done, Err(NotDone::Numbers)), "{done:?}");
    let registrar = &desk.registrar;
    let who = &steward();
    for (into, from) in [(&b, &c), (&c, &b), (&a, &c)] {
        refused(desk.run(registrar.merge(into, from, who, "")));
    }
    for (entry, person) in [("b", &c), ("c", &b)] {
        refused(desk.run(registrar.link(&key(entry), person, who, "")));
    }
    desk.run(registrar.held(&b, &key("c"))).unwrap();
    let held = desk.tasks().into_iter().find(|task| task.doubt == Doubt::Held).unwrap().id;
    refused(desk.run(registrar.decide(&held, Outcome::Same, who, "")));
    // By way of somebody who has none.
    desk.run(registrar.link(&key("x"), &b, who, "one person")).unwrap();
    for done in [desk.run(registrar.merge(&x, &c, who, "one person")), desk.run(registrar.link(&key("x"), &b, who, ""))] {
        done.unwrap();
    }
    refused(desk.run(registrar.merge(&b, &x, who, "")));
    refused(desk.run(registrar.merge(&x, &b, who, "")));
    assert_eq!(desk.groups().len(), 3);
    desk.check();
}

#[test]
fn no_undoing_brings_two_verified_numbers_together() {
    let (desk, [_, _, c, x]) = meeting();
    let (registrar, who) = (&desk.registrar, &steward());
    // Who was merged has another number by the time that it is undone.
    desk.run(registrar.merge(&c, &x, who, "one person")).unwrap();
    desk.take(Said { seen: 3, ..Said::new("d", "Bridget", "Nkemelu", "1971-05-06", 3) }.entry());
    desk.run(registrar.link(&key("d"), &x, who, "one person")).unwrap();
    desk.take(Said { seen: 3, ..Said::new("x", "Wilhelmina", "Okonkwo", "1962-03-09", 2) }.entry());
    assert_eq!(desk.home(&key("x")), c);
    assert!(matches!(desk.run(registrar.unmerge(&c, &x, who, "")), Err(NotDone::Numbers)));
    // Unlinked, it goes to a person of its own.
    desk.run(registrar.unlink(&key("x"), who, "not the same")).unwrap();
    assert!(![c, x].contains(&desk.home(&key("x"))));
    desk.check();
}

/// A source gives another number to an entry that a steward's word holds beside somebody's: it stays, and is asked about, also where the
/// two were said to be one person.
#[test]
fn a_number_that_contradicts_a_word_is_asked_about_again() {
    let (desk, id) = confused();
    let (registrar, who) = (&desk.registrar, &steward());
    desk.run(registrar.decide(&id, Outcome::Same, who, "one person")).unwrap();
    assert!(desk.tasks().is_empty());
    let b = Said::new("b", "Tobias", "Winterbourne", "1981-11-23", 1);
    desk.take(Said { family: "Winterborne", seen: 3, ..b.clone() }.entry());
    assert!(desk.tasks().is_empty(), "what was decided is not asked again");
    let done = desk.take(Said { number: Some(number(2)), seen: 4, ..b.clone() }.entry()).done;
    assert_eq!((desk.home(&key("a")), done.raised), (desk.home(&key("b")), vec![id.clone()]));
    assert_eq!(desk.tasks().iter().map(|task| task.id.clone()).collect::<Vec<_>>(), std::slice::from_ref(&id));
    desk.check();
    // That two numbers are one person's is not for a steward to say.
    assert!(matches!(desk.run(registrar.decide(&id, Outcome::Same, who, "")), Err(NotDone::Numbers)));
    // Nobody comes to them by the number that is not theirs.
    desk.take(Said { seen: 5, ..Said::new("c", "Tobias", "Winterbourne", "1981-11-23", 2) }.entry());
    assert_ne!(desk.home(&key("c")), desk.home(&key("a")));
    desk.check();
    desk.run(registrar.decide(&id, Outcome::Different, who, "two people")).unwrap();
    assert_ne!(desk.home(&key("a")), desk.home(&key("b")));
    desk.check();
    // Undone it would bring the two numbers together.
    assert!(matches!(desk.run(registrar.undo(&id, who, "")), Err(NotDone::Numbers)));
    desk.check();
}
