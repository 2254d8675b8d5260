//! The types a shared record carries.

use fhir::Kind;

/// Every type a shared record carries and answers searches for, in order of names.
/// What else a source returns about the person is carried too, but cannot be searched for.
pub const CARRIED: &[Kind] = &[
    Kind::ALLERGY_INTOLERANCE,
    Kind::APPOINTMENT,
    Kind::BINARY,
    Kind::CARE_PLAN,
    Kind::CARE_TEAM,
    Kind::COMMUNICATION,
    Kind::CONDITION,
    Kind::CONSENT,
    Kind::DEVICE,
    Kind::DIAGNOSTIC_REPORT,
    Kind::DOCUMENT_REFERENCE,
    Kind::ENCOUNTER,
    Kind::EPISODE_OF_CARE,
    Kind::FAMILY_MEMBER_HISTORY,
    Kind::FLAG,
    Kind::GOAL,
    Kind::IMMUNIZATION,
    Kind::LIST,
    Kind::LOCATION,
    Kind::MEDICATION,
    Kind::MEDICATION_ADMINISTRATION,
    Kind::MEDICATION_DISPENSE,
    Kind::MEDICATION_REQUEST,
    Kind::MEDICATION_STATEMENT,
    Kind::OBSERVATION,
    Kind::ORGANIZATION,
    Kind::PATIENT,
    Kind::PRACTITIONER,
    Kind::PRACTITIONER_ROLE,
    Kind::PROCEDURE,
    Kind::PROVENANCE,
    Kind::QUESTIONNAIRE_RESPONSE,
    Kind::RELATED_PERSON,
    Kind::SERVICE_REQUEST,
    Kind::SPECIMEN,
    Kind::TASK,
];

/// Types that are about no patient by their nature: they come along when something about the patient refers to them.
pub const SUPPORTING: &[Kind] =
    &[Kind::BINARY, Kind::DEVICE, Kind::LOCATION, Kind::MEDICATION, Kind::ORGANIZATION, Kind::PRACTITIONER, Kind::PRACTITIONER_ROLE];
