//! The claims of NHS Care Identity (CIS2), read as a [`Caller`]: a person in the one role that they chose at sign-in.
//!
//! CIS2 names no purpose and no SMART scopes: what its people sign in here for is in the configuration, and everything else that it does
//! not say is not made up. What is missing or ambiguous is refused.

use record::{Caller, OdsCode, Organisation, UserId};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::TokenFault;
use super::claims::{last_part, scopes};
use crate::config::sign_in::Cis2;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    /// The person's national user id, by either name.
    uid: Option<String>,
    nhsid_useruid: Option<String>,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    selected_roleid: Option<String>,
    #[serde(default)]
    nhsid_nrbac_roles: Vec<Role>,
    #[serde(default)]
    nhsid_user_orgs: Vec<Employer>,
    authentication_assurance_level: Option<Value>,
    #[serde(default)]
    scope: String,
    azp: Option<String>,
    client_id: Option<String>,
    jti: Option<String>,
}

#[derive(Deserialize)]
struct Role {
    person_roleid: Option<String>,
    org_code: Option<String>,
    role_code: Option<String>,
    #[serde(default)]
    activity_codes: Vec<String>,
}

#[derive(Deserialize)]
struct Employer {
    org_code: Option<String>,
    org_name: Option<String>,
}

/// Who the claims speak of.
pub(super) fn caller(claims: Map<String, Value>, terms: &Cis2) -> Result<Caller, TokenFault> {
    let claims: Claims = serde_json::from_value(Value::Object(claims)).map_err(|_| TokenFault::Cis2)?;
    let uid = one(claims.uid.as_deref(), claims.nhsid_useruid.as_deref()).ok_or(TokenFault::Cis2)?.to_owned();
    let twelve = uid.len() == 12 && uid.bytes().all(|digit| digit.is_ascii_digit());
    if claims.sub.is_empty() || !twelve {
        return Err(TokenFault::Cis2);
    }
    if !assured(claims.authentication_assurance_level.as_ref()) {
        return Err(TokenFault::Assurance);
    }
    let selected = claims.selected_roleid.filter(|id| !id.is_empty()).ok_or(TokenFault::Role)?;
    let mut roles = claims.nhsid_nrbac_roles.into_iter().filter(|role| role.person_roleid.as_ref() == Some(&selected));
    let (Some(role), None) = (roles.next(), roles.next()) else { return Err(TokenFault::Role) };
    let code: OdsCode = role.org_code.as_deref().unwrap_or_default().parse().map_err(|_| TokenFault::Cis2)?;
    // Everybody in the NHS signs in there: whose people may ask here was agreed with their organisations.
    if !terms.organisations.contains(&code) {
        return Err(TokenFault::Organisation);
    }
    let job = role.role_code.as_deref().map(last_part).filter(|job| !job.is_empty()).ok_or(TokenFault::Cis2)?.to_owned();
    let employer = claims.nhsid_user_orgs.into_iter().find(|one| one.org_code.as_deref() == Some(code.as_str()));
    let name = claims.name.or_else(|| Some(format!("{} {}", claims.given_name?, claims.family_name?)));
    // What a token says of SMART scopes itself is not widened. Its other scopes are the sign-in provider's own, and open no desk here.
    let own: Vec<String> = scopes(&claims.scope).into_iter().filter(|scope| scope.contains('/')).collect();
    Ok(Caller {
        user: UserId { issuer: claims.iss, subject: claims.sub.clone() },
        name: name.filter(|name| !name.trim().is_empty()).unwrap_or(claims.sub),
        sds_user_id: Some(uid),
        sds_role_profile_id: Some(selected),
        human: true,
        organisation: Organisation { name: employer.and_then(|one| one.org_name).unwrap_or_else(|| code.to_string()), code },
        roles: vec![job],
        activities: role.activity_codes,
        purposes: vec![terms.purpose.clone()],
        scopes: if own.is_empty() { terms.scopes.clone() } else { own },
        launch_patient: None,
        device: None,
        client: claims.azp.or(claims.client_id),
        token_id: claims.jti,
    })
}

/// What two names of one claim say, where they do not say two things.
fn one<'a>(first: Option<&'a str>, second: Option<&'a str>) -> Option<&'a str> {
    match (first, second) {
        (Some(first), Some(second)) if first != second => None,
        (first, second) => first.or(second),
    }
}

/// Whether somebody showed that it is they: at least level 2, as a number or in letters.
fn assured(level: Option<&Value>) -> bool {
    let level = match level {
        Some(Value::Number(level)) => level.as_u64(),
        Some(Value::String(level)) => level.parse().ok(),
        _ => None,
    };
    level.is_some_and(|level| (2..=3).contains(&level))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn terms() -> Cis2 {
        Cis2 {
            organisations: vec!["RRK".parse().unwrap(), "RXK".parse().unwrap()],
            purpose: "TREAT".into(),
            scopes: vec!["user/*.rs".into()],
        }
    }

    fn claims() -> Value {
        json!({
            "iss": "https://cis2.example", "sub": "555036632103", "aud": "severn", "exp": 1, "jti": "t-1", "azp": "portal-1",
            "uid": "555036632103", "name": "EXAMPLE Anna (Dr)", "given_name": "Anna", "family_name": "Example",
            "selected_roleid": "555053929106", "authentication_assurance_level": "3", "id_assurance_level": "3",
            "scope": "openid profile nationalrbacaccess selectedrole",
            "nhsid_nrbac_roles": [
                {"person_orgid": "1", "person_roleid": "555053929106", "org_code": "RRK", "role_name": "\"Clinical\":\"Clinical Provision\":\"Clinical Practitioner Access Role\"",
                 "role_code": "S8000:G8000:R8000", "activities": ["View Detailed Health Records"], "activity_codes": ["B0360", "B0264"], "workgroups": []},
                {"person_orgid": "2", "person_roleid": "555053983105", "org_code": "RXK", "role_code": "S8001:G8003:R8008", "activity_codes": ["B0370"]},
                {"person_orgid": "3", "person_roleid": "555053983106", "org_code": "A81001", "role_code": "S8000:G8000:R8000", "activity_codes": ["B0360", "B1611"]},
                {"person_roleid": "555053983107", "role_code": "S8000:G8000:R8000"},
                {"person_roleid": "555053983108", "org_code": "RRK"},
                {"person_roleid": "555053983109", "org_code": "RRK", "role_code": "R8001"},
            ],
            "nhsid_user_orgs": [{"org_code": "RXK", "org_name": "City"}, {"org_code": "RRK", "org_name": "Queen Elizabeth Hospital"}],
        })
    }

    fn with(name: &str, value: Value) -> Result<Caller, TokenFault> {
        let Value::Object(mut claims) = claims() else { return Err(TokenFault::Cis2) };
        claims.insert(name.into(), value);
        claims.retain(|_, value| !value.is_null());
        caller(claims, &terms())
    }

    #[test]
    fn the_chosen_role_and_no_other_is_who_asks() {
        let caller = with("x", json!(1)).unwrap();
        assert_eq!((caller.user.issuer.as_str(), caller.user.subject.as_str()), ("https://cis2.example", "555036632103"));
        assert_eq!((caller.name.as_str(), caller.sds_user_id.as_deref()), ("EXAMPLE Anna (Dr)", Some("555036632103")));
        assert_eq!((caller.sds_role_profile_id.as_deref(), caller.human), (Some("555053929106"), true));
        assert_eq!((caller.organisation.code.as_str(), caller.organisation.name.as_str()), ("RRK", "Queen Elizabeth Hospital"));
        assert_eq!((caller.roles, caller.activities), (vec!["R8000".to_owned()], vec!["B0360".to_owned(), "B0264".to_owned()]));
        assert_eq!((caller.purposes, caller.scopes), (vec!["TREAT".to_owned()], vec!["user/*.rs".to_owned()]));
        assert_eq!((caller.client.as_deref(), caller.token_id.as_deref(), caller.launch_patient), (Some("portal-1"), Some("t-1"), None));
        let other = with("selected_roleid", json!("555053983105")).unwrap();
        assert_eq!((other.organisation.code.as_str(), other.organisation.name.as_str()), ("RXK", "City"));
        assert_eq!((other.roles, other.activities), (vec!["R8008".to_owned()], vec!["B0370".to_owned()]));
        // Without activities nothing is permitted, and none are made up.
        let bare = with("selected_roleid", json!("555053983109")).unwrap();
        assert_eq!((bare.roles, bare.activities), (vec!["R8001".to_owned()], Vec::<String>::new()));
    }

    #[test]
    fn what_is_missing_or_ambiguous_is_refused() {
        let check = |name: &str, value: Value, expected: Result<(), TokenFault>| {
            let said = format!("{name}: {value}");
            assert_eq!(with(name, value).map(|_| ()), expected, "{said}");
        };
        check("sub", Value::Null, Err(TokenFault::Cis2));
        check("sub", json!(""), Err(TokenFault::Cis2));
        check("uid", Value::Null, Err(TokenFault::Cis2));
        check("uid", json!("u-1"), Err(TokenFault::Cis2));
        check("uid", json!("55503663210"), Err(TokenFault::Cis2));
        check("uid", json!("55503663210A"), Err(TokenFault::Cis2));
        check("uid", json!(555_036_632_103_u64), Err(TokenFault::Cis2));
        check("nhsid_useruid", json!("555036632103"), Ok(()));
        check("nhsid_useruid", json!("999999999999"), Err(TokenFault::Cis2));
        for none in [Value::Null, json!(""), json!("555053929199"), json!("R8000"), json!(" 555053929106")] {
            check("selected_roleid", none, Err(TokenFault::Role));
        }
        check("selected_roleid", json!(["555053929106"]), Err(TokenFault::Cis2));
        check("selected_roleid", json!("555053983106"), Err(TokenFault::Organisation));
        check("selected_roleid", json!("555053983107"), Err(TokenFault::Cis2));
        check("selected_roleid", json!("555053983108"), Err(TokenFault::Cis2));
        let role = |org: &str, code: &str| json!({"person_roleid": "555053929106", "org_code": org, "role_code": code});
        check("nhsid_nrbac_roles", Value::Null, Err(TokenFault::Role));
        check("nhsid_nrbac_roles", json!([]), Err(TokenFault::Role));
        check("nhsid_nrbac_roles", json!({}), Err(TokenFault::Cis2));
        check("nhsid_nrbac_roles", json!([role("RRK", "R8000")]), Ok(()));
        // One id of two roles is no one role; though they be the same.
        check("nhsid_nrbac_roles", json!([role("RRK", "R8000"), role("RXK", "R8008")]), Err(TokenFault::Role));
        check("nhsid_nrbac_roles", json!([role("RRK", "R8000"), role("RRK", "R8000")]), Err(TokenFault::Role));
        for organisation in ["", "rrk", "RRK1", "RRKRRK", "A81001"] {
            let refused = with("nhsid_nrbac_roles", json!([role(organisation, "R8000")])).map(|_| ());
            assert!(matches!(refused, Err(TokenFault::Cis2 | TokenFault::Organisation)), "{organisation}: {refused:?}");
        }
        for code in ["", "S8000:G8000:"] {
            check("nhsid_nrbac_roles", json!([role("RRK", code)]), Err(TokenFault::Cis2));
        }
        for level in [Value::Null, json!("1"), json!(1), json!("0"), json!("high"), json!("4"), json!(["3"])] {
            check("authentication_assurance_level", level, Err(TokenFault::Assurance));
        }
        for level in [json!("2"), json!(3)] {
            check("authentication_assurance_level", level, Ok(()));
        }
        check("scope", json!(["openid"]), Err(TokenFault::Cis2));
    }

    #[test]
    fn what_a_token_grants_itself_is_no_more_than_it_says() {
        let scopes = |scope: &str| with("scope", json!(scope)).unwrap().scopes.join(" ");
        assert_eq!(scopes("openid"), "user/*.rs");
        assert_eq!(scopes("openid user/Observation.rs severn.operator"), "user/Observation.rs");
        assert_eq!(scopes("openid user/*.write"), "user/*.write");
        // No desk is opened by what the sign-in provider was asked for.
        assert_eq!(scopes("openid severn.operator"), "user/*.rs");
        let names = |name: Value| with("name", name).unwrap().name;
        assert_eq!(names(Value::Null), "Anna Example");
        assert_eq!(names(json!(" ")), "555036632103");
    }
}
