//! What Millennium's documentation says of each search: which rule a question breaks.

use crate::supplier::pages::params;

/// The rule that a question breaks, if any. `target` is what stands below the base, such as `Condition?patient=1`.
pub fn millennium_rule_broken_by(target: &str) -> Option<String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let params = params(query);
    let has = |name: &str| params.iter().any(|(own, _)| own == name);
    let broken = |words: &str| Some(words.to_owned());
    if path.ends_with("$everything") {
        return broken("there is no such operation");
    }
    // A read, or a link of the server's own.
    if path == "metadata" || path.contains('/') {
        return None;
    }
    if path == "Patient" {
        let any = ["_id", "identifier", "name", "given", "family", "address-postalcode", "birthdate", "phone", "email"];
        return (!any.iter().any(|name| has(name))).then(|| "a required parameter is missing".to_owned());
    }
    let Some((_, takes)) = TAKES.iter().find(|(kind, _)| *kind == path) else {
        return broken("a type that is not searched for by patient");
    };
    if has("_id") && params.len() > 1 {
        return broken("_id excludes every other parameter");
    }
    if !has("patient") && !has("_id") {
        return broken("a required parameter is missing");
    }
    let unknown = params.iter().find(|(name, _)| name != "patient" && !takes.contains(&name.as_str()));
    if let Some((name, _)) = unknown {
        return Some(format!("{name} is not taken"));
    }
    if params.iter().filter(|(name, _)| name == "_revinclude").any(|(_, value)| value != "Provenance:target") {
        return broken("only Provenance:target comes along");
    }
    if params.iter().filter(|(name, _)| name == "_revinclude").count() > 1 {
        return broken("_revinclude only once");
    }
    let most = match path {
        "Observation" => 200,
        "DiagnosticReport" | "DocumentReference" => 100,
        _ => 1_000,
    };
    if params.iter().any(|(name, value)| name == "_count" && value.parse::<u32>().is_none_or_more(most)) {
        return broken("_count is over its maximum");
    }
    if has("date") && has("_lastUpdated") {
        return broken("date and _lastUpdated exclude each other");
    }
    dates(path, &params)
}

trait OrMore {
    fn is_none_or_more(&self, most: u32) -> bool;
}

impl<E> OrMore for Result<u32, E> {
    fn is_none_or_more(&self, most: u32) -> bool {
        self.as_ref().map_or(true, |count| *count > most || *count == 0)
    }
}

fn dates(path: &str, params: &[(String, String)]) -> Option<String> {
    let of = |name: &str| params.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    // Name, prefixes of the earlier and of the later end, whether a time is required.
    let (name, lower, upper, time): (&str, &[&str], &[&str], bool) = match path {
        "Appointment" => ("-date-or-req-period", &["ge"], &["lt"], true),
        "CarePlan" => ("date", &["ge"], &["le"], false),
        "DiagnosticReport" | "DocumentReference" | "Procedure" => ("date", &["ge", "gt"], &["le", "lt"], true),
        "Encounter" => ("date", &["ge", "gt"], &["le", "lt"], true),
        "Immunization" => ("date", &["ge"], &["le"], false),
        "MedicationAdministration" => ("effective-time", &["ge", "gt"], &["le", "lt"], true),
        "MedicationRequest" => ("-timing-boundsPeriod", &["ge"], &[], false),
        "Observation" => ("date", &["ge", "gt"], &["le", "lt"], false),
        _ => return None,
    };
    let said = of(name);
    let starts = |value: &str, prefixes: &[&str]| prefixes.iter().any(|prefix| value.starts_with(prefix));
    let pair = said.len() == 2 && starts(said[0], lower) && starts(said[1], upper);
    let alone = said.len() == 1 && starts(said[0], lower) && !matches!(path, "Appointment" | "CarePlan");
    let none = said.is_empty() && path != "Appointment";
    if !(none || alone || pair) || (upper.is_empty() && pair) {
        return Some(format!("{name} {said:?}: not the prefixes of this type"));
    }
    let offset = |value: &&str| value.contains('T') && (value.ends_with('Z') || value.contains('+'));
    if time && !said.iter().all(offset) {
        return Some(format!("{name} {said:?}: a time with offset is required"));
    }
    let updated = of("_lastUpdated");
    if matches!(path, "MedicationRequest" | "ServiceRequest") && !updated.iter().all(offset) {
        return Some("_lastUpdated needs a time".to_owned());
    }
    match path {
        "CarePlan" if !params.iter().any(|(name, value)| name == "category" && value == "assess-plan") => {
            Some("category is required".to_owned())
        }
        "Observation" if of("code").iter().any(|codes| codes.contains("8480-6") || codes.contains("8462-4")) => {
            Some("code finds Observation.code only, not a component's".to_owned())
        }
        _ => None,
    }
}

/// What each type takes beside `patient`.
pub(super) const TAKES: &[(&str, &[&str])] = &[
    ("AllergyIntolerance", &["clinical-status", "_revinclude", "_lastUpdated"]),
    ("Appointment", &["date", "-date-or-req-period", "status", "_count"]),
    ("CarePlan", &["date", "category", "_count", "_revinclude"]),
    ("CareTeam", &["category", "status", "_revinclude"]),
    ("Communication", &[]), // Not by patient, in the documentation; see above.
    ("Condition", &["clinical-status", "category", "encounter", "_revinclude", "_lastUpdated"]),
    ("Consent", &["actor", "_include"]),
    ("Device", &["_revinclude"]),
    ("DiagnosticReport", &["encounter", "date", "_lastUpdated", "_count", "category", "code", "_revinclude"]),
    ("DocumentReference", &["encounter", "type", "_count", "category", "_revinclude", "date", "period", "_lastUpdated"]),
    ("Encounter", &["date", "_count", "status", "_revinclude", "_lastUpdated"]),
    ("FamilyMemberHistory", &["status"]),
    ("Flag", &[]), // Not in the documentation; see above.
    ("Goal", &["target-date", "_revinclude"]),
    ("Immunization", &["date", "_lastUpdated", "target-disease", "_revinclude"]),
    ("MedicationAdministration", &["status", "performer", "effective-time", "_count"]),
    ("MedicationRequest", &["status", "intent", "-timing-boundsPeriod", "_lastUpdated", "_count", "_revinclude"]),
    ("Observation", &["code", "date", "_lastUpdated", "category", "_count", "_revinclude"]),
    ("Procedure", &["date", "_revinclude", "_lastUpdated"]),
    ("QuestionnaireResponse", &[]),
    ("RelatedPerson", &["-relationship-level"]),
    ("ServiceRequest", &["code", "_lastUpdated", "_count", "_revinclude"]),
    ("Specimen", &[]), // Not in the documentation; see above.
];

#[cfg(test)]
mod tests {
    use super::millennium_rule_broken_by as broken;

    #[test]
    fn the_rules_find_what_breaks_them() {
        let check = |target: &str, legal: bool| assert_eq!(broken(target).is_none(), legal, "{target}: {:?}", broken(target));
        check("Condition?patient=1", true);
        check("Condition?patient=1&category=problem-list-item&_revinclude=Provenance:target", true);
        check("Condition?category=problem-list-item", false);
        check("Condition?_id=1&patient=1", false);
        check("Condition?patient=1&_count=10", false);
        check("Appointment?patient=1", false);
        check("Appointment?patient=1&-date-or-req-period=ge2026-01-01T00:00:00Z", false);
        check("Appointment?patient=1&-date-or-req-period=ge2026-01-01&-date-or-req-period=lt2026-02-01", false);
        check("Appointment?patient=1&-date-or-req-period=ge2026-01-01T00:00:00Z&-date-or-req-period=le2026-02-01T00:00:00Z", false);
        check("MedicationRequest?patient=1&-timing-boundsPeriod=gt2026-01-01", false);
        check("MedicationRequest?patient=1&_lastUpdated=ge2026-01-01", false);
        check("Observation?patient=1&_count=201", false);
        check("Observation?patient=1&date=ge2026-01-01&_lastUpdated=ge2026-01-01", false);
        check("Observation?patient=1&code=http://loinc.org|8480-6", false);
        check("Immunization?patient=1&date=gt2026-01-01", false);
        check("Condition?patient=1&_revinclude=Provenance:target&_revinclude=Provenance:target", false);
        check("MedicationStatement?patient=1", false);
        check("Patient/1/$everything?_count=1", false);
    }
}
