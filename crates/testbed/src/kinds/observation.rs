//! Results, measurements and other observations, and the specimens they were made on.

use super::{Detail, Key, Writes};
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable};
use crate::person::Fact;
use crate::supplier::Version;
use crate::{ident, terms};
use jiff::ToSpan;
use jiff::civil::DateTime;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Observation {
    /// What was observed.
    what: String,
    /// The result: "4.4 mmol/L", a term, or words. Absent for a panel.
    value: Option<String>,
    /// The parts of a panel: "Systolic blood pressure: 142 mmHg".
    #[serde(default)]
    parts: Vec<String>,
    /// When.
    when: String,
    /// `laboratory`, `vital-signs`, `social-history`, `survey` or `exam`.
    #[serde(default = "laboratory")]
    category: String,
    /// `final`, `preliminary`, `corrected`, `amended`, `cancelled` or `entered-in-error`.
    #[serde(rename = "status", default = "done")]
    status: String,
    /// Range, such as "3.5-5.3".
    range: Option<String>,
    /// The laboratory's own flag: `H`, `L`, `HH`, `LL`, `N` or `A`.
    flag: Option<String>,
    /// Key of its specimen.
    specimen: Option<String>,
    /// How it was made.
    method: Option<String>,
    /// Where on the body.
    site: Option<String>,
    /// Many readings, one after another.
    pub(super) series: Option<Series>,
}

/// Many readings in place of one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Series {
    count: usize,
    every_minutes: i64,
    values: Vec<String>,
}

fn laboratory() -> String {
    "laboratory".into()
}

fn done() -> String {
    "final".into()
}

/// One fact for each reading.
pub(super) fn series(fact: Fact) -> Vec<Fact> {
    let Some(Detail::Observation(first)) = fact.holdings.first().map(|h| &h.detail) else {
        return vec![fact];
    };
    let (Some(series), Ok(start)) = (&first.series, first.when.parse::<DateTime>()) else {
        return vec![fact];
    };
    let reading = |at: usize| {
        let mut one = fact.clone();
        one.key = format!("{}-{}", fact.key, at + 1);
        let after = series.every_minutes * i64::try_from(at).unwrap_or(i64::MAX);
        let when = start.saturating_add(after.minutes());
        for holding in &mut one.holdings {
            holding.id = ident::local(
                crate::supplier::habits(holding.supplier).map_or(ident::Ids::Uuid, |h| h.ids),
                &format!("{}/{at}", holding.id),
            );
            if let Detail::Observation(said) = &mut holding.detail {
                said.when = when.strftime("%Y-%m-%dT%H:%M").to_string();
                said.value = series.values.get(at % series.values.len().max(1)).cloned();
                said.series = None;
            }
        }
        one
    };
    (0..series.count).map(reading).collect()
}

impl Writes for Observation {
    const CLASHES: &'static [&'static str] = &["value", "parts"];
    const KEY: Key = Key::Exact(&["when", "method", "site"]);

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Observation")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let version = pen.version();
        let category = self.category(version);
        let mut node = object! {
            "identifier": pen.identifiers(),
            "status": &self.status,
            "category": match version {
                Version::Dstu2 => category,
                Version::Stu3 | Version::R4 => list![category],
            },
            "code": pen.what(&self.what),
            "subject": pen.subject(),
        };
        node.append(match version {
            Version::Stu3 => object! { "context": pen.encounter() },
            Version::Dstu2 | Version::R4 => object! { "encounter": pen.encounter() },
        });
        let issued = pen.common().recorded.as_deref().map(|at| pen.instant(at));
        node.append(object! {
            "effectiveDateTime": pen.when(&self.when),
            "issued": issued,
            "performer": list![pen.author()],
        });
        if let Some(value) = &self.value {
            node.append(said_value(pen, value));
        }
        node.append(self.interpreted(pen));
        node.append(object! {
            "bodySite": self.site.as_deref().map(|site| pen.concept(site)),
            "method": self.method.as_deref().map(|method| pen.concept(method)),
            "specimen": self.specimen.as_deref().map(|key| pen.fact(key)),
            "referenceRange": self.range(),
            "component": self.components(pen),
        });
        node
    }
}

impl Observation {
    fn category(&self, version: Version) -> Node {
        let system = match version {
            Version::R4 => "http://terminology.hl7.org/CodeSystem/observation-category",
            Version::Stu3 | Version::Dstu2 => "http://hl7.org/fhir/observation-category",
        };
        let display = match self.category.as_str() {
            "vital-signs" => "Vital Signs",
            "social-history" => "Social History",
            "survey" => "Survey",
            "exam" => "Exam",
            _ => "Laboratory",
        };
        codeable(system, &self.category, display)
    }

    /// The flag and the note, which have other shapes in each version.
    fn interpreted(&self, pen: &Pen<'_>) -> Node {
        let system = match pen.version() {
            Version::R4 => "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
            Version::Stu3 | Version::Dstu2 => "http://hl7.org/fhir/v2/0078",
        };
        let flag = self.flag.as_deref().map(|flag| {
            let display = match flag {
                "A" => "Abnormal",
                "H" => "High",
                "HH" => "Critical high",
                "L" => "Low",
                "LL" => "Critical low",
                _ => "Normal",
            };
            codeable(system, flag, display)
        });
        match pen.version() {
            Version::R4 => object! { "interpretation": list![flag], "note": pen.notes() },
            Version::Stu3 => object! { "interpretation": flag, "comment": pen.note_text() },
            Version::Dstu2 => object! { "interpretation": flag, "comments": pen.note_text() },
        }
    }

    fn range(&self) -> Node {
        let Some((low, high)) = self.range.as_deref().and_then(|range| range.split_once('-')) else {
            return Node::Nothing;
        };
        let unit = self.value.as_deref().and_then(|value| value.split_once(' ')).map(|v| v.1);
        let end = |digits: &str| match digits {
            "" => Node::Nothing,
            digits => quantity(digits, unit),
        };
        list![object! { "low": end(low), "high": end(high) }]
    }

    fn components(&self, pen: &Pen<'_>) -> Node {
        let component = |part: &String| {
            let (name, value) = part.split_once(": ").unwrap_or((part, ""));
            let mut node = object! { "code": pen.concept(name) };
            node.append(said_value(pen, value));
            node
        };
        self.parts.iter().map(component).collect::<Vec<_>>().into()
    }
}

/// A quantity when it begins with a number, a concept when it is a term, else a string.
pub(super) fn said_value(pen: &Pen<'_>, said: &str) -> Node {
    let (number, unit) = match said.split_once(' ') {
        Some((number, unit)) => (number, Some(unit)),
        None => (said, None),
    };
    if number.trim_start_matches(['<', '>', '=']).parse::<f64>().is_ok() {
        return object! { "valueQuantity": quantity(number, unit) };
    }
    match terms::term(said) {
        Some(_) => object! { "valueCodeableConcept": pen.concept(said) },
        None => object! { "valueString": said },
    }
}

/// A quantity with the digits as they are written, and UCUM where the unit is known.
fn quantity(digits: &str, unit: Option<&str>) -> Node {
    let number = digits.trim_start_matches(['<', '>', '=']);
    let comparator = &digits[..digits.len() - number.len()];
    let code = unit.and_then(terms::ucum);
    object! {
        "value": Node::number(number),
        "comparator": Some(comparator).filter(|c| !c.is_empty()),
        "unit": unit,
        "system": code.map(|_| "http://unitsofmeasure.org"),
        "code": code,
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Specimen {
    /// What it is, such as "Venous blood specimen".
    what: String,
    /// When it was taken.
    when: String,
    /// When the laboratory had it.
    received: Option<String>,
    /// The laboratory's number for it.
    accession: Option<String>,
}

impl Writes for Specimen {
    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Specimen")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let accession = self.accession.as_deref().map(|value| {
            object! { "system": "https://pathology.uhb.example.nhs.uk/Id/accession", "value": value }
        });
        let (early, late) = match pen.version() {
            Version::Dstu2 => (Node::Nothing, Node::from(accession)),
            Version::Stu3 | Version::R4 => (Node::from(accession), Node::Nothing),
        };
        object! {
            "identifier": pen.identifiers(),
            "accessionIdentifier": early,
            "status": "available",
            "type": pen.what(&self.what),
            "subject": pen.subject(),
            "accessionIdentifier": late,
            "receivedTime": pen.maybe_when(self.received.as_ref()),
            "collection": object! { "collectedDateTime": pen.when(&self.when) },
        }
    }
}
