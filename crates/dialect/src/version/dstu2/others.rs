//! People, places, things, and types a shared record seldom carries.

use fhir::NodeId;

use crate::version::common::{CLAIM_USE, animal};
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Codes, Concept, Note, Rename, Run, Wrap};
use crate::version::rule::Shape;
use crate::version::stu3::named;

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "BodySite", to: "BodyStructure", rules: &[Rename("code", "location"), Rename("modifier", "locationQualifier")] },
    Shape { from: "Claim", to: "Claim", rules: &[Codes("use", CLAIM_USE)] },
    Shape {
        from: "Device",
        to: "Device",
        rules: &[
            Codes("status", &[("available", "active"), ("not-available", "inactive")]),
            Rename("expiry", "expirationDate"),
            Run(|draft, device| named(draft, device, "model", "model-name")),
            Wrap("version", "value"),
            Run(udi),
        ],
    },
    Shape {
        from: "DeviceUseStatement",
        to: "DeviceUseStatement",
        rules: &[Rename("bodySiteCodeableConcept", "bodySite"), Rename("indication", "reasonCode"), Note("notes")],
    },
    Shape { from: "Media", to: "Media", rules: &[Concept("type", "http://hl7.org/fhir/digital-media-type")] },
    Shape { from: "Patient", to: "Patient", rules: &[Run(animal), Rename("careProvider", "generalPractitioner")] },
    Shape { from: "Patient.link", to: "Patient.link", rules: &[Codes("type", &[("replace", "replaced-by")])] },
    Shape { from: "Substance.ingredient", to: "Substance.ingredient", rules: &[Rename("substance", "substanceReference")] },
];

/// A UDI was one string: what a person can read of the carrier.
fn udi(draft: &mut Draft<'_>, device: NodeId) {
    if let Some(node) = draft.take(device, "udi") {
        let carrier = draft.wrapped("carrierHRF", node);
        draft.append(device, "udiCarrier", carrier);
    }
}
