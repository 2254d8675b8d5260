//! Medicines: ordered, taken, dispensed or given.

use super::{Key, Writes};
use crate::node::{Node, list, object};
use crate::pen::{Pen, codeable};
use crate::supplier::Version;
use crate::terms;
use serde::Deserialize;

mod orders;
mod supplies;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Medicine {
    /// The product.
    what: String,
    /// `order`, `statement`, `dispense` or `administration`.
    #[serde(rename = "as")]
    role: String,
    /// `active`, `completed`, `stopped`, `on-hold`, `cancelled` or `entered-in-error`.
    #[serde(default = "active")]
    status: String,
    /// The directions, as on the label.
    directions: Option<String>,
    /// Dose, such as "1 tablet" or "500 mg".
    dose: Option<String>,
    /// How often, such as "2 per day" or "1 per week".
    often: Option<String>,
    /// How it is taken, such as "Oral".
    route: Option<String>,
    /// From when.
    since: Option<String>,
    /// Until when.
    until: Option<String>,
    /// When it was ordered, dispensed or given.
    when: Option<String>,
    /// `plan` (an authorisation) or `order` (an issue); for orders only.
    intent: Option<String>,
    /// `acute`, `repeat` or `repeat-dispensing`; for orders only.
    course: Option<String>,
    /// How much is supplied, such as "56 tablet".
    quantity: Option<String>,
    /// Number of the prescription that it was one item of.
    prescription: Option<String>,
    /// What it is for.
    #[serde(rename = "for")]
    reason: Option<String>,
    /// Why it was stopped.
    stopped_because: Option<String>,
    /// Key of the order that this issue, dispense or administration follows.
    order: Option<String>,
}

fn active() -> String {
    "active".into()
}

impl Writes for Medicine {
    const CLASHES: &'static [&'static str] = &["status", "dose"];
    const KEY: Key = Key::Exact(&["what", "often", "route"]);

    fn resource_type(&self, version: Version) -> Option<&'static str> {
        Some(match (self.role.as_str(), version) {
            ("order", Version::Dstu2) => "MedicationOrder",
            ("order", _) => "MedicationRequest",
            ("dispense", _) => "MedicationDispense",
            ("administration", _) => "MedicationAdministration",
            ("statement", _) => "MedicationStatement",
            _ => return None,
        })
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        match (self.role.as_str(), pen.version()) {
            ("order", Version::R4) => self.order_r4(pen),
            ("order", Version::Stu3) => self.order_stu3(pen),
            ("order", Version::Dstu2) => self.order_dstu2(pen),
            ("dispense", Version::Dstu2) => self.dispense_dstu2(pen),
            ("dispense", _) => self.dispense(pen),
            ("administration", Version::Dstu2) => self.administration_dstu2(pen),
            ("administration", _) => self.administration(pen),
            (_, Version::R4) => self.statement_r4(pen),
            (_, Version::Stu3) => self.statement_stu3(pen),
            (_, Version::Dstu2) => self.statement_dstu2(pen),
        }
    }
}

impl Medicine {
    /// The product.
    pub(super) fn name(&self) -> &str {
        &self.what
    }

    /// Line-item identifier; the prescription's own number stands apart from it.
    fn group(&self) -> Node {
        let number = self.prescription.as_deref().map(|number| {
            object! {
                "system": "https://fhir.nhs.uk/Id/prescription-order-number",
                "value": number,
            }
        });
        number.into()
    }

    fn reasons(&self, pen: &Pen<'_>) -> Node {
        list![self.reason.as_deref().map(|reason| pen.concept(reason))]
    }

    fn why_stopped(&self) -> Node {
        let why = self.stopped_because.as_deref();
        why.map(|why| object! { "text": why }).into()
    }

    fn supply(&self, pen: &Pen<'_>) -> Node {
        let quantity = self.quantity.as_deref().map(quantity);
        object! {
            "validityPeriod": pen.period(self.since.as_ref(), self.until.as_ref()),
            "quantity": quantity,
        }
    }

    /// The dosage of an order, a dispense or a statement.
    fn dosages(&self, pen: &Pen<'_>) -> Node {
        let dose = self.dose.as_deref().map(quantity);
        let mut dosage = object! {
            "text": self.directions.as_deref(),
            "timing": self.timing(pen.version()),
            "route": self.route.as_deref().map(|route| pen.concept(route)),
        };
        if dosage == Node::Nothing && dose.is_none() {
            return Node::Nothing;
        }
        if dosage == Node::Nothing {
            dosage = Node::Object(Vec::new());
        }
        dosage.append(match (pen.version(), self.role.as_str()) {
            (Version::R4, _) => object! {
                "doseAndRate": list![object! { "doseQuantity": dose }],
            },
            (Version::Dstu2, "statement") => object! { "quantityQuantity": dose },
            _ => object! { "doseQuantity": dose },
        });
        list![dosage]
    }

    fn timing(&self, version: Version) -> Node {
        let Some((times, unit)) = self.often.as_deref().and_then(|o| o.split_once(" per ")) else {
            return Node::Nothing;
        };
        let code = match unit {
            "hour" => "h",
            "week" => "wk",
            "month" => "mo",
            _ => "d",
        };
        let repeat = match version {
            Version::Dstu2 => object! {
                "frequency": Node::number(times), "period": Node::number("1"), "periodUnits": code,
            },
            Version::Stu3 | Version::R4 => object! {
                "frequency": Node::number(times), "period": Node::number("1"), "periodUnit": code,
            },
        };
        object! { "repeat": repeat }
    }
}

/// `56 tablet`, `10 mg`, `30`.
fn quantity(said: &str) -> Node {
    let (value, unit) = said.split_once(' ').unwrap_or((said, ""));
    let unit = Some(unit).filter(|unit| !unit.is_empty());
    let code = match unit {
        Some("mg" | "mL" | "g" | "ug") => unit,
        Some(unit) => terms::ucum(unit),
        None => None,
    };
    object! {
        "value": Node::number(value),
        "unit": unit,
        "system": code.map(|_| "http://unitsofmeasure.org"),
        "code": code,
    }
}

/// Where a medicine is taken, in the words of the version.
fn community(version: Version, of: &str) -> Node {
    match version {
        Version::R4 => {
            let system = format!("http://terminology.hl7.org/CodeSystem/{of}");
            codeable(&system, "community", "Community")
        }
        Version::Stu3 | Version::Dstu2 => {
            let system = format!("http://hl7.org/fhir/{of}");
            codeable(&system, "community", "Community")
        }
    }
}
