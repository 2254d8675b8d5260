//! A pointer: a DocumentReference that leads to a person's shared record.

use record::{NHS_NUMBER_SYSTEM, NhsNumber, ODS_SYSTEM};
use serde_json::{Value, json};

use crate::{Locator, PracticeSetting};

pub(crate) const SNOMED: &str = "http://snomed.info/sct";
/// The type that is in use for shared care records, and the category that the specification puts it in: one of each.
pub(crate) const TYPE: (&str, &str) = ("887181000000106", "Clinical summary");
const CATEGORY: (&str, &str) = ("716931000000107", "Record headings");
const STABILITY: &str = "https://fhir.nhs.uk/England/StructureDefinition/Extension-England-ContentStability";
const STABILITIES: &str = "https://fhir.nhs.uk/England/CodeSystem/England-NRLContentStability";
const RETRIEVAL: &str = "https://fhir.nhs.uk/England/StructureDefinition/Extension-England-NRLRetrievalMechanism";
const RETRIEVALS: &str = "https://fhir.nhs.uk/England/CodeSystem/England-NRLRetrievalMechanism";
const FORMATS: &str = "https://fhir.nhs.uk/England/CodeSystem/England-NRLFormatCode";

/// Our pointer about a person. It is dynamic: what it leads to is the record as it is when it is read.
pub(crate) fn ours(locator: &Locator, number: &NhsNumber, url: &str) -> Value {
    let organisation = json!({"identifier": {"system": ODS_SYSTEM, "value": locator.custodian.as_str()}});
    let coded = |(code, display): (&str, &str)| json!({"coding": [{"system": SNOMED, "code": code, "display": display}]});
    let dynamic = json!({"coding": [{"system": STABILITIES, "code": "dynamic", "display": "Dynamic"}]});
    let direct = json!({"coding": [{"system": RETRIEVALS, "code": "Direct", "display": "Direct"}]});
    let mut pointer = json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "type": coded(TYPE),
        "category": [coded(CATEGORY)],
        "subject": {"identifier": {"system": NHS_NUMBER_SYSTEM, "value": number.expose()}},
        "author": [organisation],
        "custodian": organisation,
        "content": [{
            "extension": [
                {"url": STABILITY, "valueCodeableConcept": dynamic},
                {"url": RETRIEVAL, "valueCodeableConcept": direct},
            ],
            "attachment": {"contentType": "application/fhir+json", "url": url},
            "format": {"system": FORMATS, "code": "urn:nhs-ic:structured", "display": "Structured Document"},
        }],
    });
    if let Some(PracticeSetting { code, display }) = &locator.practice_setting {
        pointer["context"] = json!({"practiceSetting": coded((code.as_str(), display.as_str()))});
    }
    pointer
}

/// The pointer that is there, made to lead where ours does. What the locator has added to it (`id`, `date`) may not change.
pub(crate) fn led(there: &Value, ours: Value) -> Value {
    let mut pointer = there.clone();
    if let (Some(pointer), Value::Object(ours)) = (pointer.as_object_mut(), ours) {
        pointer.extend(ours);
    }
    pointer
}

/// Its id, where a path can name it: an address that ends in dots leads to the folder of all pointers, or above it.
pub(crate) fn id(pointer: &Value) -> Option<&str> {
    pointer["id"].as_str().filter(|id| !matches!(*id, "" | "." | ".."))
}

/// The custodian's code.
pub(crate) fn custodian(pointer: &Value) -> Option<&str> {
    let identifier = &pointer["custodian"]["identifier"];
    (identifier["system"] == ODS_SYSTEM).then(|| identifier["value"].as_str())?
}

/// Where it leads.
pub(crate) fn url(pointer: &Value) -> Option<&str> {
    pointer["content"][0]["attachment"]["url"].as_str()
}

/// Whether it is of the type of shared records.
pub(crate) fn is_shared_record(pointer: &Value) -> bool {
    pointer["type"]["coding"].as_array().into_iter().flatten().any(|coding| coding["system"] == SNOMED && coding["code"] == TYPE.0)
}

/// Whether it is in use and about this person.
pub(crate) fn is_current(pointer: &Value, number: &NhsNumber) -> bool {
    let subject = &pointer["subject"]["identifier"];
    let theirs = subject["system"] == NHS_NUMBER_SYSTEM && subject["value"].as_str().is_some_and(|own| own.parse().ok() == Some(*number));
    theirs && pointer["status"] == "current"
}

/// DocumentReferences of a Bundle; `None` where it is none, or where there is a further page: whoever took one page for all would
/// point twice. An entry of another type is a word beside the data.
pub(crate) fn of_bundle(body: &[u8]) -> Option<Vec<Value>> {
    let mut bundle: Value = serde_json::from_slice(body).ok()?;
    let more = |bundle: &Value| bundle["link"].as_array().into_iter().flatten().any(|link| link["relation"] == "next");
    if bundle["resourceType"] != "Bundle" || more(&bundle) {
        return None;
    }
    let entries = bundle["entry"].as_array_mut().map(std::mem::take).unwrap_or_default();
    // An entry may be anything: by an index of its own a number would not be asked, but end in a panic.
    let resources = entries.into_iter().filter_map(|mut entry| entry.get_mut("resource").map(Value::take));
    Some(resources.filter(|resource| resource["resourceType"] == "DocumentReference").collect())
}
