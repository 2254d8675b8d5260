//! Values that were measured: each with its unit, range and flag, all of one laboratory.

use fhir::Ref;

use crate::item::{concept, concept_at, text};
use crate::words;

/// A value with its unit, range and flag, all of one laboratory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Of what.
    pub name: String,
    /// Value and unit, digits as they were written.
    pub value: String,
    /// Reference range.
    pub range: String,
    /// The laboratory's own flag.
    pub flag: String,
    /// Whether the flag says that it is not normal.
    pub abnormal: bool,
    /// The unit: its code in UCUM, else as it is written; empty where none is given.
    pub unit: String,
    /// Codes of what it is of that mean the same wherever they stand.
    pub(crate) codes: Vec<(String, String)>,
    /// The value where it is a number and nothing else.
    digits: String,
    /// Bounds of the only range, in the unit of the value.
    low: String,
    high: String,
}

impl Reading {
    /// The value, where it is a plain number of a size that can be drawn.
    pub(crate) fn number(&self) -> Option<f64> {
        plain_number(&self.digits)
    }

    /// The bounds of its range, where they are in its unit.
    pub(crate) fn bounds(&self) -> Option<[Option<f64>; 2]> {
        let bounds = [plain_number(&self.low), plain_number(&self.high)];
        bounds.iter().any(Option::is_some).then_some(bounds)
    }
}

fn plain_number(digits: &str) -> Option<f64> {
    digits.parse::<f64>().ok().filter(|number| number.abs() < 1e12)
}

/// `118 umol/L`, digits as they were written.
pub(crate) fn quantity(quantity: Ref<'_>) -> Option<String> {
    let value = text(quantity, "value")?;
    let unit = text(quantity, "unit").or_else(|| text(quantity, "code")).unwrap_or_else(|| "(no unit given)".to_owned());
    Some(format!("{}{value} {unit}", text(quantity, "comparator").unwrap_or_default()))
}

pub(crate) fn value(node: Ref<'_>) -> Option<String> {
    node.get("valueQuantity")
        .and_then(quantity)
        .or_else(|| node.get("valueCodeableConcept").and_then(concept))
        .or_else(|| text(node, "valueString"))
        .or_else(|| text(node, "valueInteger"))
        .or_else(|| text(node, "valueBoolean").map(|yes| if yes == "true" { "Yes".into() } else { "No".into() }))
        .or_else(|| ["valueDateTime", "valueDate", "valueTime"].iter().find_map(|key| text(node, key)).map(|date| words::date(&date)))
        .or_else(|| Some(format!("{} to {}", quantity(node.at("valueRange.low")?)?, quantity(node.at("valueRange.high")?)?)))
        .or_else(|| Some(format!("{} : {}", quantity(node.at("valueRatio.numerator")?)?, quantity(node.at("valueRatio.denominator")?)?)))
        .or_else(|| concept_at(node, "dataAbsentReason").map(|why| format!("No value: {}", why.to_lowercase())))
}

/// Of an Observation, and of each of its components.
pub(crate) fn readings(root: Ref<'_>) -> Vec<Reading> {
    let one = |node: Ref<'_>| {
        let (flag, abnormal) = flag(node);
        let (digits, unit) = measured(node);
        let ranges = node.all("referenceRange");
        let bound = |key: &str| match ranges.as_slice() {
            // Of several, which is whose is not told by their numbers.
            [range] => range.get(key).filter(|bound| unit_of(*bound) == unit).and_then(|bound| text(bound, "value")).unwrap_or_default(),
            _ => String::new(),
        };
        Some(Reading {
            name: concept_at(node, "code").unwrap_or_default(),
            value: value(node)?,
            range: range(node),
            flag,
            abnormal,
            codes: public_codes(node),
            digits,
            low: bound("low"),
            high: bound("high"),
            unit,
        })
    };
    let own: Option<Reading> = one(root);
    let parts = root.all("component").into_iter().filter_map(one);
    own.into_iter().chain(parts).collect()
}

/// A value that is a number and nothing else, and its unit.
fn measured(node: Ref<'_>) -> (String, String) {
    if let Some(quantity) = node.get("valueQuantity") {
        let digits = text(quantity, "value").filter(|_| quantity.get("comparator").is_none());
        return (digits.unwrap_or_default(), unit_of(quantity));
    }
    (text(node, "valueInteger").unwrap_or_default(), String::new())
}

/// What two quantities must have in common to be of one unit.
fn unit_of(quantity: Ref<'_>) -> String {
    let ucum = quantity.is("system", "http://unitsofmeasure.org");
    let code = text(quantity, "code").filter(|_| ucum);
    code.or_else(|| text(quantity, "unit")).or_else(|| text(quantity, "code")).unwrap_or_default()
}

fn range(node: Ref<'_>) -> String {
    let ranges = node.all("referenceRange").into_iter().filter_map(|range| {
        let (low, high) = (range.get("low").and_then(quantity), range.get("high").and_then(quantity));
        let bounds = match (low, high) {
            (Some(low), Some(high)) => Some(format!("{low} to {high}")),
            (Some(low), None) => Some(format!("{low} or more")),
            (None, Some(high)) => Some(format!("{high} or less")),
            (None, None) => None,
        };
        text(range, "text").or(bounds)
    });
    ranges.collect::<Vec<_>>().join("; ")
}

/// The flag that came with the result; nothing is judged here.
fn flag(node: Ref<'_>) -> (String, bool) {
    let mut abnormal = false;
    let said = node.all("interpretation").into_iter().filter_map(|interpretation| {
        let code = interpretation.all("coding.code").into_iter().find_map(|code| code.value().map(|code| code.into_owned()));
        let words = match code.as_deref() {
            Some("H") => "High",
            Some("HH" | "HU") => "Critically high",
            Some("L") => "Low",
            Some("LL" | "LU") => "Critically low",
            Some("A") => "Abnormal",
            Some("AA") => "Critically abnormal",
            Some("N") => "Normal",
            _ => return concept(interpretation),
        };
        abnormal |= words != "Normal";
        Some(words.to_owned())
    });
    (said.collect::<Vec<_>>().join(", "), abnormal)
}

/// Codes of a concept that mean the same wherever they stand.
fn public_codes(node: Ref<'_>) -> Vec<(String, String)> {
    const PUBLIC: [&str; 2] = ["http://snomed.info/sct", "http://loinc.org"];
    let codings = node.all("code.coding").into_iter();
    codings
        .filter_map(|coding| Some((text(coding, "system").filter(|system| PUBLIC.contains(&system.as_str()))?, text(coding, "code")?)))
        .collect()
}
