//! Which types a plain server is asked for, by version and in which order.

use fhir::{Kind, Version};
use record::SUPPORTING;

/// Types that harm most when missing: asked for first, with their own budget, beside the flood of the rest.
const FIRST: &[Kind] = &[
    Kind::ALLERGY_INTOLERANCE,
    Kind::CARE_PLAN,
    Kind::CONDITION,
    Kind::CONSENT,
    Kind::FLAG,
    Kind::MEDICATION_ADMINISTRATION,
    Kind::MEDICATION_DISPENSE,
    Kind::MEDICATION_REQUEST,
    Kind::MEDICATION_STATEMENT,
];

/// Types of which a person may have thousands.
const LAST: &[Kind] = &[Kind::OBSERVATION, Kind::PROVENANCE];

/// Whether a type is among those fetched first.
pub(super) fn is_first(kind: Kind) -> bool {
    FIRST.contains(&kind)
}

/// Priority of a search: lower goes first.
pub(super) fn priority(kind: Kind) -> u8 {
    match kind {
        kind if FIRST.contains(&kind) => 2,
        kind if LAST.contains(&kind) => 8,
        _ => 6,
    }
}

/// Priority of reading one resource that others refer to.
pub(super) fn reference_priority(kind: Kind) -> u8 {
    match kind {
        Kind::MEDICATION => 3,
        Kind::PRACTITIONER | Kind::PRACTITIONER_ROLE => 4,
        _ => 5,
    }
}

/// Whether a type is about no patient, so that it is read by reference and not searched for.
pub(super) fn by_reference(kind: Kind) -> bool {
    SUPPORTING.contains(&kind) && kind != Kind::DEVICE
}

/// What a version calls the types that become `kind` and can be searched for by patient; empty where it has none.
pub(super) fn searched(version: Version, kind: Kind) -> &'static [&'static str] {
    if kind == Kind::PATIENT || by_reference(kind) {
        return &[];
    }
    match (version, kind) {
        (Version::Dstu2, Kind::MEDICATION_REQUEST) => &["MedicationOrder"],
        (Version::Dstu2, Kind::SERVICE_REQUEST) => &["DiagnosticOrder", "ProcedureRequest", "ReferralRequest"],
        (Version::Dstu2, Kind::CARE_TEAM | Kind::CONSENT | Kind::TASK) => &[],
        (Version::Stu3, Kind::SERVICE_REQUEST) => &["ProcedureRequest", "ReferralRequest"],
        _ => own_name(kind),
    }
}

/// What a version calls a type that is read by reference.
pub(super) fn exists(version: Version, kind: Kind) -> bool {
    !searched(version, kind).is_empty()
        || (by_reference(kind) && !(version == Version::Dstu2 && kind == Kind::PRACTITIONER_ROLE))
        || kind == Kind::PATIENT
}

/// A slice of one, for each type a record carries.
fn own_name(kind: Kind) -> &'static [&'static str] {
    use std::sync::LazyLock;
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| Kind::all().map(Kind::name).collect());
    let names: &'static [&'static str] = &NAMES;
    let found = names.binary_search(&kind.name());
    found.map_or(&[], |place| &names[place..=place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_is_asked_in_its_own_words() {
        let check = |version, kind, expected: &[&str]| assert_eq!(searched(version, kind), expected);
        check(Version::R4, Kind::MEDICATION_REQUEST, &["MedicationRequest"]);
        check(Version::Dstu2, Kind::MEDICATION_REQUEST, &["MedicationOrder"]);
        check(Version::Stu3, Kind::SERVICE_REQUEST, &["ProcedureRequest", "ReferralRequest"]);
        check(Version::Dstu2, Kind::TASK, &[]);
        check(Version::R4, Kind::PRACTITIONER, &[]);
        check(Version::R4, Kind::DEVICE, &["Device"]);
    }

    #[test]
    fn every_type_asked_for_becomes_its_kind() {
        for version in [Version::Dstu2, Version::Stu3, Version::R4] {
            for kind in record::CARRIED {
                for name in searched(version, *kind) {
                    assert_eq!(crate::references::r4_kind(version, name), Some(*kind));
                    assert!(fhir::tables::of(version).is_resource(name), "{name} in {version:?}");
                }
            }
        }
    }
}
