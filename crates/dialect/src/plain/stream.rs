//! One question to a source, page by page.

use std::collections::BTreeSet;

use fhir::Kind;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use record::Status;
use rustc_hash::{FxHashMap, FxHashSet};

use super::hole::Hole;
use super::search::Slice;
use super::types;

/// What may stand in a path or query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All about a patient, by the source's id.
    Everything(String),
    /// The Patients who carry the number under this system.
    Lookup(String),
    /// One resource.
    One { named: String, id: String },
    /// The Patient whose id was known before.
    Patient(String),
    /// One type about a patient, or a part of it.
    Search { patient: String, named: &'static str, kind: Kind, slice: Slice },
}

/// A question and how far its answer has come.
#[derive(Debug)]
pub(super) struct Stream {
    pub asked: Asked,
    /// When it was first sent.
    pub tried: Option<Timestamp>,
    pub pages: usize,
    /// How many resources came, by type.
    pub came: FxHashMap<Kind, usize>,
    /// Pages asked for, to know a loop.
    pub urls: FxHashSet<String>,
    /// `_count`, while the source takes it.
    pub count: Option<u32>,
    /// `_since`, while the source takes it.
    pub since: Option<String>,
    /// Further parameters that this server wants.
    pub also: Vec<(&'static str, String)>,
    /// What something on its page lacks, where it failed whole for that.
    pub lacking: Option<String>,
    /// The search of which it asks for a part, by its place.
    pub part_of: Option<usize>,
    /// Whether what each resource came from is to come along.
    pub provenance: bool,
    /// Whether that was refused.
    pub provenance_refused: bool,
    /// Whether the source failed while it was to come along.
    pub provenance_failed: bool,
    /// Entries that came and are no resource of the version.
    pub odd: usize,
    /// Whether to ask by `subject=` instead of `patient=`.
    pub by_subject: bool,
    /// Whether the other of the two was tried.
    pub swapped: bool,
    pub notes: BTreeSet<String>,
    pub holes: BTreeSet<Hole>,
    /// How it ended; `Ok` whether or not anything came.
    pub ended: Option<Status>,
}

/// Whether a source's word for an attachment is an address rather than the id of a Binary.
pub(super) fn is_address(id: &str) -> bool {
    id.contains(['/', ':'])
}

impl Stream {
    pub(super) fn new(asked: Asked, count: Option<u32>, since: Option<String>, by_subject: bool) -> Stream {
        let paged = matches!(asked, Asked::Everything(_) | Asked::Search { .. });
        Stream {
            asked,
            tried: None,
            pages: 0,
            came: FxHashMap::default(),
            urls: FxHashSet::default(),
            count: count.filter(|_| paged),
            since: since.filter(|_| paged),
            also: Vec::new(),
            lacking: None,
            part_of: None,
            provenance: false,
            provenance_refused: false,
            provenance_failed: false,
            odd: 0,
            by_subject,
            swapped: false,
            notes: BTreeSet::new(),
            holes: BTreeSet::new(),
            ended: None,
        }
    }

    /// The first page's address, below the source's base.
    pub(super) fn target(&self, number: &str) -> String {
        let (mut target, mut joint) = match &self.asked {
            Asked::Everything(id) => (format!("Patient/{}/$everything", plain(id)), '?'),
            Asked::Lookup(system) => (format!("Patient?identifier={}%7C{}", plain(system), plain(number)), '&'),
            // An attachment at an address of its own is asked for as the source wrote it.
            Asked::One { id, .. } if is_address(id) => return id.clone(),
            Asked::One { named, id } => (format!("{named}/{}", plain(id)), '?'),
            Asked::Patient(id) => (format!("Patient/{}", plain(id)), '?'),
            Asked::Search { patient, named, .. } if self.by_subject => (format!("{named}?subject=Patient/{}", plain(patient)), '&'),
            Asked::Search { patient, named, .. } => (format!("{named}?patient={}", plain(patient)), '&'),
        };
        let since = match self.asked {
            Asked::Everything(_) => "_since=",
            _ => "_lastUpdated=ge",
        };
        let mut add = |name: &str, value: &str| {
            target.push(joint);
            target.push_str(name);
            target.push_str(value);
            joint = '&';
        };
        if let Some(count) = self.count {
            add("_count=", &count.to_string());
        }
        if let Some(instant) = &self.since {
            add(since, &plain(instant));
        }
        for (name, value) in &self.also {
            add(&format!("{name}="), &plain(value));
        }
        if self.provenance {
            add("_revinclude=", "Provenance:target");
        }
        target
    }

    /// Lower goes first.
    pub(super) fn priority(&self) -> u8 {
        match self.asked {
            Asked::Lookup(_) | Asked::One { .. } | Asked::Patient(_) => 0,
            Asked::Everything(_) => 1,
            Asked::Search { kind, .. } => types::priority(kind),
        }
    }

    /// Drops what a source may have refused with a 400, least loss first. False when nothing is left to drop.
    pub(super) fn ask_wider(&mut self, refusal: &str) -> bool {
        let mentions = |name: &str| refusal.contains(name);
        let since_alone = mentions("_since") || mentions("_lastUpdated");
        let count_alone = mentions("_count") && !since_alone;
        let since = if count_alone { None } else { self.since.take() };
        let count = if since_alone && since.is_some() { None } else { self.count.take() };
        for (dropped, name) in [(since.is_some(), "_since"), (count.is_some(), "_count")] {
            if dropped {
                self.notes.insert(format!("the source does not take {name}; asked without it"));
            }
        }
        if since.is_some() || count.is_some() {
            return true;
        }
        let can_swap = matches!(self.asked, Asked::Search { .. }) && !self.swapped;
        if can_swap {
            self.swapped = true;
            self.by_subject = !self.by_subject;
        }
        can_swap
    }

    /// Asks only for what changed since an instant, where that finds all that did.
    pub(super) fn ask_since(&mut self, since: Option<String>, finds_all: bool) {
        let paged = matches!(self.asked, Asked::Everything(_) | Asked::Search { .. });
        if paged && finds_all {
            self.since = since;
        } else if paged && since.is_some() {
            self.notes.insert("the source does not find all that changed by _lastUpdated; all was asked for, and filtered here".to_owned());
        }
    }

    /// Asks without what each resource came from, and remembers that it was wanted.
    pub(super) fn drop_provenance(&mut self) {
        self.provenance = false;
        self.provenance_refused = true;
    }

    /// Ends it, unless it has ended.
    pub(super) fn end(&mut self, status: Status, note: Option<String>) {
        if self.ended.is_none() {
            self.ended = Some(status);
            self.notes.extend(note);
        }
    }

    /// Whether it brought all there is.
    pub(super) fn is_whole(&self) -> bool {
        self.ended == Some(Status::Ok)
    }
}

/// Percent-encoded.
pub(crate) fn plain(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_an_address() {
        let check = |asked: Asked, by_subject: bool, expected: &str| {
            let stream = Stream::new(asked, Some(50), Some("2026-01-01T00:00:00+01:00".to_owned()), by_subject);
            assert_eq!(stream.target("9990000018"), expected);
        };
        let search = || Asked::Search { patient: "a b".to_owned(), named: "Condition", kind: Kind::CONDITION, slice: Slice::default() };
        check(Asked::Lookup("https://x/y".to_owned()), false, "Patient?identifier=https%3A%2F%2Fx%2Fy%7C9990000018");
        check(Asked::Patient("1".to_owned()), false, "Patient/1");
        check(Asked::One { named: "Binary".to_owned(), id: "1".to_owned() }, false, "Binary/1");
        check(Asked::Everything("1".to_owned()), false, "Patient/1/$everything?_count=50&_since=2026-01-01T00%3A00%3A00%2B01%3A00");
        check(search(), false, "Condition?patient=a%20b&_count=50&_lastUpdated=ge2026-01-01T00%3A00%3A00%2B01%3A00");
        check(search(), true, "Condition?subject=Patient/a%20b&_count=50&_lastUpdated=ge2026-01-01T00%3A00%3A00%2B01%3A00");
    }

    #[test]
    fn what_is_refused_is_dropped_step_by_step() {
        let stream = || {
            let asked = Asked::Search { patient: "1".to_owned(), named: "Flag", kind: Kind::FLAG, slice: Slice::default() };
            Stream::new(asked, Some(50), Some("2026-01-01".to_owned()), false)
        };
        let mut both = stream();
        assert!(both.ask_wider("bad request"));
        assert_eq!(both.target(""), "Flag?patient=1");
        assert!(both.ask_wider("bad request"));
        assert_eq!(both.target(""), "Flag?subject=Patient/1");
        assert!(!both.ask_wider("bad request"));
        let mut count = stream();
        assert!(count.ask_wider("unknown parameter _count"));
        assert_eq!(count.target(""), "Flag?patient=1&_lastUpdated=ge2026%2D01%2D01".replace("%2D", "-"));
        let mut since = stream();
        assert!(since.ask_wider("unknown parameter _lastUpdated"));
        assert_eq!(since.target(""), "Flag?patient=1&_count=50");
    }
}
