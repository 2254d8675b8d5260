//! What a chart ties its person to, and by whose word.

use access::TieKind;
use fhir::Tree;
use record::{Origin, Row, Traits};

use super::*;
use crate::Locate;

const NOW: Timestamp = Timestamp::constant(1_795_424_400, 0); // 2026-11-23T09:00:00Z
const ODS: &str = "https://fhir.nhs.uk/Id/ods-organization-code";

fn source(organisation: &str, vouches_for: &[&str]) -> SourceEntry {
    let dialect = "fhir-r4".parse().unwrap();
    SourceEntry {
        id: "a".parse().unwrap(),
        name: "A".to_owned(),
        organisation: organisation.parse().unwrap(),
        dialect,
        settings: dialect::Settings::new("http://a.example".parse().unwrap(), "http://severn.test"),
        locate: Locate::Always,
        compare: false,
        trust: identity::Trust::Verified,
        vouches_for: vouches_for.iter().map(|code| code.parse().unwrap()).collect(),
        exchange: None,
    }
}

fn item(kind: Kind, id: &str, json: &str) -> Item {
    Item {
        kind,
        id: id.to_owned(),
        origin: Origin { source: "a".parse().unwrap(), kind: kind.name().into(), id: None },
        tree: Tree::from_json(json.to_owned().into()).unwrap(),
        findings: Vec::new(),
        traits: Traits::default(),
    }
}

fn chart(items: Vec<Item>, status: Status) -> Chart {
    let kinds = [Kind::APPOINTMENT, Kind::CARE_TEAM, Kind::ENCOUNTER, Kind::EPISODE_OF_CARE, Kind::SERVICE_REQUEST];
    let source: SourceId = "a".parse().unwrap();
    let rows = kinds.into_iter().map(|kind| Row { status: Some(status), ..Row::new(source.clone(), kind) }).collect();
    let (patients, quarantined, findings) = Default::default();
    Chart { source, version: fhir::Version::R4, patients, items, quarantined, rows, about_one_patient: false, findings }
}

/// `kind organisation from until`, in days from now, of what one resource ties to.
fn ties(source: &SourceEntry, kind: Kind, json: &str) -> Vec<String> {
    let organisation = format!(r#"{{"identifier":[{{"system":"{ODS}","value":"RRK"}}]}}"#);
    let items = vec![
        item(kind, "it", json),
        item(Kind::ORGANIZATION, "own", &organisation),
        item(Kind::ORGANIZATION, "RRK", "{}"),
        item(Kind::LOCATION, "ward", r#"{"managingOrganization":{"reference":"Organization/own"}}"#),
        item(Kind::PRACTITIONER_ROLE, "role", r#"{"organization":{"reference":"Organization/own"}}"#),
    ];
    let said = said(source, &chart(items, Status::Ok), &Need::everything(), &RelationshipSettings::default(), NOW);
    let days = |at: Timestamp| at.duration_since(NOW).as_hours().div_euclid(24);
    let told = |tie: &Tie| format!("{} {} {} {}", tie.kind.name(), tie.organisation, days(tie.from), days(tie.until));
    said.iter().flat_map(|said| said.ties.iter().map(told)).collect()
}

#[test]
fn each_kind_of_resource_ties_for_its_own_time() {
    let check = |kind: Kind, json: &str, expected: &[&str]| assert_eq!(ties(&source("RRK", &[]), kind, json), expected, "{json}");
    let own = r#""serviceProvider":{"reference":"Organization/own"}"#;
    let coded = format!(r#""managingOrganization":{{"identifier":{{"system":"{ODS}","value":"RRK"}}}}"#);
    let began = r#""period":{"start":"2026-11-22T09:00:00Z"}"#;
    for open in ["arrived", "triaged", "in-progress", "onleave"] {
        check(Kind::ENCOUNTER, &format!(r#"{{"status":"{open}",{began},{own}}}"#), &["open-episode RRK -1 30"]);
    }
    for over in ["planned", "finished", "cancelled", "entered-in-error", "unknown", ""] {
        check(Kind::ENCOUNTER, &format!(r#"{{"status":"{over}",{began},{own}}}"#), &[]);
    }
    // Never ended, or never begun: a mistake, and no ground.
    check(Kind::ENCOUNTER, &format!(r#"{{"status":"in-progress","period":{{"start":"2019-01-01"}},{own}}}"#), &[]);
    check(Kind::ENCOUNTER, &format!(r#"{{"status":"in-progress",{own}}}"#), &[]);
    // What says when it ends speaks no longer.
    let ends = r#""period":{"start":"2026-11-22T09:00:00Z","end":"2026-11-25T09:00:00Z"}"#;
    check(Kind::ENCOUNTER, &format!(r#"{{"status":"in-progress",{ends},{own}}}"#), &["open-episode RRK -1 2"]);
    check(Kind::EPISODE_OF_CARE, &format!(r#"{{"status":"active",{began},{coded}}}"#), &["open-episode RRK -1 30"]);
    check(Kind::EPISODE_OF_CARE, &format!(r#"{{"status":"finished",{began},{coded}}}"#), &[]);
    check(Kind::CARE_TEAM, r#"{"status":"active","managingOrganization":[{"reference":"Organization/own"}]}"#, &["care-team RRK 0 90"]);
    check(Kind::CARE_TEAM, r#"{"status":"inactive","managingOrganization":[{"reference":"Organization/own"}]}"#, &[]);
    check(
        Kind::CARE_TEAM,
        r#"{"status":"active","participant":[{"member":{"reference":"PractitionerRole/role"}}]}"#,
        &["care-team RRK 0 90"],
    );
    let at_ward = r#""participant":[{"actor":{"reference":"Patient/p"}},{"actor":{"reference":"Location/ward"}}]"#;
    check(Kind::APPOINTMENT, &format!(r#"{{"status":"booked","start":"2026-12-03T09:00:00Z",{at_ward}}}"#), &["appointment RRK -80 100"]);
    for not in ["cancelled", "noshow", "proposed", "waitlist", "entered-in-error"] {
        check(Kind::APPOINTMENT, &format!(r#"{{"status":"{not}","start":"2026-12-03T09:00:00Z",{at_ward}}}"#), &[]);
    }
    let to = r#""authoredOn":"2026-11-13T09:00:00Z","performer":[{"reference":"Organization/own"}]"#;
    check(Kind::SERVICE_REQUEST, &format!(r#"{{"status":"active","intent":"order",{to}}}"#), &["referral RRK -10 170"]);
    check(Kind::SERVICE_REQUEST, &format!(r#"{{"status":"revoked","intent":"order",{to}}}"#), &[]);
    check(Kind::SERVICE_REQUEST, &format!(r#"{{"status":"active","intent":"proposal",{to}}}"#), &[]);
}

#[test]
fn no_source_opens_a_record_to_an_organisation_by_naming_it() {
    let json = r#"{"status":"in-progress","period":{"start":"2026-11-22"},"serviceProvider":{"reference":"Organization/own"}}"#;
    assert_eq!(ties(&source("RRK", &[]), Kind::ENCOUNTER, json).len(), 1);
    assert_eq!(ties(&source("QWU", &["RXK", "RRK"]), Kind::ENCOUNTER, json).len(), 1);
    assert_eq!(ties(&source("QWU", &[]), Kind::ENCOUNTER, json).len(), 0);
    // Codes are compared whole.
    for other in ["RRK1", "RR", "RK", "ARRK", "RXK"] {
        assert_eq!(ties(&source(other, &[]), Kind::ENCOUNTER, json).len(), 0, "{other}");
        assert_eq!(ties(&source("QWU", &[other]), Kind::ENCOUNTER, json).len(), 0, "{other}");
    }
    // An id is no code, nor is a code of another system.
    let by_id = json.replace("Organization/own", "Organization/RRK");
    assert_eq!(ties(&source("RRK", &[]), Kind::ENCOUNTER, &by_id).len(), 0);
    let elsewhere = json.replace(r#"{"reference":"Organization/own"}"#, r#"{"identifier":{"system":"urn:x","value":"RRK"}}"#);
    assert_eq!(ties(&source("RRK", &[]), Kind::ENCOUNTER, &elsewhere).len(), 0);
}

#[test]
fn only_a_whole_answer_says_that_a_tie_is_over() {
    let told = |status: Status, need: &Need| {
        let said = said(&source("RRK", &[]), &chart(Vec::new(), status), need, &RelationshipSettings::default(), NOW);
        said.iter().filter(|said| said.whole).count()
    };
    let everything = Need::everything();
    assert_eq!((told(Status::Ok, &everything), told(Status::OkEmpty, &everything)), (4, 4));
    assert_eq!(told(Status::OkTruncated, &everything), 0);
    assert_eq!(told(Status::FailedTimeout, &everything), 0);
    assert_eq!(told(Status::Withheld, &everything), 0);
    assert_eq!(told(Status::Ok, &Need { by_id: true, ..Need::everything() }), 0);
    assert_eq!(told(Status::Ok, &Need { since: Some("2026-01-01T00:00:00Z".to_owned()), ..Need::everything() }), 0);
}

#[test]
fn what_is_over_is_forgotten_and_the_latest_stand() {
    let tie = |from: i64, until: i64| Tie {
        kind: TieKind::Appointment,
        organisation: "RRK".parse().unwrap(),
        from: NOW + SignedDuration::from_hours(from),
        until: NOW + SignedDuration::from_hours(until),
    };
    assert_eq!(told_once(vec![tie(2, 9), tie(-5, 0), tie(1, 3), tie(2, 8)], NOW), [tie(1, 3), tie(2, 9)]);
    let many = told_once((0..99).map(|hour| tie(hour, hour + 1)).collect(), NOW);
    assert_eq!((many.len(), &many[0]), (TIES_MAX, &tie(49, 50)));
}
