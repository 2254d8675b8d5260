//! The region on loopback: one port for each supplier, one for each national service, and one to set faults by.

use super::{Region, lock, present_faults};
use crate::demographics::DEMOGRAPHICS;
use crate::fault::{Fault, Refusal};
use crate::locator::LOCATOR;
use crate::message::{Answer, Request};
use crate::supplier::{SUPPLIERS, Supplier};
use axum::extract::{Path, State};
use axum::routing::{get, put};
use bytes::Bytes;
use futures::StreamExt;
use http::StatusCode;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;

/// How long open requests have to finish when the region stops.
const GRACE: Duration = Duration::from_millis(500);

type Body = BoxBody<Bytes, io::Error>;

/// A region that listens. Dropping it stops it at once.
#[derive(Debug)]
pub struct RunningRegion {
    region: Arc<Region>,
    control: SocketAddr,
    locator: SocketAddr,
    demographics: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Deref for RunningRegion {
    type Target = Region;

    fn deref(&self) -> &Region {
        &self.region
    }
}

impl Region {
    /// Starts all suppliers. With a first port, each has the next one; the control port comes first
    /// and the national services last: the locator, then demographics. Without, the system chooses.
    pub async fn start(ip: IpAddr, first_port: Option<u16>) -> io::Result<RunningRegion> {
        let make = |at: usize, origin: &str| Supplier::of_the_region(&SUPPLIERS[at], origin);
        Self::start_with(ip, first_port, SUPPLIERS.len(), make).await
    }

    /// Starts suppliers made for their addresses: `make` is called with each one's place and
    /// origin.
    pub async fn start_with(
        ip: IpAddr,
        first_port: Option<u16>,
        count: usize,
        make: impl Fn(usize, &str) -> Supplier,
    ) -> io::Result<RunningRegion> {
        let port = |at: u16| first_port.map_or(0, |first| first.saturating_add(at));
        let control = TcpListener::bind((ip, port(0))).await?;
        let mut listeners = Vec::new();
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        for at in 1..=count {
            listeners.push(TcpListener::bind((ip, port(at))).await?);
        }
        let locator = TcpListener::bind((ip, port(count.saturating_add(1)))).await?;
        let demographics = TcpListener::bind((ip, port(count.saturating_add(2)))).await?;
        let mut suppliers = Vec::new();
        for (at, listener) in listeners.iter().enumerate() {
            suppliers.push(make(at, &format!("http://{}", listener.local_addr()?)));
        }
        let region = Arc::new(Region::of(suppliers));
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let ids: Vec<&'static str> = region.suppliers().map(|s| s.habits().id).collect();
        for (id, listener) in ids.into_iter().zip(listeners) {
            tasks.spawn(serve(listener, region.clone(), id, stopped.clone()));
        }
        let (address, locator_address, demographics_address) = (control.local_addr()?, locator.local_addr()?, demographics.local_addr()?);
        tasks.spawn(serve(locator, region.clone(), LOCATOR, stopped.clone()));
        tasks.spawn(serve(demographics, region.clone(), DEMOGRAPHICS, stopped.clone()));
        tasks.spawn(serve_control(control, region.clone(), stopped));
        Ok(RunningRegion { region, control: address, locator: locator_address, demographics: demographics_address, stop, tasks })
    }
}

impl RunningRegion {
    /// Where faults are set: `PUT /faults/{supplier}`.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// The origin of the national locator.
    pub fn locator_url(&self) -> String {
        format!("http://{}", self.locator)
    }

    /// The origin of the national demographics service.
    pub fn demographics_url(&self) -> String {
        format!("http://{}", self.demographics)
    }

    /// The region itself, to keep.
    pub fn region(&self) -> Arc<Region> {
        self.region.clone()
    }

    /// Stops listening, lets open requests finish for a moment, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn serve(listener: TcpListener, region: Arc<Region>, id: &'static str, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                if !closes_at_once(&region, id) {
                    connections.spawn(converse(stream, region.clone(), id));
                }
            }
        }
    }
    let finish = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, finish).await;
}

/// A supplier that closes connections does so before anything is said.
fn closes_at_once(region: &Region, id: &str) -> bool {
    let Some(settings) = region.settings(id) else {
        return true;
    };
    let mut settings = lock(settings);
    let closes = Fault::Refusing { how: Refusal::Closed };
    let closed = settings.iter().any(|setting| setting.fault == closes);
    if closed {
        present_faults(&mut settings);
    }
    closed
}

async fn converse(stream: TcpStream, region: Arc<Region>, id: &'static str) {
    let _ = stream.set_nodelay(true);
    let service = tower::service_fn(move |request| reply(region.clone(), id, request));
    let service = ServiceBuilder::new().layer(CompressionLayer::new()).service(service);
    let service = TowerToHyperService::new(service);
    let connection = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(why) = connection.await {
        tracing::debug!(supplier = id, why, "a connection ended early");
    }
}

async fn reply(region: Arc<Region>, id: &'static str, request: http::Request<Incoming>) -> io::Result<http::Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let request = Request { method: parts.method, path_and_query, headers: parts.headers, body };
    let closed = || io::Error::from(io::ErrorKind::ConnectionReset);
    let (after, answer) = match region.take(id, request).ok_or_else(closed)? {
        Answer::Closed => return Err(closed()),
        Answer::Reply { after, response } => (after, response),
        Answer::Silent => std::future::pending().await,
    };
    if !after.is_zero() {
        tokio::time::sleep(after).await;
    }
    let body = match answer.cut_off {
        false => Full::new(answer.body).map_err(|never| match never {}).boxed(),
        true => {
            let first = futures::stream::iter([Ok(Frame::data(answer.body))]);
            let break_off = futures::stream::once(async move {
                // Time for the first bytes to leave: an error at once would take them along.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(closed())
            });
            BodyExt::boxed(StreamBody::new(first.chain(break_off)))
        }
    };
    let mut response = http::Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

async fn serve_control(listener: TcpListener, region: Arc<Region>, mut stopped: watch::Receiver<bool>) {
    let router = axum::Router::new()
        .route("/", get(list_sources))
        .route("/faults", get(list_faults))
        .route("/faults/{supplier}", put(set_faults).delete(clear_faults))
        .with_state(region);
    let stop = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let served = axum::serve(listener, router).with_graceful_shutdown(stop).await;
    if let Err(why) = served {
        tracing::warn!(%why, "the control port of the pretend region failed");
    }
}

async fn list_sources(State(region): State<Arc<Region>>) -> String {
    let block = |source: super::Source| {
        let token = format!("{}.token", source.id);
        source.to_toml(&token)
    };
    region.sources().into_iter().map(block).collect::<Vec<_>>().join("\n")
}

async fn list_faults(State(region): State<Arc<Region>>) -> String {
    let ids = region.suppliers().map(|supplier| supplier.habits().id).chain([LOCATOR, DEMOGRAPHICS]);
    let faults: std::collections::BTreeMap<_, _> = ids.map(|id| (id, region.faults(id))).collect();
    serde_json::to_string_pretty(&faults).expect("faults are JSON")
}

async fn set_faults(State(region): State<Arc<Region>>, Path(supplier): Path<String>, body: String) -> (StatusCode, String) {
    let faults = match Fault::settings(&body) {
        Ok(faults) => faults,
        Err(why) => return (StatusCode::BAD_REQUEST, format!("not a fault: {why}\n")),
    };
    match region.set_faults(&supplier, faults) {
        true => (StatusCode::OK, "set\n".into()),
        false => (StatusCode::NOT_FOUND, format!("there is no supplier {supplier}\n")),
    }
}

async fn clear_faults(State(region): State<Arc<Region>>, Path(supplier): Path<String>) -> (StatusCode, String) {
    match region.set_faults(&supplier, []) {
        true => (StatusCode::OK, "cleared\n".into()),
        false => (StatusCode::NOT_FOUND, format!("there is no supplier {supplier}\n")),
    }
}
