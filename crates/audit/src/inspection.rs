//! The whole inspection: checkpoints, the copies that others have of them, and every entry.

use std::io::BufRead;

use aws_lc_rs::digest::{SHA256, digest};

use crate::Line;
use crate::auditor::{Auditor, Word};
use crate::chain::{FirstBad, Verified};
use crate::checkpoint::{BadCheckpoint, Course, Head, Signed};
use crate::key::PublicKey;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The first bad checkpoint.
    Checkpoint(BadCheckpoint),
    /// The first bad entry.
    Entry(FirstBad),
    /// The first entry that is not found by what leads to it.
    Name(FirstBad),
    /// The proof beside an export.
    Proof(String),
    /// A copy of the checkpoints that somebody was handed.
    Witness {
        /// Whose.
        name: String,
        /// What is wrong.
        why: String,
    },
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Problem::Checkpoint(bad) => bad.fmt(f),
            Problem::Entry(bad) | Problem::Name(bad) => bad.fmt(f),
            Problem::Proof(why) => write!(f, "the export's proof: {why}"),
            Problem::Witness { name, why } => write!(f, "the copy {name}: {why}"),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What is not as it was written: at most one of the checkpoints, one of the proof, one of each copy, and the first bad entry.
    pub problems: Vec<Problem>,
    /// Entries and chains that were checked, up to the first bad one.
    pub verified: Verified,
    /// Entries after the last checkpoint of their chain: nobody vouches yet that they are all there.
    pub unvouched: u64,
    /// The last checkpoint, and when it was made.
    pub checkpoint: Option<(u64, String)>,
    /// Copies, each with the last checkpoint in it.
    pub witnesses: Vec<(String, u64)>,
    /// Keys that signed, in base64.
    pub keys: Vec<String>,
}

/// Takes first all checkpoints, then the copies that others have, then every entry in order.
pub struct Inspection {
    trusted: Vec<PublicKey>,
    course: Course,
    auditor: Auditor,
    /// The number of the first checkpoint that is here, and the digest of each one's text.
    first: u64,
    seen: Vec<[u8; 32]>,
    /// Entries up to this checkpoint are not here.
    after: u64,
    /// What is here ends at this checkpoint, where it says so itself: what others were handed later is no news of it.
    until: Option<u64>,
    broken: bool,
    report: Report,
}

impl Inspection {
    /// Believes these keys; whichever the checkpoints name where there is none. Entries up to checkpoint `after` are not looked for.
    pub fn new(trusted: Vec<PublicKey>, after: u64) -> Inspection {
        let report = Report {
            problems: Vec::new(),
            verified: Verified::default(),
            unvouched: 0,
            checkpoint: None,
            witnesses: Vec::new(),
            keys: Vec::new(),
        };
        Inspection {
            trusted,
            course: Course::default(),
            auditor: Auditor::default(),
            first: 0,
            seen: Vec::new(),
            after,
            until: None,
            broken: false,
            report,
        }
    }

    /// Others may have later checkpoints than this one.
    pub(crate) fn until(&mut self, number: u64) {
        self.until = Some(number);
    }

    /// The next checkpoint's line. After a bad one, no more are believed.
    pub fn checkpoint(&mut self, line: &[u8]) {
        if self.broken {
            return;
        }
        let Some(signed) = Signed::read(line) else {
            let number = self.course.number().saturating_add(1);
            let why = "its line is not what was written".to_owned();
            return self.bad_checkpoint(BadCheckpoint { number, why, entry: None });
        };
        // Where all entries are here, so are all checkpoints. One that names every chain would stand by itself, and copies of what was
        // before it would be compared with nothing.
        let number = signed.checkpoint.number;
        if self.seen.is_empty() && self.after == 0 && number > 1 {
            let entry = signed.checkpoint.heads.first().map(|head| (head.run.clone(), 1));
            let why = format!("it is missing: {number} is the first that is here");
            return self.bad_checkpoint(BadCheckpoint { number: 1, why, entry });
        }
        self.take(&signed, line);
    }

    fn take(&mut self, signed: &Signed, line: &[u8]) {
        if let Err(bad) = self.course.add(signed, &self.trusted) {
            return self.bad_checkpoint(bad);
        }
        let number = signed.checkpoint.number;
        if self.seen.is_empty() {
            self.first = number;
        }
        self.seen.push(fingerprint(line));
        if !self.report.keys.contains(&signed.checkpoint.key) {
            self.report.keys.push(signed.checkpoint.key.clone());
        }
        match number.cmp(&self.after) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => self.auditor.begin_after(self.course.heads()),
            std::cmp::Ordering::Greater => self.auditor.vouch(&signed.checkpoint.heads, Word::Checkpoint(number)),
        }
    }

    fn bad_checkpoint(&mut self, bad: BadCheckpoint) {
        self.broken = true;
        self.report.problems.push(Problem::Checkpoint(bad));
    }

    /// A copy of the checkpoints that somebody was handed. What it has beyond ours counts as ours would: it vouches for entries.
    pub fn witness(&mut self, name: &str, mut copy: impl BufRead) -> std::io::Result<()> {
        let (mut line, mut torn, mut last) = (Vec::new(), None::<Vec<u8>>, 0);
        loop {
            line.clear();
            if copy.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            line.pop_if(|byte| *byte == b'\n');
            let Some(signed) = Signed::read(&line) else {
                // A copy that was being written when its machine stopped ends in a part of what stands whole on the next line.
                if torn.replace(line.clone()).is_some() || line.is_empty() {
                    return self.bad_copy(name, last, "its line is not what was written");
                }
                continue;
            };
            if torn.take().is_some_and(|torn| !line.starts_with(&torn)) {
                return self.bad_copy(name, last, "its line is not what was written");
            }
            if let Err(why) = self.compare(&signed, &line) {
                return self.bad_copy(name, last, &why);
            }
            last = last.max(signed.checkpoint.number);
        }
        if torn.is_some() {
            return self.bad_copy(name, last, "its last line is cut off");
        }
        self.report.witnesses.push((name.to_owned(), last));
        Ok(())
    }

    fn bad_copy(&mut self, name: &str, last: u64, why: &str) -> std::io::Result<()> {
        let why = format!("after checkpoint {last}: {why}");
        self.report.problems.push(Problem::Witness { name: name.to_owned(), why });
        Ok(())
    }

    /// One of a copy's checkpoints beside ours.
    fn compare(&mut self, signed: &Signed, line: &[u8]) -> Result<(), String> {
        signed.is_signed(&self.trusted).map_err(str::to_owned)?;
        let number = signed.checkpoint.number;
        if self.until.is_some_and(|until| number > until) {
            return Ok(());
        }
        let Some(at) = number.checked_sub(self.first).filter(|_| !self.seen.is_empty()) else {
            // What is before ours, or stands where we have none.
            return if self.seen.is_empty() && !self.broken { self.missing(signed, line) } else { Ok(()) };
        };
        match self.seen.get(at as usize) {
            Some(own) if *own == fingerprint(line) => Ok(()),
            Some(_) => Err(format!("its checkpoint {number} is another one than ours, and signed: one of them is forged")),
            None if self.broken => Ok(()),
            None => self.missing(signed, line),
        }
    }

    /// A checkpoint that we should have: it is said, and taken for what it is.
    fn missing(&mut self, signed: &Signed, line: &[u8]) -> Result<(), String> {
        let known = self.report.problems.iter().any(|problem| matches!(problem, Problem::Checkpoint(_)));
        if !known {
            let number = signed.checkpoint.number;
            let why = "it is missing: a copy has it".to_owned();
            let entry = signed.checkpoint.heads.first().map(|head| {
                let before = self.course.heads().find(|known| known.run == head.run).map_or(0, |known| known.sequence);
                (head.run.clone(), before.saturating_add(1))
            });
            self.report.problems.push(Problem::Checkpoint(BadCheckpoint { number, why, entry }));
        }
        self.take(signed, line);
        Ok(())
    }

    /// All checkpoints that are here were taken: an export must have those that it begins after.
    pub fn begin(&mut self) {
        if self.after > 0 && self.course.number() < self.after && !self.broken {
            let why = "it is missing, and the entries here begin after it".to_owned();
            self.bad_checkpoint(BadCheckpoint { number: self.after, why, entry: None });
        }
    }

    /// An export says of itself where its chains end, and where its checkpoints do.
    pub(crate) fn prove(&mut self, heads: &[Head], last: Option<&(u64, String)>) {
        self.auditor.vouch(heads, Word::Proof);
        self.auditor.close();
        let own = self.course.hash().map(|hash| (self.course.number(), hash.to_owned()));
        if own.as_ref() != last && !self.broken {
            let number = last.map_or(0, |(number, _)| *number);
            let why = "it is missing, or another stands in its place: the export's proof ends with it".to_owned();
            self.bad_checkpoint(BadCheckpoint { number, why, entry: None });
        }
    }

    pub(crate) fn bad_proof(&mut self, why: &str) {
        self.report.problems.push(Problem::Proof(why.to_owned()));
    }

    /// The entry that should come next.
    pub(crate) fn expected(&self) -> (String, u64) {
        self.auditor.expected()
    }

    /// Checks the next entry. What comes after a bad one is not looked at.
    pub fn line(&mut self, line: &Line) -> Result<(), FirstBad> {
        self.auditor.add(line)
    }

    /// What was found; with the first bad entry, where there was one.
    pub fn finish(mut self, bad: Result<(), FirstBad>) -> Report {
        match bad.and_then(|()| self.auditor.finish()) {
            Ok((verified, unvouched)) => (self.report.verified, self.report.unvouched) = (verified, unvouched),
            Err(bad) => self.report.problems.push(Problem::Entry(bad)),
        }
        self.report.checkpoint = self.course.at().map(|at| (self.course.number(), at.to_owned()));
        self.report
    }
}

fn fingerprint(line: &[u8]) -> [u8; 32] {
    // SHA-256 has 32 bytes.
    digest(&SHA256, line).as_ref().try_into().unwrap_or_default()
}
