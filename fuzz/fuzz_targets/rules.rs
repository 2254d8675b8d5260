//! A site's own Cedar rules, with those that are shipped or, which is many times quicker, without; or its sharing matrix: the first byte
//! picks. What is wrong is said of the site's file and of no other; what is taken has every shipped rule beside it.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use access::{RuleId, Rules, Site, Text};
use libfuzzer_sys::fuzz_target;

static SHIPPED: LazyLock<BTreeSet<RuleId>> = LazyLock::new(|| Rules::shipped().names().into_iter().collect());

fn site() -> Site {
    let kinds = |kind: &str| BTreeSet::from([kind.to_owned()]);
    Site {
        sources: vec![
            ("gp".parse().expect("an id"), "M85001".parse().expect("a code")),
            ("ccr".parse().expect("an id"), "QWU".parse().expect("a code")),
        ],
        organisations: BTreeMap::from([("RRK".to_owned(), kinds("RO197")), ("FX123".to_owned(), kinds("RO182"))]),
        today: Some(jiff::civil::date(2026, 11, 28)),
        ..Site::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(body) else { return };
    let own = Text { file: "site".to_owned(), text: text.to_owned() };
    let _ = Rules::persons_named(std::slice::from_ref(&own));
    let (alone, matrix) = (pick % 4 > 1, pick % 4 == 1);
    let loaded = match (alone, matrix) {
        (true, _) => Rules::of(&[own], site()),
        (_, true) => Rules::load(&[], Some(&own), site()),
        _ => Rules::load(&[own], None, site()),
    };
    match loaded {
        Ok(rules) => {
            let names: BTreeSet<RuleId> = rules.names().into_iter().collect();
            assert_eq!(names.len(), rules.len(), "two rules of one name");
            assert!(alone || SHIPPED.is_subset(&names), "a shipped rule is gone");
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word");
            assert!(faults.iter().all(|fault| fault.file == "site" && !fault.words.is_empty()), "{faults:?}");
        }
    }
});
