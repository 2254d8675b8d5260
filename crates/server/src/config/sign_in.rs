//! `[[sign_in]]`: who vouches for callers.

use std::path::PathBuf;

use record::OdsCode;
use url::{Host, Url};

use super::Reader;
use super::reader::Section;
use super::viewer::Application;

/// `[[sign_in]]`
#[derive(Debug, Clone)]
pub struct SignIn {
    /// `iss`, exactly.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// A JWKS.
    pub keys: Keys,
    /// How its tokens say who asks.
    pub claims: Claims,
    /// Where its people sign in, to be told to clients.
    pub authorize_url: Option<Url>,
    /// Where its tokens are had, to be told to clients.
    pub token_url: Option<Url>,
    /// `[sign_in.viewer]`: the viewer as an application of it, where people sign in there by it.
    pub viewer: Option<Application>,
    /// `[sign_in.limits]`
    pub limits: Limits,
}

/// Where a JWKS is.
#[derive(Debug, Clone)]
pub enum Keys {
    /// A file.
    File(PathBuf),
    /// A URL.
    Url(Url),
}

/// `claims`
#[derive(Debug, Clone)]
pub enum Claims {
    /// NHS Care Identity: the role chosen at sign-in.
    Cis2(Cis2),
    /// IHE IUA and SMART.
    Iua,
}

/// What CIS2 does not say, and this exchange must know.
#[derive(Debug, Clone)]
pub struct Cis2 {
    /// Whose people may ask here, by their chosen role.
    pub organisations: Vec<OdsCode>,
    /// What they sign in for, a code of v3-ActReason.
    pub purpose: String,
    /// What a token without SMART scopes of its own grants.
    pub scopes: Vec<String>,
}

/// `[sign_in.limits]`
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the key of that name; its default stands where it is read")]
pub struct Limits {
    pub connect_ms: u64,
    /// The most that asking for keys may add to a request.
    pub fetch_ms: u64,
    pub keys_bytes_max: usize,
    /// How long keys are used before they are asked for again: so long a key that the provider took back may still open.
    pub refresh_minutes: i64,
    /// How long is waited between two times of asking, whatever tokens come.
    pub again_s: i64,
    /// How long the keys last read go on while the provider does not answer.
    pub outage_hours: i64,
}

impl Limits {
    /// Of the exchange's own keys, which lie in files: a new one is seen within a minute.
    pub fn of_own_keys() -> Limits {
        Limits { connect_ms: 1_000, fetch_ms: 1_000, keys_bytes_max: 1 << 18, refresh_minutes: 1, again_s: 5, outage_hours: 24 }
    }
}

impl<'a> Reader<'a> {
    /// Where a JWKS is: an address, or a file.
    pub(super) fn keys(&self, section: &Section<'a>) -> Option<Keys> {
        let keys = section.text("keys")?;
        let keys = match keys.parse::<Url>() {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Keys::Url(url),
            _ => Keys::File(self.path(keys.strip_prefix("file://").unwrap_or(&keys))),
        };
        if let Keys::Url(url) = &keys
            && !is_private(url)
        {
            section.mistake("keys", "must be https: whoever stands between could put keys of their own there");
        }
        Some(keys)
    }

    /// `None` only where a mistake was noted.
    pub(super) fn sign_in(&self, section: Section<'a>) -> Option<SignIn> {
        let issuer: Option<String> = section.required("issuer");
        let audience = section.required("audience");
        if !section.has("keys") {
            section.mistake("keys", "is missing");
        }
        let keys = self.keys(&section);
        match &keys {
            Some(Keys::File(path)) => match std::fs::read(path) {
                Err(error) => section.mistake("keys", format!("{}: {error}", path.display())),
                Ok(text) if !crate::token::is_key_set(&text) => {
                    let what = "holds no JWKS with a public key for ES256 (P-256) or RS256 (RSA, 2048 bits or more)";
                    section.mistake("keys", format!("{}: {what}", path.display()));
                }
                Ok(_) => {}
            },
            Some(Keys::Url(_)) | None => {}
        }
        let (authorize_url, token_url) = (address(&section, "authorize_url"), address(&section, "token_url"));
        let claims = match section.choice("claims", &[("cis2", true), ("iua", false)], false) {
            true => cis2(self, &section).map(Claims::Cis2),
            false => Some(Claims::Iua),
        };
        let viewer = match self.application(&section, issuer.as_deref()) {
            None => Some(None),
            Some(application) => application.map(Some),
        };
        let limits = limits(section.section("limits"));
        section.finish();
        Some(SignIn {
            issuer: issuer?,
            audience: audience?,
            keys: keys?,
            claims: claims?,
            authorize_url,
            token_url,
            viewer: viewer?,
            limits,
        })
    }
}

/// Purposes of those who come to care. An emergency is claimed for one person, not for everybody who signs in.
const PURPOSES: &[(&str, &str)] = &[("CAREMGT", "CAREMGT"), ("COC", "COC"), ("TREAT", "TREAT")];

/// `None` only where a mistake was noted.
fn cis2<'a>(reader: &Reader<'a>, section: &Section<'a>) -> Option<Cis2> {
    let organisations = reader.organisations(section, "organisations");
    if section.texts("organisations").is_empty() {
        section.mistake("organisations", "is missing: everybody in the NHS signs in there; say whose people may ask here");
    }
    if !section.has("purpose") {
        section.mistake("purpose", "is missing: CIS2 names none; say what its people sign in here for (TREAT, CAREMGT or COC)");
    }
    let purpose = section.choice("purpose", PURPOSES, "TREAT").to_owned();
    let scopes: Vec<String> = section.text("scope").unwrap_or_else(|| "user/*.rs".into()).split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() || !scopes.iter().all(|scope| scope.starts_with("user/")) {
        section
            .mistake("scope", "must be scopes that begin with user/: these are people, with nobody open yet, and no desk is everybody's");
    }
    (!organisations.is_empty()).then_some(Cis2 { organisations, purpose, scopes })
}

pub(super) fn limits(section: Section<'_>) -> Limits {
    let limits = Limits {
        connect_ms: section.number("connect_ms", 1_000, 10..=60_000),
        fetch_ms: section.number("fetch_ms", 3_000, 50..=60_000),
        keys_bytes_max: section.number("keys_bytes_max", 1 << 18, 1_024..=1 << 24) as usize,
        refresh_minutes: section.number("refresh_minutes", 60, 1..=1_440) as i64,
        again_s: section.number("again_s", 30, 1..=3_600) as i64,
        outage_hours: section.number("outage_hours", 24, 1..=168) as i64,
    };
    if limits.outage_hours * 60 < limits.refresh_minutes {
        section.mistake("outage_hours", "is less than refresh_minutes: the keys would be over before they are asked for again");
    }
    section.finish();
    limits
}

/// An address to which nobody stands between.
pub(super) fn address(section: &Section<'_>, key: &'static str) -> Option<Url> {
    section.parsed::<Url>(key).filter(|url| {
        let fine = is_private(url);
        if !fine {
            section.mistake(key, "must be https");
        }
        fine
    })
}

/// Whether nobody reads along what is sent there.
pub(super) fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_here(url)
}

/// Whether it is on this machine, where nobody stands between.
pub(crate) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
