//! Bad rows, kept as they were: they name people, so the file is for its owner only.

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::rows::Bad;

/// A reject file: `line,reason,row`.
pub struct Rejects {
    path: PathBuf,
    writer: csv::Writer<File>,
    reasons: BTreeMap<&'static str, u64>,
}

impl Rejects {
    /// Begins a reject file anew.
    pub fn to(path: &Path) -> anyhow::Result<Rejects> {
        let open = || {
            let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
            // One that was there before has the mode that it had.
            file.set_permissions(Permissions::from_mode(0o600))?;
            Ok::<_, std::io::Error>(file)
        };
        let mut writer = csv::Writer::from_writer(open().with_context(|| format!("writing {}", path.display()))?);
        writer.write_record(["line", "reason", "row"])?;
        Ok(Rejects { path: path.to_owned(), writer, reasons: BTreeMap::new() })
    }

    /// Adds a row.
    pub fn add(&mut self, bad: &Bad) -> anyhow::Result<()> {
        *self.reasons.entry(bad.kind).or_default() += 1;
        let (line, reason) = (bad.line.to_string(), bad.reason());
        self.writer.write_record([line.as_bytes(), reason.as_bytes(), &bad.row]).with_context(|| format!("writing {}", self.path.display()))
    }

    /// What was added is on disk.
    pub fn sync(&mut self) -> anyhow::Result<()> {
        self.writer.flush().with_context(|| format!("writing {}", self.path.display()))
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.reasons.values().sum()
    }

    /// How many of each kind.
    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.reasons.iter().map(|(reason, count)| (*reason, *count))
    }

    /// Where.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
