//! Migrations: forward only, versioned, checked at start.

use deadpool_postgres::Transaction;
use tokio_postgres::error::SqlState;

use super::door::{PostgresStore, Trouble};
use super::journal::enter_all;
use crate::secrets::InUse;
use crate::{Secrets, StoreError};

/// Where the tables are.
pub(super) const SCHEMA: &str = "severn";

/// Keys are compared by their bytes, as ids are everywhere else. Every table of a patient leads its primary key with the patient; what
/// leads to a patient from elsewhere has tables of its own, each under its own key: `number`, `home`, `minted_home`, `task_home`. Each
/// migration once, in order; never edited after it has landed.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE ledger (
    run text COLLATE \"C\" NOT NULL,
    sequence bigint NOT NULL,
    at text NOT NULL,
    trace text COLLATE \"C\" NOT NULL,
    event text NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (run, sequence)
);
CREATE INDEX ledger_trace ON ledger (trace);
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
REVOKE ALL ON ledger FROM PUBLIC, CURRENT_USER;
GRANT SELECT, INSERT ON ledger TO CURRENT_USER;
CREATE TABLE named (
    person text COLLATE \"C\" NOT NULL,
    trace text COLLATE \"C\" NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (person, trace)
);
CREATE TABLE number (pseudonym bytea NOT NULL PRIMARY KEY, person text COLLATE \"C\" NOT NULL);
CREATE TABLE person (
    person text COLLATE \"C\" NOT NULL PRIMARY KEY,
    sealed bytea,
    rest bytea,
    restricted boolean NOT NULL DEFAULT false,
    investigated boolean NOT NULL DEFAULT false,
    purges bigint NOT NULL DEFAULT 0
);
CREATE TABLE claim (
    person text COLLATE \"C\" NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    organisation text NOT NULL,
    emergency boolean NOT NULL,
    reason text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (person, issuer, subject, emergency, until)
);
CREATE TABLE minted (
    person text COLLATE \"C\" NOT NULL,
    kind text COLLATE \"C\" NOT NULL,
    id text COLLATE \"C\" NOT NULL,
    source text NOT NULL,
    source_kind text NOT NULL,
    source_id text,
    PRIMARY KEY (person, kind, id)
);
CREATE TABLE minted_home (
    id text COLLATE \"C\" NOT NULL,
    kind text COLLATE \"C\" NOT NULL,
    person text COLLATE \"C\" NOT NULL,
    PRIMARY KEY (id, kind, person)
);
CREATE TABLE plan (
    person text COLLATE \"C\" NOT NULL,
    request text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    rows text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (person, request, issuer, subject)
);
CREATE TABLE located (
    person text COLLATE \"C\" NOT NULL,
    source text COLLATE \"C\" NOT NULL,
    holds boolean NOT NULL,
    local_ids text NOT NULL,
    kinds jsonb NOT NULL,
    heard timestamptz NOT NULL,
    PRIMARY KEY (person, source)
);
CREATE TABLE entry (
    person text COLLATE \"C\" NOT NULL REFERENCES person (person),
    source text COLLATE \"C\" NOT NULL,
    local_id text COLLATE \"C\" NOT NULL,
    provider text,
    restricted boolean NOT NULL,
    seen timestamptz NOT NULL,
    said bytea NOT NULL,
    PRIMARY KEY (person, source, local_id)
);
CREATE TABLE home (
    local_id text COLLATE \"C\" NOT NULL,
    source text COLLATE \"C\" NOT NULL,
    person text COLLATE \"C\" NOT NULL,
    PRIMARY KEY (local_id, source)
);
CREATE TABLE apart (
    person text COLLATE \"C\" NOT NULL,
    source text COLLATE \"C\" NOT NULL,
    local_id text COLLATE \"C\" NOT NULL,
    other_source text COLLATE \"C\" NOT NULL,
    other_local_id text COLLATE \"C\" NOT NULL,
    PRIMARY KEY (person, source, local_id, other_source, other_local_id)
);
CREATE TABLE event (
    person text COLLATE \"C\" NOT NULL,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    author text NOT NULL,
    deed text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (person, sequence)
);
CREATE TABLE task (
    person text COLLATE \"C\" NOT NULL,
    id text COLLATE \"C\" NOT NULL,
    source text NOT NULL,
    local_id text NOT NULL,
    other_source text,
    other_local_id text,
    doubt text NOT NULL,
    raised timestamptz NOT NULL,
    outcome text,
    decided timestamptz,
    author text,
    why text,
    PRIMARY KEY (person, id)
);
CREATE INDEX task_id ON task (id);
CREATE INDEX task_open ON task (id) WHERE outcome IS NULL;
CREATE TABLE task_home (id text COLLATE \"C\" NOT NULL PRIMARY KEY, person text COLLATE \"C\" NOT NULL);
CREATE TABLE loaded (file text COLLATE \"C\" NOT NULL PRIMARY KEY, rows bigint NOT NULL);
CREATE TABLE batch (id uuid NOT NULL PRIMARY KEY, at timestamptz NOT NULL);
CREATE INDEX batch_at ON batch (at);
",
    "CREATE TABLE master_key (fingerprint bytea NOT NULL PRIMARY KEY)",
    // Numbers that were cut: that they were, and nothing of whose.
    "CREATE TABLE cut_number (pseudonym bytea NOT NULL PRIMARY KEY)",
    // The course of the register: its batches, and by which of them a person changed last. What was there before came by the first.
    // Batches of before are in nobody's hands any more: no program of before is at work while this is done.
    "
DELETE FROM batch;
ALTER TABLE batch ADD COLUMN position bigint NOT NULL UNIQUE;
INSERT INTO batch (position, id, at) VALUES (1, gen_random_uuid(), now());
ALTER TABLE person ADD COLUMN changed bigint NOT NULL DEFAULT 1;
CREATE INDEX person_changed ON person (changed);
",
    // The privacy officer's queue. It names nobody: a task leads to lines of the ledger. Steps of its review are only ever added.
    "
CREATE TABLE privacy_task (
    id text COLLATE \"C\" NOT NULL PRIMARY KEY,
    raised timestamptz NOT NULL,
    kind text NOT NULL,
    trace text COLLATE \"C\" NOT NULL,
    rule text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL
);
CREATE INDEX privacy_task_raised ON privacy_task (raised, id);
CREATE INDEX privacy_task_waiting ON privacy_task (raised, id) WHERE state IN ('open', 'escalated');
CREATE INDEX privacy_task_trace ON privacy_task (trace);
CREATE TABLE privacy_review (
    task text COLLATE \"C\" NOT NULL,
    sequence bigint NOT NULL,
    id text COLLATE \"C\" NOT NULL,
    at timestamptz NOT NULL,
    state text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    name text NOT NULL,
    note bytea NOT NULL,
    PRIMARY KEY (task, sequence)
);
CREATE FUNCTION privacy_stays() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'tasks of a privacy officer and their history stay'; END $$;
CREATE TRIGGER privacy_task_no_delete BEFORE DELETE ON privacy_task FOR EACH ROW EXECUTE FUNCTION privacy_stays();
CREATE TRIGGER privacy_task_no_change BEFORE UPDATE OF id, raised, kind, trace, rule, reason ON privacy_task
    FOR EACH ROW EXECUTE FUNCTION privacy_stays();
CREATE TRIGGER privacy_task_no_truncate BEFORE TRUNCATE ON privacy_task FOR EACH STATEMENT EXECUTE FUNCTION privacy_stays();
CREATE TRIGGER privacy_review_no_change BEFORE UPDATE OR DELETE ON privacy_review FOR EACH ROW EXECUTE FUNCTION privacy_stays();
CREATE TRIGGER privacy_review_no_truncate BEFORE TRUNCATE ON privacy_review FOR EACH STATEMENT EXECUTE FUNCTION privacy_stays();
",
    // What ties a person to organisations: who, and from when until when. Nothing of what is done for them.
    "
CREATE TABLE tie (
    person text COLLATE \"C\" NOT NULL,
    source text COLLATE \"C\" NOT NULL,
    kind text COLLATE \"C\" NOT NULL,
    organisation text COLLATE \"C\" NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (person, source, kind, organisation, since)
)
",
    // Claims by ids of their own, so that the end of an emergency can be entered, once. Relationships claimed before last their hours; an
    // emergency of before is to be claimed again.
    "
CREATE TABLE claimed (
    person text COLLATE \"C\" NOT NULL,
    id text COLLATE \"C\" NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    organisation text NOT NULL,
    client text,
    emergency boolean NOT NULL,
    reason text NOT NULL,
    trace text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    leased timestamptz,
    entered boolean NOT NULL,
    PRIMARY KEY (person, id)
);
CREATE INDEX claimed_open ON claimed (until) WHERE NOT entered;
INSERT INTO claimed (person, id, issuer, subject, organisation, emergency, reason, trace, since, until, entered)
    SELECT person, gen_random_uuid()::text, issuer, subject, organisation, emergency, reason, 'before', 'epoch', until, true
    FROM claim WHERE NOT emergency;
DROP TABLE claim;
",
    // What was signed for one use, and used: so much of it that it is known again, until nobody could use it.
    "
CREATE TABLE spent (id bytea NOT NULL PRIMARY KEY, until timestamptz NOT NULL);
CREATE INDEX spent_until ON spent (until);
",
    // Where the ledger's chains end, signed, and who was told.
    "
CREATE TABLE checkpoint (number bigint NOT NULL PRIMARY KEY, whole boolean NOT NULL, line text NOT NULL);
CREATE TRIGGER checkpoint_no_change BEFORE UPDATE OR DELETE ON checkpoint FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER checkpoint_no_truncate BEFORE TRUNCATE ON checkpoint FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
REVOKE ALL ON checkpoint FROM PUBLIC, CURRENT_USER;
GRANT SELECT, INSERT ON checkpoint TO CURRENT_USER;
CREATE TABLE handed (witness text COLLATE \"C\" NOT NULL PRIMARY KEY, number bigint NOT NULL);
",
    // Under which names lines of the ledger are found: by time, who asked, about whom, and whose data were shown. The client chooses what
    // a request is called, so every line has a row of its own. What was there before is entered further below.
    "
CREATE TABLE entered (
    name text COLLATE \"C\" NOT NULL,
    at timestamptz NOT NULL,
    trace text COLLATE \"C\" NOT NULL,
    patient text COLLATE \"C\" NOT NULL,
    PRIMARY KEY (name, at, trace, patient)
);
",
    // What people say about sharing: versions are added, and none is changed or goes.
    "
CREATE TABLE consent (
    person text COLLATE \"C\" NOT NULL,
    id text COLLATE \"C\" NOT NULL,
    version bigint NOT NULL,
    at timestamptz NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (person, id, version)
);
CREATE FUNCTION consent_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'versions of a consent stay'; END $$;
CREATE TRIGGER consent_no_change BEFORE UPDATE OR DELETE ON consent FOR EACH ROW EXECUTE FUNCTION consent_stays();
CREATE TRIGGER consent_no_truncate BEFORE TRUNCATE ON consent FOR EACH STATEMENT EXECUTE FUNCTION consent_stays();
",
    // Master keys change: one that was taken out of use seals no more, and what it sealed is sealed anew. That a number was cut must be
    // known under the next key, too.
    "
ALTER TABLE master_key ADD COLUMN state text NOT NULL DEFAULT 'used';
ALTER TABLE cut_number ADD COLUMN sealed bytea;
-- Notes of a review and what people say about sharing are sealed. They are written over while a key is being replaced, and only then.
DROP TRIGGER privacy_review_no_change ON privacy_review;
CREATE TRIGGER privacy_review_no_change BEFORE DELETE OR UPDATE OF task, sequence, id, at, state, issuer, subject, name
    ON privacy_review FOR EACH ROW EXECUTE FUNCTION privacy_stays();
CREATE FUNCTION privacy_note_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NOT EXISTS (SELECT FROM severn.master_key WHERE state = 'retired') THEN
        RAISE EXCEPTION 'tasks of a privacy officer and their history stay';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER privacy_note_no_change BEFORE UPDATE OF note ON privacy_review FOR EACH ROW EXECUTE FUNCTION privacy_note_stays();
DROP TRIGGER consent_no_change ON consent;
CREATE TRIGGER consent_no_change BEFORE DELETE OR UPDATE OF person, id, version, at
    ON consent FOR EACH ROW EXECUTE FUNCTION consent_stays();
CREATE FUNCTION consent_body_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NOT EXISTS (SELECT FROM severn.master_key WHERE state = 'retired') THEN
        RAISE EXCEPTION 'versions of a consent stay';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_body_no_change BEFORE UPDATE OF body ON consent FOR EACH ROW EXECUTE FUNCTION consent_body_stays();
",
    ENTER_ANEW,
    // What a claim overrides.
    "
ALTER TABLE claimed ADD COLUMN overrides boolean NOT NULL DEFAULT false;
",
    // What answers showed, kept for evidence: sealed under a key of each person's own, which lies sealed under the master key. Whoever
    // destroys that leaves nothing to open. Beside it the steps of what was decided about it.
    "
CREATE TABLE person_key (person text COLLATE \"C\" NOT NULL PRIMARY KEY, sealed bytea NOT NULL, shown timestamptz NOT NULL);
CREATE TABLE evidence (
    person text COLLATE \"C\" NOT NULL,
    address bytea NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (person, address)
);
ALTER TABLE evidence ALTER sealed SET STORAGE EXTERNAL;
CREATE TABLE vault_step (
    person text COLLATE \"C\" NOT NULL,
    id text COLLATE \"C\" NOT NULL,
    number bigint NOT NULL,
    at timestamptz NOT NULL,
    held boolean,
    body bytea NOT NULL,
    PRIMARY KEY (person, id, number)
);
CREATE INDEX vault_step_id ON vault_step (id);
CREATE INDEX vault_step_opening ON vault_step (at, id) WHERE held IS NULL AND number = 1;
-- As `entered`: they are spread over machines, where no table may have triggers.
REVOKE ALL ON evidence, vault_step FROM PUBLIC, CURRENT_USER;
GRANT SELECT, INSERT ON evidence, vault_step TO CURRENT_USER;
",
];

/// Every line is entered anew under its names, by what enters it when it is written (`enter_all`): by no expression of SQL are times and
/// names written as they are there. Who is named is found among these too, by the patient's own name. And what is only ever added to
/// is granted to nobody for anything else, but that consents are sealed anew; `entered` is spread over machines, where no table may have triggers.
const ENTER_ANEW: &str = "
DROP TABLE named;
GRANT TRUNCATE ON entered TO CURRENT_USER;
TRUNCATE entered;
REVOKE ALL ON entered, consent, privacy_task FROM PUBLIC, CURRENT_USER;
GRANT SELECT, INSERT ON entered, consent, privacy_task TO CURRENT_USER;
GRANT UPDATE (state) ON privacy_task TO CURRENT_USER;
GRANT UPDATE (body) ON consent TO CURRENT_USER;
";

/// The version that this program knows.
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// One program at a time migrates; others wait. Any number that nobody else uses.
const LOCK: i64 = 0x5365_7665_726e;

impl PostgresStore {
    /// Brings the schema up to date, or says that it is of a later program. Returns its version before and after.
    pub async fn migrate(&self) -> Result<(i64, i64), StoreError> {
        let mut patience = self.patience();
        loop {
            let outcome = self.migrate_once().await;
            match outcome {
                Ok(Ok(versions)) => return Ok(versions),
                Ok(Err(refused)) => return Err(refused),
                Err(trouble) => patience.again(trouble).await.map_err(|down| StoreError::Postgres(down.0))?,
            }
        }
    }

    async fn migrate_once(&self) -> Result<Result<(i64, i64), StoreError>, Trouble> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        let before = version(&transaction).await?;
        if before > KNOWN {
            return Ok(Err(StoreError::Newer { found: before, known: KNOWN }));
        }
        if before == 0 {
            transaction.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}")).await?;
            transaction.batch_execute("CREATE TABLE migration (version bigint NOT NULL PRIMARY KEY, at timestamptz NOT NULL)").await?;
        }
        for (version, migration) in (1i64..).zip(MIGRATIONS).skip_while(|(version, _)| *version <= before) {
            // Many statements on a large database take longer than one.
            transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
            transaction.batch_execute(migration).await?;
            if *migration == ENTER_ANEW {
                enter_all(&transaction).await?;
            }
            transaction.execute("INSERT INTO migration (version, at) VALUES ($1, now())", &[&version]).await?;
        }
        if let Err(refused) = self.check_key(&transaction).await? {
            return Ok(Err(refused));
        }
        self.grant_again(&transaction).await?;
        transaction.commit().await?;
        Ok(Ok((before, KNOWN)))
    }

    /// Without a key that sealed something no number would lead to its person: everybody would be made anew, silently. Keys are
    /// remembered; a store from before they were must open by one of them.
    async fn check_key(&self, transaction: &Transaction<'_>) -> Result<Result<(), StoreError>, Trouble> {
        let known = transaction.query("SELECT fingerprint, state FROM master_key", &[]).await?;
        let known: Vec<(Vec<u8>, String)> = known.iter().map(|row| (row.get(0), row.get(1))).collect();
        if let Err(refused) = self.secrets.fit(&known) {
            return Ok(Err(refused));
        }
        if known.is_empty() {
            let sealed = transaction.query_opt("SELECT sealed FROM person WHERE sealed IS NOT NULL LIMIT 1", &[]).await?;
            if sealed.is_some_and(|row| self.secrets.unseal(row.get(0)).is_none()) {
                return Ok(Err(StoreError::OtherKey));
            }
        }
        let own = self.secrets.fingerprint();
        if known.iter().any(|(known, _)| known == own) {
            return Ok(Ok(()));
        }
        // Whoever is at work by the keys of before ends first: what is written from then on is led to under this one, too.
        transaction.execute("LOCK TABLE master_key IN EXCLUSIVE MODE", &[]).await?;
        transaction.execute("INSERT INTO master_key (fingerprint) VALUES ($1) ON CONFLICT DO NOTHING", &[&own]).await?;
        Ok(Ok(()))
    }

    /// The version of the schema; 0 where there is none.
    pub async fn version(&self) -> Result<i64, StoreError> {
        let asked = async {
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            version(&transaction).await
        };
        asked.await.map_err(|trouble: Trouble| StoreError::Postgres(trouble.to_string()))
    }
}

/// Whoever takes a key out of use waits for those who write by one.
pub(super) const KEYS: i64 = 0x0053_6576_6572_6e4b;

/// The keys to write by, as this transaction finds them in use; none is taken out of use before it ends.
pub(super) async fn in_use<'a>(transaction: &Transaction<'_>, secrets: &'a Secrets) -> Result<InUse<'a>, Trouble> {
    // A lock of the row would need the privilege to change it.
    let shared = transaction.prepare_cached("SELECT pg_advisory_xact_lock_shared($1)").await?;
    let statement = transaction.prepare_cached("SELECT fingerprint FROM master_key WHERE state = 'used'").await?;
    // Sent together; the second sees what was done before the first was granted.
    let (locked, used) = tokio::join!(transaction.execute(&shared, &[&KEYS]), transaction.query(&statement, &[]));
    locked?;
    let used: Vec<Vec<u8>> = used?.iter().map(|row| row.get(0)).collect();
    secrets.in_use(&used).ok_or_else(|| Trouble::Other(StoreError::RetiredKey.to_string()))
}

async fn version(transaction: &Transaction<'_>) -> Result<i64, Trouble> {
    let there = format!("{SCHEMA}.migration");
    let there: bool = transaction.query_one("SELECT to_regclass($1) IS NOT NULL", &[&there]).await?.get(0);
    if !there {
        return Ok(0);
    }
    let row = transaction.query_one("SELECT coalesce(max(version), 0) FROM migration", &[]).await;
    match row {
        Ok(row) => Ok(row.get(0)),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
