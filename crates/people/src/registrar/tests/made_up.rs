use super::*;
use crate::{Change, MadeUp, NotWritten, Outcome, Person, Register, TaskFilter};

/// Somebody with a number that might be somebody's.
fn real(local_id: &'static str, given: &'static str) -> Entry {
    Said { number: Some("9434765919".parse().unwrap()), ..Said::new(local_id, given, "Winterbourne", "1981-11-23", 0) }.entry()
}

/// A register that real people came into, on a later step or by another program, and a demonstration before it.
fn demonstration() -> (Desk, Arc<MadeUp>, Registrar) {
    let desk = Desk::new();
    desk.all(vec![Said::new("made-up", "Margaret", "Hartley", "1948-06-02", 1).entry(), real("real", "Tobias"), real("other", "Ada")]);
    assert_eq!(desk.tasks().len(), 1, "one number, two people");
    let pane = Arc::new(MadeUp::of(desk.memory.clone()));
    let registrar = Registrar::new(pane.clone(), Index::new(), model(), Arc::new(Ticking(900_000.into())), Limits::default());
    desk.run(registrar.fill(|_| ())).unwrap();
    (desk, pane, registrar)
}

#[test]
fn whoever_might_be_real_is_not_there_in_a_demonstration_by_any_question() {
    let (desk, pane, registrar) = demonstration();
    let number = "9434765919".parse().unwrap();
    let hidden: Vec<PersonId> = ["real", "other"].iter().map(|id| desk.home(&key(id))).collect();
    let shown = desk.home(&key("made-up"));
    assert_eq!(registrar.index().count(), 1);
    let page = desk.run(pane.page(None, 10)).unwrap();
    assert_eq!(page.persons.iter().map(|person| &person.id).collect::<Vec<_>>(), [&shown]);
    let news = desk.run(pane.since(Position::default(), 10)).unwrap().unwrap();
    assert_eq!(news.persons.iter().map(|person| &person.id).collect::<Vec<_>>(), [&shown]);
    for id in &hidden {
        assert_eq!(desk.run(pane.person(id)).unwrap(), None);
        assert_eq!(desk.run(pane.history(id)).unwrap(), []);
        assert_eq!(desk.run(pane.apart(id, &key("real"))).unwrap(), []);
        assert!(desk.run(registrar.whom(&super::super::Whom::Person(id.clone()))).unwrap().is_none());
    }
    assert_eq!(desk.run(pane.home(&key("real"))).unwrap(), None);
    assert_eq!(desk.run(pane.of_number(&number)).unwrap(), None);
    assert_eq!(desk.run(registrar.person_of(&number)).unwrap(), None);
    let task = &desk.tasks()[0];
    for count_max in [1, 100] {
        let filter = TaskFilter { open: true, count_max, ..Default::default() };
        assert_eq!(desk.run(registrar.tasks(&filter)).unwrap(), []);
    }
    assert!(desk.run(registrar.show(&task.id)).is_err());
    assert!(desk.run(registrar.decide(&task.id, Outcome::Different, &steward(), "seen the papers")).is_err());
    // And who is made up is there as ever.
    assert_eq!(desk.run(pane.person(&shown)).unwrap().unwrap().entries.len(), 1);
    assert_eq!(desk.run(pane.home(&key("made-up"))).unwrap(), Some(shown));
}

#[test]
fn nobody_who_might_be_real_comes_into_a_demonstration() {
    let (desk, pane, registrar) = demonstration();
    let before = desk.memory.0.lock().unwrap().clone();
    let late = Said { number: Some("9434765919".parse().unwrap()), ..Said::new("late", "Ada", "Winterbourne", "1981-11-23", 0) };
    // Whether or not the source says that it verified the number.
    for entry in [late.entry(), Said { verified: false, ..late.clone() }.entry()] {
        assert!(desk.run(registrar.take(entry)).is_err());
    }
    // Nor does somebody made up become somebody who might be real.
    assert!(desk.run(registrar.supersede(&number(1), &"9434765919".parse().unwrap())).is_err());
    let person = desk.run(pane.person(&desk.home(&key("made-up")))).unwrap().unwrap();
    let renumbered = Person { number: Some("9434765919".parse().unwrap()), ..person.clone() };
    for change in [Change::Person(renumbered), Change::Put(person.id.clone(), late.entry())] {
        assert!(matches!(desk.run(pane.apply(vec![change], None)), Err(NotWritten::Down(_))));
    }
    let after = desk.memory.0.lock().unwrap().clone();
    assert_eq!((after.entries, after.persons), (before.entries, before.persons));
    desk.run(registrar.take(Said::new("more", "Joan", "Booth", "1950-02-03", 2).entry())).unwrap();
    assert!(registrar.index().home(&key("more")).is_some());
}
