//! Processes of this same program that play a part, and the processor time they take.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that serves on a port of its own; it ends with the bench.
pub struct Process {
    child: Child,
    pub port: u16,
}

impl Process {
    /// Starts this program again in a part.
    pub fn start(part: &str, given: &str) -> Process {
        let program = std::env::current_exe().expect("this program's path");
        let mut child = Command::new(program).args([part, given]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let port = line.trim().parse().expect("a port");
        Process { child, port }
    }

    /// Processor time so far, its own and the kernel's for it, in hundredths of a second as Linux counts it.
    pub fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("its statistics");
        let (_, after_name) = stat.rsplit_once(')').expect("a name in brackets");
        let ticks: u64 = after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The machine: cores and load.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("{cores} cores, load {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
