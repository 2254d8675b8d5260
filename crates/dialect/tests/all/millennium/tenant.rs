//! What Millennium's documentation says of tenants and their versions, of Patients by pages, and of requests for medicines by change.

use dialect::{Dialect, Known, Settings};
use fhir::Kind;
use record::{Need, Status};

use super::{PATIENT, ask, bare, of, only};
use crate::server::*;

#[test]
fn patients_come_by_20_and_every_page_is_read() {
    const NEXT: &str = "https://fhir.trust.example/r4/Patient?pageContext=7&direction=NEXT";
    let others: Vec<String> = (0..20).map(|n| format!(r#"{{"resourceType":"Patient","id":"{n}","birthDate":"1950-01-01"}}"#)).collect();
    let (told, asked) = of(&[Kind::CONDITION], &|target| match target {
        t if t.starts_with("Patient?identifier=urn") => page(&others, Some(NEXT)),
        t if t.starts_with("Patient?identifier=") => bundle(&[]),
        NEXT => bundle(&[PATIENT.to_owned()]),
        t if t.starts_with("Condition") => bundle(&[about("Condition", "1", "").replace("Patient/p", "Patient/12724066")]),
        _ => bare(target),
    });
    assert!(asked.contains(&NEXT.to_owned()));
    assert_eq!((status(&told, Kind::CONDITION), ids(&told)), (Status::Ok, vec!["Condition/trust-1".to_owned()]));
    assert_eq!(only(&asked, "Condition").len(), 1, "nobody else's data are asked for: {asked:?}");
}

#[test]
fn requests_for_medicines_by_change_need_a_time_so_no_day_is_ever_sent() {
    for since in ["2026-06-01", "2026-06-01T00:00:00Z"] {
        let need = Need { since: Some(since.to_owned()), ..Need::of(&[Kind::MEDICATION_REQUEST]) };
        let (_, asked) = ask(&need, &settings(), &[], &Known::default(), &bare);
        assert!(!only(&asked, "MedicationRequest").is_empty());
        assert!(asked.iter().all(|target| !target.contains("_lastUpdated")), "{asked:?}");
    }
}

#[test]
fn a_tenant_has_a_base_of_its_own_and_what_lies_at_another_is_not_its() {
    const TENANT: &str = "https://fhir.emea.cerner.com/r4/0f3a4c52-6b1e-4d0e-9c57-2f6a1f0e7b11";
    let settings = Settings { source_base: TENANT.parse().unwrap(), ..settings() };
    let at = |base: &str, id: &str| about("Condition", id, "").replace("Patient/p", &format!("{base}/Patient/12724066"));
    let (told, _) = ask(&Need::of(&[Kind::CONDITION]), &settings, &[], &Known::default(), &|target| match target {
        t if t.starts_with("Condition") => {
            bundle(&[at(TENANT, "1"), at("https://fhir.emea.cerner.com/r4/ec2458f2-1e24-41c8-b71b-0e701af7583d", "2")])
        }
        _ => bare(target),
    });
    let subject = |id: &str| {
        let item = told.chart.items.iter().find(|item| item.id == id).unwrap_or_else(|| panic!("{:?}", ids(&told)));
        item.traits.subjects.clone()
    };
    assert_eq!(subject("trust-1"), ["trust-12724066"]);
    assert!(!subject("trust-2").contains(&"trust-12724066".to_owned()), "another tenant's Patient of the same id is somebody else");
}

#[test]
fn it_speaks_r4_and_where_only_dstu2_is_open_the_plain_dialect_of_that_version() {
    let version = |name: &str| name.parse::<Dialect>().unwrap().version();
    assert_eq!((version("millennium"), version("fhir-dstu2")), (fhir::Version::R4, fhir::Version::Dstu2));
}
