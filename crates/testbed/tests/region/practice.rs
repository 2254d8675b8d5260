//! The pretend practice is strict about who asks and how, and honest about what is not there.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use base64::Engine;
use http::{HeaderName, Method};
use serde_json::{Value, json};
use testbed::{DEMO_PERSON, Fault, Gap, Region, Request, Response};

fn claims(base: &str) -> Value {
    json!({
        "iss": "https://exchange.example", "sub": "u-1", "aud": base, "iat": 1_795_424_400, "exp": 1_795_424_700,
        "reason_for_request": "directcare", "requested_scope": "patient/*.read",
        "requesting_device": {"resourceType": "Device"},
        "requesting_organization": {"identifier": [{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "RRK"}]},
        "requesting_practitioner": {
            "id": "u-1", "name": [{"family": "Rao"}],
            "identifier": [
                {"system": "https://fhir.nhs.uk/Id/sds-user-id", "value": "UNK"},
                {"system": "https://fhir.nhs.uk/Id/sds-role-profile-id", "value": "UNK"},
            ],
        },
    })
}

fn parameters(number: &str, more: &[Value]) -> Value {
    let number = json!({"name": "patientNHSNumber", "valueIdentifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}});
    let all: Vec<Value> = std::iter::once(number).chain(more.iter().cloned()).collect();
    json!({"resourceType": "Parameters", "parameter": all})
}

/// A question that is as it should be, but for what `spoil` does to it.
async fn ask(region: &Region, body: &Value, spoil: impl Fn(&mut Request, &mut Value)) -> Response {
    let supplier = region.supplier("gp").unwrap();
    let mut claims = claims(supplier.base());
    let mut request = Request::get(format!("{}/Patient/$gpc.getstructuredrecord", supplier.habits().path));
    request.method = Method::POST;
    request.body = body.to_string().into();
    for (name, value) in [
        ("content-type", "application/fhir+json"),
        ("ssp-traceid", "629ea9ba-a077-4d99-b289-7a9b19fd4e03"),
        ("ssp-from", "200000000115"),
        ("ssp-to", "200000000116"),
        ("ssp-interactionid", "urn:nhs:names:services:gpconnect:fhir:operation:gpc.getstructuredrecord-1"),
    ] {
        request = request.with(HeaderName::from_static(name), value);
    }
    spoil(&mut request, &mut claims);
    let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let token = format!("Bearer {}.{}.", encode(&json!({"alg": "none", "typ": "JWT"})), encode(&claims));
    region.respond("gp", request.with(http::header::AUTHORIZATION, &token)).await.unwrap()
}

fn said(response: &Response) -> Value {
    serde_json::from_str(response.text()).unwrap()
}

#[tokio::test]
async fn who_is_not_named_or_does_not_keep_the_form_gets_nothing() {
    let region = Region::in_memory();
    let all = parameters(DEMO_PERSON, &[json!({"name": "includeMedication"})]);
    let header = |name: &'static str, value: &'static str| {
        move |request: &mut Request, _: &mut Value| {
            *request = request.clone().with(HeaderName::from_static(name), value);
        }
    };
    let claim = |name: &'static str, value: Value| move |_: &mut Request, claims: &mut Value| claims[name] = value.clone();
    assert_eq!(ask(&region, &all, |_, _| {}).await.status, 200);
    assert_eq!(ask(&region, &all, header("ssp-from", "200000000999")).await.status, 403);
    assert_eq!(ask(&region, &all, header("ssp-interactionid", "urn:x")).await.status, 403);
    assert_eq!(ask(&region, &all, header("ssp-traceid", "1")).await.status, 400);
    assert_eq!(ask(&region, &all, header("content-type", "text/plain")).await.status, 415);
    assert_eq!(ask(&region, &all, |request, _| request.method = Method::GET).await.status, 405);
    for (name, value) in [
        ("reason_for_request", json!("research")),
        ("requested_scope", json!("patient/*.write")),
        ("aud", json!("https://elsewhere.example")),
        ("exp", json!(1_795_424_701)),
        ("requesting_practitioner", json!({"id": "u-1"})),
        ("requesting_organization", Value::Null),
        ("sub", json!("somebody else")),
    ] {
        let response = ask(&region, &all, claim(name, value)).await;
        assert_eq!(
            (response.status.as_u16(), said(&response)["issue"][0]["details"]["coding"][0]["code"].as_str()),
            (400, Some("BAD_REQUEST")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn only_what_is_asked_for_comes_structured_by_its_lists() {
    let region = Region::in_memory();
    let allergies = json!({"name": "includeAllergies", "part": [{"name": "includeResolvedAllergies", "valueBoolean": true}]});
    let response = ask(&region, &parameters(DEMO_PERSON, &[allergies, json!({"name": "includeTea"})]), |_, _| {}).await;
    let bundle = said(&response);
    let resources: Vec<&Value> = bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]).collect();
    let count = |kind: &str| resources.iter().filter(|one| one["resourceType"] == kind).count();
    assert_eq!(
        (bundle["type"].as_str(), count("Patient"), count("List"), count("MedicationStatement"), count("Condition")),
        (Some("collection"), 1, 2, 0, 0)
    );
    assert!(count("AllergyIntolerance") > 0 && bundle["entry"][0].get("fullUrl").is_none());
    let outcome = resources.iter().find(|one| one["resourceType"] == "OperationOutcome").unwrap();
    assert_eq!((&outcome["issue"][0]["diagnostics"], &outcome["issue"][0]["code"]), (&json!("includeTea"), &json!("not-supported")));
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let region = Region::in_memory();
    let check = async |body: Value, status: u16, code: &str| {
        let response = ask(&region, &body, |_, _| {}).await;
        assert_eq!(
            (response.status.as_u16(), said(&response)["issue"][0]["details"]["coding"][0]["code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
    };
    check(parameters("9990000019", &[]), 400, "INVALID_NHS_NUMBER").await;
    check(parameters("9999990002", &[]), 404, "PATIENT_NOT_FOUND").await;
    check(parameters(DEMO_PERSON, &[json!({"name": "includeAllergies"})]), 422, "INVALID_PARAMETER").await;
    check(json!({"resourceType": "Patient"}), 422, "INVALID_RESOURCE").await;
    region.fail("gp", Fault::Practice { gap: Gap::Code("NO_PATIENT_CONSENT".into()) });
    check(parameters(DEMO_PERSON, &[]), 403, "NO_PATIENT_CONSENT").await;
    let settings =
        Fault::settings(r#"{"fault":"practice","gap":{"warning":{"area":"includeProblems","code":"data-in-transit"}}}"#).unwrap();
    let gap = Gap::Warning { area: "includeProblems".into(), code: "data-in-transit".into() };
    assert_eq!(settings, [Fault::Practice { gap }.into()]);
}
