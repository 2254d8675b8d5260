//! The configuration: one typed value, wholly checked before a port opens.
//!
//! Every limit has a key and a default here. There is no key that turns permission or audit off.

mod connections;
pub mod demographics;
pub mod ladder;
pub mod ledger;
pub mod monitoring;
pub mod national;
pub mod oauth;
mod on_behalf;
pub mod people;
pub mod policy;
pub mod privacy;
mod reader;
mod relationship;
pub mod sensitivity;
pub mod sign_in;
mod store;
pub mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ::store::PostgresSettings;
use record::{ExchangeId, OdsCode, SourceId};
use source::Auth;
use toml::de::DeTable;
use url::Url;

use crate::fhir_api::Face;

pub use connections::ConnectionLimits;
pub use reader::Mistake;
use reader::{Mistakes, Section};
pub use sign_in::{Keys, SignIn};

/// The whole file.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[exchange]`
    pub exchange: ExchangeConfig,
    /// `[store]`
    pub store: StoreConfig,
    /// `[ledger]`
    pub ledger: ledger::LedgerConfig,
    /// `[[sign_in]]`
    pub sign_in: Vec<SignIn>,
    /// `[oauth]`: keys of this exchange's own; nobody gets a token here where there is none.
    pub oauth: Option<oauth::Oauth>,
    /// `[[client]]`: systems that ask in their own name.
    pub clients: Vec<oauth::Client>,
    /// `[[launcher]]`: systems that open people here for their users.
    pub launchers: Vec<oauth::Launcher>,
    /// `[[source]]`
    pub sources: Vec<Source>,
    /// `[[consumer]]`: systems that may have an incomplete read.
    pub consumers: Vec<Consumer>,
    /// `[limits]`
    pub limits: Limits,
    /// `[relationship]`: for how long what is known of a person speaks for one.
    pub relationship: exchange::RelationshipSettings,
    /// `[consent] organisations`: further ones that somebody may object to.
    pub organisations: Vec<OdsCode>,
    /// `[people]`: limits of the person index.
    pub people: people::PeopleConfig,
    /// `[monitoring]`: which reads are brought before a privacy officer.
    pub monitoring: monitoring::MonitoringConfig,
    /// `[privacy]`: the privacy officer's desk.
    pub privacy: privacy::PrivacyConfig,
    /// `[go_live]`: how far the exchange has come.
    pub go_live: ladder::GoLive,
    /// `[terminology]`: files of the operator's own.
    pub terminology: Terminology,
    /// `[policy]`: the site's own rules.
    pub policy: policy::PolicyConfig,
    /// `[[sensitivity.list]]`: signed lists of what is sensitive.
    pub sensitivity: Vec<sensitivity::SensitivityList>,
    /// `[national.record_locator]`; off where there is none.
    pub record_locator: Option<national::RecordLocator>,
    /// `[national.demographics]`; off where there is none.
    pub demographics: Option<demographics::DemographicsConfig>,
}

/// `[terminology]`
#[derive(Debug, Clone, Default)]
pub struct Terminology {
    /// Folders of SNOMED CT releases (RF2, snapshot).
    pub snomed: Vec<PathBuf>,
    /// Folders of dm+d releases (XML).
    pub dmd: Vec<PathBuf>,
    /// ConceptMaps (JSON).
    pub concept_maps: Vec<PathBuf>,
    /// Map reference sets to read, each with the system of the codes that it holds.
    pub maps: Vec<(String, String)>,
    /// Whether to keep the names of SNOMED CT concepts, to show beside mapped codes.
    pub names: bool,
}

/// `[exchange]`
#[derive(Debug, Clone)]
pub struct ExchangeConfig {
    /// Also the hop id.
    pub id: ExchangeId,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The base that clients see, without a slash at its end.
    pub public_url: String,
    /// The operator.
    pub organisation: OdsCode,
    /// `[exchange.tls]`; without it whoever stands before the exchange sees to TLS.
    pub tls: Option<tls::TlsConfig>,
}

/// `[store]`
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Where everything is kept.
    pub place: StorePlace,
    /// The file with the master keys; beside the store unless named.
    pub key_file: PathBuf,
    /// The environment variable with the master keys, in place of the file.
    pub key_env: Option<String>,
}

/// `[store] url`
#[derive(Debug, Clone)]
pub enum StorePlace {
    /// `postgres://…`
    Postgres(PostgresSettings),
    /// `sqlite:FILE`
    Sqlite(PathBuf),
}

/// `[[consumer]]`
#[derive(Debug, Clone)]
pub struct Consumer {
    /// The client's id in its tokens: `azp` or `client_id`, else `sub`.
    pub client: String,
    /// For people.
    pub name: String,
    /// The form it reads, in which its screen was looked at.
    pub face: Face,
    /// Who accepted that its screen shows an incomplete read.
    pub accepted_by: String,
    /// When.
    pub accepted_on: jiff::civil::Date,
}

/// `[[source]]`
#[derive(Debug, Clone)]
pub struct Source {
    /// Short, stable, in every id minted.
    pub id: SourceId,
    /// For people.
    pub name: String,
    /// Who answers for it.
    pub organisation: OdsCode,
    /// How it speaks.
    pub dialect: dialect::Dialect,
    /// Its base, without a slash at its end.
    pub url: Url,
    /// Asked for everyone, or only for those the locator names.
    pub locate: Locate,
    /// Served, or only compared.
    pub usage: Usage,
    /// Whether entries must say themselves that the number is verified.
    pub nhs_number: NhsNumberTrust,
    /// Further spellings of the NHS number's system at this source.
    pub nhs_number_systems: Vec<String>,
    /// How the identifier systems begin whose values this source mints: its word on what they name stands, copies may lag.
    pub owns: Vec<String>,
    /// Organisations whose word it is beside its own: what it says ties people to them.
    pub vouches_for: Vec<OdsCode>,
    /// Where it is itself an exchange: its hop id.
    pub exchange: Option<ExchangeId>,
    /// The system behind it, by the id that every exchange knows it by; written on what leaves here, so that neighbours know it again.
    pub data_provider: Option<String>,
    /// How to authenticate.
    pub auth: Auth,
    /// A certificate authority of its own, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether to use `$everything`.
    pub everything: dialect::Everything,
    /// `_count` to ask for.
    pub page_size: Option<u32>,
    /// What only its dialect wants to know, by key.
    pub options: BTreeMap<String, String>,
    /// Its own limits.
    pub limits: SourceLimits,
}

/// `locate`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locate {
    /// On every read.
    Always,
    /// When the locator does not say that it knows nothing of the person.
    Index,
}

/// `use`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Asked and stored for judging, never served.
    Compare,
    /// Served.
    Live,
}

/// `nhs_number`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NhsNumberTrust {
    /// Only entries whose own status says present and verified.
    Check,
    /// The source is declared verified by contract.
    Verified,
}

/// `[limits]`
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the key of that name; its default stands where it is read")]
pub struct Limits {
    pub read_ms: u64,
    pub hops_max: usize,
    pub asks_in_flight: usize,
    pub grants_in_flight: usize,
    pub request_bytes_max: usize,
    pub form_bytes_max: usize,
    pub token_bytes_max: usize,
    pub page_size: usize,
    pub page_size_max: usize,
    pub snapshot_minutes: u64,
    pub snapshots_max: u64,
    pub known_hours: u64,
    pub plan_hours: u64,
    pub locator_hours: u64,
    pub relationship_hours: u64,
    pub emergency_hours: u64,
    pub emergency_check_seconds: u64,
    pub claim_chars_min: usize,
    pub claim_chars_max: usize,
    pub connections: ConnectionLimits,
    pub source: SourceLimits,
}

/// Limits of one source: `[limits]` sets them for all, `[source.limits]` for one.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the key of that name; its default stands where it is read")]
pub struct SourceLimits {
    pub connect_ms: u64,
    pub source_ms: u64,
    pub queue_ms: u64,
    pub concurrent: usize,
    pub leg_concurrent: usize,
    pub per_second: u64,
    pub resources_max: usize,
    pub pages_max: usize,
    pub source_bytes_max: usize,
    pub references_max: usize,
    pub retries: u64,
    pub breaker_window: usize,
    pub breaker_share_percent: u64,
    pub breaker_pause_ms: u64,
}

impl Config {
    /// Reads a file's text. Relative paths in it are taken from `folder`.
    pub fn parse(text: &str, folder: &std::path::Path) -> Result<Config, Vec<Mistake>> {
        let (document, errors) = DeTable::parse_recoverable(text);
        let mistakes = Mistakes::of(text);
        for error in errors {
            mistakes.at(error.span().map(|span| span.start), error.message().to_owned());
        }
        let reader = Reader { folder, mistakes: &mistakes };
        let config = reader.config(document.get_ref());
        let found = mistakes.into_sorted();
        match config {
            Some(config) if found.is_empty() => Ok(config),
            _ => Err(found),
        }
    }
}

impl Config {
    /// Every organisation that is known here: whoever runs the exchange, whoever answers for a source or is spoken for by one, and those
    /// that are listed.
    pub fn organisations(&self) -> std::collections::BTreeSet<OdsCode> {
        let sources = self.sources.iter().flat_map(|source| std::iter::once(&source.organisation).chain(&source.vouches_for));
        sources.chain(&self.organisations).chain([&self.exchange.organisation]).cloned().collect()
    }
}

/// Reads the keys of one `[[source]]` block, without its head, as a configuration's are read.
pub fn source_of(text: &str, folder: &std::path::Path) -> Result<Source, Vec<Mistake>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mistakes = Mistakes::of(text);
    for error in errors {
        mistakes.at(error.span().map(|span| span.start), error.message().to_owned());
    }
    let reader = Reader { folder, mistakes: &mistakes };
    let defaults = || Section::new("limits", None, None, &mistakes);
    let limits = reader.limits(defaults(), reader.source_limits(&defaults(), &SourceLimits::default()));
    let source = reader.source(Section::new("source", None, Some(document.get_ref()), &mistakes), &limits);
    let found = mistakes.into_sorted();
    source.filter(|_| found.is_empty()).ok_or(found)
}

struct Reader<'a> {
    folder: &'a std::path::Path,
    mistakes: &'a Mistakes<'a>,
}

impl<'a> Reader<'a> {
    /// `None` only where a mistake was noted.
    fn config(&self, table: &'a DeTable<'a>) -> Option<Config> {
        let top = Section::new("", None, Some(table), self.mistakes);
        let exchange = self.exchange(top.section("exchange"));
        let store = self.store(top.section("store"));
        let ledger = self.ledger(top.section("ledger"), store.as_ref());
        let section = top.section("limits");
        let defaults = self.source_limits(&section, &SourceLimits::default());
        let limits = self.limits(section, defaults);
        let sign_in: Vec<_> = top.sections("sign_in").into_iter().map(|section| self.sign_in(section)).collect();
        let sources: Vec<_> = top.sections("source").into_iter().map(|section| self.source(section, &limits)).collect();
        self.ids_once(&top.sections("source"));
        self.voices_apart(&top.sections("source"), &sources, &sign_in);
        let oauth = self.oauth(&top);
        let clients: Vec<_> = top.sections("client").into_iter().map(|section| self.client(section)).collect();
        let launchers: Vec<_> = top.sections("launcher").into_iter().map(|section| self.launcher(section)).collect();
        self.signers_apart(&top, exchange.as_ref().map(|exchange| exchange.public_url.as_str()), &sign_in);
        let people = self.people(top.section("people"));
        let relationship = self.relationship(top.section("relationship"));
        let monitoring = self.monitoring(top.section("monitoring"));
        let privacy = self.privacy(top.section("privacy"));
        let consent = top.section("consent");
        let organisations = self.organisations(&consent, "organisations");
        consent.finish();
        self.id_is_free(&top.sections("source"), "severn", "the exchange's own");
        let terminology = self.terminology(top.section("terminology"));
        let policy = self.policy(top.section("policy"));
        let sensitivity = self.sensitivity(top.section("sensitivity"));
        let go_live = self.go_live(top.section("go_live"), &sign_in);
        let national = top.section("national");
        let record_locator = self.record_locator(&national, exchange.as_ref());
        if matches!(record_locator, Some(Some(_))) {
            self.id_is_free(&top.sections("source"), national::ID, "the national record locator's");
        }
        let demographics = self.demographics(&national, exchange.as_ref());
        if matches!(demographics, Some(Some(_))) {
            self.id_is_free(&top.sections("source"), demographics::ID, "the national demographics service's");
        }
        national.finish();
        self.consumers_once(&top.sections("consumer"));
        let consumers: Vec<_> = top.sections("consumer").into_iter().map(|section| self.consumer(section)).collect();
        if sources.is_empty() {
            self.mistakes.at(None, "no [[source]]: there is nobody to ask");
        }
        if sign_in.is_empty() {
            self.mistakes.at(None, "no [[sign_in]]: nobody could ask, since every request needs a token");
        }
        top.finish();
        Some(Config {
            exchange: exchange?,
            store: store?,
            ledger: ledger?,
            sign_in: sign_in.into_iter().collect::<Option<_>>()?,
            oauth: oauth?,
            clients: clients.into_iter().collect::<Option<_>>()?,
            launchers: launchers.into_iter().collect::<Option<_>>()?,
            sources: sources.into_iter().collect::<Option<_>>()?,
            consumers: consumers.into_iter().collect::<Option<_>>()?,
            limits,
            relationship,
            organisations,
            people,
            monitoring,
            privacy,
            go_live: go_live?,
            terminology,
            policy,
            sensitivity,
            record_locator: record_locator?,
            demographics: demographics?,
        })
    }

    fn terminology(&self, section: Section<'a>) -> Terminology {
        let paths = |key| section.texts(key).iter().map(|path| self.path(path)).collect::<Vec<_>>();
        let (snomed, dmd, concept_maps) = (paths("snomed"), paths("dmd"), paths("concept_maps"));
        let sections = section.sections("map");
        let maps = sections.into_iter().filter_map(|map| {
            let (refset, system) = (map.required("refset"), map.required("system"));
            map.finish();
            Some((refset?, system?))
        });
        let maps = maps.collect();
        let names = section.choice("names", &[("keep", true), ("leave", false)], true);
        let terminology = Terminology { snomed, dmd, concept_maps, maps, names };
        for (key, what) in crate::terminology::lacking(&terminology) {
            section.mistake(key, what);
        }
        section.finish();
        terminology
    }

    fn exchange(&self, section: Section<'a>) -> Option<ExchangeConfig> {
        let id = section.required("id");
        let listen = section.parsed("listen").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8700)));
        let scheme = if section.has("tls") { "https" } else { "http" };
        let public_url = section.parsed::<Url>("public_url").map_or_else(|| format!("{scheme}://{listen}"), |url| trimmed(&url));
        let organisation = section.required("organisation");
        let tls = self.tls(&section);
        section.finish();
        Some(ExchangeConfig { id: id?, listen, public_url, organisation: organisation?, tls: tls? })
    }

    fn consumer(&self, section: Section<'a>) -> Option<Consumer> {
        let client = section.required("client");
        let name = section.required("name");
        let face = section.required::<String>("face").and_then(|face| match face.as_str() {
            "R4" => Some(Face::R4),
            "STU3" => Some(Face::Stu3),
            other => {
                section.mistake("face", format!("`{other}` is not known; use one of R4, STU3"));
                None
            }
        });
        let accepted_by = section.required::<String>("accepted_by").filter(|who| {
            let named = who.split_whitespace().count() > 1;
            if !named {
                section.mistake("accepted_by", "must name a person and their role: who answers for it");
            }
            named
        });
        let accepted_on = section.required("accepted_on");
        section.finish();
        Some(Consumer { client: client?, name: name?, face: face?, accepted_by: accepted_by?, accepted_on: accepted_on? })
    }

    fn source(&self, section: Section<'a>, limits: &Limits) -> Option<Source> {
        use dialect::Everything;
        let id = section.required("id");
        let name = section.required("name");
        let organisation = section.required("organisation");
        let dialect = section.required::<dialect::Dialect>("dialect");
        let url = section.required::<Url>("url").filter(|url| {
            let fine = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
            if !fine {
                section.mistake("url", "must be an http or https base without a query");
            }
            fine
        });
        let locate = section.choice("locate", &[("always", Locate::Always), ("index", Locate::Index)], Locate::Index);
        let usage = section.choice("use", &[("compare", Usage::Compare), ("live", Usage::Live)], Usage::Live);
        let trust = [("check", NhsNumberTrust::Check), ("verified", NhsNumberTrust::Verified)];
        let nhs_number = section.choice("nhs_number", &trust, NhsNumberTrust::Check);
        let words = [("always", Everything::Always), ("auto", Everything::Auto), ("never", Everything::Never)];
        let everything = section.choice("everything", &words, Everything::Auto);
        let page_size = section.has("page_size").then(|| section.number("page_size", 100, 1..=10_000) as u32);
        let own = section.section("limits");
        let source_limits = self.source_limits(&own, &limits.source);
        own.finish();
        let auth = self.auth(section.section("auth"), None);
        let nhs_number_systems = section.texts("nhs_number_systems");
        let owns = section.texts("owns");
        let vouches_for = self.organisations(&section, "vouches_for");
        let exchange = section.parsed("exchange");
        if exchange.is_none() && dialect.is_some_and(|dialect: dialect::Dialect| dialect.name() == "severn") {
            section.mistake("exchange", "is missing: the hop id of another Severn, by which a question that came from it is not put to it");
        }
        let data_provider = section.text("data_provider");
        let ca_file = section.text("ca_file").map(|path| self.path(&path));
        let options = options(&section, dialect, url.as_ref());
        section.finish();
        Some(Source {
            id: id?,
            name: name?,
            organisation: organisation?,
            dialect: dialect?,
            url: url?,
            locate,
            usage,
            nhs_number,
            nhs_number_systems,
            owns,
            vouches_for,
            exchange,
            data_provider,
            auth: auth?,
            ca_file,
            everything,
            page_size,
            options,
            limits: source_limits,
        })
    }

    /// Sources that shared an id would share the ids of their resources.
    fn ids_once(&self, sections: &[Section<'a>]) {
        let mut seen = std::collections::BTreeSet::new();
        for section in sections {
            if let Some(id) = section.text("id")
                && !seen.insert(id)
            {
                section.mistake("id", "is used twice; ids minted for one source would be taken for the other's");
            }
        }
    }

    /// Two acceptances of one screen: which of them stands?
    fn consumers_once(&self, sections: &[Section<'a>]) {
        let mut seen = std::collections::BTreeSet::new();
        for section in sections {
            if let (Some(client), Some(face)) = (section.text("client"), section.text("face"))
                && !seen.insert((client, face))
            {
                section.mistake("client", "is used twice for one face");
            }
        }
    }

    /// `alg` is how a signed assertion is signed unless its own key says.
    fn auth(&self, section: Section<'a>, alg: Option<jsonwebtoken::Algorithm>) -> Option<Auth> {
        let kind = section.text("kind").unwrap_or_else(|| "none".to_owned());
        let file = |key| section.required::<String>(key).map(|path| self.path(&path));
        let auth = match kind.as_str() {
            "none" => Some(Auth::None),
            "bearer" => file("token_file").map(|token_file| Auth::Bearer { token_file }),
            "client-credentials" => {
                let (token_url, client_id, secret_file) =
                    (section.required("token_url"), section.required("client_id"), file("secret_file"));
                let scope = section.text("scope");
                (|| Some(Auth::ClientCredentials { token_url: token_url?, client_id: client_id?, secret_file: secret_file?, scope }))()
            }
            "private-key-jwt" => {
                let (token_url, client_id, key_file) = (section.required("token_url"), section.required("client_id"), file("key_file"));
                let (kid, scope, alg) = (section.text("kid"), section.text("scope"), section.choice("alg", ALGS, alg));
                (|| Some(Auth::PrivateKeyJwt { token_url: token_url?, client_id: client_id?, key_file: key_file?, kid, alg, scope }))()
            }
            "mtls" => {
                let (cert_file, key_file) = (file("cert_file"), file("key_file"));
                (|| Some(Auth::Mtls { cert_file: cert_file?, key_file: key_file? }))()
            }
            "on-behalf" => self.on_behalf(&section),
            other => {
                let known = "none, bearer, client-credentials, private-key-jwt, mtls, on-behalf";
                section.mistake("kind", format!("`{other}` is not known; use one of {known}"));
                None
            }
        };
        section.finish();
        auth
    }

    fn limits(&self, section: Section<'a>, source: SourceLimits) -> Limits {
        let limits = Limits {
            read_ms: section.number("read_ms", 10_000, 100..=120_000),
            hops_max: section.number("hops_max", 3, 1..=10) as usize,
            asks_in_flight: section.number("asks_in_flight", 256, 1..=100_000) as usize,
            grants_in_flight: section.number("grants_in_flight", 256, 1..=100_000) as usize,
            form_bytes_max: section.number("form_bytes_max", 1 << 16, 1_024..=1 << 24) as usize,
            request_bytes_max: section.number("request_bytes_max", 1 << 20, 1_024..=1 << 30) as usize,
            token_bytes_max: section.number("token_bytes_max", 16_384, 256..=1 << 20) as usize,
            page_size: section.number("page_size", 1_000, 1..=100_000) as usize,
            page_size_max: section.number("page_size_max", 5_000, 1..=100_000) as usize,
            snapshot_minutes: section.number("snapshot_minutes", 10, 1..=60),
            snapshots_max: section.number("snapshots_max", 256, 1..=100_000),
            known_hours: section.number("known_hours", 24, 1..=8_760),
            plan_hours: section.number("plan_hours", 24, 1..=8_760),
            locator_hours: section.number("locator_hours", 24, 1..=8_760),
            relationship_hours: section.number("relationship_hours", 12, 1..=2_160),
            emergency_hours: section.number("emergency_hours", 4, 1..=4),
            emergency_check_seconds: section.number("emergency_check_seconds", 30, 1..=300),
            claim_chars_min: section.number("claim_chars_min", 10, 1..=100) as usize,
            claim_chars_max: section.number("claim_chars_max", 1_000, 100..=10_000) as usize,
            connections: ConnectionLimits::read(&section),
            source,
        };
        section.finish();
        limits
    }

    fn source_limits(&self, section: &Section<'a>, default: &SourceLimits) -> SourceLimits {
        let size = |key, default: usize, bounds| section.number(key, default as u64, bounds) as usize;
        SourceLimits {
            connect_ms: section.number("connect_ms", default.connect_ms, 10..=60_000),
            source_ms: section.number("source_ms", default.source_ms, 50..=120_000),
            queue_ms: section.number("queue_ms", default.queue_ms, 0..=60_000),
            concurrent: size("concurrent", default.concurrent, 1..=10_000),
            leg_concurrent: size("leg_concurrent", default.leg_concurrent, 1..=1_000),
            per_second: section.number("per_second", default.per_second, 1..=1_000_000),
            resources_max: size("resources_max", default.resources_max, 1..=1_000_000),
            pages_max: size("pages_max", default.pages_max, 1..=100_000),
            source_bytes_max: size("source_bytes_max", default.source_bytes_max, 1_024..=1 << 31),
            references_max: size("references_max", default.references_max, 0..=100_000),
            retries: section.number("retries", default.retries, 0..=1),
            breaker_window: size("breaker_window", default.breaker_window, 2..=10_000),
            breaker_share_percent: section.number("breaker_share_percent", default.breaker_share_percent, 1..=100),
            breaker_pause_ms: section.number("breaker_pause_ms", default.breaker_pause_ms, 10..=3_600_000),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

impl Default for SourceLimits {
    fn default() -> SourceLimits {
        SourceLimits {
            connect_ms: 2_000,
            source_ms: 8_000,
            queue_ms: 200,
            concurrent: 16,
            leg_concurrent: 8,
            per_second: 200,
            resources_max: 5_000,
            pages_max: 50,
            source_bytes_max: 64 << 20,
            references_max: 200,
            retries: 1,
            breaker_window: 20,
            breaker_share_percent: 50,
            breaker_pause_ms: 10_000,
        }
    }
}

/// How an assertion may be signed.
const ALGS: &[(&str, Option<jsonwebtoken::Algorithm>)] = {
    use jsonwebtoken::Algorithm;
    &[
        ("ES256", Some(Algorithm::ES256)),
        ("ES384", Some(Algorithm::ES384)),
        ("RS256", Some(Algorithm::RS256)),
        ("RS384", Some(Algorithm::RS384)),
        ("RS512", Some(Algorithm::RS512)),
    ]
};

/// What a source's dialect wants to know beside what every source has; the dialect says what is wrong with it.
fn options(source: &Section<'_>, dialect: Option<dialect::Dialect>, url: Option<&Url>) -> BTreeMap<String, String> {
    let section = source.section("options");
    let keys = dialect.map(dialect::Dialect::options).unwrap_or_default();
    let options: BTreeMap<String, String> = keys.iter().filter_map(|key| Some(((*key).to_owned(), section.text(key)?))).collect();
    if let (Some(dialect), Some(url)) = (dialect, url) {
        let settings = dialect::Settings { options: options.clone(), ..dialect::Settings::new(url.clone(), "") };
        for (key, what) in dialect.mistakes(&settings) {
            if keys.contains(&key) { section.mistake(key, what) } else { source.mistake(key, what) }
        }
    }
    section.finish();
    options
}

/// A URL without a slash at its end.
fn trimmed(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests;
