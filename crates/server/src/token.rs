//! Bearer tokens: verified, then read as a [`Caller`]. What the caller may do is not decided here.

mod claims;
mod keys;
mod parts;

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use record::{Caller, Clock};
use serde_json::{Map, Value};

use crate::config::{Keys, SignIn};
use keys::Key;
use parts::Parts;

/// Why a token is no use. The words go to the caller and into the ledger; they say nothing of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Only RS256 and ES256.
    #[error("the token's algorithm is not RS256 or ES256")]
    Algorithm,
    /// No key set at hand.
    #[error("the sign-in provider's keys cannot be had at present")]
    KeysAway,
    /// Not a JWT, or claims missing or of the wrong shape.
    #[error(
        "the token is malformed, or lacks a claim that is needed: iss, sub, aud, exp, scope, extensions.ihe_iua with organisation, role and purpose"
    )]
    Malformed,
    /// No `Authorization: Bearer`.
    #[error("a bearer token is needed")]
    Missing,
    /// Given more than once, or where addresses are written down.
    #[error("the token must be given once, in the header Authorization, and nowhere else")]
    Misplaced,
    /// Expired, or not valid yet.
    #[error("the token has expired or is not valid yet")]
    OutOfTime,
    /// The signature, issuer or audience is wrong.
    #[error("the token is not from a sign-in provider of this exchange, or not for it")]
    Stranger,
    /// Larger than the limit.
    #[error("the token is too large")]
    TooLarge,
}

/// Every sign-in provider of the configuration, with its keys.
pub struct Tokens {
    providers: Vec<Provider>,
    bytes_max: usize,
    clock: Arc<dyn Clock>,
    client: reqwest::Client,
}

struct Provider {
    config: SignIn,
    keys: ArcSwap<KeySet>,
}

/// A provider's keys as last read; asked again for an unknown key id, but not more often than each half minute.
struct KeySet {
    keys: Vec<Key>,
    read_at: jiff::Timestamp,
}

const KEYS_AGAIN_AFTER_S: i64 = 30;
/// For clocks that differ.
const LEEWAY_S: i64 = 30;

impl TokenFault {
    /// `WWW-Authenticate`, as RFC 6750 has it: whoever brought no token is told of no error.
    pub fn challenge(self) -> &'static str {
        match self {
            TokenFault::Missing => "Bearer",
            _ => "Bearer error=\"invalid_token\"",
        }
    }
}

impl Tokens {
    /// Reads every key set that is a file; sets behind URLs are fetched when first needed.
    pub fn new(sign_in: &[SignIn], bytes_max: usize, clock: Arc<dyn Clock>) -> anyhow::Result<Tokens> {
        let providers = sign_in
            .iter()
            .map(|config| {
                let keys = match &config.keys {
                    Keys::File(path) => read_keys(path)?,
                    Keys::Url(_) => Vec::new(),
                };
                let keys = ArcSwap::from_pointee(KeySet { keys, read_at: jiff::Timestamp::UNIX_EPOCH });
                Ok(Provider { config: config.clone(), keys })
            })
            .collect::<anyhow::Result<_>>()?;
        let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(5)).build()?;
        Ok(Tokens { providers, bytes_max, clock, client })
    }

    /// Who a token's bearer is.
    pub async fn caller(&self, token: &str) -> Result<Caller, TokenFault> {
        if token.len() > self.bytes_max {
            return Err(TokenFault::TooLarge);
        }
        let token = Parts::read(token)?;
        // The issuer it claims only chooses the provider whose keys must then agree.
        let issuer = token.claims.get("iss").and_then(Value::as_str).ok_or(TokenFault::Malformed)?;
        let provider = self.providers.iter().find(|provider| provider.config.issuer == issuer).ok_or(TokenFault::Stranger)?;
        let keys = self.keys(provider, &token).await?;
        if !keys.keys.iter().any(|key| key.fits(&token) && key.signed(&token)) {
            return Err(TokenFault::Stranger);
        }
        meant_for(&token.claims, &provider.config.audience)?;
        in_time(&token.claims, self.clock.now().as_second())?;
        claims::caller(token.claims).ok_or(TokenFault::Malformed)
    }

    async fn keys(&self, provider: &Provider, token: &Parts<'_>) -> Result<Arc<KeySet>, TokenFault> {
        let keys = provider.keys.load_full();
        if keys.keys.iter().any(|key| key.fits(token)) {
            return Ok(keys);
        }
        let now = self.clock.now();
        if now.as_second() - keys.read_at.as_second() < KEYS_AGAIN_AFTER_S {
            return Ok(keys);
        }
        let read = match &provider.config.keys {
            Keys::File(path) => read_keys(path).ok(),
            Keys::Url(url) => self.fetch_keys(url).await,
        };
        match read {
            Some(read) => {
                provider.keys.store(Arc::new(KeySet { keys: read, read_at: now }));
                Ok(provider.keys.load_full())
            }
            None if keys.keys.is_empty() => Err(TokenFault::KeysAway),
            None => Ok(keys),
        }
    }

    async fn fetch_keys(&self, url: &url::Url) -> Option<Vec<Key>> {
        let response = self.client.get(url.as_str()).send().await.ok()?.error_for_status().ok()?;
        keys::of_jwks(&response.bytes().await.ok()?)
    }
}

fn read_keys(path: &Path) -> anyhow::Result<Vec<Key>> {
    use anyhow::Context;
    let text = std::fs::read(path).with_context(|| format!("reading the keys in {}", path.display()))?;
    keys::of_jwks(&text).with_context(|| format!("{} is no JWKS", path.display()))
}

/// Whether the token is for this exchange, alone or among others.
fn meant_for(claims: &Map<String, Value>, audience: &str) -> Result<(), TokenFault> {
    let meant = match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) if several.iter().all(Value::is_string) => several.iter().any(|one| one == audience),
        _ => return Err(TokenFault::Malformed),
    };
    if meant { Ok(()) } else { Err(TokenFault::Stranger) }
}

/// Whether its time has come, and not gone.
fn in_time(claims: &Map<String, Value>, now: i64) -> Result<(), TokenFault> {
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(|seconds| Some(seconds as i64)).ok_or(TokenFault::Malformed),
    };
    let (issued, from, until) = (time("iat")?, time("nbf")?, time("exp")?.ok_or(TokenFault::Malformed)?);
    let begun = [issued, from].into_iter().flatten().all(|from| from <= now + LEEWAY_S);
    if begun && now < until.saturating_add(LEEWAY_S) { Ok(()) } else { Err(TokenFault::OutOfTime) }
}
