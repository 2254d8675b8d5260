//! Bearer tokens: verified, then read as a [`Caller`]. What the caller may do is not decided here.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use record::{Caller, Clock, OdsCode, Organisation, PersonId, UserId};
use serde::Deserialize;
use serde_json::Value;

use crate::config::{Keys, SignIn};

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
    set: JwkSet,
    read_at: jiff::Timestamp,
}

const KEYS_AGAIN_AFTER_S: i64 = 30;
const LEEWAY_S: u64 = 30;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    #[serde(default)]
    scope: String,
    jti: Option<String>,
    azp: Option<String>,
    client_id: Option<String>,
    patient: Option<String>,
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    ihe_iua: Option<Iua>,
}

#[derive(Deserialize)]
struct Iua {
    subject_name: Option<String>,
    subject_organization: Option<String>,
    subject_organization_id: Option<String>,
    subject_sds_user_id: Option<String>,
    subject_role_profile_id: Option<String>,
    device: Option<String>,
    #[serde(default)]
    subject_role: Vec<Value>,
    #[serde(default)]
    purpose_of_use: Vec<Value>,
    #[serde(default)]
    activities: Vec<String>,
}

impl Tokens {
    /// Reads every key set that is a file; sets behind URLs are fetched when first needed.
    pub fn new(sign_in: &[SignIn], bytes_max: usize, clock: Arc<dyn Clock>) -> anyhow::Result<Tokens> {
        let providers = sign_in
            .iter()
            .map(|config| {
                let set = match &config.keys {
                    Keys::File(path) => read_keys(path)?,
                    Keys::Url(_) => JwkSet { keys: Vec::new() },
                };
                let keys = ArcSwap::from_pointee(KeySet { set, read_at: jiff::Timestamp::UNIX_EPOCH });
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
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidAlgorithmName | jsonwebtoken::errors::ErrorKind::Json(_) => TokenFault::Algorithm,
            _ => TokenFault::Malformed,
        })?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(TokenFault::Algorithm);
        }
        // Keys named or carried by the token itself are never used, so a header that brings one is an attack or a mistake.
        if header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some() {
            return Err(TokenFault::Stranger);
        }
        let issuer = issuer_of(token).ok_or(TokenFault::Malformed)?;
        let provider = self.providers.iter().find(|provider| provider.config.issuer == issuer).ok_or(TokenFault::Stranger)?;
        let claims = self.verified(provider, token, header.alg, header.kid.as_deref()).await?;
        caller(claims).ok_or(TokenFault::Malformed)
    }

    async fn verified(&self, provider: &Provider, token: &str, algorithm: Algorithm, kid: Option<&str>) -> Result<Claims, TokenFault> {
        let mut keys = provider.keys.load_full();
        if candidates(&keys.set, algorithm, kid).next().is_none() {
            keys = self.keys_again(provider, keys).await?;
        }
        let mut fault = TokenFault::Stranger;
        for key in candidates(&keys.set, algorithm, kid) {
            match self.with_key(provider, token, algorithm, key) {
                Ok(claims) => return Ok(claims),
                Err(TokenFault::Stranger) => {}
                Err(other) => fault = other,
            }
        }
        Err(fault)
    }

    fn with_key(&self, provider: &Provider, token: &str, algorithm: Algorithm, key: &Jwk) -> Result<Claims, TokenFault> {
        use jsonwebtoken::errors::ErrorKind;
        let key = DecodingKey::from_jwk(key).map_err(|_| TokenFault::Stranger)?;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&provider.config.issuer]);
        validation.set_audience(&[&provider.config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is checked below, against the exchange's own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims: Value = match jsonwebtoken::decode(token, &key, &validation) {
            Ok(data) => data.claims,
            Err(error) => {
                return Err(match error.kind() {
                    ErrorKind::Json(_) | ErrorKind::MissingRequiredClaim(_) | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => {
                        TokenFault::Malformed
                    }
                    _ => TokenFault::Stranger,
                });
            }
        };
        let now = self.clock.now().as_second();
        let time = |name: &str| claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
        let expires = time("exp").ok_or(TokenFault::Malformed)?;
        if now >= expires + LEEWAY_S as i64 || time("nbf").is_some_and(|from| now + (LEEWAY_S as i64) < from) {
            return Err(TokenFault::OutOfTime);
        }
        serde_json::from_value(claims).map_err(|_| TokenFault::Malformed)
    }

    async fn keys_again(&self, provider: &Provider, keys: Arc<KeySet>) -> Result<Arc<KeySet>, TokenFault> {
        let now = self.clock.now();
        if now.as_second() - keys.read_at.as_second() < KEYS_AGAIN_AFTER_S {
            return Ok(keys);
        }
        let set = match &provider.config.keys {
            Keys::File(path) => read_keys(path).ok(),
            Keys::Url(url) => self.fetch_keys(url).await,
        };
        match set {
            Some(set) => {
                provider.keys.store(Arc::new(KeySet { set, read_at: now }));
                Ok(provider.keys.load_full())
            }
            None if keys.set.keys.is_empty() => Err(TokenFault::KeysAway),
            None => Ok(keys),
        }
    }

    async fn fetch_keys(&self, url: &url::Url) -> Option<JwkSet> {
        let response = self.client.get(url.as_str()).send().await.ok()?.error_for_status().ok()?;
        serde_json::from_slice(&response.bytes().await.ok()?).ok()
    }
}

fn read_keys(path: &Path) -> anyhow::Result<JwkSet> {
    use anyhow::Context;
    let text = std::fs::read_to_string(path).with_context(|| format!("reading the keys in {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JWKS", path.display()))
}

/// Keys that may have signed this: of the algorithm's own kind only, so that no key is used for what it is not.
fn candidates<'a>(set: &'a JwkSet, algorithm: Algorithm, kid: Option<&'a str>) -> impl Iterator<Item = &'a Jwk> {
    set.keys.iter().filter(move |key| {
        let fits = matches!(
            (&key.algorithm, algorithm),
            (AlgorithmParameters::RSA(_), Algorithm::RS256) | (AlgorithmParameters::EllipticCurve(_), Algorithm::ES256)
        );
        fits && (kid.is_none() || key.common.key_id.as_deref() == kid)
    })
}

/// The issuer a token claims, to choose the provider whose keys must then agree.
fn issuer_of(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let bytes = data_encoding::BASE64URL_NOPAD.decode(payload.trim_end_matches('=').as_bytes()).ok()?;
    Some(serde_json::from_slice::<Value>(&bytes).ok()?.get("iss")?.as_str()?.to_owned())
}

fn caller(claims: Claims) -> Option<Caller> {
    let iua = claims.extensions?.ihe_iua?;
    let organisation = iua.subject_organization_id?;
    let code: OdsCode = organisation.rsplit('|').next()?.parse().ok()?;
    let scopes: Vec<String> = claims.scope.split_ascii_whitespace().map(str::to_owned).collect();
    // A system's token speaks of no person: no national user, no user/ or patient/ scope.
    let system = scopes.iter().any(|scope| scope.starts_with("system/"));
    let person =
        scopes.iter().any(|scope| scope.starts_with("user/") || scope.starts_with("patient/")) || iua.subject_sds_user_id.is_some();
    Some(Caller {
        user: UserId { issuer: claims.iss, subject: claims.sub.clone() },
        name: iua.subject_name.unwrap_or(claims.sub),
        sds_user_id: iua.subject_sds_user_id.filter(|id| !id.is_empty()),
        sds_role_profile_id: iua.subject_role_profile_id,
        human: person && !system,
        organisation: Organisation { name: iua.subject_organization.unwrap_or_else(|| code.to_string()), code },
        roles: iua.subject_role.iter().filter_map(code_of).collect(),
        activities: iua.activities,
        purposes: iua.purpose_of_use.iter().filter_map(code_of).collect(),
        scopes,
        launch_patient: claims.patient.and_then(|id| id.trim_start_matches("Patient/").parse::<PersonId>().ok()),
        device: iua.device,
        client: claims.azp.or(claims.client_id),
        token_id: claims.jti,
    })
}

/// A coding's code, or a bare string; the last part of a colon path (`S8000:G8000:R8000`).
fn code_of(value: &Value) -> Option<String> {
    let code = value.get("code").and_then(Value::as_str).or_else(|| value.as_str())?;
    Some(code.rsplit(':').next().unwrap_or(code).to_owned())
}
