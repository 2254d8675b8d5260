//! A region in memory, and a visit to one of its suppliers.

use std::io::Read;
use std::sync::Arc;

use async_trait::async_trait;
use onboard::{Patient, Secrets, Supplier, Visit, visit};
use record::{Clock, Failure, Response};
use source::{Auth, Limits, Prober, SourceConfig, Transport, Verb};
use testbed::{DEMO_PERSON, Region};

/// The birth date of the demonstration's person.
pub const BORN: &str = "1948-03-11";

pub struct InMemory(pub Arc<Region>, pub Option<&'static str>);

#[async_trait]
impl Transport for InMemory {
    async fn send(&self, request: source::Request) -> Result<Response, Failure> {
        let mut asked = testbed::Request::get(&request.url[url::Position::BeforePath..]);
        if request.method == Verb::Post {
            asked.method = http::Method::POST;
        }
        asked.body = request.body.unwrap_or_default();
        for (name, value) in &request.headers {
            asked = asked.with(name.parse().unwrap(), value);
        }
        if let Some(token) = self.1 {
            asked = asked.with(http::header::AUTHORIZATION, &format!("Bearer {token}"));
        }
        let answer = self.0.respond(request.source.as_str(), asked).await.map_err(|_| Failure::Broken)?;
        if answer.cut_off {
            return Err(Failure::Broken);
        }
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers: Vec<(String, String)> = answer.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let header = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).unwrap_or_default();
        let body = if header("content-encoding") == "gzip" { unpacked(&answer.body, request.body_max) } else { answer.body };
        if body.len() > request.body_max {
            return Err(Failure::TooLarge);
        }
        let content_type = header("content-type").split(';').next().unwrap_or_default().to_owned();
        Ok(Response { status: answer.status.as_u16(), content_type, headers, body, url: request.url.into() })
    }
}

fn unpacked(body: &[u8], most: usize) -> bytes::Bytes {
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(body).take(most as u64 + 1).read_to_end(&mut whole).unwrap();
    whole.into()
}

pub struct Still;

impl Clock for Still {
    fn now(&self) -> jiff::Timestamp {
        now()
    }
}

pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::constant(1_795_424_400, 0) // 2026-11-23T09:00:00Z
}

/// The test patients of a visit.
pub fn patients() -> Vec<Patient> {
    vec![Patient { number: DEMO_PERSON.parse().unwrap(), birth_date: Some(BORN.to_owned()) }]
}

/// The way to a supplier, without credentials.
pub fn config(region: &Region, id: &str) -> SourceConfig {
    let source = region.sources().into_iter().find(|source| source.id == id).unwrap();
    SourceConfig {
        id: id.parse().unwrap(),
        organisation: source.organisation.parse().unwrap(),
        base: source.url.parse().unwrap(),
        auth: Auth::None,
        limits: Limits { bytes_max: 4 << 20, ..Limits::default() },
        exchange: None,
        ca_file: None,
    }
}

/// One supplier, as it would be named by whoever onboards it, and the way there.
pub fn supplier(region: &Arc<Region>, id: &str) -> (Supplier, Prober) {
    let source = region.sources().into_iter().find(|source| source.id == id).unwrap();
    let base: url::Url = source.url.parse().unwrap();
    let prober = Prober::new(config(region, id), Arc::new(InMemory(region.clone(), source.bearer)), Arc::new(Still));
    let options = source.options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let supplier = Supplier {
        id: id.parse().unwrap(),
        name: source.name.clone(),
        organisation: Some(source.organisation.parse().unwrap()),
        settings: dialect::Settings { options, ..dialect::Settings::new(base, "https://exchange.example/fhir/R4") },
        dialect: None,
        auth: "{ kind = \"none\" }".to_owned(),
        secrets: Secrets::default(),
        verified: source.verified_by_contract,
        ca_file: None,
    };
    (supplier, prober)
}

/// A supplier that answers otherwise than the region does.
pub struct Edited(pub InMemory, pub fn(&url::Url, &mut serde_json::Value));

#[async_trait]
impl Transport for Edited {
    async fn send(&self, request: source::Request) -> Result<Response, Failure> {
        let url = request.url.clone();
        let mut response = self.0.send(request).await?;
        if let Ok(mut body) = serde_json::from_slice(&response.body) {
            (self.1)(&url, &mut body);
            response.body = body.to_string().into();
        }
        Ok(response)
    }
}

/// Visits a supplier of the region whose answers are changed on the way.
pub async fn visited_edited(id: &str, edit: fn(&url::Url, &mut serde_json::Value)) -> Visit {
    let region = Arc::new(Region::in_memory());
    let (supplier, _) = supplier(&region, id);
    let bearer = region.sources().into_iter().find(|source| source.id == id).and_then(|source| source.bearer);
    let config = config(&region, id);
    let prober = Prober::new(config, Arc::new(Edited(InMemory(region, bearer), edit)), Arc::new(Still));
    visit(supplier, &patients(), &prober, now(), |_| ()).await
}

/// Visits a supplier of the region.
pub async fn visited(region: &Arc<Region>, id: &str) -> Visit {
    let (supplier, prober) = supplier(region, id);
    visit(supplier, &patients(), &prober, now(), |_| ()).await
}
