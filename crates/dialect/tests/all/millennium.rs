//! Millennium: each rule of its documentation, and what the dialect makes of it. Tests bear the names of the rules.

mod tenant;

use dialect::{Dialect, Known, Settings, Told};
use fhir::Kind;
use record::{Failure, Need, Status};

use crate::server::*;
use testbed::millennium_rule_broken_by;

const PATIENT: &str = include_str!("../../../../fixtures/millennium/patient/said.json");
const COMBINED: &str = include_str!("../../../../fixtures/millennium/combined/said.json");
const MEDICINE: &str = include_str!("../../../../fixtures/millennium/medicine/said.json");
const PROBLEMS: &str = include_str!("../../../../fixtures/millennium/problems/said.json");
const PRESSURE: &str = include_str!("../../../../fixtures/millennium/blood-pressure/said.json");
const LACKING: &str = include_str!("../../../../fixtures/millennium/lacking/said.json");
const OMITTED: &str = include_str!("../../../../fixtures/millennium/omitted/said.json");

fn millennium() -> Dialect {
    "millennium".parse().unwrap()
}

/// A rule that a target breaks: one of Millennium's own, or that people are looked up by identifier.
fn broken(target: &String) -> Option<String> {
    let named = target.starts_with("Patient?") && !target.starts_with("Patient?identifier=");
    let own = named.then(|| "a Patient is searched for by identifier here".to_owned());
    own.or_else(|| millennium_rule_broken_by(target)).map(|rule| format!("{target}: {rule}"))
}

/// Reads, and checks that nothing that was asked breaks a rule.
fn ask(need: &Need, settings: &Settings, local_ids: &[&str], known: &Known, server: &dyn Fn(&str) -> Said) -> (Told, Vec<String>) {
    let holder = holder(local_ids);
    let (told, asked) = crank(millennium().start(&opening(&holder, settings, known), need), server, &mut |_| 0);
    let wrong: Vec<String> = asked.iter().filter(|target| !target.starts_with("https://")).filter_map(broken).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    (told, asked)
}

fn of(kinds: &[Kind], server: &dyn Fn(&str) -> Said) -> (Told, Vec<String>) {
    ask(&Need::of(kinds), &settings(), &[], &Known::default(), server)
}

/// A tenant that knows one patient and holds nothing.
fn bare(target: &str) -> Said {
    match target {
        "metadata" => Err(Failure::Refused),
        t if t.starts_with("Patient?identifier=") => bundle(&[PATIENT.to_owned()]),
        _ => bundle(&[]),
    }
}

/// The target as it reads without percent signs.
fn read(target: &str) -> String {
    percent_encoding::percent_decode_str(target).decode_utf8_lossy().into_owned()
}

fn only<'a>(asked: &'a [String], kind: &str) -> Vec<&'a String> {
    asked.iter().filter(|target| target.starts_with(&format!("{kind}?"))).collect()
}

#[test]
fn a_search_carries_the_parameters_it_requires() {
    let (told, asked) = ask(&Need::everything(), &settings(), &[], &Known::default(), &bare);
    assert_eq!(status(&told, Kind::CARE_PLAN), Status::OkEmpty);
    assert!(read(only(&asked, "CarePlan")[0]).contains("category=assess-plan"));
    assert!(read(only(&asked, "RelatedPerson")[0]).contains("-relationship-level=Patient"));
    assert!(read(only(&asked, "Appointment")[0]).contains("-date-or-req-period=ge"));
    assert!(asked.iter().all(|target| !target.contains("everything")), "it has no $everything");
    // Refused in plain text all the same: without a second question, and never taken for nothing.
    let (told, asked) = of(&[Kind::CARE_PLAN], &|target| match target {
        t if t.starts_with("CarePlan") => Ok((400, "no supported search parameters provided".to_owned())),
        _ => bare(target),
    });
    assert_eq!((status(&told, Kind::CARE_PLAN), only(&asked, "CarePlan").len()), (Status::FailedHttp, 2));
}

#[test]
fn provenance_alone_is_had_with_what_it_comes_along_with() {
    let (told, asked) = of(&[Kind::PROVENANCE], &|target| match target {
        t if t.starts_with("Condition?") && t.contains("_revinclude") => bundle(&[
            about("Condition", "1", ""),
            r#"{"resourceType":"Provenance","id":"p1","target":[{"reference":"Condition/1"}],"recorded":"2026-01-01T09:00:00Z"}"#
                .to_owned(),
        ]),
        _ => bare(target),
    });
    assert_eq!(ids(&told), ["Provenance/trust-p1"]);
    assert_eq!((row(&told, Kind::CONDITION).counts.filtered, row(&told, Kind::PROVENANCE).counts.came), (1, 1));
    assert!(only(&asked, "Observation").len() == 1 && only(&asked, "RelatedPerson").is_empty());
    // Who may not see every type has no other asked for.
    let never = Settings { everything: dialect::Everything::Never, ..settings() };
    let (_, asked) = ask(&Need::of(&[Kind::PROVENANCE]), &never, &[], &Known::default(), &bare);
    assert!(only(&asked, "Observation").is_empty(), "{asked:?}");
}

#[test]
fn a_provenance_that_lacks_something_costs_no_allergy() {
    let lacking = LACKING.replace("/f:Condition/f:verificationStatus", "/f:Provenance/f:recorded");
    let (told, asked) = of(&[Kind::ALLERGY_INTOLERANCE, Kind::PROVENANCE], &|target| match target {
        t if t.starts_with("AllergyIntolerance") && t.contains("_revinclude") => Ok((500, lacking.clone())),
        t if t.starts_with("AllergyIntolerance") => bundle(&[about("AllergyIntolerance", "1", "")]),
        _ => bare(target),
    });
    assert_eq!((status(&told, Kind::ALLERGY_INTOLERANCE), only(&asked, "AllergyIntolerance").len()), (Status::Ok, 2));
    assert_eq!(status(&told, Kind::PROVENANCE), Status::OkTruncated);
    // It fails on one person's data: the next is asked with it again.
    let (_, asked) = ask(&Need::of(&[Kind::ALLERGY_INTOLERANCE, Kind::PROVENANCE]), &settings(), &[], &told.learnt, &bare);
    assert!(only(&asked, "AllergyIntolerance")[0].contains("_revinclude"));
}

#[test]
fn errors_in_plain_text_are_read_defensively() {
    let check = |http: u16, body: &str, expected: Status| {
        let (told, _) = of(&[Kind::CONDITION, Kind::FLAG], &|target| match target {
            t if t.starts_with("Condition") => Ok((http, body.to_owned())),
            _ => bare(target),
        });
        assert_eq!(status(&told, Kind::CONDITION), expected, "{http} {body}");
        let note = row(&told, Kind::CONDITION).note.clone().unwrap_or_default();
        assert!(body.is_empty() || !note.contains(body), "the words of an error may name somebody: {note}");
    };
    check(400, "no supported search parameters provided", Status::FailedHttp);
    check(401, "", Status::FailedAuth);
    check(401, "Unauthorized", Status::FailedAuth);
    check(403, "Tenant not valid or accessible", Status::FailedAuth);
    check(406, "", Status::FailedHttp);
    check(500, "Internal Server Error", Status::FailedHttp);
    check(500, r#"{"resourceType":"OperationOutcome""#, Status::FailedHttp);
    check(200, "OK", Status::FailedParse);
}

#[test]
fn only_json_is_asked_for() {
    let (holder, settings, known) = (holder(&[]), settings(), Known::default());
    let (_, calls) = millennium().start(&opening(&holder, &settings, &known), &Need::everything());
    for call in calls {
        assert_eq!(call.headers, [("accept".to_owned(), "application/fhir+json".to_owned())], "{}", call.target);
    }
}

#[test]
fn observations_come_by_50_and_200_at_most_and_reports_by_10_and_100_at_most() {
    let check = |page_size: Option<u32>, kind: Kind, expected: &str| {
        let settings = Settings { page_size, ..settings() };
        let (_, asked) = ask(&Need::of(&[kind]), &settings, &[], &Known::default(), &bare);
        assert!(only(&asked, kind.name()).iter().all(|target| target.contains(expected)), "{page_size:?}: {asked:?}");
    };
    check(None, Kind::OBSERVATION, "&_count=200");
    check(Some(500), Kind::OBSERVATION, "&_count=200");
    check(Some(30), Kind::OBSERVATION, "&_count=30");
    check(None, Kind::DIAGNOSTIC_REPORT, "&_count=100");
    check(Some(500), Kind::DIAGNOSTIC_REPORT, "&_count=100");
    let (_, asked) = ask(&Need::everything(), &Settings { page_size: Some(50), ..settings() }, &[], &Known::default(), &bare);
    for kind in ["AllergyIntolerance", "Condition", "Immunization", "Procedure", "Patient"] {
        assert!(only(&asked, kind).iter().all(|target| !target.contains("_count")), "{kind} takes none");
    }
}

/// Pages of 3, 1 and 2 where 2 were asked for.
fn paged(target: &str) -> Said {
    const NEXT: &str = "https://fhir.trust.example/r4/Observation?pageContext=35d9%2F5fe0-03bf==&direction=NEXT";
    let social = |id: &str| about("Observation", id, r#","category":[{"coding":[{"code":"social-history"}]}]"#);
    match target {
        t if t.starts_with("Observation?patient=") => page(&[social("1"), social("2"), social("3")], Some(NEXT)),
        NEXT => page(&[about("Observation", "4", "")], Some(&format!("{NEXT}&page=3"))),
        t if t == format!("{NEXT}&page=3") => bundle(&[about("Observation", "5", ""), about("Observation", "6", "")]),
        _ => bare(target),
    }
}

#[test]
fn the_first_page_may_pass_count_for_social_history_and_a_short_page_is_not_the_last() {
    let (told, asked) =
        ask(&Need::of(&[Kind::OBSERVATION]), &Settings { page_size: Some(2), ..settings() }, &[], &Known::default(), &paged);
    assert_eq!((status(&told, Kind::OBSERVATION), row(&told, Kind::OBSERVATION).counts.came), (Status::Ok, 6));
    assert_eq!(asked.iter().filter(|target| target.contains("Observation")).count(), 3);
}

#[test]
fn the_next_link_is_followed_verbatim() {
    let (_, asked) = of(&[Kind::OBSERVATION], &paged);
    let next: Vec<&String> = asked.iter().filter(|target| target.contains("pageContext")).collect();
    assert_eq!(next[0], "https://fhir.trust.example/r4/Observation?pageContext=35d9%2F5fe0-03bf==&direction=NEXT");
    assert!(!next[0].contains("_count") && !next[0].contains("_revinclude"), "nothing is added to it");
}

#[test]
fn more_than_1000_patients_are_refused_with_422() {
    let (told, asked) = of(&[Kind::CONDITION], &|target| match target {
        t if t.starts_with("Patient?") => Ok((422, outcome("too-costly"))),
        _ => bare(target),
    });
    assert_eq!(status(&told, Kind::CONDITION), Status::FailedHttp);
    assert!(only(&asked, "Condition").is_empty(), "nobody's data are asked for");
}

#[test]
fn an_appointment_needs_a_pair_of_dates_with_offset() {
    let (told, asked) = of(&[Kind::APPOINTMENT], &bare);
    assert_eq!(status(&told, Kind::APPOINTMENT), Status::OkEmpty);
    assert!(row(&told, Kind::APPOINTMENT).note.as_deref().unwrap().contains("what has no date is not found"), "and the row says so");
    let target = read(only(&asked, "Appointment")[0]);
    assert_eq!(
        target,
        "Appointment?patient=12724066&_count=100&-date-or-req-period=ge1900-01-01T00:00:00.000Z&-date-or-req-period=lt2100-01-01T00:00:00.000Z"
    );
    // On a page that fails, it is cut by dates; every part is a pair again, and together they are all time.
    let (_, asked) = of(&[Kind::APPOINTMENT], &|target| fails(target, "Appointment", &|_| true));
    assert_eq!(only(&asked, "Appointment").len(), 1 + 14, "a server that fails on every part is not asked on");
    for target in only(&asked, "Appointment") {
        let target = read(target);
        assert!(target.contains("period=ge") && target.contains("period=lt"), "{target}");
    }
}

/// A type whose searches fail whole where this says so.
fn fails(target: &str, kind: &str, which: &dyn Fn(&str) -> bool) -> Said {
    let own = target.starts_with(&format!("{kind}?"));
    if own && which(&read(target)) { Ok((500, LACKING.to_owned())) } else { bare(target) }
}

#[test]
fn prefixes_are_those_of_each_type() {
    // Most searches fail whole, so that every type is asked in every part it has: `ask` checks each target by its rules. One part
    // of each division comes, so that the others are asked on.
    let last =
        ["=health-concern", "=resolved", "=social-history", "=cancelled", "=unknown", "=encounter", "=health-unknown", "2100-", "2099-"];
    let (told, asked) = ask(&Need::everything(), &settings(), &[], &Known::default(), &|target| match target {
        t if t == "metadata" || t.starts_with("Patient?") => bare(target),
        t if last.iter().any(|part| t.contains(part)) && (t.contains("date=") || !t.contains("period=ge1900")) => bare(target),
        _ => Ok((500, LACKING.to_owned())),
    });
    let dated = |kind: &str, params: &[&str]| {
        let found =
            only(&asked, kind).into_iter().map(|target| read(target)).find(|target| params.iter().all(|param| target.contains(param)));
        assert!(found.is_some(), "{kind} {params:?}");
    };
    dated("Observation", &["category=laboratory", "&date=ge", "&date=lt"]);
    dated("Immunization", &["&date=ge", "&date=le"]);
    dated("DocumentReference", &["&date=ge", "&date=lt"]);
    dated("CarePlan", &["&date=ge", "&date=le", "category=assess-plan"]);
    dated("MedicationAdministration", &["status=completed", "&effective-time=ge", "&effective-time=lt"]);
    dated("Encounter", &["status=finished", "&date=ge", "&date=lt"]);
    assert_eq!((status(&told, Kind::GOAL), status(&told, Kind::OBSERVATION)), (Status::FailedHttp, Status::OkTruncated));
}

#[test]
fn timing_bounds_period_takes_ge_and_nothing_else() {
    let (told, asked) = of(&[Kind::MEDICATION_REQUEST], &|target| {
        fails(target, "MedicationRequest", &|target| !target.contains("status=") || target.contains("status=completed"))
    });
    let bounds: Vec<String> =
        only(&asked, "MedicationRequest").into_iter().map(|target| read(target)).filter(|target| target.contains("-timing")).collect();
    assert!(
        !bounds.is_empty()
            && bounds.iter().all(|target| target.matches("-timing-boundsPeriod=ge").count() == 1 && target.contains("status=completed"))
    );
    assert_eq!(status(&told, Kind::MEDICATION_REQUEST), Status::OkTruncated);
}

#[test]
fn last_updated_is_not_asked_by_since_it_finds_only_what_matters_clinically() {
    let need = Need { since: Some("2026-06-01T00:00:00Z".to_owned()), ..Need::of(&[Kind::MEDICATION_REQUEST, Kind::OBSERVATION]) };
    let (told, asked) = ask(&need, &settings(), &[], &Known::default(), &|target| match target {
        t if t.starts_with("Observation") => bundle(&[
            about("Observation", "old", r#","meta":{"lastUpdated":"2026-05-01T00:00:00Z"}"#),
            about("Observation", "new", r#","meta":{"lastUpdated":"2026-06-02T00:00:00Z"}"#),
        ]),
        _ => bare(target),
    });
    assert!(asked.iter().all(|target| !target.contains("_lastUpdated") && !target.contains("_since")), "{asked:?}");
    assert_eq!(ids(&told), ["Observation/trust-new"], "what is wider is filtered here");
    assert!(row(&told, Kind::OBSERVATION).note.as_deref().unwrap().contains("_lastUpdated"), "and the row says so");
}

#[test]
fn date_and_last_updated_exclude_each_other() {
    let need = Need { since: Some("2026-06-01".to_owned()), ..Need::everything() };
    let fail = |target: &str| match target {
        t if t == "metadata" || t.starts_with("Patient?") || t.contains("=laboratory") => bare(target),
        _ => Ok((500, LACKING.to_owned())),
    };
    let (_, asked) = ask(&need, &settings(), &[], &Known::default(), &fail);
    assert!(asked.iter().any(|target| target.contains("&date=")));
    assert!(asked.iter().all(|target| !(target.contains("date=") && target.contains("_lastUpdated"))));
}

#[test]
fn id_excludes_every_other_parameter() {
    // What is known by its id is read and not searched for, so the question does not arise.
    let (_, asked) = ask(&Need::everything(), &settings(), &["12724066"], &Known::default(), &|target| match target {
        "Patient/12724066" => Ok((200, PATIENT.to_owned())),
        t if t.starts_with("Condition") => bundle(&[about("Condition", "1", r#","recorder":{"reference":"Practitioner/7"}"#)]),
        _ => bare(target),
    });
    assert!(asked.contains(&"Practitioner/7".to_owned()));
    assert!(asked.iter().all(|target| !target.contains("_id=")), "{asked:?}");
}

#[test]
fn a_blood_pressure_is_found_by_its_panel_and_not_by_its_components() {
    let (told, asked) = of(&[Kind::OBSERVATION], &|target| match target {
        t if t.starts_with("Observation") => bundle(&[PRESSURE.to_owned()]),
        _ => bare(target),
    });
    assert!(asked.iter().all(|target| !target.contains("code=")), "components are not asked for by code");
    let root = told.chart.items[0].tree.root();
    assert!(root.all("code.coding.code").iter().any(|code| code.value().as_deref() == Some("85354-9")));
    assert_eq!(root.all("component.valueQuantity.value").len(), 2);
    assert!(root.get("valueQuantity").is_none());
}

#[test]
fn one_resource_that_lacks_something_fails_the_page_which_is_asked_for_in_parts() {
    let problem = about("Condition", "1", r#","category":[{"coding":[{"code":"problem-list-item"}]}]"#);
    let (told, asked) = of(&[Kind::CONDITION, Kind::GOAL], &|target| {
        let whole = |target: &str| !target.contains("category=") || target.contains("encounter-diagnosis");
        match target {
            t if t.starts_with("Condition") && !whole(&read(t)) && t.contains("problem-list-item") => {
                bundle(std::slice::from_ref(&problem))
            }
            _ => fails(target, "Condition", &whole),
        }
    });
    assert_eq!(ids(&told), ["Condition/trust-1"], "what can be had is had");
    let row_said = row(&told, Kind::CONDITION);
    assert_eq!(row_said.status, Some(Status::OkTruncated));
    let note = row_said.note.as_deref().unwrap();
    assert!(note.contains("HTTP 500, Condition.verificationStatus is missing in something"), "{note}");
    assert!(note.contains("on every part of category encounter-diagnosis: what it holds there is missing"), "{note}");
    let holes: Vec<&str> =
        told.chart.findings.iter().filter(|finding| finding.path == "Condition").map(|finding| finding.detail.as_str()).collect();
    assert!(holes.iter().any(|hole| hole.contains("asked in parts")) && holes.iter().any(|hole| hole.contains("is missing")), "{holes:?}");
    assert_eq!(status(&told, Kind::GOAL), Status::OkEmpty, "other types are not touched");
    assert_eq!(only(&asked, "Condition").len(), 1 + 3 + 3);
}

#[test]
fn a_part_that_fails_is_asked_for_by_dates_and_the_hole_has_its_dates() {
    let bad = |target: &str| {
        // What fails is a result of the spring of this year.
        let has = |prefix: &str| target.split("date=").find_map(|part| part.strip_prefix(prefix).map(|date| date[..10].to_owned()));
        let (from, until) = (has("ge").unwrap_or_default(), has("lt").unwrap_or("9999".to_owned()));
        let category = !target.contains("category=") || target.contains("laboratory");
        category && from.as_str() <= "2026-04-01" && until.as_str() > "2026-04-01"
    };
    let (told, asked) = of(&[Kind::OBSERVATION], &|target| match target {
        t if t.starts_with("Observation") && !bad(&read(t)) => bundle(&[about("Observation", &format!("{}", read(t).len()), "")]),
        _ => fails(target, "Observation", &bad),
    });
    assert_eq!(status(&told, Kind::OBSERVATION), Status::OkTruncated);
    assert!(row(&told, Kind::OBSERVATION).counts.came > 0);
    let note = row(&told, Kind::OBSERVATION).note.clone().unwrap();
    let hole = note.split("; ").find(|part| part.contains("what it holds there is missing")).unwrap();
    assert!(hole.contains("category laboratory, from 2026-0"), "{hole}");
    assert!(asked.len() < 40, "{}", asked.len());
}

#[test]
fn where_every_part_fails_the_row_fails() {
    let (told, _) = of(&[Kind::ALLERGY_INTOLERANCE], &|target| fails(target, "AllergyIntolerance", &|_| true));
    assert_eq!(status(&told, Kind::ALLERGY_INTOLERANCE), Status::FailedHttp);
    let (told, asked) = of(&[Kind::ALLERGY_INTOLERANCE], &|target| match target {
        t if t.starts_with("Allergy") => Ok((500, outcome("exception"))),
        _ => bare(target),
    });
    assert_eq!(status(&told, Kind::ALLERGY_INTOLERANCE), Status::FailedHttp);
    assert_eq!(only(&asked, "AllergyIntolerance").len(), 1, "a server that is down is not asked on");
}

#[test]
fn in_parts_the_order_of_replies_shows_nowhere() {
    let server = |target: &str| match target {
        t if t.starts_with("Encounter") && t.contains("status=finished") => {
            bundle(&[about("Encounter", "1", ""), about("Encounter", "2", "")])
        }
        t if t.starts_with("Encounter") && read(t).contains("lt2100") => bundle(&[about("Encounter", "3", "")]),
        _ => fails(target, "Encounter", &|target| !target.contains("status=") || target.contains("status=planned")),
    };
    let told = |pick: &mut dyn FnMut(usize) -> usize| {
        let (holder, settings, known) = (holder(&[]), settings(), Known::default());
        let told = crank(millennium().start(&opening(&holder, &settings, &known), &Need::of(&[Kind::ENCOUNTER])), &server, pick).0;
        let row = row(&told, Kind::ENCOUNTER);
        format!("{:?} {:?} {:?} {:?}", ids(&told), row.status, row.note, told.chart.findings)
    };
    let first = told(&mut |_| 0);
    assert_eq!(first, told(&mut |len| len - 1));
    assert_eq!(first, told(&mut |len| len / 2));
}

#[test]
fn a_combined_patient_is_read_by_id_and_the_one_in_its_place_is_asked_about() {
    let server = |target: &str| match target {
        "Patient/12742633" => Ok((200, COMBINED.to_owned())),
        "Patient/12724066" => Ok((200, PATIENT.to_owned())),
        t if t.starts_with("Patient?") => panic!("{t}: combined entries are found by no search"),
        t if t.starts_with("Condition?patient=12724066") => {
            bundle(&[r#"{"resourceType":"Condition","id":"1","subject":{"reference":"Patient/12724066"}}"#.to_owned()])
        }
        _ => bare(target),
    };
    let (told, asked) = ask(&Need::of(&[Kind::CONDITION]), &settings(), &["12742633"], &Known::default(), &server);
    assert_eq!(ids(&told), ["Condition/trust-1"]);
    assert_eq!((status(&told, Kind::PATIENT), status(&told, Kind::CONDITION)), (Status::Ok, Status::Ok));
    assert!(asked.iter().any(|target| target.starts_with("Condition?patient=12724066")));
    let combined = told.chart.patients.iter().find(|item| item.id == "trust-12742633").unwrap();
    assert!(combined.tree.root().is("active", "false"));
    assert!(combined.tree.root().is("link.other.reference", "Patient/trust-12724066"));
    assert_eq!(combined.tree.root().all("name.extension.valueCode").len(), 1, "why there is no name is carried");

    // The one in its place cannot be read: that is not "nothing".
    let (told, _) = ask(&Need::of(&[Kind::CONDITION]), &settings(), &["12742633"], &Known::default(), &|target| match target {
        "Patient/12724066" => Err(Failure::Timeout),
        t if t.starts_with("Patient?") => Err(Failure::Timeout),
        _ => server(target),
    });
    assert_eq!((status(&told, Kind::PATIENT), status(&told, Kind::CONDITION)), (Status::FailedTimeout, Status::FailedTimeout));
    // Two that name each other: they are looked up again by number.
    let (told, asked) = ask(&Need::of(&[Kind::CONDITION]), &settings(), &["12742633"], &Known::default(), &|target| match target {
        "Patient/12724066" => Ok((200, COMBINED.replace("12724066", "12742633").replacen("12742633", "12724066", 1))),
        t if t.starts_with("Patient?") => bundle(&[PATIENT.replace("12724066", "5")]),
        _ => bare(target),
    });
    assert!(asked.iter().any(|target| target.starts_with("Condition?patient=5")), "{asked:?}");
    assert_eq!(status(&told, Kind::CONDITION), Status::OkEmpty);
}

#[test]
fn a_medication_is_contained_in_its_request() {
    let (told, asked) = of(&[Kind::MEDICATION_REQUEST], &|target| match target {
        t if t.starts_with("MedicationRequest") => bundle(&[MEDICINE.to_owned()]),
        _ => bare(target),
    });
    let root = told.chart.items[0].tree.root();
    assert!(root.is("medicationReference.reference", "#med"));
    assert!(root.is("contained.resourceType", "Medication"));
    assert!(asked.iter().all(|target| !target.starts_with("Medication/")), "nothing is to be fetched");
    assert!(told.chart.items[0].findings.iter().all(|finding| finding.code.code() != "unresolved-reference"));
}

#[test]
fn there_is_no_medication_statement_which_is_not_none() {
    for statement in [Err(Failure::Refused), capability(false, &["MedicationRequest", "Condition"])] {
        let (told, asked) = of(&[Kind::MEDICATION_STATEMENT, Kind::MEDICATION_REQUEST], &|target| match target {
            "metadata" => statement.clone(),
            _ => bare(target),
        });
        assert_eq!(status(&told, Kind::MEDICATION_STATEMENT), Status::Unsupported);
        assert_eq!(status(&told, Kind::MEDICATION_REQUEST), Status::OkEmpty);
        assert!(only(&asked, "MedicationStatement").is_empty());
    }
    // A release that lists a type that is not in the rules is asked for it.
    let (told, asked) = of(&[Kind::FLAG], &|target| match target {
        "metadata" => capability(false, &["Flag"]),
        _ => bare(target),
    });
    assert_eq!((status(&told, Kind::FLAG), only(&asked, "Flag").len()), (Status::OkEmpty, 1));
}

#[test]
fn problem_list_items_encounter_diagnoses_and_health_concerns_stay_apart() {
    let (told, _) = of(&[Kind::CONDITION], &|target| match target {
        t if t.starts_with("Condition") => Ok((200, PROBLEMS.to_owned())),
        _ => bare(target),
    });
    let categories: Vec<String> =
        told.chart.items.iter().map(|item| item.tree.root().text("category.coding.code").unwrap().into_owned()).collect();
    assert_eq!(ids(&told).len(), 3);
    assert_eq!(categories, ["encounter-diagnosis", "health-concern", "problem-list-item"], "each keeps its own");
}

#[test]
fn codes_of_a_tenants_own_are_kept_and_mean_something_there_only() {
    let of_tenant = |tenant: &str| {
        let told = of(&[Kind::CONDITION], &|target| match target {
            t if t.starts_with("Condition") => Ok((200, PROBLEMS.replace("tenant-a", tenant))),
            _ => bare(target),
        });
        let codings = told.0.chart.items.iter().flat_map(|item| item.tree.root().all("code.coding")).collect::<Vec<_>>();
        let own = codings.iter().find(|coding| coding.text("system").is_some_and(|system| system.contains("codeSet"))).unwrap();
        assert!(own.is("userSelected", "true"));
        (own.text("system").unwrap().into_owned(), own.text("code").unwrap().into_owned())
    };
    let (a, b) = (of_tenant("tenant-a"), of_tenant("tenant-b"));
    assert_eq!(a.0, "https://fhir.emea.cerner.com/tenant-a/codeSet/4002165", "kept as it came");
    assert_eq!(a.1, b.1, "one number");
    assert_ne!(a.0, b.0, "two codes");
}

#[test]
fn the_reason_why_something_is_absent_is_carried() {
    let check = |reason: &str| {
        let condition = about(
            "Condition",
            "1",
            &format!(
                r#","code":{{"coding":[{{"extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"{reason}"}}]}}],"text":"Auth (Verified)"}}"#
            ),
        );
        let (told, _) = of(&[Kind::CONDITION], &|target| match target {
            t if t.starts_with("Condition") => bundle(std::slice::from_ref(&condition)),
            _ => bare(target),
        });
        assert!(told.chart.items[0].tree.root().is("code.coding.extension.valueCode", reason));
        assert!(told.chart.items[0].tree.root().is("code.text", "Auth (Verified)"));
    };
    check("unknown");
    check("masked");
}

#[test]
fn the_nhs_number_stands_under_a_system_of_the_tenants_own() {
    let told_with = |alias: &str, system: &str| {
        let settings = Settings { nhs_number_systems: vec![alias.to_owned()], ..settings() };
        let server = |target: &str| match read(target) {
            t if t == format!("Patient?identifier={system}|{NUMBER}") => {
                bundle(&[PATIENT.replace("urn:oid:2.16.840.1.113883.2.1.4.1", system)])
            }
            t if t.starts_with("Patient?") => bundle(&[]),
            _ => bare(target),
        };
        ask(&Need::of(&[Kind::CONDITION]), &settings, &[], &Known::default(), &server)
    };
    // The OID is asked by without being configured; another is, once it is.
    for system in ["urn:oid:2.16.840.1.113883.2.1.4.1", "https://uhb.example/nhs"] {
        let (told, asked) = told_with("https://uhb.example/nhs", system);
        assert_eq!(status(&told, Kind::CONDITION), Status::OkEmpty, "{asked:?}");
        let systems = told.chart.patients[0].tree.root().all("identifier.system");
        assert!(
            systems.iter().any(|system| system.value().as_deref() == Some("https://fhir.nhs.uk/Id/nhs-number")),
            "spelt as it should be"
        );
        assert_eq!(only(&asked, "Patient").len(), 3);
        assert!(asked.iter().all(|target| !target.starts_with("Patient?") || target.contains("%7C")), "never by a bare value");
    }
    let (told, _) = told_with("https://uhb.example/nhs", "https://somewhere.example/else");
    assert_eq!(status(&told, Kind::CONDITION), Status::OkEmpty);
    assert!(told.chart.patients.is_empty());
}

#[test]
fn data_may_be_filtered_silently_so_an_empty_answer_is_not_none() {
    let (told, _) = of(&[Kind::ALLERGY_INTOLERANCE], &bare);
    assert_eq!(status(&told, Kind::ALLERGY_INTOLERANCE), Status::OkEmpty);
    assert!(row(&told, Kind::ALLERGY_INTOLERANCE).note.as_deref().unwrap().contains("without saying so"));
    assert!(told.chart.items.is_empty(), "nothing is made up that says there are none");
}

#[test]
fn not_asked_is_not_none() {
    let (told, asked) = of(&[Kind::CONDITION], &bare);
    assert!(only(&asked, "AllergyIntolerance").is_empty());
    assert!(told.chart.rows.iter().all(|row| row.kind != Kind::ALLERGY_INTOLERANCE), "what was not asked has no row that says it is empty");
}

#[test]
fn the_newer_platform_leaves_out_what_lacks_something_and_says_so_among_the_data() {
    let (told, asked) = of(&[Kind::CONDITION, Kind::GOAL], &|target| match target {
        t if t.starts_with("Condition") => Ok((200, OMITTED.to_owned())),
        _ => bare(target),
    });
    assert_eq!(ids(&told), ["Condition/trust-1"]);
    assert_eq!(status(&told, Kind::CONDITION), Status::OkTruncated, "something was left out");
    assert!(told.chart.findings.iter().any(|finding| finding.code.code() == "source-warning"));
    assert_eq!(status(&told, Kind::GOAL), Status::OkEmpty);
    assert_eq!(only(&asked, "Condition").len(), 1);
    // Its pages are of 50, and of 1000 at most: whatever is asked for here is less than that, and its pages are followed as they come.
    let (_, asked) = ask(&Need::everything(), &Settings { page_size: Some(5_000), ..settings() }, &[], &Known::default(), &bare);
    let counts = asked.iter().filter_map(|target| target.split("_count=").nth(1)?.split('&').next()?.parse::<u32>().ok());
    assert!(counts.max().unwrap() <= 1_000);
}

#[test]
fn provenance_comes_once_along_with_what_it_is_about() {
    let came = |server: &dyn Fn(&str) -> Said, kinds: &[Kind]| ask(&Need::of(kinds), &settings(), &[], &Known::default(), server);
    let along = |target: &str| match target {
        t if t.starts_with("Condition") && t.contains("_revinclude=Provenance:target") => bundle(&[
            about("Condition", "1", ""),
            r#"{"resourceType":"Provenance","id":"p1","target":[{"reference":"Condition/1"}],"recorded":"2026-01-01T00:00:00Z"}"#
                .to_owned(),
        ]),
        _ => bare(target),
    };
    let (told, asked) = came(&along, &[Kind::CONDITION, Kind::PROVENANCE]);
    assert_eq!(ids(&told), ["Condition/trust-1", "Provenance/trust-p1"]);
    assert_eq!((status(&told, Kind::CONDITION), status(&told, Kind::PROVENANCE)), (Status::Ok, Status::Ok));
    assert!(only(&asked, "Provenance").is_empty(), "it cannot be searched for by patient");
    assert!(asked.iter().all(|target| target.matches("_revinclude").count() <= 1));
    let (_, asked) = came(&along, &[Kind::CONDITION]);
    assert!(asked.iter().all(|target| !target.contains("_revinclude")), "nobody wants it");
}

#[test]
fn provenance_needs_a_scope_and_without_it_the_rest_still_comes() {
    let server = |target: &str| match target {
        t if t.contains("_revinclude") => Ok((403, "Insufficient scope".to_owned())),
        t if t.starts_with("Condition") => bundle(&[about("Condition", "1", "")]),
        _ => bare(target),
    };
    let kinds = [Kind::CONDITION, Kind::GOAL, Kind::PROVENANCE];
    let (told, asked) = ask(&Need::of(&kinds), &settings(), &[], &Known::default(), &server);
    assert_eq!(ids(&told), ["Condition/trust-1"]);
    assert_eq!((status(&told, Kind::CONDITION), status(&told, Kind::PROVENANCE)), (Status::Ok, Status::Unsupported));
    assert!(row(&told, Kind::PROVENANCE).note.as_deref().unwrap().contains("scope"));
    assert!(asked.iter().any(|target| target.contains("_revinclude")));
    // Learnt: the next person is not asked for in vain.
    let (told, asked) = ask(&Need::of(&kinds), &settings(), &[], &told.learnt, &server);
    assert!(asked.iter().all(|target| !target.contains("_revinclude")));
    assert_eq!(status(&told, Kind::PROVENANCE), Status::Unsupported);
    // A token that opens nothing teaches nothing about scopes.
    let (told, _) = ask(&Need::of(&kinds), &settings(), &[], &Known::default(), &|target| match target {
        "metadata" => bare(target),
        t if t.starts_with("Patient?") => bare(target),
        _ => Ok((401, String::new())),
    });
    assert_eq!(status(&told, Kind::CONDITION), Status::FailedAuth);
    let (_, asked) = ask(&Need::of(&kinds), &settings(), &[], &told.learnt, &server);
    assert!(asked.iter().any(|target| target.contains("_revinclude")));
}

#[test]
fn each_type_needs_a_scope_of_its_own() {
    let (told, _) = of(&[Kind::CONDITION, Kind::PROCEDURE], &|target| match target {
        t if t.starts_with("Procedure") => Ok((403, "Insufficient scope".to_owned())),
        _ => bare(target),
    });
    assert_eq!((status(&told, Kind::CONDITION), status(&told, Kind::PROCEDURE)), (Status::OkEmpty, Status::FailedAuth));
}
