//! The go-live ladder: which signatures each step needs, and whether they are there. What a step means for a reader is
//! [`access::Ladder`]'s.
//!
//! A signature is one JWS (ES256 or RS256) by its signer's own key, over who signs, as what, when, for which exchange and step, and the
//! SHA-256 of the document as it lies in the folder now: a document that was changed afterwards is not signed any more. With it stands
//! what is served ([`serves`]): another version of the program, a further source or sign-in provider was not signed for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use access::{Ladder, Step};
use anyhow::{Context, bail};
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use clap::Subcommand;
use people::{MadeUp, Register};
use record::OdsCode;
use serde_json::{Map, Value, json};
use url::Url;

use crate::config::ledger::WITNESSES;
use crate::config::oauth::{Client, Launcher};
use crate::config::sign_in::is_here;
use crate::config::{Config, Source};

/// The tag of a Bundle that is not for care yet, and in its place the header of every answer.
pub const SYSTEM: &str = "urn:severn:go-live";
/// The header.
pub const HEADER: &str = "severn-go-live";

/// What is signed for a step, and as what.
pub struct Need {
    /// The step.
    pub step: Step,
    /// The role of who signs.
    pub role: &'static str,
    /// The document, as its file is called in the pack.
    pub document: &'static str,
}

const fn need(step: Step, role: &'static str, document: &'static str) -> Need {
    Need { step, role, document }
}

/// Every signature that any step needs. Each step stands on its own: what was signed for one is not signed for the next.
pub const NEEDS: &[Need] = &[
    need(Step::Shadow, "clinical-safety-officer", "clinical-risk-management-plan.md"),
    need(Step::Shadow, "clinical-safety-officer", "hazard-log.md"),
    need(Step::Shadow, "data-protection-officer", "dpia.md"),
    need(Step::Shadow, "information-governance-lead", "processor-schedule.md"),
    need(Step::Pilot, "clinical-safety-officer", "clinical-safety-case-report.md"),
    need(Step::Pilot, "clinical-safety-officer", "hazard-log.md"),
    need(Step::Pilot, "deployer-clinical-safety-officer", "dcb0160-starter.md"),
    need(Step::Pilot, "caldicott-guardian", "sharing-agreement.md"),
    need(Step::Pilot, "data-protection-officer", "dpia.md"),
    need(Step::Pilot, "data-protection-officer", "dpia-adult-social-care.md"),
    need(Step::Pilot, "data-protection-officer", "dpia-childrens-social-care.md"),
    need(Step::Pilot, "security-lead", "threat-model.md"),
    need(Step::Live, "clinical-safety-officer", "clinical-safety-case-report.md"),
    need(Step::Live, "clinical-safety-officer", "hazard-log.md"),
    need(Step::Live, "deployer-clinical-safety-officer", "dcb0160-starter.md"),
    need(Step::Live, "caldicott-guardian", "sharing-agreement.md"),
    need(Step::Live, "data-protection-officer", "dpia.md"),
    need(Step::Live, "data-protection-officer", "dpia-adult-social-care.md"),
    need(Step::Live, "data-protection-officer", "dpia-childrens-social-care.md"),
    need(Step::Live, "security-lead", "threat-model.md"),
    need(Step::Live, "information-governance-lead", "dspt.md"),
    need(Step::Live, "senior-responsible-owner", "clinical-safety-case-report.md"),
];

/// Everything as which somebody may sign.
pub fn roles() -> BTreeSet<&'static str> {
    NEEDS.iter().map(|need| need.role).collect()
}

/// The register as a step lets it be seen: a demonstration's holds people who are made up, and nobody else, whatever lies in its store.
pub fn register(step: Step, register: Arc<dyn Register>) -> Arc<dyn Register> {
    match step {
        Step::Demo => Arc::new(MadeUp::of(register)),
        Step::Shadow | Step::Pilot | Step::Live => register,
    }
}

/// What is served, a line each: the program, the exchange, whose data it asks for, and who signs its readers in. A signature is over it, so
/// that nothing is added to what was signed for. Addresses and limits are not in it: to move a source is not to share more.
pub fn serves(config: &Config) -> String {
    let mut lines = vec![
        format!("program severn {}", env!("CARGO_PKG_VERSION")),
        format!("exchange {} of {}", config.exchange.id, config.exchange.organisation),
    ];
    let mut rest: Vec<String> = config.sources.iter().map(source_line).collect();
    rest.extend(config.sign_in.iter().map(|provider| format!("sign-in {:?} for {:?}", provider.issuer, provider.audience)));
    let launcher = |one: &Launcher| {
        let (who, may) = (codes(&one.organisations), (&one.scopes, &one.roles, &one.activities, &one.purposes));
        format!(
            "launches from {:?} of {who} for {may:?}, national ids {}",
            one.issuer,
            if one.vouches_nationally { "taken" } else { "refused" }
        )
    };
    rest.extend(config.launchers.iter().map(launcher));
    let system = |one: &Client| {
        let may = (&one.scopes, &one.roles, &one.activities, &one.purposes);
        format!("system {:?} of {} for {may:?}", one.id, one.organisation.code)
    };
    rest.extend(config.clients.iter().map(system));
    rest.sort();
    lines.extend(rest);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn source_line(source: &Source) -> String {
    format!("source {} of {} vouching for {}", source.id, source.organisation, codes(&source.vouches_for))
}

fn codes(organisations: &[OdsCode]) -> String {
    let codes: Vec<&str> = organisations.iter().map(OdsCode::as_str).collect();
    format!("[{}]", codes.join(" "))
}

/// Stands on the step of the configuration, or says in words which signatures are not there.
pub fn climb(config: &Config, now: jiff::Timestamp) -> anyhow::Result<Ladder> {
    let lacking = lacking(config, now);
    if !lacking.is_empty() {
        bail!("the step `{}` of [go_live] cannot be entered:\n  {}", config.go_live.step.word(), lacking.join("\n  "));
    }
    Ok(Ladder::new(config.go_live.step, config.go_live.named.clone()))
}

/// What the step still lacks, one sentence each.
pub fn lacking(config: &Config, now: jiff::Timestamp) -> Vec<String> {
    let go_live = &config.go_live;
    let needs: Vec<&Need> = NEEDS.iter().filter(|need| need.step == go_live.step).collect();
    if needs.is_empty() {
        return Vec::new();
    }
    let (folder, file) = match (&go_live.documents, &go_live.signatures) {
        (Some(folder), Some(file)) => (folder, file),
        _ => return vec!["[go_live] names no documents or no signatures".to_owned()],
    };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return vec![format!("the signatures cannot be read: {}: {error}", file.display())],
    };
    let signed = signed(&text, config, now);
    let serves = digest_of(serves(config).as_bytes());
    let words = |need: &&Need| {
        let who = format!("{} needs the signature of the {}", need.document, need.role.replace('-', " "));
        match digest(&folder.join(need.document)) {
            Err(error) => Some(format!("{who}, and cannot be read: {error}")),
            Ok(digest) => {
                let same: Vec<&Signature> = signed.iter().filter(|one| one.role == need.role && one.document == need.document).collect();
                if same.iter().any(|one| one.digest == digest && one.serves == serves) {
                    return None;
                }
                Some(match same.iter().any(|one| one.digest == digest) {
                    true => format!("{who}: what is served is not what was signed for (`severn go-live sign` says what is served now)"),
                    false if !same.is_empty() => format!("{who}: what was signed is another text than the one there now"),
                    false => format!("{who}: there is none that is good"),
                })
            }
        }
    };
    let lacking = needs.iter().filter_map(words);
    let lacking = lacking.chain(unguarded(config));
    let log = needs.iter().any(|need| need.document == HAZARD_LOG).then(|| another_log(&folder.join(HAZARD_LOG))).flatten();
    lacking.chain(log).collect()
}

/// What nobody signs for, and must be so all the same before anybody real is shown: others keep copies of the ledger's ends, and nothing
/// of anybody goes over a network in the open.
fn unguarded(config: &Config) -> Vec<String> {
    let handed = config.ledger.witnesses.len();
    let few = (handed < WITNESSES).then(|| {
        format!(
            "the ledger's checkpoints are handed to {handed} of at least {WITNESSES} others ([[ledger.witness]]): whoever has the store and \
             the key could make all of it anew"
        )
    });
    let open = |url: &Url| url.scheme() != "https" && !is_here(url);
    let sources = config.sources.iter().filter(|source| open(&source.url));
    let words = |source: &Source| format!("the source {} is asked in the open: its url must be https, or on this machine", source.id);
    few.into_iter().chain(sources.map(words)).collect()
}

/// The document that the program can compare with what it was built with.
const HAZARD_LOG: &str = "hazard-log.md";

/// Whether a hazard log is another than the one that this program was built with. That it cannot be read is said by who signs it.
fn another_log(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let own = assurance::Log::own().map(|log| assurance::report(&log, env!("CARGO_PKG_VERSION")));
    let same = own.is_ok_and(|own| text.ends_with(&own));
    (!same).then(|| format!("{HAZARD_LOG} is another program's: it does not end with what `severn safety report` prints"))
}

/// What somebody signed, with the right key and for this exchange and step.
struct Signature {
    role: String,
    document: String,
    digest: String,
    serves: String,
}

/// The signatures that are good. One that is not is as if it were not there.
fn signed(text: &str, config: &Config, now: jiff::Timestamp) -> Vec<Signature> {
    let (go_live, exchange) = (&config.go_live, config.exchange.id.as_str());
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let keys: Vec<_> = go_live.signers.iter().filter_map(|signer| Some((signer, std::fs::read(&signer.keys).ok()?))).collect();
    let read = |line: &str| {
        let (signer, claims) = keys.iter().find_map(|(signer, keys)| Some((signer, crate::token::signed_by(line, keys)?)))?;
        let said = |name: &str| claims.get(name).and_then(Value::as_str);
        let date: jiff::civil::Date = said("date")?.parse().ok()?;
        // The key says who it is: what they call themselves must be who they are known to be.
        let good = said("name") == Some(&signer.name)
            && said("role") == Some(&signer.role)
            && said("exchange") == Some(exchange)
            && said("step") == Some(go_live.step.word())
            && date <= today;
        let text = |name: &str| said(name).map(str::to_owned);
        good.then_some(Signature {
            role: signer.role.clone(),
            document: text("document")?,
            digest: text("digest")?,
            serves: text("serves")?,
        })
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty()).filter_map(read).collect()
}

fn digest(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    Ok(digest_of(&bytes))
}

fn digest_of(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    format!("sha256:{}", data_encoding::HEXLOWER.encode(digest.as_ref()))
}

/// `severn go-live …`
#[derive(Subcommand)]
pub enum Command {
    /// Prints the public half of a key, as a JWKS for `keys` of a `[[go_live.signer]]`.
    Key {
        /// The private key, in PEM (P-256 or RSA).
        #[arg(long)]
        key: PathBuf,
    },
    /// Prints a signature for each document that a signer signs for the step of the configuration: lines for its signatures file.
    Sign {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// Which of its signers, by name.
        #[arg(long)]
        name: String,
        /// Their private key, in PEM (P-256 or RSA).
        #[arg(long)]
        key: PathBuf,
    },
    /// Says what the step of the configuration still lacks; exits 1 if it lacks something.
    Status {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
}

/// Runs one of them.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Key { key } => {
            let key = source::SigningKey::open(&key, None).with_context(|| key.display().to_string())?;
            println!("{}", json!({"keys": [key.public()]}));
        }
        Command::Sign { config, name, key } => {
            let config = read(&config)?;
            let now = crate::wiring::system_clock().now();
            eprint!("what is served, and signed with each document:\n{}", serves(&config));
            for line in sign(&config, &name, &key, now)? {
                println!("{line}");
            }
        }
        Command::Status { config } => {
            let config = read(&config)?;
            let lacking = lacking(&config, crate::wiring::system_clock().now());
            lacking.iter().for_each(|what| println!("{what}"));
            println!("{}: {} lacking", config.go_live.step.word(), lacking.len());
            return Ok(if lacking.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<Config> {
    crate::check::load(file)?.map_err(|mistakes| {
        crate::check::print_mistakes(file, &mistakes);
        anyhow::anyhow!("the configuration is wrong")
    })
}

/// What one signer signs for the step of a configuration.
pub fn sign(config: &Config, name: &str, key: &Path, now: jiff::Timestamp) -> anyhow::Result<Vec<String>> {
    let go_live = &config.go_live;
    let signer =
        go_live.signers.iter().find(|signer| signer.name == name).with_context(|| format!("no [[go_live.signer]] is named `{name}`"))?;
    let folder = go_live.documents.as_ref().context("[go_live] names no documents")?;
    let key = source::SigningKey::open(key, None).with_context(|| key.display().to_string())?;
    let date = now.to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
    let serves = digest_of(serves(config).as_bytes());
    let needs = NEEDS.iter().filter(|need| need.step == go_live.step && need.role == signer.role);
    let line = |need: &Need| {
        let mut claims = Map::new();
        let digest = digest(&folder.join(need.document))?;
        let step = need.step.word();
        let said = [
            ("exchange", config.exchange.id.as_str()),
            ("step", step),
            ("name", &signer.name),
            ("role", &signer.role),
            ("date", &date),
            ("document", need.document),
            ("digest", &digest),
            ("serves", &serves),
        ];
        claims.extend(said.map(|(name, value)| (name.to_owned(), Value::from(value))));
        key.sign(&claims).map_err(|_| anyhow::anyhow!("the key does not sign"))
    };
    needs.map(line).collect()
}

/// Says on every answer where the exchange stands, while that is not yet live: in a header, and on pages in words that stay in sight.
pub async fn mark(step: Step, mut response: Response) -> Response {
    let Some(caution) = step.caution() else { return response };
    response.headers_mut().insert(HEADER, HeaderValue::from_static(step.word()));
    if response.extensions().get::<crate::viewer::Cautioned>().is_some() {
        return response;
    }
    let html = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !html {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Pages are made here, in memory, and are as large as they are.
    let Ok(page) = axum::body::to_bytes(body, usize::MAX).await else { return Response::from_parts(parts, Body::empty()) };
    parts.headers.remove(header::CONTENT_LENGTH);
    let banner = format!("<p role=note style=\"{STYLE}\">{caution}");
    let page = if page.is_empty() { page } else { [&page, banner.as_bytes()].concat().into() };
    Response::from_parts(parts, Body::from(page))
}

const STYLE: &str = "position:fixed;bottom:0;left:0;right:0;margin:0;padding:.5rem 1rem;background:#ffb81c;color:#212b32;font-weight:bold";
