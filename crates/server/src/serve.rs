//! `severn serve`: configuration, build, serve, drain.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::check;
use crate::fhir_api::App;
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
    if let Some(locator) = &config.record_locator {
        println!("severn: {}", locator.words());
    }
    if let Some(service) = &config.demographics {
        println!("severn: {}", service.words());
    }
    let listen = config.exchange.listen;
    let public = config.exchange.public_url.clone();
    crate::store::prepare(&config.store).await?;
    let outside = Outside::real(&config)?;
    let (app, writing) = wiring::app(config, outside)?;
    let app = Arc::new(app);
    fill(&app).await?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    println!("severn: serving {public}/fhir/R4 and {public}/fhir/STU3 on {listen}");
    // The ledger's writer ends when the last request has let go of it.
    let (served, ()) = tokio::join!(crate::http::serve(listener, app, stop()), writing);
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the register into the person index before anybody can ask: an index half filled would say of people that nobody knows them.
async fn fill(app: &App) -> anyhow::Result<()> {
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

/// Resolves when the process is asked to stop.
pub async fn stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
