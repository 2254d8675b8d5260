//! The base in a file, so that a restart need not read the whole register.
//!
//! A snapshot is sealed with a key of the caller's, since it holds personal data, and names the point in the register up to which it holds.
//! What changed after that point is for the caller to put again. It only spares time: the truth is in the register.

use std::io::{self, Read, Write};

use record::PersonId;

use super::seal::{Opener, SALT, Sealer};
use super::stack::{Run, Shared};
use super::{Index, Limits, Locator, arrays};

const MAGIC: &[u8; 8] = b"SEVERNIX";
/// Of the file and of everything that stands in it: the packing of records, the digests of keys, how names sound and are folded. Whoever
/// changes one of them raises it.
const VERSION: u32 = 1;

/// Why a snapshot is not used. The register is read instead.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotRefused {
    /// It ends too early.
    #[error("the snapshot is cut off")]
    CutOff,
    /// Its seal is broken: it was changed, or sealed with another key.
    #[error("the snapshot is damaged, or sealed with another key")]
    Damaged,
    /// It is no snapshot, or one of something else.
    #[error("this is no snapshot of the {0}")]
    NotOne(&'static str),
    /// It could not be read or written.
    #[error("the snapshot could not be read or written")]
    Io(#[source] io::Error),
    /// The register has gone on too far since, or is another.
    #[error("the snapshot is stale")]
    Stale,
    /// It was written by another version of this program.
    #[error("the snapshot is of version {found}, this program's is {expected}")]
    Version {
        /// What it says.
        found: u32,
        /// What is read here.
        expected: u32,
    },
}

impl From<io::Error> for SnapshotRefused {
    fn from(error: io::Error) -> SnapshotRefused {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => SnapshotRefused::CutOff,
            io::ErrorKind::InvalidData => SnapshotRefused::Damaged,
            _ => SnapshotRefused::Io(error),
        }
    }
}

/// A run that can stand in a file.
pub(super) trait Stored: Run {
    /// What it is of: a word, and a byte in the file.
    const OF: (&'static str, u8);
    fn write(&self, out: &mut impl Write) -> io::Result<()>;
    fn read(from: &mut impl Read) -> io::Result<Self>;
}

/// Writes the base. What is not folded yet is not in it.
fn write<R: Stored>(shared: &Shared<R>, position: &str, key: &[u8; 32], mut out: impl Write) -> io::Result<()> {
    shared.fold();
    let segments = shared.read().segments.clone();
    let mut salt = [0; SALT];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| io::Error::other("no randomness"))?;
    let mut header = [&MAGIC[..], &VERSION.to_le_bytes(), &[R::OF.1]].concat();
    header.extend(salt);
    out.write_all(&header)?;
    let mut out = Sealer::new(out, key, &salt, header)?;
    arrays::write_bytes(&mut out, position.as_bytes())?;
    arrays::count(&mut out, segments.len())?;
    for segment in segments {
        segment.run.write(&mut out)?;
    }
    out.finish()?;
    Ok(())
}

/// Reads a base back, if the caller takes its position.
fn read<R: Stored>(
    shared: &Shared<R>,
    key: &[u8; 32],
    mut from: impl Read,
    is_current: impl FnOnce(&str) -> bool,
) -> Result<String, SnapshotRefused> {
    let mut header = vec![0; MAGIC.len() + 5 + SALT];
    from.read_exact(&mut header)?;
    let (magic, rest) = header.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(SnapshotRefused::NotOne(R::OF.0));
    }
    let found = rest.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    if found != VERSION {
        return Err(SnapshotRefused::Version { found, expected: VERSION });
    }
    if rest[4] != R::OF.1 {
        return Err(SnapshotRefused::NotOne(R::OF.0));
    }
    let mut salt = [0; SALT];
    salt.copy_from_slice(&rest[5..]);
    let mut from = Opener::new(from, key, &salt, header)?;
    let position = arrays::read_text(&mut from)?;
    if !is_current(&position) {
        return Err(SnapshotRefused::Stale);
    }
    let segments = arrays::read_count(&mut from)?;
    let runs = (0..segments).map(|_| R::read(&mut from)).collect::<io::Result<Vec<R>>>()?;
    from.finish()?; // Nothing is believed before the last seal.
    let firsts: Vec<Option<PersonId>> = runs.iter().map(|run| run.ids().first()).collect();
    if !firsts.is_sorted() || firsts.contains(&None) {
        return Err(SnapshotRefused::Damaged);
    }
    runs.into_iter().for_each(|run| shared.append(run));
    Ok(position)
}

impl Index {
    /// Writes everything put so far, folded, under a point in the register up to which everything was put: read the point first, then
    /// call this.
    pub fn write_snapshot(&self, position: &str, key: &[u8; 32], out: impl Write) -> io::Result<()> {
        write(&self.shared, position, key, out)
    }

    /// An index from a snapshot, and the point in the register up to which it holds. `is_current` is asked whether what came after that
    /// point can be put again.
    pub fn read_snapshot(
        limits: Limits,
        key: &[u8; 32],
        from: impl Read,
        is_current: impl FnOnce(&str) -> bool,
    ) -> Result<(Index, String), SnapshotRefused> {
        let index = Index::with(limits);
        let position = read(&index.shared, key, from, is_current)?;
        Ok((index, position))
    }
}

impl Locator {
    /// The same for the locator: see [`Index::write_snapshot`].
    pub fn write_snapshot(&self, position: &str, key: &[u8; 32], out: impl Write) -> io::Result<()> {
        write(&self.shared, position, key, out)
    }

    /// The same for the locator: see [`Index::read_snapshot`].
    pub fn read_snapshot(
        limits: Limits,
        key: &[u8; 32],
        from: impl Read,
        is_current: impl FnOnce(&str) -> bool,
    ) -> Result<(Locator, String), SnapshotRefused> {
        let locator = Locator::with(limits);
        let position = read(&locator.shared, key, from, is_current)?;
        Ok((locator, position))
    }
}
