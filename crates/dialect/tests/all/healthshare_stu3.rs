//! The STU3 endpoint of a HealthShare.

use dialect::{Dialect, Known, Told};
use fhir::Kind;
use record::{Need, Status};

use crate::server::*;

const BEFORE: &str = include_str!("../../../../fixtures/healthshare-stu3/before-rebuild/said.json");
const AFTER: &str = include_str!("../../../../fixtures/healthshare-stu3/after-rebuild/said.json");
const IN_R4: &str = include_str!("../../../../fixtures/healthshare/before-rebuild/said.json");

fn read(dialect: &str, said: &str, need: &Need) -> (Told, Vec<String>) {
    let (dialect, holder, settings, known): (Dialect, _, _, _) = (dialect.parse().unwrap(), holder(&[]), settings(), Known::default());
    let patient_id = if said == AFTER { "81001" } else { "1001" };
    crank(
        dialect.start(&opening(&holder, &settings, &known), need),
        &|target| match target {
            "metadata" => Err(record::Failure::Refused),
            t if t.starts_with("Patient?identifier=") => bundle(&[patient(patient_id)]),
            t if t.starts_with(&format!("Patient/{patient_id}/$everything")) => Ok((200, said.to_owned())),
            _ => Ok((404, outcome("not-found"))),
        },
        &mut |_| 0,
    )
}

#[test]
fn it_is_told_in_r4_and_a_rebuild_changes_no_id() {
    let ((before, _), (after, _)) =
        (read("healthshare-stu3", BEFORE, &Need::everything()), read("healthshare-stu3", AFTER, &Need::everything()));
    assert_eq!((ids(&before).len(), ids(&before)), (4, ids(&after)));
    let of = |told: &Told, kind: Kind| told.chart.items.iter().find(|item| item.kind == kind).unwrap().tree.clone();
    assert_eq!(of(&before, Kind::CONDITION).root().text("clinicalStatus.coding.code").as_deref(), Some("active"));
    let encounter = before.chart.items.iter().find(|item| item.kind == Kind::ENCOUNTER).unwrap().id.clone();
    for kind in [Kind::CONDITION, Kind::OBSERVATION, Kind::SERVICE_REQUEST] {
        assert_eq!(of(&before, kind).root().text("encounter.reference").as_deref(), Some(format!("Encounter/{encounter}").as_str()));
    }
}

#[test]
fn a_thing_has_one_id_by_whichever_endpoint_it_is_read() {
    let ((stu3, _), (r4, _)) = (read("healthshare-stu3", BEFORE, &Need::everything()), read("healthshare", IN_R4, &Need::everything()));
    let of = |told: &Told, kind: Kind, code: &str| {
        let is = |item: &&record::Item| item.kind == kind && item.tree.to_json().contains(code);
        told.chart.items.iter().find(is).map(|item| item.id.clone()).unwrap()
    };
    for (kind, code) in [(Kind::CONDITION, "Asthma"), (Kind::OBSERVATION, "2823-3")] {
        assert_eq!(of(&stu3, kind, code), of(&r4, kind, code), "{kind}");
    }
    assert_eq!(stu3.chart.patients[0].id, r4.chart.patients[0].id);
}

#[test]
fn few_types_are_read_with_all_that_they_lead_to() {
    let (told, asked) = read("healthshare-stu3", BEFORE, &Need::of(&[Kind::CONDITION]));
    assert_eq!((ids(&told).len(), status(&told, Kind::CONDITION)), (1, Status::Ok));
    assert!(asked.iter().any(|target| target.contains("$everything")) && asked.iter().all(|target| !target.starts_with("Condition")));
}
