//! Lines in the order of runs and numbers, against what checkpoints vouch for.

use std::collections::{BTreeMap, VecDeque};

use crate::Line;
use crate::chain::{FirstBad, Verified, follows};
use crate::checkpoint::Head;

/// Who says where a chain stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// A checkpoint of this number.
    Checkpoint(u64),
    /// An export's own proof.
    Proof,
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Word::Checkpoint(number) => write!(f, "checkpoint {number}"),
            Word::Proof => f.write_str("the export's proof"),
        }
    }
}

#[derive(Debug)]
struct Point {
    sequence: u64,
    hash: String,
    by: Word,
}

/// A chain: where it begins for us, and where it must come by.
#[derive(Debug, Default)]
struct Course {
    sequence: u64,
    hash: String,
    points: VecDeque<Point>,
}

impl Course {
    fn is_missing(&self, run: &str) -> Result<(), FirstBad> {
        let why = |point: &Point| format!("it is missing: by the word of {} its chain goes on to entry {}", point.by, point.sequence);
        self.points.back().map_or(Ok(()), |point| Err(FirstBad::new(run, self.sequence.saturating_add(1), why(point))))
    }
}

/// Checks lines one after the other: each chain whole, none missing, and each where checkpoints saw it.
#[derive(Debug, Default)]
pub(crate) struct Auditor {
    ahead: BTreeMap<String, Course>,
    /// The run that is being read.
    run: Option<String>,
    chain: Course,
    /// Whether every run there may be, and the end of each, is vouched for.
    closed: bool,
    verified: Verified,
    /// Lines of this run since the last point.
    since: u64,
    unvouched: u64,
}

impl Auditor {
    /// Chains are read from after these heads on: what is before is not there.
    pub fn begin_after<'a>(&mut self, heads: impl Iterator<Item = &'a Head>) {
        for head in heads {
            let course = Course { sequence: head.sequence, hash: head.hash.clone(), points: VecDeque::new() };
            self.ahead.insert(head.run.clone(), course);
        }
    }

    /// Somebody says where chains stood; each chain's words in order.
    pub fn vouch(&mut self, heads: &[Head], by: Word) {
        for head in heads {
            let course = match self.ahead.get_mut(&head.run) {
                Some(course) => course,
                None => self.ahead.entry(head.run.clone()).or_default(),
            };
            let last = course.points.back().map_or(course.sequence, |point| point.sequence);
            // That a chain stands where it stood is said often.
            if head.sequence > last || by == Word::Proof {
                course.points.push_back(Point { sequence: head.sequence, hash: head.hash.clone(), by });
            }
        }
    }

    /// Nothing may be there that was not vouched for.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// The entry that should come next, as far as anybody vouches for one.
    pub fn expected(&self) -> (String, u64) {
        let next = self.ahead.iter().find(|(_, course)| !course.points.is_empty());
        match (&self.run, next) {
            (None, Some((run, course))) => (run.clone(), course.sequence.saturating_add(1)),
            (Some(_), Some((run, course))) if self.chain.points.is_empty() => (run.clone(), course.sequence.saturating_add(1)),
            (run, _) => (run.clone().unwrap_or_default(), self.chain.sequence.saturating_add(1)),
        }
    }

    /// Checks the next line.
    pub fn add(&mut self, line: &Line) -> Result<(), FirstBad> {
        if self.run.as_deref() != Some(line.run.as_str()) {
            self.turn_to(line)?;
        }
        if self.closed && self.chain.points.is_empty() {
            return Err(FirstBad::new(&line.run, line.sequence, "nobody vouches for it, and it is not in its place"));
        }
        follows(line, self.chain.sequence.saturating_add(1), &self.chain.hash)?;
        self.since += 1;
        while let Some(point) = self.chain.points.front().filter(|point| point.sequence <= line.sequence) {
            if point.sequence != line.sequence || point.hash != line.hash {
                return Err(FirstBad::new(&line.run, line.sequence, format!("it is not the entry that {} saw there", point.by)));
            }
            if matches!(point.by, Word::Checkpoint(_)) {
                self.since = 0;
            }
            self.chain.points.pop_front();
        }
        self.chain.sequence = line.sequence;
        self.chain.hash.clone_from(&line.hash);
        self.verified.lines += 1;
        Ok(())
    }

    /// Ends the run that was read, and begins this line's.
    fn turn_to(&mut self, line: &Line) -> Result<(), FirstBad> {
        self.end_run()?;
        if self.run.as_ref().is_some_and(|run| *run > line.run) {
            return Err(FirstBad::new(&line.run, line.sequence, "it is not in its place"));
        }
        if self.closed && !self.ahead.contains_key(&line.run) {
            let (run, sequence) = self.expected();
            return Err(FirstBad::new(&run, sequence, "it is missing, or another entry stands in its place"));
        }
        while let Some(first) = self.ahead.first_entry().filter(|first| *first.key() < line.run) {
            first.get().is_missing(first.key())?;
            first.remove();
        }
        self.chain = self.ahead.remove(&line.run).unwrap_or_default();
        // A chain of which the beginning does not stand there: is it this line that is not what it says it is?
        if line.sequence != self.chain.sequence.saturating_add(1) && line.hash != crate::chain::hash(line) {
            return Err(FirstBad::new(&line.run, line.sequence, "it is not what was written"));
        }
        self.run = Some(line.run.clone());
        self.verified.runs += 1;
        Ok(())
    }

    fn end_run(&mut self) -> Result<(), FirstBad> {
        self.unvouched += std::mem::take(&mut self.since);
        self.run.as_ref().map_or(Ok(()), |run| self.chain.is_missing(run))
    }

    /// All lines were read: none of those that are vouched for is missing. What was checked, and how many entries nobody vouches for yet.
    pub fn finish(&mut self) -> Result<(Verified, u64), FirstBad> {
        self.end_run()?;
        self.ahead.iter().try_for_each(|(run, course)| course.is_missing(run))?;
        Ok((self.verified, self.unvouched))
    }
}
