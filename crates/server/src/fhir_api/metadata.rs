//! `metadata`: what this server can do, of each face.

use record::CARRIED;
use serde_json::{Value, json};

use super::face::asked::stu3_param;
use super::{App, Face};
use crate::config::SignIn;

/// The CapabilityStatement of a face.
pub fn statement(app: &App, face: Face) -> Value {
    let names = CARRIED.iter().flat_map(|kind| names(face, *kind).into_iter().map(move |name| (*kind, name)));
    let resources: Vec<Value> = names.map(|(kind, name)| resource(face, kind, name)).collect();
    let resources: Vec<Value> = resources.into_iter().chain((face == Face::R4).then(audit_event)).collect();
    let mut statement = json!({
        "resourceType": "CapabilityStatement",
        "url": format!("{}/metadata", app.base(face)),
        "version": env!("CARGO_PKG_VERSION"),
        "name": "Severn",
        "title": "Severn: one record of what several systems hold",
        "status": "active",
        "date": "2026-11-22",
        "publisher": app.config.exchange.organisation.as_str(),
        "kind": "instance",
        "software": {"name": "Severn", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": app.config.exchange.id.as_str(), "url": app.base(face)},
        "fhirVersion": if face == Face::R4 { "4.0.1" } else { "3.0.2" },
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "rest": [{
            "mode": "server",
            "documentation": "Every answer leads with an OperationOutcome that says which sources did not answer. Tags urn:severn:source, urn:severn:freshness, urn:severn:cluster and urn:severn:tier say who said what, and what says the same.",
            "security": security(face, &app.config.sign_in),
            "resource": resources,
        }],
    });
    if face == Face::Stu3 {
        statement["acceptUnknown"] = json!("both");
        // STU3 lists operations for the server, not for a type.
        let own = [("gpc.getstructuredrecord", "https://fhir.nhs.uk/STU3/OperationDefinition/GPConnect-GetStructuredRecord-Operation-1")];
        let operations =
            operations().into_iter().chain(own).map(|(name, definition)| json!({"name": name, "definition": {"reference": definition}}));
        statement["rest"][0]["operation"] = operations.collect();
    }
    statement
}

/// Who looked, for those who review accesses.
fn audit_event() -> Value {
    let params = [("agent", "reference"), ("date", "date"), ("entity", "reference"), ("patient", "reference")];
    json!({
        "type": "AuditEvent",
        "documentation": "Lines of the ledger in the patterns of IHE BALP, for privacy officers and Caldicott Guardians (scope severn.privacy). One of patient, agent:identifier (ISSUER|SUBJECT) and entity:identifier (urn:severn:source|SOURCE) narrows a search.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "searchParam": params.map(|(name, code)| json!({"name": name, "type": code})),
    })
}

/// What a face calls a type: STU3 has two for one.
pub(super) fn names(face: Face, kind: fhir::Kind) -> Vec<&'static str> {
    match (face, kind) {
        (Face::R4, kind) => vec![kind.name()],
        (Face::Stu3, fhir::Kind::SERVICE_REQUEST) => vec!["ProcedureRequest", "ReferralRequest"],
        (Face::Stu3, kind) => vec![dialect::stu3_name(kind)],
    }
}

/// Names and definitions of the operations on a Patient.
fn operations() -> [(&'static str, &'static str); 4] {
    [
        ("everything", "http://hl7.org/fhir/OperationDefinition/Patient-everything"),
        ("match", "http://hl7.org/fhir/OperationDefinition/Patient-match"),
        ("plan", "urn:severn:operation:plan"),
        ("request-access", "urn:severn:operation:request-access"),
    ]
}

fn security(face: Face, sign_in: &[SignIn]) -> Value {
    let system = match face {
        Face::R4 => "http://terminology.hl7.org/CodeSystem/restful-security-service",
        Face::Stu3 => "http://hl7.org/fhir/restful-security-service",
    };
    let mut security = json!({
        "cors": true,
        "service": [{"coding": [{"system": system, "code": "SMART-on-FHIR"}], "text": "OAuth2 bearer tokens with the claims of IHE IUA"}],
    });
    // Where to sign in is the provider's to say: here, only where it is known and there is one.
    if let [SignIn { authorize_url: Some(authorize), token_url: Some(token), .. }] = sign_in {
        security["extension"] = json!([{"url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris", "extension": [
            {"url": "authorize", "valueUri": authorize.as_str()},
            {"url": "token", "valueUri": token.as_str()},
        ]}]);
    }
    security
}

/// What STU3 calls otherwise is taken by either name.
fn called(face: Face, kind: fhir::Kind, name: &'static str) -> impl Iterator<Item = &'static str> {
    let own = if face == Face::Stu3 { stu3_param(kind, name) } else { name };
    std::iter::once(own).chain((own != name).then_some(name))
}

/// By what a search of a type can be narrowed: name and kind of each parameter.
pub(super) fn params(face: Face, kind: fhir::Kind) -> Vec<(&'static str, &'static str)> {
    let known = fhir::tables::search_params(kind).iter().filter(|param| super::filters::narrows(param.kind));
    let own = known.flat_map(|param| called(face, kind, param.name).map(|name| (name, param.kind.code())));
    own.chain([("_id", "token"), ("_lastUpdated", "date")]).collect()
}

fn resource(face: Face, kind: fhir::Kind, named: &str) -> Value {
    let params: Vec<Value> = params(face, kind).into_iter().map(|(name, code)| json!({"name": name, "type": code})).collect();
    let includes: Vec<String> = fhir::tables::search_params(kind)
        .iter()
        .filter(|param| !param.targets.is_empty())
        .flat_map(|param| called(face, kind, param.name).map(|name| format!("{named}:{name}")))
        .collect();
    let mut resource = json!({
        "type": named,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "searchRevInclude": ["Provenance:target"],
        "searchParam": params,
    });
    if kind == fhir::Kind::CONSENT && face == Face::R4 {
        resource["interaction"] = json!([{"code": "read"}, {"code": "search-type"}, {"code": "create"}, {"code": "update"}]);
        resource["versioning"] = json!("versioned-update");
    }
    // FHIR knows no empty lists.
    if !includes.is_empty() {
        resource["searchInclude"] = json!(includes);
    }
    if kind == fhir::Kind::PATIENT && face == Face::R4 {
        resource["operation"] =
            operations().into_iter().map(|(name, definition)| json!({"name": name, "definition": definition})).collect();
    }
    resource
}
