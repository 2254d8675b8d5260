//! A small ledger of three chains, its checkpoints, and its export.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use audit::{
    Course, Event, Exported, Head, Inspection, Journal, JournalDown, Ledger, Line, Proof, PublicKey, Report, Signed, SigningKey, exported,
    verify_export,
};

/// A key that goes with the test.
pub fn key() -> SigningKey {
    key_file().open()
}

/// The file of a key, which goes when this value does.
pub struct KeyFile(std::path::PathBuf);

pub fn key_file() -> KeyFile {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    KeyFile(std::env::temp_dir().join(format!("severn-audit-{}-{n}.pem", std::process::id())))
}

impl KeyFile {
    pub fn open(&self) -> SigningKey {
        SigningKey::open(&self.0).unwrap()
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        // Nothing can be done about a temporary file that stays.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[derive(Default)]
pub struct Memory(pub Mutex<Vec<Line>>);

#[async_trait]
impl Journal for Memory {
    async fn append(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        self.0.lock().unwrap().extend(lines);
        Ok(())
    }
}

pub fn event(what: usize) -> Event {
    Event::Refused { by: None, patient: format!("p{what}"), why: "\"no\" – nothing\n".into(), policy: Vec::new() }
}

/// The lines of a run.
pub async fn run(name: &str, count: usize) -> Vec<Line> {
    let memory = Arc::new(Memory::default());
    let clock = Arc::new(jiff::Timestamp::constant(1_795_424_400, 5));
    let (ledger, writing) = Ledger::start(memory.clone(), clock, name.to_owned());
    let noting = async {
        for n in 0..count {
            ledger.note(&format!("q{n}").parse().unwrap(), &event(n)).await.unwrap();
        }
        drop(ledger);
    };
    tokio::join!(noting, writing);
    let lines = memory.0.lock().unwrap();
    lines.clone()
}

pub fn head(line: &Line) -> Head {
    Head { run: line.run.clone(), sequence: line.sequence, hash: line.hash.clone() }
}

/// A ledger, whole.
pub struct Sample {
    pub key: SigningKey,
    pub lines: Vec<Line>,
    pub checkpoints: Vec<Signed>,
    /// The number of the checkpoint that its export begins after.
    pub after: u64,
}

impl Sample {
    /// Runs of 6, 1 and 4 lines; checkpoints over (a 2), (a 5, b 1), (a 5, b 1, c 4). The last line of `a` is after all of them.
    pub async fn new() -> Sample {
        let key = key();
        let (a, b, c) = (run("a", 6).await, run("b", 1).await, run("c", 4).await);
        let (mut course, mut checkpoints) = (Course::default(), Vec::new());
        for heads in [vec![head(&a[1])], vec![head(&a[4]), head(&b[0])], vec![head(&a[4]), head(&b[0]), head(&c[3])]] {
            let next = course.next(heads, "2026-11-23T09:00:00Z".into(), 2, &key).unwrap();
            course.add(&next, &[]).unwrap();
            checkpoints.push(next);
        }
        Sample { key, lines: [a, b, c].concat(), checkpoints, after: 0 }
    }

    /// Its export: `ledger.ndjson`, `checkpoints.ndjson` and `proof.json`.
    pub fn export(&self) -> [Vec<u8>; 3] {
        let mut heads: std::collections::BTreeMap<String, Head> = Default::default();
        self.lines.iter().for_each(|line| drop(heads.insert(line.run.clone(), head(line))));
        let last = self.checkpoints.last().map(|last| (last.checkpoint.number, last.hash()));
        let proof =
            Proof::new("t".into(), self.after, self.lines.len() as u64, heads.into_values().collect(), last, &self.key).signed(&self.key);
        [
            self.lines.iter().map(|line| exported(line) + "\n").collect::<String>().into_bytes(),
            ndjson(&self.checkpoints),
            proof.into_bytes(),
        ]
    }

    /// As a store gives it.
    pub fn in_store(&self, copies: &[(&str, Vec<u8>)], trusted: &[PublicKey]) -> Report {
        let mut inspection = Inspection::new(trusted.to_vec(), 0);
        self.checkpoints.iter().for_each(|one| inspection.checkpoint(one.line().as_bytes()));
        copies.iter().for_each(|(name, copy)| inspection.witness(name, Cursor::new(copy)).unwrap());
        inspection.begin();
        let outcome = self.lines.iter().try_for_each(|line| inspection.line(line));
        inspection.finish(outcome)
    }
}

pub fn ndjson(checkpoints: &[Signed]) -> Vec<u8> {
    checkpoints.iter().map(|one| one.line() + "\n").collect::<String>().into_bytes()
}

/// Checks an export's bytes.
pub fn checked(files: &[Vec<u8>; 3], copies: &[(&str, Vec<u8>)], trusted: &[PublicKey]) -> Report {
    let [ledger, checkpoints, proof] = files.clone();
    let copies = copies.iter().map(|(name, copy)| ((*name).to_owned(), Cursor::new(copy.clone()))).collect();
    let exported = Exported { ledger: Cursor::new(ledger), checkpoints: Cursor::new(checkpoints), proof };
    verify_export(exported, copies, trusted.to_vec(), |_| {}).unwrap()
}
