//! People, places, things, and types a shared record seldom carries.

use fhir::NodeId;

use crate::version::common::{CLAIM_USE, animal};
use crate::version::draft::Draft;
use crate::version::rule::Rule::{Codes, Context, Rename, Run, Wrap};
use crate::version::rule::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape { from: "BodySite", to: "BodyStructure", rules: &[Rename("code", "location"), Rename("qualifier", "locationQualifier")] },
    Shape { from: "Claim", to: "Claim", rules: &[Codes("use", CLAIM_USE)] },
    Shape {
        from: "Device",
        to: "Device",
        rules: &[
            Run(named_by_udi),
            Rename("udi", "udiCarrier"),
            Run(|draft, device| named(draft, device, "model", "model-name")),
            Wrap("version", "value"),
        ],
    },
    Shape { from: "Device.udi", to: "Device.udiCarrier", rules: &[] },
    Shape { from: "DeviceUseStatement", to: "DeviceUseStatement", rules: &[Rename("indication", "reasonCode")] },
    Shape { from: "GuidanceResponse", to: "GuidanceResponse", rules: &[Context("encounter")] },
    Shape { from: "Patient", to: "Patient", rules: &[Run(animal)] },
];

/// The name a UDI's label gives is one of R4's device names.
fn named_by_udi(draft: &mut Draft<'_>, device: NodeId) {
    let Some(udi) = draft.at(device, "udi").filter(|node| draft.is_object(*node)) else { return };
    if let Some(name) = draft.take(udi, "name") {
        add_name(draft, device, name, "udi-label-name");
    }
}

/// Makes a text element one of R4's device names.
pub(in crate::version) fn named(draft: &mut Draft<'_>, device: NodeId, key: &str, kind: &str) {
    if let Some(name) = draft.take(device, key) {
        add_name(draft, device, name, kind);
    }
}

fn add_name(draft: &mut Draft<'_>, device: NodeId, name: NodeId, kind: &str) {
    let object = draft.wrapped("name", name);
    draft.tree.set_string(object, "type", kind);
    draft.append(device, "deviceName", object);
}
