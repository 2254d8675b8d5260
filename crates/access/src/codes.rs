//! National codes, and what they allow (NHS national role-based access control; v3-ActReason).

use fhir::Kind;

/// Purposes of use that are direct care.
pub const CARE_PURPOSES: &[&str] = &["TREAT", "ETREAT", "CAREMGT", "COC"];
/// Emergency purposes: care too, and what break-glass is asked under.
pub const EMERGENCY_PURPOSES: &[&str] = &["BTG", "ETREAT"];

/// Perform patient trace.
pub const TRACE: &str = "B0264";
/// View detailed health records.
pub const DETAILED: &str = "B0360";
/// View summary health records.
pub const SUMMARY: &str = "B0370";
/// View patient medication.
pub const MEDICATION: &str = "B0401";
/// Access sensitive (S) flagged records.
pub const RESTRICTED: &str = "B1611";
/// Emergency access to view.
pub const EMERGENCY: &str = "B0168";

/// Roles that see clinical content, by national job role code.
const CLINICAL_ROLES: &[&str] = &["R8000", "R8001", "R8002", "R8003", "R8004", "R0260", "R0050", "R8005", "R8006", "R8007"];
/// Admin/Clinical Support.
pub const ADMINISTRATIVE: &str = "R8008";
/// Roles that review accesses and see no clinical content.
const REVIEWING_ROLES: &[&str] = &["R0001", "R5105"];

/// What a role code is to us; `None` for codes we do not know, which permit nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees demographics and appointments.
    Administrative,
    /// Sees clinical content, as far as activities allow.
    Clinical,
    /// Privacy officer, Caldicott Guardian: sees the ledger, no clinical content.
    Reviewing,
}

/// The role behind a code.
pub fn role(code: &str) -> Option<Role> {
    match code {
        ADMINISTRATIVE => Some(Role::Administrative),
        code if CLINICAL_ROLES.contains(&code) => Some(Role::Clinical),
        code if REVIEWING_ROLES.contains(&code) => Some(Role::Reviewing),
        _ => None,
    }
}

/// Types that every reader sees: who the person is, and who looks after them.
pub const IDENTITY: &[Kind] =
    &[Kind::LOCATION, Kind::ORGANIZATION, Kind::PATIENT, Kind::PRACTITIONER, Kind::PRACTITIONER_ROLE, Kind::RELATED_PERSON];
/// Types that administrative staff see beside those.
pub const ADMINISTRATION: &[Kind] = &[Kind::APPOINTMENT];
/// Types of a medication view.
pub const MEDICINES: &[Kind] = &[
    Kind::ALLERGY_INTOLERANCE,
    Kind::MEDICATION,
    Kind::MEDICATION_ADMINISTRATION,
    Kind::MEDICATION_DISPENSE,
    Kind::MEDICATION_REQUEST,
    Kind::MEDICATION_STATEMENT,
];
/// Types of a summary, beside medicines.
pub const SUMMARIES: &[Kind] = &[Kind::CONDITION, Kind::FLAG, Kind::IMMUNIZATION, Kind::CARE_PLAN, Kind::CONSENT];

/// The scope that opens the operator's and the steward's desks.
pub const OPERATOR: &str = "severn.operator";
