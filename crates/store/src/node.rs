//! The node's own journal: entries of the ledger in a file on this machine, while the store is away.
//!
//! Each batch is sealed under its place in the file and synced before it counts. What was shipped stays until all of it was; then the
//! file is emptied. Shipping twice leaves the same, so a machine that stops in between loses nothing and doubles nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use audit::{JournalDown, Line, NodeJournal};

use crate::{Secrets, StoreError};

/// How the file begins; 16 bytes of its own follow.
const MAGIC: &[u8; 16] = b"severn-journal-1";
const HEAD: u64 = 32;

/// A file for entries that the store could not take. One program at a time has it.
pub struct NodeFile(Arc<Mutex<Inner>>);

struct Inner {
    path: PathBuf,
    file: File,
    secrets: Arc<Secrets>,
    id: [u8; 16],
    bytes_max: u64,
    /// Where the records end, and where those begin that were not shipped.
    end: u64,
    unshipped: u64,
    /// Where those end that were given out to be shipped, and how many entries they have.
    given: (u64, usize),
}

impl NodeFile {
    /// Opens or makes the file, readable by its owner only. A record that is not whole ends it: what follows is put aside, and said.
    pub fn open(path: &Path, secrets: Arc<Secrets>, bytes_max: u64) -> Result<NodeFile, StoreError> {
        let wrong = |what: String| StoreError::File { file: path.display().to_string(), what };
        Inner::open(path, secrets, bytes_max).map(|inner| NodeFile(Arc::new(Mutex::new(inner)))).map_err(wrong)
    }

    async fn with<T: Send + 'static>(
        &self,
        deed: impl FnOnce(&mut Inner) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, JournalDown> {
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || deed(&mut inner.lock().unwrap_or_else(PoisonError::into_inner)));
        match done.await {
            Ok(done) => done.map_err(|error| JournalDown(format!("the node's journal: {error}"))),
            Err(error) => Err(JournalDown(error.to_string())),
        }
    }
}

#[async_trait]
impl NodeJournal for NodeFile {
    async fn keep(&self, lines: Vec<Line>) -> Result<(), JournalDown> {
        self.with(move |inner| inner.keep(&lines)).await
    }

    async fn next(&self, most: usize) -> Result<Vec<Line>, JournalDown> {
        self.with(move |inner| inner.next(most)).await
    }

    async fn shipped(&self, count: usize) -> Result<(), JournalDown> {
        self.with(move |inner| inner.shipped(count)).await
    }
}

fn other(what: &str) -> std::io::Error {
    std::io::Error::other(what.to_owned())
}

impl Inner {
    fn open(path: &Path, secrets: Arc<Secrets>, bytes_max: u64) -> Result<Inner, String> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(said)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err("another program has it: each needs a journal of its own".to_owned()),
            Err(TryLockError::Error(error)) => return Err(said(error)),
        }
        let id = head(&mut file, path)?;
        let mut inner = Inner { path: path.to_owned(), file, secrets, id, bytes_max, end: HEAD, unshipped: HEAD, given: (HEAD, 0) };
        inner.find_end().map_err(said)?;
        Ok(inner)
    }

    /// Reads to the last whole record.
    fn find_end(&mut self) -> std::io::Result<()> {
        let length = self.file.metadata()?.len();
        let mut entries = 0;
        self.end = length;
        let mut at = HEAD;
        while at < length {
            let Some((lines, after)) = self.record(at) else { break };
            (entries, at) = (entries + lines.len(), after);
        }
        self.end = at;
        if at < length {
            self.put_aside(at, length)?;
        }
        if entries > 0 {
            tracing::warn!(entries, file = %self.path.display(), "the node's journal holds entries that the store has not; they are shipped");
        }
        Ok(())
    }

    /// What cannot be read is no entry that anybody was promised, if the machine stopped while it was written; it is kept all the same.
    fn put_aside(&mut self, at: u64, length: u64) -> std::io::Result<()> {
        let mut rest = Vec::new();
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_to_end(&mut rest)?;
        let aside = (1..).map(|n| PathBuf::from(format!("{}.cut-{n}", self.path.display()))).find(|path| !path.exists());
        let aside = aside.unwrap_or_default();
        let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        copy.write_all(&rest)?;
        copy.sync_all()?;
        self.file.set_len(at)?;
        self.file.sync_all()?;
        let (bytes, aside) = (length - at, aside.display());
        tracing::error!(alert = "ledger.journal-cut", bytes, %aside, "the node's journal ends in what cannot be read: it was put aside");
        Ok(())
    }

    /// Where a record stands binds it: moved, it does not open.
    fn place(&self, at: u64) -> [u8; 24] {
        let mut place = [0; 24];
        place[..16].copy_from_slice(&self.id);
        place[16..].copy_from_slice(&at.to_le_bytes());
        place
    }

    /// The record at a place, and where it ends; none where there is none that is whole.
    fn record(&self, at: u64) -> Option<(Vec<Line>, u64)> {
        let mut length = [0; 4];
        self.file.read_exact_at(&mut length, at).ok()?;
        let length = u64::from(u32::from_le_bytes(length));
        let after = at + 4 + length;
        if after > self.end {
            return None;
        }
        let mut sealed = vec![0; usize::try_from(length).ok()?];
        self.file.read_exact_at(&mut sealed, at + 4).ok()?;
        let plain = self.secrets.open_entries(&self.place(at), &mut sealed)?;
        Some((serde_json::from_slice(plain).ok()?, after))
    }

    fn keep(&mut self, lines: &[Line]) -> std::io::Result<()> {
        let plain = serde_json::to_vec(lines)?;
        let sealed = self.secrets.seal_entries(&self.place(self.end), plain).ok_or_else(|| other("it could not be sealed"))?;
        let length = u32::try_from(sealed.len()).map_err(|_| other("a batch is too long"))?;
        let after = self.end + 4 + u64::from(length);
        if after > self.bytes_max {
            return Err(other("it is full"));
        }
        let record = [&length.to_le_bytes()[..], &sealed].concat();
        let written = self.file.write_all_at(&record, self.end).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What is there of it goes, so that the next one follows the last that is whole.
            self.file.set_len(self.end)?;
            return Err(error);
        }
        self.end = after;
        Ok(())
    }

    fn next(&mut self, most: usize) -> std::io::Result<Vec<Line>> {
        let (mut at, mut lines) = (self.unshipped, Vec::new());
        while at < self.end && lines.len() < most {
            let (mut more, after) = self.record(at).ok_or_else(|| other("a record of it cannot be read any more"))?;
            lines.append(&mut more);
            at = after;
        }
        self.given = (at, lines.len());
        Ok(lines)
    }

    fn shipped(&mut self, count: usize) -> std::io::Result<()> {
        let (after, given) = self.given;
        if count != given {
            return Err(other("other entries were shipped than were given out"));
        }
        self.unshipped = after;
        if self.unshipped == self.end {
            self.file.set_len(HEAD)?;
            self.file.sync_data()?;
            (self.end, self.unshipped) = (HEAD, HEAD);
        }
        self.given = (self.unshipped, 0);
        Ok(())
    }
}

fn said(error: std::io::Error) -> String {
    error.to_string()
}

/// The file's own bytes; made where it is new.
fn head(file: &mut File, path: &Path) -> Result<[u8; 16], String> {
    let mut head = [0; HEAD as usize];
    // A file of which not even the head was written has nothing in it.
    if file.metadata().map_err(said)?.len() < HEAD {
        head[..16].copy_from_slice(MAGIC);
        aws_lc_rs::rand::fill(&mut head[16..]).map_err(|_| "no randomness".to_owned())?;
        file.set_len(0).and_then(|()| file.write_all_at(&head, 0)).and_then(|()| file.sync_all()).map_err(said)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(said)?;
    }
    file.read_exact_at(&mut head, 0).map_err(said)?;
    if head[..16] != *MAGIC {
        return Err("it is no journal of a node".to_owned());
    }
    head[16..].try_into().map_err(|_| "it has no id".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let path = std::env::temp_dir().join(format!("severn-node-{}", uuid::Uuid::new_v4()));
            std::fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn open(&self) -> Result<Inner, String> {
            self.open_of("key", 1 << 20)
        }

        fn open_of(&self, key: &str, bytes_max: u64) -> Result<Inner, String> {
            Inner::open(&self.0.join("journal"), Arc::new(Secrets::open(&self.0.join(key)).unwrap()), bytes_max)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn lines(from: u64, count: u64) -> Vec<Line> {
        let line = |sequence| Line {
            run: "r".into(),
            sequence,
            at: "t".into(),
            trace: "q".into(),
            event: "{\"event\":\"Zzexample\"}".into(),
            previous: String::new(),
            hash: String::new(),
        };
        (from..from + count).map(line).collect()
    }

    fn sequences(lines: &[Line]) -> Vec<u64> {
        lines.iter().map(|line| line.sequence).collect()
    }

    #[test]
    fn what_was_kept_is_given_out_in_order_until_it_is_shipped_and_lies_sealed() {
        let folder = Folder::new();
        let mut journal = folder.open().unwrap();
        journal.keep(&lines(1, 3)).unwrap();
        journal.keep(&lines(4, 2)).unwrap();
        let bytes = std::fs::read(&journal.path).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"Zzexample"));
        assert!(folder.open().map(|_| ()).unwrap_err().contains("another program"));
        assert_eq!(sequences(&journal.next(2).unwrap()), [1, 2, 3]);
        // Not shipped yet, so it is given out again, by the next program, too.
        assert_eq!(sequences(&journal.next(9).unwrap()), [1, 2, 3, 4, 5]);
        drop(journal);
        let mut journal = folder.open().unwrap();
        assert_eq!(sequences(&journal.next(1).unwrap()), [1, 2, 3]);
        assert!(journal.shipped(2).is_err());
        journal.shipped(3).unwrap();
        journal.keep(&lines(6, 1)).unwrap();
        assert_eq!(sequences(&journal.next(9).unwrap()), [4, 5, 6]);
        // One that comes while they are under way stays.
        journal.keep(&lines(7, 1)).unwrap();
        journal.shipped(3).unwrap();
        assert_eq!(sequences(&journal.next(9).unwrap()), [7]);
        journal.shipped(1).unwrap();
        assert_eq!(std::fs::metadata(&journal.path).unwrap().len(), HEAD);
        assert!(journal.next(9).unwrap().is_empty());
    }

    #[test]
    fn a_record_cut_at_any_byte_costs_itself_only_and_is_kept_aside() {
        let folder = Folder::new();
        let mut journal = folder.open().unwrap();
        journal.keep(&lines(1, 2)).unwrap();
        let whole = journal.end;
        journal.keep(&lines(3, 1)).unwrap();
        let (path, end) = (journal.path.clone(), journal.end);
        drop(journal);
        let bytes = std::fs::read(&path).unwrap();
        for cut in [whole, whole + 1, whole + 4, whole + 20, end - 1] {
            std::fs::write(&path, &bytes[..cut as usize]).unwrap();
            let mut journal = folder.open().unwrap();
            assert_eq!(sequences(&journal.next(9).unwrap()), [1, 2], "{cut}");
            journal.keep(&lines(3, 1)).unwrap();
            assert_eq!(sequences(&journal.next(9).unwrap()), [1, 2, 3], "{cut}");
        }
        let aside = std::fs::read(folder.0.join("journal.cut-4")).unwrap();
        assert_eq!(aside, bytes[whole as usize..end as usize - 1]);
    }

    #[test]
    fn a_flipped_bit_a_moved_record_and_another_key_are_not_read() {
        let folder = Folder::new();
        let mut journal = folder.open().unwrap();
        let ends: Vec<u64> = (1..=2)
            .map(|n| {
                journal.keep(&lines(n, 1)).unwrap();
                journal.end
            })
            .collect();
        let path = journal.path.clone();
        drop(journal);
        let bytes = std::fs::read(&path).unwrap();
        let check = |bytes: &[u8], key: &str, expected: &[u64]| {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(sequences(&folder.open_of(key, 1 << 20).unwrap().next(9).unwrap()), expected);
        };
        check(&bytes, "key", &[1, 2]);
        let mut flipped = bytes.clone();
        flipped[ends[0] as usize + 30] ^= 1;
        check(&flipped, "key", &[1]);
        let (head, one, two) = (&bytes[..HEAD as usize], &bytes[HEAD as usize..ends[0] as usize], &bytes[ends[0] as usize..]);
        check(&[head, two, one].concat(), "key", &[]);
        check(&[head, one, one].concat(), "key", &[1]);
        check(&bytes, "other", &[]);
        std::fs::write(&path, b"something that is longer than the head of a journal").unwrap();
        assert!(folder.open().map(|_| ()).unwrap_err().contains("no journal"));
    }

    #[test]
    fn a_full_journal_takes_no_more() {
        let folder = Folder::new();
        let mut journal = folder.open_of("key", 600).unwrap();
        journal.keep(&lines(1, 1)).unwrap();
        assert!(journal.keep(&lines(2, 9)).unwrap_err().to_string().contains("full"));
        assert_eq!(sequences(&journal.next(9).unwrap()), [1]);
    }
}
