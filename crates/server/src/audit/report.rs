//! `severn audit report`: who looked, in plain English. That it was made stands on the ledger, too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ::audit::report::{About, html, text, told};
use ::audit::{Account, By, Ledger, Lookup, Who};
use anyhow::{Context, bail};
use jiff::Timestamp;
use record::{NhsNumber, RequestId};

use crate::config::Config;
use crate::people::desk;
use crate::privacy::room::{Failed, Room, always};
use crate::wiring;

/// Of whom, by whom, or from whom.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration.
    #[arg(long)]
    config: PathBuf,
    /// Whose record was looked at: an NHS number.
    #[arg(long, group = "whose")]
    patient: Option<String>,
    /// Who looked: a national user id, or ISSUER|SUBJECT.
    #[arg(long, group = "whose")]
    user: Option<String>,
    /// Whose data were shown: the id of a source.
    #[arg(long, group = "whose")]
    source: Option<String>,
    /// From then on: a date, or an instant.
    #[arg(long)]
    since: Option<String>,
    /// Before then.
    #[arg(long)]
    until: Option<String>,
    /// A page of HTML instead of text.
    #[arg(long)]
    html: bool,
    /// Whoever it is about must not be found by it, whatever the sources say: no organisation and no system is named.
    #[arg(long)]
    restricted: bool,
    /// Who you are: it stands on the ledger. By default who is signed in at this machine.
    #[arg(long = "as")]
    by: Option<String>,
}

/// Prints the report.
pub async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(config) = desk::config(&arguments.config)? else { return Ok(ExitCode::FAILURE) };
    let secrets = Arc::new(config.store.secrets()?);
    crate::store::prepare(&config.store).await?;
    let store = wiring::open(&config.store, secrets)?;
    let registrar = desk::registrar(&config).await?;
    desk::fill(&registrar).await?;
    let (title, by) = match (&arguments.patient, &arguments.user, &arguments.source) {
        (Some(number), None, None) => {
            let number: NhsNumber = number.parse().map_err(|error| anyhow::anyhow!("--patient: {error}"))?;
            let person = exchange::People::known(&*store, &number).await?;
            ("Who looked at your record", By::Patient(person.map(|person| person.to_string()).unwrap_or_default()))
        }
        (None, Some(user), None) => ("What this user looked at", by_user(user)),
        (None, None, Some(source)) => ("Who received this source's data", By::Source(source.clone())),
        _ => bail!("give one of --patient, --user and --source"),
    };
    let (begin, end) = always();
    let (since, until) = (instant(arguments.since.as_deref(), begin)?, instant(arguments.until.as_deref(), end)?);
    let lookup = Lookup { by, since, until, from: None, count_max: config.privacy.report_max };
    let journal = wiring::journal(&config.store)?;
    let clock = wiring::system_clock();
    let (ledger, writing) = Ledger::start(journal, clock.clone(), uuid::Uuid::new_v4().to_string());
    let room = Room { ledger, reader: store.clone(), queue: store.clone(), evidence: store, index: Arc::new(registrar), clock };
    let reporting = async move {
        let trace: RequestId = uuid::Uuid::new_v4().to_string().parse().context("a UUID is a request id")?;
        let look = async {
            let gathered = gather(&room, &lookup, &config, arguments.restricted).await?;
            let people = gathered.0.iter().flat_map(|account| account.patients.clone()).collect();
            Ok::<_, Failed>((gathered, people))
        };
        let what = if matches!(lookup.by, By::Patient(_)) { "report by patient" } else { "report by user or source" };
        room.shows(&trace, operator(arguments, &config), what, look).await.map_err(anyhow::Error::from)
    };
    let (report, ()) = tokio::join!(reporting, writing);
    let (accounts, about) = report?.into_inner();
    let told = told(&accounts, &about);
    print!("{}", if arguments.html { html(title, &told) } else { text(title, &told) });
    Ok(ExitCode::SUCCESS)
}

/// Every access that is found, the earliest first, and what is known beside.
async fn gather(room: &Room, lookup: &Lookup, config: &Config, restricted: bool) -> Result<(Vec<Account>, About), Failed> {
    let (mut accounts, mut hidden) = (Vec::new(), BTreeSet::new());
    let mut lookup = lookup.clone();
    loop {
        let page = room.page(&lookup).await?;
        accounts.extend(page.accounts.into_iter().map(|(_, account)| account));
        hidden.extend(page.hidden);
        match page.next {
            Some(next) => lookup.from = Some(next),
            None => break,
        }
    }
    accounts.reverse();
    if restricted {
        hidden.extend(accounts.iter().flat_map(|account| account.patients.iter().cloned()));
    }
    let traces: Vec<String> = accounts.iter().map(|account| account.trace.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut reviews: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for task in room.queue.privacy_tasks_of(&traces).await? {
        reviews.entry(task.trace).or_default().push((task.kind.name().to_owned(), task.state.name().to_owned()));
    }
    let about = About {
        sources: config.sources.iter().map(|source| (source.id.to_string(), source.name.clone())).collect(),
        withheld: config.privacy.withheld_names.iter().cloned().collect(),
        hidden,
        reviews,
        to_the_person: matches!(lookup.by, By::Patient(_)),
    };
    Ok((accounts, about))
}

fn by_user(user: &str) -> By {
    match user.rsplit_once('|') {
        Some((issuer, subject)) => By::User { issuer: issuer.to_owned(), subject: subject.to_owned() },
        None => By::SdsUser(user.to_owned()),
    }
}

/// A date begins at midnight UTC.
fn instant(text: Option<&str>, default: Timestamp) -> anyhow::Result<Timestamp> {
    let Some(text) = text else { return Ok(default) };
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return Ok(day.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp());
    }
    text.parse().with_context(|| format!("{text}: neither a date (2026-11-01) nor an instant (2026-11-01T09:00:00Z)"))
}

fn operator(arguments: &Arguments, config: &Config) -> Who {
    let signed_in = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_else(|| "unknown".to_owned());
    let name = arguments.by.clone().unwrap_or_else(signed_in);
    Who { issuer: "severn audit".to_owned(), ..desk::operator(&name, config) }
}
