//! The same people and the same questions in PostgreSQL, with the indexes that somebody who knows it would make.

use std::fmt::Write;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::SinkExt;
use people::matching::{Fields, Folded};
use record::NhsNumber;
use testbed::population::Population;
use tokio_postgres::{Client, NoTls, Statement};

use super::region::{self, percentiles, population, sample};
use super::server::Server;
use super::{folder, load};

const TABLES: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE TABLE person (person text NOT NULL, number text, restricted boolean NOT NULL);
    CREATE TABLE entry (
        person text NOT NULL, source text NOT NULL, local_id text NOT NULL, number text, verified boolean, family text, given text, middle text,
        sex text, birth_date date, line text, town text, postcode text, phone text, practice text, categories int, newest date, heard timestamptz
    )";
/// The person leads the primary key, as in our own store.
const INDEXES: &[&str] = &[
    "ALTER TABLE person ADD PRIMARY KEY (person)",
    "CREATE UNIQUE INDEX ON person (number)",
    "ALTER TABLE entry ADD PRIMARY KEY (person, source, local_id)",
    "CREATE INDEX ON entry (source, local_id)",
    "CREATE INDEX ON entry (number)",
    "CREATE INDEX ON entry (birth_date, family)",
    "CREATE INDEX ON entry (postcode)",
    "CREATE INDEX ON entry (family, given)",
    "CREATE INDEX ON entry USING gin (family gin_trgm_ops, given gin_trgm_ops)",
    "VACUUM ANALYZE",
];
const BY_NUMBER: &str = "SELECT person FROM person WHERE number = $1";
const BY_ENTRY: &str = "SELECT person FROM entry WHERE source = $1 AND local_id = $2";
const LOCATED: &str = "SELECT source, categories, newest, heard FROM entry WHERE person = $1";
/// Whoever shares the birth date, either way round, the postcode, or both names; ranked by likeness.
const MATCH: &str = "
    WITH block AS (
        SELECT person, family, given, birth_date, postcode FROM entry WHERE birth_date = $3::text::date OR birth_date = $4::text::date
        UNION ALL SELECT person, family, given, birth_date, postcode FROM entry WHERE postcode = $5
        UNION ALL SELECT person, family, given, birth_date, postcode FROM entry WHERE family = $1 AND given = $2
    )
    SELECT person, max(similarity(family, $1) + similarity(given, $2) + coalesce(similarity(postcode, $5), 0)
        + coalesce((birth_date = $3::text::date)::int, 0)) AS score
    FROM block GROUP BY person ORDER BY score DESC LIMIT 50";
/// By likeness of the name alone, which the trigrams serve.
const LIKE: &str = "
    SELECT person, max(similarity(family, $1) + similarity(given, $2) + coalesce((birth_date = $3::text::date)::int, 0)) AS score
    FROM entry WHERE family % $1 AND given % $2 GROUP BY person ORDER BY score DESC LIMIT 50";

const LOOKUPS: u64 = 4000;
const MATCHES: u64 = 1000;
/// However many are asked, no kind of question is asked longer.
const ASKING_MAX: Duration = Duration::from_secs(90);

pub fn run(count: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Some(mut server) = Server::start(&folder().join("postgres"))? else {
        println!("  SKIPPED: PostgreSQL is not on this machine");
        return Ok(());
    };
    runtime.block_on(async {
        let region = population(count);
        fill(&connect(&server).await?, &region).await?;
        let ready = server.restart()?;
        println!("  ready after restart: {ready:.1?} (nothing of it in its memory yet)");
        ask(&connect(&server).await?, &region).await?;
        println!("  load {}", load());
        Ok(())
    })
}

async fn connect(server: &Server) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(&server.config(), NoTls).await?;
    #[expect(clippy::disallowed_methods, reason = "the connection ends with its client")]
    tokio::spawn(connection);
    Ok(client)
}

async fn fill(client: &Client, region: &Population) -> Result<()> {
    client.batch_execute(TABLES).await?;
    let start = Instant::now();
    for table in ["person", "entry"] {
        let mut sink = pin!(client.copy_in::<_, Bytes>(&format!("COPY {table} FROM STDIN")).await?);
        let mut rows = String::new();
        for citizen in region.people() {
            let person = region::person(region, &citizen)?;
            if table == "person" {
                writeln!(rows, "{}\t{}\t{}", person.id, text(person.number.as_ref().map(NhsNumber::expose)), person.restricted)?;
            } else {
                entries(&mut rows, &person)?;
            }
            if rows.len() > 1 << 18 {
                sink.send(std::mem::take(&mut rows).into()).await?;
            }
        }
        sink.send(rows.into()).await?;
        sink.as_mut().finish().await?;
    }
    let copied = start.elapsed();
    for index in INDEXES {
        client.batch_execute(index).await?;
    }
    let size =
        client.query_one("SELECT pg_database_size(current_database()), pg_indexes_size('entry') + pg_indexes_size('person')", &[]).await?;
    println!("  load: copied in {copied:.1?} (with making the people twice), indexes and statistics {:.1?}", start.elapsed() - copied);
    println!("  on disk: {} MiB, of it indexes {} MiB", size.get::<_, i64>(0) >> 20, size.get::<_, i64>(1) >> 20);
    Ok(())
}

fn entries(rows: &mut String, person: &people::Person) -> Result<()> {
    for (entry, holding) in person.entries.iter().zip(region::holdings(person)) {
        let folded = Folded::of(&entry.demographics);
        let fields = folded.fields();
        let first = |texts: &[&str]| text(texts.first().copied()).to_owned();
        let number = fields.number.map(|(number, status)| (number.expose().to_owned(), status == people::NumberStatus::Verified));
        let (number, verified) = number.map_or((r"\N".to_owned(), r"\N"), |(number, verified)| (number, if verified { "t" } else { "f" }));
        let born = fields.birth_date.map_or(r"\N".to_owned(), |date| date.to_string());
        write!(rows, "{}\t{}\t{}\t{number}\t{verified}\t", person.id, entry.key.source, entry.key.local_id)?;
        write!(rows, "{}\t{}\t{}\t", first(&fields.families), first(&fields.givens), first(&fields.middles))?;
        write!(
            rows,
            "{}\t{born}\t{}\t{}\t",
            fields.sex.map_or(r"\N".to_owned(), |sex| format!("{sex:?}")),
            first(&fields.lines),
            first(&fields.towns)
        )?;
        write!(rows, "{}\t{}\t{}\t", first(&fields.postcodes), first(&fields.phones), text(fields.practice))?;
        let categories = holding.categories.iter().fold(0, |set, category| set | 1 << category as u32);
        writeln!(rows, "{categories}\t{}\t{}", holding.newest.map_or(r"\N".to_owned(), |date| date.to_string()), holding.heard)?;
    }
    Ok(())
}

/// As COPY has it; nothing of the testbed's needs escaping.
fn text(text: Option<&str>) -> &str {
    text.unwrap_or(r"\N")
}

async fn ask(client: &Client, region: &Population) -> Result<()> {
    let asked = sample(region, LOOKUPS);
    let (by_number, by_entry, located) =
        (client.prepare(BY_NUMBER).await?, client.prepare(BY_ENTRY).await?, client.prepare(LOCATED).await?);
    // Once to warm it up, as ours is by being in memory.
    for round in 0..2 {
        let (mut numbers, mut entries, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for citizen in &asked {
            let person = region::person(region, citizen)?;
            let id = person.id.as_str();
            let start = Instant::now();
            let found = client.query_one(&by_number, &[&citizen.number]).await?;
            numbers.push(start.elapsed());
            ensure!(found.get::<_, &str>(0) == id, "a number leads to its person");
            let key = &person.entries[0].key;
            let start = Instant::now();
            let found = client.query_one(&by_entry, &[&key.source.as_str(), &key.local_id.as_str()]).await?;
            entries.push(start.elapsed());
            ensure!(found.get::<_, &str>(0) == id, "an entry leads to its person");
            let start = Instant::now();
            let found = client.query(&located, &[&id]).await?;
            held.push(start.elapsed());
            ensure!(found.len() == person.entries.len(), "each source that holds them is known");
        }
        for (what, mut times) in [("number", numbers), ("entry", entries), ("locator", held)].into_iter().filter(|_| round == 1) {
            let (half, most) = percentiles(&mut times);
            println!("  lookup by {what}: p50 {half:.1?}, p99 {most:.1?} ({} asked, all right)", times.len());
        }
    }
    matches(client, region, "match", &client.prepare(MATCH).await?, 5).await?;
    matches(client, region, "match by likeness of the name (trigrams)", &client.prepare(LIKE).await?, 3).await
}

async fn matches(client: &Client, region: &Population, what: &str, statement: &Statement, parameters: usize) -> Result<()> {
    let mut texts: Vec<(String, [Option<String>; 5])> = Vec::new();
    for (at, citizen) in sample(region, MATCHES).iter().enumerate() {
        let folded = Folded::of(&region::demographics(&citizen.asked(at as u64)));
        texts.push((region::id(region, citizen.n).to_string(), parts(&folded.fields())));
    }
    let (began, mut times, mut found, mut first) = (Instant::now(), Vec::new(), 0, 0);
    let warm = texts.len() / 4;
    for (at, (id, parts)) in texts.iter().cycle().take(texts.len() + warm).enumerate() {
        let [family, given, born, swapped, postcode] = parts;
        let all: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [family, given, born, swapped, postcode];
        let all = if parameters == 5 { &all[..] } else { &all[..3] };
        let start = Instant::now();
        let rows = client.query(statement, all).await?;
        if at < warm {
            continue;
        }
        times.push(start.elapsed());
        found += usize::from(rows.iter().any(|row| row.get::<_, &str>(0) == id));
        first += usize::from(rows.first().is_some_and(|row| row.get::<_, &str>(0) == id));
        if began.elapsed() > ASKING_MAX {
            break;
        }
    }
    ensure!(!times.is_empty(), "something was asked");
    let of = |count: usize| count as f64 * 100.0 / times.len() as f64;
    let (count, found, first) = (times.len(), of(found), of(first));
    let (half, most) = percentiles(&mut times);
    println!("  {what}: p50 {half:.1?}, p99 {most:.1?}");
    println!("    {count} asked; the right one among 50 {found:.1} %, ranked first {first:.1} %");
    Ok(())
}

fn parts(fields: &Fields<'_>) -> [Option<String>; 5] {
    let first = |texts: &[&str]| texts.first().map(|text| (*text).to_owned());
    let born = fields.birth_date.filter(|date| date.is_whole());
    let swapped = born.filter(|date| date.day <= 12).map(|date| people::BirthDate { month: date.day, day: date.month, ..date });
    let date = |date: Option<people::BirthDate>| date.map(|date| date.to_string());
    [first(&fields.families), first(&fields.givens), date(born), date(swapped), first(&fields.postcodes)]
}
