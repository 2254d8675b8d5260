//! A ledger in files, for those who check it elsewhere: `ledger.ndjson` has the entries in the order of runs and numbers,
//! `checkpoints.ndjson` the checkpoints, and `proof.json` says, signed, where both of them end.

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use crate::Line;
use crate::chain::FirstBad;
use crate::checkpoint::{Head, text};
use crate::inspection::{Inspection, Report};
use crate::key::{PublicKey, SigningKey};
use crate::text::exact;

/// What an export is called.
const FORMAT: &str = "severn-ledger-1";

/// Where an export ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    format: String,
    /// When it was made, UTC.
    pub at: String,
    /// It holds the entries after this checkpoint: 0 for all there are.
    pub after: u64,
    /// Entries in it.
    pub entries: u64,
    /// The last entry of each chain in it.
    pub heads: Vec<Head>,
    /// Its last checkpoint: number and hash.
    pub checkpoint: Option<(u64, String)>,
    /// The public key that signs it.
    pub key: String,
}

#[derive(Serialize, Deserialize)]
struct SignedProof {
    proof: Proof,
    signature: String,
}

impl Proof {
    /// Of an export that ends so.
    pub fn new(at: String, after: u64, entries: u64, heads: Vec<Head>, checkpoint: Option<(u64, String)>, key: &SigningKey) -> Proof {
        Proof { format: FORMAT.to_owned(), at, after, entries, heads, checkpoint, key: key.public().to_string() }
    }

    /// Its file's text.
    pub fn signed(self, key: &SigningKey) -> String {
        let signature = key.sign(text(&self).as_bytes());
        text(&SignedProof { proof: self, signature }) + "\n"
    }

    /// Of its file, if it is what was written, by one of these keys; by whichever it names where there are none.
    fn read(file: &[u8], trusted: &[PublicKey]) -> Result<Proof, &'static str> {
        let line = file.strip_suffix(b"\n").ok_or("it is cut off, or not there")?;
        let SignedProof { proof, signature } = exact(line).ok_or("it is not what was written")?;
        let key = PublicKey::parse(&proof.key).ok_or("it names no key")?;
        if !trusted.is_empty() && !trusted.contains(&key) {
            return Err("it is signed by a key that is not the ledger's");
        }
        match key.signed(text(&proof).as_bytes(), &signature) && proof.format == FORMAT {
            true => Ok(proof),
            false => Err("its signature is not good"),
        }
    }
}

/// An entry's line in an export, without its end.
pub fn exported(line: &Line) -> String {
    text(line)
}

/// The files of an export.
pub struct Exported<L, C> {
    /// `ledger.ndjson`
    pub ledger: L,
    /// `checkpoints.ndjson`
    pub checkpoints: C,
    /// The whole of `proof.json`.
    pub proof: Vec<u8>,
}

/// Checks an export, and beside it the copies of the checkpoints that others were handed. `progress` is told the number of entries
/// after each.
pub fn verify_export<L: BufRead, C: BufRead, W: BufRead>(
    mut files: Exported<L, C>,
    witnesses: Vec<(String, W)>,
    trusted: Vec<PublicKey>,
    mut progress: impl FnMut(u64),
) -> std::io::Result<Report> {
    let proof = Proof::read(&files.proof, &trusted);
    let mut inspection = Inspection::new(trusted, proof.as_ref().map_or(0, |proof| proof.after));
    if let Ok(proof) = &proof {
        inspection.until(proof.checkpoint.as_ref().map_or(0, |(number, _)| *number));
    }
    let mut line = Vec::new();
    while read_line(&mut files.checkpoints, &mut line)? {
        inspection.checkpoint(&line);
    }
    for (name, copy) in witnesses {
        inspection.witness(&name, copy)?;
    }
    inspection.begin();
    match &proof {
        Ok(proof) => inspection.prove(&proof.heads, proof.checkpoint.as_ref()),
        Err(why) => inspection.bad_proof(why),
    }
    let (mut read, mut outcome) = (0, Ok(()));
    while outcome.is_ok() && read_line(&mut files.ledger, &mut line)? {
        outcome = match exact::<Line>(&line) {
            Some(entry) => inspection.line(&entry),
            None => {
                let (run, sequence) = inspection.expected();
                Err(FirstBad::new(&run, sequence, "its line is not what was written"))
            }
        };
        read += 1;
        progress(read);
    }
    Ok(inspection.finish(outcome))
}

/// Reads a line without its end; one that has no end keeps a mark of that, so that it is what nobody wrote.
fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    if from.read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.pop_if(|byte| *byte == b'\n').is_none() {
        line.push(0);
    }
    Ok(true)
}
