//! `[national.demographics]`: off unless it is there.

use record::{OdsCode, SourceId};
use source::Auth;
use url::Url;

use super::national::base;
use super::reader::Section;
use super::{ExchangeConfig, Reader};

/// By this id the way to the service is known beside those to sources; none of them may have it.
pub const ID: &str = "pds";

/// `[national.demographics]`
#[derive(Debug, Clone)]
pub struct DemographicsConfig {
    /// Its base, above `Patient`, without a slash at its end.
    pub url: Url,
    /// How to authenticate.
    pub auth: Auth,
    /// Who asks, for the log of the way there: the exchange's organisation. Readers are named with each question.
    pub organisation: OdsCode,
    /// `[national.demographics.limits]`
    pub limits: Limits,
}

/// `[national.demographics.limits]`
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the key of that name; its default stands where it is read")]
pub struct Limits {
    pub connect_ms: u64,
    /// The most that asking may add to a read.
    pub lookup_ms: u64,
    /// Of that, what may be spent waiting for a turn.
    pub queue_ms: u64,
    pub concurrent: usize,
    /// As the service grants it to an application: to all nodes of an exchange together.
    pub per_second: u64,
    pub answer_bytes_max: usize,
    /// How long a label is believed. Not longer than the rule: 15 minutes.
    pub label_minutes: u64,
    /// How long the last label serves while the service does not answer, of unrestricted people. Not longer than the rule: 24 hours.
    pub outage_hours: u64,
    /// How many numbers are remembered.
    pub known_max: u64,
    pub breaker_window: usize,
    pub breaker_share_percent: u64,
    pub breaker_pause_ms: u64,
}

impl<'a> Reader<'a> {
    /// `Some(None)` where there is no such section; `None` only where a mistake was noted.
    pub(super) fn demographics(&self, national: &Section<'a>, exchange: Option<&ExchangeConfig>) -> Option<Option<DemographicsConfig>> {
        if !national.has("demographics") {
            return Some(None);
        }
        let section = national.section("demographics");
        let url = base(&section);
        // What the national platform signs with.
        let auth = self.auth(section.section("auth"), Some(jsonwebtoken::Algorithm::RS512));
        if matches!(auth, Some(Auth::OnBehalf(_))) {
            section.section("auth").mistake("kind", "on-behalf is for sources: this service is told in headers who asks");
        }
        let limits = limits(section.section("limits"));
        section.finish();
        Some(Some(DemographicsConfig { url: url?, auth: auth?, organisation: exchange?.organisation.clone(), limits }))
    }
}

impl DemographicsConfig {
    /// What `source` wants to know of the way there.
    pub fn way(&self) -> source::SourceConfig {
        let limits = &self.limits;
        source::SourceConfig {
            id: id(),
            organisation: self.organisation.clone(),
            base: self.url.clone(),
            auth: self.auth.clone(),
            exchange: None,
            ca_file: None,
            limits: source::Limits {
                connect_ms: limits.connect_ms,
                source_ms: limits.lookup_ms,
                queue_ms: limits.queue_ms,
                concurrent: limits.concurrent,
                per_second: limits.per_second,
                // It counts the calls of any second.
                spaced: true,
                bytes_max: limits.answer_bytes_max,
                retries: 0,
                breaker_window: limits.breaker_window,
                breaker_share_percent: limits.breaker_share_percent,
                breaker_pause_ms: limits.breaker_pause_ms,
            },
        }
    }

    /// For people: what it does here.
    pub fn words(&self) -> String {
        let Limits { per_second, label_minutes, outage_hours, .. } = self.limits;
        format!(
            "national demographics service: asked before every read, {per_second} times a second at most; a label is believed for {label_minutes} minutes, \
             while the service is silent for {outage_hours} hours"
        )
    }
}

fn id() -> SourceId {
    ID.parse().expect("letters are a source id")
}

fn limits(section: Section<'_>) -> Limits {
    let size = |key, default: u64, bounds| section.number(key, default, bounds) as usize;
    let limits = Limits {
        connect_ms: section.number("connect_ms", 1_000, 10..=60_000),
        lookup_ms: section.number("lookup_ms", 1_500, 50..=60_000),
        queue_ms: section.number("queue_ms", 1_000, 0..=60_000),
        concurrent: size("concurrent", 16, 1..=1_000),
        per_second: section.number("per_second", 5, 1..=10_000),
        answer_bytes_max: size("answer_bytes_max", 1 << 20, 1_024..=1 << 26),
        label_minutes: section.number("label_minutes", 15, 1..=15),
        outage_hours: section.number("outage_hours", 24, 0..=24),
        known_max: section.number("known_max", 200_000, 1..=100_000_000),
        breaker_window: size("breaker_window", 20, 2..=10_000),
        breaker_share_percent: section.number("breaker_share_percent", 50, 1..=100),
        breaker_pause_ms: section.number("breaker_pause_ms", 10_000, 10..=3_600_000),
    };
    section.finish();
    limits
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    const BEFORE: &str = "[[sign_in]]\nissuer = \"https://login.example\"\naudience = \"severn\"\nkeys = \"https://login.example/jwks\"\n\
                          [[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n\
                          [exchange]\nid = \"here\"\norganisation = \"QHL\"\npublic_url = \"https://severn.example\"\n";
    const WHOLE: &str = "[national.demographics]\nurl = \"https://api.example/personal-demographics/FHIR/R4\"\n";

    fn parsed(text: &str) -> Result<Option<DemographicsConfig>, Vec<String>> {
        let config = Config::parse(text, Path::new("."));
        config.map(|config| config.demographics).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    fn check(text: &str, expected: &[&str]) {
        let found = parsed(text).err().unwrap_or_default();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        expected.iter().zip(&found).for_each(|(expected, found)| assert!(found.contains(expected), "{found}"));
    }

    #[test]
    fn it_is_off_unless_it_is_there() {
        assert!(parsed(BEFORE).is_ok_and(|service| service.is_none()));
        let service = parsed(&format!("{BEFORE}{WHOLE}")).ok().flatten().expect("a service");
        assert!(service.way().limits.spaced && service.way().limits.per_second == 5);
        assert!(service.words().contains("5 times a second"));
    }

    #[test]
    fn what_is_wrong_with_it_is_told_with_its_line() {
        let bare = "[national.demographics]\nurl = \"http://api.example\"\nlimts = 1\nlimits = { label_minutes = 16, outage_hours = 25, colour = 1 }\n";
        check(
            &format!("{BEFORE}{bare}"),
            &[
                "line 16: national.demographics.url: must be an https base",
                "line 17: national.demographics.limts is not known; did you mean `limits`?",
                "line 18: national.demographics.limits.colour is not known",
                "line 18: national.demographics.limits.label_minutes: must be a whole number",
                "line 18: national.demographics.limits.outage_hours: must be a whole number",
            ],
        );
        check(&format!("{BEFORE}[national.demographics]\n"), &["url: is missing"]);
        let on_behalf = "auth = { kind = \"on-behalf\", issuer = \"https://a\", audience = \"https://b\", key_file = \"none.pem\" }\n";
        check(&format!("{BEFORE}{WHOLE}{on_behalf}"), &["auth.key_file: ", "auth.kind: on-behalf is for sources"]);
        check(&format!("{}{WHOLE}", BEFORE.replace("id = \"a\"", "id = \"pds\"")), &["source.id: is the national demographics service's"]);
        check(&format!("{BEFORE}{}", WHOLE.replace("https://api.example", "http://127.0.0.1:8721")), &[]);
    }

    /// What stands in the example as a comment, taken out of it.
    #[test]
    fn the_example_says_every_default_of_it() {
        let example = include_str!("../../../../docs/severn.example.toml");
        let from = example.lines().skip_while(|line| !line.starts_with("# [national.demographics]"));
        let block: String = from.take_while(|line| line.starts_with("# ")).map(|line| format!("{}\n", &line[2..])).collect();
        let example = parsed(&format!("{BEFORE}{block}")).unwrap_or_else(|mistakes| panic!("{mistakes:?}")).expect("a service");
        let bare = parsed(&format!("{BEFORE}{WHOLE}")).ok().flatten().expect("a service");
        assert_eq!(format!("{:?}", example.limits), format!("{:?}", bare.limits));
        let keys = block.lines().filter(|line| line.contains(" = ")).count();
        assert!(block.contains("[national.demographics.limits]") && keys >= 14, "{keys}");
    }
}
