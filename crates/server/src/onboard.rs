//! `severn onboard`: files and arguments around the visit of a supplier.

mod arguments;
mod shadow;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use onboard::{Patient, Secrets, Severity, Supplier, Visit, block, drift, page};
use source::{Http, Prober};

use crate::config::Source;
use crate::wiring;
pub use arguments::Arguments;

/// Something of the supplier is broken.
const BROKEN: u8 = 2;
/// It is not what it was at the last run, or not what the live source is.
const DIFFERS: u8 = 3;

/// Places of a finding that the terminal shows.
const PLACES_MAX: usize = 8;

/// Visits a supplier and writes the reports; or prints the table of dialects.
///
/// Exits with 0 when the report is written and nothing is broken (with `--drift`: nothing changed), 1 when it could not be
/// written, 2 when something is broken or nobody was read, 3 when something changed or differs.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.table {
        print!("{}", table(&arguments.fixtures)?);
        return Ok(ExitCode::SUCCESS);
    }
    let source = arguments.source()?;
    let patients = arguments.patients()?;
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("onboard-{}", source.id)));
    std::fs::create_dir_all(&out).with_context(|| format!("making the folder {}", out.display()))?;
    if let Some(live) = &arguments.shadow {
        return shadow::run(&arguments, live, &source, &patients, &out).await;
    }
    let supplier = supplier(&source, &arguments);
    let prober = prober(&source, &arguments, &supplier.secrets)?;
    eprintln!("onboard: asking {} as {}", source.url, source.id);
    let clock = wiring::system_clock();
    let visit = onboard::visit(supplier, &patients, &prober, clock.now(), |what| eprintln!("onboard: {what} ...")).await;
    let changes = changes(&out, &visit, arguments.drift)?;
    write(&out, &visit, changes.as_deref())?;
    print!("{}", words(&out, &visit, changes.as_deref()));
    Ok(match changes {
        Some(changes) if !changes.is_empty() => ExitCode::from(DIFFERS),
        // Nothing changed where nothing was seen is no good news.
        _ if visit.read == 0 => ExitCode::from(BROKEN),
        None if visit.worst() == Severity::Broken => ExitCode::from(BROKEN),
        _ => ExitCode::SUCCESS,
    })
}

/// One supplier, one call after another.
fn prober(source: &Source, arguments: &Arguments, secrets: &Secrets) -> anyhow::Result<Prober> {
    let mut config = wiring::source_config(source);
    config.limits.per_second = arguments.per_second;
    config.limits.source_ms = arguments.call_ms;
    let http = Http::new(std::slice::from_ref(&config))?;
    Ok(Prober::new(config, secrets.on(Arc::new(http)), wiring::system_clock()))
}

fn supplier(source: &Source, arguments: &Arguments) -> Supplier {
    let given = arguments.dialect.is_some() || arguments.is_configured();
    Supplier {
        id: source.id.clone(),
        name: source.name.clone(),
        organisation: arguments.organisation(source),
        settings: wiring::dialect_settings(source, "http://onboard.invalid/fhir/R4"),
        dialect: given.then_some(source.dialect),
        auth: arguments.auth.clone(),
        secrets: Secrets::default(),
        verified: source.nhs_number == crate::config::NhsNumberTrust::Verified,
        ca_file: arguments.ca_file.as_ref().map(|file| file.display().to_string()),
    }
}

fn last(out: &Path) -> PathBuf {
    out.join("last.json")
}

/// What changed since the last run, which this one takes the place of. `None` where nobody asked, or there was none.
fn changes(out: &Path, visit: &Visit, asked: bool) -> anyhow::Result<Option<Vec<String>>> {
    let (file, now) = (last(out), drift::snapshot(visit));
    let mut changes = None;
    if asked && file.exists() {
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let before: drift::Snapshot = serde_json::from_str(&text)
            .with_context(|| format!("{} is not of this version of Severn: move it away and run once more", file.display()))?;
        changes = Some(drift::changes(&before, &now));
    } else if asked {
        eprintln!("onboard: no last run in {}; this one is what the next is compared with", out.display());
        changes = Some(Vec::new());
    }
    std::fs::write(&file, serde_json::to_string_pretty(&now)?).with_context(|| format!("writing {}", file.display()))?;
    Ok(changes)
}

fn write(out: &Path, visit: &Visit, changes: Option<&[String]>) -> anyhow::Result<()> {
    let put = |name: &str, text: String| {
        let file = out.join(name);
        std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))
    };
    put("report.html", page::html(visit, changes))?;
    put("test-report.json", serde_json::to_string_pretty(&onboard::test_report(visit))?)?;
    match block::toml(visit) {
        Some(block) => put("source.toml", block),
        None => without(&out.join("source.toml")),
    }
}

/// A block of an earlier run is not this one's.
fn without(file: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {} of an earlier run", file.display()))
        }
        _ => Ok(()),
    }
}

/// What is said on the terminal: what is to be mended, and where the rest is.
fn words(out: &Path, visit: &Visit, changes: Option<&[String]>) -> String {
    let mut lines = Vec::new();
    for finding in visit.findings.iter().filter(|finding| finding.severity <= Severity::Wrong) {
        lines.push(format!("{:<7} {}: {}", finding.severity.word(), finding.topic.title(), finding.said));
        lines.extend(places(&finding.places));
        lines.push(format!("        to do: {}", finding.todo));
    }
    if let Some(changes) = changes {
        lines.push(if changes.is_empty() {
            "Nothing changed since the last run.".to_owned()
        } else {
            format!("Since the last run, {} changes:", changes.len())
        });
        lines.extend(changes.iter().map(|change| format!("        {change}")));
    }
    let dialect = visit.dialect.map_or("not known", dialect::Dialect::name);
    lines.push(format!(
        "{}: dialect {dialect}; {} broken, {} wrong, {} pieces of advice, {} fine; {} questions.",
        visit.supplier.id,
        visit.count(Severity::Broken),
        visit.count(Severity::Wrong),
        visit.count(Severity::Advice),
        visit.count(Severity::Fine),
        visit.asked.len()
    ));
    if visit.read == 0 {
        lines.push("Nothing could be judged: no test patient was read.".to_owned());
    }
    let out = out.display();
    let block = match visit.dialect {
        None => "nothing to paste: how it is to be spoken with is not known".to_owned(),
        Some(_) if visit.read == 0 => format!("a block, not proven: {out}/source.toml"),
        Some(_) => format!("to paste: {out}/source.toml"),
    };
    lines.push(format!("Report: {out}/report.html; FHIR: {out}/test-report.json; {block}"));
    lines.join("\n") + "\n"
}

/// Where, in a line; the report has them all.
fn places(places: &[String]) -> Option<String> {
    let more = places.len().saturating_sub(PLACES_MAX);
    let shown = places.iter().take(PLACES_MAX).cloned().chain((more > 0).then(|| format!("and {more} more")));
    (!places.is_empty()).then(|| format!("        at: {}", shown.collect::<Vec<_>>().join("; ")))
}

/// The table of dialects, with what this binary knows of around them.
pub fn table(fixtures: &Path) -> anyhow::Result<String> {
    let around = onboard::table::Around { pretend: pretend(), servers: servers()? };
    if !fixtures.is_dir() {
        bail!("{} is no folder: run this where the repository is, or say --fixtures", fixtures.display());
    }
    Ok(onboard::table::markdown(fixtures, &around)?)
}

#[cfg(feature = "demo")]
fn pretend() -> Vec<(String, String)> {
    testbed::Region::in_memory().sources().into_iter().map(|source| (source.dialect.to_owned(), source.id)).collect()
}

#[cfg(not(feature = "demo"))]
fn pretend() -> Vec<(String, String)> {
    Vec::new()
}

/// The independent servers that `checks/servers` runs, by the list it runs them from.
fn servers() -> anyhow::Result<Vec<(String, String)>> {
    #[derive(serde::Deserialize)]
    struct Server {
        package: String,
        version: String,
        dialect: String,
    }
    let listed: Vec<Server> = serde_json::from_str(include_str!("../../../checks/servers/servers.json"))?;
    Ok(listed.into_iter().map(|one| (one.dialect, format!("{} {}", one.package, one.version))).collect())
}

/// A test patient as given: a number, and after a comma the birth date.
fn patient(text: &str, any: bool) -> anyhow::Result<Patient> {
    let (number, birth_date) = text.split_once(',').map_or((text, None), |(number, date)| (number, Some(date.trim().to_owned())));
    let number: record::NhsNumber = number.parse().context("--patient")?;
    if !any && !number.is_synthetic() {
        bail!("--patient: only numbers that are never issued (999…) are asked for; a real person's, with their consent, by --any-patient");
    }
    if birth_date.as_deref().is_some_and(|date| date.len() != 10 || fhir::date::Partial::parse(date).is_none()) {
        bail!("--patient: the birth date after the comma is YYYY-MM-DD");
    }
    Ok(Patient { number, birth_date })
}
