//! A source's patients in a file: CSV, Patients one a line, Bundles, packed or not. What is taken in can be told apart, and is text.
#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fuzz::{NOW, Signer, config, folder};
use libfuzzer_sys::fuzz_target;
use record::SourceId;
use server::config::Config;
use server::fuzzing::people;

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let config = config(&Signer::new(), "[people]\nrow_bytes_max = 4096\n");
    let _ = std::fs::remove_dir_all(folder());
    config
});

fuzz_target!(|data: &[u8]| {
    let (source, seen) = ("gp".parse::<SourceId>().expect("an id"), NOW.parse().expect("a time"));
    let Ok(entries) = people(data.to_vec(), &source, seen, &CONFIG) else { return };
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.key.local_id.as_str()).collect();
    assert_eq!(ids.len(), entries.len(), "two entries of one id");
    for entry in &entries {
        assert!(entry.key.source == source && !entry.key.local_id.trim().is_empty());
        assert!(!entry.key.local_id.contains(char::is_control));
        let said = &entry.demographics;
        let names = said.names.iter().flat_map(|name| name.given.iter().chain([&name.family]));
        assert!(names.chain(&said.phones).chain(&said.emails).all(|text| !text.contains(char::is_control)), "what is no text");
        assert!(said.birth_date.is_none_or(|date| date.year <= 2026 && date.year > 1800));
    }
});
