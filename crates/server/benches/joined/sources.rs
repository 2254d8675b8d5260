//! Six FHIR servers behind one port, answering from memory: at once below `/now`, after 50 ms below `/slow`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::said::{self, SOURCES};

/// How long a slow source takes.
pub const SLOW: Duration = Duration::from_millis(50);

/// The base of a source.
pub fn base(port: u16, speed: &str, source: &str) -> String {
    format!("http://127.0.0.1:{port}/{speed}/{source}")
}

/// Every path and its answer.
pub fn router(port: u16) -> Router {
    let mut answers: HashMap<String, Bytes> = HashMap::new();
    for speed in ["now", "slow"] {
        for (number, source) in SOURCES.into_iter().enumerate() {
            let base = base(port, speed, source);
            let patient = format!("/{speed}/{source}/Patient");
            answers.insert(format!("/{speed}/{source}/metadata"), Bytes::from_static(STATEMENT.as_bytes()));
            answers.insert(patient.clone(), said::found(&base));
            answers.insert(format!("{patient}/{}", said::PATIENT), said::patient().to_string().into());
            answers.insert(format!("{patient}/{}/$everything", said::PATIENT), said::everything(number, &base));
        }
    }
    let answers = Arc::new(answers);
    Router::new().fallback(move |uri: Uri| answer(answers.clone(), uri))
}

const STATEMENT: &str = r#"{"resourceType":"CapabilityStatement","status":"active","kind":"instance","fhirVersion":"4.0.1","format":["json"],"rest":[{"mode":"server"}]}"#;

async fn answer(answers: Arc<HashMap<String, Bytes>>, uri: Uri) -> Response {
    if uri.path().starts_with("/slow/") {
        tokio::time::sleep(SLOW).await;
    }
    match answers.get(&uri.path().replace("%24", "$")) {
        Some(body) => ([(header::CONTENT_TYPE, "application/fhir+json")], body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
