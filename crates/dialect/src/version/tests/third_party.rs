//! Other people's files, each resource by itself: every leaf comes out or is named, and what comes out has R4's shape.
//!
//! Skipped, and says so, where `SEVERN_DATA` does not name the unpacked data.

use std::path::{Path, PathBuf};

use fhir::{Bundle, Version};
use serde_json::Value;

use super::{leaves, shape};
use crate::version::to_r4;

#[derive(Default)]
struct Tally {
    files: usize,
    resources: usize,
    findings: usize,
    quarantined: usize,
    refused: usize,
    misshapen: Vec<String>,
}

fn data(set: &str) -> Option<PathBuf> {
    let data = std::env::var_os("SEVERN_DATA").map(|data| PathBuf::from(data).join(set)).filter(|data| data.is_dir());
    if data.is_none() {
        println!("third-party: {set} skipped, SEVERN_DATA does not have it");
    }
    data
}

fn check(set: &str, folders: &[(&str, Version)]) {
    let Some(data) = data(set) else { return };
    let mut tally = Tally::default();
    for (folder, version) in folders {
        for file in files(&data.join(folder)) {
            read(&file, *version, &mut tally);
        }
    }
    let Tally { files, resources, findings, quarantined, refused, misshapen } = tally;
    println!("third-party: {set} files={files} resources={resources} findings={findings} quarantined={quarantined} refused={refused}");
    assert!(resources > 0, "{set} holds nothing");
    assert_eq!(misshapen, Vec::<String>::new());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json" || extension == "xml") {
            found.push(path);
        }
    }
    found
}

fn read(file: &Path, version: Version, tally: &mut Tally) {
    tally.files += 1;
    match crate::body::read(version, std::fs::read(file).unwrap().into(), "") {
        Ok(bundle) => each(file, version, bundle, tally),
        Err(_) => tally.refused += 1,
    }
}

fn each(file: &Path, version: Version, bundle: Bundle, tally: &mut Tally) {
    for mut tree in bundle.entries.into_iter().filter_map(|entry| entry.resource) {
        tally.resources += 1;
        let (before, mut findings) = (tree.clone(), Vec::new());
        if to_r4(version, &mut tree, &mut findings).is_err() {
            tally.quarantined += 1;
            continue;
        }
        tally.findings += findings.len();
        let named = format!("{} {:?}", file.display(), before.root().text("id"));
        assert_eq!(leaves::lost(&before, &tree, &findings), Vec::<String>::new(), "{named}");
        if let Some(fault) = shape::faults(&tree).first() {
            tally.misshapen.push(format!("{named}: {fault}"));
        }
    }
}

/// R4 said in STU3: every leaf comes out or is named, and what comes out has STU3's shape.
fn check_down(set: &str, folder: &str) {
    let Some(data) = data(set) else { return };
    let (mut resources, mut findings, mut faults) = (0, 0, Vec::new());
    for file in files(&data.join(folder)) {
        let Ok(bundle) = crate::body::read(Version::R4, std::fs::read(&file).unwrap().into(), "") else { continue };
        for mut tree in bundle.entries.into_iter().filter_map(|entry| entry.resource) {
            // Some files hold other versions, or illegal FHIR: whether what comes in is R4 is for the way in to say.
            if !shape::faults(&tree).is_empty() {
                continue;
            }
            resources += 1;
            let named = format!("{} {:?}", file.display(), tree.root().text("id"));
            let (said, own) = super::down::faults(&mut tree);
            findings += said;
            faults.extend(own.into_iter().map(|fault| format!("{named}: {fault}")));
        }
    }
    println!("third-party: {set} down resources={resources} findings={findings} faults={}", faults.len());
    assert!(resources > 0, "{set} holds nothing of R4");
    let clipped: Vec<&String> = faults.iter().take(40).collect();
    assert!(faults.is_empty(), "{} faults: {clipped:#?}", faults.len());
}

#[test]
fn r4_examples_keep_every_leaf_in_stu3() {
    check_down("fhir-r4-examples", "");
}

#[test]
fn uk_core_examples_keep_every_leaf_in_stu3() {
    check_down("uk-core-r4", "");
}

#[test]
fn national_r4_answers_keep_every_leaf_in_stu3() {
    check_down("nhs-r4", "");
    check_down("nhs-immunisation-r4", "");
    check_down("nhs-r4-medicines", "");
}

#[test]
fn synthea_pairs_keep_every_leaf() {
    check("synthea", &[("smart-dstu2-stu3-pairs/dstu2", Version::Dstu2), ("smart-dstu2-stu3-pairs/stu3", Version::Stu3)]);
}

#[test]
fn smart_patients_keep_every_leaf() {
    check("smart-patients", &[("smart-dstu2-xml", Version::Dstu2), ("smart-stu3", Version::Stu3)]);
}

#[test]
fn stu3_examples_keep_every_leaf() {
    check("fhir-stu3-examples", &[("", Version::Stu3)]);
}

#[test]
fn careconnect_examples_keep_every_leaf() {
    check("careconnect-stu3", &[("", Version::Stu3)]);
}

#[test]
fn gp_connect_answers_keep_every_leaf() {
    check("gpconnect-stu3", &[("", Version::Stu3)]);
}

#[test]
fn pharmacy_messages_keep_every_leaf() {
    check("pharmacy-stu3", &[("", Version::Stu3)]);
}

#[test]
fn millenniums_older_answers_keep_every_leaf() {
    check("vendor-cerner", &[("fhir.cerner.com/dstu2", Version::Dstu2)]);
}

#[test]
fn national_messages_keep_every_leaf() {
    check("nhs-stu3", &[("", Version::Stu3)]);
    check("stu3-misc", &[("", Version::Stu3)]);
    check("edge", &[("", Version::Stu3)]);
}

/// NHS England's own mapping of CareConnect's AllergyIntolerance to UK Core. Where we differ:
///
/// - they keep the older extensions beside UK Core's (`AllergyIntoleranceEnd`, `Evidence`); we rename them, and a
///   finding names each, so that nobody reads one fact twice;
/// - they keep `encounter-associatedEncounter` beside R4's element `encounter`; we move it, likewise.
///
/// All else is equal, the order of keys aside.
#[test]
fn an_allergy_comes_out_as_nhs_england_maps_it() {
    let Some(data) = data("mappings") else { return };
    let read = |name: &str| std::fs::read_to_string(data.join(name)).unwrap();
    let (out, findings) = super::translated(Version::Stu3, &read("Example-Input-CareConnect-AllergyIntolerance.json"));
    let ours: Value = serde_json::from_str(&out).unwrap();
    let mut theirs: Value = serde_json::from_str(&read("Example-Output-UKCore-AllergyIntolerance.json")).unwrap();
    let kept_twice = |extension: &Value| {
        let url = extension["url"].as_str().unwrap_or_default();
        url.contains("/STU3/") || url.ends_with("encounter-associatedEncounter")
    };
    let extensions = theirs["extension"].as_array_mut().unwrap();
    let all = extensions.len();
    extensions.retain(|extension| !kept_twice(extension));
    assert_eq!(all - extensions.len(), 3);
    assert_eq!(ours, theirs);
    // The url of each of six extensions that has another name now, and nothing else.
    assert!(findings.iter().all(|finding| finding.path.ends_with(".url")), "{findings:?}");
    assert_eq!(findings.len(), 7, "{findings:?}");
    println!("third-party: mappings files=2 resources=1 findings={} quarantined=0 refused=0", findings.len());
}
