//! The HTTP server: CORS, compression, limits, and a drain at the end.

mod connections;
mod headers;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::fhir_api::App;
use crate::tls::{Peer, Tls, TlsListener};
use crate::{ladder, metrics, routes};

/// Every route of the exchange.
pub fn router(app: Arc<App>) -> Router {
    metrics::start();
    let step = app.ladder.step();
    let marked = axum::middleware::map_response(move |response| ladder::mark(step, response));
    routes::router()
        .with_state(app.clone())
        .layer(cors())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state(app, headers::add))
        // It writes into pages: after all that may make one, and before they are pressed.
        .layer(marked)
        .layer(CompressionLayer::new())
}

/// Serves until `stop` resolves, then finishes what is under way. By TLS where the configuration has it.
pub async fn serve(listener: TcpListener, app: Arc<App>, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    let limits = app.config.limits.connections.clone();
    if let Some(config) = &app.config.exchange.tls {
        let tls = Tls::open(config)?;
        let listener = TlsListener::new(listener, tls.clone());
        tokio::select! {
            () = connections::serve(listener, router(app), &limits, stop, Peer::of) => {}
            () = tls.keep() => {}
        }
        return Ok(());
    }
    // The last segment of an answer goes at once, whether or not the rest was acknowledged. A connection that will not have it so is
    // slower, and no worse.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    connections::serve(listener, router(app), &limits, stop, |_| Peer::default()).await;
    Ok(())
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
        .expose_headers([HeaderName::from_static("x-request-id"), HeaderName::from_static(ladder::HEADER), header::RETRY_AFTER])
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
