//! `metadata`: what this server can do.

use record::CARRIED;
use serde_json::{Value, json};

use super::App;

/// The CapabilityStatement.
pub fn statement(app: &App) -> Value {
    let public = &app.config.exchange.public_url;
    let resources: Vec<Value> = CARRIED.iter().map(|kind| resource(*kind)).collect();
    json!({
        "resourceType": "CapabilityStatement",
        "url": format!("{public}/fhir/R4/metadata"),
        "version": env!("CARGO_PKG_VERSION"),
        "name": "Severn",
        "title": "Severn: one record of what several systems hold",
        "status": "active",
        "date": "2026-11-22",
        "publisher": app.config.exchange.organisation.as_str(),
        "kind": "instance",
        "software": {"name": "Severn", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": app.config.exchange.id.as_str(), "url": app.base()},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "rest": [{
            "mode": "server",
            "documentation": "Every answer leads with an OperationOutcome that says which sources did not answer. Tags urn:severn:source, urn:severn:freshness, urn:severn:cluster and urn:severn:tier say who said what, and what says the same.",
            "security": security(public),
            "resource": resources,
        }],
    })
}

fn security(public: &str) -> Value {
    json!({
        "cors": true,
        "service": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}], "text": "OAuth2 bearer tokens with the claims of IHE IUA"}],
        "extension": [{"url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris", "extension": [
            {"url": "authorize", "valueUri": format!("{public}/authorize")},
            {"url": "token", "valueUri": format!("{public}/token")},
        ]}],
    })
}

fn resource(kind: fhir::Kind) -> Value {
    let known = fhir::tables::search_params(kind).iter().filter(|param| super::filters::narrows(param.kind));
    let mut params: Vec<Value> = known.map(|param| json!({"name": param.name, "type": param.kind.code()})).collect();
    for (name, code) in [("_id", "token"), ("_lastUpdated", "date")] {
        params.push(json!({"name": name, "type": code}));
    }
    let includes: Vec<String> = fhir::tables::search_params(kind)
        .iter()
        .filter(|param| !param.targets.is_empty())
        .map(|param| format!("{kind}:{}", param.name))
        .collect();
    let mut resource = json!({
        "type": kind.name(),
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "searchRevInclude": ["Provenance:target"],
        "searchParam": params,
    });
    // FHIR knows no empty lists.
    if !includes.is_empty() {
        resource["searchInclude"] = json!(includes);
    }
    if kind == fhir::Kind::PATIENT {
        resource["operation"] = json!([
            {"name": "everything", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything"},
            {"name": "plan", "definition": "urn:severn:operation:plan"},
            {"name": "request-access", "definition": "urn:severn:operation:request-access"},
        ]);
    }
    resource
}
