//! The chart: for every type, how the FHIR part and each bundle that carries it went.

use std::collections::BTreeSet;

use fhir::Kind;
use record::{Counts, Item, Row, Status};

use super::table::tables;
use super::{CareCentric, Went};
use crate::conversation::Told;
use crate::supplier::{Speaker, Wanted};

impl CareCentric {
    /// The chart, now: what is unfinished is named as such.
    pub(super) fn told(mut self: Box<Self>) -> Told {
        for one in std::mem::take(&mut self.matches) {
            self.keep(one.made, Kind::PATIENT, tables().bundles.len());
        }
        let spare = self.spare();
        let mut told = Box::new(std::mem::replace(&mut self.plain, spare)).finish();
        let chart = &mut told.chart;
        for item in chart.patients.iter_mut().chain(&mut chart.items) {
            self.explain(item);
        }
        self.count_quarantined(&mut chart.rows);
        chart.quarantined.append(&mut self.quarantined);
        chart.quarantined.sort_by(|a, b| (&a.named, &a.id, a.cause, &a.detail).cmp(&(&b.named, &b.id, b.cause, &b.detail)));
        chart.findings.extend(std::mem::take(&mut self.findings));
        for row in &mut chart.rows {
            self.judge(row);
        }
        told
    }

    /// Something to leave where the FHIR part's conversation was.
    fn spare(&self) -> crate::plain::Plain {
        let known = crate::Known::default();
        let (holder, settings) = (&self.holder, &self.settings);
        let now = jiff::Timestamp::UNIX_EPOCH;
        let opening = crate::Opening { holder, settings, known: &known, reader: None, now };
        crate::plain::Plain::new(fhir::Version::Stu3, &crate::plain::ways::PLAIN, &opening, Wanted::Find)
    }

    /// Gives a resource made of a record the findings of its making.
    fn explain(&mut self, item: &mut Item) {
        if let Some(findings) = self.made.get(&(item.kind, item.id.clone())) {
            let said = std::mem::take(&mut item.findings);
            item.findings = findings.iter().cloned().chain(said).collect();
        }
    }

    fn count_quarantined(&self, rows: &mut Vec<Row>) {
        for kind in self.quarantined.iter().filter_map(|one| one.kind) {
            if !rows.iter().any(|row| row.kind == kind) {
                rows.push(Row::new(self.holder.source.clone(), kind));
            }
            for row in rows.iter_mut().filter(|row| row.kind == kind) {
                row.counts.came += 1;
                row.counts.quarantined += 1;
            }
        }
    }

    /// Brings what the FHIR part says of a type and what the bundles say of it to one word.
    fn judge(&self, row: &mut Row) {
        let Some(found) = &self.found else {
            if row.counts == Counts::default() {
                (row.status, row.note) = (Some(Status::FailedTimeout), Some("no answer in time".to_owned()));
            }
            return;
        };
        row.tried = Some(row.tried.map_or(found.tried, |tried| tried.min(found.tried)));
        if let (Some(status), note) = self.of_the_person(found, row.kind, row.counts.came > 0) {
            (row.status, row.note) = (Some(status), note);
            if row.kind != Kind::PATIENT {
                return;
            }
        }
        self.with_bundles(row);
    }

    /// What finding the person means for a row; none when it depends on the rest.
    fn of_the_person(&self, found: &Went, kind: Kind, holds: bool) -> (Option<Status>, Option<String>) {
        if !matches!(found.status, Status::Ok | Status::OkTruncated) {
            return (Some(found.status), found.note.clone());
        }
        let status = match (found.status, holds) {
            (Status::Ok, false) => Status::OkEmpty,
            (status, _) => status,
        };
        if self.nobody || kind == Kind::PATIENT { (Some(status), found.note.clone()) } else { (None, None) }
    }

    /// Whether the FHIR part was asked for a type in vain, or not at all, because it does not list it.
    fn plain_lacks(&self, row: &Row) -> bool {
        row.status == Some(Status::Unsupported) || row.note.as_deref() == Some(crate::plain::NOT_LISTED)
    }

    fn with_bundles(&self, row: &mut Row) {
        let carried = self.went.keys().any(|(place, _)| tables().bundles[*place].kinds().contains(&row.kind));
        // That the FHIR part has no such type says nothing where a bundle has it.
        let lacks = carried && self.plain_lacks(row);
        let own = row.note.take().filter(|_| !lacks);
        let mut notes: BTreeSet<String> = own.into_iter().collect();
        let (mut answered, mut worst) = (row.counts.came > 0, None);
        let (mut offered, mut asked) = (false, false);
        for ((place, _), went) in &self.went {
            let bundle = &tables().bundles[*place];
            if !bundle.kinds().contains(&row.kind) {
                continue;
            }
            asked = true;
            let (status, note) = match went {
                None => (Status::FailedTimeout, Some("no answer in time")),
                Some(went) => (went.status, went.note.as_deref()),
            };
            if let Some(tried) = went.as_ref().map(|went| went.tried).filter(|tried| row.tried.is_none_or(|own| *tried < own)) {
                row.tried = Some(tried);
            }
            match status {
                Status::Ok => (offered, answered) = (true, true),
                Status::Unsupported => {
                    notes.insert(format!("the {} bundle is not offered", bundle.name));
                }
                status => {
                    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
                    notes.insert(format!("the {} bundle: {}{note}", bundle.name, status.code()));
                    worst = worst.max(Some(Weight(status)));
                }
            }
        }
        row.note = (!notes.is_empty()).then(|| notes.into_iter().collect::<Vec<_>>().join("; "));
        let own = row.status.unwrap_or(Status::FailedInternal);
        let holds = row.counts.came > 0;
        row.status = Some(match (own, worst) {
            (Status::Unsupported | Status::Ok | Status::OkEmpty, None) if asked && offered => {
                if holds {
                    Status::Ok
                } else {
                    Status::OkEmpty
                }
            }
            // One part failed and another holds something: there is a list, and it is not whole.
            (own, Some(_)) if holds && answered && !matches!(own, Status::Withheld) => Status::OkTruncated,
            (own, None) if own.failed() && holds && offered => Status::OkTruncated,
            (own, Some(Weight(worst))) if !own.failed() && own != Status::Withheld => worst,
            (own, _) => own,
        });
    }
}

/// Failures by what they leave unsaid: a cut list before none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weight(Status);

impl Ord for Weight {
    fn cmp(&self, other: &Weight) -> std::cmp::Ordering {
        let order = |status: Status| (status != Status::OkTruncated, status.code());
        order(self.0).cmp(&order(other.0))
    }
}

impl PartialOrd for Weight {
    fn partial_cmp(&self, other: &Weight) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
