//! What somebody signs for one use: the assertion by which a client shows who it is (RFC 7523, SMART Backend Services), and the link by
//! which an organisation's system opens a person here. Each lives for minutes, is for one address, and is spent when it is used, on
//! every node at once.

use aws_lc_rs::digest;
use exchange::Spent;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::parts::Parts;
use super::provider::KeySet;
use super::{LEEWAY_S, TokenFault};

/// Why what was signed for one use is of none. The words go to whoever sent it and into the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OnceFault {
    /// Of a launch link: an activity for which its system may not vouch.
    #[error("the user's activities are more than this system may vouch for")]
    Activities,
    /// Not signed in a way that is read here.
    #[error("the algorithm is not one of RS256, RS384, ES256 and ES384")]
    Algorithm,
    /// For another address, or for more than this one.
    #[error("the audience is not this address, alone")]
    Audience,
    /// Whether it was used before cannot be found out.
    #[error("whether it was used before cannot be found out at present; sign a new one and try again shortly")]
    Away,
    /// The keys of whoever signed cannot be had.
    #[error("who signed cannot be confirmed at present; sign a new one and try again shortly")]
    KeysAway,
    /// Not a JWT, or claims missing or of the wrong shape.
    #[error("it is malformed, or lacks what is needed: iss, sub, aud, exp, jti; of an assertion also kid in its header")]
    Malformed,
    /// Of a launch link: who the user is nationally, from a system whose word is not taken for that.
    #[error("this system's word is not taken for who its users are nationally: the link must name no SDS user or role profile id")]
    National,
    /// Of a launch link: the user's organisation is not one that may be signed for.
    #[error("the user's organisation is not one for which this system may sign")]
    Organisation,
    /// Expired, or not valid yet.
    #[error("it has expired or is not valid yet")]
    OutOfTime,
    /// Of a launch link: there is nobody of that id or number here.
    #[error("the patient is nobody who is known here")]
    Patient,
    /// Of a launch link: a purpose of use for which its system may not vouch.
    #[error("the purpose of use is not one for which this system may send anybody")]
    Purposes,
    /// Used before.
    #[error("it was used before")]
    Replayed,
    /// Of a launch link: a job role for which its system may not vouch.
    #[error("the user's roles are more than this system may vouch for")]
    Roles,
    /// Not signed by whom it says, or by nobody who is registered.
    #[error("it is not from a system that is registered here")]
    Stranger,
    /// It would live longer than may be.
    #[error("it lives longer than is allowed")]
    TooLong,
    /// Larger than the limit.
    #[error("it is too large")]
    TooLarge,
    /// Its certificate was not shown.
    #[error("the certificate of this connection is not the registered one")]
    Uncertified,
}

impl From<TokenFault> for OnceFault {
    fn from(fault: TokenFault) -> OnceFault {
        match fault {
            TokenFault::Algorithm => OnceFault::Algorithm,
            TokenFault::KeysAway => OnceFault::KeysAway,
            TokenFault::OutOfTime => OnceFault::OutOfTime,
            TokenFault::Stranger => OnceFault::Stranger,
            TokenFault::TooLarge => OnceFault::TooLarge,
            TokenFault::Unbound => OnceFault::Uncertified,
            _ => OnceFault::Malformed,
        }
    }
}

/// How something signed for one use is judged.
pub(super) struct Terms<'a> {
    pub keys: &'a KeySet,
    /// The one address that it is for.
    pub audience: String,
    /// The longest that it may live.
    pub lives: SignedDuration,
    /// What it is: the same `jti` of two kinds, or of two who sign, is two.
    pub kind: &'a str,
}

/// An id is looked up: it must fit, and say nothing by its length.
const ID_BYTES_MAX: usize = 256;

/// Something that is good for one use, and may have had it.
pub struct Once {
    id: [u8; 32],
    until: Timestamp,
}

impl Once {
    /// Spends it: of all who do so, on whichever node, one does.
    pub async fn spend(&self, spent: &dyn Spent, now: Timestamp) -> Result<(), OnceFault> {
        match spent.spend(self.id, self.until, now).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(OnceFault::Replayed),
            Err(down) => {
                tracing::error!(error = %down, "whether something was used before cannot be found out");
                Err(OnceFault::Away)
            }
        }
    }
}

impl Terms<'_> {
    /// Judges it; it is not spent by that.
    pub async fn judge(&self, signed: &Parts<'_>, now: Timestamp) -> Result<Once, OnceFault> {
        let kept = self.keys.keys(signed, now).await?;
        if !kept.keys.iter().any(|key| key.fits(signed) && key.signed(signed)) {
            return Err(OnceFault::Stranger);
        }
        if audience(&signed.claims).ok_or(OnceFault::Malformed)? != self.audience {
            return Err(OnceFault::Audience);
        }
        super::in_time(&signed.claims, now.as_second())?;
        let until = self.until(&signed.claims, now)?;
        let text = |name: &str| signed.claims.get(name).and_then(Value::as_str);
        let issuer = text("iss").unwrap_or_default();
        let id = text("jti").filter(|id| !id.trim().is_empty() && id.len() <= ID_BYTES_MAX).ok_or(OnceFault::Malformed)?;
        Ok(Once { id: digest(&[self.kind, issuer, id]), until })
    }

    /// Until when it could be used, by the clocks of all nodes.
    fn until(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, OnceFault> {
        let second = |name: &str| claims.get(name).and_then(Value::as_f64).map(|second| second as i64);
        let expires = second("exp").ok_or(OnceFault::Malformed)?;
        let begins = [second("iat"), second("nbf")].into_iter().flatten().max();
        let longest = self.lives.as_secs();
        if expires > now.as_second().saturating_add(longest + LEEWAY_S)
            || begins.is_some_and(|begins| expires.saturating_sub(begins) > longest)
        {
            return Err(OnceFault::TooLong);
        }
        Timestamp::from_second(expires.saturating_add(LEEWAY_S)).map_err(|_| OnceFault::Malformed)
    }
}

/// The one whom it is for. What is for several could be used by one of them at another.
fn audience(claims: &Map<String, Value>) -> Option<&str> {
    match claims.get("aud")? {
        Value::String(one) => Some(one),
        Value::Array(several) => match several.as_slice() {
            [one] => one.as_str(),
            [] => None,
            _ => several.iter().all(Value::is_string).then_some(""),
        },
        _ => None,
    }
}

/// Parts that cannot run into each other.
fn digest(parts: &[&str]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut id = [0; 32];
    id.copy_from_slice(context.finish().as_ref());
    id
}
