//! What six sources say about one person: some 200 kB each, of which two fifths are held by two or more.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The sources.
pub const SOURCES: [&str; 6] = ["s1", "s2", "s3", "s4", "s5", "s6"];
/// The person's number at each of them.
pub const NUMBER: &str = "9990000018";
/// The person's id at each of them.
pub const PATIENT: &str = "p1";

/// Facts that begin at a source; the first `PASSED_ON` of them are held by the next source too.
const FACTS: usize = 136;
const PASSED_ON: usize = 34;
const PRACTITIONERS: usize = 4;
/// Resources of one source: its facts and its neighbour's, the staff, the organisation, the Patient.
pub const RESOURCES: usize = FACTS + PASSED_ON + PRACTITIONERS + 2;
/// What joining must find: each fact that was passed on, and each of the staff, whom all know.
pub const CLUSTERS: usize = SOURCES.len() * PASSED_ON + PRACTITIONERS;

/// How the two holders of a fact can be seen to speak of one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    /// A business identifier (T1).
    Identifier,
    /// Equal content (T2).
    Content,
    /// The clinical key (T3).
    Key,
}

/// The whole answer of one source at a base.
pub fn everything(source: usize, base: &str) -> Bytes {
    let previous = (source + SOURCES.len() - 1) % SOURCES.len();
    let own = (0..FACTS).map(|fact| (source, fact));
    let passed_on = (0..PASSED_ON).map(|fact| (previous, fact));
    let mut resources = vec![patient()];
    resources.extend((0..PRACTITIONERS).map(practitioner));
    resources.push(json!({"resourceType": "Organization", "id": "o1", "meta": meta(), "name": format!("Trust {source}")}));
    resources.extend(own.chain(passed_on).map(|(from, fact)| resource(source, from, fact)));
    assert_eq!(resources.len(), RESOURCES);
    let entry = |resource: Value| {
        let url = format!("{base}/{}/{}", text(&resource["resourceType"]), text(&resource["id"]));
        json!({"fullUrl": url, "resource": resource, "search": {"mode": "match"}})
    };
    bundle(resources.into_iter().map(entry).collect())
}

/// The answer to a search for the person.
pub fn found(base: &str) -> Bytes {
    bundle(vec![json!({"fullUrl": format!("{base}/Patient/{PATIENT}"), "resource": patient(), "search": {"mode": "match"}})])
}

/// The person as every source has them.
pub fn patient() -> Value {
    json!({
        "resourceType": "Patient", "id": PATIENT, "meta": meta(),
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NUMBER}],
        "name": [{"use": "official", "family": "Smith", "given": ["Anna"]}], "gender": "female", "birthDate": "1961-04-02",
        "address": [{"line": ["1 High Street"], "city": "Birmingham", "postalCode": "B1 1AA"}],
    })
}

fn bundle(entries: Vec<Value>) -> Bytes {
    json!({"resourceType": "Bundle", "type": "searchset", "total": entries.len(), "entry": entries}).to_string().into()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn meta() -> Value {
    json!({"versionId": "1", "lastUpdated": "2026-11-01T09:00:00Z"})
}

fn practitioner(number: usize) -> Value {
    json!({
        "resourceType": "Practitioner", "id": format!("d{number}"), "meta": meta(),
        "identifier": [{"system": "https://fhir.hl7.org.uk/Id/gmc-number", "value": format!("C123456{number}")}],
        "name": [{"family": format!("Jones{number}"), "given": ["Mary"], "prefix": ["Dr"]}],
    })
}

/// One fact as one of its holders words it.
fn resource(source: usize, from: usize, fact: usize) -> Value {
    let shared = from != source || fact < PASSED_ON;
    let tie = [Tie::Identifier, Tie::Content, Tie::Key][fact % 3];
    let number = from * 1000 + fact;
    let when = Timestamp::constant(1_104_570_000, 0) + SignedDuration::from_hours(24 * number as i64);
    // Who relays words it a little differently, unless the content is to be equal.
    let relayed = from != source && tie != Tie::Content;
    let at = if relayed { when.to_string().replace('Z', "+00:00") } else { when.to_string() };
    let mut resource = match fact % 17 {
        10 | 11 => condition(number, &at),
        12..=14 => medication_request(number, &at),
        15 | 16 => encounter(number, &at),
        _ => observation(number, &at),
    };
    let (system, value) = match (shared, tie) {
        (true, Tie::Identifier) => ("urn:ietf:rfc:3986".to_owned(), format!("urn:uuid:00000000-0000-4000-8000-{number:012}")),
        (true, Tie::Content) => ("https://fillers.example/id".to_owned(), format!("F{number}")),
        _ => (format!("https://{}.example/id", SOURCES[source]), format!("F{number}")),
    };
    resource["identifier"] = json!([{"system": system, "value": value}]);
    if relayed {
        resource["extension"] = json!([{"url": "https://relay.example/received", "valueDateTime": "2026-11-02T10:00:00Z"}]);
    }
    if !shared && fact % 17 < 15 {
        // One of the encounters that this source alone has.
        let encounter = PASSED_ON + 15 + 17 * (fact / 17 % 5);
        resource["encounter"] = json!({"reference": format!("Encounter/f{}", from * 1000 + encounter)});
    }
    resource
}

fn narrative(rows: &[(&str, &str)]) -> Value {
    let rows: String = rows.iter().map(|(name, value)| format!("<tr><td><b>{name}</b></td><td>{value}</td></tr>")).collect();
    json!({"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><table>{rows}</table></div>")})
}

fn performer(number: usize) -> Value {
    json!({"reference": format!("Practitioner/d{}", number % PRACTITIONERS), "display": "Dr Mary Jones"})
}

fn subject() -> Value {
    json!({"reference": format!("Patient/{PATIENT}")})
}

const LOINC: &[(&str, &str)] = &[
    ("2823-3", "Serum potassium level"),
    ("2951-2", "Serum sodium level"),
    ("2160-0", "Serum creatinine level"),
    ("718-7", "Haemoglobin concentration"),
    ("6690-2", "White blood cell count"),
    ("777-3", "Platelet count"),
    ("4548-4", "Haemoglobin A1c level"),
    ("8867-4", "Heart rate"),
];

fn observation(number: usize, at: &str) -> Value {
    let (code, name) = LOINC[number % LOINC.len()];
    let value = 30 + number % 90;
    json!({
        "resourceType": "Observation", "id": format!("f{number}"), "meta": meta(),
        "text": narrative(&[("Test", name), ("Result", &format!("{}.{} mmol/L", value / 10, value % 10)), ("Taken", "in clinic")]),
        "identifier": [], "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory", "display": "Laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}], "text": name},
        "subject": subject(), "effectiveDateTime": at, "issued": at, "performer": [performer(number)],
        "valueQuantity": {"value": value as f64 / 10.0, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "referenceRange": [{"low": {"value": 3.5, "unit": "mmol/L"}, "high": {"value": 5.3, "unit": "mmol/L"}}],
    })
}

fn condition(number: usize, at: &str) -> Value {
    let code = (44_054_006 + number % 40 * 1000).to_string();
    let status = |name: &str, code: &str| json!({"coding": [{"system": format!("http://terminology.hl7.org/CodeSystem/condition-{name}"), "code": code}]});
    json!({
        "resourceType": "Condition", "id": format!("f{number}"), "meta": meta(),
        "text": narrative(&[("Problem", "Type 2 diabetes mellitus"), ("Since", &at[..10])]), "identifier": [],
        "clinicalStatus": status("clinical", "active"), "verificationStatus": status("ver-status", "confirmed"),
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "problem-list-item"}]}],
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": code, "display": "Type 2 diabetes mellitus"}], "text": "Type 2 diabetes"},
        "subject": subject(), "onsetDateTime": &at[..10], "recordedDate": at, "recorder": performer(number),
    })
}

fn medication_request(number: usize, at: &str) -> Value {
    let code = (322_236_009_000 + number).to_string();
    json!({
        "resourceType": "MedicationRequest", "id": format!("f{number}"), "meta": meta(),
        "text": narrative(&[("Medicine", "Metformin 500mg tablets"), ("Dose", "one tablet twice a day with meals"), ("Supply", "56 tablets"), ("Prescriber", "Dr Mary Jones")]),
        "identifier": [], "status": "active", "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": code, "display": "Metformin 500mg tablets"}], "text": "Metformin 500mg tablets"},
        "subject": subject(), "authoredOn": at, "requester": performer(number),
        "dosageInstruction": [{
            "text": "one tablet twice a day with meals",
            "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
            "route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006", "display": "Oral route"}]},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet", "system": "http://unitsofmeasure.org", "code": "{tablet}"}}],
        }],
    })
}

fn encounter(number: usize, at: &str) -> Value {
    json!({
        "resourceType": "Encounter", "id": format!("f{number}"), "meta": meta(),
        "text": narrative(&[("Visit", "Outpatient clinic"), ("On", &at[..10])]),
        "identifier": [], "status": "finished", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "ambulatory"},
        "type": [{"coding": [{"system": "http://snomed.info/sct", "code": "185345009", "display": "Encounter for symptom"}]}],
        "subject": subject(), "participant": [{"individual": performer(number)}],
        "period": {"start": at, "end": at}, "serviceProvider": {"display": "Outpatient clinic"},
    })
}
