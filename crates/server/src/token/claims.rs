//! The claims of IHE IUA and SMART, read as a [`Caller`].

use record::{Caller, OdsCode, Organisation, PersonId, UserId};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    #[serde(default)]
    scope: String,
    jti: Option<String>,
    azp: Option<String>,
    client_id: Option<String>,
    patient: Option<String>,
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    ihe_iua: Option<Iua>,
}

#[derive(Deserialize)]
struct Iua {
    subject_name: Option<String>,
    subject_organization: Option<String>,
    subject_organization_id: Option<String>,
    subject_sds_user_id: Option<String>,
    subject_role_profile_id: Option<String>,
    device: Option<String>,
    #[serde(default)]
    subject_role: Vec<Value>,
    #[serde(default)]
    purpose_of_use: Vec<Value>,
    #[serde(default)]
    activities: Vec<String>,
}

/// Who the claims speak of; `None` where one that is needed is not there, or of another shape.
pub(super) fn caller(claims: Map<String, Value>) -> Option<Caller> {
    let claims: Claims = serde_json::from_value(Value::Object(claims)).ok().filter(|claims: &Claims| !claims.sub.is_empty())?;
    let iua = claims.extensions?.ihe_iua?;
    let organisation = iua.subject_organization_id?;
    let code: OdsCode = organisation.rsplit('|').next()?.parse().ok()?;
    let scopes = scopes(&claims.scope);
    // A system's token speaks of no person: no national user, no user/ or patient/ scope.
    let system = scopes.iter().any(|scope| scope.starts_with("system/"));
    let person =
        scopes.iter().any(|scope| scope.starts_with("user/") || scope.starts_with("patient/")) || iua.subject_sds_user_id.is_some();
    Some(Caller {
        user: UserId { issuer: claims.iss, subject: claims.sub.clone() },
        name: iua.subject_name.unwrap_or(claims.sub),
        sds_user_id: iua.subject_sds_user_id.filter(|id| !id.is_empty()),
        sds_role_profile_id: iua.subject_role_profile_id,
        human: person && !system,
        organisation: Organisation { name: iua.subject_organization.unwrap_or_else(|| code.to_string()), code },
        roles: iua.subject_role.iter().filter_map(code_of).collect(),
        activities: iua.activities,
        purposes: iua.purpose_of_use.iter().filter_map(code_of).collect(),
        scopes,
        launch_patient: claims.patient.and_then(|id| id.trim_start_matches("Patient/").parse::<PersonId>().ok()),
        device: iua.device,
        client: claims.azp.or(claims.client_id),
        token_id: claims.jti,
    })
}

/// A coding's code, or a bare string; the last part of a colon path (`S8000:G8000:R8000`).
fn code_of(value: &Value) -> Option<String> {
    let code = value.get("code").and_then(Value::as_str).or_else(|| value.as_str())?;
    Some(last_part(code).to_owned())
}

/// The last part of a colon path (`S8000:G8000:R8000`): the job role's own code.
pub(super) fn last_part(code: &str) -> &str {
    code.rsplit(':').next().unwrap_or(code)
}

/// Scopes, as granted.
pub(super) fn scopes(granted: &str) -> Vec<String> {
    granted.split_ascii_whitespace().map(str::to_owned).collect()
}
