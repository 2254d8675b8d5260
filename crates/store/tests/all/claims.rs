//! Claims of access, asked of each store.

use exchange::{Claims, KeptClaim};

use crate::conformance::register;
use crate::samples::{at, person, user};
use crate::stores::Place;

pub fn claim(whose: &str, id: &str, who: &str, emergency: bool, (from, until): (i64, i64)) -> KeptClaim {
    KeptClaim {
        id: id.to_owned(),
        person: person(whose),
        user: user(who),
        organisation: "RRK".parse().unwrap(),
        client: emergency.then(|| "viewer".to_owned()),
        kind: if emergency { access::ClaimKind::Emergency } else { access::ClaimKind::Relationship },
        reason: "direct-care".into(),
        trace: "q".parse().unwrap(),
        from: at(from),
        until: at(until),
    }
}

pub async fn a_claim_ends(place: Place) {
    let store = register(&place).await;
    let (one, two) = (claim("a", "1", "u", false, (0, 10)), claim("a", "2", "u", true, (0, 20)));
    for claim in [one.clone(), two.clone(), two.clone(), claim("a", "3", "v", false, (0, 30))] {
        store.keep(claim).await.unwrap();
    }
    let of = async |who: &str, second| Claims::of(&*store, &person("a"), &user(who), at(second)).await.unwrap();
    assert_eq!(of("u", 9).await, [one, two.clone()]);
    assert_eq!(of("u", 10).await, [two]);
    assert!(of("u", 20).await.is_empty());
    assert!(Claims::of(&*store, &person("b"), &user("u"), at(0)).await.unwrap().is_empty());
    // What overrides an objection is told from both, and nobody waits for its end.
    let law =
        KeptClaim { kind: access::ClaimKind::LegalOverride, client: Some("viewer".to_owned()), ..claim("a", "4", "w", false, (0, 30)) };
    store.keep(law.clone()).await.unwrap();
    assert_eq!(of("w", 29).await, [law]);
    assert!(store.ended(at(40), 9).await.unwrap().iter().all(|(ended, _)| ended.kind == access::ClaimKind::Emergency));
    // Before its time, and not after it once more.
    store.end(&person("a"), "3", at(12)).await.unwrap();
    store.end(&person("a"), "3", at(14)).await.unwrap();
    assert_eq!(of("v", 11).await[0].until, at(12));
    assert!(of("v", 12).await.is_empty());
}

pub async fn the_end_of_an_emergency_is_taken_on_by_one_and_entered_once(place: Place) {
    let (store, other) = (register(&place).await, register(&place).await);
    let emergency = claim("a", "1", "u", true, (0, 10));
    store.keep(emergency.clone()).await.unwrap();
    store.keep(claim("a", "2", "u", false, (0, 5))).await.unwrap();
    assert!(store.ended(at(9), 9).await.unwrap().is_empty());
    assert_eq!(store.ended(at(10), 9).await.unwrap(), [(emergency.clone(), false)]);
    assert!(store.ended(at(10), 0).await.unwrap().is_empty());
    assert!(store.lease(&emergency, at(10), at(70)).await.unwrap());
    // Another sees nothing to do, and whoever saw it before comes too late.
    assert!(other.ended(at(11), 9).await.unwrap().is_empty());
    assert!(!other.lease(&emergency, at(11), at(71)).await.unwrap());
    // Who took it on went away with it.
    assert_eq!(other.ended(at(70), 9).await.unwrap(), [(emergency.clone(), true)]);
    assert!(other.lease(&emergency, at(70), at(99)).await.unwrap());
    other.entered(&person("a"), "1").await.unwrap();
    assert!(store.ended(at(1_000), 9).await.unwrap().is_empty());
    assert!(!store.lease(&emergency, at(1_000), at(2_000)).await.unwrap());
}
