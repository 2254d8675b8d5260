//! What goes wrong at the locator, on request.

use super::Locator;
use crate::fault::{Fault, Refusal, held_up};
use crate::message::{Answer, Request, Response};
use http::StatusCode;

impl Locator {
    /// Takes a request, with these things going wrong. What is refused changes nothing; of what is silent nobody knows.
    pub(crate) fn take(&self, request: &Request, faults: &[Fault]) -> Answer {
        held_up(faults, || {
            let mut response = faults.iter().find_map(refuse).unwrap_or_else(|| self.answer(request));
            if faults.contains(&Fault::Malformed) {
                response.body.truncate(response.body.len() / 2);
            }
            // It was done, and nobody heard.
            response.cut_off = faults.contains(&Fault::Truncated);
            response
        })
    }
}

fn refuse(fault: &Fault) -> Option<Response> {
    match fault {
        Fault::Html => Some(Response::new(StatusCode::OK, "text/html", "<!doctype html><title>Maintenance</title>")),
        Fault::Refusing { how } => match how {
            Refusal::BadRequest => Some(super::refuse(StatusCode::BAD_REQUEST, "INVALID_PARAMETER")),
            Refusal::Closed => None,
            Refusal::Forbidden => Some(super::refuse(StatusCode::FORBIDDEN, "ACCESS_DENIED")),
            Refusal::ServerError => Some(super::refuse(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR")),
            Refusal::Unauthorised => Some(super::refuse(StatusCode::UNAUTHORIZED, "ACCESS_DENIED")),
            Refusal::Unavailable => Some(super::refuse(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")),
        },
        Fault::Throttled { .. } => Some(super::refuse(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS")),
        _ => None,
    }
}
