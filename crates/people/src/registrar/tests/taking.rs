use super::*;
use crate::{Doubt, Traced};

fn groups(all: &[&[&str]]) -> BTreeSet<Vec<String>> {
    all.iter().map(|group| group.iter().map(|id| (*id).to_owned()).collect()).collect()
}

/// Entries in this order, one by one and as one batch, come to these groups and doubts.
fn check(entries: &[Said], expected: &[&[&str]], doubts: &[Doubt]) {
    let (one_by_one, as_one) = (Desk::new(), Desk::new());
    entries.iter().for_each(|said| drop(one_by_one.take(said.entry())));
    as_one.all(entries.iter().map(Said::entry).collect());
    for desk in [one_by_one, as_one] {
        assert_eq!(desk.groups(), groups(expected));
        assert_eq!(desk.tasks().iter().map(|task| task.doubt).collect::<Vec<_>>(), doubts);
        desk.check();
    }
}

#[test]
fn a_verified_number_and_a_birth_date_link() {
    let (a, b) = (Said::new("a", "Margaret", "Hartley", "1948-06-02", 1), Said::new("b", "Peggy", "Booth", "1948-06-02", 1));
    check(&[a.clone(), b.clone()], &[&["a", "b"]], &[]);
    check(&[b, a.clone()], &[&["a", "b"]], &[]);
    // Twins: everything is shared but the number and the given name.
    check(&[a.clone(), Said::new("c", "Florence", "Hartley", "1948-06-02", 2)], &[&["a"], &["c"]], &[]);
}

#[test]
fn one_number_of_two_people_is_a_confusion() {
    let a = Said::new("a", "Margaret", "Hartley", "1948-06-02", 1);
    check(&[a.clone(), Said::new("b", "Tobias", "Winterbourne", "1981-11-23", 1)], &[&["a"], &["b"]], &[Doubt::Confusion]);
}

#[test]
fn without_a_number_it_takes_more_and_two_numbers_never_link() {
    let a = Said::new("a", "Margaret", "Hartley", "1948-06-02", 1);
    let nameless = Said::new("b", "Margaret", "Hartley", "1948-06-02", 0);
    check(&[a.clone(), nameless.clone()], &[&["a", "b"]], &[]);
    check(&[nameless.clone(), a.clone()], &[&["a", "b"]], &[]);
    check(&[a.clone(), Said::new("c", "Margaret", "Hartley", "1948-06-02", 2)], &[&["a"], &["c"]], &[]);
    // A number that fails its check digit is kept, and speaks neither for nor against.
    let desk = Desk::new();
    desk.take(a.entry());
    let mut wrong = nameless.entry();
    wrong.demographics.number = Some(ClaimedNumber { value: "9990000019".into(), status: NumberStatus::Verified });
    desk.take(wrong.clone());
    assert_eq!(desk.groups(), groups(&[&["a", "b"]]));
    let whose = desk.home(&wrong.key);
    assert_eq!(desk.memory.0.lock().unwrap().entries[&wrong.key], (whose, wrong));
}

#[test]
fn the_number_of_a_later_entry_becomes_the_persons() {
    let desk = Desk::new();
    desk.take(Said::new("a", "Margaret", "Hartley", "1948-06-02", 0).entry());
    assert_eq!(desk.number_of(&key("a")), None);
    desk.take(Said::new("b", "Margaret", "Hartley", "1948-06-02", 1).entry());
    assert_eq!((desk.number_of(&key("a")), desk.home(&key("a"))), (Some(number(1)), desk.home(&key("b"))));
    desk.check();
}

#[test]
fn whom_a_question_made_is_who_the_entry_is() {
    let desk = Desk::new();
    let minted: PersonId = "minted".parse().unwrap();
    let person = crate::Person {
        id: minted.clone(),
        number: Some(number(1)),
        superseded: Vec::new(),
        restricted: false,
        died: None,
        investigated: false,
        cut: false,
        entries: Vec::new(),
    };
    desk.run(desk.registrar.register().apply(vec![Change::Person(person)])).unwrap();
    desk.take(Said::new("a", "Margaret", "Hartley", "1948-06-02", 1).entry());
    assert_eq!(desk.home(&key("a")), minted);
    desk.check();
}

#[test]
fn what_is_probable_is_a_task_and_no_link() {
    let a = Said::new("a", "Margaret", "Hartley", "1948-06-02", 1);
    // Another given name in the same house: held by the guard, however much agrees.
    let b = Said { verified: false, ..Said::new("b", "Joan", "Hartley", "1948-06-02", 0) };
    let desk = Desk::new();
    desk.take(a.entry());
    desk.take(b.entry());
    assert_eq!(desk.groups(), groups(&[&["a"], &["b"]]));
    let tasks = desk.tasks();
    assert!(tasks.iter().all(|task| task.doubt == Doubt::Probable && task.other == Some(key("a"))), "{tasks:?}");
}

#[test]
fn an_older_saying_replaces_no_newer_one() {
    let desk = Desk::new();
    let newer = Said { seen: 10, ..Said::new("a", "Margaret", "Booth", "1948-06-02", 1) };
    desk.take(newer.entry());
    let taken = desk.take(Said::new("a", "Margaret", "Hartley", "1948-06-02", 1).entry());
    assert_eq!(taken.unchanged, 1);
    assert!(desk.memory.0.lock().unwrap().entries[&key("a")].1 == newer.entry());
}

#[test]
fn an_entry_that_changes_hands_is_linked_anew() {
    let desk = Desk::new();
    let (a, b) = (Said::new("a", "Margaret", "Hartley", "1948-06-02", 1), Said::new("b", "Margaret", "Hartley", "1948-06-02", 1));
    let other = Said::new("c", "Tobias", "Winterbourne", "1981-11-23", 2);
    desk.all(vec![a.entry(), b.entry(), other.entry()]);
    let before = desk.home(&key("b"));
    // The source re-used its id, or had the wrong patient.
    let moved = Said { local_id: "b", seen: 5, ..other.clone() };
    let taken = desk.take(moved.entry());
    assert_eq!(desk.groups(), groups(&[&["a"], &["b", "c"]]));
    // Whoever saw the one's record while the other's entry was in it is to be found.
    let touched = &taken.done.touched;
    assert!(touched.iter().any(|touched| touched.person == before && touched.since.is_some()));
    assert!(touched.iter().any(|touched| touched.person == desk.home(&key("b")) && touched.since.is_none()));
    desk.check();
    // To somebody whom nobody knows: to a person of its own.
    desk.take(Said { local_id: "b", seen: 6, ..Said::new("b", "Ada", "Quill", "1999-01-31", 0) }.entry());
    assert_eq!(desk.groups(), groups(&[&["a"], &["b"], &["c"]]));
    desk.check();
}

#[test]
fn a_changed_number_takes_nobodys_id_along() {
    let desk = Desk::new();
    let a = Said::new("a", "Margaret", "Hartley", "1948-06-02", 1);
    desk.take(a.entry());
    let before = desk.home(&key("a"));
    desk.take(Said { number: Some(number(2)), seen: 1, ..a }.entry());
    assert_ne!(desk.home(&key("a")), before, "a claim on the one number's record must not open the other's");
    assert_eq!(desk.number_of(&key("a")), Some(number(2)));
    desk.check();
}

#[test]
fn a_name_that_changes_with_the_number_stays() {
    let desk = Desk::new();
    let (a, b) = (Said::new("a", "Margaret", "Hartley", "1948-06-02", 1), Said::new("b", "Margaret", "Hartley", "1948-06-02", 1));
    desk.all(vec![a.entry(), b.entry()]);
    desk.take(Said { family: "Booth", seen: 1, ..b }.entry());
    assert_eq!(desk.groups(), groups(&[&["a", "b"]]));
    assert!(desk.tasks().is_empty());
    desk.check();
}

#[test]
fn restricted_people_are_found_only_by_whom_may() {
    let desk = Desk::new();
    let mut entry = Said::new("a", "Margaret", "Hartley", "1948-06-02", 1).entry();
    entry.restricted = true;
    desk.take(entry.clone());
    let find = |restricted| desk.run(desk.registrar.find(&entry.demographics, 10, restricted)).unwrap();
    assert_eq!(find(false), Traced::Candidates(Vec::new()));
    let Traced::Candidates(found) = find(true) else { panic!() };
    assert_eq!((found.len(), found[0].restricted, found[0].grade), (1, true, crate::Grade::Certain));
    let too_little = Demographics { birth_date: entry.demographics.birth_date, ..Demographics::default() };
    assert!(matches!(desk.run(desk.registrar.find(&too_little, 10, true)).unwrap(), Traced::TooLittle(_)));
}

#[test]
fn a_deed_whose_asker_went_away_is_done_whole() {
    let desk = Desk::new();
    desk.memory.1.store(true, std::sync::atomic::Ordering::SeqCst);
    let (first, second) = (Said::new("a", "Margaret", "Hartley", "1948-06-02", 1), Said::new("b", "Peggy", "Booth", "1948-06-02", 1));
    desk.run(async {
        let asker = async {
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = desk.registrar.take(first.entry()) => panic!("it was too quick"),
            () = asker => {}
        }
        assert!(desk.registrar.index().home(&key("a")).is_none());
        desk.registrar.take(second.entry()).await.unwrap();
    });
    assert_eq!(desk.groups(), groups(&[&["a", "b"]]));
    desk.check();
}
