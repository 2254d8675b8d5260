use super::*;
use crate::{Doubt, Nameable, Traced};

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
    desk.run(desk.registrar.register().apply(vec![Change::Person(person)], None)).unwrap();
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
    let find = |nameable| desk.run(desk.registrar.find(&entry.demographics, 10, &nameable)).unwrap();
    assert_eq!(find(open(&[])), Traced::Candidates(Vec::new()));
    let Traced::Candidates(found) = find(Nameable::All) else { panic!() };
    assert_eq!((found.len(), found[0].restricted, found[0].grade), (1, true, crate::Grade::Certain));
    let too_little = Demographics { birth_date: entry.demographics.birth_date, ..Demographics::default() };
    assert!(matches!(desk.run(desk.registrar.find(&too_little, 10, &Nameable::All)).unwrap(), Traced::TooLittle(_)));
}

/// Those with any number, but these.
fn open(but: &[&PersonId]) -> Nameable {
    Nameable::Open { labelled: |_| true, but: but.iter().map(|person| (*person).clone()).collect() }
}

/// Restricted, without a number, or left out by whoever asks: they are not shown, and make neither too many nor a certain one.
#[test]
fn whoever_may_not_be_named_is_not_counted_either() {
    let desk = Desk::new();
    let said = |local_id, given, seed| Said::new(local_id, given, "Hartley", "1948-06-02", seed).entry();
    let all = |entries: Vec<Entry>| entries.into_iter().for_each(|entry| drop(desk.take(entry)));
    all(vec![said("a", "Margaret", 1), said("b", "Florence", 2)]);
    let asked = Demographics {
        names: vec![Name { family: "Hartley".into(), ..Name::default() }],
        birth_date: "1948-06-02".parse().ok(),
        ..Demographics::default()
    };
    let find = |count, nameable| desk.run(desk.registrar.find(&asked, count, &nameable)).unwrap();
    let before = find(2, open(&[]));
    assert!(matches!(&before, Traced::Candidates(found) if found.len() == 2), "{before:?}");
    all(vec![Entry { restricted: true, ..said("c", "Beatrice", 3) }, said("d", "Josephine", 0), said("e", "Winifred", 4)]);
    let left_out = desk.home(&key("e"));
    assert_eq!(find(2, open(&[&left_out])), before);
    assert_eq!(find(2, open(&[])), Traced::TooMany);
    assert!(matches!(find(5, Nameable::All), Traced::Candidates(found) if found.len() == 5));
    // A number of which no label can be had is as good as none.
    let none = Nameable::Open { labelled: |_| false, but: BTreeSet::new() };
    assert_eq!(find(5, none), Traced::Candidates(Vec::new()));
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

/// Two sources had one person's birth date wrong. The first to put it right seems to be somebody else; the second stays with the number,
/// and the first comes back to it.
#[test]
fn who_has_the_number_keeps_it_when_they_say_what_another_said_before() {
    let old = |local_id| Said::new(local_id, "Margaret", "Hartley", "1921-11-27", 1);
    let new = |local_id| Said { seen: 5, ..Said::new(local_id, "Margaret", "Hartley", "1948-06-02", 1) };
    let check = |before: &[Said], as_one: bool, expected: &[&[&str]]| {
        let desk = Desk::new();
        desk.all(before.iter().map(Said::entry).collect());
        let person = desk.home(&key("a"));
        let right = vec![new("a").entry(), new("b").entry()];
        if as_one {
            desk.all(right);
        } else {
            right.into_iter().for_each(|entry| drop(desk.take(entry)));
        }
        assert_eq!(desk.groups(), groups(expected), "{as_one}");
        desk.check();
        (desk, person)
    };
    for as_one in [false, true] {
        let (desk, person) = check(&[old("a"), old("b")], as_one, &[&["a", "b"]]);
        assert_eq!((desk.home(&key("a")), desk.number_of(&key("a"))), (person.clone(), Some(number(1))));
        // Whoever gives the old date still is nobody's, though the number is theirs to say.
        desk.take(Said { seen: 6, ..old("c") }.entry());
        assert_eq!(desk.groups(), groups(&[&["a", "b"], &["c"]]));
        assert_eq!(desk.number_of(&key("c")), None);
        desk.check();
        // A third that still says the old date has the number until somebody decides.
        let (desk, person) = check(&[old("a"), old("b"), old("c")], as_one, &[&["a", "b"], &["c"]]);
        assert_eq!(desk.home(&key("c")), person);
    }
}

#[test]
fn whoever_else_has_a_number_is_known_until_they_are_set_apart() {
    let desk = Desk::new();
    let a = Said::new("a", "Margaret", "Hartley", "1948-06-02", 1);
    let b = Said::new("b", "Tobias", "Winterbourne", "1981-11-23", 1);
    let unverified = Said { verified: false, ..Said::new("c", "Ada", "Quill", "1999-01-31", 1) };
    let another = Said::new("d", "Tobias", "Winterbourne", "1981-11-23", 2);
    desk.all([&a, &b, &unverified, &another].map(Said::entry).to_vec());
    let confused = || -> Vec<String> {
        let person = desk.run(desk.registrar.register().person(&desk.home(&key("a")))).unwrap().unwrap();
        let others = desk.run(desk.registrar.confused_with(&person)).unwrap();
        others.into_iter().flat_map(|other| other.entries).map(|entry| entry.key.local_id).collect()
    };
    assert_eq!(confused(), ["b"]);
    desk.run(desk.registrar.apart(&key("b"), &key("a"), &steward(), "two people")).unwrap();
    assert!(confused().is_empty());
    desk.run(desk.registrar.together(&key("b"), &key("a"), &steward(), "perhaps not")).unwrap();
    assert_eq!(confused(), ["b"]);
    // Whoever was cut has no number that could be anybody's.
    desk.run(desk.registrar.cut(&number(1))).unwrap();
    assert!(confused().is_empty());
}

#[test]
fn what_the_guards_refused_is_a_task_and_of_whoever_was_cut_none() {
    let desk = Desk::new();
    let (a, b) = (Said::new("a", "Margaret", "Hartley", "1948-06-02", 1), Said::new("b", "Ada", "Quill", "1999-01-31", 2));
    desk.all(vec![a.entry(), b.entry()]);
    let (person, other) = (desk.home(&key("a")), desk.home(&key("b")));
    let held = |person: &PersonId, local_id: &str| desk.run(desk.registrar.held(person, &key(local_id))).unwrap().raised.len();
    assert_eq!(held(&person, "a"), 1);
    assert_eq!(held(&person, "a"), 0, "it is one task however often it is met");
    desk.run(desk.registrar.cut(&number(2))).unwrap();
    assert_eq!(held(&person, "b"), 0, "a task would lead to whoever was cut");
    assert_eq!(held(&other, "a"), 0);
    assert_eq!(desk.tasks().len(), 1);
    // What no one has yet may be held all the same.
    assert_eq!(held(&person, "nobody's"), 1);
}
