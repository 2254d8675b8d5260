//! The master keys and what is derived from them.
//!
//! A key file holds one key a line, in base64; what follows `#` is a comment. The first seals, each of them opens: so a new key comes
//! to be used while the old one still opens what it sealed (`severn store rekey`). A file of 32 raw bytes is one key.

use std::io::Write;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use data_encoding::{BASE64, HEXLOWER};
use record::NhsNumber;

use crate::StoreError;

/// Keys for pseudonyms, sealed numbers and ids. They live in a file or variable of their own, never in the store.
pub struct Secrets {
    /// The first seals. There is always one.
    keys: Vec<Keys>,
    /// For keyed ids of clusters: the same on every read, and nothing to guess from.
    pub clusters: [u8; 32],
    /// For what monitoring found: one finding is known again by it, and nobody is guessed from it.
    pub monitoring: [u8; 32],
    /// For snapshots of the person index.
    pub snapshots: [u8; 32],
}

/// What is derived from one master key.
struct Keys {
    pseudonyms: hmac::Key,
    numbers: RandomizedNonceKey,
    entries: RandomizedNonceKey,
    /// For the node's journal. What lies there is drained into the store, and never sealed anew: a node opens it by every key it has.
    journal: RandomizedNonceKey,
    /// By which a store knows its own key again. It leads to none of the others.
    fingerprint: Vec<u8>,
}

/// States of a key in a store: it seals; it sealed, and may still open something; it opens nothing any more.
const USED: &str = "used";
const GONE: &str = "gone";

const MASTER: usize = 32;
/// More keys than anybody needs: each number is looked up by all of them.
const KEYS_MAX: usize = 8;

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Secrets {
    /// Reads the master keys, or makes one, readable by its owner only.
    pub fn open(file: &Path) -> Result<Secrets, StoreError> {
        let wrong = |what: String| StoreError::Key { file: file.display().to_string(), what };
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let text = format!("{}\n", fresh().ok_or_else(|| wrong("no randomness".to_owned()))?);
                write_private(file, text.as_bytes()).map_err(|error| wrong(error.to_string()))?;
                text.into_bytes()
            }
            Err(error) => return Err(wrong(error.to_string())),
        };
        Secrets::of(&bytes).map_err(wrong)
    }

    /// Keys as a file or a variable holds them; the error's words name none of them.
    pub fn of(bytes: &[u8]) -> Result<Secrets, String> {
        let masters = masters(bytes)?;
        let clusters = derived(&masters[0], "clusters").ok_or(FAILED)?;
        let monitoring = derived(&masters[0], "monitoring").ok_or(FAILED)?;
        let snapshots = derived(&masters[0], "snapshots").ok_or(FAILED)?;
        let keys: Vec<Keys> = masters.iter().map(|master| Keys::of(master)).collect::<Option<_>>().ok_or(FAILED)?;
        let twice = keys.iter().enumerate().any(|(place, key)| keys[..place].iter().any(|other| other.fingerprint == key.fingerprint));
        if twice { Err("the same key stands in it twice".to_owned()) } else { Ok(Secrets { keys, clusters, monitoring, snapshots }) }
    }

    /// The names of the keys, the one that seals first. Nothing is to be guessed from them.
    pub fn ids(&self) -> Vec<String> {
        self.keys.iter().map(|keys| key_id(&keys.fingerprint)).collect()
    }

    /// By which a store knows each key again; the one that seals first.
    pub(crate) fn fingerprints(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(|keys| keys.fingerprint.as_slice())
    }

    pub(crate) fn fingerprint(&self) -> &[u8] {
        &self.keys[0].fingerprint
    }

    /// Whether a store that knows these keys can be worked with: whatever may have sealed something must be here, and the key that
    /// seals may not have been taken out of use.
    pub(crate) fn fit(&self, known: &[(Vec<u8>, String)]) -> Result<(), StoreError> {
        let here = |known: &Vec<u8>| self.fingerprints().any(|own| own == known);
        if known.iter().any(|(known, state)| state != GONE && !here(known)) {
            return Err(StoreError::OtherKey);
        }
        if known.iter().any(|(known, state)| state != USED && known == self.fingerprint()) {
            return Err(StoreError::RetiredKey);
        }
        Ok(())
    }

    /// The names of the keys that seal no more, and may have sealed something.
    pub(crate) fn old_ids(&self, known: &[(Vec<u8>, String)]) -> Vec<String> {
        let old = known.iter().filter(|(known, state)| state != GONE && known != self.fingerprint());
        old.map(|(known, _)| key_id(known)).collect()
    }

    /// The same, to write by: only by keys that the store has in use, of which the one that seals must be one.
    pub(crate) fn in_use(&self, used: &[Vec<u8>]) -> Option<InUse<'_>> {
        let places: Vec<usize> = (0..self.keys.len()).filter(|place| used.contains(&self.keys[*place].fingerprint)).collect();
        (places.first() == Some(&0)).then_some(InUse { secrets: self, places })
    }

    /// The pseudonyms of a number by which it may be known: under every key.
    pub(crate) fn pseudonyms(&self, number: &NhsNumber) -> Vec<Vec<u8>> {
        self.keys.iter().map(|keys| keys.pseudonym(number)).collect()
    }

    /// Its pseudonym under the key that seals.
    pub(crate) fn pseudonym(&self, number: &NhsNumber) -> Vec<u8> {
        self.keys[0].pseudonym(number)
    }

    /// Those under the others.
    pub(crate) fn old_pseudonyms(&self, number: &NhsNumber) -> Vec<Vec<u8>> {
        self.keys[1..].iter().map(|keys| keys.pseudonym(number)).collect()
    }

    /// A number, sealed.
    pub(crate) fn seal(&self, number: &NhsNumber) -> Option<Vec<u8>> {
        seal(&self.keys[0].numbers, b"", number.expose().as_bytes().to_vec())
    }

    /// A number, by whichever key it was sealed.
    pub(crate) fn unseal(&self, sealed: &[u8]) -> Option<NhsNumber> {
        let number = |keys: &Keys| std::str::from_utf8(open(&keys.numbers, b"", &mut sealed.to_vec())?).ok()?.parse().ok();
        self.keys.iter().find_map(number)
    }

    /// Whether it is the key that seals by which a number is sealed.
    pub(crate) fn is_new(&self, sealed: &[u8]) -> bool {
        open(&self.keys[0].numbers, b"", &mut sealed.to_vec()).is_some()
    }

    /// What is said of a person, sealed under the name of its row: put into another row, it does not open.
    pub(crate) fn seal_said(&self, row: &str, plain: Vec<u8>) -> Option<Vec<u8>> {
        seal(&self.keys[0].entries, row.as_bytes(), plain)
    }

    /// Entries of the node's journal, sealed under their place in it.
    pub(crate) fn seal_entries(&self, place: &[u8], plain: Vec<u8>) -> Option<Vec<u8>> {
        seal(&self.keys[0].journal, place, plain)
    }

    pub(crate) fn open_entries<'a>(&self, place: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        self.opened(|keys| &keys.journal, place, sealed)
    }

    /// The same, opened in the room that it came in.
    pub(crate) fn open_said<'a>(&self, row: &str, sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        self.opened(|keys| &keys.entries, row.as_bytes(), sealed)
    }

    /// By whichever key it was sealed.
    fn opened<'a>(&self, of: impl Fn(&Keys) -> &RandomizedNonceKey, name: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        // What does not open is not what it was any more.
        let (last, before) = self.keys.split_last()?;
        let opened = before.iter().find_map(|keys| open(of(keys), name, &mut sealed.to_vec()).map(<[u8]>::to_vec));
        match opened {
            Some(plain) => {
                let room = sealed.get_mut(..plain.len())?;
                room.copy_from_slice(&plain);
                Some(room)
            }
            None => open(of(last), name, sealed),
        }
    }

    /// The same under the key that seals; none where it is already.
    pub(crate) fn resealed(&self, row: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, crate::columns::Unreadable> {
        if open(&self.keys[0].entries, row.as_bytes(), &mut sealed.to_vec()).is_some() {
            return Ok(None);
        }
        let mut copy = sealed.to_vec();
        let plain = self.open_said(row, &mut copy).map(<[u8]>::to_vec);
        let anew = plain.and_then(|plain| self.seal_said(row, plain));
        anew.map(Some).ok_or(crate::columns::Unreadable("what is sealed"))
    }
}

/// Keys to write by.
pub(crate) struct InUse<'a> {
    secrets: &'a Secrets,
    places: Vec<usize>,
}

impl InUse<'_> {
    /// The pseudonyms by which a number is to be found by everybody at work: whoever has not heard of the new key finds it by the old.
    pub(crate) fn leads(&self, number: &NhsNumber) -> Vec<Vec<u8>> {
        self.places.iter().map(|place| self.secrets.keys[*place].pseudonym(number)).collect()
    }
}

impl std::ops::Deref for InUse<'_> {
    type Target = Secrets;

    fn deref(&self) -> &Secrets {
        self.secrets
    }
}

impl Keys {
    fn of(master: &[u8]) -> Option<Keys> {
        Some(Keys {
            pseudonyms: hmac::Key::new(hmac::HMAC_SHA256, &derived(master, "pseudonyms")?),
            numbers: RandomizedNonceKey::new(&AES_256_GCM, &derived(master, "numbers")?).ok()?,
            entries: RandomizedNonceKey::new(&AES_256_GCM, &derived(master, "entries")?).ok()?,
            journal: RandomizedNonceKey::new(&AES_256_GCM, &derived(master, "journal")?).ok()?,
            fingerprint: derived(master, "fingerprint")?.to_vec(),
        })
    }

    fn pseudonym(&self, number: &NhsNumber) -> Vec<u8> {
        hmac::sign(&self.pseudonyms, number.expose().as_bytes()).as_ref().to_vec()
    }
}

const FAILED: &str = "deriving keys failed";

/// The name of a key.
fn key_id(fingerprint: &[u8]) -> String {
    HEXLOWER.encode(&fingerprint[..fingerprint.len().min(4)])
}

/// A new master key, as a line of a key file; none without randomness.
pub fn fresh() -> Option<String> {
    let mut bytes = [0; MASTER];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(BASE64.encode(&bytes))
}

/// A key file with one key more: the last, which only opens, or the first, which seals.
pub fn with_fresh_key(bytes: &[u8], first: bool) -> Result<String, String> {
    let mut keys: Vec<String> = masters(bytes)?.iter().map(|key| BASE64.encode(key)).collect();
    keys.insert(if first { 0 } else { keys.len() }, fresh().ok_or("no randomness")?);
    let text = keys.join("\n") + "\n";
    Secrets::of(text.as_bytes()).map(|_| text)
}

/// One or more.
fn masters(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    if bytes.len() == MASTER {
        return Ok(vec![bytes.to_vec()]);
    }
    let wrong = || format!("it must hold {MASTER} raw bytes, or a key a line: {MASTER} bytes in base64");
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    let lines = text.split(['\n', ',']).map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty());
    let read = |line: &str| BASE64.decode(line.as_bytes()).ok().filter(|key| key.len() == MASTER).ok_or_else(wrong);
    let keys: Vec<Vec<u8>> = lines.map(read).collect::<Result<_, _>>()?;
    match keys.len() {
        0 => Err("there is no key in it".to_owned()),
        1..=KEYS_MAX => Ok(keys),
        _ => Err(format!("there are more than {KEYS_MAX} keys in it")),
    }
}

pub(crate) fn derived(master: &[u8], purpose: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    let prk = Salt::new(HKDF_SHA256, b"severn").extract(master);
    prk.expand(&[purpose.as_bytes()], Length(32)).ok()?.fill(&mut key).ok()?;
    Some(key)
}

pub(crate) fn seal(key: &RandomizedNonceKey, name: &[u8], mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let nonce = key.seal_in_place_append_tag(Aad::from(name), &mut bytes).ok()?;
    let mut sealed = Vec::with_capacity(NONCE_LEN + bytes.len());
    sealed.extend_from_slice(nonce.as_ref());
    sealed.extend_from_slice(&bytes);
    Some(sealed)
}

pub(crate) fn open<'a>(key: &RandomizedNonceKey, name: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Secrets {
        Secrets::of(text.as_bytes()).unwrap_or_else(|what| panic!("{what}"))
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let (one, two) = (fresh().unwrap(), fresh().unwrap());
        let (old, both, new) = (secrets(&one), secrets(&format!("{two} # of today\n{one}\n")), secrets(&format!("{two},")));
        let number: NhsNumber = "9990000018".parse().unwrap();
        let (sealed, said) = (old.seal(&number).unwrap(), old.seal_said("row", b"said".to_vec()).unwrap());
        assert!(both.unseal(&sealed) == Some(number) && !both.is_new(&sealed) && new.unseal(&sealed).is_none());
        assert_eq!(both.open_said("row", &mut said.clone()), Some(b"said".as_slice()));
        assert_eq!(both.open_said("other row", &mut said.clone()), None);
        let waiting = old.seal_entries(b"1", b"line".to_vec()).unwrap();
        assert_eq!(both.open_entries(b"1", &mut waiting.clone()), Some(b"line".as_slice()));
        assert_eq!((both.open_entries(b"2", &mut waiting.clone()), new.open_entries(b"1", &mut waiting.clone())), (None, None));
        let anew = both.resealed("row", &said).unwrap().unwrap();
        assert!(both.resealed("row", &anew).unwrap().is_none());
        assert_eq!(new.open_said("row", &mut anew.clone()), Some(b"said".as_slice()));
        assert_eq!(old.open_said("row", &mut anew.clone()), None);
        let sealed = both.seal(&number).unwrap();
        assert!(new.unseal(&sealed) == Some(number) && old.unseal(&sealed).is_none());
        assert_eq!(both.pseudonyms(&number), [new.pseudonym(&number), old.pseudonym(&number)]);
        assert_eq!((both.ids(), both.ids()[1].as_str()), ([new.ids(), old.ids()].concat(), old.ids()[0].as_str()));
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_one() {
        let key = fresh().unwrap();
        let check = |text: &str, words: &str| match Secrets::of(text.as_bytes()) {
            Ok(_) => panic!("{text} was taken"),
            Err(what) => {
                assert!(what.contains(words), "{what}");
                assert!(!what.contains(&key), "a key stands in what is said of it");
            }
        };
        check("", "no key");
        check("# nothing\n", "no key");
        check(&key[..40], "32 bytes in base64");
        check(&format!("{key}\n{key}\n"), "twice");
        check(&format!("{key}x\n"), "32 bytes in base64");
        let many: Vec<String> = (0..9).map(|_| fresh().unwrap()).collect();
        check(&many.join("\n"), "more than 8");
        assert!(Secrets::of(&[7; 32]).is_ok());
    }
}
