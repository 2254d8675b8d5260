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
