//! Arrays as they stand in a snapshot: a count, then the values with their least byte first.

use std::io::{self, Read, Write};

use super::dictionary::Dictionary;
use super::ids::Ids;
use super::table::Table;

/// How many bytes are made at once.
const PIECE: usize = 1 << 16;

pub(super) fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what was sealed is not in order")
}

pub(super) fn count(out: &mut impl Write, count: usize) -> io::Result<()> {
    out.write_all(&(count as u64).to_le_bytes())
}

pub(super) fn read_count(from: &mut impl Read) -> io::Result<usize> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    usize::try_from(u64::from_le_bytes(bytes)).map_err(|_| broken())
}

/// Writes fixed numbers of bytes.
pub(super) fn write<T: Copy, const N: usize>(out: &mut impl Write, values: &[T], bytes: impl Fn(T) -> [u8; N]) -> io::Result<()> {
    count(out, values.len())?;
    let mut piece = Vec::with_capacity(PIECE);
    for values in values.chunks(PIECE / N) {
        piece.clear();
        values.iter().for_each(|value| piece.extend(bytes(*value)));
        out.write_all(&piece)?;
    }
    Ok(())
}

/// Reads them back.
pub(super) fn read<T, const N: usize>(from: &mut impl Read, value: impl Fn([u8; N]) -> T) -> io::Result<Vec<T>> {
    let count = read_count(from)?;
    let mut values = Vec::with_capacity(count);
    let mut piece = vec![0; PIECE / N * N];
    while values.len() < count {
        let piece = &mut piece[..N * (count - values.len()).min(PIECE / N)];
        from.read_exact(piece)?;
        values.extend(piece.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)));
    }
    Ok(values)
}

pub(super) fn write_bytes(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    count(out, bytes.len())?;
    out.write_all(bytes)
}

pub(super) fn read_bytes(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let count = read_count(from)?;
    let mut bytes = vec![0; count];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn read_text(from: &mut impl Read) -> io::Result<String> {
    String::from_utf8(read_bytes(from)?).map_err(|_| broken())
}

impl Dictionary {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write_bytes(out, self.arena.as_bytes())?;
        write(out, &self.ends, u32::to_le_bytes)
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Dictionary> {
        Ok(Dictionary { arena: read_text(from)?, ends: read(from, u32::from_le_bytes)? })
    }
}

impl Ids {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Ids::Texts(texts) => {
                out.write_all(&[0])?;
                texts.write(out)
            }
            Ids::Uuids(uuids) => {
                out.write_all(&[1])?;
                write(out, uuids, |uuid| uuid)
            }
        }
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Ids> {
        let mut form = [0];
        from.read_exact(&mut form)?;
        match form {
            [0] => Ok(Ids::Texts(Dictionary::read(from)?)),
            [1] => Ok(Ids::Uuids(read(from, |uuid| uuid)?)),
            _ => Err(broken()),
        }
    }
}

impl Table {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        count(out, self.bits as usize)?;
        write(out, &self.starts, u32::to_le_bytes)?;
        write(out, &self.tails, u16::to_le_bytes)?;
        write(out, &self.ordinals, |ordinal| ordinal)
    }

    pub(super) fn read(from: &mut impl Read, persons: usize) -> io::Result<Table> {
        let bits = read_count(from)? as u32;
        let starts = read(from, u32::from_le_bytes)?;
        let (tails, ordinals) = (read(from, u16::from_le_bytes)?, read(from, |ordinal| ordinal)?);
        let table = Table { bits, starts, tails, ordinals };
        if table.is_sound(persons) { Ok(table) } else { Err(broken()) }
    }
}

/// Whether each person has a record, and each record stands where there is something.
pub(super) fn check(ids: &Ids, ends: &[u32], length: usize) -> io::Result<()> {
    let ends_well = ends.last().is_none_or(|end| *end as usize <= length);
    if ids.count() == ends.len() && ends.is_sorted() && ends_well { Ok(()) } else { Err(broken()) }
}
