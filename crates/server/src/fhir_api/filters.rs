//! Parameters that narrow a search, checked before anybody is asked: what cannot be understood must not look like "none found".

use fhir::Kind;
use fhir::date::Partial;
use fhir::tables::{self, SearchKind};
use record::Filter;

use super::fault::Fault;
use super::params::{Param, alternatives, clipped};

/// The kind of a parameter of a type, if it is one that narrows here.
pub fn search_kind(kind: Kind, name: &str) -> Option<SearchKind> {
    match name {
        "_id" => Some(SearchKind::Token),
        "_lastUpdated" => Some(SearchKind::Date),
        _ => {
            let known = tables::search_params(kind).iter().find(|known| known.name == name)?;
            narrows(known.kind).then_some(known.kind)
        }
    }
}

/// Composites, and what has rules of its own, are not searched by.
pub fn narrows(kind: SearchKind) -> bool {
    !matches!(kind, SearchKind::Composite | SearchKind::Special)
}

/// Reads one parameter; `None` when it has no value, which FHIR ignores.
pub fn filter(kind: Kind, search: SearchKind, param: &Param) -> Result<Option<Filter>, Fault> {
    let mut values = alternatives(&param.value);
    if values.is_empty() {
        return Ok(None);
    }
    let wrong = |why: String| Fault::parameter(&param.name, why);
    let mut modifier = param.modifier.clone();
    match (search, modifier.as_deref()) {
        (_, Some("missing")) => {
            if let Some(value) = values.iter().find(|value| !matches!(value.as_str(), "true" | "false")) {
                return Err(wrong(format!(":missing is true or false, not `{}`", clipped(value))));
            }
        }
        (SearchKind::Date, None) => check(&values, is_date, &wrong, "a date with a prefix such as ge, as ge2026-11-01")?,
        (SearchKind::Number | SearchKind::Quantity, None) => {
            check(&values, is_number, &wrong, "a number with a prefix such as gt, as gt5.4")?
        }
        (_, None) | (SearchKind::Token, Some("not" | "text")) | (SearchKind::String, Some("contains" | "exact")) => {}
        (SearchKind::Reference, Some(target)) if Kind::parse(target).is_some() => {
            values.iter_mut().filter(|value| !value.contains('/')).for_each(|value| *value = format!("{target}/{value}"));
            modifier = None;
        }
        (_, Some(other)) => return Err(wrong(format!("the modifier :{} is not supported here", clipped(other)))),
    }
    Ok(Some(Filter { kind, name: param.name.clone(), modifier, values }))
}

fn check(values: &[String], fine: impl Fn(&str) -> bool, wrong: &impl Fn(String) -> Fault, must: &str) -> Result<(), Fault> {
    match values.iter().find(|value| !fine(value)) {
        Some(value) => Err(wrong(format!("`{}` is not {must}", clipped(value)))),
        None => Ok(()),
    }
}

/// A value without its prefix; `None` for a prefix that is not supported.
fn without_prefix<'a>(value: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    match value.get(..2).filter(|start| start.bytes().all(|byte| byte.is_ascii_lowercase())) {
        Some(prefix) => prefixes.contains(&prefix).then(|| &value[2..]),
        None => Some(value),
    }
}

fn is_date(value: &str) -> bool {
    let text = without_prefix(value, &["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]);
    text.is_some_and(|text| Partial::parse(&text.replace(' ', "+")).is_some())
}

fn is_number(value: &str) -> bool {
    let number = value.split('|').next().unwrap_or_default();
    let text = without_prefix(number, &["eq", "ne", "gt", "lt", "ge", "le"]);
    text.is_some_and(|text| text.parse::<f64>().is_ok_and(f64::is_finite))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_understood_is_refused() {
        let check = |kind: Kind, name: &str, modifier: Option<&str>, value: &str, expected: Option<&str>| {
            let param = Param { name: name.to_owned(), modifier: modifier.map(str::to_owned), value: value.to_owned() };
            let read = filter(kind, search_kind(kind, name).unwrap(), &param);
            let read = read.map(|filter| filter.map(|filter| filter.values.join(",")));
            assert_eq!(read.ok().map(Option::unwrap_or_default).as_deref(), expected, "{name} {modifier:?} {value}");
        };
        check(Kind::CONDITION, "code", None, "a|b,c", Some("a|b,c"));
        check(Kind::CONDITION, "code", None, "", Some(""));
        check(Kind::CONDITION, "code", Some("not"), "a", Some("a"));
        check(Kind::CONDITION, "code", Some("below"), "a", None);
        check(Kind::CONDITION, "code", Some("missing"), "true", Some("true"));
        check(Kind::CONDITION, "code", Some("missing"), "yes", None);
        check(Kind::OBSERVATION, "date", None, "ge2026-11", Some("ge2026-11"));
        check(Kind::OBSERVATION, "date", None, "2026-11-01T09:00:00 01:00", Some("2026-11-01T09:00:00 01:00"));
        check(Kind::OBSERVATION, "date", None, "yesterday", None);
        check(Kind::OBSERVATION, "date", None, "ap2026", None);
        check(Kind::OBSERVATION, "date", None, "2026,01/02/2026", None);
        check(Kind::OBSERVATION, "_lastUpdated", None, "gt2026-13", None);
        check(
            Kind::OBSERVATION,
            "value-quantity",
            None,
            "gt5.4|http://unitsofmeasure.org|mmol/L",
            Some("gt5.4|http://unitsofmeasure.org|mmol/L"),
        );
        check(Kind::OBSERVATION, "value-quantity", None, "high", None);
        check(Kind::OBSERVATION, "value-quantity", None, "NaN", None);
        check(Kind::OBSERVATION, "performer", Some("Practitioner"), "1,Practitioner/2", Some("Practitioner/1,Practitioner/2"));
        check(Kind::OBSERVATION, "performer", Some("Nobody"), "1", None);
        assert!(search_kind(Kind::OBSERVATION, "code-value-quantity").is_none());
    }
}
