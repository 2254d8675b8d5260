//! Quantities brought to one unit by UCUM's own rules, in decimal, without rounding.

use std::borrow::Cow;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// A quantity in base units: equal when it measures the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Measure {
    /// Digits without leading or trailing zeros, `-` in front when negative; `0` for nothing.
    digits: String,
    /// Power of ten that the digits stand for.
    exponent: i64,
    /// What it counts: base units in order, each with its power. Units that are not known stand for themselves.
    dimension: Cow<'static, str>,
}

impl Measure {
    /// What it counts, as base units with their powers; empty for a bare number.
    pub fn dimension(&self) -> &str {
        &self.dimension
    }

    /// How much, in base units: digits and a power of ten.
    pub fn amount(&self) -> String {
        format!("{}e{}", self.digits, self.exponent)
    }

    /// What it counts, for whoever keeps it longer.
    pub fn into_dimension(self) -> Cow<'static, str> {
        self.dimension
    }
}

/// Metric prefixes of UCUM, as powers of ten.
#[rustfmt::skip]
const PREFIXES: &[(&str, i64)] = &[
    ("da", 1), ("Y", 24), ("Z", 21), ("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("h", 2),
    ("d", -1), ("c", -2), ("m", -3), ("u", -6), ("n", -9), ("p", -12), ("f", -15), ("a", -18), ("z", -21), ("y", -24),
];

/// Units that take a prefix, with the base they are counted in and the power of ten between.
#[rustfmt::skip]
const METRIC: &[(&str, &str, i64)] = &[
    ("g", "g", 0), ("m", "m", 0), ("L", "L", 0), ("l", "L", 0), ("mol", "mol", 0), ("s", "s", 0), ("Pa", "Pa", 0), ("bar", "Pa", 5),
    ("J", "J", 0), ("cal", "cal", 0), ("eq", "eq", 0), ("osm", "osm", 0), ("kat", "kat", 0), ("U", "U", 0), ("[iU]", "[iU]", 0),
    ("[IU]", "[iU]", 0), ("Cel", "Cel", 0), ("V", "V", 0), ("Hz", "Hz", 0), ("Bq", "Bq", 0), ("Gy", "Gy", 0), ("Sv", "Sv", 0), ("W", "W", 0),
    ("m[Hg]", "m[Hg]", 0), ("m[H2O]", "m[H2O]", 0), ("t", "g", 6),
];

/// Units that are words in use rather than UCUM, and their UCUM code.
#[rustfmt::skip]
const SPELLINGS: &[(&str, &str)] = &[
    ("mmHg", "mm[Hg]"), ("mm Hg", "mm[Hg]"), ("mcg", "ug"), ("microgram", "ug"), ("micrograms", "ug"), ("milligram", "mg"),
    ("milligrams", "mg"), ("gram", "g"), ("grams", "g"), ("millilitre", "mL"), ("litre", "L"), ("kilogram", "kg"), ("beats/min", "/min"),
    ("beats/minute", "/min"), ("bpm", "/min"), ("{beats}/min", "/min"), ("{Beats}/min", "/min"), ("breaths/min", "/min"),
    ("degrees C", "Cel"), ("degC", "Cel"), ("C", "Cel"), ("10^9/L", "10*9/L"), ("10^12/L", "10*12/L"), ("x10^9/L", "10*9/L"),
    ("mU/L", "m[iU]/L"), ("IU/L", "[iU]/L"), ("kg/m²", "kg/m2"),
];

/// Units that most measurements are in: what they come to is found out once.
#[rustfmt::skip]
static COMMON: LazyLock<FxHashMap<&str, (String, i64)>> = LazyLock::new(|| {
    let units = [
        "", "%", "/min", "10*12/L", "10*9/L", "10^9/L", "Cel", "L", "L/min", "U/L", "[iU]", "a", "cm", "d", "fL", "g", "g/L", "h", "kPa", "kg",
        "kg/m2", "mL", "mL/min", "mL/min/{1.73_m2}", "mU/L", "mg", "mg/L", "mg/dL", "min", "mm[Hg]", "mmHg", "mmol/L", "mmol/mol", "mo",
        "ng/L", "nmol/L", "pg", "pmol/L", "s", "ug", "ug/L", "umol/L", "wk", "{score}", "{tablet}",
    ];
    units.into_iter().map(|unit| (unit, dimension(unit))).collect()
});

/// Brings a decimal number with a unit (UCUM code, or words where there is no code) to base units.
/// `None` when the number is none, or too long to be a measurement.
pub fn measure(value: &str, unit: &str) -> Option<Measure> {
    let (digits, exponent) = decimal(value)?;
    let (dimension, power) = match COMMON.get(unit) {
        Some((dimension, power)) => (Cow::Borrowed(dimension.as_str()), *power),
        None => {
            let (dimension, power) = dimension(unit);
            (Cow::Owned(dimension), power)
        }
    };
    let exponent = if digits == "0" { 0 } else { exponent + power };
    Some(Measure { digits, exponent, dimension })
}

/// `-071.50` as (`-715`, -1).
fn decimal(text: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let length = whole.len() + fraction.len();
    let digits = || whole.bytes().chain(fraction.bytes());
    if length == 0 || length > 64 || exponent.unsigned_abs() > 1_000_000 || !digits().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut all = String::with_capacity(length);
    all.push_str(whole);
    all.push_str(fraction);
    let mut exponent = exponent - fraction.len() as i64;
    let digits = all.trim_start_matches('0');
    let short = digits.trim_end_matches('0');
    if short.is_empty() {
        return Some(("0".to_owned(), 0));
    }
    exponent += (digits.len() - short.len()) as i64;
    if sign.is_empty() && short.len() == all.len() {
        return Some((all, exponent));
    }
    Some(([sign, short].concat(), exponent))
}

/// A unit as base units with powers, and the power of ten it stands for.
fn dimension(unit: &str) -> (String, i64) {
    let unit = unit.trim();
    let unit = SPELLINGS.iter().find(|(word, _)| *word == unit).map_or(unit, |(_, code)| code);
    let unit = unit.replace(['µ', 'μ'], "u");
    let mut parts: Vec<(String, i64)> = Vec::new();
    let mut power = 0;
    let mut sign = 1;
    for (operator, factor) in factors(&unit) {
        if operator == '/' {
            sign = -1;
        } else if operator == '.' {
            sign = 1;
        }
        let Some((base, times, ten)) = component(factor) else { continue };
        power += sign * ten;
        if base.is_empty() {
            continue;
        }
        match parts.iter_mut().find(|(known, _)| *known == base) {
            Some((_, count)) => *count += sign * times,
            None => parts.push((base, sign * times)),
        }
    }
    parts.retain(|(_, count)| *count != 0);
    parts.sort();
    (parts.iter().map(|(base, count)| format!("{base}^{count}")).collect::<Vec<_>>().join("."), power)
}

/// The factors of a unit with the operator before each; braces and brackets hold no operators.
fn factors(unit: &str) -> Vec<(char, &str)> {
    let mut factors = Vec::new();
    let (mut start, mut operator, mut depth) = (0, '.', 0usize);
    for (at, c) in unit.char_indices() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            '.' | '/' if depth == 0 => {
                factors.push((operator, &unit[start..at]));
                (start, operator) = (at + 1, c);
            }
            _ => {}
        }
    }
    factors.push((operator, &unit[start..]));
    factors
}

/// One factor: its base unit, how many times, and the power of ten. Nothing for an empty one.
fn component(factor: &str) -> Option<(String, i64, i64)> {
    if factor.is_empty() {
        return None;
    }
    if factor == "%" {
        return Some((String::new(), 0, -2));
    }
    if let Some(ten) = factor.strip_prefix("10*").or_else(|| factor.strip_prefix("10^")) {
        return ten.parse().ok().filter(|ten: &i64| ten.unsigned_abs() < 100).map(|ten| (String::new(), 0, ten));
    }
    // An annotation says what is counted and changes no number, but `mL/min/{1.73_m2}` is not `mL/min`: it stays.
    if factor.starts_with('{') {
        return Some((factor.to_lowercase(), 1, 0));
    }
    if factor == "1" {
        return None;
    }
    let end = factor.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    let times: i64 = if end.is_empty() || end.len() == factor.len() { 1 } else { factor[end.len()..].parse().unwrap_or(1) };
    let symbol = if end.is_empty() { factor } else { end };
    let times = times.clamp(-20, 20);
    if let Some((_, base, ten)) = METRIC.iter().find(|(name, _, _)| *name == symbol) {
        return Some(((*base).to_owned(), times, ten * times));
    }
    let prefixed = PREFIXES.iter().find_map(|(prefix, power)| {
        let rest = symbol.strip_prefix(prefix)?;
        METRIC.iter().find(|(name, _, _)| *name == rest).map(|(_, base, ten)| ((*base).to_owned(), (power + ten) * times))
    });
    Some(match prefixed {
        Some((base, ten)) => (base, times, ten),
        None => (symbol.to_owned(), times, 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_amount_in_two_units_is_one_measure() {
        let check = |(a, in_a): (&str, &str), (b, in_b): (&str, &str), same: bool| {
            assert_eq!(measure(a, in_a) == measure(b, in_b), same, "{a} {in_a} and {b} {in_b}");
        };
        check(("71.50", "kg"), ("71.5", "kg"), true);
        check(("500", "mg"), ("0.5", "g"), true);
        check(("5.6", "mmol/L"), ("5600", "umol/L"), true);
        check(("5.6", "mmol/L"), ("5.6", "mol/m3"), false);
        check(("130", "mm[Hg]"), ("130", "mmHg"), true);
        check(("4.5", "10*9/L"), ("4500", "10*6/L"), true);
        check(("60", "mL/min"), ("60", "mL/min/{1.73_m2}"), false);
        check(("25", "ug"), ("25", "mcg"), true);
        check(("25", "ug"), ("25", "mg"), false);
        check(("1", "h"), ("1", "d"), false);
        check(("170", "cm"), ("1.7", "m"), true);
        check(("27", "kg/m2"), ("27", "kg/m²"), true);
        check(("0", "mg"), ("0.00", "g"), true);
        check(("1", "kg"), ("1", "m"), false);
        check(("7.2", "%"), ("7.2", "mmol/mol"), false);
        assert_eq!(measure("high", "mg"), None);
        assert_eq!(measure("", ""), None);
    }

    #[test]
    fn a_power_beyond_all_measurement_is_none() {
        // Whose absolute value is no number of this width.
        let least = i64::MIN;
        assert_eq!(measure(&format!("1.5e{least}"), "mg"), None);
        assert_eq!(measure("1.5", &format!("10*{least}/L")), measure("1.5", "/L"), "a power that is none says nothing");
    }

    proptest! {
        #[test]
        fn law_trailing_zeros_measure_nothing(whole in 0u32..1_000_000, zeros in 0usize..6) {
            let (plain, padded) = (format!("{whole}.5"), format!("{whole}.5{}", "0".repeat(zeros)));
            prop_assert_eq!(measure(&plain, "mmol/L"), measure(&padded, "mmol/L"));
        }

        #[test]
        fn law_no_text_is_a_panic(value in ".{0,20}", unit in ".{0,20}") {
            measure(&value, &unit);
        }
    }
}
