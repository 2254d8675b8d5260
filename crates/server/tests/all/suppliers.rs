//! Suppliers with manners of their own, asked through the whole exchange.

use std::sync::Arc;

use testbed::{DEMO_PERSON, Fault, MILLENNIUM_DOCUMENTED, Region, Supplier, habits};

use crate::world::{Setup, World};

/// One resource that lacks something fails its whole page: the rest is had in parts, and what is missing is said.
#[tokio::test(start_paused = true)]
async fn a_page_of_millennium_that_fails_whole_is_had_in_parts_and_the_hole_is_named() {
    let world = World::of(&["uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let path = format!("Patient/{person}/$everything?_count=5000");
    let whole = world.get(&path, &token).await;
    for kind in ["Observation", "Condition"] {
        let all = whole.of_type(kind).count();
        assert!(all > 1, "{kind}: {all}");
        world.region.fail("uhb", Fault::LacksElement { kind: kind.to_owned(), omitted: false });
        let answer = world.get(&path, &token).await;
        let plan = world.plan_of(&person, &token, &answer).await;
        assert_eq!(plan.rows[&("uhb".to_owned(), kind.to_owned())].status, "ok-truncated", "{kind}");
        let had = answer.of_type(kind).count();
        assert!(had > 0 && had < all, "{kind}: {had} of {all}");
        assert!(answer.issues_of("uhb").iter().any(|(_, status, own)| status == "ok-truncated" && own == kind));
        assert_eq!(answer.of_type("Procedure").count(), whole.of_type("Procedure").count(), "other types are not touched");
        // The newer platform leaves it out and says so: the same hole.
        world.region.fail("uhb", Fault::LacksElement { kind: kind.to_owned(), omitted: true });
        let answer = world.get(&path, &token).await;
        assert_eq!(answer.of_type(kind).count(), all - 1);
        assert!(answer.issues_of("uhb").iter().any(|(_, status, own)| status == "ok-truncated" && own == kind));
    }
}

/// A tenant of the documented release has no MedicationStatement: that is no empty list.
#[tokio::test(start_paused = true)]
async fn what_millennium_has_no_type_for_is_unsupported_and_not_none() {
    let mut documented = habits("uhb").unwrap().clone();
    documented.types = MILLENNIUM_DOCUMENTED;
    let region = Region::of([Supplier::of_the_region(&documented, "http://uhb.testbed.example")]);
    let world = World::around(Arc::new(region), &Setup::default());
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let answer = world.get(&format!("Patient/{person}/$everything?_count=5000"), &token).await;
    let plan = world.plan_of(&person, &token, &answer).await;
    for kind in ["MedicationStatement", "MedicationDispense", "Flag", "EpisodeOfCare"] {
        assert_eq!(plan.rows[&("uhb".to_owned(), kind.to_owned())].status, "unsupported", "{kind}");
    }
    let asked = world.region.asked("uhb");
    assert!(asked.iter().all(|request| !request.path_and_query.contains("MedicationStatement")));
}

/// Every question that the exchange puts to the hospital keeps the hospital's rules: it refuses none.
#[tokio::test(start_paused = true)]
async fn millennium_refuses_nothing_that_it_is_asked() {
    let world = World::of(&["uhb"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    for path in [
        format!("Patient/{person}/$everything?_count=5000"),
        format!("Patient/{person}/$everything?_since=2026-06-01"),
        format!("Appointment?patient={person}"),
        format!("CarePlan?patient={person}"),
    ] {
        let answer = world.get(&path, &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let failed: Vec<_> = answer.issues_of("uhb").into_iter().filter(|(_, status, _)| status.starts_with("failed")).collect();
        assert_eq!(failed, [], "{path}");
    }
    for request in world.region.asked("uhb") {
        assert!(!request.path_and_query.contains("everything"), "{}", request.path_and_query);
    }
}

/// HealthShare is built again under other ids: to the reader nothing has changed.
#[tokio::test(start_paused = true)]
async fn a_healthshare_that_was_built_again_tells_the_same_record() {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let token = world.doctor_of(&person);
    let path = format!("Patient/{person}/$everything?_count=5000");
    let before = world.get(&path, &token).await;
    world.region.fail("ccr", Fault::Rebuilt);
    let after = world.get(&path, &token).await;
    assert_eq!((before.status, after.status), (200, 200));
    let (was, is) = (&before.shown()["ccr"], &after.shown()["ccr"]);
    assert_eq!(was.len(), is.len());
    for kind in ["Patient", "AllergyIntolerance", "Condition", "Observation", "Encounter", "Immunization"] {
        let of = |shown: &std::collections::BTreeSet<String>| -> Vec<String> {
            shown.iter().filter(|name| name.starts_with(&format!("{kind}/"))).cloned().collect()
        };
        assert!(!of(was).is_empty(), "{kind}");
        assert_eq!(of(was), of(is), "{kind}: the same things under the same ids");
    }
    // It was asked by the id that it was known by, which led nowhere, and then by number.
    let asked: Vec<String> = world.region.asked("ccr").into_iter().map(|request| request.path_and_query).collect();
    assert!(asked.iter().filter(|target| target.contains("Patient?identifier=")).count() >= 2, "{asked:?}");
}
