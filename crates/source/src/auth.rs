//! Credentials towards sources.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use record::{Clock, Failure, SourceId};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::config::{Auth, SourceConfig};
use crate::transport::{Request, Transport, Verb};

/// Why a source's credentials could not be prepared at start.
#[derive(Debug, thiserror::Error)]
#[error("credentials of {source_id}: {what}")]
pub struct AuthError {
    /// The source.
    pub source_id: SourceId,
    /// What is wrong.
    pub what: String,
}

/// Obtains and keeps tokens.
pub(crate) struct Authority {
    clock: Arc<dyn Clock>,
    /// One token a source; the lock makes fetching single-flight.
    tokens: Mutex<BTreeMap<SourceId, Token>>,
}

#[derive(Clone)]
struct Token {
    value: String,
    expires: i64,
}

#[derive(serde::Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<i64>,
}

/// A token this close to its end is not used.
const MARGIN_S: i64 = 30;
/// What is assumed where the server does not say.
const LIFE_S: i64 = 300;

impl Authority {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Authority {
        Authority { clock, tokens: Mutex::default() }
    }

    /// The `Authorization` header for a source, if it wants one.
    pub(crate) async fn header(&self, config: &SourceConfig, transport: &dyn Transport, until: Instant) -> Result<Option<String>, Failure> {
        match &config.auth {
            Auth::None | Auth::Mtls { .. } => Ok(None),
            // Each call of a leg has a token of its own: see `on_behalf`. Here there is nobody to speak for.
            Auth::OnBehalf(_) => Err(Failure::NoEndUser),
            Auth::Bearer { token_file } => read(token_file).map(|token| Some(format!("Bearer {token}"))),
            Auth::ClientCredentials { token_url, client_id, secret_file, scope } => {
                let secret = read(secret_file)?;
                let form = form(&[
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id),
                    ("client_secret", &secret),
                    ("scope", scope.as_deref().unwrap_or_default()),
                ]);
                self.token(config, token_url, form, transport, until).await.map(Some)
            }
            Auth::PrivateKeyJwt { token_url, client_id, key_file, kid, alg, scope } => {
                let assertion = self.assertion(client_id, token_url, &read(key_file)?, kid.as_deref(), *alg)?;
                let form = form(&[
                    ("grant_type", "client_credentials"),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", &assertion),
                    ("scope", scope.as_deref().unwrap_or_default()),
                ]);
                self.token(config, token_url, form, transport, until).await.map(Some)
            }
        }
    }

    /// RFC 7523: five minutes, and a `jti` of its own.
    fn assertion(&self, client_id: &str, audience: &Url, key: &str, kid: Option<&str>, alg: Option<Algorithm>) -> Result<String, Failure> {
        let now = self.clock.now().as_second();
        let claims = serde_json::json!({"iss": client_id, "sub": client_id, "aud": audience.as_str(), "iat": now, "exp": now + 300, "jti": uuid::Uuid::new_v4().to_string()});
        let (algorithm, key) = match EncodingKey::from_ec_pem(key.as_bytes()) {
            Ok(key) => (Algorithm::ES256, key),
            Err(_) => (Algorithm::RS256, EncodingKey::from_rsa_pem(key.as_bytes()).map_err(|_| Failure::Unauthorised)?),
        };
        // A wish that does not fit the key is refused when it signs.
        let mut header = Header::new(alg.unwrap_or(algorithm));
        header.kid = kid.map(str::to_owned);
        jsonwebtoken::encode(&header, &claims, &key).map_err(|_| Failure::Unauthorised)
    }

    async fn token(
        &self,
        config: &SourceConfig,
        url: &Url,
        form: String,
        transport: &dyn Transport,
        until: Instant,
    ) -> Result<String, Failure> {
        let now = self.clock.now().as_second();
        let mut tokens = tokio::time::timeout_at(until, self.tokens.lock()).await.map_err(|_| Failure::Timeout)?;
        if let Some(token) = tokens.get(&config.id).filter(|token| now + MARGIN_S < token.expires) {
            return Ok(token.value.clone());
        }
        let headers = vec![
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("accept".to_owned(), "application/json".to_owned()),
        ];
        let request = Request {
            source: config.id.clone(),
            method: Verb::Post,
            url: url.clone(),
            headers,
            body: Some(Bytes::from(form)),
            until,
            body_max: 1 << 20,
        };
        let response = tokio::time::timeout_at(until, transport.send(request)).await.map_err(|_| Failure::Timeout)??;
        if response.status != 200 {
            return Err(Failure::Unauthorised);
        }
        let granted: Granted = serde_json::from_slice(&response.body).map_err(|_| Failure::Unauthorised)?;
        let value = format!("Bearer {}", granted.access_token);
        tokens.insert(config.id.clone(), Token { value: value.clone(), expires: now + granted.expires_in.unwrap_or(LIFE_S) });
        Ok(value)
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map(|text| text.trim().to_owned()).map_err(|error| {
        tracing::error!(file = %file.display(), %error, "a credential could not be read");
        Failure::Unauthorised
    })
}

fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty())).finish()
}
