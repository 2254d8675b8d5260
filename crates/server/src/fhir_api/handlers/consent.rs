//! `POST Consent` and `PUT Consent/{id}`: what a person says about the sharing of their record.

use audit::Audited;
use axum::http::{StatusCode, header};
use exchange::{Recorded, Recording};

use super::super::search::PatientRef;
use super::super::{App, Asked, Face, Fault, Written};
use super::fault;

impl App {
    /// Records a Consent; with an id, a further version of that one. None is ever taken away: one that is withdrawn is inactive.
    pub(in super::super) async fn record(&self, asked: Asked, of: Option<String>) -> Result<Audited<Written>, Fault> {
        if asked.face != Face::R4 {
            return Err(Fault::NotSupported("A Consent is recorded as R4.".into()));
        }
        let tree = super::access::resource(&asked)?;
        let consent = tree.root();
        if tree.resource_type().as_deref() != Some("Consent") {
            return Err(Fault::parameter("body", "must be a Consent"));
        }
        if of.as_deref().is_some_and(|of| consent.text("id").is_some_and(|id| id != of)) {
            return Err(Fault::parameter("Consent.id", "is another than that of the address"));
        }
        let stated = access::consent::stated(consent, &|code| self.exchange.knows(code));
        let stated = stated.map_err(|unfit| Fault::parameter(unfit.at, unfit.why))?;
        let patient = consent.text("patient.reference");
        let patient = patient.as_deref().and_then(|reference| reference.strip_prefix("Patient/"));
        let patient = patient.ok_or_else(|| Fault::parameter("Consent.patient", "must be a reference to a Patient of this server"))?;
        let person = self.person(&PatientRef::Id(patient.to_owned())).await?;
        // Of nobody nothing is recorded, and it is refused as it is of somebody whom the caller does not look after.
        let person = person.unwrap_or_else(super::read::unknown);
        let status = if of.is_none() { StatusCode::CREATED } else { StatusCode::OK };
        let recording = Recording { of, replaces: replaces(&asked)?, stated };
        let recorded = self.exchange.record_consent(&asked.request, &asked.caller, &person, recording).await.map_err(fault)?;
        recorded.try_map(|recorded| match recorded {
            Recorded::Kept(kept) => Ok(Written::new(status, kept.body.into_bytes())),
            Recorded::Overtaken => Err(Fault::Conflict("Another version was recorded meanwhile: read the Consent again.".to_owned())),
            Recorded::Unknown => Err(Fault::NotFound("No such Consent of this person was recorded here.".to_owned())),
        })
    }
}

/// `If-Match: W/"2"`: the version that is to be replaced.
fn replaces(asked: &Asked) -> Result<Option<u32>, Fault> {
    let Some(value) = asked.headers.get(header::IF_MATCH) else { return Ok(None) };
    let version = value.to_str().ok().and_then(|text| text.trim().strip_prefix("W/\"")?.strip_suffix('"')?.parse().ok());
    version.map(Some).ok_or_else(|| Fault::parameter("If-Match", "must be a version, as W/\"2\""))
}
