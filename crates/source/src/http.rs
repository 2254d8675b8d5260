//! HTTP and HTTPS by reqwest: rustls, gzip, HTTP/2 where offered, no redirects, bodies capped as they unpack.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use record::{Failure, Response, SourceId};

use crate::auth::AuthError;
use crate::config::{Auth, SourceConfig};
use crate::transport::{Request, Transport, Verb};

/// One client a source: certificates, connections and timeouts are its own.
pub struct Http {
    clients: BTreeMap<SourceId, reqwest::Client>,
}

impl Http {
    /// Reads certificates and makes the clients.
    pub fn new(configs: &[SourceConfig]) -> Result<Http, AuthError> {
        let clients = configs.iter().map(|config| Ok((config.id.clone(), client(config)?))).collect::<Result<_, AuthError>>()?;
        Ok(Http { clients })
    }
}

fn client(config: &SourceConfig) -> Result<reqwest::Client, AuthError> {
    let wrong = |what: String| AuthError { source_id: config.id.clone(), what };
    let read = |file: &std::path::Path| std::fs::read(file).map_err(|error| wrong(format!("{}: {error}", file.display())));
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_millis(config.limits.connect_ms))
        .user_agent(concat!("Severn/", env!("CARGO_PKG_VERSION")));
    if let Some(file) = &config.ca_file {
        let certificate = reqwest::Certificate::from_pem(&read(file)?).map_err(|error| wrong(format!("{}: {error}", file.display())))?;
        builder = builder.tls_certs_merge([certificate]);
    }
    if let Auth::Mtls { cert_file, key_file } = &config.auth {
        let mut pem = read(cert_file)?;
        pem.push(b'\n');
        pem.extend(read(key_file)?);
        let identity = reqwest::Identity::from_pem(&pem).map_err(|error| wrong(format!("certificate and key: {error}")))?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| wrong(error.to_string()))
}

#[async_trait]
impl Transport for Http {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let client = self.clients.get(&request.source).ok_or(Failure::Refused)?;
        let method = match request.method {
            Verb::Delete => reqwest::Method::DELETE,
            Verb::Get => reqwest::Method::GET,
            Verb::Post => reqwest::Method::POST,
            Verb::Put => reqwest::Method::PUT,
        };
        let mut builder = client.request(method, request.url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let response = builder.send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let content_type = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| media_type(value)).unwrap_or_default();
        let body = capped(response, request.body_max).await?;
        Ok(Response { status, content_type, headers, body, url: request.url.into() })
    }
}

/// Without parameters, in lower case.
fn media_type(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How far what a source says of a body's length is believed before the body has come.
const BELIEVED: usize = 4 << 20;

/// The body as it unpacks; a small body that unpacks into very much is cut off in time.
async fn capped(mut response: reqwest::Response, body_max: usize) -> Result<Bytes, Failure> {
    let said = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = Vec::with_capacity(said.min(body_max).min(BELIEVED));
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > body_max {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

fn failure(error: &reqwest::Error) -> Failure {
    match error {
        error if error.is_timeout() => Failure::Timeout,
        error if error.is_connect() => Failure::Refused,
        _ => Failure::Broken,
    }
}
