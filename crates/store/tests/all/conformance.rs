//! Promises, each asked of every store.

use std::collections::BTreeSet;

use exchange::{Claims, KeptConsent, Met, People, PrivacyFilter, PrivacyKind, PrivacyTask, Review, ReviewState};
use fhir::Kind;
use identity::{Category, Heard};
use people::{Author, Change, Deed, Doubt, Event, News, NotWritten, Outcome, Position, Task, TaskFilter, TaskId};
use record::{Counts, Plan, Row, Status};

use crate::claims::claim;
use crate::claims::{a_claim_ends, the_end_of_an_emergency_is_taken_on_by_one_and_entered_once};
use crate::consents::a_version_of_a_consent_is_added_once_and_none_is_changed;
use crate::samples::{admission, at, entry, key, number, person, somebody, user};
use crate::stores::Place;
use crate::ties::{
    ties_of_a_source_go_with_an_entry_that_moves_and_all_with_a_number_that_is_cut, what_a_source_says_of_a_kind_replaces_what_it_said,
    what_two_nodes_hear_at_once_is_not_heaped_up,
};
use crate::vault::{
    evidence_is_kept_once_and_opens_under_its_persons_key_only, steps_about_evidence_are_added_in_order_and_stay,
    what_is_held_is_not_shredded_and_what_is_shredded_opens_nothing, what_is_sealed_of_one_person_opens_for_no_other,
};

/// Each promise as a test of each store.
macro_rules! promises {
    ($($name:ident),* $(,)?) => {
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(crate::stores::Place::sqlite()).await; })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(crate::stores::Place::postgres()).await; })* }
    };
}

promises!(
    a_batch_that_fails_leaves_nothing,
    a_claim_ends,
    a_version_of_a_consent_is_added_once_and_none_is_changed,
    the_end_of_an_emergency_is_taken_on_by_one_and_entered_once,
    a_miss_is_recorded_as_such,
    a_new_key_takes_the_place_of_the_old_while_others_are_at_work,
    a_change_of_keys_that_was_stopped_goes_on,
    a_key_that_sealed_something_is_asked_for,
    a_moved_entry_stands_in_one_place_and_stays_apart,
    a_number_leads_to_one_person_however_many_ask_at_once,
    a_number_that_was_let_go_leads_nowhere,
    a_page_is_whole_persons_in_order,
    a_person_is_read_as_written,
    a_plan_is_its_readers_only,
    a_task_is_one_however_often_it_is_written,
    after_a_purge_nothing_joins_the_number_with_the_person,
    what_was_kept_of_a_moved_entrys_source_is_forgotten,
    a_number_that_was_cut_is_remembered_and_leads_to_nobody,
    an_entry_given_later_than_a_miss_is_believed,
    batches_at_once_are_each_whole,
    an_id_is_resolved_to_every_person_it_was_met_with,
    categories_are_kept_until_asked_again,
    entries_that_are_apart_are_so_from_both_sides,
    evidence_is_kept_once_and_opens_under_its_persons_key_only,
    steps_about_evidence_are_added_in_order_and_stay,
    what_is_held_is_not_shredded_and_what_is_shredded_opens_nothing,
    what_is_sealed_of_one_person_opens_for_no_other,
    history_is_in_order_and_stays,
    no_name_number_or_address_lies_open,
    persons_made_by_a_question_and_by_the_register_are_the_same,
    nobody_writes_from_what_is_not_the_last_state,
    rows_of_a_file_are_counted_with_what_they_wrote,
    superseded_numbers_lead_to_whoever_has_them_now,
    checkpoints_are_kept_once_in_order_and_who_has_which,
    the_ledger_is_read_in_order_and_knows_where_its_chains_end,
    the_ledger_keeps_lines_in_order_and_refuses_a_second,
    the_ledger_finds_lines_by_who_whom_whose_and_when,
    the_ledger_knows_whom_its_lines_name,
    the_queue_keeps_every_step_of_a_review,
    the_queue_lists_what_waits_in_order,
    two_registrars_of_one_register_are_as_one,
    what_changed_since_is_read_in_whole_batches,
    what_the_registrar_did_is_what_the_next_one_reads,
    what_was_used_once_is_used_on_every_node_and_after_every_start,
    what_is_only_added_to_is_never_changed,
    what_was_shipped_before_stands_once,
    what_was_written_is_there_when_opened_again,
    what_a_source_says_of_a_kind_replaces_what_it_said,
    what_two_nodes_hear_at_once_is_not_heaped_up,
    ties_of_a_source_go_with_an_entry_that_moves_and_all_with_a_number_that_is_cut,
);

pub async fn register(place: &Place) -> std::sync::Arc<dyn store::Store> {
    place.open().await.store
}

/// Everything of which somebody is found, and who they are.
async fn everybody(store: &dyn store::Store) -> Vec<people::Person> {
    store.page(None, 1000).await.unwrap().persons
}

/// Persons with all that is sealed of a person, and one number that was cut.
async fn sealed(store: &dyn store::Store, persons: u32) {
    for n in 0..persons {
        let id = format!("p-{n:03}");
        let superseded = if n % 3 == 0 { vec![number(5000 + 5 * n)] } else { Vec::new() };
        let died = (n % 4 == 0).then(|| "2024-11".to_owned());
        let own = people::Person { superseded, died, ..somebody(&id, Some(number(1000 + 5 * n))) };
        let put = Change::Put(person(&id), entry("gp", &id, n));
        store.apply(vec![Change::Person(own), put], None).await.unwrap();
        store.keep_evidence(&person(&id), crate::vault::shown(&["Zzshown"]), at(1)).await.unwrap();
    }
    store.apply(vec![Change::Cut(number(9000))], None).await.unwrap();
    store.raise(&access("a", PrivacyKind::Emergency, 1)).await.unwrap();
    assert!(store.review("a", ReviewState::Open, &step("s-1", ReviewState::Escalated, 2)).await.unwrap());
    assert!(store.keep_consent(&objection(1)).await.unwrap() && store.keep_consent(&objection(2)).await.unwrap());
}

fn objection(version: u32) -> exchange::KeptConsent {
    let body = format!("objection {version}");
    exchange::KeptConsent { person: person("p-001"), id: "one".to_owned(), version, at: at(i64::from(version)), body }
}

/// Everybody is found by their numbers, in `store`, as they are in `expected`.
async fn found(store: &dyn store::Store, expected: &[people::Person]) {
    assert!(everybody(store).await == expected);
    for one in expected {
        for number in one.number.iter().chain(&one.superseded) {
            assert_eq!(store.known(number).await.unwrap(), Some(one.id.clone()));
            assert_eq!(store.of_number(number).await.unwrap(), Some(one.id.clone()));
        }
        assert_eq!(store.number_of(&one.id).await.unwrap(), one.number);
    }
    assert_eq!(store.cut_among(&[number(9000), number(1000)]).await.unwrap(), [number(9000)]);
    assert_eq!(store.reviews("a").await.unwrap(), [step("s-1", ReviewState::Escalated, 2)]);
    assert_eq!(store.consents(&person("p-001")).await.unwrap(), [objection(2)]);
    let (names, shown): (Vec<_>, Vec<_>) = crate::vault::shown(&["Zzshown"]).into_iter().map(|(name, shown)| (name, Some(shown))).unzip();
    for one in expected.iter().filter(|one| one.id.as_str().starts_with("p-")) {
        assert_eq!(store.evidence(&one.id, &names).await.unwrap(), shown, "{}", one.id);
    }
}

async fn a_new_key_takes_the_place_of_the_old_while_others_are_at_work(place: Place) {
    let (old, new) = (store::fresh_key().unwrap(), store::fresh_key().unwrap());
    place.keys(&[&old]);
    sealed(&*register(&place).await, 20).await;
    // First everybody knows the new key, then somebody seals by it: whoever does not yet finds whom the others made, and the other way round.
    place.keys(&[&old, &new]);
    let behind = register(&place).await;
    place.keys(&[&new, &old]);
    let ahead = register(&place).await;
    let (by_one, by_other) = (ahead.person_of(&number(1)).await.unwrap(), behind.person_of(&number(2)).await.unwrap());
    assert_eq!((behind.known(&number(1)).await.unwrap(), ahead.person_of(&number(2)).await.unwrap()), (Some(by_one), by_other));
    let at_once = (0..20).map(|n| {
        let store = if n % 2 == 0 { behind.clone() } else { ahead.clone() };
        async move { store.person_of(&number(20 * (1 + n / 10))).await.unwrap() }
    });
    assert_eq!(futures::future::join_all(at_once).await.into_iter().collect::<BTreeSet<_>>().len(), 2);
    behind.apply(vec![Change::Put(person("p-001"), entry("hosp", "1", 3))], None).await.unwrap();
    let expected = everybody(&*ahead).await;
    found(&*behind, &expected).await;
    // While everything is sealed anew, people come and go, by another program.
    let beside = register(&place).await;
    let working = async {
        for n in 0..30 {
            beside.person_of(&number(100 + 5 * n)).await.unwrap();
            beside.apply(vec![Change::Put(person("p-002"), entry("hosp", "2", n))], None).await.unwrap();
        }
    };
    let (done, ()) = tokio::join!(store::rekey(&*ahead, 3, |_| ()), working);
    let done = done.unwrap();
    assert_eq!((done.old.len(), done.unknown_cuts), (1, 0));
    assert!(done.changed > 40, "{done:?}");
    // Whoever would seal by the old key writes nothing, of anybody.
    let error = behind.person_of(&number(3)).await.unwrap_err().0;
    assert!(error.contains("out of use"), "{error}");
    assert!(behind.apply(vec![Change::Put(person("p-001"), entry("hosp", "1", 4))], None).await.is_err());
    assert!(behind.keep_consent(&objection(3)).await.is_err());
    assert_eq!(ahead.known(&number(3)).await.unwrap(), None);
    let expected = everybody(&*ahead).await;
    // The old key is not needed any more, opens nothing, and seals never again.
    place.keys(&[&new]);
    let after = register(&place).await;
    found(&*after, &expected).await;
    assert_eq!(store::rekey(&*after, 3, |_| ()).await.unwrap().old, Vec::<String>::new());
    for keys in [[&old, &new].as_slice(), &[&old]] {
        place.keys(&keys.iter().map(|key| key.as_str()).collect::<Vec<_>>());
        assert!(place.try_open().await.is_err());
    }
    place.keys(&[&new]);
    // As many ways lead to persons as there are numbers of theirs.
    let numbers: usize = expected.iter().map(|one| one.superseded.len() + usize::from(one.number.is_some())).sum();
    assert_eq!(place.count("number").await, numbers);
}

async fn a_change_of_keys_that_was_stopped_goes_on(place: Place) {
    let (old, new) = (store::fresh_key().unwrap(), store::fresh_key().unwrap());
    place.keys(&[&old]);
    sealed(&*register(&place).await, 12).await;
    let expected = everybody(&*register(&place).await).await;
    place.keys(&[&new, &old]);
    for stopped_after in [0, 1, 3, 4] {
        let store = register(&place).await;
        assert_eq!(store.retire_keys().await.unwrap().len(), 1);
        let mut after = None;
        for _ in 0..stopped_after {
            after = store.reseal(after.as_ref(), 3).await.unwrap().next;
        }
        drop(store);
        found(&*register(&place).await, &expected).await;
        // What is not sealed anew yet needs the old key, and the store knows it.
        place.keys(&[&new]);
        assert!(place.try_open().await.is_err());
        place.keys(&[&new, &old]);
    }
    let done = store::rekey(&*register(&place).await, 5, |_| ()).await.unwrap();
    assert_eq!((done.old.len(), done.unknown_cuts), (1, 0));
    place.keys(&[&new]);
    found(&*register(&place).await, &expected).await;
}

async fn a_key_that_sealed_something_is_asked_for(place: Place) {
    let keys = [store::fresh_key().unwrap(), store::fresh_key().unwrap(), store::fresh_key().unwrap()];
    place.keys(&[&keys[0]]);
    sealed(&*register(&place).await, 2).await;
    place.keys(&[&keys[1], &keys[0]]);
    let before = register(&place).await;
    // A third takes over before the second has: both are needed.
    place.keys(&[&keys[2], &keys[1], &keys[0]]);
    let store = register(&place).await;
    for missing in 1..3 {
        let rest: Vec<&str> =
            keys.iter().enumerate().rev().filter(|(place, _)| *place != missing - 1).map(|(_, key)| key.as_str()).collect();
        place.keys(&rest);
        assert!(place.try_open().await.is_err(), "{missing}");
    }
    // Who does not know the newest does not take it out of use.
    assert!(store::rekey(&*before, 10, |_| ()).await.is_err());
    assert_eq!(store::rekey(&*store, 10, |_| ()).await.unwrap().old.len(), 2);
    place.keys(&[&keys[2]]);
    assert_eq!(everybody(&*register(&place).await).await.len(), 2);
}

async fn a_number_leads_to_one_person_however_many_ask_at_once(place: Place) {
    let (one, two) = (register(&place).await, register(&place).await);
    let asked = (0..40).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        async move { (n % 4, store.person_of(&number(n % 4)).await.unwrap()) }
    });
    let found: BTreeSet<_> = futures::future::join_all(asked).await.into_iter().collect();
    assert_eq!(found.len(), 4);
    for (n, person) in found {
        assert_eq!(one.number_of(&person).await.unwrap(), Some(number(n)));
        assert_eq!(one.known(&number(n)).await.unwrap(), Some(person.clone()));
        assert_eq!(one.of_number(&number(n)).await.unwrap(), Some(person));
    }
    assert_eq!(one.known(&number(5)).await.unwrap(), None);
    assert_eq!(one.number_of(&person("nobody")).await.unwrap(), None);
    People::ready(&*one).await.unwrap();
}

async fn what_was_used_once_is_used_on_every_node_and_after_every_start(place: Place) {
    let (one, two) = (register(&place).await, register(&place).await);
    let spent = (0..40u8).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        async move { store.spend([n % 3; 32], at(300), at(0)).await.unwrap() }
    });
    let first = futures::future::join_all(spent).await.into_iter().filter(|first| *first).count();
    assert_eq!(first, 3, "of many at once, one each");
    drop((one, two));
    let again = register(&place).await;
    for n in 0..3 {
        assert!(!again.spend([n; 32], at(300), at(1)).await.unwrap());
        // Another's word of the time, and another end, make no other of it.
        assert!(!again.spend([n; 32], at(900), at(300)).await.unwrap());
    }
    // When nobody's clock could let it in any more, it is forgotten: the list does not grow for ever.
    let later = 300 + exchange::SPENT_REMEMBERED.as_secs();
    assert!(!again.spend([1; 32], at(9_000), at(later)).await.unwrap());
    assert!(again.spend([1; 32], at(9_000), at(later + 1)).await.unwrap());
}

async fn persons_made_by_a_question_and_by_the_register_are_the_same(place: Place) {
    let store = register(&place).await;
    let asked = store.person_of(&number(1)).await.unwrap();
    store.apply(vec![Change::Put(asked.clone(), entry("gp", "1", 2))], None).await.unwrap();
    let found = store.person(&asked).await.unwrap().unwrap();
    assert_eq!((found.number, found.entries.len()), (Some(number(1)), 1));
    store.apply(vec![Change::Person(somebody("b", Some(number(2))))], None).await.unwrap();
    assert_eq!(store.person_of(&number(2)).await.unwrap(), person("b"));
}

async fn a_person_is_read_as_written(place: Place) {
    let store = register(&place).await;
    let mut written = somebody("a", Some(number(1)));
    written.superseded = vec![number(2), number(3)];
    written.died = Some("2024-11".into());
    (written.restricted, written.investigated, written.cut) = (true, true, true);
    store.apply(vec![Change::Put(person("a"), entry("hosp", "2", 4)), Change::Person(written.clone())], None).await.unwrap();
    store
        .apply(vec![Change::Put(person("a"), entry("gp", "x y/z", 7)), Change::Put(person("a"), entry("hosp", "2", 5))], None)
        .await
        .unwrap();
    written.entries = vec![entry("gp", "x y/z", 7), entry("hosp", "2", 5)];
    assert!(store.person(&person("a")).await.unwrap() == Some(written.clone()));
    for n in 1..4 {
        assert_eq!(store.of_number(&number(n)).await.unwrap(), Some(person("a")), "{n}");
    }
    assert_eq!(store.home(&key("gp", "x y/z")).await.unwrap(), Some(person("a")));
    assert_eq!(store.home(&key("gp", "2")).await.unwrap(), None);
    assert_eq!(store.person(&person("b")).await.unwrap(), None);
    // A person is made for an entry where there is none.
    store.apply(vec![Change::Put(person("c"), entry("gp", "c", 1))], None).await.unwrap();
    assert_eq!(store.person(&person("c")).await.unwrap().unwrap().entries, [entry("gp", "c", 1)]);
}

async fn a_number_that_was_let_go_leads_nowhere(place: Place) {
    let store = register(&place).await;
    store.apply(vec![Change::Person(somebody("a", Some(number(1))))], None).await.unwrap();
    // Replaced without a link.
    store.apply(vec![Change::Person(somebody("a", Some(number(2))))], None).await.unwrap();
    assert_eq!(store.of_number(&number(1)).await.unwrap(), None);
    assert_eq!(store.of_number(&number(2)).await.unwrap(), Some(person("a")));
    // Taken over by another in one batch, whichever is written first.
    store.apply(vec![Change::Person(somebody("b", Some(number(2)))), Change::Person(somebody("a", None))], None).await.unwrap();
    assert_eq!(store.of_number(&number(2)).await.unwrap(), Some(person("b")));
    assert_eq!(store.number_of(&person("a")).await.unwrap(), None);
}

async fn superseded_numbers_lead_to_whoever_has_them_now(place: Place) {
    let store = register(&place).await;
    let has = |id: &str, seeds: &[u32]| {
        let mut one = somebody(id, seeds.last().map(|seed| number(*seed)));
        one.superseded = seeds.iter().rev().skip(1).rev().map(|seed| number(*seed)).collect();
        Change::Person(one)
    };
    let check = async |expected: [Option<&str>; 4]| {
        for (seed, id) in (1..).zip(expected) {
            assert_eq!(store.of_number(&number(seed)).await.unwrap(), id.map(person), "{seed}");
            assert_eq!(store.known(&number(seed)).await.unwrap(), id.map(person), "{seed}");
        }
    };
    let (a, b) = (Some("a"), Some("b"));
    // One after the other in one person; then all of them another's, whichever is written first; then some of them back.
    let batches = [
        (vec![has("a", &[1]), has("b", &[4])], [a, None, None, b]),
        (vec![has("a", &[1, 2])], [a, a, None, b]),
        (vec![has("a", &[1, 2, 3])], [a, a, a, b]),
        (vec![has("a", &[]), has("b", &[1, 2, 3, 4])], [b, b, b, b]),
        (vec![has("b", &[3, 4]), has("a", &[1, 2])], [a, a, b, b]),
        (vec![has("b", &[1, 2, 3, 4]), has("a", &[])], [b, b, b, b]),
        (vec![has("b", &[4, 1, 2, 3])], [b, b, b, b]),
        (vec![has("a", &[1]), has("b", &[4, 2])], [a, b, None, b]),
    ];
    for (batch, expected) in batches {
        store.apply(batch, None).await.unwrap();
        check(expected).await;
    }
    // One that is cut goes alone; what replaced it leads on.
    store.apply(vec![has("b", &[4, 2, 3])], None).await.unwrap();
    store.apply(vec![Change::Cut(number(2)), Change::Purge(person("b"), number(2))], None).await.unwrap();
    check([a, None, b, b]).await;
    let kept = store.person(&person("b")).await.unwrap().unwrap();
    assert_eq!((kept.number, kept.superseded), (Some(number(3)), vec![number(4)]));
    assert_eq!(store.cut_among(&[number(1), number(2), number(3), number(4)]).await.unwrap(), [number(2)]);
}

async fn a_moved_entry_stands_in_one_place_and_stays_apart(place: Place) {
    let store = register(&place).await;
    let (one, two) = (key("gp", "1"), key("gp", "2"));
    let batch = vec![
        Change::Put(person("a"), entry("gp", "1", 1)),
        Change::Put(person("a"), entry("gp", "2", 2)),
        Change::Apart(person("a"), one.clone(), two.clone()),
    ];
    store.apply(batch, None).await.unwrap();
    store.apply(vec![Change::Put(person("b"), entry("gp", "1", 1))], None).await.unwrap();
    assert_eq!(store.home(&one).await.unwrap(), Some(person("b")));
    assert_eq!(store.person(&person("a")).await.unwrap().unwrap().entries, [entry("gp", "2", 2)]);
    assert_eq!(store.person(&person("b")).await.unwrap().unwrap().entries, [entry("gp", "1", 1)]);
    assert_eq!(store.apart(&person("b"), &one).await.unwrap(), std::slice::from_ref(&two));
    assert_eq!(store.apart(&person("a"), &two).await.unwrap(), std::slice::from_ref(&one));
    assert!(store.apart(&person("a"), &one).await.unwrap().is_empty());
}

/// A source's entry goes from one person to another: neither is taken to be known there, or unknown, by what was heard before; and no id
/// that was met in the record it leaves leads there still.
async fn what_was_kept_of_a_moved_entrys_source_is_forgotten(place: Place) {
    let (store, another) = (register(&place).await, register(&place).await);
    let (from, to) = (store.person_of(&number(1)).await.unwrap(), store.person_of(&number(2)).await.unwrap());
    let (gp, hosp) = ("gp".parse().unwrap(), "hosp".parse().unwrap());
    let met = [
        Met { kind: Kind::PATIENT, id: "gp-e-1", source: &gp, source_kind: "Patient", source_id: Some("e-1") },
        Met { kind: Kind::CONDITION, id: "hosp-7", source: &hosp, source_kind: "Condition", source_id: Some("7") },
    ];
    let own = [Met { kind: Kind::CONDITION, id: "gp-9", source: &gp, source_kind: "Condition", source_id: Some("9") }];
    let stays = entry("gp", "e-2", 1);
    store.apply(vec![Change::Put(from.clone(), entry("gp", "e-1", 1)), Change::Put(from.clone(), stays.clone())], None).await.unwrap();
    store.heard(&number(1), vec![heard("gp", true, &[(Kind::FLAG, true, None, 2)]), heard("hosp", true, &[])], at(2)).await.unwrap();
    store.heard(&number(2), vec![heard("gp", false, &[]), heard("hosp", false, &[])], at(2)).await.unwrap();
    for store in [&store, &another] {
        store.keep_ids(&from, &met).await.unwrap();
        store.keep_ids(&to, &own).await.unwrap();
    }
    let of = async |n| {
        let rows = store.located(&admission(number(n)), &number(n)).await.unwrap();
        let mut rows: Vec<_> =
            rows.into_iter().map(|row| (row.source.to_string(), row.holds, row.local_ids, row.categories.len())).collect();
        rows.sort();
        rows
    };
    let row = |source: &str, holds, ids: &[&str]| (source.to_owned(), holds, ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>(), 0);
    let met_in = async |kind, id: &str| store.resolve(kind, id).await.unwrap().into_iter().map(|one| one.person).collect::<Vec<_>>();
    // As it is written again where it is, nothing is forgotten.
    store.apply(vec![Change::Put(from.clone(), entry("gp", "e-1", 1))], None).await.unwrap();
    assert_eq!((of(1).await.len(), of(2).await[0].1, met_in(Kind::PATIENT, "gp-e-1").await), (2, false, vec![from.clone()]));
    assert_eq!(of(1).await[0].3, 1);

    store.apply(vec![Change::Put(to.clone(), entry("gp", "e-1", 1))], None).await.unwrap();
    assert_eq!(of(1).await, [row("gp", true, &["e-2"]), row("hosp", true, &["l-1", "l-2"])]);
    assert_eq!(of(2).await, [row("gp", true, &["e-1"]), row("hosp", false, &[])]);
    assert!(met_in(Kind::PATIENT, "gp-e-1").await.is_empty());
    assert_eq!(met_in(Kind::CONDITION, "hosp-7").await, std::slice::from_ref(&from));
    assert_eq!(met_in(Kind::CONDITION, "gp-9").await, [to]);
    // Whoever meets it again keeps it again, whoever kept it before.
    another.keep_ids(&from, &met).await.unwrap();
    assert_eq!(met_in(Kind::PATIENT, "gp-e-1").await, std::slice::from_ref(&from));
    // The last one goes: the source is asked about the person as about anybody.
    store.apply(vec![Change::Put(person("c"), stays)], None).await.unwrap();
    assert_eq!(of(1).await, [row("hosp", true, &["l-1", "l-2"])]);
}

async fn entries_that_are_apart_are_so_from_both_sides(place: Place) {
    let store = register(&place).await;
    let (one, two, three) = (key("gp", "1"), key("hosp", "1"), key("gp", "3"));
    let batch = vec![
        Change::Apart(person("a"), one.clone(), two.clone()),
        Change::Apart(person("a"), one.clone(), three.clone()),
        Change::Put(person("a"), entry("gp", "1", 1)),
        Change::Put(person("b"), entry("hosp", "1", 2)),
    ];
    store.apply(batch, None).await.unwrap();
    assert_eq!(store.apart(&person("a"), &one).await.unwrap(), [three.clone(), two.clone()]);
    assert_eq!(store.apart(&person("b"), &two).await.unwrap(), std::slice::from_ref(&one));
    // Said again, and undone from the other side.
    store.apply(vec![Change::Apart(person("b"), two.clone(), one.clone())], None).await.unwrap();
    store.apply(vec![Change::Together(person("b"), two.clone(), one.clone())], None).await.unwrap();
    assert_eq!(store.apart(&person("a"), &one).await.unwrap(), [three]);
    assert!(store.apart(&person("b"), &two).await.unwrap().is_empty());
}

fn event(who: &str, second: i64, deed: Deed) -> Event {
    Event { person: person(who), at: at(second), author: Author::Steward("iss|s: 1".into()), deed, reason: "as the letter says".into() }
}

async fn history_is_in_order_and_stays(place: Place) {
    let store = register(&place).await;
    let (one, two) = (key("gp", "1"), key("gp", "2"));
    let deeds = [
        Deed::Linked { entry: one.clone(), tier: Some(1), weight: Some(12.345_678_9), from: Some(person("b")) },
        Deed::Linked { entry: two.clone(), tier: None, weight: None, from: None },
        Deed::Apart { entry: one.clone(), other: two.clone() },
        Deed::Together { entry: one.clone(), other: two.clone() },
        Deed::Unlinked { entry: one.clone(), to: person("b") },
        Deed::Merged { from: person("b"), entries: vec![one.clone(), two.clone()] },
        Deed::Unmerged { to: person("b"), entries: vec![one, two] },
        Deed::Investigated,
        Deed::InvestigationEnded,
        Deed::NumberSuperseded,
        Deed::Cut,
        Deed::Died,
    ];
    let mut events: Vec<Event> = deeds.into_iter().map(|deed| event("a", 5, deed)).collect();
    events[1].author = Author::National;
    events[2].author = Author::Rules("1.2:3".into());
    events[3].author = Author::Source("gp".parse().unwrap());
    for some in events.chunks(5) {
        let others = some.iter().map(|one| Change::Event(Event { person: person("b"), ..one.clone() }));
        store.apply(some.iter().cloned().map(Change::Event).chain(others).collect(), None).await.unwrap();
    }
    assert_eq!(store.history(&person("a")).await.unwrap(), events);
    assert_eq!(store.history(&person("b")).await.unwrap().len(), events.len());
    assert!(store.history(&person("c")).await.unwrap().is_empty());
}

fn task(id: &str, who: &str) -> Task {
    Task {
        id: TaskId(id.into()),
        person: person(who),
        entry: key("gp", "1"),
        other: Some(key("hosp", "2")),
        doubt: Doubt::Probable,
        raised: at(3),
        decided: None,
    }
}

async fn a_task_is_one_however_often_it_is_written(place: Place) {
    let store = register(&place).await;
    let decided = Some((Outcome::Different, at(9), Author::Steward("s".into()), "two births".to_owned()));
    let (first, last) =
        (Task { other: None, doubt: Doubt::Confusion, ..task("t3", "b") }, Task { decided, doubt: Doubt::Held, ..task("t1", "c") });
    store.apply(vec![Change::Task(task("t1", "a")), Change::Task(task("t2", "a")), Change::Task(first.clone())], None).await.unwrap();
    // Decided, when its entry was already another person's.
    store.apply(vec![Change::Task(last.clone())], None).await.unwrap();
    assert_eq!(store.task(&TaskId("t1".into())).await.unwrap(), Some(last.clone()));
    assert_eq!(store.task(&TaskId("t9".into())).await.unwrap(), None);
    let check = async |open, who: Option<&str>, after: Option<&str>, count_max, expected: &[Task]| {
        let filter = TaskFilter { open, person: who.map(person), after: after.map(|id| TaskId(id.into())), count_max };
        assert_eq!(store.tasks(&filter).await.unwrap(), expected, "{filter:?}");
    };
    check(false, None, None, 10, &[last.clone(), task("t2", "a"), first.clone()]).await;
    check(true, None, None, 10, &[task("t2", "a"), first.clone()]).await;
    check(false, None, Some("t1"), 1, &[task("t2", "a")]).await;
    check(false, Some("c"), None, 10, &[last]).await;
    check(true, Some("a"), Some("t2"), 10, &[]).await;
}

async fn a_batch_that_fails_leaves_nothing(place: Place) {
    let store = register(&place).await;
    store.apply(vec![Change::Person(somebody("a", Some(number(1)))), Change::Loaded("f".into(), 1)], None).await.unwrap();
    // No store counts so many rows.
    let batch = vec![
        Change::Person(somebody("a", Some(number(2)))),
        Change::Put(person("a"), entry("gp", "1", 1)),
        Change::Event(event("a", 1, Deed::Cut)),
        Change::Task(task("t", "a")),
        Change::Loaded("f".into(), u64::MAX),
    ];
    assert!(store.apply(batch, None).await.is_err());
    assert_eq!(store.person(&person("a")).await.unwrap(), Some(somebody("a", Some(number(1)))));
    assert_eq!(store.of_number(&number(2)).await.unwrap(), None);
    assert_eq!(store.home(&key("gp", "1")).await.unwrap(), None);
    assert!(store.history(&person("a")).await.unwrap().is_empty());
    assert_eq!(store.task(&TaskId("t".into())).await.unwrap(), None);
    assert_eq!(store.loaded("f").await.unwrap(), 1);
}

async fn rows_of_a_file_are_counted_with_what_they_wrote(place: Place) {
    let store = register(&place).await;
    assert_eq!(store.loaded("people.csv").await.unwrap(), 0);
    for rows in [10, 25] {
        store.apply(vec![Change::Loaded("people.csv".into(), rows), Change::Loaded("other".into(), 1)], None).await.unwrap();
        assert_eq!(store.loaded("people.csv").await.unwrap(), rows);
    }
    assert_eq!(store.loaded("other").await.unwrap(), 1);
}

async fn a_page_is_whole_persons_in_order(place: Place) {
    let store = register(&place).await;
    let mut batch = Vec::new();
    for n in 0..25 {
        batch.push(Change::Person(somebody(&format!("p{n:02}"), (n % 2 == 0).then(|| number(n)))));
        batch.extend((0..n % 4).map(|local| Change::Put(person(&format!("p{n:02}")), entry("gp", &format!("{n}-{local}"), n + local))));
    }
    store.apply(batch, None).await.unwrap();
    let (mut after, mut persons) = (None, Vec::new());
    loop {
        let page = store.page(after.as_ref(), 7).await.unwrap();
        assert!(page.persons.len() <= 7);
        assert!(after.is_some() || page.total.is_none_or(|total| total == 25));
        persons.extend(page.persons);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(persons.len(), 25);
    assert!(persons.is_sorted_by_key(|person| person.id.clone()));
    for one in &persons {
        assert!(store.person(&one.id).await.unwrap().as_ref() == Some(one), "{}", one.id);
    }
    let empty = store.page(Some(&person("z")), 7).await.unwrap();
    assert!(empty.persons.is_empty() && empty.next.is_none());
}

async fn an_id_is_resolved_to_every_person_it_was_met_with(place: Place) {
    let store = register(&place).await;
    let (gp, hosp) = ("gp".parse().unwrap(), "hosp".parse().unwrap());
    let one = Met { kind: Kind::PRACTITIONER, id: "gp-1", source: &gp, source_kind: "Practitioner", source_id: Some("1") };
    let two = Met { kind: Kind::CONDITION, id: "hosp.h.x", source: &hosp, source_kind: "Problem", source_id: None };
    for who in ["a", "b"] {
        for _ in 0..2 {
            store.keep_ids(&person(who), &[one, two]).await.unwrap();
        }
    }
    store.keep_ids(&person("c"), &[]).await.unwrap();
    let mut met = store.resolve(Kind::PRACTITIONER, "gp-1").await.unwrap();
    met.sort_by(|a, b| a.person.cmp(&b.person));
    assert_eq!(met.iter().map(|one| one.person.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((met[0].source.as_str(), met[0].source_kind.as_str(), met[0].source_id.as_deref()), ("gp", "Practitioner", Some("1")));
    assert_eq!(store.resolve(Kind::CONDITION, "hosp.h.x").await.unwrap()[0].source_id, None);
    assert!(store.resolve(Kind::CONDITION, "gp-1").await.unwrap().is_empty());
}

async fn a_plan_is_its_readers_only(place: Place) {
    let store = register(&place).await;
    let counts =
        Counts { came: 3, single: 2, clustered: 0, collapsed: 0, history: 0, filtered: 1, withheld: 0, quarantined: 0, redacted: 1 };
    let mut row = Row::new("gp".parse().unwrap(), Kind::CONDITION);
    (row.status, row.note, row.tried, row.counts) = (Some(Status::OkTruncated), Some("cut \"here\"".into()), Some(at(1)), counts);
    let plan = |note: &str| Plan { rows: vec![Row { note: Some(note.to_owned()), ..row.clone() }] };
    let request = "q-1".parse().unwrap();
    for (who, note) in [("u", "first"), ("v", "another's"), ("u", "second")] {
        store.keep_plan(&request, &person("a"), &user(who), &plan(note), at(10)).await.unwrap();
    }
    let of = async |who: &str, whose: &str, second| store.plan_of(&request, &person(whose), &user(who), at(second)).await.unwrap();
    let found = of("u", "a", 9).await.unwrap();
    assert_eq!(format!("{found:?}"), format!("{:?}", plan("second")));
    assert!(of("u", "a", 10).await.is_none());
    assert!(of("w", "a", 9).await.is_none());
    assert!(of("u", "b", 9).await.is_none());
}

fn heard(source: &str, holds: bool, categories: &[(Kind, bool, Option<&str>, i64)]) -> Heard {
    let category = |(kind, holds, newest, second): &(Kind, bool, Option<&str>, i64)| Category {
        kind: *kind,
        holds: *holds,
        newest: newest.map(|date| date.parse().unwrap()),
        heard: at(*second),
    };
    let local_ids = if holds { vec!["l-1".to_owned(), "l-2".to_owned()] } else { Vec::new() };
    Heard { source: source.parse().unwrap(), holds, local_ids, categories: categories.iter().map(category).collect() }
}

async fn a_miss_is_recorded_as_such(place: Place) {
    let store = register(&place).await;
    let of = async |n| {
        let mut rows = store.located(&admission(number(n)), &number(n)).await.unwrap();
        rows.sort_by(|a, b| a.source.cmp(&b.source));
        rows
    };
    assert!(of(1).await.is_empty());
    assert_eq!(store.known(&number(1)).await.unwrap(), None, "to look is not to mint");
    store.heard(&number(1), vec![heard("gp", true, &[]), heard("hosp", false, &[])], at(5)).await.unwrap();
    let rows = of(1).await;
    assert_eq!(
        rows.iter().map(|row| (row.source.as_str(), row.holds, row.local_ids.len(), row.heard)).collect::<Vec<_>>(),
        [("gp", true, 2, at(5)), ("hosp", false, 0, at(5))]
    );
    store.heard(&number(1), vec![heard("gp", false, &[])], at(6)).await.unwrap();
    assert_eq!(
        of(1).await[0],
        identity::Located { source: "gp".parse().unwrap(), holds: false, local_ids: vec![], categories: vec![], heard: at(6) }
    );
    assert!(of(2).await.is_empty());
}

async fn categories_are_kept_until_asked_again(place: Place) {
    let store = register(&place).await;
    let (condition, flag) = (Kind::CONDITION, Kind::FLAG);
    let categories = async || store.located(&admission(number(1)), &number(1)).await.unwrap()[0].categories.clone();
    let said = [(condition, true, Some("2024-05-06"), 1), (flag, false, None, 1)];
    store.heard(&number(1), vec![heard("gp", true, &said)], at(1)).await.unwrap();
    assert_eq!(categories().await, heard("gp", true, &said).categories);
    // Asked for one type only: the other stays as it was heard.
    store.heard(&number(1), vec![heard("gp", true, &[(condition, false, None, 2)])], at(2)).await.unwrap();
    assert_eq!(categories().await, heard("gp", true, &[(condition, false, None, 2), said[1]]).categories);
    store.heard(&number(1), vec![heard("gp", false, &[])], at(3)).await.unwrap();
    assert!(categories().await.is_empty());
}

async fn an_entry_given_later_than_a_miss_is_believed(place: Place) {
    let store = register(&place).await;
    let of = async || store.located(&admission(number(1)), &number(1)).await.unwrap();
    let whose = store.person_of(&number(1)).await.unwrap();
    store.apply(vec![Change::Put(whose.clone(), entry("gp", "e-1", 10))], None).await.unwrap();
    assert_eq!((of().await[0].holds, of().await[0].local_ids.clone(), of().await[0].heard), (true, vec!["e-1".to_owned()], at(10)));
    store.heard(&number(1), vec![heard("gp", false, &[])], at(11)).await.unwrap();
    assert!(!of().await[0].holds);
    store.apply(vec![Change::Put(whose, entry("gp", "e-1", 12))], None).await.unwrap();
    assert!(of().await[0].holds);
    store.heard(&number(1), vec![heard("gp", true, &[])], at(13)).await.unwrap();
    assert_eq!(of().await[0].local_ids, ["l-1", "l-2", "e-1"]);
}

async fn a_number_that_was_cut_is_remembered_and_leads_to_nobody(place: Place) {
    let store = place.open().await.store;
    let whose = store.person_of(&number(1)).await.unwrap();
    assert!(store.cut_among(&[number(1), number(2)]).await.unwrap().is_empty());
    let cut = || vec![Change::Cut(number(1)), Change::Purge(whose.clone(), number(1))];
    store.apply(cut(), None).await.unwrap();
    store.apply(cut(), None).await.unwrap();
    assert_eq!(store.cut_among(&[number(2), number(1)]).await.unwrap(), [number(1)]);
    assert_eq!(store.of_number(&number(1)).await.unwrap(), None);
    // Another program at the same store knows it, too.
    assert_eq!(place.open().await.store.cut_among(&[number(1)]).await.unwrap(), [number(1)]);
}

async fn after_a_purge_nothing_joins_the_number_with_the_person(place: Place) {
    let store = register(&place).await;
    let (old, new) = (number(1), number(2));
    let whose = store.person_of(&old).await.unwrap();
    let gp = "gp".parse().unwrap();
    let met = [Met { kind: Kind::CONDITION, id: "gp-1", source: &gp, source_kind: "Condition", source_id: Some("1") }];
    let request = "q".parse().unwrap();
    let claimed = claim(whose.as_str(), "1", "u", false, (0, 100));
    let emergency = claim(whose.as_str(), "2", "u", true, (0, 100));
    store.keep_ids(&whose, &met).await.unwrap();
    store.keep_plan(&request, &whose, &user("u"), &Plan::default(), at(100)).await.unwrap();
    store.keep(claimed).await.unwrap();
    store.keep(emergency.clone()).await.unwrap();
    store.heard(&old, vec![heard("gp", true, &[])], at(1)).await.unwrap();
    store
        .apply(vec![Change::Put(whose.clone(), entry("gp", "e", 1)), Change::Event(event(whose.as_str(), 1, Deed::Died))], None)
        .await
        .unwrap();
    let other = store.person_of(&number(3)).await.unwrap();
    store.heard(&number(3), vec![heard("gp", true, &[])], at(1)).await.unwrap();

    let renumbered = people::Person { number: Some(new), superseded: vec![number(4)], ..somebody(whose.as_str(), None) };
    store
        .apply(vec![Change::Person(renumbered), Change::Purge(whose.clone(), old), Change::Purge(whose.clone(), number(4))], None)
        .await
        .unwrap();
    assert_eq!(store.of_number(&old).await.unwrap(), None);
    assert_eq!(store.known(&old).await.unwrap(), None);
    assert_eq!(store.of_number(&number(4)).await.unwrap(), None);
    assert_eq!(store.number_of(&whose).await.unwrap(), Some(new));
    assert!(store.person(&whose).await.unwrap().unwrap().superseded.is_empty());
    assert!(store.located(&admission(old), &old).await.unwrap().is_empty());
    assert!(store.resolve(Kind::CONDITION, "gp-1").await.unwrap().is_empty());
    assert!(store.plan_of(&request, &whose, &user("u"), at(1)).await.unwrap().is_none());
    assert!(Claims::of(&*store, &whose, &user("u"), at(1)).await.unwrap().is_empty());
    // An emergency is over, and that it is can be entered.
    assert_eq!(store.ended(at(1), 9).await.unwrap(), [(exchange::KeptClaim { until: at(0), ..emergency }, false)]);
    // The entries stay where they are, the history too, and others have lost nothing.
    assert_eq!(store.home(&key("gp", "e")).await.unwrap(), Some(whose.clone()));
    assert_eq!(store.history(&whose).await.unwrap().len(), 1);
    assert_eq!(store.located(&admission(number(3)), &number(3)).await.unwrap().len(), 1);
    assert_eq!(store.known(&number(3)).await.unwrap(), Some(other));
    // What is met again after it is kept again; another reader of the store does not believe that it is kept still.
    store.keep_ids(&whose, &met).await.unwrap();
    assert_eq!(store.resolve(Kind::CONDITION, "gp-1").await.unwrap().len(), 1);
    // Whoever is found by the old number is somebody else.
    assert_ne!(store.person_of(&old).await.unwrap(), whose);
}

async fn what_was_written_is_there_when_opened_again(place: Place) {
    let first = place.open().await;
    let whose = first.store.person_of(&number(1)).await.unwrap();
    first.store.apply(vec![Change::Put(whose.clone(), entry("gp", "1", 1)), Change::Loaded("f".into(), 3)], None).await.unwrap();
    first.journal.append(vec![line("run", 1)]).await.unwrap();
    drop(first);
    let again = place.open().await;
    assert_eq!(again.store.number_of(&whose).await.unwrap(), Some(number(1)));
    assert_eq!(again.store.person(&whose).await.unwrap().unwrap().entries, [entry("gp", "1", 1)]);
    assert_eq!(again.store.loaded("f").await.unwrap(), 3);
    assert_eq!(place.lines().await, [line("run", 1)]);
}

fn line(run: &str, sequence: u64) -> audit::Line {
    let text = |what: &str| format!("{what}-{sequence}");
    audit::Line {
        run: run.to_owned(),
        sequence,
        at: "2026-11-23T09:00:00Z".into(),
        trace: text("q"),
        event: "{}".into(),
        previous: text("p"),
        hash: text("h"),
    }
}

async fn the_ledger_keeps_lines_in_order_and_refuses_a_second(place: Place) {
    let opened = place.open().await;
    opened.journal.append((1..=200).map(|n| line("a", n)).collect()).await.unwrap();
    opened.journal.append(vec![line("b", 1)]).await.unwrap();
    // Another line in the place of one: nothing of its batch is written.
    let second = audit::Line { hash: "another".into(), ..line("a", 200) };
    assert!(opened.journal.append(vec![line("a", 201), second]).await.is_err());
    let lines = place.lines().await;
    let places: Vec<_> = lines.iter().map(|line| (line.run.clone(), line.sequence)).collect();
    let expected: Vec<_> = (1..=200).map(|n| ("a".to_owned(), n)).chain([("b".to_owned(), 1)]).collect();
    assert_eq!(places, expected);
}

/// A checkpoint of this number over these chains.
fn checkpoint(number: u64, whole: bool) -> audit::Signed {
    let checkpoint = audit::Checkpoint {
        number,
        at: at(number as i64).to_string(),
        previous: String::new(),
        whole,
        heads: Vec::new(),
        runs: 0,
        root: String::new(),
        key: String::new(),
    };
    audit::Signed { checkpoint, signature: "s".into() }
}

async fn what_is_only_added_to_is_never_changed(place: Place) {
    let opened = place.open().await;
    opened.journal.append(vec![line("a", 1), line("a", 2)]).await.unwrap();
    assert!(opened.store.keep_checkpoint(&checkpoint(1, true)).await.unwrap());
    opened.store.apply(vec![Change::Event(event("a", 5, Deed::Died))], None).await.unwrap();
    let kept = KeptConsent { person: person("a"), id: "c".into(), version: 1, at: at(1), body: "{}".into() };
    assert!(opened.store.keep_consent(&kept).await.unwrap());
    let task = PrivacyTask {
        id: "t".into(),
        raised: at(1),
        kind: PrivacyKind::Emergency,
        trace: "q".into(),
        rule: String::new(),
        reason: String::new(),
        state: ReviewState::Open,
    };
    opened.store.raise(&task).await.unwrap();
    opened.store.raise(&PrivacyTask { trace: "another".into(), ..task.clone() }).await.unwrap();
    opened.store.apply(vec![Change::Person(somebody("a", Some(number(1))))], None).await.unwrap();
    opened.store.keep_evidence(&person("a"), crate::vault::shown(&["one"]), at(1)).await.unwrap();
    let mut changes = vec!["UPDATE ledger SET event = ''", "DELETE FROM ledger", "DELETE FROM ledger WHERE sequence = 2"];
    changes.extend(["UPDATE checkpoint SET line = ''", "DELETE FROM checkpoint"]);
    changes.extend(["UPDATE consent SET version = 2", "DELETE FROM consent", "DELETE FROM privacy_task"]);
    changes.extend(["UPDATE privacy_task SET trace = ''"]);
    match place {
        Place::Postgres(..) => changes.extend(["TRUNCATE ledger", "TRUNCATE checkpoint", "DELETE FROM ledger WHERE run = 'a'"]),
        Place::Sqlite(_) => changes.extend([
            "INSERT OR REPLACE INTO ledger SELECT run, sequence, at, trace, '', previous, hash FROM ledger",
            "REPLACE INTO checkpoint SELECT number, whole, '' FROM checkpoint",
            "INSERT INTO ledger SELECT * FROM ledger WHERE true ON CONFLICT (run, sequence) DO UPDATE SET event = ''",
            "UPDATE event SET reason = ''",
            "DELETE FROM event",
            "INSERT OR REPLACE INTO event SELECT person, sequence, at, author, deed, '' FROM event",
            "UPDATE entered SET trace = ''",
            "UPDATE evidence SET sealed = x'00'",
            "DELETE FROM evidence",
            "REPLACE INTO evidence SELECT person, address, x'00' FROM evidence",
            "DELETE FROM entered",
            "REPLACE INTO consent SELECT person, id, version, at, x'00' FROM consent",
            "INSERT OR REPLACE INTO privacy_task SELECT id, raised, kind, 'another', rule, reason, 'closed' FROM privacy_task",
        ]),
    }
    for sql in changes {
        let words = place.refusal(sql);
        let refused = ["append-only", "stay", "only the state of a task changes"].iter().any(|known| words.contains(known));
        assert!(refused, "{sql}: {words}");
    }
    assert_eq!(opened.store.consents(&person("a")).await.unwrap(), [kept]);
    assert_eq!(opened.store.privacy_task("t").await.unwrap(), Some(task));
    assert_eq!(place.lines().await, [line("a", 1), line("a", 2)]);
    assert_eq!(opened.store.history(&person("a")).await.unwrap(), [event("a", 5, Deed::Died)]);
}

async fn what_was_shipped_before_stands_once(place: Place) {
    let journal = place.open().await.journal;
    let lines: Vec<_> = (1..=6).map(|n| line("a", n)).collect();
    journal.append(lines[..2].to_vec()).await.unwrap();
    // Of some the word was lost, others are new; and all of them come again.
    journal.ship(lines[1..4].to_vec()).await.unwrap();
    journal.ship(lines[..4].to_vec()).await.unwrap();
    journal.ship(lines[3..].to_vec()).await.unwrap();
    let another = audit::Line { hash: "another".into(), ..line("a", 4) };
    let words = journal.ship(vec![line("a", 7), another]).await.unwrap_err().to_string();
    assert!(words.contains("run a has another entry 4"), "{words}");
    assert_eq!(place.lines().await, lines);
}

async fn the_ledger_is_read_in_order_and_knows_where_its_chains_end(place: Place) {
    let opened = place.open().await;
    let store = opened.store;
    assert!(store.heads().await.unwrap().is_empty());
    for (run, count) in [("b", 3), ("a", 5), ("c", 1), ("a.1", 2)] {
        opened.journal.append((1..=count).map(|n| audit::Line { hash: format!("{run}{n}"), ..line(run, n) }).collect()).await.unwrap();
    }
    let heads = store.heads().await.unwrap();
    let heads: Vec<_> = heads.iter().map(|head| (head.run.as_str(), head.sequence, head.hash.as_str())).collect();
    assert_eq!(heads, [("a", 5, "a5"), ("a.1", 2, "a.12"), ("b", 3, "b3"), ("c", 1, "c1")]);
    let (mut at, mut read) = ((String::new(), 0), Vec::new());
    loop {
        let page = store.lines_after(&at.0, at.1, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        at = (last.run.clone(), last.sequence);
        read.extend(page);
    }
    assert_eq!(read, place.lines().await);
    assert_eq!(read.len(), 11);
}

async fn checkpoints_are_kept_once_in_order_and_who_has_which(place: Place) {
    let store = place.open().await.store;
    assert_eq!(store.whole_checkpoint(9).await.unwrap(), None);
    for number in 1..=5 {
        assert!(store.keep_checkpoint(&checkpoint(number, number % 3 == 1)).await.unwrap());
    }
    let another = audit::Signed { signature: "another".into(), ..checkpoint(5, false) };
    assert!(!store.keep_checkpoint(&another).await.unwrap());
    let kept = store.checkpoints_after(1, 3).await.unwrap();
    assert_eq!(kept, [2, 3, 4].map(|number| checkpoint(number, number == 4).line()));
    assert_eq!(store.checkpoints_after(4, 9).await.unwrap(), [checkpoint(5, false).line()]);
    for (number, whole) in [(9, 4), (4, 4), (3, 1)] {
        assert_eq!(store.whole_checkpoint(number).await.unwrap(), Some(whole));
    }
    assert_eq!(store.handed("a").await.unwrap(), None);
    for number in [3, 5, 4] {
        store.hand("a", number).await.unwrap();
    }
    assert_eq!((store.handed("a").await.unwrap(), store.handed("b").await.unwrap()), (Some(5), None), "the last of them");
}

async fn the_ledger_knows_whom_its_lines_name(place: Place) {
    let opened = place.open().await;
    let of = |sequence, trace: &str, second, event: &str| audit::Line {
        trace: trace.into(),
        event: event.into(),
        at: at(second).to_string(),
        ..line("run", sequence)
    };
    let lines = [
        of(1, "q1", 1, r#"{"event":"opened","patient":"a"}"#),
        of(2, "q2", 2, r#"{"event":"opened","patient":"b"}"#),
        of(3, "q1", 3, r#"{"event":"closed","shown":[]}"#),
        of(4, "q3", 4, r#"{"event":"opened","patient":""}"#),
        of(5, "q2", 5, r#"{"event":"disclosed","patient":"a"}"#),
    ];
    opened.journal.append(lines.to_vec()).await.unwrap();
    let about = async |whom: &str, since| {
        let found = opened.store.about(whom, at(since)).await.unwrap();
        found.iter().map(|line| line.sequence).collect::<Vec<_>>()
    };
    // Every line of a request that names them, at any time, since then.
    assert_eq!(about("a", 0).await, [1, 2, 3, 5]);
    assert_eq!(about("a", 2).await, [2, 5]);
    assert_eq!(about("b", 0).await, [2, 5]);
    assert_eq!(about("b", 3).await, [0u64; 0]);
    assert_eq!(about("", 0).await, [0u64; 0]);
    assert_eq!(opened.store.about("a", at(0)).await.unwrap()[0], lines[0]);
}

async fn the_ledger_finds_lines_by_who_whom_whose_and_when(place: Place) {
    use audit::{By, Lookup, lookup};
    let opened = place.open().await;
    let (own, national) = (r#"{"issuer":"i","subject":"u-1","sds_user_id":null}"#, r#"{"issuer":"j","subject":"u-1","sds_user_id":"55"}"#);
    // One name for many requests, two requests at one moment, one line about two sources, and one that nobody can read.
    let events = [
        (1, "x", format!(r#"{{"event":"opened","by":{own},"patient":"a"}}"#)),
        (1, "y", format!(r#"{{"event":"opened","by":{national},"patient":"a"}}"#)),
        (2, "x", r#"{"event":"closed","shown":[{"source":"gp"},{"source":"ccr"}]}"#.to_owned()),
        (3, "x", format!(r#"{{"event":"opened","by":{own},"patient":"b"}}"#)),
        (4, "y", r#"{"event":"closed","shown":[{"source":"gp"}]}"#.to_owned()),
        (5, "z", r#"{"event":"refused","by":null,"patient":""}"#.to_owned()),
        (6, "x", format!(r#"{{"event":"disclosed","by":{own},"patient":"b"}}"#)),
        (7, "w", "not even JSON".to_owned()),
    ];
    let of = |(sequence, (second, trace, event)): (u64, (i64, &str, String))| audit::Line {
        trace: trace.into(),
        event,
        at: at(second).to_string(),
        ..line("run", sequence)
    };
    let lines: Vec<audit::Line> = (1..).zip(events).map(of).collect();
    opened.journal.append(lines.clone()).await.unwrap();
    let user = |issuer: &str| By::User { issuer: issuer.into(), subject: "u-1".into() };
    let all = [
        By::Anything,
        By::Patient("a".into()),
        By::Patient("b".into()),
        By::Patient(String::new()),
        By::SdsUser("55".into()),
        By::Source("gp".into()),
        By::Source("ccr".into()),
        user("i"),
        user("j"),
        user("k"),
    ];
    for by in all {
        for (since, until) in [(0, 100), (2, 5), (3, 3)] {
            let mut lookup = Lookup { by: by.clone(), since: at(since), until: at(until), from: None, count_max: 100 };
            let found = opened.store.find(&lookup).await.unwrap();
            assert_eq!(found, lookup::among(&lines, &lookup), "{lookup:?}");
            // A page begins where the last one said.
            for place in &found {
                (lookup.from, lookup.count_max) = (Some(place.clone()), 2);
                assert_eq!(opened.store.find(&lookup).await.unwrap(), lookup::among(&lines, &lookup), "{lookup:?}");
            }
        }
        for since in [0, 2, 100] {
            let counted = opened.store.people_of(&by, at(since)).await.unwrap();
            assert_eq!(counted, lookup::people_among(&lines, &by, at(since)), "{by:?} since {since}");
        }
    }
    assert_eq!(opened.store.people_of(&user("i"), at(0)).await.unwrap(), 2);
    let of_two = opened.store.lines_of(&["x".into(), "z".into(), "x".into(), "none".into()]).await.unwrap();
    assert_eq!(of_two.iter().map(|line| line.sequence).collect::<Vec<_>>(), [1, 3, 4, 6, 7]);
    assert_eq!(opened.store.line("run", 3).await.unwrap().as_ref(), Some(&lines[2]));
    assert_eq!(opened.store.line("run", 99).await.unwrap(), None);
}

async fn no_name_number_or_address_lies_open(place: Place) {
    let opened = place.open().await;
    let mut written = somebody("a", Some(number(77)));
    written.superseded = vec![number(78)];
    written.died = Some("1999-12-31".into());
    opened.store.apply(vec![Change::Person(written), Change::Put(person("a"), entry("gp", "1", 79))], None).await.unwrap();
    let bytes = place.bytes().await;
    assert!(bytes.len() > 1000);
    for open in
        [number(77).expose(), number(78).expose(), number(79).expose(), "Zzexample", "Example Street", "WS1 1AA", "1999-12-31", "900123"]
    {
        assert!(!bytes.windows(open.len()).any(|part| part == open.as_bytes()), "{open}");
    }
}

async fn batches_at_once_are_each_whole(place: Place) {
    let (one, two) = (register(&place).await, register(&place).await);
    // Everybody moves the same entry, with a word of its own, to a person of its own.
    let moving = (0..24).map(|n: u32| {
        let store = if n.is_multiple_of(2) { one.clone() } else { two.clone() };
        let whose = format!("p{n}");
        let batch = vec![
            Change::Person(somebody(&whose, Some(number(1)))),
            Change::Put(person(&whose), entry("gp", "1", n)),
            Change::Put(person(&whose), entry("gp", &format!("own-{n}"), n)),
            Change::Event(event(&whose, 1, Deed::Died)),
        ];
        async move { store.apply(batch, None).await.unwrap() }
    });
    futures::future::join_all(moving).await;
    let persons = one.page(None, 100).await.unwrap().persons;
    assert_eq!(persons.len(), 24);
    let with: Vec<_> = persons.iter().filter(|person| person.entries.iter().any(|entry| entry.key == key("gp", "1"))).collect();
    let [last] = with[..] else { panic!("the entry stands in {} places", with.len()) };
    assert_eq!(one.home(&key("gp", "1")).await.unwrap().as_ref(), Some(&last.id));
    assert_eq!(one.of_number(&number(1)).await.unwrap().as_ref(), Some(&last.id), "number and entry came in one batch");
    for person in &persons {
        assert_eq!(one.history(&person.id).await.unwrap().len(), 1);
        assert!(person.entries.iter().any(|entry| entry.key.local_id.starts_with("own")));
    }
}

async fn what_the_registrar_did_is_what_the_next_one_reads(place: Place) {
    use people::{Registrar, index::Index, matching::Model};
    let store: std::sync::Arc<dyn people::Register> = register(&place).await;
    let model = std::sync::Arc::new(Model::standard());
    let clock = || std::sync::Arc::new(at(1000));
    let registrar = Registrar::new(store.clone(), Index::new(), model.clone(), clock(), Default::default());
    let (steward, why) = (Author::Steward("s".into()), "as the letter says");
    // Three sources of each of twenty people, under their numbers.
    let entries: Vec<_> = (0..60).map(|n: u32| entry(["gp", "hosp", "social"][n as usize % 3], &format!("e{n}"), 100 + n / 3)).collect();
    // And some whose number nobody knows.
    let unknown = (0..3u32).map(|n| {
        let name = [("Winterbourne", "Tobias"), ("Okonkwo", "Wilhelmina"), ("Hartley", "Quentin")][n as usize];
        let name = people::Name { family: name.0.into(), given: vec![name.1.into()], ..Default::default() };
        let birth_date = Some(["1948-06-02", "1981-11-23", "1999-01-31"][n as usize].parse().unwrap());
        let demographics = people::Demographics { names: vec![name], birth_date, ..Default::default() };
        people::Entry { demographics, ..entry("gp", &format!("m{n}"), n) }
    });
    let entries = entries.into_iter().chain(unknown).collect();
    registrar.take_all(entries, Some(("people.ndjson".into(), 60))).await.unwrap();
    let home = |which: u32| registrar.index().home(&key(["gp", "hosp", "social"][which as usize % 3], &format!("e{which}"))).unwrap();
    assert_eq!(home(0), home(2), "a verified number and a birth date join");
    registrar.unlink(&key("gp", "e0"), &steward, why).await.unwrap();
    let [one, other] = ["m0", "m1"].map(|id| registrar.index().home(&key("gp", id)).unwrap());
    registrar.merge(&one, &other, &steward, why).await.unwrap();
    registrar.unmerge(&one, &other, &steward, why).await.unwrap();
    registrar.merge(&home(30), &one, &steward, why).await.unwrap();
    registrar.link(&key("gp", "m2"), &home(15), &steward, why).await.unwrap();
    registrar.supersede(&number(106), &number(906)).await.unwrap();
    registrar.cut(&number(107)).await.unwrap();
    // A chain whose first number is cut, and one that a merge takes along.
    let first = home(42);
    for (old, new) in [(114, 115), (115, 116), (118, 912), (912, 913)] {
        registrar.supersede(&number(old), &number(new)).await.unwrap();
    }
    let last = home(48);
    registrar.cut(&number(114)).await.unwrap();
    registrar.merge(&other, &home(54), &steward, why).await.unwrap();
    registrar.died(&home(24), "2024-01-02").await.unwrap();

    let next = Registrar::new(register(&place).await, Index::new(), model, clock(), Default::default());
    next.fill(|_| ()).await.unwrap();
    assert_eq!(next.index().count(), store.page(None, 100).await.unwrap().persons.len());
    assert_eq!(store.loaded("people.ndjson").await.unwrap(), 60);
    for which in 0..60 {
        let own = key(["gp", "hosp", "social"][which as usize % 3], &format!("e{which}"));
        assert_eq!(next.index().home(&own), registrar.index().home(&own), "{which}");
    }
    for id in ["m0", "m1", "m2"] {
        assert_eq!(next.index().home(&key("gp", id)), registrar.index().home(&key("gp", id)), "{id}");
    }
    for n in (100..120).chain([906, 912, 913]) {
        assert_eq!(next.person_of(&number(n)).await.unwrap(), registrar.person_of(&number(n)).await.unwrap(), "{n}");
    }
    assert_eq!(next.person_of(&number(107)).await.unwrap(), None, "it was cut");
    assert_eq!((next.person_of(&number(114)).await.unwrap(), next.person_of(&number(115)).await.unwrap()), (None, Some(last.clone())));
    assert_eq!(
        (next.person_of(&number(118)).await.unwrap(), next.person_of(&number(913)).await.unwrap()),
        (Some(other.clone()), Some(other))
    );
    for event in next.history(&last).await.unwrap() {
        assert!(!format!("{event:?}").contains(first.as_str()), "its history leads to who was cut: {event:?}");
    }
    assert_eq!(store.apart(&home(0), &key("gp", "e0")).await.unwrap().len(), 2);
    let refused = next.link(&key("gp", "e0"), &home(1), &steward, why).await;
    assert!(refused.is_err(), "they are apart, whoever reads it");
}

async fn nobody_writes_from_what_is_not_the_last_state(place: Place) {
    let (one, two) = (register(&place).await, register(&place).await);
    let start = one.position().await.unwrap();
    let put = |salt| vec![Change::Put(person("a"), entry("gp", "1", salt))];
    let first = one.apply(put(1), Some(start)).await.unwrap();
    assert_eq!(two.position().await.unwrap(), first);
    assert!(matches!(two.apply(put(2), Some(start)).await, Err(NotWritten::Behind)));
    let stranger = Position { last: uuid::Uuid::nil(), ..first };
    assert!(matches!(two.apply(put(2), Some(stranger)).await, Err(NotWritten::Behind)), "of another course");
    assert!(two.person(&person("a")).await.unwrap().unwrap().entries == [entry("gp", "1", 1)]);
    assert_eq!(two.position().await.unwrap(), first, "nothing was written");
    let second = two.apply(put(3), Some(first)).await.unwrap();
    assert_eq!(second.batches, first.batches + 1);
    // Somebody was made by a question, without a batch.
    let asked = one.person_of(&number(9)).await.unwrap();
    let taking = vec![Change::Person(somebody("b", Some(number(9))))];
    assert!(matches!(two.apply(taking.clone(), Some(second)).await, Err(NotWritten::Behind)));
    assert_eq!(one.of_number(&number(9)).await.unwrap(), Some(asked.clone()));
    let letting_go = taking.into_iter().chain([Change::Person(somebody(asked.as_str(), None))]).collect();
    two.apply(letting_go, Some(second)).await.unwrap();
    assert_eq!(one.of_number(&number(9)).await.unwrap(), Some(person("b")));
}

async fn what_changed_since_is_read_in_whole_batches(place: Place) {
    let store = register(&place).await;
    let start = store.position().await.unwrap();
    assert!(store.since(start, 10).await.unwrap().unwrap().persons.is_empty());
    let mut places = vec![start];
    let batches = [
        vec![Change::Put(person("a"), entry("gp", "1", 1)), Change::Put(person("b"), entry("gp", "2", 2))],
        vec![Change::Person(somebody("c", Some(number(3)))), Change::Put(person("c"), entry("gp", "3", 3))],
        // It leaves somebody.
        vec![Change::Put(person("d"), entry("gp", "1", 4))],
        // Of nobody in particular.
        vec![Change::Loaded("f".into(), 1)],
        vec![Change::Purge(person("c"), number(3))],
    ];
    for batch in batches {
        places.push(store.apply(batch, None).await.unwrap());
    }
    let last = places[5];
    let names = |news: &News| news.persons.iter().map(|person| person.id.to_string()).collect::<BTreeSet<_>>();
    let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    let expected = [set(&["a", "b", "c", "d"]), set(&["a", "c", "d"]), set(&["a", "c", "d"]), set(&["c"]), set(&["c"]), set(&[])];
    for (from, expected) in places.iter().zip(&expected) {
        let news = store.since(*from, 10).await.unwrap().unwrap();
        assert_eq!((&names(&news), news.position), (expected, last));
        for found in &news.persons {
            assert!(Some(found) == store.person(&found.id).await.unwrap().as_ref(), "{} is whole", found.id);
        }
        // A few at a time, it is the same.
        for most in [0, 1, 2, 3] {
            let (mut at, mut all, mut rounds) = (*from, BTreeSet::new(), 0);
            while at != last {
                let news = store.since(at, most).await.unwrap().unwrap();
                assert!(news.position.batches > at.batches);
                all.extend(names(&news));
                (at, rounds) = (news.position, rounds + 1);
            }
            assert_eq!(&all, expected, "{most} at a time");
            assert!(rounds <= 5);
        }
    }
    let everybody = store.since(Position::default(), 100).await.unwrap().unwrap();
    assert_eq!(names(&everybody), set(&["a", "b", "c", "d"]));
    for elsewhere in [Position { batches: last.batches + 5, ..last }, Position { last: uuid::Uuid::nil(), ..places[2] }] {
        assert!(store.since(elsewhere, 10).await.unwrap().is_none(), "{elsewhere}");
    }
    assert_eq!(last.to_string().parse(), Ok(last));
    assert!("7".parse::<Position>().is_err() && "x.y".parse::<Position>().is_err());
}

async fn two_registrars_of_one_register_are_as_one(place: Place) {
    use people::{Registrar, index::Index, matching::Model};
    let (one, two) = (register(&place).await, register(&place).await);
    let model = std::sync::Arc::new(Model::standard());
    let registrar = |store: std::sync::Arc<dyn people::Register>| {
        Registrar::new(store, Index::new(), model.clone(), std::sync::Arc::new(at(1000)), Default::default())
    };
    let (one, two) = (registrar(one), registrar(two));
    one.fill(|_| ()).await.unwrap();
    two.fill(|_| ()).await.unwrap();
    // Both are told of the same people at once, each by other sources.
    let of = |source: &'static str, n: u32| entry(source, &format!("e{n}"), 100 + n);
    let telling = (0..20u32).flat_map(|n| [(&one, of("gp", n)), (&two, of("hosp", n)), (&one, of("social", n))]);
    let told = telling.map(|(registrar, entry)| async move { registrar.take(entry).await.unwrap() });
    futures::future::join_all(told).await;
    for registrar in [&one, &two] {
        registrar.follow().await.unwrap();
        for n in 0..20 {
            let home = one.index().home(&key("gp", &format!("e{n}")));
            for source in ["gp", "hosp", "social"] {
                assert_eq!(registrar.index().home(&key(source, &format!("e{n}"))), home, "one number, one person: {n}");
            }
        }
    }
    let (steward, why) = (Author::Steward("s".into()), "as the letter says");
    for (by, other) in [(&one, &two), (&two, &one)] {
        // What one sets apart the other does not bring together, though nobody told it.
        let n = if std::ptr::eq(by, &one) { 1 } else { 2 };
        let [gp, hosp] = ["gp", "hosp"].map(|source| key(source, &format!("e{n}")));
        by.apart(&gp, &hosp, &steward, why).await.unwrap();
        let to = by.index().home(&hosp).unwrap();
        assert!(matches!(other.link(&gp, &to, &steward, why).await, Err(people::registrar::NotDone::Apart)));
        other.take(people::Entry { seen: at(5_000), ..of("gp", n) }).await.unwrap();
        assert_ne!(other.index().home(&gp), other.index().home(&hosp));
        // Nor does it bring back whom the other cut, or forget whom it restricted.
        let cut = number(110 + n);
        by.cut(&cut).await.unwrap();
        other.take(people::Entry { seen: at(5_000), ..of("gp", 10 + n) }).await.unwrap();
        assert_eq!(other.person_of(&cut).await.unwrap(), None);
        let restricted = by.person_of(&number(115 + n)).await.unwrap().unwrap();
        by.restrict(&restricted, true, &steward, why).await.unwrap();
        other.take(people::Entry { seen: at(5_000), restricted: false, ..of("hosp", 15 + n) }).await.unwrap();
        assert!(other.register().person(&restricted).await.unwrap().unwrap().restricted);
        assert!(other.index().candidate(&restricted).unwrap().restricted);
    }
}

fn access(id: &str, kind: PrivacyKind, second: i64) -> PrivacyTask {
    let trace = format!("trace-of-{id}");
    let (rule, reason, state) = ("claim.self-claimed".to_owned(), "TREAT".to_owned(), ReviewState::Open);
    PrivacyTask { id: id.to_owned(), raised: at(second), kind, trace, rule, reason, state }
}

fn step(id: &str, state: ReviewState, second: i64) -> Review {
    let (name, note) = ("O Officer".to_owned(), "seen the ward's \"list\"".to_owned());
    Review { id: id.to_owned(), at: at(second), state, reviewer: user("p-1"), name, note }
}

async fn the_queue_keeps_every_step_of_a_review(place: Place) {
    let store = register(&place).await;
    let task = access("a", PrivacyKind::Emergency, 1);
    store.raise(&task).await.unwrap();
    assert_eq!(store.privacy_task("a").await.unwrap(), Some(task.clone()));
    assert_eq!(store.privacy_task("b").await.unwrap(), None);
    // Whoever moves it from where it stands does; whoever comes later does not, and whoever means another state does not.
    let (first, second) = (step("s-1", ReviewState::Escalated, 2), step("s-2", ReviewState::Justified, 3));
    assert!(store.review("a", ReviewState::Open, &first).await.unwrap());
    assert!(!store.review("a", ReviewState::Open, &second).await.unwrap());
    assert!(!store.review("b", ReviewState::Open, &second).await.unwrap());
    assert!(store.review("a", ReviewState::Escalated, &second).await.unwrap());
    assert_eq!(store.reviews("a").await.unwrap(), [first, second]);
    assert!(store.reviews("b").await.unwrap().is_empty());
    // Raised once more, by the same facts: what was decided stays.
    store.raise(&PrivacyTask { kind: PrivacyKind::Monitoring, ..task.clone() }).await.unwrap();
    let decided = PrivacyTask { state: ReviewState::Justified, ..task };
    assert_eq!(place.open().await.store.privacy_tasks_of(&["trace-of-a".into(), "trace-of-b".into()]).await.unwrap(), [decided]);
    // What an officer notes may say more than it should.
    let bytes = place.bytes().await;
    let lies_open = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(lies_open("trace-of-a") && !lies_open("seen the ward"));
}

async fn the_queue_lists_what_waits_in_order(place: Place) {
    let store = register(&place).await;
    for (id, kind, second) in [
        ("d", PrivacyKind::Monitoring, 4),
        ("b", PrivacyKind::SelfClaimed, 2),
        ("c", PrivacyKind::SelfClaimed, 2),
        ("a", PrivacyKind::Emergency, 1),
        ("e", PrivacyKind::SelfClaimed, 5),
    ] {
        store.raise(&access(id, kind, second)).await.unwrap();
    }
    assert!(store.review("b", ReviewState::Open, &step("s-1", ReviewState::Closed, 6)).await.unwrap());
    assert!(store.review("a", ReviewState::Open, &step("s-2", ReviewState::Escalated, 6)).await.unwrap());
    let listed = async |filter: PrivacyFilter| -> Vec<String> {
        store.privacy_tasks(&filter).await.unwrap().into_iter().map(|task| task.id).collect()
    };
    let all = PrivacyFilter { count_max: 10, ..PrivacyFilter::default() };
    assert_eq!(listed(all.clone()).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(listed(PrivacyFilter { waiting: true, ..all.clone() }).await, ["a", "c", "d", "e"]);
    assert_eq!(listed(PrivacyFilter { waiting: true, kind: Some(PrivacyKind::SelfClaimed), ..all.clone() }).await, ["c", "e"]);
    assert_eq!(listed(PrivacyFilter { after: Some((at(2), "b".into())), count_max: 2, ..all }).await, ["c", "d"]);
}
