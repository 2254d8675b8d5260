//! Generates the element tables of `fhir` from the published definitions.
fn main() {}
