//! Bearer tokens: verified, then read as a [`Caller`]. What the caller may do is not decided here.

mod cis2;
mod claims;
mod client;
mod keys;
mod launcher;
mod once;
mod own;
mod parts;
mod provider;

use std::sync::Arc;

use exchange::Spent;
use record::{Caller, Clock};
use serde_json::{Map, Value};

use crate::config::sign_in::{Claims, Limits};
use crate::config::{Config, Keys, SignIn};
use crate::tls::Certificate;
use own::Own;
use parts::{Parts, Sort};
use provider::{KeySet, Place};

pub use client::Shown;
pub use launcher::Launched;
pub use once::{Once, OnceFault};
pub use own::{Mint, NotIssued};

/// Why a token is no use. The words go to the caller and into the ledger; they say nothing of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Only RS256 and ES256.
    #[error("the token's algorithm is not RS256 or ES256")]
    Algorithm,
    /// Of CIS2: not known well enough to be they.
    #[error("the sign-in was not strong enough: authentication_assurance_level must be 2 or 3")]
    Assurance,
    /// Of CIS2: claims missing or of the wrong shape.
    #[error(
        "the token is malformed, or lacks a claim that is needed: iss, sub, aud, exp, uid of twelve digits, selected_roleid, nhsid_nrbac_roles with person_roleid, org_code and role_code"
    )]
    Cis2,
    /// Its provider does not answer, and what was known of it is too old to go by.
    #[error("who signed the token cannot be confirmed at present; try again shortly")]
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
    /// Of CIS2: the chosen role is at an organisation that is not among those agreed.
    #[error("the selected role is at an organisation that does not take part here")]
    Organisation,
    /// Expired, or not valid yet.
    #[error("the token has expired or is not valid yet")]
    OutOfTime,
    /// Of CIS2: no role is chosen, or it is not one of theirs.
    #[error("the token names no one role: selected_roleid must be the person_roleid of just one of nhsid_nrbac_roles")]
    Role,
    /// The signature, issuer or audience is wrong.
    #[error("the token is not from a sign-in provider of this exchange, or not for it")]
    Stranger,
    /// Larger than the limit.
    #[error("the token is too large")]
    TooLarge,
    /// Bound to a certificate (RFC 8705), and brought by somebody who did not show that one.
    #[error("the token is bound to a certificate, which is not that of this connection")]
    Unbound,
}

/// Everybody who signs here, with their keys: sign-in providers, this exchange itself, its clients, and systems that open people here.
pub struct Tokens {
    providers: Vec<Provider>,
    own: Option<Own>,
    clients: Vec<client::Registered>,
    launchers: Vec<launcher::Registered>,
    spent: Arc<dyn Spent>,
    bytes_max: usize,
    clock: Arc<dyn Clock>,
}

/// Who vouches for callers.
struct Provider {
    config: SignIn,
    keys: KeySet,
}

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
    pub fn new(config: &Config, spent: Arc<dyn Spent>, clock: Arc<dyn Clock>) -> anyhow::Result<Tokens> {
        let now = clock.now();
        let keys = |whose: &str, keys: &Keys, limits: &Limits, sort: Sort| {
            KeySet::new(whose, Place::Theirs(keys.clone()), limits, sort.algorithms(), now)
        };
        let providers = config
            .sign_in
            .iter()
            .map(|one| anyhow::Ok(Provider { config: one.clone(), keys: keys(&one.issuer, &one.keys, &one.limits, Sort::Access)? }));
        let clients = config.clients.iter().map(|one| {
            let own = one.keys.as_ref().map(|listed| keys(&one.id, listed, &one.limits, Sort::Assertion));
            anyhow::Ok(client::Registered { config: one.clone(), keys: own.transpose()? })
        });
        let launchers = config.launchers.iter().map(|one| {
            anyhow::Ok(launcher::Registered { config: one.clone(), keys: keys(&one.issuer, &one.keys, &one.limits, Sort::Launch)? })
        });
        let own = config.oauth.as_ref().map(|oauth| {
            let (name, place) = (config.exchange.public_url.clone(), Place::Own(oauth.keys.clone()));
            let keys = KeySet::new(&name, place, &Limits::of_own_keys(), Sort::Access.algorithms(), now)?;
            anyhow::Ok(Own { name, config: oauth.clone(), keys })
        });
        Ok(Tokens {
            providers: providers.collect::<anyhow::Result<_>>()?,
            clients: clients.collect::<anyhow::Result<_>>()?,
            launchers: launchers.collect::<anyhow::Result<_>>()?,
            own: own.transpose()?,
            spent,
            bytes_max: config.limits.token_bytes_max,
            clock,
        })
    }

    /// Who a token's bearer is.
    pub async fn caller(&self, token: &str, certificate: Option<&Certificate>) -> Result<Caller, TokenFault> {
        if token.len() > self.bytes_max {
            return Err(TokenFault::TooLarge);
        }
        let token = Parts::read(Sort::Access, token)?;
        // The issuer it claims only chooses the keys that must then agree.
        let issuer = token.claims.get("iss").and_then(Value::as_str).ok_or(TokenFault::Malformed)?;
        let own = self.own.as_ref().filter(|own| own.name == issuer).map(|own| (&own.keys, &own.name, &Claims::Iua));
        let provider = || {
            let provider = self.providers.iter().find(|provider| provider.config.issuer == issuer)?;
            Some((&provider.keys, &provider.config.audience, &provider.config.claims))
        };
        let (keys, audience, kind) = own.or_else(provider).ok_or(TokenFault::Stranger)?;
        let kept = keys.keys(&token, self.clock.now()).await?;
        if !kept.keys.iter().any(|key| key.fits(&token) && key.signed(&token)) {
            return Err(TokenFault::Stranger);
        }
        meant_for(&token.claims, audience)?;
        in_time(&token.claims, self.clock.now().as_second())?;
        bound(&token.claims, certificate)?;
        match kind {
            Claims::Cis2(terms) => cis2::caller(token.claims, terms),
            Claims::Iua => claims::caller(token.claims).ok_or(TokenFault::Malformed),
        }
    }

    /// Whether a provider says of whoever signed in that they did: now, at this application, and in answer to what it was asked.
    pub async fn signed_in(&self, issuer: &str, id_token: &str, application: &str, nonce: &str) -> Result<(), TokenFault> {
        if id_token.len() > self.bytes_max {
            return Err(TokenFault::TooLarge);
        }
        let token = Parts::read(Sort::Access, id_token)?;
        let provider = self.providers.iter().find(|provider| provider.config.issuer == issuer).ok_or(TokenFault::Stranger)?;
        let says = |name: &str, value: &str| token.claims.get(name).and_then(Value::as_str) == Some(value);
        let kept = provider.keys.keys(&token, self.clock.now()).await?;
        if !says("iss", issuer) || !kept.keys.iter().any(|key| key.fits(&token) && key.signed(&token)) {
            return Err(TokenFault::Stranger);
        }
        meant_for(&token.claims, application)?;
        in_time(&token.claims, self.clock.now().as_second())?;
        // Whoever is among several it is for must be the one that asked.
        let party = token.claims.get("azp").is_none_or(|party| party.as_str() == Some(application));
        if party && says("nonce", nonce) { Ok(()) } else { Err(TokenFault::Stranger) }
    }

    /// Makes ready to sign a token of this exchange's own; see `Own::mint`.
    pub fn mint(&self, lives: jiff::SignedDuration) -> Result<Mint, NotIssued> {
        self.own.as_ref().ok_or(NotIssued::Unsigned)?.mint(self.clock.now(), lives)
    }
}

/// What a token with these claims would say of its bearer. Nobody vouches for it: it is for explanations only.
pub(crate) fn described(claims: Map<String, Value>) -> Option<record::Caller> {
    claims::caller(claims)
}

/// Whether this is a JWKS of which a key can be used here for access tokens. One without keys is one: nobody is to be let in.
pub(crate) fn is_key_set(text: &[u8]) -> bool {
    holds_keys(text, Sort::Access)
}

/// The same for what clients and launching systems sign.
pub(crate) fn is_client_key_set(text: &[u8]) -> bool {
    holds_keys(text, Sort::Assertion)
}

fn holds_keys(text: &[u8], sort: Sort) -> bool {
    let none = |set: serde_json::Result<Value>| set.is_ok_and(|set| set["keys"].as_array().is_some_and(Vec::is_empty));
    keys::of_jwks(text, sort.algorithms()).is_some_and(|keys| !keys.is_empty()) || none(serde_json::from_slice(text))
}

/// What stands in a JWS that is signed by a key of this JWKS; nothing where it is not, or where either cannot be read.
pub(crate) fn signed_by(token: &str, jwks: &[u8]) -> Option<Map<String, Value>> {
    let parts = Parts::read(Sort::Access, token).ok()?;
    let signed = keys::of_jwks(jwks, Sort::Access.algorithms())?.iter().any(|key| key.fits(&parts) && key.signed(&parts));
    signed.then_some(parts.claims)
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

/// Whether whoever brings the token is who it is bound to, if it is bound. Bound in a way that nobody here can check, it is nobody's.
fn bound(claims: &Map<String, Value>, certificate: Option<&Certificate>) -> Result<(), TokenFault> {
    let Some(cnf) = claims.get("cnf") else { return Ok(()) };
    let cnf = cnf.as_object().filter(|cnf| cnf.len() == 1).ok_or(TokenFault::Unbound)?;
    let thumbprint = cnf.get("x5t#S256").and_then(Value::as_str).ok_or(TokenFault::Unbound)?;
    if certificate.is_some_and(|own| own.thumbprint == thumbprint) { Ok(()) } else { Err(TokenFault::Unbound) }
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
