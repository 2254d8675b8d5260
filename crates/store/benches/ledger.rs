//! What a durable entry of the ledger costs, beside what the same store takes of bare rows in the same run; and how long a million
//! entries take to be checked. `LEDGER_ENTRIES` and `LEDGER_VERIFIED` change the numbers, `SEVERN_BENCH=smoke` makes them small.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench may fail by panicking, and reads the clock")]

#[path = "../tests/all/postgres.rs"]
mod postgres;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Archive, Event, Inspection, Journal, Ledger, Who};
use futures::StreamExt;
use postgres::Postgres;
use rusqlite::Connection;
use store::{PostgresJournal, PostgresSettings, PostgresStore, Secrets, SqliteJournal, SqliteStore};

/// Requests that wait for their opening entry at once.
const WAITING: usize = 64;
/// Lines read at once, as `severn audit verify` does.
const AT_ONCE: usize = 10_000;

fn count(name: &str, full: usize, smoke: usize) -> usize {
    let asked = std::env::var(name).ok().and_then(|text| text.parse().ok());
    let is_smoke = std::env::var("SEVERN_BENCH").is_ok_and(|asked| asked == "smoke");
    asked.unwrap_or(if is_smoke { smoke } else { full })
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("load {}", load.split(' ').next().unwrap_or("unknown"))
}

/// An opening entry as a read makes it.
fn opened(n: usize) -> Event {
    let text = |text: &str| text.to_owned();
    let by = Who {
        issuer: text("https://am.nhsidentity.example/openam/oauth2/realms/root"),
        subject: text("910000000001"),
        name: text("Dr Alexandra Example"),
        sds_user_id: Some(text("555000000001")),
        role_profile: Some(text("555000000100")),
        roles: vec![text("R8000")],
        organisation: text("RRK"),
        organisation_name: text("University Hospitals Birmingham NHS Foundation Trust"),
        device: Some(text("ward-7-pc-2")),
        client: Some(text("portal-1")),
        purposes: vec![text("TREAT")],
        token: Some(text("0d9f6b1e-9f0c-4a8e-8f0e-1f7f3f6f5a10")),
    };
    Event::Opened { by, interaction: text("read everything"), patient: format!("3f6a0b1c-{:012}", n % 50_000), hops: Vec::new() }
}

fn rate(entries: usize, took: Duration) -> f64 {
    entries as f64 / took.as_secs_f64()
}

/// Entries through the ledger, by so many who wait each for their own.
async fn noted(journal: Arc<dyn Journal>, run: &str, entries: usize, waiting: usize) -> Duration {
    let (ledger, writing) = Ledger::start(journal, Arc::new(jiff::Timestamp::UNIX_EPOCH), run.to_owned());
    let noting = async {
        let started = Instant::now();
        let notes = futures::stream::iter(0..entries).map(|n| {
            let ledger = &ledger;
            async move { ledger.note(&format!("{n:032x}").parse().unwrap(), &opened(n)).await.unwrap() }
        });
        notes.buffer_unordered(waiting).collect::<Vec<()>>().await;
        let took = started.elapsed();
        drop(ledger);
        took
    };
    tokio::join!(noting, writing).0
}

struct Folder(PathBuf);

impl Folder {
    /// On a real disk, so that a sync is one.
    fn new() -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ledger-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a temporary folder that stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Rows of the same bytes in a table without anything beside it, so many in each synced transaction.
fn bare_sqlite(folder: &Folder, rows: usize, each: usize) -> Duration {
    let mut connection = Connection::open(folder.0.join(format!("bare-{each}.db"))).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bare (n INTEGER PRIMARY KEY, line TEXT)")
        .unwrap();
    let event = serde_json::to_string(&opened(0)).unwrap() + &"0".repeat(200);
    let started = Instant::now();
    for _ in 0..rows / each {
        let transaction = connection.transaction().unwrap();
        for _ in 0..each {
            transaction.prepare_cached("INSERT INTO bare (line) VALUES (?)").unwrap().execute([&event]).unwrap();
        }
        transaction.commit().unwrap();
    }
    started.elapsed()
}

/// The same in PostgreSQL, by one connection.
async fn bare_postgres(url: &str, rows: usize, each: usize) -> Duration {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let inserting = async {
        client.batch_execute("CREATE TABLE IF NOT EXISTS bare (n bigserial PRIMARY KEY, line text)").await.unwrap();
        let insert = client.prepare("INSERT INTO bare (line) SELECT * FROM unnest($1::text[])").await.unwrap();
        let lines = vec![serde_json::to_string(&opened(0)).unwrap() + &"0".repeat(200); each];
        let started = Instant::now();
        for _ in 0..rows / each {
            client.execute(&insert, &[&lines]).await.unwrap();
        }
        let took = started.elapsed();
        drop(client);
        took
    };
    let (took, ended) = tokio::join!(inserting, connection);
    ended.unwrap();
    took
}

fn say(store: &str, entries: usize, took: Duration, one: f64, many: f64, goal: Option<f64>) {
    let own = rate(entries, took);
    let verdict = goal.map(|goal| format!("; goal {goal:.0}: {}", if own >= goal { "reached" } else { "NOT reached" }));
    println!(
        "ledger on {store}: {own:.0} durable entries a second, {WAITING} waiting; bare rows one a transaction {one:.0} ({:.2} times), \
         {WAITING} a transaction {many:.0} ({:.2} times){} ({})",
        own / one,
        own / many,
        verdict.unwrap_or_default(),
        load()
    );
}

async fn on_sqlite(entries: usize) {
    let folder = Folder::new();
    // Before and after, so that what else runs on the machine weighs on both.
    let mut one = rate(entries / 16, bare_sqlite(&folder, entries / 16, 1));
    let many = rate(entries, bare_sqlite(&folder, entries, WAITING));
    let took = noted(Arc::new(SqliteJournal::open(&folder.0.join("severn.db")).unwrap()), "run", entries, WAITING).await;
    let again = Folder::new();
    one = f64::midpoint(one, rate(entries / 16, bare_sqlite(&again, entries / 16, 1)));
    assert_eq!(SqliteJournal::lines(&folder.0.join("severn.db")).unwrap().len(), entries);
    say("SQLite", entries, took, one, many, Some(2_000.0));
}

async fn on_postgres(entries: usize) {
    let (server, folder) = (Postgres::start(&[]), Folder::new());
    let (long, url) = (Duration::from_secs(600), server.url("postgres"));
    let settings =
        PostgresSettings { url: url.clone(), password: None, ca_file: None, pool_max: 2, connect: long, statement: long, patience: long };
    let store = PostgresStore::new(settings, Arc::new(Secrets::open(&folder.0.join("key")).unwrap())).unwrap();
    store.migrate().await.unwrap();
    let one = rate(entries / 16, bare_postgres(&url, entries / 16, 1).await);
    let many = rate(entries, bare_postgres(&url, entries, WAITING).await);
    let took = noted(Arc::new(PostgresJournal::of(&store)), "run", entries, WAITING).await;
    say("PostgreSQL", entries, took, one, many, None);
}

async fn verified(entries: usize) {
    let folder = Folder::new();
    let file = folder.0.join("severn.db");
    let journal = Arc::new(SqliteJournal::open(&file).unwrap());
    for run in 0..10 {
        noted(journal.clone(), &format!("run-{run}"), entries / 10, 2048).await;
    }
    drop(journal);
    let store = SqliteStore::open(&file, Arc::new(Secrets::open(&folder.0.join("key")).unwrap())).unwrap();
    let started = Instant::now();
    let mut inspection = Inspection::new(Vec::new(), 0);
    let mut page = store.lines_after("", 0, AT_ONCE).await.unwrap();
    while let Some(last) = page.last() {
        let (run, sequence) = (last.run.clone(), last.sequence);
        let checking = tokio::task::spawn_blocking(move || {
            page.iter().for_each(|line| inspection.line(line).unwrap());
            inspection
        });
        let (next, checked) = tokio::join!(store.lines_after(&run, sequence, AT_ONCE), checking);
        (page, inspection) = (next.unwrap(), checked.unwrap());
    }
    let report = inspection.finish(Ok(()));
    let took = started.elapsed();
    assert!(report.problems.is_empty() && report.verified.lines as usize == entries / 10 * 10);
    let million = took.as_secs_f64() * 1e6 / entries as f64;
    let verdict = if million <= 10.0 { "reached" } else { "NOT reached" };
    println!("ledger verified: {entries} entries of SQLite in {took:.2?}, a million in {million:.1} s; goal 10 s: {verdict} ({})", load());
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let entries = count("LEDGER_ENTRIES", 40_000, 1_600);
        on_sqlite(entries).await;
        on_postgres(entries).await;
        verified(count("LEDGER_VERIFIED", 1_000_000, 10_000)).await;
    });
}
