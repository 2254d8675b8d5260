//! One source fails in any way there is: the read answers in time, names it, and shows what the others hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use testbed::{DEMO_PERSON, Fault, Refusal, Region, Wrong};
use tokio::time::Instant;

use crate::world::{Answer, Plan, Setup, World};

/// For all of a read; the default of the configuration.
const READ: Duration = Duration::from_secs(10);

/// Small caps, so that floods end soon; and no breaker, so that each case stands alone.
fn setup() -> Setup {
    Setup { limits: "pages_max = 4\nbreaker_window = 10000\nper_second = 100000\nsource_bytes_max = 4194304", ..Setup::default() }
}

/// How much of the failing source's data may be shown.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shows {
    All,
    Nothing,
    Part,
}

/// A read of everything, and how it went.
struct Seen {
    answer: Answer,
    plan: Plan,
    shown: BTreeMap<String, BTreeSet<String>>,
}

async fn read(world: &World, person: &str) -> Seen {
    let token = world.doctor_of(person);
    let start = Instant::now();
    let answer = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
    assert!(start.elapsed() <= READ, "{:?}", start.elapsed());
    assert_eq!(answer.status, 200, "{}", answer.text);
    let plan = world.plan_of(person, &token, &answer).await;
    let shown = answer.shown();
    Seen { answer, plan, shown }
}

/// Sources that answer when nothing is wrong with them.
fn sound(healthy: &Seen) -> BTreeSet<String> {
    let ok = healthy.plan.rows.iter().filter(|((_, kind), row)| kind == "Patient" && row.status == "ok");
    ok.map(|((source, _), _)| source.clone()).collect()
}

/// Makes each source fail in this way in turn: before it was ever met, and again when its ids are known.
async fn check(fault: Fault, statuses: &[&str], shows: Shows) {
    let region = Arc::new(Region::in_memory());
    let known = World::around(region.clone(), &setup());
    let person = known.person(DEMO_PERSON).await;
    let healthy = read(&known, &person).await;
    let sources: Vec<String> = region.sources().into_iter().map(|source| source.id).collect();
    // A structured record is by its nature about one patient: what says nothing of its subject is theirs.
    let theirs = |source: &str| source == "gp" && fault == Fault::NoSubject;
    for source in sources.iter().filter(|source| sound(&healthy).contains(*source) && !theirs(source)) {
        // The number must be found before the source fails: a stranger is nobody's.
        let new = World::around(region.clone(), &setup());
        let stranger = new.person(DEMO_PERSON).await;
        for (world, person) in [(&new, &stranger), (&known, &person)] {
            region.fail(source, fault.clone());
            let seen = read(world, person).await;
            region.heal();
            judge(&fault, source, statuses, shows, &healthy, &seen);
        }
    }
    known.ledger.verify();
}

fn judge(fault: &Fault, source: &str, statuses: &[&str], shows: Shows, healthy: &Seen, seen: &Seen) {
    let told = seen.answer.issues_of(source);
    let case = format!("{source} {fault:?}: {told:?}");
    // It is named, and so is what became of it.
    if statuses.is_empty() {
        assert!(seen.plan.of(source).all(|(_, row)| !row.status.starts_with("failed")), "{case}");
    } else {
        assert!(told.iter().any(|(_, status, _)| statuses.contains(&status.as_str())), "{case}");
    }
    // Of rows; what is held back beside them is counted, with a word of its own.
    for (severity, status, _) in told.iter().filter(|(_, _, kind)| !kind.is_empty()) {
        let expected = if status == "identity-mismatch" { "error" } else { "warning" };
        assert!(severity == expected || severity == "information", "{case}");
    }
    let held_back: u64 = seen.plan.of(source).map(|(_, row)| row.quarantined).sum();
    assert!(!statuses.iter().any(|status| status.ends_with("subject")) || held_back > 0, "{case}");
    // Each of its rows that is not whole is an issue.
    let named: BTreeSet<&str> = told.iter().map(|(_, _, kind)| kind.as_str()).collect();
    for (kind, row) in seen.plan.of(source) {
        assert!(matches!(row.status.as_str(), "ok" | "ok-empty") || named.contains(kind), "{kind} {}: {case}", row.status);
        if shows == Shows::Nothing {
            assert!(!matches!(row.status.as_str(), "ok" | "ok-empty"), "{kind} is said to be whole: {case}");
        }
    }
    // What the others hold is there, all of it, and nothing else.
    for (other, ids) in &healthy.shown {
        let now = seen.shown.get(other).cloned().unwrap_or_default();
        match shows {
            _ if other != source => assert_eq!(*ids, now, "{other} beside {case}"),
            Shows::All => assert_eq!(*ids, now, "{case}"),
            Shows::Nothing => assert!(now.is_empty(), "{now:?} {case}"),
            Shows::Part => assert!(now.is_subset(ids) || matches!(fault, Fault::DuplicatePatients), "{case}"),
        }
    }
}

macro_rules! survives {
    ($($name:ident: $fault:expr, $statuses:expr, $shows:ident;)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                check($fault, &$statuses, Shows::$shows).await;
            }
        )*
    };
}

survives! {
    a_bad_request_is_named: Fault::Refusing { how: Refusal::BadRequest }, ["failed-http"], Nothing;
    a_bomb_is_cut_off: Fault::GzipBomb { mib: 8 }, ["ok-truncated"], Nothing;
    a_broken_answer_is_named: Fault::Truncated, ["failed-http"], Nothing;
    a_closed_connection_is_named: Fault::Refusing { how: Refusal::Closed }, ["failed-http"], Nothing;
    a_late_source_is_named: Fault::Slow { ms: 9_000 }, ["failed-timeout"], Nothing;
    a_malformed_answer_is_named: Fault::Malformed, ["failed-parse"], Nothing;
    a_missing_birth_date_is_held: Fault::WrongPerson { by: Wrong::NoBirthDate }, ["withheld"], Nothing;
    a_refusal_by_403_is_named: Fault::Refusing { how: Refusal::Forbidden }, ["failed-auth"], Nothing;
    a_refusal_by_401_is_named: Fault::Refusing { how: Refusal::Unauthorised }, ["failed-auth"], Nothing;
    a_server_error_is_named: Fault::Refusing { how: Refusal::ServerError }, ["failed-http"], Nothing;
    a_silent_source_is_named: Fault::Silent, ["failed-timeout"], Nothing;
    a_slip_of_the_birth_date_is_held: Fault::WrongPerson { by: Wrong::Slip }, ["withheld"], Nothing;
    a_slow_source_is_waited_for: Fault::Slow { ms: 300 }, [], All;
    a_throttling_source_is_named: Fault::Throttled { retry_after_s: 60 }, ["throttled"], Nothing;
    a_twin_is_held: Fault::WrongPerson { by: Wrong::GivenName }, ["withheld"], Nothing;
    a_web_page_is_no_answer: Fault::Html, ["failed-parse"], Nothing;
    an_unavailable_source_is_named: Fault::Refusing { how: Refusal::Unavailable }, ["failed-http"], Nothing;
    another_birth_date_is_somebody_else: Fault::WrongPerson { by: Wrong::BirthDate }, ["identity-mismatch"], Nothing;
    another_number_is_somebody_else: Fault::WrongPerson { by: Wrong::Number }, ["identity-mismatch"], Nothing;
    one_type_that_fails_takes_no_other_along: Fault::LosesType { kind: "AllergyIntolerance".to_owned() }, ["failed-http"], Part;
    pages_that_lead_elsewhere_are_not_followed: Fault::CrossOriginNext, ["ok-truncated"], Part;
    pages_that_loop_end: Fault::LoopingPages, ["ok-truncated"], Part;
    pages_without_end_end: Fault::EndlessPages, ["ok-truncated"], Part;
    resources_about_others_are_held_back: Fault::OtherSubject, ["other-subject"], Part;
    resources_about_nobody_are_held_back: Fault::NoSubject, ["no-subject"], Part;
    two_patients_of_one_number_are_both_shown: Fault::DuplicatePatients, [], Part;
}

/// Everywhere else that would be anybody's; a practice's structured record is about one patient.
#[tokio::test(start_paused = true)]
async fn resources_about_nobody_in_a_structured_record_are_the_patients() {
    let world = World::of(&["ccr", "gp"]);
    let person = world.person(DEMO_PERSON).await;
    let healthy = read(&world, &person).await;
    world.region.fail("gp", Fault::NoSubject);
    let seen = read(&world, &person).await;
    assert_eq!(seen.shown, healthy.shown);
    assert_eq!(seen.plan.of("gp").map(|(_, row)| row.quarantined).sum::<u64>(), 0);
}

/// With every source failing, there is no answer, and never an empty one.
#[tokio::test(start_paused = true)]
async fn when_all_fail_there_is_no_answer() {
    async fn all(fault: impl Fn(&str) -> Fault, located: bool, expected: u16) {
        let world = World::around(Arc::new(Region::in_memory()), &setup());
        let person = world.person(DEMO_PERSON).await;
        if located {
            read(&world, &person).await;
        }
        for source in world.region.sources() {
            world.region.fail(&source.id, fault(&source.id));
        }
        let token = world.doctor_of(&person);
        let paths = [format!("Patient/{person}/$everything"), format!("AllergyIntolerance?patient={person}"), format!("Patient/{person}")];
        for path in paths {
            let start = Instant::now();
            let answer = world.get(&path, &token).await;
            assert!(start.elapsed() <= READ);
            let faults: Vec<_> = world.region.sources().iter().map(|source| world.region.faults(&source.id)).collect();
            assert_eq!(answer.status, expected, "{path} located={located} {:?}: {}", faults[0], answer.text);
            assert_eq!(answer.json["resourceType"], "OperationOutcome");
            for source in world.region.sources() {
                assert!(!answer.issues_of(&source.id).is_empty(), "{} is not named: {}", source.id, answer.text);
            }
        }
    }
    for located in [false, true] {
        all(|_| Fault::Silent, located, 504).await;
        all(|_| Fault::Slow { ms: 20_000 }, located, 504).await;
        all(|_| Fault::Refusing { how: Refusal::Unavailable }, located, 502).await;
        all(|_| Fault::Refusing { how: Refusal::ServerError }, located, 502).await;
        all(|_| Fault::Refusing { how: Refusal::Closed }, located, 502).await;
        all(|_| Fault::Refusing { how: Refusal::Unauthorised }, located, 502).await;
        all(|_| Fault::Truncated, located, 502).await;
        all(|_| Fault::Malformed, located, 502).await;
        all(|_| Fault::Html, located, 502).await;
        all(|_| Fault::WrongPerson { by: Wrong::Number }, located, 502).await;
        let mixed = |source: &str| if source == "gp" { Fault::Silent } else { Fault::Refusing { how: Refusal::ServerError } };
        all(mixed, located, 504).await;
    }
}
