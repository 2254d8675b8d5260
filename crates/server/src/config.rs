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
mod operations;
pub mod people;
pub mod policy;
pub mod privacy;
mod reader;
mod relationship;
pub mod sensitivity;
pub mod sign_in;
mod source;
mod store;
pub mod tls;
pub mod vault;
pub mod viewer;

use std::net::SocketAddr;
use std::path::PathBuf;

use ::source::Auth;
use ::store::PostgresSettings;
use record::{ExchangeId, OdsCode};
use toml::de::DeTable;
use url::Url;

use crate::fhir_api::Face;
use crate::turns::Share;

pub use connections::ConnectionLimits;
pub use reader::Mistake;
use reader::{Mistakes, Section};
pub use sign_in::{Keys, SignIn};
pub use source::{Locate, NhsNumberTrust, Source, SourceLimits, Usage, source_of};

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
    /// `[operations]`: what is kept of how sources do.
    pub operations: exchange::ObservedSettings,
    /// `[privacy]`: the privacy officer's desk.
    pub privacy: privacy::PrivacyConfig,
    /// `[vault]`: what answers showed, kept for evidence.
    pub vault: vault::VaultConfig,
    /// `[viewer]`: how long people stay signed in.
    pub viewer: viewer::ViewerConfig,
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

/// `[limits]`
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the key of that name; its default stands where it is read")]
pub struct Limits {
    pub read_ms: u64,
    pub hops_max: usize,
    pub asks_in_flight: usize,
    pub grants_in_flight: usize,
    /// `person_asks_at_once`, `person_asks_minute`
    pub people: Share,
    /// `system_asks_at_once`, `system_asks_minute`
    pub systems: Share,
    pub request_bytes_max: usize,
    pub form_bytes_max: usize,
    /// Requests that go by one `X-Request-ID`.
    pub one_name_max: u32,
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
        let operations = self.operations(top.section("operations"));
        let privacy = self.privacy(top.section("privacy"));
        let vault = self.vault(top.section("vault"));
        let viewer = self.viewer(top.section("viewer"));
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
            operations,
            privacy,
            vault,
            viewer,
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
        let accepted_by = section.person("accepted_by");
        let accepted_on = section.required("accepted_on");
        section.finish();
        Some(Consumer { client: client?, name: name?, face: face?, accepted_by: accepted_by?, accepted_on: accepted_on? })
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
            people: Share {
                at_once: section.number("person_asks_at_once", 32, 1..=100_000) as usize,
                minute: section.number("person_asks_minute", 3_000, 1..=10_000_000) as u32,
            },
            systems: Share {
                at_once: section.number("system_asks_at_once", 128, 1..=100_000) as usize,
                minute: section.number("system_asks_minute", 60_000, 1..=10_000_000) as u32,
            },
            one_name_max: section.number("one_name_max", 100, 1..=1_000_000) as u32,
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

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
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

/// A URL without a slash at its end.
fn trimmed(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests;
