//! The rules of who may see what, from the configuration.

mod command;
mod explain;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use access::{Fault, Rules, Site, Text};
use anyhow::Context;
use jiff::civil::Date;
use store::Store;

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

/// The rules that are shipped with the site's own, for use.
pub fn load(config: &Config) -> anyhow::Result<Rules> {
    let own = own(config)?;
    Rules::load(&own.files, own.matrix.as_ref(), site(config, None)?).map_err(|faults| {
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the rules are not to be used:\n{}", said.join("\n"))
    })
}

/// What is wrong with the rules as they would be saved today, or a line about them. Nobody is looked up: `severn policy check` does that.
pub fn check(config: &Config) -> anyhow::Result<Result<String, Vec<Fault>>> {
    let own = own(config)?;
    let loaded = Rules::load(&own.files, own.matrix.as_ref(), site(config, Some(today()))?);
    Ok(loaded.map(|rules| format!("rules: {} of them, version {}", rules.len(), rules.version())))
}
