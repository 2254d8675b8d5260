//! A question in STU3's words, in R4's.

use fhir::Kind;
use record::Filter;

use super::super::fault::Fault;
use super::super::filters::search_kind;
use super::super::params::{Param, Params, alternatives, clipped};

/// Search parameters that R4 has by another name: the type in R4, STU3's name, R4's. Each means the same.
const RENAMED: &[(Kind, &str, &str)] = &[
    (Kind::APPOINTMENT, "incomingreferral", "based-on"),
    (Kind::CARE_PLAN, "context", "encounter"),
    (Kind::CARE_TEAM, "context", "encounter"),
    (Kind::COMMUNICATION, "context", "encounter"),
    (Kind::CONDITION, "asserted-date", "recorded-date"),
    (Kind::CONDITION, "context", "encounter"),
    (Kind::DIAGNOSTIC_REPORT, "context", "encounter"),
    (Kind::DIAGNOSTIC_REPORT, "image", "media"),
    (Kind::DOCUMENT_REFERENCE, "class", "category"),
    (Kind::DOCUMENT_REFERENCE, "indexed", "date"),
    (Kind::ENCOUNTER, "incomingreferral", "based-on"),
    (Kind::ENCOUNTER, "reason", "reason-code"),
    (Kind::FAMILY_MEMBER_HISTORY, "gender", "sex"),
    (Kind::IMMUNIZATION, "practitioner", "performer"),
    (Kind::IMMUNIZATION, "reason", "reason-code"),
    (Kind::IMMUNIZATION, "reason-not-given", "status-reason"),
    (Kind::MEDICATION_REQUEST, "context", "encounter"),
    (Kind::OBSERVATION, "context", "encounter"),
    (Kind::PROCEDURE, "context", "encounter"),
    (Kind::QUESTIONNAIRE_RESPONSE, "context", "encounter"),
    (Kind::QUESTIONNAIRE_RESPONSE, "parent", "part-of"),
    (Kind::SERVICE_REQUEST, "authored-on", "authored"),
    (Kind::SERVICE_REQUEST, "context", "encounter"),
    (Kind::SERVICE_REQUEST, "group-identifier", "requisition"),
    (Kind::SERVICE_REQUEST, "occurrence-date", "occurrence"),
    (Kind::SERVICE_REQUEST, "recipient", "performer"),
    (Kind::SERVICE_REQUEST, "service", "code"),
    (Kind::SERVICE_REQUEST, "specialty", "performer-type"),
    (Kind::SERVICE_REQUEST, "type", "category"),
    (Kind::TASK, "context", "encounter"),
];

/// What STU3 calls a search parameter of R4.
pub fn stu3_param(kind: Kind, name: &'static str) -> &'static str {
    RENAMED.iter().find(|(own, _, new)| *own == kind && *new == name).map_or(name, |(_, old, _)| old)
}

fn r4_param(kind: Kind, name: &str) -> &str {
    match RENAMED.iter().find(|(own, old, _)| *own == kind && *old == name) {
        Some((_, _, new)) if search_kind(kind, name).is_none() => new,
        _ => name,
    }
}

/// Puts a search of a type into R4's words. `named` is what STU3 calls the type. Returns what narrows the answer to that type,
/// where R4 has one for two of STU3's.
pub fn search(kind: Kind, named: &str, params: &mut Params) -> Option<Filter> {
    for param in &mut params.0 {
        match param.name.as_str() {
            "_include" => param.value = included(&param.value),
            name if name.starts_with('_') => {}
            name => {
                let new = r4_param(kind, name).to_owned();
                param.value = value(named, name, &param.value);
                param.name = new;
                retarget(param);
            }
        }
    }
    narrowing(&[named])
}

/// The same for `$everything`, whose types stand in a parameter.
pub fn everything(params: &mut Params) -> Result<Option<Filter>, Fault> {
    let mut names = Vec::new();
    for param in params.0.iter_mut().filter(|param| param.name == "_type") {
        let mut kinds = Vec::new();
        for name in alternatives(&param.value) {
            let Some(kind) = dialect::stu3_kinds(&name) else {
                return Err(Fault::parameter("_type", format!("`{}` is not a type of STU3", clipped(&name))));
            };
            kinds.push(kind.name());
            names.push(name);
        }
        param.value = kinds.join(",");
    }
    Ok(narrowing(&names.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// One of the two types that R4 has in one: only those.
fn narrowing(names: &[&str]) -> Option<Filter> {
    let both: Vec<&&str> = names.iter().filter(|name| dialect::stu3_kinds(name) == Some(Kind::SERVICE_REQUEST)).collect();
    let one = both.first().filter(|first| both.iter().all(|name| name == *first))?;
    Some(Filter { kind: Kind::SERVICE_REQUEST, name: dialect::STU3_TYPE.to_owned(), modifier: None, values: vec![(**one).to_owned()] })
}

/// Alternatives as R4 spells them: code systems, codes of statuses, types in references.
fn value(named: &str, param: &str, value: &str) -> String {
    let each = value.split(',').map(|one| match one.split_once('/') {
        Some((name, id)) if dialect::stu3_kinds(name).is_some() => format!("{}/{id}", r4_name(name)),
        _ if one.contains('|') => dialect::stu3_token(one),
        _ => dialect::stu3_code(named, param, one).to_owned(),
    });
    each.collect::<Vec<_>>().join(",")
}

/// `based-on:ReferralRequest=1`
fn retarget(param: &mut Param) {
    if let Some(modifier) = &mut param.modifier
        && dialect::stu3_kinds(modifier).is_some()
    {
        *modifier = r4_name(modifier).to_owned();
    }
}

fn r4_name(name: &str) -> &str {
    match dialect::stu3_kinds(name) {
        Some(kind) => kind.name(),
        None => name,
    }
}

/// `ReferralRequest:recipient:Organization`
fn included(value: &str) -> String {
    let mut parts = value.split(':');
    let from = parts.next().unwrap_or_default();
    let kind = dialect::stu3_kinds(from);
    let mut new = r4_name(from).to_owned();
    if let Some(name) = parts.next() {
        new.push(':');
        new.push_str(kind.map_or(name, |kind| r4_param(kind, name)));
    }
    for target in parts {
        new.push(':');
        new.push_str(r4_name(target));
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_renamed_parameter_is_one_of_r4() {
        for (kind, old, new) in RENAMED {
            assert!(search_kind(*kind, new).is_some(), "{kind} {new}");
            assert!(search_kind(*kind, old).is_none(), "{kind} {old} is R4's own");
        }
    }

    #[test]
    fn a_question_in_stu3_is_one_in_r4() {
        let check = |named: &str, query: &str, expected: &str| {
            let mut params = Params::parse(query);
            let narrowed = search(dialect::stu3_kinds(named).unwrap(), named, &mut params);
            let said: Vec<String> = params
                .0
                .iter()
                .map(|param| {
                    format!("{}{}={}", param.name, param.modifier.as_ref().map(|m| format!(":{m}")).unwrap_or_default(), param.value)
                })
                .collect();
            assert_eq!(said.join("&"), expected, "{query}");
            assert_eq!(narrowed.is_some(), named.ends_with("Request") && !named.starts_with("Med"), "{named}");
        };
        check("Observation", "context=Encounter/1&code=a|b,c", "encounter=Encounter/1&code=a|b,c");
        check(
            "Observation",
            "category=http://hl7.org/fhir/observation-category|laboratory",
            "category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
        );
        check("Procedure", "status=aborted,completed", "status=stopped,completed");
        check(
            "ReferralRequest",
            "type=a|b&status=cancelled&recipient=Organization/1",
            "category=a|b&status=revoked&performer=Organization/1",
        );
        check("ReferralRequest", "_include=ReferralRequest:recipient:Organization", "_include=ServiceRequest:performer:Organization");
        check("ProcedureRequest", "based-on=ReferralRequest/1", "based-on=ServiceRequest/1");
        check("Observation", "based-on:ReferralRequest=1&_count=3", "based-on:ServiceRequest=1&_count=3");
        check("MedicationRequest", "context:missing=true", "encounter:missing=true");
        let mut both = Params::parse("_type=ReferralRequest,ProcedureRequest,Condition");
        assert_eq!(everything(&mut both).unwrap(), None);
        assert_eq!(both.0[0].value, "ServiceRequest,ServiceRequest,Condition");
        assert!(everything(&mut Params::parse("_type=ReferralRequest")).unwrap().is_some());
        assert!(everything(&mut Params::parse("_type=ServiceRequest")).is_err());
    }
}
