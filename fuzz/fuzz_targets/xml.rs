//! XML in, in every version; what is written of it is JSON and well-formed XML.
#![no_main]

use fhir::{Bundle, Tree, Version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for version in [Version::Dstu2, Version::Stu3, Version::R4] {
        let Ok(bundle) = Bundle::from_xml(version, data.to_vec().into()) else { continue };
        for tree in bundle.entries.into_iter().filter_map(|entry| entry.resource) {
            assert!(Tree::from_json(tree.to_json().into()).is_ok(), "what was read is written as no JSON");
            assert!(Tree::from_xml(version, tree.to_xml(version).into()).is_ok(), "what was read is written as no XML");
        }
    }
});
