//! Looking at a file, copying it while it is in use, and putting a copy back.

use std::io::Write;
use std::path::Path;

use audit::Verified;
use rusqlite::{Connection, OpenFlags};

use super::journal::verified;
use super::schema::{KNOWN, version};
use crate::StoreError;

/// What is found on looking at a file. Nothing in it is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteHealth {
    /// The schema's version, and what this program knows.
    pub schema: (i64, i64),
    /// What SQLite finds broken.
    pub broken: Vec<String>,
    /// The ledger, each chain checked; the words of the first bad entry.
    pub ledger: Result<Verified, String>,
}

impl SqliteHealth {
    /// Whether it can be worked with.
    pub fn is_well(&self) -> bool {
        self.schema.0 <= self.schema.1 && self.broken.is_empty() && self.ledger.is_ok()
    }
}

/// Looks at a file.
pub fn health(file: &Path) -> Result<SqliteHealth, StoreError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let schema = (version(&connection)?, KNOWN);
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let told = statement.query_map([], |row| row.get::<_, String>(0))?;
    let broken: Vec<String> = told.filter(|line| line.as_deref() != Ok("ok")).collect::<Result<_, _>>()?;
    let ledger = if schema.0 == 0 || !broken.is_empty() {
        Ok(Verified { lines: 0, runs: 0 })
    } else {
        verified(&connection)?.map_err(|bad| bad.to_string())
    };
    Ok(SqliteHealth { schema, broken, ledger })
}

/// Copies a file as it is at one moment, whoever is at work with it. The copy is whole, compact, readable by its owner only, and looked
/// at before this returns.
pub fn back_up(file: &Path, copy: &Path) -> Result<SqliteHealth, StoreError> {
    // Made before anything is written into it: SQLite would let everybody read it.
    private(copy)?;
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute("VACUUM INTO ?", [copy.to_string_lossy()])?;
    std::fs::File::open(copy).and_then(|file| file.sync_all()).map_err(|error| wrong(copy, &error))?;
    health(copy)
}

/// Puts a copy where there is no store yet, if it is well. What is there is never written over.
pub fn restore(copy: &Path, file: &Path) -> Result<SqliteHealth, StoreError> {
    let found = health(copy)?;
    if !found.is_well() {
        return Ok(found);
    }
    let mut target = private(file)?;
    let copied = std::fs::File::open(copy).and_then(|mut from| std::io::copy(&mut from, &mut target)).and_then(|_| target.flush());
    copied.and_then(|()| target.sync_all()).map_err(|error| wrong(file, &error))?;
    health(file)
}

/// A new, empty file that only its owner reads.
fn private(file: &Path) -> Result<std::fs::File, StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    made.map_err(|error| wrong(file, &error))
}

fn wrong(file: &Path, error: &std::io::Error) -> StoreError {
    StoreError::File { file: file.display().to_string(), what: error.to_string() }
}
