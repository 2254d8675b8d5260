//! JSON in, and out again the same.
#![no_main]

use fhir::{Bundle, Tree};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(bundle) = Bundle::from_json(data.to_vec().into()) else { return };
    for tree in bundle.head.into_iter().chain(bundle.entries.into_iter().filter_map(|entry| entry.resource)) {
        let json = tree.to_json();
        let again = Tree::from_json(json.clone().into()).expect("what was written is JSON");
        assert_eq!(again.to_json(), json);
        // Node by node, not by copying bytes.
        assert_eq!(tree.root().to_tree().to_json(), json);
    }
});
