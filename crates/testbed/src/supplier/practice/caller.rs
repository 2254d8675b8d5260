//! Who asks, and whether the proxy and the practice let them: headers, and the unsigned token with a named person in it.

use super::Refused;
use crate::message::Request;
use crate::node::Node;
use crate::supplier::habits::{CONSUMER_ASID, PRACTICE_ASID};
use base64::Engine;
use http::header;

const INTERACTION: &str = "urn:nhs:names:services:gpconnect:fhir:operation:gpc.getstructuredrecord-1";

/// Checks headers, then the token.
pub(super) fn check(request: &Request, base: &str) -> Result<(), Refused> {
    let named = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if named("ssp-from") != CONSUMER_ASID || named("ssp-to") != PRACTICE_ASID || named("ssp-interactionid") != INTERACTION {
        // The proxy speaks for itself, without a code of the Spine's.
        return Err((403, "forbidden", String::new(), "Sender ASID is not authorised for this interaction".to_owned()));
    }
    if !is_uuid(named("ssp-traceid")) {
        return Err(bad("Ssp-TraceID is no UUID"));
    }
    if !named("content-type").starts_with("application/fhir+json") {
        return Err((415, "not-supported", String::new(), "Unsupported media type".to_owned()));
    }
    let token = request.header(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let claims = claims(token).ok_or_else(|| bad("the token is no unsigned JWT"))?;
    person(&claims, base).map_err(|words| bad(&words))
}

fn bad(words: &str) -> Refused {
    (400, "invalid", "BAD_REQUEST".to_owned(), words.to_owned())
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// The claims of a token with `alg` none and an empty signature.
fn claims(token: &str) -> Option<Node> {
    let parts: Vec<&str> = token.split('.').collect();
    let [head, body, ""] = parts[..] else { return None };
    let read = |part: &str| {
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).ok()?;
        Node::parse(std::str::from_utf8(&bytes).ok()?).ok()
    };
    (read(head)?.text_at("alg") == Some("none")).then(|| read(body))?
}

fn person(claims: &Node, base: &str) -> Result<(), String> {
    let says = |name: &str, expected: &str| match claims.text_at(name) {
        Some(said) if said == expected => Ok(()),
        _ => Err(format!("{name} is not {expected}")),
    };
    says("reason_for_request", "directcare")?;
    says("requested_scope", "patient/*.read")?;
    says("aud", base)?;
    let number = |name: &str| match claims.at(name) {
        Some(Node::Number(digits)) => digits.parse::<i64>().ok(),
        _ => None,
    };
    if number("iat").zip(number("exp")).is_none_or(|(from, until)| until != from + 300) {
        return Err("exp is not five minutes after iat".to_owned());
    }
    let practitioner = claims.at("requesting_practitioner").ok_or("no requesting_practitioner")?;
    let name = practitioner.at("name").map(Node::items).unwrap_or_default().first();
    let family = name.and_then(|name| name.text_at("family")).unwrap_or_default();
    if family.is_empty() || practitioner.text_at("id") != claims.text_at("sub") {
        return Err("requesting_practitioner names nobody".to_owned());
    }
    let identifier = |holder: &Node, system: &str| {
        let all = holder.at("identifier").map(Node::items).unwrap_or_default();
        all.iter().find(|one| one.text_at("system") == Some(system)).and_then(|one| one.text_at("value")).map(str::to_owned)
    };
    for system in ["https://fhir.nhs.uk/Id/sds-user-id", "https://fhir.nhs.uk/Id/sds-role-profile-id"] {
        identifier(practitioner, system).ok_or(format!("requesting_practitioner has no {system}"))?;
    }
    let organisation = claims.at("requesting_organization").ok_or("no requesting_organization")?;
    identifier(organisation, "https://fhir.nhs.uk/Id/ods-organization-code").ok_or("requesting_organization has no ODS code")?;
    claims.at("requesting_device").ok_or("no requesting_device")?;
    Ok(())
}
