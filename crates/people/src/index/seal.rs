//! A stream that nobody reads without the key, and nobody shortens, lengthens or changes unseen.

use std::io::{self, Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};

/// How much is sealed at once.
const CHUNK: usize = 1 << 20;
const TAG: usize = 16;
/// Said with a chunk's length, and sealed with it.
const LAST: u32 = 1 << 31;
pub(super) const SALT: usize = 32;

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

/// The key of one stream: of the caller's key and a salt of its own, so that a nonce may be a count.
fn derive(key: &[u8; 32], salt: &[u8; SALT]) -> Option<LessSafeKey> {
    let mut derived = [0; 32];
    let extracted = Salt::new(HKDF_SHA256, salt).extract(key);
    extracted.expand(&[b"severn snapshot"], Length).ok()?.fill(&mut derived).ok()?;
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived).ok()?))
}

/// The count of a chunk, and whether it is the last: so none can be left out, moved or cut off.
fn nonce(count: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[0] = u8::from(last);
    nonce[4..].copy_from_slice(&count.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Seals what is written to it.
pub(super) struct Sealer<W> {
    out: W,
    key: LessSafeKey,
    header: Vec<u8>,
    count: u64,
    chunk: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    /// `header` is what stands before, in the open; it cannot be changed either.
    pub(super) fn new(out: W, key: &[u8; 32], salt: &[u8; SALT], header: Vec<u8>) -> io::Result<Sealer<W>> {
        let key = derive(key, salt).ok_or_else(|| broken("no key could be derived"))?;
        Ok(Sealer { out, key, header, count: 0, chunk: Vec::with_capacity(CHUNK + TAG) })
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let sealed = self.key.seal_in_place_append_tag(nonce(self.count, last), Aad::from(&self.header), &mut self.chunk);
        sealed.map_err(|_| broken("sealing failed"))?;
        let length = self.chunk.len() as u32 | if last { LAST } else { 0 };
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&self.chunk)?;
        self.count += 1;
        self.chunk.clear();
        Ok(())
    }

    /// Writes the last chunk; without it the stream is cut off.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.seal(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // A chunk is sealed when it is full, or the last.
    }
}

/// Reads what was sealed. An error of the kind `UnexpectedEof` says that it was cut off, `InvalidData` that it was changed or that the key is
/// another.
pub(super) struct Opener<R> {
    from: R,
    key: LessSafeKey,
    header: Vec<u8>,
    count: u64,
    chunk: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> Opener<R> {
    pub(super) fn new(from: R, key: &[u8; 32], salt: &[u8; SALT], header: Vec<u8>) -> io::Result<Opener<R>> {
        let key = derive(key, salt).ok_or_else(|| broken("no key could be derived"))?;
        Ok(Opener { from, key, header, count: 0, chunk: Vec::new(), at: 0, ended: false })
    }

    fn open(&mut self) -> io::Result<()> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        let (length, last) = ((length & !LAST) as usize, length & LAST != 0);
        if !(TAG..=CHUNK + TAG).contains(&length) {
            return Err(broken("a chunk of no possible length"));
        }
        self.chunk.resize(length, 0);
        self.from.read_exact(&mut self.chunk)?;
        let opened = self.key.open_in_place(nonce(self.count, last), Aad::from(&self.header), &mut self.chunk);
        let length = opened.map_err(|_| broken("the seal is broken"))?.len();
        self.ended = last;
        self.chunk.truncate(length);
        self.count += 1;
        self.at = 0;
        Ok(())
    }

    /// Whether everything was read, up to the last chunk's end and nothing after it.
    pub(super) fn finish(mut self) -> io::Result<()> {
        while !self.ended {
            if self.at < self.chunk.len() {
                return Err(broken("more than was expected"));
            }
            self.open()?;
        }
        let nothing_left = self.at == self.chunk.len() && self.from.read(&mut [0])? == 0;
        if nothing_left { Ok(()) } else { Err(broken("more than was expected")) }
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            if self.ended {
                return Ok(0);
            }
            self.open()?;
        }
        let taken = out.len().min(self.chunk.len() - self.at);
        out[..taken].copy_from_slice(&self.chunk[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}
