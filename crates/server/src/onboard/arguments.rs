//! The arguments of `severn onboard`, and the source they speak of.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use onboard::Patient;
use record::OdsCode;

use crate::check;
use crate::config::{self, Config, Source};

/// What `severn onboard` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// The supplier's base; or --config with --source.
    pub url: Option<String>,
    /// How it speaks; recognised when not said.
    #[arg(long)]
    pub dialect: Option<String>,
    /// A test patient's NHS number, and after a comma the birth date: 9990000018,1948-03-11. Repeat it.
    #[arg(long = "patient", value_name = "NUMBER[,BORN]")]
    pub patients: Vec<String>,
    /// Also asks for numbers that might be issued.
    #[arg(long)]
    pub any_patient: bool,
    /// Credentials, as `auth` of a [[source]] block: '{ kind = "bearer", token_file = "token" }'.
    #[arg(long, default_value = "{ kind = \"none\" }")]
    pub auth: String,
    /// What only its dialect wants to know, as `options` of a [[source]] block: from_asid=999999999999. Repeat it.
    #[arg(long = "option", value_name = "KEY=VALUE")]
    pub options: Vec<String>,
    /// A certificate authority of its own, in PEM.
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// Its NHS numbers are verified by contract.
    #[arg(long)]
    pub verified: bool,
    /// The id that it is to have.
    #[arg(long, default_value = "new")]
    pub id: String,
    /// Its name, for people.
    #[arg(long)]
    pub name: Option<String>,
    /// The ODS code of the organisation that answers for it.
    #[arg(long)]
    pub organisation: Option<String>,
    /// Takes the supplier from this configuration.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// The id of the [[source]] in the configuration.
    #[arg(long, requires = "config")]
    pub source: Option<String>,
    /// Where to write; `onboard-<id>` when not said.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Also says what changed since the last run written there; exits with 3 if anything did.
    #[arg(long)]
    pub drift: bool,
    /// Compares with this live [[source]] of the configuration; exits with 3 if anything differs.
    #[arg(long, requires = "config", value_name = "SOURCE")]
    pub shadow: Option<String>,
    /// Calls a second, at most.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=200))]
    pub per_second: u64,
    /// How long one call may take, in milliseconds.
    #[arg(long, default_value_t = 8_000, value_parser = clap::value_parser!(u64).range(50..=120_000))]
    pub call_ms: u64,
    /// A consumer, not a source: lets it show whether its screen displays an incomplete read, before it may have one.
    #[cfg(feature = "demo")]
    #[arg(long)]
    pub consumer: bool,
    /// Where the exercise of a consumer listens.
    #[cfg(feature = "demo")]
    #[arg(long, requires = "consumer", default_value = "127.0.0.1:8700")]
    pub listen: std::net::SocketAddr,
    /// Prints what each dialect was tested against, and asks nobody.
    #[arg(long)]
    pub table: bool,
    /// The repository's fixtures, for --table.
    #[arg(long, default_value = "fixtures")]
    pub fixtures: PathBuf,
}

impl Arguments {
    /// Whether the supplier is a source of the configuration.
    pub(super) fn is_configured(&self) -> bool {
        self.source.is_some()
    }

    /// The supplier as a source.
    pub(super) fn source(&self) -> anyhow::Result<Source> {
        match (&self.url, &self.source) {
            (None, Some(id)) => self.configured(id),
            (Some(url), None) => self.written(url),
            _ => bail!("say the supplier's URL, or --config FILE --source ID"),
        }
    }

    /// A `[[source]]` of the configuration.
    pub(super) fn configured(&self, id: &str) -> anyhow::Result<Source> {
        let file = self.config.as_deref().context("--config")?;
        let config: Config = check::load(file)?.map_err(|mistakes| {
            check::print_mistakes(file, &mistakes);
            anyhow::anyhow!("the configuration is wrong")
        })?;
        config
            .sources
            .into_iter()
            .find(|source| source.id.as_str() == id)
            .with_context(|| format!("{} has no [[source]] with id {id}", file.display()))
    }

    /// The same text, and the same checks, as a block in a configuration; what only its dialect asks for is judged with the rest.
    fn written(&self, url: &str) -> anyhow::Result<Source> {
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let name = self.name.clone().unwrap_or_else(|| host(url));
        let mut block = format!(
            "id = {}\nname = {}\norganisation = {}\ndialect = {}\nurl = {}\nauth = {}\n",
            text(&self.id),
            text(&name),
            text(self.organisation.as_deref().unwrap_or("XXX")),
            text(dialect::Dialect::FHIR_R4.name()),
            text(url),
            self.auth
        );
        if self.verified {
            block.push_str("nhs_number = \"verified\"\n");
        }
        if let Some(file) = &self.ca_file {
            block.push_str(&format!("ca_file = {}\n", text(&file.display().to_string())));
        }
        let mut source = config::source_of(&block, Path::new(".")).map_err(|mistakes| {
            let words: Vec<String> = mistakes.iter().map(|mistake| mistake.what.trim_start_matches("source.").to_owned()).collect();
            anyhow::anyhow!("{}", words.join("\n"))
        })?;
        for option in &self.options {
            let (key, value) = option.split_once('=').context("--option: say KEY=VALUE")?;
            source.options.insert(key.to_owned(), value.to_owned());
        }
        if let Some(name) = &self.dialect {
            source.dialect = name.parse().context("--dialect")?;
        }
        Ok(source)
    }

    pub(super) fn organisation(&self, source: &Source) -> Option<OdsCode> {
        (self.organisation.is_some() || self.is_configured()).then(|| source.organisation.clone())
    }

    pub(super) fn patients(&self) -> anyhow::Result<Vec<Patient>> {
        self.patients.iter().map(|text| super::patient(text, self.any_patient)).collect()
    }
}

fn host(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "New supplier".to_owned())
}
