//! `severn people load`: one hundred thousand rows, of which five hundred are bad; killed in the middle, and resumed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use people::{EntryKey, Register, TaskFilter};
use store::{Secrets, SqliteStore};

use crate::commands::Room;

pub const HEADING: &str = "rec_id,source,nhs_number,nhs_status,family_name,given_name,middle_name,gender,birth_date,address_line,town,postcode,phone,gp_practice\n";

/// A random number that is the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// A name of some syllables.
fn word(dice: &mut Dice, syllables: usize) -> String {
    const PARTS: [&str; 24] = [
        "bar", "ton", "mor", "wick", "han", "sel", "ley", "dun", "gar", "field", "wor", "ris", "ash", "ham", "pe", "cott", "ru", "stan",
        "mil", "ner", "ken", "dal", "fox", "by",
    ];
    let word: String = (0..syllables).map(|_| PARTS[dice.roll(PARTS.len())]).collect();
    word[..1].to_uppercase() + &word[1..]
}

fn number(seed: usize) -> Option<String> {
    (0..10).map(|check| format!("999{:06}{check}", seed)).find(|number| number.parse::<record::NhsNumber>().is_ok())
}

/// A good row: of every ten people three are there twice, from two providers.
fn row(at: usize) -> String {
    let who = if at % 13 < 3 && at > 100 { at - 57 } else { at };
    let mut dice = Dice(who as u64 * 7_919 + 11);
    let (family, given, middle) = (word(&mut dice, 3), word(&mut dice, 2), word(&mut dice, 2));
    let (year, month, day) = (1930 + dice.roll(90), 1 + dice.roll(12), 1 + dice.roll(28));
    // A number that fails its check digit is none, and no bad row.
    let number = match number(who) {
        Some(number) if who % 5 > 0 => format!("{number},01"),
        Some(_) => ",".to_owned(),
        None => format!("999{who:06}0,02"),
    };
    let (house, street) = (1 + dice.roll(200), word(&mut dice, 2));
    let letter = |at: usize| char::from(b"ABDEFGHJLNPQRSTUWXYZ"[at]);
    let post = format!("DY{} {}{}{}", 1 + dice.roll(15), dice.roll(9), letter(dice.roll(20)), letter(dice.roll(20)));
    let phone = format!("07700 {:06}", dice.roll(1_000_000));
    let provider = ["RRK", "RJE", "M85001"][at % 3];
    let gender = ["female", "male"][dice.roll(2)];
    let place = format!("\"{house} {street} Road, Flat {}\",Dudley,{post}", who % 9);
    format!("r{at},{provider},{number},{family},{given},{middle},{gender},{year}-{month:02}-{day:02},{place},{phone},M85028\n")
}

/// What is bad, and the words by which it is said.
fn bad(kind: usize, at: usize) -> (Vec<u8>, &'static str) {
    let good = row(at);
    let set = |column: usize, value: &str| {
        // The address is the only value in quotes, and has a comma.
        let mut values: Vec<&str> = good.trim_end().split(',').collect();
        values[column] = value;
        (values.join(",") + "\n").into_bytes()
    };
    match kind {
        0 => (set(0, ""), "has no local id"),
        1 => (set(8, "1980-02-31"), "the birth date is none"),
        2 => (set(8, "31/12/1980"), "the birth date is none"),
        3 => (set(8, "2199-01-01"), "the birth date lies in the future"),
        4 => (set(8, "1699-01-01"), "the birth date is longer ago than anybody lives"),
        5 => (set(4, &"x".repeat(500)), "a value is longer than people.value_chars_max: the family name"),
        6 => (set(5, &"y".repeat(400_000)), "is longer than people.row_bytes_max"),
        7 => (set(5, "A\u{7}nn"), "a value holds characters that are no text: the given name"),
        8 => (format!("r{at},RRK,9990000018\n").into_bytes(), "has another number of values than the heading: 3, not 14"),
        9 => ((good.trim_end().to_owned() + ",,,\n").into_bytes(), "has another number of values than the heading: 17, not 14"),
        10 => {
            let mut row = set(5, "Zo");
            let place = row.windows(4).position(|window| window == b",Zo,").unwrap() + 3;
            row.insert(place, 0xeb);
            (row, "is not written in UTF-8")
        }
        11 => (set(13, "\"07700 900000"), "a quote is not closed"),
        12 => (set(0, "r1"), "the local id stands in the file before, with other content: in line 3"),
        _ => (format!("r{at},RRK,,,,,,,,,,,,\n").into_bytes(), "says nothing of who it is about"),
    }
}

const KINDS: usize = 14;

/// What the reject file holds of a row: line, reason, row.
type Reject = (usize, String, Vec<u8>);

/// A file of so many rows, so many of them bad; and what the reject file is to hold.
fn file(rows: usize, bad_rows: usize) -> (Vec<u8>, Vec<Reject>) {
    let mut bytes = HEADING.as_bytes().to_vec();
    let mut expected = Vec::new();
    let every = rows / bad_rows;
    for at in 0..rows {
        if at % every == every / 2 && expected.len() < bad_rows {
            let (row, reason) = bad(expected.len() % KINDS, at);
            bytes.extend_from_slice(&row);
            expected.push((at + 2, reason.to_owned(), row.trim_ascii_end().to_vec()));
        } else {
            bytes.extend_from_slice(row(at).as_bytes());
        }
    }
    (bytes, expected)
}

pub const CONFIG: &str = "[exchange]\nid = \"test\"\norganisation = \"QHL\"\n\n[store]\nurl = \"sqlite:severn.db\"\n\n\
    [[sign_in]]\nissuer = \"https://login.example\"\naudience = \"severn\"\nkeys = \"keys.json\"\n\n\
    [[source]]\nid = \"hosp\"\nname = \"Hospital\"\norganisation = \"RRK\"\ndialect = \"fhir-r4\"\nurl = \"https://hosp.example\"\n";

/// A folder with a configuration and a file.
fn room(bytes: &[u8]) -> Room {
    let room = Room::new();
    std::fs::write(room.0.join("severn.toml"), CONFIG).unwrap();
    std::fs::write(room.0.join("keys.json"), r#"{"keys":[]}"#).unwrap();
    std::fs::write(room.0.join("patients.csv"), bytes).unwrap();
    room
}

const LOAD: [&str; 7] = ["people", "load", "patients.csv", "--source", "hosp", "--config", "severn.toml"];

fn store(room: &Room) -> SqliteStore {
    let secrets = Secrets::open(&room.0.join("severn.db.key")).unwrap();
    SqliteStore::open(&room.0.join("severn.db"), Arc::new(secrets)).unwrap()
}

/// Everything that the register holds, with nothing in it that chance chose: persons by their first entry.
fn state(room: &Room) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = store(room);
    runtime.block_on(async {
        let page = store.page(None, 1_000_000).await.unwrap();
        let name = |key: &EntryKey| format!("{}/{}", key.source, key.local_id);
        let names: BTreeMap<_, String> =
            page.persons.iter().filter_map(|person| Some((person.id.clone(), name(&person.entries.first()?.key)))).collect();
        let mut lines = BTreeSet::new();
        for person in &page.persons {
            let entries: Vec<_> = person
                .entries
                .iter()
                .map(|entry| (name(&entry.key), serde_json::to_string(&entry.demographics).unwrap(), entry.seen, entry.restricted))
                .collect();
            let number = person.number.as_ref().map(|number| number.expose().to_owned());
            let history = store.history(&person.id).await.unwrap();
            let mut deeds: Vec<String> = history.iter().map(|event| format!("{:?} {}", event.deed, event.reason)).collect();
            deeds.sort();
            lines.insert(format!("{entries:?} {number:?} {} {deeds:?}", person.restricted));
        }
        for task in store.tasks(&TaskFilter { count_max: 1_000_000, ..TaskFilter::default() }).await.unwrap() {
            lines.insert(format!("{:?} {:?} {:?} {:?} {:?}", task.id, names.get(&task.person), task.doubt, task.entry, task.other));
        }
        lines.into_iter().fold(String::new(), |mut all, line| {
            let _ = writeln!(all, "{line}");
            all
        })
    })
}

fn rejected(room: &Room) -> Vec<u8> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(room.0.join("patients.csv.rejected.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it names people");
    std::fs::read(room.0.join("patients.csv.rejected.csv")).unwrap()
}

/// Kills the loading when so many rows are in, and returns how many were.
fn killed_after(room: &Room, rows: u64) -> u64 {
    let mut child = room.command(&LOAD).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let name = server::people::load::name(&"hosp".parse().unwrap(), &room.0.join("patients.csv"), access::Step::Demo).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    while !room.0.join("severn.db").exists() || !room.0.join("severn.db.key").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let store = store(room);
    loop {
        let loaded = runtime.block_on(store.loaded(&name)).unwrap();
        if loaded >= rows {
            child.kill().unwrap();
            child.wait().unwrap();
            return runtime.block_on(store.loaded(&name)).unwrap();
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[test]
fn a_hundred_thousand_rows_come_in_and_five_hundred_bad_ones_are_kept_with_reasons() {
    let (rows, bad_rows) = (100_000, 500);
    let (bytes, expected) = file(rows, bad_rows);
    let whole = room(&bytes);
    // The kernel's clock must not tell the two apart: the entries are as old as the file.
    let cut = room(&bytes);
    let written = std::fs::metadata(whole.0.join("patients.csv")).unwrap().modified().unwrap();
    std::fs::File::options().write(true).open(cut.0.join("patients.csv")).unwrap().set_modified(written).unwrap();

    let (code, said, complaints) = whole.run(&LOAD);
    assert_eq!(code, Some(0), "{complaints}");
    assert!(said.contains("100000 rows read, 500 rejected"), "{said}");
    let kept = rejected(&whole);
    let mut reader = csv::Reader::from_reader(&kept[..]);
    let found: Vec<Reject> = reader
        .byte_records()
        .map(|record| {
            let record = record.unwrap();
            let text = |at: usize| std::str::from_utf8(&record[at]).unwrap();
            (text(0).parse().unwrap(), text(1).to_owned(), record[2].to_vec())
        })
        .collect();
    assert_eq!(found.len(), bad_rows);
    for ((line, reason, row), (expected_line, expected_reason, expected_row)) in found.iter().zip(&expected) {
        assert_eq!((line, reason), (expected_line, expected_reason));
        // One that is longer than may be is kept as far as it may.
        let cut = row.len().min(256 << 10);
        assert!(row[..cut] == expected_row[..cut] && (row.len() == expected_row.len() || row.len() > 256 << 10), "line {line}");
    }
    let store = store(&whole);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let persons = runtime.block_on(store.page(None, 1_000_000)).unwrap().persons;
    let entries: usize = persons.iter().map(|person| person.entries.len()).sum();
    assert_eq!(entries, rows - bad_rows, "nothing is lost");
    assert!(persons.len() < entries, "nobody was linked");

    // Killed in several places, one after another, and run to its end.
    let mut before = 0;
    for rows in [1_000, 31_000, 77_000] {
        let loaded = killed_after(&cut, rows);
        assert!(loaded >= before && loaded < 100_000, "{loaded}");
        before = loaded;
    }
    let (code, said, complaints) = cut.run(&LOAD);
    assert_eq!(code, Some(0), "{complaints}");
    assert!(said.contains("100000 rows read, 500 rejected") && said.contains("were taken in before"), "{said}");
    assert!(rejected(&cut) == rejected(&whole), "the reject files differ");
    let (one, other) = (state(&whole), state(&cut));
    if let Some((one, other)) = one.lines().zip(other.lines()).find(|(one, other)| one != other) {
        panic!("{one}\n{other}");
    }
    assert_eq!(one.len(), other.len());

    // Once more: it has nothing to do.
    let (code, said, _) = cut.run(&LOAD);
    assert_eq!(code, Some(0));
    assert!(said.contains("0 new, 0 changed, 0 as before"), "{said}");
    assert!(rejected(&cut) == rejected(&whole));
    assert_eq!(state(&cut).len(), one.len());
}
