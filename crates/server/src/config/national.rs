//! `[national.record_locator]`: off unless it is there. Beside it stands `[national.demographics]` (`demographics.rs`).

use national::PracticeSetting;
use record::{OdsCode, SourceId};
use source::Auth;
use url::Url;

use super::reader::Section;
use super::sign_in::{is_here, is_private};
use super::{ExchangeConfig, Reader};

/// By this id the way to the locator is known beside those to sources; none of them may have it.
pub const ID: &str = "nrl";

/// `[national.record_locator]`
#[derive(Debug, Clone)]
pub struct RecordLocator {
    /// Its base, above `producer/` and `consumer/`, without a slash at its end.
    pub url: Url,
    /// In whose name pointers are.
    pub custodian: OdsCode,
    /// On whose behalf it is asked; the custodian's unless said.
    pub end_user_organisation: OdsCode,
    /// What pointers say of where care is given.
    pub practice_setting: Option<PracticeSetting>,
    /// Whether it is told of the people whose record is here.
    pub publish: bool,
    /// Whether it is asked who else holds a shared record of somebody.
    pub consult: bool,
    /// How to authenticate.
    pub auth: Auth,
    /// `[national.record_locator.limits]`
    pub limits: Limits,
}

/// `[national.record_locator.limits]`
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the key of that name; its default stands where it is read")]
pub struct Limits {
    pub connect_ms: u64,
    /// Of a read's time, what asking may take.
    pub consult_ms: u64,
    /// For all it takes to see that one person has one pointer.
    pub publish_ms: u64,
    pub queue_ms: u64,
    pub concurrent: usize,
    pub per_second: u64,
    pub answer_bytes_max: usize,
    /// People whose pointers are seen to at once.
    pub publish_concurrent: usize,
    /// People who wait for it at most; one more is said to be left out, and met again with the next read.
    pub publish_queue_max: usize,
    /// A person whose pointer was seen to is not looked at again for so long.
    pub publish_again_hours: u64,
    /// How many people that is known of.
    pub publish_known_max: usize,
    /// What failed is tried again after so long, so many times.
    pub publish_retry_minutes: u64,
    pub publish_tries: u64,
    pub breaker_window: usize,
    pub breaker_share_percent: u64,
    pub breaker_pause_ms: u64,
}

impl<'a> Reader<'a> {
    /// `Some(None)` where there is no such section; `None` only where a mistake was noted.
    pub(super) fn record_locator(&self, national: &Section<'a>, exchange: Option<&ExchangeConfig>) -> Option<Option<RecordLocator>> {
        if !national.has("record_locator") {
            return Some(None);
        }
        let section = national.section("record_locator");
        let url = base(&section);
        let custodian = section.required("custodian");
        let end_user_organisation = section.parsed("end_user_organisation").or_else(|| custodian.clone());
        let (publish, consult) = (section.flag("publish"), section.flag("consult"));
        if !publish && !consult {
            section.mistake("publish", "and consult are both off: leave the section out, or say what it is for");
        }
        // A pointer that leads to this machine leads nobody anywhere; only a pretend locator on this machine may have one.
        let public = exchange.and_then(|exchange| exchange.public_url.parse::<Url>().ok());
        if publish
            && url.as_ref().is_some_and(|url| !is_here(url))
            && public.is_some_and(|public| public.scheme() != "https" || is_here(&public))
        {
            section.mistake("publish", "wants an exchange.public_url that leads here from elsewhere, by https: pointers lead to it");
        }
        let practice_setting = section.has("practice_setting").then(|| setting(section.section("practice_setting")));
        if publish && practice_setting.is_none() {
            section.mistake("practice_setting", "is missing: { code, display } as agreed at onboarding; no pointer is taken without");
        }
        // What the national platform signs with.
        let auth = self.auth(section.section("auth"), Some(jsonwebtoken::Algorithm::RS512));
        if matches!(auth, Some(source::Auth::OnBehalf(_))) {
            section.section("auth").mistake("kind", "on-behalf is for sources: the locator is asked in the exchange's own name");
        }
        let limits = limits(section.section("limits"));
        section.finish();
        Some(Some(RecordLocator {
            url: url?,
            custodian: custodian?,
            end_user_organisation: end_user_organisation?,
            practice_setting: practice_setting.map_or(Some(None), |setting| setting.map(Some))?,
            publish,
            consult,
            auth: auth?,
            limits,
        }))
    }

    /// A national service's way out has an id among the sources'.
    pub(super) fn id_is_free(&self, sources: &[Section<'a>], id: &str, whose: &str) {
        for section in sources.iter().filter(|section| section.text("id").as_deref() == Some(id)) {
            section.mistake("id", format!("is {whose}, which this configuration has"));
        }
    }
}

impl RecordLocator {
    /// What `source` wants to know of the way there.
    pub fn way(&self) -> source::SourceConfig {
        let limits = &self.limits;
        source::SourceConfig {
            id: id(),
            organisation: self.custodian.clone(),
            base: self.url.clone(),
            auth: self.auth.clone(),
            exchange: None,
            ca_file: None,
            limits: source::Limits {
                connect_ms: limits.connect_ms,
                source_ms: limits.consult_ms.max(limits.publish_ms),
                queue_ms: limits.queue_ms,
                concurrent: limits.concurrent,
                per_second: limits.per_second,
                spaced: false,
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
        let does: Vec<&str> = [(self.publish, "told who has a record here"), (self.consult, "asked who else holds one")]
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, does)| *does)
            .collect();
        format!("national record locator: {}, as {}", does.join(" and "), self.custodian)
    }
}

/// A national service's base.
pub(super) fn base(section: &Section<'_>) -> Option<Url> {
    section.required::<Url>("url").filter(|url| {
        let fine = url.query().is_none() && url.fragment().is_none() && is_private(url);
        if !fine {
            section.mistake("url", "must be an https base without a query: what is sent there names people");
        }
        fine
    })
}

fn setting(section: Section<'_>) -> Option<PracticeSetting> {
    let (code, display) = (section.required("code"), section.required("display"));
    section.finish();
    Some(PracticeSetting { code: code?, display: display? })
}

fn id() -> SourceId {
    ID.parse().expect("letters are a source id")
}

fn limits(section: Section<'_>) -> Limits {
    let size = |key, default: u64, bounds| section.number(key, default, bounds) as usize;
    let limits = Limits {
        connect_ms: section.number("connect_ms", 1_000, 10..=60_000),
        consult_ms: section.number("consult_ms", 1_000, 50..=60_000),
        publish_ms: section.number("publish_ms", 10_000, 100..=120_000),
        queue_ms: section.number("queue_ms", 200, 0..=60_000),
        concurrent: size("concurrent", 16, 1..=1_000),
        per_second: section.number("per_second", 50, 1..=100_000),
        answer_bytes_max: size("answer_bytes_max", 1 << 20, 1_024..=1 << 26),
        publish_concurrent: size("publish_concurrent", 2, 1..=100),
        publish_queue_max: size("publish_queue_max", 10_000, 1..=1_000_000),
        publish_again_hours: section.number("publish_again_hours", 168, 1..=8_760),
        publish_known_max: size("publish_known_max", 1_000_000, 2..=100_000_000),
        publish_retry_minutes: section.number("publish_retry_minutes", 5, 1..=10_080),
        publish_tries: section.number("publish_tries", 12, 1..=1_000),
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
    const WHOLE: &str = "[national.record_locator]\nurl = \"https://api.example/record-locator\"\ncustodian = \"QHL\"\npublish = true\n\
                         practice_setting = { code = \"394802001\", display = \"General medicine\" }\n";

    fn parsed(text: &str) -> Result<Option<RecordLocator>, Vec<String>> {
        let config = Config::parse(text, Path::new("."));
        config.map(|config| config.record_locator).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    fn check(before: &str, block: &str, expected: &[&str]) {
        let found = parsed(&format!("{before}{block}")).err().unwrap_or_default();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        expected.iter().zip(&found).for_each(|(expected, found)| assert!(found.contains(expected), "{found}"));
    }

    #[test]
    fn it_is_off_unless_it_is_there() {
        assert!(parsed(BEFORE).is_ok_and(|locator| locator.is_none()));
        assert!(parsed(&format!("{BEFORE}[national]\n")).is_ok_and(|locator| locator.is_none()));
        let locator = parsed(&format!("{BEFORE}{WHOLE}")).ok().flatten().expect("a locator");
        assert_eq!((locator.publish, locator.consult), (true, false), "each half for itself");
        assert_eq!(locator.end_user_organisation, locator.custodian);
    }

    #[test]
    fn what_is_wrong_with_it_is_told_with_its_line() {
        let bare = "[national.record_locator]\nurl = \"ftp://x\"\ncustodian = \"qhl\"\npublsh = true\nauth = { kind = \"magic\" }\nlimits = { consult_ms = 0, colour = 1 }\n";
        check(
            BEFORE,
            bare,
            &[
                "line 15: national.record_locator.publish: and consult are both off",
                "line 16: national.record_locator.url: must be an https base",
                "line 17: national.record_locator.custodian: `qhl`",
                "line 18: national.record_locator.publsh is not known; did you mean `publish`?",
                "line 19: national.record_locator.auth.kind: `magic` is not known",
                "line 20: national.record_locator.limits.colour is not known",
                "line 20: national.record_locator.limits.consult_ms: must be a whole number",
            ],
        );
        check(
            BEFORE,
            "[national.record_locator]\nconsult = \"yes\"\n",
            &["custodian: is missing", "publish: and", "url: is missing", "consult: must be true or false, not string"],
        );
        check(BEFORE, "[national.registry]\n", &["national.registry is not known"]);
        check(BEFORE, WHOLE, &[]);
        let on_behalf = "auth = { kind = \"on-behalf\", issuer = \"https://a\", audience = \"https://b\", key_file = \"none.pem\" }\n";
        check(BEFORE, &format!("{WHOLE}{on_behalf}"), &["auth.key_file: ", "auth.kind: on-behalf is for sources"]);
        check(BEFORE, &WHOLE.replace("https://api", "http://api"), &["url: must be an https base"]);
        check(&BEFORE.replace("id = \"a\"", "id = \"nrl\""), WHOLE, &["source.id: is the national record locator's"]);
    }

    /// A pointer is for others to follow.
    #[test]
    fn pointers_lead_here_from_elsewhere() {
        let here = BEFORE.replace("https://severn.example", "http://127.0.0.1:8700");
        check(&here, WHOLE, &["publish: wants an exchange.public_url that leads here from elsewhere"]);
        check(&here, &WHOLE.replace("publish", "consult"), &[]);
        let unsaid = WHOLE.lines().filter(|line| !line.starts_with("practice")).map(|line| format!("{line}\n")).collect::<String>();
        check(BEFORE, &unsaid, &["practice_setting: is missing"]);
        check(BEFORE, &unsaid.replace("publish", "consult"), &[]);
        check(&here, &WHOLE.replace("https://api.example", "http://127.0.0.1:8720"), &[]);
    }

    #[test]
    fn an_assertion_for_the_national_platform_is_signed_as_it_wants() {
        let auth = "auth = { kind = \"private-key-jwt\", token_url = \"https://api.example/oauth2/token\", client_id = \"k\", key_file = \"k.pem\"";
        let alg = |more: &str| match parsed(&format!("{BEFORE}{WHOLE}{auth}{more} }}\n")).ok().flatten().map(|locator| locator.auth) {
            Some(Auth::PrivateKeyJwt { alg, .. }) => alg,
            other => panic!("{other:?}"),
        };
        assert_eq!(alg(""), Some(jsonwebtoken::Algorithm::RS512));
        assert_eq!(alg(", alg = \"ES256\""), Some(jsonwebtoken::Algorithm::ES256));
        check(BEFORE, &format!("{WHOLE}{auth}, alg = \"none\" }}\n"), &["auth.alg: `none` is not known"]);
    }

    /// What stands in the example as a comment, taken out of it.
    #[test]
    fn the_example_says_every_default_of_it() {
        let example = include_str!("../../../../docs/severn.example.toml");
        let from = example.lines().skip_while(|line| !line.starts_with("# [national.record_locator]"));
        let block: String = from.take_while(|line| line.starts_with("# ")).map(|line| format!("{}\n", &line[2..])).collect();
        let example = parsed(&format!("{BEFORE}{block}")).unwrap_or_else(|mistakes| panic!("{mistakes:?}")).expect("a locator");
        let bare = parsed(&format!("{BEFORE}{WHOLE}")).ok().flatten().expect("a locator");
        assert_eq!(format!("{:?}", example.limits), format!("{:?}", bare.limits));
        let keys = block.lines().filter(|line| line.contains(" = ")).count();
        assert!(block.contains("[national.record_locator.limits]") && keys >= 22, "{keys}");
    }
}
