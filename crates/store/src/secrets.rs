//! The master key and what is derived from it.

use std::io::Write;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use record::NhsNumber;

use crate::StoreError;

/// Keys for pseudonyms, sealed numbers and ids. They live in a file of their own, never in the store.
pub struct Secrets {
    pseudonyms: hmac::Key,
    numbers: RandomizedNonceKey,
    entries: RandomizedNonceKey,
    /// By which a store knows its own key again. It leads to none of the others.
    pub(crate) fingerprint: Vec<u8>,
    /// For keyed ids of clusters: the same on every read, and nothing to guess from.
    pub clusters: [u8; 32],
    /// For the node's journal.
    pub(crate) journal: RandomizedNonceKey,
    /// For what monitoring found: one finding is known again by it, and nobody is guessed from it.
    pub monitoring: [u8; 32],
    /// For snapshots of the person index.
    pub snapshots: [u8; 32],
}

const MASTER: usize = 32;

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Secrets {
    /// Reads the master key, or makes one, readable by its owner only.
    pub fn open(file: &Path) -> Result<Secrets, StoreError> {
        let wrong = |what: String| StoreError::Key { file: file.display().to_string(), what };
        let master = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = vec![0; MASTER];
                aws_lc_rs::rand::fill(&mut bytes).map_err(|_| wrong("no randomness".to_owned()))?;
                write_private(file, &bytes).map_err(|error| wrong(error.to_string()))?;
                bytes
            }
            Err(error) => return Err(wrong(error.to_string())),
        };
        if master.len() != MASTER {
            return Err(wrong(format!("it must hold {MASTER} bytes")));
        }
        Secrets::from_master(&master).ok_or_else(|| wrong("deriving keys failed".to_owned()))
    }

    fn from_master(master: &[u8]) -> Option<Secrets> {
        let derive = |purpose: &str| {
            let mut key = [0; 32];
            let prk = Salt::new(HKDF_SHA256, b"severn").extract(master);
            prk.expand(&[purpose.as_bytes()], Length(32)).ok()?.fill(&mut key).ok()?;
            Some(key)
        };
        Some(Secrets {
            pseudonyms: hmac::Key::new(hmac::HMAC_SHA256, &derive("pseudonyms")?),
            numbers: RandomizedNonceKey::new(&AES_256_GCM, &derive("numbers")?).ok()?,
            entries: RandomizedNonceKey::new(&AES_256_GCM, &derive("entries")?).ok()?,
            fingerprint: derive("fingerprint")?.to_vec(),
            clusters: derive("clusters")?,
            journal: RandomizedNonceKey::new(&AES_256_GCM, &derive("journal")?).ok()?,
            monitoring: derive("monitoring")?,
            snapshots: derive("snapshots")?,
        })
    }

    /// The keyed pseudonym of a number.
    pub(crate) fn pseudonym(&self, number: &NhsNumber) -> Vec<u8> {
        hmac::sign(&self.pseudonyms, number.expose().as_bytes()).as_ref().to_vec()
    }

    /// A number, sealed.
    pub(crate) fn seal(&self, number: &NhsNumber) -> Option<Vec<u8>> {
        seal(&self.numbers, b"", number.expose().as_bytes().to_vec())
    }

    pub(crate) fn unseal(&self, sealed: &[u8]) -> Option<NhsNumber> {
        let mut bytes = sealed.to_vec();
        std::str::from_utf8(open(&self.numbers, b"", &mut bytes)?).ok()?.parse().ok()
    }

    /// What is said of a person, sealed under the name of its row: put into another row, it does not open.
    pub(crate) fn seal_said(&self, row: &str, plain: Vec<u8>) -> Option<Vec<u8>> {
        seal(&self.entries, row.as_bytes(), plain)
    }

    /// Entries of the node's journal, sealed under their place in it.
    pub(crate) fn seal_entries(&self, place: &[u8], plain: Vec<u8>) -> Option<Vec<u8>> {
        seal(&self.journal, place, plain)
    }

    pub(crate) fn open_entries<'a>(&self, place: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        open(&self.journal, place, sealed)
    }

    /// The same, opened in the room that it came in.
    pub(crate) fn open_said<'a>(&self, row: &str, sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        open(&self.entries, row.as_bytes(), sealed)
    }
}

fn seal(key: &RandomizedNonceKey, name: &[u8], mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let nonce = key.seal_in_place_append_tag(Aad::from(name), &mut bytes).ok()?;
    let mut sealed = Vec::with_capacity(NONCE_LEN + bytes.len());
    sealed.extend_from_slice(nonce.as_ref());
    sealed.extend_from_slice(&bytes);
    Some(sealed)
}

fn open<'a>(key: &RandomizedNonceKey, name: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
    let (nonce, bytes) = sealed.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    key.open_in_place(nonce, Aad::from(name), bytes).ok().map(|plain| &*plain)
}

fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}
