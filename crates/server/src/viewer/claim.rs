//! A relationship claimed, an emergency, and its end: by the exchange's own ways.

use access::{Claim, ClaimKind, Words};
use axum::http::StatusCode;

use super::page::{self, Out};
use super::reading::refused_page;
use super::{App, Asked};
use crate::fhir_api::{Fault, fault, unknown};

/// Claims what the form says about the person in the address.
pub(super) async fn claim(app: &App, asked: &Asked, person: &str) -> Out {
    let of = match app.exchange.person_of_patient(person).await {
        Ok(of) => of.unwrap_or_else(unknown),
        Err(refused) => return page::failed(app, &asked.id, &fault(refused)),
    };
    let back = || Out::to(format!("/viewer/patient/{of}"));
    let kind = match asked.field("kind") {
        "relationship" => ClaimKind::Relationship,
        "emergency" => ClaimKind::Emergency,
        "end-emergency" => {
            return match app.exchange.end_emergency(&asked.id, &asked.caller, &of).await {
                Ok(_) => back(),
                Err(refused) => denied(app, asked, person, refused),
            };
        }
        _ => return wrong(app, asked, person, "What is claimed is not known. Nothing was done.").await,
    };
    // The form named whom it is about; one that did not is not from here.
    if asked.session.shown(person).is_none() {
        return wrong(app, asked, person, "Find the person first: a claim is made of somebody whom you were shown. Nothing was done.")
            .await;
    }
    let code = asked.field("reason").to_owned();
    let system = kind.reasons().iter().find(|(_, known)| *known == code).map(|(system, _)| (*system).to_owned()).unwrap_or_default();
    let claim = Claim { kind, reason_system: system, reason_code: code, text: asked.field("text").to_owned() };
    let limits = &app.config.limits;
    if let Err(why) = claim.is_reasoned(Words { chars_min: limits.claim_chars_min, chars_max: limits.claim_chars_max }) {
        let why = why.to_string();
        let why = why.split_once(": ").map_or(why.clone(), |(_, why)| format!("The reason {why}."));
        return wrong(app, asked, person, &why).await;
    }
    match app.exchange.request_access(&asked.id, &asked.caller, &of, claim).await {
        Ok(_) => back(),
        Err(refused) => denied(app, asked, person, refused),
    }
}

async fn wrong(app: &App, asked: &Asked, person: &str, why: &str) -> Out {
    match app.exchange.refused_known(&asked.id, &asked.caller, None, "viewer, access: a field that cannot be used").await {
        Ok(()) => refused_page(app, asked, StatusCode::BAD_REQUEST, person, Some(why.to_owned())),
        Err(refused) => page::failed(app, &asked.id, &fault(refused)),
    }
}

fn denied(app: &App, asked: &Asked, person: &str, refused: exchange::Refused) -> Out {
    match fault(refused) {
        Fault::Denied => {
            let why = "This is not granted to you. That you asked is recorded.";
            refused_page(app, asked, StatusCode::FORBIDDEN, person, Some(why.to_owned()))
        }
        fault => page::failed(app, &asked.id, &fault),
    }
}
