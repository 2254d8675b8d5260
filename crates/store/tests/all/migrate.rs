//! A file of an earlier program is brought up to date with all that it holds.

use std::sync::Arc;

use audit::{By, LedgerReader, Lookup};
use exchange::People;
use identity::Locator;
use rusqlite::Connection;
use store::{Secrets, SqliteStore};

use crate::samples::{admission, number, user};
use crate::stores::Folder;

/// The tables of version 3 that were changed afterwards.
const VERSION_3: &str = "
CREATE TABLE ledger (run TEXT NOT NULL, sequence INTEGER NOT NULL, at TEXT NOT NULL, trace TEXT NOT NULL, event TEXT NOT NULL,
    previous TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, sequence)) STRICT;
CREATE TABLE person (person TEXT NOT NULL PRIMARY KEY, pseudonym BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL) STRICT;
CREATE TABLE located (pseudonym BLOB NOT NULL, source TEXT NOT NULL, holds INTEGER NOT NULL, local_ids TEXT NOT NULL,
    heard TEXT NOT NULL, PRIMARY KEY (pseudonym, source)) STRICT;
CREATE TABLE claim (person TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL, organisation TEXT NOT NULL,
    emergency INTEGER NOT NULL, reason TEXT NOT NULL, until TEXT NOT NULL,
    PRIMARY KEY (person, issuer, subject, emergency, until)) STRICT;
";

#[tokio::test]
async fn persons_and_what_was_heard_of_them_are_kept() {
    let folder = Folder::new();
    let secrets = || Arc::new(Secrets::open(&folder.0.join("key")).unwrap());
    let fresh = folder.0.join("fresh.db");
    let store = SqliteStore::open(&fresh, secrets()).unwrap();
    let whose = store.person_of(&number(1)).await.unwrap();

    // What a number's columns held then is what they hold now, in other tables.
    let now = Connection::open(&fresh).unwrap();
    let (pseudonym, sealed): (Vec<u8>, Vec<u8>) =
        now.query_row("SELECT pseudonym, sealed FROM number JOIN person USING (person)", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let file = folder.0.join("old.db");
    let old = Connection::open(&file).unwrap();
    old.execute_batch(VERSION_3).unwrap();
    old.execute("INSERT INTO person VALUES (?, ?, ?)", (whose.as_str(), &pseudonym, &sealed)).unwrap();
    let heard = "2026-11-23T09:00:00Z";
    old.execute("INSERT INTO located VALUES (?, 'gp', 1, ?, ?)", (&pseudonym, "a\nb", heard)).unwrap();
    old.execute("INSERT INTO located VALUES (?, 'hosp', 0, '', ?)", (&pseudonym, heard)).unwrap();
    for (emergency, until) in [(0, "2026-11-23T21:00:00Z"), (1, "2026-11-23T13:00:00Z")] {
        let row = (whose.as_str(), emergency, until);
        old.execute("INSERT INTO claim VALUES (?, 'https://login.example', 'u', 'RRK', ?, 'TREAT', ?)", row).unwrap();
    }
    let opened = format!(r#"{{"event":"opened","patient":"{whose}"}}"#);
    old.execute("INSERT INTO ledger VALUES ('r', 1, '2026-11-23T09:00:00.5Z', 'q', ?, '', '')", [&opened]).unwrap();
    old.pragma_update(None, "user_version", 3).unwrap();
    drop(old);

    let store = SqliteStore::open(&file, secrets()).unwrap();
    assert_eq!(store.person_of(&number(1)).await.unwrap(), whose);
    assert_eq!(store.number_of(&whose).await.unwrap(), Some(number(1)));
    assert_eq!(store.about(whose.as_str(), heard.parse().unwrap()).await.unwrap().len(), 1);
    // A relationship that was claimed lasts its hours; an emergency is claimed again.
    let claims = exchange::Claims::of(&store, &whose, &user("u"), heard.parse().unwrap()).await.unwrap();
    let claims: Vec<_> = claims.iter().map(|claim| (claim.kind, claim.until.to_string())).collect();
    assert_eq!(claims, [(access::ClaimKind::Relationship, "2026-11-23T21:00:00Z".to_owned())]);
    let located = store.located(&admission(number(1)), &number(1)).await.unwrap();
    let rows: Vec<_> = located.iter().map(|row| (row.source.as_str(), row.holds, row.local_ids.len(), row.heard.to_string())).collect();
    assert_eq!(rows, [("gp", true, 2, heard.to_owned()), ("hosp", false, 0, heard.to_owned())]);
}

/// Lines of an earlier program: between whole seconds, of names with whatever letters, and one that is no JSON.
pub fn of_before() -> Vec<audit::Line> {
    let by = r#"{"issuer":"i\"1","subject":"\u0000\u00e9","sds_user_id":"555"}"#;
    let line = |sequence, at: &str, event: &str| audit::Line {
        run: "r".into(),
        sequence,
        at: at.into(),
        trace: format!("q-{sequence}"),
        event: event.into(),
        previous: String::new(),
        hash: String::new(),
    };
    vec![
        line(1, "2026-11-23T09:00:00.123456789Z", "no JSON"),
        line(2, "2026-11-23T09:00:00.9999996Z", &format!(r#"{{"event":"opened","by":{by},"patient":"p"}}"#)),
        line(3, "2026-11-23T09:00:01.5Z", r#"{"event":"closed","shown":[{"source":"gp"}]}"#),
        line(4, "2026-11-23T09:00:02.25Z", r#"{"event":"refused","by":null,"patient":"\u0000","why":""}"#),
    ]
}

/// Each line is found under each of its names, and nothing else is.
pub async fn all_are_found(store: &impl store::Store, lines: &[audit::Line]) {
    let user = By::User { issuer: "i\"1".into(), subject: "\0\u{e9}".into() };
    for by in [By::Anything, By::Patient("p".into()), By::Patient("\0".into()), By::SdsUser("555".into()), By::Source("gp".into()), user] {
        let (since, until) = ("2026-11-23T00:00:00Z".parse().unwrap(), "2026-11-24T00:00:00Z".parse().unwrap());
        let lookup = Lookup { by, since, until, from: None, count_max: 10 };
        let found = store.find(&lookup).await.unwrap();
        assert!(!found.is_empty(), "{lookup:?}");
        assert_eq!(found, audit::lookup::among(lines, &lookup), "{lookup:?}");
    }
    let since = "2026-11-23T09:00:00.999999Z".parse().unwrap();
    assert_eq!(store.about("p", since).await.unwrap(), [lines[1].clone()]);
    assert_eq!(store.unentered(lines).await.unwrap(), None);
}

/// A ledger that an earlier program wrote is found under every name, to the microsecond, whatever it says.
#[tokio::test]
async fn what_was_written_before_names_were_is_found_by_them() {
    let folder = Folder::new();
    let (file, secrets) = (folder.0.join("severn.db"), Arc::new(Secrets::open(&folder.0.join("key")).unwrap()));
    drop(SqliteStore::open(&file, secrets.clone()).unwrap());
    let lines = of_before();
    let old = Connection::open(&file).unwrap();
    for line in &lines {
        let row = (&line.run, line.sequence as i64, &line.at, &line.trace, &line.event);
        old.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, '', '')", row).unwrap();
    }
    // As an earlier program left it: names by whole seconds, and who is named apart.
    let version: i64 = old.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    let triggers = ["entered_no_update", "entered_no_delete", "consent_no_replace", "privacy_task_no_replace"];
    triggers.iter().for_each(|trigger| old.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap());
    let before = "CREATE TABLE named (person TEXT, trace TEXT, at INTEGER); \
        INSERT INTO entered VALUES ('[\"all\"]', unixepoch('2026-11-23T09:00:00Z') * 1000000, 'q', '')";
    old.execute_batch(before).unwrap();
    // What came after it is undone as well.
    old.execute_batch("ALTER TABLE claimed DROP COLUMN overrides").unwrap();
    old.execute_batch("DROP TABLE person_key; DROP TABLE evidence; DROP TABLE vault_step").unwrap();
    old.pragma_update(None, "user_version", version - 3).unwrap();
    let store = SqliteStore::open(&file, secrets).unwrap();
    all_are_found(&store, &lines).await;
    old.execute_batch("DROP TRIGGER entered_no_delete; DELETE FROM entered WHERE name = '[\"sds\",\"555\"]'").unwrap();
    assert_eq!(audit::Archive::unentered(&store, &lines).await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_store_of_another_key_is_not_opened() {
    let folder = Folder::new();
    let open = |key: &str| SqliteStore::open(&folder.0.join("severn.db"), Arc::new(Secrets::open(&folder.0.join(key)).unwrap()));
    open("own").unwrap().person_of(&number(1)).await.unwrap();
    for before_keys_were_remembered in [false, true] {
        if before_keys_were_remembered {
            Connection::open(folder.0.join("severn.db")).unwrap().execute("DELETE FROM master_key", []).unwrap();
        }
        let error = open("stranger").map(drop).unwrap_err().to_string();
        assert!(error.contains("another master key"), "{error}");
    }
    open("own").unwrap();
}

#[test]
fn two_who_open_a_new_file_at_once_both_have_it() {
    let folder = Folder::new();
    let secrets = Arc::new(Secrets::open(&folder.0.join("key")).unwrap());
    let open = || SqliteStore::open(&folder.0.join("severn.db"), secrets.clone()).map(drop);
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        opened.into_iter().for_each(|one| one.join().unwrap().unwrap());
    });
}
