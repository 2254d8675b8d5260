//! Opening and migrating: forward only, versioned, checked at start.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::journal::enter_all;
use crate::secrets::InUse;
use crate::{Secrets, StoreError};

/// Every table of a patient leads its primary key with the patient. What leads to a patient from elsewhere has tables of its own,
/// each under its own key: `number` (by pseudonym) and `home` (by entry). Each migration once, in order; never edited after it has
/// landed.
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
    // The person index. A number leads to a person from a table of its own, so that the patient leads every key of `person`; the
    // locator's rows are the person's. Rows of the locator are only ever written of a person who is there.
    "
CREATE TABLE number (pseudonym BLOB NOT NULL PRIMARY KEY, person TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO number (pseudonym, person) SELECT pseudonym, person FROM person;
CREATE TABLE somebody (
    person TEXT NOT NULL PRIMARY KEY,
    sealed BLOB,
    rest BLOB,
    restricted INTEGER NOT NULL DEFAULT 0,
    investigated INTEGER NOT NULL DEFAULT 0,
    purges INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO somebody (person, sealed) SELECT person, sealed FROM person;
CREATE TABLE held (
    person TEXT NOT NULL,
    source TEXT NOT NULL,
    holds INTEGER NOT NULL,
    local_ids TEXT NOT NULL,
    kinds TEXT NOT NULL DEFAULT '{}',
    heard TEXT NOT NULL,
    PRIMARY KEY (person, source)
) STRICT, WITHOUT ROWID;
INSERT INTO held (person, source, holds, local_ids, heard)
    SELECT person.person, located.source, located.holds, located.local_ids, located.heard
    FROM located JOIN person ON person.pseudonym = located.pseudonym;
DROP TABLE located;
DROP TABLE person;
ALTER TABLE somebody RENAME TO person;
ALTER TABLE held RENAME TO located;
CREATE TABLE entry (
    person TEXT NOT NULL REFERENCES person (person),
    source TEXT NOT NULL,
    local_id TEXT NOT NULL,
    provider TEXT,
    restricted INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    said BLOB NOT NULL,
    PRIMARY KEY (person, source, local_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE home (
    source TEXT NOT NULL,
    local_id TEXT NOT NULL,
    person TEXT NOT NULL,
    PRIMARY KEY (source, local_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE apart (
    person TEXT NOT NULL,
    source TEXT NOT NULL,
    local_id TEXT NOT NULL,
    other_source TEXT NOT NULL,
    other_local_id TEXT NOT NULL,
    PRIMARY KEY (person, source, local_id, other_source, other_local_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE event (
    person TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    deed TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (person, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE task (
    person TEXT NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    local_id TEXT NOT NULL,
    other_source TEXT,
    other_local_id TEXT,
    doubt TEXT NOT NULL,
    raised INTEGER NOT NULL,
    outcome TEXT,
    decided INTEGER,
    author TEXT,
    why TEXT,
    PRIMARY KEY (person, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_id ON task (id);
CREATE INDEX task_open ON task (id) WHERE outcome IS NULL;
CREATE TABLE loaded (file TEXT NOT NULL PRIMARY KEY, rows INTEGER NOT NULL) STRICT, WITHOUT ROWID;
",
    // Whom lines of the ledger name, so that who saw somebody's record is found among millions of lines.
    "
CREATE TABLE named (
    person TEXT NOT NULL,
    trace TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (person, trace)
) STRICT, WITHOUT ROWID;
INSERT INTO named (person, trace, at)
    SELECT json_extract(event, '$.patient'), trace, max(unixepoch(at)) * 1000000
    FROM ledger WHERE coalesce(json_extract(event, '$.patient'), '') <> '' AND unixepoch(at) IS NOT NULL GROUP BY 1, 2;
",
    "CREATE TABLE master_key (fingerprint BLOB NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;",
    // Numbers that were cut: that they were, and nothing of whose.
    "CREATE TABLE cut_number (pseudonym BLOB NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;",
    // The course of the register: its batches, and by which of them a person changed last. What was there before came by the first.
    "
CREATE TABLE batch (position INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX batch_at ON batch (at);
INSERT INTO batch (position, id, at) VALUES (1, lower(hex(randomblob(16))), unixepoch());
ALTER TABLE person ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;
CREATE INDEX person_changed ON person (changed);
",
    // The privacy officer's queue. It names nobody: a task leads to lines of the ledger. Steps of its review are only ever added.
    "
CREATE TABLE privacy_task (
    id TEXT NOT NULL PRIMARY KEY,
    raised INTEGER NOT NULL,
    kind TEXT NOT NULL,
    trace TEXT NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX privacy_task_raised ON privacy_task (raised, id);
CREATE INDEX privacy_task_waiting ON privacy_task (raised, id) WHERE state IN ('open', 'escalated');
CREATE INDEX privacy_task_trace ON privacy_task (trace);
CREATE TABLE privacy_review (
    task TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    note BLOB NOT NULL,
    PRIMARY KEY (task, sequence)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER privacy_task_no_delete BEFORE DELETE ON privacy_task
    BEGIN SELECT RAISE(ABORT, 'tasks of a privacy officer stay'); END;
CREATE TRIGGER privacy_task_no_change BEFORE UPDATE OF id, raised, kind, trace, rule, reason ON privacy_task
    BEGIN SELECT RAISE(ABORT, 'only the state of a task changes'); END;
CREATE TRIGGER privacy_review_no_update BEFORE UPDATE ON privacy_review
    BEGIN SELECT RAISE(ABORT, 'the history of a review is append-only'); END;
CREATE TRIGGER privacy_review_no_delete BEFORE DELETE ON privacy_review
    BEGIN SELECT RAISE(ABORT, 'the history of a review is append-only'); END;
",
    // What ties a person to organisations: who, and from when until when. Nothing of what is done for them.
    "
CREATE TABLE tie (
    person TEXT NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    organisation TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (person, source, kind, organisation, since)
) STRICT, WITHOUT ROWID;
",
    // Claims by ids of their own, so that the end of an emergency can be entered, once. Relationships claimed before last their hours; an
    // emergency of before is to be claimed again.
    "
CREATE TABLE claimed (
    person TEXT NOT NULL,
    id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    organisation TEXT NOT NULL,
    client TEXT,
    emergency INTEGER NOT NULL,
    reason TEXT NOT NULL,
    trace TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    leased INTEGER,
    entered INTEGER NOT NULL,
    PRIMARY KEY (person, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX claimed_open ON claimed (until) WHERE NOT entered;
INSERT INTO claimed (person, id, issuer, subject, organisation, emergency, reason, trace, since, until, entered)
    SELECT person, lower(hex(randomblob(16))), issuer, subject, organisation, emergency, reason, 'before', 0,
        unixepoch(until) * 1000000, 1
    FROM claim WHERE unixepoch(until) IS NOT NULL AND NOT emergency;
DROP TABLE claim;
",
    // What was signed for one use, and used: so much of it that it is known again, until nobody could use it.
    "
CREATE TABLE spent (id BLOB NOT NULL PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX spent_until ON spent (until);
",
    // Where the ledger's chains end, signed, and who was told. What is only ever added to refuses the rest, a replacement too: SQLite
    // calls no trigger for what that takes away.
    "
CREATE TABLE checkpoint (number INTEGER NOT NULL PRIMARY KEY, whole INTEGER NOT NULL, line TEXT NOT NULL) STRICT;
CREATE TABLE handed (witness TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER ledger_no_replace BEFORE INSERT ON ledger
    WHEN EXISTS (SELECT 1 FROM ledger WHERE run = NEW.run AND sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
CREATE TRIGGER checkpoint_no_replace BEFORE INSERT ON checkpoint
    WHEN EXISTS (SELECT 1 FROM checkpoint WHERE number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TRIGGER event_no_replace BEFORE INSERT ON event
    WHEN EXISTS (SELECT 1 FROM event WHERE person = NEW.person AND sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TRIGGER privacy_review_no_replace BEFORE INSERT ON privacy_review
    WHEN EXISTS (SELECT 1 FROM privacy_review WHERE task = NEW.task AND sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'the history of a review is append-only'); END;
",
    // Under which names lines of the ledger are found: by time, who asked, about whom, and whose data were shown. The client chooses what
    // a request is called, so every line has a row of its own. What was there before is entered further below.
    "
CREATE TABLE entered (
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    trace TEXT NOT NULL,
    patient TEXT NOT NULL,
    PRIMARY KEY (name, at, trace, patient)
) STRICT, WITHOUT ROWID;
",
    // What people say about sharing: versions are added, and none is changed or goes.
    "
CREATE TABLE consent (
    person TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (person, id, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER consent_no_update BEFORE UPDATE ON consent BEGIN SELECT RAISE(ABORT, 'versions of a consent stay'); END;
CREATE TRIGGER consent_no_delete BEFORE DELETE ON consent BEGIN SELECT RAISE(ABORT, 'versions of a consent stay'); END;
",
    // Master keys change: one that was taken out of use seals no more, and what it sealed is sealed anew. That a number was cut must be
    // known under the next key, too.
    "
ALTER TABLE master_key ADD COLUMN state TEXT NOT NULL DEFAULT 'used';
ALTER TABLE cut_number ADD COLUMN sealed BLOB;
-- Notes of a review and what people say about sharing are sealed. They are written over while a key is being replaced, and only then.
DROP TRIGGER privacy_review_no_update;
CREATE TRIGGER privacy_review_no_update BEFORE UPDATE OF task, sequence, id, at, state, issuer, subject, name ON privacy_review
    BEGIN SELECT RAISE(ABORT, 'the history of a review is append-only'); END;
CREATE TRIGGER privacy_note_no_update BEFORE UPDATE OF note ON privacy_review
    WHEN NOT EXISTS (SELECT 1 FROM master_key WHERE state = 'retired')
    BEGIN SELECT RAISE(ABORT, 'the history of a review is append-only'); END;
DROP TRIGGER consent_no_update;
CREATE TRIGGER consent_no_update BEFORE UPDATE OF person, id, version, at ON consent
    BEGIN SELECT RAISE(ABORT, 'versions of a consent stay'); END;
CREATE TRIGGER consent_body_no_update BEFORE UPDATE OF body ON consent
    WHEN NOT EXISTS (SELECT 1 FROM master_key WHERE state = 'retired')
    BEGIN SELECT RAISE(ABORT, 'versions of a consent stay'); END;
",
    ENTER_ANEW,
    // What a claim overrides.
    "
ALTER TABLE claimed ADD COLUMN overrides INTEGER NOT NULL DEFAULT 0;
",
    // What answers showed, kept for evidence: sealed under a key of each person's own, which lies sealed under the master key. Whoever
    // destroys that leaves nothing to open. Beside it the steps of what was decided about it.
    "
CREATE TABLE person_key (person TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL, shown INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE evidence (person TEXT NOT NULL, address BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (person, address)) STRICT;
CREATE TABLE vault_step (
    person TEXT NOT NULL,
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    held INTEGER,
    body BLOB NOT NULL,
    PRIMARY KEY (person, id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX vault_step_id ON vault_step (id);
CREATE INDEX vault_step_opening ON vault_step (at, id) WHERE held IS NULL AND number = 1;
CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER evidence_no_replace BEFORE INSERT ON evidence
    WHEN EXISTS (SELECT 1 FROM evidence WHERE person = NEW.person AND address = NEW.address)
    BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER vault_step_no_update BEFORE UPDATE ON vault_step BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
CREATE TRIGGER vault_step_no_delete BEFORE DELETE ON vault_step BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
CREATE TRIGGER vault_step_no_replace BEFORE INSERT ON vault_step
    WHEN EXISTS (SELECT 1 FROM vault_step WHERE person = NEW.person AND id = NEW.id AND number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
",
];

/// Every line is entered anew under its names, by what enters it when it is written (`enter_all`): by no expression of SQL are times and
/// names written as they are there. Who is named is found among these too, by the patient's own name. And what is only ever added to
/// refuses the rest; a row of `entered` is its own key, so that none can stand in another's place.
const ENTER_ANEW: &str = "
DROP TABLE named;
DELETE FROM entered;
CREATE TRIGGER entered_no_update BEFORE UPDATE ON entered BEGIN SELECT RAISE(ABORT, 'the names of lines are append-only'); END;
CREATE TRIGGER entered_no_delete BEFORE DELETE ON entered BEGIN SELECT RAISE(ABORT, 'the names of lines are append-only'); END;
CREATE TRIGGER consent_no_replace BEFORE INSERT ON consent
    WHEN EXISTS (SELECT 1 FROM consent WHERE person = NEW.person AND id = NEW.id AND version = NEW.version)
    BEGIN SELECT RAISE(ABORT, 'versions of a consent stay'); END;
CREATE TRIGGER privacy_task_no_replace BEFORE INSERT ON privacy_task WHEN EXISTS (SELECT 1 FROM privacy_task WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'tasks of a privacy officer stay'); END;
";

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
    migrate(&mut connection)?;
    Ok(connection)
}

/// The version that this program knows.
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = KNOWN;
    loop {
        // Two who open a file at once do not both migrate it: the version is read under the lock to write.
        let found = version(connection)?;
        if found == known {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&transaction)?;
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        if let Some(migration) = MIGRATIONS.get(found as usize) {
            transaction.execute_batch(migration)?;
            if *migration == ENTER_ANEW {
                enter_all(&transaction)?;
            }
            transaction.pragma_update(None, "user_version", found + 1)?;
        }
        transaction.commit()?;
    }
}

/// Without a key that sealed something no number would lead to its person: everybody would be made anew, silently. Keys are
/// remembered; a store from before they were must open by one of them.
pub(super) fn check_key(connection: &mut Connection, secrets: &Secrets) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known: Vec<(Vec<u8>, String)> = transaction
        .prepare("SELECT fingerprint, state FROM master_key")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    secrets.fit(&known)?;
    if known.is_empty() {
        let sealed = "SELECT sealed FROM person WHERE sealed IS NOT NULL LIMIT 1";
        let sealed: Option<Vec<u8>> = transaction.query_row(sealed, [], |row| row.get(0)).optional()?;
        if sealed.is_some_and(|sealed| secrets.unseal(&sealed).is_none()) {
            return Err(StoreError::OtherKey);
        }
    }
    transaction.execute("INSERT OR IGNORE INTO master_key (fingerprint) VALUES (?)", [secrets.fingerprint()])?;
    Ok(transaction.commit()?)
}

/// The keys to write by, as this transaction finds them in use.
pub(super) fn in_use<'a>(transaction: &Connection, secrets: &'a Secrets) -> rusqlite::Result<InUse<'a>> {
    let mut statement = transaction.prepare_cached("SELECT fingerprint FROM master_key WHERE state = 'used'")?;
    let used: Vec<Vec<u8>> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    secrets.in_use(&used).ok_or_else(|| rusqlite::Error::ToSqlConversionFailure(Box::new(StoreError::RetiredKey)))
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}
