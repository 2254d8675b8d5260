//! What is kept for evidence, asked of each store.

use exchange::{Name, VaultStep, digest_of};
use people::Change;
use store::Store;

use crate::conformance::register;
use crate::samples::{at, number, person, somebody};
use crate::stores::Place;

/// Days from the beginning, as time.
fn day(days: i64) -> jiff::Timestamp {
    at(days * 24 * 3600)
}

async fn everybody(store: &dyn Store) {
    for (n, id) in (1..).zip(["a", "b"]) {
        store.apply(vec![Change::Person(somebody(id, Some(number(n))))], None).await.unwrap();
    }
}

/// Resources of these words, as an answer showed them.
pub fn shown(words: &[&str]) -> Vec<(Name, Vec<u8>)> {
    let resource = |word: &&str| (Name::Resource(digest_of(word.as_bytes())), word.as_bytes().to_vec());
    words.iter().map(resource).collect()
}

fn names(words: &[&str]) -> Vec<Name> {
    shown(words).into_iter().map(|(name, _)| name).collect()
}

fn told(words: &[Option<&str>]) -> Vec<Option<Vec<u8>>> {
    words.iter().map(|word| word.map(|word| word.as_bytes().to_vec())).collect()
}

pub async fn evidence_is_kept_once_and_opens_under_its_persons_key_only(place: Place) {
    let (store, other) = (register(&place).await, register(&place).await);
    everybody(&*store).await;
    assert_eq!(store.evidence(&person("a"), &names(&["Zzone"])).await.unwrap(), told(&[None]));
    store.keep_evidence(&person("a"), shown(&["Zzone", "Zztwo"]), day(1)).await.unwrap();
    other.keep_evidence(&person("a"), shown(&["Zztwo", "Zzthree"]), day(1)).await.unwrap();
    store.keep_evidence(&person("a"), shown(&["Zztwo", "Zzthree"]), day(2)).await.unwrap();
    assert_eq!((place.count("evidence").await, place.count("person_key").await), (3, 1), "each is there once");
    let wanted = names(&["Zzthree", "Zzfour", "Zzone"]);
    assert_eq!(other.evidence(&person("a"), &wanted).await.unwrap(), told(&[Some("Zzthree"), None, Some("Zzone")]));
    // A resource is no answer of the same digest.
    let answer = Name::Answer(digest_of(b"Zzone"));
    assert_eq!(other.evidence(&person("a"), &[answer]).await.unwrap(), told(&[None]));
    // The same, shown of somebody else, lies there under another key, and at another place.
    assert_eq!(store.evidence(&person("b"), &wanted).await.unwrap(), told(&[None, None, None]));
    store.keep_evidence(&person("b"), shown(&["Zzone"]), day(1)).await.unwrap();
    assert_eq!((place.count("evidence").await, place.count("person_key").await), (4, 2));
    assert_eq!(store.evidence(&person("b"), &wanted).await.unwrap(), told(&[None, None, Some("Zzone")]));
    // Of nobody nothing is kept: no change of keys would reach it.
    assert!(store.keep_evidence(&person("nobody"), shown(&["Zzone"]), day(1)).await.is_err());
    let bytes = place.bytes().await;
    assert!(!bytes.windows(3).any(|own| own == b"Zzt"), "what was shown lies open");
}

/// Whoever puts one person's rows in another's place opens nothing by them.
pub async fn what_is_sealed_of_one_person_opens_for_no_other(place: Place) {
    let store = register(&place).await;
    everybody(&*store).await;
    store.keep_evidence(&person("a"), shown(&["Zzone"]), day(1)).await.unwrap();
    store.keep_evidence(&person("b"), shown(&["Zztwo"]), day(1)).await.unwrap();
    place.changed("INSERT INTO evidence (person, address, sealed) SELECT 'b', address, sealed FROM evidence WHERE person = 'a'").await;
    assert_eq!(store.evidence(&person("b"), &names(&["Zzone", "Zztwo"])).await.unwrap(), told(&[None, Some("Zztwo")]));
    place.changed("UPDATE person_key SET sealed = (SELECT sealed FROM person_key WHERE person = 'a') WHERE person = 'b'").await;
    assert_eq!(store.evidence(&person("b"), &names(&["Zzone", "Zztwo"])).await.unwrap(), told(&[None, None]));
}

fn step(id: &str, number: u32, held: Option<bool>) -> VaultStep {
    VaultStep { person: person("a"), id: id.to_owned(), number, at: day(i64::from(number)), held, body: format!("Zzwhy {number}") }
}

pub async fn steps_about_evidence_are_added_in_order_and_stay(place: Place) {
    let (store, other) = (register(&place).await, register(&place).await);
    everybody(&*store).await;
    assert!(!store.add_step(&step("o", 2, None)).await.unwrap(), "there is no first");
    assert!(store.add_step(&step("o", 1, None)).await.unwrap());
    assert!(store.add_step(&step("o", 1, None)).await.unwrap(), "who lost the word of it asks again");
    assert!(!other.add_step(&VaultStep { body: "another".into(), ..step("o", 1, None) }).await.unwrap());
    assert!(other.add_step(&step("o", 2, None)).await.unwrap());
    assert!(!store.add_step(&VaultStep { person: person("nobody"), ..step("n", 1, None) }).await.unwrap());
    assert!(store.add_step(&step("a", 1, Some(true))).await.unwrap());
    assert_eq!(store.steps("o").await.unwrap(), [step("o", 1, None), step("o", 2, None)]);
    assert_eq!(store.openings(day(1), 10).await.unwrap(), [step("o", 1, None)]);
    assert_eq!(store.openings(day(2), 10).await.unwrap(), []);
    assert!(!place.bytes().await.windows(5).any(|own| own == b"Zzwhy"), "why lies open");
}

pub async fn what_is_held_is_not_shredded_and_what_is_shredded_opens_nothing(place: Place) {
    let store = register(&place).await;
    everybody(&*store).await;
    for id in ["a", "b"] {
        store.keep_evidence(&person(id), shown(&["Zzone"]), day(10)).await.unwrap();
    }
    // When it was shown last is known to the day: nothing goes early.
    for (before, due) in [(day(10), 0), (day(11), 0), (at(11 * 24 * 3600 + 1), 2)] {
        assert_eq!(store.outlived(before, None, 10).await.unwrap().len(), due, "{before}");
    }
    store.keep_evidence(&person("b"), shown(&["Zzone"]), day(20)).await.unwrap();
    let both = [person("a"), person("b")];
    assert_eq!(store.outlived(day(15), None, 10).await.unwrap(), [person("a")]);
    assert_eq!(store.outlived(day(30), Some(&person("a")), 10).await.unwrap(), [person("b")]);
    assert!(store.add_step(&VaultStep { at: day(10), ..step("a", 1, Some(true)) }).await.unwrap());
    assert_eq!(store.outlived(day(15), None, 10).await.unwrap(), []);
    assert_eq!(store.shred(&both, day(15)).await.unwrap(), [], "it is held, and the other was shown since");
    assert!(store.add_step(&VaultStep { at: day(10), ..step("a", 2, Some(false)) }).await.unwrap());
    assert_eq!(store.shred(&both, day(15)).await.unwrap(), [person("a")]);
    assert_eq!(store.shred(&both, day(15)).await.unwrap(), []);
    // What lies there stays, and nothing opens it.
    assert_eq!((place.count("evidence").await, place.count("person_key").await, place.count("vault_step").await), (2, 1, 2));
    assert_eq!(store.evidence(&person("a"), &names(&["Zzone"])).await.unwrap(), told(&[None]));
    assert!(store.steps("a").await.unwrap().iter().all(|step| step.body.is_empty()));
    assert_eq!(store.evidence(&person("b"), &names(&["Zzone"])).await.unwrap(), told(&[Some("Zzone")]));
    // Who is shown anew has a new key, and that opens nothing of before.
    store.keep_evidence(&person("a"), shown(&["Zztwo"]), day(40)).await.unwrap();
    assert_eq!(store.evidence(&person("a"), &names(&["Zzone", "Zztwo"])).await.unwrap(), told(&[None, Some("Zztwo")]));
    assert!(store.add_step(&VaultStep { at: day(40), ..step("a", 3, Some(true)) }).await.unwrap());
    assert_eq!(store.outlived(day(400), None, 10).await.unwrap(), [person("b")]);
}
