//! `severn serve`: configuration, build, serve, drain.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use exchange::Exchange;
use people::Registrar;
use tokio::net::TcpListener;

use crate::check;
use crate::fhir_api::App;
use crate::people::snapshot::Snapshots;
use crate::wiring::{self, Outside};

/// Runs until told to stop; requests under way are finished first.
pub async fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let config = match check::load(file)? {
        Ok(config) => config,
        Err(mistakes) => {
            check::print_mistakes(file, &mistakes);
            return Ok(ExitCode::FAILURE);
        }
    };
    for consumer in &config.consumers {
        println!(
            "severn: {} ({}) may have incomplete reads at {}, accepted by {} on {}",
            consumer.name,
            consumer.client,
            consumer.face.path(),
            consumer.accepted_by,
            consumer.accepted_on
        );
    }
    println!("severn: {}", config.ledger.words());
    if let Some(locator) = &config.record_locator {
        println!("severn: {}", locator.words());
    }
    if let Some(service) = &config.demographics {
        println!("severn: {}", service.words());
    }
    match config.go_live.step.caution() {
        Some(caution) => println!("severn: go-live step {}. {caution}", config.go_live.step.word()),
        None => println!("severn: go-live step live"),
    }
    let listen = config.exchange.listen;
    let public = config.exchange.public_url.clone();
    let rules_asked = crate::policy::hangup()?;
    crate::store::prepare(&config.store).await?;
    crate::policy::known(&config).await?;
    let outside = Outside::real(&config)?;
    let snapshots = wiring::snapshots(&config)?;
    let (follow, index) = (config.people.follow, config.people.index);
    let (app, writing) = wiring::app(config, outside)?;
    let app = Arc::new(app);
    fill(&app, snapshots.as_ref(), index).await?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let stop = stop();
    println!("severn: serving {public}/fhir/R4 and {public}/fhir/STU3 on {listen}");
    let (registrar, exchange) = (app.registrar.clone(), app.exchange.clone());
    let check = Duration::from_secs(app.config.limits.emergency_check_seconds);
    let config = app.config.clone();
    let serving = async move {
        let served = tokio::select! {
            served = crate::http::serve(listener, app, stop) => served,
            () = keep(&registrar, follow, snapshots.as_ref()) => Ok(()),
            () = end_emergencies(&exchange, check) => Ok(()),
            () = crate::policy::keep(&exchange, &config, rules_asked) => Ok(()),
        };
        if let Some(snapshots) = &snapshots
            && let Err(error) = snapshots.write(&registrar).await
        {
            tracing::warn!(error = %format!("{error:#}"), "no snapshot of the person index was written; the next start reads the register");
        }
        served
    };
    // The ledger's writer ends when the last request has let go of it.
    let (served, ()) = tokio::join!(serving, writing);
    served?;
    Ok(ExitCode::SUCCESS)
}

/// What goes on while requests are answered: what others change in the register is read, and the index is written down now and then.
async fn keep(registrar: &Registrar, follow: Duration, snapshots: Option<&Snapshots>) {
    let following = async {
        loop {
            tokio::time::sleep(follow).await;
            if let Err(error) = registrar.follow().await {
                tracing::warn!(%error, "what others changed in the person register could not be read; it is tried again");
            }
        }
    };
    let keeping = async {
        match snapshots {
            Some(snapshots) => snapshots.keep(registrar).await,
            None => std::future::pending().await,
        }
    };
    tokio::join!(following, keeping);
}

/// What was granted in an emergency and is over is entered so, whichever node granted it, and before this one started.
async fn end_emergencies(exchange: &Exchange, every: Duration) {
    loop {
        if let Err(error) = exchange.enter_ended_emergencies().await {
            tracing::error!(alert = "emergency.end", %error, "the end of an emergency could not be entered; it is tried again");
        }
        tokio::time::sleep(every).await;
    }
}

/// Fills the person index before anybody can ask: an index half filled would say of people that nobody knows them. From the snapshot where
/// there is one that fits, else from the register.
async fn fill(app: &App, snapshots: Option<&Snapshots>, limits: people::index::Limits) -> anyhow::Result<()> {
    if let Some(snapshots) = snapshots {
        match snapshots.read(&app.registrar, limits).await.context("reading what changed in the person register since the snapshot")? {
            Ok(()) => {
                println!("severn: the person index goes on from its snapshot, with what changed since");
                return Ok(());
            }
            Err(why) => println!("severn: no snapshot of the person index is used: {why}"),
        }
    }
    let mut told = tokio::time::Instant::now();
    let progress = app.registrar.fill(|progress| {
        if told.elapsed() >= TELL {
            told = tokio::time::Instant::now();
            println!("severn: person index: {} persons", progress.persons);
        }
    });
    let progress = progress.await.context("reading the person register into memory")?;
    println!("severn: the person index holds {} persons", progress.persons);
    Ok(())
}

/// How often progress is told.
const TELL: std::time::Duration = std::time::Duration::from_secs(2);

/// Resolves when the process is asked to stop, from the call on: a word that comes before anybody waits for it is heard too.
pub fn stop() -> impl Future<Output = ()> + Send {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}
