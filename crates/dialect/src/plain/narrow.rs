//! Asking narrower for what fails whole: some servers answer 500 for a whole page when one resource on it lacks what FHIR requires.
//!
//! A search that failed so is divided, and each part that fails too is divided again. When every part of one division fails, it is
//! not one resource that is at fault, and the server is not asked on. What is decided waits for all parts of a division, so that
//! the order of replies shows nowhere.

use fhir::{Kind, Tree};
use record::{Finding, FindingCode, Status};

use super::stream::Asked;
use super::{Plain, hole};

impl Plain {
    /// Ends a search that failed whole, and asks for its parts where that may help. False where it did not fail so.
    pub(super) fn narrow(&mut self, at: usize, http: u16, outcome: Option<&Tree>) -> bool {
        let Asked::Search { kind, .. } = &self.streams[at].asked else { return false };
        if http != 500 || self.ways.search(*kind).is_none() {
            return false;
        }
        let Some(lacking) = outcome.and_then(hole::lacking) else { return false };
        self.streams[at].end(Status::FailedHttp, None);
        self.streams[at].lacking = Some(lacking);
        true
    }

    /// Decides on the division that a search belongs to, once all of it has ended.
    pub(super) fn divide(&mut self, at: usize) {
        let parent = self.streams[at].part_of;
        let siblings: Vec<usize> = match parent {
            Some(_) => (0..self.streams.len()).filter(|other| self.streams[*other].part_of == parent).collect(),
            None => vec![at],
        };
        if siblings.iter().any(|at| self.streams[*at].ended.is_none()) {
            return;
        }
        let failed: Vec<usize> = siblings.iter().copied().filter(|at| self.streams[*at].lacking.is_some()).collect();
        match parent {
            Some(parent) if failed.len() == siblings.len() => self.hole(parent, "every part of "),
            _ => failed.into_iter().for_each(|at| self.ask_in_parts(at)),
        }
    }

    fn ask_in_parts(&mut self, at: usize) {
        let Asked::Search { patient, named, kind, slice } = self.streams[at].asked.clone() else { return };
        let Some(search) = self.ways.search(kind) else { return };
        let parts = slice.parts(search, self.now);
        if parts.is_empty() {
            return self.hole(at, "");
        }
        // What has no category or date is in no part: it is never whole again.
        self.streams[at].ended = Some(Status::OkTruncated);
        if slice.is_all() {
            let note = format!("{}; asked in parts, and what is in none of them is missing", self.words(at, ""));
            self.warn(at, kind, note);
        }
        // Whether what comes along was at fault is not found out part by part: a source is somebody's hospital.
        let along = !self.streams[at].provenance_failed;
        for slice in parts {
            self.ask_with(Asked::Search { patient: patient.clone(), named, kind, slice }, along);
            if let Some(part) = self.streams.last_mut() {
                part.part_of = Some(at);
            }
        }
    }

    /// Says what stays missing.
    fn hole(&mut self, at: usize, of: &str) {
        let Asked::Search { kind, .. } = self.streams[at].asked else { return };
        let note = format!("{}: what it holds there is missing", self.words(at, of));
        self.warn(at, kind, note);
    }

    fn words(&self, at: usize, of: &str) -> String {
        let stream = &self.streams[at];
        let lacking = stream.lacking.as_deref().unwrap_or("a required element");
        let slice = match &stream.asked {
            Asked::Search { slice, .. } => slice.words(),
            _ => String::new(),
        };
        format!("the source failed (HTTP 500, {lacking} is missing in something) on {of}{slice}")
    }

    fn warn(&mut self, at: usize, kind: Kind, note: String) {
        self.findings.insert(Finding { code: FindingCode::SourceWarning, path: kind.name().to_owned(), detail: note.clone() });
        self.streams[at].notes.insert(note);
    }
}
