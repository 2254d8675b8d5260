//! Devices and equipment.

use super::Writes;
use crate::node::{Node, object};
use crate::pen::Pen;
use crate::supplier::Version;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Device {
    /// The device.
    what: String,
    /// `active` or `inactive`.
    #[serde(default = "active")]
    status: String,
    /// Who made it.
    maker: Option<String>,
    /// Its model.
    model: Option<String>,
    /// Its batch.
    lot: Option<String>,
}

fn active() -> String {
    "active".into()
}

impl Writes for Device {
    const CLASHES: &'static [&'static str] = &["lot", "status"];

    fn resource_type(&self, _: Version) -> Option<&'static str> {
        Some("Device")
    }

    fn write(&self, pen: &Pen<'_>) -> Node {
        let (maker, model, lot) = (self.maker.as_deref(), self.model.as_deref(), self.lot.as_deref());
        match pen.version() {
            Version::R4 => object! {
                "identifier": pen.identifiers(),
                "status": &self.status,
                "manufacturer": maker,
                "lotNumber": lot,
                "modelNumber": model,
                "type": pen.what(&self.what),
                "patient": pen.subject(),
                "owner": pen.organisation(),
                "note": pen.notes(),
            },
            Version::Stu3 => object! {
                "identifier": pen.identifiers(),
                "status": &self.status,
                "type": pen.what(&self.what),
                "lotNumber": lot,
                "manufacturer": maker,
                "model": model,
                "patient": pen.subject(),
                "owner": pen.organisation(),
                "note": pen.notes(),
            },
            Version::Dstu2 => object! {
                "identifier": pen.identifiers(),
                "type": pen.what(&self.what),
                "note": pen.notes(),
                "status": if self.status == "active" { "available" } else { "not-available" },
                "manufacturer": maker,
                "model": model,
                "lotNumber": lot,
                "owner": pen.organisation(),
                "patient": pen.subject(),
            },
        }
    }
}
