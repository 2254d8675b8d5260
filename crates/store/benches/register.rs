//! How fast the register takes entries in and gives them back: `REGISTER_ENTRIES=1000000 cargo bench -p store --bench
//! register`; and PostgreSQL beside it, into an empty database: `REGISTER_POSTGRES=postgres://…`.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench may fail by panicking, and reads the clock")]

use std::sync::Arc;
use std::time::Instant;

use people::{Change, Entry, EntryKey, Person, Register};
use record::{Address, BirthDate, ClaimedNumber, Demographics, Name, NameUse, NhsNumber, NumberStatus, PersonId, Sex};
use store::{PostgresSettings, PostgresStore, Secrets, SqliteStore};

/// Changes of a batch: some two a person and one an entry.
const BATCH: usize = 5000;

fn number(seed: u64) -> Option<NhsNumber> {
    (0..10).find_map(|check| format!("{:09}{check}", 400_000_000 + seed).parse().ok())
}

fn entry(person: u64, which: u64) -> Entry {
    let name = Name { family: format!("Family{}", person % 9973), given: vec![format!("Given{}", person % 997)], used: NameUse::Current };
    let address = Address {
        line: format!("{} Example Street", person % 200),
        town: "Wolverhampton".into(),
        postcode: format!("WV{} {}AA", person % 16, person % 9),
        used: NameUse::Current,
    };
    let claimed = number(person).map(|number| ClaimedNumber { value: number.expose().to_owned(), status: NumberStatus::Verified });
    Entry {
        key: EntryKey { source: format!("s{which}").parse().unwrap(), local_id: format!("{:012}", person * 7919 % 100_000_000) },
        provider: Some("RRK".parse().unwrap()),
        demographics: Demographics {
            number: claimed,
            names: vec![name],
            birth_date: Some(BirthDate { year: 1930 + (person % 90) as u16, month: 1 + (person % 12) as u8, day: 1 + (person % 28) as u8 }),
            sex: Some(Sex::Female),
            addresses: vec![address],
            phones: vec![format!("07700 {:06}", person % 1_000_000)],
            emails: Vec::new(),
            practice: Some("M85001".into()),
        },
        restricted: false,
        seen: jiff::Timestamp::UNIX_EPOCH,
    }
}

async fn fill(store: &dyn Register, entries: u64) -> u64 {
    let persons = entries * 2 / 5;
    let ids: Vec<PersonId> = (0..persons).map(|_| uuid::Uuid::new_v4().to_string().parse().unwrap()).collect();
    let mut batch = Vec::with_capacity(BATCH + 2);
    let mut count = 0;
    for round in 0..3 {
        for (seed, id) in ids.iter().enumerate() {
            let seed = seed as u64;
            if round == 0 {
                let person = Person {
                    id: id.clone(),
                    number: number(seed),
                    superseded: Vec::new(),
                    restricted: false,
                    died: None,
                    investigated: false,
                    cut: false,
                    entries: Vec::new(),
                };
                batch.push(Change::Person(person));
            }
            // Two and a half entries a person.
            if round < 2 || seed.is_multiple_of(2) {
                batch.push(Change::Put(id.clone(), entry(seed, round)));
                count += 1;
            }
            if batch.len() >= BATCH {
                store.apply(std::mem::take(&mut batch), None).await.unwrap();
            }
        }
    }
    store.apply(batch, None).await.unwrap();
    count
}

async fn measure(name: &str, store: &dyn Register, entries: u64) {
    let started = Instant::now();
    let written = fill(store, entries).await;
    let took = started.elapsed().as_secs_f64();
    println!("{name}: {written} entries written in {took:.1} s, {:.0} a second", written as f64 / took);
    let started = Instant::now();
    let (mut after, mut read) = (None, 0);
    loop {
        let page = store.page(after.as_ref(), 10_000).await.unwrap();
        read += page.persons.iter().map(|person| person.entries.len() as u64).sum::<u64>();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let took = started.elapsed().as_secs_f64();
    println!("{name}: {read} entries read in {took:.1} s, {:.0} a second", read as f64 / took);
    assert_eq!(read, written);
}

fn main() {
    let entries = std::env::var("REGISTER_ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let folder = std::env::temp_dir().join(format!("severn-register-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let secrets = Arc::new(Secrets::open(&folder.join("key")).unwrap());
    let store = SqliteStore::open(&folder.join("severn.db"), secrets.clone()).unwrap();
    runtime.block_on(measure("sqlite", &store, entries));
    let size = std::fs::metadata(folder.join("severn.db")).unwrap().len();
    println!("sqlite: {:.0} bytes an entry on disk", size as f64 / entries as f64);
    if let Ok(url) = std::env::var("REGISTER_POSTGRES") {
        let long = std::time::Duration::from_secs(60);
        let settings = PostgresSettings { url, password: None, ca_file: None, pool_max: 4, connect: long, statement: long, patience: long };
        let store = PostgresStore::new(settings, secrets).unwrap();
        runtime.block_on(async {
            store.migrate().await.unwrap();
            measure("postgresql", &store, entries).await;
        });
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
