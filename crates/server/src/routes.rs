//! Every route of the exchange, in one list. The router is built from it and from nothing else, and so is the table of who may ask
//! what: an endpoint that is added here, or below one of these, makes that table's test fail until it stands in it.

use std::sync::Arc;

use axum::Router;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use http::StatusCode;

use crate::fhir_api::{self, App, interaction};
use crate::{jwks, launch, metrics, oauth, operations, privacy, smart, steward, viewer};

/// A path, what can be asked there, and who answers.
pub struct Route {
    /// As the router has it.
    pub path: &'static str,
    /// The methods. Behind a path that ends in anything, each with the path that follows (`GET tasks/{id}`).
    pub endpoints: &'static [&'static str],
    serve: fn() -> MethodRouter<Arc<App>>,
}

/// All of them.
pub const ROUTES: &[Route] = &[
    Route { path: "/", endpoints: &["GET"], serve: || get(|| async { Html(FRONT) }) },
    Route { path: "/.well-known/jwks.json", endpoints: &["GET"], serve: || get(jwks::serve) },
    Route { path: "/.well-known/smart-configuration", endpoints: &["GET"], serve: || get(smart::serve) },
    Route { path: "/fhir/R4", endpoints: &["GET"], serve: || any(fhir_api::serve) },
    Route { path: "/fhir/R4/", endpoints: &["GET"], serve: || any(fhir_api::serve) },
    Route { path: "/fhir/R4/.well-known/smart-configuration", endpoints: &["GET"], serve: || get(smart::serve) },
    Route { path: "/fhir/R4/{*rest}", endpoints: interaction::ENDPOINTS, serve: || any(fhir_api::serve) },
    Route { path: "/fhir/STU3", endpoints: &["GET"], serve: || any(fhir_api::serve) },
    Route { path: "/fhir/STU3/", endpoints: &["GET"], serve: || any(fhir_api::serve) },
    Route { path: "/fhir/STU3/.well-known/smart-configuration", endpoints: &["GET"], serve: || get(smart::serve) },
    Route { path: "/fhir/STU3/Patient/$gpc.getstructuredrecord", endpoints: &["POST"], serve: || any(fhir_api::structured::serve) },
    Route { path: "/fhir/STU3/Patient/{id}/$gpc.getstructuredrecord", endpoints: &["POST"], serve: || any(fhir_api::structured::serve) },
    Route { path: "/fhir/STU3/{*rest}", endpoints: interaction::ENDPOINTS, serve: || any(fhir_api::serve) },
    Route { path: launch::LAUNCH, endpoints: &["GET", "POST"], serve: || get(launch::page).post(launch::launch) },
    Route { path: "/live", endpoints: &["GET"], serve: || get(|| async { "live\n" }) },
    Route { path: "/metrics", endpoints: &["GET"], serve: || get(metrics::serve) },
    Route { path: oauth::TOKEN, endpoints: &["POST"], serve: || any(oauth::token) },
    Route { path: "/openapi.json", endpoints: &["GET"], serve: || get(fhir_api::openapi::serve) },
    Route { path: "/operations/{*rest}", endpoints: operations::ENDPOINTS, serve: || any(operations::serve) },
    Route { path: "/privacy/{*rest}", endpoints: privacy::ENDPOINTS, serve: || any(privacy::serve) },
    Route { path: "/ready", endpoints: &["GET"], serve: || get(ready) },
    Route { path: "/steward/{*rest}", endpoints: steward::ENDPOINTS, serve: || any(steward::serve) },
    Route { path: "/viewer", endpoints: &["GET"], serve: || get(viewer::home) },
    Route { path: "/viewer/assets/{name}", endpoints: &["GET"], serve: || get(viewer::asset) },
    Route { path: "/viewer/find", endpoints: &["POST"], serve: || post(viewer::look) },
    Route { path: "/viewer/patient/{id}", endpoints: &["GET"], serve: || get(viewer::patient) },
    Route { path: "/viewer/patient/{id}/access", endpoints: &["POST"], serve: || post(viewer::claim) },
    Route { path: "/viewer/patient/{id}/document/{document}", endpoints: &["GET"], serve: || get(viewer::document) },
    Route { path: "/viewer/patient/{id}/document/{document}/file", endpoints: &["GET"], serve: || get(viewer::file) },
    Route { path: "/viewer/patient/{id}/medicines", endpoints: &["GET"], serve: || get(viewer::medicines) },
    Route { path: "/viewer/patient/{id}/more/{rest}", endpoints: &["GET"], serve: || get(viewer::more) },
    Route { path: "/viewer/patient/{id}/results", endpoints: &["GET"], serve: || get(viewer::results) },
    Route { path: "/viewer/privacy", endpoints: &["GET"], serve: || get(viewer::privacy_queue) },
    Route {
        path: "/viewer/privacy/report",
        endpoints: &["GET", "POST"],
        serve: || get(viewer::privacy_report).post(viewer::privacy_report),
    },
    Route { path: "/viewer/privacy/tasks/{id}", endpoints: &["GET"], serve: || get(viewer::privacy_case) },
    Route { path: "/viewer/privacy/tasks/{id}/decide", endpoints: &["POST"], serve: || post(viewer::privacy_decide) },
    Route { path: "/viewer/sign-in", endpoints: &["GET"], serve: || get(viewer::sign_in) },
    Route { path: "/viewer/sign-in/{way}", endpoints: &["GET"], serve: || get(viewer::begin) },
    Route { path: "/viewer/sign-out", endpoints: &["POST"], serve: || post(viewer::sign_out) },
    Route { path: "/viewer/signed-in", endpoints: &["GET"], serve: || get(viewer::signed_in) },
    Route { path: "/viewer/steward", endpoints: &["GET"], serve: || get(viewer::steward_queue) },
    Route { path: "/viewer/steward/tasks/{id}", endpoints: &["GET"], serve: || get(viewer::steward_doubt) },
    Route { path: "/viewer/steward/tasks/{id}/decide", endpoints: &["POST"], serve: || post(viewer::steward_decide) },
    Route { path: "/viewer/steward/tasks/{id}/undo", endpoints: &["POST"], serve: || post(viewer::steward_undo) },
];

/// The router of them all.
pub(crate) fn router() -> Router<Arc<App>> {
    ROUTES.iter().fold(Router::new(), |router, route| router.route(route.path, (route.serve)()))
}

/// The route of a path, as the router has it; `none` where there is none.
pub fn of(path: &str) -> &'static str {
    let own = |route: &&Route| match route.path.strip_suffix("{*rest}") {
        Some(base) => path.starts_with(base),
        None => {
            let (wanted, given) = (route.path.split('/'), path.split('/'));
            wanted.clone().count() == given.clone().count()
                && wanted.zip(given).all(|(wanted, given)| wanted == given || wanted.starts_with('{'))
        }
    };
    ROUTES.iter().filter(own).map(|route| route.path).max_by_key(|path| path.len()).unwrap_or("none")
}

const FRONT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Severn</title><h1>Severn</h1><p>FHIR R4 is at <a href=\"/fhir/R4/metadata\">/fhir/R4</a>, the same in STU3 at <a href=\"/fhir/STU3/metadata\">/fhir/STU3</a>; people read records at <a href=\"/viewer\">/viewer</a>.";

async fn ready(axum::extract::State(app): axum::extract::State<Arc<App>>) -> Response {
    match app.exchange.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the ledger or the store cannot be written\n").into_response(),
    }
}
