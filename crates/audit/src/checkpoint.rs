//! Checkpoints: where every chain ends at one moment, as one Merkle root (RFC 6962), signed.
//!
//! A chain alone does not show that its last entries, or the whole of it, were taken away. A checkpoint names the head of every chain
//! that went on since the one before it, and from time to time of every chain there is; its root is over all of them, and it names the
//! checkpoint before it by its hash.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::key::{PublicKey, SigningKey};
use crate::text::exact;

/// The last entry of a chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// The chain's run.
    pub run: String,
    /// Its last entry's number.
    pub sequence: u64,
    /// That entry's hash, hex.
    pub hash: String,
}

/// Where the chains end at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// From 1, without a gap.
    pub number: u64,
    /// When, UTC.
    pub at: String,
    /// Hash of the checkpoint before, hex; of nothing for the first.
    pub previous: String,
    /// Whether `heads` are all there are, or only those that moved since the checkpoint before.
    pub whole: bool,
    /// In order of runs.
    pub heads: Vec<Head>,
    /// Chains in all.
    pub runs: u64,
    /// The Merkle root over all heads, in order of runs, hex.
    pub root: String,
    /// The public key that signs it: 32 bytes of Ed25519 in base64.
    pub key: String,
}

/// A checkpoint and its signature: one line of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// Over the checkpoint's text, in base64.
    pub signature: String,
}

/// The first checkpoint that does not hold, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCheckpoint {
    /// Its number.
    pub number: u64,
    /// What is wrong.
    pub why: String,
    /// The first entry that nobody vouches for without it, where there is one.
    pub entry: Option<(String, u64)>,
}

impl std::fmt::Display for BadCheckpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "checkpoint {}: {}", self.number, self.why)?;
        match &self.entry {
            Some((run, sequence)) => write!(f, "; the first entry it leaves without its word: run {run}, entry {sequence}"),
            None => Ok(()),
        }
    }
}

/// The chains are not as the last checkpoint saw them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Altered {
    /// A chain ends with another entry where it stood: it was written anew.
    #[error("run {run}, entry {sequence}: another entry stands there than at the last checkpoint: one of the two is forged")]
    Forged {
        /// The run.
        run: String,
        /// The entry's number.
        sequence: u64,
    },
    /// A chain ends before where it stood: entries were taken away.
    #[error("run {run}: entries after {sequence} are gone, which were there at the last checkpoint")]
    RolledBack {
        /// The run.
        run: String,
        /// The last entry that is left; 0 where the run is gone.
        sequence: u64,
    },
}

impl Signed {
    /// Signs a checkpoint.
    pub fn by(key: &SigningKey, checkpoint: Checkpoint) -> Signed {
        let signature = key.sign(text(&checkpoint).as_bytes());
        Signed { checkpoint, signature }
    }

    /// Its line, without the end.
    pub fn line(&self) -> String {
        text(self)
    }

    /// Of a line that is written exactly as [`Signed::line`] writes it.
    pub fn read(line: &[u8]) -> Option<Signed> {
        exact(line)
    }

    /// By which the one after it names it, hex.
    pub fn hash(&self) -> String {
        HEXLOWER.encode(digest(&SHA256, self.line().as_bytes()).as_ref())
    }

    /// Whether the key that it names signed it, and is one of these; any key will do where there are none.
    pub fn is_signed(&self, trusted: &[PublicKey]) -> Result<(), &'static str> {
        let key = PublicKey::parse(&self.checkpoint.key).ok_or("it names no key")?;
        if !trusted.is_empty() && !trusted.contains(&key) {
            return Err("it is signed by a key that is not the ledger's");
        }
        match key.signed(text(&self.checkpoint).as_bytes(), &self.signature) {
            true => Ok(()),
            false => Err("its signature is not good"),
        }
    }
}

/// JSON of what has no map keys and no floats is always made.
pub(crate) fn text<T: Serialize>(what: &T) -> String {
    serde_json::to_string(what).unwrap_or_default()
}

/// The Merkle root over heads, hex. A leaf is a head's text.
fn root<'a>(heads: impl Iterator<Item = &'a Head>) -> String {
    let mut tree = MemoryBackedTree::<Sha256, String>::new();
    heads.for_each(|head| tree.push(text(head)));
    HEXLOWER.encode(tree.root().as_bytes())
}

/// Checkpoints one after the other, and what they come to.
#[derive(Debug, Clone, Default)]
pub struct Course {
    last: Option<(Checkpoint, String)>,
    heads: BTreeMap<String, Head>,
}

impl Course {
    /// The number of the last checkpoint; 0 before the first.
    pub fn number(&self) -> u64 {
        self.last.as_ref().map_or(0, |(last, _)| last.number)
    }

    /// The last checkpoint's hash.
    pub fn hash(&self) -> Option<&str> {
        self.last.as_ref().map(|(_, hash)| hash.as_str())
    }

    /// When the last one was made.
    pub fn at(&self) -> Option<&str> {
        self.last.as_ref().map(|(last, _)| last.at.as_str())
    }

    /// All heads as of the last checkpoint.
    pub fn heads(&self) -> impl Iterator<Item = &Head> {
        self.heads.values()
    }

    /// The entry after the last one known of a run.
    fn after(&self, run: &str) -> u64 {
        self.heads.get(run).map_or(1, |head| head.sequence.saturating_add(1))
    }

    /// Takes the next checkpoint in, if it holds. The first one may be any that is whole.
    pub fn add(&mut self, signed: &Signed, trusted: &[PublicKey]) -> Result<(), BadCheckpoint> {
        let checkpoint = &signed.checkpoint;
        let moved = |head: &&Head| self.heads.get(&head.run) != Some(*head);
        let entry = checkpoint.heads.iter().find(moved).map(|head| (head.run.clone(), self.after(&head.run)));
        let bad = |why: &str| BadCheckpoint { number: checkpoint.number, why: why.to_owned(), entry: entry.clone() };
        signed.is_signed(trusted).map_err(bad)?;
        match &self.last {
            Some((last, _)) if checkpoint.number != last.number.saturating_add(1) => {
                let why = format!("it is missing: {} follows {}", checkpoint.number, last.number);
                return Err(BadCheckpoint { number: last.number.saturating_add(1), why, entry });
            }
            Some((_, hash)) if checkpoint.previous != *hash => return Err(bad("it does not follow the one before it")),
            None if checkpoint.number == 1 && !checkpoint.previous.is_empty() => return Err(bad("it is the first, and follows another")),
            None if !checkpoint.whole => return Err(bad("what is before it is missing")),
            _ => {}
        }
        let heads = self.moved_on(checkpoint)?;
        if heads.len() as u64 != checkpoint.runs || root(heads.values()) != checkpoint.root {
            return Err(bad("its root is not that of the chains' heads"));
        }
        self.heads = heads;
        self.last = Some((checkpoint.clone(), signed.hash()));
        Ok(())
    }

    /// All heads after a checkpoint: none of them went back, and a whole one leaves out none.
    fn moved_on(&self, checkpoint: &Checkpoint) -> Result<BTreeMap<String, Head>, BadCheckpoint> {
        let bad = |why: &str, run: &str, sequence| {
            Err(BadCheckpoint { number: checkpoint.number, why: why.to_owned(), entry: Some((run.to_owned(), sequence)) })
        };
        let mut heads = if checkpoint.whole { BTreeMap::new() } else { self.heads.clone() };
        for head in &checkpoint.heads {
            match self.heads.get(&head.run) {
                Some(known) if head.sequence < known.sequence => {
                    return bad("it rolls a chain back", &head.run, head.sequence.saturating_add(1));
                }
                Some(known) if head.sequence == known.sequence && head.hash != known.hash => {
                    return bad("it has another entry there than the one before it", &head.run, head.sequence);
                }
                _ => heads.insert(head.run.clone(), head.clone()),
            };
        }
        let gone = self.heads.values().find(|known| !heads.contains_key(&known.run));
        if let Some(gone) = gone {
            return bad("it leaves a chain out", &gone.run, 1);
        }
        Ok(heads)
    }

    /// The next checkpoint over these heads, all there are. Every so many it is whole.
    pub fn next(&self, heads: Vec<Head>, at: String, whole_every: u64, key: &SigningKey) -> Result<Signed, Altered> {
        let heads: BTreeMap<String, Head> = heads.into_iter().map(|head| (head.run.clone(), head)).collect();
        for known in self.heads.values() {
            let run = known.run.clone();
            match heads.get(&known.run) {
                Some(head) if head.sequence == known.sequence && head.hash != known.hash => {
                    return Err(Altered::Forged { run, sequence: known.sequence });
                }
                Some(head) if head.sequence >= known.sequence => {}
                gone => return Err(Altered::RolledBack { run, sequence: gone.map_or(0, |head| head.sequence) }),
            }
        }
        let number = self.number().saturating_add(1);
        let whole = self.last.is_none() || number % whole_every == 1;
        let (root, runs) = (root(heads.values()), heads.len() as u64);
        let told = heads.into_values().filter(|head| whole || self.heads.get(&head.run) != Some(head)).collect();
        let previous = self.hash().unwrap_or_default().to_owned();
        Ok(Signed::by(key, Checkpoint { number, at, previous, whole, heads: told, runs, root, key: key.public().to_string() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(run: &str, sequence: u64) -> Head {
        Head { run: run.into(), sequence, hash: format!("{run}{sequence}") }
    }

    /// Four checkpoints: two chains, one of which stands still, then a third.
    fn course(key: &SigningKey) -> Vec<Signed> {
        let (mut course, mut all) = (Course::default(), Vec::new());
        for heads in [
            vec![head("a", 2), head("b", 1)],
            vec![head("a", 5), head("b", 1)],
            vec![head("a", 5), head("b", 1)],
            vec![head("a", 6), head("b", 1), head("c", 4)],
        ] {
            let next = course.next(heads, "t".into(), 100, key).unwrap();
            course.add(&next, &[key.public()]).unwrap();
            all.push(next);
        }
        all
    }

    /// The first bad one's number, what is wrong, and the entry that it leaves alone.
    type Named<'a> = Option<(u64, &'a str, Option<(&'a str, u64)>)>;

    fn check(change: impl FnOnce(&mut Vec<Signed>, &SigningKey), expected: Named<'_>) {
        let key = SigningKey::fresh();
        let mut all = course(&key);
        change(&mut all, &key);
        let mut course = Course::default();
        let bad = all.iter().find_map(|signed| course.add(signed, &[key.public()]).err());
        let expected =
            expected.map(|(number, why, entry)| (number, why.to_owned(), entry.map(|(run, sequence)| (run.to_owned(), sequence))));
        assert_eq!(bad.map(|bad| (bad.number, bad.why, bad.entry)), expected);
    }

    /// Changes a checkpoint, and signs it again: what somebody who has the key can do.
    fn resigned(all: &mut [Signed], at: usize, key: &SigningKey, change: impl FnOnce(&mut Checkpoint)) {
        change(&mut all[at].checkpoint);
        all[at] = Signed::by(key, all[at].checkpoint.clone());
    }

    #[test]
    fn the_first_bad_checkpoint_is_named_with_the_entry_that_it_leaves_alone() {
        let a3 = Some(("a", 3));
        check(|_, _| {}, None);
        check(|all, _| all[1].signature = all[0].signature.clone(), Some((2, "its signature is not good", a3)));
        check(|all, _| all[1].checkpoint.at = "u".into(), Some((2, "its signature is not good", a3)));
        check(|all, _| all[1] = Signed::by(&SigningKey::fresh(), all[1].checkpoint.clone()), Some((2, "its signature is not good", a3)));
        check(
            |all, _| {
                let other = SigningKey::fresh();
                resigned(all, 1, &other, |checkpoint| checkpoint.key = other.public().to_string());
            },
            Some((2, "it is signed by a key that is not the ledger's", a3)),
        );
        check(
            |all, key| resigned(all, 1, key, |one| one.root = one.root.replace(['0', '1'], "2")),
            Some((2, "its root is not that of the chains' heads", a3)),
        );
        check(
            |all, key| resigned(all, 1, key, |one| one.heads[0].sequence = 4),
            Some((2, "its root is not that of the chains' heads", a3)),
        );
        check(|all, key| resigned(all, 3, key, |one| one.heads[0] = head("a", 3)), Some((4, "it rolls a chain back", Some(("a", 4)))));
        check(
            |all, key| {
                resigned(all, 3, key, |one| {
                    one.heads[0] = head("a", 5);
                    one.heads[0].hash = "x".into();
                });
            },
            Some((4, "it has another entry there than the one before it", Some(("a", 5)))),
        );
        check(
            |all, key| {
                resigned(all, 3, key, |one| {
                    one.whole = true;
                    one.runs = 2;
                    one.root = root(one.heads.iter());
                });
            },
            Some((4, "it leaves a chain out", Some(("b", 1)))),
        );
        check(|all, _| drop(all.remove(1)), Some((2, "it is missing: 3 follows 1", None)));
        check(|all, _| all.swap(1, 2), Some((2, "it is missing: 3 follows 1", None)));
        check(|all, _| drop(all.remove(0)), Some((2, "what is before it is missing", Some(("a", 1)))));
        check(
            |all, key| resigned(all, 2, key, |one| one.previous = "0".repeat(64)),
            Some((3, "it does not follow the one before it", None)),
        );
    }

    #[test]
    fn only_what_moved_is_told_and_from_time_to_time_all() {
        let key = SigningKey::fresh();
        let told: Vec<usize> = course(&key).iter().map(|signed| signed.checkpoint.heads.len()).collect();
        assert_eq!(told, [2, 1, 0, 2]);
        let mut course = Course::default();
        for number in 1..=7 {
            let next = course.next(vec![head("a", number), head("b", 1)], "t".into(), 3, &key).unwrap();
            assert_eq!((next.checkpoint.whole, next.checkpoint.heads.len()), if number % 3 == 1 { (true, 2) } else { (false, 1) });
            course.add(&next, &[]).unwrap();
        }
    }

    #[test]
    fn no_checkpoint_is_made_over_chains_that_were_cut() {
        let key = SigningKey::fresh();
        let mut course = Course::default();
        let first = course.next(vec![head("a", 3), head("b", 1)], "t".into(), 9, &key).unwrap();
        course.add(&first, &[]).unwrap();
        let next = |heads| course.next(heads, "t".into(), 9, &key).map(|_| ()).map_err(|altered| altered.to_string());
        let gone = |run, sequence| Err(format!("run {run}: entries after {sequence} are gone, which were there at the last checkpoint"));
        assert_eq!(next(vec![head("a", 2), head("b", 1)]), gone("a", 2));
        assert_eq!(next(vec![head("a", 3)]), gone("b", 0));
        assert_eq!(next(vec![head("a", 3), head("b", 1)]), Ok(()));
        let forged = Head { hash: "another".into(), ..head("a", 3) };
        let words = "run a, entry 3: another entry stands there than at the last checkpoint: one of the two is forged";
        assert_eq!(next(vec![forged, head("b", 1)]), Err(words.to_owned()));
    }

    #[test]
    fn the_root_is_the_one_of_rfc_6962() {
        // Of nothing, of one leaf, and of two.
        let hash = |bytes: &[u8]| digest(&SHA256, bytes).as_ref().to_vec();
        assert_eq!(root([].iter()), HEXLOWER.encode(&hash(b"")));
        let (one, other) = (head("a", 1), head("b", 2));
        let leaf = |head: &Head| hash(&[b"\0", text(head).as_bytes()].concat());
        assert_eq!(root([one.clone()].iter()), HEXLOWER.encode(&leaf(&one)));
        let both = hash(&[b"\x01".to_vec(), leaf(&one), leaf(&other)].concat());
        assert_eq!(root([one, other].iter()), HEXLOWER.encode(&both));
    }
}
