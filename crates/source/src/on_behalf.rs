//! The token in which we say for whom we ask: signed by us, for one call, with the claims of IHE IUA.
//!
//! Everything in it was verified before: the reader is the caller of the permit. It never claims more than they do. Each call has a
//! token of its own, made when the call is sent and kept nowhere, so that none can be sent for another reader or person.

use record::{Caller, ExchangeId, Failure, ODS_SYSTEM};
use serde_json::{Map, Value, json};

use crate::config::OnBehalf;
use crate::keys::SigningKey;

const ROLE_SYSTEM: &str = "https://fhir.nhs.uk/Id/sds-role-code";
const PURPOSE_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

/// Whether somebody is named whom the other side can know again: a human with a name and a national user id. What they are called
/// at home alone would name nobody there.
pub(crate) fn is_named(caller: &Caller) -> bool {
    let said = |text: &str| !text.trim().is_empty();
    caller.human && said(&caller.name) && caller.sds_user_id.as_deref().is_some_and(said)
}

/// Speaks for one reader to one source.
pub(crate) struct Voice {
    key: SigningKey,
    lives_s: i64,
    /// What is the same in every token of a leg.
    claims: Map<String, Value>,
    /// Whether the reader has the person open by an ordinary relationship.
    open: bool,
}

impl Voice {
    /// `open`: what a permit says. Where it rests on an emergency alone, or there is only leave to find, no launch context is
    /// claimed: an emergency opens our own check and nobody else's.
    pub(crate) fn new(terms: &OnBehalf, own: &ExchangeId, caller: &Caller, open: bool) -> Result<Voice, Failure> {
        if !is_named(caller) {
            return Err(Failure::NoEndUser);
        }
        let key = SigningKey::open(&terms.key_file, terms.kid.as_deref()).map_err(|fault| {
            tracing::error!(file = %terms.key_file.display(), %fault, "a signing key could not be used");
            Failure::Unauthorised
        })?;
        Ok(Voice { key, lives_s: terms.lives_s, claims: claims(terms, own, caller), open })
    }

    /// The value of `Authorization` for a call about the person of this id, as the source knows them.
    pub(crate) fn bearer(&self, about: Option<&str>, now: jiff::Timestamp) -> Result<String, Failure> {
        let mut claims = self.claims.clone();
        claims.insert("iat".into(), now.as_second().into());
        claims.insert("exp".into(), (now.as_second() + self.lives_s).into());
        claims.insert("jti".into(), uuid::Uuid::new_v4().to_string().into());
        if let Some(id) = about.filter(|_| self.open) {
            claims.insert("patient".into(), id.into());
        }
        Ok(format!("Bearer {}", self.key.sign(&claims)?))
    }
}

/// The claims of IHE IUA that say who somebody is: those that there are.
pub fn iua(caller: &Caller) -> Value {
    let codings = |system: &str, codes: &[String]| codes.iter().map(|code| json!({"system": system, "code": code})).collect::<Value>();
    let mut iua = json!({
        "subject_name": caller.name,
        "subject_organization": caller.organisation.name,
        "subject_organization_id": format!("{ODS_SYSTEM}|{}", caller.organisation.code),
        "subject_sds_user_id": caller.sds_user_id,
        "subject_role_profile_id": caller.sds_role_profile_id,
        "subject_role": codings(ROLE_SYSTEM, &caller.roles),
        "purpose_of_use": codings(PURPOSE_SYSTEM, &caller.purposes),
        "activities": caller.activities,
        "device": caller.device,
    });
    if let Some(iua) = iua.as_object_mut() {
        iua.retain(|_, value| !value.is_null());
    }
    iua
}

fn claims(terms: &OnBehalf, own: &ExchangeId, caller: &Caller) -> Map<String, Value> {
    // The client is this exchange: what was agreed about a client of ours over there was agreed about another.
    let whole = json!({
        "iss": terms.issuer,
        "aud": terms.audience,
        "sub": subject(caller),
        "client_id": own.as_str(),
        "scope": scopes(&caller.scopes),
        "extensions": {"ihe_iua": iua(caller)},
    });
    match whole {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}

/// Who it is, told apart from everybody whom any of our sign-in providers vouches for: `<issuer>|<subject>`. A bar in the issuer is
/// escaped, so that the first one parts the two.
fn subject(caller: &Caller) -> String {
    format!("{}|{}", caller.user.issuer.replace('%', "%25").replace('|', "%7C"), caller.user.subject)
}

/// The caller's own scopes, as far as they let a person read. Scopes that open desks here, or write, are nobody else's business.
fn scopes(own: &[String]) -> String {
    own.iter().filter_map(|scope| narrowed(scope)).collect::<Vec<_>>().join(" ")
}

fn narrowed(scope: &str) -> Option<String> {
    let (context, rest) = scope.split_once('/').filter(|(context, _)| matches!(*context, "patient" | "user"))?;
    let (types, rest) = rest.split_once('.')?;
    let (verbs, filter) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let verbs = match verbs {
        "*" | "read" => "read",
        verbs if !verbs.contains('r') || !verbs.bytes().all(|verb| b"cruds".contains(&verb)) => return None,
        verbs if verbs.contains('s') => "rs",
        _ => "r",
    };
    Some(format!("{context}/{types}.{verbs}{filter}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Organisation, UserId};

    fn doctor() -> Caller {
        let own = |text: &str| vec![text.to_owned()];
        Caller {
            user: UserId { issuer: "https://login.example".into(), subject: "u-1".into() },
            name: "Dr A Example".into(),
            sds_user_id: Some("999999999999".into()),
            sds_role_profile_id: None,
            human: true,
            organisation: Organisation { code: "RRK".parse().unwrap(), name: "Hospital".into() },
            roles: own("R8000"),
            activities: own("B0360"),
            purposes: own("TREAT"),
            scopes: own("user/*.rs"),
            launch_patient: None,
            device: None,
            client: Some("portal-1".into()),
            token_id: Some("t-1".into()),
        }
    }

    #[test]
    fn scopes_are_never_wider_than_the_callers_own() {
        let check = |own: &str, expected: &str| {
            let own: Vec<String> = own.split(' ').map(str::to_owned).collect();
            assert_eq!(scopes(&own), expected, "{own:?}");
        };
        check("user/*.rs", "user/*.rs");
        check("user/Observation.cruds patient/*.r", "user/Observation.rs patient/*.r");
        check("user/*.* user/Flag.read", "user/*.read user/Flag.read");
        check("user/Observation.rs?category=laboratory", "user/Observation.rs?category=laboratory");
        check("severn.operator severn.privacy openid launch/patient system/*.rs", "");
        check("user/*.write user/*.s user/*.cu user/*.rx nonsense user/*", "");
    }

    #[test]
    fn no_two_people_have_one_subject() {
        let of = |issuer: &str, subject: &str| {
            subject_of(Caller { user: UserId { issuer: issuer.into(), subject: subject.into() }, ..doctor() })
        };
        assert_eq!(of("https://login.example", "u-1"), "https://login.example|u-1");
        let all = [of("a", "b|c"), of("a|b", "c"), of("a%7Cb", "c"), of("a", "b%7Cc"), of("a%", "c"), of("a%25", "c")];
        let apart: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(apart.len(), all.len(), "{all:?}");
    }

    fn subject_of(caller: Caller) -> String {
        subject(&caller)
    }

    #[test]
    fn nobody_is_spoken_for_without_a_name_and_a_national_id() {
        assert!(is_named(&doctor()));
        assert!(!is_named(&Caller { human: false, ..doctor() }));
        assert!(!is_named(&Caller { name: " ".into(), ..doctor() }));
        assert!(!is_named(&Caller { sds_user_id: None, ..doctor() }));
        assert!(!is_named(&Caller { sds_user_id: Some(String::new()), ..doctor() }));
    }

    #[test]
    fn the_claims_are_the_callers_and_the_client_is_us() {
        let terms = OnBehalf {
            issuer: "https://west.example".into(),
            audience: "https://east.example".into(),
            key_file: "none".into(),
            kid: None,
            lives_s: 60,
        };
        let claims = Value::Object(claims(&terms, &"west".parse().unwrap(), &doctor()));
        let expected = json!({
            "iss": "https://west.example", "aud": "https://east.example", "sub": "https://login.example|u-1", "client_id": "west",
            "scope": "user/*.rs",
            "extensions": {"ihe_iua": {
                "subject_name": "Dr A Example",
                "subject_organization": "Hospital",
                "subject_organization_id": "https://fhir.nhs.uk/Id/ods-organization-code|RRK",
                "subject_sds_user_id": "999999999999",
                "subject_role": [{"system": ROLE_SYSTEM, "code": "R8000"}],
                "purpose_of_use": [{"system": PURPOSE_SYSTEM, "code": "TREAT"}],
                "activities": ["B0360"],
            }},
        });
        assert_eq!(claims, expected);
    }
}
