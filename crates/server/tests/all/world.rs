//! A region, an exchange before it, people with tokens, and what the exchange answers them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use audit::{Journal, JournalDown, LedgerReader, Line, NodeJournal};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use record::{Clock, Failure, Response};
use serde_json::{Value, json};
use server::config::Config;
use server::fhir_api::App;
use server::tls::Peer;
use server::wiring::{self, Outside};
use source::Transport;
use testbed::{Region, SUPPLIERS, Supplier};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt;

/// Where the exchange says it is.
pub const PUBLIC: &str = "http://severn.test";
const ISSUER: &str = "https://login.example";
const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";

/// An exchange, what stands around it, and who may ask it.
pub struct World {
    pub region: Arc<Region>,
    pub ledger: Arc<Ledger>,
    pub clock: Arc<Ticking>,
    pub issuer: Issuer,
    pub registrar: Arc<people::Registrar>,
    pub exchange: exchange::Exchange,
    pub app: Arc<App>,
    router: Router,
    folder: Folder,
    _writing: JoinSet<()>,
}

/// What is special about a world's configuration.
#[derive(Default)]
pub struct Setup {
    /// Lines of `[limits]`.
    pub limits: &'static str,
    /// Further lines of one source's block.
    pub sources: Vec<(&'static str, &'static str)>,
    /// Further lines of `[exchange]`.
    pub exchange: &'static str,
    /// Whole blocks.
    pub blocks: &'static str,
    /// Files beside the configuration, by their paths.
    pub files: Vec<(&'static str, String)>,
    /// The exchange's id; `test` when there is none.
    pub id: &'static str,
    /// What leads to other exchanges.
    pub wire: Arc<Wire>,
    /// Lines of `[store]`, where it is not a file; the ledger is kept there, too.
    pub store: String,
    /// Whether entries stand in a journal on the node while that store is away.
    pub node: bool,
    /// Lines of `[[sign_in]]`, beside issuer and audience; `keys = "keys.json"` when there are none.
    pub sign_in: String,
    /// Who signs for its go-live step, over what it serves.
    pub desk: Option<Arc<crate::ladder::Desk>>,
}

/// What leads from exchange to exchange, by host name.
#[derive(Default)]
pub struct Wire {
    ends: Mutex<BTreeMap<String, Router>>,
    asked: Mutex<Vec<Sent>>,
}

/// What was asked on the wire.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Host, path and query.
    pub target: String,
    /// By which exchanges it came.
    pub hops: String,
    /// The request that caused it.
    pub request: String,
    /// The bearer token; empty without one.
    pub token: String,
    /// What came of it.
    pub status: u16,
}

impl Sent {
    /// The token's claims.
    pub fn claims(&self) -> Value {
        let payload = self.token.split('.').nth(1).unwrap();
        serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
    }
}

impl Wire {
    /// Leads to whatever answers at a host.
    pub fn lead(&self, host: &str, end: Router) {
        self.ends.lock().unwrap().insert(host.to_owned(), end);
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Sent> {
        self.asked.lock().unwrap().clone()
    }

    /// Forgets what was asked so far.
    pub fn forget(&self) {
        self.asked.lock().unwrap().clear();
    }

    /// The answer of the exchange at a host, if there is one.
    async fn send(&self, request: &source::Request) -> Option<Response> {
        let host = request.url.host_str()?;
        let router = self.ends.lock().unwrap().get(host)?.clone();
        let target = &request.url[url::Position::BeforePath..];
        let mut asked = axum::http::Request::builder().uri(target);
        for (name, value) in &request.headers {
            asked = asked.header(name, value);
        }
        let header = |wanted: &str| request.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let (hops, trace) = (header("severn-hops").unwrap_or_default(), header("x-request-id").unwrap_or_default());
        let token = header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)).unwrap_or_default();
        let response = router.oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let status = parts.status.as_u16();
        self.asked.lock().unwrap().push(Sent { target: format!("{host}{target}"), hops, request: trace, token, status });
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let content_type = parts.headers["content-type"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Some(Response { status, content_type, headers: Vec::new(), body, url: request.url.to_string() })
    }
}

/// Suppliers of the pretend region, by id.
pub fn region(ids: &[&str]) -> Region {
    let chosen = SUPPLIERS.iter().filter(|habits| ids.contains(&habits.id));
    Region::of(chosen.map(|habits| Supplier::of_the_region(habits, &format!("https://{}.testbed.example", habits.id))))
}

impl World {
    /// Before some of the region's suppliers.
    pub fn of(ids: &[&str]) -> World {
        World::around(Arc::new(region(ids)), &Setup::default())
    }

    /// Before this region.
    pub fn around(region: Arc<Region>, setup: &Setup) -> World {
        let (folder, issuer) = (Folder::new(), Issuer::new());
        let text = configuration(&folder, &region, &issuer, setup);
        let config = parsed(&text, &folder.0);
        if let Some(desk) = &setup.desk {
            std::fs::write(folder.0.join("signatures"), desk.lines(&config, |_| true)).unwrap();
        }
        let (ledger, clock) = (Arc::new(Ledger::default()), Arc::new(Ticking::new()));
        let transport = InMemory { region: region.clone(), ledger: ledger.clone(), wire: setup.wire.clone() };
        type Kept = (Arc<dyn Journal>, Option<Arc<dyn NodeJournal>>, Option<Arc<dyn LedgerReader>>);
        let (journal, node, reader): Kept = match setup.store.is_empty() {
            true => (ledger.clone(), None, Some(ledger.clone())),
            false => {
                let real = Outside::real(&config).unwrap();
                (real.journal, real.node.filter(|_| setup.node), None)
            }
        };
        let outside = Outside { clock: clock.clone(), transport: Arc::new(transport), journal, node, checkpoints: None, reader };
        let world = World::started(config, outside, (region, ledger, clock), issuer, folder);
        setup.wire.ends.lock().unwrap().insert(format!("{}.severn.test", setup.id), world.router.clone());
        world
    }

    /// Before a region that listens, asked over HTTP by these blocks and no other; files are taken from the region's sources.
    pub fn listening(region: Arc<Region>, blocks: &str) -> World {
        let (folder, issuer) = (Folder::new(), Issuer::new());
        let none = Region::of([]);
        let text = configuration(&folder, &none, &issuer, &Setup::default()) + blocks;
        for source in region.sources() {
            std::fs::write(folder.0.join(format!("{}.token", source.id)), source.bearer.unwrap_or_default()).unwrap();
        }
        let config = parsed(&text, &folder.0);
        let (ledger, clock) = (Arc::new(Ledger::default()), Arc::new(Ticking::new()));
        let outside = Outside {
            clock: clock.clone(),
            journal: ledger.clone(),
            reader: Some(ledger.clone()),
            node: None,
            checkpoints: None,
            ..Outside::real(&config).unwrap()
        };
        World::started(config, outside, (region, ledger, clock), issuer, folder)
    }

    fn started(
        config: Config,
        outside: Outside,
        (region, ledger, clock): (Arc<Region>, Arc<Ledger>, Arc<Ticking>),
        issuer: Issuer,
        folder: Folder,
    ) -> World {
        let (app, writing) = wiring::app(config, outside).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(writing);
        let app = Arc::new(app);
        let router = server::http::router(app.clone());
        let (registrar, exchange) = (app.registrar.clone(), app.exchange.clone());
        World { region, ledger, clock, issuer, registrar, exchange, app, router, folder, _writing: tasks }
    }

    /// Every route, to be served.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// A file beside the configuration.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// Writes a file beside the configuration.
    pub fn write(&self, path: &str, content: &str) {
        std::fs::write(self.folder.0.join(path), content).unwrap();
    }

    /// Any request.
    pub async fn send(&self, method: &str, target: &str, token: Option<&str>, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send_over(&Peer::default(), method, target, token, headers, body).await
    }

    /// Any request, by a connection of somebody's.
    pub async fn send_over(
        &self,
        peer: &Peer,
        method: &str,
        target: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = axum::http::Request::builder().method(method).uri(target).extension(ConnectInfo(peer.clone()));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    /// A read of a path below the FHIR base, or of a link the exchange gave.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.get_with(path, token, &[]).await
    }

    /// The same with headers.
    pub async fn get_with(&self, path: &str, token: &str, headers: &[(&str, &str)]) -> Answer {
        let target = path.strip_prefix(PUBLIC).map_or_else(|| format!("/fhir/R4/{path}"), str::to_owned);
        self.send("GET", &target, Some(token), headers, "").await
    }

    /// Signs what a card says.
    pub fn token(&self, card: &Card) -> String {
        self.issuer.sign(&card.claims(self.clock.now().as_second()))
    }

    /// What goes on behind the answers is done.
    pub async fn settled(&self) {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        // The store works on threads of its own, for which paused time does not wait.
        for _ in 0..50 {
            tokio::task::yield_now().await;
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// The exchange's id of the person with this number, found as anybody finds them.
    pub async fn person(&self, number: &str) -> String {
        let found = self.get(&format!("Patient?identifier={NHS}|{number}"), &self.token(&Card::doctor())).await;
        let person = found.entries().iter().find(|entry| entry["search"]["mode"] == "match").expect("somebody knows them");
        person["resource"]["id"].as_str().unwrap().to_owned()
    }

    /// Another source says of the person with this number that their place is to be known by nobody.
    pub async fn restrict(&self, number: &str) {
        let entry = people::Entry {
            key: people::EntryKey { source: "soc".parse().unwrap(), local_id: "1".into() },
            provider: None,
            demographics: people::Demographics {
                number: Some(people::ClaimedNumber { value: number.to_owned(), status: people::NumberStatus::Verified }),
                birth_date: testbed::person(number).unwrap().about.birth_date.parse().ok(),
                ..people::Demographics::default()
            },
            restricted: true,
            seen: jiff::Timestamp::UNIX_EPOCH,
        };
        self.registrar.take_all(vec![entry], None).await.unwrap();
    }

    /// An id of the person with this number, minted where no search would have: of somebody whom no source was asked about.
    pub async fn minted(&self, number: &str) -> String {
        let at = |name: &str| self.folder.0.join(name);
        let secrets = store::Secrets::open(&at("severn.db.key")).unwrap();
        let store = store::SqliteStore::open(&at("severn.db"), Arc::new(secrets)).unwrap();
        exchange::People::person_of(&store, &number.parse().unwrap()).await.unwrap().to_string()
    }

    /// Where the store is.
    pub fn store_file(&self) -> PathBuf {
        self.folder.0.join("severn.db")
    }

    /// The store, opened once more: what a privacy officer is to look at.
    pub fn queue(&self) -> Arc<dyn exchange::PrivacyQueue> {
        let secrets = store::Secrets::open(&self.folder.0.join("severn.db.key")).unwrap();
        Arc::new(store::SqliteStore::open(&self.store_file(), Arc::new(secrets)).unwrap())
    }

    /// Whether the store has nothing left that leads from a number to a person, or was met in their record.
    pub async fn is_purged(&self, person: &str, number: &str) -> bool {
        let at = |name: &str| self.folder.0.join(name);
        let secrets = store::Secrets::open(&at("severn.db.key")).unwrap();
        let store = store::SqliteStore::open(&at("severn.db"), Arc::new(secrets)).unwrap();
        let (person, number) = (person.parse().unwrap(), number.parse().unwrap());
        let known = exchange::People::known(&store, &number).await.unwrap();
        known.is_none() && exchange::People::number_of(&store, &person).await.unwrap().is_none()
    }

    /// A doctor who has this person open.
    pub fn doctor_of(&self, person: &str) -> String {
        self.token(&Card { patient: Some(person.to_owned()), ..Card::doctor() })
    }

    /// The plan of an answer, judged: each source and type once, each with one status, each resource counted once.
    pub async fn plan_of(&self, person: &str, token: &str, answer: &Answer) -> Plan {
        let plan = self.get(&format!("Patient/{person}/$plan?request={}", answer.request()), token).await;
        assert_eq!(plan.status, 200, "{}", plan.text);
        let mut rows = BTreeMap::new();
        for row in plan.json["parameter"].as_array().unwrap().iter().filter(|parameter| parameter["name"] == "row") {
            let part = |name: &str| row["part"].as_array().unwrap().iter().find(|part| part["name"] == name).cloned().unwrap_or_default();
            let code = |name: &str| part(name)["valueCode"].as_str().unwrap_or_default().to_owned();
            let number = |name: &str| part(name)["valueInteger"].as_u64().unwrap();
            let parts = ["single", "clustered", "collapsed", "history", "filtered", "withheld", "quarantined"];
            assert_eq!(number("in"), parts.iter().map(|name| number(name)).sum::<u64>(), "{row}");
            let key = (code("source"), code("type"));
            let status = Row { status: code("status"), reason: code("reason"), came: number("in"), quarantined: number("quarantined") };
            assert!(!status.status.is_empty(), "{row}");
            assert!(rows.insert(key, status).is_none(), "twice in the plan: {row}");
        }
        Plan { rows }
    }
}

/// What became of one source and type.
pub struct Row {
    pub status: String,
    pub reason: String,
    pub came: u64,
    pub quarantined: u64,
}

/// Rows by source and type.
pub struct Plan {
    pub rows: BTreeMap<(String, String), Row>,
}

impl Plan {
    /// Rows of one source.
    pub fn of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = (&'a str, &'a Row)> {
        self.rows.iter().filter(move |((own, _), _)| own == source).map(|((_, kind), row)| (kind.as_str(), row))
    }
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    /// `X-Request-ID`.
    pub fn request(&self) -> String {
        self.headers["x-request-id"].to_str().unwrap().to_owned()
    }

    /// Entries of a Bundle.
    pub fn entries(&self) -> &[Value] {
        self.json["entry"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// The OperationOutcome: the answer itself, or what leads a Bundle.
    pub fn outcome(&self) -> &Value {
        if self.json["resourceType"] == "OperationOutcome" {
            return &self.json;
        }
        let first = self.entries().first().unwrap_or_else(|| panic!("no entry: {}", self.text));
        assert_eq!((&first["resource"]["resourceType"], &first["search"]["mode"]), (&json!("OperationOutcome"), &json!("outcome")));
        &first["resource"]
    }

    /// Issues about one source: severity, status code (or why something is held back), type.
    pub fn issues_of(&self, source: &str) -> Vec<(String, String, String)> {
        let issues = self.outcome()["issue"].as_array().unwrap();
        let extension = |issue: &Value, url: &str, value: &str| {
            let own = issue["extension"].as_array().into_iter().flatten().find(|extension| extension["url"] == url);
            own.and_then(|own| own[value].as_str()).unwrap_or_default().to_owned()
        };
        let about = issues.iter().filter(|issue| extension(issue, "urn:severn:source", "valueString") == source);
        about
            .map(|issue| {
                let coding = &issue["details"]["coding"][0];
                assert!(coding["system"] == "urn:severn:status" || coding["system"] == "urn:severn:quarantine", "{issue}");
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                (text(&issue["severity"]), text(&coding["code"]), extension(issue, "urn:severn:type", "valueCode"))
            })
            .collect()
    }

    /// What is shown of each source: `Type/id`. The exchange's own Patient is of no source.
    pub fn shown(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in self.entries() {
            let resource = &entry["resource"];
            let tags = resource["meta"]["tag"].as_array().into_iter().flatten();
            let name = || format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
            for source in tags.filter(|tag| tag["system"] == "urn:severn:source" && tag["code"] != "severn") {
                shown.entry(source["code"].as_str().unwrap().to_owned()).or_default().insert(name());
            }
        }
        shown
    }

    /// Resources of one type.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.entries().iter().map(|entry| &entry["resource"]).filter(move |resource| resource["resourceType"] == kind)
    }

    /// `Bundle.meta.tag` of a list.
    pub fn state(&self, list: &str) -> Option<&str> {
        let tags = self.json["meta"]["tag"].as_array().into_iter().flatten();
        tags.into_iter().find(|tag| tag["system"] == format!("urn:severn:{list}"))?["code"].as_str()
    }

    /// The link to the next page.
    pub fn next(&self) -> Option<String> {
        let links = self.json["link"].as_array()?;
        links.iter().find(|link| link["relation"] == "next")?["url"].as_str().map(str::to_owned)
    }

    /// The words of the first issue.
    pub fn said(&self) -> &str {
        self.outcome()["issue"][0]["details"]["text"].as_str().unwrap_or_default()
    }
}

/// Who asks, as a token says it.
#[derive(Clone)]
pub struct Card {
    pub user: &'static str,
    pub roles: Vec<&'static str>,
    pub activities: Vec<&'static str>,
    pub purpose: &'static str,
    pub scope: &'static str,
    pub sds_user_id: Option<&'static str>,
    pub organisation: &'static str,
    pub patient: Option<String>,
    pub audience: &'static str,
    pub lives_s: i64,
}

impl Card {
    /// A hospital doctor with nobody open.
    pub fn doctor() -> Card {
        Card {
            user: "u-1",
            roles: vec!["R8000"],
            activities: vec!["B0264", "B0360", "B0370", "B0401"],
            purpose: "TREAT",
            scope: "user/*.rs",
            sds_user_id: Some("999999999999"),
            organisation: "RRK",
            patient: None,
            audience: "severn",
            lives_s: 8 * 3600,
        }
    }

    /// Another system, with no human behind it.
    pub fn system() -> Card {
        Card { user: "system-1", scope: "system/*.rs", sds_user_id: None, ..Card::doctor() }
    }

    /// The claims, issued now.
    pub fn claims(&self, now: i64) -> Value {
        let codings = |system: &str, codes: &[&str]| codes.iter().map(|code| json!({"system": system, "code": code})).collect::<Vec<_>>();
        json!({
            "iss": ISSUER, "sub": self.user, "aud": self.audience, "iat": now, "exp": now + self.lives_s, "jti": "t-1",
            "scope": self.scope,
            "patient": self.patient,
            "extensions": {"ihe_iua": {
                "subject_name": "Dr A Example",
                "subject_organization": "Queen Elizabeth Hospital",
                "subject_organization_id": format!("https://fhir.nhs.uk/Id/ods-organization-code|{}", self.organisation),
                "subject_sds_user_id": self.sds_user_id,
                "subject_role": codings("https://fhir.nhs.uk/Id/sds-role-code", &self.roles),
                "purpose_of_use": codings("http://terminology.hl7.org/CodeSystem/v3-ActReason", &[self.purpose]),
                "activities": self.activities,
            }},
        })
    }
}

/// A sign-in provider with a key of its own.
#[derive(Clone)]
pub struct Issuer {
    key: EncodingKey,
}

impl Issuer {
    pub fn new() -> Issuer {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Issuer { key: EncodingKey::from_ec_der(pkcs8.as_ref()) }
    }

    /// The private key, as an operator keeps it.
    pub fn pem(&self) -> String {
        let text = data_encoding::BASE64.encode(self.key.as_bytes());
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    pub fn jwks(&self) -> String {
        self.jwks_as("test")
    }

    /// The key set under another name of the key.
    pub fn jwks_as(&self, kid: &str) -> String {
        let mut key = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        key.common.key_id = Some(kid.into());
        serde_json::to_string(&JwkSet { keys: vec![key] }).unwrap()
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as("test", claims)
    }

    /// Under another name of the key.
    pub fn sign_as(&self, kid: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid.into());
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

/// The ledger in memory; it can be made to fail.
#[derive(Default)]
pub struct Ledger {
    lines: Mutex<Vec<Line>>,
    writes_left: Mutex<Option<usize>>,
    asked: AtomicBool,
    before_the_first_ask: AtomicUsize,
}

impl Ledger {
    /// Every event so far, as JSON.
    pub fn events(&self) -> Vec<Value> {
        self.lines.lock().unwrap().iter().map(|line| serde_json::from_str(&line.event).unwrap()).collect()
    }

    /// Events that one request caused.
    pub fn events_of(&self, request: &str) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| line.trace == request).map(|line| serde_json::from_str(&line.event).unwrap()).collect()
    }

    /// Their names.
    pub fn of(&self, request: &str) -> Vec<String> {
        self.events_of(request).iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }

    /// Requests that name a person.
    pub fn about(&self, patient: &str) -> BTreeSet<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| names(line, patient)).map(|line| line.trace.clone()).collect()
    }

    /// Checks the chain.
    pub fn verify(&self) {
        audit::verify(self.lines.lock().unwrap().iter()).unwrap();
    }

    /// Every line as text: what must not stand in it is not in here.
    pub fn text(&self) -> String {
        self.lines.lock().unwrap().iter().map(|line| format!("{line:?}\n")).collect()
    }

    /// After so many more writes, none succeeds.
    pub fn fails_after(&self, writes: usize) {
        *self.writes_left.lock().unwrap() = Some(writes);
    }

    /// Writes succeed again.
    pub fn heals(&self) {
        *self.writes_left.lock().unwrap() = None;
    }

    /// Begins to look for the next request to a source.
    pub fn watch(&self) {
        self.asked.store(false, Ordering::SeqCst);
    }

    /// How many lines there were when a source was asked first since `watch`.
    pub fn before_the_first_ask(&self) -> Option<usize> {
        self.asked.load(Ordering::SeqCst).then(|| self.before_the_first_ask.load(Ordering::SeqCst))
    }

    fn a_source_is_asked(&self) {
        if !self.asked.swap(true, Ordering::SeqCst) {
            self.before_the_first_ask.store(self.lines.lock().unwrap().len(), Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Journal for Ledger {
    async fn append(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        let mut left = self.writes_left.lock().unwrap();
        match *left {
            Some(0) => return Err(JournalDown("the disk is full".to_owned())),
            Some(writes) => *left = Some(writes - 1),
            None => {}
        }
        self.lines.lock().unwrap().extend(lines);
        Ok(())
    }
}

/// Whether a line names a person.
fn names(line: &Line, patient: &str) -> bool {
    let event: Value = serde_json::from_str(&line.event).unwrap();
    event["patient"] == patient
}

/// Read back as a store reads it: whole requests that name a person.
#[async_trait]
impl LedgerReader for Ledger {
    async fn about(&self, patient: &str, since: jiff::Timestamp) -> Result<Vec<Line>, JournalDown> {
        let lines = self.lines.lock().unwrap();
        let names = |line: &&Line| names(line, patient) && line.at.parse::<jiff::Timestamp>().unwrap() >= since;
        let requests: BTreeSet<&str> = lines.iter().filter(names).map(|line| line.trace.as_str()).collect();
        Ok(lines.iter().filter(|line| requests.contains(line.trace.as_str())).cloned().collect())
    }

    async fn find(&self, lookup: &audit::Lookup) -> Result<Vec<audit::Found>, JournalDown> {
        Ok(audit::lookup::among(&self.lines.lock().unwrap(), lookup))
    }

    async fn lines_of(&self, traces: &[String]) -> Result<Vec<Line>, JournalDown> {
        Ok(self.lines.lock().unwrap().iter().filter(|line| traces.contains(&line.trace)).cloned().collect())
    }

    async fn line(&self, run: &str, sequence: u64) -> Result<Option<Line>, JournalDown> {
        Ok(self.lines.lock().unwrap().iter().find(|line| line.run == run && line.sequence == sequence).cloned())
    }

    async fn people_of(&self, by: &audit::By, since: jiff::Timestamp) -> Result<u64, JournalDown> {
        Ok(audit::lookup::people_among(&self.lines.lock().unwrap(), by, since))
    }
}

/// The way to the suppliers: no socket, and time can be paused.
struct InMemory {
    region: Arc<Region>,
    ledger: Arc<Ledger>,
    wire: Arc<Wire>,
}

#[async_trait]
impl Transport for InMemory {
    async fn send(&self, request: source::Request) -> Result<Response, Failure> {
        self.ledger.a_source_is_asked();
        if let Some(response) = self.wire.send(&request).await {
            return Ok(response);
        }
        let path = &request.url[url::Position::BeforePath..];
        let mut asked = testbed::Request::get(path);
        asked.method = request.method.name().parse().unwrap();
        asked.body = request.body.unwrap_or_default();
        for (name, value) in &request.headers {
            asked = asked.with(name.parse().unwrap(), value);
        }
        let answer = self.region.respond(request.source.as_str(), asked).await.map_err(|_| Failure::Broken)?;
        if answer.cut_off {
            return Err(Failure::Broken);
        }
        let headers: Vec<(String, String)> =
            answer.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned())).collect();
        let header = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).unwrap_or_default();
        let body = if header("content-encoding") == "gzip" { unpacked(&answer.body, request.body_max) } else { answer.body };
        if body.len() > request.body_max {
            return Err(Failure::TooLarge);
        }
        let content_type = header("content-type").split(';').next().unwrap_or_default().to_owned();
        Ok(Response { status: answer.status.as_u16(), content_type, headers, body, url: request.url.into() })
    }
}

/// Unpacks a little more than may be, at most.
fn unpacked(body: &[u8], most: usize) -> bytes::Bytes {
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(body).take(most as u64 + 1).read_to_end(&mut whole).unwrap();
    whole.into()
}

/// A clock that goes with the runtime's time, and can be put forward.
pub struct Ticking {
    start: Instant,
    ahead_s: AtomicI64,
}

impl Ticking {
    fn new() -> Ticking {
        Ticking { start: Instant::now(), ahead_s: AtomicI64::new(0) }
    }

    /// Time passes.
    pub fn forward_s(&self, seconds: i64) {
        self.ahead_s.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Ticking {
    fn now(&self) -> jiff::Timestamp {
        let start = jiff::Timestamp::constant(1_795_424_400, 0); // 2026-11-23T09:00:00Z
        let elapsed = jiff::SignedDuration::try_from(self.start.elapsed()).unwrap();
        start + elapsed + jiff::SignedDuration::from_secs(self.ahead_s.load(Ordering::SeqCst))
    }
}

fn parsed(text: &str, folder: &std::path::Path) -> Config {
    let words = |mistakes: Vec<_>| mistakes.iter().map(server::config::Mistake::to_string).collect::<Vec<_>>().join("; ");
    Config::parse(text, folder).unwrap_or_else(|mistakes| panic!("{}", words(mistakes)))
}

fn configuration(folder: &Folder, region: &Region, issuer: &Issuer, setup: &Setup) -> String {
    std::fs::write(folder.0.join("keys.json"), issuer.jwks()).unwrap();
    for (path, content) in &setup.files {
        let path = folder.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let mut text = format!(
        "[exchange]\nid = \"{}\"\npublic_url = \"{PUBLIC}\"\norganisation = \"QHL\"\n{}\n\n[store]\n{}\n\n\
         [limits]\n{}\n\n[[sign_in]]\nissuer = \"{ISSUER}\"\naudience = \"severn\"\n{}\n\n{}\n\n",
        if setup.id.is_empty() { "test" } else { setup.id },
        setup.exchange,
        if setup.store.is_empty() { "url = \"sqlite:severn.db\"" } else { &setup.store },
        setup.limits,
        if setup.sign_in.is_empty() { "keys = \"keys.json\"" } else { &setup.sign_in },
        setup.blocks
    );
    for source in region.sources() {
        let token_file = format!("{}.token", source.id);
        if let Some(bearer) = source.bearer {
            std::fs::write(folder.0.join(&token_file), bearer).unwrap();
        }
        text.push_str(&source.to_toml(&token_file));
        for (_, lines) in setup.sources.iter().filter(|(id, _)| *id == source.id) {
            text.push_str(lines);
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

/// A folder that goes when the world does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("severn-test-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a temporary folder that stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
