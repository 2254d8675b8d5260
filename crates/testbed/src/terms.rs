//! What clinicians call things, and the codes for it: `fixtures/region/terms.toml`.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The codes of one term. A term without codes is sent as text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Term {
    /// SNOMED CT concept.
    pub snomed: Option<String>,
    /// dm+d virtual product (also a SNOMED CT identifier).
    pub dmd: Option<String>,
    /// LOINC.
    pub loinc: Option<String>,
    /// ICD-10.
    pub icd10: Option<String>,
    /// Read version 2.
    pub read: Option<String>,
    /// A drug code of one general-practice system.
    pub emis: Option<String>,
    /// The published display, where it is not the term itself.
    pub display: Option<String>,
}

/// The codes of a term, if it has any.
pub fn term(name: &str) -> Option<&'static Term> {
    all().get(name)
}

/// Every term with its codes.
pub fn all() -> &'static BTreeMap<String, Term> {
    static TERMS: LazyLock<BTreeMap<String, Term>> = LazyLock::new(|| {
        toml::from_str(include_str!("../../../fixtures/region/terms.toml")).expect("fixtures/region/terms.toml is legal: a test reads it")
    });
    &TERMS
}

/// The UCUM code for a unit as people write it.
pub fn ucum(unit: &str) -> Option<&'static str> {
    const UNITS: &[(&str, &str)] = &[
        ("%", "%"),
        ("/min", "/min"),
        ("10*9/L", "10*9/L"),
        ("U/L", "U/L"),
        ("cm", "cm"),
        ("degrees C", "Cel"),
        ("g/L", "g/L"),
        ("kg", "kg"),
        ("kg/m2", "kg/m2"),
        ("L/min", "L/min"),
        ("mg/L", "mg/L"),
        ("mg/mmol", "mg/mmol"),
        ("mL/min/1.73m2", "mL/min/{1.73_m2}"),
        ("mmHg", "mm[Hg]"),
        ("mmol/L", "mmol/L"),
        ("mmol/mol", "mmol/mol"),
        ("mU/L", "m[IU]/L"),
        ("ng/L", "ng/L"),
        ("score", "{score}"),
        ("ug/L", "ug/L"),
        ("umol/L", "umol/L"),
        ("units/week", "{units}/wk"),
    ];
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, code)| *code)
}
