//! OperationOutcomes: how each source answered, and every error, in FHIR's words.

use exchange::Names;
use record::{Plan, Row, SharedRecord, SourceId, Status};
use serde_json::{Value, json};

/// One issue per row that is not `ok` or `ok-empty`; an informational one when there is none.
pub fn of_plan(plan: &Plan, names: &dyn Names) -> Value {
    let mut issues: Vec<Value> = plan.rows.iter().filter_map(|row| issue(row, names)).collect();
    if issues.is_empty() {
        let nobody = plan.rows.iter().all(|row| !matches!(row.status, Some(Status::Ok | Status::OkTruncated)));
        let text =
            if nobody { "Every source was asked or is known to hold nothing: nobody knows this person." } else { "Every source answered." };
        issues.push(json!({"severity": "information", "code": "informational", "diagnostics": text}));
    }
    json!({"resourceType": "OperationOutcome", "issue": issues})
}

/// The same, with what is held in quarantine and what is withheld: counted, never shown.
pub fn of_record(record: &SharedRecord, names: &dyn Names) -> Value {
    let mut outcome = of_plan(&record.plan, names);
    let mut causes: std::collections::BTreeMap<(&SourceId, &str), u64> = Default::default();
    for (source, one) in &record.quarantined {
        *causes.entry((source, one.cause.code())).or_default() += 1;
    }
    let mut issues: Vec<Value> = causes
        .into_iter()
        .map(|((source, cause), count)| {
            beside(source, names, "incomplete", &format!("{count} held back ({cause})"), "urn:severn:quarantine", cause)
        })
        .collect();
    // A row that is withheld says so itself, whether anything stood behind it or nothing.
    let something = |row: &&Row| row.counts.withholds() && row.status != Some(Status::Withheld);
    let mut withheld: Vec<&SourceId> = record.plan.rows.iter().filter(something).map(|row| &row.source).collect();
    withheld.dedup();
    issues.extend(
        withheld.into_iter().map(|source| {
            beside(source, names, "suppressed", "some information is withheld", "urn:severn:status", Status::Withheld.code())
        }),
    );
    if let Some(list) = outcome["issue"].as_array_mut() {
        list.extend(issues);
    }
    outcome
}

fn beside(source: &SourceId, names: &dyn Names, code: &str, said: &str, system: &str, detail: &str) -> Value {
    let (name, organisation) = names.of(source);
    json!({
        "extension": whose(source, &organisation),
        "severity": "warning",
        "code": code,
        "details": {"coding": [{"system": system, "code": detail}], "text": format!("{name}, record: {said}")},
    })
}

/// A source, and the organisation behind it.
fn whose(source: &SourceId, organisation: &str) -> Vec<Value> {
    let named = json!({"url": "urn:severn:source", "valueString": source.as_str()});
    let of = json!({"url": "urn:severn:organisation", "valueIdentifier": {"system": record::ODS_SYSTEM, "value": organisation}});
    std::iter::once(named).chain((!organisation.is_empty()).then_some(of)).collect()
}

fn issue(row: &Row, names: &dyn Names) -> Option<Value> {
    let status = row.status.unwrap_or(Status::FailedInternal);
    if matches!(status, Status::Ok | Status::OkEmpty) && row.note.is_none() {
        return None;
    }
    let (name, organisation) = names.of(&row.source);
    let (severity, code) = severity_and_code(status);
    let said = status.words();
    let note = row.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let mut coding = json!({"system": "urn:severn:status", "code": status.code()});
    if let Some(reason) = status.reason() {
        coding["display"] = json!(reason);
    }
    let mut extensions = whose(&row.source, &organisation);
    extensions.push(json!({"url": "urn:severn:type", "valueCode": row.kind.name()}));
    if let Some(tried) = row.tried {
        extensions.push(json!({"url": "urn:severn:tried", "valueInstant": tried.to_string()}));
    }
    if let Some(answered) = row.last_answered {
        extensions.push(json!({"url": "urn:severn:last-answered", "valueInstant": answered.to_string()}));
    }
    Some(json!({
        "extension": extensions,
        "severity": severity,
        "code": code,
        "details": {"coding": [coding], "text": format!("{name}, {}: {said}{note}", row.kind)},
    }))
}

/// FHIR's severity and issue code of a status. A wrong identity is the one error among them.
fn severity_and_code(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Ok | Status::OkEmpty | Status::CacheFresh => ("information", "informational"),
        Status::OkTruncated => ("warning", "incomplete"),
        Status::CacheStale => ("warning", "incomplete"),
        Status::NotLocated => ("warning", "informational"),
        Status::NotAskedLoop | Status::NotAskedShadow | Status::NotAskedScope => ("warning", "informational"),
        Status::NoRecordGiven => ("warning", "not-found"),
        Status::Unsupported => ("warning", "not-supported"),
        Status::Withheld => ("warning", "suppressed"),
        Status::Throttled | Status::CircuitOpen => ("warning", "throttled"),
        Status::FailedTimeout => ("warning", "timeout"),
        Status::FailedAuth => ("warning", "security"),
        Status::FailedHttp => ("warning", "transient"),
        Status::FailedParse => ("warning", "structure"),
        Status::FailedInternal => ("warning", "exception"),
        Status::IdentityMismatch => ("error", "conflict"),
    }
}

/// An OperationOutcome with one issue.
pub fn single(severity: &str, code: &str, text: &str) -> Value {
    json!({"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code, "details": {"text": text}, "diagnostics": text}]})
}
