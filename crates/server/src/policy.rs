//! The rules of who may see what, from the configuration.

mod command;
mod explain;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use access::{Fault, Rules, Site, Text};
use anyhow::Context;
use exchange::Exchange;
use jiff::civil::Date;
use store::Store;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
pub use command::{Command, changes, run};

/// A site's own rules, as they stand in its files.
pub struct Own {
    /// Files of Cedar policies.
    pub files: Vec<Text>,
    /// The sharing matrix.
    pub matrix: Option<Text>,
}

/// Reads them.
pub fn own(config: &Config) -> anyhow::Result<Own> {
    let files = config.policy.files.iter().map(|path| text(path)).collect::<anyhow::Result<_>>()?;
    Ok(Own { files, matrix: config.policy.sharing.as_deref().map(text).transpose()? })
}

fn text(path: &Path) -> anyhow::Result<Text> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading the rules {}", path.display()))?;
    Ok(Text { file: path.display().to_string(), text })
}

/// What the rules may speak of at this site. `today` where they are saved: a rule whose time is over is then one that is wrong.
pub fn site(config: &Config, today: Option<Date>) -> anyhow::Result<Site> {
    Ok(Site {
        sources: config.sources.iter().map(|source| (source.id.clone(), source.organisation.clone())).collect(),
        organisations: config.policy.organisations.as_deref().map(organisations).transpose()?.unwrap_or_default(),
        legal_override: config.policy.legal_override.is_some(),
        restricted_in_emergency: config.policy.restricted_in_emergency.is_some(),
        activities: config.policy.activities.iter().cloned().collect(),
        labels: crate::sensitivity::labels(&config.sensitivity)?,
        today,
        ..Site::default()
    })
}

/// `code,kind`, one row a kind; other columns are for people.
fn organisations(path: &Path) -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut organisations: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_path(path)?;
    let header = reader.headers()?.clone();
    let column =
        |name: &str| header.iter().position(|own| own == name).with_context(|| format!("{}: the column {name} is missing", path.display()));
    let (code, kind) = (column("code")?, column("kind")?);
    for record in reader.records() {
        let record = record.with_context(|| path.display().to_string())?;
        let kinds = organisations.entry(record.get(code).unwrap_or_default().to_owned()).or_default();
        kinds.extend(record.get(kind).filter(|kind| !kind.is_empty()).map(str::to_owned));
    }
    Ok(organisations)
}

/// The day.
fn today() -> Date {
    crate::wiring::system_clock().now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Of persons whom rules name, those who are nobody here.
pub async fn strangers(people: &dyn Store, named: BTreeSet<String>) -> anyhow::Result<BTreeSet<String>> {
    let mut strangers = BTreeSet::new();
    for name in named {
        let known = match name.parse() {
            Ok(person) => people.number_of(&person).await?.is_some(),
            Err(_) => false,
        };
        if !known {
            strangers.insert(name);
        }
    }
    Ok(strangers)
}

/// The rules that are shipped with the site's own, for use. Nobody is looked up: see [`known`].
pub fn load(config: &Config) -> anyhow::Result<Rules> {
    let own = own(config)?;
    usable(Rules::load(&own.files, own.matrix.as_ref(), site(config, None)?))
}

fn usable(read: Result<Rules, Vec<Fault>>) -> anyhow::Result<Rules> {
    read.map_err(|faults| {
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the rules are not to be used:\n{}", said.join("\n"))
    })
}

/// The rules as their files stand now, or what is wrong with them. Whom they name is looked up in the store, which must be there.
async fn read(config: &Config, today: Option<Date>) -> anyhow::Result<Result<Rules, Vec<Fault>>> {
    let own = own(config)?;
    let mut site = site(config, today)?;
    let named = Rules::persons_named(&own.files);
    if !named.is_empty() {
        site.strangers = strangers(&*command::store(config)?, named).await?;
    }
    // Checking them takes a while, in which others are answered.
    Ok(tokio::task::spawn_blocking(move || Rules::load(&own.files, own.matrix.as_ref(), site)).await?)
}

/// Whether all whom the rules name are known here: a rule about nobody never holds, and was meant for somebody.
pub async fn known(config: &Config) -> anyhow::Result<()> {
    if !Rules::persons_named(&own(config)?.files).is_empty() {
        usable(read(config, None).await?)?;
    }
    Ok(())
}

/// What asks for the rules to be read anew: from the call on it no longer ends the program.
pub fn hangup() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("listening for SIGHUP")
}

/// Reads the rules anew whenever somebody asks for it (SIGHUP). Not whenever a file changes: rules that belong together lie in several
/// files, and half of them would decide until the other half is saved.
pub async fn keep(exchange: &Exchange, config: &Config, mut asked: Signal) {
    while asked.recv().await.is_some() {
        renew(exchange, config).await;
    }
    std::future::pending().await
}

async fn renew(exchange: &Exchange, config: &Config) {
    // What is wrong is not said in full: a rule may name anybody. `severn policy check` says it to whoever asks.
    let (read, wrong) = match read(config, None).await {
        Ok(Ok(rules)) => (Ok(rules), Vec::new()),
        Ok(Err(faults)) => {
            let places = faults.iter().map(|fault| format!("{}:{}", fault.file, fault.line)).collect();
            (Err(format!("{} faults in what was read", faults.len())), places)
        }
        Err(_) => (Err("a file, or whom the rules name, could not be read".to_owned()), Vec::<String>::new()),
    };
    if let Err(why) = &read {
        tracing::error!(
            alert = "policy.kept",
            why,
            places = wrong.join(" "),
            "the rules were to be read anew and are not to be used: those that decided before go on; severn policy check says what is wrong"
        );
    }
    let version = read.as_ref().ok().map(|rules| rules.version().to_owned());
    match (exchange.rule_by(read).await, version) {
        (Ok(()), Some(version)) => tracing::warn!(version, "the rules were read anew, and decide from now on"),
        (Ok(()), None) => {}
        (Err(error), _) => {
            tracing::error!(alert = "policy.kept", %error, "that the rules were read anew could not be entered: nothing changed")
        }
    }
}

/// What is wrong with the rules as they would be saved today, or a line about them. Nobody is looked up: `severn policy check` does that.
pub fn check(config: &Config) -> anyhow::Result<Result<String, Vec<Fault>>> {
    let own = own(config)?;
    let loaded = Rules::load(&own.files, own.matrix.as_ref(), site(config, Some(today()))?);
    Ok(loaded.map(|rules| format!("rules: {} of them, version {}", rules.len(), rules.version())))
}
