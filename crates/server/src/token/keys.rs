//! The public keys of a sign-in provider, each for what it is for and nothing else.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::parts::{Algorithm, Parts};

/// A key that verifies signatures.
pub(super) struct Key {
    kid: Option<String>,
    public: Public,
    /// By which of them it may be used.
    algorithms: Vec<Algorithm>,
}

enum Public {
    /// A point, uncompressed.
    Ec(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

/// Shorter RSA keys can be broken; longer ones are asked for by nobody.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// The keys of a JWKS that can be used here. `None` where it is no JWKS; keys that are of no use here, or that nobody understands, are
/// left out, and are no reason to do without the others.
pub(super) fn of_jwks(text: &[u8], algorithms: &[Algorithm]) -> Option<Vec<Key>> {
    let set: Value = serde_json::from_slice(text).ok()?;
    Some(set.get("keys")?.as_array()?.iter().filter_map(|jwk| Key::of(jwk, algorithms)).collect())
}

impl Key {
    fn of(jwk: &Value, algorithms: &[Algorithm]) -> Option<Key> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| BASE64URL_NOPAD.decode(text(name)?.as_bytes()).ok();
        let point = || Some(Public::Ec([vec![4], bytes("x")?, bytes("y")?].concat()));
        let (public, able): (_, &[Algorithm]) = match (text("kty")?, text("crv")) {
            ("EC", Some("P-256")) => (point()?, &[Algorithm::Es256]),
            ("EC", Some("P-384")) => (point()?, &[Algorithm::Es384]),
            ("RSA", _) => {
                let rsa = Public::Rsa { modulus: trimmed(&bytes("n")?), exponent: trimmed(&bytes("e")?) };
                (rsa, &[Algorithm::Rs256, Algorithm::Rs384])
            }
            _ => return None,
        };
        // A key that is for something else is not for this, whatever it could do.
        let meant = |one: &Algorithm| jwk.get("alg").is_none_or(|own| own == one.name());
        let able = able.iter().copied().filter(|one| algorithms.contains(one) && meant(one)).collect::<Vec<_>>();
        let signs = !able.is_empty() && jwk.get("use").is_none_or(|own| own == "sig");
        let verifies = jwk.get("key_ops").is_none_or(|own| own.as_array().is_some_and(|own| own.iter().any(|one| one == "verify")));
        let kid = text("kid").map(str::to_owned);
        (signs && verifies && public.is_strong(able[0])).then_some(Key { kid, public, algorithms: able })
    }

    /// Whether this key may have signed the token.
    pub fn fits(&self, token: &Parts<'_>) -> bool {
        self.algorithms.contains(&token.algorithm) && (token.kid.is_none() || self.kid == token.kid)
    }

    /// Whether it did.
    pub fn signed(&self, token: &Parts<'_>) -> bool {
        let verified = match (&self.public, token.algorithm) {
            (Public::Ec(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(token.signed, &token.signature)
            }
            (Public::Ec(point), Algorithm::Es384) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(token.signed, &token.signature)
            }
            (Public::Rsa { modulus: n, exponent: e }, Algorithm::Rs256) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, token.signed, &token.signature)
            }
            (Public::Rsa { modulus: n, exponent: e }, Algorithm::Rs384) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA384, token.signed, &token.signature)
            }
            (Public::Ec(_), _) | (Public::Rsa { .. }, _) => return false,
        };
        verified.is_ok()
    }
}

impl Public {
    fn is_strong(&self, algorithm: Algorithm) -> bool {
        match self {
            Public::Ec(point) => point.len() == if algorithm == Algorithm::Es384 { 97 } else { 65 },
            Public::Rsa { modulus, exponent } => {
                let zeros = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
                // With the exponent 1 everybody signs.
                RSA_BITS.contains(&(modulus.len() * 8 - zeros))
                    && exponent.as_slice() != [1]
                    && exponent.last().is_some_and(|last| last % 2 == 1)
            }
        }
    }
}

/// A number without zeros before it.
fn trimmed(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}
