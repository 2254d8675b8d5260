//! While the service does not answer.

use super::*;

fn faults() -> Vec<Fault> {
    vec![
        Fault::Silent,
        Fault::Slow { ms: 5_000 },
        Fault::Malformed,
        Fault::Html,
        Fault::Truncated,
        Fault::Throttled { retry_after_s: 1 },
        Fault::Refusing { how: Refusal::Unavailable },
        Fault::Refusing { how: Refusal::ServerError },
        Fault::Refusing { how: Refusal::Unauthorised },
        Fault::Refusing { how: Refusal::Closed },
    ]
}

#[tokio::test(start_paused = true)]
async fn its_last_label_serves_for_a_day_and_is_marked() {
    for fault in faults() {
        let world = world(&["ccr"], PDS);
        let person = world.person(DEMO_PERSON).await;
        world.region.fail(DEMOGRAPHICS, fault.clone());
        world.clock.forward_s(LABEL_S - 1);
        assert_eq!(said(&read(&world, &person).await), Vec::<String>::new(), "{fault:?}: the label is believed still");
        world.clock.forward_s(1);
        let answer = read(&world, &person).await;
        assert_eq!((answer.status, said(&answer)), (200, vec!["stale".to_owned()]), "{fault:?}");
        assert!(answer.text.contains("as it said at 2026-11-23T09:00:0"), "{fault:?}");
        world.clock.forward_s(24 * 3600 - LABEL_S - 60);
        assert_eq!(read(&world, &person).await.status, 200, "{fault:?}");
        world.clock.forward_s(60);
        let (refused, token) = (read(&world, &person).await, world.doctor_of(&person));
        let unknown = world.get("Patient/00000000-0000-4000-8000-000000000000/$everything?_count=5000", &token).await;
        assert_eq!((refused.status, seen(&refused)), (403, seen(&unknown)), "{fault:?}: a day is over");
        world.region.heal();
        world.clock.forward_s(60);
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        let answer = read(&world, &person).await;
        assert_eq!((answer.status, said(&answer)), (200, Vec::new()), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_label_from_before_nobody_is_read() {
    for fault in faults() {
        let world = world(&["ccr"], PDS);
        let person = world.minted(DEMO_PERSON).await;
        world.region.fail(DEMOGRAPHICS, fault.clone());
        assert_eq!(read(&world, &person).await.status, 403, "{fault:?}");
        assert_eq!(find(&world, DEMO_PERSON).await.json["total"], 0, "{fault:?}");
        assert_eq!(sources(&world, &["ccr"]), [0], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_restricted_person_no_label_from_before_serves() {
    let world = world(&["ccr"], PDS);
    let person = world.minted(DEMO_PERSON).await;
    world.region.demographics().label(DEMO_PERSON, Some("R"));
    assert_eq!(read(&world, &person).await.status, 403);
    world.region.demographics().label(DEMO_PERSON, Some("U"));
    world.region.fail(DEMOGRAPHICS, Fault::Silent);
    world.clock.forward_s(LABEL_S);
    assert_eq!(read(&world, &person).await.status, 403);
    assert_eq!(sources(&world, &["ccr"]), [0]);
}

/// A slow service costs a read no more than its own limit.
#[tokio::test(start_paused = true)]
async fn a_silent_service_holds_a_read_up_for_its_limit_and_no_longer() {
    let world = world(&["ccr"], PDS);
    let person = world.person(DEMO_PERSON).await;
    world.region.fail(DEMOGRAPHICS, Fault::Silent);
    world.clock.forward_s(LABEL_S);
    let start = tokio::time::Instant::now();
    assert_eq!(read(&world, &person).await.status, 200);
    assert!(start.elapsed() < std::time::Duration::from_millis(1_600), "{:?}", start.elapsed());
}
