//! Tokens of this exchange's own: for clients that showed who they are, and for users whom another organisation's system sent here. They
//! live for minutes, and are for this exchange and nobody else.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use source::{KeyFault, SigningKey};

use super::provider::KeySet;
use crate::config::oauth::Oauth;

/// Who signs them.
pub(super) struct Own {
    /// This exchange's public address: `iss` and `aud` of what it signs for itself.
    pub name: String,
    pub config: Oauth,
    pub keys: KeySet,
}

/// A token that is to be: all of it but the signature, so that it is entered before there is one.
pub struct Mint {
    /// Its own id, as the ledger has it.
    pub id: String,
    /// When it ends.
    pub until: Timestamp,
    name: String,
    now: Timestamp,
    key: SigningKey,
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum NotIssued {
    /// The key cannot be used.
    #[error("the key to sign with cannot be used: {0}")]
    Key(#[from] KeyFault),
    /// It could be, and would not sign; or nobody is to sign here.
    #[error("nothing could be signed")]
    Unsigned,
}

impl Own {
    /// Makes ready to sign a token that is good from now on and for so long.
    pub fn mint(&self, now: Timestamp, lives: SignedDuration) -> Result<Mint, NotIssued> {
        let until = now.checked_add(lives).map_err(|_| NotIssued::Unsigned)?;
        // Read anew each time, so that a new key needs no restart.
        let file = self.config.keys.first().ok_or(NotIssued::Unsigned)?;
        let key = SigningKey::open(file, None)?;
        Ok(Mint { id: uuid::Uuid::new_v4().to_string(), until, name: self.name.clone(), now, key })
    }
}

impl Mint {
    /// Signs what `claims` say of somebody.
    pub fn sign(self, mut claims: Map<String, Value>) -> Result<String, NotIssued> {
        for (name, value) in [
            ("iss", json!(self.name)),
            ("aud", json!(self.name)),
            ("iat", json!(self.now.as_second())),
            ("exp", json!(self.until.as_second())),
            ("jti", json!(self.id)),
        ] {
            claims.insert(name.into(), value);
        }
        self.key.sign(&claims).map_err(|_| NotIssued::Unsigned)
    }
}
