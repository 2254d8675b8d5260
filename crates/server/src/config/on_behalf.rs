//! `auth = { kind = "on-behalf", … }`: a source that is told for whom it is asked.

use std::collections::BTreeMap;

use source::{Auth, OnBehalf, SigningKey};
use url::Origin;

use super::reader::Section;
use super::{Reader, SignIn, Source};

impl<'a> Reader<'a> {
    /// `None` only where a mistake was noted.
    pub(super) fn on_behalf(&self, section: &Section<'a>) -> Option<Auth> {
        let (issuer, audience) = (said(section, "issuer"), said(section, "audience"));
        let kid = section.has("kid").then(|| said(section, "kid"));
        let lives_s = section.number("lives_s", 60, 10..=300) as i64;
        let key_file = said(section, "key_file").map(|path| self.path(&path));
        // Its mistakes are told now, not when somebody asks.
        if let Some(file) = &key_file
            && let Err(fault) = SigningKey::open(file, None)
        {
            section.mistake("key_file", format!("{}: {fault}", file.display()));
        }
        let kid = match kid {
            Some(kid) => Some(kid?),
            None => None,
        };
        Some(Auth::OnBehalf(OnBehalf { issuer: issuer?, audience: audience?, key_file: key_file?, kid, lives_s }))
    }

    /// What the blocks together get wrong. A token for one neighbour must open nothing at another, who could pass it on; and our word
    /// must be told apart from a sign-in provider's.
    pub(super) fn voices_apart(&self, sections: &[Section<'a>], sources: &[Option<Source>], sign_in: &[Option<SignIn>]) {
        let mut audiences: BTreeMap<&str, Origin> = BTreeMap::new();
        for (section, source) in sections.iter().zip(sources) {
            let Some(Source { url, auth: Auth::OnBehalf(terms), .. }) = source else { continue };
            let auth = section.section("auth");
            if *audiences.entry(&terms.audience).or_insert_with(|| url.origin()) != url.origin() {
                auth.mistake("audience", "is another source's too: a token for one would open the other; each has a name of its own");
            }
            if sign_in.iter().flatten().any(|provider| provider.issuer == terms.issuer) {
                auth.mistake("issuer", "is a sign-in provider's: this exchange speaks in a name of its own");
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
