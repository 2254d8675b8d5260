//! A supplier's body through its dialect; the first byte picks the version and what the body is called.
#![no_main]

use fhir::{Tree, Version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    let version = [Version::Dstu2, Version::Stu3, Version::R4][usize::from(pick % 3)];
    let content_type = ["application/fhir+json", "application/fhir+xml", "text/html", ""][usize::from(pick / 3 % 4)];
    let converted = dialect::convert(version, body.to_vec().into(), content_type);
    for item in converted.items {
        let json = item.tree.to_json();
        assert!(Tree::from_json(json.into()).is_ok(), "what became of it is no JSON");
    }
});
