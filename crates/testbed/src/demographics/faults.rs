//! What goes wrong at the demographics service, on request.

use super::Demographics;
use crate::fault::{Fault, Refusal, held_up};
use crate::message::{Answer, Request, Response};
use http::StatusCode;

impl Demographics {
    /// Takes a request, with these things going wrong.
    pub(crate) fn take(&self, request: &Request, faults: &[Fault]) -> Answer {
        held_up(faults, || {
            let mut response = faults.iter().find_map(refuse).unwrap_or_else(|| self.answer(request));
            if faults.contains(&Fault::Malformed) {
                response.body.truncate(response.body.len() / 2);
            }
            response.cut_off = faults.contains(&Fault::Truncated);
            response
        })
    }
}

fn refuse(fault: &Fault) -> Option<Response> {
    let refused = |status, code| Some(super::refuse(status, "exception", code));
    match fault {
        Fault::Html => Some(Response::new(StatusCode::OK, "text/html", "<!doctype html><title>Maintenance</title>")),
        Fault::Refusing { how } => match how {
            Refusal::BadRequest => refused(StatusCode::BAD_REQUEST, "INVALID_VALUE"),
            Refusal::Closed => None,
            Refusal::Forbidden => refused(StatusCode::FORBIDDEN, "ACCESS_DENIED"),
            Refusal::ServerError => refused(StatusCode::INTERNAL_SERVER_ERROR, "SERVER_ERROR"),
            Refusal::Unauthorised => refused(StatusCode::UNAUTHORIZED, "ACCESS_DENIED"),
            Refusal::Unavailable => refused(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        },
        Fault::Throttled { .. } => refused(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
        _ => None,
    }
}
