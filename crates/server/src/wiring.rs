//! From a configuration to a running exchange: which part gets which.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::Terms;
use anyhow::Context;
use audit::{Checkpointer, Checkpoints, Journal, LedgerReader, NodeJournal, SigningKey};
use dialect::DataProvider;
use exchange::{
    Aftermath, DemographicsService, DemographicsSettings, Exchange, Locate, Monitoring, MonitoringParts, Observed, Parts, Policy,
    Publishing, RecordLocator, RecordLocatorSettings, Registration, Settings, SourceEntry, Vault,
};
use identity::Trust;
use people::Registrar;
use record::Clock;
use source::{Http, NationalService, SourceConfig, Sources, Transport};
use store::{NodeFile, PostgresJournal, PostgresSettings, PostgresStore, Secrets, SqliteJournal, SqliteStore, Store};

use crate::answer::Assembler;
use crate::config::{self, Config, StoreConfig, StorePlace};
use crate::fhir_api::App;
use crate::people::deed::Desk;
use crate::people::snapshot::Snapshots;
use crate::privacy::room::Room;
use crate::token::Tokens;

/// What an exchange has of the world around it: time, the way to its sources, and where its ledger is kept.
pub struct Outside {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The way to the sources.
    pub transport: Arc<dyn Transport>,
    /// Where the ledger is kept.
    pub journal: Arc<dyn Journal>,
    /// Where it stands on this node while that is away; without one nothing is read then.
    pub node: Option<Arc<dyn NodeJournal>>,
    /// How it is vouched for; without this it is not.
    pub checkpoints: Option<Checkpoints>,
    /// Where it is read back, if that is not the store.
    pub reader: Option<Arc<dyn LedgerReader>>,
}

impl Outside {
    /// The machine's clock, HTTP, and the ledger in the store's file.
    pub fn real(config: &Config) -> anyhow::Result<Outside> {
        let ways = config.record_locator.iter().map(config::national::RecordLocator::way);
        let ways = ways.chain(config.demographics.iter().map(config::demographics::DemographicsConfig::way));
        let configs: Vec<SourceConfig> = config.sources.iter().map(source_config).chain(ways).collect();
        Ok(Outside {
            clock: system_clock(),
            transport: Arc::new(Http::new(&configs)?),
            journal: journal(&config.store)?,
            node: Some(node(config)?),
            checkpoints: Some(checkpoints(&config.ledger)?),
            reader: None,
        })
    }
}

/// Connections that the ledger has for itself, so that it waits for nobody: it writes one batch after the other.
const LEDGER_CONNECTIONS: usize = 2;

/// Opens where the ledger is kept.
pub fn journal(config: &StoreConfig) -> anyhow::Result<Arc<dyn Journal>> {
    Ok(match &config.place {
        StorePlace::Postgres(settings) => {
            let settings = PostgresSettings { pool_max: LEDGER_CONNECTIONS, ..settings.clone() };
            let secrets = Arc::new(config.secrets()?);
            Arc::new(PostgresJournal::of(&PostgresStore::new(settings, secrets)?))
        }
        StorePlace::Sqlite(file) => Arc::new(SqliteJournal::open(file)?),
    })
}

/// Opens the journal on this node.
fn node(config: &Config) -> anyhow::Result<Arc<dyn NodeJournal>> {
    let secrets = Arc::new(config.store.secrets()?);
    Ok(Arc::new(NodeFile::open(&config.ledger.journal_file, secrets, config.ledger.journal_bytes_max)?))
}

/// How the ledger is vouched for.
fn checkpoints(config: &config::ledger::LedgerConfig) -> anyhow::Result<Checkpoints> {
    Ok(Checkpoints {
        every: config.checkpoint,
        whole_every: config.whole_every,
        key: SigningKey::open(&config.key_file)?,
        trusted: crate::audit::keys(&config.trusted_keys).context("[ledger] trusted_keys")?,
        witnesses: crate::audit::witness::all(config)?,
    })
}

/// Opens the store: a file is brought up to date at once; PostgreSQL is not asked for anything yet, see [`crate::store::prepare`].
pub fn open(config: &StoreConfig, secrets: Arc<Secrets>) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match &config.place {
        StorePlace::Postgres(settings) => Arc::new(PostgresStore::new(settings.clone(), secrets)?),
        StorePlace::Sqlite(file) => Arc::new(SqliteStore::open(file, secrets).with_context(|| file.display().to_string())?),
    })
}

/// Builds everything; nothing listens yet. The future is what goes on behind the requests, the ledger's writer first: whoever runs
/// the server awaits it beside it.
pub fn app(config: Config, outside: Outside) -> anyhow::Result<(App, impl Future<Output = ()> + Send)> {
    let Outside { clock, transport, journal, node, checkpoints, reader } = outside;
    // Before anything is opened: no way to build an exchange leads past it.
    let ladder = crate::ladder::climb(&config, clock.now())?;
    let secrets = Arc::new(config.store.secrets()?);
    let store = open(&config.store, secrets.clone())?;
    let spent = store.clone();
    let index = people::index::Index::with(config.people.index);
    let model = Arc::new(people::matching::Model::standard());
    let register = crate::ladder::register(ladder.step(), store.clone());
    let registrar = Arc::new(Registrar::new(register, index, model, clock.clone(), config.people.limits));
    let (ledger, writing) = audit::Ledger::start_with(journal, node, clock.clone(), uuid::Uuid::new_v4().to_string());
    let checkpointer = checkpoints.map(|settings| Checkpointer::new(settings, store.clone(), clock.clone()));
    let reader: Arc<dyn LedgerReader> = reader.unwrap_or_else(|| store.clone());
    let aftermath = Aftermath::new(ledger.clone(), reader.clone());
    let (registration, registering) = Registration::start(registrar.clone(), aftermath.clone(), config.people.registration);
    let deeds = Desk { ledger: ledger.clone(), aftermath };
    let (monitoring, watching) = Monitoring::start(MonitoringParts {
        reader: reader.clone(),
        queue: store.clone(),
        people: store.clone(),
        registrar: registrar.clone(),
        clock: clock.clone(),
        lists: config.monitoring.files.clone().lists()?,
        limits: config.monitoring.limits,
        queue_max: config.monitoring.queue_max,
        key: secrets.monitoring,
    });
    let (vault, vaulting) = Vault::start(store.clone(), ledger.clone(), clock.clone(), config.vault.settings);
    let privacy = Room {
        ledger: ledger.clone(),
        reader: reader.clone(),
        queue: store.clone(),
        evidence: store.clone(),
        index: registrar.clone(),
        clock: clock.clone(),
    };
    let configs = config.sources.iter().map(source_config).collect();
    let sources = Sources::new(configs, transport.clone(), clock.clone(), config.exchange.id.clone());
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let limits = &config.limits;
    let settings = Settings {
        own: config.exchange.id.clone(),
        hops_max: limits.hops_max,
        read: Duration::from_millis(limits.read_ms),
        locator_age: hours(limits.locator_hours),
        known_age: hours(limits.known_hours),
        plans_kept: hours(limits.plan_hours),
        terms: Terms { relationship_hours: limits.relationship_hours as i64, emergency_hours: limits.emergency_hours as i64 },
        organisations: config.organisations(),
        organisation: config.exchange.organisation.clone(),
        words: access::Words { chars_min: limits.claim_chars_min, chars_max: limits.claim_chars_max },
        relationship: config.relationship,
        ladder: ladder.clone(),
    };
    let base = format!("{}/fhir/R4", config.exchange.public_url);
    let demographics = config.demographics.as_ref();
    let demographics = demographics
        .map(|service| demographics_service(service, transport.clone(), &ledger, (registrar.clone(), registration.clone()), clock.clone()));
    let known = demographics.clone();
    let (record_locator, publishing) = config
        .record_locator
        .as_ref()
        .map(|locator| record_locator(locator, &base, transport, ledger.clone(), clock.clone(), known))
        .unzip();
    let terms = crate::terminology::load(&config.terminology)?;
    let sensitivity = crate::sensitivity::load(&config.sensitivity, terms.as_deref(), clock.now())?;
    let mut entries: Vec<SourceEntry> = config.sources.iter().map(|source| entry(source, &base, terms.clone())).collect();
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    let observed = Observed::new(entries.iter().map(|entry| &entry.id), config.operations, clock.clone());
    let owners = config.sources.iter().flat_map(|source| source.owns.iter().map(|system| (system.clone(), source.id.clone()))).collect();
    let exchange = Exchange::new(Parts {
        settings,
        ledger,
        reader,
        people: store.clone(),
        claims: store.clone(),
        ties: store.clone(),
        consents: store.clone(),
        minted: store.clone(),
        plans: store.clone(),
        monitoring,
        vault,
        privacy: store.clone(),
        locator: store,
        index: registrar.clone(),
        registration,
        demographics,
        record_locator,
        observed,
        sources,
        entries,
        clock: clock.clone(),
        policy: Policy::new(crate::policy::load(&config)?),
        rules: join::Rules { key: secrets.clusters, owners },
        sensitivity,
        known: Mutex::default(),
    });
    let tokens = Tokens::new(&config, spent, clock.clone())?;
    let assembler = Assembler {
        name: format!("Severn {} at {}", env!("CARGO_PKG_VERSION"), config.exchange.id),
        organisation: config.exchange.organisation.to_string(),
        rules: join::RULES.to_owned(),
    };
    // Whoever sees to pointers writes to the ledger, too: its writer ends after them.
    let background = async move {
        let publishing = async move { futures::future::OptionFuture::from(publishing).await };
        let work = async {
            tokio::join!(writing, publishing, registering, watching, vaulting);
        };
        let Some(mut checkpointer) = checkpointer else { return work.await };
        tokio::select! {
            () = work => {}
            () = checkpointer.keep() => {}
        }
        // The last entries are vouched for, too.
        checkpointer.once().await;
    };
    Ok((App::new(exchange, (registrar, deeds, privacy), (tokens, ladder), config, clock, assembler)?, background))
}

/// The National Record Locator, and who sees to the pointers there.
fn record_locator(
    config: &config::national::RecordLocator,
    base: &str,
    transport: Arc<dyn Transport>,
    ledger: audit::Ledger,
    clock: Arc<dyn Clock>,
    demographics: Option<Arc<DemographicsService>>,
) -> (RecordLocator, impl Future<Output = ()> + Send + use<>) {
    let limits = &config.limits;
    let ms = Duration::from_millis;
    let settings = RecordLocatorSettings {
        locator: national::Locator {
            custodian: config.custodian.clone(),
            end_user_organisation: config.end_user_organisation.clone(),
            practice_setting: config.practice_setting.clone(),
        },
        base: base.to_owned(),
        consult: config.consult.then(|| ms(limits.consult_ms)),
        publish: config.publish.then(|| Publishing {
            time: ms(limits.publish_ms),
            concurrent: limits.publish_concurrent,
            queue_max: limits.publish_queue_max,
            again: Duration::from_secs(limits.publish_again_hours * 3600),
            known_max: limits.publish_known_max,
            retry: Duration::from_secs(limits.publish_retry_minutes * 60),
            tries: limits.publish_tries,
        }),
    };
    let way = NationalService::new(config.way(), transport, clock.clone());
    RecordLocator::start(settings, way, ledger, clock, demographics)
}

/// The national demographics service.
fn demographics_service(
    config: &config::demographics::DemographicsConfig,
    transport: Arc<dyn Transport>,
    ledger: &audit::Ledger,
    hands: (Arc<Registrar>, Registration),
    clock: Arc<dyn Clock>,
) -> Arc<DemographicsService> {
    let limits = &config.limits;
    let settings = DemographicsSettings {
        lookup: Duration::from_millis(limits.lookup_ms),
        label_age: Duration::from_secs(limits.label_minutes * 60),
        outage_age: Duration::from_secs(limits.outage_hours * 3600),
        known_max: limits.known_max,
    };
    let way = NationalService::new(config.way(), transport, clock.clone());
    Arc::new(DemographicsService::new(settings, way, ledger.clone(), hands, clock))
}

/// What `source` wants to know of a source.
pub(crate) fn source_config(source: &config::Source) -> SourceConfig {
    let limits = &source.limits;
    SourceConfig {
        id: source.id.clone(),
        organisation: source.organisation.clone(),
        base: source.url.clone(),
        auth: source.auth.clone(),
        exchange: source.exchange.clone(),
        ca_file: source.ca_file.clone(),
        limits: source::Limits {
            connect_ms: limits.connect_ms,
            source_ms: limits.source_ms,
            queue_ms: limits.queue_ms,
            concurrent: limits.concurrent,
            per_second: limits.per_second,
            spaced: false,
            bytes_max: limits.source_bytes_max,
            retries: limits.retries,
            breaker_window: limits.breaker_window,
            breaker_share_percent: limits.breaker_share_percent,
            breaker_pause_ms: limits.breaker_pause_ms,
        },
    }
}

fn entry(source: &config::Source, base: &str, terms: Option<Arc<terms::Terminology>>) -> SourceEntry {
    SourceEntry {
        id: source.id.clone(),
        name: source.name.clone(),
        organisation: source.organisation.clone(),
        dialect: source.dialect,
        settings: dialect::Settings { terms, ..dialect_settings(source, base) },
        locate: match source.locate {
            config::Locate::Always => Locate::Always,
            config::Locate::Index => Locate::Index,
        },
        compare: source.usage == config::Usage::Compare,
        trust: match source.nhs_number {
            config::NhsNumberTrust::Check => Trust::Check,
            config::NhsNumberTrust::Verified => Trust::Verified,
        },
        vouches_for: source.vouches_for.clone(),
        exchange: source.exchange.clone(),
    }
}

/// What `dialect` wants to know of a source.
pub(crate) fn dialect_settings(source: &config::Source, base: &str) -> dialect::Settings {
    let limits = &source.limits;
    dialect::Settings {
        page_size: source.page_size,
        everything: source.everything,
        nhs_number_systems: source.nhs_number_systems.clone(),
        calls_max: limits.leg_concurrent,
        resources_max: limits.resources_max,
        pages_max: limits.pages_max,
        bytes_max: limits.source_bytes_max,
        references_max: limits.references_max,
        options: source.options.clone(),
        data_provider: source.data_provider.clone().map(|id| DataProvider {
            id,
            name: source.name.clone(),
            organisation: source.organisation.clone(),
        }),
        ..dialect::Settings::new(source.url.clone(), base)
    }
}

/// Where the person index is kept between two runs, if anywhere.
pub fn snapshots(config: &Config) -> anyhow::Result<Option<Snapshots>> {
    let Some((file, every)) = config.people.snapshot.clone() else { return Ok(None) };
    let key = config.store.secrets()?.snapshots;
    Ok(Some(Snapshots { file, every, key }))
}

/// The machine's clock: the one place that reads it.
pub fn system_clock() -> Arc<dyn Clock> {
    struct System;
    impl Clock for System {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::now()
        }
    }
    Arc::new(System)
}
