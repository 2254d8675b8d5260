//! `Patient/{id}/$plan?request=ID`: which source was asked for what in one read, and how each answered.

use audit::Audited;
use axum::http::StatusCode;
use record::{Plan, RequestId, Row, Status};
use serde_json::{Value, json};

use super::super::search::PatientRef;
use super::super::{App, Asked, Fault, Written};
use super::fault;

impl App {
    pub(in super::super) async fn plan(&self, asked: Asked, id: String) -> Result<Audited<Written>, Fault> {
        let request: RequestId = asked
            .params
            .one("request")?
            .ok_or_else(|| Fault::parameter("request", "is missing: the id of the read, from X-Request-ID or Bundle.id"))?
            .parse()
            .map_err(|error| Fault::parameter("request", format!("{error}")))?;
        let person = self.person(&PatientRef::Id(id)).await?;
        let person = person.unwrap_or_else(super::read::unknown);
        let plan = self.exchange.plan(&asked.request, &asked.caller, &person, &request).await.map_err(fault)?;
        plan.try_map(|plan| match plan {
            Some(plan) => Ok(Written::new(StatusCode::OK, parameters(&plan).to_string().into_bytes())),
            None => Err(Fault::NotFound("No plan is kept for that request of yours about this person.".into())),
        })
    }
}

/// One `row` per source and type. Withheld resources count nowhere, `in` included: each source has one boolean.
fn parameters(plan: &Plan) -> Value {
    let mut parameters: Vec<Value> = plan.rows.iter().map(row).collect();
    let mut sources: Vec<(&str, bool)> = Vec::new();
    for row in &plan.rows {
        let withheld = row.counts.withholds() || row.status == Some(Status::Withheld);
        match sources.iter_mut().find(|(source, _)| *source == row.source.as_str()) {
            Some((_, any)) => *any |= withheld,
            None => sources.push((row.source.as_str(), withheld)),
        }
    }
    parameters.extend(sources.into_iter().map(|(source, withheld)| {
        json!({"name": "source", "part": [
            {"name": "source", "valueCode": source},
            {"name": "withheld-something", "valueBoolean": withheld},
        ]})
    }));
    json!({"resourceType": "Parameters", "parameter": parameters})
}

/// Where all that came is withheld, nothing came.
fn said(row: &Row) -> Status {
    match row.status.unwrap_or(Status::FailedInternal) {
        Status::Ok if row.counts.withheld > 0 && row.counts.came == row.counts.withheld => Status::OkEmpty,
        status => status,
    }
}

fn row(row: &Row) -> Value {
    let counts = row.counts;
    let mut part = vec![
        json!({"name": "source", "valueCode": row.source.as_str()}),
        json!({"name": "type", "valueCode": row.kind.name()}),
        json!({"name": "status", "valueCode": said(row).code()}),
    ];
    if let Some(reason) = row.status.and_then(Status::reason) {
        part.push(json!({"name": "reason", "valueCode": reason}));
    }
    if let Some(note) = &row.note {
        part.push(json!({"name": "note", "valueString": note}));
    }
    if let Some(tried) = row.tried {
        part.push(json!({"name": "tried", "valueInstant": tried.to_string()}));
    }
    let numbers = [
        ("in", counts.came - counts.withheld),
        ("single", counts.single),
        ("clustered", counts.clustered),
        ("collapsed", counts.collapsed),
        ("history", counts.history),
        ("filtered", counts.filtered),
        ("withheld", 0),
        ("quarantined", counts.quarantined),
    ];
    part.extend(numbers.iter().map(|(name, value)| json!({"name": name, "valueInteger": value})));
    json!({"name": "row", "part": part})
}
