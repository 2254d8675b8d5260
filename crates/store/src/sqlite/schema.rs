//! Opening and migrating: forward only, versioned, checked at start.

use std::path::Path;

use rusqlite::Connection;

use crate::StoreError;

/// Every table of a patient leads its primary key with the patient. Each migration once, in order; never edited after it has landed.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE ledger (
    run TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at TEXT NOT NULL,
    trace TEXT NOT NULL,
    event TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (run, sequence)
) STRICT;
CREATE INDEX ledger_trace ON ledger (trace);
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
",
    "
CREATE TABLE person (person TEXT NOT NULL PRIMARY KEY, pseudonym BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL) STRICT;
CREATE TABLE claim (
    person TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    organisation TEXT NOT NULL,
    emergency INTEGER NOT NULL,
    reason TEXT NOT NULL,
    until TEXT NOT NULL,
    PRIMARY KEY (person, issuer, subject, emergency, until)
) STRICT;
CREATE TABLE minted (
    person TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    source_kind TEXT NOT NULL,
    source_id TEXT,
    PRIMARY KEY (person, kind, id)
) STRICT;
CREATE INDEX minted_id ON minted (kind, id);
CREATE TABLE plan (
    person TEXT NOT NULL,
    request TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    rows TEXT NOT NULL,
    until TEXT NOT NULL,
    PRIMARY KEY (person, request)
) STRICT;
CREATE TABLE located (
    pseudonym BLOB NOT NULL,
    source TEXT NOT NULL,
    holds INTEGER NOT NULL,
    local_ids TEXT NOT NULL,
    heard TEXT NOT NULL,
    PRIMARY KEY (pseudonym, source)
) STRICT;
",
    // A request id is the client's to choose: two users may choose the same. Plans are kept for a day, and made anew.
    "
DROP TABLE plan;
CREATE TABLE plan (
    person TEXT NOT NULL,
    request TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    rows TEXT NOT NULL,
    until TEXT NOT NULL,
    PRIMARY KEY (person, request, issuer, subject)
) STRICT;
",
];

/// Opens a file for writing, its schema brought up to date.
pub(crate) fn open(file: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit returns only when it is on disk: the opening entry must be durable before anybody is asked.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The ledger's thread moves the log into the file, so that no request waits for it; this is for when it cannot.
    connection.pragma_update(None, "wal_autocheckpoint", 10_000)?;
    // The ledger and the rest share the file; each waits for the other's short transactions.
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(connection)
}
