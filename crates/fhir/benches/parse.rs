//! How fast a Bundle is read into trees, as a ratio to `serde_json::Value` parsing the same bytes in the same run.

#![expect(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fhir::Bundle;
use serde_json::{Value, json};

const ROUNDS: usize = 60;

/// Some 1.3 MB of observations as hospitals send them.
fn body() -> Bytes {
    let observation = |n: usize| {
        json!({"fullUrl": format!("https://uhb.example/fhir/Observation/{n}"), "resource": {
            "resourceType": "Observation", "id": format!("o{n}"), "meta": {"versionId": "1", "lastUpdated": "2026-11-01T09:00:00Z"},
            "identifier": [{"system": "https://uhb.example/filler", "value": format!("F{n}")}], "status": "final",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}, {"system": "http://snomed.info/sct", "code": "1000651000000109"}], "text": "Serum potassium level"},
            "subject": {"reference": "Patient/p1"}, "effectiveDateTime": "2026-10-31T09:00:00+00:00",
            "valueQuantity": {"value": 4.1, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
            "referenceRange": [{"low": {"value": 3.5, "unit": "mmol/L"}, "high": {"value": 5.3, "unit": "mmol/L"}}],
        }})
    };
    let entries: Vec<Value> = (0..1300).map(observation).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries}).to_string().into()
}

/// The median of many rounds.
fn median(mut round: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn main() {
    let body = body();
    let bundle = Bundle::from_json(body.clone()).expect("the bench's own Bundle");
    let value: Value = serde_json::from_slice(&body).expect("the bench's own Bundle");
    for (entry, expected) in bundle.entries.iter().zip(value["entry"].as_array().expect("entries")) {
        let ours = entry.resource.as_ref().expect("a resource").to_json();
        assert_eq!(ours, expected["resource"].to_string(), "the answers timed are right");
    }
    let ours = median(|| drop(black_box(Bundle::from_json(body.clone()))));
    let reference = median(|| drop(black_box(serde_json::from_slice::<Value>(&body))));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("parse: {} kB; trees {ours:?}, serde_json::Value {reference:?}", body.len() / 1000);
    println!(
        "parse: {:.2} times as fast as serde_json::Value (load of the machine {})",
        reference.as_secs_f64() / ours.as_secs_f64(),
        load.trim()
    );
}
