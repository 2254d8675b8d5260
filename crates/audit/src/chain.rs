//! The hash chain.

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;

use crate::Line;

/// Chains that hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Lines checked.
    pub lines: u64,
    /// Runs among them.
    pub runs: u64,
}

/// The first line that does not hold, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run {run}, entry {sequence}: {why}")]
pub struct FirstBad {
    /// The run.
    pub run: String,
    /// Its number.
    pub sequence: u64,
    /// What is wrong.
    pub why: String,
}

impl FirstBad {
    pub(crate) fn new(run: &str, sequence: u64, why: impl Into<String>) -> FirstBad {
        FirstBad { run: run.to_owned(), sequence, why: why.into() }
    }
}

/// The hash of a line over everything else in it.
pub(crate) fn hash(line: &Line) -> String {
    let mut digest = Context::new(&SHA256);
    for part in [&line.run, &line.sequence.to_string(), &line.at, &line.trace, &line.event, &line.previous] {
        // Lengths before parts, so that no two lines read alike.
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    HEXLOWER.encode(digest.finish().as_ref())
}

/// Who writes a chain: one that could not be written is given up, and its writer goes on with another of its own (`run`, `run.1` …).
pub(crate) fn writer(run: &str) -> &str {
    run.split_once('.').map_or(run, |(writer, _)| writer)
}

/// Whether a line is the next of its chain: this number, after this hash. Names what should stand there where something else does.
pub(crate) fn follows(line: &Line, sequence: u64, previous: &str) -> Result<(), FirstBad> {
    let bad = |sequence, why| Err(FirstBad::new(&line.run, sequence, why));
    if sequence.checked_sub(1) == Some(line.sequence) && line.hash == previous {
        return bad(line.sequence, "it stands twice");
    }
    if line.sequence != sequence {
        return bad(sequence, "it is missing, or another entry stands in its place");
    }
    if line.previous != previous {
        return bad(sequence, "it does not follow the entry before it");
    }
    if line.hash != hash(line) {
        return bad(sequence, "it is not what was written");
    }
    Ok(())
}

/// Checks lines, each run in the order of its numbers; the runs may be mixed.
pub fn verify<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Result<Verified, FirstBad> {
    let mut verifier = Verifier::default();
    lines.into_iter().try_for_each(|line| verifier.add(line))?;
    Ok(verifier.finish())
}

/// [`verify`] line by line, for a ledger of which only a part is in memory at a time.
#[derive(Debug, Default)]
pub struct Verifier {
    /// Number and hash of the last line of each run.
    heads: std::collections::BTreeMap<String, (u64, String)>,
    lines: u64,
}

impl Verifier {
    /// Checks the next line of its run.
    pub fn add(&mut self, line: &Line) -> Result<(), FirstBad> {
        let (before, previous) = self.heads.get(&line.run).map_or((0, ""), |(before, hash)| (*before, hash));
        follows(line, before.saturating_add(1), previous)?;
        match self.heads.get_mut(&line.run) {
            Some(head) => *head = (line.sequence, line.hash.clone()),
            None => drop(self.heads.insert(line.run.clone(), (line.sequence, line.hash.clone()))),
        }
        self.lines += 1;
        Ok(())
    }

    /// What was checked.
    pub fn finish(self) -> Verified {
        Verified { lines: self.lines, runs: self.heads.len() as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: u64) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for sequence in 1..=count {
            let previous = lines.last().map(|line| line.hash.clone()).unwrap_or_default();
            let mut line = Line {
                run: "r".into(),
                sequence,
                at: "t".into(),
                trace: "q".into(),
                event: format!("{{\"n\":{sequence}}}"),
                previous,
                hash: String::new(),
            };
            line.hash = hash(&line);
            lines.push(line);
        }
        lines
    }

    fn check(change: impl FnOnce(&mut Vec<Line>), expected: Result<u64, u64>) {
        let mut lines = chain(5);
        change(&mut lines);
        assert_eq!(verify(&lines).map(|verified| verified.lines).map_err(|bad| bad.sequence), expected);
    }

    #[test]
    fn the_first_bad_entry_is_named() {
        check(|_| {}, Ok(5));
        check(|lines| lines[2].event.push(' '), Err(3));
        check(|lines| drop(lines.remove(2)), Err(3));
        check(|lines| lines.swap(1, 2), Err(2));
        check(|lines| lines.insert(2, lines[1].clone()), Err(2));
        check(|lines| lines[3].at = "u".into(), Err(4));
        check(
            |lines| {
                lines[3].at = "u".into();
                lines[3].hash = hash(&lines[3]);
            },
            Err(5),
        );
        check(|lines| drop(lines.pop()), Ok(4));
    }
}
