//! The person index and the locator at the size of a region, and the same questions asked of a real PostgreSQL in the same run.
//!
//! `PEOPLE` lists the sizes (20000 where SEVERN_BENCH=smoke, else 100000). Each step runs in a process of its own, so that what is resident is that
//! step's. A wrong answer fails the run, a time never does.

#![expect(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]

mod ours;
mod postgres;
mod region;
mod server;

use std::process::Command;

use anyhow::{Context, Result, ensure};

fn main() -> Result<()> {
    let step = std::env::var("PEOPLE_STEP").unwrap_or_default();
    let count = std::env::var("PEOPLE_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
    match step.as_str() {
        "build" => ours::build(count),
        "restart" => ours::restart(count),
        "postgres" => postgres::run(count),
        _ => all(),
    }
}

fn all() -> Result<()> {
    let smoke = std::env::var("SEVERN_BENCH").is_ok_and(|bench| bench == "smoke");
    let sizes = std::env::var("PEOPLE").unwrap_or_else(|_| if smoke { "20000" } else { "100000" }.to_owned());
    let folder = std::env::temp_dir().join(format!("severn-people-{}", std::process::id()));
    std::fs::create_dir(&folder).context("a folder for snapshots and PostgreSQL")?;
    let ran = sizes.split_whitespace().try_for_each(|size| {
        ["build", "restart", "postgres"].into_iter().try_for_each(|step| {
            println!("people: {size}, {step}; load {}", load());
            let mut command = Command::new(std::env::current_exe()?);
            let status = command.envs([("PEOPLE_STEP", step), ("PEOPLE_COUNT", size)]).env("PEOPLE_FOLDER", &folder).status()?;
            ensure!(status.success(), "{step} of {size} people failed");
            Ok(())
        })
    });
    std::fs::remove_dir_all(&folder).context("the folder of this run")?;
    ran
}

/// The load of the machine.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The folder of this run.
fn folder() -> std::path::PathBuf {
    std::env::var_os("PEOPLE_FOLDER").map(Into::into).unwrap_or_default()
}
