//! Codes in plain English.

use std::collections::BTreeMap;

/// National job roles, as a patient would call who has them.
const ROLES: &[(&str, &str)] = &[
    ("R0001", "a privacy officer"),
    ("R0050", "a consultant"),
    ("R0260", "a general practitioner"),
    ("R5105", "a Caldicott Guardian, who watches over patients' information"),
    ("R8000", "a doctor or other clinical practitioner"),
    ("R8001", "a nurse"),
    ("R8003", "a health professional"),
    ("R8004", "a student of a health profession"),
    ("R8008", "a member of the office staff"),
];

/// Purposes of use (v3-ActReason).
const PURPOSES: &[(&str, &str)] = &[
    ("BTG", "to care in an emergency"),
    ("CAREMGT", "to manage care"),
    ("COC", "to hand care over"),
    ("ETREAT", "to treat in an emergency"),
    ("HRESCH", "for research"),
    ("PATRQT", "because the patient asked for it"),
    ("TREAT", "to care for the patient"),
];

/// What types of a record are called by people.
const KINDS: &[(&str, &str)] = &[
    ("AllergyIntolerance", "allergies"),
    ("Appointment", "appointments"),
    ("Binary", "documents"),
    ("CarePlan", "care plans"),
    ("CareTeam", "who cares for the patient"),
    ("Communication", "messages"),
    ("Condition", "health problems"),
    ("Consent", "choices about sharing"),
    ("Device", "devices"),
    ("DiagnosticReport", "test results"),
    ("DocumentReference", "documents"),
    ("Encounter", "visits and stays"),
    ("EpisodeOfCare", "visits and stays"),
    ("FamilyMemberHistory", "illnesses in the family"),
    ("Flag", "warnings"),
    ("Goal", "care plans"),
    ("Immunization", "vaccinations"),
    ("Location", "places of care"),
    ("Medication", "medicines"),
    ("MedicationAdministration", "medicines"),
    ("MedicationDispense", "medicines"),
    ("MedicationRequest", "medicines"),
    ("MedicationStatement", "medicines"),
    ("Observation", "measurements and test results"),
    ("Organization", "organisations"),
    ("Patient", "name, address and other personal details"),
    ("Practitioner", "who cares for the patient"),
    ("PractitionerRole", "who cares for the patient"),
    ("Procedure", "operations and treatments"),
    ("QuestionnaireResponse", "assessments and forms"),
    ("RelatedPerson", "family and contacts"),
    ("ServiceRequest", "referrals and requests"),
    ("Specimen", "measurements and test results"),
    ("Task", "tasks"),
];

fn word<'a>(table: &[(&str, &'a str)], code: &str) -> Option<&'a str> {
    table.iter().find(|(own, _)| *own == code).map(|(_, word)| *word)
}

/// `a, b and c`, each once.
pub(super) fn listed<T: AsRef<str>>(parts: &[T]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for part in parts.iter().map(AsRef::as_ref) {
        if !once.contains(&part) {
            once.push(part);
        }
    }
    match once.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// What somebody is, by their roles.
pub(super) fn roles(codes: &[String]) -> String {
    let known: Vec<String> =
        codes.iter().map(|code| word(ROLES, code).map_or_else(|| format!("in the role {code}"), str::to_owned)).collect();
    if known.is_empty() { "in no role that is on record".to_owned() } else { listed(&known) }
}

/// What for.
pub(super) fn purposes(codes: &[String]) -> String {
    let known: Vec<String> =
        codes.iter().map(|code| word(PURPOSES, code).map_or_else(|| format!("for the purpose {code}"), str::to_owned)).collect();
    listed(&known)
}

/// Kinds of information. How many of each there were would tell a little of what they are.
pub(super) fn kinds(kinds: &BTreeMap<&str, u64>) -> String {
    let mut known: Vec<&str> = kinds.keys().filter_map(|kind| word(KINDS, kind)).collect();
    known.sort_unstable();
    if kinds.keys().any(|kind| word(KINDS, kind).is_none()) {
        known.push("other information");
    }
    listed(&known)
}

/// What was asked for.
pub(super) fn asked(what: &str, you: &str, your: &str) -> String {
    match what {
        "emergency" => format!("Asked for {your} record as an emergency"),
        "find" | "trace" => {
            format!("Looked for who {you} {}: no health information is shown by that", if you == "you" { "are" } else { "is" })
        }
        "consent recorded" => format!("Recorded what {you} said about sharing {your} record"),
        "end of an emergency" => format!("Ended an emergency access to {your} record; nothing of it is shown by that"),
        "page" => format!("Saw a further page of {your} record"),
        "plan" => format!("Saw which systems were asked for {your} record"),
        "read everything" => format!("Asked for {your} whole record"),
        "relationship" => format!("Asked to be let into {your} record"),
        what if what.starts_with("token: ") => "Signed in from another system; no health information is shown by that".to_owned(),
        what if what.starts_with("privacy:") => format!("Looked at who saw {your} record; no health information is shown by that"),
        what if what.starts_with("steward:") => format!("Worked on which systems' entries are {your} own"),
        what => match what.strip_prefix("read ") {
            Some(types) => {
                let kinds: BTreeMap<&str, u64> = types.split(", ").map(|kind| (kind, 0)).collect();
                format!("Asked for a part of {your} record: {}", self::kinds(&kinds))
            }
            None => format!("Did with {your} record: {what}"),
        },
    }
}

/// By which relationship somebody was let in, of the rule that says so: its name holds the name of the evidence.
pub(super) fn relationship(rule: &str, you: &str, your: &str) -> Option<String> {
    let has = |evidence: &str| rule.contains(evidence);
    Some(match () {
        () if has("launch") => format!("their own system had {your} record open"),
        () if has("self-claimed") => format!("they had said that they care for {you}"),
        () if has("emergency") => "they had said that it is an emergency".to_owned(),
        () if has("registered-practice") => format!("{you} are registered with their practice").replace("the person are", "the person is"),
        () if has("open-episode") => format!("{you} were in their care").replace("the person were", "the person was"),
        () if has("referral") => format!("{you} had been referred to them"),
        () if has("appointment") => format!("{you} had an appointment with them"),
        () if has("care-team") => format!("they are of the team that cares for {you}"),
        _ => return None,
    })
}

/// What became of an access that was looked at afterwards.
pub(super) fn review(kind: &str, state: &str) -> &'static str {
    match (kind, state) {
        ("emergency", "justified") => "A privacy officer looked at this emergency access afterwards, and found it justified.",
        ("emergency", "open") => "A privacy officer has still to look at this emergency access.",
        ("emergency", "escalated") => "A privacy officer has passed this emergency access on to be looked at by somebody else.",
        ("emergency", _) => "A privacy officer looked at this emergency access afterwards, and closed the case.",
        (_, "justified") => "A privacy officer looked at this access afterwards, and found it justified.",
        (_, "open") => "A privacy officer has still to look at this access.",
        (_, "escalated") => "A privacy officer has passed this access on to be looked at by somebody else.",
        (_, _) => "A privacy officer looked at this access afterwards, and closed the case.",
    }
}
