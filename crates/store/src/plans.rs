//! A plan as one line of text: small, and written by nobody else.

use fhir::Kind;
use record::{Counts, Plan, Row, Status};
use serde_json::Value;

const STATUSES: &[Status] = &[
    Status::Ok,
    Status::OkEmpty,
    Status::OkTruncated,
    Status::CacheFresh,
    Status::CacheStale,
    Status::NotLocated,
    Status::NotAskedLoop,
    Status::NotAskedShadow,
    Status::NotAskedScope,
    Status::NoRecordGiven,
    Status::Unsupported,
    Status::Withheld,
    Status::Throttled,
    Status::CircuitOpen,
    Status::FailedTimeout,
    Status::FailedAuth,
    Status::FailedHttp,
    Status::FailedParse,
    Status::FailedInternal,
    Status::IdentityMismatch,
];

pub(crate) fn write(plan: &Plan) -> String {
    let row = |row: &Row| {
        let c = row.counts;
        let status = row.status.and_then(|status| STATUSES.iter().position(|known| *known == status));
        let at = |instant: Option<jiff::Timestamp>| instant.map(|at| at.to_string());
        let counts = [c.came, c.single, c.clustered, c.collapsed, c.history, c.filtered, c.withheld, c.quarantined, c.redacted];
        (row.source.to_string(), row.kind.name(), status, row.note.clone(), at(row.tried), at(row.last_answered), counts)
    };
    let rows: Vec<_> = plan.rows.iter().map(row).collect();
    // Text, numbers and lists of them are always JSON.
    serde_json::to_string(&rows).unwrap_or_default()
}

pub(crate) fn read(text: &str) -> Option<Plan> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some(Plan { rows: value.as_array()?.iter().map(row).collect::<Option<_>>()? })
}

fn row(value: &Value) -> Option<Row> {
    let mut row = Row::new(value[0].as_str()?.parse().ok()?, Kind::parse(value[1].as_str()?)?);
    row.status = value[2].as_u64().and_then(|index| STATUSES.get(index as usize).copied());
    row.note = value[3].as_str().map(str::to_owned);
    row.tried = value[4].as_str().and_then(|text| text.parse().ok());
    row.last_answered = value[5].as_str().and_then(|text| text.parse().ok());
    let count = |index: usize| value[6][index].as_u64();
    row.counts = Counts {
        came: count(0)?,
        single: count(1)?,
        clustered: count(2)?,
        collapsed: count(3)?,
        history: count(4)?,
        filtered: count(5)?,
        withheld: count(6)?,
        quarantined: count(7)?,
        // Plans of before have none.
        redacted: count(8).unwrap_or(0),
    };
    Some(row)
}
