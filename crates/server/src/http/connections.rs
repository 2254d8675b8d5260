//! Connections as they are served: each has limits, so that one who is slow, or sends without end, takes nothing from the others.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use tower::{ServiceExt, service_fn};

use crate::config::ConnectionLimits;
use crate::tls::Peer;

/// Serves every connection of a listener until `stop` resolves, then lets each finish what is under way. `peer` says who is at the
/// other end, where that is known.
pub async fn serve<L: Listener>(
    mut listener: L,
    router: Router,
    limits: &ConnectionLimits,
    stop: impl Future<Output = ()> + Send,
    peer: impl Fn(&L::Io) -> Peer,
) {
    let builder = Arc::new(builder(limits));
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        while connections.try_join_next().is_some() {}
        // Whoever comes when all places are taken waits in the system's queue, which ends by itself.
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let ((io, _), place) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let info = ConnectInfo(peer(&io));
        let router = router.clone();
        let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(info.clone());
            let router = router.clone();
            async move { Ok::<_, Infallible>(router.oneshot(request.map(axum::body::Body::new)).await.unwrap_or_else(|never| match never {})) }
        });
        let io = TokioIo::new(Patient::new(io, limits));
        let service = hyper_util::service::TowerToHyperService::new(service);
        let connection = builder.serve_connection(io, service).into_owned();
        let watched = graceful.watch(connection);
        connections.spawn(async move {
            // A connection that ends badly is its client's loss; nothing of it belongs in the log.
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

fn builder(limits: &ConnectionLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(limits.header_bytes_max)
        .max_headers(limits.headers_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams_max)
        .max_header_list_size(u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX))
        // Streams that are opened and taken back at once cost us and not them.
        .max_pending_accept_reset_streams(limits.http2_resets_max)
        .max_local_error_reset_streams(limits.http2_resets_max)
        // Whoever is gone without a word is noticed.
        .keep_alive_interval(limits.idle)
        .keep_alive_timeout(limits.header);
    builder
}

/// A connection that is not waited for without end: for its first bytes, for any when none came for a while, nor for its taking what is
/// written to it.
struct Patient<T> {
    inner: T,
    read: usize,
    first: Duration,
    idle: Duration,
    write: Duration,
    reading: Pin<Box<Sleep>>,
    writing: Option<Pin<Box<Sleep>>>,
}

/// As long as the words by which HTTP/2 begins: by them it is decided which protocol is spoken, and no timer of either runs yet.
const BEGINNING: usize = 24;

impl<T> Patient<T> {
    fn new(inner: T, limits: &ConnectionLimits) -> Patient<T> {
        let reading = Box::pin(tokio::time::sleep(limits.header));
        Patient { inner, read: 0, first: limits.header, idle: limits.idle, write: limits.write, reading, writing: None }
    }

    fn waited(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if outcome.is_ready() {
            self.writing = None;
            // Whoever takes an answer is there.
            self.reading.as_mut().reset(Instant::now() + self.idle.max(self.first));
            return outcome;
        }
        let write = self.write;
        let waiting = self.writing.get_or_insert_with(|| Box::pin(tokio::time::sleep(write)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if let Poll::Ready(outcome) = Pin::new(&mut this.inner).poll_read(context, buffer) {
            this.read = this.read.saturating_add(buffer.filled().len() - before);
            if this.read >= BEGINNING {
                this.reading.as_mut().reset(Instant::now() + this.idle);
            }
            return Poll::Ready(outcome);
        }
        ready!(this.reading.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.waited(context, outcome)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.waited(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
