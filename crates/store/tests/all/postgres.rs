//! A PostgreSQL of a test's own: on the loopback, in a folder that goes, stopped when it is dropped.

#![allow(dead_code, clippy::allow_attributes, reason = "the tests of two crates share this file, and neither needs all of it")]
#![expect(clippy::disallowed_methods, reason = "a real server is waited for by the real clock")]

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server, or one that was stopped and may run again.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    running: Option<Child>,
}

/// What a server of a test is told: nothing here is worth a sync to disk, unless a test says so.
pub const QUICK: &[&str] = &["fsync=off", "full_page_writes=off"];

impl Postgres {
    /// A fresh server.
    pub fn start(settings: &[&str]) -> Postgres {
        let mut server = Postgres::place();
        server
            .tool("initdb")
            .args(["--no-sync", "--username=severn", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-D"])
            .arg(server.data())
            .ran();
        server.configure(settings);
        server.run();
        server
    }

    /// A standby that follows another server, under a name that it may wait for.
    pub fn standby_of(primary: &Postgres, name: &str, settings: &[&str]) -> Postgres {
        let mut server = Postgres::place();
        let from = format!("host=127.0.0.1 port={} user=severn application_name={name}", primary.port);
        server
            .tool("pg_basebackup")
            .args(["--no-sync", "--checkpoint=fast", "--write-recovery-conf", "-d", &from, "-D"])
            .arg(server.data())
            .ran();
        server.configure(settings);
        server.run();
        server
    }

    fn place() -> Postgres {
        let folder = std::env::temp_dir().join(format!("severn-pg-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        // Its own user must be able to write in it.
        if let Some(user) = other_user() {
            Command::new("chown").arg(user).arg(&folder).ran();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Postgres { folder, port, running: None }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn configure(&self, settings: &[&str]) {
        let own = [
            "max_connections=60",
            "shared_buffers=32MB",
            "log_min_messages=warning",
            "unix_socket_directories=''",
            "listen_addresses='127.0.0.1'",
        ];
        let lines: Vec<String> = own.iter().chain(settings).map(|line| format!("{line}\n")).collect();
        let file = self.data().join("postgresql.auto.conf");
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(&file, before + &lines.concat()).unwrap();
    }

    /// Runs it, and waits until it answers.
    pub fn run(&mut self) {
        let port = self.port.to_string();
        // Should this test be killed, its server goes with it.
        let mut command = self.tool_with("postgres", &["--pdeathsig", "QUIT"]);
        let log = std::fs::File::options().append(true).create(true).open(self.folder.join("log")).unwrap();
        command.arg("-D").arg(self.data()).args(["-p", &port]).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(command.spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(30);
        while !self.answers() {
            let ended = self.running.as_mut().unwrap().try_wait().unwrap();
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < until, "PostgreSQL does not start: {}", log());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn answers(&self) -> bool {
        let port = self.port.to_string();
        self.tool("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port]).status().unwrap().success()
    }

    /// Stops it by a signal: INT ends sessions, QUIT leaves everything lying, KILL does not even say so.
    pub fn stop(&mut self, signal: &str) {
        let Some(mut running) = self.running.take() else { return };
        // It may have ended by itself.
        let _ = Command::new("kill").args([&format!("-{signal}"), &running.id().to_string()]).output();
        let _ = running.wait();
    }

    /// From now on it speaks TLS.
    pub fn certify(&self, certificate: &str, key: &str) {
        for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
            let file = self.data().join(name);
            std::fs::write(&file, pem).unwrap();
            if let Some(user) = other_user() {
                Command::new("chown").arg(user).arg(&file).ran();
            }
            Command::new("chmod").arg("600").arg(&file).ran();
        }
        self.psql("postgres", "ALTER SYSTEM SET ssl = on");
        self.psql("postgres", "SELECT pg_reload_conf()");
    }

    /// A standby becomes the primary.
    pub fn promote(&self) {
        self.tool("pg_ctl").args(["promote", "-w", "-D"]).arg(self.data()).ran();
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of a database in it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://severn@{}/{database}", self.address())
    }

    /// Runs statements by psql; what they say, without heads.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let output = self.statements(database, sql).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The words by which statements are refused.
    pub fn psql_fails(&self, database: &str, sql: &str) -> String {
        let output = self.statements(database, sql).output().unwrap();
        assert!(!output.status.success(), "{sql}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn statements(&self, database: &str, sql: &str) -> Command {
        let mut command = self.tool("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql]);
        command
    }

    fn tool(&self, name: &str) -> Command {
        self.tool_with(name, &[])
    }

    /// A program of PostgreSQL's; it refuses to run as root.
    fn tool_with(&self, name: &str, how: &[&str]) -> Command {
        let program = programs().join(name);
        let mut command = Command::new("setpriv");
        command.args(how);
        if let Some(user) = other_user() {
            command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
        }
        command.arg(program).current_dir(&self.folder);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop("INT");
        // Nothing can be done about a temporary folder that stays.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Whoever runs PostgreSQL when we are root.
fn other_user() -> Option<&'static str> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        return None;
    }
    let there = |user: &&str| Command::new("id").arg(user).output().unwrap().status.success();
    ["postgres", "nobody"].into_iter().find(there)
}

/// Where PostgreSQL's programs are: Debian puts each version into a folder of its own.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("postgres").exists()).collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&path).find(|folder| folder.join("postgres").exists() && folder.join("initdb").exists());
    found
        .pop()
        .or(elsewhere)
        .expect("PostgreSQL's server is not on this machine: checks/setup.sh build installs it, and no test of it is skipped")
}

trait Ran {
    fn ran(&mut self);
}

impl Ran for Command {
    fn ran(&mut self) {
        let output = self.output().unwrap();
        assert!(
            output.status.success(),
            "{self:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
