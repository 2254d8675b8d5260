//! What only PostgreSQL can be asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Event, Ledger, verify};
use exchange::People;
use people::{Change, Register};
use store::{PostgresJournal, PostgresSettings, PostgresStore, Secrets};
use tokio_postgres::NoTls;

use crate::postgres::{Postgres, QUICK};
use crate::samples::{entry, number, person, somebody};
use crate::stores::{Folder, postgres_settings, postgres_store};

async fn migrated(server: &Postgres, folder: &Folder) -> PostgresStore {
    let store = postgres_store(&server.url("postgres"), folder);
    store.migrate().await.unwrap();
    store
}

/// Statements by a connection of the test's own; the error's words.
async fn says(url: &str, sql: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let asked = async {
        let outcome = client.batch_execute(sql).await;
        drop(client);
        outcome.map_err(|error| error.as_db_error().unwrap().message().to_owned()).err().unwrap_or_default()
    };
    tokio::join!(asked, connection).0
}

#[tokio::test]
async fn the_ledger_refuses_update_delete_and_truncate() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    // One who owns the tables, and is no superuser.
    server.psql("postgres", "CREATE ROLE clerk LOGIN");
    server.psql("postgres", "CREATE DATABASE region OWNER clerk");
    let url = server.url("region").replace("severn@", "clerk@");
    let store = postgres_store(&url, &folder);
    assert_eq!(store.migrate().await.unwrap(), (0, store.version().await.unwrap()));
    audit::Journal::append(&PostgresJournal::of(&store), vec![line("r", 1)]).await.unwrap();
    for sql in ["UPDATE severn.ledger SET event = ''", "DELETE FROM severn.ledger", "TRUNCATE severn.ledger"] {
        assert_eq!(says(&url, sql).await, "permission denied for table ledger", "{sql}");
        let superuser = says(&server.url("region"), sql).await;
        assert_eq!(superuser, "the ledger is append-only", "{sql}");
    }
    assert_eq!(store.lines().await.unwrap().len(), 1);
    let warnings = store.health().await.unwrap().warnings;
    assert_eq!(
        warnings[..2],
        ["fsync is off: what was acknowledged may be lost", "full_page_writes is off: a crash may leave half a page"]
    );
    assert!(warnings[2].contains("let another role own the tables") && warnings.len() == 3, "{warnings:?}");
}

/// One role owns the tables; the other works with them, and can lift no guard.
#[tokio::test]
async fn who_works_with_the_ledger_can_only_add_to_it() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    server.psql("postgres", "CREATE ROLE owner LOGIN; CREATE ROLE clerk LOGIN; CREATE ROLE late LOGIN");
    server.psql("postgres", "CREATE DATABASE region OWNER owner");
    let url = |role: &str| server.url("region").replace("severn@", &format!("{role}@"));
    let owner = postgres_store(&url("owner"), &folder);
    owner.migrate().await.unwrap();
    owner.grant("clerk").await.unwrap();
    let clerk = postgres_store(&url("clerk"), &folder);
    let version = owner.version().await.unwrap();
    assert_eq!(clerk.migrate().await.unwrap(), (version, version), "nothing is left to do");
    let warnings = clerk.health().await.unwrap().warnings;
    assert!(warnings.iter().all(|warning| !warning.contains("ledger")), "{warnings:?}");
    // They do their work.
    let journal = PostgresJournal::of(&clerk);
    audit::Journal::append(&journal, vec![line("r", 1)]).await.unwrap();
    audit::Journal::ship(&journal, vec![line("r", 1), line("r", 2)]).await.unwrap();
    let whose = clerk.person_of(&number(1)).await.unwrap();
    clerk.apply(vec![Change::Put(whose.clone(), entry("gp", "1", 1)), Change::Person(somebody("a", Some(number(2))))], None).await.unwrap();
    let died = people::Event {
        person: whose.clone(),
        at: jiff::Timestamp::UNIX_EPOCH,
        author: people::Author::National,
        deed: people::Deed::Died,
        reason: String::new(),
    };
    clerk.apply(vec![Change::Event(died)], None).await.unwrap();
    audit::Archive::hand(&clerk, "w", 1).await.unwrap();
    exchange::Evidence::keep_evidence(&clerk, &whose, crate::vault::shown(&["one"]), jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    for sql in ["DELETE FROM severn.person_key", "UPDATE severn.person_key SET sealed = ''", "TRUNCATE severn.person_key"] {
        assert_eq!(says(&url("clerk"), sql).await, "permission denied for table person_key", "{sql}");
    }
    // And nothing else.
    for table in ["ledger", "checkpoint", "consent", "entered", "event", "evidence", "master_key", "privacy_review", "vault_step"] {
        // PostgreSQL only warns that this grants nothing.
        says(&url("clerk"), &format!("GRANT UPDATE, DELETE, TRUNCATE, TRIGGER ON severn.{table} TO clerk")).await;
        let denied = format!("permission denied for table {table}");
        let column =
            server.psql("region", &format!("SELECT attname FROM pg_attribute WHERE attrelid = 'severn.{table}'::regclass AND attnum = 1"));
        for sql in [
            format!("UPDATE severn.{table} SET {column} = {column}"),
            format!("DELETE FROM severn.{table}"),
            format!("TRUNCATE severn.{table}"),
            format!("SELECT * FROM severn.{table} FOR UPDATE"),
            format!("INSERT INTO severn.{table} SELECT * FROM severn.{table} ON CONFLICT DO NOTHING; DELETE FROM severn.{table}"),
            format!("CREATE TRIGGER off BEFORE INSERT ON severn.{table} FOR EACH ROW EXECUTE FUNCTION severn.ledger_is_append_only()"),
        ] {
            // An identity column takes no value of anybody's: that is said first.
            let words = says(&url("clerk"), &sql).await;
            assert!(words == denied || (table == "event" && words.contains("non-DEFAULT")), "{sql}: {words}");
        }
        let not_owner = format!("must be owner of table {table}");
        for sql in ["DISABLE TRIGGER ALL", "OWNER TO clerk", "DISABLE ROW LEVEL SECURITY"] {
            assert_eq!(says(&url("clerk"), &format!("ALTER TABLE severn.{table} {sql}")).await, not_owner);
        }
        assert_eq!(says(&url("clerk"), &format!("DROP TABLE severn.{table}")).await, not_owner);
    }
    for (sql, words) in [
        (
            "CREATE OR REPLACE FUNCTION severn.ledger_is_append_only() RETURNS trigger LANGUAGE sql AS ''",
            "permission denied for schema severn",
        ),
        ("SET session_replication_role = replica", "permission denied to set parameter \"session_replication_role\""),
        ("CREATE TABLE severn.other (a int)", "permission denied for schema severn"),
        ("SET ROLE owner", "permission denied to set role \"owner\""),
        ("UPDATE severn.migration SET version = 1", "permission denied for table migration"),
    ] {
        assert_eq!(says(&url("clerk"), sql).await, words, "{sql}");
    }
    for change in ["SET reason = ''", "SET trace = '', state = state"] {
        let words = says(&url("clerk"), &format!("UPDATE severn.privacy_task {change}")).await;
        assert_eq!(words, "permission denied for table privacy_task", "{change}");
    }
    assert_eq!(says(&url("clerk"), "DELETE FROM severn.privacy_task").await, "permission denied for table privacy_task");
    assert_eq!(says(&url("clerk"), "UPDATE severn.privacy_task SET state = 'closed'").await, "");
    assert_eq!(clerk.lines().await.unwrap().len(), 2);
    // A migration that comes later brings its tables to whoever works here.
    assert_eq!(says(&url("owner"), "CREATE TABLE severn.later (a int)").await, "");
    assert_eq!(says(&url("clerk"), "SELECT FROM severn.later").await, "permission denied for table later");
    owner.migrate().await.unwrap();
    assert_eq!(says(&url("clerk"), "DELETE FROM severn.later").await, "");
    assert_eq!(says(&url("clerk"), "DELETE FROM severn.checkpoint").await, "permission denied for table checkpoint");
    assert_eq!(says(&url("late"), "SELECT FROM severn.ledger").await, "permission denied for schema severn");
}

fn line(run: &str, sequence: u64) -> audit::Line {
    let (at, text) = ("2026-11-23T09:00:00Z".to_owned(), String::new());
    audit::Line { run: run.into(), sequence, at, trace: "q".into(), event: "{}".into(), previous: text.clone(), hash: text }
}

#[tokio::test]
async fn a_store_of_a_later_program_is_not_touched() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    let store = migrated(&server, &folder).await;
    assert_eq!(store.migrate().await.unwrap().0, store.version().await.unwrap(), "a second time changes nothing");
    server.psql("postgres", "INSERT INTO severn.migration VALUES (99, now())");
    let error = store.migrate().await.unwrap_err().to_string();
    assert!(error.contains("99") && error.contains("use the program that wrote it"), "{error}");
}

#[tokio::test]
async fn a_store_of_another_key_is_not_opened() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    migrated(&server, &folder).await.person_of(&number(1)).await.unwrap();
    let stranger = Folder::new();
    for before_keys_were_remembered in [false, true] {
        if before_keys_were_remembered {
            server.psql("postgres", "DELETE FROM severn.master_key");
        }
        let error = postgres_store(&server.url("postgres"), &stranger).migrate().await.unwrap_err().to_string();
        assert!(error.contains("another master key"), "{error}");
    }
    migrated(&server, &folder).await;
}

/// A ledger that an earlier program wrote is found under every name, to the microsecond, whatever it says.
#[tokio::test]
async fn what_was_written_before_names_were_is_found_by_them() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    let store = migrated(&server, &folder).await;
    let lines = crate::migrate::of_before();
    for line in &lines {
        let value = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let values = [&line.run, &line.at, &line.trace, &line.event].map(|text| value(text)).join(", ");
        let sql = format!(
            "INSERT INTO severn.ledger (sequence, run, at, trace, event, previous, hash) VALUES ({}, {values}, '', '')",
            line.sequence
        );
        server.psql("postgres", &sql);
    }
    // As the program before this one left it: names by whole seconds, and who is named apart. What came after it is undone as well.
    let before = "DELETE FROM severn.migration WHERE version >= (SELECT max(version) - 2 FROM severn.migration); \
        ALTER TABLE severn.claimed DROP COLUMN overrides; \
        DROP TABLE severn.person_key, severn.evidence, severn.vault_step; \
        CREATE TABLE severn.named (person text, trace text, at timestamptz); \
        INSERT INTO severn.entered VALUES ('[\"all\"]', '2026-11-23T09:00:00Z', 'q', '')";
    server.psql("postgres", before);
    store.migrate().await.unwrap();
    crate::migrate::all_are_found(&store, &lines).await;
    server.psql("postgres", "DELETE FROM severn.entered WHERE name = '[\"sds\",\"555\"]'");
    assert_eq!(audit::Archive::unentered(&store, &lines).await.unwrap(), Some(1));
}

#[tokio::test]
async fn many_who_migrate_at_once_all_find_it_done() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    let stores: Vec<PostgresStore> = (0..4).map(|_| postgres_store(&server.url("postgres"), &folder)).collect();
    let migrated = futures::future::join_all(stores.iter().map(PostgresStore::migrate)).await;
    assert_eq!(migrated.into_iter().filter(|one| one.as_ref().unwrap().0 == 0).count(), 1);
}

/// Keys of a table: primary, unique and foreign ones, each with the table and its columns in order.
const KEYS: &str = "SELECT class.relname, constrained.contype, (SELECT string_agg(attname, ',' ORDER BY place) \
    FROM unnest(constrained.conkey) WITH ORDINALITY AS own (number, place) \
    JOIN pg_attribute ON attrelid = class.oid AND attnum = own.number) \
    FROM pg_constraint AS constrained JOIN pg_class AS class ON class.oid = constrained.conrelid \
    WHERE constrained.connamespace = 'severn'::regnamespace AND constrained.contype IN ('p', 'u', 'f', 'x') \
    UNION ALL SELECT class.relname, 'i', (SELECT attname FROM pg_attribute WHERE attrelid = class.oid AND attnum = indexed.indkey[0]) \
    FROM pg_index AS indexed JOIN pg_class AS class ON class.oid = indexed.indrelid \
    WHERE class.relnamespace = 'severn'::regnamespace AND indexed.indisunique ORDER BY 1, 2";

#[tokio::test]
async fn the_distribution_key_is_in_every_key_and_leads_those_of_patients() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    migrated(&server, &folder).await;
    let statements = PostgresStore::distribution();
    let distributed: Vec<(&str, &str)> = statements
        .iter()
        .map(|statement| {
            let quoted: Vec<&str> = statement.split('\'').collect();
            (quoted[1].strip_prefix("severn.").unwrap(), quoted[3])
        })
        .collect();
    let keys = server.psql("postgres", KEYS);
    let mut seen = std::collections::BTreeSet::new();
    for key in keys.lines() {
        let [table, kind, columns] = key.split('|').collect::<Vec<_>>()[..] else { panic!("{key}") };
        let Some((_, own)) = distributed.iter().find(|(known, _)| *known == table) else {
            // What stays on one server: no patient has a row in it, but the ledger.
            assert!(
                ["batch", "checkpoint", "handed", "ledger", "loaded", "master_key", "migration", "privacy_review", "privacy_task", "spent"]
                    .contains(&table),
                "{table} is not distributed"
            );
            continue;
        };
        assert_eq!(columns.split(',').next().unwrap(), *own, "{table} has a key ({kind}) of {columns}");
        seen.insert(table);
    }
    assert_eq!(seen.len(), distributed.len(), "each has a primary key");
    // Whatever has a person is distributed: by the person, or it is a directory that leads to one.
    let tables = "SELECT table_name FROM information_schema.columns WHERE table_schema = 'severn' AND column_name = 'person' ORDER BY 1";
    for table in server.psql("postgres", tables).lines() {
        assert!(distributed.iter().any(|(known, _)| *known == table), "{table} knows a person, and is not distributed");
    }
}

#[test]
fn distribution_is_by_the_patient_for_patients_and_by_what_is_looked_up_for_directories() {
    let beside = [
        "entry",
        "apart",
        "event",
        "task",
        "located",
        "claimed",
        "minted",
        "plan",
        "tie",
        "consent",
        "person_key",
        "evidence",
        "vault_step",
    ]
    .map(|table| format!("SELECT create_distributed_table('severn.{table}', 'person', colocate_with => 'severn.person')"));
    let keys = [
        ("entered", "name"),
        ("number", "pseudonym"),
        ("cut_number", "pseudonym"),
        ("home", "local_id"),
        ("minted_home", "id"),
        ("task_home", "id"),
    ];
    let alone = keys.map(|(table, key)| format!("SELECT create_distributed_table('severn.{table}', '{key}', colocate_with => 'none')"));
    let first = "SELECT create_distributed_table('severn.person', 'person', colocate_with => 'none')".to_owned();
    let expected: Vec<String> = std::iter::once(first).chain(beside).chain(alone).collect();
    assert_eq!(PostgresStore::distribution(), expected);
}

#[tokio::test]
async fn without_citus_nothing_is_distributed_and_it_is_said() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    let store = migrated(&server, &folder).await;
    let told = store.distribute().await.unwrap().unwrap_err().to_string();
    assert!(told.contains("citus is not in this database"), "{told}");
    // Something that answers as Citus does, to see that each statement is made, and made once.
    server.psql(
        "postgres",
        "INSERT INTO pg_extension SELECT 99999, 'citus', extowner, extnamespace, extrelocatable, '1', NULL, NULL FROM pg_extension LIMIT 1;
         CREATE TABLE severn.pg_dist_partition (logicalrelid regclass);
         INSERT INTO severn.pg_dist_partition VALUES ('severn.person');
         CREATE FUNCTION severn.create_distributed_table(which regclass, key text, colocate_with text) RETURNS void LANGUAGE sql
         AS 'INSERT INTO severn.pg_dist_partition VALUES (which)'",
    );
    let done = store.distribute().await.unwrap().unwrap();
    assert_eq!((done.before.as_slice(), done.now.len()), (["person".to_owned()].as_slice(), PostgresStore::distribution().len() - 1));
    assert!(store.distribute().await.unwrap().unwrap().now.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_while_postgresql_restarts_is_answered_when_it_is_back() {
    let (mut server, folder) = (Postgres::start(QUICK), Folder::new());
    let store = migrated(&server, &folder).await;
    let whose = store.person_of(&number(1)).await.unwrap();
    let journal = PostgresJournal::of(&store);
    for signal in ["INT", "QUIT", "KILL"] {
        server.stop(signal);
        let reading = store.number_of(&whose);
        let writing = store.apply(vec![Change::Put(whose.clone(), entry("gp", signal, 1))], None);
        let noting = audit::Journal::append(&journal, vec![line(signal, 1)]);
        let starting = async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            tokio::task::block_in_place(|| server.run());
        };
        let (read, written, noted, ()) = tokio::join!(reading, writing, noting, starting);
        assert_eq!(read.unwrap(), Some(number(1)), "{signal}");
        written.unwrap();
        noted.unwrap();
    }
    assert_eq!(store.person(&whose).await.unwrap().unwrap().entries.len(), 3);
    assert_eq!(store.lines().await.unwrap().len(), 3);
}

#[tokio::test]
async fn every_line_of_a_long_ledger_is_checked() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    let store = migrated(&server, &folder).await;
    let trace = "q".parse().unwrap();
    let event = Event::Refused { by: None, patient: String::new(), why: "no".into(), policy: Vec::new() };
    for run in ["a", "b"] {
        let journal = Arc::new(PostgresJournal::of(&store));
        let (ledger, writing) = Ledger::start(journal, Arc::new(jiff::Timestamp::UNIX_EPOCH), run.to_owned());
        let noting = async {
            futures::future::try_join_all((0..2500).map(|_| ledger.note(&trace, &event))).await.unwrap();
            drop(ledger);
        };
        tokio::join!(noting, writing);
    }
    let verified = store.verify_ledger().await.unwrap().unwrap();
    assert_eq!((verified.lines, verified.runs), (5000, 2));
    server.psql(
        "postgres",
        "ALTER TABLE severn.ledger DISABLE TRIGGER ledger_no_change; GRANT UPDATE ON severn.ledger TO severn;
         UPDATE severn.ledger SET event = 'x' WHERE run = 'b' AND sequence = 2100",
    );
    let bad = store.verify_ledger().await.unwrap().unwrap_err();
    assert!(bad.contains("run b, entry 2100"), "{bad}");
}

#[tokio::test]
async fn a_line_that_was_written_and_is_written_again_stands_once() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    let journal = PostgresJournal::of(&migrated(&server, &folder).await);
    for _ in 0..2 {
        audit::Journal::append(&journal, vec![line("r", 1), line("r", 2)]).await.unwrap();
    }
    assert!(audit::Journal::append(&journal, vec![line("r", 2), line("r", 3)]).await.is_err(), "only half of it is there");
    assert_eq!(server.psql("postgres", "SELECT count(*) FROM severn.ledger"), "2");
}

#[tokio::test]
async fn the_ledger_goes_on_in_a_chain_of_its_own_after_postgresql_was_away() {
    let (mut server, folder) = (Postgres::start(QUICK), Folder::new());
    let settings = PostgresSettings { patience: Duration::from_millis(300), ..postgres_settings(&server.url("postgres")) };
    let store = PostgresStore::new(settings, Arc::new(Secrets::open(&folder.0.join("key")).unwrap())).unwrap();
    store.migrate().await.unwrap();
    let (ledger, writing) = Ledger::start(Arc::new(PostgresJournal::of(&store)), Arc::new(jiff::Timestamp::UNIX_EPOCH), "run".to_owned());
    let trace = "q".parse().unwrap();
    let event = Event::Refused { by: None, patient: String::new(), why: "no".into(), policy: Vec::new() };
    let steps = async {
        ledger.note(&trace, &event).await.unwrap();
        server.stop("QUIT");
        assert!(ledger.note(&trace, &event).await.is_err());
        server.run();
        ledger.note(&trace, &event).await.unwrap();
        drop(ledger);
    };
    tokio::join!(steps, writing);
    let lines = store.lines().await.unwrap();
    assert_eq!(lines.iter().map(|line| (line.run.as_str(), line.sequence)).collect::<Vec<_>>(), [("run", 1), ("run.1", 1)]);
    assert_eq!(verify(&lines).unwrap().runs, 2);
}

#[tokio::test]
async fn who_is_away_for_longer_than_the_patience_is_said_to_be() {
    let (mut server, folder) = (Postgres::start(QUICK), Folder::new());
    let settings = PostgresSettings { patience: Duration::from_millis(400), ..postgres_settings(&server.url("postgres")) };
    let store = PostgresStore::new(settings, Arc::new(Secrets::open(&folder.0.join("key")).unwrap())).unwrap();
    store.migrate().await.unwrap();
    server.stop("INT");
    #[expect(clippy::disallowed_methods, reason = "a real server is waited for by the real clock")]
    let started = Instant::now();
    let error = store.known(&number(1)).await.unwrap_err().to_string();
    assert!(started.elapsed() < Duration::from_secs(5), "{error}");
    assert!(!error.contains("severn@"), "{error}");
}

#[tokio::test]
async fn what_postgresql_refuses_is_not_asked_again() {
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    let store = postgres_store(&server.url("nowhere"), &folder);
    #[expect(clippy::disallowed_methods, reason = "a real server is waited for by the real clock")]
    let started = Instant::now();
    let error = store.migrate().await.unwrap_err().to_string();
    assert!(error.contains("\"nowhere\" does not exist"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(6), "as long as the patience");
}

#[test]
fn what_is_wrong_with_a_url_is_said_without_its_password() {
    for (url, expected) in [
        ("postgres://u:secret@h/db", None),
        ("postgres://u@a,b/db?target_session_attrs=read-write", None),
        ("postgres://u:secret@h/db?sslmode=sideways", Some("sslmode")),
        ("postgres://u:secret@h/db?colour=red", Some("colour")),
        ("postgres://u:secret@h:port/db", Some("port")),
        ("postgres:///db", Some("host")),
        ("postgres://h/db", Some("user")),
    ] {
        let mistake = postgres_settings(url).mistake();
        assert_eq!(mistake.is_some(), expected.is_some(), "{url}: {mistake:?}");
        let words = mistake.unwrap_or_default();
        assert!(words.contains(expected.unwrap_or_default()) && !words.contains("secret"), "{url}: {words}");
    }
    let settings = PostgresSettings { ca_file: Some("/nowhere.pem".into()), ..postgres_settings("postgres://u@h/db") };
    assert!(settings.mistake().unwrap().contains("/nowhere.pem"));
}

/// A certificate authority, and a server's certificate and key by it, as PEM.
fn certificates() -> (String, String, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    (certificate.pem(), own.pem(), key.serialize_pem())
}

#[tokio::test]
async fn over_tls_only_who_is_certified_is_believed() {
    let (authority, own, key) = certificates();
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    server.certify(&own, &key);
    let with = |mode: &str, authority: Option<String>| {
        let ca_file = authority.map(|pem| {
            let file = folder.0.join(format!("{}.pem", uuid::Uuid::new_v4()));
            std::fs::write(&file, pem).unwrap();
            file
        });
        let url = format!("{}?sslmode={mode}", server.url("postgres"));
        let settings = PostgresSettings { ca_file, ..postgres_settings(&url) };
        PostgresStore::new(settings, Arc::new(Secrets::open(&folder.0.join("key")).unwrap())).unwrap()
    };
    with("require", Some(authority)).migrate().await.unwrap();
    let stranger = certificates().0;
    let error = with("require", Some(stranger)).migrate().await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_batch_whose_commit_was_lost_on_the_way_is_written_once() {
    // The connection is cut in the moment of the commit, again and again: what was applied is there once.
    let (server, folder) = (Postgres::start(QUICK), Folder::new());
    let store = migrated(&server, &folder).await;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let cutting = async {
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'severn'";
        while !stop.load(std::sync::atomic::Ordering::SeqCst) {
            says(&server.url("postgres"), cut).await;
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    };
    let writing = async {
        let mut events = 0;
        for n in 0..60 {
            let event = people::Event {
                person: person("a"),
                at: crate::samples::at(n),
                author: people::Author::National,
                deed: people::Deed::Died,
                reason: n.to_string(),
            };
            store.apply(vec![Change::Person(somebody("a", Some(number(1)))), Change::Event(event)], None).await.unwrap();
            events += 1;
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        events
    };
    let (events, ()) = tokio::join!(writing, cutting);
    let history = store.history(&person("a")).await.unwrap();
    assert_eq!(history.len(), events);
    assert!(history.iter().enumerate().all(|(place, event)| event.reason == place.to_string()));
}
