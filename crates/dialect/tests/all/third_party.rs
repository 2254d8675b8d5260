//! Other people's files, read through each dialect: none panics, none loses a resource.
//!
//! Skipped, and says so, where `SEVERN_DATA` does not name the unpacked data.

use std::path::{Path, PathBuf};

use dialect::{Converted, convert};
use fhir::Version;
use serde_json::Value;

/// What became of a set.
#[derive(Debug, Default)]
pub struct Tally {
    pub files: usize,
    pub resources: usize,
    pub findings: usize,
    pub quarantined: usize,
    pub refused: usize,
}

/// Reads every file below the folders of a set, each folder in its version, and counts.
/// `None`: the data are not there.
pub fn read_set(set: &str, folders: &[(&str, Version)]) -> Option<Tally> {
    let Some(data) = std::env::var_os("SEVERN_DATA").map(|data| PathBuf::from(data).join(set)).filter(|data| data.is_dir()) else {
        println!("third-party: {set} skipped, SEVERN_DATA does not have it");
        return None;
    };
    let mut tally = Tally::default();
    for (folder, version) in folders {
        for file in files(&data.join(folder)) {
            read_file(&file, *version, &mut tally);
        }
    }
    let Tally { files, resources, findings, quarantined, refused } = tally;
    println!("third-party: {set} files={files} resources={resources} findings={findings} quarantined={quarantined} refused={refused}");
    Some(tally)
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json" || extension == "xml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read_file(file: &Path, version: Version, tally: &mut Tally) {
    let body = std::fs::read(file).unwrap();
    let xml = file.extension().is_some_and(|extension| extension == "xml");
    let content_type = if xml { "application/fhir+xml" } else { "application/fhir+json" };
    let read = std::panic::catch_unwind(|| convert(version, body.clone().into(), content_type));
    let Ok(Converted { items, quarantined, refused }) = read else { panic!("{} panics", file.display()) };
    tally.files += 1;
    tally.resources += items.len();
    tally.quarantined += quarantined.len();
    tally.refused += usize::from(refused.is_some());
    tally.findings += items.iter().map(|item| item.findings.len()).sum::<usize>();
    if let Some(came) = if xml { None } else { came(&body) }
        && refused.is_none()
    {
        assert_eq!(items.len() + quarantined.len(), came, "{} loses resources", file.display());
    }
    for item in &items {
        let json = item.tree.to_json();
        let value: Value =
            serde_json::from_str(&json).unwrap_or_else(|error| panic!("{}: what became of it is no JSON: {error}", file.display()));
        assert_eq!(value["id"], item.id.as_str(), "{}", file.display());
        assert_eq!(value["resourceType"], item.kind.name(), "{}", file.display());
    }
}

/// How many resources a JSON file holds, by another reader; the same bytes under one id count once. `None`: it is not JSON.
fn came(body: &[u8]) -> Option<usize> {
    let value: Value = serde_json::from_slice(body).ok()?;
    if value["resourceType"] != "Bundle" {
        return Some(1);
    }
    let entries = value["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut seen: Vec<&Value> = Vec::new();
    for entry in entries {
        // One of the documented answers has resources where its entries should be: they came too.
        let itself = entry.get("resourceType").is_some();
        if entry.is_object() && entry.get("resource").is_none() && !itself {
            continue;
        }
        let resource = if itself { entry } else { &entry["resource"] };
        if resource["id"].is_null() || !seen.contains(&resource) {
            seen.push(resource);
        }
    }
    Some(seen.len())
}

#[test]
fn r4_examples_are_read() {
    if let Some(tally) = read_set("fhir-r4-examples", &[("", Version::R4)]) {
        assert_eq!((tally.quarantined, tally.refused), (0, 0));
    }
}

#[test]
fn uk_core_examples_are_read() {
    if let Some(tally) = read_set("uk-core-r4", &[("", Version::R4)]) {
        // One JSON file tells of the package and is no resource.
        assert_eq!((tally.quarantined, tally.refused), (0, 1));
    }
}

#[test]
fn cerner_answers_are_read() {
    if let Some(tally) = read_set("vendor-cerner", &[("fhir.cerner.com/r4", Version::R4), ("fhir.cerner.com/dstu2", Version::Dstu2)]) {
        assert!(tally.resources > 0);
    }
}

#[test]
fn invalid_files_are_read_or_refused() {
    read_set("invalid", &[("", Version::R4)]);
}

#[test]
fn edge_cases_are_read_or_refused() {
    read_set("edge", &[("", Version::Stu3)]);
}
