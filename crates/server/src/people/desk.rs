//! The registrar at a command's side.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use audit::{Ledger, Who};
use exchange::Aftermath;
use people::EntryKey;
use people::index::{Index, Progress};
use people::matching::Model;
use people::registrar::{Registrar, Whom};
use record::RequestId;

use super::deed::Desk;
use crate::check;
use crate::config::Config;
use crate::wiring;

/// Reads a configuration; its mistakes are printed.
pub fn config(file: &Path) -> anyhow::Result<Option<Config>> {
    match check::load(file)? {
        Ok(config) => Ok(Some(config)),
        Err(mistakes) => {
            check::print_mistakes(file, &mistakes);
            Ok(None)
        }
    }
}

/// Opens the register as far as the go-live step lets it be seen, and puts a registrar before it whose index is empty yet.
pub async fn registrar(config: &Config) -> anyhow::Result<Registrar> {
    let clock = wiring::system_clock();
    let step = crate::ladder::climb(config, clock.now())?.step();
    let secrets = Arc::new(config.store.secrets()?);
    crate::store::prepare(&config.store).await?;
    let register = crate::ladder::register(step, wiring::open(&config.store, secrets)?);
    Ok(Registrar::new(register, Index::with(config.people.index), Arc::new(Model::standard()), clock, config.people.limits))
}

/// Builds the index from the register, and says how far that is.
pub async fn fill(registrar: &Registrar) -> anyhow::Result<Progress> {
    let began = tokio::time::Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let mut told = began;
    let tell = |progress: Progress| {
        let now = tokio::time::Instant::now();
        if now - began < std::time::Duration::from_secs(2)
            || now - told < std::time::Duration::from_millis(if terminal { 500 } else { 10_000 })
        {
            return;
        }
        told = now;
        let of = progress.total.map(|total| format!(" of {total}")).unwrap_or_default();
        let (start, end) = if terminal { ("\r", "") } else { ("", "\n") };
        eprint!("{start}severn: reading the person index: {}{of} people, {} entries{end}", progress.persons, progress.entries);
    };
    let progress = registrar.fill(tell).await?;
    if terminal && began.elapsed() > std::time::Duration::from_secs(2) {
        eprintln!();
    }
    Ok(progress)
}

/// What a command works with: the registrar, the desk, and the writer of the ledger to be awaited at the end.
pub struct Room {
    pub registrar: Registrar,
    pub desk: Desk,
    pub trace: RequestId,
}

/// Runs `work` with the ledger open beside it.
pub async fn with<T>(config: &Config, work: impl AsyncFnOnce(&Room) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let registrar = registrar(config).await?;
    fill(&registrar).await?;
    let secrets = Arc::new(config.store.secrets()?);
    let store = wiring::open(&config.store, secrets)?;
    let journal = wiring::journal(&config.store)?;
    let (ledger, writing) = Ledger::start(journal, wiring::system_clock(), uuid::Uuid::new_v4().to_string());
    let trace = uuid::Uuid::new_v4().to_string().parse().context("a UUID is a request id")?;
    let aftermath = Aftermath::new(ledger.clone(), store);
    let room = Room { registrar, desk: Desk { ledger, aftermath }, trace };
    let work = async move {
        let worked = work(&room).await;
        drop(room);
        worked
    };
    let (worked, ()) = tokio::join!(work, writing);
    worked
}

/// Somebody at this machine's keyboard, by the name they give.
pub fn operator(name: &str, config: &Config) -> Who {
    Who {
        issuer: "severn people".to_owned(),
        subject: name.to_owned(),
        name: name.to_owned(),
        sds_user_id: None,
        role_profile: None,
        roles: Vec::new(),
        organisation: config.exchange.organisation.to_string(),
        organisation_name: String::new(),
        device: None,
        client: None,
        purposes: Vec::new(),
        token: None,
    }
}

/// Whom somebody means: an NHS number, an entry as SOURCE/LOCAL-ID, or a person's id.
pub fn whom(text: &str) -> anyhow::Result<Whom> {
    if let Ok(number) = text.parse() {
        return Ok(Whom::Number(number));
    }
    if let Some((source, local_id)) = text.split_once('/') {
        let source = source.parse().with_context(|| format!("{text}: an entry is SOURCE/LOCAL-ID"))?;
        return Ok(Whom::Entry(EntryKey { source, local_id: local_id.to_owned() }));
    }
    match text.parse() {
        Ok(person) => Ok(Whom::Person(person)),
        Err(_) => bail!("{text}: neither an NHS number, nor an entry (SOURCE/LOCAL-ID), nor a person's id"),
    }
}
