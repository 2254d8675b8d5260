//! What is configured of a source. Every limit has its default here.

use std::path::PathBuf;

use record::{ExchangeId, OdsCode, SourceId};
use url::Url;

/// A source to ask.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Its id.
    pub id: SourceId,
    /// Who answers for it.
    pub organisation: OdsCode,
    /// Its base, to which a call's target is appended.
    pub base: Url,
    /// How to authenticate.
    pub auth: Auth,
    /// Its limits.
    pub limits: Limits,
    /// Where it is itself an exchange: its hop id.
    pub exchange: Option<ExchangeId>,
    /// A certificate authority of its own, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// How to authenticate.
#[derive(Debug, Clone)]
pub enum Auth {
    /// A token that an operator renews.
    Bearer {
        /// The file that holds it; read again for every leg, so that renewing it needs no restart.
        token_file: PathBuf,
    },
    /// OAuth 2 client credentials.
    ClientCredentials {
        /// The token endpoint.
        token_url: Url,
        /// `client_id`
        client_id: String,
        /// The file that holds the secret.
        secret_file: PathBuf,
        /// `scope`
        scope: Option<String>,
    },
    /// A client certificate.
    Mtls {
        /// The certificate chain, PEM.
        cert_file: PathBuf,
        /// The key, PEM.
        key_file: PathBuf,
    },
    /// None.
    None,
    /// In the name of the person who asks: a token of our own that says who they are, for each call.
    OnBehalf(OnBehalf),
    /// SMART backend services: a signed assertion.
    PrivateKeyJwt {
        /// The token endpoint, also the assertion's audience.
        token_url: Url,
        /// `client_id`
        client_id: String,
        /// The key, PEM: RSA or P-256.
        key_file: PathBuf,
        /// Key id in the assertion's header.
        kid: Option<String>,
        /// How it signs; RS256 or ES256, by the key, unless said.
        alg: Option<jsonwebtoken::Algorithm>,
        /// `scope`
        scope: Option<String>,
    },
}

/// How a source is told for whom it is asked.
#[derive(Debug, Clone)]
pub struct OnBehalf {
    /// `iss`: the name by which the source trusts us.
    pub issuer: String,
    /// `aud`: the source's own name, so that a token for it opens nothing elsewhere.
    pub audience: String,
    /// The key, PEM: RSA or P-256; read again for every leg.
    pub key_file: PathBuf,
    /// Key id in the token's header; without one, the key's thumbprint.
    pub kid: Option<String>,
    /// How long a token is good for, in seconds.
    pub lives_s: i64,
}

/// Limits of one source.
#[derive(Debug, Clone)]
pub struct Limits {
    /// To connect, in milliseconds.
    pub connect_ms: u64,
    /// For all of one leg.
    pub source_ms: u64,
    /// To wait for a place or for the rate, before the source counts as throttled.
    pub queue_ms: u64,
    /// Legs under way at once.
    pub concurrent: usize,
    /// Calls a second.
    pub per_second: u64,
    /// Whether calls leave evenly spaced, not a second's worth at once: whoever counts the calls of any second then never counts more.
    pub spaced: bool,
    /// Bytes of bodies in one leg, unpacked.
    pub bytes_max: usize,
    /// Further tries of one call: 0 or 1.
    pub retries: u64,
    /// How many of the last calls the breaker looks at.
    pub breaker_window: usize,
    /// Share of failures, in percent, at which it opens.
    pub breaker_share_percent: u64,
    /// How long it stays open before one call probes.
    pub breaker_pause_ms: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect_ms: 2_000,
            source_ms: 8_000,
            queue_ms: 200,
            concurrent: 16,
            per_second: 200,
            spaced: false,
            bytes_max: 64 << 20,
            retries: 1,
            breaker_window: 20,
            breaker_share_percent: 50,
            breaker_pause_ms: 10_000,
        }
    }
}
