use proptest::prelude::*;

use super::*;

const LOCAL_IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const GIVEN: [&str; 3] = ["Margaret", "Peggy", "Tobias"];
const FAMILY: [&str; 2] = ["Hartley", "Winterbourne"];
const BORN: [&str; 3] = ["1948-06-02", "1981-11-23", "1999-01-31"];

/// One of few people, so that they meet.
fn somebody(local_id: usize) -> impl Strategy<Value = Said> {
    (0..GIVEN.len(), 0..FAMILY.len(), 0..BORN.len(), 0u32..5, any::<bool>()).prop_map(move |(given, family, born, seed, verified)| Said {
        verified,
        ..Said::new(LOCAL_IDS[local_id], GIVEN[given], FAMILY[family], BORN[born], seed)
    })
}

fn everybody() -> impl Strategy<Value = Vec<Said>> {
    (0..LOCAL_IDS.len()).map(somebody).collect::<Vec<_>>()
}

/// A number for each person, as it should be: everybody has a verified one, and what goes with it is always the same.
fn numbered() -> impl Strategy<Value = Vec<Said>> {
    let one = |local_id: usize| {
        (0..2usize, 0..3usize).prop_map(move |(name, who)| {
            let given = if who == 2 { GIVEN[2] } else { GIVEN[name] };
            Said::new(LOCAL_IDS[local_id], given, FAMILY[name], BORN[who], who as u32 + 1)
        })
    };
    (0..LOCAL_IDS.len()).map(one).collect::<Vec<_>>()
}

#[derive(Debug, Clone)]
enum Move {
    Take(usize, usize, usize, usize, u32),
    Link(usize, usize),
    Unlink(usize),
    Apart(usize, usize),
    Together(usize, usize),
    Merge(usize, usize),
    Unmerge(usize, usize),
    Supersede(u32, u32),
    Decide(usize, u8),
    Undo(usize),
    Investigate(u32, bool),
    Cut(u32),
}

fn a_move() -> impl Strategy<Value = Move> {
    let which = || 0..LOCAL_IDS.len();
    prop_oneof![
        3 => (which(), 0..GIVEN.len(), 0..FAMILY.len(), 0..BORN.len(), 0u32..5).prop_map(|(a, b, c, d, e)| Move::Take(a, b, c, d, e)),
        2 => (which(), which()).prop_map(|(a, b)| Move::Link(a, b)),
        2 => which().prop_map(Move::Unlink),
        1 => (which(), which()).prop_map(|(a, b)| Move::Apart(a, b)),
        1 => (which(), which()).prop_map(|(a, b)| Move::Together(a, b)),
        1 => (which(), which()).prop_map(|(a, b)| Move::Merge(a, b)),
        1 => (which(), which()).prop_map(|(a, b)| Move::Unmerge(a, b)),
        2 => (1u32..5, 1u32..5).prop_map(|(a, b)| Move::Supersede(a, b)),
        1 => (1u32..5).prop_map(Move::Cut),
        2 => (0usize..4, 0u8..3).prop_map(|(a, b)| Move::Decide(a, b)),
        1 => (0usize..4).prop_map(Move::Undo),
        1 => (1u32..4, any::<bool>()).prop_map(|(a, b)| Move::Investigate(a, b)),
    ]
}

impl Desk {
    /// Does what may be done; what may not changes nothing.
    fn play(&self, step: usize, one: &Move) {
        let registrar = &self.registrar;
        let key = |which: usize| super::key(LOCAL_IDS[which]);
        let home = |which: usize| self.home(&key(which));
        let task = |which: usize, open: bool| {
            let filter = crate::TaskFilter { count_max: 50, ..Default::default() };
            let tasks = self.run(registrar.tasks(&filter)).unwrap();
            let tasks: Vec<_> = tasks.into_iter().filter(|task| task.decided.is_none() == open).collect();
            if tasks.is_empty() { None } else { Some(tasks[which % tasks.len()].id.clone()) }
        };
        let who = &steward();
        let done = match *one {
            Move::Take(which, given, family, born, seed) => {
                let said = Said::new(LOCAL_IDS[which], GIVEN[given], FAMILY[family], BORN[born], seed);
                self.take(Said { seen: step as i64 + 1, ..said }.entry());
                return;
            }
            Move::Link(one, other) => self.run(registrar.link(&key(one), &home(other), who, "said")),
            Move::Unlink(one) => self.run(registrar.unlink(&key(one), who, "said")),
            Move::Apart(one, other) => self.run(registrar.apart(&key(one), &key(other), who, "said")),
            Move::Together(one, other) => self.run(registrar.together(&key(one), &key(other), who, "said")),
            Move::Merge(one, other) => self.run(registrar.merge(&home(one), &home(other), who, "said")),
            Move::Unmerge(one, other) => self.run(registrar.unmerge(&home(one), &home(other), who, "said")),
            Move::Cut(one) => self.run(registrar.cut(&number(one))),
            Move::Supersede(one, other) => self.run(registrar.supersede(&number(one), &number(other))),
            Move::Investigate(one, true) => self.run(registrar.investigate(&number(one))),
            Move::Investigate(one, false) => self.run(registrar.investigation_ended(&number(one))),
            Move::Decide(which, outcome) => {
                let Some(id) = task(which, true) else { return };
                let outcome = [crate::Outcome::Different, crate::Outcome::Same, crate::Outcome::Unknown][usize::from(outcome)];
                self.run(registrar.decide(&id, outcome, who, "said"))
            }
            Move::Undo(which) => {
                let Some(id) = task(which, false) else { return };
                self.run(registrar.undo(&id, who, "said"))
            }
        };
        if let Err(NotDone::Down(down)) = done {
            panic!("{down}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_arrival_does_not_change_who_is_who(mut said in numbered(), seed in any::<u64>()) {
        let desk = Desk::new();
        desk.all(said.iter().map(Said::entry).collect());
        let mut rng = seed;
        for at in (1..said.len()).rev() {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            said.swap(at, (rng >> 33) as usize % (at + 1));
        }
        let other = Desk::new();
        said.iter().for_each(|said| drop(other.take(said.entry())));
        prop_assert_eq!(desk.groups(), other.groups());
    }

    #[test]
    fn taking_twice_changes_nothing(said in everybody()) {
        let desk = Desk::new();
        desk.all(said.iter().map(Said::entry).collect());
        let (groups, events) = (desk.groups(), desk.memory.0.lock().unwrap().events.len());
        let taken = desk.all(said.iter().map(Said::entry).collect());
        prop_assert_eq!((taken.unchanged, taken.done), (said.len() as u64, Done::default()));
        prop_assert_eq!((desk.groups(), desk.memory.0.lock().unwrap().events.len()), (groups, events));
        desk.check();
    }

    #[test]
    fn whatever_is_done_the_history_tells_it_who_is_apart_stays_so_and_no_two_numbers_meet(said in everybody(), moves in proptest::collection::vec(a_move(), 1..20)) {
        let desk = Desk::new();
        desk.all(said.iter().map(Said::entry).collect());
        for (step, one) in moves.iter().enumerate() {
            desk.play(step, one);
            desk.check();
        }
    }

    #[test]
    fn two_registrars_of_one_register_know_what_either_did(
        said in everybody(),
        moves in proptest::collection::vec((any::<bool>(), a_move()), 1..20),
    ) {
        let here = Desk::new();
        here.all(said.iter().map(Said::entry).collect());
        let there = here.beside();
        for (step, (elsewhere, one)) in moves.iter().enumerate() {
            let desk = if *elsewhere { &there } else { &here };
            // Whoever asks for a deed names persons as they are now; what is done with it is the registrar's.
            desk.run(desk.registrar.follow()).unwrap();
            desk.play(step, one);
            desk.check();
        }
        for desk in [&here, &there] {
            desk.run(desk.registrar.follow()).unwrap();
            desk.check();
        }
    }

    #[test]
    fn nothing_is_lost_where_two_registrars_are_told_at_once(said in everybody(), moves in proptest::collection::vec(a_move(), 2..12)) {
        let here = Desk::new();
        here.all(said.iter().map(Said::entry).collect());
        let there = here.beside();
        here.memory.1.store(true, std::sync::atomic::Ordering::SeqCst);
        let run = |desk: &Desk, moves: &[Move]| moves.iter().enumerate().for_each(|(step, one)| desk.play(step, one));
        let (some, others) = moves.split_at(moves.len() / 2);
        std::thread::scope(|scope| {
            scope.spawn(|| run(&here, some));
            scope.spawn(|| run(&there, others));
        });
        for desk in [&here, &there] {
            desk.run(desk.registrar.follow()).unwrap();
            desk.check();
        }
    }

    #[test]
    fn two_verified_numbers_are_never_one_persons_by_the_rules(said in everybody()) {
        let desk = Desk::new();
        said.iter().for_each(|said| drop(desk.take(said.entry())));
        let kept = desk.memory.0.lock().unwrap().clone();
        for (one, (home, a)) in &kept.entries {
            for (other, (whose, b)) in &kept.entries {
                let verified = |entry: &Entry| entry.demographics.number.as_ref().and_then(|claimed| claimed.verified());
                if one != other && home == whose && let (Some(a), Some(b)) = (verified(a), verified(b)) {
                    prop_assert_eq!(a, b);
                }
            }
        }
    }
}
