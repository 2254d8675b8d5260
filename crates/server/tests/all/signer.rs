//! Keys by which tests sign what clients and launching systems sign, and pages of configuration in which these are registered.

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::world::{Answer, Issuer, PUBLIC, Setup, World};

/// When the world begins.
pub const NOW: i64 = 1_795_424_400;

/// A key, and how it signs.
pub struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    pub kid: &'static str,
}

impl Signer {
    pub fn new(algorithm: Algorithm, kid: &'static str) -> Signer {
        let kind = match algorithm {
            Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Algorithm::ES384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            _ => &rcgen::PKCS_RSA_SHA256,
        };
        let pem = rcgen::KeyPair::generate_for(kind).unwrap().serialize_pem();
        let key = EncodingKey::from_ec_pem(pem.as_bytes()).or_else(|_| EncodingKey::from_rsa_pem(pem.as_bytes())).unwrap();
        Signer { key, algorithm, kid }
    }

    pub fn jwk(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.into());
        jwk
    }

    pub fn header(&self) -> Header {
        Header { kid: Some(self.kid.into()), ..Header::new(self.algorithm) }
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    pub fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }
}

/// A JWKS of these.
pub fn jwks(signers: &[&Signer]) -> String {
    serde_json::to_string(&JwkSet { keys: signers.iter().map(|signer| signer.jwk()).collect() }).unwrap()
}

/// Two clients and two launching systems, each with keys in a file of its own.
pub const REGISTERED: &str = r#"
[oauth]
keys = ["oauth.pem"]

[[client]]
id = "records-1"
name = "Records system"
organisation = "RRK"
organisation_name = "Queen Elizabeth Hospital"
roles = ["R8000"]
activities = ["B0264", "B0360"]
purposes = ["TREAT"]
scopes = ["system/Patient.rs", "system/Condition.rs"]
keys = "client.json"

[[client]]
id = "other-1"
name = "Another system"
organisation = "RXK"
roles = ["R8008"]
purposes = ["TREAT"]
scopes = ["system/*.rs"]
keys = "other.json"

[[client]]
id = "certified-1"
name = "A system with a certificate"
organisation = "RRK"
roles = ["R8000"]
activities = ["B0264"]
purposes = ["TREAT"]
scopes = ["system/*.rs"]
certificate = "CN=certified,O=Hospital"

[[client]]
id = "both-1"
name = "A system with a key and a certificate"
organisation = "RRK"
roles = ["R8000"]
activities = ["B0264"]
purposes = ["TREAT"]
scopes = ["system/*.rs"]
keys = "other.json"
certificate = "CN=certified,O=Hospital"

[[launcher]]
issuer = "https://pas.hospital.example"
name = "The hospital's patient administration"
organisations = ["RRK"]
roles = ["R8000"]
activities = ["B0264", "B0360"]
national_user_ids = "vouched"
keys = "launcher.json"

[[launcher]]
issuer = "https://gp.example"
name = "The practice's system"
organisations = ["A81001"]
roles = ["R8000"]
keys = "other.json"
"#;

/// A self-made authority and certificate: enough for a configuration to be read that has TLS.
pub fn certificate() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// Whose keys a world has registered.
pub struct Signers {
    pub clients: Vec<Signer>,
    pub launcher: Signer,
    pub other: Signer,
    oauth: String,
}

impl Signers {
    pub fn new() -> Signers {
        let all = [Algorithm::ES384, Algorithm::RS384, Algorithm::ES256, Algorithm::RS256];
        let names = ["es384", "rs384", "es256", "rs256"];
        Signers {
            clients: all.into_iter().zip(names).map(|(algorithm, kid)| Signer::new(algorithm, kid)).collect(),
            launcher: Signer::new(Algorithm::ES256, "launcher"),
            other: Signer::new(Algorithm::ES384, "es384"),
            oauth: Issuer::new().pem(),
        }
    }

    pub fn setup(&self) -> Setup {
        let (cert, key) = certificate();
        let clients: Vec<&Signer> = self.clients.iter().collect();
        let files = vec![
            ("oauth.pem", self.oauth.clone()),
            ("client.json", jwks(&clients)),
            ("launcher.json", jwks(&[&self.launcher])),
            ("other.json", jwks(&[&self.other])),
            ("tls.pem", cert),
            ("tls.key", key),
        ];
        Setup { blocks: REGISTERED, files, exchange: TLS, ..Setup::default() }
    }

    /// An assertion of the first client.
    pub fn assertion(&self, claims: &Value) -> String {
        self.clients[0].sign(claims)
    }

    /// A link of the first launching system.
    pub fn link(&self, claims: &Value) -> String {
        self.launcher.sign(claims)
    }
}

/// Lines of `[exchange]`.
pub const TLS: &str = "tls = { cert_file = \"tls.pem\", key_file = \"tls.key\", client_ca_file = \"tls.pem\" }";

/// The claims of an assertion, good for four minutes.
pub fn assertion(client: &str, id: &str) -> Value {
    json!({"iss": client, "sub": client, "aud": format!("{PUBLIC}/oauth/token"), "iat": NOW, "exp": NOW + 240, "jti": id})
}

/// The claims of a launch link, good for two minutes.
pub fn link(patient: &str, id: &str) -> Value {
    json!({
        "iss": "https://pas.hospital.example", "sub": "w-17", "aud": format!("{PUBLIC}/launch"), "iat": NOW, "exp": NOW + 120, "jti": id,
        "patient": patient,
        "extensions": {"ihe_iua": {
            "subject_name": "Dr B Example", "subject_organization": "Queen Elizabeth Hospital",
            "subject_organization_id": "https://fhir.nhs.uk/Id/ods-organization-code|RRK",
            "subject_sds_user_id": "888888888888", "device": "ward-7-pc-2",
            "subject_role": ["R8000"], "purpose_of_use": ["TREAT"], "activities": ["B0264", "B0360"],
        }},
    })
}

/// The claims with one changed; `null` takes it away.
pub fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// The claims of a JWT.
pub fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}

/// A form.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

impl World {
    /// Asks for a token with an assertion.
    pub async fn grant(&self, assertion: &str, scope: &str) -> Answer {
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ];
        self.send("POST", "/oauth/token", None, &FORM, &form(&fields)).await
    }

    /// Opens a link.
    pub async fn launch(&self, link: &str) -> Answer {
        self.send("POST", "/launch", None, &FORM, &form(&[("link", link)])).await
    }
}
