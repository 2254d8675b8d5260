//! One of CareCentric's JSON bundles through its table; the first byte picks the bundle.
#![no_main]

use fhir::Tree;
use libfuzzer_sys::fuzz_target;

const BUNDLES: [&str; 7] = ["acute", "adt", "alerts", "community", "demographics", "gp", "mh"];

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    let bundle = BUNDLES[usize::from(*pick) % BUNDLES.len()];
    let chart = dialect::convert_bundle(bundle, body.to_vec().into()).expect("a bundle of that name");
    for item in chart.patients.iter().chain(&chart.items) {
        assert!(Tree::from_json(item.tree.to_json().into()).is_ok(), "what became of it is no JSON");
    }
    for row in &chart.rows {
        assert!(row.status.is_some(), "a row without a status");
    }
});
