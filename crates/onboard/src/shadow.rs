//! Two suppliers beside each other: does the new one say what the live one says? Nothing of it is served.
//!
//! What is the same is told by the exchange's own joining: items of both in one cluster are the same, items of both in a
//! conflict differ, and what stands alone is in one only.

use std::collections::{BTreeMap, BTreeSet};

use dialect::{Dialect, Known};
use identity::{Facts, Leg, Trust, Verdict};
use record::{Chart, PersonId, SharedRecord, SourceId, Status};
use serde::Serialize;
use source::Prober;

use crate::blots::Blots;
use crate::desk::Desk;
use crate::probes::record::read;
use crate::visit::{Gathered, Patient, Supplier};

/// What came of a comparison.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The live source.
    pub live: String,
    /// Its id, and the other's.
    pub ids: [String; 2],
    /// The one that is to take its place.
    pub candidate: String,
    /// When, in UTC.
    pub at: String,
    /// One a test patient, in the order given. Their numbers are not here.
    pub people: Vec<Person>,
}

/// One test patient. Counts are: in both the same, in both different, only live, only candidate.
#[derive(Debug, Default, Serialize)]
pub struct Person {
    /// `Test patient 1`
    pub name: String,
    /// What kept a side from being compared.
    pub notes: Vec<String>,
    /// Facts by type.
    pub kinds: BTreeMap<String, [u64; 4]>,
    /// What differs, by the suppliers' own ids.
    pub differences: Vec<String>,
}

/// One side.
pub struct Side<'a> {
    /// Who.
    pub supplier: &'a Supplier,
    /// How it is spoken with.
    pub dialect: Dialect,
    /// The way there.
    pub prober: &'a Prober,
}

impl Comparison {
    /// All people together.
    pub fn totals(&self) -> [u64; 4] {
        let mut totals = [0; 4];
        for counts in self.people.iter().flat_map(|person| person.kinds.values()) {
            totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        }
        totals
    }

    /// Whether both say the same, and both could be asked.
    pub fn equal(&self) -> bool {
        self.totals()[1..].iter().all(|count| *count == 0) && self.people.iter().all(|person| person.notes.is_empty())
    }
}

impl Person {
    /// The same, as it may be told: a supplier may make an id of a number.
    fn blotted(mut self, blots: &Blots) -> Person {
        self.notes.iter_mut().chain(&mut self.differences).for_each(|text| *text = blots.text(text));
        self
    }
}

/// Asks both about each test patient, and compares.
pub async fn compare(live: &Side<'_>, candidate: &Side<'_>, patients: &[Patient], now: jiff::Timestamp, say: impl Fn(&str)) -> Comparison {
    let mut people = Vec::new();
    let blots = Blots::new(patients, vec![live.supplier.secrets.clone(), candidate.supplier.secrets.clone()]);
    let (mut known, mut known_candidate) = (Known::default(), Known::default());
    for (at, patient) in patients.iter().enumerate() {
        say(&format!("test patient {}", at + 1));
        let one = chart(live, patient, patients, now, &mut known).await;
        let other = chart(candidate, patient, patients, now, &mut known_candidate).await;
        let ids = [&live.supplier.id, &candidate.supplier.id];
        let sides = [(one, live.supplier), (other, candidate.supplier)];
        people.push(judge(format!("Test patient {}", at + 1), ids, patient, sides).blotted(&blots));
    }
    let ids = [live.supplier.id.to_string(), candidate.supplier.id.to_string()];
    Comparison { ids, live: live.supplier.name.clone(), candidate: candidate.supplier.name.clone(), at: now.to_string(), people }
}

async fn chart(side: &Side<'_>, patient: &Patient, patients: &[Patient], now: jiff::Timestamp, known: &mut Known) -> Chart {
    let mut desk = Desk::new(side.prober, side.supplier, patients);
    desk.version = side.dialect.version();
    read(&mut desk, side.supplier, side.dialect, patient, now, known, &mut Gathered::default()).await
}

fn judge(name: String, ids: [&SourceId; 2], patient: &Patient, sides: [(Chart, &Supplier); 2]) -> Person {
    let mut person = Person { name, ..Person::default() };
    let facts = Facts { birth_date: patient.birth_date.clone(), ..Facts::of(patient.number) };
    let trust = |supplier: &Supplier| if supplier.verified { Trust::Verified } else { Trust::Check };
    let legs: Vec<Leg<'_>> = sides.iter().map(|(chart, supplier)| Leg { chart, trust: trust(supplier) }).collect();
    let verdicts = identity::guard(&facts, &legs);
    let mut charts = Vec::new();
    for ((chart, supplier), verdict) in sides.iter().zip(&verdicts) {
        if !matches!(verdict, Verdict::Accepted(_)) {
            let words = match verdict {
                Verdict::Held(held) => held.words(),
                Verdict::Mismatch(_) => "answered about somebody else",
                Verdict::NoPatient | Verdict::Accepted(_) => "does not know the patient",
            };
            person.notes.push(format!("{} {words}.", supplier.name));
        }
        let failed: BTreeSet<&str> = chart
            .rows
            .iter()
            .filter(|row| row.status.is_some_and(|status| status.failed() || status == Status::OkTruncated))
            .map(|row| row.kind.name())
            .collect();
        if !failed.is_empty() {
            person.notes.push(format!("{} did not answer whole for {}.", supplier.name, failed.into_iter().collect::<Vec<_>>().join(", ")));
        }
        charts.push(identity::release(verdict, chart.clone()));
    }
    let Ok(id) = "shadow".parse::<PersonId>() else { return person };
    let record = join::charts(id, charts, &join::Rules { key: [0; 32], owners: Vec::new() });
    count(&mut person, ids, &record);
    person
}

fn count(person: &mut Person, [live, candidate]: [&SourceId; 2], record: &SharedRecord) {
    let of = |members: &[usize], source: &SourceId| members.iter().any(|member| record.items[*member].origin.source == *source);
    let mut counted: BTreeSet<usize> = BTreeSet::new();
    let conflicted = record.conflicts.iter().filter(|conflict| of(&conflict.members, live) && of(&conflict.members, candidate));
    for conflict in conflicted {
        // One pair may contradict itself in two things: that is one fact that differs.
        let again = conflict.members.iter().any(|member| counted.contains(member));
        tally(person, record, &conflict.members, (!again).then_some(1), conflict.code);
        counted.extend(&conflict.members);
    }
    let both = record.clusters.iter().filter(|cluster| of(&cluster.members, live) && of(&cluster.members, candidate));
    for cluster in both.filter(|cluster| !cluster.members.iter().any(|member| counted.contains(member))).collect::<Vec<_>>() {
        tally(person, record, &cluster.members, Some(0), "");
        counted.extend(&cluster.members);
    }
    for (at, item) in record.items.iter().enumerate() {
        if !counted.contains(&at) && item.kind != fhir::Kind::PATIENT {
            let only = if item.origin.source == *live { 2 } else { 3 };
            tally(person, record, &[at], Some(only), "");
        }
    }
}

fn tally(person: &mut Person, record: &SharedRecord, members: &[usize], column: Option<usize>, what: &str) {
    let Some(first) = members.first() else { return };
    if let Some(column) = column {
        person.kinds.entry(record.items[*first].kind.name().to_owned()).or_default()[column] += 1;
    }
    let names = members.iter().map(|member| {
        let origin = &record.items[*member].origin;
        format!("{}/{} of {}", origin.kind, origin.id.as_deref().unwrap_or("(no id)"), origin.source)
    });
    let names = names.collect::<Vec<_>>().join(", ");
    match column {
        Some(0) => {}
        Some(1) | None => person.differences.push(format!("{what} differs: {names}")),
        Some(_) => person.differences.push(format!("only here: {names}")),
    }
}
