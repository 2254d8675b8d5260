//! `[exchange.tls]`: TLS of the exchange's own, and certificates of those who ask.

use std::path::PathBuf;
use std::time::Duration;

use super::Reader;
use super::reader::Section;
use crate::tls;

/// `[exchange.tls]`
#[derive(Debug, Clone)]
pub struct TlsConfig {
    /// The exchange's certificate and those that lead from it to an authority, in PEM.
    pub cert_file: PathBuf,
    /// Its private key, in PEM.
    pub key_file: PathBuf,
    /// Authorities whose certificates clients may show. Without it nobody is asked for one.
    pub client_ca_file: Option<PathBuf>,
    /// Lists of certificates that those authorities took back (CRLs), in PEM: one of each of them, and none over.
    pub revoked: Option<PathBuf>,
    /// Whether nobody connects without a certificate: where no person's browser does.
    pub client_required: bool,
    /// How often it is looked whether the files are new.
    pub reload: Duration,
    /// The longest that a handshake takes.
    pub handshake: Duration,
    /// Handshakes under way at once.
    pub handshakes_max: usize,
}

impl<'a> Reader<'a> {
    /// The inner `None` is that there is none; the outer only where a mistake was noted.
    pub(super) fn tls(&self, exchange: &Section<'a>) -> Option<Option<TlsConfig>> {
        if !exchange.has("tls") {
            return Some(None);
        }
        let section = exchange.section("tls");
        let file = |key| section.required::<String>(key).map(|path| self.path(&path));
        let (cert_file, key_file) = (file("cert_file"), file("key_file"));
        let client_ca_file = section.text("client_ca_file").map(|path| self.path(&path));
        let revoked = section.text("revoked").map(|path| self.path(&path));
        if revoked.is_some() && client_ca_file.is_none() {
            section.mistake("revoked", "is of no use without client_ca_file: nobody is asked for a certificate");
        }
        let client_required = section.choice("client_certificates", &[("offered", false), ("required", true)], false);
        if client_required && client_ca_file.is_none() {
            section.mistake("client_certificates", "cannot be required without client_ca_file: by whose authority?");
        }
        let reload = Duration::from_secs(section.number("reload_s", 10, 1..=3_600));
        let handshake = Duration::from_millis(section.number("handshake_ms", 5_000, 100..=60_000));
        let handshakes_max = section.number("handshakes_max", 1_024, 1..=100_000) as usize;
        let config = (|| {
            Some(TlsConfig {
                cert_file: cert_file?,
                key_file: key_file?,
                client_ca_file,
                revoked,
                client_required,
                reload,
                handshake,
                handshakes_max,
            })
        })();
        // What is wrong with the files is told now, not to whoever connects.
        if let Some(config) = &config
            && let Err((key, what)) = tls::Files::read(config).and_then(|files| files.config(config))
        {
            section.mistake(key, what);
        }
        section.finish();
        config.map(Some)
    }
}
