//! Whom an exchange answers at all, by the step that it stands on.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use access::{Ladder, Named, NamedBy, Refusal, Step};
use record::{Caller, Organisation, UserId};

fn caller(issuer: &str, subject: &str, sds_user_id: Option<&str>) -> Caller {
    Caller {
        user: UserId { issuer: issuer.to_owned(), subject: subject.to_owned() },
        name: "Dr A Example".to_owned(),
        sds_user_id: sds_user_id.map(str::to_owned),
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code: "RRK".parse().unwrap(), name: "Hospital".to_owned() },
        roles: vec!["R8000".to_owned()],
        activities: Vec::new(),
        purposes: vec!["TREAT".to_owned()],
        scopes: vec!["user/*.rs".to_owned()],
        launch_patient: None,
        device: None,
        client: None,
        token_id: None,
    }
}

fn named(who: NamedBy) -> Named {
    Named { issuer: "https://one.example".to_owned(), who }
}

#[test]
fn only_who_is_named_is_answered_on_the_steps_that_name() {
    let list = || vec![named(NamedBy::Subject("u-1".to_owned())), named(NamedBy::SdsUser("111111111111".to_owned()))];
    let check = |step: Step, named: Vec<Named>, asker: &Caller, lets: bool| {
        let expected = if lets { Ok(()) } else { Err(Refusal::NotNamed) };
        assert_eq!(Ladder::new(step, named).lets(asker), expected, "{step:?} {:?} {:?}", asker.user, asker.sds_user_id);
    };
    let one = "https://one.example";
    for step in [Step::Shadow, Step::Pilot] {
        check(step, list(), &caller(one, "u-1", None), true);
        check(step, list(), &caller(one, "u-9", Some("111111111111")), true);
        check(step, list(), &caller(one, "u-9", None), false);
        check(step, list(), &caller(one, "u-9", Some("222222222222")), false);
        check(step, list(), &caller("https://another.example", "u-1", Some("111111111111")), false);
        // Neither is the other: nobody becomes a user id by calling themselves so.
        check(step, list(), &caller(one, "111111111111", None), false);
        check(step, list(), &caller(one, "U-1", None), false);
        check(step, Vec::new(), &caller(one, "u-1", None), false);
    }
    for step in [Step::Demo, Step::Live] {
        check(step, Vec::new(), &caller(one, "u-9", None), true);
    }
}

/// What is seen on a step that is not for care says so; where care may rely on it, nothing does.
#[test]
fn every_step_before_the_last_cautions() {
    for (step, word, caution) in [
        (Step::Demo, "demo", Some("Demonstration: made-up people only. Not for care.")),
        (Step::Shadow, "shadow", Some("Under test by named testers. Not for care.")),
        (Step::Pilot, "pilot", Some("Pilot: for its named users only.")),
        (Step::Live, "live", None),
    ] {
        assert_eq!((step.word(), step.caution(), Ladder::new(step, Vec::new()).step()), (word, caution, step));
    }
}

#[test]
fn a_demonstration_knows_only_people_who_are_made_up() {
    for (step, number, knows) in [
        (Step::Demo, "9990000018", true),
        (Step::Demo, "9000000009", true),
        (Step::Demo, "9434765919", false),
        (Step::Shadow, "9434765919", true),
        (Step::Pilot, "9434765919", true),
        (Step::Live, "9434765919", true),
    ] {
        assert_eq!(Ladder::new(step, Vec::new()).knows(&number.parse().unwrap()), knows, "{step:?} {number}");
    }
}
