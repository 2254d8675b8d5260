//! `--shadow`: a supplier beside a live source.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use onboard::{Patient, page, shadow};

use super::{Arguments, DIFFERS, prober, supplier};
use crate::config::Source;
use crate::wiring;

/// Asks both about every test patient, and writes `shadow.html` and `shadow.json`.
pub(super) async fn run(
    arguments: &Arguments,
    live: &str,
    candidate: &Source,
    patients: &[Patient],
    out: &Path,
) -> anyhow::Result<ExitCode> {
    let live = arguments.configured(live)?;
    if live.id == candidate.id {
        bail!("--shadow: a source beside itself proves nothing; give the newcomer another --id");
    }
    if patients.is_empty() {
        bail!("--shadow: name people by --patient");
    }
    let (live_supplier, candidate_supplier) = (supplier(&live, arguments), supplier(candidate, arguments));
    let live_prober = prober(&live, arguments, &live_supplier.secrets)?;
    let candidate_prober = prober(candidate, arguments, &candidate_supplier.secrets)?;
    let one = shadow::Side { supplier: &live_supplier, dialect: live.dialect, prober: &live_prober };
    let other = shadow::Side { supplier: &candidate_supplier, dialect: candidate.dialect, prober: &candidate_prober };
    let now = wiring::system_clock().now();
    let comparison = shadow::compare(&one, &other, patients, now, |what| eprintln!("onboard: {what} ...")).await;
    let put =
        |name: &str, text: String| std::fs::write(out.join(name), text).with_context(|| format!("writing {name} in {}", out.display()));
    put("shadow.html", page::shadow(&comparison))?;
    put("shadow.json", serde_json::to_string_pretty(&comparison)?)?;
    let [same, different, live_only, candidate_only] = comparison.totals();
    println!(
        "{same} in both and the same, {different} in both and different, {live_only} only in {}, {candidate_only} only in {}.",
        live.id, candidate.id
    );
    comparison.people.iter().flat_map(|person| &person.notes).for_each(|note| println!("{note}"));
    println!("Report: {0}/shadow.html; for machines: {0}/shadow.json", out.display());
    Ok(if comparison.equal() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}
