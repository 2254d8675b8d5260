//! Consents, asked of each store.

use exchange::KeptConsent;

use crate::conformance::register;
use crate::samples::{at, person};
use crate::stores::Place;

pub async fn a_version_of_a_consent_is_added_once_and_none_is_changed(place: Place) {
    let (store, other) = (register(&place).await, register(&place).await);
    let kept = |id: &str, version, body: &str| KeptConsent {
        person: person("a"),
        id: id.to_owned(),
        version,
        at: at(i64::from(version)),
        body: body.to_owned(),
    };
    assert!(store.consents(&person("a")).await.unwrap().is_empty());
    assert!(store.keep_consent(&kept("one", 1, "Zzfirst")).await.unwrap());
    // Whoever comes second, or from what is no longer the last, writes nothing.
    assert!(!other.keep_consent(&kept("one", 1, "another")).await.unwrap());
    assert!(!other.keep_consent(&kept("one", 3, "third")).await.unwrap());
    // Who lost the word of it asks again: it is in force.
    assert!(store.keep_consent(&kept("one", 1, "Zzfirst")).await.unwrap());
    assert!(!store.keep_consent(&KeptConsent { at: at(9), ..kept("one", 1, "Zzfirst") }).await.unwrap());
    assert!(!store.keep_consent(&kept("two", 2, "none before")).await.unwrap());
    assert!(other.keep_consent(&kept("one", 2, "second")).await.unwrap());
    assert!(store.keep_consent(&kept("two", 1, "its own")).await.unwrap());
    assert!(other.keep_consent(&kept("one", 1, "Zzfirst")).await.unwrap());
    assert_eq!(store.consents(&person("a")).await.unwrap(), [kept("one", 2, "second"), kept("two", 1, "its own")]);
    assert!(store.consents(&person("b")).await.unwrap().is_empty());
}
