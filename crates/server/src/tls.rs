//! TLS of the exchange's own: 1.2 and 1.3, certificates that are put in place of others while it runs, and whoever is at the other end,
//! as far as a certificate says.

mod listener;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;

use crate::config::tls::TlsConfig;

pub use listener::TlsListener;

/// The certificate by which a client showed who it is. That it is genuine was found out in the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 over it, base64url: `x5t#S256` of RFC 8705.
    pub thumbprint: String,
    /// Its subject, as RFC 4514 writes names; empty where it cannot be read.
    pub subject: String,
}

impl Certificate {
    /// Of its DER.
    pub fn of(der: &[u8]) -> Certificate {
        let thumbprint = BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, der).as_ref());
        let subject = x509_cert::Certificate::from_der(der).map(|read| read.tbs_certificate.subject.to_string());
        Certificate { thumbprint, subject: subject.unwrap_or_default() }
    }
}

/// Who is at the other end; kept among a request's extensions.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// `None` where none was shown.
    pub certificate: Option<Certificate>,
}

/// A certificate as it is registered: one, by its thumbprint, or whichever an authority made out to a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// The whole subject, as RFC 4514 writes it.
    Subject(String),
    /// SHA-256, base64url.
    Thumbprint(String),
}

impl Registered {
    /// Whether it is this one.
    pub fn is(&self, shown: &Certificate) -> bool {
        match self {
            Registered::Subject(subject) => *subject == shown.subject,
            Registered::Thumbprint(thumbprint) => *thumbprint == shown.thumbprint,
        }
    }
}

/// Why a text names no certificate.
#[derive(Debug, thiserror::Error)]
#[error(
    "is neither a subject (CN=…,O=…) nor a SHA-256 thumbprint in 64 hexadecimal digits, as `openssl x509 -fingerprint -sha256` prints it"
)]
pub struct NoCertificate;

impl FromStr for Registered {
    type Err = NoCertificate;

    fn from_str(text: &str) -> Result<Registered, NoCertificate> {
        if text.contains('=') {
            return Ok(Registered::Subject(text.to_owned()));
        }
        let digits = text.strip_prefix("sha256:").unwrap_or(text).replace(':', "");
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok().filter(|bytes| bytes.len() == 32).ok_or(NoCertificate)?;
        Ok(Registered::Thumbprint(BASE64URL_NOPAD.encode(&bytes)))
    }
}

/// What the files hold that TLS is made of.
#[derive(PartialEq, Eq)]
pub(crate) struct Files {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
    revoked: Option<Vec<u8>>,
}

/// The key of the configuration that is wrong, and what is.
type Wrong = (&'static str, String);

impl Files {
    pub(crate) fn read(config: &TlsConfig) -> Result<Files, Wrong> {
        let read = |key, path: &Path| std::fs::read(path).map_err(|error| (key, format!("{}: {error}", path.display())));
        let client_ca = config.client_ca_file.as_ref().map(|path| read("client_ca_file", path)).transpose()?;
        let revoked = config.revoked.as_ref().map(|path| read("revoked", path)).transpose()?;
        Ok(Files { cert: read("cert_file", &config.cert_file)?, key: read("key_file", &config.key_file)?, client_ca, revoked })
    }

    /// What is wrong with the lists of what was taken back; they go on being used, and are over at some time.
    fn over(&self) -> Option<Wrong> {
        revocations(self.revoked.as_ref()?).err()
    }

    /// What connections are accepted by.
    pub(crate) fn config(&self, config: &TlsConfig) -> Result<ServerConfig, Wrong> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = certificates(&self.cert).ok_or(("cert_file", "holds no certificate in PEM".to_owned()))?;
        // Not what is wrong with it: that would be of what is in it.
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| ("key_file", "holds no private key in PEM".to_owned()))?;
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| ("cert_file", error.to_string()))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(authorities) => {
                let wrong = |what: String| ("client_ca_file", what);
                let mut roots = RootCertStore::empty();
                for authority in certificates(authorities).ok_or(wrong("holds no certificate in PEM".to_owned()))? {
                    roots.add(authority).map_err(|error| wrong(error.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = match &self.revoked {
                    None => verifier,
                    // Whose authority gave no list, or one that is over, may have been taken back: they do not get through.
                    Some(lists) => verifier.with_crls(revocations(lists)?).enforce_revocation_expiration(),
                };
                let verifier = if config.client_required { verifier } else { verifier.allow_unauthenticated() };
                builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(error.to_string()))?)
            }
        };
        let mut server =
            builder.with_single_cert(chain, key).map_err(|error| ("cert_file", format!("does not go with the key: {error}")))?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(server)
    }
}

/// Lists of what was taken back, of which none is over.
fn revocations(pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Wrong> {
    let wrong = |what: &str| ("revoked", what.to_owned());
    let lists: Vec<CertificateRevocationListDer<'static>> =
        CertificateRevocationListDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| wrong("holds a list that is no PEM"))?;
    if lists.is_empty() {
        return Err(wrong("holds no list of revoked certificates (X509 CRL) in PEM"));
    }
    if ends(&lists).ok_or(wrong("holds a list that cannot be read, or does not say until when it is good"))? <= now() {
        return Err(wrong("holds a list that is over: nobody of its authority would get through"));
    }
    Ok(lists)
}

/// When the first of them is over.
fn ends(lists: &[CertificateRevocationListDer<'_>]) -> Option<Duration> {
    let end = |list: &CertificateRevocationListDer<'_>| {
        let list = CertificateList::from_der(list.as_ref()).ok()?;
        Some(list.tbs_cert_list.next_update?.to_unix_duration())
    };
    lists.iter().map(end).collect::<Option<Vec<_>>>()?.into_iter().min()
}

fn now() -> Duration {
    Duration::try_from(crate::wiring::system_clock().now().as_duration()).unwrap_or_default()
}

/// `None` where there is none, or one that cannot be read.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!all.is_empty()).then_some(all)
}

/// By what connections are accepted now.
pub struct Tls {
    config: TlsConfig,
    current: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    pub fn open(config: &TlsConfig) -> anyhow::Result<Arc<Tls>> {
        let server = Files::read(config).and_then(|files| files.config(config));
        let server = server.map_err(|(key, what)| anyhow::anyhow!("exchange.tls.{key}: {what}"))?;
        Ok(Arc::new(Tls { config: config.clone(), current: ArcSwap::from_pointee(server) }))
    }

    /// Looks now and then whether the files are new. What is open goes on; what cannot be used is told, and what there was stays.
    pub async fn keep(&self) {
        let mut known = Files::read(&self.config).ok();
        let mut said_over = false;
        loop {
            tokio::time::sleep(self.config.reload).await;
            let over = known.as_ref().and_then(Files::over);
            if let Some((key, what)) = over.as_ref().filter(|_| !said_over) {
                tracing::error!(alert = "tls.revoked-over", key, what, "exchange.tls: who shows a certificate gets no connection");
            }
            said_over = over.is_some();
            let files = match Files::read(&self.config) {
                Ok(files) if known.as_ref() == Some(&files) => continue,
                Ok(files) => files,
                Err((key, what)) => {
                    tracing::error!(key, what, "exchange.tls could not be read again; what there was goes on");
                    continue;
                }
            };
            match files.config(&self.config) {
                Ok(server) => {
                    self.current.store(Arc::new(server));
                    tracing::info!("exchange.tls was read again: new connections get the new certificate");
                }
                Err((key, what)) => tracing::error!(key, what, "exchange.tls is new and cannot be used; what there was goes on"),
            }
            known = Some(files);
        }
    }
}
