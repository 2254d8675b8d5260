//! `[oauth]`, `[[client]]` and `[[launcher]]`: tokens of this exchange's own, and who gets them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::SignedDuration;
use record::{OdsCode, Organisation};
use source::SigningKey;

use super::reader::Section;
use super::sign_in::{Limits, limits};
use super::{Keys, Reader, SignIn};
use crate::tls::Registered;

/// `[oauth]`
#[derive(Debug, Clone)]
pub struct Oauth {
    /// Private keys in files. The first signs; what any of them signed is believed.
    pub keys: Vec<PathBuf>,
    /// How long a client's token lives.
    pub access: SignedDuration,
    /// How long whoever was launched may go on.
    pub launched: SignedDuration,
}

/// `[[client]]`: a system that asks in its own name (SMART Backend Services).
#[derive(Debug, Clone)]
pub struct Client {
    /// `client_id`
    pub id: String,
    /// For people.
    pub name: String,
    /// Who answers for it.
    pub organisation: Organisation,
    /// Job role codes, as of a user.
    pub roles: Vec<String>,
    /// Activity codes.
    pub activities: Vec<String>,
    /// Purposes of use.
    pub purposes: Vec<String>,
    /// The most that it may be granted: `system/` scopes that read.
    pub scopes: Vec<String>,
    /// A JWKS, for what it signs.
    pub keys: Option<Keys>,
    /// The certificate of its connections; its tokens are bound to it.
    pub certificate: Option<Registered>,
    /// `[client.limits]`
    pub limits: Limits,
}

/// `[[launcher]]`: a connected organisation's system that opens people here for its users.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// `iss` of its links, exactly.
    pub issuer: String,
    /// For people.
    pub name: String,
    /// For whose users it may sign.
    pub organisations: Vec<OdsCode>,
    /// In which job roles: codes.
    pub roles: Vec<String>,
    /// With which activities; by default none.
    pub activities: Vec<String>,
    /// For which purposes of use; by default direct care.
    pub purposes: Vec<String>,
    /// Whether its word is taken for who its users are nationally.
    pub vouches_nationally: bool,
    /// A JWKS.
    pub keys: Keys,
    /// The most that whoever is launched is granted.
    pub scopes: Vec<String>,
    /// `[launcher.limits]`
    pub limits: Limits,
}

impl<'a> Reader<'a> {
    /// The inner `None` is that there is none; the outer only where a mistake was noted.
    pub(super) fn oauth(&self, top: &Section<'a>) -> Option<Option<Oauth>> {
        if !top.has("oauth") {
            return Some(None);
        }
        let section = top.section("oauth");
        let keys: Vec<PathBuf> = section.texts("keys").iter().map(|file| self.path(file)).collect();
        if keys.is_empty() {
            section.mistake("keys", "is missing: files with private keys (P-256 or RSA); the first signs, all are believed");
        }
        for file in &keys {
            if let Err(fault) = SigningKey::open(file, None) {
                section.mistake("keys", format!("{}: {fault}", file.display()));
            }
        }
        let access = SignedDuration::from_secs(section.number("access_s", 300, 30..=300) as i64);
        let launched = SignedDuration::from_mins(section.number("launched_minutes", 15, 1..=60) as i64);
        section.finish();
        (!keys.is_empty()).then_some(Some(Oauth { keys, access, launched }))
    }

    /// `None` only where a mistake was noted.
    pub(super) fn client(&self, section: Section<'a>) -> Option<Client> {
        let (id, name) = (said(&section, "id"), said(&section, "name"));
        let code = section.required::<OdsCode>("organisation");
        let organisation_name = section.text("organisation_name");
        let (roles, activities, purposes) = (section.texts("roles"), section.texts("activities"), section.texts("purposes"));
        for (key, list, what) in [("roles", &roles, "as what it asks"), ("purposes", &purposes, "what for it asks")] {
            if list.is_empty() {
                section.mistake(key, format!("is missing: {what}; without one everything is refused"));
            }
        }
        let scopes = section.texts("scopes");
        if scopes.is_empty() || !scopes.iter().all(|scope| crate::oauth::scopes::is_known("system", scope)) {
            section.mistake("scopes", "must be scopes that begin with system/ and read: system/*.rs, system/Observation.rs …");
        }
        let keys = self.key_set(&section);
        let certificate = section.parsed::<Registered>("certificate");
        if keys.is_none() && certificate.is_none() && !section.has("keys") && !section.has("certificate") {
            section.mistake("keys", "is missing, and so is certificate: it could not show who it is");
        }
        let limits = limits(section.section("limits"));
        let missing = section.has("keys") && keys.is_none() || section.has("certificate") && certificate.is_none();
        section.finish();
        let code = code?;
        let organisation = Organisation { name: organisation_name.unwrap_or_else(|| code.to_string()), code };
        (!missing).then_some(Client { id: id?, name: name?, organisation, roles, activities, purposes, scopes, keys, certificate, limits })
    }

    /// `None` only where a mistake was noted.
    pub(super) fn launcher(&self, section: Section<'a>) -> Option<Launcher> {
        let (issuer, name) = (said(&section, "issuer"), said(&section, "name"));
        let organisations = self.organisations(&section, "organisations");
        if section.texts("organisations").is_empty() {
            section.mistake("organisations", "is missing: for whose users it may sign");
        }
        let (roles, activities, mut purposes) = (section.texts("roles"), section.texts("activities"), section.texts("purposes"));
        if roles.is_empty() {
            section.mistake("roles", "is missing: in which job roles its users may be sent here");
        }
        if purposes.is_empty() {
            purposes.push("TREAT".into());
        }
        let vouches_nationally = section.choice("national_user_ids", &[("refused", false), ("vouched", true)], false);
        if !section.has("keys") {
            section.mistake("keys", "is missing: a JWKS, by URL or file");
        }
        let keys = self.key_set(&section);
        let mut scopes = section.texts("scopes");
        if scopes.is_empty() {
            scopes.push("patient/*.rs".into());
        }
        if !scopes.iter().all(|scope| ["patient", "user"].iter().any(|context| crate::oauth::scopes::is_known(context, scope))) {
            section.mistake("scopes", "must be scopes that begin with patient/ (the person who is opened) or user/, and read");
        }
        let limits = limits(section.section("limits"));
        section.finish();
        Some(Launcher {
            issuer: issuer?,
            name: name?,
            organisations,
            roles,
            activities,
            purposes,
            vouches_nationally,
            keys: keys?,
            scopes,
            limits,
        })
    }

    /// A JWKS of a client or a launching system.
    fn key_set(&self, section: &Section<'a>) -> Option<Keys> {
        let keys = self.keys(section)?;
        if let Keys::File(path) = &keys {
            match std::fs::read(path) {
                Err(error) => section.mistake("keys", format!("{}: {error}", path.display())),
                Ok(text) if !crate::token::is_client_key_set(&text) => {
                    let what = "holds no JWKS with a public key for ES384, ES256 (P-384, P-256), RS384 or RS256 (RSA, 2048 bits or more)";
                    section.mistake("keys", format!("{}: {what}", path.display()));
                }
                Ok(_) => {}
            }
        }
        Some(keys)
    }

    /// What the blocks together get wrong: whoever signs here is told apart by a name of their own.
    pub(super) fn signers_apart(&self, top: &Section<'a>, public_url: Option<&str>, sign_in: &[Option<SignIn>]) {
        let (clients, launchers) = (top.sections("client"), top.sections("launcher"));
        if !top.has("oauth") {
            for section in clients.iter().chain(&launchers) {
                self.mistakes.at(section.offset(), "there is no [oauth]: without keys of this exchange's own nobody gets a token here");
            }
            return;
        }
        let tls = top.section("exchange").section("tls");
        let mut ids = BTreeSet::new();
        for section in &clients {
            if section.text("id").is_some_and(|id| !ids.insert(id)) {
                section.mistake("id", "is used twice");
            }
            if section.has("certificate") && !tls.has("client_ca_file") {
                section.mistake("certificate", "cannot be shown to anybody here: exchange.tls has no client_ca_file");
            }
        }
        let mut names: BTreeSet<String> = sign_in.iter().flatten().map(|provider| provider.issuer.clone()).collect();
        if public_url.is_some_and(|url| !names.insert(url.to_owned())) {
            self.mistakes.at(None, "a sign-in provider's issuer is this exchange's public_url, in whose name it signs tokens itself");
        }
        for section in &launchers {
            if section.text("issuer").is_some_and(|issuer| !names.insert(issuer)) {
                section.mistake("issuer", "is somebody else's too: who signed would not be known by it");
            }
        }
    }
}

/// A text that says something.
fn said(section: &Section<'_>, key: &'static str) -> Option<String> {
    let text = section.required::<String>(key)?;
    if text.trim().is_empty() {
        section.mistake(key, "is empty");
        return None;
    }
    Some(text)
}
