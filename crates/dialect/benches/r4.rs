//! What reading R4 costs beyond parsing it, and `Bundle::from_json` of the same bytes in the same run.

#![expect(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dialect::{Dialect, Everything, Known, Opening, Settings, Told};
use fhir::Bundle;
use record::{Holder, Need, Reply, Response};
use serde_json::{Value, json};

const ROUNDS: usize = 60;
const BASE: &str = "https://uhb.example/fhir";

/// Some 1.3 MB: observations with a performer and an encounter, each with a narrative.
fn body() -> Bytes {
    let div = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p><b>Serum potassium level</b>: 4.1 mmol/L</p></div>";
    let observation = |n: usize| {
        json!({"fullUrl": format!("{BASE}/Observation/o{n}"), "resource": {
            "resourceType": "Observation", "id": format!("o{n}"), "meta": {"versionId": "1", "lastUpdated": "2026-11-01T09:00:00Z"},
            "text": {"status": "generated", "div": div},
            "identifier": [{"system": "https://pathology.example/filler", "value": format!("F{n}")}], "status": "final",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}], "text": "Serum potassium level"},
            "subject": {"reference": "Patient/p1"}, "encounter": {"reference": format!("Encounter/{}", n % 50)},
            "performer": [{"reference": format!("{BASE}/Practitioner/{}", n % 20)}], "effectiveDateTime": "2026-10-31T09:00:00+00:00",
            "valueQuantity": {"value": 4.1, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        }})
    };
    let other = |kind: &str, n: usize| json!({"resource": {"resourceType": kind, "id": n.to_string()}});
    let mut entries: Vec<Value> = (0..1280).map(observation).collect();
    entries.extend((0..50).map(|n| other("Encounter", n)));
    entries.extend((0..20).map(|n| other("Practitioner", n)));
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries}).to_string().into()
}

/// One conversation that is answered with the body, from a known Patient to the chart.
fn converse(settings: &Settings, holder: &Holder, known: &Known, body: &Bytes) -> Told {
    let opening = Opening { holder, settings, known, reader: None, now: jiff::Timestamp::UNIX_EPOCH };
    let (mut conversation, mut calls) = Dialect::FHIR_R4.start(&opening, &Need::everything());
    while let Some(call) = calls.pop() {
        let everything = call.target.contains("everything");
        let body = if everything { body.clone() } else { Bytes::from_static(br#"{"resourceType":"Patient","id":"p1"}"#) };
        let response =
            Response { status: 200, content_type: String::new(), headers: Vec::new(), body, url: format!("{BASE}/{}", call.target) };
        calls.extend(conversation.reply(Reply { id: call.id, tried: jiff::Timestamp::UNIX_EPOCH, outcome: Ok(response) }));
    }
    conversation.finish()
}

/// The least of many rounds: the machine is shared.
fn least(mut round: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        round();
        start.elapsed()
    };
    (0..ROUNDS).map(time).min().unwrap_or_default()
}

fn main() {
    let body = body();
    let settings =
        Settings { everything: Everything::Always, ..Settings::new(BASE.parse().expect("a URL"), "https://exchange.example/fhir/R4") };
    let holder = Holder {
        source: "uhb".parse().expect("a source id"),
        number: "9990000018".parse().expect("a number"),
        former: Vec::new(),
        local_ids: vec!["p1".to_owned()],
    };
    let known = converse(&settings, &holder, &Known::default(), &Bytes::from_static(b"{}")).learnt;
    let told = converse(&settings, &holder, &known, &body);
    assert_eq!(told.chart.items.len(), 1350, "the answer timed is right");
    assert!(told.chart.items.iter().all(|item| item.findings.is_empty()));
    let parse = least(|| drop(black_box(Bundle::from_json(body.clone()))));
    let whole = least(|| drop(black_box(converse(&settings, &holder, &known, &body))));
    let beyond = whole.saturating_sub(parse);
    println!("dialect: {} kB of R4; parsing {parse:?}, the whole conversation {whole:?}, beyond parsing {beyond:?}", body.len() / 1000);
}
