//! The people are synthetic, coherent and written as the files say.

use std::collections::{BTreeMap, BTreeSet};
use testbed::{DEMO_PERSON, Nature, SUPPLIERS, is_synthetic_nhs_number, people, person};

#[test]
fn every_nhs_number_is_synthetic_valid_and_its_own() {
    let mut seen = BTreeSet::new();
    for person in people() {
        let number = &person.about.nhs_number;
        assert!(is_synthetic_nhs_number(number), "{}: {number}", person.slug);
        assert!(seen.insert(number), "{}: {number} is taken", person.slug);
    }
}

#[test]
fn every_file_in_the_folder_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/people");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder of people")
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    let read: BTreeSet<String> = people().iter().map(|person| person.slug.clone()).collect();
    assert_eq!(files, read);
}

#[test]
fn the_demo_person_is_known_to_every_supplier() {
    let demo = person(DEMO_PERSON).expect("the demo person");
    for supplier in SUPPLIERS {
        assert!(demo.known_to.contains_key(supplier.id), "{}", supplier.id);
        assert!(!demo.counts(supplier.id).is_empty(), "{} holds nothing", supplier.id);
    }
}

#[test]
fn ids_are_unique_within_a_supplier() {
    let mut seen = BTreeMap::new();
    for person in people() {
        for supplier in SUPPLIERS {
            for id in person.ids_at(supplier) {
                let key = (supplier.id, "Patient", id);
                assert!(seen.insert(key.clone(), &person.slug).is_none(), "{key:?}");
            }
        }
        for held in person.facts().into_iter().flat_map(|fact| fact.held) {
            let key = (held.supplier, held.resource_type, held.id);
            assert!(seen.insert(key.clone(), &person.slug).is_none(), "{key:?} in {}", person.slug);
        }
    }
}

#[test]
fn keys_are_unique_within_a_person() {
    for person in people() {
        let mut seen = BTreeSet::new();
        for fact in person.facts() {
            assert!(seen.insert(fact.key.clone()), "{}: {} is taken", person.slug, fact.key);
        }
    }
}

#[test]
fn every_holding_has_a_resource_in_its_suppliers_version() {
    for person in people() {
        for fact in person.facts() {
            for held in &fact.held {
                let supplier = testbed::habits(held.supplier).expect("a supplier");
                assert_ne!(held.resource_type, "nothing", "{}: {}", person.slug, fact.key);
                let in_bundle = supplier.maker == testbed::Maker::CareCentric && held.id.contains('-');
                let answered = in_bundle || supplier.types.is_empty() || supplier.types.contains(&held.resource_type);
                assert!(answered, "{}: {} at {}", person.slug, fact.key, held.supplier);
            }
        }
    }
}

#[test]
fn whoever_and_wherever_is_named_exists() {
    let staff: BTreeSet<&str> = testbed::staff().iter().map(|s| s.name.as_str()).collect();
    let places: BTreeSet<&str> = testbed::places().iter().map(|p| p.name.as_str()).collect();
    for person in people() {
        if let Some(practice) = &person.about.practice {
            assert!(testbed::organisation(practice).is_some(), "{}: {practice}", person.slug);
        }
        for holding in person.facts.iter().flat_map(|fact| &fact.holdings) {
            let (by, at, place) = (holding.by(), holding.at(), holding.place());
            assert!(by.is_none_or(|by| staff.contains(by)), "{}: {by:?}", person.slug);
            assert!(place.is_none_or(|place| places.contains(place)), "{}: {place:?}", person.slug);
            let known = at.is_none_or(|at| testbed::organisation(at).is_some());
            assert!(known, "{}: {at:?}", person.slug);
            let from = holding.from.as_deref();
            let known = |from: &str| testbed::habits(from).is_some() || testbed::organisation(from).is_some();
            assert!(from.is_none_or(known), "{}: from {from:?}", person.slug);
        }
    }
}

#[test]
fn organisations_have_one_code_each() {
    let mut seen = BTreeSet::new();
    for organisation in testbed::organisations() {
        assert!(seen.insert(&organisation.ods), "{}", organisation.ods);
    }
    for place in testbed::places() {
        assert!(seen.contains(&place.at), "{}", place.name);
    }
    for staff in testbed::staff() {
        assert!(seen.contains(&staff.at), "{}", staff.name);
    }
}

#[test]
fn the_region_has_every_sort_of_agreement_and_disagreement() {
    let facts: Vec<_> = people().iter().flat_map(|person| person.facts()).collect();
    let held = || facts.iter().flat_map(|fact| &fact.held);
    let count = |nature: fn(&Nature) -> bool| held().filter(|held| nature(&held.nature)).count();
    assert!(count(|n| *n == Nature::Duplicate) >= 5);
    assert!(count(|n| *n == Nature::Contradicts) >= 3);
    assert!(count(|n| matches!(n, Nature::Relayed { lags: false, .. })) >= 10);
    assert!(count(|n| matches!(n, Nature::Relayed { lags: true, .. })) >= 1);
    println!("{}", testbed::table());
}

/// The census itself, on the facts that are easiest to get wrong.
#[test]
fn the_census_says_what_a_clinician_would() {
    let check = |slug: &str, key: &str, groups: &[&[&str]], conflict: bool| {
        let person = people().iter().find(|person| person.slug == slug).expect("a person");
        let facts = person.facts();
        let fact = facts.iter().find(|fact| fact.key == key).expect("a fact");
        let got: Vec<Vec<&str>> = fact.groups().iter().map(|group| group.iter().map(|held| held.supplier).collect()).collect();
        assert_eq!(got, groups, "{slug} {key}: {:?}", fact.held);
        assert_eq!(fact.is_in_conflict(), conflict, "{slug} {key}: {:?}", fact.held);
    };
    check("margaret-hartley", "penicillin", &[&["gp", "ccr", "ohc", "rx"], &["uhb"]], true);
    check("margaret-hartley", "diabetes", &[&["gp", "ccr", "ohc", "uhb"]], false);
    check("margaret-hartley", "ramipril", &[&["gp", "ccr"], &["uhb"]], true);
    check("margaret-hartley", "warfarin", &[&["gp", "ohc"]], false);
    check("margaret-hartley", "flu", &[&["rx", "gp", "ccr"]], false);
    check("margaret-hartley", "hip", &[&["ohc", "ccr"]], false);
    check("doris-whittaker", "respect", &[&["uhb", "ccr", "gp"], &["ohc"]], true);
    check("doris-whittaker", "frailty", &[&["uhb"], &["gp"]], false);
    check("leo-novak", "egg", &[&["gp", "ccr"], &["ccr"]], false);
    check("leo-novak", "hib", &[&["gp"], &["ccr"]], true);
    check("evelyn-price", "parkinson", &[&["ohc"], &["gp", "ohc"]], false);
    check("adam-wojcik", "methotrexate", &[&["gp", "ccr"], &["uhb"]], false);
    check("isaac-thornton", "flu", &[&["rx"], &["gp", "ohc"]], true);
    check("philip-ashdown", "epilepsy", &[&["uhb", "gp"], &["ohc"]], true);
    // The hospital has what is taken as a request: another kind of fact, in no cluster with a statement.
    check("philip-ashdown", "atenolol", &[&["gp"], &["ohc"], &["uhb"]], true);
    check("sophie-hargreaves", "coeliac", &[&["gp", "ccr", "ohc"]], false);
    check("jacqueline-obi", "cancer", &[&["uhb", "ccr"], &["gp"]], true);
}
