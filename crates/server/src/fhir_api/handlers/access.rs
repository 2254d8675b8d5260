//! `Patient/{id}/$request-access`: a relationship claimed, or an emergency.

use access::{Claim, ClaimKind};
use audit::Audited;
use axum::http::{StatusCode, header};
use serde_json::json;

use super::super::search::PatientRef;
use super::super::{App, Asked, Fault, Written};
use super::fault;

impl App {
    pub(in super::super) async fn request_access(&self, asked: Asked, id: String) -> Result<Audited<Written>, Fault> {
        let claimed = claimed(&asked)?;
        if let Claimed::Claim(claim) = &claimed {
            let limits = &self.config.limits;
            let words = access::Words { chars_min: limits.claim_chars_min, chars_max: limits.claim_chars_max };
            claim.is_reasoned(words).map_err(|wrong| {
                let wrong = wrong.to_string();
                let (what, why) = wrong.split_once(": ").unwrap_or(("body", &wrong));
                Fault::parameter(what, why)
            })?;
        }
        let person = self.person(&PatientRef::Id(id)).await?;
        let person = person.unwrap_or_else(super::read::unknown);
        let claim = match claimed {
            Claimed::Claim(claim) => claim,
            Claimed::End => {
                let ended = self.exchange.end_emergency(&asked.request, &asked.caller, &person).await.map_err(fault)?;
                return Ok(ended.map(|ended| {
                    let json = json!({"resourceType": "Parameters", "parameter": [
                        {"name": "granted", "valueBoolean": false},
                        {"name": "ended", "valueBoolean": ended},
                    ]});
                    Written::new(StatusCode::OK, json.to_string().into_bytes())
                }));
            }
        };
        let granted = self.exchange.request_access(&asked.request, &asked.caller, &person, claim).await.map_err(fault)?;
        Ok(granted.map(|until| {
            let json = json!({"resourceType": "Parameters", "parameter": [
                {"name": "granted", "valueBoolean": true},
                {"name": "until", "valueInstant": until.to_string()},
            ]});
            Written::new(StatusCode::OK, json.to_string().into_bytes())
        }))
    }
}

/// What is asked for.
enum Claimed {
    /// Access.
    Claim(Claim),
    /// The end of an emergency, before its time.
    End,
}

/// The resource in the body.
pub(super) fn resource(asked: &Asked) -> Result<fhir::Tree, Fault> {
    let content_type = asked.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/fhir+json");
    let body = asked.body.clone();
    match content_type {
        json if json.contains("json") => {
            fhir::Tree::from_json(body).map_err(|error| Fault::parameter("body", format!("is no JSON: {error}")))
        }
        xml if xml.contains("xml") => {
            fhir::Tree::from_xml(fhir::Version::R4, body).map_err(|error| Fault::parameter("body", format!("is no FHIR XML: {error}")))
        }
        _ => Err(Fault::UnsupportedMedia),
    }
}

fn claimed(asked: &Asked) -> Result<Claimed, Fault> {
    let tree = resource(asked)?;
    if tree.resource_type().as_deref() != Some("Parameters") {
        return Err(Fault::parameter("body", "must be a Parameters resource with kind, reason and text"));
    }
    let parameters = tree.root().all("parameter");
    let parameter = |name: &str| parameters.iter().find(|parameter| parameter.is("name", name)).copied();
    let word = |name: &str| {
        let parameter = parameter(name)?;
        ["valueCode", "valueString"].iter().find_map(|key| parameter.text(key)).map(|text| text.into_owned())
    };
    let kind = match word("kind").as_deref() {
        Some("end-emergency") => return Ok(Claimed::End),
        kind => ClaimKind::ALL
            .into_iter()
            .find(|known| kind == Some(known.name()))
            .ok_or_else(|| Fault::parameter("kind", "must be relationship, emergency, legal-override or end-emergency"))?,
    };
    let reason = parameter("reason").and_then(|parameter| parameter.get("valueCoding"));
    let code = reason.and_then(|coding| coding.text("code")).map(|code| code.into_owned());
    let system = reason.and_then(|coding| coding.text("system")).map(|system| system.into_owned());
    Ok(Claimed::Claim(Claim {
        kind,
        reason_system: system.unwrap_or_default(),
        reason_code: code
            .filter(|code| !code.is_empty())
            .ok_or_else(|| Fault::parameter("reason", "must be a Coding with a code: why you need this record"))?,
        text: word("text")
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| Fault::parameter("text", "must say in words why you need this record"))?,
    }))
}
