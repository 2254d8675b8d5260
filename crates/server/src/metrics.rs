//! `/metrics`: how many requests there were, how they went and how long they took, and how each source answers; for Prometheus.
//!
//! Labels are few and name nobody: the path as the router has it, a method, a status, a source.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Seconds: from what the store answers to what the slowest source does.
const BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Begins to count, once in a process.
pub fn start() -> &'static PrometheusHandle {
    static COUNTING: OnceLock<PrometheusHandle> = OnceLock::new();
    COUNTING.get_or_init(|| {
        // Only an empty list of buckets is refused.
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Where somebody else counts already, there is nothing to show here.
        let _ = metrics::set_global_recorder(recorder);
        handle
    })
}

/// Answers to everybody: nothing of it is about anybody.
pub async fn serve() -> Response {
    let handle = start();
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response()
}

/// Counts a request that was answered.
pub fn answered(route: &'static str, method: &Method, status: StatusCode, took: Duration) {
    // A method that nobody knows is the client's word.
    let method = if [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS].contains(method) { method.as_str() } else { "other" };
    let (method, status) = (method.to_owned(), status.as_u16().to_string());
    metrics::counter!("severn_requests_total", "route" => route, "method" => method, "status" => status).increment(1);
    metrics::histogram!("severn_request_seconds", "route" => route).record(took.as_secs_f64());
}
