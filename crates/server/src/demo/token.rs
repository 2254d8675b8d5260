//! The demo's own sign-in provider: a key pair made at start, and ready tokens.

use anyhow::{Context, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

const HOURS: i64 = 8;

/// Signs tokens that only this run of the demo accepts.
pub struct Issuer {
    name: String,
    key: EncodingKey,
}

impl Issuer {
    /// With a new key, under this name (`iss`).
    pub fn new(name: &str) -> anyhow::Result<Issuer> {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).map_err(|_| anyhow!("making a key"))?;
        Ok(Issuer { name: name.to_owned(), key: EncodingKey::from_ec_der(pkcs8.as_ref()) })
    }

    /// `iss` of its tokens.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key, as a provider publishes it.
    pub fn jwks(&self) -> anyhow::Result<String> {
        let mut key = Jwk::from_encoding_key(&self.key, Algorithm::ES256)?;
        key.common.key_id = Some("demo".into());
        Ok(serde_json::to_string(&JwkSet { keys: vec![key] })?)
    }

    /// A token of a doctor at a hospital of the region.
    pub fn token(&self) -> anyhow::Result<String> {
        self.sign(&self.claims())
    }

    /// A token of a system, with no human behind it, that has a person open.
    pub fn system_token(&self, client: &str, person: &str) -> anyhow::Result<String> {
        let mut claims = self.claims();
        claims["sub"] = json!(client);
        claims["client_id"] = json!(client);
        claims["scope"] = json!("system/*.rs");
        claims["patient"] = json!(person);
        if let Some(iua) = claims["extensions"]["ihe_iua"].as_object_mut() {
            iua.retain(|key, _| !matches!(key.as_str(), "subject_sds_user_id" | "subject_role_profile_id" | "device"));
        }
        self.sign(&claims)
    }

    /// Signs these claims.
    pub fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("demo".into());
        jsonwebtoken::encode(&header, claims, &self.key).context("signing the demo's token")
    }

    /// The claims of a doctor, issued now.
    fn claims(&self) -> Value {
        let now = crate::wiring::system_clock().now().as_second();
        json!({
                "iss": self.name, "sub": "u-demo", "aud": "severn", "iat": now, "exp": now + HOURS * 3600, "jti": uuid::Uuid::new_v4().to_string(),
                "scope": "user/*.rs",
                "extensions": {"ihe_iua": {
                    "subject_name": "Dr A Example",
                    "subject_organization": "Queen Elizabeth Hospital",
                    "subject_organization_id": "https://fhir.nhs.uk/Id/ods-organization-code|RRK",
                    "subject_sds_user_id": "999999999999",
                    "subject_role_profile_id": "UNK",
                    "device": "ward-7-pc-2",
                    "subject_role": [{"system": "https://fhir.nhs.uk/Id/sds-role-code", "code": "R8000"}],
                    "purpose_of_use": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}],
                    "activities": ["B0264", "B0360", "B0370", "B0401"],
                }},
        })
    }
}
