//! How the hospital's Millennium differs from a plain server: rules for every search, told off in plain text.
//!
//! Written from its public documentation, apart from what is tested against it. The tenant lists a few types beyond those
//! documented, as the stories need them; [`DOCUMENTED`] has those that are.

use super::pages::Place;
use super::search::{Complaint, complaint};
use crate::node::{Node, list, object};
use jiff::Timestamp;
use jiff::civil::Date;

/// The types that the documentation lets one search for by patient.
pub const DOCUMENTED: &[&str] = &[
    "AllergyIntolerance",
    "Appointment",
    "CarePlan",
    "CareTeam",
    "Condition",
    "Consent",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "FamilyMemberHistory",
    "Goal",
    "Immunization",
    "MedicationAdministration",
    "MedicationRequest",
    "Observation",
    "Procedure",
    "QuestionnaireResponse",
    "RelatedPerson",
    "ServiceRequest",
];

/// A type's search.
struct Rules {
    /// Parameters beside `patient`, `subject` and `_id`.
    takes: &'static [&'static str],
    /// The date parameter, where its values lie, and how it is to be said.
    date: Option<(&'static str, &'static [&'static str], Ends)>,
}

/// How a range of dates may be said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// One or two, in any prefix that fits.
    Any,
    /// Only `ge`, once.
    From,
    /// `ge` and `le`, one or both.
    Inclusive,
    /// `ge` and `lt` together, with times and offset, and never without.
    PairRequired,
}

fn rules(kind: &str) -> Rules {
    const COUNTED: &[&str] = &["_count", "_revinclude", "category", "code", "status", "clinical-status", "intent"];
    let plain = |takes| Rules { takes, date: None };
    let dated = |takes, name, at, ends| Rules { takes, date: Some((name, at, ends)) };
    match kind {
        "AllergyIntolerance" => plain(&["clinical-status", "_revinclude", "_lastUpdated"]),
        "Appointment" => dated(&["status", "_count"], "-date-or-req-period", &["start", "requestedPeriod.start"], Ends::PairRequired),
        "CarePlan" => dated(&["category", "_count", "_revinclude"], "date", &["period.start"], Ends::Inclusive),
        "CareTeam" => plain(&["category", "status", "_revinclude"]),
        "Condition" => plain(&["clinical-status", "category", "encounter", "_revinclude", "_lastUpdated"]),
        "Consent" | "QuestionnaireResponse" => plain(&[]),
        "Device" | "Goal" => plain(&["_revinclude"]),
        "DiagnosticReport" => dated(COUNTED, "date", &["effectiveDateTime", "effectivePeriod.start"], Ends::Any),
        "DocumentReference" => dated(&["_count", "category", "type", "_revinclude"], "date", &["date"], Ends::Any),
        "Encounter" => dated(&["_count", "status", "_revinclude"], "date", &["period.start"], Ends::Any),
        "FamilyMemberHistory" => plain(&["status"]),
        "Immunization" => dated(&["_revinclude", "target-disease"], "date", &["occurrenceDateTime"], Ends::Inclusive),
        "MedicationAdministration" => {
            dated(&["status", "_count"], "effective-time", &["effectiveDateTime", "effectivePeriod.start"], Ends::Any)
        }
        "MedicationRequest" => dated(
            &["status", "intent", "_lastUpdated", "_count", "_revinclude"],
            "-timing-boundsPeriod",
            &["dosageInstruction.timing.repeat.boundsPeriod.start"],
            Ends::From,
        ),
        "Observation" => dated(
            &["category", "code", "_lastUpdated", "_count", "_revinclude"],
            "date",
            &["effectiveDateTime", "effectivePeriod.start"],
            Ends::Any,
        ),
        "Procedure" => dated(&["_revinclude"], "date", &["performedDateTime", "performedPeriod.start"], Ends::Any),
        "RelatedPerson" => plain(&["-relationship-level"]),
        "ServiceRequest" => plain(&["code", "_lastUpdated", "_count", "_revinclude"]),
        // Types that the tenant lists beyond the documented.
        _ => plain(COUNTED),
    }
}

/// What a fresh question does wrong.
pub(super) fn check(place: &Place) -> Result<(), Complaint> {
    let refuse = |text: String| Err(complaint(400, "invalid", text));
    let kind = place.path.as_str();
    let rules = rules(kind);
    let all = |name: &str| place.params.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    let has = |name: &str| place.param(name).is_some();
    if has("_id") {
        let alone = place.params.iter().all(|(name, _)| matches!(name.as_str(), "_id" | "_revinclude"));
        return if alone { Ok(()) } else { refuse("_id may not be provided with other parameters".into()) };
    }
    if kind == "Patient" {
        let names = ["identifier", "name", "family", "given", "birthdate"];
        let any = names.iter().any(|name| has(name));
        return if any { Ok(()) } else { refuse("no supported search parameters provided".into()) };
    }
    if !has("patient") && !has("subject") {
        return refuse("no supported search parameters provided".into());
    }
    let date = rules.date.map(|(name, _, ends)| (name, ends));
    let taken =
        |name: &str| matches!(name, "patient" | "subject") || rules.takes.contains(&name) || date.is_some_and(|(own, _)| own == name);
    if let Some((name, _)) = place.params.iter().find(|(name, _)| !taken(name)) {
        return refuse(format!("{name} is not a supported parameter"));
    }
    if kind == "CarePlan" && place.param("category") != Some("assess-plan") {
        return refuse("category is required".into());
    }
    if kind == "RelatedPerson" && place.param("-relationship-level") != Some("Patient") {
        return refuse("-relationship-level is required".into());
    }
    if all("_revinclude").iter().any(|value| *value != "Provenance:target") || all("_revinclude").len() > 1 {
        return refuse("_revinclude is not supported so".into());
    }
    if has("date") && has("_lastUpdated") {
        return refuse("date and _lastUpdated may not be provided together".into());
    }
    match date {
        Some((name, ends)) if !may_be(&all(name), ends) => refuse(format!("{name} is not provided as it must be")),
        _ => Ok(()),
    }
}

fn may_be(said: &[&str], ends: Ends) -> bool {
    let count = |prefix: &str| said.iter().filter(|value| value.starts_with(prefix)).count();
    let (from, until) = (count("ge") + count("gt"), count("le") + count("lt"));
    let in_order = from <= 1 && until <= 1 && from + until == said.len();
    let timed = said.iter().all(|value| value.contains('T') && (value.ends_with('Z') || value.contains('+')));
    match ends {
        Ends::Any => in_order,
        Ends::From => said.is_empty() || said.len() == 1 && count("ge") == 1,
        Ends::Inclusive => in_order && count("gt") + count("lt") == 0,
        Ends::PairRequired => count("ge") == 1 && count("lt") == 1 && timed,
    }
}

/// Whether a resource is found: what lacks an element that is asked by is not, unlike elsewhere.
pub(super) fn finds(node: &Node, place: &Place) -> bool {
    let (_, elements, _) = rules(&place.path).date.unwrap_or(("", &[], Ends::Any));
    let name = rules(&place.path).date.map_or("", |(name, _, _)| name);
    let begins = elements.iter().find_map(|path| instant(text(node, path)?));
    let in_range = |value: &str| match (value.get(..2), value.get(2..).and_then(instant), begins) {
        (Some("ge"), Some(end), Some(at)) => at >= end,
        (Some("gt"), Some(end), Some(at)) => at > end,
        (Some("le"), Some(end), Some(at)) => at <= end,
        (Some("lt"), Some(end), Some(at)) => at < end,
        // What has no date is not told apart by it, but an appointment that is only proposed.
        _ => place.path == "Appointment",
    };
    place.params.iter().all(|(param, value)| match param.as_str() {
        own if own == name => in_range(value),
        "category" if value != "assess-plan" => node.at("category").is_some(),
        "clinical-status" => node.at("clinicalStatus").is_some(),
        _ => true,
    })
}

/// How many entries are on the page that begins here. All of the social history is on the first, however many were asked for.
pub(super) fn page_size(place: &Place, found: &[&Node]) -> usize {
    let (usual, most) = match place.path.as_str() {
        "Observation" => (50, 200),
        "DiagnosticReport" | "DocumentReference" => (10, 100),
        _ => (20, 100),
    };
    let asked = place.param("_count").and_then(|count| count.parse().ok());
    let size = asked.unwrap_or(usual).clamp(1, most);
    let social = found.iter().filter(|node| is_social(node)).count();
    match (place.path.as_str(), place.offset) {
        ("Observation", 0) => size.max(social),
        (_, 0) => size,
        // A short page is not the last page.
        _ => (size * 2 / 3).max(1),
    }
}

/// Whether an Observation is of the social history.
pub(super) fn is_social(node: &Node) -> bool {
    let mut social = false;
    if let Some(category) = node.at("category") {
        category.each_object(&mut |object| social |= object.text_at("code") == Some("social-history"));
    }
    social
}

/// A page that fails because something on it lacks what FHIR requires.
pub(super) fn fatal(kind: &str) -> Node {
    object! {
        "resourceType": "OperationOutcome",
        "issue": list![object! {
            "severity": "fatal", "code": "required", "location": list![format!("/f:{kind}/f:status")],
        }],
    }
}

/// What the newer platform puts in the place of what it leaves out.
pub(super) fn omitted() -> Node {
    object! {
        "resourceType": "OperationOutcome",
        "issue": list![object! {
            "severity": "warning", "code": "processing",
            "details": object! { "text": "Resources that do not conform were left out." },
        }],
    }
}

/// A Patient that was combined into another: it is to be had by its id, and found by no search.
pub(super) fn combined(id: &str, into: &str) -> Node {
    let absent = || {
        list![object! {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown",
        }]
    };
    object! {
        "resourceType": "Patient",
        "id": id,
        "meta": object! { "versionId": "0" },
        "identifier": list![object! { "extension": absent() }],
        "active": false,
        "name": list![object! { "extension": absent() }],
        "_gender": object! { "extension": absent() },
        "link": list![object! {
            "other": object! { "reference": format!("Patient/{into}") }, "type": "replaced-by",
        }],
    }
}

/// The first text on a path through objects and lists.
fn text<'a>(node: &'a Node, path: &str) -> Option<&'a str> {
    let mut node = node;
    for name in path.split('.') {
        node = node.items().first().unwrap_or(node).at(name)?;
    }
    node.as_text()
}

/// A time, or the beginning of a day, month or year.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let padded = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    let day: Date = padded.parse().ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_told_what_it_does_wrong() {
        let check = |path: &str, query: &str, right: bool| {
            let place = Place::read(path, super::super::pages::params(query)).unwrap();
            assert_eq!(super::check(&place).is_ok(), right, "{path}?{query}");
        };
        check("Condition", "patient=1", true);
        check("Condition", "category=problem-list-item", false);
        check("Condition", "patient=1&_count=5", false);
        check("Condition", "_id=1&patient=1", false);
        check("CarePlan", "patient=1", false);
        check("CarePlan", "patient=1&category=assess-plan", true);
        check("Appointment", "patient=1", false);
        check("Appointment", "patient=1&-date-or-req-period=ge2026-01-01T00:00:00Z", false);
        let pair = "patient=1&-date-or-req-period=ge2026-01-01T00:00:00Z&-date-or-req-period=lt2027-01-01T00:00:00Z";
        check("Appointment", pair, true);
        check("MedicationRequest", "patient=1&-timing-boundsPeriod=le2026-01-01", false);
        check("Immunization", "patient=1&date=gt2026-01-01", false);
        check("Observation", "patient=1&date=ge2026-01-01&_lastUpdated=ge2026-01-01", false);
        check("Observation", "patient=1&_revinclude=Provenance:target&_revinclude=Provenance:target", false);
    }
}
