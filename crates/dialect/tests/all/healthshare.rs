//! HealthShare: ids that change when it is built again, authorities that give identifiers out, pages behind opaque links.

use std::collections::BTreeMap;

use dialect::{Dialect, Known, Told};
use fhir::Kind;
use record::{Failure, Need, Status};

use crate::server::*;

const BEFORE: &str = include_str!("../../../../fixtures/healthshare/before-rebuild/said.json");
const AFTER: &str = include_str!("../../../../fixtures/healthshare/after-rebuild/said.json");

fn ask(need: &Need, local_ids: &[&str], server: &dyn Fn(&str) -> Said) -> (Told, Vec<String>) {
    let (dialect, holder, settings, known): (Dialect, _, _, _) =
        ("healthshare".parse().unwrap(), holder(local_ids), settings(), Known::default());
    crank(dialect.start(&opening(&holder, &settings, &known), need), server, &mut |_| 0)
}

/// A repository in which the patient has this id.
fn repository(patient_id: &str, said: &str, target: &str) -> Said {
    match target {
        "metadata" => {
            capability(true, &["Condition", "Observation", "DiagnosticReport", "Encounter", "Flag", "MedicationStatement", "Procedure"])
        }
        t if t.starts_with("Patient?identifier=") => bundle(&[patient(patient_id)]),
        t if t.starts_with(&format!("Patient/{patient_id}/$everything")) => Ok((200, said.to_owned())),
        t if t == format!("Patient/{patient_id}") => Ok((200, patient(patient_id))),
        _ => Ok((404, outcome("not-found"))),
    }
}

/// What each thing is called, by what it says.
fn named(told: &Told) -> BTreeMap<String, String> {
    let words = |item: &record::Item| {
        let root = item.tree.root();
        let said =
            ["code.text", "name.text", "medicationCodeableConcept.text"].into_iter().find_map(|path| Some(root.text(path)?.into_owned()));
        said.or_else(|| Some(root.all("code.coding.code").first()?.value()?.into_owned())).unwrap_or_default()
    };
    let items = told.chart.items.iter().chain(&told.chart.patients);
    items.map(|item| (format!("{} {}", item.kind, words(item)), item.id.clone())).collect()
}

#[test]
fn what_is_built_again_under_other_ids_is_the_same_thing() {
    let (before, _) = ask(&Need::everything(), &[], &|target| repository("1001", BEFORE, target));
    let (after, _) = ask(&Need::everything(), &[], &|target| repository("81001", AFTER, target));
    let (was, is) = (named(&before), named(&after));
    assert_eq!(was.len(), 10, "{was:#?}");
    let same = |what: &str| assert_eq!(was[what], is[what], "{what}");
    for what in
        ["Condition Asthma", "DiagnosticReport Kidney function", "Observation 2823-3", "Observation 2951-2", "Practitioner Dr Anita Rao"]
    {
        same(what);
    }
    assert_ne!(was["Observation 2823-3"], was["Observation 2951-2"], "one filler's number, two results");
    // What has no identifier of its own is known by the source's id only.
    for (what, id) in [
        ("Flag Lives alone", "trust-5001"),
        ("MedicationStatement Ramipril 5mg capsules", "trust-6001"),
        ("Procedure Hip replacement", "trust-7001"),
        ("Procedure Cementing of hip prosthesis", "trust-7002"),
    ] {
        assert_eq!((was[what].as_str(), is[what].as_str()), (id, format!("trust-8{}", &id[6..]).as_str()), "{what}");
    }
    // The source's own id is kept, to ask it by.
    let origin = |told: &Told| told.chart.items.iter().find(|item| item.kind == Kind::CONDITION).unwrap().origin.id.clone();
    assert_eq!((origin(&before).as_deref(), origin(&after).as_deref()), (Some("2001"), Some("82001")));
}

#[test]
fn references_lead_to_where_things_are_now_called() {
    let (told, _) = ask(&Need::everything(), &[], &|target| repository("1001", BEFORE, target));
    let names = named(&told);
    let called: Vec<String> =
        told.chart.items.iter().chain(&told.chart.patients).map(|item| format!("{}/{}", item.kind, item.id)).collect();
    for item in &told.chart.items {
        let root = item.tree.root();
        assert!(root.is("id", &item.id));
        for path in ["subject.reference", "recorder.reference", "result.reference"] {
            for reference in root.all(path) {
                let reference = reference.value().unwrap();
                assert!(called.contains(&reference.clone().into_owned()), "{} {path} {reference}", item.kind);
            }
        }
        if item.kind != Kind::PRACTITIONER {
            assert_eq!(item.traits.subjects.len(), 1, "{}", item.kind);
            assert!(told.chart.patients.iter().any(|patient| patient.id == item.traits.subjects[0]), "{}", item.kind);
        }
    }
    let report = told.attachments.iter().find(|one| one.source_id == "9001").unwrap();
    assert_eq!(report.of, (Kind::DIAGNOSTIC_REPORT, names["DiagnosticReport Kidney function"].clone()));
    let mut sorted = told.chart.items.iter().map(|item| item.id.clone()).collect::<Vec<_>>();
    sorted.sort();
    assert_eq!(sorted, told.chart.items.iter().map(|item| item.id.clone()).collect::<Vec<_>>(), "in order of minted id");
}

#[test]
fn an_id_that_leads_nowhere_any_more_is_looked_up_again() {
    let (told, asked) = ask(&Need::everything(), &["1001"], &|target| repository("81001", AFTER, target));
    assert!(asked.iter().any(|target| target.starts_with("Patient?identifier=")), "{asked:?}");
    assert_eq!((status(&told, Kind::PATIENT), status(&told, Kind::CONDITION)), (Status::Ok, Status::Ok));
    // And where it cannot be looked up either, nobody says that there is nothing.
    let (told, _) = ask(&Need::everything(), &["1001"], &|target| match target {
        t if t.starts_with("Patient?") => Err(Failure::Timeout),
        _ => repository("81001", AFTER, target),
    });
    assert_eq!((status(&told, Kind::PATIENT), status(&told, Kind::CONDITION)), (Status::FailedTimeout, Status::FailedTimeout));
}

#[test]
fn identifiers_keep_the_authority_that_gave_them_out() {
    let (told, _) = ask(&Need::everything(), &[], &|target| repository("1001", BEFORE, target));
    let whole = told.chart.patients.iter().find(|item| item.tree.root().all("identifier").len() == 3).unwrap();
    let root = whole.tree.root();
    let systems: Vec<String> = root.all("identifier.system").iter().filter_map(|system| Some(system.value()?.into_owned())).collect();
    assert_eq!(systems, ["https://fhir.nhs.uk/Id/nhs-number", "urn:oid:2.16.840.1.113883.3.86.999"]);
    let converted = whole.findings.iter().find(|finding| finding.code.code() == "converted").unwrap();
    assert_eq!(converted.path, "Patient.identifier[1].system");
    assert_eq!(root.all("identifier.type.coding.code").len(), 1, "an authority that is only a name stays one");
}

#[test]
fn pages_are_behind_opaque_links() {
    let next = format!("{BASE}/Patient/1001/$everything?queryId=a1b2c3&page=2");
    let (told, asked) = ask(&Need::everything(), &[], &|target| match target {
        "Patient/1001/$everything" => page(&[about("Condition", "1", "")], Some(&next)),
        t if t == next => bundle(&[about("Condition", "2", "")]),
        t if t.contains("?patient=") => bundle(&[]),
        _ => repository("1001", BEFORE, target),
    });
    assert_eq!(row(&told, Kind::CONDITION).counts.came, 2);
    assert!(asked.contains(&next));
}

#[test]
fn what_general_practice_never_sent_is_an_empty_row_and_no_statement() {
    let (told, _) = ask(&Need::everything(), &[], &|target| match target {
        t if t.contains("$everything") => bundle(&[about("MedicationStatement", "1", ""), about("Flag", "2", "")]),
        _ => repository("1001", BEFORE, target),
    });
    for kind in [Kind::CONDITION, Kind::ENCOUNTER] {
        assert_eq!(status(&told, kind), Status::OkEmpty, "{kind}");
    }
    assert_eq!(status(&told, Kind::ALLERGY_INTOLERANCE), Status::Unsupported, "its statement does not list them");
    assert_eq!(told.chart.items.len(), 2, "nothing is made up");
}
