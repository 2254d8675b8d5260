//! FHIR's partial dates.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(date) = fhir::date::Partial::parse(text)
    {
        assert!(date.covers(&date), "a date does not cover itself");
    }
});
