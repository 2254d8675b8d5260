//! The keys of whoever signs, a sign-in provider first: kept, asked for again in time and for a key that nobody knows, and gone on with for a while when it
//! they do not answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use source::SigningKey;
use tokio::sync::Mutex;

use super::TokenFault;
use super::keys::{self, Key};
use super::parts::{Algorithm, Parts};
use crate::config::Keys;
use crate::config::sign_in::Limits;

/// Where keys are kept that signatures are judged by.
pub(super) enum Place {
    /// Somebody else's.
    Theirs(Keys),
    /// Our own private keys, in files: their public halves.
    Own(Vec<PathBuf>),
}

/// Somebody's keys.
pub(super) struct KeySet {
    /// Whose, for the log.
    whose: String,
    place: Place,
    limits: Limits,
    /// By which algorithms they may be used.
    algorithms: &'static [Algorithm],
    client: reqwest::Client,
    kept: ArcSwap<Kept>,
    /// When they were last asked for. One asks at a time.
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

impl KeySet {
    /// Reads the keys where they are in a file; behind a URL they are fetched when first needed.
    pub fn new(whose: &str, place: Place, limits: &Limits, algorithms: &'static [Algorithm], now: Timestamp) -> anyhow::Result<KeySet> {
        let kept = match &place {
            Place::Theirs(Keys::Url(_)) => Kept { keys: Vec::new(), read_at: None },
            Place::Theirs(Keys::File(path)) => {
                let text = std::fs::read(path).with_context(|| format!("reading the keys in {}", path.display()))?;
                let keys = keys::of_jwks(&text, algorithms).with_context(|| format!("{} is no JWKS", path.display()))?;
                Kept { keys, read_at: Some(now) }
            }
            Place::Own(files) => {
                let keys = keys::of_jwks(&public(files)?, algorithms).context("our own keys are no JWKS")?;
                Kept { keys, read_at: Some(now) }
            }
        };
        // Whoever answers at this address is believed, and nobody to whom it might send us on.
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(limits.connect_ms))
            .timeout(Duration::from_millis(limits.fetch_ms))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let (whose, limits) = (whose.to_owned(), limits.clone());
        Ok(KeySet { whose, place, limits, algorithms, client, kept: ArcSwap::from_pointee(kept), asked: Mutex::default() })
    }

    /// The address at which they are, where they are somebody else's behind one.
    pub fn url(&self) -> Option<&url::Url> {
        match &self.place {
            Place::Theirs(Keys::Url(url)) => Some(url),
            _ => None,
        }
    }

    /// The keys by which a token is judged.
    pub async fn keys(&self, token: &Parts<'_>, now: Timestamp) -> Result<Arc<Kept>, TokenFault> {
        let limits = &self.limits;
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
        let read = match &self.place {
            Place::Theirs(Keys::File(path)) => std::fs::read(path).with_context(|| format!("reading the keys in {}", path.display())),
            Place::Theirs(Keys::Url(url)) => self.fetch(url).await,
            Place::Own(files) => public(files),
        };
        let keys = read.and_then(|text| keys::of_jwks(&text, self.algorithms).context("what came is no JWKS"));
        if let Err(error) = &keys {
            tracing::warn!(sign_in.issuer = self.whose, error = format!("{error:#}"), "keys that sign could not be had");
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
            anyhow::ensure!(text.len() <= self.limits.keys_bytes_max, "more than {} bytes", self.limits.keys_bytes_max);
        }
        Ok(text)
    }
}

/// The public halves of private keys, as a JWKS.
fn public(files: &[PathBuf]) -> anyhow::Result<Vec<u8>> {
    let keys = files.iter().map(|file| {
        let key = SigningKey::open(file, None).with_context(|| format!("reading the key in {}", file.display()))?;
        Ok(serde_json::to_value(key.public())?)
    });
    let keys = keys.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(serde_json::json!({ "keys": keys }).to_string().into_bytes())
}
