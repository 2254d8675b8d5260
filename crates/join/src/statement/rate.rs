//! How often a medicine is taken: one rate, however it is written.

use fhir::Ref;

/// Times a period: once in 24 hours is once a day, and seven days are a week; a month is no number of days. `None` where neither a
/// frequency nor a period is said. What cannot be reckoned with is compared as it is written.
pub(super) fn of(repeat: Ref<'_>) -> Option<String> {
    let part = |name: &str| repeat.get(name).and_then(Ref::value).filter(|text| !text.is_empty());
    let (times, period, unit) = (part("frequency"), part("period"), part("periodUnit"));
    if times.is_none() && period.is_none() {
        return None;
    }
    let written = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().unwrap_or("1").to_owned();
    // Ranges (four to six hours) are another thing than their lower end.
    let upto: String = ["frequencyMax", "periodMax"].iter().filter_map(|name| Some(format!(", {name} {}", part(name)?))).collect();
    let unit = unit.as_deref().unwrap_or_default();
    let rate = reckoned(&written(&times), &written(&period), unit);
    let rate = rate.unwrap_or_else(|| format!("{} in {} {unit}", written(&times), written(&period)));
    Some(format!("{rate}{upto}"))
}

fn reckoned(times: &str, period: &str, unit: &str) -> Option<String> {
    let (count, of): (i128, &str) = match unit {
        "s" => (1, "s"),
        "min" => (60, "s"),
        "h" => (3_600, "s"),
        "d" => (86_400, "s"),
        "wk" => (604_800, "s"),
        "mo" => (1, "mo"),
        "a" => (12, "mo"),
        _ => return None,
    };
    let (times, period) = (decimal(times)?, decimal(period)?);
    let above = times.0.checked_mul(period.1)?;
    let below = times.1.checked_mul(period.0)?.checked_mul(count)?;
    let shared = divisor(above, below);
    (shared > 0).then(|| format!("{} in {} {of}", above / shared, below / shared))
}

/// A decimal as a fraction.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 9 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let below = 10_i128.pow(u32::try_from(rest.len()).ok()?);
    let above: i128 = format!("{whole}{rest}").parse().ok().filter(|above| *above > 0 && *above < 1_000_000_000_000)?;
    Some((above, below))
}

fn divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::of;
    use fhir::Tree;

    #[test]
    fn one_rate_is_one_however_it_is_written() {
        let rate = |json: &str| of(Tree::from_json(json.to_owned().into()).unwrap_or_else(|why| panic!("{why}")).root());
        let check = |one: &str, other: &str, same: bool| assert_eq!(rate(one) == rate(other), same, "{:?} {:?}", rate(one), rate(other));
        let daily = r#"{"frequency":1,"period":1,"periodUnit":"d"}"#;
        check(daily, r#"{"frequency":1,"period":24,"periodUnit":"h"}"#, true);
        check(daily, r#"{"frequency":1,"period":1.0,"periodUnit":"d"}"#, true);
        check(daily, r#"{"period":1,"periodUnit":"d"}"#, true);
        check(r#"{"frequency":1,"period":1,"periodUnit":"wk"}"#, r#"{"frequency":1,"period":7,"periodUnit":"d"}"#, true);
        check(daily, r#"{"frequency":1,"period":1,"periodUnit":"wk"}"#, false);
        check(daily, r#"{"frequency":2,"period":1,"periodUnit":"d"}"#, false);
        check(r#"{"frequency":1,"period":1,"periodUnit":"mo"}"#, r#"{"frequency":1,"period":30,"periodUnit":"d"}"#, false);
        check(r#"{"frequency":1,"period":4,"periodUnit":"h"}"#, r#"{"frequency":1,"period":4,"periodMax":6,"periodUnit":"h"}"#, false);
        assert_eq!(rate(r#"{"periodUnit":"d"}"#), None);
        assert_eq!(rate(r#"{"frequency":0,"period":0,"periodUnit":"d"}"#).as_deref(), Some("0 in 0 d"));
    }
}
