//! One body's resources, without a conversation: for `severn convert`, tests and checks.

use bytes::Bytes;
use fhir::Version;
use record::{Chart, Item, Quarantined, SourceId};

use crate::body;
use crate::hosts::Hosts;
use crate::reading::{Arrivals, Read, Reading};
use crate::references::Bases;

/// What became of a body.
#[derive(Debug, Clone, Default)]
pub struct Converted {
    /// In the order they came; Patients among them.
    pub items: Vec<Item>,
    /// What could not become an item.
    pub quarantined: Vec<Quarantined>,
    /// Why the body as a whole is no FHIR.
    pub refused: Option<String>,
}

/// Reads a Bundle or a resource of any version the way a conversation does, as from a source named `file`.
///
/// ```
/// let body = r#"{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/2"}}"#;
/// let converted = dialect::convert(fhir::Version::R4, body.into(), "application/fhir+json");
/// assert_eq!(converted.items[0].id, "file-1");
/// assert!(converted.items[0].tree.root().is("subject.reference", "Patient/file-2"));
/// ```
pub fn convert(version: Version, body: Bytes, content_type: &str) -> Converted {
    let bundle = match body::read(version, body, content_type) {
        Ok(bundle) => bundle,
        Err(why) => return Converted { refused: Some(why), ..Converted::default() },
    };
    let mut arrivals = Arrivals::new(reading(version));
    for entry in bundle.entries {
        arrivals.take(entry, 0);
    }
    let Read { items, quarantined, .. } = arrivals.finish(&|_| true);
    Converted { items, quarantined, refused: None }
}

/// Reads one JSON bundle of CareCentric's (`adt`, `alerts`, …) the way a conversation does, as from a source named `file`.
/// `None`: there is no bundle of that name.
///
/// ```
/// let body = r#"{"AlertsCollection":[{"AlertId":"7","Alert":"Risk of falls"}]}"#;
/// let chart = dialect::convert_bundle("alerts", body.into()).unwrap();
/// assert_eq!(chart.items[0].id, "file-alerts-7");
/// assert!(chart.items[0].tree.root().is("code.text", "Risk of falls"));
/// ```
pub fn convert_bundle(bundle: &str, body: Bytes) -> Option<Chart> {
    crate::carecentric::convert(bundle, body)
}

fn reading(version: Version) -> Reading {
    let source: SourceId = "file".parse().expect("four letters are a source id");
    let hosts = Hosts::new(&source, std::iter::empty());
    Reading { source, version, numbers: Vec::new(), aliases: Vec::new(), exchange_base: String::new(), bases: Bases::default(), hosts }
}
