//! What one supplier says, in our words: FHIR R4 with findings.
//!
//! Only the names of the dialects stand so far; the conversation and the translation come next, one module a supplier.

mod version;

/// How a source speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Plain FHIR DSTU2.
    FhirDstu2,
    /// Plain FHIR R4.
    FhirR4,
    /// Plain FHIR STU3.
    FhirStu3,
}

/// No dialect of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDialect;

impl std::fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no dialect of that name is built; use fhir-r4, fhir-stu3 or fhir-dstu2")
    }
}

impl std::str::FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Dialect, UnknownDialect> {
        match name {
            "fhir-dstu2" => Ok(Dialect::FhirDstu2),
            "fhir-r4" => Ok(Dialect::FhirR4),
            "fhir-stu3" => Ok(Dialect::FhirStu3),
            _ => Err(UnknownDialect),
        }
    }
}

/// Whether a source is asked by `Patient/{id}/$everything`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Everything {
    /// Always.
    Always,
    /// Where the source says or shows that it can.
    #[default]
    Auto,
    /// Never: type by type.
    Never,
}
