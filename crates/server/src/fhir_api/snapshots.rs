//! Further pages of an answer: sealed under a key that only the cursor holds.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use data_encoding::BASE64URL_NOPAD;
use exchange::{Digests, Mark};
use moka::sync::Cache;

use crate::answer::{Head, Pieces};

/// Answers of which further pages may be asked.
pub struct Snapshots {
    kept: Cache<[u8; ID], Arc<Sealed>>,
}

const ID: usize = 16;
const KEY: usize = 32;

/// An answer nobody can open without the cursor.
struct Sealed {
    bytes: Vec<u8>,
}

/// Where a page is: which snapshot, its key, the first piece and how many.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor {
    id: [u8; ID],
    key: [u8; KEY],
    /// The first piece of the page.
    pub from: usize,
    /// How many pieces.
    pub count: usize,
}

/// What a snapshot holds.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// What each page carries.
    pub head: Head,
    /// The person's id, to check consent again for each page.
    pub person: String,
    /// Ids of the referrals in the answer.
    #[serde(default)]
    pub referrals: Vec<String>,
    /// Where the answer was made in an emergency: when that ends.
    #[serde(default)]
    pub emergency: Option<String>,
    /// Where a law overrides in it what the person objects to: until when.
    #[serde(default)]
    pub overridden: Option<String>,
    /// The set of rules by which it was permitted.
    #[serde(default)]
    pub rules: String,
    /// Whether the answer was asked for as XML.
    pub xml: bool,
    /// Where the sources' resources stand, in the order of the answer.
    #[serde(default)]
    pub marks: Marks,
}

/// Which resources of sources stand where in an answer.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Marks(Vec<Marked>);

/// A resource: whose, which, in which piece, and where in the bytes of all.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Marked(String, String, String, Option<String>, usize, usize, usize);

impl Marks {
    /// Adds one.
    pub fn add(&mut self, mark: Mark, piece: usize, bytes: std::ops::Range<usize>) {
        self.0.push(Marked(mark.source.to_string(), mark.kind, mark.id, mark.version, piece, bytes.start, bytes.end));
    }

    /// What is shown of them by `count` pieces from `from` on.
    pub fn shown(&self, pieces: &Pieces, from: usize, count: usize) -> Digests {
        let mut digests = Digests::default();
        for Marked(source, kind, id, version, piece, start, end) in &self.0 {
            // It was written from a source's id.
            let Ok(source) = source.parse() else { continue };
            if (from..from.saturating_add(count)).contains(piece) {
                let mark = Mark { source, kind: kind.clone(), id: id.clone(), version: version.clone() };
                digests.add(&mark, pieces.bytes(*start..*end));
            }
        }
        digests
    }
}

/// Randomness or sealing failed in the crypto library.
#[derive(Debug)]
pub struct SealFailed;

impl Snapshots {
    /// Room for `count` answers, each kept for `minutes`.
    pub fn new(count: u64, minutes: u64) -> Snapshots {
        Snapshots { kept: Cache::builder().max_capacity(count).time_to_live(Duration::from_secs(minutes * 60)).build() }
    }

    /// Seals an answer for one user. The cursor is the only key to it.
    pub fn seal(&self, user: &str, kept: &Kept, pieces: &Pieces) -> Result<Cursor, SealFailed> {
        let (mut id, mut key) = ([0; ID], [0; KEY]);
        rand::fill(&mut id).and_then(|()| rand::fill(&mut key)).map_err(|_| SealFailed)?;
        let head = serde_json::to_vec(kept).map_err(|_| SealFailed)?;
        let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&pieces.to_bytes());
        sealing(&key)?.seal_in_place_append_tag(nonce(), Aad::from(user.as_bytes()), &mut bytes).map_err(|_| SealFailed)?;
        self.kept.insert(id, Arc::new(Sealed { bytes }));
        Ok(Cursor { id, key, from: 0, count: 0 })
    }

    /// Opens an answer for the user it was sealed for; `None` when it is over, or another user's.
    pub fn open(&self, user: &str, cursor: &Cursor) -> Option<(Kept, Pieces)> {
        let mut bytes = self.kept.get(&cursor.id)?.bytes.clone();
        let plain = sealing(&cursor.key).ok()?.open_in_place(nonce(), Aad::from(user.as_bytes()), &mut bytes).ok()?;
        let length = u64::from_le_bytes(plain.get(..8)?.try_into().ok()?) as usize;
        let kept = serde_json::from_slice(plain.get(8..8 + length)?).ok()?;
        Some((kept, Pieces::from_bytes(plain.get(8 + length..)?)?))
    }
}

/// Each key seals one answer once, so the nonce may be constant.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn sealing(key: &[u8; KEY]) -> Result<LessSafeKey, SealFailed> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealFailed)?))
}

impl Cursor {
    /// The same snapshot at another place.
    pub fn at(&self, from: usize, count: usize) -> Cursor {
        Cursor { from, count, ..self.clone() }
    }

    /// As it stands in a URL.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(ID + KEY + 8);
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&(self.from as u32).to_le_bytes());
        bytes.extend_from_slice(&(self.count as u32).to_le_bytes());
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// From a URL.
    pub fn decode(text: &str) -> Option<Cursor> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        if bytes.len() != ID + KEY + 8 {
            return None;
        }
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
        Some(Cursor {
            id: bytes[..ID].try_into().ok()?,
            key: bytes[ID..ID + KEY].try_into().ok()?,
            from: number(ID + KEY)?,
            count: number(ID + KEY + 4)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> (Kept, Pieces) {
        let head = Head {
            id: "r".into(),
            kind: "searchset".into(),
            timestamp: String::new(),
            tags: vec![],
            total: Some(1),
            self_url: "u".into(),
            outcome: serde_json::json!({}),
        };
        let mut pieces = Pieces::default();
        pieces.entry("b", "Flag", "a", "match", b"{}");
        pieces.cut(true);
        (
            Kept {
                head,
                person: "p".into(),
                referrals: Vec::new(),
                emergency: None,
                overridden: None,
                rules: String::new(),
                xml: false,
                marks: Marks::default(),
            },
            pieces,
        )
    }

    #[test]
    fn only_the_cursor_and_the_user_open_a_snapshot() {
        let snapshots = Snapshots::new(4, 10);
        let (kept, pieces) = kept();
        let cursor = snapshots.seal("iss|u-1", &kept, &pieces).unwrap();
        let again = Cursor::decode(&cursor.at(3, 5).encode()).unwrap();
        assert_eq!((again.from, again.count), (3, 5));
        assert!(snapshots.open("iss|u-1", &again).is_some());
        assert!(snapshots.open("iss|u-2", &again).is_none());
        let mut wrong = again.clone();
        wrong.key[0] ^= 1;
        assert!(snapshots.open("iss|u-1", &wrong).is_none());
        assert!(Cursor::decode("short").is_none());
    }
}
