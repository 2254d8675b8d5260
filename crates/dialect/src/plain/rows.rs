//! The chart: what came, and for every type how it went.

use std::collections::BTreeSet;

use fhir::Kind;
use jiff::Timestamp;
use record::{CARRIED, Chart, Counts, Item, Row, Status};

use super::stream::{Asked, Stream};
use super::{Plain, types};
use crate::conversation::Told;
use crate::references::r4_kind;
use crate::supplier::Wanted;
use crate::tally::{Tally, tally};

/// Of a type that a statement of capability leaves out.
pub(crate) const NOT_LISTED: &str = "the source does not list this type";

/// How one part of a row went.
struct Part {
    status: Status,
    notes: BTreeSet<String>,
}

impl Part {
    fn of(status: Status) -> Part {
        Part { status, notes: BTreeSet::new() }
    }

    fn noted(status: Status, note: &str) -> Part {
        Part { status, notes: BTreeSet::from([note.to_owned()]) }
    }

    /// The worse of two, with the notes of both.
    fn and(mut self, other: Part) -> Part {
        self.notes.extend(other.notes);
        if rank(other.status) > rank(self.status) {
            self.status = other.status;
        }
        self
    }

    fn and_also(self, other: Option<Part>) -> Part {
        match other {
            Some(other) => self.and(other),
            None => self,
        }
    }
}

/// What says more about what is missing comes last. `Unsupported` is first: of two older types that make one, one may be enough.
fn rank(status: Status) -> usize {
    const ORDER: [Status; 13] = [
        Status::Unsupported,
        Status::Ok,
        Status::CacheStale,
        Status::OkTruncated,
        Status::NoRecordGiven,
        Status::Withheld,
        Status::Throttled,
        Status::CircuitOpen,
        Status::FailedInternal,
        Status::FailedParse,
        Status::FailedHttp,
        Status::FailedAuth,
        Status::FailedTimeout,
    ];
    ORDER.iter().position(|own| *own == status).unwrap_or(ORDER.len())
}

impl Plain {
    /// The chart, now: what is unfinished is named as such.
    pub(super) fn told(mut self) -> Told {
        self.known.everything = self.has_everything().or(self.known.everything);
        self.known.no_provenance |= self.streams.iter().any(|stream| stream.provenance_refused && stream.pages > 0);
        self.met = self.awaited.iter().any(|id| self.found(id));
        let mut arrivals = std::mem::replace(
            &mut self.arrivals,
            super::Arrivals::new(super::reading(self.version, self.ways, &self.holder, &self.settings)),
        );
        // What the server made itself stands for nothing that anybody said: nobody is looked for in it.
        let made = arrivals.leave_out(|arrived| (self.ways.made)(arrived.kind, arrived.tree.root()));
        let mut read = arrivals.finish(&|kind| self.wants(kind));
        read.items.iter_mut().for_each(self.ways.finish);
        (self.ways.settle)(&self.holder, &mut read);
        let attachments = std::mem::take(&mut read.attachments);
        let Tally { patients, kept, quarantined, mut counts } = tally(read, |item| self.keeps(item));
        for kind in &made {
            let count = counts.entry(*kind).or_default();
            (count.came, count.filtered) = (count.came + 1, count.filtered + 1);
        }
        let mut kinds: BTreeSet<Kind> = self.kinds().into_iter().collect();
        kinds.extend(counts.keys());
        let made_of = |kind| made.iter().filter(|own| **own == kind).count() as u64;
        let rows = kinds.into_iter().map(|kind| self.row(kind, counts.get(&kind).copied().unwrap_or_default(), made_of(kind))).collect();
        let chart = Chart {
            source: self.holder.source.clone(),
            version: self.version,
            patients,
            items: kept,
            quarantined,
            rows,
            about_one_patient: false,
            findings: self.findings.iter().cloned().collect(),
        };
        Told { chart, learnt: self.known, attachments }
    }

    /// What this conversation showed of `$everything` in general. That there is none is learnt only from its refusal for a Patient whom
    /// the source has: an id that is over, or one person's data on which the source fails, says nothing of the next person's.
    fn has_everything(&self) -> Option<bool> {
        let asked = self.streams.iter().filter_map(|stream| match &stream.asked {
            Asked::Everything(patient) => Some((stream, patient)),
            _ => None,
        });
        let shown = asked.filter_map(|(stream, patient)| match stream.ended {
            _ if stream.pages > 0 => Some(true),
            Some(Status::Unsupported) if self.found(patient) => Some(false),
            _ => None,
        });
        // One that worked outweighs any that did not.
        shown.max()
    }

    /// Whether an item is of what was asked for. A source may return more.
    fn keeps(&self, item: &Item) -> bool {
        let Wanted::Read(need) = &self.wanted else { return self.wants(item.kind) };
        self.wants(item.kind) && (types::by_reference(item.kind) || need.is_recent(item))
    }

    /// `made`: how many of what came are the server's own making.
    fn row(&self, kind: Kind, counts: Counts, made: u64) -> Row {
        let came = counts.came > made;
        let mut part = self.part(kind, came);
        if let (Status::Ok, false, Some(silence)) = (part.status, came, self.ways.silence) {
            part.notes.insert(silence.to_owned());
        }
        let status = match (part.status, came) {
            (Status::Ok, false) => Status::OkEmpty,
            (Status::Unsupported, true) => Status::Ok,
            (status, _) => status,
        };
        let note = (!part.notes.is_empty()).then(|| part.notes.into_iter().collect::<Vec<_>>().join("; "));
        let mut row = Row::new(self.holder.source.clone(), kind);
        (row.status, row.note, row.tried, row.counts) = (Some(status), note, self.tried(kind), counts);
        row
    }

    /// When the source was first asked for a type; for a type that was never asked for, when it was asked for the person.
    fn tried(&self, kind: Kind) -> Option<Timestamp> {
        let fills = |stream: &&Stream| match &stream.asked {
            Asked::Everything(_) => true,
            Asked::One { named, .. } => r4_kind(self.version, named) == Some(kind),
            Asked::Lookup(_) | Asked::Patient(_) => kind == Kind::PATIENT,
            Asked::Search { kind: own, .. } => *own == kind,
        };
        let of_type = self.streams.iter().filter(fills).filter_map(|stream| stream.tried).min();
        of_type.or_else(|| self.streams.iter().filter_map(|stream| stream.tried).min())
    }

    fn part(&self, kind: Kind, came: bool) -> Part {
        let who = self.who();
        if kind == Kind::PATIENT {
            return who;
        }
        if let Wanted::One(named, _) = &self.wanted
            && r4_kind(self.version, named) == Some(kind)
        {
            let of_one = self.streams.iter().filter(|stream| matches!(stream.asked, Asked::One { .. }));
            return of_one.map(|stream| ended(stream, kind, came)).reduce(Part::and).unwrap_or(Part::of(Status::Ok));
        }
        let live: Vec<&String> = self.begun.difference(&self.gone).collect();
        if live.is_empty() {
            return who;
        }
        live.into_iter().map(|patient| self.part_of(patient, kind, came)).reduce(Part::and).unwrap_or(Part::of(Status::Ok))
    }

    /// How asking for the person went. One spelling of the number's system that found them is enough.
    fn who(&self) -> Part {
        let lookups = |stream: &&Stream| matches!(stream.asked, Asked::Lookup(_));
        let reads = |stream: &&Stream| matches!(stream.asked, Asked::Patient(_));
        let found = self.streams.iter().filter(|stream| stream.is_whole()).any(|stream| match &stream.asked {
            Asked::Lookup(_) => stream.came.contains_key(&Kind::PATIENT),
            Asked::Patient(id) => self.found(id),
            Asked::Everything(_) | Asked::One { .. } | Asked::Search { .. } => false,
        });
        // Who was known by id may have come with their data.
        if found || self.met {
            return Part::of(Status::Ok);
        }
        let looked = self.streams.iter().filter(lookups).map(|stream| ended(stream, Kind::PATIENT, false)).reduce(Part::and);
        let read = || self.streams.iter().filter(reads).map(|stream| ended(stream, Kind::PATIENT, false)).reduce(Part::and);
        looked.or_else(read).unwrap_or(Part::of(Status::FailedTimeout))
    }

    /// How one type of one Patient went.
    fn part_of(&self, patient: &str, kind: Kind, came: bool) -> Part {
        let whole = self.streams.iter().find(|stream| matches!(&stream.asked, Asked::Everything(own) if own == patient));
        if let Some(stream) = whole.filter(|stream| stream.is_whole()) {
            if !came && !self.is_known(kind) {
                return Part::noted(Status::Unsupported, NOT_LISTED);
            }
            return ended(stream, kind, came).and_also(self.referred_part(kind));
        }
        if let Some(part) = self.searched_part(patient, kind, came).or_else(|| self.provenance_part(patient, kind, came)) {
            return part.and_also(self.referred_part(kind));
        }
        if let Some(stream) = whole.filter(|_| !self.searched.contains(patient)) {
            return ended(stream, kind, came);
        }
        if self.waiting.contains_key(patient) {
            return Part::noted(Status::FailedTimeout, "no answer in time");
        }
        if kind == Kind::BINARY && !came {
            // Where what leads to them did not come, nobody knows which there are.
            let leading = [Kind::DIAGNOSTIC_REPORT, Kind::DOCUMENT_REFERENCE].into_iter();
            let leading = leading.filter_map(|kind| self.searched_part(patient, kind, false)).reduce(Part::and);
            let unheard = leading.filter(|part| !matches!(part.status, Status::Ok | Status::Unsupported));
            return unheard.unwrap_or(Part::noted(Status::NotAskedScope, "each is fetched when it is opened"));
        }
        if types::by_reference(kind) {
            return if types::exists(self.version, kind) {
                self.unheard(patient).or_else(|| self.referred_part(kind)).unwrap_or(Part::of(Status::Ok))
            } else {
                self.unknown()
            };
        }
        if CARRIED.contains(&kind) { self.unknown() } else { Part::of(Status::Ok).and_also(self.referred_part(kind)) }
    }

    /// How searching for one type of one Patient went.
    fn searched_part(&self, patient: &str, kind: Kind, came: bool) -> Option<Part> {
        let own = |stream: &&Stream| matches!(&stream.asked, Asked::Search { patient: own, kind: of, .. } if own == patient && *of == kind);
        let searches = || self.streams.iter().filter(own);
        let mut part = searches().map(|stream| ended(stream, kind, came)).reduce(Part::and)?;
        // Where it failed on a part only, the rest is there.
        let in_parts = searches().any(|stream| stream.part_of.is_some());
        if in_parts && part.status == Status::FailedHttp && searches().any(Stream::is_whole) {
            part.status = Status::OkTruncated;
        }
        Some(part)
    }

    /// How it went, of what comes only along with other types.
    fn provenance_part(&self, patient: &str, kind: Kind, came: bool) -> Option<Part> {
        let along = |stream: &&Stream| {
            let theirs = matches!(&stream.asked, Asked::Search { patient: own, .. } if own == patient);
            theirs && (stream.provenance || stream.provenance_refused || stream.provenance_failed)
        };
        let part = |stream: &Stream| match stream.provenance_refused {
            true => {
                Part::noted(Status::Unsupported, "the source refuses _revinclude=Provenance:target: the token may have no scope for it")
            }
            false if stream.provenance_failed => {
                Part::noted(Status::OkTruncated, "the source failed while Provenance was to come along; asked for without it")
            }
            false => ended(stream, kind, came),
        };
        let streams = self.streams.iter().filter(|_| kind == Kind::PROVENANCE).filter(along);
        streams.map(part).reduce(Part::and)
    }

    /// How asking about a Patient went, when not one page of data came: then nobody knows what would have been referred to.
    fn unheard(&self, patient: &str) -> Option<Part> {
        let theirs = self.streams.iter().filter(|stream| match &stream.asked {
            Asked::Everything(own) | Asked::Search { patient: own, .. } => own == patient,
            Asked::Lookup(_) | Asked::One { .. } | Asked::Patient(_) => false,
        });
        let mut parts = Vec::new();
        for stream in theirs {
            if stream.pages > 0 {
                return None;
            }
            parts.push(Part::of(stream.ended.unwrap_or(Status::FailedTimeout)));
        }
        parts.into_iter().reduce(Part::and)
    }

    fn unknown(&self) -> Part {
        Part::noted(Status::Unsupported, NOT_LISTED)
    }

    /// Whether the source's version has a type, and its statement of capability does not leave it out.
    fn is_known(&self, kind: Kind) -> bool {
        if !types::exists(self.version, kind) && CARRIED.contains(&kind) {
            return false;
        }
        let Some(capability) = &self.known.capability else { return true };
        match self.names(kind) {
            [] => capability.has(kind.name()),
            names => names.iter().any(|named| capability.has(named)),
        }
    }

    /// How reading what others refer to went, for one type.
    fn referred_part(&self, kind: Kind) -> Option<Part> {
        let own = self.reads.iter().filter(|((named, _), _)| r4_kind(self.version, named) == Some(kind));
        let parts = own.map(|(_, status)| match status {
            None => Part::noted(Status::FailedTimeout, "not all that is referred to came in time"),
            Some(Status::Ok) => Part::of(Status::Ok),
            Some(status) => Part::noted(*status, "not all that is referred to could be read"),
        });
        parts.reduce(Part::and)
    }
}

/// How a stream ended, as far as one type goes.
fn ended(stream: &Stream, kind: Kind, came: bool) -> Part {
    let mut part = match stream.ended {
        None => Part::noted(Status::FailedTimeout, "no answer in time"),
        Some(status) => Part::of(status),
    };
    part.notes.extend(stream.notes.iter().cloned());
    let of_one_type = matches!(stream.asked, Asked::Search { .. });
    for hole in &stream.holes {
        let Some(status) = hole.status.filter(|_| hole.kind.is_none_or(|own| own == kind)) else { continue };
        let named = of_one_type || hole.kind.is_some();
        // Whatever is not plainly about this type might be: a list that may lack something is not whole.
        let status = match status {
            exact if hole.exact && named => exact,
            Status::Unsupported if named && !came => Status::Unsupported,
            Status::Withheld if !came => Status::Withheld,
            _ => Status::OkTruncated,
        };
        let warned = Part::noted(status, &format!("the source warned: {}", hole.said));
        part = if part.status == Status::Ok { Part { status, notes: &part.notes | &warned.notes } } else { part.and(warned) };
    }
    part
}
