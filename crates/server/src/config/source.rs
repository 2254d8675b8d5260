//! `[[source]]`: whom to ask, and how.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ::source::Auth;
use record::{ExchangeId, OdsCode, SourceId};
use toml::de::DeTable;
use url::Url;

use super::reader::{Mistakes, Section};
use super::{Limits, Mistake, Reader};

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
    /// Where it gives care, where pages tell medicines apart by that.
    pub care: Option<viewer::Care>,
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

impl<'a> Reader<'a> {
    pub(super) fn source(&self, section: Section<'a>, limits: &Limits) -> Option<Source> {
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
        let cares = [("hospital", viewer::Care::Hospital), ("pharmacy", viewer::Care::Pharmacy), ("practice", viewer::Care::Practice)];
        let cares = cares.map(|(word, care)| (word, Some(care)));
        let usual = dialect.filter(|dialect: &dialect::Dialect| dialect.name() == "gp-connect").map(|_| viewer::Care::Practice);
        let care = section.choice("care", &cares, usual);
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
            care,
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
    pub(super) fn ids_once(&self, sections: &[Section<'a>]) {
        let mut seen = std::collections::BTreeSet::new();
        for section in sections {
            let Some(id) = section.text("id") else { continue };
            if exchange::is_hidden_name(&id) {
                section.mistake("id", "is kept for sources of people whose place is hidden: `source` and a number is none's own name");
            }
            if !seen.insert(id) {
                section.mistake("id", "is used twice; ids minted for one source would be taken for the other's");
            }
        }
    }

    pub(super) fn source_limits(&self, section: &Section<'a>, default: &SourceLimits) -> SourceLimits {
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
}

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
