//! Which type stands under which heading, in the order of the Core Information Standard.

/// Headings and the types below them, in order.
pub const SECTIONS: &[(&str, &[&str])] = &[
    ("Alerts", &["Flag"]),
    ("Allergies and adverse reactions", &["AllergyIntolerance"]),
    (
        "Medications and medical devices",
        &["MedicationStatement", "MedicationRequest", "MedicationDispense", "MedicationAdministration", "Device"],
    ),
    ("Problems and diagnoses", &["Condition"]),
    ("Investigation results and observations", &["DiagnosticReport", "Observation", "Specimen"]),
    ("Procedures", &["Procedure"]),
    ("Vaccinations", &["Immunization"]),
    ("Admissions, attendances and contacts", &["Encounter", "EpisodeOfCare"]),
    ("Referrals and appointments", &["ServiceRequest", "Appointment", "Task"]),
    ("Care plans", &["CarePlan", "Goal", "CareTeam"]),
    ("Family history", &["FamilyMemberHistory"]),
    ("Assessments", &["QuestionnaireResponse"]),
    ("Consent", &["Consent"]),
    ("Documents", &["DocumentReference", "Communication", "List"]),
    ("People around them", &["RelatedPerson"]),
];
