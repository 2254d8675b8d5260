//! `severn store shred`: evidence whose time is over is made unreadable, by destroying the keys of the people whose it is. What lies in the
//! store stays, and the ledger with it; nothing opens it any more.

use std::process::ExitCode;
use std::sync::Arc;

use ::audit::{Event, Ledger, Who};
use anyhow::Context;
use exchange::Evidence;
use jiff::{Span, Timestamp, tz::TimeZone};
use record::{PersonId, RequestId};

use crate::config::Config;
use crate::people::desk;
use crate::wiring;

/// People in one transaction.
const PEOPLE_AT_ONCE: usize = 200;

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shredded {
    /// People whose evidence nothing opens any more, or would not.
    pub people: usize,
    /// People whose evidence was held, or who were shown, after they had been found.
    pub kept: usize,
}

/// Destroys the keys of everybody of whom nothing was shown since then, and whose evidence is not held. That it is about to be done is on
/// the ledger before it is.
pub async fn shred(store: &dyn Evidence, ledger: &Ledger, by: &Who, shown_before: Timestamp) -> anyhow::Result<Shredded> {
    let (mut done, mut after) = (Shredded::default(), None::<PersonId>);
    loop {
        let due = store.outlived(shown_before, after.as_ref(), PEOPLE_AT_ONCE).await?;
        let Some(last) = due.last() else { return Ok(done) };
        after = Some(last.clone());
        let trace: RequestId = uuid::Uuid::new_v4().to_string().parse().context("a UUID is a request id")?;
        let enter = |people: Vec<PersonId>, step: &'static str, why: String| {
            let (ledger, trace, by) = (ledger.clone(), trace.clone(), by.clone());
            let event = move |person: PersonId| {
                let (step, of) = (step.to_owned(), String::new());
                Event::Vault { by: Some(by.clone()), patient: person.to_string(), step, of, why: why.clone() }
            };
            async move {
                let noted = people.into_iter().map(event).map(|event| {
                    let (ledger, trace) = (ledger.clone(), trace.clone());
                    async move { ledger.note(&trace, &event).await }
                });
                futures::future::try_join_all(noted).await
            }
        };
        enter(due.clone(), "shredding", format!("nothing was shown of them since {shown_before}")).await?;
        let gone = store.shred(&due, shown_before).await?;
        let kept: Vec<PersonId> = due.into_iter().filter(|person| !gone.contains(person)).collect();
        (done.people, done.kept) = (done.people + gone.len(), done.kept + kept.len());
        enter(kept, "not shredded", "it was held, or shown, meanwhile".to_owned()).await?;
    }
}

/// So many years before now.
pub fn before(now: Timestamp, years: u64) -> anyhow::Result<Timestamp> {
    let years = Span::new().try_years(i64::try_from(years)?)?;
    Ok(now.to_zoned(TimeZone::UTC).checked_sub(years)?.timestamp())
}

/// By command: by the configuration's retention.
pub(super) async fn run(config: &Config, by: Option<&str>, dry_run: bool) -> anyhow::Result<ExitCode> {
    super::prepare(&config.store).await?;
    let store = wiring::open(&config.store, Arc::new(config.store.secrets()?))?;
    let clock = wiring::system_clock();
    let years = config.vault.retention_years;
    let shown_before = before(clock.now(), years)?;
    if dry_run {
        let (mut people, mut after) = (0, None);
        loop {
            let due = store.outlived(shown_before, after.as_ref(), PEOPLE_AT_ONCE).await?;
            people += due.len();
            after = due.last().cloned();
            if after.is_none() {
                break;
            }
        }
        println!("shred: of {people} people nothing was shown for {years} years, and nothing is held");
        return Ok(ExitCode::SUCCESS);
    }
    let journal = wiring::journal(&config.store)?;
    let (ledger, writing) = Ledger::start(journal, clock, uuid::Uuid::new_v4().to_string());
    let signed_in = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_else(|| "unknown".to_owned());
    let name = by.map_or_else(signed_in, str::to_owned);
    let by = Who { issuer: "severn store".to_owned(), ..desk::operator(&name, config) };
    let shredding = async move { shred(&*store, &ledger, &by, shown_before).await };
    let (done, ()) = tokio::join!(shredding, writing);
    let done = done?;
    println!("shred: the evidence of {} people cannot be opened any more: nothing was shown of them for {years} years", done.people);
    if done.kept > 0 {
        println!("shred: that of {} was held, or shown, meanwhile", done.kept);
    }
    println!("shred: backups of before still hold their keys: they go when those do");
    Ok(ExitCode::SUCCESS)
}
