//! `Patient?identifier=…`: who is the person with this number? Identity only.

use audit::Audited;
use axum::http::StatusCode;
use fhir::Kind;
use record::Question;
use serde_json::{Value, json};

use super::super::search::number;
use super::super::{App, Asked, Face, Fault, Written};
use super::fault;
use crate::answer::{Head, Pieces, outcome, page};

impl App {
    pub(in super::super) async fn find(&self, asked: Asked) -> Result<Audited<Written>, Fault> {
        let known = ["identifier", "_format", "_count", "_pretty", "_summary", "_elements"];
        if asked.strict
            && let Some(param) = asked.params.0.iter().find(|param| !known.contains(&param.name.as_str()))
        {
            return Err(Fault::parameter(&param.name, "is not a parameter of a search by identifier here"));
        }
        let value = asked.params.one("identifier")?.ok_or_else(|| Fault::parameter("identifier", "is missing"))?;
        let number = number("identifier", value)?;
        let found = self.exchange.find(asked.ask(Question::Find(number))).await.map_err(fault)?;
        let failed = found.plan.rows.iter().any(|row| !row.status.is_some_and(|status| status.complete()));
        if found.person.is_none() && failed && !found.plan.rows.iter().any(|row| row.status.is_some_and(record::Status::answered)) {
            let timeout = found.plan.rows.iter().any(|row| row.status == Some(record::Status::FailedTimeout));
            return Err(Fault::Gateway { timeout, outcome: outcome::of_plan(&found.plan, &self.exchange) });
        }
        let base = self.base(Face::R4);
        let mut pieces = Pieces::default();
        if let Some(person) = &found.person {
            let links: Vec<Value> = found
                .patients
                .iter()
                .map(|item| json!({"other": {"reference": format!("Patient/{}", item.id)}, "type": "seealso"}))
                .collect();
            let mut minted = json!({"resourceType": "Patient", "id": person.as_str(), "identifier": [{"use": "official", "system": record::NHS_NUMBER_SYSTEM, "value": found.number.expose()}]});
            if !links.is_empty() {
                minted["link"] = json!(links);
            }
            pieces.entry(&base, "Patient", person.as_str(), "match", minted.to_string().as_bytes());
            pieces.cut(true);
            for item in &found.patients {
                pieces.entry(&base, Kind::PATIENT.name(), &item.id, "include", &minimised(item));
                pieces.cut(false);
            }
        }
        let head = Head {
            id: asked.request.as_str().to_owned(),
            kind: "searchset".to_owned(),
            timestamp: self.clock.now().to_string(),
            tags: self.marks(),
            total: (!failed).then(|| pieces.matches()),
            self_url: format!("{}{}", self.config.exchange.public_url, asked.target),
            outcome: outcome::of_plan(&found.plan, &self.exchange),
        };
        let (json, _) = page(&head, &pieces, 0, usize::MAX, |_| String::new());
        Ok(found.map(|_| Written::new(StatusCode::OK, json)))
    }
}

/// Names, birth date, gender, the NHS number and whose Patient it is: enough to know who it is, and no more.
fn minimised(item: &record::Item) -> Vec<u8> {
    let root = item.tree.root();
    let mut kept = fhir::Tree::object();
    let whole = kept.root().id();
    kept.set_string(whole, "resourceType", "Patient");
    let (meta, tags, tag) = (kept.new_object(), kept.new_array(), kept.new_object());
    kept.set_string(tag, "system", "urn:severn:source");
    kept.set_string(tag, "code", item.origin.source.as_str());
    kept.push(tags, tag);
    kept.set(meta, "tag", tags);
    if let Some(id) = root.get("id") {
        let id = kept.copy(id);
        kept.set(whole, "id", id);
    }
    kept.set(whole, "meta", meta);
    for key in ["name", "gender", "birthDate"] {
        if let Some(value) = root.get(key) {
            let value = kept.copy(value);
            kept.set(whole, key, value);
        }
    }
    let numbers = root.all("identifier").into_iter().filter(|identifier| identifier.is("system", record::NHS_NUMBER_SYSTEM));
    let list = kept.new_array();
    for identifier in numbers {
        let identifier = kept.copy(identifier);
        kept.push(list, identifier);
    }
    kept.set(whole, "identifier", list);
    kept.to_json().into_bytes()
}
