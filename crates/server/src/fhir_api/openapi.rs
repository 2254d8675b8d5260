//! `/openapi.json`: what can be asked here, for programs that know OpenAPI and not FHIR. It is written from the list that the router is
//! built of and from the tables that metadata is, so that it cannot say what is not so; a running server is compared with it by tools
//! that nobody here wrote (`checks/openapi`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use record::CARRIED;
use serde_json::{Map, Value, json};

use super::{App, Face, Fault, metadata};
use crate::routes::ROUTES;

/// Answers to everybody: nothing of it is secret.
pub async fn serve(State(app): State<Arc<App>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document(&app.config.exchange.public_url).to_string()).into_response()
}

/// One operation: a path of the document, and the method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// With its variables in braces.
    pub path: String,
    /// In capitals.
    pub method: &'static str,
    /// Of what type, where it is asked below a type.
    kind: Option<(Face, fhir::Kind)>,
}

/// Every operation of every route. Where a path has a type in it, one for each type that is carried.
pub fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for route in ROUTES {
        for endpoint in route.endpoints {
            let (method, below) = endpoint.split_once(' ').unwrap_or((endpoint, ""));
            let path = route.path.replace("{*rest}", below);
            if !path.contains("{type}") {
                all.push(Operation { path, method, kind: None });
                continue;
            }
            let face = Face::of(&path).0;
            for kind in CARRIED {
                let named = metadata::names(face, *kind).into_iter();
                all.extend(named.map(|name| Operation { path: path.replace("{type}", name), method, kind: Some((face, *kind)) }));
            }
        }
    }
    all
}

/// The document.
pub fn document(public_url: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let methods = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        methods[operation.method.to_ascii_lowercase()] = described(&operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Severn: one record of what several systems hold",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "FHIR R4 and STU3; the CapabilityStatement of each (/fhir/R4/metadata, /fhir/STU3/metadata) says more.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "A token with the claims of IHE IUA and SMART, or of NHS Care Identity; see /.well-known/smart-configuration.",
            }},
            "schemas": {
                "Resource": {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"type": "string"}}},
                "OperationOutcome": {
                    "type": "object",
                    "required": ["resourceType", "issue"],
                    "properties": {
                        "resourceType": {"const": "OperationOutcome"},
                        "issue": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["severity", "code"]}},
                    },
                },
                "Parameters": {
                    "type": "object",
                    "required": ["resourceType"],
                    "properties": {
                        "resourceType": {"const": "Parameters"},
                        "parameter": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}},
                    },
                },
            },
        },
    })
}

/// Which door an operation is at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Needs a token, and answers in JSON: a desk.
    Desk,
    /// Needs a token, and speaks FHIR.
    Fhir,
    /// Gives a token to whoever shows who they are otherwise.
    Grant,
    /// Told to everybody.
    Open,
    /// A page, for whoever is signed in; whoever is not is led there.
    Page,
}

impl Operation {
    fn door(&self) -> Door {
        let path = self.path.as_str();
        let open = path.contains("/.well-known/") || path.ends_with("/metadata");
        match path {
            _ if open => Door::Open,
            "/" | "/live" | "/metrics" | "/openapi.json" | "/ready" => Door::Open,
            _ if path.starts_with("/viewer/assets/") => Door::Open,
            _ if path.starts_with("/viewer") => Door::Page,
            crate::launch::LAUNCH | crate::oauth::TOKEN => Door::Grant,
            _ if path.starts_with("/fhir/") => Door::Fhir,
            _ => Door::Desk,
        }
    }
}

fn described(operation: &Operation) -> Value {
    let door = operation.door();
    let mut described = json!({
        "operationId": format!("{} {}", operation.method, operation.path),
        "responses": responses(operation, door),
    });
    if matches!(door, Door::Grant | Door::Open | Door::Page) {
        described["security"] = json!([]);
    }
    let params: Vec<Value> = in_path(&operation.path).chain(in_query(operation, door)).chain(in_header(door)).collect();
    if !params.is_empty() {
        described["parameters"] = json!(params);
    }
    if operation.method == "POST" {
        described["requestBody"] = json!({"required": false, "content": body(operation, door)});
    }
    described
}

fn in_path(path: &str) -> impl Iterator<Item = Value> + '_ {
    let names = path.split('{').skip(1).filter_map(|part| part.split('}').next());
    names.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}}))
}

fn in_query(operation: &Operation, door: Door) -> impl Iterator<Item = Value> + use<> {
    let text = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    let mut params = Vec::new();
    let path = operation.path.as_str();
    if door == Door::Fhir {
        params.push(json!({"name": "_format", "in": "query", "schema": {"enum": ["json", "xml"]}}));
    }
    match operation.kind {
        Some((face, kind)) if !path.contains("{id}") => {
            params.extend(metadata::params(face, kind).into_iter().map(|(name, code)| {
                json!({"name": name, "in": "query", "description": format!("A {code} of FHIR"), "schema": {"type": "string"}})
            }));
            params.push(json!({"name": "_count", "in": "query", "schema": {"type": "integer", "minimum": 0}}));
        }
        _ if path.ends_with("/$everything") => params.extend(["_since", "_type"].map(text)),
        _ if path.ends_with("/$plan") => params.push(text("request")),
        _ if matches!(path, "/fhir/R4" | "/fhir/R4/" | "/fhir/STU3" | "/fhir/STU3/") => params.push(text("_page")),
        _ if path == "/steward/explain" => params.extend(["one", "other"].map(text)),
        _ if path == "/steward/tasks" => params.extend(["all", "after", "count"].map(text)),
        _ => {}
    }
    params.into_iter()
}

fn in_header(door: Door) -> impl Iterator<Item = Value> {
    let known: &[&str] = if door == Door::Fhir { &["X-Request-ID", "Prefer"] } else { &[] };
    known.iter().map(|name| json!({"name": name, "in": "header", "schema": {"type": "string"}}))
}

fn body(operation: &Operation, door: Door) -> Value {
    let form = json!({"application/x-www-form-urlencoded": {"schema": {"type": "object"}}});
    let parameters = json!({"application/fhir+json": {"schema": {"$ref": "#/components/schemas/Parameters"}}});
    match door {
        Door::Fhir if operation.path.ends_with("/_search") => form,
        Door::Fhir => parameters,
        Door::Grant | Door::Page => form,
        Door::Desk | Door::Open => json!({"application/json": {"schema": {"type": "object"}}}),
    }
}

/// The statuses of a door, and what comes with each.
fn responses(operation: &Operation, door: Door) -> Value {
    let outcome = json!({"$ref": "#/components/schemas/OperationOutcome"});
    let fhir = |schema: Value| json!({"application/fhir+json": {"schema": schema}, "application/fhir+xml": {"schema": {}}});
    let (found, refused) = match door {
        Door::Fhir => (fhir(json!({"$ref": "#/components/schemas/Resource"})), fhir(outcome.clone())),
        Door::Desk => (json!({"application/json": {"schema": {"type": "object"}}}), json!({"application/json": {"schema": outcome}})),
        Door::Grant => {
            let either = json!({"application/json": {}, "text/html": {}});
            (either, json!({"application/json": {}, "text/html": {}, "application/fhir+json": {"schema": outcome}}))
        }
        Door::Page => (json!({"text/html": {}}), json!({"text/html": {}})),
        Door::Open => (open(&operation.path), fhir(outcome.clone())),
    };
    let refusals: &[u16] = match door {
        Door::Desk | Door::Fhir | Door::Grant | Door::Page => Fault::STATUSES,
        Door::Open if operation.path.ends_with("/metadata") => &[406],
        // Where this exchange signs nothing there are no keys.
        Door::Open if operation.path == "/.well-known/jwks.json" => &[404],
        Door::Open if operation.path == "/ready" => &[503],
        Door::Open if operation.path.starts_with("/viewer/") => &[404],
        Door::Open => &[],
    };
    let mut all = Map::new();
    all.insert("200".into(), json!({"description": "What was asked for.", "content": found.clone()}));
    if door == Door::Page {
        all.insert("303".into(), json!({"description": "Led on: to sign in, or to what was asked for.", "content": found}));
    }
    for status in refusals {
        let words = axum::http::StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Refused");
        let content = if operation.path == "/ready" { json!({"text/plain": {}}) } else { refused.clone() };
        all.insert(status.to_string(), json!({"description": words, "content": content}));
    }
    // By the wire, before it is known what is asked; a head that is too large is answered without a word.
    for (status, words) in [(414, "The address is too long."), (500, "A bug: nothing is shown rather than something wrong.")] {
        let content = json!({"application/fhir+json": {"schema": {"$ref": "#/components/schemas/OperationOutcome"}}});
        all.insert(status.to_string(), json!({"description": words, "content": content}));
    }
    all.insert("431".into(), json!({"description": "The head is too large."}));
    Value::Object(all)
}

/// In what those paths answer that answer to everybody.
fn open(path: &str) -> Value {
    match path {
        "/" => json!({"text/html": {}}),
        "/live" | "/metrics" | "/ready" => json!({"text/plain": {}}),
        _ if path.starts_with("/viewer/") => json!({"text/css": {}, "text/javascript": {}, "image/svg+xml": {}}),
        _ if path.ends_with("/metadata") => {
            json!({"application/fhir+json": {"schema": {"$ref": "#/components/schemas/Resource"}}, "application/fhir+xml": {"schema": {}}})
        }
        _ => json!({"application/json": {"schema": {"type": "object"}}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operation_stands_twice_and_each_variable_is_described() {
        let document = document("https://severn.example");
        let mut ids = std::collections::BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
                let known = operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path").count();
                assert_eq!(path.matches('{').count(), known, "{method} {path}");
                let mut names: Vec<String> =
                    operation["parameters"].as_array().into_iter().flatten().map(|one| format!("{}{}", one["in"], one["name"])).collect();
                let all = names.len();
                names.sort_unstable();
                names.dedup();
                assert_eq!(names.len(), all, "{method} {path} has a parameter twice");
            }
        }
        assert_eq!(ids.len(), operations().len());
    }
}
