//! What ties persons to organisations, asked of each store.

use access::{Tie, TieKind};
use people::Change;
use record::SourceId;

use crate::conformance::register;
use crate::samples::{at, entry, number, person, somebody};
use crate::stores::Place;

fn tie(kind: TieKind, organisation: &str, from: i64, until: i64) -> Tie {
    Tie { kind, organisation: organisation.parse().unwrap(), from: at(from), until: at(until) }
}

pub async fn what_a_source_says_of_a_kind_replaces_what_it_said(place: Place) {
    let store = register(&place).await;
    let (gp, hosp): (SourceId, SourceId) = ("gp".parse().unwrap(), "hosp".parse().unwrap());
    let (one, two) = (tie(TieKind::Appointment, "RRK", 1, 9), tie(TieKind::Appointment, "RRK", 2, 10));
    let referral = tie(TieKind::Referral, "RRK", 0, 5);
    store.keep_ties(&person("a"), &[(hosp.clone(), TieKind::Appointment, vec![one.clone(), two.clone()])]).await.unwrap();
    store.keep_ties(&person("a"), &[(hosp.clone(), TieKind::Referral, vec![referral.clone()])]).await.unwrap();
    store.keep_ties(&person("a"), &[(gp.clone(), TieKind::Appointment, vec![one.clone()])]).await.unwrap();
    store.keep_ties(&person("b"), &[(hosp.clone(), TieKind::Appointment, vec![one.clone()])]).await.unwrap();
    let expected = [(gp.clone(), one.clone()), (hosp.clone(), one.clone()), (hosp.clone(), two.clone()), (hosp.clone(), referral.clone())];
    assert_eq!(store.ties(&person("a")).await.unwrap(), expected);
    store.keep_ties(&person("a"), &[(hosp.clone(), TieKind::Appointment, vec![two.clone()])]).await.unwrap();
    assert_eq!(store.ties(&person("a")).await.unwrap(), [(gp.clone(), one.clone()), (hosp.clone(), two), (hosp.clone(), referral.clone())]);
    store.keep_ties(&person("a"), &[(hosp.clone(), TieKind::Appointment, vec![])]).await.unwrap();
    assert_eq!(store.ties(&person("a")).await.unwrap(), [(gp, one), (hosp, referral)]);
    assert!(store.ties(&person("c")).await.unwrap().is_empty());
}

/// Two nodes hear a source at once: what stands is what one of them heard, and not both.
pub async fn what_two_nodes_hear_at_once_is_not_heaped_up(place: Place) {
    let store = register(&place).await;
    let gp: SourceId = "gp".parse().unwrap();
    let heard = |organisation: &str| [(gp.clone(), TieKind::Referral, vec![tie(TieKind::Referral, organisation, 0, 5)])];
    for round in 0..20 {
        let whose = person(&format!("p{round}"));
        let (one, other) = (heard("RRK"), heard("RXK"));
        let (first, second) = tokio::join!(store.keep_ties(&whose, &one), store.keep_ties(&whose, &other));
        first.and(second).unwrap();
        assert_eq!(store.ties(&whose).await.unwrap().len(), 1, "{round}");
    }
}

pub async fn ties_of_a_source_go_with_an_entry_that_moves_and_all_with_a_number_that_is_cut(place: Place) {
    let store = register(&place).await;
    let (gp, hosp): (SourceId, SourceId) = ("gp".parse().unwrap(), "hosp".parse().unwrap());
    let (from, to) = (store.person_of(&number(1)).await.unwrap(), store.person_of(&number(2)).await.unwrap());
    let one = tie(TieKind::OpenEpisode, "RRK", 1, 9);
    store.apply(vec![Change::Put(from.clone(), entry("gp", "e", 1))], None).await.unwrap();
    for (whose, source) in [(&from, &gp), (&from, &hosp), (&to, &gp), (&to, &hosp)] {
        store.keep_ties(whose, &[(source.clone(), TieKind::OpenEpisode, vec![one.clone()])]).await.unwrap();
    }
    store.apply(vec![Change::Put(to.clone(), entry("gp", "e", 1))], None).await.unwrap();
    assert_eq!(store.ties(&from).await.unwrap(), [(hosp.clone(), one.clone())]);
    assert_eq!(store.ties(&to).await.unwrap(), [(hosp, one)]);
    let nobody = somebody(from.as_str(), None);
    store.apply(vec![Change::Person(nobody), Change::Purge(from.clone(), number(1))], None).await.unwrap();
    assert!(store.ties(&from).await.unwrap().is_empty());
    assert_eq!(store.ties(&to).await.unwrap().len(), 1);
}
