//! The HTTP server: routes, CORS, compression, and a drain at the end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::fhir_api::{self, App};
use crate::jwks;
use crate::smart;
use crate::steward;

/// Every route of the exchange.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/fhir/R4", any(fhir_api::serve))
        .route("/fhir/R4/", any(fhir_api::serve))
        .route("/fhir/R4/{*rest}", any(fhir_api::serve))
        .route("/fhir/STU3", any(fhir_api::serve))
        .route("/fhir/STU3/", any(fhir_api::serve))
        .route("/fhir/STU3/{*rest}", any(fhir_api::serve))
        .route("/fhir/STU3/Patient/$gpc.getstructuredrecord", any(fhir_api::structured::serve))
        .route("/fhir/STU3/Patient/{id}/$gpc.getstructuredrecord", any(fhir_api::structured::serve))
        .route("/.well-known/jwks.json", get(jwks::serve))
        .route("/.well-known/smart-configuration", get(smart::serve))
        .route("/fhir/R4/.well-known/smart-configuration", get(smart::serve))
        .route("/fhir/STU3/.well-known/smart-configuration", get(smart::serve))
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready))
        .route("/steward/{*rest}", any(steward::serve))
        .route("/viewer", get(fhir_api::viewer::form).post(fhir_api::viewer::page))
        .route("/", get(|| async { Html(FRONT) }))
        .with_state(app)
        .layer(CompressionLayer::new())
        .layer(cors())
        .layer(CatchPanicLayer::custom(panicked))
}

const FRONT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Severn</title><h1>Severn</h1><p>FHIR R4 is at <a href=\"/fhir/R4/metadata\">/fhir/R4</a>, the same in STU3 at <a href=\"/fhir/STU3/metadata\">/fhir/STU3</a>; a plain page of a record is at <a href=\"/viewer\">/viewer</a>.";

/// Serves until `stop` resolves, then finishes what is under way.
pub async fn serve(listener: TcpListener, app: Arc<App>, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    // The last segment of an answer goes at once, whether or not the rest was acknowledged. A connection that will not have it so is
    // slower, and no worse.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router(app)).with_graceful_shutdown(stop).await?;
    Ok(())
}

async fn ready(axum::extract::State(app): axum::extract::State<Arc<App>>) -> Response {
    match app.exchange.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the ledger or the store cannot be written\n").into_response(),
    }
}

fn cors() -> CorsLayer {
    let headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::ACCEPT,
        header::CACHE_CONTROL,
        HeaderName::from_static("prefer"),
        HeaderName::from_static("x-request-id"),
    ];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::HEAD])
        .allow_headers(headers)
        .expose_headers([HeaderName::from_static("x-request-id"), header::RETRY_AFTER])
        .max_age(Duration::from_secs(600))
}

/// A panic is a bug; its reader gets an OperationOutcome like for every other error, and nothing of the inside.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request panicked; this is a bug in Severn");
    let outcome = crate::answer::outcome::single(
        "fatal",
        "exception",
        "Something failed inside this exchange. Nothing is shown rather than something wrong.",
    );
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "application/fhir+json; charset=utf-8")], outcome.to_string())
        .into_response()
}
