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

/// A token that was signed, and when it ends.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// Its own id, as the ledger has it.
    pub id: String,
    /// When it ends.
    pub until: Timestamp,
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
    /// Signs what `claims` say of somebody, from now on and for so long.
    pub fn sign(&self, mut claims: Map<String, Value>, now: Timestamp, lives: SignedDuration) -> Result<Issued, NotIssued> {
        let until = now.checked_add(lives).map_err(|_| NotIssued::Unsigned)?;
        let id = uuid::Uuid::new_v4().to_string();
        for (name, value) in [
            ("iss", json!(self.name)),
            ("aud", json!(self.name)),
            ("iat", json!(now.as_second())),
            ("exp", json!(until.as_second())),
            ("jti", json!(id)),
        ] {
            claims.insert(name.into(), value);
        }
        // Read anew each time, so that a new key needs no restart.
        let file = self.config.keys.first().ok_or(NotIssued::Unsigned)?;
        let token = SigningKey::open(file, None)?.sign(&claims).map_err(|_| NotIssued::Unsigned)?;
        Ok(Issued { token, id, until })
    }
}
