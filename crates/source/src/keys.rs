//! Keys that sign, from PEM; each has a name by which others find its public half.

use std::path::Path;

use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use record::Failure;
use serde::Serialize;

/// A private key that signs ES256 (P-256) or RS256 (RSA), and its public half.
pub struct SigningKey {
    algorithm: Algorithm,
    key: EncodingKey,
    public: Jwk,
}

/// Why a file holds no key that can be used. The words say nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The file cannot be read.
    #[error("{0}")]
    Away(#[from] std::io::Error),
    /// It holds something else.
    #[error("holds no private key for ES256 (P-256) or RS256 (RSA, 2048 bits or more), in PEM as `openssl genpkey` writes it")]
    Unfit,
}

impl SigningKey {
    /// Reads the key in a file. Without a `kid` it goes by its thumbprint (RFC 7638), so that a new key has a new name and whoever
    /// keeps the old one asks again.
    pub fn open(file: &Path, kid: Option<&str>) -> Result<SigningKey, KeyFault> {
        SigningKey::of_pem(&std::fs::read(file)?, kid).ok_or(KeyFault::Unfit)
    }

    fn of_pem(pem: &[u8], kid: Option<&str>) -> Option<SigningKey> {
        let (algorithm, key) = match EncodingKey::from_ec_pem(pem) {
            Ok(key) => (Algorithm::ES256, key),
            Err(_) => (Algorithm::RS256, EncodingKey::from_rsa_pem(pem).ok()?),
        };
        // Only a private key of the right curve has a public half to be told.
        let mut public = Jwk::from_encoding_key(&key, algorithm).ok()?;
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        public.common.key_id = Some(kid.map_or_else(|| public.thumbprint(ThumbprintHash::SHA256), |kid| Ok(kid.to_owned())).ok()?);
        Some(SigningKey { algorithm, key, public })
    }

    /// The public half, as a JWKS holds it.
    pub fn public(&self) -> &Jwk {
        &self.public
    }

    /// A JWT of these claims, under the key's name.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, Failure> {
        let header = Header { kid: self.public.common.key_id.clone(), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|_| Failure::Unauthorised)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
        rcgen::KeyPair::generate_for(algorithm).unwrap().serialize_pem()
    }

    #[test]
    fn only_what_signs_as_we_say_is_a_key() {
        let opens = |pem: &str| SigningKey::of_pem(pem.as_bytes(), None).is_some();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        assert!(opens(&key.serialize_pem()));
        assert!(opens(&pem(&rcgen::PKCS_RSA_SHA256)));
        assert!(!opens(&key.public_key_pem()), "whoever has only the public half signs nothing");
        assert!(!opens(&pem(&rcgen::PKCS_ECDSA_P384_SHA384)), "another curve");
        assert!(!opens(&pem(&rcgen::PKCS_ED25519)), "another kind");
        assert!(!opens(""));
        assert!(!opens("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    }

    #[test]
    fn what_is_told_of_a_key_is_its_public_half_and_its_name() {
        for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_RSA_SHA256] {
            let text = pem(algorithm);
            let told = |kid| serde_json::to_value(SigningKey::of_pem(text.as_bytes(), kid).unwrap().public()).unwrap();
            let private = ["d", "p", "q", "dp", "dq", "qi", "k"];
            assert!(told(None).as_object().unwrap().keys().all(|name| !private.contains(&name.as_str())));
            assert_eq!(told(Some("k-1"))["kid"], "k-1");
            assert_eq!(told(None)["use"], "sig");
            let another = SigningKey::of_pem(pem(algorithm).as_bytes(), None).unwrap();
            assert_ne!(told(None)["kid"].as_str(), another.public().common.key_id.as_deref(), "a new key has a new name");
        }
    }
}
