//! The service's Patient.

use record::{Address, ClaimedNumber, Demographics, NHS_NUMBER_SYSTEM, Name, NameUse, NhsNumber, NumberStatus, ODS_SYSTEM, Sex};
use serde_json::Value;

use super::{Death, Label, Person};

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// Reads a Patient; `None` where it is none, or is not sure whose it is. What else is missing or odd is not there.
pub(super) fn read(patient: &Value) -> Option<Person> {
    let id: NhsNumber = patient["id"].as_str().filter(|_| patient["resourceType"] == "Patient")?.parse().ok()?;
    // Its id is the number, and it says so twice: where it contradicts itself nothing of it is believed.
    let identifiers = list(&patient["identifier"]).iter().filter(|one| one["system"] == NHS_NUMBER_SYSTEM);
    let mut said = identifiers.filter_map(|one| one["value"].as_str()).map(|value| value.parse::<NhsNumber>().ok());
    if said.any(|number| number != Some(id)) {
        return None;
    }
    Some(Person { number: id, demographics: demographics(patient, &id), deceased: deceased(patient), label: label(patient) })
}

fn demographics(patient: &Value, number: &NhsNumber) -> Demographics {
    let telecom = |email: bool| {
        let wanted = move |one: &&Value| matches!(one["system"].as_str(), Some("email")) == email && one["system"] != "url";
        list(&patient["telecom"]).iter().filter(wanted).filter_map(|one| text(&one["value"])).collect()
    };
    let practices = list(&patient["generalPractitioner"]).iter().filter(|one| one["identifier"]["system"] == ODS_SYSTEM);
    Demographics {
        number: Some(ClaimedNumber { value: number.expose().to_owned(), status: NumberStatus::Verified }),
        names: list(&patient["name"]).iter().map(name).filter(|name| *name != Name::default()).collect(),
        birth_date: patient["birthDate"].as_str().and_then(|date| date.parse().ok()),
        sex: patient["gender"].as_str().and_then(Sex::of_code),
        addresses: list(&patient["address"]).iter().map(address).collect(),
        phones: telecom(false),
        emails: telecom(true),
        practice: practices.filter_map(|one| text(&one["identifier"]["value"])).next(),
    }
}

/// Plainly unrestricted or not. Where two labels stand, the stricter holds.
fn label(patient: &Value) -> Label {
    let labels = list(&patient["meta"]["security"]);
    let plain = |label: &Value| label["system"] == CONFIDENTIALITY && label["code"] == "U";
    if !labels.is_empty() && labels.iter().all(plain) { Label::Unrestricted } else { Label::Restricted }
}

fn deceased(patient: &Value) -> Option<Death> {
    match (&patient["deceasedDateTime"], &patient["deceasedBoolean"]) {
        (Value::String(at), _) => Some(Death::At(at.clone())),
        (_, Value::Bool(true)) => Some(Death::Sometime),
        _ => None,
    }
}

fn name(name: &Value) -> Name {
    let given = list(&name["given"]).iter().filter_map(text).collect();
    Name { family: text(&name["family"]).unwrap_or_default(), given, used: used(name) }
}

/// The lines are in fixed places, empty where there is nothing to say; the town is the last one that says anything.
fn address(address: &Value) -> Address {
    let mut lines: Vec<String> = list(&address["line"]).iter().filter_map(text).collect();
    let town = text(&address["city"]).or_else(|| if lines.len() > 1 { lines.pop() } else { None }).unwrap_or_default();
    Address { line: lines.join(" "), town, postcode: text(&address["postalCode"]).unwrap_or_default(), used: used(address) }
}

/// A name or an address is in use unless it is said to be old. That its period has an end says when it is to be asked for again.
fn used(of: &Value) -> NameUse {
    if of["use"] == "old" { NameUse::Old } else { NameUse::Current }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
