//! A sign-in provider and its keys: kept, asked for again in time and for a key that nobody knows, and gone on with for a while when it
//! does not answer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::TokenFault;
use super::keys::{self, Key};
use super::parts::Parts;
use crate::config::{Keys, SignIn};

/// Who vouches for callers.
pub(super) struct Provider {
    pub config: SignIn,
    client: reqwest::Client,
    kept: ArcSwap<Kept>,
    /// When it was last asked. One asks at a time.
    asked: Mutex<Option<Timestamp>>,
}

/// The keys as last read.
pub(super) struct Kept {
    pub keys: Vec<Key>,
    /// `None` before they ever were.
    read_at: Option<Timestamp>,
}

impl Kept {
    fn fits(&self, token: &Parts<'_>) -> bool {
        self.keys.iter().any(|key| key.fits(token))
    }

    /// Whether they were read less than so long ago.
    fn since(&self, now: Timestamp, limit: SignedDuration) -> bool {
        self.read_at.is_some_and(|read| now.duration_since(read) < limit)
    }
}

impl Provider {
    /// Reads the keys where they are in a file; behind a URL they are fetched when first needed.
    pub fn new(config: &SignIn, now: Timestamp) -> anyhow::Result<Provider> {
        let kept = match &config.keys {
            Keys::File(path) => {
                let text = std::fs::read(path).with_context(|| format!("reading the keys in {}", path.display()))?;
                let keys = keys::of_jwks(&text).with_context(|| format!("{} is no JWKS", path.display()))?;
                Kept { keys, read_at: Some(now) }
            }
            Keys::Url(_) => Kept { keys: Vec::new(), read_at: None },
        };
        // Whoever answers at this address is believed, and nobody to whom it might send us on.
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(config.limits.connect_ms))
            .timeout(Duration::from_millis(config.limits.fetch_ms))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Provider { config: config.clone(), client, kept: ArcSwap::from_pointee(kept), asked: Mutex::default() })
    }

    /// The keys by which a token is judged.
    pub async fn keys(&self, token: &Parts<'_>, now: Timestamp) -> Result<Arc<Kept>, TokenFault> {
        let limits = &self.config.limits;
        let (refresh, outage) = (SignedDuration::from_mins(limits.refresh_minutes), SignedDuration::from_hours(limits.outage_hours));
        let kept = self.kept.load_full();
        if kept.fits(token) && kept.since(now, refresh) {
            return Ok(kept);
        }
        // Who can go on with what there is waits for nobody who asks already.
        let mut asked = match self.asked.try_lock() {
            Ok(asked) => asked,
            Err(_) if kept.fits(token) && kept.since(now, outage) => return Ok(kept),
            Err(_) => self.asked.lock().await,
        };
        let kept = self.kept.load_full();
        let due = !kept.fits(token) || !kept.since(now, refresh);
        if due && asked.is_none_or(|asked| now.duration_since(asked) >= SignedDuration::from_secs(limits.again_s)) {
            *asked = Some(now);
            if let Some(keys) = self.read().await {
                self.kept.store(Arc::new(Kept { keys, read_at: Some(now) }));
            }
        }
        let kept = self.kept.load_full();
        // Of a key that nobody knows, only a provider that answered can be taken to know nothing.
        let said = kept.read_at.is_some() && kept.read_at >= *asked;
        if kept.since(now, outage) && (said || kept.fits(token)) { Ok(kept) } else { Err(TokenFault::KeysAway) }
    }

    async fn read(&self) -> Option<Vec<Key>> {
        let read = match &self.config.keys {
            Keys::File(path) => std::fs::read(path).with_context(|| format!("reading the keys in {}", path.display())),
            Keys::Url(url) => self.fetch(url).await,
        };
        let keys = read.and_then(|text| keys::of_jwks(&text).context("what came is no JWKS"));
        if let Err(error) = &keys {
            tracing::warn!(sign_in.issuer = self.config.issuer, error = format!("{error:#}"), "a sign-in provider's keys could not be had");
        }
        keys.ok()
    }

    async fn fetch(&self, url: &url::Url) -> anyhow::Result<Vec<u8>> {
        let mut response = self.client.get(url.as_str()).send().await?;
        // A redirect is no error to `error_for_status`, and no answer to us.
        anyhow::ensure!(response.status().is_success(), "HTTP {}", response.status().as_u16());
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            text.extend_from_slice(&chunk);
            anyhow::ensure!(text.len() <= self.config.limits.keys_bytes_max, "more than {} bytes", self.config.limits.keys_bytes_max);
        }
        Ok(text)
    }
}
