//! What is kept for evidence, and the key of each person's own that it is sealed under. Both stores use this; each has the rows.
//!
//! The key is random and lies sealed under the master key. What something is found by is keyed, too: without the key nobody can say
//! whether a resource that they guess is there.

use std::io::{Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::hmac;
use exchange::Name;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::{SignedDuration, Timestamp};
use record::PersonId;

use crate::secrets::{derived, open, seal};
use crate::{Secrets, named};

/// When something was shown is written so seldom at most. Nothing is destroyed before so much more is over.
pub(crate) const SHOWN_LAG: SignedDuration = SignedDuration::from_hours(24);

/// Before then something must have been shown last for its person's evidence to be destroyed.
pub(crate) fn outlived_before(shown_before: Timestamp) -> Timestamp {
    shown_before.checked_sub(SHOWN_LAG).unwrap_or(Timestamp::MIN)
}

/// A person's own key.
pub(crate) struct PersonKey {
    addresses: hmac::Key,
    sealing: RandomizedNonceKey,
}

impl PersonKey {
    /// A fresh one, and as it lies in its row.
    pub(crate) fn fresh(secrets: &Secrets, person: &PersonId) -> Option<(PersonKey, Vec<u8>)> {
        let mut raw = [0; 32];
        aws_lc_rs::rand::fill(&mut raw).ok()?;
        Some((PersonKey::of(&raw)?, secrets.seal_said(&named::person_key(person), raw.to_vec())?))
    }

    /// As it lies in its row.
    pub(crate) fn unsealed(secrets: &Secrets, person: &PersonId, sealed: &[u8]) -> Option<PersonKey> {
        PersonKey::of(secrets.open_said(&named::person_key(person), &mut sealed.to_vec())?)
    }

    fn of(raw: &[u8]) -> Option<PersonKey> {
        let addresses = hmac::Key::new(hmac::HMAC_SHA256, &derived(raw, "addresses")?);
        Some(PersonKey { addresses, sealing: RandomizedNonceKey::new(&AES_256_GCM, &derived(raw, "evidence")?).ok()? })
    }

    /// Where something lies.
    pub(crate) fn address(&self, name: &Name) -> Vec<u8> {
        let (kind, digest) = match name {
            Name::Resource(digest) => (b"r", digest),
            Name::Answer(digest) => (b"a", digest),
        };
        let mut context = hmac::Context::with_key(&self.addresses);
        context.update(kind);
        context.update(digest);
        context.sign().as_ref().to_vec()
    }

    /// Packed, and sealed under where it lies.
    pub(crate) fn seal_evidence(&self, address: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
        packer.write_all(plain).ok()?;
        seal(&self.sealing, address, packer.finish().ok()?)
    }

    pub(crate) fn open_evidence(&self, address: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (mut sealed, mut plain) = (sealed.to_vec(), Vec::new());
        DeflateDecoder::new(open(&self.sealing, address, &mut sealed)?).read_to_end(&mut plain).ok()?;
        Some(plain)
    }

    /// Who decided what about it, sealed under its row.
    pub(crate) fn seal_step(&self, id: &str, number: u32, body: &str) -> Option<Vec<u8>> {
        seal(&self.sealing, named::step(id, number).as_bytes(), body.as_bytes().to_vec())
    }

    pub(crate) fn open_step(&self, id: &str, number: u32, sealed: &[u8]) -> Option<String> {
        let mut sealed = sealed.to_vec();
        String::from_utf8(open(&self.sealing, named::step(id, number).as_bytes(), &mut sealed)?.to_vec()).ok()
    }
}

/// What is new, by where it is to lie: packed and sealed. It takes its time, and is done where nobody waits for it.
pub(crate) fn sealed(key: &PersonKey, new: Vec<(Vec<u8>, Vec<u8>)>) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let one = |(address, plain): (Vec<u8>, Vec<u8>)| {
        let sealed = key.seal_evidence(&address, &plain)?;
        Some((address, sealed))
    };
    new.into_iter().map(one).collect()
}
