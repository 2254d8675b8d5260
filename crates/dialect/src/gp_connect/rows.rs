//! The chart: what came, and for every type how it went.

use std::collections::{BTreeMap, BTreeSet};

use fhir::{Kind, Version};
use record::{CARRIED, Cause, Chart, Counts, Item, Quarantined, Row, SUPPORTING, Status};

use super::GpConnect;
use super::sections::SECTIONS;
use crate::conversation::Told;
use crate::reading::Arrivals;
use crate::references::r4_kind;
use crate::supplier::Wanted;
use crate::tally::{Tally, tally};

/// How one type went.
struct Part {
    status: Status,
    notes: BTreeSet<String>,
}

impl GpConnect {
    pub(super) fn told(mut self) -> Told {
        let reading = self.arrivals.reading.clone();
        let arrivals = std::mem::replace(&mut self.arrivals, Arrivals::new(reading));
        // The answer is whole as far as the areas asked for go.
        let whole = |kind: Kind| self.asked.iter().any(|section| section.kinds.contains(&kind)) || SUPPORTING.contains(&kind);
        let read = arrivals.finish(&whole);
        let attachments = read.attachments.clone();
        let Tally { patients, mut kept, mut quarantined, mut counts } = tally(read, |item| match &self.wanted {
            Wanted::Read(need) => (need.wants(item.kind) || SUPPORTING.contains(&item.kind)) && need.is_recent(item),
            Wanted::Find => false,
            Wanted::One(named, _) => r4_kind(Version::Stu3, named) == Some(item.kind),
        });
        if patients.is_empty() {
            hold_back(&mut kept, &mut quarantined, &mut counts);
        }
        let mut kinds: BTreeSet<Kind> = self.kinds().into_iter().collect();
        kinds.extend(counts.keys());
        let rows = kinds.into_iter().map(|kind| self.row(kind, counts.get(&kind).copied().unwrap_or_default())).collect();
        let chart = Chart {
            source: self.holder.source.clone(),
            version: Version::Stu3,
            patients,
            items: kept,
            quarantined,
            rows,
            about_one_patient: true,
            findings: self.findings.into_iter().collect(),
        };
        Told { chart, learnt: self.known, attachments }
    }

    /// Types that get a row whether or not anything comes.
    fn kinds(&self) -> Vec<Kind> {
        match &self.wanted {
            Wanted::Find => vec![Kind::PATIENT],
            Wanted::One(named, _) => r4_kind(Version::Stu3, named).into_iter().chain([Kind::PATIENT]).collect(),
            Wanted::Read(need) if need.kinds.is_empty() => CARRIED.to_vec(),
            Wanted::Read(need) => need.kinds.iter().copied().chain([Kind::PATIENT]).collect(),
        }
    }

    fn row(&self, kind: Kind, counts: Counts) -> Row {
        let part = self.part(kind, counts.came > 0);
        let status = match part.status {
            Status::Ok if counts.came == 0 => Status::OkEmpty,
            status => status,
        };
        let note = (!part.notes.is_empty()).then(|| part.notes.into_iter().collect::<Vec<_>>().join("; "));
        let mut row = Row::new(self.holder.source.clone(), kind);
        (row.status, row.tried, row.counts) = (Some(status), self.record.tried, counts);
        row.note = match (&self.practice, note) {
            (Some(practice), Some(note)) => Some(format!("practice {practice}: {note}")),
            (_, note) => note,
        };
        row
    }

    fn part(&self, kind: Kind, came: bool) -> Part {
        let of = |status: Status, note: Option<&str>| Part { status, notes: note.map(str::to_owned).into_iter().collect() };
        let ended = match self.record.ended {
            None => return of(Status::FailedTimeout, Some("no answer in time")),
            Some(status) => status,
        };
        if ended != Status::Ok {
            return of(ended, self.record.note.as_deref());
        }
        if kind == Kind::PATIENT {
            return of(Status::Ok, None);
        }
        if kind == Kind::BINARY {
            return match (&self.document, came) {
                (Some(document), _) => of(document.ended.unwrap_or(Status::FailedTimeout), document.note.as_deref()),
                (None, true) => of(Status::Ok, None),
                (None, false) => of(Status::NotAskedScope, Some("each is fetched when it is opened")),
            };
        }
        self.of_areas(kind, came)
    }

    /// How the areas that bring a type went.
    fn of_areas(&self, kind: Kind, came: bool) -> Part {
        let brings = |sections: &[&'static super::Section]| {
            sections.iter().copied().filter(|section| kind == Kind::LIST || section.kinds.contains(&kind)).collect::<Vec<_>>()
        };
        let (asked, untaken) = (brings(&self.asked), brings(&self.untaken));
        let mut part = Part { status: Status::Ok, notes: BTreeSet::new() };
        if asked.is_empty() && untaken.is_empty() {
            let carried = SUPPORTING.contains(&kind) || SECTIONS.iter().any(|section| section.kinds.contains(&kind));
            if !came && !carried {
                part.add(Some(Status::Unsupported), "GP Connect does not carry this type");
            }
            return part;
        }
        for section in &untaken {
            let status = if came || !asked.is_empty() { Status::OkTruncated } else { Status::Unsupported };
            part.add(Some(status), &format!("section not available from this practice: {}", section.parameter));
        }
        for section in &asked {
            if section.lists.iter().any(|list| !self.lists.contains(*list)) {
                let said = format!("no List came for {}, which was asked for: what there is of it is not known", section.parameter);
                part.add(Some(Status::OkTruncated), &said);
            }
        }
        for hole in self.holes.iter().filter(|hole| hole.kinds.is_empty() || hole.kinds.contains(&kind)) {
            part.add(hole.status, &hole.said);
        }
        if let Wanted::Read(need) = &self.wanted
            && need.since.is_some()
        {
            part.add(None, "the practice does not take _since; asked without it");
        }
        part
    }
}

/// A record of nobody knows whom is nobody's.
fn hold_back(kept: &mut Vec<Item>, quarantined: &mut Vec<Quarantined>, counts: &mut BTreeMap<Kind, Counts>) {
    for item in kept.drain(..) {
        counts.entry(item.kind).or_default().quarantined += 1;
        quarantined.push(Quarantined {
            kind: Some(item.kind),
            named: item.origin.kind.into_owned(),
            id: item.origin.id,
            cause: Cause::NoSubject,
            detail: "the answer does not say whose record it is".to_owned(),
        });
    }
}

impl Part {
    /// The worse of two statuses, with the words of both.
    fn add(&mut self, status: Option<Status>, said: &str) {
        let rank = |status: Status| match status {
            Status::Ok => 0,
            Status::Unsupported => 1,
            Status::OkTruncated => 2,
            _ => 3,
        };
        if let Some(status) = status.filter(|status| rank(*status) > rank(self.status)) {
            self.status = status;
        }
        self.notes.insert(said.to_owned());
    }
}
