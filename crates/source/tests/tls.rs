//! Sources over real HTTPS: rustls, certificates of an authority of one's own, HTTP/2 where offered, gzip, and what unpacks into too much.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use record::{Failure, Response};
use source::{Auth, Http, Limits, Request, SourceConfig, Transport, Verb};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// A certificate authority, and files that a configuration can name.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = std::env::temp_dir().join(format!("severn-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        (certificate, key)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        roots
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A supplier on loopback whose every answer is the protocol it was asked in, packed where the client unpacks.
async fn supplier(authority: &Authority, protocols: &[&str], clients: bool, tasks: &mut JoinSet<()>) -> SocketAddr {
    let (certificate, key) = authority.issue("localhost");
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let builder = ServerConfig::builder();
    let mut config = if clients {
        let verifier = WebPkiClientVerifier::builder(Arc::new(authority.roots())).build().unwrap();
        builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap()
    } else {
        builder.with_no_client_auth().with_single_cert(chain, key).unwrap()
    };
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            connections.spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
            });
        }
    });
    address
}

async fn answer(request: hyper::Request<hyper::body::Incoming>) -> Result<hyper::Response<Full<Bytes>>, hyper::Error> {
    let said = match request.uri().path() {
        "/bomb" => vec![b' '; 4 << 20],
        _ => format!("{:?}", request.version()).into_bytes(),
    };
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&said).unwrap();
    let unpacks = request.headers().get("accept-encoding").is_some_and(|value| value.to_str().unwrap().contains("gzip"));
    let response = hyper::Response::builder().header("content-type", "application/fhir+json; charset=utf-8");
    Ok(match unpacks {
        true => response.header("content-encoding", "gzip").body(packer.finish().unwrap().into()).unwrap(),
        false => response.body(said.into()).unwrap(),
    })
}

fn config(ca_file: Option<PathBuf>, auth: Auth) -> SourceConfig {
    SourceConfig {
        id: "trust".parse().unwrap(),
        organisation: "RRK".parse().unwrap(),
        base: "https://localhost/fhir".parse().unwrap(),
        auth,
        limits: Limits::default(),
        exchange: None,
        ca_file,
    }
}

async fn ask(address: SocketAddr, path: &str, config: SourceConfig) -> Result<Response, Failure> {
    let request = Request {
        source: config.id.clone(),
        method: Verb::Get,
        url: format!("https://localhost:{}/{path}", address.port()).parse().unwrap(),
        headers: Vec::new(),
        body: None,
        until: tokio::time::Instant::now() + Duration::from_secs(20),
        body_max: 1 << 20,
    };
    Http::new(&[config]).unwrap().send(request).await
}

#[tokio::test]
async fn a_source_is_asked_over_tls_in_the_newest_protocol_it_offers() {
    let authority = Authority::new("protocols");
    let mut tasks = JoinSet::new();
    for (protocols, expected) in [(&["h2", "http/1.1"][..], "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")] {
        let address = supplier(&authority, protocols, false, &mut tasks).await;
        let response = ask(address, "metadata", config(Some(authority.file("ca.pem")), Auth::None)).await.unwrap();
        assert_eq!(response.body, expected.as_bytes(), "{protocols:?}, unpacked");
        assert_eq!(response.content_type, "application/fhir+json");
    }
}

#[tokio::test]
async fn what_unpacks_into_too_much_is_cut_off() {
    let authority = Authority::new("bomb");
    let mut tasks = JoinSet::new();
    let address = supplier(&authority, &["h2"], false, &mut tasks).await;
    let failure = ask(address, "bomb", config(Some(authority.file("ca.pem")), Auth::None)).await.unwrap_err();
    assert_eq!(failure, Failure::TooLarge);
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_no_answer() {
    let (authority, other) = (Authority::new("known"), Authority::new("unknown"));
    let mut tasks = JoinSet::new();
    let address = supplier(&authority, &["h2"], false, &mut tasks).await;
    for ca_file in [None, Some(other.file("ca.pem"))] {
        assert!(ask(address, "metadata", config(ca_file, Auth::None)).await.is_err());
    }
}

#[tokio::test]
async fn a_source_that_wants_a_certificate_gets_ours() {
    let authority = Authority::new("mutual");
    let mut tasks = JoinSet::new();
    let address = supplier(&authority, &["h2"], true, &mut tasks).await;
    let (certificate, key) = authority.issue("exchange");
    let write = |name: &str, text: String| {
        let file = authority.file(name);
        std::fs::write(Path::new(&file), text).unwrap();
        file
    };
    let auth = Auth::Mtls { cert_file: write("own.pem", certificate.pem()), key_file: write("own.key", key.serialize_pem()) };
    let response = ask(address, "metadata", config(Some(authority.file("ca.pem")), auth)).await.unwrap();
    assert_eq!(response.status, 200);
    assert!(ask(address, "metadata", config(Some(authority.file("ca.pem")), Auth::None)).await.is_err(), "without one, none");
}
