//! How far a file has come, said on standard error.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

/// On a terminal one line is written over and over; in a log there is a line now and then.
const TERMINAL: Duration = Duration::from_millis(500);
const LOG: Duration = Duration::from_secs(10);
/// What is over sooner needs no progress.
const QUIET: Duration = Duration::from_secs(2);

/// Says how far a file has come.
pub struct Meter {
    bytes: u64,
    began: Instant,
    /// When it began to take in: what was taken before is passed over quickly.
    told: Option<Instant>,
    terminal: bool,
}

impl Meter {
    /// Of a file.
    pub fn of(file: &Path) -> anyhow::Result<Meter> {
        let bytes = std::fs::metadata(file)?.len();
        Ok(Meter { bytes, began: Instant::now(), told: None, terminal: std::io::stderr().is_terminal() })
    }

    /// So many rows are done, and so many bytes of the file.
    pub fn tell(&mut self, rows: u64, bytes: u64) {
        if !rows.is_multiple_of(100) {
            return;
        }
        let (now, every) = (Instant::now(), if self.terminal { TERMINAL } else { LOG });
        let due = self.told.map_or(now - self.began > QUIET, |told| now - told > every);
        if !due {
            return;
        }
        self.told = Some(now);
        let spent = (now - self.began).as_secs_f64();
        let share = bytes as f64 / self.bytes.max(1) as f64;
        let left = if share > 0.0 { spent / share - spent } else { 0.0 };
        let (start, end) = if self.terminal { ("\r", "   ") } else { ("", "\n") };
        eprint!("{start}{rows} rows, {:.0} %, {:.0} rows/s, {:.0} s left{end}", share * 100.0, rows as f64 / spent, left.max(0.0));
    }

    /// It is over.
    pub fn end(&mut self) {
        if self.told.take().is_some() && self.terminal {
            eprintln!();
        }
    }
}
