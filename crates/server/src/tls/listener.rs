//! Connections as they come: shaken hands with beside each other, so that one who is slow holds up nobody.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Certificate, Peer, Tls};

/// Accepts connections by TLS.
pub struct TlsListener {
    tcp: TcpListener,
    tls: Arc<Tls>,
    shaking: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    /// On a port that is open.
    pub fn new(tcp: TcpListener, tls: Arc<Tls>) -> TlsListener {
        TlsListener { tcp, tls, shaking: JoinSet::new() }
    }

    fn shake(&mut self, stream: TcpStream, from: SocketAddr) {
        // The last segment of an answer goes at once. A connection that will not have it so is slower, and no worse.
        drop(stream.set_nodelay(true));
        let acceptor = TlsAcceptor::from(self.tls.current.load_full());
        let handshake = self.tls.config.handshake;
        self.shaking.spawn(async move {
            // Whoever does not get through is nobody yet: there is no request to refuse.
            match tokio::time::timeout(handshake, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Some((stream, from)),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    None
                }
                Err(_) => None,
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let room = self.shaking.len() < self.tls.config.handshakes_max;
            tokio::select! {
                Some(shaken) = self.shaking.join_next() => {
                    if let Ok(Some(connection)) = shaken {
                        return connection;
                    }
                }
                accepted = self.tcp.accept(), if room => match accepted {
                    Ok((stream, from)) => self.shake(stream, from),
                    // Out of sockets, most likely: those that are open come to their end.
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

impl Peer {
    /// Whoever is at the other end of a connection.
    pub(crate) fn of(stream: &TlsStream<TcpStream>) -> Peer {
        let (_, session) = stream.get_ref();
        Peer { certificate: session.peer_certificates().and_then(<[_]>::first).map(|own| Certificate::of(own)) }
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Peer {
        Peer::of(stream.io())
    }
}
