//! The exchange before the six sources: its folder, who may ask it, and how it is run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use server::config::Config;
use server::wiring::{self, Outside};
use tokio::net::TcpListener;

use crate::said::SOURCES;
use crate::sources;

const ISSUER: &str = "https://login.example";

/// A folder that goes when the bench does, and the key that signs tokens.
pub struct Folder {
    pub path: PathBuf,
    key: EncodingKey,
}

impl Folder {
    /// With a configuration for sources on `port`, as fast as `speed` says. On a real disk, so that a sync is one.
    pub fn new(port: u16, speed: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("joined-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).expect("a folder");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).expect("a key");
        let key = EncodingKey::from_ec_der(pkcs8.as_ref());
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a public key");
        std::fs::write(path.join("keys.json"), serde_json::to_string(&JwkSet { keys: vec![jwk] }).expect("JSON")).expect("a file");
        let mut text = format!(
            "[exchange]\nid = \"bench\"\norganisation = \"QHL\"\n\n[store]\nurl = \"sqlite:severn.db\"\n\n\
             [limits]\nper_second = 100000\n\n[[sign_in]]\nissuer = \"{ISSUER}\"\naudience = \"severn\"\nkeys = \"keys.json\"\n"
        );
        for source in SOURCES {
            text.push_str(&format!(
                "\n[[source]]\nid = \"{source}\"\nname = \"Source {source}\"\norganisation = \"RRK\"\ndialect = \"fhir-r4\"\n\
                 url = \"{}\"\nnhs_number = \"verified\"\n",
                sources::base(port, speed, source)
            ));
        }
        std::fs::write(path.join("severn.toml"), text).expect("a file");
        Folder { path, key }
    }

    /// A doctor's token, with this person open if there is one.
    pub fn token(&self, patient: Option<&str>) -> String {
        let now = wiring::system_clock().now().as_second();
        let claims = json!({
            "iss": ISSUER, "sub": "u-1", "aud": "severn", "iat": now, "exp": now + 8 * 3600, "jti": "t-1", "scope": "user/*.rs",
            "patient": patient,
            "extensions": {"ihe_iua": {
                "subject_name": "Dr A Example",
                "subject_organization": "Queen Elizabeth Hospital",
                "subject_organization_id": "https://fhir.nhs.uk/Id/ods-organization-code|RRK",
                "subject_sds_user_id": "999999999999",
                "subject_role": [{"system": "https://fhir.nhs.uk/Id/sds-role-code", "code": "R8000"}],
                "purpose_of_use": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}],
                "activities": ["B0264", "B0360", "B0370", "B0401"],
            }},
        });
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key).expect("a token")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a temporary folder that stays.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Runs the exchange of a folder: HTTP to its sources, the ledger synced.
pub async fn run(folder: &Path, listener: TcpListener) {
    let text = std::fs::read_to_string(folder.join("severn.toml")).expect("a configuration");
    let config = Config::parse(&text, folder).unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    let outside = Outside::real(&config).expect("the world outside");
    let (app, writing) = wiring::app(config, outside).expect("an exchange");
    let (served, ()) = tokio::join!(server::http::serve(listener, Arc::new(app), std::future::pending()), writing);
    served.expect("serving");
}
