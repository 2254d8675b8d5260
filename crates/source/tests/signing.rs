//! How an application signs for its token: with the key it has, in the way that was said.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use record::{Call, CallId, Failure, Method, Response};
use source::{Auth, Limits, Prober, Request, SourceConfig, Transport, Verb};

/// A token endpoint, and the service behind it.
#[derive(Default)]
struct Platform(Mutex<Vec<Request>>);

#[async_trait]
impl Transport for Platform {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let url = request.url.to_string();
        self.0.lock().unwrap().push(request);
        let body = "{\"access_token\":\"t\",\"expires_in\":600}".into();
        Ok(Response { status: 200, content_type: "application/json".to_owned(), headers: Vec::new(), body, url })
    }
}

struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        // Nothing can be done about a temporary file that stays.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What was sent, asked with a key that signs so.
async fn asked(key: &KeyPair, alg: Option<Algorithm>) -> Vec<Request> {
    let file = File(std::env::temp_dir().join(format!("severn-key-{}.pem", uuid::Uuid::new_v4())));
    std::fs::write(&file.0, key.serialize_pem()).unwrap();
    let auth = Auth::PrivateKeyJwt {
        token_url: "https://api.example/oauth2/token".parse().unwrap(),
        client_id: "the-application".to_owned(),
        key_file: file.0.clone(),
        kid: Some("severn-1".to_owned()),
        alg,
        scope: None,
    };
    let config = SourceConfig {
        id: "a".parse().unwrap(),
        organisation: "QHL".parse().unwrap(),
        base: "https://api.example/record-locator".parse().unwrap(),
        auth,
        limits: Limits::default(),
        exchange: None,
        ca_file: None,
    };
    let (platform, clock) = (Arc::new(Platform::default()), Arc::new(now()));
    let prober = Prober::new(config, platform.clone(), clock);
    let (target, headers) = ("metadata".to_owned(), Vec::new());
    prober
        .ask(&Call { id: CallId(0), method: Method::Get, target, headers, body: None, kinds: Vec::new(), priority: 0, about: None })
        .await;
    let sent = platform.0.lock().unwrap();
    sent.clone()
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::UNIX_EPOCH + Duration::from_secs(1_795_424_400)
}

#[tokio::test]
async fn an_assertion_is_signed_by_its_key_in_the_way_that_was_said() {
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let ec = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let check = async |key: &KeyPair, alg: Option<Algorithm>, expected: Algorithm| {
        let sent = asked(key, alg).await;
        assert_eq!(sent.iter().map(|request| request.method).collect::<Vec<_>>(), [Verb::Post, Verb::Get]);
        let form: Vec<(String, String)> = url::form_urlencoded::parse(sent[0].body.as_ref().unwrap()).into_owned().collect();
        let assertion = &form.iter().find(|(name, _)| name == "client_assertion").unwrap().1;
        let header = jsonwebtoken::decode_header(assertion).unwrap();
        assert_eq!((header.alg, header.kid.as_deref()), (expected, Some("severn-1")));
        let public = key.public_key_pem();
        let public = match expected {
            Algorithm::ES256 => DecodingKey::from_ec_pem(public.as_bytes()),
            _ => DecodingKey::from_rsa_pem(public.as_bytes()),
        };
        let mut validation = Validation::new(expected);
        validation.set_audience(&["https://api.example/oauth2/token"]);
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<serde_json::Value>(assertion, &public.unwrap(), &validation).unwrap().claims;
        assert_eq!((&claims["iss"], &claims["sub"]), (&"the-application".into(), &"the-application".into()));
        assert_eq!(claims["exp"], now().as_second() + 300);
    };
    check(&rsa, None, Algorithm::RS256).await;
    check(&ec, None, Algorithm::ES256).await;
    check(&rsa, Some(Algorithm::RS512), Algorithm::RS512).await;
    // A wish that does not fit the key: nobody is asked for anything.
    assert!(asked(&ec, Some(Algorithm::RS512)).await.is_empty());
    assert!(asked(&rsa, Some(Algorithm::ES256)).await.is_empty());
}
