//! What the ledger is told. Ids, counts and codes; never content, never a number.

use std::collections::BTreeMap;

use access::Permit;
use audit::{Event, LegLine, Shown, Who};
use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;
use record::{Ask, Question, SharedRecord, Status};

/// The person, as the ledger names them.
pub(crate) fn patient(ask: &Ask) -> String {
    match &ask.question {
        Question::Find(_) => String::new(),
        Question::Read { person, .. } => person.as_str().to_owned(),
    }
}

pub(crate) fn opened(ask: &Ask) -> Event {
    let interaction = match &ask.question {
        Question::Find(_) => "find".to_owned(),
        Question::Read { need, .. } if need.kinds.is_empty() => "read everything".to_owned(),
        Question::Read { need, .. } => format!("read {}", need.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")),
    };
    Event::Opened { by: Who::of(&ask.caller), interaction, patient: patient(ask), hops: ask.hops.iter().map(ToString::to_string).collect() }
}

/// How each source's leg went, and what was shown.
pub(crate) fn closed(permit: &Permit, record: &SharedRecord) -> Event {
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
    let policy = permit.why().iter().map(|rule| (*rule).to_owned()).collect();
    Event::Closed { outcome: "answered".to_owned(), policy, legs: legs.into_values().collect(), shown: shown(record) }
}

/// What is shown of one source, as it is gathered.
struct Manifest {
    resources: Vec<(String, String, Option<String>)>,
    digest: Context,
}

fn shown(record: &SharedRecord) -> Vec<Shown> {
    let mut by_source: BTreeMap<&str, Manifest> = BTreeMap::new();
    let mut room = Vec::new();
    for item in &record.items {
        let manifest = by_source
            .entry(item.origin.source.as_str())
            .or_insert_with(|| Manifest { resources: Vec::new(), digest: Context::new(&SHA256) });
        manifest.resources.push((item.kind.name().to_owned(), item.id.clone(), item.version().map(|version| version.into_owned())));
        room.clear();
        item.tree.write_json(&mut room);
        manifest.digest.update(&room);
    }
    by_source
        .into_iter()
        .map(|(source, manifest)| Shown {
            source: source.to_owned(),
            resources: manifest.resources,
            digest: HEXLOWER.encode(manifest.digest.finish().as_ref()),
        })
        .collect()
}
