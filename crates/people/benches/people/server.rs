//! A PostgreSQL of this run's own: in its folder, on a socket there, stopped when it is dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// What somebody who knows it would set on such a machine; loading need not survive a crash here.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "shared_buffers=1GB",
    "work_mem=64MB",
    "maintenance_work_mem=512MB",
    "effective_cache_size=8GB",
    "random_page_cost=1.1",
    "max_wal_size=8GB",
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "jit=off",
];

pub struct Server {
    folder: PathBuf,
    running: Child,
}

impl Server {
    /// A fresh server; none where PostgreSQL is not on this machine.
    pub fn start(folder: &Path) -> Result<Option<Server>> {
        if programs().is_none() {
            return Ok(None);
        }
        std::fs::create_dir(folder)?;
        if let Some(user) = other_user() {
            ran(Command::new("chown").arg(user).arg(folder).arg(folder.parent().unwrap_or(folder)))?;
        }
        let data = folder.join("data");
        ran(tool(folder, "initdb")
            .args(["--no-sync", "--username=severn", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-D"])
            .arg(data))?;
        Ok(Some(Server { folder: folder.to_owned(), running: run(folder)? }))
    }

    /// Stops it in order and starts it again; how long until it answers.
    pub fn restart(&mut self) -> Result<Duration> {
        self.stop();
        let start = Instant::now();
        self.running = run(&self.folder)?;
        Ok(start.elapsed())
    }

    /// How to reach it.
    pub fn config(&self) -> String {
        format!("host={} user=severn dbname=postgres", self.folder.display())
    }

    fn stop(&mut self) {
        // It may have ended by itself.
        let _ = Command::new("kill").args(["-INT", &self.running.id().to_string()]).output();
        let _ = self.running.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        // Nothing can be done about a temporary folder that stays.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn run(folder: &Path) -> Result<Child> {
    let mut command = tool(folder, "postgres");
    command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    let log = std::fs::File::options().append(true).create(true).open(folder.join("log"))?;
    let mut running = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if tool(folder, "pg_isready").args(["-q", "-h"]).arg(folder).status()?.success() {
            return Ok(running);
        }
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        ensure!(running.try_wait()?.is_none() && Instant::now() < until, "PostgreSQL does not start: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A program of PostgreSQL's; it refuses to run as root. Should this process be killed, it goes with it.
fn tool(folder: &Path, name: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if let Some(user) = other_user() {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.arg(programs().unwrap_or_default().join(name)).current_dir(folder);
    command
}

/// Whoever runs PostgreSQL when we are root.
fn other_user() -> Option<&'static str> {
    let id = Command::new("id").arg("-u").output().ok()?;
    (id.stdout == b"0\n").then_some("postgres")
}

/// Where PostgreSQL's programs are: Debian puts each version into a folder of its own.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian.or_else(|| std::env::split_paths(&path).find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists()))
}

fn ran(command: &mut Command) -> Result<()> {
    let output = command.output().context("a program of the machine's")?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
