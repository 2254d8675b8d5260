use super::*;
use crate::{BirthDate, ClaimedNumber, Demographics, Entry, Name, NumberStatus};

fn entry(source: &str, local_id: &str, family: &str, born: &str) -> Entry {
    let name = Name { family: family.to_owned(), given: vec!["Ann".to_owned()], ..Name::default() };
    let number = Some(ClaimedNumber { value: "9990000018".to_owned(), status: NumberStatus::Verified });
    let birth_date: Option<BirthDate> = born.parse().ok();
    Entry {
        key: EntryKey { source: source.parse().unwrap(), local_id: local_id.to_owned() },
        provider: None,
        demographics: Demographics { number, names: vec![name], birth_date, ..Demographics::default() },
        restricted: false,
        seen: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn person(id: &str, number: Option<&str>, entries: Vec<Entry>) -> Person {
    let number = number.map(|number| number.parse().unwrap());
    Person { id: id.parse().unwrap(), number, superseded: Vec::new(), restricted: false, died: None, investigated: false, entries }
}

#[test]
fn a_person_is_found_by_number_by_entry_and_by_demographics() {
    let index = Index::new();
    let ann = person("p1", Some("9990000018"), vec![entry("uhb", "7", "Smith", "1962-03-09")]);
    index.put(&ann);
    assert_eq!(index.person_of(&"9990000018".parse().unwrap()), Some(ann.id.clone()));
    assert_eq!(index.person_of(&"9990000107".parse().unwrap()), None);
    assert_eq!(index.home(&ann.entries[0].key), Some(ann.id.clone()));
    let asked = Folded::of(&entry("x", "", "Smyth", "1962-09-03").demographics);
    let found = index.candidates(&asked.fields(), 10);
    assert_eq!(found.iter().map(|found| &found.person).collect::<Vec<_>>(), [&ann.id]);
    assert_eq!(found[0].profiles().next().unwrap().families[0], "smith");
    let stranger = Folded::of(&Demographics { birth_date: "1970-01-01".parse().ok(), ..Demographics::default() });
    assert!(index.candidates(&stranger.fields(), 10).is_empty());
}

#[test]
fn a_put_replaces_everything_and_a_removal_leaves_nothing() {
    let index = Index::new();
    let old = person("p1", Some("9990000018"), vec![entry("uhb", "7", "Smith", "1962-03-09")]);
    let new = person("p1", None, vec![entry("uhb", "8", "Jones", "1970-01-02")]);
    index.put(&old);
    index.put(&new);
    assert_eq!((index.person_of(&"9990000018".parse().unwrap()), index.home(&old.entries[0].key)), (None, None));
    index.remove(&new.id);
    assert_eq!((index.home(&new.entries[0].key), index.count()), (None, 0));
}
