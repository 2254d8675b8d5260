//! What the ledger is told. Ids, counts and codes; never content, never a number.

use std::collections::BTreeMap;

use access::{Permit, RuleId};
use audit::{Ending, Event, LegLine, ManifestWriter, Shown, Who};
use data_encoding::HEXLOWER;
use fhir::Kind;
use record::{Ask, Item, Question, SharedRecord, SourceId, Status};

use crate::Elsewhere;
use crate::vault::{ShownBytes, digest_of};

/// The person, as the ledger names them.
pub(crate) fn patient(ask: &Ask) -> String {
    match &ask.question {
        Question::Find(_) | Question::Trace(_) => String::new(),
        Question::Read { person, .. } => person.as_str().to_owned(),
    }
}

pub(crate) fn opened(ask: &Ask) -> Event {
    let interaction = match &ask.question {
        Question::Find(_) => "find".to_owned(),
        Question::Trace(_) => "trace".to_owned(),
        Question::Read { need, .. } if need.kinds.is_empty() => "read everything".to_owned(),
        Question::Read { need, .. } => format!("read {}", need.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")),
    };
    Event::Opened { by: Who::of(&ask.caller), interaction, patient: patient(ask), hops: ask.hops.iter().map(ToString::to_string).collect() }
}

/// Which rules decided, after the version of the whole set of them.
pub(crate) fn policy(version: &str, why: &[RuleId]) -> Vec<String> {
    std::iter::once(format!("rules:{version}")).chain(why.iter().map(ToString::to_string)).collect()
}

/// How each source's leg went, and what was shown.
pub(crate) fn closed(permit: &Permit, record: &SharedRecord, elsewhere: &Elsewhere, shown: Vec<Shown>) -> Event {
    let mut legs: BTreeMap<&str, LegLine> = BTreeMap::new();
    for row in &record.plan.rows {
        let leg = legs.entry(row.source.as_str()).or_insert_with(|| LegLine {
            source: row.source.to_string(),
            statuses: BTreeMap::new(),
            returned: 0,
            withheld: 0,
            quarantined: 0,
        });
        let status = row.status.unwrap_or(Status::FailedInternal).code();
        leg.statuses.entry(status.to_owned()).or_default().push(row.kind.name().to_owned());
        leg.returned += row.counts.came;
        leg.withheld += row.counts.withheld;
        leg.quarantined += row.counts.quarantined;
    }
    let legs = legs.into_values().chain(asked_elsewhere(elsewhere)).collect();
    let policy = policy(permit.version(), permit.why());
    Event::Closed { outcome: Ending::Answered, policy, legs, shown }
}

/// The locator stands among the legs under a name that no source can have, with how many other records it named.
fn asked_elsewhere(elsewhere: &Elsewhere) -> Option<LegLine> {
    let (status, returned) = match elsewhere {
        Elsewhere::NotAsked | Elsewhere::NoEndUser => return None,
        Elsewhere::Silent(status) => (*status, 0),
        Elsewhere::Told(custodians) if custodians.is_empty() => (Status::OkEmpty, 0),
        Elsewhere::Told(custodians) => (Status::Ok, custodians.len() as u64),
    };
    let statuses = BTreeMap::from([(status.code().to_owned(), vec![Kind::DOCUMENT_REFERENCE.name().to_owned()])]);
    Some(LegLine { source: "national-record-locator".to_owned(), statuses, returned, withheld: 0, quarantined: 0 })
}

/// What is shown, told as it is written: resources and one digest a source, in the order of the answer.
#[derive(Default)]
pub struct Digests {
    by_source: BTreeMap<SourceId, OfSource>,
}

#[derive(Default)]
struct OfSource {
    resources: ManifestWriter,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Which resource something is, as the ledger names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Whose.
    pub source: SourceId,
    /// Its type.
    pub kind: String,
    /// Its minted id.
    pub id: String,
    /// The source's version of it.
    pub version: Option<String>,
}

impl Mark {
    /// Of an item.
    pub fn of(item: &Item) -> Mark {
        Mark {
            source: item.origin.source.clone(),
            kind: item.kind.name().to_owned(),
            id: item.id.clone(),
            version: item.version().map(|version| version.to_string()),
        }
    }
}

impl Digests {
    /// A resource is shown as these bytes.
    pub fn add(&mut self, mark: &Mark, bytes: &[u8]) {
        let of_source = match self.by_source.get_mut(&mark.source) {
            Some(known) => known,
            None => self.by_source.entry(mark.source.clone()).or_default(),
        };
        of_source.resources.add(&mark.kind, &mark.id, mark.version.as_deref());
        of_source.bytes.extend_from_slice(bytes);
        of_source.ends.push(of_source.bytes.len());
    }

    /// One item alone, as its resource.
    pub fn of_item(item: &Item) -> Digests {
        let mut digests = Digests::default();
        digests.add(&Mark::of(item), item.tree.to_json().as_bytes());
        digests
    }

    /// Every item of a record, each as its resource alone.
    pub(crate) fn of(record: &SharedRecord) -> Digests {
        let (mut digests, mut room) = (Digests::default(), Vec::new());
        for item in &record.items {
            room.clear();
            item.tree.write_json(&mut room);
            digests.add(&Mark::of(item), &room);
        }
        digests
    }

    /// For the ledger, and for the vault.
    pub(crate) fn told(self) -> (Vec<Shown>, Vec<ShownBytes>) {
        let of = |(source, of): (SourceId, OfSource)| {
            let digest = digest_of(&of.bytes);
            let shown = Shown { source: source.to_string(), resources: of.resources.finish(), digest: HEXLOWER.encode(&digest) };
            (shown, ShownBytes { digest, bytes: of.bytes, ends: of.ends })
        };
        self.by_source.into_iter().map(of).unzip()
    }
}
